#include "ops/op.h"

#include <string.h>

#include "ops/extents.h"

#define X(symbol) extern const or_op_t or_op_##symbol;
#include "ops/ops_list.h"
#undef X

#define OPSET_OF_BROADCASTING 7

static const or_op_t *const catalogue[] = {
#define X(symbol) &or_op_##symbol,
#include "ops/ops_list.h"
#undef X
};

static const struct {
  const char *domain;
  int newest_opset;
} domains[] = {{"", 28}, {"openruntime", 1}};

static const char *canonical_domain(const char *domain);
static or_status_t check_counts(const or_op_call_t *call);
static or_status_t check_count(const char *what, uint32_t count, uint8_t minimum, uint8_t maximum);
static or_status_t check_forms(const or_op_call_t *call);
static or_status_t check_attributes(const or_op_call_t *call);
static or_status_t check_attribute(const or_op_call_t *call, const or_attribute_t *attribute);
static or_status_t check_dtype(const or_op_call_t *call, const char *what, or_dtype_t dtype);

const or_op_t *or_op_at(size_t index) { return index < or_op_count() ? catalogue[index] : NULL; }

size_t or_op_count(void) { return sizeof catalogue / sizeof catalogue[0]; }

const or_op_t *or_op_find(const char *domain, const char *name) {
  domain = canonical_domain(domain);
  for (size_t i = 0; i < or_op_count(); ++i) {
    if (strcmp(catalogue[i]->name, name) == 0 && strcmp(catalogue[i]->domain, domain) == 0) return catalogue[i];
  }
  return NULL;
}

int or_op_version(const or_op_t *op, int opset) {
  int version = 0;
  for (size_t i = 0; i < OR_OP_MAX_VERSIONS && op->since[i] != 0 && op->since[i] <= opset; ++i) version = op->since[i];
  return version;
}

uint32_t or_op_dtypes(const or_op_t *op, int version) {
  uint32_t dtypes = op->dtypes;
  for (size_t i = 0; i < OR_OP_MAX_CHANGES && op->changes[i].version != 0; ++i) {
    dtypes &= ~(version < op->changes[i].version ? op->changes[i].added : op->changes[i].dropped);
  }
  return dtypes;
}

int or_op_newest_opset(const char *domain) {
  domain = canonical_domain(domain);
  for (size_t i = 0; i < sizeof domains / sizeof *domains; ++i) {
    if (strcmp(domains[i].domain, domain) == 0) return domains[i].newest_opset;
  }
  return 0;
}

or_status_t or_op_infer(or_op_call_t *call) {
  or_status_t status = check_counts(call);
  if (or_ok(status)) status = check_forms(call);
  if (or_ok(status)) status = check_attributes(call);
  if (or_ok(status) && call->input_count > 0 && call->inputs[0].dtype != OR_DTYPE_NONE) {
    status = check_dtype(call, "input 0", call->inputs[0].dtype);
  }
  if (!or_ok(status)) return status;

  for (uint32_t i = 0; i < call->output_count; ++i) {
    call->outputs[i].dtype = OR_DTYPE_NONE;
    call->outputs[i].shape.rank = OR_RANK_UNKNOWN;
    call->outputs[i].form = OR_FORM_TENSOR;
  }
  or_stop_t stop = or_stop_make(call->cancel, call->budget);
  call->stop = &stop;
  status = or_stop_end(&stop, call->op->infer(call));
  call->stop = NULL;
  if (or_ok(status) && call->op->input_max == 0) status = check_dtype(call, "output 0", call->outputs[0].dtype);
  return status;
}

/* Whether all outputs are tensors without elements: however long the other extents are, none is walked along. */
static bool has_nothing_to_compute(const or_op_call_t *call) {
  bool any = false;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    const or_op_tensor_t *output = &call->outputs[i];
    uint64_t count = 0;
    if (output->dtype == OR_DTYPE_NONE) continue; /* left out */
    if (output->form != OR_FORM_TENSOR || !or_shape_count(&output->shape, &count) || count != 0) return false;
    any = true;
  }
  return any;
}

or_status_t or_op_reference(or_op_call_t *call) {
  if (call->op->reference == NULL)
    return or_error(OR_FAILED_PRECONDITION, "%s has no reference: the runtime carries it out", call->op->name);
  if (has_nothing_to_compute(call)) return or_status_success();
  or_stop_t stop = or_stop_make(call->cancel, call->budget);
  call->stop = &stop;
  or_status_t status = or_stop_end(&stop, call->op->reference(call));
  call->stop = NULL;
  return status;
}

const or_attribute_t *or_op_attribute(const or_op_call_t *call, const char *name) {
  for (uint32_t i = 0; i < call->node->attribute_count; ++i) {
    if (strcmp(call->node->attributes[i].name, name) == 0) return &call->node->attributes[i];
  }
  return NULL;
}

int64_t or_op_attribute_int(const or_op_call_t *call, const char *name, int64_t fallback) {
  const or_attribute_t *attribute = or_op_attribute(call, name);
  return attribute != NULL ? attribute->integer : fallback;
}

float or_op_attribute_float(const or_op_call_t *call, const char *name, float fallback) {
  const or_attribute_t *attribute = or_op_attribute(call, name);
  return attribute != NULL ? attribute->real : fallback;
}

