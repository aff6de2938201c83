#include "hal/tensor.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "hal/buffer_internal.h"
#include "hal/device_internal.h"

/* Counted. Everything but the count is read-only after creation. */
struct or_tensor_t {
  or_ref_t ref;
  or_dtype_t dtype;
  or_shape_t shape;
  uint64_t count;
  size_t bytes, offset;
  or_buffer_t *buffer;
};

static or_status_t create_strings(or_device_t *device, or_shape_t shape, const or_string_t *strings, or_tensor_t **out);

or_status_t or_tensor_layout(or_dtype_t dtype, const or_shape_t *shape, uint64_t *count, size_t *bytes) {
  if (or_dtype_bits(dtype) == 0) return or_error(OR_INVALID_ARGUMENT, "dtype %d is none", (int)dtype);
  if (shape->rank < 0 || shape->rank > OR_MAX_RANK) {
    return or_error(OR_INVALID_ARGUMENT, "rank %d; a tensor has 0 to %d dimensions", (int)shape->rank, OR_MAX_RANK);
  }
  char text[256];
  for (int32_t i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] < 0) {
      return or_error(OR_INVALID_ARGUMENT, "shape %s: dimension %d is negative or unknown",
                      or_shape_format(shape, text, sizeof text), (int)i);
    }
  }
  if (!or_shape_count(shape, count) || (*bytes = or_dtype_bytes(dtype, *count)) == SIZE_MAX) {
    return or_error(OR_OUT_OF_RANGE, "%s %s takes more bytes than there are addresses", or_dtype_name(dtype),
                    or_shape_format(shape, text, sizeof text));
  }
  return or_status_success();
}

size_t or_dtype_alignment(or_dtype_t dtype) {
  if (dtype == OR_STRING) return _Alignof(or_string_t);
  size_t element_bytes = or_dtype_bits(dtype) / 8;
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) element_bytes /= 2;
  return element_bytes > 0 ? element_bytes : 1;
}

/* Takes over the caller's reference to the buffer, on failure too. */
static or_status_t tensor_of(or_buffer_t *buffer, size_t offset, or_dtype_t dtype, const or_shape_t *shape,
                             or_tensor_t **out) {
  uint64_t count = 0;
  size_t bytes = 0;
  void *memory = NULL;
  or_status_t status = or_tensor_layout(dtype, shape, &count, &bytes);
  if (or_ok(status))
    status = or_alloc_zeroed(or_device_allocator(or_buffer_device(buffer)), sizeof(or_tensor_t), &memory);
  if (!or_ok(status)) {
    or_buffer_release(buffer);
    return status;
  }
  or_tensor_t *tensor = memory;
  *tensor = (or_tensor_t){
      .dtype = dtype, .shape = *shape, .count = count, .bytes = bytes, .offset = offset, .buffer = buffer};
  or_ref_init(&tensor->ref);
  *out = tensor;
  return or_status_success();
}

or_status_t or_tensor_create(or_device_t *device, or_dtype_t dtype, or_shape_t shape, or_tensor_t **out) {
  uint64_t count = 0;
  size_t bytes = 0;
  or_buffer_t *buffer = NULL;
  *out = NULL;
  or_status_t status = or_tensor_layout(dtype, &shape, &count, &bytes);
  if (or_ok(status)) status = or_buffer_create(device, bytes, &buffer);
  return or_ok(status) ? tensor_of(buffer, 0, dtype, &shape, out) : status;
}

or_status_t or_tensor_create_from(or_device_t *device, or_dtype_t dtype, or_shape_t shape, const void *data,
                                  size_t bytes, or_tensor_t **out) {
  uint64_t count = 0;
  size_t needed = 0;
  *out = NULL;
  or_status_t status = or_tensor_layout(dtype, &shape, &count, &needed);
  if (!or_ok(status)) return status;
  if (bytes != needed) {
    char text[256];
    return or_error(OR_INVALID_ARGUMENT, "%s %s takes %zu bytes, %zu were given", or_dtype_name(dtype),
                    or_shape_format(&shape, text, sizeof text), needed, bytes);
  }
  if (dtype == OR_STRING) return create_strings(device, shape, data, out);
  or_tensor_t *tensor = NULL;
  status = or_tensor_create(device, dtype, shape, &tensor);
  if (or_ok(status)) status = or_buffer_write(tensor->buffer, 0, data, bytes);
  if (!or_ok(status)) {
    or_tensor_release(tensor);
    return status;
  }
  *out = tensor;
  return or_status_success();
}

/* The elements, then all text: one buffer, so that the tensor owns what its elements point to. */
static or_status_t create_strings(or_device_t *device, or_shape_t shape, const or_string_t *strings,
                                  or_tensor_t **out) {
  uint64_t count = 0;
  size_t total = 0;
  or_buffer_t *buffer = NULL;
  or_status_t status = or_tensor_layout(OR_STRING, &shape, &count, &total);
  if (!or_ok(status)) return status;
  size_t text_offset = total;
  for (uint64_t i = 0; i < count; ++i) {
    if (!or_add_size(total, strings[i].length, &total))
      return or_error(OR_OUT_OF_RANGE, "the strings take more bytes than there are addresses");
  }
  status = or_buffer_create(device, total, &buffer);
  if (!or_ok(status)) return status;
  char *host = or_buffer_host_pointer(buffer);
  if (host == NULL) {
    or_buffer_release(buffer);
    return or_error(OR_UNIMPLEMENTED, "device \"%s\" can't hold strings: its memory is not the host's",
                    or_device_facts(device)->id);
  }
  or_string_t *elements = (or_string_t *)(void *)host;
  char *text = host + text_offset;
  for (uint64_t i = 0; i < count; ++i) {
    if (strings[i].length > 0) memcpy(text, strings[i].data, strings[i].length);
    elements[i] = (or_string_t){.data = text, .length = strings[i].length};
    text += strings[i].length;
  }
  return tensor_of(buffer, 0, OR_STRING, &shape, out);
}

