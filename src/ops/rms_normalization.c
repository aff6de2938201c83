#include "ops/rms_normalization.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/rows.h"

static or_status_t rms_infer(or_op_call_t *call);
static or_cost_t rms_cost(const or_op_call_t *call);
static or_status_t rms_reference(or_op_call_t *call);

const or_op_t or_op_rms_normalization = {
    .domain = "",
    .name = "RMSNormalization",
    .summary = "scaled to mean square 1 over the last dimensions",
    .since = {23},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"epsilon", OR_ATTRIBUTE_FLOAT, false},
                   {"stash_type", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = rms_infer,
    .cost = rms_cost,
    .reference = rms_reference,
};

static or_status_t axis_of(const or_op_call_t *call, int32_t *axis) {
  return or_axis_normalize(or_op_attribute_int(call, "axis", -1), call->inputs[0].shape.rank, axis);
}

static or_status_t rms_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  int32_t axis = 0;
  if (!or_dtype_is_one_of(call->inputs[1].dtype, OR_OP_FLOATS)) {
    return or_error(OR_INVALID_ARGUMENT, "input 1 (scale) is %s, which RMSNormalization does not take",
                    or_dtype_name(call->inputs[1].dtype));
  }
  or_status_t status = x->rank < 0 ? or_status_success() : axis_of(call, &axis);
  if (or_ok(status)) status = or_infer_check_broadcast(call, 1, x);
  call->outputs[0].dtype = call->inputs[1].dtype;
  call->outputs[0].shape = *x;
  return status;
}

static or_cost_t rms_cost(const or_op_call_t *call) { return or_cost_per_output(call, 4); }

static double inverse_rms(const or_op_call_t *call, uint64_t first, uint64_t length, double epsilon) {
  const or_op_tensor_t *x = &call->inputs[0];
  double values[OR_LANES], squares = 0;
  for (uint64_t done = 0; done < length && !or_stops(call->stop, OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_elements_load(x->dtype, x->data, first + done, count, values);
    for (size_t i = 0; i < count; ++i) squares += values[i] * values[i];
  }
  return 1 / sqrt(squares / (double)length + epsilon);
}

static or_status_t rms_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *scale = &call->inputs[1], *y = &call->outputs[0];
  double epsilon = (double)or_op_attribute_float(call, "epsilon", 1e-5F), factor = 0, values[OR_LANES];
  int32_t axis = 0;
  or_status_t status = axis_of(call, &axis);
  if (!or_ok(status)) return status;
  uint64_t length = or_shape_product(&x->shape, axis, x->shape.rank);
  const or_shape_t *shapes[] = {&scale->shape};
  or_lanes_t scales;
  or_rows_t rows;
  for (or_rows_begin_broadcast(&rows, &x->shape, shapes, 1, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length;) {
      uint64_t first = (uint64_t)(rows.out + done), left = (uint64_t)(rows.length - done);
      uint64_t count = length - first % length;
      if (count > left) count = left;
      if (count > OR_LANES) count = OR_LANES;
      if (first % length == 0) factor = inverse_rms(call, first, length, epsilon);
      or_elements_load(x->dtype, x->data, first, count, values);
      or_lanes_load(scale->dtype, scale->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &scales);
      for (size_t i = 0; i < count; ++i) values[i] *= factor * scales.real[i];
      or_elements_store(y->dtype, y->data, first, count, values);
      done += (int64_t)count;
    }
  }
  return status;
}
