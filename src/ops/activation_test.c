#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* What a function of float32 makes of `count` values. */
static void expect_values(const char *name, int version, const float *x, const double *expected, size_t count) {
  call_fixture_t f;
  call_init(&f, "", name, version);
  call_input(&f, OR_FLOAT32, SHAPE((int64_t)count), x);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE((int64_t)count));
  expect_doubles(&f, 0, 1e-6, expected, count);
  call_deinit(&f);
}

/* Values from tables of the functions, to seven digits and more. */
static void functions_have_their_tabulated_values(void **state) {
  (void)state;
  expect_values("Relu", 14, FLOATS(-2, -0.5F, 0, 3), DOUBLES(0, 0, 0, 3));
  expect_values("Sigmoid", 13, FLOATS(0, 1, -1, 100, -100), DOUBLES(0.5, 0.7310585786, 0.2689414214, 1, 0));
  expect_values("Tanh", 13, FLOATS(0, 1, -1, 50), DOUBLES(0, 0.7615941560, -0.7615941560, 1));
  expect_values("Exp", 13, FLOATS(0, 1, -1), DOUBLES(1, 2.7182818285, 0.3678794412));
  expect_values("Log", 13, FLOATS(1, 10, 0), DOUBLES(0, 2.3025850930, -INFINITY));
  expect_values("Sqrt", 13, FLOATS(0, 2, 9, -1), DOUBLES(0, 1.4142135624, 3, NAN));
  expect_values("Abs", 13, FLOATS(-1.5F, 2, -0.0F), DOUBLES(1.5, 2, 0));
  expect_values("Neg", 13, FLOATS(-1.5F, 2), DOUBLES(1.5, -2));
  expect_values("Reciprocal", 13, FLOATS(4, -0.5F, 0), DOUBLES(0.25, -2, INFINITY));
  expect_values("Erf", 13, FLOATS(0, 0.5F, -1, 5), DOUBLES(0, 0.5204998778, -0.8427007929, 1));
  expect_values("HardSigmoid", 6, FLOATS(-3, -1, 0, 1, 3), DOUBLES(0, 0.3, 0.5, 0.7, 1));
  expect_values("HardSwish", 14, FLOATS(-4, -1.5F, 0, 3, 5), DOUBLES(0, -0.375, 0, 3, 5));
  expect_values("Elu", 6, FLOATS(-1, 0, 2), DOUBLES(-0.6321205588, 0, 2));
  expect_values("Celu", 12, FLOATS(-1, 0, 2), DOUBLES(-0.6321205588, 0, 2));
  expect_values("Selu", 6, FLOATS(-1, 0, 2), DOUBLES(-1.1113307378, 0, 2.1014020443));
  expect_values("LeakyRelu", 16, FLOATS(-2, 0, 2), DOUBLES(-0.02, 0, 2));
  expect_values("ThresholdedRelu", 10, FLOATS(-2, 1, 1.5F), DOUBLES(0, 0, 1.5));
  expect_values("Softplus", 1, FLOATS(0, 1, -1, 200), DOUBLES(0.6931471806, 1.3132616875, 0.3132616875, 200));
  expect_values("Softsign", 1, FLOATS(-1, 0, 3), DOUBLES(-0.5, 0, 0.75));
  expect_values("Mish", 18, FLOATS(0, 1), DOUBLES(0, 0.8650983883));
  expect_values("Swish", 24, FLOATS(0, 1, -1), DOUBLES(0, 0.7310585786, -0.2689414214));
  expect_values("Sin", 7, FLOATS(0, 1), DOUBLES(0, 0.8414709848));
  expect_values("Cos", 7, FLOATS(0, 1), DOUBLES(1, 0.5403023059));
  expect_values("Tan", 7, FLOATS(0, 1), DOUBLES(0, 1.5574077247));
  expect_values("Asin", 7, FLOATS(0, 0.5F, 1, 2), DOUBLES(0, 0.5235987756, 1.5707963268, NAN));
  expect_values("Acos", 22, FLOATS(1, 0.5F, -1), DOUBLES(0, 1.0471975512, 3.1415926536));
  expect_values("Atan", 7, FLOATS(0, 1, INFINITY), DOUBLES(0, 0.7853981634, 1.5707963268));
  expect_values("Sinh", 9, FLOATS(0, 1), DOUBLES(0, 1.1752011936));
  expect_values("Cosh", 22, FLOATS(0, 1), DOUBLES(1, 1.5430806348));
  expect_values("Asinh", 9, FLOATS(0, 1), DOUBLES(0, 0.8813735870));
  expect_values("Acosh", 9, FLOATS(1, 2), DOUBLES(0, 1.3169578969));
  expect_values("Atanh", 22, FLOATS(0, 0.5F, 1), DOUBLES(0, 0.5493061443, INFINITY));
  expect_values("Shrink", 9, FLOATS(-2, -0.5F, (float)NAN, 3), DOUBLES(-2, 0, 0, 3)); /* NaN is on neither side */
  expect_values("Floor", 13, FLOATS(-1.5F, 1.5F, 2), DOUBLES(-2, 1, 2));
  expect_values("Ceil", 13, FLOATS(-1.5F, 1.5F, 2), DOUBLES(-1, 2, 2));
  expect_values("Round", 11, FLOATS(-2.5F, -1.5F, 0.5F, 1.5F, 2.5F, 2.6F), DOUBLES(-2, -2, 0, 2, 2, 3));
  expect_values("Sign", 13, FLOATS(-3, 0, 0.1F), DOUBLES(-1, 0, 1));
  expect_values("Gelu", 20, FLOATS(-1, 0, 1, 2), DOUBLES(-0.1586552539, 0, 0.8413447461, 1.9544997361));
}

