#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* scale 2 and 1, bias 10 and 0, mean 1 and -1, variance 3 and 15; with epsilon 1 the deviations are 2 and 4. */
static const float scale[] = {2, 1}, bias[] = {10, 0}, mean[] = {1, -1}, variance[] = {3, 15};

static void normalization(call_fixture_t *f, int version, or_shape_t shape, const float *x) {
  call_init(f, "", "BatchNormalization", version);
  call_input(f, OR_FLOAT32, shape, x);
  const float *const parameters[] = {scale, bias, mean, variance};
  for (int i = 0; i < 4; ++i) call_input(f, OR_FLOAT32, SHAPE(2), parameters[i]);
  call_float(f, "epsilon", 1);
}

static void shifts_and_scales_each_channel(void **state) {
  (void)state;
  const int versions[] = {7, 9, 14, 15};
  for (size_t i = 0; i < 4; ++i) {
    call_fixture_t f;
    normalization(&f, versions[i], SHAPE(2, 2, 2), FLOATS(1, 3, -1, 3, 5, 7, 7, 11));
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2, 2));
    expect_doubles(&f, 0, 1e-6, DOUBLES(10, 12, 0, 1, 14, 16, 2, 3));
    call_deinit(&f);
  }
}

static void epsilon_is_small_by_default(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 15, SHAPE(1, 2), FLOATS(4, 3));
  f.node.attribute_count = 0;
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-5, DOUBLES(10 + 2 * 3 / sqrt(3 + 1e-5), 4 / sqrt(15 + 1e-5)));
  call_deinit(&f);
}

static void version_7_may_have_statistics_of_each_place(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 7, SHAPE(2, 1, 2), FLOATS(1, -1, 3, 3));
  for (int i = 1; i < 5; ++i) f.inputs[i].shape = SHAPE(1, 2);
  call_int(&f, "spatial", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(10, 0, 12, 1));
  call_deinit(&f);
}

static void parameters_may_be_wider_than_the_input_in_version_15(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 15, SHAPE(1, 2), NULL);
  f.inputs[0].dtype = OR_FLOAT16;
  f.inputs[0].data = (uint16_t[]){0x4200, 0x4200}; /* 3, 3 */
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(1, 2));
  expect_doubles(&f, 0, 0, DOUBLES(12, 1));
  f.node.version = 14;
  f.outputs[0].data = (or_free(&f.allocator.base, f.outputs[0].data), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float32, expected float16");
  call_deinit(&f);
}

/* Means of the batch 4 and 5, variances 5 and 20. */
static void training_takes_the_statistics_of_the_batch(void **state) {
  (void)state;
  const float x[] = {1, 3, -1, 3, 5, 7, 7, 11};
  const double a = 2 / sqrt(6), b = 1 / sqrt(21);
  const double y[] = {10 - 3 * a, 10 - a, -6 * b, -2 * b, 10 + a, 10 + 3 * a, 2 * b, 6 * b};
  call_fixture_t f;
  normalization(&f, 14, SHAPE(2, 2, 2), x);
  call_int(&f, "training_mode", 1);
  call_run(&f, 3);
  expect_doubles(&f, 0, 1e-6, y, 8);
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 1, 1e-6, DOUBLES(1.3, -0.4));
  expect_doubles(&f, 2, 1e-6, DOUBLES(3.2, 15.5));
  call_deinit(&f);

  normalization(&f, 15, SHAPE(2, 2, 2), x);
  call_int(&f, "training_mode", 1);
  call_float(&f, "momentum", 0.5F);
  for (int i = 3; i < 5; ++i) f.inputs[i].dtype = OR_FLOAT64;
  f.inputs[3].data = (double[]){1, -1};
  f.inputs[4].data = (double[]){3, 15};
  call_run(&f, 3);
  expect_doubles(&f, 0, 1e-6, y, 8);
  expect_shape(&f, 1, OR_FLOAT64, SHAPE(2));
  expect_doubles(&f, 1, 0, DOUBLES(2.5, 2));
  expect_doubles(&f, 2, 0, DOUBLES(4, 17.5));
  call_deinit(&f);

  normalization(&f, 9, SHAPE(2, 2, 2), x);
  call_run(&f, 5);
  expect_doubles(&f, 0, 1e-6, y, 8);
  expect_doubles(&f, 1, 1e-6, DOUBLES(1.3, -0.4));
  expect_doubles(&f, 3, 0, DOUBLES(4, 5));
  expect_doubles(&f, 4, 0, DOUBLES(5, 20));
  call_deinit(&f);
}

/* More elements than a block holds, far from 0, where sums of squares would cancel. */
static void training_measures_large_channels_exactly(void **state) {
  (void)state;
  static float x[2 * 1000];
  for (int i = 0; i < 2000; ++i) x[i] = (float)(10000 + i % 2);
  call_fixture_t f;
  normalization(&f, 15, SHAPE(2, 1, 1000), x);
  for (int i = 1; i < 5; ++i) f.inputs[i].shape = SHAPE(1);
  call_int(&f, "training_mode", 1);
  call_float(&f, "momentum", 0);
  call_run(&f, 3);
  expect_doubles(&f, 1, 0, DOUBLES(10000.5));
  expect_doubles(&f, 2, 0, DOUBLES(0.25));
  call_deinit(&f);
}

static void statistics_are_outputs_in_training_only(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 15, SHAPE(1, 2), NULL);
  expect_refused(&f, 3, OR_INVALID_ARGUMENT, "3 outputs, expected 1");
  call_int(&f, "training_mode", 1);
  expect_refused(&f, 4, OR_INVALID_ARGUMENT, "4 outputs, expected at most 3");
  call_deinit(&f);
}

static void symbols_pass_and_parameters_are_checked(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 15, SHAPE(SYMBOL(0), 2, SYMBOL(1)), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 2, SYMBOL(1)));
  f.inputs[3].shape = SHAPE(3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 3 has extent 3 in dimension 0, expected 2");
  f.inputs[3].shape = SHAPE(2, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 3 has rank 2, expected 1");
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void empty_batches_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 15, SHAPE(0, 2, 3), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 2, 3));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shifts_and_scales_each_channel),
      cmocka_unit_test(epsilon_is_small_by_default),
      cmocka_unit_test(version_7_may_have_statistics_of_each_place),
      cmocka_unit_test(parameters_may_be_wider_than_the_input_in_version_15),
      cmocka_unit_test(training_takes_the_statistics_of_the_batch),
      cmocka_unit_test(training_measures_large_channels_exactly),
      cmocka_unit_test(statistics_are_outputs_in_training_only),
      cmocka_unit_test(symbols_pass_and_parameters_are_checked),
      cmocka_unit_test(empty_batches_are_legal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
