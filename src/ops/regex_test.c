/* What matches is what RE2 says of it (https://github.com/google/re2/wiki/Syntax). */
#include <stdlib.h>

#include "base/testing.h"
#include "ops/regex.h"

static or_string_t text_of(const char *text) { return (or_string_t){.data = text, .length = strlen(text)}; }

/* Each text of the list, which NULL ends, matches or does not. */
static void expect_all(const char *pattern, bool expected, const char *const *texts) {
  or_regex_t *regex = NULL;
  expect_ok(or_regex_create(or_allocator_system(), text_of(pattern), &regex));
  for (; *texts != NULL; ++texts) {
    bool matches = !expected;
    expect_ok(or_regex_match(regex, text_of(*texts), NULL, &matches));
    if (matches != expected) print_error("%s: \"%s\" %s\n", pattern, *texts, expected ? "does not match" : "matches");
    assert_int_equal(matches, expected);
  }
  or_regex_destroy(regex);
}

#define MATCHES(pattern, ...) expect_all(pattern, true, (const char *const[]){__VA_ARGS__, NULL})
#define DIFFERS(pattern, ...) expect_all(pattern, false, (const char *const[]){__VA_ARGS__, NULL})

static void refuses(const char *pattern, or_status_code_t code, const char *part) {
  or_regex_t *regex = NULL;
  expect_failure(or_regex_create(or_allocator_system(), text_of(pattern), &regex), code, part);
  assert_null(regex);
}

static void all_of_the_text_must_match(void **state) {
  (void)state;
  MATCHES("abc", "abc");
  DIFFERS("abc", "ab", "abcd", "xabc", "");
  MATCHES("", "");
  DIFFERS("", "a");
  MATCHES("a|bc|", "a", "bc", "");
  DIFFERS("a|bc|", "ab", "b");
  MATCHES("www.[\\w.-]+\\bcom", "www.google.com");
}

static void repeats_as_often_as_said(void **state) {
  (void)state;
  MATCHES("a*b+c?", "b", "aabbc");
  DIFFERS("a*b+c?", "a", "bcc");
  MATCHES("(ab){2}", "abab");
  DIFFERS("(ab){2}", "ab", "ababab");
  MATCHES("a{2,}", "aa", "aaaaa");
  DIFFERS("a{2,}", "a");
  MATCHES("a{1,3}?", "a", "aaa");
  DIFFERS("a{1,3}?", "", "aaaa");
  MATCHES("a{0}b", "b");
  MATCHES("(a*)*", "", "aaaa");
  MATCHES("a{,2}", "a{,2}"); /* no repetition, and so literal */
  MATCHES("x{2", "x{2");
  MATCHES("x{02}", "x{02}");
  MATCHES("(a?){20}a{20}", "aaaaaaaaaaaaaaaaaaaa");
}

static void classes_hold_what_they_name(void **state) {
  (void)state;
  MATCHES("[a-c]", "a", "c");
  DIFFERS("[a-c]", "d", "-");
  MATCHES("[^a-c]", "d", "\n", "\xc3\xa4");
  MATCHES("[]a-]", "]", "a", "-");
  MATCHES("[^]]", "a");
  MATCHES("[\\d\\-x]", "7", "-", "x");
  MATCHES("\\d\\D\\s\\S\\w\\W", "1a\t-_ ");
  DIFFERS("\\s", "\v"); /* unlike [[:space:]] */
  MATCHES("[[:space:]]", "\v");
  MATCHES("[[:alpha:][:digit:]_]+", "aB9_");
  DIFFERS("[[:^alpha:]]", "a");
  MATCHES("[[:punct:]]+", "!/:@[`{~");
  MATCHES("[[:word:]]", "_");
  MATCHES("[[:a]", "[", ":", "a"); /* no name */
  MATCHES(".", "a", "\xe4\xb8\xad");
  DIFFERS(".", "\n", "", "ab");
  MATCHES("\\pL\\p{Lu}\\P{Lu}\\PL", "\xc3\xa4\xc3\x84\xc3\xa4"
                                    "1");
  MATCHES("\\p{^Nd}[\\pN]\\p{Any}", "a1\n");
  MATCHES("\\p{Co}", "\xf3\xb0\x80\x80", "\xf4\x80\x80\x80");
  DIFFERS("\\pC", "\xcd\xb8"); /* U+0378, unassigned */
}

static void case_is_folded_where_it_is_said(void **state) {
  (void)state;
  MATCHES("(?i)k", "k", "K", "\xe2\x84\xaa"); /* Kelvin */
  MATCHES("(?i)\xcf\x83", "\xce\xa3", "\xcf\x82", "\xcf\x83");
  MATCHES("(?i)i", "I");
  DIFFERS("(?i)i", "\xc4\xb0", "\xc4\xb1"); /* with and without a dot in Turkic languages only */
  MATCHES("(?i:a)b", "Ab");
  DIFFERS("(?i:a)b", "AB");
  MATCHES("a(?i)b|c", "aB", "C");
  MATCHES("(?i)a(?-i)b", "Ab");
  DIFFERS("(?i)a(?-i)b", "AB");
  MATCHES("((?i)a)b", "Ab");
  DIFFERS("((?i)a)b", "AB");
  MATCHES("(?i)[a-c]", "B");
  DIFFERS("(?i)[^k]", "K", "\xe2\x84\xaa");
  DIFFERS("(?i)\\W", "\xc5\xbf"); /* the long s is an s */
  MATCHES("(?i)1\xe4\xb8\xad", "1\xe4\xb8\xad");
}