static void gelu_by_tanh_differs_from_the_exact_one(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gelu", 20);
  call_input(&f, OR_FLOAT64, SHAPE(2), ((double[]){1, -2}));
  call_string(&f, "approximate", "tanh");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-9, DOUBLES(0.8411919906, -0.0454023060));
  call_deinit(&f);
}

static void attributes_replace_the_defaults(void **state) {
  (void)state;
  const struct {
    const char *name, *first, *second;
    int version;
    double expected; /* of -2 with alpha 0.5 and beta (gamma) 2 */
  } cases[] = {
      {"HardSigmoid", "alpha", "beta", 6, 1},      {"Elu", "alpha", NULL, 6, -0.4323323584},
      {"Celu", "alpha", NULL, 28, -0.4908421806},  {"Selu", "alpha", "gamma", 6, -0.8646647168},
      {"LeakyRelu", "alpha", NULL, 6, -1},         {"ThresholdedRelu", "alpha", NULL, 10, 0},
      {"Swish", "alpha", NULL, 24, -0.5378828427},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    call_init(&f, "", cases[i].name, cases[i].version);
    call_input(&f, OR_FLOAT64, SCALAR, ((double[]){-2}));
    call_float(&f, cases[i].first, 0.5F);
    if (cases[i].second != NULL) call_float(&f, cases[i].second, 2);
    call_run(&f, 1);
    expect_doubles(&f, 0, 1e-9, &cases[i].expected, 1);
    call_deinit(&f);
  }
}

static void nan_stays_nan(void **state) {
  (void)state;
  const char *const names[] = {"Relu",  "Clip",        "Sigmoid",  "Tanh",       "Exp",       "Abs",
                               "Neg",   "Erf",         "Gelu",     "HardSwish",  "LeakyRelu", "Softplus",
                               "Elu",   "Log",         "Sqrt",     "Reciprocal", "Selu",      "Mish",
                               "Swish", "HardSigmoid", "Softsign", "Sign",       "Round",     "Floor"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    call_fixture_t f;
    call_init(&f, "", names[i], 24);
    call_input(&f, OR_FLOAT32, SCALAR, FLOATS((float)NAN));
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, DOUBLES(NAN));
    call_deinit(&f);
  }
}

