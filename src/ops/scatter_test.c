#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void replaces_elements_along_an_axis(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_FLOAT32, SHAPE(3, 3), ((float[]){0, 0, 0, 0, 0, 0, 0, 0, 0}));
  call_input(&f, OR_INT64, SHAPE(2, 3), ((int64_t[]){1, 0, 2, 0, 2, 1}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){1, 1.5F, 1.25F, 2, 2.5F, 2.25F}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 3));
  expect_doubles(&f, 0, 0, DOUBLES(2, 1.5, 0, 1, 0, 2.25, 0, 2.5, 1.25));
  call_deinit(&f);

  call_init(&f, "", "Scatter", 9);
  call_input(&f, OR_FLOAT32, SHAPE(1, 5), ((float[]){1, 2, 3, 4, 5}));
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, -2}));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), ((float[]){1.5F, 2.5F}));
  call_int(&f, "axis", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1.5, 3, 2.5, 5));
  call_deinit(&f);
}

static void reduces_into_elements(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT32, SHAPE(3), ((int32_t[]){1, 1, 0}));
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){10, 20, 5}));
  call_string(&f, "reduction", "add");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(6, 32, 3));
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 16);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT32, SHAPE(3), ((int32_t[]){1, 1, 0}));
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){10, 20, 5}));
  call_string(&f, "reduction", "mul");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5, 400, 3));
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT32, SHAPE(3), ((int32_t[]){1, 1, 0}));
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){10, 20, -5}));
  call_string(&f, "reduction", "max");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 20, 3));
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_INT8, SHAPE(3), ((int8_t[]){1, 2, 3}));
  call_input(&f, OR_INT32, SHAPE(2), ((int32_t[]){1, 0}));
  call_input(&f, OR_INT8, SHAPE(2), ((int8_t[]){-7, 5}));
  call_string(&f, "reduction", "min");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, -7, 3));
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT32, SHAPE(1), ((int32_t[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){NAN}));
  call_string(&f, "reduction", "max");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(NAN, 2));
  call_deinit(&f);
}

static void replaces_slices_by_tuples(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ScatterND", 18);
  call_input(&f, OR_FLOAT32, SHAPE(8), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_INT64, SHAPE(4, 1), ((int64_t[]){4, 3, 1, 7}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){9, 10, 11, 12}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 11, 3, 10, 9, 6, 7, 12));
  call_deinit(&f);

  call_init(&f, "", "ScatterND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){-1}));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), ((float[]){5, 6}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 5, 6));
  call_deinit(&f);

  call_init(&f, "", "ScatterND", 16);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_INT64, SHAPE(2, 1), ((int64_t[]){0, 0}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 1, 2, 2}));
  call_string(&f, "reduction", "add");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4, 5, 3, 4));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SHAPE(2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "indices and updates");
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_string(&f, "reduction", "add");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "version 13 does not have");
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 16);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_string(&f, "reduction", "max");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "version 16 does not have");
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_COMPLEX64, SHAPE(2), NULL);
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_input(&f, OR_COMPLEX64, SHAPE(1), NULL);
  call_string(&f, "reduction", "max");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "of complex64 none is the larger");
  f.inputs[0].dtype = f.inputs[2].dtype = OR_STRING;
  f.attributes[0].string = (or_string_t){.data = "add", .length = 3};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"reduction\" is \"add\", of strings");
  call_deinit(&f);

  call_init(&f, "", "ScatterElements", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_INT64, SHAPE(1, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 3), ((float[]){1, 2, 3}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "that of data only");
  call_deinit(&f);

  call_init(&f, "", "ScatterND", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SHAPE(1, 2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "tuples of 2");
  call_deinit(&f);

  call_init(&f, "", "ScatterND", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SHAPE(1, 1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent of updates");
  call_deinit(&f);

  call_init(&f, "", "ScatterND", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){5}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_run_fails(&f, 1, "outside an axis");
  call_deinit(&f);
}

/* add and max: or; mul and min: and. Index 3 twice. */
static void bools_are_reduced_by_or_and_and(void **state) {
  (void)state;
  static const char *const reductions[] = {"add", "max", "mul", "min"};
  const int64_t places[] = {0, 1, 2, 3, 3};
  for (size_t r = 0; r < 4; ++r) {
    call_fixture_t f;
    call_init(&f, "", "ScatterElements", 18);
    call_input(&f, OR_BOOL, SHAPE(5), ((uint8_t[]){0, 0, 1, 1, 1}));
    call_input(&f, OR_INT64, SHAPE(5), places);
    call_input(&f, OR_BOOL, SHAPE(5), ((uint8_t[]){0, 1, 0, 1, 1}));
    call_string(&f, "reduction", reductions[r]);
    call_run(&f, 1);
    const int64_t either[] = {0, 1, 1, 1, 1}, both[] = {0, 0, 0, 1, 1};
    expect_ints(&f, 0, r < 2 ? either : both, 5);
    call_deinit(&f);
  }
}

/* (1 + 2i) + (3 - i) + i = 4 + 2i; (1 + 2i) (3 - i) i = -5 + 5i. */
static void complex_numbers_are_added_and_multiplied(void **state) {
  (void)state;
  const int64_t places[] = {1, 1};
  for (int wide = 0; wide < 2; ++wide) {
    for (int product = 0; product < 2; ++product) {
      call_fixture_t f;
      or_dtype_t dtype = wide ? OR_COMPLEX128 : OR_COMPLEX64, part = wide ? OR_FLOAT64 : OR_FLOAT32;
      call_init(&f, "", "ScatterND", 16);
      call_input(&f, dtype, SHAPE(2), wide ? (const void *)((double[]){7, 8, 1, 2}) : FLOATS(7, 8, 1, 2));
      call_input(&f, OR_INT64, SHAPE(2, 1), places);
      call_input(&f, dtype, SHAPE(2), wide ? (const void *)((double[]){3, -1, 0, 1}) : FLOATS(3, -1, 0, 1));
      call_string(&f, "reduction", product ? "mul" : "add");
      call_run(&f, 1);
      const double expected[2][4] = {{7, 8, 4, 2}, {7, 8, -5, 5}};
      for (size_t i = 0; i < 4; ++i) assert_true(or_element_get(part, f.outputs[0].data, i) == expected[product][i]);
      call_deinit(&f);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bools_are_reduced_by_or_and_and), cmocka_unit_test(complex_numbers_are_added_and_multiplied),
      cmocka_unit_test(replaces_elements_along_an_axis), cmocka_unit_test(reduces_into_elements),
      cmocka_unit_test(replaces_slices_by_tuples),       cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
