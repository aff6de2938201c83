#include "ops/optional.h"

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/strings.h"

static or_status_t optional_infer(or_op_call_t *call);
static or_status_t has_element_infer(or_op_call_t *call);
static or_status_t has_element_reference(or_op_call_t *call);
static or_status_t get_element_infer(or_op_call_t *call);

#define OPTIONAL(op_name, text)                                                                     \
  .domain = "", .name = op_name, .summary = text, .input_max = 1, .output_min = 1, .output_max = 1, \
  .dtypes = OR_OP_MOVABLE | OR_OP_STRINGS, .handles = true

const or_op_t or_op_optional = {
    OPTIONAL("Optional", "a value that may be there, or the lack of one"),
    .since = {15, 28},
    .changes = {{28, OR_OP_NARROW | OR_DTYPE_BIT(OR_BFLOAT16), 0}},
    .attributes = {{"type", OR_ATTRIBUTE_TYPE, false}},
    .infer = optional_infer,
    .cost = or_cost_none,
};

const or_op_t or_op_optional_has_element = {
    OPTIONAL("OptionalHasElement", "whether an optional holds a value"),
    .since = {15, 18, 28},
    .changes = {{28, OR_OP_NARROW | OR_DTYPE_BIT(OR_BFLOAT16), 0}},
    .infer = has_element_infer,
    .cost = or_cost_none,
    .reference = has_element_reference,
};

const or_op_t or_op_optional_get_element = {
    OPTIONAL("OptionalGetElement", "the value that an optional holds"),
    .since = {15, 18, 28},
    .changes = {{28, OR_OP_NARROW | OR_DTYPE_BIT(OR_BFLOAT16), 0}},
    .input_min = 1,
    .infer = get_element_infer,
    .cost = or_cost_move,
    .reference = or_reference_copy,
};

static bool is_optional(or_value_form_t form) {
  return form == OR_FORM_OPTIONAL_TENSOR || form == OR_FORM_OPTIONAL_SEQUENCE;
}

static or_value_form_t optional_of(or_value_form_t form) {
  return form == OR_FORM_SEQUENCE ? OR_FORM_OPTIONAL_SEQUENCE : OR_FORM_OPTIONAL_TENSOR;
}

static or_status_t optional_infer(or_op_call_t *call) {
  const or_attribute_t *type = or_op_attribute(call, "type");
  or_op_tensor_t *out = &call->outputs[0];
  if (type != NULL && (is_optional(type->form) || !or_dtype_is_one_of(type->dtype, OR_OP_MOVABLE | OR_OP_STRINGS))) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"type\" is %s of %s, expected a tensor or a sequence",
                    or_op_form_name(type->form), or_dtype_name(type->dtype));
  }
  if (!or_op_has_input(call, 0)) {
    if (type == NULL) return or_error(OR_INVALID_ARGUMENT, "there is neither an input nor an attribute \"type\"");
    out->dtype = type->dtype;
    out->form = optional_of(type->form);
    return or_status_success();
  }
  const or_op_tensor_t *in = &call->inputs[0];
  if (is_optional(in->form))
    return or_error(OR_INVALID_ARGUMENT, "input 0 is %s, expected a tensor or a sequence", or_op_form_name(in->form));
  if (type != NULL && (type->form != in->form || type->dtype != in->dtype)) {
    return or_error(OR_INVALID_ARGUMENT, "input 0 is %s of %s, and attribute \"type\" says %s of %s",
                    or_op_form_name(in->form), or_dtype_name(in->dtype), or_op_form_name(type->form),
                    or_dtype_name(type->dtype));
  }
  *out = (or_op_tensor_t){.dtype = in->dtype, .shape = in->shape, .form = optional_of(in->form)};
  return or_status_success();
}

static or_status_t check_optional(const or_op_call_t *call) {
  const bool given = or_op_has_input(call, 0);
  if (call->node->version >= 18 || (given && is_optional(call->inputs[0].form))) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input 0 is %s, expected an optional before version 18",
                  given ? or_op_form_name(call->inputs[0].form) : "left out");
}

static or_status_t has_element_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_BOOL;
  call->outputs[0].shape = (or_shape_t){.rank = 0};
  return check_optional(call);
}

/* Of a tensor, or of nothing. */
static or_status_t has_element_reference(or_op_call_t *call) {
  *(uint8_t *)call->outputs[0].data = or_op_has_input(call, 0);
  return or_status_success();
}

static or_status_t get_element_infer(or_op_call_t *call) {
  const or_value_form_t form = call->inputs[0].form;
  const bool sequence = form == OR_FORM_SEQUENCE || form == OR_FORM_OPTIONAL_SEQUENCE;
  or_status_t status = check_optional(call);
  if (!or_ok(status)) return status;
  call->outputs[0].form = sequence ? OR_FORM_SEQUENCE : OR_FORM_TENSOR;
  return or_infer_same_as_input(call);
}
