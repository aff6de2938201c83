#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, const char *name, int version, or_value_form_t form) {
  static const float values[] = {1, 2};
  call_init(f, "", name, version);
  call_input(f, OR_FLOAT32, SHAPE(2), values);
  f->inputs[0].form = form;
}

static void type(call_fixture_t *f, or_value_form_t form, or_dtype_t dtype) {
  or_attribute_t *attribute = call_attribute(f, "type", OR_ATTRIBUTE_TYPE);
  attribute->form = form;
  attribute->dtype = dtype;
}

static void finish(call_fixture_t *f, or_value_form_t form, or_dtype_t dtype, or_shape_t shape) {
  call_infer(f, 1);
  assert_int_equal(f->outputs[0].form, form);
  expect_shape(f, 0, dtype, shape);
  call_deinit(f);
}

static void refuse(call_fixture_t *f, const char *part) {
  expect_refused(f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(f);
}

static void an_optional_holds_a_tensor_or_a_sequence(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Optional", 15, OR_FORM_TENSOR);
  finish(&f, OR_FORM_OPTIONAL_TENSOR, OR_FLOAT32, SHAPE(2));
  start(&f, "Optional", 28, OR_FORM_SEQUENCE);
  type(&f, OR_FORM_SEQUENCE, OR_FLOAT32);
  finish(&f, OR_FORM_OPTIONAL_SEQUENCE, OR_FLOAT32, SHAPE(2));
  start(&f, "Optional", 15, OR_FORM_OPTIONAL_TENSOR);
  refuse(&f, "input 0 is an optional tensor, expected a tensor or a sequence");
  start(&f, "Optional", 15, OR_FORM_TENSOR);
  type(&f, OR_FORM_TENSOR, OR_INT64);
  refuse(&f, "input 0 is a tensor of float32, and attribute \"type\" says a tensor of int64");
}

static void an_empty_optional_is_of_the_type_that_is_said(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Optional", 15);
  type(&f, OR_FORM_TENSOR, OR_INT64);
  finish(&f, OR_FORM_OPTIONAL_TENSOR, OR_INT64, RANK_UNKNOWN);
  call_init(&f, "", "Optional", 15);
  type(&f, OR_FORM_SEQUENCE, OR_STRING);
  finish(&f, OR_FORM_OPTIONAL_SEQUENCE, OR_STRING, RANK_UNKNOWN);
  call_init(&f, "", "Optional", 15);
  refuse(&f, "neither an input nor an attribute \"type\"");
  call_init(&f, "", "Optional", 15);
  type(&f, OR_FORM_OPTIONAL_TENSOR, OR_STRING);
  refuse(&f, "\"type\" is an optional tensor of string");
  call_init(&f, "", "Optional", 15);
  type(&f, OR_FORM_TENSOR, OR_DTYPE_COUNT);
  refuse(&f, "\"type\" is a tensor of invalid");
}

static void what_is_no_optional_is_there_since_version_18(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "OptionalHasElement", 15, OR_FORM_OPTIONAL_SEQUENCE);
  finish(&f, OR_FORM_TENSOR, OR_BOOL, SCALAR);
  start(&f, "OptionalHasElement", 15, OR_FORM_TENSOR);
  refuse(&f, "input 0 is a tensor, expected an optional before version 18");
  call_init(&f, "", "OptionalHasElement", 15);
  refuse(&f, "input 0 is left out, expected an optional before version 18");
  start(&f, "OptionalHasElement", 18, OR_FORM_TENSOR);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);
  call_init(&f, "", "OptionalHasElement", 28);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0));
  call_deinit(&f);
}

static void an_element_is_what_the_optional_was_made_of(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "OptionalGetElement", 15, OR_FORM_OPTIONAL_TENSOR);
  finish(&f, OR_FORM_TENSOR, OR_FLOAT32, SHAPE(2));
  start(&f, "OptionalGetElement", 15, OR_FORM_OPTIONAL_SEQUENCE);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(2));
  start(&f, "OptionalGetElement", 18, OR_FORM_SEQUENCE);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(2));
  start(&f, "OptionalGetElement", 15, OR_FORM_TENSOR);
  refuse(&f, "expected an optional before version 18");
  start(&f, "OptionalGetElement", 18, OR_FORM_TENSOR);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_optional_holds_a_tensor_or_a_sequence),
      cmocka_unit_test(an_empty_optional_is_of_the_type_that_is_said),
      cmocka_unit_test(what_is_no_optional_is_there_since_version_18),
      cmocka_unit_test(an_element_is_what_the_optional_was_made_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
