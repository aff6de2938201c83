#include "base/testing.h"
#include "server/query.h"

static or_query_t query;

static or_status_t parse(const char *text) { return or_query_parse((or_slice_t){text, strlen(text)}, &query); }

static void decodes_names_and_values(void **state) {
  (void)state;
  expect_ok(parse("a=1&b=x+y%20z&%63=%C3%A9&empty=&flag&&d=a%3Db%26c"));
  assert_int_equal(query.count, 6);
  assert_string_equal(or_query_get(&query, "b"), "x y z");
  assert_string_equal(or_query_get(&query, "c"), "\xC3\xA9");
  assert_string_equal(or_query_get(&query, "empty"), "");
  assert_string_equal(or_query_get(&query, "flag"), "");
  assert_string_equal(or_query_get(&query, "d"), "a=b&c");
  assert_null(or_query_get(&query, "none"));
  expect_ok(or_query_parse((or_slice_t){NULL, 0}, &query));
  assert_int_equal(query.count, 0);
}

static void refuses_broken_escapes_and_names_that_come_twice(void **state) {
  (void)state;
  static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%00", "%=1", "a=%FF", "a=%C3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
    expect_failure(parse(bad[i]), OR_INVALID_ARGUMENT, "percent-encoded");
  expect_failure(parse("a=1&%61=2"), OR_INVALID_ARGUMENT, "a twice");
}

static void bounds_length_and_number(void **state) {
  (void)state;
  static char text[OR_QUERY_BYTES + 1];
  memset(text, 'a', OR_QUERY_BYTES);
  expect_failure(parse(text), OR_INVALID_ARGUMENT, "4096 bytes; the limit is 4095");
  text[OR_QUERY_BYTES - 1] = '\0';
  expect_ok(parse(text));
  size_t at = 0;
  for (int i = 0; i <= OR_QUERY_MAX_PARAMETERS; ++i) {
    text[at++] = (char)('A' + i % 26);
    text[at++] = (char)('a' + i / 26);
    text[at++] = '&';
  }
  text[at] = '\0';
  expect_failure(parse(text), OR_INVALID_ARGUMENT, "more than 32 parameters");
}

static void reads_whole_numbers_in_their_range(void **state) {
  (void)state;
  const int64_t range[2] = {1, 1000};
  int64_t value = 0;
  expect_ok(parse("limit=7&bad=7x&big=1001&empty=&plus=%2B7&huge=99999999999999999999"));
  expect_ok(or_query_integer(&query, "limit", range, 100, &value));
  assert_int_equal(value, 7);
  expect_ok(or_query_integer(&query, "none", range, 100, &value));
  assert_int_equal(value, 100);
  expect_failure(or_query_integer(&query, "big", range, 100, &value), OR_INVALID_ARGUMENT,
                 "1001; it must be from 1 to 1000");
  static const char *const bad[] = {"bad", "empty", "plus", "huge"};
  for (size_t i = 0; i < 4; ++i)
    expect_failure(or_query_integer(&query, bad[i], range, 100, &value), OR_INVALID_ARGUMENT, "whole number");
}

static void reads_truth_values_as_people_write_them(void **state) {
  (void)state;
  bool value = false;
  expect_ok(parse("a=true&b=1&c=Yes&d=ON&e=false&f=0&g=no&h=Off&i=&j=maybe&k=2"));
  for (char name[] = "a"; name[0] <= 'd'; ++name[0]) {
    expect_ok(or_query_bool(&query, name, false, &value));
    assert_true(value);
  }
  for (char name[] = "e"; name[0] <= 'h'; ++name[0]) {
    expect_ok(or_query_bool(&query, name, true, &value));
    assert_false(value);
  }
  for (char name[] = "i"; name[0] <= 'k'; ++name[0])
    expect_failure(or_query_bool(&query, name, true, &value), OR_INVALID_ARGUMENT, "true or false");
  expect_ok(or_query_bool(&query, "none", true, &value));
  assert_true(value);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_names_and_values),
      cmocka_unit_test(refuses_broken_escapes_and_names_that_come_twice),
      cmocka_unit_test(bounds_length_and_number),
      cmocka_unit_test(reads_whole_numbers_in_their_range),
      cmocka_unit_test(reads_truth_values_as_people_write_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
