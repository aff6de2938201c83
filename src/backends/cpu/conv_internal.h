#ifndef OR_BACKENDS_CPU_CONV_INTERNAL_H
#define OR_BACKENDS_CPU_CONV_INTERNAL_H
/* A Conv (fused or not) or ConvTranspose node, read for the kernels: own and oneDNN's. */

#include "backends/cpu/program_internal.h"

typedef struct or_cpu_conv_t {
  or_conv_shape_t shape;           /* one spatial dimension counts as a picture of height 1 */
  ptrdiff_t pad_bottom, pad_right; /* of a transposed one also negative: zeros are added */
  int spatial;                     /* dimensions: 1 or 2 */
  or_dtype_t dtype;                /* of images and weights: float32, float16, bfloat16 */
  bool transposed; /* the window's `in` is still what is read, and `out` what is written; its pads are cut off that */
  or_value_id_t weights;
  or_value_id_t bias; /* B of the node or the fused bias where it is not constant; else OR_NO_VALUE */
  or_value_id_t residual;
  or_act_t act;
} or_cpu_conv_t;

/* False if the node is no convolution, transposed or not, of one or two spatial dimensions that can be done in one
 * step. Pure. */
bool or_cpu_conv_read(const or_cpu_device_t *device, const or_node_view_t *view, or_cpu_conv_t *out);

/* The window and paddings of a convolution of `out->spatial` dimensions; false where an extent is 0. */
bool or_cpu_conv_read_window(const or_node_view_t *view, const or_shape_t *x, const or_shape_t *w, or_cpu_conv_t *out);

/* True for images of one column: in memory they are images of one row. */
static inline bool or_cpu_window_is_column(const or_cpu_window_t *window) {
  return window->in_w == 1 && window->kernel_w == 1 && window->out_w == 1 && window->pad_left == 0;
}

/* Which bias only the run knows, if any: at most one may be so, and then nothing may be folded into it. */
bool or_cpu_conv_read_biases(const or_node_view_t *view, or_cpu_conv_t *out);

/* What constant biases add, one summand an output channel, in the program's memory; NULL: nothing. */
or_status_t or_cpu_conv_shift(or_cpu_build_t *build, const or_node_view_t *view, const float **out);

/* Tiles that all threads compute between two looks at the cancel token; `steps`: multiply-adds of all of them. */
size_t or_cpu_conv_group(const or_cpu_device_t *device, const or_conv_f32_plan_t *plan, double steps);

#endif
