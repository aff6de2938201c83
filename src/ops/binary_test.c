#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, const char *name, or_dtype_t dtype, const void *a, const void *b) {
  call_init(f, "", name, 14);
  if (strcmp(name, "Mod") == 0) f->node.version = 13;
  call_input(f, dtype, SHAPE(4), a);
  call_input(f, dtype, SHAPE(4), b);
}

static void operands_are_broadcast_to_one_shape(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Sub", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 2), FLOATS(10, 20, 30, 40));
  call_input(&f, OR_FLOAT32, SHAPE(3, 1), FLOATS(1, 2, 3));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3, 2));
  expect_doubles(&f, 0, 0, DOUBLES(9, 19, 8, 18, 7, 17, 29, 39, 28, 38, 27, 37));
  call_deinit(&f);
}

static void rows_longer_than_a_block_are_whole(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  int64_t numbers[COUNT], three = 3;
  for (int64_t i = 0; i < COUNT; ++i) numbers[i] = i * i;
  call_fixture_t f;
  call_init(&f, "", "Add", 14);
  call_input(&f, OR_INT64, SHAPE(COUNT), numbers);
  call_input(&f, OR_INT64, SCALAR, &three);
  call_run(&f, 1);
  for (int64_t i = 0; i < COUNT; ++i) assert_int_equal(((int64_t *)f.outputs[0].data)[i], i * i + 3);
  call_deinit(&f);
}

static void integers_wrap_around(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Add", OR_INT8, (int8_t[]){127, -128, 1, -1}, (int8_t[]){1, -1, 2, 1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-128, 127, 3, 0));
  call_deinit(&f);
  start(&f, "Sub", OR_UINT8, (uint8_t[]){3, 0, 255, 9}, (uint8_t[]){5, 1, 255, 2});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(254, 255, 0, 7));
  call_deinit(&f);
  start(&f, "Mul", OR_INT64, (int64_t[]){INT64_MAX, INT64_MIN, 3, -4}, (int64_t[]){2, -1, 5, 6});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-2, INT64_MIN, 15, -24));
  call_deinit(&f);
}

static void integer_division_truncates_and_is_defined_everywhere(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Div", OR_INT32, (int32_t[]){7, -7, 5, INT32_MIN}, (int32_t[]){-2, 2, 0, -1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-3, -3, 0, INT32_MIN));
  call_deinit(&f);
  start(&f, "Div", OR_INT64, (int64_t[]){INT64_MIN, INT64_MIN, 0, 9}, (int64_t[]){-1, 1, 0, -1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MIN, INT64_MIN, 0, -9));
  call_deinit(&f);
  start(&f, "Div", OR_UINT64, (uint64_t[]){UINT64_MAX, UINT64_MAX, 1, 9}, (uint64_t[]){2, UINT64_MAX, UINT64_MAX, 0});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MAX, 1, 0, 0));
  call_deinit(&f);
}

static void remainders_have_the_sign_that_fmod_says(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Mod", OR_INT32, (int32_t[]){7, -7, 7, INT32_MIN}, (int32_t[]){3, 3, -3, -1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, -2, 0));
  call_deinit(&f);
  start(&f, "Mod", OR_INT32, (int32_t[]){7, -7, 7, 5}, (int32_t[]){3, 3, -3, 0});
  call_int(&f, "fmod", 1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, -1, 1, 0));
  call_deinit(&f);
  start(&f, "Mod", OR_FLOAT64, (double[]){5.5, -5.5, 5.5, 1}, (double[]){2, 2, -2, INFINITY});
  f.node.version = 28;
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1.5, 0.5, -0.5, 1));
  call_deinit(&f);
}

static void a_remainder_of_reals_needs_fmod_before_version_28(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Mod", OR_FLOAT32, NULL, NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"fmod\" = 1 before version 28");
  call_deinit(&f);
}

