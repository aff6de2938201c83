/* Values of RNN by hand, of GRU and LSTM from ONNX Runtime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* h = x + h / 2: an RNN of one element whose function is x. */
static void begin_halving(call_fixture_t *f, or_dtype_t dtype, or_shape_t shape, const void *x, const void *w,
                          const void *r) {
  static const or_string_t affine[] = {{"Affine", 6}, {"Affine", 6}};
  call_init(f, "", "RNN", 22);
  call_input(f, dtype, shape, x);
  call_input(f, dtype, SHAPE(1, 1, 1), w);
  call_input(f, dtype, SHAPE(1, 1, 1), r);
  or_attribute_t *attribute = call_attribute(f, "activations", OR_ATTRIBUTE_STRINGS);
  attribute->strings = affine;
  attribute->count = 2;
}

static void hands_each_step_to_the_next(void **state) {
  (void)state;
  call_fixture_t f;
  begin_halving(&f, OR_FLOAT32, SHAPE(3, 1, 1), FLOATS(1, 2, 3), FLOATS(1), FLOATS(0.5F));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2.5, 4.25));
  expect_doubles(&f, 1, 0, DOUBLES(4.25));
  call_deinit(&f);
}

static void backward_puts_each_step_at_its_place(void **state) {
  (void)state;
  call_fixture_t f;
  begin_halving(&f, OR_FLOAT32, SHAPE(3, 1, 1), FLOATS(1, 2, 3), FLOATS(1), FLOATS(0.5F));
  call_string(&f, "direction", "reverse");
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(2.75, 3.5, 3));
  expect_doubles(&f, 1, 0, DOUBLES(2.75));
  call_deinit(&f);
}

static void starts_from_the_given_state_and_adds_both_biases(void **state) {
  (void)state;
  call_fixture_t f;
  begin_halving(&f, OR_FLOAT64, SHAPE(2, 1, 1), ((double[]){1, 2}), ((double[]){1}), ((double[]){0.5}));
  call_input(&f, OR_FLOAT64, SHAPE(1, 2), ((double[]){1, 0.25}));
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT64, SHAPE(1, 1, 1), ((double[]){4}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4.25, 5.375));
  call_deinit(&f);
}

/* Sequences of 3, 0 and 2 steps; what lies behind an end is not read. */
static void each_sequence_ends_where_its_length_says(void **state) {
  (void)state;
  for (int reverse = 0; reverse < 2; ++reverse) {
    call_fixture_t f;
    begin_halving(&f, OR_FLOAT32, SHAPE(3, 3, 1), FLOATS(1, 9, 1, 2, 9, 2, 3, 9, (float)NAN), FLOATS(1), FLOATS(0.5F));
    call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
    call_input(&f, OR_INT32, SHAPE(3), ((int32_t[]){3, 0, 2}));
    call_input(&f, OR_FLOAT32, SHAPE(1, 3, 1), FLOATS(0, 8, 0));
    if (reverse) call_string(&f, "direction", "reverse");
    call_run(&f, 2);
    if (reverse) {
      expect_doubles(&f, 0, 0, DOUBLES(2.75, 0, 2, 3.5, 0, 2, 3, 0, 0));
      expect_doubles(&f, 1, 0, DOUBLES(2.75, 0, 2));
    } else {
      expect_doubles(&f, 0, 0, DOUBLES(1, 0, 1, 2.5, 0, 2.5, 4.25, 0, 0));
      expect_doubles(&f, 1, 0, DOUBLES(4.25, 0, 2.5));
    }
    call_deinit(&f);
  }
}

static void refuses_a_length_outside(void **state) {
  (void)state;
  for (int32_t length = -1; length < 4; length += 4) {
    call_fixture_t f;
    begin_halving(&f, OR_FLOAT32, SHAPE(2, 1, 1), FLOATS(1, 2), FLOATS(1), FLOATS(0.5F));
    call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
    call_input(&f, OR_INT32, SHAPE(1), &length);
    expect_run_fails(&f, 1, length < 0 ? "sequence_lens[0] is -1, expected 0 to 2" : "sequence_lens[0] is 3");
    call_deinit(&f);
  }
}

