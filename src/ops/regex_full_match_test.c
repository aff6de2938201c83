#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, or_shape_t shape, const or_string_t *texts, const char *pattern) {
  call_init(f, "", "RegexFullMatch", 20);
  call_input(f, OR_STRING, shape, texts);
  if (pattern != NULL) call_string(f, "pattern", pattern);
}

/* The examples of the standard. */
static void tells_which_texts_match(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(3), STRINGS(TEXT("www.google.com"), TEXT("www.facebook.com"), TEXT("www.bbc.co.uk")),
        "www\\.[\\w.-]+\\.com");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(3));
  expect_ints(&f, 0, INTS(1, 1, 0));
  assert_true(f.call.op->cost(&f.call).bytes_written == 3);
  call_deinit(&f);
  start(&f, SHAPE(2, 1), STRINGS(TEXT("account@gmail.com"), TEXT("not email")),
        "(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0));
  call_deinit(&f);
  start(&f, SHAPE(0), NULL, "");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(0));
  call_deinit(&f);
}

static void wrong_patterns_are_refused_before_anything_runs(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(SYMBOL(0)), NULL, "a**");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the pattern: a repetition is repeated at byte 3");
  call_deinit(&f);
  start(&f, SHAPE(1), NULL, NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"pattern\" is missing");
  call_deinit(&f);
  start(&f, SHAPE(SYMBOL(0)), NULL, "a");
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(SYMBOL(0)));
  f.call.output_count = 0;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_which_texts_match),
      cmocka_unit_test(wrong_patterns_are_refused_before_anything_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
