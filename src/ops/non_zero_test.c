#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void lists_places_in_order(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "NonZero", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){0, 2, 0, NAN, 0, -0.0F}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(2, 2));
  expect_ints(&f, 0, INTS(0, 1, 1, 0));
  call_deinit(&f);

  call_init(&f, "", "NonZero", 9);
  call_input(&f, OR_BOOL, SCALAR, ((uint8_t[]){1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(0, 1));
  call_deinit(&f);
}

static void a_complex_number_is_zero_where_both_parts_are(void **state) {
  (void)state;
  for (int wide = 0; wide < 2; ++wide) {
    call_fixture_t f;
    call_init(&f, "", "NonZero", 13);
    call_input(&f, wide ? OR_COMPLEX128 : OR_COMPLEX64, SHAPE(4),
               wide ? (const void *)((double[]){0, 0, 0, 1, -0.0, 0, 2, 0}) : FLOATS(0, 0, 0, 1, -0.0F, 0, 2, 0));
    call_run(&f, 1);
    expect_shape(&f, 0, OR_INT64, SHAPE(1, 2));
    expect_ints(&f, 0, INTS(1, 3));
    call_deinit(&f);
  }
}

static void does_not_know_the_count_without_the_values(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "NonZero", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 3), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(2, UNKNOWN));
  call_deinit(&f);
}

static void keeps_slices_where_a_condition_is_true(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Compress", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_BOOL, SHAPE(3), ((uint8_t[]){0, 1, 1}));
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(3, 4, 5, 6));
  call_deinit(&f);

  call_init(&f, "", "Compress", 9);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_BOOL, SHAPE(2), ((uint8_t[]){0, 1}));
  call_int(&f, "axis", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2, 4, 6));
  call_deinit(&f);

  call_init(&f, "", "Compress", 28);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_BOOL, SHAPE(5), ((uint8_t[]){0, 1, 0, 0, 1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(2, 5));
  call_deinit(&f);
}

static void refuses_a_condition_that_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Compress", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_BOOL, SHAPE(3), ((uint8_t[]){0, 1, 1}));
  call_int(&f, "axis", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the axis only");
  call_deinit(&f);

  call_init(&f, "", "Compress", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "must be bool");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_places_in_order),
      cmocka_unit_test(a_complex_number_is_zero_where_both_parts_are),
      cmocka_unit_test(does_not_know_the_count_without_the_values),
      cmocka_unit_test(keeps_slices_where_a_condition_is_true),
      cmocka_unit_test(refuses_a_condition_that_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
