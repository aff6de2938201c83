/* The global part of ops/pool.h. */
#include <math.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/pool.h"
#include "ops/pool_internal.h"
#include "ops/shape.h"

static or_status_t global_infer(or_op_call_t *call);
static or_status_t global_lp_infer(or_op_call_t *call);
static or_cost_t global_cost(const or_op_call_t *call);
static or_status_t global_average_reference(or_op_call_t *call);
static or_status_t global_max_reference(or_op_call_t *call);
static or_status_t global_lp_reference(or_op_call_t *call);

#define GLOBAL_POOL(symbol, title, what, error, compute) \
  const or_op_t or_op_##symbol = {                       \
      .domain = "",                                      \
      .name = title,                                     \
      .summary = what,                                   \
      .since = {1, 22},                                  \
      .changes = {OR_OP_BFLOAT16_SINCE(22)},             \
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

const or_op_t or_op_global_lp_pool = {
    .domain = "",
    .name = "GlobalLpPool",
    .summary = "Lp norm of each channel",
    .since = {1, 2, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"p", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = global_lp_infer,
    .cost = global_cost,
    .reference = global_lp_reference,
};

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

static or_status_t global_lp_infer(or_op_call_t *call) {
  or_status_t status = or_pool_check_p(call);
  return or_ok(status) ? global_infer(call) : status;
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

typedef enum kind_t { GLOBAL_MAX, GLOBAL_AVERAGE, GLOBAL_LP } kind_t;

static or_status_t global_reference(or_op_call_t *call, kind_t kind) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  uint64_t channels = or_shape_product(&x->shape, 0, 2), size = or_shape_product(&x->shape, 2, x->shape.rank);
  double p = kind == GLOBAL_LP ? (double)or_op_attribute_int(call, "p", 2) : 0;
  or_lanes_t lanes;
  for (uint64_t channel = 0; channel < channels && !or_stops(call->stop, 1); ++channel) {
    double result = kind == GLOBAL_MAX ? -INFINITY : 0;
    for (uint64_t done = 0; done < size && !or_stops(call->stop, OR_LANES); done += OR_LANES) {
      size_t count = size - done < OR_LANES ? (size_t)(size - done) : OR_LANES;
      or_lanes_load(x->dtype, x->data, (int64_t)(channel * size + done), 1, count, &lanes);
      if (kind == GLOBAL_LP) or_pool_powers(p, count, lanes.real);
      if (kind == GLOBAL_MAX) {
        fold_max(&lanes, count, &result);
      } else {
        fold_sum(&lanes, count, &result);
      }
    }
    if (kind == GLOBAL_AVERAGE) result /= (double)size;
    lanes.real[0] = kind == GLOBAL_LP ? or_pool_root(p, result) : result;
    or_lanes_store(y->dtype, y->data, (int64_t)channel, 1, OR_LANE_REAL, &lanes);
  }
  return or_status_success();
}

static or_status_t global_average_reference(or_op_call_t *call) { return global_reference(call, GLOBAL_AVERAGE); }
static or_status_t global_max_reference(or_op_call_t *call) { return global_reference(call, GLOBAL_MAX); }
static or_status_t global_lp_reference(or_op_call_t *call) { return global_reference(call, GLOBAL_LP); }
