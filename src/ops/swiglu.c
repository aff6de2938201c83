#include "ops/swiglu.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t swiglu_infer(or_op_call_t *call);
static or_cost_t swiglu_cost(const or_op_call_t *call);
static or_status_t swiglu_reference(or_op_call_t *call);

const or_op_t or_op_swiglu = {
    .domain = "",
    .name = "SwiGLU",
    .summary = "Swish of one tensor times another",
    .since = {28},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .pointwise = true,
    .attributes = {{"alpha", OR_ATTRIBUTE_FLOAT, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = swiglu_infer,
    .cost = swiglu_cost,
    .reference = swiglu_reference,
};

static or_status_t swiglu_infer(or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape, *b = &call->inputs[1].shape;
  or_shape_t *out = &call->outputs[0].shape;
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status) && a->rank >= 0) status = or_infer_check_rank(call, 1, a->rank);
  if (or_ok(status)) status = or_infer_same_as_input(call);
  if (or_ok(status) && a->rank < 0) *out = *b;
  for (int32_t i = 0; or_ok(status) && a->rank >= 0 && i < b->rank; ++i)
    status = or_infer_same_extent("an extent of A and B", a->dims[i], b->dims[i], &out->dims[i]);
  return status;
}

static or_cost_t swiglu_cost(const or_op_call_t *call) { return or_cost_per_output(call, 20); }

static or_status_t swiglu_reference(or_op_call_t *call) {
  const or_op_tensor_t *a = &call->inputs[0], *b = &call->inputs[1], *y = &call->outputs[0];
  double alpha = (double)or_op_attribute_float(call, "alpha", 1), x[OR_LANES], z[OR_LANES];
  uint64_t total = or_shape_product(&a->shape, 0, a->shape.rank);
  for (uint64_t first = 0; first < total && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_elements_load(a->dtype, a->data, first, count, x);
    or_elements_load(b->dtype, b->data, first, count, z);
    for (size_t i = 0; i < count; ++i) x[i] = x[i] / (1 + exp(-alpha * x[i])) * z[i];
    or_elements_store(y->dtype, y->data, first, count, x);
  }
  return or_status_success();
}
