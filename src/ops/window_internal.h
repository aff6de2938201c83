#ifndef OR_OPS_WINDOW_INTERNAL_H
#define OR_OPS_WINDOW_INTERNAL_H
/* What Conv, its transpose and the pools share: their attributes, and for the references what is seen through a window:
 * runs of output positions along the last spatial dimension, and the input elements under one position of the kernel
 * for each of them. */

#include "ops/shape.h"

/* Extents and attributes below this bound can be multiplied and added in int64 without overflow. */
#define OR_WINDOW_LIMIT (INT64_C(1) << 31)

typedef enum or_auto_pad_t { OR_PAD_EXPLICIT, OR_PAD_VALID, OR_PAD_SAME_UPPER, OR_PAD_SAME_LOWER } or_auto_pad_t;

/* rank, in, kernel, stride, dilation and the pads (0 where *auto_pad decides them), from `input` [N,C,spatial...] and
 * the attributes; `kernel` as in or_window_make. INVALID_ARGUMENT. */
or_status_t or_window_read(const or_op_call_t *call, const or_shape_t *input, const int64_t *kernel,
                           or_auto_pad_t *auto_pad, or_window_t *out);
/* Overwrites out[0..rank) where the attribute is present. INVALID_ARGUMENT: not `rank` values, or one outside [least,
 * OR_WINDOW_LIMIT]. */
or_status_t or_window_read_ints(const or_op_call_t *call, const char *name, int32_t rank, int64_t least, int64_t *out);

/* Output positions begin .. end - 1 of the run lie over the input; that of position i is element first + (i - begin) *
 * step of the channel, row-major. The others lie over padding. */
typedef struct or_window_run_t {
  int64_t begin, end, first, step;
} or_window_run_t;

/* Values at neighbouring output positions. */
typedef struct or_window_values_t {
  int64_t first, count;
  bool integer; /* uint64_t, else double */
  const void *data;
} or_window_values_t;

/* The run of `count` positions from `position` on, which do not leave the last dimension, under kernel position
 * `kernel`. */
or_window_run_t or_window_run(const or_window_t *window, const int64_t *kernel, const int64_t *position, int64_t count);
/* The opposite way: values[i], of output position first + i, is added to the element of `sums` (a channel of the input)
 * that lies under kernel position `kernel`; what lies over padding is left out. Doubles, or 64-bit integers modulo
 * 2^64. */
void or_window_add(const or_window_t *window, const int64_t *kernel, or_window_values_t values, void *sums);
/* The row-major index of `extents` that `offset` stands for. */
void or_window_unravel(uint64_t offset, const int64_t *extents, int32_t rank, int64_t *index);

#endif
