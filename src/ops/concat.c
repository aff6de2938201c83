#include "ops/concat.h"

#include <string.h>

#include "base/string.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t append_shape(const or_op_call_t *call, uint32_t index, int32_t axis, or_shape_t *out);

static or_status_t concat_infer(or_op_call_t *call) {
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (call->node->version >= 4 && or_op_attribute(call, "axis") == NULL) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"axis\" is missing");
  }
  int32_t rank = OR_RANK_UNKNOWN;
  bool all_known = true;
  for (uint32_t i = 0; i < call->input_count; ++i) {
    if (!or_op_has_input(call, i)) return or_error(OR_INVALID_ARGUMENT, "input %u is left out, and must not be", i);
    or_status_t status = or_infer_check_dtype(call, i);
    if (!or_ok(status)) return status;
    int32_t own = call->inputs[i].shape.rank;
    if (own < 0) all_known = false;
    if (own >= 0 && rank >= 0 && own != rank) {
      return or_error(OR_INVALID_ARGUMENT, "input %u has rank %d, the ones before it have rank %d", i, own, rank);
    }
    if (own >= 0) rank = own;
  }
  if (rank < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);

  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 1), rank, &axis);
  if (or_ok(status)) status = or_shape_unknown(rank, out);
  out->dims[axis] = 0;
  for (uint32_t i = 0; or_ok(status) && i < call->input_count; ++i) {
    if (call->inputs[i].shape.rank >= 0) status = append_shape(call, i, axis, out);
  }
  if (!all_known) out->dims[axis] = OR_DIM_UNKNOWN;
  return status;
}

static or_status_t append_shape(const or_op_call_t *call, uint32_t index, int32_t axis, or_shape_t *out) {
  const or_shape_t *in = &call->inputs[index].shape;
  for (int32_t d = 0; d < out->rank; ++d) {
    if (d == axis) continue;
    char what[64];
    or_status_t status = or_infer_same_extent(or_format(what, sizeof what, "dimension %d of input %u", d, index),
                                              out->dims[d], in->dims[d], &out->dims[d]);
    if (!or_ok(status)) return status;
  }
  int64_t sum = out->dims[axis], extent = in->dims[axis];
  if (sum == 0 || extent == 0) {
    out->dims[axis] = sum == 0 ? extent : sum; /* a symbol beside zeros stays itself */
  } else if (sum < 0 || extent < 0) {
    out->dims[axis] = OR_DIM_UNKNOWN;
  } else if (!or_add_i64(sum, extent, &out->dims[axis])) {
    return or_error(OR_OUT_OF_RANGE, "the extents along axis %d add up to more than %lld", axis, (long long)INT64_MAX);
  }
  return or_status_success();
}

static or_status_t concat_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 1), out->shape.rank, &axis);
  if (!or_ok(status)) return status;
  size_t element_bytes = or_dtype_bits(out->dtype) / 8;
  uint64_t outer = or_shape_product(&out->shape, 0, axis);
  size_t out_row = or_shape_product(&out->shape, axis, out->shape.rank) * element_bytes;
  if (outer == 0 || out_row == 0) return or_status_success();
  char *to = out->data;
  for (uint32_t i = 0; i < call->input_count; ++i) {
    const char *from = call->inputs[i].data;
    size_t row = or_shape_product(&call->inputs[i].shape, axis, out->shape.rank) * element_bytes;
    for (uint64_t k = 0; row > 0 && k < outer && !or_stops(call->stop, 1 + OR_STOP_COPIED(row)); ++k)
      memcpy(to + k * out_row, from + k * row, row);
    to += row;
  }
  return or_status_success();
}

const or_op_t or_op_concat = {
    .domain = "",
    .name = "Concat",
    .summary = "tensors end to end along an axis",
    .since = {1, 4, 11, 13},
    .changes = {{4, OR_OP_INTS | OR_OP_COMPLEX | OR_OP_STRINGS | OR_DTYPE_BIT(OR_BOOL), 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = OR_OP_VARIADIC,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = concat_infer,
    .cost = or_cost_move,
    .reference = concat_reference,
};
