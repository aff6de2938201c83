#include "ops/is_inf.h"

#include <math.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t is_inf_infer(or_op_call_t *call);
static or_cost_t is_inf_cost(const or_op_call_t *call);
static or_status_t is_inf_reference(or_op_call_t *call);

const or_op_t or_op_is_inf = {
    .domain = "",
    .name = "IsInf",
    .summary = "true where an element is infinite, of either sign or of one",
    .since = {10, 20},
    .changes = {{20, OR_OP_FLOAT8 | OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_FLOAT16), 0}},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_OP_FLOAT8,
    .pointwise = true,
    .attributes = {{"detect_negative", OR_ATTRIBUTE_INT, false}, {"detect_positive", OR_ATTRIBUTE_INT, false}},
    .infer = is_inf_infer,
    .cost = is_inf_cost,
    .reference = is_inf_reference,
};

static or_status_t is_inf_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_BOOL;
  call->outputs[0].shape = call->inputs[0].shape;
  return or_status_success();
}

static or_cost_t is_inf_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

static or_status_t is_inf_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  bool negative = or_op_attribute_int(call, "detect_negative", 1) != 0;
  bool positive = or_op_attribute_int(call, "detect_positive", 1) != 0;
  int64_t total = (int64_t)or_shape_product(&x->shape, 0, x->shape.rank);
  or_lanes_t lanes;
  for (int64_t first = 0; first < total && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_lanes_load(x->dtype, x->data, first, 1, count, &lanes);
    for (size_t i = 0; i < count; ++i) {
      double value = lanes.real[i];
      lanes.integer[i] = isinf(value) && (value < 0 ? negative : positive);
    }
    or_lanes_store(y->dtype, y->data, first, count, OR_LANE_INTEGER, &lanes);
  }
  return or_status_success();
}
