#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void multiplies_matrices(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), FLOATS(7, 8, 9, 10, 11, 12));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(58, 64, 139, 154));
  call_deinit(&f);
}

static void one_dimensional_operands_are_a_row_and_a_column(void **state) {
  (void)state;
  const float vector[] = {1, 2, 3}, matrix[] = {1, 2, 3, 4, 5, 6};
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3), vector);
  call_input(&f, OR_FLOAT32, SHAPE(3), vector);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  expect_doubles(&f, 0, 0, DOUBLES(14));
  call_deinit(&f);

  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(3), vector);
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), matrix);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(1 + 6 + 15, 2 + 8 + 18));
  call_deinit(&f);

  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), matrix);
  call_input(&f, OR_FLOAT32, SHAPE(3), vector);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(14, 32));
  call_deinit(&f);
}

static void batches_broadcast(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 1, 2), FLOATS(1, 2, 3, 4));
  call_input(&f, OR_FLOAT32, SHAPE(3, 2, 1), FLOATS(1, 1, 10, 100, -1, 1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3, 1, 1));
  expect_doubles(&f, 0, 0, DOUBLES(3, 210, 1, 7, 430, 1));
  call_deinit(&f);
}

static void integers_are_exact_and_wrap(void **state) {
  (void)state;
  call_fixture_t f;
  /* 2^53 + 1 has no double. */
  call_init(&f, "", "MatMul", 9);
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){9007199254740993, -1}));
  call_input(&f, OR_INT64, SHAPE(2, 1), ((int64_t[]){3, 1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(27021597764222978));
  call_deinit(&f);

  call_init(&f, "", "MatMul", 9);
  call_input(&f, OR_INT32, SHAPE(1, 1), ((int32_t[]){65536}));
  call_input(&f, OR_INT32, SHAPE(1, 2), ((int32_t[]){65536, -32768}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, INT32_MIN));
  call_deinit(&f);

  call_init(&f, "", "MatMul", 9);
  call_input(&f, OR_UINT32, SHAPE(1, 2), ((uint32_t[]){4294967295, 1}));
  call_input(&f, OR_UINT32, SHAPE(2, 1), ((uint32_t[]){2, 1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(4294967295)); /* 2^33 - 2 + 1 modulo 2^32 */
  call_deinit(&f);

  call_init(&f, "", "MatMul", 9);
  call_input(&f, OR_UINT64, SHAPE(1, 1), ((uint64_t[]){UINT64_MAX}));
  call_input(&f, OR_UINT64, SHAPE(1, 1), ((uint64_t[]){UINT64_MAX}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1));
  call_deinit(&f);
}

/* (A B) x = A (B x) for sizes on both sides of the block's. */
static void large_products_are_associative(void **state) {
  (void)state;
  enum { M = 130, K = 300, N = 67 };
  static double a[M * K], b[K * N], x[N], bx[K], expected[M];
  or_random_t random = {2};
  or_random_fill(&random, OR_FLOAT64, a, M * K);
  or_random_fill(&random, OR_FLOAT64, b, K * N);
  or_random_fill(&random, OR_FLOAT64, x, N);
  for (int k = 0; k < K; ++k) {
    for (int n = 0; n < N; ++n) bx[k] += b[k * N + n] * x[n];
  }
  for (int m = 0; m < M; ++m) {
    for (int k = 0; k < K; ++k) expected[m] += a[m * K + k] * bx[k];
  }
  call_fixture_t f, g;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT64, SHAPE(M, K), a);
  call_input(&f, OR_FLOAT64, SHAPE(K, N), b);
  call_run(&f, 1);
  call_init(&g, "", "MatMul", 13);
  call_input(&g, OR_FLOAT64, SHAPE(M, N), f.outputs[0].data);
  call_input(&g, OR_FLOAT64, SHAPE(N), x);
  call_run(&g, 1);
  expect_doubles(&g, 0, 1e-12, expected, M);
  call_deinit(&g);
  call_deinit(&f);
}

static void empty_operands_give_zeros_or_nothing(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0, 1), NULL);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0));
  call_deinit(&f);

  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(0, 2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(3, 1), FLOATS(1, 2, 3));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 2, 1));
  call_deinit(&f);
}

static void infinity_times_zero_is_nan(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), FLOATS((float)INFINITY, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(1, 0, 1, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(INFINITY, NAN));
  call_deinit(&f);
}

static void symbols_pass_to_rows_columns_and_batches(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 12, SYMBOL(1), 64), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 1, UNKNOWN, SYMBOL(2)), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 12, SYMBOL(1), SYMBOL(2)));
  f.inputs[1].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void refuses_operands_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(4, 2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "columns of input 0 and rows of input 1: 3 and 4 differ");
  f.inputs[1].shape = SCALAR;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is a scalar");
  f.inputs[0].shape = SHAPE(2, 5, 3);
  f.inputs[1].shape = SHAPE(3, 3, 5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "do not broadcast");
  f.inputs[1].dtype = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float64, expected float32");
  call_deinit(&f);
}

static void counts_two_operations_for_each_product(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMul", 13);
  call_input(&f, OR_FLOAT16, SHAPE(5, 2, 3), NULL);
  call_input(&f, OR_FLOAT16, SHAPE(3, 4), NULL);
  call_infer(&f, 1);
  or_cost_t cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 2.0 * 5 * 2 * 3 * 4);
  assert_true(cost.bytes_read == 2 * (30 + 12));
  assert_true(cost.bytes_written == 2 * 40);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(multiplies_matrices),
      cmocka_unit_test(one_dimensional_operands_are_a_row_and_a_column),
      cmocka_unit_test(batches_broadcast),
      cmocka_unit_test(integers_are_exact_and_wrap),
      cmocka_unit_test(large_products_are_associative),
      cmocka_unit_test(empty_operands_give_zeros_or_nothing),
      cmocka_unit_test(infinity_times_zero_is_nan),
      cmocka_unit_test(symbols_pass_to_rows_columns_and_batches),
      cmocka_unit_test(refuses_operands_that_do_not_fit),
      cmocka_unit_test(counts_two_operations_for_each_product),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
