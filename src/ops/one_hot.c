#include "ops/one_hot.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t one_hot_infer(or_op_call_t *call);
static or_status_t one_hot_reference(or_op_call_t *call);

const or_op_t or_op_one_hot = {
    .domain = "",
    .name = "OneHot",
    .summary = "one value at each index along a new dimension, another elsewhere",
    .since = {9, 11, 28},
    .input_min = 3,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_NUMERIC & ~OR_DTYPE_BIT(OR_BFLOAT16),
    .value_inputs = 1u << 1,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = one_hot_infer,
    .cost = or_cost_move,
    .reference = one_hot_reference,
};

static or_status_t check_count(const or_op_call_t *call, uint32_t index, const char *name, uint64_t expected) {
  uint64_t count = 0;
  const or_shape_t *shape = &call->inputs[index].shape;
  if (!or_shape_is_static(shape) || (or_shape_count(shape, &count) && count == expected)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %llu elements; it must have %llu", index, name,
                  (unsigned long long)count, (unsigned long long)expected);
}

/* Elements first.. of an input as integers, floating-point ones truncated. */
static void load_integers(const or_op_tensor_t *tensor, uint64_t first, size_t count, or_lanes_t *out) {
  or_lane_kind_t kind = or_lane_kind(tensor->dtype);
  or_lanes_load(tensor->dtype, tensor->data, (int64_t)first, 1, count, out);
  if (kind == OR_LANE_REAL) or_lanes_convert(out, count, kind, OR_LANE_INTEGER);
  for (size_t i = 0; kind == OR_LANE_NATURAL && i < count; ++i) {
    if (out->natural[i] > INT64_MAX) out->integer[i] = INT64_MAX;
  }
}

static or_status_t one_hot_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  const or_op_tensor_t *depth = &call->inputs[1];
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[2].dtype;
  if (!or_dtype_is_one_of(depth->dtype, OR_OP_NUMERIC) ||
      !or_dtype_is_one_of(call->inputs[2].dtype, OR_OP_ALL_FIXED | OR_OP_STRINGS)) {
    return or_error(OR_INVALID_ARGUMENT, "inputs 1 and 2 are %s and %s; expected a number and a dtype of fixed width",
                    or_dtype_name(depth->dtype), or_dtype_name(call->inputs[2].dtype));
  }
  or_status_t status = check_count(call, 1, "depth", 1);
  if (or_ok(status)) status = check_count(call, 2, "values", 2);
  if (or_ok(status)) status = or_shape_unknown(in->rank < 0 ? in->rank : in->rank + 1, out);
  if (!or_ok(status) || in->rank < 0) return status;
  int32_t axis = 0;
  status = or_axis_normalize(or_op_attribute_int(call, "axis", -1), out->rank, &axis);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < in->rank; ++i) out->dims[i < axis ? i : i + 1] = in->dims[i];
  if (depth->data == NULL) return status;
  or_lanes_t lane;
  load_integers(depth, 0, 1, &lane);
  if (lane.integer[0] < 0) return or_error(OR_INVALID_ARGUMENT, "depth is %lld", (long long)lane.integer[0]);
  out->dims[axis] = lane.integer[0];
  return or_shape_check_count(out);
}

static or_status_t one_hot_reference(or_op_call_t *call) {
  const or_op_tensor_t *indices = &call->inputs[0], *values = &call->inputs[2], *out = &call->outputs[0];
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", -1), out->shape.rank, &axis);
  if (!or_ok(status)) return status;
  size_t bytes = or_dtype_bits(values->dtype) / 8;
  const char *off = values->data, *on = off + bytes;
  char *to = out->data;
  uint64_t total = or_shape_product(&out->shape, 0, out->shape.rank), depth = (uint64_t)out->shape.dims[axis];
  uint64_t inner = or_shape_product(&out->shape, axis + 1, out->shape.rank), count = depth > 0 ? total / depth : 0;
  for (uint64_t i = 0; i < total && !or_stops(call->stop, 1); ++i) memcpy(to + i * bytes, off, bytes);
  or_lanes_t lanes;
  for (uint64_t first = 0; first < count && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t part = count - first < OR_LANES ? (size_t)(count - first) : OR_LANES;
    load_integers(indices, first, part, &lanes);
    for (size_t i = 0; i < part; ++i) {
      int64_t index = lanes.integer[i];
      if (index < 0 && call->node->version >= 11) index += (int64_t)depth;
      if (index < 0 || index >= (int64_t)depth) continue;
      uint64_t outer = (first + i) / inner, place = (first + i) % inner;
      memcpy(to + ((outer * depth + (uint64_t)index) * inner + place) * bytes, on, bytes);
    }
  }
  return status;
}
