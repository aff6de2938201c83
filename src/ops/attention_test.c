#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/attention.h"
#include "ops/call_fixture_template.h"

/* Expected values: the reference evaluator of the Python package onnx 1.23.2, on the same inputs. */

#define MAX_ELEMENTS 64
static float operands[8][MAX_ELEMENTS];

/* A tensor that only its seed decides; each seed is used once in a test. */
static const float *numbers(size_t count, unsigned seed) {
  assert_true(count <= MAX_ELEMENTS && seed < 8);
  for (size_t i = 0; i < count; ++i) operands[seed][i] = (float)((int)((i * 37 + seed * 11) % 64) - 32) / 16.0F;
  return operands[seed];
}

static void three_inputs(call_fixture_t *f, int version) {
  call_init(f, "", "Attention", version);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 3, 4), numbers(24, 1));
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 3, 4), numbers(24, 2));
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 3, 2), numbers(12, 3));
}

static void weighs_values_by_the_softmax_of_scores(void **state) {
  (void)state;
  call_fixture_t f;
  three_inputs(&f, 23);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 2, 3, 2));
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.732115, -0.955385, 0.6566044, -1.030896, 0.7217026, -0.9657972, 0.4523081, 0.8482006,
                         -0.9850553, 0.8307725, -1.147545, 0.8960571));
  call_deinit(&f);
}

static void a_causal_query_sees_what_came_before_it(void **state) {
  (void)state;
  call_fixture_t f;
  three_inputs(&f, 23);
  call_int(&f, "is_causal", 1);
  call_float(&f, "scale", 0.25F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.0625, -1.625, 0.5203699, -1.16713, 0.7270775, -0.9604226, 1.9375, 0.25, -0.4930788,
                         0.7001072, -0.7164819, 0.8995112));
  call_deinit(&f);
}

static void three_dimensions_hold_heads_side_by_side_and_groups_share_keys(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 8), numbers(32, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 4), numbers(24, 2));
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 2), numbers(12, 3));
  call_int(&f, "q_num_heads", 4);
  call_int(&f, "kv_num_heads", 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2, 4));
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.1278917, 0.137402, -1.475803, -1.343247, 1.046206, 1.173357, -0.4482119, -0.4403709,
                         -1.288788, -1.145803, 0.627649, 0.7627251, 1.643992, 1.719427, 1.430874, 0.4211525));
  call_deinit(&f);
}

static void a_query_that_attends_nothing_gives_zeros(void **state) {
  (void)state;
  const bool mask[] = {true, false, true, false, false, false, true, true, true};
  call_fixture_t f;
  three_inputs(&f, 23);
  call_input(&f, OR_BOOL, SHAPE(3, 3), mask);
  call_int(&f, "qk_matmul_output_mode", 3);
  call_run(&f, 4);
  expect_doubles(
      &f, 0, 1e-6,
      DOUBLES(0.7362289, -0.9512711, 0, 0, 0.7217026, -0.9657972, 0.6269059, 0.8457246, 0, 0, -1.147545, 0.8960571));
  expect_doubles(&f, 3, 1e-6,
                 DOUBLES(0.4610169, 0, 0.5389832, 0, 0, 0, 0.05899873, 0.8272781, 0.113723, 0.5234203, 0, 0.4765797, 0,
                         0, 0, 0.06722455, 0.8318594, 0.100916));
  call_deinit(&f);
}

static const float head_mask[] = {0, -1, -INFINITY, -2, 0.5F, 1}; /* [2,1,3] */

static void numbers_of_a_mask_are_added(void **state) {
  (void)state;
  for (int64_t mode = 0; mode <= 2; mode += 2) {
    call_fixture_t f;
    three_inputs(&f, 24);
    call_input(&f, OR_FLOAT32, SHAPE(2, 1, 3), head_mask);
    call_int(&f, "qk_matmul_output_mode", mode);
    call_run(&f, 4);
    expect_doubles(&f, 0, 1e-6,
                   DOUBLES(0.1053359, -1.582164, 0.5213247, -1.166175, 0.5860125, -1.101488, -0.746915, 1.379004,
                           -1.340365, 0.9278529, -1.315347, 0.9751635));
    if (mode == 0) {
      expect_doubles(&f, 3, 2e-6,
                     DOUBLES(-0.1171874, -1.726562, 0.03906236, -0.5078126, 1.507812, -1.101562, -0.8984375, 1.742188,
                             -0.2421874, 0.007812602, -1.726562, -0.08593738, -0.007812602, 1.882812, -0.8515624,
                             -1.023438, 1.492187, -0.6171876));
    } else {
      expect_doubles(&f, 3, 2e-6,
                     DOUBLES(-0.1171874, -2.726562, -INFINITY, -0.5078126, 0.5078125, -INFINITY, -0.8984375, 0.7421875,
                             -INFINITY, -1.992187, -1.226562, 0.9140626, -2.007812, 2.382812, 0.1484376, -3.023438,
                             1.992187, 0.3828124));
    }
    call_deinit(&f);
  }
}

