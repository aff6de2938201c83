#include "ops/range.h"

#include <math.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"

static or_status_t count_integers(int64_t start, int64_t limit, int64_t delta, int64_t *count);
static or_status_t count_reals(double start, double limit, double delta, int64_t *count);

/* start, limit, delta in lanes 0, 1, 2. */
static void load_operands(const or_op_call_t *call, or_lanes_t *out) {
  for (uint32_t i = 0; i < 3; ++i) {
    or_lanes_t one;
    or_lanes_load(call->inputs[i].dtype, call->inputs[i].data, 0, 1, 1, &one);
    out->natural[i] = one.natural[0];
  }
}

static or_status_t range_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  out->dtype = call->inputs[0].dtype;
  or_status_t status = or_shape_unknown(1, &out->shape);
  bool known = true;
  for (uint32_t i = 0; or_ok(status) && i < 3; ++i) {
    const or_shape_t *shape = &call->inputs[i].shape;
    status = or_infer_check_dtype(call, i);
    uint64_t count = 0;
    if (or_ok(status) && (shape->rank > 1 || (or_shape_count(shape, &count) && count != 1))) {
      status = or_error(OR_INVALID_ARGUMENT, "input %u must be a scalar", i);
    }
    if (call->inputs[i].data == NULL || count != 1) known = false;
  }
  if (!or_ok(status) || !known) return status;

  or_lanes_t operands;
  load_operands(call, &operands);
  if (or_lane_kind(out->dtype) == OR_LANE_INTEGER) {
    return count_integers(operands.integer[0], operands.integer[1], operands.integer[2], &out->shape.dims[0]);
  }
  return count_reals(operands.real[0], operands.real[1], operands.real[2], &out->shape.dims[0]);
}

static or_status_t count_integers(int64_t start, int64_t limit, int64_t delta, int64_t *count) {
  if (delta == 0) return or_error(OR_INVALID_ARGUMENT, "delta is 0");
  *count = 0;
  if (delta > 0 ? limit <= start : limit >= start) return or_status_success();
  uint64_t distance = delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
  uint64_t step = delta > 0 ? (uint64_t)delta : (uint64_t)(-(delta + 1)) + 1;
  uint64_t needed = (distance - 1) / step + 1;
  if (needed > INT64_MAX) {
    return or_error(OR_OUT_OF_RANGE, "%llu numbers; a tensor has at most %lld elements", (unsigned long long)needed,
                    (long long)INT64_MAX);
  }
  *count = (int64_t)needed;
  return or_status_success();
}

static or_status_t count_reals(double start, double limit, double delta, int64_t *count) {
  double needed = ceil((limit - start) / delta);
  if (delta == 0 || isnan(needed)) {
    return or_error(OR_INVALID_ARGUMENT, "no count follows from start %g, limit %g, delta %g", start, limit, delta);
  }
  if (needed >= 0x1p63)
    return or_error(OR_OUT_OF_RANGE, "%g numbers; a tensor has at most %lld elements", needed, (long long)INT64_MAX);
  *count = needed > 0 ? (int64_t)needed : 0;
  return or_status_success();
}

static or_status_t range_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  or_lane_kind_t kind = or_lane_kind(out->dtype);
  or_lanes_t operands, lanes;
  load_operands(call, &operands);
  for (int64_t first = 0; first < out->shape.dims[0] && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = (size_t)(out->shape.dims[0] - first < OR_LANES ? out->shape.dims[0] - first : OR_LANES);
    for (size_t i = 0; i < count; ++i) {
      uint64_t at = (uint64_t)first + i;
      if (kind == OR_LANE_REAL) {
        lanes.real[i] = operands.real[0] + (double)at * operands.real[2];
      } else {
        lanes.natural[i] = operands.natural[0] + at * operands.natural[2]; /* modulo 2^64: right for int64 too */
      }
    }
    or_lanes_store(out->dtype, out->data, first, count, kind, &lanes);
  }
  return or_status_success();
}

static or_cost_t range_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

const or_op_t or_op_range = {
    .domain = "",
    .name = "Range",
    .summary = "numbers from start to before limit in steps of delta",
    .since = {11, 27},
    .changes = {{27, OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_FLOAT16), 0}},
    .input_min = 3,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT16) | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64),
    .value_inputs = 1u << 0 | 1u << 1 | 1u << 2,
    .attributes = {{"stash_type", OR_ATTRIBUTE_INT, false}},
    .tolerance = {1e-6, 1e-7},
    .infer = range_infer,
    .cost = range_cost,
    .reference = range_reference,
};
