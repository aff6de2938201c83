#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void each_line_is_exponentials_over_their_sum(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Softmax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), FLOATS(0, 1, 2, 1000, 1000, 1000));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3));
  expect_doubles(&f, 0, 1e-7, DOUBLES(0.0900305732, 0.2447284711, 0.6652409558, 1.0 / 3, 1.0 / 3, 1.0 / 3));
  call_deinit(&f);
}

static void an_inner_axis_leaves_the_later_dimensions_apart(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Softmax", 13);
  call_input(&f, OR_FLOAT64, SHAPE(1, 2, 3), ((double[]){0, 0, 0, 0, 1, -INFINITY}));
  call_int(&f, "axis", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-10, DOUBLES(0.5, 0.2689414213699951, 1, 0.5, 0.7310585786300049, 0));
  call_deinit(&f);
}

static void before_version_13_the_input_is_a_matrix(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Softmax", 11); /* axis 1: two rows of four */
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2), FLOATS(0, 0, 0, 0, 5, 5, 5, 5));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-7, DOUBLES(0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25));
  call_deinit(&f);

  call_init(&f, "", "Softmax", 1); /* axis 0: one row of eight */
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2), FLOATS(1, 1, 1, 1, 1, 1, 1, 1));
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-7, DOUBLES(0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125));
  call_deinit(&f);
}

static void the_logarithm_keeps_what_softmax_rounds_to_zero(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LogSoftmax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(0, 1000));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-1000, 0));
  call_deinit(&f);

  call_init(&f, "", "LogSoftmax", 13);
  call_input(&f, OR_FLOAT64, SHAPE(3, 1), ((double[]){0, 1, 2}));
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-9, DOUBLES(-2.4076059644, -1.4076059644, -0.4076059644));
  call_deinit(&f);
}

/* Adding a number to all of a line changes nothing; the sum is one: on lines longer than a block, along both kinds of
 * axis. */
static void long_lines_sum_to_one_and_ignore_a_shift(void **state) {
  (void)state;
  enum { LINES = 3, LENGTH = 700 };
  static double x[LINES * LENGTH], shifted[LINES * LENGTH];
  or_random_t random = {4};
  or_random_fill(&random, OR_FLOAT64, x, LINES * LENGTH);
  for (int i = 0; i < LINES * LENGTH; ++i) shifted[i] = x[i] + 100;
  for (int axis = 0; axis < 2; ++axis) {
    call_fixture_t f, g;
    or_shape_t shape = axis == 1 ? SHAPE(LINES, LENGTH) : SHAPE(LENGTH, LINES);
    call_init(&f, "", "Softmax", 13);
    call_input(&f, OR_FLOAT64, shape, x);
    call_int(&f, "axis", axis);
    call_run(&f, 1);
    call_init(&g, "", "Softmax", 13);
    call_input(&g, OR_FLOAT64, shape, shifted);
    call_int(&g, "axis", axis);
    call_run(&g, 1);
    expect_doubles(&g, 0, 1e-12, f.outputs[0].data, LINES * LENGTH);
    const double *y = f.outputs[0].data;
    for (int line = 0; line < LINES; ++line) {
      double sum = 0;
      for (int k = 0; k < LENGTH; ++k) sum += axis == 1 ? y[line * LENGTH + k] : y[k * LINES + line];
      assert_true(fabs(sum - 1) < 1e-12);
    }
    call_deinit(&g);
    call_deinit(&f);
  }
}

static void infinite_and_nan_lines_are_nan(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Softmax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2),
             FLOATS(-(float)INFINITY, -(float)INFINITY, (float)NAN, 1, (float)INFINITY, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(NAN, NAN, NAN, NAN, NAN, NAN));
  call_deinit(&f);
}

static void empty_lines_are_legal(void **state) {
  (void)state;
  const or_shape_t shapes[] = {SHAPE(2, 0), SHAPE(0, 2), SHAPE(2, 0, 3)};
  for (size_t i = 0; i < 3; ++i) {
    call_fixture_t f;
    call_init(&f, "", "Softmax", 13);
    call_input(&f, OR_FLOAT32, shapes[i], NULL);
    call_int(&f, "axis", 1);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, shapes[i]);
    call_deinit(&f);
  }
}

static void symbols_pass_and_axes_are_checked(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Softmax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 12, SYMBOL(1), UNKNOWN), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 12, SYMBOL(1), UNKNOWN));
  call_int(&f, "axis", 4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 4 is outside [-4, 3] for rank 4");
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_line_is_exponentials_over_their_sum),
      cmocka_unit_test(an_inner_axis_leaves_the_later_dimensions_apart),
      cmocka_unit_test(before_version_13_the_input_is_a_matrix),
      cmocka_unit_test(the_logarithm_keeps_what_softmax_rounds_to_zero),
      cmocka_unit_test(long_lines_sum_to_one_and_ignore_a_shift),
      cmocka_unit_test(infinite_and_nan_lines_are_nan),
      cmocka_unit_test(empty_lines_are_legal),
      cmocka_unit_test(symbols_pass_and_axes_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
