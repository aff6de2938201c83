#ifndef OR_BACKENDS_OPENCL_CONV_INTERNAL_H
#define OR_BACKENDS_OPENCL_CONV_INTERNAL_H
/* A Conv node of one or two spatial dimensions, read for the kernels. */

#include "backends/opencl/product_internal.h"

/* window_t of conv.cl. */
typedef struct or_cl_window_args_t {
  int32_t in_h, in_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int32_t phases_h, phases_w, lines, width;
  int32_t channels, filters;
  int32_t has_bias, has_residual;
  int32_t elements;
  float lo, hi;
} or_cl_window_args_t;

typedef struct or_cl_conv_t {
  or_cl_window_args_t window; /* one spatial dimension counts as a picture of height 1 */
  or_dtype_t dtype;
  int32_t images, groups;
  or_value_id_t bias, residual;
  or_act_t act;
} or_cl_conv_t;

/* False if the node is no convolution that can be done in one step. Pure. */
bool or_cl_conv_read(const or_cl_device_t *device, const or_node_view_t *view, or_cl_conv_t *out);
/* Extents in the image of one place of the window for all outputs; a 1x1 kernel without stride and padding. */
static inline bool or_cl_conv_is_pointwise(const or_cl_window_args_t *w) {
  return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 && w->out_h == w->in_h &&
         w->out_w == w->in_w;
}
static inline bool or_cl_conv_is_depthwise(const or_cl_conv_t *conv) {
  return conv->groups > 1 && conv->groups == conv->window.channels;
}

#endif
