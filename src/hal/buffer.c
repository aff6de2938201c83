#include "hal/buffer.h"

#include <assert.h>

#include "base/alloc.h"
#include "hal/buffer_internal.h"
#include "hal/device_internal.h"

#define BOUNCE_BYTES ((size_t)1 << 20) /* of host memory, for a copy between two devices that the host can't reach */

/* Counted. Everything but the count is read-only after creation. */
struct or_buffer_t {
  or_ref_t ref;
  bool wrapped; /* the memory is `owner`'s and was not charged */
  or_device_t *device;
  const or_backend_device_t *backend;
  size_t bytes; /* as asked */
  size_t charged_bytes;
  or_memory_t memory;
  or_owner_t owner;
};

static or_status_t new_buffer(or_device_t *device, size_t bytes, or_buffer_t **out) {
  const or_backend_device_t *backend = NULL;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_device_open(device, &backend);
  if (or_ok(status)) status = or_alloc_zeroed(device->allocator, sizeof(or_buffer_t), &memory);
  if (!or_ok(status)) return status;
  or_buffer_t *buffer = memory;
  or_ref_init(&buffer->ref);
  buffer->device = device;
  buffer->backend = backend;
  buffer->bytes = bytes;
  *out = buffer;
  return or_status_success();
}

or_status_t or_buffer_create(or_device_t *device, size_t bytes, or_buffer_t **out) {
  or_buffer_t *buffer = NULL;
  *out = NULL;
  or_status_t status = new_buffer(device, bytes, &buffer);
  if (!or_ok(status)) return status;
  buffer->charged_bytes = bytes > 0 ? bytes : 1; /* an empty buffer has an address too, as its tensors need one */

  status = or_hardware_charge(device->hardware, buffer->charged_bytes);
  if (!or_ok(status)) goto free_buffer;
  status = or_device_checked(
      device, buffer->backend->memory_alloc(buffer->backend->self, buffer->charged_bytes, &buffer->memory));
  if (!or_ok(status)) goto discharge;
  or_hardware_note_peak(device->hardware);
  or_device_keep(device);
  or_count(&device->counters.live_buffers, 1);
  or_count(&device->counters.allocations, 1);
  *out = buffer;
  return or_status_success();

discharge:
  or_hardware_discharge(device->hardware, buffer->charged_bytes);
free_buffer:
  or_free(device->allocator, buffer);
  return or_status_context(status, "device \"%s\": buffer of %zu bytes", device->facts.id, bytes);
}

or_status_t or_buffer_wrap(or_device_t *device, void *memory, size_t bytes, or_owner_t owner, or_buffer_t **out) {
  return or_buffer_wrap_aligned(device, memory, bytes, OR_DEFAULT_ALIGNMENT, owner, out);
}

or_status_t or_buffer_wrap_aligned(or_device_t *device, void *memory, size_t bytes, size_t alignment, or_owner_t owner,
                                   or_buffer_t **out) {
  static _Alignas(OR_DEFAULT_ALIGNMENT) char nothing[OR_DEFAULT_ALIGNMENT];
  *out = NULL;
  if (memory == NULL && bytes > 0)
    return or_error(OR_INVALID_ARGUMENT, "the memory to wrap is NULL, with %zu bytes", bytes);
  if (memory == NULL) memory = nothing;
  if ((uintptr_t)memory % alignment != 0) {
    return or_error(OR_INVALID_ARGUMENT, "the memory to wrap is at %p; it must be aligned to %zu bytes", memory,
                    alignment);
  }
  or_buffer_t *buffer = NULL;
  or_status_t status = new_buffer(device, bytes, &buffer);
  if (!or_ok(status)) return status;
  if (buffer->backend->memory_wrap == NULL) {
    status =
        or_error(OR_UNIMPLEMENTED, "has memory of its own and can't use the host's; create a buffer and write to it");
  } else {
    status =
        or_device_checked(device, buffer->backend->memory_wrap(buffer->backend->self, memory, bytes, &buffer->memory));
  }
  if (!or_ok(status)) {
    or_free(device->allocator, buffer);
    return or_status_context(status, "device \"%s\"", device->facts.id);
  }
  buffer->wrapped = true;
  buffer->owner = owner;
  or_device_keep(device);
  or_count(&device->counters.live_buffers, 1);
  *out = buffer;
  return or_status_success();
}

bool or_buffer_is_unshared(const or_buffer_t *buffer) {
  return atomic_load_explicit(&buffer->ref.count, memory_order_acquire) == 1;
}

void or_buffer_retain(or_buffer_t *buffer) { or_ref_retain(&buffer->ref); }

void or_buffer_release(or_buffer_t *buffer) {
  if (buffer == NULL || !or_ref_release(&buffer->ref)) return;
  or_device_t *device = buffer->device;
  buffer->backend->memory_release(buffer->backend->self, &buffer->memory);
  if (!buffer->wrapped) or_hardware_discharge(device->hardware, buffer->charged_bytes);
  if (buffer->wrapped && buffer->owner.release != NULL) buffer->owner.release(buffer->owner.self);
  or_free(device->allocator, buffer);
  atomic_fetch_sub_explicit(&device->counters.live_buffers, 1, memory_order_release);
  or_device_let_go(device);
}

