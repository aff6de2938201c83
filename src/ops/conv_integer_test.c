#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* The standard's example: sums of four of 2 .. 10 less 1; padding is 0 after the zero point is taken off. */
static void sums_what_is_above_the_zero_point(void **state) {
  (void)state;
  const uint8_t x[] = {2, 3, 4, 5, 6, 7, 8, 9, 10}, w[] = {1, 1, 1, 1}, zero[] = {1};
  call_fixture_t f;
  call_init(&f, "", "ConvInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(1, 1, 3, 3), x);
  call_input(&f, OR_UINT8, SHAPE(1, 1, 2, 2), w);
  call_input(&f, OR_UINT8, SCALAR, zero);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(1, 1, 2, 2));
  expect_ints(&f, 0, INTS(12, 16, 24, 28));
  call_deinit(&f);
  call_init(&f, "", "ConvInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(1, 1, 3, 3), x);
  call_input(&f, OR_UINT8, SHAPE(1, 1, 2, 2), w);
  call_input(&f, OR_UINT8, SCALAR, zero);
  call_ints(&f, "pads", INTS(1, 1, 1, 1));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9));
  call_deinit(&f);
}

/* Two groups of one channel and one filter each, in one dimension. */
static void filters_have_zero_points_of_their_own(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ConvInteger", 10);
  call_input(&f, OR_INT8, SHAPE(1, 2, 3), ((int8_t[]){-128, 127, 1, 2, 3, 4}));
  call_input(&f, OR_INT8, SHAPE(2, 1, 2), ((int8_t[]){-128, 127, 1, 2}));
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){127, 1}));
  call_int(&f, "group", 2);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(255 * 128, -255 * 127, 3, 4));
  call_deinit(&f);
}

static void qlinear(call_fixture_t *f, or_dtype_t y, const int32_t *bias) {
  static const uint8_t x[] = {11, 14, 10, 9}, x_zero[] = {10};
  static const int8_t w[] = {3, -1}, w_zeros[] = {0, 1};
  static const float x_scale[] = {0.5F}, w_scales[] = {1, 2}, y_scale[] = {0.25F};
  static const uint8_t y_zero[] = {100};
  call_init(f, "", "QLinearConv", 10);
  call_input(f, OR_UINT8, SHAPE(1, 1, 4), x);
  call_input(f, OR_FLOAT32, SCALAR, x_scale);
  call_input(f, OR_UINT8, SCALAR, x_zero);
  call_input(f, OR_INT8, SHAPE(2, 1, 1), w);
  call_input(f, OR_FLOAT32, SHAPE(2), w_scales);
  call_input(f, OR_INT8, SHAPE(2), w_zeros);
  call_input(f, OR_FLOAT32, SCALAR, y_scale);
  call_input(f, y, SCALAR, y_zero);
  if (bias != NULL) call_input(f, OR_INT32, SHAPE(2), bias);
}

/* x - 10 = 1 4 0 -1, w - zeros = 3, -2: sums 3 12 0 -3 and -2 -8 0 2, times 2 and 4. */
static void sums_are_quantised_again(void **state) {
  (void)state;
  call_fixture_t f;
  qlinear(&f, OR_UINT8, NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(1, 2, 4));
  expect_ints(&f, 0, INTS(106, 124, 100, 94, 92, 68, 100, 108));
  call_deinit(&f);
  qlinear(&f, OR_INT8, (int32_t[]){10, -100}); /* sums 13 22 10 7 and -102 -108 -100 -98 */
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(126, 127, 120, 114, -128, -128, -128, -128));
  call_deinit(&f);
}

static void refuses_parameters_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  static const struct {
    uint32_t input;
    or_dtype_t dtype;
    int64_t extent; /* 0: as it is */
    const char *words;
  } rows[] = {{1, OR_FLOAT16, 0, "input 1 is float16, expected float32"},
              {2, OR_INT8, 0, "input 2 is int8"},
              {3, OR_INT16, 0, "input 3 is int16, expected int8 or uint8"},
              {4, OR_FLOAT32, 3, "input 4 has shape [3], expected one number or one a filter"},
              {5, OR_INT8, 3, "input 5 has shape [3]"},
              {5, OR_UINT8, 0, "input 5 is uint8, expected int8"},
              {6, OR_FLOAT32, 2, "input 6 has shape [2], expected one number"},
              {7, OR_UINT16, 0, "input 7 is uint16"},
              {8, OR_FLOAT32, 0, "the bias) is float32"},
              {8, OR_INT32, 3, "filters and bias"},
              {2, OR_UINT8, 2, "input 2 has shape [2], expected one number"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    qlinear(&f, OR_UINT8, (int32_t[]){0, 0});
    f.inputs[rows[i].input].dtype = rows[i].dtype;
    if (rows[i].extent > 0) f.inputs[rows[i].input].shape = SHAPE(rows[i].extent);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, rows[i].words);
    call_deinit(&f);
  }
  call_init(&f, "", "ConvInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(SYMBOL(0), 4, UNKNOWN), NULL);
  call_input(&f, OR_INT8, SHAPE(6, 4, 1), NULL);
  call_input(&f, OR_UINT8, SHAPE(1), NULL);
  call_input(&f, OR_INT8, SHAPE(UNKNOWN), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), 6, UNKNOWN));
  f.inputs[1].shape.dims[1] = 3;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "4 channels, the weights take 3");
  f.inputs[1].dtype = OR_FLOAT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float32, expected int8 or uint8");
  f.inputs[0].shape = f.inputs[1].shape = RANK_UNKNOWN;
  f.inputs[1].dtype = OR_INT8;
  call_infer(&f, 1);
  call_deinit(&f);
}

static void counts_two_operations_for_each_product(void **state) {
  (void)state;
  call_fixture_t f;
  qlinear(&f, OR_UINT8, (int32_t[]){0, 0});
  call_infer(&f, 1);
  assert_true(f.call.op->cost(&f.call).flops == 3 * 8);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_what_is_above_the_zero_point),
      cmocka_unit_test(filters_have_zero_points_of_their_own),
      cmocka_unit_test(sums_are_quantised_again),
      cmocka_unit_test(refuses_parameters_that_do_not_fit),
      cmocka_unit_test(counts_two_operations_for_each_product),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
