#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/shape.h"

static void expect_broadcast(or_shape_t a, or_shape_t b, or_shape_t expected) {
  or_shape_t out;
  expect_ok(or_shape_broadcast(&a, &b, &out));
  assert_true(or_shape_equal(&out, &expected));
  expect_ok(or_shape_broadcast(&b, &a, &out));
  assert_true(or_shape_equal(&out, &expected));
}

static void broadcasts_from_the_last_dimension(void **state) {
  (void)state;
  expect_broadcast(SHAPE(2, 3, 4, 5), SCALAR, SHAPE(2, 3, 4, 5));
  expect_broadcast(SHAPE(2, 3, 4, 5), SHAPE(5), SHAPE(2, 3, 4, 5));
  expect_broadcast(SHAPE(4, 5), SHAPE(2, 3, 4, 5), SHAPE(2, 3, 4, 5));
  expect_broadcast(SHAPE(1, 4, 5), SHAPE(2, 3, 1, 1), SHAPE(2, 3, 4, 5));
  expect_broadcast(SHAPE(0, 3), SHAPE(1, 3), SHAPE(0, 3));
}

static void broadcasting_keeps_symbols_and_prefers_known_extents(void **state) {
  (void)state;
  expect_broadcast(SHAPE(SYMBOL(0), 3), SHAPE(1, 3), SHAPE(SYMBOL(0), 3));
  expect_broadcast(SHAPE(SYMBOL(0), 3), SHAPE(SYMBOL(0), 3), SHAPE(SYMBOL(0), 3));
  expect_broadcast(SHAPE(SYMBOL(0)), SHAPE(SYMBOL(1)), SHAPE(UNKNOWN));
  expect_broadcast(SHAPE(SYMBOL(0)), SHAPE(UNKNOWN), SHAPE(UNKNOWN));
  expect_broadcast(SHAPE(UNKNOWN), SHAPE(7), SHAPE(7));
  or_shape_t a = RANK_UNKNOWN, b = SHAPE(7), out;
  expect_ok(or_shape_broadcast(&a, &b, &out));
  assert_int_equal(out.rank, OR_RANK_UNKNOWN);
}

static void refuses_shapes_that_do_not_broadcast(void **state) {
  (void)state;
  or_shape_t a = SHAPE(2, 3, 4), b = SHAPE(5, 4), out;
  or_status_t status = or_shape_broadcast(&a, &b, &out);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  assert_non_null(strstr(or_status_message(status), "[2,3,4]"));
  assert_non_null(strstr(or_status_message(status), "[5,4]"));
  assert_non_null(strstr(or_status_message(status), "3 against 5 in dimension 1"));
  or_status_ignore(status); /* expected */
}

static void strides_are_zero_along_broadcast_dimensions(void **state) {
  (void)state;
  or_shape_t shape = SHAPE(3, 1, 5), out = SHAPE(2, 3, 4, 5);
  int64_t strides[OR_MAX_RANK];
  or_shape_broadcast_strides(&shape, &out, strides);
  const int64_t expected[] = {0, 5, 0, 1};
  assert_memory_equal(strides, expected, sizeof expected);
}

static void axes_count_from_either_end(void **state) {
  (void)state;
  int32_t axis = -1;
  expect_ok(or_axis_normalize(2, 3, &axis));
  assert_int_equal(axis, 2);
  expect_ok(or_axis_normalize(-3, 3, &axis));
  assert_int_equal(axis, 0);
  const int64_t outside[] = {3, -4, INT64_MIN, INT64_MAX};
  for (size_t i = 0; i < 4; ++i) {
    or_status_t status = or_axis_normalize(outside[i], 3, &axis);
    assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
    or_status_ignore(status); /* expected */
  }
  or_status_t status = or_axis_normalize(0, 0, &axis);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  or_status_ignore(status); /* expected */
}

static void products_of_no_extents_are_one(void **state) {
  (void)state;
  or_shape_t shape = SHAPE(2, 3, 4);
  assert_int_equal(or_shape_product(&shape, 0, 3), 24);
  assert_int_equal(or_shape_product(&shape, 1, 2), 3);
  assert_int_equal(or_shape_product(&shape, 2, 2), 1);
}

static void an_index_counts_row_major(void **state) {
  (void)state;
  or_shape_t shape = SHAPE(2, 1, 3), scalar = SCALAR;
  int64_t index[OR_MAX_RANK] = {0};
  int64_t count = 0;
  do {
    assert_int_equal(index[0] * 3 + index[2], count);
    ++count;
  } while (or_index_next(&shape, index));
  assert_int_equal(count, 6);
  assert_false(or_index_next(&scalar, index));
}

/* A pool's window over one spatial dimension of `in` elements. */
static or_window_t window_of(call_fixture_t *f, int64_t in) {
  or_shape_t shape = SHAPE(1, 1, in);
  or_window_t window;
  expect_ok(or_window_make(&f->call, &shape, NULL, &window));
  assert_int_equal(window.rank, 1);
  return window;
}

static void expect_window(call_fixture_t *f, int64_t in, int64_t out, int64_t pad_begin, int64_t pad_end) {
  or_window_t window = window_of(f, in);
  assert_int_equal(window.out[0], out);
  assert_int_equal(window.pad_begin[0], pad_begin);
  assert_int_equal(window.pad_end[0], pad_end);
}

