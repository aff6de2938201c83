/* The data of a kernel's task: what can be told wrong without the kernel. */
#include <string.h>

#include "base/string.h"
#include "model/tensor_json.h"
#include "task/kernel_record.h"
#include "task/task_internal.h"

#define MAX_BLOCKS INT64_C(4294967295)   /* of a grid, along one extent */
#define MAX_ITEMS INT64_C(1048576)       /* of a block, along one extent; a device has less */
#define MAX_LOCAL_BYTES INT64_C(1 << 30) /* a device has less */

static void parse_name(or_task_t *task, const char *loc, const or_json_value_t *value, or_task_problems_t *problems,
                       or_status_t *status);
static bool parse_extents(const char *loc, const or_json_value_t *value, int64_t most, or_task_problems_t *problems,
                          int64_t out[3]);
static or_status_t parse_arguments(or_task_t *task, const char *loc, const or_json_value_t *value,
                                   or_task_problems_t *problems);

or_status_t or_task_begin_kernel(or_task_t *task) {
  void *memory = NULL;
  or_status_t status = or_arena_alloc(&task->arena, sizeof(or_task_kernel_t), &memory);
  if (!or_ok(status)) return status;
  or_task_kernel_t *kernel = memory;
  for (int d = 0; d < 3; ++d) kernel->grid.block[d] = 1;
  task->parameters.user_kernel = kernel;
  return status;
}

or_status_t or_task_parse_kernel(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                                 or_task_problems_t *problems) {
  or_kernel_grid_t *grid = &task->parameters.user_kernel->grid;
  or_status_t status = or_status_success();
  int64_t extents[3];
  if (strcmp(name, "name") == 0) {
    parse_name(task, loc, value, problems, &status);
  } else if (strcmp(name, "grid") == 0) {
    if (!parse_extents(loc, value, MAX_BLOCKS, problems, extents)) extents[0] = extents[1] = extents[2] = 1;
    for (int d = 0; d < 3; ++d) grid->grid[d] = (uint64_t)extents[d];
  } else if (strcmp(name, "block") == 0) {
    if (!parse_extents(loc, value, MAX_ITEMS, problems, extents)) return status;
    for (int d = 0; d < 3; ++d) grid->block[d] = (uint32_t)extents[d];
  } else {
    status = parse_arguments(task, loc, value, problems);
  }
  return status;
}

void or_task_check_kernel_fields(const or_task_t *task, or_task_problems_t *problems) {
  const or_task_kernel_t *kernel = task->parameters.user_kernel;
  if (kernel->name == NULL && problems->count == 0)
    or_task_problem(problems, "data.name", "value_error.missing", "must be given: the kernel's");
  if (kernel->grid.grid[0] == 0)
    or_task_problem(problems, "data.grid", "value_error.missing", "must be given: blocks along x, y and z");
}

static void parse_name(or_task_t *task, const char *loc, const or_json_value_t *value, or_task_problems_t *problems,
                       or_status_t *status) {
  if (!or_task_check_text(loc, value, problems)) return;
  if (!or_kernel_name_valid(or_json_get_string(value, ""))) {
    or_task_problem(problems, loc, "value_error.name", OR_KERNEL_NAME_RULE);
    return;
  }
  *status = or_arena_strndup(&task->arena, or_json_get_string(value, ""), or_json_string_length(value),
                             &task->parameters.user_kernel->name);
}

/* A whole number, or one to three of them; what is left out is 1. */
static bool parse_extents(const char *loc, const or_json_value_t *value, int64_t most, or_task_problems_t *problems,
                          int64_t out[3]) {
  const bool list = or_json_kind(value) == OR_JSON_ARRAY;
  const size_t count = list ? or_json_count(value) : 1, before = problems->count;
  out[0] = out[1] = out[2] = 1;
  if ((!list && or_json_kind(value) != OR_JSON_INTEGER) || count == 0 || count > 3) {
    or_task_problem(problems, loc, "type_error.array", "must be an array of one to three whole numbers");
    return false;
  }
  for (size_t d = 0; d < count; ++d) {
    const or_json_value_t *item = list ? or_json_at(value, d) : value;
    char at[OR_TASK_LOC_BYTES];
    or_format(at, sizeof at, "%s.%zu", loc, d);
    out[d] = or_json_get_int(item, 0);
    if (or_json_kind(item) != OR_JSON_INTEGER) {
      or_task_problem(problems, list ? at : loc, "type_error.integer", "must be a whole number");
    } else if (out[d] < 1 || out[d] > most) {
      or_task_problem(problems, list ? at : loc, "value_error.range", "is %lld; it must be from 1 to %lld",
                      (long long)out[d], (long long)most);
    }
  }
  return problems->count == before;
}

