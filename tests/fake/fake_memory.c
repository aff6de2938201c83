#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "fake/fake_internal.h"

unsigned char *fake_bytes(const or_memory_t *memory) {
  const fake_memory_t *own = memory->handle;
  assert(own->magic == FAKE_MEMORY_MAGIC && "not a memory of the fake, or released already");
  return own->data;
}

or_status_t fake_memory_alloc(void *self, size_t bytes, or_memory_t *out) {
  fake_device_t *device = self;
  void *record = NULL, *data = NULL;
  or_status_t status = fake_arrive(device, OR_FAKE_ALLOC);
  if (or_ok(status)) status = fake_reserve(bytes);
  if (!or_ok(status)) return status;
  status = or_alloc(device->host->allocator, sizeof(fake_memory_t), &record);
  if (or_ok(status)) status = or_alloc(device->host->allocator, bytes, &data);
  if (!or_ok(status)) {
    or_free(device->host->allocator, record);
    fake_unreserve(bytes);
    return status;
  }
  memset(data, FAKE_POISON, bytes);
  fake_memory_t *memory = record;
  *memory = (fake_memory_t){.magic = FAKE_MEMORY_MAGIC, .index = device->index, .bytes = bytes, .data = data};
  *out = (or_memory_t){.handle = memory, .host = fake_is_unified(device->index) ? data : NULL, .bytes = bytes};
  return or_status_success();
}

or_status_t fake_memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out) {
  fake_device_t *device = self;
  void *record = NULL;
  or_status_t status = fake_arrive(device, OR_FAKE_ALLOC);
  if (or_ok(status)) status = or_alloc(device->host->allocator, sizeof(fake_memory_t), &record);
  if (!or_ok(status)) return status;
  fake_memory_t *memory = record;
  *memory = (fake_memory_t){
      .magic = FAKE_MEMORY_MAGIC, .index = device->index, .bytes = bytes, .data = host, .wrapped = true};
  *out = (or_memory_t){.handle = memory, .host = host, .bytes = bytes};
  return or_status_success();
}

void fake_memory_release(void *self, or_memory_t *memory) {
  fake_device_t *device = self;
  fake_memory_t *own = memory->handle;
  assert(own->magic == FAKE_MEMORY_MAGIC && "a memory released twice");
  assert(own->index == device->index && "a memory released on another device");
  own->magic = 0;
  if (!own->wrapped) {
    fake_unreserve(own->bytes);
    or_free(device->host->allocator, own->data);
  }
  or_free(device->host->allocator, own);
}

/* The library checks every range before it calls; that it did is asserted here. */
static unsigned char *checked(const fake_device_t *device, const or_memory_t *memory, size_t offset, size_t bytes) {
  unsigned char *data = fake_bytes(memory);
  const fake_memory_t *own = memory->handle;
  assert(own->index == device->index && "memory of another device");
  assert(bytes > 0 && offset <= own->bytes && bytes <= own->bytes - offset && "a range that was not checked");
  (void)device;
  (void)bytes;
  (void)own;
  return data + offset;
}

or_status_t fake_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes) {
  fake_device_t *device = self;
  or_status_t status = fake_arrive(device, OR_FAKE_WRITE);
  if (or_ok(status)) memcpy(checked(device, memory, offset, bytes), source, bytes);
  return status;
}

or_status_t fake_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes) {
  fake_device_t *device = self;
  or_status_t status = fake_arrive(device, OR_FAKE_READ);
  if (or_ok(status)) memcpy(destination, checked(device, memory, offset, bytes), bytes);
  return status;
}

or_status_t fake_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                      size_t destination_offset, size_t bytes) {
  fake_device_t *device = self;
  or_status_t status = fake_arrive(device, OR_FAKE_COPY);
  if (or_ok(status)) {
    memcpy(checked(device, destination, destination_offset, bytes), checked(device, source, source_offset, bytes),
           bytes);
  }
  return status;
}
