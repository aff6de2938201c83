/* Tensors of a request. */
#include <string.h>

#include "model/tensor_json.h"
#include "task/task_internal.h"

or_status_t or_task_parse_operand(or_task_t *task, const char *loc, const char *name, const or_json_value_t *value,
                                  or_task_problems_t *problems, or_task_operand_t *out) {
  or_tensor_data_t data;
  void *memory = NULL;
  *out = (or_task_operand_t){0};
  or_status_t status = or_arena_strndup(&task->arena, name, strlen(name), &out->name);
  if (!or_ok(status)) return status;
  status = or_tensor_json_read(task->allocator, value, &data);
  if (!or_ok(status)) {
    if (or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
    or_task_problem(problems, loc, "value_error.tensor", "%s", or_status_message(status));
    or_status_ignore(status); /* it is among the problems now */
    return or_status_success();
  }
  status = or_arena_alloc(&task->arena, data.bytes, &memory);
  if (or_ok(status)) {
    if (data.bytes > 0) memcpy(memory, data.data, data.bytes);
    *out = (or_task_operand_t){out->name, data.dtype, data.shape, memory, data.bytes};
  }
  or_free(task->allocator, data.data);
  return status;
}
