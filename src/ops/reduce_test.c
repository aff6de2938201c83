#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

#include "ops/shape.h"

static const float table[6] = {1, 2, 3, -4, 5, 6}; /* [2,3] */

static void start(call_fixture_t *f, const char *name, const int64_t *axes, size_t count) {
  call_init(f, "", name, strcmp(name, "ReduceSum") == 0 ? 13 : 18);
  call_input(f, OR_FLOAT32, SHAPE(2, 3), table);
  call_list(f, axes, count);
}

static void every_reduction_along_either_axis(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double rows[2], columns[3];
  } cases[] = {
      {"ReduceSum", {6, 7}, {-3, 7, 9}},
      {"ReduceMean", {2, 7.0 / 3}, {-1.5, 3.5, 4.5}},
      {"ReduceMax", {3, 6}, {1, 5, 6}},
      {"ReduceMin", {1, -4}, {-4, 2, 3}},
      {"ReduceProd", {6, -120}, {-4, 10, 18}},
      {"ReduceL1", {6, 15}, {5, 7, 9}},
      {"ReduceL2", {3.7416573867739413, 8.774964387392123}, {4.123105625617661, 5.385164807134504, 6.708203932499369}},
      {"ReduceSumSquare", {14, 77}, {17, 29, 45}},
      {"ReduceLogSum", {1.791759469228055, 1.9459101090932196}, {NAN, 1.9459101090932196, 2.1972245773362196}},
      {"ReduceLogSumExp", {3.4076059644443806, 6.313294863}, {1.006715348, 5.04858735157, 6.04858735157}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    start(&f, cases[i].name, INTS(-1));
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 1));
    expect_doubles(&f, 0, 1e-6, cases[i].rows, 2);
    call_deinit(&f);
    start(&f, cases[i].name, INTS(0));
    call_int(&f, "keepdims", 0);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(3));
    expect_doubles(&f, 0, 1e-6, cases[i].columns, 3);
    call_deinit(&f);
  }
}

static void no_axes_are_all_unless_told_otherwise(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "ReduceSum", NULL, 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1));
  expect_doubles(&f, 0, 0, DOUBLES(13));
  call_deinit(&f);
  start(&f, "ReduceL2", NULL, 0);
  call_int(&f, "noop_with_empty_axes", 1);
  call_int(&f, "keepdims", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3));
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 3, 4, 5, 6));
  call_deinit(&f);
}

static void axes_move_from_attribute_to_input_by_version(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ReduceMean", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), table);
  call_ints(&f, "axes", INTS(0, -1));
  call_int(&f, "keepdims", 0);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  f.node.version = 18;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"axes\" does not exist in version 18");
  call_deinit(&f);
  start(&f, "ReduceMean", INTS(0));
  f.node.version = 13;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (axes) does not exist before version 18");
  call_deinit(&f);
}

/* Several kept and reduced dimensions in turn; the expected sums are those of the definition. */
static void dimensions_in_any_order(void **state) {
  (void)state;
  int64_t numbers[2 * 3 * 4 * 5], expected[2 * 4] = {0};
  for (int64_t i = 0; i < 120; ++i) {
    numbers[i] = i * i - 50 * i;
    expected[i / 60 * 4 + i / 5 % 4] += numbers[i];
  }
  call_fixture_t f;
  call_init(&f, "", "ReduceSum", 13);
  call_input(&f, OR_INT64, SHAPE(2, 3, 4, 5), numbers);
  call_list(&f, INTS(1, 3));
  call_int(&f, "keepdims", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(2, 4));
  expect_ints(&f, 0, expected, 8);
  call_deinit(&f);
}

static void integers_wrap_around_and_means_truncate(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ReduceProd", 18);
  call_input(&f, OR_INT32, SHAPE(2), (int32_t[]){1 << 20, 1 << 12});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0));
  call_deinit(&f);
  call_init(&f, "", "ReduceMean", 18);
  call_input(&f, OR_INT32, SHAPE(2, 2), (int32_t[]){INT32_MAX, INT32_MAX, -4, -3}); /* the sum is beyond int32 */
  call_list(&f, INTS(1));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT32_MAX, -3));
  call_deinit(&f);
  call_init(&f, "", "ReduceMax", 18);
  call_input(&f, OR_UINT64, SHAPE(2), (uint64_t[]){1, UINT64_MAX});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1)); /* its bits */
  call_deinit(&f);
}

