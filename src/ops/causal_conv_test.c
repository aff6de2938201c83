#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* Two channels of three, kernels of three whose sums show which element met which. */
static void of_three(call_fixture_t *f) {
  static const float x[6] = {1, 2, 3, -1, 0, 4}, w[6] = {100, 10, 1, 1, 0, -1};
  call_init(f, "", "CausalConvWithState", 27);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 3), x);
  call_input(f, OR_FLOAT32, SHAPE(2, 1, 3), w);
}

static void sees_what_lies_before(void **state) {
  (void)state;
  call_fixture_t f;
  of_three(&f);
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 2, 3));
  expect_doubles(&f, 0, 0, DOUBLES(1, 12, 123, 1, 0, -5));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 2, 2));
  expect_doubles(&f, 1, 0, DOUBLES(2, 3, 0, 4));
  call_deinit(&f);
}

static void carries_on_from_a_state_with_a_bias(void **state) {
  (void)state;
  call_fixture_t f;
  of_three(&f);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1000, 0.5F));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), FLOATS(8, 9, 7, 6));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(1891, 1912, 1123, 8.5, 6.5, -4.5));
  expect_doubles(&f, 1, 0, DOUBLES(2, 3, 0, 4));
  call_deinit(&f);
}

/* One new element: the state moves on by one. */
static void a_step_of_one_keeps_part_of_the_state(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CausalConvWithState", 27);
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 1), ((uint16_t[]){0x4200})); /* 3 */
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 3), ((uint16_t[]){0x3c00, 0x3c00, 0x3c00}));
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 2), ((uint16_t[]){0x3c00, 0x4000})); /* 1, 2 */
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(6));
  expect_doubles(&f, 1, 0, DOUBLES(2, 3));
  call_deinit(&f);
}

static void silu_by_both_names(void **state) {
  (void)state;
  const char *const names[] = {"silu", "swish"};
  for (size_t i = 0; i < 2; ++i) {
    call_fixture_t f;
    call_init(&f, "", "CausalConvWithState", 27);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), FLOATS(0, 1, -1));
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1), FLOATS(2));
    call_string(&f, "activation", names[i]);
    call_run(&f, 2);
    expect_doubles(&f, 0, 1e-6, DOUBLES(0, 1.7615941559557649, -0.2384058440442351));
    expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 1, 0));
    call_deinit(&f);
  }
}

static void long_lines_and_empty_ones(void **state) {
  (void)state;
  enum { LENGTH = 600 };
  static float x[LENGTH];
  static double expected[LENGTH];
  for (int i = 0; i < LENGTH; ++i) {
    x[i] = (float)i;
    expected[i] = i == 0 ? 0 : 3.0 * i - 1;
  }
  call_fixture_t f;
  call_init(&f, "", "CausalConvWithState", 27);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, LENGTH), x);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, 2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, expected, LENGTH);
  call_deinit(&f);

  of_three(&f);
  f.inputs[0].shape = SHAPE(1, 2, 0);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), FLOATS(8, 9, 7, 6));
  call_run(&f, 2);
  expect_doubles(&f, 1, 0, DOUBLES(8, 9, 7, 6));
  call_deinit(&f);
}

static void symbols_come_from_whoever_knows_them(void **state) {
  (void)state;
  call_fixture_t f;
  of_three(&f);
  f.inputs[0].shape = SHAPE(SYMBOL(0), UNKNOWN, SYMBOL(1));
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 2, SYMBOL(1)));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(SYMBOL(0), 2, 2));
  f.inputs[0].shape = f.inputs[1].shape = RANK_UNKNOWN;
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN));
  call_deinit(&f);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  call_fixture_t f;
  of_three(&f);
  call_input(&f, OR_FLOAT32, SHAPE(3), NULL);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "B: 3 and 2");
  f.inputs[2].shape = SHAPE(2);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3), NULL);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "past_state: 3 and 2");
  f.inputs[3].shape = SHAPE(2, 2, 2);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "past_state: 2 and 1");
  f.inputs[3].dtype = OR_FLOAT16;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "input 3 is float16");
  f.call.input_count = 2;
  f.inputs[1].shape = SHAPE(2, 2, 3);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "W: 2 and 1");
  f.inputs[1].shape = SHAPE(3, 1, 3);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "W: 3 and 2");
  f.inputs[1].shape = SHAPE(2, 1, 0);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "no elements");
  f.inputs[1].shape = SHAPE(2, 3);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "input 1 has rank 2");
  f.inputs[1].shape = SHAPE(2, 1, 3);
  call_string(&f, "activation", "relu");
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "none of none, silu");
  call_deinit(&f);
}

static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  float y[6];
  call_fixture_t f;
  of_three(&f);
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
      cmocka_unit_test(sees_what_lies_before),
      cmocka_unit_test(carries_on_from_a_state_with_a_bias),
      cmocka_unit_test(a_step_of_one_keeps_part_of_the_state),
      cmocka_unit_test(silu_by_both_names),
      cmocka_unit_test(long_lines_and_empty_ones),
      cmocka_unit_test(symbols_come_from_whoever_knows_them),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