or_status_t or_tensor_wrap_on(or_device_t *host_device, or_dtype_t dtype, or_shape_t shape, void *data,
                              or_owner_t owner, or_tensor_t **out) {
  uint64_t count = 0;
  size_t bytes = 0;
  or_buffer_t *buffer = NULL;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_tensor_layout(dtype, &shape, &count, &bytes);
  if (!or_ok(status)) return status;
  /* The tensor's record first: once the buffer is made, its release would call the owner's. */
  status = or_alloc_zeroed(or_device_allocator(host_device), sizeof(or_tensor_t), &memory);
  if (!or_ok(status)) return status;
  status = or_buffer_wrap_aligned(host_device, data, bytes, or_dtype_alignment(dtype), owner, &buffer);
  if (!or_ok(status)) {
    or_free(or_device_allocator(host_device), memory);
    return status;
  }
  or_tensor_t *tensor = memory;
  *tensor = (or_tensor_t){.dtype = dtype, .shape = shape, .count = count, .bytes = bytes, .buffer = buffer};
  or_ref_init(&tensor->ref);
  *out = tensor;
  return or_status_success();
}

or_status_t or_tensor_view(or_buffer_t *buffer, size_t offset, or_dtype_t dtype, or_shape_t shape, or_tensor_t **out) {
  uint64_t count = 0;
  size_t bytes = 0;
  *out = NULL;
  or_status_t status = or_tensor_layout(dtype, &shape, &count, &bytes);
  if (!or_ok(status)) return status;
  if (offset % or_dtype_alignment(dtype) != 0) {
    return or_error(OR_INVALID_ARGUMENT, "offset %zu is not a multiple of %s's alignment, %zu bytes", offset,
                    or_dtype_name(dtype), or_dtype_alignment(dtype));
  }
  size_t capacity = or_buffer_bytes(buffer);
  if (offset > capacity || bytes > capacity - offset) {
    return or_error(OR_OUT_OF_RANGE, "a view of %zu bytes at offset %zu of a buffer of %zu bytes", bytes, offset,
                    capacity);
  }
  or_buffer_retain(buffer);
  return tensor_of(buffer, offset, dtype, &shape, out);
}

bool or_tensor_is_unshared(const or_tensor_t *tensor) {
  return atomic_load_explicit(&tensor->ref.count, memory_order_acquire) == 1 && or_buffer_is_unshared(tensor->buffer);
}

void or_tensor_retain(or_tensor_t *tensor) { or_ref_retain(&tensor->ref); }

void or_tensor_release(or_tensor_t *tensor) {
  if (tensor == NULL || !or_ref_release(&tensor->ref)) return;
  const or_allocator_t *allocator = or_device_allocator(or_buffer_device(tensor->buffer));
  or_buffer_release(tensor->buffer);
  or_free(allocator, tensor);
}

or_dtype_t or_tensor_dtype(const or_tensor_t *tensor) { return tensor->dtype; }
const or_shape_t *or_tensor_shape(const or_tensor_t *tensor) { return &tensor->shape; }
uint64_t or_tensor_count(const or_tensor_t *tensor) { return tensor->count; }
size_t or_tensor_bytes(const or_tensor_t *tensor) { return tensor->bytes; }
or_device_t *or_tensor_device(const or_tensor_t *tensor) { return or_buffer_device(tensor->buffer); }
or_buffer_t *or_tensor_buffer(const or_tensor_t *tensor) { return tensor->buffer; }
size_t or_tensor_offset(const or_tensor_t *tensor) { return tensor->offset; }

const void *or_tensor_data(const or_tensor_t *tensor) {
  const char *host = or_buffer_host_pointer(tensor->buffer);
  return host != NULL ? host + tensor->offset : NULL;
}

or_status_t or_tensor_read(const or_tensor_t *tensor, void *destination, size_t bytes) {
  if (bytes < tensor->bytes) {
    return or_error(OR_OUT_OF_RANGE, "the tensor takes %zu bytes, the destination has %zu", tensor->bytes, bytes);
  }
  return or_buffer_read(tensor->buffer, tensor->offset, destination, tensor->bytes);
}

or_status_t or_tensor_copy_to(or_tensor_t *tensor, or_device_t *device, or_tensor_t **out) {
  *out = NULL;
  if (or_tensor_device(tensor) == device) {
    or_tensor_retain(tensor);
    *out = tensor;
    return or_status_success();
  }
  if (tensor->dtype == OR_STRING)
    return or_tensor_create_from(device, OR_STRING, tensor->shape, or_tensor_data(tensor), tensor->bytes, out);
  or_tensor_t *copy = NULL;
  or_status_t status = or_tensor_create(device, tensor->dtype, tensor->shape, &copy);
  if (or_ok(status)) status = or_buffer_copy(tensor->buffer, tensor->offset, copy->buffer, 0, tensor->bytes);
  if (!or_ok(status)) {
    or_tensor_release(copy);
    return status;
  }
  *out = copy;
  return or_status_success();
}
