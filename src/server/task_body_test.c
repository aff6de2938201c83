#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "openruntime/openruntime.h"
#include "server/task_body.h"

#define PART(name, data) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" data "\r\n"
#define PRODUCT                                                                                                        \
  "{\"operation\":\"compute\",\"data\":{\"a\":{\"shape\":[1,1],\"part\":\"x\"},\"b\":{\"shape\":[1,1],\"part\":\"y\"}" \
  "}}"
#define TYPE "multipart/form-data; boundary=b"

static or_runtime_t *runtime;

static int open_runtime(void **state) {
  (void)state;
  or_status_t status =
      or_runtime_create(&(or_runtime_options_t){.vendor_libraries = true, .backends = "cpu"}, &runtime);
  assert_true(or_ok(status));
  return 0;
}

static int close_runtime(void **state) {
  (void)state;
  or_runtime_release(runtime);
  return 0;
}

static or_task_source_t source_of(const char *type, const char *body) {
  return (or_task_source_t){.content_type = {type, strlen(type)}, .body = body, .bytes = strlen(body)};
}

static or_task_body_t *read_good(const char *type, const char *text) {
  const or_task_source_t source = source_of(type, text);
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  or_status_t status = or_task_body_read(or_allocator_system(), &source, &problems, &body);
  assert_true(or_ok(status));
  return body;
}

static void expect_problem(const char *type, const char *text, const char *loc, const char *kind) {
  const or_task_source_t source = source_of(type, text);
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  or_status_t status = or_task_body_read(or_allocator_system(), &source, &problems, &body);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  or_status_ignore(status);
  assert_null(body);
  assert_int_equal(problems.count, 1);
  assert_string_equal(problems.items[0].loc, loc);
  assert_string_equal(problems.items[0].type, kind);
}

static void views_parts_as_tensors_that_keep_the_body(void **state) {
  (void)state;
  const float one = 1.5f, two = -2;
  char text[1024] = PART("request", PRODUCT) "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n";
  const or_task_source_t source = {.content_type = {TYPE, strlen(TYPE)}, .body = text};
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  size_t length = strlen(text);
  memcpy(text + length, &one, sizeof one);
  length += sizeof one;
  static const char next[] = "\r\n--b\r\nContent-Disposition: form-data; name=\"y\"\r\n\r\n", end[] = "\r\n--b--\r\n";
  memcpy(text + length, next, sizeof next - 1);
  length += sizeof next - 1;
  memcpy(text + length, &two, sizeof two);
  length += sizeof two;
  memcpy(text + length, end, sizeof end);
  length += sizeof end - 1;
  or_task_source_t whole = source;
  whole.bytes = length;
  or_status_t status = or_task_body_read(or_allocator_system(), &whole, &problems, &body);
  assert_true(or_ok(status));
  status = or_task_body_tensors(body, runtime);
  assert_true(or_ok(status));
  assert_int_equal(body->tensor_count, 2);
  assert_string_equal(body->tensors[0].name, "a");
  assert_string_equal(body->blobs[1].name, "y");
  assert_int_equal(body->blobs[1].dtype, OR_FLOAT32);
  or_tensor_t *kept = body->tensors[1].tensor;
  or_tensor_retain(kept);
  or_task_body_release(body);
  assert_true(*(const float *)or_tensor_data(kept) == two);
  or_tensor_release(kept);
}

/* Body, document, the reader's stack, task: what a small request costs. */
static void a_small_request_takes_four_allocations(void **state) {
  (void)state;
  static const char text[] = "{\"operation\":\"compute\",\"data\":{\"type\":\"matrix_multiply\",\"size\":16}}";
  or_counting_allocator_t counting;
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  const or_task_source_t source = {.body = text, .bytes = sizeof text - 1};
  or_status_t status = or_task_body_read(&counting.base, &source, &problems, &body);
  assert_true(or_ok(status));
  assert_int_equal(counting.alloc_count, 4);
  or_task_body_release(body);
  assert_int_equal(counting.live_blocks, 0);
}

static void names_what_is_wrong_with_the_form(void **state) {
  (void)state;
  expect_problem("application/json", "{", "", "json_invalid");
  expect_problem("multipart/form-data", "x", "", "multipart_invalid");
  expect_problem(TYPE, PART("x", "1234") "--b--\r\n", "", "multipart_invalid");
  expect_problem(TYPE, PART("request", PRODUCT) PART("x", "1234") "--b--\r\n", "data.b", "value_error.part");
  expect_problem(TYPE, PART("request", PRODUCT) PART("x", "123") PART("y", "1234") "--b--\r\n", "data.a",
                 "value_error.tensor");
  expect_problem(TYPE, PART("request", PRODUCT) PART("x", "1234") PART("y", "1234") PART("z", "") "--b--\r\n", "z",
                 "value_error.extra");
  char name[200], text[512];
  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = '\0';
  (void)snprintf(text, sizeof text, PART("request", "{}") PART("%s", "") "--b--\r\n", name);
  expect_problem(TYPE, text, "", "multipart_invalid");
}

static void the_digest_is_of_the_parts_and_not_of_the_envelope(void **state) {
  (void)state;
  static const char *const texts[] = {
      PART("request", PRODUCT) PART("x", "1234") PART("y", "1234") "--b--\r\n",
      "preamble\r\n" PART("request", PRODUCT) PART("x", "1234") PART("y", "1234") "--b--\r\nepilogue",
      PART("request", PRODUCT) PART("x", "1234") PART("y", "1235") "--b--\r\n",
  };
  uint8_t digests[3][OR_TASK_DIGEST_BYTES];
  for (size_t i = 0; i < 3; ++i) {
    or_task_body_t *body = read_good(TYPE, texts[i]);
    or_status_t status = or_task_body_digest(body, digests[i]);
    assert_true(or_ok(status));
    or_task_body_release(body);
  }
  assert_memory_equal(digests[0], digests[1], OR_TASK_DIGEST_BYTES);
  assert_memory_not_equal(digests[0], digests[2], OR_TASK_DIGEST_BYTES);
}

static void recalls_what_was_recorded(void **state) {
  (void)state;
  const float value = 3;
  const or_journal_blob_t inputs[] = {
      {"x", OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 1}), &value, sizeof value},
      {"y", OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 1}), &value, sizeof value},
  };
  const or_task_record_t record = {.request = PRODUCT, .request_bytes = strlen(PRODUCT)};
  or_task_body_t *body = NULL;
  or_status_t status = or_task_body_recall(or_allocator_system(), &record, inputs, 2, &body);
  assert_true(or_ok(status));
  status = or_task_body_tensors(body, runtime);
  assert_true(or_ok(status));
  assert_true(*(const float *)or_tensor_data(body->tensors[0].tensor) == value);
  or_task_body_release(body);
  status = or_task_body_recall(or_allocator_system(), &record, inputs, 1, &body);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  or_status_ignore(status);
  status = or_task_body_recall(or_allocator_system(), &record, inputs, OR_MULTIPART_MAX_PARTS + 1, &body);
  assert_int_equal(or_status_code(status), OR_OUT_OF_RANGE);
  or_status_ignore(status);
  or_task_body_release(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(views_parts_as_tensors_that_keep_the_body),
      cmocka_unit_test(a_small_request_takes_four_allocations),
      cmocka_unit_test(names_what_is_wrong_with_the_form),
      cmocka_unit_test(the_digest_is_of_the_parts_and_not_of_the_envelope),
      cmocka_unit_test(recalls_what_was_recorded),
  };
  return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
