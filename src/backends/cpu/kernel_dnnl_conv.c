/* Conv and ConvTranspose by oneDNN: weights in its layout, packed once; images stay in its layouts from one convolution
 * or pool to the next, and are reordered only where another kernel reads or writes them. float32. */
#include <stdio.h>

#include "backends/cpu/conv_internal.h"
#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/families_internal.h"
#include "ops/conv_transpose.h"

static or_status_t choose_op(or_cpu_build_t *build, const or_node_view_t *view, or_dnnl_conv_t *spec,
                             or_dnnl_op_t **out);
static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, const or_dnnl_op_t *op,
                                const void **out);

/* A call of the library can't be cancelled: what takes a thread longer than some 50 ms goes to our own kernels, which
 * look at the token between tiles and are nearly as fast. */
#define FLOPS_A_CALL 4e9

static double flops_of(const or_node_view_t *view) {
  const or_shape_t *weights = &or_view_input(view, 1)->shape;
  bool transposed = or_view_is(view, &or_op_conv_transpose);
  double each = (double)or_view_count(weights) / (double)weights->dims[0];
  return 2.0 * each *
         (double)or_view_count(transposed ? &or_view_input(view, 0)->shape : &or_view_output(view, 0)->shape);
}

/* With fewer filters in a group oneDNN's transposed convolutions fill vectors with zeros, and lose to our products; but
 * for depthwise ones. */
#define TRANSPOSED_FILTERS_MIN 16

/* Signals: images of one row, whose kernels have one too. oneDNN 2.6 keeps tables of up to 4 KB an element of the row
 * (240 MB for a vocoder of 72 layers and 5,000 samples), and fills vectors with zeros below 16 filters; with vectors of
 * less than 64 bytes it takes 2 to 4 times as long as our products. */
#define SIGNAL_MAX_ELEMENTS 1024
#define SIGNAL_FILTERS_MIN 16
#define SIGNAL_VECTOR_BYTES 64

static bool suits_signal(const or_cpu_device_t *device, const or_conv_shape_t *shape) {
  const or_cpu_window_t *window = &shape->window;
  size_t filters = shape->out_channels / shape->groups;
  if (shape->in_channels == shape->groups) return true;
  if (window->kernel_h > 1 && or_cpu_window_is_column(window)) return false; /* one pixel a call of its inner kernel */
  if (window->in_h != 1 || window->kernel_h != 1) return true;
  if (window->kernel_w > 1 && device->kernels->vector_bytes < SIGNAL_VECTOR_BYTES) return false;
  return window->out_w <= SIGNAL_MAX_ELEMENTS && filters >= SIGNAL_FILTERS_MIN;
}

/* oneDNN adds less than a stride of zeros at the end. */
static bool suits(const or_cpu_device_t *device, const or_cpu_conv_t *conv) {
  const or_cpu_window_t *window = &conv->shape.window;
  if (!conv->transposed) return suits_signal(device, &conv->shape);
  size_t groups = conv->shape.groups, filters = conv->shape.out_channels / groups;
  bool depthwise = conv->shape.in_channels == groups && filters == 1;
  if (filters < TRANSPOSED_FILTERS_MIN && !depthwise) return false;
  return conv->pad_bottom + (ptrdiff_t)window->stride_h > 0 && conv->pad_right + (ptrdiff_t)window->stride_w > 0;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_conv_t conv;
  if (device->dnnl == NULL || !or_cpu_conv_read(device, view, &conv) || conv.dtype != OR_FLOAT32) return false;
  if (!suits(device, &conv)) return false;
  return or_view_constant_of(view, conv.weights) != NULL && flops_of(view) <= FLOPS_A_CALL * (double)device->threads;
}

