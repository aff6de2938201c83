/* Expectations are those of Python's str.split, filled up; that of white space at the end of what is left is the
 * standard's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, or_shape_t shape, const or_string_t *data, const char *delimiter, int64_t cuts) {
  call_init(f, "", "StringSplit", 20);
  call_input(f, OR_STRING, shape, data);
  if (delimiter != NULL) call_string(f, "delimiter", delimiter);
  if (cuts >= 0) call_int(f, "maxsplit", cuts);
}

static void cuts_at_every_delimiter(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(3), STRINGS(TEXT("o-n-n--x-"), TEXT("o"), TEXT("")), "-", -1);
  call_run(&f, 2);
  expect_shape(&f, 0, OR_STRING, SHAPE(3, 6));
  expect_strings(&f, 0, TEXTS("o", "n", "n", "", "x", "", "o", "", "", "", "", "", "", "", "", "", "", ""));
  expect_shape(&f, 1, OR_INT64, SHAPE(3));
  expect_ints(&f, 1, INTS(6, 1, 1));
  call_deinit(&f);
  start(&f, SCALAR, STRINGS(TEXT("a::::b:")), "::", -1);
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS("a", "", "b:"));
  expect_ints(&f, 1, INTS(3));
  call_deinit(&f);
}

static void cuts_at_white_space_where_there_is_no_delimiter(void **state) {
  (void)state;
  call_fixture_t f;
  for (int empty = 0; empty < 2; ++empty) {
    start(&f, SHAPE(2, 2), STRINGS(TEXT(" hello \t world"), TEXT(""), TEXT("a\xe3\x80\x80"), TEXT("\xc2\xa0\x1f ")),
          empty ? "" : NULL, -1);
    call_run(&f, 2);
    expect_shape(&f, 0, OR_STRING, SHAPE(2, 2, 2));
    expect_strings(&f, 0, TEXTS("hello", "world", "", "", "a", "", "", ""));
    expect_ints(&f, 1, INTS(2, 0, 1, 0));
    call_deinit(&f);
  }
  start(&f, SHAPE(1), STRINGS(TEXT("\xff \xe3\x80")), NULL, -1); /* no UTF-8, and so no space */
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS("\xff", "\xe3\x80"));
  call_deinit(&f);
}

static void makes_as_many_cuts_as_it_may(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(2), STRINGS(TEXT("a,b,,c"), TEXT("a")), ",", 1);
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS("a", "b,,c", "a", ""));
  expect_ints(&f, 1, INTS(2, 1));
  call_deinit(&f);
  start(&f, SHAPE(2), STRINGS(TEXT(" a b  c d "), TEXT("a ")), NULL, 1);
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS("a", "b  c d", "a", ""));
  expect_ints(&f, 1, INTS(2, 1));
  call_deinit(&f);
  start(&f, SHAPE(1), STRINGS(TEXT(" a b ")), NULL, 0);
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS("a b"));
  call_deinit(&f);
  start(&f, SHAPE(1), STRINGS(TEXT(",")), ",", 0);
  call_run(&f, 2);
  expect_strings(&f, 0, TEXTS(","));
  call_deinit(&f);
}

static void the_longest_row_is_known_with_the_texts(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(0, 3), NULL, NULL, -1);
  call_run(&f, 2);
  expect_shape(&f, 0, OR_STRING, SHAPE(0, 3, 0));
  expect_shape(&f, 1, OR_INT64, SHAPE(0, 3));
  call_deinit(&f);
  start(&f, SHAPE(SYMBOL(0)), NULL, NULL, -1);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_STRING, SHAPE(SYMBOL(0), UNKNOWN));
  f.inputs[0].shape = SHAPE(2);
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_STRING, SHAPE(2, UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_STRING, RANK_UNKNOWN);
  f.inputs[0].shape = SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "rank 17");
  f.call.output_count = 0;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts_at_every_delimiter),
      cmocka_unit_test(cuts_at_white_space_where_there_is_no_delimiter),
      cmocka_unit_test(makes_as_many_cuts_as_it_may),
      cmocka_unit_test(the_longest_row_is_known_with_the_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
