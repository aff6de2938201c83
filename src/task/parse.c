/* A TaskRequest: every field checked, every problem named. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "task/journal.h"
#include "task/task_internal.h"

static void parse_envelope(or_task_t *task, const or_json_value_t *request, or_task_problems_t *problems);
static or_status_t parse_names(or_task_t *task, const or_json_value_t *request, or_task_problems_t *problems);
static or_status_t parse_kind(or_task_t *task, const or_json_value_t *request, or_task_problems_t *problems);
static or_status_t parse_data(or_task_t *task, const or_json_value_t *data, or_task_problems_t *problems);

void or_task_problem(or_task_problems_t *problems, const char *loc, const char *type, const char *format, ...) {
  if (problems->count == OR_TASK_MAX_PROBLEMS) return;
  or_task_problem_t *problem = &problems->items[problems->count++];
  va_list arguments;
  or_format(problem->loc, sizeof problem->loc, "%s", loc);
  or_format(problem->type, sizeof problem->type, "%s", type);
  va_start(arguments, format);
  (void)vsnprintf(problem->msg, sizeof problem->msg, format, arguments);
  va_end(arguments);
}

static void check_parts(const or_task_parts_t *parts, or_task_problems_t *problems) {
  for (size_t i = 0; parts != NULL && i < parts->count; ++i) {
    if (!parts->items[i].used && problems->count == 0)
      or_task_problem(problems, parts->items[i].name, "value_error.extra", "no field of the request names this part");
  }
}

or_status_t or_task_parse(const or_allocator_t *allocator, const or_json_value_t *request, or_task_problems_t *problems,
                          or_task_t **out) {
  return or_task_parse_parts(allocator, request, NULL, problems, out);
}

/* A task and what it keeps besides: all that most have. */
typedef struct memory_t {
  or_task_t task;
  _Alignas(16) char first[128];
} memory_t;

or_status_t or_task_parse_parts(const or_allocator_t *allocator, const or_json_value_t *request,
                                const or_task_parts_t *parts, or_task_problems_t *problems, or_task_t **out) {
  void *memory = NULL;
  *out = NULL;
  problems->count = 0;
  or_status_t status = or_alloc(allocator, sizeof(memory_t), &memory);
  if (!or_ok(status)) return status;
  char *rest = ((memory_t *)memory)->first;
  or_task_t *task = &((memory_t *)memory)->task;
  *task = (or_task_t){.allocator = allocator, .parts = parts};
  or_arena_init_in(&task->arena, allocator, rest, sizeof((memory_t *)NULL)->first);
  if (or_json_kind(request) == OR_JSON_OBJECT) {
    parse_envelope(task, request, problems);
    status = parse_names(task, request, problems);
    if (or_ok(status)) status = parse_kind(task, request, problems);
    const or_json_value_t *data = or_json_get(request, "data");
    if (or_json_kind(data) != OR_JSON_OBJECT) data = NULL;
    if (or_ok(status) && task->kind != NULL) status = parse_data(task, data, problems);
  } else {
    or_task_problem(problems, "", "type_error.object", "the request is not an object");
  }
  if (or_ok(status)) check_parts(parts, problems);
  task->parts = NULL;
  if (or_ok(status) && problems->count > 0) {
    const or_task_problem_t *first = &problems->items[0];
    status = or_error(OR_INVALID_ARGUMENT, "%s%s%s", first->loc, first->loc[0] != '\0' ? ": " : "", first->msg);
  }
  if (!or_ok(status)) {
    or_task_free(task);
    return status;
  }
  *out = task;
  return status;
}

static bool in_list(const char *list, const char *word) {
  size_t length = strlen(word);
  while (list != NULL && *list != '\0') {
    size_t item = strcspn(list, " ");
    if (item == length && memcmp(list, word, length) == 0) return true;
    list += item + (list[item] == ' ');
  }
  return false;
}

/* An optional field; null is the same as none. */
static const or_json_value_t *given(const or_json_value_t *request, const char *name) {
  const or_json_value_t *value = or_json_get(request, name);
  return or_json_kind(value) != OR_JSON_NULL ? value : NULL;
}