/* {"local_bytes": N} */
static void parse_local(const char *loc, const or_json_value_t *value, or_task_problems_t *problems,
                        or_task_argument_t *out) {
  const or_json_value_t *bytes = or_json_get(value, "local_bytes");
  const int64_t number = or_json_get_int(bytes, 0);
  *out = (or_task_argument_t){.kind = OR_ARGUMENT_LOCAL, .local_bytes = (size_t)number};
  if (or_json_count(value) != 1) {
    or_task_problem(problems, loc, "value_error.extra", "\"local_bytes\" stands alone");
  } else if (or_json_kind(bytes) != OR_JSON_INTEGER || number < 1 || number > MAX_LOCAL_BYTES) {
    or_task_problem(problems, loc, "value_error.range", "\"local_bytes\" must be a whole number from 1 to %lld",
                    (long long)MAX_LOCAL_BYTES);
  }
}

/* {"shape", "dtype", "zeros": true}: a result's room, which need not be sent. */
static void parse_zeros(const char *loc, const or_json_value_t *value, or_task_problems_t *problems,
                        or_task_argument_t *out) {
  or_tensor_data_t type = {.data = NULL};
  or_status_t status = or_tensor_json_read_type(value, &type);
  if (or_ok(status) && (or_json_count(value) != 3 || !or_json_get_bool(or_json_get(value, "zeros"), false)))
    status = or_error(OR_INVALID_ARGUMENT, "a tensor of zeros has \"shape\", \"dtype\" and \"zeros\": true alone");
  if (!or_ok(status)) {
    or_task_problem(problems, loc, "value_error.tensor", "%s", or_status_message(status));
    or_status_ignore(status); /* it is among the problems now */
    return;
  }
  *out = (or_task_argument_t){.kind = OR_ARGUMENT_ZEROS, .dtype = type.dtype, .shape = type.shape, .bytes = type.bytes};
}

static or_status_t parse_tensor(or_task_t *task, const char *loc, const or_json_value_t *value,
                                or_task_problems_t *problems, or_task_argument_t *out) {
  or_task_parameters_t *p = &task->parameters;
  or_task_operand_t *operand = &p->operands[p->operand_count];
  *out = (or_task_argument_t){.kind = OR_ARGUMENT_TENSOR, .operand = p->operand_count};
  const size_t before = problems->count;
  const char *index = strrchr(loc, '.') + 1; /* "data.arguments.2" */
  or_status_t status = or_task_parse_operand(task, loc, index, value, problems, operand);
  if (!or_ok(status) || problems->count > before) return status;
  ++p->operand_count;
  return status;
}

static or_status_t parse_argument(or_task_t *task, const char *loc, const or_json_value_t *value,
                                  or_task_problems_t *problems, or_task_argument_t *out) {
  const or_json_kind_t kind = or_json_kind(value);
  uint64_t large = 0;
  if (kind == OR_JSON_OBJECT && or_json_get(value, "local_bytes") != NULL) {
    parse_local(loc, value, problems, out);
  } else if (kind == OR_JSON_OBJECT && or_json_get(value, "zeros") != NULL) {
    parse_zeros(loc, value, problems, out);
  } else if (kind == OR_JSON_OBJECT) {
    return parse_tensor(task, loc, value, problems, out);
  } else if (kind == OR_JSON_INTEGER || kind == OR_JSON_BOOL) {
    const int64_t number = kind == OR_JSON_BOOL ? or_json_get_bool(value, false) : or_json_get_int(value, 0);
    *out = (or_task_argument_t){.is_integer = true, .integer = number, .real = (double)number};
  } else if (or_json_get_uint(value, &large)) {
    *out =
        (or_task_argument_t){.is_integer = true, .is_unsigned = true, .integer = (int64_t)large, .real = (double)large};
  } else if (kind == OR_JSON_REAL) {
    *out = (or_task_argument_t){.real = or_json_get_double(value, 0), .is_rounded = or_json_is_whole(value)};
  } else {
    or_task_problem(problems, loc, "type_error.argument",
                    "must be a number, a tensor {shape, dtype, data}, or {\"local_bytes\": N}");
  }
  return or_status_success();
}

static or_status_t parse_arguments(or_task_t *task, const char *loc, const or_json_value_t *value,
                                   or_task_problems_t *problems) {
  or_task_kernel_t *kernel = task->parameters.user_kernel;
  const size_t count = or_json_count(value);
  void *memory = NULL;
  if (or_json_kind(value) != OR_JSON_ARRAY || count > OR_KERNEL_MAX_PARAMETERS) {
    or_task_problem(problems, loc, "type_error.array", "must be an array of at most %u arguments",
                    OR_KERNEL_MAX_PARAMETERS);
    return or_status_success();
  }
  or_status_t status = or_arena_array(&task->arena, count + 1, sizeof *task->parameters.operands, &memory);
  task->parameters.operands = memory;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    char at[OR_TASK_LOC_BYTES];
    or_format(at, sizeof at, "%s.%zu", loc, i);
    status = parse_argument(task, at, or_json_at(value, i), problems, &kernel->arguments[i]);
  }
  kernel->argument_count = count;
  return status;
}
