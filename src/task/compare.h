#ifndef OR_TASK_COMPARE_H
#define OR_TASK_COMPARE_H
/* Element-wise comparison of results. Pure; any thread. */

#include "openruntime/types.h"

/* How far `actual` is from `expected`, both dense host data of one dtype. */
typedef struct or_difference_t {
  double max_abs, max_rel, mean_abs;
  uint64_t count, wrong; /* elements; those outside |a - b| <= abs + rel |b|, or whose NaN or infinity differs */
  uint64_t first_wrong;  /* index; UINT64_MAX if there is none */
} or_difference_t;
/* What may differ: |a - b| <= abs + rel |b|. */
typedef struct or_tolerance_t {
  double rel, abs;
} or_tolerance_t;
void or_task_compare(or_dtype_t dtype, const void *actual, const void *expected, uint64_t count,
                     or_tolerance_t tolerance, or_difference_t *out);

#endif
