#include "ops/sequence.h"

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t construct_infer(or_op_call_t *call);
static or_status_t empty_infer(or_op_call_t *call);
static or_status_t insert_infer(or_op_call_t *call);
static or_status_t erase_infer(or_op_call_t *call);
static or_status_t at_infer(or_op_call_t *call);
static or_status_t length_infer(or_op_call_t *call);
static or_status_t split_infer(or_op_call_t *call);
static or_status_t concat_infer(or_op_call_t *call);

#define SEQUENCE(op_name, text)                                                     \
  .domain = "", .name = op_name, .summary = text, .output_min = 1, .output_max = 1, \
  .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS, .handles = true, .cost = or_cost_none

const or_op_t or_op_sequence_construct = {
    SEQUENCE("SequenceConstruct", "a sequence of the given tensors"),
    .since = {11},
    .input_min = 1,
    .input_max = OR_OP_VARIADIC,
    .infer = construct_infer,
};

const or_op_t or_op_sequence_empty = {
    SEQUENCE("SequenceEmpty", "a sequence without tensors"),
    .since = {11},
    .attributes = {{"dtype", OR_ATTRIBUTE_INT, false}},
    .infer = empty_infer,
};

const or_op_t or_op_sequence_insert = {
    SEQUENCE("SequenceInsert", "a sequence with one more tensor, at a position"),
    .since = {11},
    .input_min = 2,
    .input_max = 3,
    .infer = insert_infer,
};

const or_op_t or_op_sequence_erase = {
    SEQUENCE("SequenceErase", "a sequence without the tensor at a position"),
    .since = {11},
    .input_min = 1,
    .input_max = 2,
    .infer = erase_infer,
};

const or_op_t or_op_sequence_at = {
    SEQUENCE("SequenceAt", "the tensor at a position of a sequence"),
    .since = {11},
    .input_min = 2,
    .input_max = 2,
    .infer = at_infer,
};

const or_op_t or_op_sequence_length = {
    SEQUENCE("SequenceLength", "the number of tensors in a sequence"),
    .since = {11},
    .input_min = 1,
    .input_max = 1,
    .infer = length_infer,
};

const or_op_t or_op_split_to_sequence = {
    SEQUENCE("SplitToSequence", "pieces of a tensor along an axis, as a sequence"),
    .since = {11, 24},
    .changes = {OR_OP_BFLOAT16_SINCE(24)},
    .input_min = 1,
    .input_max = 2,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}, {"keepdims", OR_ATTRIBUTE_INT, false}},
    .infer = split_infer,
};

const or_op_t or_op_concat_from_sequence = {
    SEQUENCE("ConcatFromSequence", "the tensors of a sequence end to end along an axis, or stacked along a new one"),
    .since = {11},
    .input_min = 1,
    .input_max = 1,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, true}, {"new_axis", OR_ATTRIBUTE_INT, false}},
    .infer = concat_infer,
};

static or_status_t construct_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  *out = (or_op_tensor_t){.dtype = call->inputs[0].dtype, .shape = call->inputs[0].shape, .form = OR_FORM_SEQUENCE};
  for (uint32_t i = 0; i < call->input_count; ++i) {
    if (!or_op_has_input(call, i)) return or_error(OR_INVALID_ARGUMENT, "input %u is left out, and must not be", i);
    or_status_t status = or_infer_check_form(call, i, OR_FORM_TENSOR);
    if (or_ok(status)) status = or_infer_check_dtype(call, i);
    if (!or_ok(status)) return status;
    or_infer_join_shape(&out->shape, &call->inputs[i].shape);
  }
  return or_status_success();
}

static or_status_t empty_infer(or_op_call_t *call) {
  int64_t dtype = or_op_attribute_int(call, "dtype", OR_FLOAT32);
  if (dtype <= OR_DTYPE_NONE || dtype >= OR_DTYPE_COUNT) {
    return or_error(OR_UNIMPLEMENTED, "a sequence of the dtype of number %lld, which is unknown here (the last is %d)",
                    (long long)dtype, OR_DTYPE_COUNT - 1);
  }
  call->outputs[0].dtype = (or_dtype_t)dtype;
  call->outputs[0].form = OR_FORM_SEQUENCE;
  return or_status_success();
}

/* Input 0 is a sequence, input `index` a position in it, if it is given. */
static or_status_t check_position(const or_op_call_t *call, uint32_t index) {
  int64_t position = 0;
  bool known = false;
  or_status_t status = or_infer_check_form(call, 0, OR_FORM_SEQUENCE);
  if (!or_ok(status) || !or_op_has_input(call, index)) return status;
  status = or_infer_check_form(call, index, OR_FORM_TENSOR);
  return or_ok(status) ? or_scalar_input(call, index, "position", 0, &position, &known) : status;
}