static or_status_t add_step(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_conv_t *conv,
                            or_dnnl_op_t *op, bool alone) {
  or_cpu_dnnl_operands_t operands;
  const float *shift = NULL;
  const void *weights = NULL;
  or_value_id_t x = view->core->inputs[0], y = view->node->outputs[0];
  or_cpu_dnnl_operands_init(&operands);
  operands.alone = alone;
  or_status_t status = or_cpu_conv_shift(build, view, &shift);
  if (or_ok(status)) status = pack_weights(build, view, op, &weights);
  if (!or_ok(status)) return status;
  operands.fixed[OR_DNNL_WEIGHTS] = (void *)(uintptr_t)weights; /* only read, as all operands but the result */
  operands.fixed[OR_DNNL_BIAS] = (void *)(uintptr_t)shift;
  status = or_cpu_dnnl_read(build, x, or_dnnl_op_layout(op, OR_DNNL_SRC), or_dnnl_op_dense(op, OR_DNNL_SRC),
                            &operands.slots[OR_DNNL_SRC]);
  if (or_ok(status) && conv->bias != OR_NO_VALUE) {
    status = or_cpu_build_read(build, conv->bias, &operands.slots[OR_DNNL_BIAS]);
  }
  const or_dnnl_layout_t *layout = or_dnnl_op_layout(op, OR_DNNL_DST), *dense = or_dnnl_op_dense(op, OR_DNNL_DST);
  or_slot_id_t *dst = &operands.slots[OR_DNNL_DST];
  if (or_ok(status)) {
    status = conv->residual != OR_NO_VALUE ? or_cpu_dnnl_write_over(build, conv->residual, y, layout, dense, dst)
                                           : or_cpu_dnnl_write(build, y, layout, dense, dst);
  }
  if (or_ok(status)) status = or_cpu_dnnl_step(build, op, &operands);
  return status;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  or_cpu_conv_t conv;
  or_dnnl_op_t *op = NULL;
  (void)or_cpu_conv_read(build->device, view, &conv); /* match has looked */
  bool has_bias = conv.bias != OR_NO_VALUE || or_view_has_input(view, 2) || view->epilogue.bias != OR_NO_VALUE;
  or_dnnl_conv_t spec = {.shape = conv.shape,
                         .pad_bottom = conv.pad_bottom,
                         .pad_right = conv.pad_right,
                         .transposed = conv.transposed,
                         .bias = has_bias,
                         .residual = conv.residual != OR_NO_VALUE,
                         .act = conv.act};
  if (spec.residual && build->blocked[conv.residual].slot != OR_NO_SLOT) {
    spec.dst = build->blocked[conv.residual].layout;
  }
  bool alone = or_cpu_dnnl_alone(build, flops_of(view), 0.0);
  or_status_t status = choose_op(build, view, &spec, &op);
  if (!or_ok(status)) return status;
  status = or_cpu_dnnl_own(build, op);
  if (or_ok(status)) status = add_step(build, view, &conv, op, alone);
  if (or_ok(status) && spec.shape.bf16) or_cpu_build_precision(build, OR_BFLOAT16);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "onednn %s", or_dnnl_op_kernel(op));
  /* Something was added by now, so no other family may begin anew. */
  if (or_status_code(status) == OR_UNIMPLEMENTED) {
    or_status_ignore(status);
    status = or_error(OR_INTERNAL, "oneDNN has the convolution but not the reorders that it needs");
  }
  return status;
}

const or_cpu_family_t or_cpu_family_dnnl_conv = {.name = "onednn conv", .match = match, .prepare = prepare};

/* The layout in which the image lies is tried first: a reorder of it costs as much as a small convolution. */
static or_status_t choose_op(or_cpu_build_t *build, const or_node_view_t *view, or_dnnl_conv_t *spec,
                             or_dnnl_op_t **out) {
  const or_cpu_blocked_t *image = &build->blocked[view->core->inputs[0]];
  const or_dnnl_layout_t *wanted_dst = spec->dst;
  or_status_t status = or_error(OR_UNIMPLEMENTED, "not tried");
  for (int attempt = 0; attempt < 3 && or_status_code(status) == OR_UNIMPLEMENTED; ++attempt) {
    spec->src = attempt == 0 && image->slot != OR_NO_SLOT ? image->layout : NULL;
    spec->dst = attempt < 2 ? wanted_dst : NULL;
    or_status_ignore(status); /* the next attempt asks for less */
    status = or_dnnl_conv_create(build->device->dnnl, build->device->allocator, spec, out);
  }
  return status;
}

typedef struct pack_t {
  or_cpu_build_t *build;
  const or_dnnl_op_t *op;
} pack_t;

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  const pack_t *pack = self;
  return or_cpu_dnnl_reorder_now(pack->build, or_dnnl_op_dense(pack->op, OR_DNNL_WEIGHTS), source,
                                 or_dnnl_op_layout(pack->op, OR_DNNL_WEIGHTS), destination);
}

static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, const or_dnnl_op_t *op,
                                const void **out) {
  const or_dnnl_layout_t *layout = or_dnnl_op_layout(op, OR_DNNL_WEIGHTS);
  pack_t pack = {.build = build, .op = op};
  or_cpu_packing_t packing = {.constant = or_view_input_constant(view, 1),
                              .bytes = or_dnnl_layout_bytes(layout),
                              .fill = pack_fill,
                              .self = &pack};
  (void)snprintf(packing.packing, sizeof packing.packing, "onednn %s %016llx", or_dnnl_version(build->device->dnnl),
                 (unsigned long long)or_dnnl_layout_hash(layout));
  return or_cpu_build_packed(build, &packing, out);
}
