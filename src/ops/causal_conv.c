#include "ops/causal_conv.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t causal_conv_infer(or_op_call_t *call);
static or_cost_t causal_conv_cost(const or_op_call_t *call);
static or_status_t causal_conv_reference(or_op_call_t *call);

const or_op_t or_op_causal_conv_with_state = {
    .domain = "",
    .name = "CausalConvWithState",
    .summary = "convolution of each channel along a line, with what it saw before carried on",
    .since = {27},
    .input_min = 2,
    .input_max = 4,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"activation", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = causal_conv_infer,
    .cost = causal_conv_cost,
    .reference = causal_conv_reference,
};

enum { X, W, BIAS, PAST };

/* Extent `axis` of input `index` is *extent, which becomes known by it. */
static or_status_t same(const or_op_call_t *call, uint32_t index, int32_t axis, int64_t *extent) {
  static const char *const names[] = {"X", "W", "B", "past_state"};
  if (!or_op_has_input(call, index) || call->inputs[index].shape.rank < 0) return or_status_success();
  return or_infer_same_extent(names[index], call->inputs[index].shape.dims[axis], *extent, extent);
}

static or_status_t check_inputs(const or_op_call_t *call) {
  static const int32_t ranks[] = {3, 3, 1, 3};
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i <= PAST; ++i) {
    status = or_infer_check_dtype(call, i);
    if (or_ok(status)) status = or_infer_check_rank(call, i, ranks[i]);
  }
  if (!or_ok(status) || or_op_attribute_is(call, "activation", "none", "none") ||
      or_op_attribute_is(call, "activation", "silu", "") || or_op_attribute_is(call, "activation", "swish", "")) {
    return status;
  }
  return or_error(OR_INVALID_ARGUMENT, "attribute \"activation\" is none of none, silu and swish");
}

static or_status_t causal_conv_infer(or_op_call_t *call) {
  int64_t batch = OR_DIM_UNKNOWN, channels = OR_DIM_UNKNOWN, length = OR_DIM_UNKNOWN, one = 1;
  int64_t kernel = OR_DIM_UNKNOWN, carried = OR_DIM_UNKNOWN;
  or_status_t status = check_inputs(call);
  if (or_ok(status)) status = same(call, X, 0, &batch);
  if (or_ok(status)) status = same(call, X, 1, &channels);
  if (or_ok(status)) status = same(call, X, 2, &length);
  if (or_ok(status)) status = same(call, W, 0, &channels);
  if (or_ok(status)) status = same(call, W, 1, &one);
  if (or_ok(status)) status = same(call, W, 2, &kernel);
  if (or_ok(status)) status = same(call, BIAS, 0, &channels);
  if (or_ok(status)) status = same(call, PAST, 0, &batch);
  if (or_ok(status)) status = same(call, PAST, 1, &channels);
  if (or_ok(status) && kernel == 0) {
    status = or_error(OR_INVALID_ARGUMENT, "the kernel has no elements, expected at least 1");
  }
  if (kernel > 0) carried = kernel - 1;
  if (or_ok(status)) status = same(call, PAST, 2, &carried);
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    call->outputs[i].dtype = call->inputs[X].dtype;
    call->outputs[i].shape = (or_shape_t){.rank = 3, .dims = {batch, channels, i == 0 ? length : carried}};
  }
  return status;
}

static or_cost_t causal_conv_cost(const or_op_call_t *call) {
  bool plain = or_op_attribute_is(call, "activation", "none", "none");
  return or_cost_per_output(call, 2 * (double)call->inputs[W].shape.dims[2] + (plain ? 0 : 10));
}

/* past_state and X one after the other, of one channel, as doubles. */
static void load_line(const or_op_call_t *call, uint64_t channel, size_t carried, size_t length, double *line) {
  const or_op_tensor_t *x = &call->inputs[X];
  for (size_t i = 0; i < carried; ++i) line[i] = 0;
  if (or_op_has_input(call, PAST)) {
    const or_op_tensor_t *past = &call->inputs[PAST];
    or_elements_load(past->dtype, past->data, channel * carried, carried, line);
  }
  or_elements_load(x->dtype, x->data, channel * length, length, line + carried);
}

/* Adds to `count` sums; `line` has K - 1 elements before the position of each. */
static void convolve(const double *line, const double *kernel, size_t taps, size_t count, double *sums) {
  for (size_t k = 0; k < taps; ++k) {
    for (size_t i = 0; i < count; ++i) sums[i] += kernel[k] * line[i + k];
  }
}

static or_status_t causal_conv_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[X], *w = &call->inputs[W], *y = &call->outputs[0];
  uint64_t channels = (uint64_t)x->shape.dims[1], lines = or_shape_product(&x->shape, 0, 2);
  size_t length = (size_t)x->shape.dims[2], taps = (size_t)w->shape.dims[2], carried = taps - 1, count = 0, bytes = 0;
  bool silu = !or_op_attribute_is(call, "activation", "none", "none");
  void *memory = NULL;
  if (!or_add_size(length, 2 * taps, &count) || !or_mul_size(count, sizeof(double), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "a line of %zu elements and a kernel of %zu are too large", length, taps);
  }
  or_status_t status = or_alloc(call->allocator, bytes, &memory);
  if (!or_ok(status)) return status;
  double *kernel = memory, *line = kernel + taps, sums[OR_LANES];
  for (uint64_t i = 0; i < lines && !or_stops(call->stop, length + taps); ++i) {
    double bias = 0;
    load_line(call, i, carried, length, line);
    or_elements_load(w->dtype, w->data, i % channels * taps, taps, kernel);
    if (or_op_has_input(call, BIAS)) or_elements_load(x->dtype, call->inputs[BIAS].data, i % channels, 1, &bias);
    for (size_t done = 0; done < length && !or_stops(call->stop, OR_LANES * taps); done += OR_LANES) {
      size_t part = length - done < OR_LANES ? length - done : OR_LANES;
      for (size_t j = 0; j < part; ++j) sums[j] = bias;
      convolve(line + done, kernel, taps, part, sums);
      for (size_t j = 0; silu && j < part; ++j) sums[j] /= 1 + exp(-sums[j]);
      or_elements_store(y->dtype, y->data, i * length + done, part, sums);
    }
    if (!or_op_has_output(call, 1) || call->outputs[1].data == NULL) continue;
    or_elements_store(y->dtype, call->outputs[1].data, i * carried, carried, line + length);
  }
  or_free(call->allocator, memory);
  return status;
}
