#ifndef OR_HAL_MEMORY_PLAN_H
#define OR_HAL_MEMORY_PLAN_H
/* Packs buffers with lifetimes into one arena: greedy by size, best fit among the gaps (Pisarchyk and Lee, "Efficient
 * Memory Management for Deep Neural Net Inference", 2020, greedy by size). Pure. */

#include "base/alloc.h"

typedef struct or_lifetime_t {
  size_t bytes;         /* 0: gets offset 0 and no room */
  uint32_t first, last; /* steps at which it is first written and last read, inclusive */
  size_t offset;        /* out */
} or_lifetime_t;
/* Offsets are multiples of `alignment` (a power of two); no two that live at the same step overlap.
 * RESOURCE_EXHAUSTED (scratch);
 * OUT_OF_RANGE (the sum overflows). */
or_status_t or_memory_plan(const or_allocator_t *allocator, or_lifetime_t *items, size_t count, size_t alignment,
                           size_t *total_bytes);

#endif
