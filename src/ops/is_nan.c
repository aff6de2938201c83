#include "ops/is_nan.h"

#include <math.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t is_nan_infer(or_op_call_t *call);
static or_cost_t is_nan_cost(const or_op_call_t *call);
static or_status_t is_nan_reference(or_op_call_t *call);

const or_op_t or_op_is_nan = {
    .domain = "",
    .name = "IsNaN",
    .summary = "true where an element is NaN",
    .since = {9, 13, 20},
    .changes = {OR_OP_BFLOAT16_SINCE(13), {20, OR_OP_FLOAT8, 0}},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_OP_FLOAT8,
    .pointwise = true,
    .infer = is_nan_infer,
    .cost = is_nan_cost,
    .reference = is_nan_reference,
};

static or_status_t is_nan_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_BOOL;
  call->outputs[0].shape = call->inputs[0].shape;
  return or_status_success();
}

static or_cost_t is_nan_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

static or_status_t is_nan_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  int64_t total = (int64_t)or_shape_product(&x->shape, 0, x->shape.rank);
  or_lanes_t lanes;
  for (int64_t first = 0; first < total && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_lanes_load(x->dtype, x->data, first, 1, count, &lanes);
    for (size_t i = 0; i < count; ++i) lanes.integer[i] = isnan(lanes.real[i]);
    or_lanes_store(y->dtype, y->data, first, count, OR_LANE_INTEGER, &lanes);
  }
  return or_status_success();
}
