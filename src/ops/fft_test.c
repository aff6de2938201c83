#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/fft.h"

/* Expected values: numpy.fft of NumPy 2.2.6. */
static const double x5[] = {1, 2, -0.5, 0.25, 3, -1, 0.75, 0, -2, 1.5}, r6[] = {1, 2.5, -3, 0.5, 4, -1.25};
static const double h4[] = {1, 9, 2, -1, -0.5, 0.25, 3, 7};
static const double mc[] = {1, 0.25, 2.5, 2, -3, -0.625, 0.5, 0.5, 4, 1.25, -1.25, -1.5};
static const double hm[] = {1, 2, -0.5, 0.25, 3, -1, 0.75, 1, -2, 1.5, 0.5, -2};

/* Output 0 as scalars, two a complex element. */
static void expect_scalars(const call_fixture_t *f, const double *expected, size_t count) {
  const double *actual = f->outputs[0].data;
  for (size_t i = 0; i < count; ++i) {
    if (fabs(actual[i] - expected[i]) <= 1e-14 * fmax(1, fabs(expected[i]))) continue;
    print_error("scalar %zu: %.17g, expected %.17g\n", i, actual[i], expected[i]);
    fail();
  }
}

static void start(call_fixture_t *f, or_dtype_t dtype, or_shape_t shape, const double *data) {
  call_init(f, "openruntime", "Fft", 1);
  call_input(f, dtype, shape, data);
}

static void finish(call_fixture_t *f, or_dtype_t dtype, or_shape_t shape, const double *expected, size_t count) {
  call_run(f, 1);
  expect_shape(f, 0, dtype, shape);
  expect_scalars(f, expected, count);
  call_deinit(f);
}

static void lines_in_every_norm(void **state) {
  (void)state;
  static const struct {
    int64_t inverse;
    const char *norm;
    double expected[10];
  } cases[] = {
      {0,
       NULL,
       {2.25, 2.75, -4.582962112504837, 0.6006951424303111, 4.397681165772983, 1.5334025486942802, 3.9650312639138594,
        -0.9829960177564911, -1.0297503171820068, 6.0988983266319}},
      {1,
       NULL,
       {0.45, 0.55, -0.20595006343640138, 1.2197796653263802, 0.7930062527827719, -0.19659920355129823,
        0.8795362331545967, 0.3066805097388561, -0.9165924225009674, 0.12013902848606223}},
      {0,
       "ortho",
       {1.0062305898749053, 1.2298373876248843, -2.049562964373371, 0.26863903444561876, 1.9667028060077825,
        0.6857584671503684, 1.7732158878046596, -0.4396091834630209, -0.4605183418141874, 2.727510249241729}},
      {0,
       "forward",
       {0.45, 0.55, -0.9165924225009674, 0.12013902848606223, 0.8795362331545967, 0.3066805097388561,
        0.7930062527827719, -0.19659920355129823, -0.20595006343640138, 1.2197796653263802}},
      {1,
       "forward",
       {2.25, 2.75, -1.0297503171820068, 6.0988983266319, 3.9650312639138594, -0.9829960177564911, 4.397681165772983,
        1.5334025486942802, -4.582962112504837, 0.6006951424303111}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    start(&f, OR_COMPLEX128, SHAPE(5), x5);
    if (cases[i].inverse != 0) call_int(&f, "inverse", 1);
    if (cases[i].norm != NULL) call_string(&f, "norm", cases[i].norm);
    finish(&f, OR_COMPLEX128, SHAPE(5), cases[i].expected, 10);
  }
}

static void to_real(call_fixture_t *f, or_shape_t shape, const double *data) {
  start(f, OR_COMPLEX128, shape, data);
  call_int(f, "inverse", 1);
  call_int(f, "real", 1);
}

static void real_lines_of_even_and_odd_length(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT64, SHAPE(6), r6);
  finish(&f, OR_COMPLEX128, SHAPE(4),
         DOUBLES(3.75, 0.0, 0.625, 2.814582562299426, 0.375, -9.309773090682715, 0.25, 0.0));
  start(&f, OR_FLOAT64, SHAPE(1, 5), r6);
  finish(&f, OR_COMPLEX128, SHAPE(1, 3),
         DOUBLES(5.0, 0.0, 5.031152949374527, 3.4838331574663863, -5.031152949374526, -2.4470199285943277));
  to_real(&f, SHAPE(4), h4);
  finish(&f, OR_FLOAT64, SHAPE(6),
         DOUBLES(1.1666666666666665, 0.29983968427944296, 0.7775105849101827, -1.1666666666666665, 0.0558227484231506,
                 -0.1331730176127764));
  to_real(&f, SHAPE(4), h4);
  call_int(&f, "length", 7);
  finish(&f, OR_FLOAT64, SHAPE(7),
         DOUBLES(1.4285714285714284, -0.9553580578319902, 2.552037484529201, -2.421828346897528, 1.1182595248385863,
                 -1.1943735007493257, 0.47269146753962843));
}

