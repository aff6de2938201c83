#include "hal/memory_plan.h"

#include <assert.h>
#include <stdlib.h>

typedef struct placed_t {
  size_t bytes, offset;
  uint32_t first, last, index;
} placed_t;

static int larger_first(const void *a, const void *b);
static size_t best_gap(const placed_t *placed, size_t count, const placed_t *item);
static void insert_by_offset(placed_t *placed, size_t count, const placed_t *item);

or_status_t or_memory_plan(const or_allocator_t *allocator, or_lifetime_t *items, size_t count, size_t alignment,
                           size_t *total_bytes) {
  assert(alignment > 0 && (alignment & (alignment - 1)) == 0);
  *total_bytes = 0;
  void *memory = NULL;
  or_status_t status = or_alloc_array(allocator, 2 * count, sizeof(placed_t), &memory);
  if (!or_ok(status)) return status;
  placed_t *order = memory, *placed = order + count;
  size_t order_count = 0, sum = 0;
  for (size_t i = 0; i < count; ++i) {
    items[i].offset = 0;
    if (items[i].bytes == 0) continue;
    /* The sum bounds every offset, so that what follows can't overflow. */
    if (items[i].bytes > SIZE_MAX - (alignment - 1) ||
        !or_add_size(sum, or_align_up(items[i].bytes, alignment), &sum)) {
      or_free(allocator, memory);
      return or_error(OR_OUT_OF_RANGE, "memory plan: the sizes of %zu buffers add up to more than %zu bytes", i + 1,
                      (size_t)SIZE_MAX);
    }
    order[order_count++] = (placed_t){.bytes = or_align_up(items[i].bytes, alignment),
                                      .first = items[i].first,
                                      .last = items[i].last,
                                      .index = (uint32_t)i};
  }
  qsort(order, order_count, sizeof *order, larger_first);

  for (size_t i = 0; i < order_count; ++i) {
    order[i].offset = best_gap(placed, i, &order[i]);
    insert_by_offset(placed, i, &order[i]);
    items[order[i].index].offset = order[i].offset;
    size_t end = order[i].offset + order[i].bytes;
    if (end > *total_bytes) *total_bytes = end;
  }
  or_free(allocator, memory);
  return or_status_success();
}

/* Ties by lifetime and index, so that a plan does not depend on the sort. */
static int larger_first(const void *a, const void *b) {
  const placed_t *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* The offset of the smallest gap that fits among those placed already that live at the same time, else behind the
 * last of them. `placed` is in the order of offsets. */
static size_t best_gap(const placed_t *placed, size_t count, const placed_t *item) {
  size_t free_from = 0, best_offset = SIZE_MAX, best_bytes = SIZE_MAX;
  for (size_t i = 0; i < count; ++i) {
    if (placed[i].last < item->first || item->last < placed[i].first) continue;
    if (placed[i].offset > free_from) {
      size_t gap = placed[i].offset - free_from;
      if (gap >= item->bytes && gap < best_bytes) {
        best_bytes = gap;
        best_offset = free_from;
      }
    }
    size_t end = placed[i].offset + placed[i].bytes;
    if (end > free_from) free_from = end;
  }
  return best_offset != SIZE_MAX ? best_offset : free_from;
}

static void insert_by_offset(placed_t *placed, size_t count, const placed_t *item) {
  size_t at = count;
  for (; at > 0 && placed[at - 1].offset > item->offset; --at) placed[at] = placed[at - 1];
  placed[at] = *item;
}