static void both_directions_and_the_batch_first(void **state) {
  (void)state;
  static const or_string_t affine[] = {{"Affine", 6}, {"Affine", 6}};
  call_fixture_t f;
  call_init(&f, "", "RNN", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 1), FLOATS(1, 2, 3, 10, 20, 30));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 1), FLOATS(1, -1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 1), FLOATS(0.5F, 0.5F));
  or_attribute_t *attribute = call_attribute(&f, "activations", OR_ATTRIBUTE_STRINGS);
  attribute->strings = affine;
  attribute->count = 2;
  call_string(&f, "direction", "bidirectional");
  call_int(&f, "layout", 1);
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(1, -2.75, 2.5, -3.5, 4.25, -3, 10, -27.5, 25, -35, 42.5, -30));
  expect_doubles(&f, 1, 0, DOUBLES(4.25, -2.75, 42.5, -27.5));
  call_deinit(&f);
}

static void clip_bounds_what_the_function_is_given(void **state) {
  (void)state;
  call_fixture_t f;
  begin_halving(&f, OR_FLOAT32, SHAPE(3, 1, 1), FLOATS(1, -9, (float)NAN), FLOATS(1), FLOATS(0.5F));
  call_float(&f, "clip", 2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, -2, (double)NAN));
  call_deinit(&f);
}

static void half_precision_keeps_its_state_wide(void **state) {
  (void)state;
  call_fixture_t f;
  /* h = h + 2^-12: lost in float16 beside 1, but not in the sum of four steps. */
  uint16_t x[4], w = or_float_to_float16(0x1p-12F), r = or_float_to_float16(1), h = r;
  for (size_t i = 0; i < 4; ++i) x[i] = r;
  begin_halving(&f, OR_FLOAT16, SHAPE(4, 1, 1), x, &w, &r);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 1), &h);
  call_run(&f, 2);
  expect_doubles(&f, 1, 0, DOUBLES(1 + 0x1p-10));
  call_deinit(&f);
}

/* (i factor mod m - m / 2) / 8 */
static void pattern(float *out, int count, int factor, int modulus) {
  for (int i = 0; i < count; ++i) out[i] = (float)(i * factor % modulus - modulus / 2) / 8;
}

typedef struct weights_t {
  float x[8], w[16], r[16], b[16], h[4], c[4], p[6];
} weights_t;

/* 2 steps, 2 sequences, 2 inputs, 2 hidden elements. */
static void begin_pattern(call_fixture_t *f, weights_t *weights, const char *name, int rows) {
  pattern(weights->x, 8, 3, 7);
  pattern(weights->w, 2 * rows, 5, 11);
  pattern(weights->r, 2 * rows, 7, 13);
  pattern(weights->b, 2 * rows, 3, 5);
  pattern(weights->h, 4, 1, 3);
  pattern(weights->c, 4, 3, 5);
  pattern(weights->p, 6, 2, 7);
  call_init(f, "", name, 14);
  call_input(f, OR_FLOAT32, SHAPE(2, 2, 2), weights->x);
  call_input(f, OR_FLOAT32, SHAPE(1, rows, 2), weights->w);
  call_input(f, OR_FLOAT32, SHAPE(1, rows, 2), weights->r);
  call_input(f, OR_FLOAT32, SHAPE(1, 2 * rows), weights->b);
  call_input(f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 2), weights->h);
}

static void gru_resets_before_or_after_the_product(void **state) {
  (void)state;
  call_fixture_t f;
  weights_t weights;
  begin_pattern(&f, &weights, "GRU", 6);
  call_run(&f, 2);
  expect_doubles(&f, 0, 2e-7,
                 DOUBLES(-0.21120924, -0.087642007, -0.047436204, -0.096239761, -0.13307756, -0.03422831, -0.054590255,
                         -0.011612881));
  expect_doubles(&f, 1, 2e-7, DOUBLES(-0.13307756, -0.03422831, -0.054590255, -0.011612881));
  call_deinit(&f);
  begin_pattern(&f, &weights, "GRU", 6);
  call_int(&f, "linear_before_reset", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 2e-7,
                 DOUBLES(-0.15887374, -0.11725452, 0.020822819, -0.12053728, -0.060850367, -0.078294307, 0.028679501,
                         -0.053662404));
  call_deinit(&f);
}

static void begin_lstm(call_fixture_t *f, weights_t *weights) {
  begin_pattern(f, weights, "LSTM", 8);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 2), weights->c);
  call_input(f, OR_FLOAT32, SHAPE(1, 6), weights->p);
}

