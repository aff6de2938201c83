#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

#define HALF -0.69314718055994531F /* e to it is one half */
#define ABSENT(f) call_input((f), OR_DTYPE_NONE, SCALAR, NULL)

static void heads(call_fixture_t *f, int64_t q, int64_t kv) {
  call_int(f, "q_num_heads", q);
  call_int(f, "kv_num_heads", kv);
}

/* One head, two positions: k is [1,0] and [1,2], q [1,1] and [2,1]. */
static void two_positions(call_fixture_t *f, const char *rule) {
  static const float q[4] = {1, 1, 2, 1}, k[4] = {1, 0, 1, 2}, v[4] = {2, 4, 3, 5};
  call_init(f, "", "LinearAttention", 27);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 2), q);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 2), k);
  call_input(f, OR_FLOAT32, SHAPE(1, 2, 2), v);
  heads(f, 1, 1);
  call_float(f, "scale", 1);
  if (rule != NULL) call_string(f, "update_rule", rule);
}

static void linear_adds_every_key_and_value(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "linear");
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(2, 4, 16, 28));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 1, 0, DOUBLES(5, 9, 6, 10));
  call_deinit(&f);
}

static void gated_forgets_a_part_before(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "gated");
  ABSENT(&f);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), FLOATS(0, HALF));
  call_run(&f, 2);
  expect_doubles(&f, 0, 1e-6, DOUBLES(2, 4, 14, 24));
  expect_doubles(&f, 1, 1e-6, DOUBLES(4, 7, 6, 10));
  call_deinit(&f);
}

static void gates_of_each_key_on_a_past(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "gated");
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 2), FLOATS(0, 0, 8, 4));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), FLOATS(0, HALF, HALF, 0));
  call_run(&f, 2);
  expect_doubles(&f, 0, 1e-6, DOUBLES(6, 6, 18, 26));
  expect_doubles(&f, 1, 1e-6, DOUBLES(4, 7, 10, 12));
  call_deinit(&f);
}

static void delta_adds_what_the_state_does_not_say_yet(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "delta");
  ABSENT(&f);
  ABSENT(&f);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), FLOATS(1, 0.5F));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(2, 4, 6, 10));
  expect_doubles(&f, 1, 0, DOUBLES(2.5, 4.5, 1, 1));
  call_deinit(&f);
}

static void gated_delta_is_the_default(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, NULL);
  ABSENT(&f);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), FLOATS(0, HALF));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), FLOATS(1, 0.5F));
  call_run(&f, 2);
  expect_doubles(&f, 0, 1e-6, DOUBLES(2, 4, 6, 10));
  expect_doubles(&f, 1, 1e-6, DOUBLES(2, 3.5, 2, 3));
  call_deinit(&f);
}

/* Two heads of keys with one element, four of queries. `betas`: one for both, or one each. */
static void neighbouring_queries_share_a_state(void **state) {
  (void)state;
  const double outputs[2][4] = {{2, 4, 12, 16}, {2, 4, 21, 28}}, states[2][2] = {{2, 4}, {2, 7}};
  for (int64_t betas = 1; betas <= 2; ++betas) {
    call_fixture_t f;
    call_init(&f, "", "LinearAttention", 27);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4), FLOATS(1, 2, 3, 4));
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, 2));
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(3, 5));
    call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1, 1), FLOATS(1, 1));
    ABSENT(&f);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, betas), FLOATS(0.5F, 1));
    heads(&f, 4, 2);
    call_string(&f, "update_rule", "delta");
    call_run(&f, 2);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 4));
    expect_doubles(&f, 0, 0, outputs[betas - 1], 4);
    expect_doubles(&f, 1, 0, states[betas - 1], 2);
    call_deinit(&f);
  }
}

/* Two batches with a state each; the scale is 1/2. */
static void the_head_size_scales_by_default(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LinearAttention", 27);
  call_input(&f, OR_FLOAT64, SHAPE(2, 1, 4), ((double[]){1, 2, 3, 4, 4, 3, 2, 1}));
  call_input(&f, OR_FLOAT64, SHAPE(2, 1, 4), ((double[]){1, 0, 0, 1, 0, 0, 1, 0}));
  call_input(&f, OR_FLOAT64, SHAPE(2, 1, 1), ((double[]){6, 10}));
  heads(&f, 1, 1);
  call_string(&f, "update_rule", "linear");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(15, 10));
  call_deinit(&f);
}

/* One tenth is no float16: the past keeps what it has of it. */
static void a_state_has_a_type_of_its_own(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LinearAttention", 27);
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 1), ((uint16_t[]){0x3c00})); /* 1 */
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 1), ((uint16_t[]){0x4000})); /* 2 */
  call_input(&f, OR_FLOAT16, SHAPE(1, 1, 1), ((uint16_t[]){0x4200})); /* 3 */
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 1), FLOATS(0.1F));
  heads(&f, 1, 1);
  call_string(&f, "update_rule", "linear");
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(1, 1, 1));
  expect_doubles(&f, 0, 0, DOUBLES(6.1015625)); /* the float16 next to 6.1 */
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 1, 1, 1));
  expect_doubles(&f, 1, 1e-7, DOUBLES(6.1));
  call_deinit(&f);
}

static void no_positions_leave_the_state(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "linear");
  for (int i = 0; i < 3; ++i) f.inputs[i].shape = SHAPE(1, 0, 2);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 2), FLOATS(1, 2, 3, 4));
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 0, 2));
  expect_doubles(&f, 1, 0, DOUBLES(1, 2, 3, 4));
  call_deinit(&f);
}

