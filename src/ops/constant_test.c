#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* A constant that lies in a file: `source` is what the file holds. */
static or_status_t read_source(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  memcpy(destination, (const char *)constant->source + offset, length);
  return or_status_success();
}

static or_status_t read_nothing(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  (void)constant;
  (void)destination;
  return or_error(OR_DATA_LOSS, "the file ends before %zu", offset + length);
}

static void constant_copies_a_tensor_from_memory_or_file(void **state) {
  (void)state;
  int16_t numbers[2] = {7, -8};
  for (int resident = 0; resident < 2; ++resident) {
    or_constant_t tensor = {.dtype = OR_INT16, .shape = SHAPE(2), .bytes = sizeof numbers};
    if (resident != 0) {
      tensor.data = numbers;
    } else {
      tensor.read = read_source;
      tensor.source = numbers;
    }
    call_fixture_t f;
    call_init(&f, "", "Constant", 13);
    call_attribute(&f, "value", OR_ATTRIBUTE_TENSOR)->tensor = &tensor;
    call_run(&f, 1);
    expect_shape(&f, 0, OR_INT16, SHAPE(2));
    expect_ints(&f, 0, INTS(7, -8));
    tensor.data = NULL;
    tensor.read = read_nothing;
    or_status_t status = or_op_reference(&f.call);
    assert_int_equal(or_status_code(status), OR_DATA_LOSS);
    or_status_ignore(status); /* expected */
    call_deinit(&f);
  }
}

static void constant_takes_plain_numbers(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Constant", 13);
  call_float(&f, "value_float", 0.5F);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  expect_doubles(&f, 0, 0, DOUBLES(0.5));
  call_deinit(&f);
  call_init(&f, "", "Constant", 13);
  call_int(&f, "value_int", -3);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SCALAR);
  expect_ints(&f, 0, INTS(-3));
  call_deinit(&f);
  call_init(&f, "", "Constant", 13);
  call_ints(&f, "value_ints", INTS(1, 2, 3));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(3));
  expect_ints(&f, 0, INTS(1, 2, 3));
  call_deinit(&f);
  call_init(&f, "", "Constant", 13);
  or_attribute_t *floats = call_attribute(&f, "value_floats", OR_ATTRIBUTE_FLOATS);
  floats->reals = FLOATS(1.5F, 2.5F);
  floats->count = 2;
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(1.5, 2.5));
  call_deinit(&f);
}

static void constant_needs_exactly_one_value(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Constant", 13);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "no attribute carries the value");
  call_int(&f, "value_int", 1);
  call_float(&f, "value_float", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "both attributes \"value_int\" and \"value_float\"");
  call_deinit(&f);
  call_init(&f, "", "Constant", 13);
  call_attribute(&f, "sparse_value", OR_ATTRIBUTE_TENSOR);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"sparse_value\"");
  call_deinit(&f);
}

static void constant_of_shape_fills_every_place(void **state) {
  (void)state;
  or_constant_t value = {.dtype = OR_INT16, .shape = SHAPE(1), .bytes = 2, .data = (int16_t[]){-5}};
  call_fixture_t f;
  call_init(&f, "", "ConstantOfShape", 9);
  call_list(&f, INTS(3, 1, 1));
  call_attribute(&f, "value", OR_ATTRIBUTE_TENSOR)->tensor = &value;
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT16, SHAPE(3, 1, 1));
  expect_ints(&f, 0, INTS(-5, -5, -5));
  call_deinit(&f);
  value = (or_constant_t){.dtype = OR_UINT4, .shape = SHAPE(1), .bytes = 1, .data = (uint8_t[]){9}};
  call_init(&f, "", "ConstantOfShape", 21);
  call_list(&f, INTS(3));
  call_attribute(&f, "value", OR_ATTRIBUTE_TENSOR)->tensor = &value;
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(9, 9, 9));
  call_deinit(&f);
  value = (or_constant_t){.dtype = OR_FLOAT6E2M3, .shape = SHAPE(1), .bytes = 1, .data = (uint8_t[]){0x18}};
  for (int64_t count = 0; count < 7; ++count) {
    call_init(&f, "", "ConstantOfShape", 25);
    call_list(&f, INTS(count));
    call_attribute(&f, "value", OR_ATTRIBUTE_TENSOR)->tensor = &value;
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, (double[]){4, 4, 4, 4, 4, 4}, (size_t)count);
    call_deinit(&f);
  }
  call_init(&f, "", "ConstantOfShape", 9); /* float32 0; an empty list is a scalar */
  call_list(&f, NULL, 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

static void constant_of_shape_refuses_what_is_no_shape(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ConstantOfShape", 9);
  call_list(&f, INTS(2, -1));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent -1 at 1 is negative");
  f.inputs[0].data = (int64_t[]){INT64_C(1) << 40, INT64_C(1) << 40};
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "elements");
  f.inputs[0].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN));
  or_constant_t value = {.dtype = OR_INT16, .shape = SHAPE(2), .bytes = 4, .data = (int16_t[]){1, 2}};
  call_attribute(&f, "value", OR_ATTRIBUTE_TENSOR)->tensor = &value;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "one element");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(constant_copies_a_tensor_from_memory_or_file),
      cmocka_unit_test(constant_takes_plain_numbers),
      cmocka_unit_test(constant_needs_exactly_one_value),
      cmocka_unit_test(constant_of_shape_fills_every_place),
      cmocka_unit_test(constant_of_shape_refuses_what_is_no_shape),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
