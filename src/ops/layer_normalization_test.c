#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* Rows with means 2 and 20, variances 1 and 100, so that with epsilon 0 every element is -1 or 1. */
static const float rows[] = {1, 3, 1, 3, 30, 10, 10, 30};

static void rows_come_to_mean_0_and_variance_1(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), rows);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, 4));
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(0, 10, 20, 30));
  call_float(&f, "epsilon", 0);
  call_run(&f, 3);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 4));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2, 1));
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1, 12, 17, 34, 1, 8, 17, 34));
  expect_doubles(&f, 1, 0, DOUBLES(2, 20));
  expect_doubles(&f, 2, 1e-7, DOUBLES(1, 0.1));
  call_deinit(&f);
}

static void an_earlier_axis_takes_all_dimensions_behind_it(void **state) {
  (void)state;
  for (int axis = -2; axis <= 1; axis += 3) { /* -2 of three dimensions, and 1, are the same */
    call_fixture_t f;
    call_init(&f, "", "LayerNormalization", 17);
    call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2), rows);
    call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(1, 1, 1, -1));
    call_int(&f, "axis", axis);
    call_float(&f, "epsilon", 0);
    call_run(&f, 2);
    expect_shape(&f, 1, OR_FLOAT32, SHAPE(2, 1, 1));
    expect_doubles(&f, 0, 1e-6, DOUBLES(-1, 1, -1, -1, 1, -1, -1, -1));
    call_deinit(&f);
  }
}

static void scale_and_bias_broadcast(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), rows);
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(5));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1), FLOATS(100, 200));
  call_float(&f, "epsilon", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(95, 105, 95, 105, 205, 195, 195, 205));
  call_deinit(&f);
}

static void epsilon_adds_to_the_variance(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(-1, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1, 1));
  call_float(&f, "epsilon", 3);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-7, DOUBLES(-0.5, 0.5));
  call_deinit(&f);
}

/* y = normalise(a x + b) does not depend on a > 0 and b; on rows longer than a block. */
static void long_rows_ignore_scale_and_shift(void **state) {
  (void)state;
  enum { LENGTH = 777 };
  static double x[LENGTH], changed[LENGTH], ones[LENGTH];
  or_random_t random = {5};
  or_random_fill(&random, OR_FLOAT64, x, LENGTH);
  for (int i = 0; i < LENGTH; ++i) {
    changed[i] = 3 * x[i] + 50;
    ones[i] = 1;
  }
  call_fixture_t f, g;
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT64, SHAPE(1, LENGTH), x);
  call_input(&f, OR_FLOAT64, SHAPE(LENGTH), ones);
  call_float(&f, "epsilon", 0);
  call_run(&f, 1);
  call_init(&g, "", "LayerNormalization", 17);
  call_input(&g, OR_FLOAT64, SHAPE(1, LENGTH), changed);
  call_input(&g, OR_FLOAT64, SHAPE(LENGTH), ones);
  call_float(&g, "epsilon", 0);
  call_run(&g, 1);
  expect_doubles(&g, 0, 1e-12, f.outputs[0].data, LENGTH);
  const double *y = f.outputs[0].data;
  double sum = 0, squares = 0;
  for (int i = 0; i < LENGTH; ++i) {
    sum += y[i];
    squares += y[i] * y[i];
  }
  assert_true(fabs(sum / LENGTH) < 1e-12 && fabs(squares / LENGTH - 1) < 1e-12);
  call_deinit(&g);
  call_deinit(&f);
}

static void empty_inputs_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT32, SHAPE(0, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 1, 1, 1));
  call_run(&f, 3);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 4));
  expect_shape(&f, 2, OR_FLOAT32, SHAPE(0, 1));
  call_deinit(&f);
}

static void symbols_pass_and_arguments_are_checked(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT16, SHAPE(SYMBOL(0), SYMBOL(1), 64), NULL);
  call_input(&f, OR_FLOAT16, SHAPE(64), NULL);
  call_int(&f, "stash_type", OR_BFLOAT16);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(SYMBOL(0), SYMBOL(1), 64));
  expect_shape(&f, 1, OR_BFLOAT16, SHAPE(SYMBOL(0), SYMBOL(1), 1));
  f.inputs[1].shape = SHAPE(32);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has shape [32], which does not broadcast to [s0,s1,64]");
  f.inputs[1].shape = SHAPE(64);
  f.attributes[0].integer = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"stash_type\" is 11");
  f.attributes[0] = (or_attribute_t){.name = "axis", .kind = OR_ATTRIBUTE_INT, .integer = 3};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 3 is outside");
  call_deinit(&f);
}

static void gives_everything_back_when_there_is_no_memory(void **state) {
  (void)state;
  call_fixture_t f;
  float y[8];
  call_init(&f, "", "LayerNormalization", 17);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), rows);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, 4));
  call_infer(&f, 1);
  f.allocator.fail_at = 1;
  f.outputs[0].data = y;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_come_to_mean_0_and_variance_1),
      cmocka_unit_test(an_earlier_axis_takes_all_dimensions_behind_it),
      cmocka_unit_test(scale_and_bias_broadcast),
      cmocka_unit_test(epsilon_adds_to_the_variance),
      cmocka_unit_test(long_rows_ignore_scale_and_shift),
      cmocka_unit_test(empty_inputs_are_legal),
      cmocka_unit_test(symbols_pass_and_arguments_are_checked),
      cmocka_unit_test(gives_everything_back_when_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
