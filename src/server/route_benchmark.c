/* POST /benchmark: a task of operation benchmark, made of the query and the body. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "server/query.h"
#include "server/task_answer.h"

#define TIMEOUT_S 300.0 /* at least; what is asked to take longer has twice its time */
#define MAX_TIMEOUT_S 3600.0

/* Fields of the body, which belong to `data`; those that the query has as well are the query's. */
static void copy_body(or_json_writer_t *json, const or_json_value_t *body, const or_query_t *query) {
  for (size_t i = 0; i < or_json_count(body); ++i) {
    const or_json_value_t *value = NULL;
    const char *key = or_json_key_at(body, i, &value);
    if (strcmp(key, "type") == 0 && or_query_get(query, "benchmark_type") != NULL) continue;
    if (strcmp(key, "duration") == 0 && or_query_get(query, "duration") != NULL) continue;
    or_json_key(json, key);
    or_json_copy(json, value);
  }
}

/* The duration of the query as a number, NAN: the query has none; false: what it has is no number. */
static bool read_duration(const or_query_t *query, double *out) {
  const char *text = or_query_get(query, "duration"), *cursor = text;
  *out = NAN;
  if (text == NULL) return true;
  const char *end = text + strlen(text);
  or_status_t status = or_number_scan_double(&cursor, end, out);
  const bool good = or_ok(status) && cursor == end;
  or_status_ignore(status); /* the caller says so */
  return good;
}

/* The TaskRequest in words. */
static or_status_t write_task(or_text_t *text, const or_json_value_t *body, const or_query_t *query,
                              double duration_s) {
  const char *type = or_query_get(query, "benchmark_type"), *device = or_query_get(query, "device_id");
  const bool given = !isnan(duration_s);
  const double asked_s = given ? duration_s : or_json_get_double(or_json_get(body, "duration"), 0);
  const double timeout_s = 2 * asked_s > TIMEOUT_S ? 2 * asked_s : TIMEOUT_S;
  or_json_writer_t json;
  or_json_begin(&json, text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "operation", "benchmark");
  if (device != NULL) or_json_field_string(&json, "device_preference", device);
  or_json_field_double(&json, "timeout", timeout_s < MAX_TIMEOUT_S ? timeout_s : MAX_TIMEOUT_S);
  or_json_key(&json, "data");
  or_json_object_begin(&json);
  if (type != NULL) or_json_field_string(&json, "type", type);
  if (given) or_json_field_double(&json, "duration", duration_s);
  copy_body(&json, body, query);
  or_json_object_end(&json);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

/* A device that there isn't is an answer of its own. */
static or_status_t check_device(or_request_t *request, const char *device_id) {
  or_device_t *device = NULL;
  return device_id != NULL ? or_runtime_find_device(or_server_runtime(request->server), device_id, &device)
                           : or_status_success();
}

/* The body as a document; NULL: none came. False with the reply that says what is wrong. */
static bool read_body(or_request_t *request, or_json_document_t **out) {
  *out = NULL;
  if (request->body_bytes == 0) return true;
  or_status_t status = or_json_parse(request->allocator, request->body, request->body_bytes, out);
  if (or_status_code(status) == OR_INVALID_ARGUMENT) {
    or_reply_problem(request, "body", "", "json_invalid", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return false;
  }
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return false;
  }
  if (or_json_kind(or_json_root(*out)) == OR_JSON_OBJECT) return true;
  or_reply_problem(request, "body", "", "type_error.object", "must be an object");
  return false;
}

/* What is wrong, where the client said it: in the query, else in the body. */
static void reply_problems(or_request_t *request, const or_task_problems_t *problems, const or_query_t *query) {
  static const char *const places[][2] = {{"data.type", "benchmark_type"}, {"data.duration", "duration"}};
  const or_task_problem_t *first = &problems->items[0];
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    if (strcmp(first->loc, places[i][0]) != 0 || or_query_get(query, places[i][1]) == NULL) continue;
    or_reply_problem(request, "query", places[i][1], first->type, "%s", first->msg);
    return;
  }
  or_reply_problems(request, problems, "data.");
}

/* Accepts what the text says; the body owns the text. */
static void accept_text(or_request_t *request, or_text_t *text, const or_query_t *query) {
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  const or_task_source_t source = {.body = or_text_string(text), .bytes = text->length};
  or_status_t status = or_task_body_read(request->allocator, &source, &problems, &body);
  if (!or_ok(status)) {
    if (problems.count > 0) {
      reply_problems(request, &problems, query);
      or_status_ignore(status); /* told, field by field */
    } else {
      or_reply_failure(request, status);
    }
    or_text_deinit(text);
    return;
  }
  body->memory = text->data;
  status = or_check_models(request, body->task);
  if (!or_ok(status)) {
    or_task_body_release(body);
    or_reply_failure(request, status);
    return;
  }
  or_answer_task(request, body, (or_answer_options_t){.shared = true});
}

void or_handle_benchmark(or_request_t *request) {
  or_query_t query;
  or_json_document_t *document = NULL;
  or_text_t text;
  double duration_s;
  or_status_t status = or_query_parse(request->query, &query);
  if (!or_ok(status)) {
    or_reply_problem(request, "query", "", "value_error", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return;
  }
  if (!read_duration(&query, &duration_s)) {
    or_reply_problem(request, "query", "duration", "type_error.number", "must be a number");
    return;
  }
  if (!read_body(request, &document)) {
    or_json_document_free(document);
    return;
  }
  or_text_init(&text, request->allocator);
  status = check_device(request, or_query_get(&query, "device_id"));
  if (or_ok(status)) status = write_task(&text, document != NULL ? or_json_root(document) : NULL, &query, duration_s);
  or_json_document_free(document);
  if (or_ok(status)) {
    accept_text(request, &text, &query);
  } else {
    or_text_deinit(&text);
    or_reply_failure(request, status);
  }
}
