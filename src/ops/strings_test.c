/* Strings in the operators that move elements; expectations follow NumPy's functions of the same meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/strings.h"

#define SIX STRINGS(TEXT("a"), TEXT("bb"), TEXT(""), TEXT("d"), TEXT("ee"), TEXT("\xc3\xa4"))

static void start(call_fixture_t *f, const char *name, int version, or_shape_t shape, const or_string_t *data) {
  call_init(f, "", name, version);
  call_input(f, OR_STRING, shape, data);
}

static void finish(call_fixture_t *f, or_shape_t shape, const char *const *expected, size_t count) {
  call_run(f, 1);
  expect_shape(f, 0, OR_STRING, shape);
  expect_strings(f, 0, expected, count);
  call_deinit(f);
}

static void shapes_change_and_text_stays(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Reshape", 13, SHAPE(6), SIX);
  call_list(&f, INTS(2, -1));
  finish(&f, SHAPE(2, 3), TEXTS("a", "bb", "", "d", "ee", "\xc3\xa4"));
  start(&f, "Flatten", 13, SHAPE(1, 2, 3), SIX);
  finish(&f, SHAPE(1, 6), TEXTS("a", "bb", "", "d", "ee", "\xc3\xa4"));
  start(&f, "Squeeze", 13, SHAPE(1, 6), SIX);
  finish(&f, SHAPE(6), TEXTS("a", "bb", "", "d", "ee", "\xc3\xa4"));
  start(&f, "Unsqueeze", 13, SHAPE(2), SIX);
  call_list(&f, INTS(0));
  finish(&f, SHAPE(1, 2), TEXTS("a", "bb"));
  start(&f, "Identity", 13, SCALAR, SIX);
  finish(&f, SCALAR, TEXTS("a"));
  start(&f, "Transpose", 13, SHAPE(2, 3), SIX);
  finish(&f, SHAPE(3, 2), TEXTS("a", "d", "bb", "ee", "", "\xc3\xa4"));
  start(&f, "DepthToSpace", 13, SHAPE(1, 4, 1, 1), SIX);
  call_int(&f, "blocksize", 2);
  finish(&f, SHAPE(1, 1, 2, 2), TEXTS("a", "bb", "", "d"));
}

static void pieces_are_joined_and_cut(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Concat", 13, SHAPE(2, 1), STRINGS(TEXT("x"), TEXT("y")));
  call_input(&f, OR_STRING, SHAPE(2, 2), SIX);
  call_int(&f, "axis", 1);
  finish(&f, SHAPE(2, 3), TEXTS("x", "a", "bb", "y", "", "d"));
  start(&f, "Slice", 13, SHAPE(6), SIX);
  call_list(&f, INTS(4));
  call_list(&f, INTS(0));
  call_list(&f, INTS(0));
  call_list(&f, INTS(-2));
  finish(&f, SHAPE(2), TEXTS("ee", ""));
  start(&f, "Split", 18, SHAPE(4), SIX);
  call_int(&f, "num_outputs", 2);
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS("a", "bb"));
  expect_strings(&f, 1, TEXTS("", "d"));
  call_deinit(&f);
  start(&f, "Tile", 13, SHAPE(2), SIX);
  call_list(&f, INTS(2));
  finish(&f, SHAPE(4), TEXTS("a", "bb", "a", "bb"));
  start(&f, "Expand", 13, SHAPE(2, 1), SIX);
  call_list(&f, INTS(2, 2));
  finish(&f, SHAPE(2, 2), TEXTS("a", "a", "bb", "bb"));
  start(&f, "Compress", 11, SHAPE(3), SIX);
  call_input(&f, OR_BOOL, SHAPE(3), (uint8_t[]){0, 1, 1});
  finish(&f, SHAPE(2), TEXTS("bb", ""));
  start(&f, "ReverseSequence", 10, SHAPE(3, 1), SIX);
  call_list(&f, INTS(2));
  finish(&f, SHAPE(3, 1), TEXTS("bb", "a", ""));
  start(&f, "Resize", 13, SHAPE(2), SIX);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(2));
  finish(&f, SHAPE(4), TEXTS("a", "a", "bb", "bb"));
}

static void elements_are_picked_and_put_by_index(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Gather", 13, SHAPE(6), SIX);
  call_list(&f, INTS(-1, 0));
  finish(&f, SHAPE(2), TEXTS("\xc3\xa4", "a"));
  start(&f, "GatherElements", 13, SHAPE(2, 2), SIX);
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, 0}));
  finish(&f, SHAPE(1, 2), TEXTS("", "bb"));
  start(&f, "GatherND", 13, SHAPE(2, 3), SIX);
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, 1}));
  finish(&f, SHAPE(1), TEXTS("ee"));
  start(&f, "ScatterElements", 18, SHAPE(3), SIX);
  call_list(&f, INTS(1));
  call_input(&f, OR_STRING, SHAPE(1), STRINGS(TEXT("new")));
  finish(&f, SHAPE(3), TEXTS("a", "new", ""));
  start(&f, "ScatterND", 18, SHAPE(3), SIX);
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){2}));
  call_input(&f, OR_STRING, SHAPE(1), STRINGS(TEXT("new")));
  finish(&f, SHAPE(3), TEXTS("a", "bb", "new"));
  start(&f, "TensorScatter", 24, SHAPE(1, 3, 1), SIX);
  call_input(&f, OR_STRING, SHAPE(1, 1, 1), STRINGS(TEXT("new")));
  call_list(&f, INTS(1));
  finish(&f, SHAPE(1, 3, 1), TEXTS("a", "new", ""));
}

static void there_is_no_sum_of_strings(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "ScatterElements", 18, SHAPE(3), NULL);
  call_list(&f, INTS(1));
  call_input(&f, OR_STRING, SHAPE(1), NULL);
  call_string(&f, "reduction", "add");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"reduction\" is \"add\", of strings");
  call_deinit(&f);
  start(&f, "Resize", 13, SHAPE(2), NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(2));
  call_string(&f, "mode", "linear");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the mode of string must be nearest");
  call_deinit(&f);
}

static void strings_are_sampled_cropped_and_told_apart(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "CenterCropPad", 18, SHAPE(2), STRINGS(TEXT("a"), TEXT("bb")));
  call_list(&f, INTS(5));
  finish(&f, SHAPE(5), TEXTS("", "a", "bb", "", ""));
  start(&f, "GridSample", 22, SHAPE(1, 1, 3), STRINGS(TEXT("a"), TEXT("bb"), TEXT("c")));
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 1), FLOATS(1, 0, -1, 9));
  call_string(&f, "mode", "nearest");
  call_int(&f, "align_corners", 1);
  finish(&f, SHAPE(1, 1, 4), TEXTS("c", "bb", "a", ""));
  start(&f, "GridSample", 22, SHAPE(1, 1, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "mode must be nearest");
  call_deinit(&f);
  start(&f, "Unique", 11, SHAPE(6), STRINGS(TEXT("b"), TEXT("ab"), TEXT("b"), TEXT(""), TEXT("\xc3\xa9"), TEXT("a")));
  call_run(&f, 3);
  expect_strings(&f, 0, TEXTS("", "a", "ab", "b", "\xc3\xa9"));
  expect_ints(&f, 1, INTS(3, 5, 1, 0, 4));
  expect_ints(&f, 2, INTS(3, 2, 3, 0, 4, 1));
  call_deinit(&f);
  start(&f, "Unique", 11, SHAPE(3, 2), STRINGS(TEXT("b"), TEXT("x"), TEXT("a"), TEXT("y"), TEXT("b"), TEXT("x")));
  call_int(&f, "axis", 0);
  call_int(&f, "sorted", 0);
  finish(&f, SHAPE(2, 2), TEXTS("b", "x", "a", "y"));
}

static void what_is_filled_in_is_empty_text_unless_said(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Pad", 13, SHAPE(2), SIX);
  call_list(&f, INTS(1, 1));
  finish(&f, SHAPE(4), TEXTS("", "a", "bb", ""));
  start(&f, "Pad", 13, SHAPE(2), SIX);
  call_list(&f, INTS(1, 0));
  call_input(&f, OR_STRING, SCALAR, STRINGS(TEXT("pad")));
  finish(&f, SHAPE(3), TEXTS("pad", "a", "bb"));
  start(&f, "Pad", 11, SHAPE(2), NULL);
  call_list(&f, INTS(1, 0));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is string, which version 11 of Pad does not take");
  call_deinit(&f);
  start(&f, "Trilu", 14, SHAPE(2, 3), SIX);
  call_int(&f, "upper", 0);
  finish(&f, SHAPE(2, 3), TEXTS("a", "", "", "d", "ee", ""));
  call_init(&f, "", "OneHot", 11);
  call_list(&f, INTS(1));
  call_list(&f, INTS(3));
  call_input(&f, OR_STRING, SHAPE(2), STRINGS(TEXT("off"), TEXT("on")));
  finish(&f, SHAPE(1, 3), TEXTS("off", "on", "off"));
}

static void strings_are_chosen_and_compared(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Where", 16);
  call_input(&f, OR_BOOL, SHAPE(2, 1), (uint8_t[]){0, 1});
  call_input(&f, OR_STRING, SCALAR, STRINGS(TEXT("yes")));
  call_input(&f, OR_STRING, SHAPE(2), SIX);
  finish(&f, SHAPE(2, 2), TEXTS("a", "bb", "yes", "yes"));
  start(&f, "Equal", 19, SHAPE(3), SIX);
  call_input(&f, OR_STRING, SHAPE(2, 1), STRINGS(TEXT("bb"), TEXT("")));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(2, 3));
  expect_ints(&f, 0, INTS(0, 1, 0, 0, 0, 1));
  call_deinit(&f);
  start(&f, "NonZero", 13, SHAPE(3), SIX);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 1));
  call_deinit(&f);
  start(&f, "Size", 13, SHAPE(3), SIX);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(3));
  call_deinit(&f);
}

static void a_model_may_hold_text(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Constant", 13);
  call_string(&f, "value_string", "one");
  finish(&f, SCALAR, TEXTS("one"));
  call_init(&f, "", "Constant", 13);
  call_strings(&f, "value_strings", STRINGS(TEXT("one"), TEXT("two")), 2);
  finish(&f, SHAPE(2), TEXTS("one", "two"));
  call_init(&f, "", "Constant", 13);
  call_strings(&f, "value_strings", NULL, 0);
  finish(&f, SHAPE(0), NULL, 0);
  or_string_t text[] = {TEXT("one"), TEXT("two")};
  or_constant_t tensor = {.dtype = OR_STRING, .shape = SHAPE(2, 1), .bytes = sizeof text, .data = text};
  call_init(&f, "", "Constant", 13);
  call_attribute(&f, "value", OR_ATTRIBUTE_TENSOR)->tensor = &tensor;
  finish(&f, SHAPE(2, 1), TEXTS("one", "two"));
}

static void text_is_bounded_and_needs_room(void **state) {
  (void)state;
  size_t total = OR_OP_MAX_STRING_BYTES - 1;
  expect_ok(or_strings_add(&total, 1));
  assert_int_equal(total, OR_OP_MAX_STRING_BYTES);
  for (size_t length = 1; length != 0; length = length == 1 ? SIZE_MAX : 0) {
    or_status_t status = or_strings_add(&total, length);
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* expected */
  }
  call_fixture_t f;
  char *text = NULL;
  call_init(&f, "", "Identity", 13);
  f.call.strings = NULL;
  or_status_t status = or_strings_room(&f.call, 1, &text);
  assert_int_equal(or_status_code(status), OR_FAILED_PRECONDITION);
  or_status_ignore(status); /* expected */
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shapes_change_and_text_stays),
      cmocka_unit_test(pieces_are_joined_and_cut),
      cmocka_unit_test(elements_are_picked_and_put_by_index),
      cmocka_unit_test(there_is_no_sum_of_strings),
      cmocka_unit_test(strings_are_sampled_cropped_and_told_apart),
      cmocka_unit_test(what_is_filled_in_is_empty_text_unless_said),
      cmocka_unit_test(strings_are_chosen_and_compared),
      cmocka_unit_test(a_model_may_hold_text),
      cmocka_unit_test(text_is_bounded_and_needs_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
