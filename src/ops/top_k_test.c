#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void selects_the_largest_and_the_smallest(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){3}));
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 3));
  expect_shape(&f, 1, OR_INT64, SHAPE(3, 3));
  expect_doubles(&f, 0, 0, DOUBLES(3, 2, 1, 7, 6, 5, 11, 10, 9));
  expect_ints(&f, 1, INTS(3, 2, 1, 3, 2, 1, 0, 1, 2));
  call_deinit(&f);

  call_init(&f, "", "TopK", 24);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){2}));
  call_int(&f, "largest", 0);
  call_int(&f, "axis", 0);
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 2, 3, 4, 5, 6, 7));
  expect_ints(&f, 1, INTS(0, 0, 0, 0, 1, 1, 1, 1));
  call_deinit(&f);

  call_init(&f, "", "TopK", 1);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_int(&f, "k", 1);
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(3, 7, 11));
  expect_ints(&f, 1, INTS(3, 3, 0));
  call_deinit(&f);

  call_init(&f, "", "TopK", 10);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){0}));
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 0));
  call_deinit(&f);
}

static void takes_the_lower_index_of_equals_and_nan_first(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(5), ((float[]){1, 5, 5, 2, 5}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){2}));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(5, 5));
  expect_ints(&f, 1, INTS(1, 2));
  call_deinit(&f);

  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, NAN, 3}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){2}));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(NAN, 3));
  expect_ints(&f, 1, INTS(1, 2));
  call_deinit(&f);

  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_UINT64, SHAPE(3), ((uint64_t[]){UINT64_MAX - 1, UINT64_MAX, 0}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){2}));
  call_run(&f, 2);
  expect_ints(&f, 1, INTS(1, 0));
  call_deinit(&f);
}

static void leaves_an_unknown_k_open(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 4), NULL);
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN));
  call_deinit(&f);
}

static void refuses_more_than_there_is(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){5}));
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "k is 5");
  call_deinit(&f);

  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){-1}));
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "at least 0");
  call_deinit(&f);

  call_init(&f, "", "TopK", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "missing");
  call_deinit(&f);

  call_init(&f, "", "TopK", 1);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), ((float[]){0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){1}));
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "attribute");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(selects_the_largest_and_the_smallest),
      cmocka_unit_test(takes_the_lower_index_of_equals_and_nan_first),
      cmocka_unit_test(leaves_an_unknown_k_open),
      cmocka_unit_test(refuses_more_than_there_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