/* The fields of the envelope that hold for every task. */
static void parse_envelope(or_task_t *task, const or_json_value_t *request, or_task_problems_t *problems) {
  static const char *const known = "task_id operation data device_preference priority timeout on_restart strict_device";
  task->device_preference = "auto";
  task->priority = 1;
  task->timeout_s = 300;
  for (size_t i = 0; i < or_json_count(request); ++i) {
    const char *key = or_json_key_at(request, i, NULL);
    if (!in_list(known, key))
      or_task_problem(problems, key, "value_error.extra", "there is no such field; there are: %s", known);
  }
  const or_json_value_t *value = given(request, "priority");
  if (value != NULL) {
    int64_t priority = or_json_get_int(value, 0);
    if (or_json_kind(value) != OR_JSON_INTEGER || priority < 1 || priority > 10) {
      or_task_problem(problems, "priority", "value_error.range", "must be a whole number from 1 to 10");
    } else {
      task->priority = (int)priority;
    }
  }
  value = given(request, "timeout");
  if (value != NULL) {
    task->timeout_s = or_json_get_double(value, NAN);
    if (!(task->timeout_s >= 1 && task->timeout_s <= 3600))
      or_task_problem(problems, "timeout", "value_error.range", "must be from 1 to 3600 seconds");
  }
  value = given(request, "strict_device");
  if (value != NULL && or_json_kind(value) != OR_JSON_BOOL)
    or_task_problem(problems, "strict_device", "type_error.bool", "must be true or false");
  task->strict_device = or_json_get_bool(value, false);
  value = given(request, "on_restart");
  const bool kernel = strcmp(or_json_get_string(or_json_get(request, "operation"), ""), "kernel") == 0;
  const char *word = value != NULL ? or_json_get_string(value, "") : kernel ? "fail" : "rerun";
  if (strcmp(word, "rerun") != 0 && strcmp(word, "fail") != 0)
    or_task_problem(problems, "on_restart", "value_error.enum", "must be \"rerun\" or \"fail\"");
  task->rerun_on_restart = strcmp(word, "rerun") == 0;
}

static void list_types(const char *operation, char *text, size_t capacity) {
  text[0] = '\0';
  for (size_t i = 0; or_task_kind_at(i) != NULL; ++i) {
    const or_task_kind_t *kind = or_task_kind_at(i);
    if (operation != NULL && strcmp(kind->operation, operation) != 0) continue;
    const char *name = operation != NULL ? kind->type : kind->operation;
    size_t used = strlen(text);
    if (operation == NULL && strstr(text, name) != NULL) continue;
    or_format(text + used, capacity - used, "%s%s", used > 0 ? ", " : "", name);
  }
}

/* A text of the request that is a name or a path: a string of bounded length. */
bool or_task_check_text(const char *loc, const or_json_value_t *value, or_task_problems_t *problems) {
  if (or_json_kind(value) != OR_JSON_STRING) {
    or_task_problem(problems, loc, "type_error.string", "must be a string");
  } else if (or_json_string_length(value) > OR_TASK_MAX_TEXT_BYTES) {
    or_task_problem(problems, loc, "value_error.range", "has %zu bytes; the limit is %zu", or_json_string_length(value),
                    OR_TASK_MAX_TEXT_BYTES);
  } else {
    return true;
  }
  return false;
}

static or_status_t copy_text(or_task_t *task, const or_json_value_t *value, const char **out) {
  return or_arena_strndup(&task->arena, or_json_get_string(value, ""), or_json_string_length(value), out);
}

/* The fields of the envelope that are texts, and that `data` is an object. */
static or_status_t parse_names(or_task_t *task, const or_json_value_t *request, or_task_problems_t *problems) {
  const or_json_value_t *id = given(request, "task_id"), *device = given(request, "device_preference");
  const or_json_value_t *data = given(request, "data");
  or_status_t status = or_status_success();
  if (id != NULL && or_task_check_text("task_id", id, problems) && !or_task_id_valid(or_json_get_string(id, "")))
    or_task_problem(problems, "task_id", "value_error", "must be 1 to %d of A-Z a-z 0-9 . _ : -", OR_TASK_ID_BYTES - 1);
  if (device != NULL && or_task_check_text("device_preference", device, problems))
    status = copy_text(task, device, &task->device_preference);
  if (data != NULL && or_json_kind(data) != OR_JSON_OBJECT)
    or_task_problem(problems, "data", "type_error.object", "must be an object");
  return status;
}

