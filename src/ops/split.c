#include "ops/split.h"

#include <assert.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t find_lengths(const or_op_call_t *call, const int64_t **lengths, bool *known);
static or_status_t check_lengths(const or_op_call_t *call, const int64_t *lengths, int64_t extent, int32_t axis);
static or_status_t divide_evenly(or_op_call_t *call, int64_t extent, int32_t axis);

static or_status_t split_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  const int64_t *lengths = NULL;
  bool known = true;
  or_status_t status = find_lengths(call, &lengths, &known);
  if (!or_ok(status)) return status;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    call->outputs[i].dtype = call->inputs[0].dtype;
    call->outputs[i].shape = *in;
  }
  if (in->rank < 0) return or_status_success();

  int32_t axis = 0;
  status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), in->rank, &axis);
  if (!or_ok(status)) return status;
  if (!known) {
    for (uint32_t i = 0; i < call->output_count; ++i) call->outputs[i].shape.dims[axis] = OR_DIM_UNKNOWN;
    return or_status_success();
  }
  if (lengths == NULL) return divide_evenly(call, in->dims[axis], axis);
  status = check_lengths(call, lengths, in->dims[axis], axis);
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) call->outputs[i].shape.dims[axis] = lengths[i];
  return status;
}

/* *lengths: as many as outputs, or NULL where there are none. */
static or_status_t find_lengths(const or_op_call_t *call, const int64_t **lengths, bool *known) {
  size_t count = 0;
  bool has_count = false;
  if (call->node->version < 13) {
    if (or_op_has_input(call, 1)) {
      return or_error(OR_UNIMPLEMENTED, "version %d with the lengths as input 1; use the attribute \"split\"",
                      call->node->version);
    }
    has_count = or_op_attribute(call, "split") != NULL;
    *lengths = or_op_attribute_ints(call, "split", &count);
  } else {
    or_status_t status = or_refuse_attribute(call, "split", 13);
    if (!or_ok(status)) return status;
    if (or_op_has_input(call, 1)) {
      const or_op_tensor_t *input = &call->inputs[1];
      if (input->dtype != OR_INT64 || (input->shape.rank != 1 && input->shape.rank != OR_RANK_UNKNOWN)) {
        return or_error(OR_INVALID_ARGUMENT, "input 1 (split) is %s of rank %d; it must be an int64 list",
                        or_dtype_name(input->dtype), input->shape.rank);
      }
      has_count = input->shape.rank == 1 && input->shape.dims[0] >= 0;
      if (has_count) count = (size_t)input->shape.dims[0];
      *known = has_count && input->data != NULL;
      *lengths = input->data;
      if (or_op_attribute(call, "num_outputs") != NULL) {
        return or_error(OR_INVALID_ARGUMENT,
                        "both input 1 (split) and attribute \"num_outputs\" are given; only one may be");
      }
    }
  }
  if (has_count && count != call->output_count) {
    return or_error(OR_INVALID_ARGUMENT, "split has %zu lengths for %u outputs", count, call->output_count);
  }
  return or_status_success();
}

static or_status_t check_lengths(const or_op_call_t *call, const int64_t *lengths, int64_t extent, int32_t axis) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    if (lengths[i] < 0)
      return or_error(OR_INVALID_ARGUMENT, "length %lld of output %u is negative", (long long)lengths[i], i);
    if (!or_add_i64(sum, lengths[i], &sum))
      return or_error(OR_INVALID_ARGUMENT, "the lengths add up to more than an extent can be");
  }
  if (extent >= 0 && sum != extent) {
    return or_error(OR_INVALID_ARGUMENT, "the lengths add up to %lld, but axis %d has extent %lld", (long long)sum,
                    axis, (long long)extent);
  }
  return or_status_success();
}

static or_status_t divide_evenly(or_op_call_t *call, int64_t extent, int32_t axis) {
  int64_t pieces = call->output_count;
  assert(pieces > 0); /* output_min */
  int64_t asked = or_op_attribute_int(call, "num_outputs", pieces);
  if (asked != pieces) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"num_outputs\" is %lld, but there are %lld outputs",
                    (long long)asked, (long long)pieces);
  }
  if (extent >= 0 && extent % pieces != 0 && call->node->version < 18) {
    return or_error(OR_INVALID_ARGUMENT, "axis %d of extent %lld does not divide into %lld equal pieces", axis,
                    (long long)extent, (long long)pieces);
  }
  int64_t length = extent / pieces + (extent % pieces != 0);
  if (extent < 0) length = pieces == 1 ? extent : OR_DIM_UNKNOWN;
  int64_t last = extent < 0 ? length : extent - length * (pieces - 1);
  if (extent >= 0 && last < 0) {
    return or_error(OR_INVALID_ARGUMENT,
                    "axis %d of extent %lld does not divide into %lld pieces of %lld and a smaller last one", axis,
                    (long long)extent, (long long)pieces, (long long)length);
  }
  for (uint32_t i = 0; i < call->output_count; ++i) {
    call->outputs[i].shape.dims[axis] = i + 1 < call->output_count ? length : last;
  }
  return or_status_success();
}

static or_status_t split_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), in->shape.rank, &axis);
  if (!or_ok(status)) return status;
  size_t element_bytes = or_dtype_bits(in->dtype) / 8;
  uint64_t outer = or_shape_product(&in->shape, 0, axis);
  size_t in_row = or_shape_product(&in->shape, axis, in->shape.rank) * element_bytes;
  if (outer == 0 || in_row == 0) return or_status_success();
  const char *from = in->data;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    char *to = call->outputs[i].data;
    size_t row = or_shape_product(&call->outputs[i].shape, axis, in->shape.rank) * element_bytes;
    for (uint64_t k = 0; to != NULL && row > 0 && k < outer && !or_stops(call->stop, 1 + OR_STOP_COPIED(row)); ++k)
      memcpy(to + k * row, from + k * in_row, row);
    from += row;
  }
  return or_status_success();
}

const or_op_t or_op_split = {
    .domain = "",
    .name = "Split",
    .summary = "pieces of a tensor along an axis, one an output",
    .since = {1, 2, 11, 13, 18},
    .changes = {{2, OR_OP_INTS | OR_OP_COMPLEX | OR_OP_STRINGS | OR_DTYPE_BIT(OR_BOOL), 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 2,
    .output_min = 1,
    .output_max = OR_OP_VARIADIC,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"num_outputs", OR_ATTRIBUTE_INT, false},
                   {"split", OR_ATTRIBUTE_INTS, false}},
    .infer = split_infer,
    .cost = or_cost_move,
    .reference = split_reference,
};
