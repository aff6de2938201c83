/* verify: values of a data set, read by the form that the model declares, compared level by level, written. */
#include "cli/cli_test_internal.h"
#include "cli/verify.h"

static or_cli_t cli_of_test(void) {
  or_cli_t made = {.allocator = or_allocator_system()};
  expect_ok(open_runtime(NULL, &made.runtime));
  return made;
}

static or_value_t *number(or_cli_t *of, float value) {
  or_tensor_t *tensor = NULL;
  or_value_t *out_value = NULL;
  or_device_t *host = or_runtime_host_device(of->runtime);
  expect_ok(or_tensor_create_from(host, OR_FLOAT32, or_shape_make(0, NULL), &value, sizeof value, &tensor));
  expect_ok(or_value_from_tensor(of->allocator, tensor, &out_value));
  or_tensor_release(tensor);
  return out_value;
}

/* Takes the elements. */
static or_value_t *sequence(or_cli_t *of, size_t count, or_value_t *a, or_value_t *b) {
  or_value_t *out_value = NULL;
  expect_ok(or_value_sequence(of->allocator, (or_value_t *[]){a, b}, count, &out_value));
  or_value_release(a);
  or_value_release(b);
  return out_value;
}
static or_value_t *optional(or_cli_t *of, or_value_t *element) {
  or_value_t *out_value = NULL;
  expect_ok(or_value_optional(of->allocator, element, &out_value));
  or_value_release(element);
  return out_value;
}

/* Compares, and takes both. */
static or_verification_t compared(or_cli_t *of, or_value_t *actual, or_value_t *expected) {
  or_verify_options_t options = {.rtol = 1e-3, .atol = 1e-5};
  or_verification_t result = {.verdict = OR_VERDICT_PASSED};
  or_binding_t sides[2] = {{.name = "y", .value = actual}, {.name = "y", .value = expected}};
  expect_ok(or_verify_compare_bindings(of, &sides[0], &sides[1], &options, &result));
  or_verify_release(&sides[0]);
  or_verify_release(&sides[1]);
  assert_null(sides[0].value);
  return result;
}

static void differences_are_found_at_every_level(void **state) {
  (void)state;
  or_cli_t of = cli_of_test();
  or_verification_t result =
      compared(&of, sequence(&of, 2, number(&of, 1), number(&of, 2)), sequence(&of, 2, number(&of, 1), number(&of, 2)));
  assert_int_equal(result.verdict, OR_VERDICT_PASSED);
  assert_int_equal(result.outputs, 2);
  result = compared(&of, optional(&of, sequence(&of, 2, number(&of, 1), number(&of, 2))),
                    optional(&of, sequence(&of, 2, number(&of, 1), number(&of, 3))));
  assert_int_equal(result.verdict, OR_VERDICT_WRONG);
  assert_non_null(strstr(result.detail, "output \"y[1]\": 1 of 1 elements differ, the first at 0: got 2, expected 3"));
  result = compared(&of, sequence(&of, 1, number(&of, 1), NULL), sequence(&of, 0, NULL, NULL));
  assert_non_null(strstr(result.detail, "output \"y\": got a sequence of 1, expected a sequence of 0"));
  result = compared(&of, optional(&of, NULL), optional(&of, number(&of, 1)));
  assert_non_null(strstr(result.detail, "got an empty optional, expected an optional"));
  result = compared(&of, number(&of, 1), optional(&of, number(&of, 1)));
  assert_non_null(strstr(result.detail, "got a tensor, expected an optional"));
  result = compared(&of, optional(&of, NULL), optional(&of, NULL));
  assert_int_equal(result.verdict, OR_VERDICT_PASSED);
  or_runtime_release(of.runtime);
}

static or_value_t *texts(or_cli_t *of, const char *first, const char *second) {
  or_string_t strings[] = {{first, strlen(first)}, {second, strlen(second)}};
  or_tensor_t *tensor = NULL;
  or_value_t *out_value = NULL;
  or_device_t *host = or_runtime_host_device(of->runtime);
  expect_ok(or_tensor_create_from(host, OR_STRING, or_shape_make(1, (int64_t[]){2}), strings, sizeof strings, &tensor));
  expect_ok(or_value_from_tensor(of->allocator, tensor, &out_value));
  or_tensor_release(tensor);
  return out_value;
}

static void texts_are_the_same_or_not(void **state) {
  (void)state;
  or_cli_t of = cli_of_test();
  or_verification_t result = compared(&of, texts(&of, "a", ""), texts(&of, "a", ""));
  assert_int_equal(result.verdict, OR_VERDICT_PASSED);
  assert_int_equal(result.outputs, 1);
  result = compared(&of, texts(&of, "a", "bc"), texts(&of, "a", "bd"));
  assert_int_equal(result.verdict, OR_VERDICT_WRONG);
  assert_non_null(strstr(result.detail, "1 of 2 texts differ, the first at 1: got \"bc\", expected \"bd\""));
  result = compared(&of, texts(&of, "", "b"), texts(&of, "a", "bcd"));
  assert_non_null(strstr(result.detail, "2 of 2 texts differ, the first at 0: got \"\", expected \"a\""));
  or_runtime_release(of.runtime);
}

static void what_is_written_reads_back_by_its_form(void **state) {
  (void)state;
  or_cli_t of = cli_of_test();
  or_model_value_t declared = {.name = "input_0", .dtype = OR_FLOAT32, .form = OR_FORM_SEQUENCE};
  or_binding_t written = {.name = "input_0", .value = sequence(&of, 2, number(&of, 4), number(&of, 5))};
  or_binding_t back = {.name = NULL};
  expect_ok(or_verify_write(&of, in_folder("set"), &written));
  expect_ok(or_verify_read(&of, in_folder("set"), "input", 0, &declared, &back));
  assert_null(back.tensor);
  assert_int_equal(or_value_count(back.value), 2);
  or_verify_release(&back);
  declared.form = OR_FORM_OPTIONAL_SEQUENCE;
  expect_failure(or_verify_read(&of, in_folder("set"), "input", 0, &declared, &back), OR_UNIMPLEMENTED,
                 "it holds a tensor where the model has a sequence");
  expect_failure(or_verify_read(&of, in_folder("set"), "input", 1, &declared, &back), OR_NOT_FOUND, "input_1.pb");
  or_verify_release(&back);
  or_verify_release(&written);
  or_runtime_release(of.runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(differences_are_found_at_every_level),
      cmocka_unit_test(texts_are_the_same_or_not),
      cmocka_unit_test(what_is_written_reads_back_by_its_form),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
