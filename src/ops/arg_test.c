#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void finds_the_extreme(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ArgMax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 1, 2, 3, 4, 4}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(1, 3));
  expect_ints(&f, 0, INTS(0, 1, 1));
  call_deinit(&f);

  call_init(&f, "", "ArgMax", 11);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 1, 2, 3, 4, 4}));
  call_int(&f, "axis", -1);
  call_int(&f, "keepdims", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(2));
  expect_ints(&f, 0, INTS(0, 1));
  call_deinit(&f);

  call_init(&f, "", "ArgMax", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 1, 2, 3, 4, 4}));
  call_int(&f, "axis", 1);
  call_int(&f, "select_last_index", 1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 2));
  call_deinit(&f);

  call_init(&f, "", "ArgMin", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 1, 2, 3, 4, 4}));
  call_int(&f, "axis", 0);
  call_int(&f, "select_last_index", 1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "ArgMin", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 1, 2, 3, 4, 4}));
  call_int(&f, "axis", 1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0));
  call_deinit(&f);
}

static void counts_nan_as_the_extreme_and_keeps_large_integers_apart(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ArgMax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, NAN, 3}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);

  call_init(&f, "", "ArgMin", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, NAN, 3}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);

  call_init(&f, "", "ArgMax", 13);
  call_input(&f, OR_UINT64, SHAPE(2), ((uint64_t[]){UINT64_MAX - 1, UINT64_MAX}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);

  call_init(&f, "", "ArgMax", 13);
  call_input(&f, OR_INT64, SHAPE(2), ((int64_t[]){INT64_MAX - 1, INT64_MAX}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);
}

static void refuses_an_empty_axis(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ArgMax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0), NULL);
  call_int(&f, "axis", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "no elements");
  call_deinit(&f);

  call_init(&f, "", "ArgMax", 11);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 1, 2, 3, 4, 4}));
  call_int(&f, "select_last_index", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "before version 12");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_extreme),
      cmocka_unit_test(counts_nan_as_the_extreme_and_keeps_large_integers_apart),
      cmocka_unit_test(refuses_an_empty_axis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
