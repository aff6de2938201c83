#include "ops/control.h"

#include "ops/infer.h"

static or_status_t if_infer(or_op_call_t *call);
static or_status_t loop_infer(or_op_call_t *call);
static or_status_t scan_infer(or_op_call_t *call);
static or_status_t sequence_map_infer(or_op_call_t *call);
static or_cost_t control_cost(const or_op_call_t *call);

#define EVERY_DTYPE ((OR_DTYPE_BIT(OR_DTYPE_COUNT - 1) << 1) - OR_DTYPE_BIT(OR_FLOAT32))

const or_op_t or_op_if = {
    .domain = "",
    .name = "If",
    .summary = "one of two graphs, by a condition",
    .since = {1, 11, 13, 16, 19, 21, 23, 24, 25},
    .input_min = 1,
    .input_max = OR_OP_VARIADIC,
    .output_min = 1,
    .output_max = OR_OP_VARIADIC,
    .dtypes = OR_DTYPE_BIT(OR_BOOL),
    .handles = true,
    .attributes = {{"then_branch", OR_ATTRIBUTE_GRAPH, true}, {"else_branch", OR_ATTRIBUTE_GRAPH, true}},
    .infer = if_infer,
    .cost = control_cost,
};

const or_op_t or_op_loop = {
    .domain = "",
    .name = "Loop",
    .summary = "a graph again and again, with values carried from one iteration to the next",
    .since = {1, 11, 13, 16, 19, 21, 23, 24, 25},
    .input_min = 0,
    .input_max = OR_OP_VARIADIC,
    .output_min = 1,
    .output_max = OR_OP_VARIADIC,
    .dtypes = OR_DTYPE_BIT(OR_INT64),
    .handles = true,
    .attributes = {{"body", OR_ATTRIBUTE_GRAPH, true}},
    .infer = loop_infer,
    .cost = control_cost,
};

const or_op_t or_op_scan = {
    .domain = "",
    .name = "Scan",
    .summary = "a graph for each slice of tensors, with values carried from one to the next",
    .since = {8, 9, 11, 16, 19, 21, 23, 24, 25},
    .input_min = 0,
    .input_max = OR_OP_VARIADIC,
    .output_min = 1,
    .output_max = OR_OP_VARIADIC,
    .dtypes = EVERY_DTYPE,
    .handles = true,
    .attributes = {{"body", OR_ATTRIBUTE_GRAPH, true},
                   {"num_scan_inputs", OR_ATTRIBUTE_INT, true},
                   {"scan_input_axes", OR_ATTRIBUTE_INTS, false},
                   {"scan_input_directions", OR_ATTRIBUTE_INTS, false},
                   {"scan_output_axes", OR_ATTRIBUTE_INTS, false},
                   {"scan_output_directions", OR_ATTRIBUTE_INTS, false},
                   {"directions", OR_ATTRIBUTE_INTS, false}},
    .infer = scan_infer,
    .cost = control_cost,
};

const or_op_t or_op_sequence_map = {
    .domain = "",
    .name = "SequenceMap",
    .summary = "a graph for each tensor of a sequence",
    .since = {17},
    .input_min = 1,
    .input_max = OR_OP_VARIADIC,
    .output_min = 1,
    .output_max = OR_OP_VARIADIC,
    .dtypes = EVERY_DTYPE,
    .handles = true,
    .attributes = {{"body", OR_ATTRIBUTE_GRAPH, true}},
    .infer = sequence_map_infer,
    .cost = control_cost,
};

static or_status_t check_scalar(const or_op_call_t *call, uint32_t index, or_dtype_t dtype, const char *what) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *tensor = &call->inputs[index];
  uint64_t count = 0;
  if (tensor->form != OR_FORM_TENSOR || tensor->dtype != dtype)
    return or_error(OR_INVALID_ARGUMENT, "the %s is %s, expected a tensor of %s", what, or_dtype_name(tensor->dtype),
                    or_dtype_name(dtype));
  if (or_shape_count(&tensor->shape, &count) && count != 1)
    return or_error(OR_INVALID_ARGUMENT, "the %s has %llu elements, expected one", what, (unsigned long long)count);
  return or_status_success();
}

static or_status_t if_infer(or_op_call_t *call) { return check_scalar(call, 0, OR_BOOL, "condition"); }

static or_status_t loop_infer(or_op_call_t *call) {
  or_status_t status = check_scalar(call, 0, OR_INT64, "count of iterations");
  return or_ok(status) ? check_scalar(call, 1, OR_BOOL, "condition") : status;
}

static or_status_t scan_infer(or_op_call_t *call) {
  const int64_t scanned = or_op_attribute_int(call, "num_scan_inputs", 0);
  const uint32_t explicit_count = call->input_count - call->node->captured_count;
  if (scanned < 1 || scanned > (int64_t)explicit_count)
    return or_error(OR_INVALID_ARGUMENT, "num_scan_inputs is %lld, expected 1 to %u, the number of inputs",
                    (long long)scanned, explicit_count);
  return or_status_success();
}

static or_status_t sequence_map_infer(or_op_call_t *call) {
  or_status_t status = or_infer_check_form(call, 0, OR_FORM_SEQUENCE);
  for (uint32_t i = 1; or_ok(status) && i + call->node->captured_count < call->input_count; ++i) {
    if (call->inputs[i].form != OR_FORM_TENSOR) status = or_infer_check_form(call, i, OR_FORM_SEQUENCE);
  }
  for (uint32_t i = 0; i < call->output_count; ++i) call->outputs[i].form = OR_FORM_SEQUENCE;
  return status;
}

/* What its bodies cost is known when they run. */
static or_cost_t control_cost(const or_op_call_t *call) {
  (void)call;
  return (or_cost_t){0};
}
