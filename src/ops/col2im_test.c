#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const int64_t image_of_4[1] = {4}, block_of_2[1] = {2}, fives[2] = {5, 5}, block_1_5[2] = {1, 5};

/* Blocks of two in a line of four: three of them, that overlap. */
static void line(call_fixture_t *f, or_dtype_t dtype, const void *x) {
  call_init(f, "", "Col2Im", 18);
  call_input(f, dtype, SHAPE(1, 2, 3), x);
  call_input(f, OR_INT64, SHAPE(1), image_of_4);
  call_input(f, OR_INT64, SHAPE(1), block_of_2);
}

static void adds_up_where_blocks_overlap(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_FLOAT32, FLOATS(1, 2, 3, 10, 20, 30));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 4));
  expect_doubles(&f, 0, 0, DOUBLES(1, 12, 23, 30));
  call_deinit(&f);
}

/* ONNX's own first example. */
static void puts_rows_of_five_below_each_other(void **state) {
  (void)state;
  float x[25];
  double expected[25];
  for (int i = 0; i < 25; ++i) x[i] = (float)(i / 5 + 1 + i % 5 * 5);
  for (int i = 0; i < 25; ++i) expected[i] = i + 1;
  call_fixture_t f;
  call_init(&f, "", "Col2Im", 18);
  call_input(&f, OR_FLOAT32, SHAPE(1, 5, 5), x);
  call_input(&f, OR_INT64, SHAPE(2), fives);
  call_input(&f, OR_INT64, SHAPE(2), block_1_5);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 5, 5));
  expect_doubles(&f, 0, 0, expected, 25);
  call_deinit(&f);
}

static void strides_dilations_pads_images_and_channels(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Col2Im", 18);
  call_input(&f, OR_FLOAT64, SHAPE(1, 4, 2), ((double[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_INT64, SHAPE(1), image_of_4); /* padded: -1 .. 4; blocks at -1, 1 and 1, 3 */
  call_input(&f, OR_INT64, SHAPE(1), block_of_2);
  call_ints(&f, "strides", INTS(2));
  call_ints(&f, "dilations", INTS(2));
  call_ints(&f, "pads", INTS(1, 1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 2, 4));
  expect_doubles(&f, 0, 0, DOUBLES(0, 5, 0, 4, 0, 13, 0, 8));
  call_deinit(&f);
}

static void integers_wrap_around_and_bools_are_ored(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_UINT8, ((uint8_t[]){1, 200, 3, 10, 100, 30}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 210, 103, 30));
  call_deinit(&f);
  line(&f, OR_INT8, ((int8_t[]){1, 100, 3, 100, -100, 30}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, -56, -97, 30));
  call_deinit(&f);
  line(&f, OR_UINT64, ((uint64_t[]){1, UINT64_MAX, INT64_MAX, 3, 1, 0}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, INT64_MIN, 0));
  call_deinit(&f);
  line(&f, OR_BOOL, ((bool[]){false, true, false, true, false, false}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 1, 0, 0));
  call_deinit(&f);
}

static void complex_numbers_have_two_parts(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_COMPLEX64, FLOATS(1, -1, 2, -2, 3, -3, 10, 5, 20, 6, 30, 7));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX64, SHAPE(1, 1, 4));
  const float expected[8] = {1, -1, 12, 3, 23, 3, 30, 7};
  assert_memory_equal(f.outputs[0].data, expected, sizeof expected);
  call_deinit(&f);
  line(&f, OR_COMPLEX128, ((double[]){1, -1, 2, -2, 3, -3, 10, 5, 20, 6, 30, 7}));
  call_run(&f, 1);
  const double wide[8] = {1, -1, 12, 3, 23, 3, 30, 7};
  assert_memory_equal(f.outputs[0].data, wide, sizeof wide);
  call_deinit(&f);
}

static void long_lines_and_empty_batches(void **state) {
  (void)state;
  enum { LENGTH = 1000 };
  static float x[2 * (LENGTH - 1)];
  static double expected[LENGTH];
  static const int64_t length = LENGTH, nine = 9;
  for (int i = 0; i < LENGTH - 1; ++i) {
    x[i] = (float)i;
    x[LENGTH - 1 + i] = (float)(2 * i);
    expected[i] += i;
    expected[i + 1] += 2 * i;
  }
  call_fixture_t f;
  call_init(&f, "", "Col2Im", 18);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, LENGTH - 1), x);
  call_input(&f, OR_INT64, SHAPE(1), &length);
  call_input(&f, OR_INT64, SHAPE(1), block_of_2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, expected, LENGTH);
  call_deinit(&f);

  call_init(&f, "", "Col2Im", 18);
  call_input(&f, OR_FLOAT32, SHAPE(0, 2, 8), NULL);
  call_input(&f, OR_INT64, SHAPE(1), &nine);
  call_input(&f, OR_INT64, SHAPE(1), block_of_2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 1, 9));
  call_deinit(&f);
}

static void symbols_and_values_not_known_yet(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_FLOAT32, NULL);
  f.inputs[0].shape = SHAPE(SYMBOL(0), 6, UNKNOWN);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, 4));
  f.inputs[0].shape = SHAPE(1, SYMBOL(0), 3);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, UNKNOWN, 4));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, 4));
  f.inputs[1].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN));
  f.inputs[1].shape = SHAPE(SYMBOL(0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN));
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_INT64, .shape = SHAPE(SYMBOL(0))};
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  static const int64_t zero = 0, five = 5, two[2] = {2, 2}, none[1] = {0};
  call_fixture_t f;
  line(&f, OR_FLOAT32, NULL);
  f.inputs[0].shape = SHAPE(2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has rank 2");
  f.inputs[0].shape = SHAPE(1, 2, 4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "columns and blocks of the image: 4 and 3");
  f.inputs[0].shape = SHAPE(1, 3, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "3 rows do not divide");
  f.inputs[0].shape = SHAPE(1, 2, 3);
  f.inputs[1].data = (void *)(uintptr_t)&zero;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "image_shape holds 0");
  f.inputs[1].data = (void *)(uintptr_t)image_of_4;
  f.inputs[2].data = (void *)(uintptr_t)&five;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "a block of 5 does not fit");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_INT64, .shape = SHAPE(2), .data = (void *)(uintptr_t)two};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "image_shape has 1 entries, block_shape 2");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_INT64, .shape = SHAPE(0), .data = (void *)(uintptr_t)none};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "block_shape has 0 entries");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_INT32, .shape = SHAPE(1)};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "block_shape");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_INT64, .shape = SHAPE(1), .data = (void *)(uintptr_t)block_of_2};
  call_ints(&f, "pads", INTS(1));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"pads\" has 1 values");
  f.inputs[0].dtype = OR_STRING;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "string");
  call_deinit(&f);
}

static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  float y[4];
  call_fixture_t f;
  line(&f, OR_FLOAT32, FLOATS(1, 2, 3, 10, 20, 30));
  call_infer(&f, 1);
  f.outputs[0].data = y;
  f.allocator.fail_at = 1;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adds_up_where_blocks_overlap),
      cmocka_unit_test(puts_rows_of_five_below_each_other),
      cmocka_unit_test(strides_dilations_pads_images_and_channels),
      cmocka_unit_test(integers_wrap_around_and_bools_are_ored),
      cmocka_unit_test(complex_numbers_have_two_parts),
      cmocka_unit_test(long_lines_and_empty_batches),
      cmocka_unit_test(symbols_and_values_not_known_yet),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
