#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void combines_bits(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "BitwiseAnd", 18);
  call_input(&f, OR_UINT8, SHAPE(2), ((uint8_t[]){12, 10}));
  call_input(&f, OR_UINT8, SHAPE(1), ((uint8_t[]){10}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(8, 10));
  call_deinit(&f);

  call_init(&f, "", "BitwiseOr", 18);
  call_input(&f, OR_UINT8, SHAPE(2), ((uint8_t[]){12, 10}));
  call_input(&f, OR_UINT8, SHAPE(2), ((uint8_t[]){3, 5}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(15, 15));
  call_deinit(&f);

  call_init(&f, "", "BitwiseXor", 18);
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){-1, 5}));
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){1, 5}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-2, 0));
  call_deinit(&f);

  call_init(&f, "", "BitwiseNot", 18);
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){0, 5}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1, -6));
  call_deinit(&f);

  call_init(&f, "", "BitwiseNot", 18);
  call_input(&f, OR_UINT8, SHAPE(2), ((uint8_t[]){0, 5}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(255, 250));
  call_deinit(&f);
}

static void shifts_bits(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "BitShift", 11);
  call_input(&f, OR_UINT8, SHAPE(3), ((uint8_t[]){16, 4, 1}));
  call_input(&f, OR_UINT8, SHAPE(3), ((uint8_t[]){1, 2, 3}));
  call_string(&f, "direction", "RIGHT");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(8, 1, 0));
  call_deinit(&f);

  call_init(&f, "", "BitShift", 11);
  call_input(&f, OR_UINT8, SHAPE(3), ((uint8_t[]){16, 4, 255}));
  call_input(&f, OR_UINT8, SHAPE(3), ((uint8_t[]){1, 2, 8}));
  call_string(&f, "direction", "LEFT");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(32, 16, 0));
  call_deinit(&f);

  call_init(&f, "", "BitShift", 28);
  call_input(&f, OR_INT8, SHAPE(4), ((int8_t[]){-8, -8, -8, 8}));
  call_input(&f, OR_INT8, SHAPE(4), ((int8_t[]){1, 8, -1, 9}));
  call_string(&f, "direction", "RIGHT");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-4, -1, -1, 0));
  call_deinit(&f);

  call_init(&f, "", "BitShift", 28);
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){65, 1}));
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){1, -1}));
  call_string(&f, "direction", "LEFT");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-126, 0));
  call_deinit(&f);

  call_init(&f, "", "BitShift", 11);
  call_input(&f, OR_UINT64, SHAPE(1), ((uint64_t[]){UINT64_MAX}));
  call_input(&f, OR_UINT64, SHAPE(1), ((uint64_t[]){63}));
  call_string(&f, "direction", "RIGHT");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);
}

static void refuses_floats_directions_and_early_signs(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "BitwiseAnd", 18);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "does not take");
  call_deinit(&f);

  call_init(&f, "", "BitShift", 11);
  call_input(&f, OR_UINT8, SHAPE(1), ((uint8_t[]){1}));
  call_input(&f, OR_UINT8, SHAPE(1), ((uint8_t[]){1}));
  call_string(&f, "direction", "UP");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "direction");
  call_deinit(&f);

  call_init(&f, "", "BitShift", 11);
  call_input(&f, OR_INT8, SHAPE(1), ((int8_t[]){1}));
  call_input(&f, OR_INT8, SHAPE(1), ((int8_t[]){1}));
  call_string(&f, "direction", "LEFT");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is int8, which version 11 of BitShift does not take");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(combines_bits),
      cmocka_unit_test(shifts_bits),
      cmocka_unit_test(refuses_floats_directions_and_early_signs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
