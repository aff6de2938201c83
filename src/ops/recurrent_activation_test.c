/* The functions of the gates, against NumPy; and how their parameters are taken from the lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/recurrent.h"

#define POINTS 5

/* At -2, -0.5, 0, 0.5, 2 with alpha 0.5 and beta 0.25. */
static const double expected[OR_RECURRENT_FUNCTION_COUNT][POINTS] = {
    [OR_RECURRENT_RELU] = {0, 0, 0, 0.5, 2},
    [OR_RECURRENT_TANH] = {-0.9640275800758169, -0.4621171572600097, 0, 0.4621171572600097, 0.9640275800758169},
    [OR_RECURRENT_SIGMOID] = {0.1192029220221175, 0.3775406687981454, 0.5, 0.6224593312018546, 0.8807970779778823},
    [OR_RECURRENT_AFFINE] = {-0.75, 0, 0.25, 0.5, 1.25},
    [OR_RECURRENT_LEAKY_RELU] = {-1, -0.25, 0, 0.5, 2},
    [OR_RECURRENT_THRESHOLDED_RELU] = {0, 0, 0, 0.5, 2},
    [OR_RECURRENT_SCALED_TANH] = {-0.2310585786300049, -0.0621765008857981, 0, 0.0621765008857981, 0.2310585786300049},
    [OR_RECURRENT_HARD_SIGMOID] = {0, 0, 0.25, 0.5, 1},
    [OR_RECURRENT_ELU] = {-0.4323323583816936, -0.1967346701436833, 0, 0.5, 2},
    [OR_RECURRENT_SOFTSIGN] = {-0.6666666666666666, -0.3333333333333333, 0, 0.3333333333333333, 0.6666666666666666},
    [OR_RECURRENT_SOFTPLUS] = {0.1269280110429726, 0.4740769841801067, 0.6931471805599453, 0.9740769841801067,
                               2.126928011042973},
};

static void computes_each_function(void **state) {
  (void)state;
  for (int i = 0; i < OR_RECURRENT_FUNCTION_COUNT; ++i) {
    or_recurrent_activation_t activation = {(or_recurrent_function_t)i, 0.5, 0.25};
    double x[POINTS] = {-2, -0.5, 0, 0.5, 2};
    or_recurrent_activate(&activation, POINTS, x);
    for (size_t k = 0; k < POINTS; ++k) assert_true(fabs(x[k] - expected[i][k]) < 1e-15);
  }
}

static void nan_stays_and_large_arguments_do_not_overflow(void **state) {
  (void)state;
  for (int i = 0; i < OR_RECURRENT_FUNCTION_COUNT; ++i) {
    or_recurrent_activation_t activation = {(or_recurrent_function_t)i, 0.5, 0.25};
    double x[] = {(double)NAN};
    or_recurrent_activate(&activation, 1, x);
    assert_true(isnan(x[0]));
  }
  double x[] = {1000, -1000};
  or_recurrent_activate(&(or_recurrent_activation_t){.function = OR_RECURRENT_SOFTPLUS}, 2, x);
  assert_true(x[0] == 1000 && x[1] == 0);
}

static void expect_activation(const or_recurrent_t *r, int direction, int index, or_recurrent_function_t function,
                              double alpha, double beta) {
  const or_recurrent_activation_t *activation = &r->activations[direction][index];
  assert_int_equal(activation->function, function);
  assert_true(fabs(activation->alpha - alpha) < 1e-7);
  assert_true(fabs(activation->beta - beta) < 1e-7);
}

/* Each function that has alpha (beta) takes the next one; when the lists end, defaults follow. */
static void takes_parameters_in_the_order_of_the_functions(void **state) {
  (void)state;
  const or_string_t names[] = {{"Sigmoid", 7},   {"HardSigmoid", 11}, {"Elu", 3},
                               {"LeakyRelu", 9}, {"Affine", 6},       {"ThresholdedRelu", 15}};
  const float alpha[] = {0.5F, 0.75F, 0.125F}, beta[] = {0.25F};
  call_fixture_t f;
  call_init(&f, "", "LSTM", 14);
  call_string(&f, "direction", "bidirectional");
  or_attribute_t *attribute = call_attribute(&f, "activations", OR_ATTRIBUTE_STRINGS);
  attribute->strings = names;
  attribute->count = 6;
  attribute = call_attribute(&f, "activation_alpha", OR_ATTRIBUTE_FLOATS);
  attribute->reals = alpha;
  attribute->count = 3;
  attribute = call_attribute(&f, "activation_beta", OR_ATTRIBUTE_FLOATS);
  attribute->reals = beta;
  attribute->count = 1;
  or_recurrent_t r = {.kind = OR_RECURRENT_LSTM};
  expect_ok(or_recurrent_read_activations(&f.call, &r));
  assert_int_equal(r.directions, 2);
  assert_true(!r.reversed[0] && r.reversed[1]);
  expect_activation(&r, 0, 0, OR_RECURRENT_SIGMOID, 0, 0);
  expect_activation(&r, 0, 1, OR_RECURRENT_HARD_SIGMOID, 0.5, 0.25);
  expect_activation(&r, 0, 2, OR_RECURRENT_ELU, 0.75, 0);
  expect_activation(&r, 1, 0, OR_RECURRENT_LEAKY_RELU, 0.125, 0);
  expect_activation(&r, 1, 1, OR_RECURRENT_AFFINE, 1, 0);
  expect_activation(&r, 1, 2, OR_RECURRENT_THRESHOLDED_RELU, 1, 0);
  call_deinit(&f);
}

static void has_the_defaults_of_the_standard(void **state) {
  (void)state;
  const char *const names[] = {"RNN", "GRU", "LSTM"};
  for (int kind = 0; kind < 3; ++kind) {
    call_fixture_t f;
    call_init(&f, "", names[kind], 14);
    or_recurrent_t r = {.kind = (or_recurrent_kind_t)kind};
    expect_ok(or_recurrent_read_activations(&f.call, &r));
    assert_int_equal(or_recurrent_function_count(r.kind), kind + 1);
    expect_activation(&r, 0, 0, kind == 0 ? OR_RECURRENT_TANH : OR_RECURRENT_SIGMOID, 0, 0);
    for (int i = 1; i <= kind; ++i) expect_activation(&r, 0, i, OR_RECURRENT_TANH, 0, 0);
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(computes_each_function),
      cmocka_unit_test(nan_stays_and_large_arguments_do_not_overflow),
      cmocka_unit_test(takes_parameters_in_the_order_of_the_functions),
      cmocka_unit_test(has_the_defaults_of_the_standard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
