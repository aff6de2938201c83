#include "server/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/string.h"

void or_fields_problem(or_fields_t *fields, const char *loc, const char *type, const char *format, ...) {
  or_task_problems_t *problems = &fields->problems;
  if (problems->count == OR_TASK_MAX_PROBLEMS) return;
  or_task_problem_t *problem = &problems->items[problems->count++];
  va_list arguments;
  (void)or_format(problem->loc, sizeof problem->loc, "%s", loc);
  (void)or_format(problem->type, sizeof problem->type, "%s", type);
  va_start(arguments, format);
  (void)vsnprintf(problem->msg, sizeof problem->msg, format, arguments);
  va_end(arguments);
  or_utf8_repair(problem->loc, strlen(problem->loc), true); /* names of fields are the client's */
  or_utf8_repair(problem->msg, strlen(problem->msg), true);
}

static bool is_one_of(const char *names, const char *name) {
  const size_t length = strlen(name);
  for (const char *at = names; *at != '\0';) {
    const size_t word = strcspn(at, " ");
    if (word == length && memcmp(at, name, length) == 0) return true;
    at += word;
    at += strspn(at, " ");
  }
  return false;
}

static void check_names(or_fields_t *fields, const char *names) {
  for (size_t i = 0; i < or_json_count(fields->root); ++i) {
    const or_json_value_t *value;
    const char *name = or_json_key_at(fields->root, i, &value);
    if (!is_one_of(names, name))
      or_fields_problem(fields, name, "value_error.extra", "there is no such field; there are: %s", names);
  }
}

void or_fields_begin(or_fields_t *fields, or_request_t *request, const char *names) {
  fields->request = request;
  fields->document = NULL;
  fields->root = NULL;
  fields->problems.count = 0;
  fields->failure = or_status_success();
  or_status_t status = or_json_parse(request->allocator, request->body != NULL ? request->body : "",
                                     request->body_bytes, &fields->document);
  if (or_status_code(status) == OR_INVALID_ARGUMENT) {
    or_fields_problem(fields, "", "json_invalid", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
  } else if (!or_ok(status)) {
    fields->failure = status;
  } else if (or_json_kind(or_json_root(fields->document)) != OR_JSON_OBJECT) {
    or_fields_problem(fields, "", "type_error.object", "the request is not an object");
  } else {
    fields->root = or_json_root(fields->document);
    check_names(fields, names);
  }
}

const or_json_value_t *or_fields_get(or_fields_t *fields, const char *name, or_json_kind_t kind) {
  static const char *const kinds[] = {"null", "bool", "integer", "number", "string", "array", "object"};
  static const char *const words[] = {"null",     "true or false", "a whole number", "a number",
                                      "a string", "an array",      "an object"};
  const or_json_value_t *value = or_json_get(fields->root, name);
  char type[32];
  if (value == NULL || or_json_kind(value) == kind) return value;
  or_fields_problem(fields, name, or_format(type, sizeof type, "type_error.%s", kinds[kind]), "must be %s",
                    words[kind]);
  return NULL;
}

bool or_fields_integer(or_fields_t *fields, const char *name, int64_t low, int64_t high, int64_t *out) {
  const or_json_value_t *value = or_fields_get(fields, name, OR_JSON_INTEGER);
  if (value == NULL) return false;
  const int64_t number = or_json_get_int(value, 0);
  if (number < low || number > high) {
    or_fields_problem(fields, name, "value_error.range", "is %lld; it must be from %lld to %lld", (long long)number,
                      (long long)low, (long long)high);
    return false;
  }
  *out = number;
  return true;
}

bool or_fields_good(or_fields_t *fields) {
  if (!or_ok(fields->failure)) {
    or_reply_failure(fields->request, fields->failure);
    fields->failure = or_status_success();
    return false;
  }
  if (fields->problems.count == 0) return true;
  or_reply_problems(fields->request, &fields->problems, "");
  return false;
}

void or_fields_end(or_fields_t *fields) {
  or_status_ignore(fields->failure); /* told, or nobody asked */
  or_json_document_free(fields->document);
  fields->document = NULL;
}

void or_reply_problems(or_request_t *request, const or_task_problems_t *problems, const char *prefix) {
  const size_t cut = strlen(prefix);
  or_json_writer_t json;
  request->reply.status = 422;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "detail");
  or_json_array_begin(&json);
  for (size_t i = 0; i < problems->count; ++i) {
    const char *loc = problems->items[i].loc;
    or_json_object_begin(&json);
    or_reply_write_loc(&json, "body", strncmp(loc, prefix, cut) == 0 ? loc + cut : loc);
    or_json_field_string(&json, "msg", problems->items[i].msg);
    or_json_field_string(&json, "type", problems->items[i].type);
    or_json_object_end(&json);
  }
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}
