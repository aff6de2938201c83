#include "server/task_parts.h"

#include "base/testing.h"

#include "base/json.h"
#include "base/multipart.h"
#include "fake/fake.h"
#include "runtime/runtime.h"

#define RESULT(name) "{\"operation\":\"x\",\"note\":\",\\\"outputs\\\":{\",\"" name "\":{\"y\":{\"data\":[39,40]}}}"
static const float values[] = {39, 40};

static or_runtime_t *runtime;
static or_device_t *device;
static or_task_result_t result;
static or_task_tensor_t outputs[2];
static or_text_t response;

/* A result with the tensor "y", and its response as JSON. */
static void make(bool unified, const char *json_of_result) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  const or_runtime_options_t options = {.allocator = NULL};
  or_json_writer_t json;
  or_fake_reset();
  if (unified) or_fake_set_unified(0);
  expect_ok(or_runtime_create_with(&options, backends, 1, &runtime));
  expect_ok(or_runtime_find_device(runtime, "fake_0", &device));
  or_task_result_init(&result, or_allocator_system());
  expect_ok(or_text_append_string(&result.json, json_of_result));
  outputs[0] = (or_task_tensor_t){.name = "y"};
  expect_ok(or_tensor_create_from(device, OR_FLOAT32, or_shape_make(1, (int64_t[]){2}), values, sizeof values,
                                  &outputs[0].tensor));
  result.outputs = outputs;
  result.output_count = 1;
  const or_task_outcome_t outcome = {.task_id = "t", .state = "completed", .result = &result, .attempts = 1};
  or_text_init(&response, or_allocator_system());
  or_json_begin(&json, &response, 0);
  or_task_write_response(&json, &outcome);
  expect_ok(or_json_finish(&json));
}

static void forget(void) {
  for (size_t i = 0; i < 2; ++i) {
    or_tensor_release(outputs[i].tensor);
    outputs[i].tensor = NULL;
  }
  result.outputs = NULL; /* they are this test's */
  result.output_count = 0;
  or_text_deinit(&response);
  or_task_result_deinit(&result);
  or_runtime_release(runtime);
}

static or_multipart_t cut(const or_task_parts_body_t *body) {
  or_multipart_t parts;
  expect_ok(or_multipart_parse(or_allocator_system(), (or_slice_t){body->content_type, strlen(body->content_type)},
                               body->text.data, body->text.length, &parts));
  return parts;
}

static const or_json_value_t *at(const or_json_document_t *document, const char *const *path) {
  const or_json_value_t *value = or_json_root(document);
  for (; *path != NULL; ++path) value = or_json_get(value, *path);
  return value;
}
#define AT(...) at(document, (const char *const[]){__VA_ARGS__, NULL})

static void check(const or_task_parts_body_t *body) {
  or_json_document_t *document = NULL;
  or_multipart_t parts = cut(body);
  assert_int_equal(parts.count, 2);
  const or_multipart_part_t *json = or_multipart_find(&parts, "response");
  assert_non_null(json);
  assert_true(or_slice_is(json->content_type, "application/json"));
  expect_ok(or_json_parse(or_allocator_system(), json->data, json->bytes, &document));
  assert_string_equal(or_json_get_string(AT("status"), ""), "completed");
  assert_int_equal(or_json_get_int(AT("attempts"), 0), 1); /* what stands behind the result is there */
  assert_string_equal(or_json_get_string(AT("result", "note"), ""), ",\"outputs\":{");
  assert_null(AT("result", "outputs", "y", "data"));
  assert_string_equal(or_json_get_string(AT("result", "outputs", "y", "dtype"), ""), "float32");
  assert_int_equal(or_json_get_int(or_json_at(AT("result", "outputs", "y", "shape"), 0), 0), 2);
  const or_multipart_part_t *bytes =
      or_multipart_find(&parts, or_json_get_string(AT("result", "outputs", "y", "part"), ""));
  assert_non_null(bytes);
  assert_int_equal(bytes->bytes, sizeof values);
  assert_memory_equal(bytes->data, values, sizeof values);
  or_json_document_free(document);
  or_multipart_deinit(&parts);
}

static void gives_tensors_as_bytes_beside_the_response(void **state) {
  (void)state;
  for (int unified = 0; unified < 2; ++unified) { /* where the host reads the device's memory, and where it does not */
    or_task_parts_body_t body;
    make(unified == 1, RESULT("outputs"));
    or_text_init(&body.text, or_allocator_system());
    expect_ok(or_task_parts_write(&response, &result, &body));
    check(&body);
    or_text_deinit(&body.text);
    forget();
  }
}

static void leaves_a_response_without_tensors_as_it_is(void **state) {
  (void)state;
  or_task_parts_body_t body;
  make(true, RESULT("given")); /* tensors that the response does not have */
  or_text_init(&body.text, or_allocator_system());
  expect_ok(or_task_parts_write(&response, &result, &body));
  assert_int_equal(body.text.length, 0);
  forget();
  make(true, RESULT("outputs")); /* a response that was not made for want of memory */
  or_text_clear(&response);
  expect_ok(or_task_parts_write(&response, &result, &body));
  assert_int_equal(body.text.length, 0);
  or_text_deinit(&body.text);
  forget();
}

static void strings_stay_in_the_json(void **state) {
  (void)state;
  or_task_parts_body_t body;
  const or_string_t texts[] = {{"a \",\"outputs\":{", 15}, {"b", 1}};
  make(true, RESULT("outputs"));
  expect_ok(or_tensor_create_from(device, OR_STRING, or_shape_make(1, (int64_t[]){2}), texts, sizeof texts,
                                  &outputs[1].tensor));
  or_format(outputs[1].name, sizeof outputs[1].name, "words");
  result.output_count = 2;
  or_text_init(&body.text, or_allocator_system());
  expect_ok(or_task_parts_write(&response, &result, &body));
  or_multipart_t parts = cut(&body);
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), parts.parts[0].data, parts.parts[0].bytes, &document));
  assert_int_equal(parts.count, 2);
  assert_string_equal(or_json_get_string(or_json_at(AT("result", "outputs", "words", "data"), 0), ""), texts[0].data);
  or_json_document_free(document);
  or_multipart_deinit(&parts);
  or_text_deinit(&body.text);
  forget();
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  make(true, RESULT("outputs"));
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_task_parts_body_t body;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_text_init(&body.text, &counting.base);
    or_status_t status = or_task_parts_write(&response, &result, &body);
    if (!counting.triggered) {
      expect_ok(status);
      check(&body);
      or_text_deinit(&body.text);
      break;
    }
    expect_failure(status, OR_RESOURCE_EXHAUSTED, "");
    assert_int_equal(body.text.length, 0);
    or_text_deinit(&body.text);
    assert_int_equal(counting.live_blocks, 0);
  }
  forget();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_tensors_as_bytes_beside_the_response),
      cmocka_unit_test(leaves_a_response_without_tensors_as_it_is),
      cmocka_unit_test(strings_stay_in_the_json),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
