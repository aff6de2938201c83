#ifndef OR_TASK_COMPARE_H
#define OR_TASK_COMPARE_H
/* Element-wise comparison of results. Any thread. */

#include "openruntime/tensor.h"

/* How far `actual` is from `expected`, both dense host data of one dtype. */
typedef struct or_difference_t {
  double max_abs, max_rel, mean_abs;
  uint64_t count, wrong; /* elements; those outside |a - b| <= abs + rel |b|, or whose NaN or infinity differs */
  uint64_t first_wrong;  /* index; UINT64_MAX if there is none */
  double wrong_actual, wrong_expected; /* the elements there */
} or_difference_t;
/* What may differ: |a - b| <= abs + rel |b|. */
typedef struct or_task_tolerance_t {
  double rel, abs;
} or_task_tolerance_t;
/* Complex elements are compared as two numbers each. */
void or_task_compare(or_dtype_t dtype, const void *actual, const void *expected, uint64_t count,
                     or_task_tolerance_t tolerance, or_difference_t *out);
/* The same of two tensors of one dtype and shape, on whichever devices. RESOURCE_EXHAUSTED (copies of what the host
 * can't reach), and what reading from a device fails with. */
or_status_t or_task_compare_tensors(const or_allocator_t *allocator, const or_tensor_t *actual,
                                    const or_tensor_t *expected, or_task_tolerance_t tolerance, or_difference_t *out);

/* Root of the mean square of the finite numbers; 0 where there are none. */
double or_task_rms(or_dtype_t dtype, const void *data, uint64_t count);

/* The cosine between rows `a` and `b` of real numbers, `width` each; 0 where one of them has no length. */
double or_task_cosine(or_dtype_t dtype, const void *rows, size_t width, size_t a, size_t b);

#endif
