#include "backends/cpu/kernels/kernels_test_internal.h"

/* Elementary functions against the C library's in double. A bound is in units of the last place; `tail` widens it where
 * a result is so small
 * (|y| below tail_below) that only absolute precision is kept. */
typedef struct function_t {
  or_cpu_unary_t index;
  const char *name;
  double (*exact)(double x);
  double ulp;
  double portable_ulp; /* without fused multiply-add */
  double tail_below;   /* results smaller than this are compared with this one's unit */
} function_t;

static double exact_relu(double x) { return x < 0.0 ? 0.0 : x; }
static double exact_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
static double exact_gelu_erf(double x) { return x * 0.5 * erfc(-x / sqrt(2.0)); }
static double exact_gelu_tanh(double x) {
  double u = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
  return x / (1.0 + exp(-2.0 * u));
}
static double exact_silu(double x) { return x / (1.0 + exp(-x)); }
static double exact_hard_swish(double x) { return x * (fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0); }
static double exact_reciprocal(double x) { return 1.0 / x; }
static double exact_neg(double x) { return -x; }

static const function_t functions[] = {
    {OR_CPU_UNARY_RELU, "relu", exact_relu, 0.0, 0.0, 0.0},
    {OR_CPU_UNARY_EXP, "exp", exp, 1.5, 1.5, 0.0},
    {OR_CPU_UNARY_LOG, "log", log, 1.5, 1.5, 0.0},
    {OR_CPU_UNARY_SIGMOID, "sigmoid", exact_sigmoid, 3.0, 3.0, 0.0},
    {OR_CPU_UNARY_TANH, "tanh", tanh, 2.0, 2.0, 0.0},
    {OR_CPU_UNARY_ERF, "erf", erf, 2.0, 2.0, 0.0},
    {OR_CPU_UNARY_GELU_ERF, "gelu_erf", exact_gelu_erf, 8.0, 12.0, 1e-36},
    {OR_CPU_UNARY_GELU_TANH, "gelu_tanh", exact_gelu_tanh, 8.0, 12.0, 1e-36},
    {OR_CPU_UNARY_SILU, "silu", exact_silu, 4.0, 4.0, 1e-36},
    {OR_CPU_UNARY_HARD_SWISH, "hard_swish", exact_hard_swish, 2.5, 2.5, 1e-36},
    {OR_CPU_UNARY_SQRT, "sqrt", sqrt, 0.5, 0.5, 0.0},
    {OR_CPU_UNARY_RECIPROCAL, "reciprocal", exact_reciprocal, 0.5, 0.5, 0.0},
    {OR_CPU_UNARY_NEG, "neg", exact_neg, 0.0, 0.0, 0.0},
    {OR_CPU_UNARY_ABS, "abs", fabs, 0.0, 0.0, 0.0},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0], CHUNK = 4096 };

/* An odd step through all bit patterns: denormals, infinities and NaN included. OR_MATH_STEP=1 tries every float. */
static uint64_t sweep_step(void) {
  const char *text = getenv("OR_MATH_STEP");
  long step = text == NULL ? 0 : strtol(text, NULL, 10);
  return step > 0 ? (uint64_t)step : 5003;
}

static double worst_of(const or_cpu_kernels_t *kernels, const function_t *function, float *worst_x) {
  static float x[CHUNK], y[CHUNK];
  double worst = 0.0;
  const uint64_t step = sweep_step();
  for (uint64_t bits = 0; bits <= UINT32_MAX;) {
    size_t n = 0;
    for (; n < CHUNK && bits <= UINT32_MAX; bits += step) x[n++] = test_float((uint32_t)bits);
    kernels->unary[function->index](n, x, y);
    for (size_t i = 0; i < n; ++i) {
      const double exact = function->exact((double)x[i]);
      if (fabs(exact) < function->tail_below) {
        const double difference = fabs((double)y[i] - exact) / (function->tail_below * 0x1p-23);
        if (difference > worst) worst = difference, *worst_x = x[i];
        continue;
      }
      const double ulp = test_ulp(y[i], exact);
      if (ulp > worst) {
        worst = ulp;
        *worst_x = x[i];
      }
    }
  }
  return worst;
}