static or_status_t parse_kind(or_task_t *task, const or_json_value_t *request, or_task_problems_t *problems) {
  const or_json_value_t *value = or_json_get(request, "operation"), *data = given(request, "data");
  char known[256];
  task->operation = "";
  if (value == NULL) or_task_problem(problems, "operation", "value_error.missing", "must be given");
  if (value == NULL || !or_task_check_text("operation", value, problems)) return or_status_success();
  or_status_t status = copy_text(task, value, &task->operation);
  if (!or_ok(status)) return status;
  const char *operation = strcmp(task->operation, "mlx_compute") == 0 ? "compute" : task->operation;
  value = given(data, "type");
  if (value != NULL && !or_task_check_text("data.type", value, problems)) return status;
  const char *type = or_json_get_string(value, strcmp(operation, "compute") == 0     ? "matrix_multiply"
                                               : strcmp(operation, "benchmark") == 0 ? "comprehensive"
                                                                                     : "");
  task->kind = or_task_kind_find(operation, type);
  if (task->kind != NULL) return status;
  list_types(NULL, known, sizeof known);
  bool offered = false;
  for (size_t i = 0; or_task_kind_at(i) != NULL; ++i)
    offered = offered || strcmp(or_task_kind_at(i)->operation, operation) == 0;
  if (!offered) {
    or_task_problem(problems, "operation", "value_error.enum", "\"%s\" is none of: %s, mlx_compute", task->operation,
                    known);
    return status;
  }
  list_types(operation, known, sizeof known);
  or_task_problem(problems, "data.type", "value_error.enum", "\"%s\" is none of: %s", type, known);
  return status;
}

/* Numbers of `data`: where each goes and what it may be. */
typedef struct integer_field_t {
  const char *name;
  size_t offset;
  int64_t low, high;
} integer_field_t;
#define FIELD(name) offsetof(or_task_parameters_t, name)
static const integer_field_t integer_fields[] = {
    {"size", FIELD(size), 1, OR_TASK_MAX_SIZE},
    {"m", FIELD(m), 1, OR_TASK_MAX_SIZE},
    {"n", FIELD(n), 1, OR_TASK_MAX_SIZE},
    {"k", FIELD(k), 1, OR_TASK_MAX_SIZE},
    {"iterations", FIELD(iterations), 1, OR_TASK_MAX_ITERATIONS},
    {"seed", FIELD(seed), INT64_MIN, INT64_MAX},
    {"axis", FIELD(axis), -2, 1},
    {"batch_size", FIELD(batch_size), 1, 65536},
    {"top_k", FIELD(top_k), 1, 1000},
    {"dims", FIELD(dims), 1, 2},
    {"channels", FIELD(channels), 1, 65536},
    {"filters", FIELD(filters), 1, 65536},
    {"kernel", FIELD(kernel), 1, 1024},
    {"stride", FIELD(stride), 1, 1024},
    {"padding", FIELD(padding), 0, 1024},
    {"groups", FIELD(groups), 1, 65536},
    {"input_size", FIELD(input_size), 1, 1048576},
    {"hidden_size", FIELD(hidden_size), 1, 1048576},
    {"output_size", FIELD(output_size), 1, 1048576},
};

static const integer_field_t *integer_field(const char *name) {
  for (size_t i = 0; i < sizeof integer_fields / sizeof *integer_fields; ++i) {
    if (strcmp(integer_fields[i].name, name) == 0) return &integer_fields[i];
  }
  return NULL;
}

static void parse_integer(or_task_t *task, const integer_field_t *field, const char *loc, const or_json_value_t *value,
                          or_task_problems_t *problems) {
  int64_t number = or_json_get_int(value, 0);
  if (or_json_kind(value) != OR_JSON_INTEGER) {
    or_task_problem(problems, loc, "type_error.integer", "must be a whole number");
  } else if (number < field->low || number > field->high) {
    or_task_problem(problems, loc, "value_error.range", "is %lld; it must be from %lld to %lld", (long long)number,
                    (long long)field->low, (long long)field->high);
  } else {
    memcpy((char *)&task->parameters + field->offset, &number, sizeof number);
  }
}

