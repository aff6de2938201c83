/* What goes into a task and comes out of it, be it a tensor or none. */
#include <string.h>

#include "model/tensor_json.h"
#include "model/value_json.h"
#include "runtime/runtime.h"
#include "task/task_internal.h"

void or_task_tensor_release(or_task_tensor_t *tensor) {
  or_tensor_release(tensor->tensor);
  or_value_release(tensor->value);
  tensor->tensor = NULL;
  tensor->value = NULL;
}

uint64_t or_task_tensor_bytes(const or_task_tensor_t *tensor) {
  return tensor->value != NULL ? or_value_bytes(tensor->value) : or_tensor_bytes(tensor->tensor);
}

or_status_t or_task_tensor_write(const or_allocator_t *allocator, const or_task_tensor_t *tensor,
                                 or_json_writer_t *json) {
  return tensor->value != NULL ? or_value_json_write(allocator, tensor->value, json)
                               : or_tensor_json_write(allocator, tensor->tensor, json);
}

/* Strings lie in the host's memory, whatever computes. */
static or_status_t make_tensor(const or_task_run_t *run, const or_task_operand_t *operand, or_tensor_t **out) {
  or_device_t *device = run->device;
  if (operand->dtype == OR_STRING) device = or_runtime_host_device(run->context->runtime);
  if (device == NULL) return or_error(OR_UNAVAILABLE, "there is no device whose memory is the host's");
  return or_tensor_create_from(device, operand->dtype, operand->shape, operand->data, operand->bytes, out);
}

static or_status_t make_sequence(const or_task_run_t *run, const or_task_operand_t *operand, or_value_t **out) {
  const or_allocator_t *allocator = run->task->allocator;
  void *memory = NULL;
  or_status_t status = or_alloc_array(allocator, operand->element_count + 1, sizeof(or_value_t *), &memory);
  or_value_t **elements = memory;
  size_t made = 0;
  while (or_ok(status) && made < operand->element_count) {
    or_tensor_t *tensor = NULL;
    status = make_tensor(run, &operand->elements[made], &tensor);
    if (or_ok(status)) status = or_value_from_tensor(allocator, tensor, &elements[made]);
    if (or_ok(status)) ++made;
    or_tensor_release(tensor);
  }
  if (or_ok(status)) status = or_value_sequence(allocator, elements, made, out);
  while (made > 0) or_value_release(elements[--made]);
  or_free(allocator, elements);
  return status;
}

/* What the caller gives of that name: references. */
static or_status_t take_given(const or_task_run_t *run, const char *name, or_task_tensor_t *out, bool *found) {
  const or_task_parameters_t *p = &run->task->parameters;
  *found = false;
  *out = (or_task_tensor_t){.tensor = NULL};
  for (size_t i = 0; i < run->context->tensor_count; ++i) {
    const or_task_tensor_t *given = &run->context->tensors[i];
    if (strcmp(given->name, name) != 0) continue;
    *found = true;
    *out = *given;
    if (out->tensor != NULL) or_tensor_retain(out->tensor);
    if (out->value != NULL) or_value_retain(out->value);
    return or_status_success();
  }
  for (size_t i = 0; i < p->operand_count; ++i) {
    const or_task_operand_t *operand = &p->operands[i];
    if (strcmp(operand->name, name) != 0 || operand->part != NULL) continue;
    *found = true;
    if (operand->kind == OR_OPERAND_NOTHING) return or_value_optional(run->task->allocator, NULL, &out->value);
    if (operand->kind == OR_OPERAND_SEQUENCE) return make_sequence(run, operand, &out->value);
    return make_tensor(run, operand, &out->tensor);
  }
  return or_status_success();
}

or_status_t or_task_bind_given(or_task_run_t *run, const or_model_value_t *declared, or_binding_t *binding,
                               bool *found) {
  or_task_tensor_t given;
  or_status_t status = take_given(run, declared->name, &given, found);
  if (!or_ok(status) || !*found) return or_status_context(status, "input \"%s\"", declared->name);
  if (declared->form != OR_FORM_TENSOR) {
    status = or_value_as(run->task->allocator, declared->form, given.tensor, given.value, &binding->value);
  } else if (given.tensor == NULL) {
    status = or_error(OR_INVALID_ARGUMENT, "input \"%s\": expected a tensor, got %s", declared->name,
                      or_value_kind(given.value) == OR_VALUE_SEQUENCE ? "a sequence" : "null");
  } else {
    binding->tensor = given.tensor;
    given.tensor = NULL;
  }
  or_task_tensor_release(&given);
  return status;
}

void or_task_renew_outputs(or_binding_t *outputs, size_t output_count) {
  for (size_t i = 0; i < output_count; ++i) {
    or_value_release(outputs[i].value);
    outputs[i].value = NULL;
    if (outputs[i].tensor == NULL || or_tensor_dtype(outputs[i].tensor) != OR_STRING) continue;
    or_tensor_release(outputs[i].tensor);
    outputs[i].tensor = NULL;
  }
}

void or_task_release_bindings(or_binding_t *bindings, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    or_tensor_release(bindings[i].tensor);
    or_value_release(bindings[i].value);
    bindings[i].tensor = NULL;
    bindings[i].value = NULL;
  }
}
