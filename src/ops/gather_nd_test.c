#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void picks_elements_slices_and_batches(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(2, 2), ((int64_t[]){0, 0, 1, 1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 1e-6, DOUBLES(0, 3));
  call_deinit(&f);

  call_init(&f, "", "GatherND", 11);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(2, 1), ((int64_t[]){1, -2}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 1e-6, DOUBLES(2, 3, 0, 1));
  call_deinit(&f);

  call_init(&f, "", "GatherND", 12);
  call_input(&f, OR_INT32, SHAPE(2, 2, 2), ((int32_t[]){0, 1, 2, 3, 4, 5, 6, 7}));
  call_input(&f, OR_INT64, SHAPE(2, 1), ((int64_t[]){1, 0}));
  call_int(&f, "batch_dims", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, 2));
  expect_ints(&f, 0, INTS(2, 3, 4, 5));
  call_deinit(&f);
}

static void symbols_pass_and_tuples_of_unknown_length_leave_the_rank_open(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 3, SYMBOL(1)), NULL);
  call_input(&f, OR_INT64, SHAPE(SYMBOL(2), 1), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(2), 3, SYMBOL(1)));
  call_deinit(&f);

  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_INT64, SHAPE(4, UNKNOWN), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT32, SHAPE(2, 2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "must be int64");
  call_deinit(&f);

  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(2, 3), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "tuples of 3");
  call_deinit(&f);

  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(2, 1), NULL);
  call_int(&f, "batch_dims", 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "batch_dims");
  call_deinit(&f);

  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(3, 1), NULL);
  call_int(&f, "batch_dims", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "batch dimension");
  call_deinit(&f);

  call_init(&f, "", "GatherND", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){2}));
  expect_run_fails(&f, 1, "outside an axis");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(picks_elements_slices_and_batches),
      cmocka_unit_test(symbols_pass_and_tuples_of_unknown_length_leave_the_rank_open),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