static or_status_t insert_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  or_status_t status = check_position(call, 2);
  if (or_ok(status)) status = or_infer_check_form(call, 1, OR_FORM_TENSOR);
  if (or_ok(status)) status = or_infer_check_dtype(call, 1);
  *out = (or_op_tensor_t){.dtype = call->inputs[0].dtype, .shape = call->inputs[0].shape, .form = OR_FORM_SEQUENCE};
  or_infer_join_shape(&out->shape, &call->inputs[1].shape);
  return status;
}

static or_status_t erase_infer(or_op_call_t *call) {
  call->outputs[0].form = OR_FORM_SEQUENCE;
  or_status_t status = check_position(call, 1);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_status_t at_infer(or_op_call_t *call) {
  or_status_t status = check_position(call, 1);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_status_t length_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_INT64;
  call->outputs[0].shape = (or_shape_t){.rank = 0};
  return or_infer_check_form(call, 0, OR_FORM_SEQUENCE);
}

/* ---- between tensors and sequences ---- */

/* The extent of every piece along the axis, or OR_DIM_UNKNOWN where they differ or are not known. */
static or_status_t piece_extent(const or_op_call_t *call, int64_t extent, int64_t *out) {
  const or_op_tensor_t *split = &call->inputs[1];
  *out = OR_DIM_UNKNOWN;
  if (split->dtype != OR_INT64 && split->dtype != OR_INT32) {
    return or_error(OR_INVALID_ARGUMENT, "input 1 (split) is %s; it must be int64 or int32",
                    or_dtype_name(split->dtype));
  }
  if (split->shape.rank > 1)
    return or_error(OR_INVALID_ARGUMENT, "input 1 (split) has rank %d, expected 0 or 1", split->shape.rank);
  if (split->data == NULL || split->shape.rank != 0) return or_status_success();
  bool known = false;
  int64_t length = 0;
  or_status_t status = or_scalar_input(call, 1, "split", 1, &length, &known);
  if (or_ok(status) && length < 1)
    return or_error(OR_INVALID_ARGUMENT, "input 1 (split) is %lld, expected at least 1", (long long)length);
  if (or_ok(status) && extent >= 0 && extent % length == 0) *out = length;
  return status;
}

static or_status_t split_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  const or_shape_t *in = &call->inputs[0].shape;
  *out = (or_op_tensor_t){.dtype = call->inputs[0].dtype, .shape = *in, .form = OR_FORM_SEQUENCE};
  or_status_t status = or_infer_check_form(call, 0, OR_FORM_TENSOR);
  int32_t axis = 0;
  int64_t extent = OR_DIM_UNKNOWN;
  if (or_ok(status) && in->rank >= 0) status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), in->rank, &axis);
  if (!or_ok(status)) return status;
  if (or_op_has_input(call, 1)) {
    status = or_infer_check_form(call, 1, OR_FORM_TENSOR);
    if (or_ok(status)) status = piece_extent(call, in->rank >= 0 ? in->dims[axis] : OR_DIM_UNKNOWN, &extent);
    if (in->rank >= 0) out->shape.dims[axis] = extent;
    return status;
  }
  if (in->rank < 0) return status;
  out->shape.dims[axis] = 1;
  if (or_op_attribute_int(call, "keepdims", 1) != 0) return status;
  out->shape.rank--;
  for (int32_t i = axis; i < out->shape.rank; ++i) out->shape.dims[i] = in->dims[i + 1];
  return status;
}

static or_status_t concat_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  const or_shape_t *in = &call->inputs[0].shape;
  int64_t added = or_op_attribute_int(call, "new_axis", 0);
  int32_t axis = 0;
  or_status_t status = or_infer_check_form(call, 0, OR_FORM_SEQUENCE);
  if (or_ok(status) && added != 0 && added != 1)
    status = or_error(OR_INVALID_ARGUMENT, "attribute \"new_axis\" is %lld, expected 0 or 1", (long long)added);
  out->dtype = call->inputs[0].dtype;
  if (!or_ok(status) || in->rank < 0) return status;
  int32_t rank = in->rank + (int32_t)added;
  status = or_shape_unknown(rank, &out->shape);
  if (or_ok(status)) status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), rank, &axis);
  for (int32_t i = 0; or_ok(status) && i < rank; ++i) {
    if (i != axis) out->shape.dims[i] = in->dims[i > axis ? i - (int32_t)added : i];
  }
  return status;
}
