#include "server/body.h"

#include <string.h>

#include "base/string.h"
#include "task/task.h"

/* Where the reply is being written: opened by the first problem. */
typedef struct report_t {
  or_request_t *request;
  or_json_writer_t json;
  size_t count;
} report_t;

static void add(report_t *report, const char *field, const char *type, const char *words) {
  if (report->count == OR_TASK_MAX_PROBLEMS) return;
  if (report->count++ == 0) {
    report->request->reply.status = 422;
    or_reply_json_begin(report->request, &report->json);
    or_json_object_begin(&report->json);
    or_json_key(&report->json, "detail");
    or_json_array_begin(&report->json);
  }
  or_json_object_begin(&report->json);
  or_reply_write_loc(&report->json, "body", field);
  or_json_field_string(&report->json, "msg", words);
  or_json_field_string(&report->json, "type", type);
  or_json_object_end(&report->json);
}

static void list_kinds(unsigned kinds, char *text, size_t capacity) {
  static const char *const names[] = {
      [OR_JSON_BOOL] = "true or false", [OR_JSON_INTEGER] = "a whole number", [OR_JSON_REAL] = "a number",
      [OR_JSON_STRING] = "a string",    [OR_JSON_ARRAY] = "an array",         [OR_JSON_OBJECT] = "an object"};
  or_format(text, capacity, "must be ");
  for (size_t kind = OR_JSON_BOOL, found = 0; kind <= OR_JSON_OBJECT; ++kind) {
    if ((kinds & OR_BODY_KIND(kind)) == 0) continue;
    const size_t used = strlen(text);
    or_format(text + used, capacity - used, "%s%s", found++ > 0 ? " or " : "", names[kind]);
  }
}

static void check_value(report_t *report, const or_body_field_t *field, const or_json_value_t *value) {
  char words[160];
  const or_json_kind_t kind = or_json_kind(value);
  unsigned bit = OR_BODY_KIND(kind);
  if (kind == OR_JSON_NULL && !field->required) return;
  if (kind == OR_JSON_INTEGER) bit |= OR_BODY_KIND(OR_JSON_REAL);
  if ((bit & field->kinds) == 0) {
    list_kinds(field->kinds, words, sizeof words);
    add(report, field->name, "type_error", words);
    return;
  }
  const bool number = kind == OR_JSON_INTEGER || kind == OR_JSON_REAL;
  if (!number && kind != OR_JSON_STRING) return;
  const double size = number ? or_json_get_double(value, 0) : (double)or_json_string_length(value);
  if (size >= field->low && size <= field->high) return;
  or_format(words, sizeof words, number ? "must be from %.15g to %.15g" : "must have %.15g to %.15g bytes", field->low,
            field->high);
  add(report, field->name, "value_error.range", words);
}

static void check_names(report_t *report, const or_json_value_t *root, const or_body_field_t *fields, size_t count) {
  for (size_t i = 0; i < or_json_count(root); ++i) {
    const or_json_value_t *value = NULL;
    const char *name = or_json_key_at(root, i, &value);
    bool known = false;
    for (size_t f = 0; f < count; ++f) known = known || strcmp(fields[f].name, name) == 0;
    if (!known) add(report, name, "value_error.extra", "there is no such field");
  }
}

bool or_body_read(or_request_t *request, const or_body_field_t *fields, size_t count, or_json_document_t **out) {
  report_t report = {.request = request};
  const bool empty = request->body == NULL || request->body_bytes == 0;
  *out = NULL;
  or_status_t status =
      or_json_parse(request->allocator, empty ? "{}" : request->body, empty ? 2 : request->body_bytes, out);
  if (or_status_code(status) == OR_INVALID_ARGUMENT) {
    or_reply_problem(request, "body", "", "json_invalid", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return false;
  }
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return false;
  }
  const or_json_value_t *root = or_json_root(*out);
  if (or_json_kind(root) != OR_JSON_OBJECT) {
    add(&report, "", "type_error", "must be an object");
  } else {
    for (size_t f = 0; f < count; ++f) {
      const or_json_value_t *value = or_json_get(root, fields[f].name);
      if (value != NULL) {
        check_value(&report, &fields[f], value);
      } else if (fields[f].required) {
        add(&report, fields[f].name, "value_error.missing", "is required");
      }
    }
    check_names(&report, root, fields, count);
  }
  if (report.count == 0) return true;
  or_json_array_end(&report.json);
  or_json_object_end(&report.json);
  or_reply_json_end(request, &report.json);
  or_json_document_free(*out);
  *out = NULL;
  return false;
}
