/* Shapes, attributes and refusals of RNN, GRU and LSTM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/recurrent.h"

/* X, W and R of 5 steps, 3 sequences, 4 inputs and 2 hidden elements. */
static void begin(call_fixture_t *f, const char *name, int version, int64_t directions) {
  int64_t rows = 2 * (strcmp(name, "RNN") == 0 ? 1 : strcmp(name, "GRU") == 0 ? 3 : 4);
  call_init(f, "", name, version);
  call_input(f, OR_FLOAT32, SHAPE(5, 3, 4), NULL);
  call_input(f, OR_FLOAT32, SHAPE(directions, rows, 4), NULL);
  call_input(f, OR_FLOAT32, SHAPE(directions, rows, 2), NULL);
}

static void refused(call_fixture_t *f, const char *part) {
  expect_refused(f, 2, OR_INVALID_ARGUMENT, part);
  call_deinit(f);
}

static void gives_every_step_and_the_last_states(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, "LSTM", 7, 2);
  call_string(&f, "direction", "bidirectional");
  call_infer(&f, 3);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(5, 2, 3, 2));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2, 3, 2));
  expect_shape(&f, 2, OR_FLOAT32, SHAPE(2, 3, 2));
  call_deinit(&f);
}

static void layout_1_puts_the_batch_first(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, "GRU", 14, 1);
  call_int(&f, "layout", 1);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT32, SHAPE(5), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(5, 1, 2), NULL);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(5, 3, 1, 2));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(5, 1, 2));
  call_deinit(&f);
}

static void symbols_pass_and_a_known_size_fills_in(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RNN", 22);
  call_input(&f, OR_BFLOAT16, SHAPE(SYMBOL(0), SYMBOL(1), UNKNOWN), NULL);
  call_input(&f, OR_BFLOAT16, SHAPE(1, UNKNOWN, 4), NULL);
  call_input(&f, OR_BFLOAT16, RANK_UNKNOWN, NULL);
  call_int(&f, "hidden_size", 7);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_BFLOAT16, SHAPE(SYMBOL(0), 1, SYMBOL(1), 7));
  call_deinit(&f);

  call_init(&f, "", "RNN", 22);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, UNKNOWN, 6), NULL);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, 1, UNKNOWN, 6));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, UNKNOWN, 6));
  call_deinit(&f);
}

static void names_the_input_that_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, "LSTM", 14, 1);
  call_string(&f, "direction", "bidirectional");
  refused(&f, "input 1 (W) has shape [1,8,4], expected [2,8,4]");
  begin(&f, "LSTM", 14, 1);
  call_input(&f, OR_FLOAT64, SHAPE(1, 16), NULL);
  refused(&f, "input 3 (B) is float64, expected float32");
  begin(&f, "LSTM", 14, 1);
  call_input(&f, OR_FLOAT32, SHAPE(1, 16, 1), NULL);
  refused(&f, "input 3 (B) has shape [1,16,1], expected [1,16]");
  begin(&f, "GRU", 14, 1);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT64, SHAPE(3), NULL);
  refused(&f, "input 4 (sequence_lens) is int64, expected int32");
  begin(&f, "RNN", 14, 1);
  call_int(&f, "hidden_size", 3);
  refused(&f, "\"hidden_size\" and the weights: 3 and 2 differ");
}

static void names_the_attribute_that_does_not_fit(void **state) {
  (void)state;
  const struct {
    const char *attribute, *part;
    int64_t value;
    int version;
  } rows[] = {{"layout", "\"layout\" is 2, expected 0 or 1", 2, 14},
              {"layout", "\"layout\" does not exist in version 7 of GRU", 0, 7},
              {"output_sequence", "\"output_sequence\" does not exist in version 7 of GRU", 1, 7},
              {"linear_before_reset", "\"linear_before_reset\" does not exist in version 1 of GRU", 1, 1},
              {"hidden_size", "\"hidden_size\" is 0, expected at least 1", 0, 14}};
  call_fixture_t f;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    begin(&f, "GRU", rows[i].version, 1);
    call_int(&f, rows[i].attribute, rows[i].value);
    refused(&f, rows[i].part);
  }
  begin(&f, "GRU", 14, 1);
  call_float(&f, "clip", -1);
  refused(&f, "\"clip\" is -1, expected at least 0");
  begin(&f, "GRU", 14, 1);
  call_string(&f, "direction", "backward");
  refused(&f, "\"direction\" is \"backward\", expected forward, reverse or bidirectional");
}

static void a_hidden_size_beyond_all_bounds_is_refused(void **state) {
  (void)state;
  call_fixture_t f;
  for (int form = 0; form < 2; ++form) {
    call_init(&f, "", "LSTM", 14);
    call_input(&f, OR_FLOAT32, SHAPE(INT64_MAX / 4, 3, 4), NULL);
    call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
    call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
    call_int(&f, "hidden_size", form == 0 ? INT64_MAX / 2 : 4);
    expect_refused(&f, 1, OR_OUT_OF_RANGE, form == 0 ? "4 gates of 4611686018427387903 elements" : "elements");
    call_deinit(&f);
  }
}

static void checks_the_list_of_functions(void **state) {
  (void)state;
  const or_string_t names[] = {{"Relu", 4}, {"ScaledTanh", 10}, {"Gelu", 4}};
  call_fixture_t f;
  begin(&f, "LSTM", 14, 1);
  call_strings(&f, "activations", names, 2);
  refused(&f, "\"activations\" has 2 entries, expected 3 for LSTM in 1 directions");
  begin(&f, "GRU", 14, 1);
  call_strings(&f, "activations", names, 2);
  refused(&f, "ScaledTanh has no default for alpha: attribute \"activation_alpha\" is too short");
  begin(&f, "RNN", 14, 1);
  call_strings(&f, "activations", names + 2, 1);
  refused(&f, "\"activations\" names \"Gelu\", which is no activation of the standard");
  begin(&f, "RNN", 14, 1); /* the default, written out, has two whichever the direction */
  call_strings(&f, "activations", (or_string_t[]){{"tanh", 4}, {"Tanh", 4}}, 2);
  call_infer(&f, 1);
  call_deinit(&f);
}

static void version_1_may_say_whether_it_gives_the_sequence(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, "LSTM", 1, 1);
  call_int(&f, "output_sequence", 1);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(5, 1, 3, 2));
  call_deinit(&f);
}

static void costs_its_products(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, "GRU", 14, 1);
  call_infer(&f, 1);
  or_cost_t cost = f.call.op->cost(&f.call);
  assert_true(cost.flops >= 2.0 * 15 * 6 * (4 + 2));
  assert_true(cost.flops < 10.0 * 15 * 6 * (4 + 2));
  assert_true(cost.bytes_written == 4.0 * 30);
  f.call.output_count = 0;
  assert_true(f.call.op->cost(&f.call).flops == cost.flops);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_every_step_and_the_last_states),
      cmocka_unit_test(layout_1_puts_the_batch_first),
      cmocka_unit_test(symbols_pass_and_a_known_size_fills_in),
      cmocka_unit_test(names_the_input_that_does_not_fit),
      cmocka_unit_test(names_the_attribute_that_does_not_fit),
      cmocka_unit_test(a_hidden_size_beyond_all_bounds_is_refused),
      cmocka_unit_test(checks_the_list_of_functions),
      cmocka_unit_test(version_1_may_say_whether_it_gives_the_sequence),
      cmocka_unit_test(costs_its_products),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