static or_dtype_t parse_dtype(const or_task_t *task, const char *loc, const or_json_value_t *value,
                              or_task_problems_t *problems) {
  or_dtype_t dtype = or_dtype_from_name(or_json_get_string(value, NULL));
  if (dtype != OR_DTYPE_NONE && (task->kind->dtypes & OR_TASK_DTYPE_BIT(dtype)) != 0) return dtype;
  char known[160] = "";
  for (int d = 1; d < OR_DTYPE_COUNT; ++d) {
    size_t used = strlen(known);
    if ((task->kind->dtypes & OR_TASK_DTYPE_BIT(d)) != 0)
      or_format(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", or_dtype_name((or_dtype_t)d));
  }
  or_task_problem(problems, loc, "value_error.enum", "\"%s\" is none of: %s", or_json_get_string(value, "?"), known);
  return OR_DTYPE_NONE;
}

static or_status_t parse_list(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                              or_task_problems_t *problems) {
  or_task_parameters_t *p = &task->parameters;
  size_t count = or_json_count(value);
  void *sizes = NULL, *dtypes = NULL;
  if (or_json_kind(value) != OR_JSON_ARRAY || count == 0 || count > OR_TASK_MAX_LIST) {
    or_task_problem(problems, loc, "type_error.array", "must be an array of 1 to %d", OR_TASK_MAX_LIST);
    return or_status_success();
  }
  const bool of_dtypes = strcmp(name, "dtypes") == 0;
  or_status_t status = of_dtypes ? or_arena_array(&task->arena, count, sizeof *p->dtypes, &dtypes)
                                 : or_arena_array(&task->arena, count, sizeof *p->sizes, &sizes);
  if (!or_ok(status)) return status;
  if (of_dtypes) p->dtypes = dtypes;
  if (!of_dtypes) p->sizes = sizes;
  for (size_t i = 0; i < count; ++i) {
    const or_json_value_t *item = or_json_at(value, i);
    if (of_dtypes) {
      p->dtypes[i] = parse_dtype(task, loc, item, problems);
    } else {
      const bool text = or_json_kind(item) == OR_JSON_STRING;
      p->sizes[i] = or_json_get_int(item, 0);
      if (or_json_kind(item) != OR_JSON_INTEGER) {
        or_task_problem(problems, loc, "type_error.integer", "item %zu%s%.40s%s must be a whole number", i,
                        text ? ", \"" : "", or_json_get_string(item, ""), text ? "\"," : "");
      } else if (p->sizes[i] < 1 || p->sizes[i] > OR_TASK_MAX_SIZE) {
        or_task_problem(problems, loc, "value_error.range", "item %zu is %lld; it must be from 1 to %lld", i,
                        (long long)p->sizes[i], (long long)OR_TASK_MAX_SIZE);
      }
    }
  }
  *(of_dtypes ? &p->dtype_count : &p->size_count) = count;
  return status;
}

/* One more tensor. */
static or_status_t parse_tensor(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                                or_task_problems_t *problems) {
  or_task_parameters_t *p = &task->parameters;
  void *memory = p->operands;
  if (p->operand_count == OR_TASK_MAX_OPERANDS) {
    or_task_problem(problems, loc, "value_error.range", "there are at most %d tensors", OR_TASK_MAX_OPERANDS);
    return or_status_success();
  }
  or_status_t status = or_status_success();
  if (memory == NULL) status = or_arena_array(&task->arena, OR_TASK_MAX_OPERANDS, sizeof *p->operands, &memory);
  if (!or_ok(status)) return status;
  p->operands = memory;
  status = or_task_parse_operand(task, loc, name, value, problems, &p->operands[p->operand_count]);
  if (or_ok(status)) ++p->operand_count;
  return status;
}

static or_status_t parse_inputs(or_task_t *task, const or_json_value_t *inputs, or_task_problems_t *problems) {
  if (or_json_kind(inputs) != OR_JSON_OBJECT || or_json_count(inputs) > OR_TASK_MAX_OPERANDS) {
    or_task_problem(problems, "data.inputs", "type_error.object", "must be an object of at most %d tensors",
                    OR_TASK_MAX_OPERANDS);
    return or_status_success();
  }
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < or_json_count(inputs); ++i) {
    const or_json_value_t *tensor = NULL;
    char loc[OR_TASK_LOC_BYTES];
    const char *name = or_json_key_at(inputs, i, &tensor);
    or_format(loc, sizeof loc, "data.inputs.%s", name);
    status = parse_tensor(task, name, loc, tensor, problems);
  }
  return status;
}

/* true, false, 1 or 0. */
static void parse_flag(const char *loc, const or_json_value_t *value, or_task_problems_t *problems, bool *out) {
  int64_t number = or_json_kind(value) == OR_JSON_INTEGER ? or_json_get_int(value, -1) : -1;
  bool given = or_json_kind(value) == OR_JSON_BOOL || number == 0 || number == 1;
  if (!given) or_task_problem(problems, loc, "type_error.bool", "must be true or false");
  *out = number == 1 || or_json_get_bool(value, false);
}