bool or_op_attribute_is(const or_op_call_t *call, const char *name, const char *expected, const char *fallback) {
  const or_attribute_t *attribute = or_op_attribute(call, name);
  if (attribute == NULL) return strcmp(fallback, expected) == 0;
  size_t length = strlen(expected);
  return attribute->string.length == length && memcmp(attribute->string.data, expected, length) == 0;
}

const int64_t *or_op_attribute_ints(const or_op_call_t *call, const char *name, size_t *count) {
  const or_attribute_t *attribute = or_op_attribute(call, name);
  *count = attribute != NULL ? attribute->count : 0;
  return attribute != NULL ? attribute->integers : NULL;
}

static const char *canonical_domain(const char *domain) {
  return domain == NULL || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static or_status_t check_counts(const or_op_call_t *call) {
  const or_op_t *op = call->op;
  or_status_t status = check_count("inputs", call->input_count, op->input_min, op->input_max);
  if (or_ok(status)) status = check_count("outputs", call->output_count, op->output_min, op->output_max);
  for (uint32_t i = 0; or_ok(status) && i < op->input_min; ++i) {
    if (!or_op_has_input(call, i)) status = or_error(OR_INVALID_ARGUMENT, "input %u is left out, and must not be", i);
  }
  return status;
}

static or_status_t check_count(const char *what, uint32_t count, uint8_t minimum, uint8_t maximum) {
  if (count >= minimum && (maximum == OR_OP_VARIADIC || count <= maximum)) return or_status_success();
  if (maximum == OR_OP_VARIADIC) {
    return or_error(OR_INVALID_ARGUMENT, "%u %s, expected at least %u", count, what, (unsigned)minimum);
  }
  if (minimum == maximum) return or_error(OR_INVALID_ARGUMENT, "%u %s, expected %u", count, what, (unsigned)minimum);
  return or_error(OR_INVALID_ARGUMENT, "%u %s, expected %u to %u", count, what, (unsigned)minimum, (unsigned)maximum);
}

const char *or_op_form_name(or_value_form_t form) {
  static const char *const names[] = {"a tensor", "a sequence", "an optional tensor", "an optional sequence"};
  return (size_t)form < sizeof names / sizeof *names ? names[form] : "of an unknown form";
}

static or_status_t check_forms(const or_op_call_t *call) {
  for (uint32_t i = 0; i < call->input_count && !call->op->handles; ++i) {
    if (call->inputs[i].form == OR_FORM_TENSOR) continue;
    return or_error(OR_INVALID_ARGUMENT, "input %u is %s, and %s takes tensors", i,
                    or_op_form_name(call->inputs[i].form), call->op->name);
  }
  return or_status_success();
}

static or_status_t check_attributes(const or_op_call_t *call) {
  for (uint32_t i = 0; i < call->node->attribute_count; ++i) {
    or_status_t status = check_attribute(call, &call->node->attributes[i]);
    if (!or_ok(status)) return status;
  }
  for (size_t i = 0; i < OR_OP_MAX_ATTRIBUTES && call->op->attributes[i].name != NULL; ++i) {
    const or_op_attribute_t *known = &call->op->attributes[i];
    if (known->required && or_op_attribute(call, known->name) == NULL) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is missing; %s requires it", known->name, call->op->name);
    }
  }
  return or_status_success();
}

static const char *kind_name(or_attribute_kind_t kind) {
  static const char *const names[] = {"none", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings"};
  if (kind == OR_ATTRIBUTE_TYPE) return "type";
  return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "of an unknown kind";
}

static or_status_t check_attribute(const or_op_call_t *call, const or_attribute_t *attribute) {
  const or_op_t *op = call->op;
  for (size_t i = 0; i < OR_OP_MAX_ATTRIBUTES && op->attributes[i].name != NULL; ++i) {
    const or_op_attribute_t *known = &op->attributes[i];
    if (strcmp(known->name, attribute->name) != 0) continue;
    if (known->kind == attribute->kind) return or_status_success();
    return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is %s, expected %s", attribute->name,
                    kind_name(attribute->kind), kind_name(known->kind));
  }
  /* Versions before 7 have attributes (`broadcast`, `consumed_inputs`) that are not in the tables: valid, not known. */
  bool old = op->domain[0] == '\0' && call->node->version < OPSET_OF_BROADCASTING;
  or_status_code_t code = old ? OR_UNIMPLEMENTED : OR_INVALID_ARGUMENT;
  return or_error(code, "attribute \"%s\" is not one of %s", attribute->name, op->name);
}

static or_status_t check_dtype(const or_op_call_t *call, const char *what, or_dtype_t dtype) {
  const or_op_t *op = call->op;
  if (or_dtype_is_one_of(dtype, or_op_dtypes(op, call->node->version))) return or_status_success();
  if (!or_dtype_is_one_of(dtype, op->dtypes)) {
    return or_error(OR_INVALID_ARGUMENT, "%s is %s, which %s does not take", what, or_dtype_name(dtype), op->name);
  }
  return or_error(OR_INVALID_ARGUMENT, "%s is %s, which version %d of %s does not take", what, or_dtype_name(dtype),
                  call->node->version, op->name);
}