static void powers_have_the_dtype_of_the_base(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Pow", 15);
  call_input(&f, OR_INT32, SHAPE(6), (int32_t[]){3, 2, -1, 0, -2, 2});
  call_input(&f, OR_INT64, SHAPE(6), (int64_t[]){4, -1, -3, -1, 3, 33});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(6));
  expect_ints(&f, 0, INTS(81, 0, -1, 0, -8, 0));
  call_deinit(&f);
  call_init(&f, "", "Pow", 15);
  call_input(&f, OR_INT64, SHAPE(2), (int64_t[]){9, 10});
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(0.5F));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(3, 3));
  call_deinit(&f);
  call_init(&f, "", "Pow", 15);
  call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(2, 4, -1));
  call_input(&f, OR_INT8, SHAPE(3), (int8_t[]){-2, 3, 5});
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0.25, 64, -1));
  call_deinit(&f);
}

static void the_extreme_of_any_number_of_tensors_keeps_nan(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Max", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(1, NAN, 3, -INFINITY));
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(2, 5));
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(2.5F));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2.5, NAN, 3, 5));
  call_deinit(&f);
  call_init(&f, "", "Min", 13);
  call_input(&f, OR_UINT64, SHAPE(2), (uint64_t[]){UINT64_MAX, 1});
  call_input(&f, OR_UINT64, SHAPE(2), (uint64_t[]){INT64_MAX, 2});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MAX, 1));
  call_deinit(&f);
  call_init(&f, "", "Max", 13);
  call_input(&f, OR_INT8, SHAPE(2), (int8_t[]){-3, 4});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-3, 4));
  call_deinit(&f);
}

static void half_precision_rounds_once_to_nearest_even(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Add", 14); /* 2048 + 1 lies between 2048 and 2050, 2048 + 3 between 2050 and 2052 */
  call_input(&f, OR_FLOAT16, SHAPE(2), (uint16_t[]){0x6800, 0x6800});
  call_input(&f, OR_FLOAT16, SHAPE(2), (uint16_t[]){0x3C00, 0x4200});
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2048, 2052));
  call_deinit(&f);
  call_init(&f, "", "Mul", 14); /* 65504 * 2 is beyond the range */
  call_input(&f, OR_FLOAT16, SHAPE(1), (uint16_t[]){0x7BFF});
  call_input(&f, OR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000});
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(INFINITY));
  call_deinit(&f);
}

static void may_write_over_an_operand(void **state) {
  (void)state;
  float numbers[4] = {1, 2, 3, 4};
  call_fixture_t f;
  start(&f, "Add", OR_FLOAT32, numbers, FLOATS(10, 10, 10, 10));
  call_infer(&f, 1);
  f.outputs[0].data = numbers;
  expect_ok(or_op_reference(&f.call));
  expect_doubles(&f, 0, 0, DOUBLES(11, 12, 13, 14));
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

static void symbols_survive_broadcasting(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Mul", 14);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 1, SYMBOL(1)), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(2), 1), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(2), SYMBOL(1)));
  call_deinit(&f);
}

static void empty_operands_give_empty_results(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Add", 14);
  call_input(&f, OR_FLOAT32, SHAPE(3, 0), FLOATS(0));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1), FLOATS(1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 0));
  call_deinit(&f);
}

static void refuses_what_does_not_fit_by_name(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Add", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_input(&f, OR_FLOAT64, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float64, expected float32");
  call_deinit(&f);
  call_init(&f, "", "Add", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "[2,3] and [2]");
  call_deinit(&f);
  call_init(&f, "", "Add", 6);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_int(&f, "broadcast", 1);
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "\"broadcast\"");
  call_deinit(&f);
  call_init(&f, "", "Pow", 7);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "int32 does not go with float32 in version 7");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operands_are_broadcast_to_one_shape),
      cmocka_unit_test(rows_longer_than_a_block_are_whole),
      cmocka_unit_test(integers_wrap_around),
      cmocka_unit_test(integer_division_truncates_and_is_defined_everywhere),
      cmocka_unit_test(remainders_have_the_sign_that_fmod_says),
      cmocka_unit_test(a_remainder_of_reals_needs_fmod_before_version_28),
      cmocka_unit_test(powers_have_the_dtype_of_the_base),
      cmocka_unit_test(the_extreme_of_any_number_of_tensors_keeps_nan),
      cmocka_unit_test(half_precision_rounds_once_to_nearest_even),
      cmocka_unit_test(may_write_over_an_operand),
      cmocka_unit_test(symbols_survive_broadcasting),
      cmocka_unit_test(empty_operands_give_empty_results),
      cmocka_unit_test(refuses_what_does_not_fit_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