static void matrices(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_COMPLEX128, SHAPE(2, 3), mc);
  call_int(&f, "dims", 2);
  finish(&f, OR_COMPLEX128, SHAPE(2, 3),
         DOUBLES(3.75, 1.875, 5.029886545341357, -9.122273090682715, -4.279886545341357, 9.497273090682715, -2.75,
                 1.375, 2.0167468245269453, -1.2790063509461094, 2.2332531754730547, -0.8459936490538906));
  start(&f, OR_FLOAT64, SHAPE(2, 3), r6);
  call_int(&f, "dims", 2);
  finish(&f, OR_COMPLEX128, SHAPE(2, 2),
         DOUBLES(3.75, 0.0, 0.375, -9.309773090682715, -2.75, 0.0, 2.125, -0.21650635094610937));
  to_real(&f, SHAPE(3, 2), hm);
  call_int(&f, "dims", 2);
  call_int(&f, "length", 3);
  finish(&f, OR_FLOAT64, SHAPE(3, 3),
         DOUBLES(0.38888888888888884, 0.2832264561862953, -0.005448678408517556, -0.5312321014717261,
                 0.5237890683486393, 0.8957975362767854, 0.14234321258283728, -0.45135309183234107,
                 -0.2460112905708616));
  to_real(&f, SHAPE(3, 2), hm);
  call_int(&f, "dims", 2);
  finish(&f, OR_FLOAT64, SHAPE(3, 2),
         DOUBLES(0.4583333333333333, 0.20833333333333331, -0.1763354503153699, 1.0646899534690686,
                 -0.031997883017963386, -0.5230232868024021));
  start(&f, OR_COMPLEX128, SHAPE(2, 3), mc);
  call_int(&f, "dims", 2);
  call_int(&f, "inverse", 1);
  call_string(&f, "norm", "ortho");
  finish(&f, OR_COMPLEX128, SHAPE(2, 3),
         DOUBLES(1.5309310892394863, 0.7654655446197431, -1.7472563655148978, 3.877245503339667, 2.0534425833627954,
                 -3.724152394415719, -1.1226827987756234, 0.5613413993878117, 0.9117217910598681, -0.34537546096953614,
                 0.8233334434115499, -0.522152156266173));
}

/* By its definition, in long double. */
static void expect_definition(size_t n) {
  call_fixture_t f;
  double *x = malloc(n * 2 * sizeof(double));
  assert_non_null(x);
  for (size_t i = 0; i < 2 * n; ++i) x[i] = (double)((i * 7919 + 13) % 101) / 101 - 0.5;
  start(&f, OR_COMPLEX128, SHAPE((int64_t)n), x);
  call_run(&f, 1);
  const double *y = f.outputs[0].data;
  for (size_t k = 0; k<n; k += n> 100 ? n / 20 : 1) {
    long double re = 0, im = 0;
    for (size_t j = 0; j < n; ++j) {
      long double angle = 6.283185307179586476925286766559L * (long double)(j * k % n) / (long double)n;
      re += (long double)x[2 * j] * cosl(angle) + (long double)x[2 * j + 1] * sinl(angle);
      im += (long double)x[2 * j + 1] * cosl(angle) - (long double)x[2 * j] * sinl(angle);
    }
    double gap = fmax(fabs(y[2 * k] - (double)re), fabs(y[2 * k + 1] - (double)im));
    if (gap <= 1e-14 * (1 + sqrt((double)n))) continue;
    print_error("n %zu, k %zu: %.17g, %.17g i, expected %.17g, %.17g i\n", n, k, y[2 * k], y[2 * k + 1], (double)re,
                (double)im);
    fail();
  }
  call_deinit(&f);
  free(x);
}

static void every_length_up_to_64_primes_and_products(void **state) {
  (void)state;
  static const size_t more[] = {97, 101, 243, 257, 263, 343, 360, 625, 1009, 1024, 2 * 521, 257 * 263, 3 * 1031};
  for (size_t n = 1; n <= 64; ++n) expect_definition(n);
  for (size_t i = 0; i < sizeof more / sizeof *more; ++i) expect_definition(more[i]);
}