static void nothing_has_the_neutral_element(void **state) {
  (void)state;
  static const struct {
    const char *name;
    or_dtype_t dtype;
    double expected;
  } cases[] = {{"ReduceSum", OR_FLOAT32, 0},
               {"ReduceProd", OR_FLOAT32, 1},
               {"ReduceMax", OR_FLOAT32, -INFINITY},
               {"ReduceMin", OR_FLOAT16, INFINITY},
               {"ReduceMax", OR_INT8, -128},
               {"ReduceMin", OR_UINT8, 255},
               {"ReduceMin", OR_BOOL, 1},
               {"ReduceMax", OR_BOOL, 0},
               {"ReduceMean", OR_FLOAT32, NAN},
               {"ReduceMean", OR_INT64, 0},
               {"ReduceLogSum", OR_FLOAT32, -INFINITY},
               {"ReduceLogSumExp", OR_FLOAT32, -INFINITY}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    call_init(&f, "", cases[i].name, strcmp(cases[i].name, "ReduceSum") == 0 ? 13 : 20);
    call_input(&f, cases[i].dtype, SHAPE(2, 0), FLOATS(0));
    call_list(&f, INTS(1));
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, DOUBLES(cases[i].expected, cases[i].expected));
    call_deinit(&f);
  }
}

static void logarithms_of_large_sums_do_not_overflow(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ReduceLogSumExp", 18);
  call_input(&f, OR_FLOAT64, SHAPE(3, 2), (double[]){1000, 1000, -INFINITY, -INFINITY, INFINITY, 3});
  call_list(&f, INTS(1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-15, DOUBLES(1000.6931471805599, -INFINITY, INFINITY));
  call_deinit(&f);
}

static void one_nan_makes_the_extreme_nan(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ReduceMin", 18);
  call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(1, NAN, 0));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(NAN));
  call_deinit(&f);
}

static void says_what_can_be_said_of_symbols(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "ReduceMean", INTS(1));
  f.inputs[0].shape = SHAPE(SYMBOL(0), SYMBOL(1), 4);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 1, 4));
  f.inputs[1].data = NULL; /* one axis, not known which */
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN));
  call_int(&f, "keepdims", 0);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN));
  f.call.input_count = 1;
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  call_deinit(&f);
}

static void refuses_axes_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "ReduceMax", INTS(2));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 2 is outside");
  f.inputs[1].data = (int64_t[]){-3};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis -3 is outside");
  f.inputs[1].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (axes) is int32");
  call_deinit(&f);
}

static void gives_everything_back_when_there_is_no_memory(void **state) {
  (void)state;
  for (size_t fail_at = 1; fail_at <= 2; ++fail_at) {
    call_fixture_t f;
    start(&f, "ReduceLogSumExp", INTS(1));
    call_infer(&f, 1);
    float out[2];
    f.outputs[0].data = out;
    f.allocator.fail_at = fail_at;
    or_status_t status = or_op_reference(&f.call);
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* expected */
    f.outputs[0].data = NULL;
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_reduction_along_either_axis),
      cmocka_unit_test(no_axes_are_all_unless_told_otherwise),
      cmocka_unit_test(axes_move_from_attribute_to_input_by_version),
      cmocka_unit_test(dimensions_in_any_order),
      cmocka_unit_test(integers_wrap_around_and_means_truncate),
      cmocka_unit_test(nothing_has_the_neutral_element),
      cmocka_unit_test(logarithms_of_large_sums_do_not_overflow),
      cmocka_unit_test(one_nan_makes_the_extreme_nan),
      cmocka_unit_test(says_what_can_be_said_of_symbols),
      cmocka_unit_test(refuses_axes_that_do_not_fit),
      cmocka_unit_test(gives_everything_back_when_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
