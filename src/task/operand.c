/* Tensors in JSON: {shape, dtype, data | data_base64}, both ways. */
#include <string.h>

#include "base/numbers.h"
#include "task/task_internal.h"

#define MAX_OPERAND_BYTES ((size_t)1 << 30) /* of one tensor in a request */

static void fill_flat(or_task_operand_t *operand, const char *loc, const or_json_value_t *data,
                      or_task_problems_t *problems);

static bool parse_shape(const or_json_value_t *value, or_shape_t *out) {
  size_t rank = or_json_count(value);
  if (or_json_kind(value) != OR_JSON_ARRAY || rank > OR_MAX_RANK) return false;
  out->rank = (int32_t)rank;
  for (size_t d = 0; d < rank; ++d) {
    const or_json_value_t *dim = or_json_at(value, d);
    out->dims[d] = or_json_get_int(dim, -1);
    if (or_json_kind(dim) != OR_JSON_INTEGER || out->dims[d] < 0) return false;
  }
  return true;
}

or_status_t or_task_parse_operand(or_task_t *task, const char *loc, const char *name, const or_json_value_t *value,
                                  or_task_problems_t *problems, or_task_operand_t *out) {
  void *memory = NULL;
  uint64_t count = 0;
  const or_json_value_t *data = or_json_get(value, "data"), *base64 = or_json_get(value, "data_base64");
  *out = (or_task_operand_t){.dtype = or_dtype_from_name(or_json_get_string(or_json_get(value, "dtype"), "float32"))};
  or_status_t status = or_arena_strndup(&task->arena, name, strlen(name), &out->name);
  if (!or_ok(status)) return status;
  if (out->dtype == OR_DTYPE_NONE || out->dtype == OR_STRING) {
    or_task_problem(problems, loc, "value_error.dtype", "dtype \"%s\" is not one of numbers",
                    or_json_get_string(or_json_get(value, "dtype"), "?"));
    return status;
  }
  if (!parse_shape(or_json_get(value, "shape"), &out->shape) || !or_shape_count(&out->shape, &count)) {
    or_task_problem(problems, loc, "value_error.shape", "\"shape\" must be an array of at most %d whole numbers >= 0",
                    OR_MAX_RANK);
    return status;
  }
  out->bytes = or_dtype_bytes(out->dtype, count);
  if (out->bytes > MAX_OPERAND_BYTES) {
    or_task_problem(problems, loc, "value_error.size", "takes %zu bytes; the limit is %zu", out->bytes,
                    MAX_OPERAND_BYTES);
    return status;
  }
  if ((data == NULL) == (base64 == NULL)) {
    or_task_problem(problems, loc, "value_error.missing", "needs either \"data\" or \"data_base64\"");
    return status;
  }
  status = or_arena_alloc(&task->arena, out->bytes + 3, &memory); /* base64 decodes in threes */
  if (!or_ok(status)) return status;
  out->data = memory;
  size_t length = 0, text_length = or_json_string_length(base64);
  if (data != NULL) {
    fill_flat(out, loc, data, problems);
  } else if (text_length / 4 * 3 > out->bytes + 2 ||
             !or_base64_decode(or_json_get_string(base64, ""), text_length, memory, &length) || length != out->bytes) {
    or_task_problem(problems, loc, "value_error.base64", "\"data_base64\" is not the base64 of %zu bytes", out->bytes);
  }
  return status;
}