static void stays_within_the_stated_units_of_the_last_place(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t f = 0; f < FUNCTIONS; ++f) {
      float at = 0.0f;
      const double worst = worst_of(kernels, &functions[f], &at);
      const double bound = kernels->needs == 0 ? functions[f].portable_ulp : functions[f].ulp;
      if (getenv("OR_MATH_STEP") != NULL)
        print_message("%s %s: %.2f ulp at %a\n", kernels->name, functions[f].name, worst, (double)at);
      if (!(worst <= bound))
        fail_msg("%s %s: %.2f ulp at %a, allowed %.2f", kernels->name, functions[f].name, worst, (double)at, bound);
    }
  }
}

static void keeps_special_values(void **state) {
  (void)state;
  static const struct {
    or_cpu_unary_t function;
    float x, y;
  } cases[] = {
      {OR_CPU_UNARY_EXP, INFINITY, INFINITY},
      {OR_CPU_UNARY_EXP, -INFINITY, 0.0f},
      {OR_CPU_UNARY_EXP, 0.0f, 1.0f},
      {OR_CPU_UNARY_EXP, -0.0f, 1.0f},
      {OR_CPU_UNARY_LOG, 0.0f, -INFINITY},
      {OR_CPU_UNARY_LOG, -0.0f, -INFINITY},
      {OR_CPU_UNARY_LOG, 1.0f, 0.0f},
      {OR_CPU_UNARY_LOG, INFINITY, INFINITY},
      {OR_CPU_UNARY_LOG, -1.0f, NAN},
      {OR_CPU_UNARY_LOG, -INFINITY, NAN},
      {OR_CPU_UNARY_SIGMOID, INFINITY, 1.0f},
      {OR_CPU_UNARY_SIGMOID, -INFINITY, 0.0f},
      {OR_CPU_UNARY_SIGMOID, 0.0f, 0.5f},
      {OR_CPU_UNARY_TANH, INFINITY, 1.0f},
      {OR_CPU_UNARY_TANH, -INFINITY, -1.0f},
      {OR_CPU_UNARY_TANH, -0.0f, -0.0f},
      {OR_CPU_UNARY_TANH, 0.0f, 0.0f},
      {OR_CPU_UNARY_ERF, INFINITY, 1.0f},
      {OR_CPU_UNARY_ERF, -INFINITY, -1.0f},
      {OR_CPU_UNARY_ERF, -0.0f, -0.0f},
      {OR_CPU_UNARY_GELU_ERF, INFINITY, INFINITY},
      {OR_CPU_UNARY_GELU_ERF, -0.0f, -0.0f},
      {OR_CPU_UNARY_GELU_TANH, INFINITY, INFINITY},
      {OR_CPU_UNARY_GELU_TANH, -0.0f, -0.0f},
      {OR_CPU_UNARY_SILU, INFINITY, INFINITY},
      {OR_CPU_UNARY_SILU, -0.0f, -0.0f},
      {OR_CPU_UNARY_HARD_SWISH, INFINITY, INFINITY},
      {OR_CPU_UNARY_HARD_SWISH, -3.0f, -0.0f},
      {OR_CPU_UNARY_HARD_SWISH, 3.0f, 3.0f},
      {OR_CPU_UNARY_SQRT, -0.0f, -0.0f},
      {OR_CPU_UNARY_SQRT, INFINITY, INFINITY},
      {OR_CPU_UNARY_SQRT, -1.0f, NAN},
      {OR_CPU_UNARY_RECIPROCAL, -0.0f, -INFINITY},
      {OR_CPU_UNARY_RECIPROCAL, INFINITY, 0.0f},
      {OR_CPU_UNARY_RELU, INFINITY, INFINITY},
      {OR_CPU_UNARY_RELU, -INFINITY, 0.0f},
      {OR_CPU_UNARY_NEG, 0.0f, -0.0f},
      {OR_CPU_UNARY_ABS, -0.0f, 0.0f},
      {OR_CPU_UNARY_ABS, -INFINITY, INFINITY},
  };
  FOR_EACH_LEVEL(kernels) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
      float y = 7.0f;
      kernels->unary[cases[i].function](1, &cases[i].x, &y);
      if (!(isnan(cases[i].y) ? isnan(y) : test_same_bits(y, cases[i].y))) {
        fail_msg("%s function %d of %g is %g, not %g", kernels->name, (int)cases[i].function, (double)cases[i].x,
                 (double)y, (double)cases[i].y);
      }
    }
    for (int f = 0; f < OR_CPU_UNARY_COUNT; ++f) {
      float x = NAN, y = 7.0f;
      kernels->unary[f](1, &x, &y);
      assert_true(isnan(y));
    }
  }
}

