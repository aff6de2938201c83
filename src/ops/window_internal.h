#ifndef OR_OPS_WINDOW_INTERNAL_H
#define OR_OPS_WINDOW_INTERNAL_H
/* What the references of Conv and the pools see through a window: runs of output positions along the last spatial
 * dimension, and the input elements under one position of the kernel for each of them. */

#include "ops/shape.h"

/* Output positions begin .. end - 1 of the run lie over the input; that of position i is element first + (i - begin) *
 * step of the channel, row-major. The others lie over padding. */
typedef struct or_window_run_t {
  int64_t begin, end, first, step;
} or_window_run_t;

/* The run of `count` positions from `position` on, which do not leave the last dimension, under kernel position
 * `kernel`. */
or_window_run_t or_window_run(const or_window_t *window, const int64_t *kernel, const int64_t *position, int64_t count);
/* The row-major index of `extents` that `offset` stands for. */
void or_window_unravel(uint64_t offset, const int64_t *extents, int32_t rank, int64_t *index);

#endif