/* Values of a flat or nested array, row-major: `stack` holds the position in each nesting. */
static void fill_flat(or_task_operand_t *operand, const char *loc, const or_json_value_t *data,
                      or_task_problems_t *problems) {
  const or_json_value_t *arrays[OR_MAX_RANK + 1];
  size_t positions[OR_MAX_RANK + 1] = {0}, depth = 1;
  uint64_t count = 0, filled = 0;
  (void)or_shape_count(&operand->shape, &count);
  arrays[0] = data;
  if (or_json_kind(data) != OR_JSON_ARRAY) {
    or_task_problem(problems, loc, "type_error.array", "\"data\" is not an array");
    return;
  }
  bool integers = or_dtype_is_integer(operand->dtype) || operand->dtype == OR_BOOL;
  while (depth > 0) {
    if (positions[depth - 1] == or_json_count(arrays[depth - 1])) {
      --depth;
      continue;
    }
    const or_json_value_t *item = or_json_at(arrays[depth - 1], positions[depth - 1]++);
    or_json_kind_t kind = or_json_kind(item);
    if (kind == OR_JSON_ARRAY && depth <= OR_MAX_RANK) {
      arrays[depth] = item;
      positions[depth++] = 0;
      continue;
    }
    bool number = kind == OR_JSON_INTEGER || (kind == OR_JSON_REAL && !integers) ||
                  (kind == OR_JSON_STRING && !integers) || (kind == OR_JSON_BOOL && operand->dtype == OR_BOOL);
    if (!number || filled == count) {
      or_task_problem(problems, loc, "value_error.data",
                      filled == count ? "\"data\" has more than %llu values" : "value %llu is not of the dtype",
                      (unsigned long long)filled);
      return;
    }
    void *memory = (void *)(uintptr_t)operand->data;
    if (kind == OR_JSON_BOOL) {
      or_element_set_int(operand->dtype, memory, (size_t)filled, or_json_get_bool(item, false));
    } else if (kind == OR_JSON_INTEGER && integers) {
      or_element_set_int(operand->dtype, memory, (size_t)filled, or_json_get_int(item, 0));
    } else {
      or_element_set(operand->dtype, memory, (size_t)filled, or_json_get_double(item, 0));
    }
    ++filled;
  }
  if (filled != count) {
    or_task_problem(problems, loc, "value_error.data", "\"data\" has %llu values; the shape needs %llu",
                    (unsigned long long)filled, (unsigned long long)count);
  }
}

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool or_base64_decode(const char *text, size_t length, uint8_t *out, size_t *out_length) {
  *out_length = 0;
  if (length % 4 != 0) return false;
  for (size_t i = 0; i < length; i += 4) {
    bool last = i + 4 == length;
    int padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
    uint32_t group = 0;
    for (size_t j = 0; j < 4; ++j) {
      int value = j >= 4 - (size_t)padding ? 0 : base64_value(text[i + j]);
      if (value < 0) return false;
      group = group << 6 | (uint32_t)value;
    }
    for (int j = 0; j < 3 - padding; ++j) out[(*out_length)++] = (uint8_t)(group >> (16 - 8 * j));
  }
  return true;
}

or_status_t or_task_write_tensor(or_json_writer_t *json, const or_tensor_t *tensor, const or_allocator_t *allocator) {
  const or_shape_t *shape = or_tensor_shape(tensor);
  const void *data = or_tensor_data(tensor);
  void *copy = NULL;
  if (data == NULL) {
    or_status_t status = or_alloc(allocator, or_tensor_bytes(tensor), &copy);
    if (or_ok(status)) status = or_tensor_read(tensor, copy, or_tensor_bytes(tensor));
    if (!or_ok(status)) {
      or_free(allocator, copy);
      return status;
    }
    data = copy;
  }
  or_json_object_begin(json);
  or_json_key(json, "shape");
  or_json_array_begin(json);
  for (int32_t d = 0; d < shape->rank; ++d) or_json_int(json, shape->dims[d]);
  or_json_array_end(json);
  or_json_field_string(json, "dtype", or_dtype_name(or_tensor_dtype(tensor)));
  or_json_key(json, "data");
  or_json_numbers(json, or_tensor_dtype(tensor), data, (size_t)or_tensor_count(tensor));
  or_json_object_end(json);
  or_free(allocator, copy);
  return or_status_success();
}