static void scores_are_capped_before_the_mask(void **state) {
  (void)state;
  call_fixture_t f;
  three_inputs(&f, 23);
  call_float(&f, "softcap", 2);
  call_int(&f, "qk_matmul_output_mode", 1);
  call_run(&f, 4);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.7306482, -0.9568517, 0.6543987, -1.033101, 0.7294879, -0.9580122, 0.3916521, 0.8490748,
                         -0.811533, 0.8162929, -1.067668, 0.8973136));
  expect_doubles(&f, 3, 2e-6,
                 DOUBLES(-0.1170535, -1.395889, 0.03905739, -0.4971742, 1.274947, -1.002211, -0.8425132, 1.403859,
                         -0.2410105, 0.007812562, -1.395889, -0.08588453, -0.007812562, 1.471735, -0.8035792,
                         -0.9425666, 1.265625, -0.5983145));
  call_deinit(&f);
}

static const double y_with_past[] = {-1.763216,  0.2943251, 0.7169713, -0.5628566,
                                     -0.3269362, 0.9151107, 0.6287575, -1.022336};

static void the_past_comes_first_and_the_present_has_both(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 4), numbers(16, 1));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 4), numbers(16, 2));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 2), numbers(8, 3));
  call_input(&f, OR_DTYPE_NONE, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3, 4), numbers(24, 4));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3, 2), numbers(12, 5));
  call_int(&f, "is_causal", 1);
  call_run(&f, 3);
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 2, 5, 4));
  expect_shape(&f, 2, OR_FLOAT32, SHAPE(1, 2, 5, 2));
  expect_doubles(&f, 0, 1e-6, y_with_past, 8);
  expect_doubles(&f, 1, 0,
                 DOUBLES(0.75, -0.9375, 1.375, -0.3125, -2, 0.3125, -1.375, 0.9375, -0.75, 1.5625, -0.125, -1.8125,
                         -0.625, 1.6875, 0, -1.6875, 0.625, -1.0625, 1.25, -0.4375, 0.5, -1.1875, 1.125, -0.5625, 1.75,
                         0.0625, -1.625, 0.6875, -1, 1.3125, -0.375, 1.9375, 1.875, 0.1875, -1.5, 0.8125, -0.875,
                         1.4375, -0.25, -1.9375));
  expect_doubles(&f, 2, 0,
                 DOUBLES(1.4375, -0.25, -1.9375, 0.375, -1.3125, 1, 0.0625, -1.625, 0.6875, -1, -0.6875, 1.625, -0.0625,
                         -1.75, 0.5625, -1.125, 1.3125, -0.375, 1.9375, 0.25));
  call_deinit(&f);
}

/* The same past, three of the five rows of a cache, and the same new rows. */
static void a_cache_takes_the_new_rows_in_place(void **state) {
  (void)state;
  enum { CAPACITY = 7 };
  static float keys[2 * CAPACITY * 4], values[2 * CAPACITY * 2];
  const int64_t past = 3;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) keys[i] = NAN; /* what lies behind is not looked at */
  for (size_t i = 0; i < sizeof values / sizeof *values; ++i) values[i] = NAN;
  for (size_t h = 0; h < 2; ++h) {
    memcpy(keys + h * CAPACITY * 4, numbers(24, 4) + h * 12, 12 * sizeof(float));
    memcpy(values + h * CAPACITY * 2, numbers(12, 5) + h * 6, 6 * sizeof(float));
  }
  call_fixture_t f;
  call_init(&f, "openruntime", "CachedAttention", 1);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 4), numbers(16, 1));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 4), numbers(16, 2));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 2), numbers(8, 3));
  call_input(&f, OR_DTYPE_NONE, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, CAPACITY, 4), keys);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, CAPACITY, 2), values);
  call_input(&f, OR_INT64, SHAPE(1), &past);
  call_int(&f, "is_causal", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, y_with_past, 8);
  assert_memory_equal(keys + 3 * 4, operands[2], 8 * sizeof(float));
  assert_memory_equal(values + (CAPACITY + 3) * 2, operands[3] + 4, 4 * sizeof(float));
  assert_true(isnan(keys[5 * 4]));

  const int64_t too_far = 6;
  f.inputs[6].data = (void *)(uintptr_t)&too_far;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_OUT_OF_RANGE);
  or_status_ignore(status); /* expected */
  call_deinit(&f);
}

static void padded_keys_are_not_attended(void **state) {
  (void)state;
  const int64_t lengths[] = {3, 1}; /* causal from the last of them: the second row's first query attends nothing */
  call_fixture_t f;
  call_init(&f, "", "Attention", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 2, 4), numbers(16, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 5, 4), numbers(40, 2));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 5, 2), numbers(20, 3));
  for (int i = 0; i < 3; ++i) call_input(&f, OR_DTYPE_NONE, RANK_UNKNOWN, NULL);
  call_input(&f, OR_INT64, SHAPE(2), lengths);
  call_int(&f, "is_causal", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(0.1666721, -1.520828, 0.6566044, -1.030896, 0, 0, -0.8125, 1.5));
  call_deinit(&f);
}

