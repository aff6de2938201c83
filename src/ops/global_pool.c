/* The global part of ops/pool.h. */
#include <math.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/pool.h"
#include "ops/shape.h"

static or_status_t global_infer(or_op_call_t *call);
static or_cost_t global_cost(const or_op_call_t *call);
static or_status_t global_average_reference(or_op_call_t *call);
static or_status_t global_max_reference(or_op_call_t *call);

#define GLOBAL_POOL(symbol, title, what, error, compute) \
  const or_op_t or_op_##symbol = {                       \
      .domain = "",                                      \
      .name = title,                                     \
      .summary = what,                                   \
      .since = {1, 22},                                  \
      .input_min = 1,                                    \
      .input_max = 1,                                    \
      .output_min = 1,                                   \
      .output_max = 1,                                   \
      .dtypes = OR_OP_FLOATS,                            \
      .tolerance = {.rel = error, .abs = 0.1 * (error)}, \
      .infer = global_infer,                             \
      .cost = global_cost,                               \
      .reference = compute,                              \
  };
GLOBAL_POOL(global_average_pool, "GlobalAveragePool", "mean of each channel", 1e-5, global_average_reference)
GLOBAL_POOL(global_max_pool, "GlobalMaxPool", "maximum of each channel", 0, global_max_reference)

static or_status_t global_infer(or_op_call_t *call) {
  or_shape_t shape = call->inputs[0].shape;
  if (shape.rank >= 0 && shape.rank < 2) {
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,spatial...]", (int)shape.rank);
  }
  for (int32_t i = 2; i < shape.rank; ++i) shape.dims[i] = 1;
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = shape;
  return or_status_success();
}

static or_cost_t global_cost(const or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  return or_cost_per_output(call, (double)or_shape_product(x, 2, x->rank));
}

static void fold_max(const or_lanes_t *lanes, size_t count, double *best) {
  for (size_t i = 0; i < count; ++i) {
    if (lanes->real[i] > *best || isnan(lanes->real[i])) *best = lanes->real[i]; /* nothing is larger than NaN */
  }
}

static void fold_sum(const or_lanes_t *lanes, size_t count, double *sum) {
  for (size_t i = 0; i < count; ++i) *sum += lanes->real[i];
}

static or_status_t global_reference(or_op_call_t *call, bool average) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  uint64_t channels = or_shape_product(&x->shape, 0, 2), size = or_shape_product(&x->shape, 2, x->shape.rank);
  or_lanes_t lanes;
  for (uint64_t channel = 0; channel < channels; ++channel) {
    double result = average ? 0 : -INFINITY;
    for (uint64_t done = 0; done < size; done += OR_LANES) {
      size_t count = size - done < OR_LANES ? (size_t)(size - done) : OR_LANES;
      or_lanes_load(x->dtype, x->data, (int64_t)(channel * size + done), 1, count, &lanes);
      if (average) {
        fold_sum(&lanes, count, &result);
      } else {
        fold_max(&lanes, count, &result);
      }
    }
    lanes.real[0] = average ? result / (double)size : result;
    or_lanes_store(y->dtype, y->data, (int64_t)channel, 1, OR_LANE_REAL, &lanes);
  }
  return or_status_success();
}

static or_status_t global_average_reference(or_op_call_t *call) { return global_reference(call, true); }
static or_status_t global_max_reference(or_op_call_t *call) { return global_reference(call, false); }
