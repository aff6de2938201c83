#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

#include "ops/shape.h"

static const int32_t numbers[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* numbers[start:end:step], with NumPy's result for every case here. */
static void expect_slice(const int64_t request[3], const int64_t *expected, size_t count) {
  call_fixture_t f;
  call_init(&f, "", "Slice", 13);
  call_input(&f, OR_INT32, SHAPE(10), numbers);
  call_list(&f, &request[0], 1);
  call_list(&f, &request[1], 1);
  call_list(&f, INTS(0));
  call_list(&f, &request[2], 1);
  call_run(&f, 1);
  expect_ints(&f, 0, expected, count);
  call_deinit(&f);
}
#define REQUEST(...) ((const int64_t[]){__VA_ARGS__})

static void steps_forwards_and_backwards_with_clamping(void **state) {
  (void)state;
  expect_slice(REQUEST(1, 8, 3), INTS(1, 4, 7));
  expect_slice(REQUEST(-3, INT64_MAX, 1), INTS(7, 8, 9));
  expect_slice(REQUEST(-100, 2, 1), INTS(0, 1));
  expect_slice(REQUEST(-1, INT64_MIN, -4), INTS(9, 5, 1));
  expect_slice(REQUEST(100, -8, -3), INTS(9, 6, 3));
  expect_slice(REQUEST(3, 3, 1), NULL, 0);
  expect_slice(REQUEST(2, 5, -1), NULL, 0);
  expect_slice(REQUEST(0, 10, INT64_MAX), INTS(0));
  expect_slice(REQUEST(9, INT64_MIN, INT64_MIN), INTS(9));
}

static void slices_some_axes_of_several(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Slice", 13);
  call_input(&f, OR_INT32, SHAPE(2, 5), numbers);
  call_input(&f, OR_INT32, SHAPE(2), (int32_t[]){-1, 0});
  call_input(&f, OR_INT32, SHAPE(2), (int32_t[]){INT32_MIN, 1});
  call_input(&f, OR_INT32, SHAPE(2), (int32_t[]){-1, 0});
  call_input(&f, OR_INT32, SHAPE(2), (int32_t[]){-2, 1});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(1, 3));
  expect_ints(&f, 0, INTS(4, 2, 0));
  call_deinit(&f);
}

static void version_1_has_attributes_and_steps_of_one(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Slice", 1);
  call_input(&f, OR_INT32, SHAPE(2, 5), numbers);
  call_ints(&f, "starts", INTS(1, -2));
  call_ints(&f, "ends", INTS(2, 1000));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(1, 2));
  expect_ints(&f, 0, INTS(8, 9));
  f.node.version = 10;
  or_status_t status = or_op_infer(&f.call);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  assert_non_null(strstr(or_status_message(status), "\"starts\" does not exist in version 10"));
  or_status_ignore(status); /* expected */
  call_deinit(&f);
}

static void unsliced_and_wholly_taken_axes_keep_their_symbols(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Slice", 13);
  call_input(&f, OR_INT32, SHAPE(SYMBOL(0), SYMBOL(1), SYMBOL(2), SYMBOL(3)), NULL);
  call_list(&f, INTS(0, 0, -1));
  call_list(&f, INTS(INT64_MAX, 3, INT64_MIN));
  call_list(&f, INTS(0, 1, 2));
  call_list(&f, INTS(1, 1, -1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), UNKNOWN, SYMBOL(2), SYMBOL(3)));
  or_slice_t slice;
  bool known = false;
  expect_ok(or_slice_make(&f.call, &slice, &known));
  assert_true(known);
  f.inputs[1].data = NULL; /* which axes is known, how they are sliced is not */
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN, SYMBOL(3)));
  expect_ok(or_slice_make(&f.call, &slice, &known));
  assert_false(known);
  f.inputs[3].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN));
  call_deinit(&f);
}

static void an_empty_axis_gives_an_empty_slice(void **state) {
  (void)state;
  for (int64_t step = -1; step <= 1; step += 2) {
    call_fixture_t f;
    call_init(&f, "", "Slice", 13);
    call_input(&f, OR_INT32, SHAPE(0), numbers);
    call_list(&f, INTS(-1));
    call_list(&f, INTS(5));
    call_list(&f, INTS(0));
    call_list(&f, &step, 1);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_INT32, SHAPE(0));
    call_deinit(&f);
  }
}

static void refuses_requests_that_make_no_sense(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Slice", 13);
  call_input(&f, OR_INT32, SHAPE(2, 5), NULL);
  call_list(&f, INTS(0, 0));
  call_list(&f, INTS(1, 1));
  call_list(&f, INTS(0, 1));
  call_list(&f, INTS(1, 0));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the step of axis 1 is 0");
  f.inputs[3].data = (int64_t[]){1, -1};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 1 is given twice");
  f.inputs[3].data = (int64_t[]){0, 2};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 2 is outside");
  f.inputs[2].shape = SHAPE(1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "2 starts, 1 ends, 2 axes, 2 steps");
  f.inputs[1].dtype = OR_FLOAT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (starts) is float32; it must be int64 or int32");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_forwards_and_backwards_with_clamping),
      cmocka_unit_test(slices_some_axes_of_several),
      cmocka_unit_test(version_1_has_attributes_and_steps_of_one),
      cmocka_unit_test(unsliced_and_wholly_taken_axes_keep_their_symbols),
      cmocka_unit_test(an_empty_axis_gives_an_empty_slice),
      cmocka_unit_test(refuses_requests_that_make_no_sense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