/* A sum of nothing is 0. */
static void keys_of_no_elements(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "gated");
  f.attributes[2].real = 0;
  f.inputs[0].shape = f.inputs[1].shape = SHAPE(1, 2, 0);
  ABSENT(&f);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), FLOATS(0, 0));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0, 0));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, 1, 0, 2));
  call_deinit(&f);
}

/* More heads than anyone can count, of no elements. */
static void nothing_to_write_takes_no_time(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "linear");
  for (int i = 0; i < 3; ++i) f.inputs[i].shape = SHAPE(1, 2, 0);
  f.attributes[0].integer = f.attributes[1].integer = INT64_MAX;
  call_run(&f, 2);
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(1, INT64_MAX, 0, 0));
  call_deinit(&f);
}

static void the_state_alone_may_be_wanted(void **state) {
  (void)state;
  float present[4];
  call_fixture_t f;
  two_positions(&f, "linear");
  call_infer(&f, 2);
  f.outputs[0] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
  f.outputs[1].data = present;
  expect_ok(or_op_reference(&f.call));
  expect_doubles(&f, 1, 0, DOUBLES(5, 9, 6, 10));
  f.outputs[1].data = NULL;
  expect_ok(or_op_reference(&f.call));
  call_deinit(&f);
}

static void symbols_come_from_whoever_knows_them(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "gated");
  f.inputs[0].shape = SHAPE(SYMBOL(0), SYMBOL(1), UNKNOWN);
  f.inputs[1].shape = RANK_UNKNOWN;
  f.inputs[2].shape = SHAPE(UNKNOWN, UNKNOWN, UNKNOWN);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(UNKNOWN, 7, 4), NULL);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 7, UNKNOWN));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(SYMBOL(0), 1, UNKNOWN, UNKNOWN));
  f.inputs[3].shape = SHAPE(2, 1, 4, 5);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 7, 5));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2, 1, 4, 5));
  call_deinit(&f);
}

static void heads_and_rules_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "linear");
  f.attributes[1].integer = 2;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "1 heads of queries are no positive multiple of 2");
  f.attributes[1].integer = 0;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "multiple of 0");
  f.attributes[0].integer = -1;
  f.attributes[1].integer = 1;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "-1 heads");
  f.attributes[0].integer = 3;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "query: 2 elements are not 3 heads");
  f.attributes[0].integer = 2;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "head size of queries and keys: 2 and 1");
  f.attributes[0].integer = INT64_MAX;
  f.inputs[0].shape = SHAPE(1, 2, UNKNOWN);
  expect_refused(&f, 2, OR_OUT_OF_RANGE, "");
  f.attributes[3].string = (or_string_t){.data = "other", .length = 5};
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "none of linear, gated");
  call_deinit(&f);
}

static void inputs_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, "linear");
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 3), NULL);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "past_state: 3 and 2");
  f.inputs[3].shape = SHAPE(1, 2, 2);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "input 3 has rank 3");
  f.inputs[3].dtype = OR_INT32;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "past_state is int32");
  f.call.input_count = 3;
  f.inputs[1].shape = SHAPE(1, 3, 2);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "key: 3 and 2");
  f.inputs[1].shape = SHAPE(2, 2);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "input 1 has rank 2");
  f.inputs[1].dtype = OR_FLOAT16;
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "input 1 is float16");
  call_deinit(&f);
}

static void gates_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, NULL);
  ABSENT(&f);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "decay is missing");
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3), NULL);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "decay: the last extent is 3");
  f.inputs[4].shape = SHAPE(1, 2, 1);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "beta is missing");
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), NULL);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "beta: the last extent is 2");
  f.inputs[5].shape = SHAPE(2, 2, 1);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "beta: 2 and 1");
  f.inputs[5].shape = SHAPE(1, 2, 1);
  call_string(&f, "update_rule", "gated");
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "beta is given");
  f.attributes[3].string = (or_string_t){.data = "delta", .length = 5};
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "decay is given");
  call_deinit(&f);
}

static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  float y[4];
  call_fixture_t f;
  two_positions(&f, "linear");
  call_infer(&f, 1);
  f.outputs[0].data = y;
  f.allocator.fail_at = 1;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

/* 8 outputs are sums of two products; 5 operations each on the 4 elements of the state, twice, serve both heads. */
static void counts_its_operations(void **state) {
  (void)state;
  call_fixture_t f;
  two_positions(&f, NULL);
  ABSENT(&f);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1), NULL);
  f.inputs[0].shape = SHAPE(1, 2, 4);
  f.attributes[0].integer = 2;
  call_infer(&f, 2);
  or_cost_t cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 8 * 4 + 2 * 4 * 5);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear_adds_every_key_and_value),
      cmocka_unit_test(gated_forgets_a_part_before),
      cmocka_unit_test(gates_of_each_key_on_a_past),
      cmocka_unit_test(delta_adds_what_the_state_does_not_say_yet),
      cmocka_unit_test(gated_delta_is_the_default),
      cmocka_unit_test(neighbouring_queries_share_a_state),
      cmocka_unit_test(the_head_size_scales_by_default),
      cmocka_unit_test(a_state_has_a_type_of_its_own),
      cmocka_unit_test(no_positions_leave_the_state),
      cmocka_unit_test(keys_of_no_elements),
      cmocka_unit_test(nothing_to_write_takes_no_time),
      cmocka_unit_test(the_state_alone_may_be_wanted),
      cmocka_unit_test(symbols_come_from_whoever_knows_them),
      cmocka_unit_test(heads_and_rules_that_do_not_fit_are_refused),
      cmocka_unit_test(inputs_that_do_not_fit_are_refused),
      cmocka_unit_test(gates_that_do_not_fit_are_refused),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
      cmocka_unit_test(counts_its_operations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
