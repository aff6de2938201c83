#include "ops/transpose.h"

#include "ops/extents.h"
#include "ops/rows.h"
#include "ops/strings.h"

or_status_t or_transpose_permutation(const or_op_call_t *call, int32_t rank, int32_t permutation[OR_MAX_RANK]) {
  size_t count = 0;
  const int64_t *given = or_op_attribute_ints(call, "perm", &count);
  if (or_op_attribute(call, "perm") == NULL) {
    for (int32_t i = 0; i < rank; ++i) permutation[i] = rank - 1 - i;
    return or_status_success();
  }
  if (count != (size_t)rank) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"perm\" has %zu entries, but the input has rank %d", count, rank);
  }
  bool seen[OR_MAX_RANK] = {false};
  for (int32_t i = 0; i < rank; ++i) {
    if (given[i] < 0 || given[i] >= rank || seen[given[i]]) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"perm\" is no permutation of 0..%d: entry %d is %lld%s",
                      rank - 1, i, (long long)given[i],
                      given[i] < 0 || given[i] >= rank ? "" : ", which is there twice");
    }
    seen[given[i]] = true;
    permutation[i] = (int32_t)given[i];
  }
  return or_status_success();
}

static or_status_t transpose_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (in->rank < 0) {
    size_t count = 0;
    or_op_attribute_ints(call, "perm", &count);
    if (count > OR_MAX_RANK) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"perm\" has %zu entries; the limit is %d", count, OR_MAX_RANK);
    }
    return or_shape_unknown(count > 0 ? (int32_t)count : OR_RANK_UNKNOWN, out);
  }
  int32_t permutation[OR_MAX_RANK];
  or_status_t status = or_transpose_permutation(call, in->rank, permutation);
  if (!or_ok(status)) return status;
  out->rank = in->rank;
  for (int32_t i = 0; i < in->rank; ++i) out->dims[i] = in->dims[permutation[i]];
  return or_status_success();
}

static or_status_t transpose_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  int32_t permutation[OR_MAX_RANK];
  or_status_t status = or_transpose_permutation(call, in->rank, permutation);
  if (!or_ok(status)) return status;
  int64_t strides[OR_MAX_RANK];
  or_dense_strides(in, strides);
  or_rows_layout_t layout = {.rank = in->rank, .operand_count = 1, .stop = call->stop};
  for (int32_t i = 0; i < in->rank; ++i) {
    layout.extent[i] = in->dims[permutation[i]];
    layout.stride[0][i] = strides[permutation[i]];
  }
  or_rows_copy(&layout, or_dtype_bits(call->inputs[0].dtype), call->inputs[0].data, call->outputs[0].data);
  return or_status_success();
}

const or_op_t or_op_transpose = {
    .domain = "",
    .name = "Transpose",
    .summary = "dimensions in another order",
    .since = {1, 13, 21, 23, 24, 25},
    .changes = {OR_OP_MOVED_SINCE},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .attributes = {{"perm", OR_ATTRIBUTE_INTS, false}},
    .infer = transpose_infer,
    .cost = or_cost_move,
    .reference = transpose_reference,
};