static void a_short_mask_leaves_out_the_rest(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 2, 4), numbers(16, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 5, 4), numbers(40, 2));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 5, 2), numbers(20, 3));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(0, 1, 2, 0));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.2826261, -1.404874, 0.3774414, -1.310059, -0.4587384, -0.4103126, -0.3693631, -0.8929393));
  call_deinit(&f);
}

static void windows_bound_both_sides(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 25);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4, 4), numbers(16, 1));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 6, 4), numbers(24, 2));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 6, 2), numbers(12, 3));
  call_int(&f, "left_window_size", 2);
  call_int(&f, "right_window_size", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.1666721, -1.520828, 0.6566044, -1.030896, 0.7712621, -0.9162377, 1.328007, -0.04055845));
  f.node.version = 24;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "came with version 25");
  call_deinit(&f);
}

/* By the standard's formula in float32, a mask of the lowest number hides what the scores were. */
static void the_lowest_number_hides_scores_evenly(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 1), FLOATS(1));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(5, -5));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(1, 3));
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(-3.4028235e38F));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2));
  call_deinit(&f);
}

static void nan_is_seen_where_it_is_attended(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(1, 1));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(5, (float)NAN));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 1), FLOATS(1, 3));
  call_int(&f, "is_causal", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, (double)NAN));
  call_deinit(&f);
}

static void empty_extents_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3, 4), numbers(24, 1));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 0, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 0, 1), NULL);
  call_run(&f, 3);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0, 0, 0, 0)); /* they attend nothing */
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 2, 0, 4));
  call_deinit(&f);
}

static void symbols_pass(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Attention", 23);
  call_input(&f, OR_FLOAT16, SHAPE(SYMBOL(0), SYMBOL(1), 64), NULL);
  call_input(&f, OR_FLOAT16, SHAPE(SYMBOL(0), SYMBOL(2), 64), NULL);
  call_input(&f, OR_FLOAT16, SHAPE(SYMBOL(0), SYMBOL(2), 32), NULL);
  call_int(&f, "q_num_heads", 4);
  call_int(&f, "kv_num_heads", 4);
  call_infer(&f, 4);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(SYMBOL(0), SYMBOL(1), 32));
  expect_shape(&f, 1, OR_FLOAT16, SHAPE(SYMBOL(0), 4, SYMBOL(2), 16));
  expect_shape(&f, 3, OR_FLOAT16, SHAPE(SYMBOL(0), 4, SYMBOL(1), SYMBOL(2)));
  call_deinit(&f);
}

static void arguments_are_checked(void **state) {
  (void)state;
  call_fixture_t f;
  three_inputs(&f, 23);
  f.inputs[1].shape = SHAPE(1, 2, 3, 5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "head size of queries and keys: 4 and 5 differ");
  f.inputs[1].shape = SHAPE(1, 2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has rank 3, expected that of input 0");
  f.inputs[1].shape = SHAPE(1, 2, 3, 4);
  f.inputs[0].shape = SHAPE(1, 3, 3, 4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "3 heads of queries are no multiple of 2 of keys");
  f.inputs[0].shape = SHAPE(1, 6, 4);
  f.inputs[1].shape = f.inputs[2].shape = SHAPE(1, 3, 8);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"q_num_heads\" is 0");
  call_deinit(&f);

  three_inputs(&f, 23);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), numbers(6, 4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attn_mask has shape [2,3], which does not broadcast to [1,2,3,3]");
  f.inputs[3] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 5, 4), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "come together");
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 4, 2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rows of the past: 5 and 4 differ");
  call_deinit(&f);
}

static void gives_everything_back_when_there_is_no_memory(void **state) {
  (void)state;
  float y[12];
  call_fixture_t f;
  three_inputs(&f, 23);
  call_infer(&f, 1);
  f.allocator.fail_at = 1;
  f.outputs[0].data = y;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weighs_values_by_the_softmax_of_scores),
      cmocka_unit_test(a_causal_query_sees_what_came_before_it),
      cmocka_unit_test(three_dimensions_hold_heads_side_by_side_and_groups_share_keys),
      cmocka_unit_test(a_query_that_attends_nothing_gives_zeros),
      cmocka_unit_test(numbers_of_a_mask_are_added),
      cmocka_unit_test(scores_are_capped_before_the_mask),
      cmocka_unit_test(the_past_comes_first_and_the_present_has_both),
      cmocka_unit_test(a_cache_takes_the_new_rows_in_place),
      cmocka_unit_test(padded_keys_are_not_attended),
      cmocka_unit_test(a_short_mask_leaves_out_the_rest),
      cmocka_unit_test(windows_bound_both_sides),
      cmocka_unit_test(the_lowest_number_hides_scores_evenly),
      cmocka_unit_test(nan_is_seen_where_it_is_attended),
      cmocka_unit_test(empty_extents_are_legal),
      cmocka_unit_test(symbols_pass),
      cmocka_unit_test(arguments_are_checked),
      cmocka_unit_test(gives_everything_back_when_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