static void places_are_asserted(void **state) {
  (void)state;
  MATCHES("^a$", "a");
  MATCHES("a(^|b)", "ab");
  DIFFERS("a^b", "ab");
  DIFFERS("a$\n", "a\n");
  MATCHES("(?m)a$\n^b", "a\nb");
  DIFFERS("(?m)a\\z\n\\Ab", "a\nb");
  MATCHES("\\Aa\\z", "a");
  MATCHES("a\\b \\bb\\B.", "a bc");
  DIFFERS("a\\bb", "ab");
  MATCHES("\\B-\\B", "-");
  MATCHES("(?s).", "\n");
}

static void escapes_stand_for_characters(void **state) {
  (void)state;
  MATCHES("\\x41\\x{e4}\\101\\060\\07", "A\xc3\xa4"
                                        "A0\a");
  MATCHES("\\a\\f\\t\\n\\r\\v", "\a\f\t\n\r\v");
  MATCHES("\\.\\*\\\\\\_", ".*\\_");
  MATCHES("\\Qa.b*\\Ec\\Q", "a.b*c");
  MATCHES("}]", "}]");
  MATCHES("(?P<one>a)(?<two>b)(?U)c", "abc");
  MATCHES("(?)a", "a");
}

static void what_is_no_pattern_is_refused(void **state) {
  (void)state;
  static const char *const wrong[][2] = {
      {"*", "nothing is repeated"},
      {"a|*", "nothing is repeated"},
      {"a**", "a repetition is repeated"},
      {"a{2}{3}", "repeated"},
      {"a{1001}", "beyond 1000"},
      {"a{3,1}", "wrong order"},
      {"((a{100}){10}){2}", "nested"},
      {"(a", "not closed at byte 2"},
      {"a)", "at byte 1"},
      {"[a", "not closed"},
      {"[", "not closed"},
      {"[a-", "not closed"},
      {"[z-a]", "range ends"},
      {"[a-\\d]", "no such escape"},
      {"[[:nope:]]", "no such class"},
      {"\\1", "not referred to"},
      {"\\8", "no such escape"},
      {"\\Z", "no such escape"},
      {"\\", "nothing is escaped"},
      {"\\x1", "hexadecimal"},
      {"\\x{}", "hexadecimal"},
      {"\\x{1", "hexadecimal"},
      {"\\x{110000}", "beyond 10FFFF"},
      {"\\p", "missing"},
      {"\\p{L", "does not end"},
      {"(?=a)", "ahead or behind"},
      {"(?<!a)", "ahead or behind"},
      {"(?P<a>a)(?P<a>b)", "twice"},
      {"(?P<>a)", "empty"},
      {"(?P<a", "does not end"},
      {"(?P<a-b>a)", "letters"},
      {"(?x)a", "no such flag"},
      {"(?i", "do not end"},
      {"(?--i)", "taken away twice"},
      {"(?i-)", "no flag is taken"},
      {"\xff", "UTF-8"},
      {"\\\xc3\xa4", "no such escape"},
      {"[\\b]", "no such escape"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) refuses(wrong[i][0], OR_INVALID_ARGUMENT, wrong[i][1]);
  refuses("\\C", OR_UNIMPLEMENTED, "single bytes");
  refuses("\\p{Greek}", OR_UNIMPLEMENTED, "\"Greek\" at byte 0 is no general category");
}

/* Text of `count` times the same, which is freed by the caller. */
static char *repeated(const char *text, size_t count) {
  char *memory = malloc(strlen(text) * count + 1);
  assert_non_null(memory);
  for (size_t i = 0; i < count; ++i) memcpy(memory + i * strlen(text), text, strlen(text));
  memory[strlen(text) * count] = '\0';
  return memory;
}

static void what_is_too_large_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t count;
    const char *part;
  } large[] = {{"a", OR_REGEX_MAX_BYTES + 1, "more than 65536, the limit"},
               {"a", OR_REGEX_MAX_INSTRUCTIONS + 1, "more than 32768 instructions"},
               {"(", OR_REGEX_MAX_DEPTH + 1, "deeper than 250"},
               {"\\pL", 300, "more than 131072 ranges"},
               {"\\p{Zl}", OR_REGEX_MAX_CATEGORIES + 1, "more than 1000 categories"}};
  for (size_t i = 0; i < sizeof large / sizeof *large; ++i) {
    char *pattern = repeated(large[i].text, large[i].count);
    refuses(pattern, OR_RESOURCE_EXHAUSTED, large[i].part);
    free(pattern);
  }
  char *deep = repeated("(", OR_REGEX_MAX_DEPTH);
  refuses(deep, OR_INVALID_ARGUMENT, "not closed");
  free(deep);
}

static void text_that_is_not_utf8_never_matches(void **state) {
  (void)state;
  DIFFERS("(?s).*", "a\xff", "\xc3");
  MATCHES("(?s).*", "a\xc3\xa4");
}

static or_status_t create_and_destroy(const or_allocator_t *allocator) {
  or_regex_t *regex = NULL;
  or_status_t status = or_regex_create(allocator, text_of("(?i)(a|[^b-d\\W]{2,3}|\\p{Lu})*|(?P<n>x+)\\Qy\\E"), &regex);
  or_regex_destroy(regex);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(create_and_destroy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_of_the_text_must_match),
      cmocka_unit_test(repeats_as_often_as_said),
      cmocka_unit_test(classes_hold_what_they_name),
      cmocka_unit_test(case_is_folded_where_it_is_said),
      cmocka_unit_test(places_are_asserted),
      cmocka_unit_test(escapes_stand_for_characters),
      cmocka_unit_test(what_is_no_pattern_is_refused),
      cmocka_unit_test(what_is_too_large_is_refused),
      cmocka_unit_test(text_that_is_not_utf8_never_matches),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
