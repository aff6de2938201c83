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

static void refuses_training(void **state) {
  (void)state;
  call_fixture_t f;
  normalization(&f, 15, SHAPE(1, 2), NULL);
  expect_refused(&f, 3, OR_INVALID_ARGUMENT, "3 outputs, expected 1");
  call_int(&f, "training_mode", 1);
  expect_refused(&f, 3, OR_UNIMPLEMENTED, "training mode");
  call_deinit(&f);
  normalization(&f, 9, SHAPE(1, 2), NULL);
  expect_refused(&f, 5, OR_UNIMPLEMENTED, "training mode");
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
      cmocka_unit_test(refuses_training),
      cmocka_unit_test(symbols_pass_and_parameters_are_checked),
      cmocka_unit_test(empty_batches_are_legal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