/* A value gives the same bits wherever in a range it stands, in place or not. */
static void treats_tails_and_offsets_alike(void **state) {
  (void)state;
  float *x = test_buffer(0, 4200 * sizeof(float));
  test_fill(x, 4200, 9);
  for (size_t i = 0; i < 4200; ++i) x[i] *= 12.0f;
  FOR_EACH_LEVEL(kernels) {
    for (int f = 0; f < OR_CPU_UNARY_COUNT; ++f) {
      for (size_t l = 0; l < TEST_LENGTHS; ++l) {
        const size_t n = test_lengths[l];
        float *in = test_buffer(1, n * sizeof(float)), *out = test_buffer(2, n * sizeof(float)), one;
        memcpy(in, x + l, n * sizeof(float));
        kernels->unary[f](n, in, out);
        for (size_t i = 0; i < n; ++i) {
          kernels->unary[f](1, in + i, &one);
          assert_true(test_same_bits(one, out[i]) || (isnan(one) && isnan(out[i])));
        }
        assert_true(test_untouched(out));
        kernels->unary[f](n, in, in);
        for (size_t i = 0; i < n; ++i) assert_true(test_same_bits(in[i], out[i]) || (isnan(in[i]) && isnan(out[i])));
      }
    }
  }
}

static void clips_and_keeps_nan(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < TEST_LENGTHS; ++l) {
      const size_t n = test_lengths[l];
      float *x = test_buffer(1, n * sizeof(float)), *y = test_buffer(2, n * sizeof(float));
      test_fill(x, n, 3);
      if (n > 0) x[n / 2] = NAN;
      kernels->clip(n, -0.25f, 0.5f, x, y);
      for (size_t i = 0; i < n; ++i) {
        const float want = x[i] < -0.25f ? -0.25f : x[i] > 0.5f ? 0.5f : x[i];
        assert_true(isnan(x[i]) ? isnan(y[i]) : y[i] == want);
      }
    }
  }
}

static void finds_the_function_of_an_activation(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    assert_ptr_equal(or_cpu_kernels_activation(kernels, OR_ACT_SILU), kernels->unary[OR_CPU_UNARY_SILU]);
    assert_null(or_cpu_kernels_activation(kernels, OR_ACT_NONE));
    const float x[3] = {-2.0f, 0.25f, 9.0f};
    float y[3];
    or_cpu_activate(kernels, &(or_act_t){OR_ACT_CLIP, 0.0f, 6.0f}, 3, x, y);
    assert_true(y[0] == 0.0f && y[1] == 0.25f && y[2] == 6.0f);
    or_cpu_activate(kernels, &(or_act_t){OR_ACT_NONE, 0.0f, 0.0f}, 3, x, y);
    assert_memory_equal(x, y, sizeof x);
    or_cpu_activate(kernels, &(or_act_t){OR_ACT_RELU, 0.0f, 0.0f}, 3, x, y);
    assert_true(y[0] == 0.0f && y[2] == 9.0f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stays_within_the_stated_units_of_the_last_place),
      cmocka_unit_test(keeps_special_values),
      cmocka_unit_test(treats_tails_and_offsets_alike),
      cmocka_unit_test(clips_and_keeps_nan),
      cmocka_unit_test(finds_the_function_of_an_activation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
