/* Tensors of a request. */
#include <string.h>

#include "model/tensor_json.h"
#include "model/value_json.h"
#include "task/task_internal.h"

/* Bytes of a body are as many as the tensor takes; who they are is said by whoever executes the task. */
static or_status_t parse_part(or_task_t *task, const char *loc, const or_json_value_t *value,
                              or_task_problems_t *problems, or_task_operand_t *out) {
  or_tensor_data_t type;
  or_task_part_t *part = or_task_find_part(task, loc, value, problems);
  if (part == NULL) return or_status_success();
  or_status_t status = or_tensor_json_read_type(value, &type);
  if (or_ok(status) && (or_json_get(value, "data") != NULL || or_json_get(value, "data_base64") != NULL)) {
    status = or_error(OR_INVALID_ARGUMENT, "a tensor with \"part\" has no data beside it");
  } else if (or_ok(status) && type.dtype == OR_STRING) {
    status = or_error(OR_INVALID_ARGUMENT, "strings have no bytes of their own: they are in \"data\", not in a part");
  } else if (or_ok(status) && part->bytes != type.bytes) {
    status = or_error(OR_INVALID_ARGUMENT, "part \"%s\" has %zu bytes; its dtype and shape take %zu", part->name,
                      part->bytes, type.bytes);
  } else if (or_ok(status) && type.dtype == OR_BOOL) {
    status = or_truth_check(part->data, part->bytes);
  }
  if (!or_ok(status)) {
    or_task_problem(problems, loc, "value_error.tensor", "%s", or_status_message(status));
    or_status_ignore(status); /* it is among the problems now */
    return or_status_success();
  }
  *out = (or_task_operand_t){.name = out->name, .dtype = type.dtype, .shape = type.shape, .bytes = type.bytes};
  return or_arena_strndup(&task->arena, part->name, strlen(part->name), &out->part);
}

or_task_part_t *or_task_find_part(or_task_t *task, const char *loc, const or_json_value_t *value,
                                  or_task_problems_t *problems) {
  const char *name = or_json_get_string(or_json_get(value, "part"), NULL);
  for (size_t i = 0; name != NULL && task->parts != NULL && i < task->parts->count; ++i) {
    or_task_part_t *part = &task->parts->items[i];
    if (strcmp(part->name, name) != 0) continue;
    part->used = true;
    return part;
  }
  or_task_problem(problems, loc, "value_error.part", "the body has no part \"%.64s\"", name != NULL ? name : "");
  return NULL;
}

or_status_t or_task_parse_image_part(or_task_t *task, const or_json_value_t *value, or_task_problems_t *problems) {
  const or_task_part_t *part = or_task_find_part(task, "data.image", value, problems);
  return part != NULL ? or_task_copy_image(task, part) : or_status_success();
}

or_status_t or_task_copy_image(or_task_t *task, const or_task_part_t *part) {
  or_task_parameters_t *p = &task->parameters;
  void *memory = NULL;
  or_status_t status = or_arena_alloc(&task->arena, part->bytes, &memory);
  if (!or_ok(status)) return status;
  if (part->bytes > 0) memcpy(memory, part->data, part->bytes);
  p->image = memory;
  p->image_length = part->bytes;
  p->image_is_file = true;
  return status;
}

bool or_task_part_use(const or_task_t *task, size_t index, or_task_part_use_t *out) {
  const or_task_parameters_t *p = &task->parameters;
  for (size_t i = 0; i < p->operand_count; ++i) {
    const or_task_operand_t *operand = &p->operands[i];
    if (operand->part == NULL || index-- > 0) continue;
    *out = (or_task_part_use_t){operand->name, operand->part, operand->dtype, operand->shape};
    return true;
  }
  return false;
}

/* The texts lie in what was read from the request: copies take their place. */
static or_status_t keep_texts(or_task_t *task, or_string_t *strings, size_t count) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < count; ++i)
    status = or_arena_strndup(&task->arena, strings[i].data, strings[i].length, &strings[i].data);
  return status;
}

static or_status_t parse_sequence(or_task_t *task, const char *loc, const or_json_value_t *value,
                                  or_task_problems_t *problems, or_task_operand_t *out) {
  const size_t count = or_json_count(value);
  void *memory = NULL;
  if (count > OR_VALUE_JSON_MAX_ELEMENTS) {
    or_task_problem(problems, loc, "value_error.range", "the sequence has %zu elements; the limit is %zu", count,
                    OR_VALUE_JSON_MAX_ELEMENTS);
    return or_status_success();
  }
  or_status_t status = or_arena_array(&task->arena, count + 1, sizeof *out->elements, &memory);
  out->kind = OR_OPERAND_SEQUENCE;
  out->elements = memory;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *element = or_json_at(value, i);
    char at[OR_TASK_LOC_BYTES];
    or_format(at, sizeof at, "%s[%zu]", loc, i);
    if (or_json_kind(element) != OR_JSON_OBJECT) {
      or_task_problem(problems, at, "type_error.tensor", "an element of a sequence is a tensor: {shape, dtype, data}");
    } else if (or_json_get(element, "part") != NULL) {
      or_task_problem(problems, at, "value_error.part", "an element of a sequence can't be a part: give its data");
    } else {
      status = or_task_parse_operand(task, at, out->name, element, problems, &out->elements[out->element_count]);
      if (or_ok(status)) ++out->element_count;
    }
  }
  return status;
}

or_status_t or_task_parse_operand(or_task_t *task, const char *loc, const char *name, const or_json_value_t *value,
                                  or_task_problems_t *problems, or_task_operand_t *out) {
  or_tensor_data_t data;
  void *memory = NULL;
  *out = (or_task_operand_t){0};
  or_status_t status = or_arena_strndup(&task->arena, name, strlen(name), &out->name);
  if (!or_ok(status)) return status;
  if (strcmp(task->operation, "inference") == 0 && or_json_kind(value) == OR_JSON_NULL) {
    out->kind = OR_OPERAND_NOTHING;
    return status;
  }
  if (strcmp(task->operation, "inference") == 0 && or_json_kind(value) == OR_JSON_ARRAY)
    return parse_sequence(task, loc, value, problems, out);
  if (or_json_get(value, "part") != NULL) return parse_part(task, loc, value, problems, out);
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
    *out = (or_task_operand_t){
        .name = out->name, .dtype = data.dtype, .shape = data.shape, .data = memory, .bytes = data.bytes};
    if (data.dtype == OR_STRING) status = keep_texts(task, memory, data.bytes / sizeof(or_string_t));
  }
  or_free(task->allocator, data.data);
  return status;
}
