#ifndef OR_TASK_RUN_TEST_INTERNAL_H
#define OR_TASK_RUN_TEST_INTERNAL_H
/* For unit tests only: a request carried out on the fake device, which measures no limits of its own and so costs
   nothing but the work. */

#include "base/testing.h"

#include "base/string.h"
#include "fake/fake.h"
#include "runtime/runtime.h"
#include "task/task_internal.h"

/* A runtime of fake devices: fake_0, whose memory is the host's if `unified`, and fake_1, which has its own. */
static inline or_status_t open_fakes(const or_allocator_t *allocator, bool unified, or_runtime_t **out) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_options_t options = {.allocator = allocator};
  or_fake_reset();
  or_fake_set_devices(2, false);
  if (unified) or_fake_set_unified(0);
  return or_runtime_create_with(&options, backends, 1, out);
}

/* Parses and carries out; the first problem of a refused request becomes its message. */
static inline or_status_t execute_with(const or_allocator_t *allocator, const or_task_context_t *context,
                                       const char *request, or_task_result_t *result) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_task_result_init(result, allocator);
  or_status_t status = or_json_parse(allocator, request, strlen(request), &document);
  if (or_ok(status)) status = or_task_parse(allocator, or_json_root(document), &problems, &task);
  or_json_document_free(document);
  if (or_ok(status)) status = or_task_execute(task, context, result);
  or_task_free(task);
  return status;
}

/* The result of a request that succeeds, as a document. Both are the caller's. */
static inline or_json_document_t *executed(const or_task_context_t *context, const char *request,
                                           or_task_result_t *result) {
  or_json_document_t *document = NULL;
  expect_ok(execute_with(or_allocator_system(), context, request, result));
  expect_ok(or_json_parse(or_allocator_system(), or_text_string(&result->json), result->json.length, &document));
  return document;
}

static inline void expect_refusal(const or_task_context_t *context, const char *request, or_status_code_t code,
                                  const char *words) {
  or_task_result_t result;
  expect_failure(execute_with(or_allocator_system(), context, request, &result), code, words);
  or_task_result_deinit(&result);
}

/* "a.b.0" within a document; NULL where it is not. */
static inline const or_json_value_t *json_path(const or_json_document_t *document, const char *path) {
  const or_json_value_t *value = or_json_root(document);
  while (*path != '\0') {
    char key[64];
    size_t length = strcspn(path, ".");
    or_format(key, sizeof key, "%.*s", (int)length, path);
    value = or_json_kind(value) == OR_JSON_ARRAY ? or_json_at(value, (size_t)(key[0] - '0')) : or_json_get(value, key);
    path += length + (path[length] == '.');
  }
  return value;
}
static inline const char *json_text(const or_json_document_t *document, const char *path) {
  return or_json_get_string(json_path(document, path), "");
}
static inline double json_number(const or_json_document_t *document, const char *path) {
  return or_json_get_double(json_path(document, path), -1e300);
}

#endif
