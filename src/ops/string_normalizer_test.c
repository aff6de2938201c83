/* Expectations: the examples of the standard's own cases, and UnicodeData.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

#define DAYS STRINGS(TEXT("monday"), TEXT("tuesday"), TEXT("Monday"), TEXT("thursday"))

static void start(call_fixture_t *f, or_shape_t shape, const or_string_t *data, const char *action, int sensitive) {
  call_init(f, "", "StringNormalizer", 10);
  call_input(f, OR_STRING, shape, data);
  if (action != NULL) call_string(f, "case_change_action", action);
  if (sensitive >= 0) call_int(f, "is_case_sensitive", sensitive);
}

static void finish(call_fixture_t *f, or_shape_t shape, const char *const *expected, size_t count) {
  call_run(f, 1);
  expect_shape(f, 0, OR_STRING, shape);
  expect_strings(f, 0, expected, count);
  call_deinit(f);
}

static void stop_words_go(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(4), DAYS, "LOWER", 1);
  call_strings(&f, "stopwords", STRINGS(TEXT("monday"), TEXT("")), 2);
  finish(&f, SHAPE(3), TEXTS("tuesday", "monday", "thursday"));
  start(&f, SHAPE(1, 4), DAYS, "UPPER", -1);
  call_strings(&f, "stopwords", STRINGS(TEXT("MONDAY")), 1);
  finish(&f, SHAPE(1, 2), TEXTS("TUESDAY", "THURSDAY"));
  start(&f, SHAPE(2), DAYS, NULL, 0);
  call_strings(&f, "stopwords", STRINGS(TEXT("mondays"), TEXT("mon")), 2);
  finish(&f, SHAPE(2), TEXTS("monday", "tuesday"));
}

static void one_empty_text_is_left_where_nothing_is(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(1), DAYS, "UPPER", 1);
  call_strings(&f, "stopwords", STRINGS(TEXT("monday")), 1);
  finish(&f, SHAPE(1), TEXTS(""));
  start(&f, SHAPE(1, 0), DAYS, NULL, 1);
  finish(&f, SHAPE(1, 1), TEXTS(""));
}

static void case_is_that_of_every_language(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(3),
        STRINGS(TEXT("stra\xc3\x9f"
                     "e I"),
                TEXT("\xc3\x84\xff"), TEXT("\xc9\x90")),
        "UPPER", 0);
  finish(&f, SHAPE(3),
         TEXTS("STRA\xc3\x9f"
               "E I",
               "\xc3\x84\xff", "\xe2\xb1\xaf"));
  start(&f, SHAPE(2), STRINGS(TEXT("\xc3\x84I"), TEXT("\xce\xa3\xc4\xb0")), "LOWER", 0);
  call_string(&f, "locale", "en_US");
  finish(&f, SHAPE(2), TEXTS("\xc3\xa4i", "\xcf\x83i"));
  start(&f, SHAPE(1), STRINGS(TEXT("iI\xc4\xb1")), "UPPER", 0);
  call_string(&f, "locale", "tr_TR");
  finish(&f, SHAPE(1), TEXTS("\xc4\xb0II"));
  start(&f, SHAPE(1), STRINGS(TEXT("iI")), "LOWER", 0);
  call_string(&f, "locale", "az");
  finish(&f, SHAPE(1), TEXTS("i\xc4\xb1"));
  start(&f, SHAPE(1), STRINGS(TEXT("iI")), "LOWER", 0);
  call_string(&f, "locale", "train");
  finish(&f, SHAPE(1), TEXTS("ii"));
  start(&f, SHAPE(1), STRINGS(TEXT("\xc3\x84")), NULL, 0);
  call_strings(&f, "stopwords", STRINGS(TEXT("\xc3\xa4")), 1);
  finish(&f, SHAPE(1), TEXTS(""));
}

static void shapes_and_attributes_are_checked(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(2, 1), NULL, NULL, 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has shape [2,1], expected [C] or [1,C]");
  f.inputs[0].shape = SCALAR;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "expected [C] or [1,C]");
  f.inputs[0].shape = SHAPE(1, 1, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "expected [C] or [1,C]");
  f.inputs[0].shape = SHAPE(SYMBOL(0), 3);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_STRING, SHAPE(1, UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_STRING, RANK_UNKNOWN);
  call_string(&f, "case_change_action", "lower");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"case_change_action\" is \"lower\"");
  f.call.output_count = 0;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stop_words_go),
      cmocka_unit_test(one_empty_text_is_left_where_nothing_is),
      cmocka_unit_test(case_is_that_of_every_language),
      cmocka_unit_test(shapes_and_attributes_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
