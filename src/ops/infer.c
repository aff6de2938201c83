#include "ops/infer.h"

or_status_t or_infer_same_as_input(or_op_call_t *call) {
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = call->inputs[0].shape;
  return or_status_success();
}

or_status_t or_infer_check_dtype(const or_op_call_t *call, uint32_t index) {
  if (!or_op_has_input(call, index) || call->inputs[index].dtype == call->inputs[0].dtype) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u is %s, expected %s as input 0", index,
                  or_dtype_name(call->inputs[index].dtype), or_dtype_name(call->inputs[0].dtype));
}

or_status_t or_infer_check_form(const or_op_call_t *call, uint32_t index, or_value_form_t form) {
  if (call->inputs[index].form == form) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u is %s, expected %s", index, or_op_form_name(call->inputs[index].form),
                  or_op_form_name(form));
}

or_status_t or_infer_check_rank(const or_op_call_t *call, uint32_t index, int32_t rank) {
  if (!or_op_has_input(call, index)) return or_status_success();
  int32_t actual = call->inputs[index].shape.rank;
  if (actual == rank || actual == OR_RANK_UNKNOWN) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u has rank %d, expected %d", index, (int)actual, (int)rank);
}

or_status_t or_infer_same_extent(const char *what, int64_t a, int64_t b, int64_t *out) {
  if (a >= 0 && b >= 0 && a != b) {
    return or_error(OR_INVALID_ARGUMENT, "%s: %lld and %lld differ", what, (long long)a, (long long)b);
  }
  /* A symbol says more than an extent without a name, and a number says most. */
  *out = a >= 0 || (b < 0 && a != OR_DIM_UNKNOWN) ? a : b;
  return or_status_success();
}

or_status_t or_infer_check_broadcast(const or_op_call_t *call, uint32_t index, const or_shape_t *shape) {
  if (!or_op_has_input(call, index) || shape->rank < 0) return or_status_success();
  const or_shape_t *given = &call->inputs[index].shape;
  bool fits = given->rank <= shape->rank;
  for (int32_t i = 0; fits && i < given->rank; ++i) {
    int64_t extent = given->dims[i], wanted = shape->dims[i + shape->rank - given->rank];
    fits = extent == 1 || extent < 0 || wanted < 0 || extent == wanted;
  }
  if (fits) return or_status_success();
  char text[160], text_of_shape[160];
  return or_error(OR_INVALID_ARGUMENT, "input %u has shape %s, which does not broadcast to %s", index,
                  or_shape_format(given, text, sizeof text),
                  or_shape_format(shape, text_of_shape, sizeof text_of_shape));
}

void or_infer_join_shape(or_shape_t *shape, const or_shape_t *other) {
  if (shape->rank != other->rank) shape->rank = OR_RANK_UNKNOWN;
  for (int32_t i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] != other->dims[i]) shape->dims[i] = OR_DIM_UNKNOWN;
  }
}

double or_cost_bytes(const or_op_tensor_t *tensor) {
  uint64_t count = 0;
  if (tensor->dtype == OR_DTYPE_NONE || !or_shape_count(&tensor->shape, &count)) return 0;
  return (double)or_dtype_bits(tensor->dtype) / 8 * (double)count;
}

or_cost_t or_cost_none(const or_op_call_t *call) {
  (void)call;
  return (or_cost_t){0};
}

or_cost_t or_cost_per_output(const or_op_call_t *call, double flops_per_output) {
  or_cost_t cost = {0};
  for (uint32_t i = 0; i < call->input_count; ++i) cost.bytes_read += or_cost_bytes(&call->inputs[i]);
  for (uint32_t i = 0; i < call->output_count; ++i) cost.bytes_written += or_cost_bytes(&call->outputs[i]);
  uint64_t count = 0;
  if (or_shape_count(&call->outputs[0].shape, &count)) cost.flops = flops_per_output * (double)count;
  return cost;
}
