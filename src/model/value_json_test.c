#include "base/testing.h"

#include "model/value_json.h"
#include "openruntime/openruntime.h"

typedef struct fixture_t {
  or_runtime_t *runtime;
  or_device_t *device;
} fixture_t;

static or_status_t read_text(const fixture_t *fixture, const char *text, or_tensor_t **tensor, or_value_t **value) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  or_status_t status = or_value_json_read(or_allocator_system(), fixture->device,
                                          or_json_get(or_json_root(document), "v"), tensor, value);
  or_json_document_free(document);
  return status;
}

static void expect_written(const or_value_t *value, const char *expected) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  expect_ok(or_value_json_write(or_allocator_system(), value, &json));
  expect_ok(or_json_finish(&json));
  assert_string_equal(or_text_string(&text), expected);
  or_text_deinit(&text);
}

static void a_sequence_is_an_array_of_tensors(void **state) {
  or_tensor_t *tensor = NULL;
  or_value_t *value = NULL, *optional = NULL;
  static const char array[] = "[{\"shape\":[2],\"dtype\":\"float32\",\"data\":[1,2]},"
                              "{\"shape\":[1],\"dtype\":\"float32\",\"data\":[3]}]";
  char text[160];
  (void)or_format(text, sizeof text, "{\"v\":%s}", array);
  expect_ok(read_text(*state, text, &tensor, &value));
  assert_null(tensor);
  assert_int_equal(or_value_count(value), 2);
  assert_int_equal(or_value_bytes(value), 12);
  expect_written(value, array);
  expect_ok(or_value_as(or_allocator_system(), OR_FORM_OPTIONAL_SEQUENCE, NULL, value, &optional));
  assert_int_equal(or_value_kind(optional), OR_VALUE_OPTIONAL);
  expect_written(optional, array);
  or_value_release(optional);
  expect_ok(or_value_as(or_allocator_system(), OR_FORM_SEQUENCE, NULL, value, &optional));
  assert_ptr_equal(optional, value);
  or_value_release(optional);
  or_value_release(value);
}

static void an_empty_optional_is_null(void **state) {
  or_tensor_t *tensor = NULL;
  or_value_t *value = NULL;
  expect_ok(read_text(*state, "{\"v\":null}", &tensor, &value));
  assert_int_equal(or_value_kind(value), OR_VALUE_OPTIONAL);
  assert_int_equal(or_value_count(value), 0);
  assert_int_equal(or_value_bytes(value), 0);
  expect_written(value, "null");
  or_value_release(value);
}

static void an_optional_may_be_given_as_what_it_holds(void **state) {
  or_tensor_t *tensor = NULL;
  or_value_t *value = NULL;
  expect_ok(read_text(*state, "{\"v\":{\"shape\":[1],\"dtype\":\"string\",\"data\":[\"a\"]}}", &tensor, &value));
  assert_null(value);
  expect_ok(or_value_as(or_allocator_system(), OR_FORM_OPTIONAL_TENSOR, tensor, NULL, &value));
  assert_int_equal(or_value_count(value), 1);
  expect_written(value, "{\"shape\":[1],\"dtype\":\"string\",\"data\":[\"a\"]}");
  or_value_release(value);
  or_tensor_release(tensor);
}

static void names_the_element_that_is_wrong(void **state) {
  or_tensor_t *tensor = NULL;
  or_value_t *value = NULL;
  expect_failure(
      read_text(*state, "{\"v\":[{\"shape\":[1],\"data\":[1]},{\"shape\":[2],\"data\":[1]}]}", &tensor, &value),
      OR_INVALID_ARGUMENT, "element 1 of the sequence");
  expect_failure(read_text(*state, "{\"v\":[[]]}", &tensor, &value), OR_INVALID_ARGUMENT, "element 0 of the sequence");
  expect_failure(read_text(*state, "{\"v\":5}", &tensor, &value), OR_INVALID_ARGUMENT, "a tensor is an object");
  assert_null(value);
  assert_string_equal(or_value_form_name(OR_FORM_TENSOR), "tensor");
  assert_string_equal(or_value_form_name(OR_FORM_SEQUENCE), "sequence");
  assert_string_equal(or_value_form_name(OR_FORM_OPTIONAL_SEQUENCE), "optional");
}

int main(void) {
  fixture_t fixture = {NULL, NULL};
  expect_ok(or_runtime_create(&(or_runtime_options_t){.vendor_libraries = true, .backends = "cpu"}, &fixture.runtime));
  expect_ok(or_runtime_find_device(fixture.runtime, "cpu", &fixture.device));
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(a_sequence_is_an_array_of_tensors, &fixture),
      cmocka_unit_test_prestate(an_empty_optional_is_null, &fixture),
      cmocka_unit_test_prestate(an_optional_may_be_given_as_what_it_holds, &fixture),
      cmocka_unit_test_prestate(names_the_element_that_is_wrong, &fixture),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  or_runtime_release(fixture.runtime);
  return failed;
}
