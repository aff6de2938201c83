#include "backends/cpu/conv_internal.h"

#include "backends/cpu/half_internal.h"
#include "ops/conv.h"
#include "ops/conv_transpose.h"
#include "ops/elements.h"

/* Multiply-adds of one thread between two looks at the cancel token: some milliseconds. */
#define STEPS_BETWEEN_LOOKS 2e8

bool or_cpu_conv_read(const or_cpu_device_t *device, const or_node_view_t *view, or_cpu_conv_t *out) {
  bool transposed = or_view_is(view, &or_op_conv_transpose);
  if (!transposed && !or_view_is(view, &or_op_conv)) return false;
  const or_op_tensor_t *x = or_view_input(view, 0), *w = or_view_input(view, 1);
  if ((x->dtype != OR_FLOAT32 && !or_cpu_is_half(x->dtype)) || w->dtype != x->dtype) return false;
  if (!or_shape_is_static(&x->shape) || !or_shape_is_static(&w->shape)) return false;
  if (x->shape.rank < 3 || x->shape.rank > 4 || w->shape.rank != x->shape.rank) return false;
  *out = (or_cpu_conv_t){.spatial = (int)x->shape.rank - 2,
                         .dtype = x->dtype,
                         .transposed = transposed,
                         .weights = view->core->inputs[1],
                         .bias = OR_NO_VALUE,
                         .residual = view->epilogue.residual,
                         .act = view->epilogue.act};
  int64_t groups = or_op_attribute_int(&view->call, "group", 1);
  if (groups < 1) return false;
  out->shape.batch = (size_t)x->shape.dims[0];
  out->shape.in_channels = (size_t)x->shape.dims[1];
  out->shape.out_channels = (size_t)or_view_output(view, 0)->shape.dims[1];
  out->shape.groups = (size_t)groups;
  out->shape.bf16 = or_cpu_in_bf16(device, view);
  return or_cpu_conv_read_window(view, &x->shape, &w->shape, out) && or_cpu_conv_read_biases(view, out);
}

/* What a transposed convolution reads is what the convolution writes. The pads of the end become what is cut off there
 * indeed; where output_padding or output_shape add to the end, less than nothing. */
static void turn_around(or_window_t *window) {
  for (int32_t i = 0; i < window->rank; ++i) {
    int64_t whole = (window->out[i] - 1) * window->stride[i] + (window->kernel[i] - 1) * window->dilation[i] + 1;
    int64_t out = window->in[i];
    window->in[i] = window->out[i];
    window->out[i] = out;
    window->pad_end[i] = whole - window->pad_begin[i] - out;
  }
}

bool or_cpu_conv_read_window(const or_node_view_t *view, const or_shape_t *x, const or_shape_t *w, or_cpu_conv_t *out) {
  or_window_t window;
  or_status_t status = out->transposed ? or_conv_transpose_window(&view->call, x, w, &window)
                                       : or_window_make(&view->call, x, w->dims + 2, &window);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  if (out->transposed) turn_around(&window);
  int last = out->spatial - 1;
  or_cpu_window_t *to = &out->shape.window;
  *to = (or_cpu_window_t){.in_h = 1, .out_h = 1, .kernel_h = 1, .stride_h = 1, .dilation_h = 1};
  if (last == 1) {
    to->in_h = (size_t)window.in[0];
    to->out_h = (size_t)window.out[0];
    to->kernel_h = (size_t)window.kernel[0];
    to->stride_h = (size_t)window.stride[0];
    to->dilation_h = (size_t)window.dilation[0];
    to->pad_top = (size_t)window.pad_begin[0];
    out->pad_bottom = (ptrdiff_t)window.pad_end[0];
  }
  to->in_w = (size_t)window.in[last];
  to->out_w = (size_t)window.out[last];
  to->kernel_w = (size_t)window.kernel[last];
  to->stride_w = (size_t)window.stride[last];
  to->dilation_w = (size_t)window.dilation[last];
  to->pad_left = (size_t)window.pad_begin[last];
  out->pad_right = (ptrdiff_t)window.pad_end[last];
  /* The kernels take no empty extents; the reference does. */
  return or_view_count(x) > 0 && or_view_count(w) > 0 && to->out_h > 0 && to->out_w > 0;
}

bool or_cpu_conv_read_biases(const or_node_view_t *view, or_cpu_conv_t *out) {
  const or_value_id_t own = or_view_has_input(view, 2) ? view->core->inputs[2] : OR_NO_VALUE;
  const or_value_id_t added = view->epilogue.bias;
  bool own_known = own == OR_NO_VALUE || or_view_constant_of(view, own) != NULL;
  bool added_known = added == OR_NO_VALUE || or_view_constant_of(view, added) != NULL;
  if (own_known && added_known) return true;
  if (own != OR_NO_VALUE && added != OR_NO_VALUE) return false;
  out->bias = own_known ? added : own;
  return true;
}

static or_status_t add_constant(or_cpu_build_t *build, const or_node_view_t *view, or_value_id_t value, float *shift,
                                size_t channels) {
  const or_constant_t *constant = or_view_constant_of(view, value);
  const void *data = NULL;
  if (constant == NULL) return or_status_success();
  or_status_t status = or_lowering_constant(&build->lowering, constant, &data);
  or_dtype_t dtype = view->call.inputs[0].dtype;
  for (size_t c = 0; or_ok(status) && c < channels; ++c) {
    double summand = 0.0;
    or_elements_load(dtype, data, c, 1, &summand);
    shift[c] += (float)summand;
  }
  return status;
}

or_status_t or_cpu_conv_shift(or_cpu_build_t *build, const or_node_view_t *view, const float **out) {
  size_t channels = (size_t)or_view_output(view, 0)->shape.dims[1];
  or_value_id_t own = or_view_has_input(view, 2) ? view->core->inputs[2] : OR_NO_VALUE, added = view->epilogue.bias;
  void *memory = NULL;
  *out = NULL;
  if (or_view_constant_of(view, own) == NULL && or_view_constant_of(view, added) == NULL) return or_status_success();
  or_status_t status = or_cpu_build_alloc(build, channels * sizeof(float), &memory);
  if (or_ok(status)) status = add_constant(build, view, own, memory, channels);
  if (or_ok(status)) status = add_constant(build, view, added, memory, channels);
  *out = memory;
  return status;
}

size_t or_cpu_conv_group(const or_cpu_device_t *device, const or_conv_f32_plan_t *plan, double steps) {
  const double each = steps / (double)(plan->tiles > 0 ? plan->tiles : 1);
  return (size_t)(STEPS_BETWEEN_LOOKS / (each + 1.0) + 1.0) * (size_t)device->threads;
}
