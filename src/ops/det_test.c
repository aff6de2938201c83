#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void computes_each_matrix_of_a_batch(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Det", 22);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2, 2), FLOATS(1, 2, 3, 4, 1, 2, 2, 1, 1, 3, 3, 1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3));
  expect_doubles(&f, 0, 1e-7, DOUBLES(-2, -3, -8));
  call_deinit(&f);
}

/* The rule of Sarrus; the first pivots are 0, so rows change places. */
static void exchanges_rows_where_a_pivot_is_zero(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Det", 11);
  call_input(&f, OR_FLOAT64, SHAPE(3, 3), ((double[]){0, 2, 3, 4, 5, 6, 7, 8, 10}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SCALAR);
  expect_doubles(&f, 0, 1e-14, DOUBLES(-5));
  call_deinit(&f);
}

static void is_zero_without_full_rank_and_one_without_elements(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Det", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 3), FLOATS(0, 0, 1, 0, 0, 2, 0, 5, 3, 1, 2, 3, 2, 4, 6, 1, 1, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0));
  call_deinit(&f);
  call_init(&f, "", "Det", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0, 0), FLOATS(0));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1));
  call_deinit(&f);
}

static void nan_is_never_passed_over(void **state) {
  (void)state;
  const float nan = (float)NAN;
  call_fixture_t f;
  call_init(&f, "", "Det", 22);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2, 2), FLOATS(nan, 0, 0, 1, 0, 1, nan, 1, 0, 0, 0, nan));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES((double)NAN, (double)NAN, (double)NAN));
  call_deinit(&f);
}

static void symbols_pass_and_what_is_not_square_is_refused(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Det", 22);
  call_input(&f, OR_BFLOAT16, SHAPE(SYMBOL(0), UNKNOWN, UNKNOWN, 4), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_BFLOAT16, SHAPE(SYMBOL(0), UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_BFLOAT16, RANK_UNKNOWN);
  f.inputs[0].shape = SHAPE(3, 4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rows and columns of input 0: 3 and 4 differ");
  f.inputs[0].shape = SHAPE(3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has rank 1, expected at least 2");
  f.inputs[0].shape = SHAPE(3, 3);
  assert_true(f.call.op->cost(&f.call).flops == 0); /* of no outputs yet */
  call_deinit(&f);
}

static void says_so_when_memory_ends(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Det", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1), FLOATS(3));
  call_run(&f, 1);
  assert_true(f.call.op->cost(&f.call).flops > 0);
  f.allocator.fail_at = f.allocator.alloc_count + 1;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(computes_each_matrix_of_a_batch),
      cmocka_unit_test(exchanges_rows_where_a_pivot_is_zero),
      cmocka_unit_test(is_zero_without_full_rank_and_one_without_elements),
      cmocka_unit_test(nan_is_never_passed_over),
      cmocka_unit_test(symbols_pass_and_what_is_not_square_is_refused),
      cmocka_unit_test(says_so_when_memory_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