static void lstm_keeps_a_cell_that_peepholes_see(void **state) {
  (void)state;
  call_fixture_t f;
  weights_t weights;
  begin_lstm(&f, &weights);
  call_run(&f, 3);
  expect_doubles(&f, 0, 2e-7,
                 DOUBLES(-0.015831923, -0.055883579, -0.00064050901, -0.049222711, -0.0074257213, -0.18719876,
                         -0.015578145, -0.18935895));
  expect_doubles(&f, 1, 2e-7, DOUBLES(-0.0074257213, -0.18719876, -0.015578145, -0.18935895));
  expect_doubles(&f, 2, 2e-7, DOUBLES(-0.016520685, -0.32073358, -0.035422742, -0.32526061));
  call_deinit(&f);
}

/* The cell is given to h as it is: only gates are clipped. */
static void lstm_clips_its_gates(void **state) {
  (void)state;
  call_fixture_t f;
  weights_t weights;
  begin_lstm(&f, &weights);
  call_float(&f, "clip", 0.25F);
  call_string(&f, "direction", "reverse");
  call_run(&f, 3);
  expect_doubles(&f, 1, 2e-7, DOUBLES(0.0077226376, -0.082148686, -0.0073239431, -0.075559765));
  expect_doubles(&f, 2, 2e-7, DOUBLES(0.017640531, -0.15162864, -0.015765745, -0.13522401));
  call_deinit(&f);
}

static void input_forget_couples_the_gates(void **state) {
  (void)state;
  call_fixture_t f;
  weights_t weights;
  begin_lstm(&f, &weights);
  call_int(&f, "input_forget", 1);
  call_run(&f, 3);
  expect_doubles(&f, 2, 2e-7, DOUBLES(-0.0083616208, -0.30768478, -0.037786856, -0.32076293));
  call_deinit(&f);
}

static void an_output_that_is_left_out_is_not_written(void **state) {
  (void)state;
  call_fixture_t f;
  weights_t weights;
  begin_lstm(&f, &weights);
  call_run(&f, 3);
  void *y = f.outputs[0].data;
  f.outputs[0].data = NULL;
  expect_ok(or_op_reference(&f.call));
  f.outputs[0].data = y;
  expect_doubles(&f, 2, 2e-7, DOUBLES(-0.016520685, -0.32073358, -0.035422742, -0.32526061));
  call_deinit(&f);
}

static void no_steps_no_sequences_no_inputs(void **state) {
  (void)state;
  call_fixture_t f;
  begin_halving(&f, OR_FLOAT32, SHAPE(0, 2, 1), FLOATS(0), FLOATS(1), FLOATS(0.5F));
  call_run(&f, 2);
  expect_doubles(&f, 1, 0, DOUBLES(0, 0));
  call_deinit(&f);
  begin_halving(&f, OR_FLOAT32, SHAPE(2, 0, 1), FLOATS(0), FLOATS(1), FLOATS(0.5F));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 1, 0, 1));
  call_deinit(&f);
}

static void says_so_when_memory_ends(void **state) {
  (void)state;
  call_fixture_t f;
  begin_halving(&f, OR_FLOAT32, SHAPE(1, 1, 1), FLOATS(1), FLOATS(1), FLOATS(0.5F));
  call_run(&f, 1);
  f.allocator.fail_at = f.allocator.alloc_count + 1;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_each_step_to_the_next),
      cmocka_unit_test(backward_puts_each_step_at_its_place),
      cmocka_unit_test(starts_from_the_given_state_and_adds_both_biases),
      cmocka_unit_test(each_sequence_ends_where_its_length_says),
      cmocka_unit_test(refuses_a_length_outside),
      cmocka_unit_test(both_directions_and_the_batch_first),
      cmocka_unit_test(clip_bounds_what_the_function_is_given),
      cmocka_unit_test(half_precision_keeps_its_state_wide),
      cmocka_unit_test(gru_resets_before_or_after_the_product),
      cmocka_unit_test(lstm_keeps_a_cell_that_peepholes_see),
      cmocka_unit_test(lstm_clips_its_gates),
      cmocka_unit_test(input_forget_couples_the_gates),
      cmocka_unit_test(an_output_that_is_left_out_is_not_written),
      cmocka_unit_test(no_steps_no_sequences_no_inputs),
      cmocka_unit_test(says_so_when_memory_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
