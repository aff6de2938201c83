/* The TaskResponse of docs/api.md around a result, and around a failure. */
#include "task/run_test_internal.h"

#include <math.h>

static or_json_document_t *written(const or_task_outcome_t *outcome) {
  or_text_t text;
  or_json_writer_t json;
  or_json_document_t *document = NULL;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_task_write_response(&json, outcome);
  expect_ok(or_json_finish(&json));
  expect_ok(or_json_parse(or_allocator_system(), or_text_string(&text), text.length, &document));
  or_text_deinit(&text);
  return document;
}

static bool is_null(const or_json_document_t *document, const char *key) {
  const or_json_value_t *value = json_path(document, key);
  return value != NULL && or_json_kind(value) == OR_JSON_NULL;
}

static void a_completed_task_carries_its_result(void **state) {
  (void)state;
  or_task_result_t result;
  or_task_result_init(&result, or_allocator_system());
  expect_ok(or_text_append_string(&result.json, "{\"answer\":42}"));
  or_format(result.device_used, sizeof result.device_used, "fake_0");
  or_format(result.fallback_reason, sizeof result.fallback_reason, "no device \"x\"");
  result.throughput = 2.5;
  result.execution_time_s = 0.25;
  result.memory_peak_bytes = 4096;
  or_json_document_t *document = written(&(or_task_outcome_t){.task_id = "t1",
                                                              .state = "completed",
                                                              .result = &result,
                                                              .attempts = 1,
                                                              .created_us = INT64_C(1700000000000000),
                                                              .started_us = INT64_C(1700000000000000)});
  assert_string_equal(json_text(document, "task_id"), "t1");
  assert_string_equal(json_text(document, "status"), "completed");
  assert_true(json_number(document, "result.answer") == 42);
  assert_string_equal(json_text(document, "device_used"), "fake_0");
  assert_string_equal(json_text(document, "fallback_reason"), "no device \"x\"");
  assert_string_equal(json_text(document, "metrics.device_used"), "fake_0");
  assert_true(json_number(document, "metrics.throughput") == 2.5);
  assert_true(json_number(document, "metrics.memory_peak") == 4096);
  assert_true(json_number(document, "execution_time") == 0.25);
  assert_non_null(strstr(json_text(document, "created_at"), "2023-11-14T22:13:20"));
  assert_true(is_null(document, "finished_at") && is_null(document, "error") && is_null(document, "error_code"));
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void a_failed_task_carries_what_is_known(void **state) {
  (void)state;
  or_task_result_t result;
  or_task_result_init(&result, or_allocator_system());
  result.throughput = NAN;
  expect_ok(or_text_append_string(&result.json, "{\"half\":"));
  or_json_document_t *document = written(&(or_task_outcome_t){.task_id = "t2",
                                                              .state = "failed",
                                                              .result = &result,
                                                              .error = "no memory",
                                                              .error_code = "resource_exhausted",
                                                              .attempts = 3});
  assert_string_equal(json_text(document, "status"), "failed");
  assert_string_equal(json_text(document, "error"), "no memory");
  assert_string_equal(json_text(document, "error_code"), "resource_exhausted");
  assert_true(json_number(document, "attempts") == 3);
  assert_true(is_null(document, "result") && is_null(document, "device_used") && is_null(document, "fallback_reason"));
  assert_true(is_null(document, "metrics.throughput") && is_null(document, "metrics.device_used"));
  assert_true(is_null(document, "created_at"));
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void a_task_without_a_result_yet_has_null_for_it(void **state) {
  (void)state;
  or_task_result_t result;
  or_task_result_init(&result, or_allocator_system());
  or_json_document_t *document =
      written(&(or_task_outcome_t){.task_id = "t3", .state = "completed", .result = &result});
  assert_true(is_null(document, "result"));
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_completed_task_carries_its_result),
      cmocka_unit_test(a_failed_task_carries_what_is_known),
      cmocka_unit_test(a_task_without_a_result_yet_has_null_for_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