/* The fields of a transform that are none of the plain numbers. */
static or_status_t parse_transform(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                                   or_task_problems_t *problems) {
  or_task_parameters_t *p = &task->parameters;
  if (strcmp(name, "norm") != 0) {
    parse_flag(loc, value, problems, strcmp(name, "real") == 0 ? &p->real : &p->inverse);
    return or_status_success();
  }
  if (!or_task_check_text(loc, value, problems)) return or_status_success();
  if (!in_list("backward ortho forward", or_json_get_string(value, "")))
    or_task_problem(problems, loc, "value_error.enum", "\"%s\" is none of: backward ortho forward",
                    or_json_get_string(value, ""));
  return copy_text(task, value, &p->norm);
}

/* One text, or a list of them. */
static or_status_t parse_texts(or_task_t *task, const char *loc, const or_json_value_t *value,
                               or_task_problems_t *problems) {
  or_task_parameters_t *p = &task->parameters;
  bool list = or_json_kind(value) == OR_JSON_ARRAY;
  size_t count = list ? or_json_count(value) : 1;
  void *memory = NULL;
  if (count == 0 || count > OR_TASK_MAX_TEXTS) {
    or_task_problem(problems, loc, "value_error.range", "has %zu texts; 1 to %d are taken", count, OR_TASK_MAX_TEXTS);
    return or_status_success();
  }
  or_status_t status = or_arena_array(&task->arena, count, sizeof *p->texts, &memory);
  p->texts = memory;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *item = list ? or_json_at(value, i) : value;
    if (or_json_kind(item) != OR_JSON_STRING) {
      or_task_problem(problems, loc, "type_error.string", "must be a string or an array of strings");
      return status;
    }
    p->texts[i].length = or_json_string_length(item);
    status = copy_text(task, item, &p->texts[i].data);
  }
  p->text_count = count;
  return status;
}

/* What the fields together must keep to. */
static void check_together(const or_task_t *task, or_task_problems_t *problems) {
  const or_task_parameters_t *p = &task->parameters;
  int64_t channels = p->channels > 0 ? p->channels : OR_TASK_CHANNELS, groups = p->groups > 0 ? p->groups : 1;
  int64_t filters = p->filters > 0 ? p->filters : channels;
  if (strcmp(task->kind->type, "convolution") == 0 && p->operand_count == 0 &&
      (channels % groups != 0 || filters % groups != 0))
    or_task_problem(problems, "data.groups", "value_error.range", "%lld does not divide %lld channels and %lld filters",
                    (long long)groups, (long long)channels, (long long)filters);
}

/* A field that is none of the plain numbers. */
static or_status_t parse_other(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                               or_task_problems_t *problems) {
  or_task_parameters_t *p = &task->parameters;
  bool text = strcmp(name, "model") == 0 || strcmp(name, "function") == 0 || strcmp(name, "image") == 0;
  if (strcmp(name, "dtype") == 0) {
    p->dtype = parse_dtype(task, loc, value, problems);
  } else if (strcmp(name, "sizes") == 0 || strcmp(name, "dtypes") == 0) {
    return parse_list(task, name, loc, value, problems);
  } else if (p->user_kernel != NULL) {
    return or_task_parse_kernel(task, name, loc, value, problems);
  } else if (strcmp(name, "inputs") == 0) {
    return parse_inputs(task, value, problems);
  } else if (strcmp(name, "real") == 0 || strcmp(name, "inverse") == 0 || strcmp(name, "norm") == 0) {
    return parse_transform(task, name, loc, value, problems);
  } else if (strcmp(name, "alpha") == 0 || strcmp(name, "duration") == 0) {
    double number = or_json_get_double(value, NAN);
    if (!isfinite(number)) {
      or_task_problem(problems, loc, "type_error.number", "must be a number");
    } else if (strcmp(name, "alpha") == 0) {
      p->alpha = number;
    } else if (!(number >= 0.1 && number <= 600)) {
      or_task_problem(problems, loc, "value_error.range", "must be from 0.1 to 600 seconds");
    } else {
      p->duration_s = number;
    }
  } else if (strcmp(name, "text") == 0) {
    return parse_texts(task, loc, value, problems);
  } else if (strcmp(name, "precision") == 0) {
    p->dtype = or_dtype_from_name(or_json_get_string(value, NULL));
    if (p->dtype != OR_FLOAT32 && p->dtype != OR_FLOAT16 && p->dtype != OR_BFLOAT16 && p->dtype != OR_INT8) {
      or_task_problem(problems, loc, "value_error.enum", "\"%s\" is none of: float32, float16, bfloat16, int8",
                      or_json_get_string(value, "?"));
    }
  } else if (strcmp(name, "image") == 0 && or_json_kind(value) == OR_JSON_OBJECT) {
    return or_task_parse_image_part(task, value, problems);
  } else if (strcmp(name, "image") == 0 && or_json_kind(value) != OR_JSON_STRING) {
    or_task_problem(problems, loc, "type_error.string", "must be a string, the picture's bytes in base64");
  } else if (text && strcmp(name, "image") != 0 && !or_task_check_text(loc, value, problems)) {
    return or_status_success();
  } else if (text) {
    p->image_length = strcmp(name, "image") == 0 ? or_json_string_length(value) : p->image_length;
    return copy_text(task, value,
                     strcmp(name, "model") == 0      ? &p->model
                     : strcmp(name, "function") == 0 ? &p->function
                                                     : &p->image);
  } else { /* "a", "b": a tensor */
    return parse_tensor(task, name, loc, value, problems);
  }
  return or_status_success();
}

