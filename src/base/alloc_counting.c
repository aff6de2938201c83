#include <stdatomic.h>

#include "base/alloc.h"

/* Lies right before the memory that the caller sees. */
typedef struct counting_header_t {
  void *block; /* what the parent gave */
  size_t bytes;
} counting_header_t;

static void *counting_alloc(void *self, size_t bytes, size_t alignment) {
  or_counting_allocator_t *counting = self;
  size_t number = atomic_fetch_add(&counting->alloc_count, 1) + 1;
  if (number == counting->fail_at) {
    atomic_store(&counting->triggered, true);
    return NULL;
  }
  size_t offset = or_align_up(sizeof(counting_header_t), alignment), total = 0;
  if (!or_add_size(offset, bytes, &total)) return NULL;
  char *block = counting->parent->alloc(counting->parent->self, total, alignment);
  if (block == NULL) return NULL;
  counting_header_t *header = (counting_header_t *)(void *)(block + offset) - 1;
  *header = (counting_header_t){block, bytes};
  (void)atomic_fetch_add(&counting->live_blocks, 1);
  size_t live = atomic_fetch_add(&counting->live_bytes, bytes) + bytes;
  size_t peak = atomic_load(&counting->peak_bytes);
  while (live > peak && !atomic_compare_exchange_weak(&counting->peak_bytes, &peak, live)) {
  }
  return block + offset;
}

static void counting_release(void *self, void *memory) {
  or_counting_allocator_t *counting = self;
  if (memory == NULL) return;
  counting_header_t *header = (counting_header_t *)memory - 1;
  (void)atomic_fetch_sub(&counting->live_blocks, 1);
  (void)atomic_fetch_sub(&counting->live_bytes, header->bytes);
  counting->parent->release(counting->parent->self, header->block);
}

void or_counting_allocator_init(or_counting_allocator_t *counting, const or_allocator_t *parent, size_t fail_at) {
  counting->base = (or_allocator_t){counting, counting_alloc, counting_release};
  counting->parent = parent;
  atomic_init(&counting->fail_at, fail_at);
  atomic_init(&counting->live_bytes, 0);
  atomic_init(&counting->peak_bytes, 0);
  atomic_init(&counting->live_blocks, 0);
  atomic_init(&counting->alloc_count, 0);
  atomic_init(&counting->triggered, false);
}