size_t or_buffer_bytes(const or_buffer_t *buffer) { return buffer->bytes; }
or_device_t *or_buffer_device(const or_buffer_t *buffer) { return buffer->device; }
void *or_buffer_host_pointer(const or_buffer_t *buffer) { return buffer->memory.host; }

/* The memory itself is not const: what is const is the handle that a reader holds, and a backend's ranges name memory
 * of both kinds. */
or_memory_t *or_buffer_memory(const or_buffer_t *buffer) { return &((or_buffer_t *)(uintptr_t)buffer)->memory; }

static or_status_t check_range(const or_buffer_t *buffer, const char *what, size_t offset, size_t bytes) {
  if (offset <= buffer->bytes && bytes <= buffer->bytes - offset) return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "%s: %zu bytes at offset %zu of a buffer of %zu bytes", what, bytes, offset,
                  buffer->bytes);
}

or_status_t or_buffer_write(or_buffer_t *buffer, size_t offset, const void *source, size_t bytes) {
  or_device_t *device = buffer->device;
  or_status_t status = check_range(buffer, "write", offset, bytes);
  if (or_ok(status)) status = or_device_check_not_lost(device);
  if (!or_ok(status) || bytes == 0) return status;
  if (source == NULL) return or_error(OR_INVALID_ARGUMENT, "write: the source is NULL, with %zu bytes", bytes);
  or_count(&device->counters.writes, 1);
  or_count(&device->counters.write_bytes, bytes);
  return or_device_checked(device,
                           buffer->backend->write(buffer->backend->self, &buffer->memory, offset, source, bytes));
}

or_status_t or_buffer_read(const or_buffer_t *buffer, size_t offset, void *destination, size_t bytes) {
  or_device_t *device = buffer->device;
  or_status_t status = check_range(buffer, "read", offset, bytes);
  if (or_ok(status)) status = or_device_check_not_lost(device);
  if (!or_ok(status) || bytes == 0) return status;
  if (destination == NULL) return or_error(OR_INVALID_ARGUMENT, "read: the destination is NULL, with %zu bytes", bytes);
  or_count(&device->counters.reads, 1);
  or_count(&device->counters.read_bytes, bytes);
  return or_device_checked(device,
                           buffer->backend->read(buffer->backend->self, &buffer->memory, offset, destination, bytes));
}

static or_status_t copy_within(const or_buffer_t *source, size_t source_offset, or_buffer_t *destination,
                               size_t destination_offset, size_t bytes) {
  or_device_t *device = source->device;
  bool overlaps =
      source == destination && source_offset < destination_offset + bytes && destination_offset < source_offset + bytes;
  if (overlaps) {
    return or_error(OR_INVALID_ARGUMENT, "copy: %zu bytes from offset %zu to offset %zu of one buffer overlap", bytes,
                    source_offset, destination_offset);
  }
  or_count(&device->counters.copies, 1);
  or_count(&device->counters.copy_bytes, bytes);
  return or_device_checked(device, source->backend->copy(source->backend->self, &source->memory, source_offset,
                                                         &destination->memory, destination_offset, bytes));
}

/* Neither side's memory is the host's: in pieces through a small buffer. */
static or_status_t copy_by_pieces(const or_buffer_t *source, size_t source_offset, or_buffer_t *destination,
                                  size_t destination_offset, size_t bytes) {
  const or_allocator_t *allocator = source->device->allocator;
  void *piece = NULL;
  or_status_t status = or_alloc(allocator, bytes < BOUNCE_BYTES ? bytes : BOUNCE_BYTES, &piece);
  for (size_t done = 0; or_ok(status) && done < bytes;) {
    size_t length = bytes - done < BOUNCE_BYTES ? bytes - done : BOUNCE_BYTES;
    status = or_buffer_read(source, source_offset + done, piece, length);
    if (or_ok(status)) status = or_buffer_write(destination, destination_offset + done, piece, length);
    done += length;
  }
  or_free(allocator, piece);
  return status;
}

or_status_t or_buffer_copy(const or_buffer_t *source, size_t source_offset, or_buffer_t *destination,
                           size_t destination_offset, size_t bytes) {
  or_status_t status = check_range(source, "copy: source", source_offset, bytes);
  if (or_ok(status)) status = check_range(destination, "copy: destination", destination_offset, bytes);
  if (or_ok(status)) status = or_device_check_not_lost(source->device);
  if (or_ok(status)) status = or_device_check_not_lost(destination->device);
  if (!or_ok(status) || bytes == 0) return status;
  if (source->device == destination->device)
    return copy_within(source, source_offset, destination, destination_offset, bytes);
  if (source->memory.host != NULL) {
    return or_buffer_write(destination, destination_offset, (const char *)source->memory.host + source_offset, bytes);
  }
  if (destination->memory.host != NULL) {
    return or_buffer_read(source, source_offset, (char *)destination->memory.host + destination_offset, bytes);
  }
  return copy_by_pieces(source, source_offset, destination, destination_offset, bytes);
}
