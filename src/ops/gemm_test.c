#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* A = [1 2; 3 4; 5 6], B = [1 0 2; 0 1 3], A B = [1 2 8; 3 4 18; 5 6 28]. */
static void all_four_transpositions_give_the_same(void **state) {
  (void)state;
  const float a[] = {1, 2, 3, 4, 5, 6}, at[] = {1, 3, 5, 2, 4, 6}, b[] = {1, 0, 2, 0, 1, 3}, bt[] = {1, 0, 0, 1, 2, 3};
  for (int i = 0; i < 4; ++i) {
    bool trans_a = (i & 1) != 0, trans_b = (i & 2) != 0;
    call_fixture_t f;
    call_init(&f, "", "Gemm", 13);
    call_input(&f, OR_FLOAT32, trans_a ? SHAPE(2, 3) : SHAPE(3, 2), trans_a ? at : a);
    call_input(&f, OR_FLOAT32, trans_b ? SHAPE(3, 2) : SHAPE(2, 3), trans_b ? bt : b);
    call_int(&f, "transA", trans_a);
    call_int(&f, "transB", trans_b);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 3));
    expect_doubles(&f, 0, 0, DOUBLES(1, 2, 8, 3, 4, 18, 5, 6, 28));
    call_deinit(&f);
  }
}

static void expect_sum(or_shape_t shape, const float *c, const double *expected) {
  call_fixture_t f;
  call_init(&f, "", "Gemm", 7);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1), FLOATS(1, 2));
  call_input(&f, OR_FLOAT32, SHAPE(1, 3), FLOATS(1, 10, 100));
  call_input(&f, OR_FLOAT32, shape, c);
  call_float(&f, "alpha", 0.5F);
  call_float(&f, "beta", -2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, expected, 6);
  call_deinit(&f);
}

static void the_addend_broadcasts_and_both_factors_apply(void **state) {
  (void)state;
  expect_sum(SCALAR, FLOATS(1), (double[]){-1.5, 3, 48, -1, 8, 98});
  expect_sum(SHAPE(1), FLOATS(1), (double[]){-1.5, 3, 48, -1, 8, 98});
  expect_sum(SHAPE(3), FLOATS(1, 2, 3), (double[]){-1.5, 1, 44, -1, 6, 94});
  expect_sum(SHAPE(1, 3), FLOATS(1, 2, 3), (double[]){-1.5, 1, 44, -1, 6, 94});
  expect_sum(SHAPE(2, 1), FLOATS(1, 2), (double[]){-1.5, 3, 48, -3, 6, 96});
  expect_sum(SHAPE(2, 3), FLOATS(0, 1, 2, 3, 4, 5), (double[]){0.5, 3, 46, -5, 2, 90});
}

static void integers_are_exact_with_whole_factors(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gemm", 9);
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){9007199254740993}));
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){1}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){-5}));
  call_float(&f, "alpha", 3);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(27021597764222974));
  call_deinit(&f);
}

static void integers_with_a_fraction_are_truncated(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gemm", 11);
  call_input(&f, OR_INT32, SHAPE(1, 1), ((int32_t[]){-7}));
  call_input(&f, OR_INT32, SHAPE(1, 1), ((int32_t[]){1}));
  call_float(&f, "alpha", 0.5F);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-3));
  call_deinit(&f);
}

/* Y = A I + C = A + C where A is larger than a block. */
static void a_large_identity_changes_nothing(void **state) {
  (void)state;
  enum { M = 70, N = 90 };
  static float a[N * M], identity[N * N], c[N];
  static double expected[M * N];
  or_random_t random = {3};
  or_random_fill(&random, OR_FLOAT32, a, M * N);
  or_random_fill(&random, OR_FLOAT32, c, N);
  for (int i = 0; i < N; ++i) identity[i * N + i] = 1;
  for (int i = 0; i < M * N; ++i) expected[i] = (double)a[i % N * M + i / N] + (double)c[i % N];
  call_fixture_t f;
  call_init(&f, "", "Gemm", 13);
  call_input(&f, OR_FLOAT32, SHAPE(N, M), a);
  call_input(&f, OR_FLOAT32, SHAPE(N, N), identity);
  call_input(&f, OR_FLOAT32, SHAPE(N), c);
  call_int(&f, "transA", 1);
  call_int(&f, "transB", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-7, expected, M * N);
  call_deinit(&f);
}

static void a_sum_of_nothing_leaves_the_addend(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gemm", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0, 2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(3, 4));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(3, 4, 3, 4));
  call_deinit(&f);
}

static void symbols_pass_to_rows_and_columns(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gemm", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(1), UNKNOWN), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(7), NULL);
  call_int(&f, "transB", 1);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1)));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, SYMBOL(1)));
  call_deinit(&f);
}

static void refuses_operands_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gemm", 9);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(3, 5), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 is left out, which Gemm allows from version 11 on");
  call_input(&f, OR_FLOAT32, SHAPE(5, 1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 has shape [5,1], which does not broadcast to [2,5]");
  f.inputs[2].shape = SHAPE(1, 1, 5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 has shape [1,1,5]");
  f.inputs[2].shape = SHAPE(5);
  call_int(&f, "transA", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "columns of A and rows of B: 2 and 3 differ");
  f.inputs[0].shape = SHAPE(1, 2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has rank 3, expected 2");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_four_transpositions_give_the_same),
      cmocka_unit_test(the_addend_broadcasts_and_both_factors_apply),
      cmocka_unit_test(integers_are_exact_with_whole_factors),
      cmocka_unit_test(integers_with_a_fraction_are_truncated),
      cmocka_unit_test(a_large_identity_changes_nothing),
      cmocka_unit_test(a_sum_of_nothing_leaves_the_addend),
      cmocka_unit_test(symbols_pass_to_rows_and_columns),
      cmocka_unit_test(refuses_operands_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
