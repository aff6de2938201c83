/* What is given for a model's inputs, against what the model says of them. */
#include <string.h>

#include "model/inputs.h"
#include "task/task_internal.h"

/* One of them: a tensor or value of the context's, or an operand of the request. */
typedef struct given_t {
  const char *name;
  const or_task_tensor_t *tensor;
  const or_task_operand_t *operand;
} given_t;

typedef struct check_t {
  const or_task_t *task;
  const or_task_tensor_t *tensors;
  size_t tensor_count;
  const or_model_t *model;
  or_door_t door;
  or_task_problems_t *problems;
} check_t;

static void check_given(check_t *check, const given_t *given);
static void check_others(check_t *check);
static void tell(check_t *check, const char *name, or_status_t status);

static given_t given_at(const check_t *check, size_t index) {
  if (index < check->tensor_count) return (given_t){check->tensors[index].name, &check->tensors[index], NULL};
  const or_task_operand_t *operand = &check->task->parameters.operands[index - check->tensor_count];
  return (given_t){operand->name, NULL, operand};
}

static size_t given_count(const check_t *check) { return check->tensor_count + check->task->parameters.operand_count; }

void or_task_check_inputs(const or_task_t *task, const or_task_tensor_t *tensors, size_t tensor_count,
                          const or_model_t *model, or_task_problems_t *problems) {
  check_t check = {
      .task = task, .tensors = tensors, .tensor_count = tensor_count, .model = model, .problems = problems};
  or_model_door(model, &check.door);
  for (size_t i = 0; i < given_count(&check); ++i) {
    const given_t given = given_at(&check, i);
    check_given(&check, &given);
  }
  check_others(&check);
}

static or_status_t check_operand(check_t *check, size_t index, const or_task_operand_t *operand) {
  switch (operand->kind) {
  case OR_OPERAND_TENSOR: return or_door_check_tensor(&check->door, index, operand->dtype, &operand->shape);
  case OR_OPERAND_NOTHING: return or_door_check_nothing(&check->door, index);
  case OR_OPERAND_SEQUENCE: break;
  }
  or_status_t status = or_door_check_sequence(&check->door, index, operand->element_count);
  for (size_t i = 0; or_ok(status) && i < operand->element_count; ++i)
    status = or_door_check_element(&check->door, index, i, operand->elements[i].dtype, &operand->elements[i].shape);
  return status;
}

static void check_given(check_t *check, const given_t *given) {
  size_t index = 0;
  or_status_t status = or_model_find_input(check->model, given->name, &index);
  if (or_ok(status) && given->operand != NULL) {
    status = check_operand(check, index, given->operand);
  } else if (or_ok(status) && given->tensor->value != NULL) {
    status = or_door_check_given(&check->door, index, given->tensor->value);
  } else if (or_ok(status)) {
    status = or_door_check_tensor(&check->door, index, or_tensor_dtype(given->tensor->tensor),
                                  or_tensor_shape(given->tensor->tensor));
  }
  tell(check, given->name, status);
}

static bool is_given(const check_t *check, const char *name) {
  for (size_t i = 0; i < given_count(check); ++i) {
    if (strcmp(given_at(check, i).name, name) == 0) return true;
  }
  return false;
}

/* Inputs that are not given: texts and the picture fill some, a default serves, or they are generated where nothing at
 * all is given. */
static void check_others(check_t *check) {
  const or_task_parameters_t *p = &check->task->parameters;
  const bool generates = given_count(check) == 0 && p->image == NULL;
  bool picture = p->image != NULL;
  for (size_t i = 0; p->text_count == 0 && i < or_model_input_count(check->model); ++i) {
    const or_model_value_t *input = or_model_input(check->model, i);
    if (is_given(check, input->name)) continue;
    if (picture) {
      picture = false;
    } else if (!input->optional) {
      tell(check, input->name, generates ? or_model_can_generate(check->model, i) : or_door_missing(&check->door, i));
    }
  }
}

/* Takes the status. */
static void tell(check_t *check, const char *name, or_status_t status) {
  char loc[OR_TASK_LOC_BYTES];
  if (or_ok(status)) return;
  or_format(loc, sizeof loc, "data.inputs.%s", name);
  or_task_problem(check->problems, loc, "value_error.input", "%s", or_status_message(status));
  or_status_ignore(status); /* it is among the problems now */
}
