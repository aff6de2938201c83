#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void pads_in_every_mode(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Pad", 25);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(0, 2, 0, 0));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 4));
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6));
  call_deinit(&f);

  call_init(&f, "", "Pad", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(1, 0, 0, 1));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){9}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(9, 9, 9, 1, 2, 9, 3, 4, 9, 5, 6, 9));
  call_deinit(&f);

  call_init(&f, "", "Pad", 18);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(0, 2, 0, 0));
  call_string(&f, "mode", "reflect");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6));
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(0, 2, 0, 0));
  call_string(&f, "mode", "edge");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 5, 6));
  call_deinit(&f);

  call_init(&f, "", "Pad", 19);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(2, 1, 1, 1));
  call_string(&f, "mode", "wrap");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4, 3, 4, 3, 6, 5, 6, 5, 2, 1, 2, 1, 4, 3, 4, 3, 6, 5, 6, 5, 2, 1, 2, 1));
  call_deinit(&f);
}

static void elements_of_two_bits_are_padded_one_by_one(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Pad", 25);
  call_input(&f, OR_INT2, SHAPE(2, 3), ((uint8_t[]){0xe4, 0x06})); /* 0 1 -2 / -1 -2 1 */
  call_list(&f, INTS(0, 1, 0, 1));
  call_input(&f, OR_INT2, SCALAR, ((uint8_t[]){0x01}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0, 1, -2, 1, 1, -1, -2, 1, 1));
  call_deinit(&f);
}

static void takes_old_attributes_axes_and_negative_pads(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Pad", 2);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_ints(&f, "pads", INTS(1, 0));
  call_float(&f, "value", 3.0F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(3, 1, 2));
  call_deinit(&f);

  call_init(&f, "", "Pad", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_ints(&f, "paddings", INTS(0, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 0));
  call_deinit(&f);

  call_init(&f, "", "Pad", 18);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(-1, 1));
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT32, SHAPE(1), ((int32_t[]){0}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 2));
  expect_doubles(&f, 0, 0, DOUBLES(3, 4, 5, 6, 0, 0));
  call_deinit(&f);
}

static void keeps_symbols_of_axes_that_stay(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 2), NULL);
  call_list(&f, INTS(0, 1, 0, 1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 4));
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 2), NULL);
  call_list(&f, INTS(1, 0, 0, 0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, 2));
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 2), NULL);
  call_input(&f, OR_INT64, SHAPE(4), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(1, 2));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "2 pads");
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_list(&f, INTS(0, 2, 0, 0));
  call_string(&f, "mode", "wrap");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "does not have");
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_list(&f, INTS(-2, -1));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "take more");
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_list(&f, INTS(INT64_MIN, INT64_MAX));
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "the limit");
  call_deinit(&f);

  call_init(&f, "", "Pad", 13);
  call_input(&f, OR_FLOAT32, SHAPE(0), NULL);
  call_list(&f, INTS(1, 0));
  call_string(&f, "mode", "edge");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "no elements");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_of_two_bits_are_padded_one_by_one),
      cmocka_unit_test(pads_in_every_mode),
      cmocka_unit_test(takes_old_attributes_axes_and_negative_pads),
      cmocka_unit_test(keeps_symbols_of_axes_that_stay),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