/* A part named "image" is the picture of whoever takes one and was given none. */
static or_status_t take_image_part(or_task_t *task) {
  if (task->parameters.image != NULL || !in_list(task->kind->parameters, "image")) return or_status_success();
  for (size_t i = 0; task->parts != NULL && i < task->parts->count; ++i) {
    or_task_part_t *part = &task->parts->items[i];
    if (part->used || strcmp(part->name, "image") != 0) continue;
    part->used = true;
    return or_task_copy_image(task, part);
  }
  return or_status_success();
}

#define PREFIX_BYTES (sizeof "data." - 1)
static or_status_t parse_data(or_task_t *task, const or_json_value_t *data, or_task_problems_t *problems) {
  or_task_parameters_t *p = &task->parameters;
  p->alpha = 2.0;
  p->axis = p->padding = -1;
  p->batch_size = 1;
  p->top_k = 5;
  p->duration_s = 10;
  const bool kernel = strcmp(task->kind->operation, "kernel") == 0, typed = task->kind->type[0] != '\0';
  or_status_t status = kernel ? or_task_begin_kernel(task) : or_status_success();
  for (size_t i = 0; or_ok(status) && i < or_json_count(data); ++i) {
    const or_json_value_t *value = NULL;
    const char *name = or_json_key_at(data, i, &value);
    char loc[96];
    or_format(loc, sizeof loc, "%s", "data.");
    or_format(loc + PREFIX_BYTES, sizeof loc - PREFIX_BYTES, "%s", name);
    const integer_field_t *field = integer_field(name);
    if (strcmp(name, "type") == 0) continue;
    if (!in_list(task->kind->parameters, name)) {
      or_task_problem(problems, loc, "value_error.extra", "%s%s%s has no such field; it has: %s%s",
                      task->kind->operation, typed ? " " : "", task->kind->type, typed ? "type " : "",
                      task->kind->parameters);
    } else if (or_json_kind(value) == OR_JSON_NULL) {
      continue; /* the same as none */
    } else if (or_task_parse_ml(task, name, loc, value, problems, &status)) {
      continue;
    } else if (field != NULL) {
      parse_integer(task, field, loc, value, problems);
    } else {
      status = parse_other(task, name, loc, value, problems);
    }
  }
  if (!or_ok(status)) return status;
  status = take_image_part(task);
  if (!or_ok(status)) return status;
  check_together(task, problems);
  or_task_check_ml(task, problems);
  or_task_check_operands(task, problems);
  if (kernel) or_task_check_kernel_fields(task, problems);
  if (p->function != NULL && !in_list(task->kind->functions, p->function)) {
    or_task_problem(problems, "data.function", "value_error.enum", "\"%s\" is none of: %s", p->function,
                    task->kind->functions);
  }
  if (strcmp(task->kind->operation, "inference") == 0 && p->model == NULL) p->model = OR_TASK_MODEL;
  if (p->dtype == OR_DTYPE_NONE && strcmp(task->kind->operation, "inference") != 0)
    p->dtype = task->kind->default_dtype;
  return status;
}
