/* Memory of the device: the host's, in huge pages where it is large. */
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "backends/cpu/device_internal.h"

/* From this size on a buffer starts at a huge page and asks for them: fewer misses in the address caches, and copies
 * that are measurably faster (see the design's figures). */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

or_status_t or_cpu_memory_alloc(void *self, size_t bytes, or_memory_t *out) {
  const or_cpu_device_t *device = self;
  bool large = bytes >= HUGE_PAGE_BYTES;
  size_t alignment = large ? HUGE_PAGE_BYTES : OR_DEFAULT_ALIGNMENT;
  void *host = device->allocator->alloc(device->allocator->self, bytes, alignment);
  if (host == NULL) return or_error(OR_RESOURCE_EXHAUSTED, "the allocator has no %zu bytes", bytes);
#if defined(__linux__)
  /* Advice only: without huge pages the memory works as well. Whole pages, so that what lies behind is not touched. */
  if (large) (void)madvise(host, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, MADV_HUGEPAGE);
#endif
  *out = (or_memory_t){.handle = host, .host = host, .bytes = bytes};
  return or_status_success();
}

or_status_t or_cpu_memory_alloc_staging(void *self, size_t bytes, or_memory_t *out) {
  bool round = bytes >= HUGE_PAGE_BYTES && bytes <= SIZE_MAX - HUGE_PAGE_BYTES;
  return or_cpu_memory_alloc(self, round ? or_align_up(bytes, HUGE_PAGE_BYTES) : bytes, out);
}

void or_cpu_memory_release(void *self, or_memory_t *memory) {
  const or_cpu_device_t *device = self;
  if (memory->handle != NULL) device->allocator->release(device->allocator->self, memory->handle);
  *memory = (or_memory_t){0};
}

or_status_t or_cpu_memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out) {
  (void)self;
  *out = (or_memory_t){.handle = NULL, .host = host, .bytes = bytes}; /* no handle: not ours to release */
  return or_status_success();
}

/* On the caller's thread, which never leads a team: one thread, past the caches where the piece would flush them. */
static void move(const or_cpu_device_t *device, const void *source, void *destination, size_t bytes) {
  device->kernels->copy(bytes, source, destination, bytes >= or_cpu_stream_bytes(device));
}

or_status_t or_cpu_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes) {
  move(self, source, (char *)memory->host + offset, bytes);
  return or_status_success();
}

or_status_t or_cpu_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes) {
  move(self, (const char *)memory->host + offset, destination, bytes);
  return or_status_success();
}

or_status_t or_cpu_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                        size_t destination_offset, size_t bytes) {
  move(self, (const char *)source->host + source_offset, (char *)destination->host + destination_offset, bytes);
  return or_status_success();
}