static void each_line_of_a_batch_is_its_own_and_float32_is_rounded_once(void **state) {
  (void)state;
  static const float pairs[] = {1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1e8F, 0, 1, 0, -1e8F, 0};
  static const float expected[] = {1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0};
  call_fixture_t f;
  call_init(&f, "openruntime", "Fft", 1);
  call_input(&f, OR_COMPLEX64, SHAPE(3, 3), pairs);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX64, SHAPE(3, 3));
  for (size_t i = 0; i < sizeof expected / sizeof *expected; ++i)
    assert_true(((const float *)f.outputs[0].data)[i] == expected[i]);
  call_deinit(&f);
  start(&f, OR_COMPLEX128, SHAPE(0, 4), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX128, SHAPE(0, 4));
  call_deinit(&f);
}

static void symbols_pass_where_an_extent_stays(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1), 9), NULL);
  call_int(&f, "dims", 2);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX64, SHAPE(SYMBOL(0), SYMBOL(1), 5));
  f.inputs[0].shape = SHAPE(3, UNKNOWN, SYMBOL(2));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX64, SHAPE(3, UNKNOWN, UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX64, RANK_UNKNOWN);
  call_deinit(&f);
  start(&f, OR_COMPLEX64, SHAPE(UNKNOWN, SYMBOL(3)), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX64, SHAPE(UNKNOWN, SYMBOL(3)));
  call_deinit(&f);
}

static void costs_five_n_log_n(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_COMPLEX64, SHAPE(3, 4, 8), NULL);
  call_infer(&f, 1);
  or_cost_t cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 12 * 5 * 8 * 3 && cost.bytes_read == 768 && cost.bytes_written == 768);
  call_int(&f, "dims", 2);
  call_infer(&f, 1);
  assert_true(f.call.op->cost(&f.call).flops == 3 * 5 * 32 * 5);
  call_deinit(&f);
  start(&f, OR_FLOAT32, SHAPE(16), NULL);
  call_infer(&f, 1);
  cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 5 * 16 * 4 / 2.0 && cost.bytes_read == 64 && cost.bytes_written == 72);
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  static const struct {
    or_dtype_t dtype;
    int64_t dims[2];
    size_t rank;
    const char *name;
    int64_t value;
    const char *part;
  } cases[] = {
      {OR_COMPLEX64, {2, 0}, 2, "dims", 1, "length 0 along axis -1"},
      {OR_COMPLEX64, {0, 2}, 2, "dims", 2, "length 0 along axis -2"},
      {OR_COMPLEX64, {4}, 1, "dims", 2, "rank 1"},
      {OR_COMPLEX64, {4}, 1, "dims", 3, "\"dims\" is 3"},
      {OR_COMPLEX64, {4}, 1, "inverse", 2, "\"inverse\" is 2"},
      {OR_FLOAT32, {4}, 1, "inverse", 1, "input 0 is float32"},
      {OR_COMPLEX64, {4}, 1, "real", 1, "\"inverse\" must be 1"},
      {OR_COMPLEX64, {4}, 1, "length", 6, "\"length\" belongs"},
      {OR_FLOAT16, {4}, 1, "dims", 1, "float16"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    start(&f, cases[i].dtype, or_shape_make(cases[i].rank, cases[i].dims), NULL);
    call_int(&f, cases[i].name, cases[i].value);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, cases[i].part);
    call_deinit(&f);
  }
  call_fixture_t f;
  to_real(&f, SHAPE(1), NULL); /* by itself: 2 (1 - 1) = 0 points */
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "length 0 of a real result");
  f.inputs[0].shape = SHAPE(4);
  call_int(&f, "length", 8);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "length 8 of a real result has 5 coefficients; input 0 has 4");
  call_deinit(&f);
  start(&f, OR_COMPLEX64, SHAPE(4), NULL);
  call_string(&f, "norm", "none");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"norm\" is none of");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_in_every_norm),
      cmocka_unit_test(real_lines_of_even_and_odd_length),
      cmocka_unit_test(matrices),
      cmocka_unit_test(every_length_up_to_64_primes_and_products),
      cmocka_unit_test(each_line_of_a_batch_is_its_own_and_float32_is_rounded_once),
      cmocka_unit_test(symbols_pass_where_an_extent_stays),
      cmocka_unit_test(costs_five_n_log_n),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
