#include "task/kernel_launch.h"

#include <string.h>

#include "base/string.h"
#include "task/kernel_launch_internal.h"

static void release_memory(void *memory) { or_free(or_allocator_system(), memory); }

/* Memory of a tensor's size: zeros, or, where only its form matters, whatever lies there, untouched. */
static or_status_t make_room(or_task_launch_t *launch, const or_task_argument_t *form, bool zeros, or_tensor_t **out) {
  void *memory = NULL;
  or_status_t status = zeros ? or_alloc_zeroed(or_allocator_system(), form->bytes, &memory)
                             : or_alloc(or_allocator_system(), form->bytes, &memory);
  if (!or_ok(status)) return status;
  const or_owner_t owner = {.self = memory, .release = release_memory};
  status = or_tensor_wrap(launch->runtime, form->dtype, form->shape, memory, owner, out);
  if (!or_ok(status)) release_memory(memory);
  return status;
}

static void release_nothing(void *self) { (void)self; }

/* A tensor of the request: the context's if it came beside the JSON, else a view of the task's own memory. */
static or_status_t use_operand(or_task_launch_t *launch, const or_task_operand_t *operand, or_tensor_t **out) {
  const or_task_context_t *context = launch->context;
  for (size_t i = 0; context != NULL && i < context->tensor_count; ++i) {
    if (strcmp(context->tensors[i].name, operand->name) != 0 || context->tensors[i].tensor == NULL) continue;
    *out = context->tensors[i].tensor;
    or_tensor_retain(*out);
    return or_status_success();
  }
  const or_task_argument_t form = {.dtype = operand->dtype, .shape = operand->shape, .bytes = operand->bytes};
  if (operand->data == NULL && operand->bytes > 0) return make_room(launch, &form, false, out);
  const or_owner_t owner = {.self = NULL, .release = release_nothing};
  return or_tensor_wrap(launch->runtime, operand->dtype, operand->shape, (void *)(uintptr_t)operand->data, owner, out);
}

static or_status_t fill(or_task_launch_t *launch, const or_task_t *task, size_t index, or_kernel_argument_t *out) {
  const or_task_argument_t *given = &task->parameters.user_kernel->arguments[index];
  or_tensor_t *tensor = NULL;
  or_status_t status = or_status_success();
  switch (given->kind) {
  case OR_ARGUMENT_NUMBER:
    *out = (or_kernel_argument_t){.is_number = true,
                                  .is_integer = given->is_integer,
                                  .is_unsigned = given->is_unsigned,
                                  .is_rounded = given->is_rounded,
                                  .integer = given->integer,
                                  .real = given->real};
    return status;
  case OR_ARGUMENT_LOCAL: *out = (or_kernel_argument_t){.local_bytes = given->local_bytes}; return status;
  case OR_ARGUMENT_ZEROS: status = make_room(launch, given, launch->context != NULL, &tensor); break;
  case OR_ARGUMENT_TENSOR: status = use_operand(launch, &task->parameters.operands[given->operand], &tensor); break;
  }
  *out = (or_kernel_argument_t){.tensor = tensor};
  if (or_ok(status)) launch->tensors[launch->tensor_count++] = tensor;
  return status;
}

or_status_t or_task_launch_make(or_task_launch_t *launch, const or_task_t *task, or_runtime_t *runtime,
                                const or_task_context_t *context) {
  const or_task_kernel_t *kernel = task->parameters.user_kernel;
  launch->runtime = runtime;
  launch->context = context;
  launch->tensor_count = 0;
  launch->launch = (or_kernel_launch_t){
      .grid = kernel->grid, .arguments = launch->arguments, .argument_count = (uint32_t)kernel->argument_count};
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < kernel->argument_count; ++i)
    status = fill(launch, task, i, &launch->arguments[i]);
  if (!or_ok(status)) or_task_launch_free(launch);
  return status;
}

void or_task_launch_free(or_task_launch_t *launch) {
  for (size_t i = 0; i < launch->tensor_count; ++i) or_tensor_release(launch->tensors[i]);
  launch->tensor_count = 0;
}

/* Room for results is asked for in a few words, so it is bounded before it is made. */
static bool check_zeros(const or_task_t *task, uint64_t limit, or_task_problems_t *problems) {
  const or_task_kernel_t *kernel = task->parameters.user_kernel;
  uint64_t bytes = 0;
  for (size_t i = 0; i < kernel->argument_count; ++i) {
    char loc[OR_TASK_LOC_BYTES];
    const or_task_argument_t *argument = &kernel->arguments[i];
    if (argument->kind != OR_ARGUMENT_ZEROS) continue;
    bytes = argument->bytes <= UINT64_MAX - bytes ? bytes + argument->bytes : UINT64_MAX;
    if (bytes <= limit) continue;
    or_format(loc, sizeof loc, "data.arguments.%zu", i);
    or_task_problem(problems, loc, "value_error.range", "with it results take %llu bytes; the limit is %llu",
                    (unsigned long long)bytes, (unsigned long long)limit);
    return false;
  }
  return true;
}

static void add_problem(void *problems, const char *where, int index, const char *message) {
  char loc[OR_TASK_LOC_BYTES];
  if (index < 0) {
    or_format(loc, sizeof loc, "data.%s", where);
  } else {
    or_format(loc, sizeof loc, "data.%s.%d", where, index);
  }
  or_task_problem(problems, loc, strcmp(where, "arguments") == 0 ? "value_error.argument" : "value_error.range", "%s",
                  message);
}

or_status_t or_task_check_kernel(const or_task_t *task, or_runtime_t *runtime, const or_kernel_t *kernel,
                                 const or_kernels_options_t *limits, or_task_problems_t *problems) {
  or_task_launch_t launch;
  if (!check_zeros(task, limits->output_bytes, problems)) return or_status_success();
  or_status_t status = or_task_launch_make(&launch, task, runtime, NULL);
  if (!or_ok(status)) return status;
  (void)or_kernel_check(kernel, &launch.launch, add_problem, problems);
  or_task_launch_free(&launch);
  return status;
}
