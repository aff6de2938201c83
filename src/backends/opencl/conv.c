#include "ops/conv.h"

#include <math.h>

#include "backends/opencl/conv_internal.h"
#include "ops/shape.h"

static bool read_window(const or_node_view_t *view, or_cl_conv_t *conv);
static bool read_epilogue(const or_node_view_t *view, or_cl_conv_t *conv);

bool or_cl_conv_read(const or_cl_device_t *device, const or_node_view_t *view, or_cl_conv_t *out) {
  if (!or_view_is(view, &or_op_conv)) return false;
  const or_op_tensor_t *x = or_view_input(view, 0), *w = or_view_input(view, 1);
  or_dtype_t sums = or_cl_product_sums(device, x->dtype);
  if ((sums != OR_FLOAT32 && sums != OR_FLOAT64) || w->dtype != x->dtype) return false;
  if (!or_shape_is_static(&x->shape) || !or_shape_is_static(&w->shape)) return false;
  if (x->shape.rank < 3 || x->shape.rank > 4 || w->shape.rank != x->shape.rank) return false;
  int64_t groups = or_op_attribute_int(&view->call, "group", 1);
  if (groups < 1 || groups > x->shape.dims[1] || x->shape.dims[0] > INT32_MAX) return false;
  if (or_view_count(&x->shape) > INT32_MAX || or_view_count(&or_view_output(view, 0)->shape) > INT32_MAX) return false;
  *out = (or_cl_conv_t){.dtype = x->dtype, .images = (int32_t)x->shape.dims[0], .groups = (int32_t)groups};
  out->window.channels = (int32_t)x->shape.dims[1];
  out->window.elements = (int32_t)or_view_count(&x->shape);
  out->window.filters = (int32_t)or_view_output(view, 0)->shape.dims[1];
  if (!read_window(view, out) || !read_epilogue(view, out)) return false;
  return or_cl_conv_is_depthwise(out) || or_cl_product_fits(device, x->dtype);
}

/* Strides, pads and extents beyond what kernels count with are refused. */
#define MOST (INT32_C(1) << 20)

static bool read_window(const or_node_view_t *view, or_cl_conv_t *conv) {
  or_window_t window;
  const or_shape_t *x = &or_view_input(view, 0)->shape, *w = &or_view_input(view, 1)->shape;
  or_status_t status = or_window_make(&view->call, x, w->dims + 2, &window);
  bool made = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!made || w->dims[1] == 0) return false;
  or_cl_window_args_t *to = &conv->window;
  int last = window.rank - 1;
  for (int i = 0; i <= last; ++i) {
    if (window.in[i] > MOST || window.out[i] > MOST || window.out[i] < 0 || window.stride[i] > MOST) return false;
    if (window.kernel[i] > MOST || window.dilation[i] > MOST) return false;
    if (window.pad_begin[i] > MOST || window.pad_end[i] > MOST) return false;
    if ((window.kernel[i] - 1) * window.dilation[i] > MOST) return false;
  }
  to->in_h = to->out_h = to->kernel_h = to->stride_h = to->dilation_h = 1;
  to->pad_top = 0;
  if (last == 1) {
    to->in_h = (int32_t)window.in[0];
    to->out_h = (int32_t)window.out[0];
    to->kernel_h = (int32_t)window.kernel[0];
    to->stride_h = (int32_t)window.stride[0];
    to->dilation_h = (int32_t)window.dilation[0];
    to->pad_top = (int32_t)window.pad_begin[0];
  }
  to->in_w = (int32_t)window.in[last];
  to->out_w = (int32_t)window.out[last];
  to->kernel_w = (int32_t)window.kernel[last];
  to->stride_w = (int32_t)window.stride[last];
  to->dilation_w = (int32_t)window.dilation[last];
  to->pad_left = (int32_t)window.pad_begin[last];
  /* A stride longer than the window leaves out lines, which then need no plane. */
  int32_t span_h = (to->kernel_h - 1) * to->dilation_h, span_w = (to->kernel_w - 1) * to->dilation_w;
  to->phases_h = span_h + 1 < to->stride_h ? span_h + 1 : to->stride_h;
  to->phases_w = span_w + 1 < to->stride_w ? span_w + 1 : to->stride_w;
  to->lines = to->out_h + span_h / to->stride_h;
  to->width = to->out_w + span_w / to->stride_w;
  double planes = (double)to->phases_h * to->phases_w * to->channels * (double)to->lines * to->width;
  double channels = (double)to->channels / conv->groups, taps = channels * to->kernel_h * to->kernel_w;
  double behind = (channels * to->in_h + span_h) * to->in_w + span_w; /* the place of the last tap */
  double pixels = (double)to->out_h * to->out_w;
  return fmax(fmax(planes, taps), fmax(behind, pixels)) < (double)INT32_MAX / 2.0;
}

static bool read_epilogue(const or_node_view_t *view, or_cl_conv_t *conv) {
  const or_epilogue_t *epilogue = &view->epilogue;
  or_value_id_t own = or_view_has_input(view, 2) ? view->core->inputs[2] : OR_NO_VALUE;
  if (own != OR_NO_VALUE && epilogue->bias != OR_NO_VALUE) return false;
  conv->bias = own != OR_NO_VALUE ? own : epilogue->bias;
  conv->residual = epilogue->residual;
  conv->act = epilogue->act;
  conv->window.has_bias = conv->bias != OR_NO_VALUE;
  conv->window.has_residual = conv->residual != OR_NO_VALUE;
  conv->window.lo = epilogue->act.lo;
  conv->window.hi = epilogue->act.hi;
  return conv->dtype != OR_FLOAT64 || epilogue->act.kind <= OR_ACT_RELU;
}
