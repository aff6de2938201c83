#include "ops/dropout.h"

#include "ops/draw.h"
#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t dropout_infer(or_op_call_t *call);
static or_status_t dropout_reference(or_op_call_t *call);
static bool draws_anew(const or_node_t *node);

const or_op_t or_op_dropout = {
    .domain = "",
    .name = "Dropout",
    .summary = "the input itself at inference; in training elements are dropped at random",
    .since = {1, 6, 7, 10, 12, 13, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(13), {22, OR_OP_FLOAT8, 0}},
    .input_min = 1,
    .input_max = 3,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS | OR_OP_FLOAT8,
    .value_inputs = 1u << 2,
    .draws_anew = draws_anew,
    .attributes = {{"ratio", OR_ATTRIBUTE_FLOAT, false},
                   {"seed", OR_ATTRIBUTE_INT, false},
                   {"is_test", OR_ATTRIBUTE_INT, false}},
    .infer = dropout_infer,
    .cost = or_cost_move,
    .reference = dropout_reference,
};

static bool draws_anew(const or_node_t *node) { return node->input_count > 2 && or_draw_without_seed(node); }

static or_status_t check_scalar(const or_op_call_t *call, uint32_t index, const char *name, uint32_t dtypes) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *input = &call->inputs[index];
  uint64_t count = 0;
  if (!or_dtype_is_one_of(input->dtype, dtypes))
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s; it must be %s", index, name, or_dtype_name(input->dtype),
                    index == 2 ? "bool" : "of a floating-point type");
  if (or_shape_count(&input->shape, &count) && count != 1)
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %llu elements; it must have one", index, name,
                    (unsigned long long)count);
  return or_status_success();
}

static or_status_t dropout_infer(or_op_call_t *call) {
  if (call->node->version < 7 && or_op_attribute_int(call, "is_test", 0) == 0)
    return or_error(OR_UNIMPLEMENTED, "Dropout in training before version 12; export the model for inference");
  or_status_t status = check_scalar(call, 1, "ratio", OR_OP_FLOATS | OR_OP_FLOAT8);
  if (or_ok(status)) status = check_scalar(call, 2, "training_mode", OR_DTYPE_BIT(OR_BOOL));
  if (!or_ok(status)) return status;
  if (call->output_count > 1) {
    call->outputs[1].dtype = call->node->version < 10 ? call->inputs[0].dtype : OR_BOOL;
    call->outputs[1].shape = call->inputs[0].shape;
  }
  return or_infer_same_as_input(call);
}

/* The part that is dropped: 0 at inference. */
static or_status_t read_ratio(const or_op_call_t *call, double *ratio) {
  *ratio = 0;
  if (!or_op_has_input(call, 2) || *(const uint8_t *)call->inputs[2].data == 0) return or_status_success();
  *ratio = 0.5;
  if (or_op_has_input(call, 1)) or_elements_load(call->inputs[1].dtype, call->inputs[1].data, 0, 1, ratio);
  if (*ratio >= 0 && *ratio < 1) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input 1 (ratio) is %g; it must be at least 0 and below 1", *ratio);
}

static or_status_t dropout_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  const or_op_tensor_t *mask = call->output_count > 1 && call->outputs[1].data != NULL ? &call->outputs[1] : NULL;
  uint64_t total = or_shape_product(&x->shape, 0, x->shape.rank);
  double ratio = 0, kept[OR_LANES], values[OR_LANES];
  or_draw_t draw = {.key = 0};
  or_status_t status = read_ratio(call, &ratio);
  if (or_ok(status) && ratio > 0) status = or_draw_begin(call, &draw);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < OR_LANES; ++i) kept[i] = 1;
  for (uint64_t first = 0; (ratio > 0 || mask != NULL) && first < total && !or_stops(call->stop, 4 * OR_LANES);
       first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    if (ratio > 0) or_draw_uniform(&draw, first, count, kept);
    for (size_t i = 0; ratio > 0 && i < count; ++i) kept[i] = kept[i] >= ratio;
    if (mask != NULL) or_elements_store(mask->dtype, mask->data, first, count, kept);
    if (ratio <= 0 || y->data == NULL) continue;
    or_elements_load(x->dtype, x->data, first, count, values);
    for (size_t i = 0; i < count; ++i) values[i] = values[i] * kept[i] / (1 - ratio);
    or_elements_store(y->dtype, y->data, first, count, values);
  }
  return ratio > 0 || y->data == NULL ? status : or_reference_copy(call);
}
