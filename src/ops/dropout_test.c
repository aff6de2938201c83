#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void passes_everything_on(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Dropout", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_run(&f, 2);
  expect_shape(&f, 1, OR_BOOL, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(1, 2));
  expect_ints(&f, 1, INTS(1, 1));
  call_deinit(&f);

  call_init(&f, "", "Dropout", 7);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_run(&f, 2);
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 1, 0, DOUBLES(1, 1));
  call_deinit(&f);

  call_init(&f, "", "Dropout", 12);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){0.5F}));
  call_input(&f, OR_BOOL, SCALAR, ((uint8_t[]){0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1));
  call_deinit(&f);
}

#define DRAWN 10000

static void train(call_fixture_t *f, const float *x, const float *ratio, int64_t seed) {
  static const uint8_t yes = 1;
  call_init(f, "", "Dropout", 22);
  call_input(f, OR_FLOAT32, SHAPE(DRAWN), x);
  call_input(f, ratio != NULL ? OR_FLOAT32 : OR_DTYPE_NONE, SCALAR, ratio);
  call_input(f, OR_BOOL, SCALAR, &yes);
  if (seed != 0) call_int(f, "seed", seed);
}

static void ones(float x[DRAWN]) {
  for (int i = 0; i < DRAWN; ++i) x[i] = 1;
}

/* Of 10000 with probability 3/4 each, 7500 are kept on average, and between 7300 and 7700 but once in 250,000 seeds;
 * what is kept is divided by 3/4. */
static void training_drops_a_part_and_scales_the_rest(void **state) {
  (void)state;
  static float x[DRAWN];
  const float quarter = 0.25F;
  ones(x);
  call_fixture_t f;
  train(&f, x, &quarter, 7);
  call_run(&f, 2);
  expect_shape(&f, 1, OR_BOOL, SHAPE(DRAWN));
  const float *y = f.outputs[0].data;
  const uint8_t *mask = f.outputs[1].data;
  int kept = 0;
  for (int i = 0; i < DRAWN; ++i) {
    assert_true(mask[i] <= 1 && y[i] == (mask[i] != 0 ? 4.0F / 3 : 0));
    kept += mask[i];
  }
  assert_in_range(kept, 7300, 7700);
  call_deinit(&f);
}

static void a_seed_decides_and_none_draws_anew(void **state) {
  (void)state;
  static float x[DRAWN], drawn[4][DRAWN];
  static const int64_t seeds[] = {3, 3, 4, 0};
  ones(x);
  for (int i = 0; i < 4; ++i) {
    call_fixture_t f;
    train(&f, x, NULL, seeds[i]);
    call_run(&f, 1);
    memcpy(drawn[i], f.outputs[0].data, sizeof drawn[i]);
    assert_int_equal(f.call.op->draws_anew(&f.node), false);
    f.node.input_count = 3;
    assert_int_equal(f.call.op->draws_anew(&f.node), seeds[i] == 0);
    call_deinit(&f);
  }
  assert_memory_equal(drawn[0], drawn[1], sizeof drawn[0]);
  assert_memory_not_equal(drawn[0], drawn[2], sizeof drawn[0]);
  assert_memory_not_equal(drawn[0], drawn[3], sizeof drawn[0]);
}

static void a_ratio_of_0_keeps_everything(void **state) {
  (void)state;
  static float x[DRAWN];
  const float nothing = 0;
  ones(x);
  x[5] = NAN;
  call_fixture_t f;
  train(&f, x, &nothing, 0);
  call_run(&f, 2);
  assert_memory_equal(f.outputs[0].data, x, sizeof x);
  const uint8_t *mask = f.outputs[1].data;
  for (int i = 0; i < DRAWN; ++i) assert_int_equal(mask[i], 1);
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  static float x[DRAWN];
  static const float ratios[] = {1, -0.5F, NAN};
  call_fixture_t f;
  for (int i = 0; i < 3; ++i) {
    train(&f, x, &ratios[i], 1);
    expect_run_fails(&f, 1, "at least 0 and below 1");
    call_deinit(&f);
  }

  train(&f, x, ratios, 1);
  f.inputs[1].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (ratio) is int32");
  f.inputs[1].dtype = OR_FLOAT32;
  f.inputs[1].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "has 2 elements");
  f.inputs[1].shape = SCALAR;
  f.inputs[2].dtype = OR_UINT8;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "it must be bool");
  call_deinit(&f);

  call_init(&f, "", "Dropout", 6);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "training");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes_everything_on),
      cmocka_unit_test(training_drops_a_part_and_scales_the_rest),
      cmocka_unit_test(a_seed_decides_and_none_draws_anew),
      cmocka_unit_test(a_ratio_of_0_keeps_everything),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