static void integers_are_exact(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Relu", 14);
  call_input(&f, OR_INT64, SHAPE(3), ((int64_t[]){INT64_MIN, -1, INT64_MAX}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, INT64_MAX));
  call_deinit(&f);

  call_init(&f, "", "Abs", 13);
  call_input(&f, OR_INT8, SHAPE(3), ((int8_t[]){-128, -127, 5}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-128, 127, 5)); /* -128 has no opposite in eight bits */
  call_deinit(&f);

  call_init(&f, "", "Abs", 13);
  call_input(&f, OR_UINT64, SHAPE(1), ((uint64_t[]){UINT64_MAX}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1)); /* the bits of UINT64_MAX */
  call_deinit(&f);

  call_init(&f, "", "Neg", 13);
  call_input(&f, OR_INT64, SHAPE(3), ((int64_t[]){INT64_MIN, 9007199254740993, -1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MIN, -9007199254740993, 1));
  call_deinit(&f);

  call_init(&f, "", "Sign", 13);
  call_input(&f, OR_UINT64, SHAPE(2), ((uint64_t[]){UINT64_MAX, 0}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0));
  call_deinit(&f);
}

static void results_are_rounded_to_narrow_types(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Exp", 13);
  call_input(&f, OR_FLOAT16, SHAPE(2), ((uint16_t[]){0x3c00, 0x4c00})); /* 1, 16 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2.71875, INFINITY)); /* beyond 65504 */
  call_deinit(&f);

  call_init(&f, "", "Exp", 13);
  call_input(&f, OR_BFLOAT16, SHAPE(1), ((uint16_t[]){0x3f80})); /* 1 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2.71875));
  call_deinit(&f);
}

static void works_on_more_than_one_block_and_on_nothing(void **state) {
  (void)state;
  static float x[1000];
  static double expected[1000];
  for (int i = 0; i < 1000; ++i) {
    x[i] = (float)(i - 500);
    expected[i] = i < 500 ? 0 : i - 500;
  }
  expect_values("Relu", 6, x, expected, 1000);
  call_fixture_t f;
  call_init(&f, "", "Relu", 6);
  call_input(&f, OR_FLOAT32, SHAPE(3, 0), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 0));
  call_deinit(&f);
}

static void symbols_pass_unchanged(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gelu", 20);
  call_input(&f, OR_FLOAT16, SHAPE(SYMBOL(3), UNKNOWN, 7), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(SYMBOL(3), UNKNOWN, 7));
  call_deinit(&f);
}

static void clips_by_attributes_before_version_11(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Clip", 6);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(-5, 0, 3, 9));
  call_float(&f, "max", 6);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-5, 0, 3, 6));
  call_deinit(&f);

  call_init(&f, "", "Clip", 6);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(-5, 0, 3, 9));
  call_float(&f, "max", 6);
  call_float(&f, "min", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1, 3, 6));
  call_deinit(&f);
}

/* The defaults of its attributes are the ends of float32. */
static void clip_cuts_infinities_in_version_6_alone(void **state) {
  (void)state;
  for (int version = 6; version <= 12; version += 6) {
    call_fixture_t f;
    call_init(&f, "", "Clip", version);
    call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(-(float)INFINITY, 2, (float)INFINITY));
    call_run(&f, 1);
    if (version == 6) expect_doubles(&f, 0, 0, DOUBLES(-0x1.fffffep127, 2, 0x1.fffffep127));
    if (version == 12) expect_doubles(&f, 0, 0, DOUBLES(-INFINITY, 2, INFINITY));
    call_deinit(&f);
  }
}

static void clips_by_inputs_either_of_which_may_be_left_out(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Clip", 12);
  call_input(&f, OR_INT8, SHAPE(4), ((int8_t[]){-5, 0, 3, 9}));
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT8, SCALAR, ((int8_t[]){2}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-5, 0, 2, 2));
  call_deinit(&f);

  call_init(&f, "", "Clip", 13);
  call_input(&f, OR_UINT64, SHAPE(3), ((uint64_t[]){1, UINT64_MAX, 4}));
  call_input(&f, OR_UINT64, SCALAR, ((uint64_t[]){3}));
  call_input(&f, OR_UINT64, SCALAR, ((uint64_t[]){UINT64_MAX - 1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(3, -2, 4));
  call_deinit(&f);

  call_init(&f, "", "Clip", 13); /* bounds that cross: the upper one wins */
  call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(-5, 1, 9));
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(2));
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1, 1));
  call_deinit(&f);
}

static void clip_refuses_the_other_versions_way_of_giving_bounds(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Clip", 11);
  call_input(&f, OR_FLOAT32, SHAPE(4), NULL);
  call_float(&f, "max", 6);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"max\"");
  f.node.attribute_count = 0;
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has shape [2], expected a scalar");
  f.inputs[1] = (or_op_tensor_t){.dtype = OR_FLOAT64};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float64, expected float32");
  f.node.version = 6;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "before version 11 of Clip the bounds are attributes");
  call_deinit(&f);
}

static void costs_grow_with_the_elements_and_the_function(void **state) {
  (void)state;
  call_fixture_t f, g;
  call_init(&f, "", "Relu", 14);
  call_input(&f, OR_FLOAT32, SHAPE(10, 10), NULL);
  call_infer(&f, 1);
  call_init(&g, "", "Tanh", 13);
  call_input(&g, OR_FLOAT32, SHAPE(10, 10), NULL);
  call_infer(&g, 1);
  or_cost_t relu = f.call.op->cost(&f.call), tanh_cost = g.call.op->cost(&g.call);
  assert_true(relu.flops == 100 && relu.bytes_read == 400 && relu.bytes_written == 400);
  assert_true(tanh_cost.flops > relu.flops);
  call_deinit(&g);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_have_their_tabulated_values),
      cmocka_unit_test(gelu_by_tanh_differs_from_the_exact_one),
      cmocka_unit_test(attributes_replace_the_defaults),
      cmocka_unit_test(nan_stays_nan),
      cmocka_unit_test(integers_are_exact),
      cmocka_unit_test(results_are_rounded_to_narrow_types),
      cmocka_unit_test(works_on_more_than_one_block_and_on_nothing),
      cmocka_unit_test(symbols_pass_unchanged),
      cmocka_unit_test(clips_by_attributes_before_version_11),
      cmocka_unit_test(clip_cuts_infinities_in_version_6_alone),
      cmocka_unit_test(clips_by_inputs_either_of_which_may_be_left_out),
      cmocka_unit_test(clip_refuses_the_other_versions_way_of_giving_bounds),
      cmocka_unit_test(costs_grow_with_the_elements_and_the_function),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