static void windows_have_their_defaults(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(3));
  or_window_t window = window_of(&f, 10);
  assert_int_equal(window.kernel[0], 3);
  assert_int_equal(window.stride[0], 1);
  assert_int_equal(window.dilation[0], 1);
  assert_int_equal(window.out[0], 8);
  call_deinit(&f);
}

static void windows_count_with_stride_padding_and_dilation(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(3));
  call_ints(&f, "strides", INTS(2));
  call_ints(&f, "dilations", INTS(2));
  call_ints(&f, "pads", INTS(1, 2));
  expect_window(&f, 10, 5, 1, 2); /* reach 5; 13 - 5 = 8, 8 / 2 + 1 */
  expect_window(&f, 9, 4, 1, 2);
  call_int(&f, "ceil_mode", 1);
  expect_window(&f, 9, 5, 1, 2); /* the last starts at 8 - 1 = 7 */
  call_deinit(&f);
}

static void a_window_that_would_start_in_the_end_padding_is_none(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(1));
  call_ints(&f, "strides", INTS(2));
  call_ints(&f, "pads", INTS(0, 1));
  call_int(&f, "ceil_mode", 1);
  expect_window(&f, 4, 2, 0, 1); /* 0 and 2; 4 is padding */
  call_deinit(&f);
}

static void auto_pad_divides_the_extent_by_the_stride(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(4));
  call_ints(&f, "strides", INTS(3));
  call_string(&f, "auto_pad", "SAME_UPPER");
  expect_window(&f, 10, 4, 1, 2); /* 4 windows need 3 * 3 + 4 = 13 */
  f.attributes[2].string = (or_string_t){"SAME_LOWER", 10};
  expect_window(&f, 10, 4, 2, 1);
  f.attributes[2].string = (or_string_t){"VALID", 5};
  expect_window(&f, 10, 3, 0, 0);
  call_deinit(&f);
}

static void windows_keep_a_symbol_where_the_extent_does_not_change(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(3));
  expect_window(&f, SYMBOL(4), UNKNOWN, 0, 0);
  call_ints(&f, "pads", INTS(1, 1));
  expect_window(&f, SYMBOL(4), SYMBOL(4), 1, 1);
  call_string(&f, "auto_pad", "SAME_LOWER");
  expect_window(&f, SYMBOL(4), SYMBOL(4), 1, 1);
  call_ints(&f, "strides", INTS(2));
  expect_window(&f, SYMBOL(4), UNKNOWN, UNKNOWN, UNKNOWN);
  call_deinit(&f);
}

static void refuse_window(const or_op_call_t *call, or_shape_t shape, const char *part) {
  or_window_t window;
  or_status_t status = or_window_make(call, &shape, NULL, &window);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  assert_non_null(strstr(or_status_message(status), part));
  or_status_ignore(status); /* expected */
}

static void refuses_windows_that_make_no_sense(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(3));
  refuse_window(&f.call, SHAPE(1, 1), "rank 2");
  refuse_window(&f.call, SHAPE(1, 1, 4, 4), "\"kernel_shape\" has 1 values, expected 2");
  refuse_window(&f.call, SHAPE(1, 1, 2), "window of 3 does not fit into dimension 2 of the input, 2 with padding");
  call_ints(&f, "strides", INTS(0));
  refuse_window(&f.call, SHAPE(1, 1, 4), "\"strides\" holds 0");
  f.attributes[1] =
      (or_attribute_t){.name = "pads", .kind = OR_ATTRIBUTE_INTS, .integers = (int64_t[]){1, -1}, .count = 2};
  refuse_window(&f.call, SHAPE(1, 1, 4), "\"pads\" holds -1 at 1");
  f.attributes[1] = (or_attribute_t){.name = "dilations", .integers = (int64_t[]){INT64_MAX}, .count = 1};
  refuse_window(&f.call, SHAPE(1, 1, 4), "\"dilations\" holds 9223372036854775807");
  f.node.attribute_count = 1;
  call_string(&f, "auto_pad", "SOMEHOW");
  refuse_window(&f.call, SHAPE(1, 1, 4), "\"auto_pad\" is \"SOMEHOW\"");
  call_deinit(&f);
}

static void an_empty_dimension_has_no_windows(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_ints(&f, "kernel_shape", INTS(3));
  expect_window(&f, 0, 0, 0, 0);
  call_string(&f, "auto_pad", "SAME_UPPER");
  expect_window(&f, 0, 0, 0, 0);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(broadcasts_from_the_last_dimension),
      cmocka_unit_test(broadcasting_keeps_symbols_and_prefers_known_extents),
      cmocka_unit_test(refuses_shapes_that_do_not_broadcast),
      cmocka_unit_test(strides_are_zero_along_broadcast_dimensions),
      cmocka_unit_test(axes_count_from_either_end),
      cmocka_unit_test(products_of_no_extents_are_one),
      cmocka_unit_test(an_index_counts_row_major),
      cmocka_unit_test(windows_have_their_defaults),
      cmocka_unit_test(windows_count_with_stride_padding_and_dilation),
      cmocka_unit_test(a_window_that_would_start_in_the_end_padding_is_none),
      cmocka_unit_test(auto_pad_divides_the_extent_by_the_stride),
      cmocka_unit_test(windows_keep_a_symbol_where_the_extent_does_not_change),
      cmocka_unit_test(refuses_windows_that_make_no_sense),
      cmocka_unit_test(an_empty_dimension_has_no_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
