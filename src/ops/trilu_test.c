#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void keeps_a_triangle(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3, 4, 0, 6, 7, 8, 0, 0, 11, 12));
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_int(&f, "upper", 0);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0, 0, 0, 5, 6, 0, 0, 9, 10, 11, 0));
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 2, 3, 4, 0, 0, 7, 8, 0, 0, 0, 12));
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){-1}));
  call_int(&f, "upper", 0);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 0, 0, 5, 0, 0, 0, 9, 10, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){INT64_MIN}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){INT64_MAX}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  call_deinit(&f);
}

static void takes_batches_and_nothing(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_BOOL, SHAPE(2, 2, 2), ((uint8_t[]){1, 1, 1, 1, 1, 1, 1, 1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 1, 0, 1, 1, 1, 0, 1));
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0, 3), ((float[]){0}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 0, 3));
  call_deinit(&f);
}

static void refuses_vectors_and_lists_of_diagonals(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 1");
  call_deinit(&f);

  call_init(&f, "", "Trilu", 14);
  call_input(&f, OR_INT64, SHAPE(3, 4), ((int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_input(&f, OR_INT64, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "must have one");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_a_triangle),
      cmocka_unit_test(takes_batches_and_nothing),
      cmocka_unit_test(refuses_vectors_and_lists_of_diagonals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
