#include "base/testing.h"
#include "base/unicode.h"

static void knows_general_categories(void **state) {
  (void)state; /* UnicodeData.txt, 16.0 */
  assert_true(or_unicode_is('A', OR_UNICODE_LETTER));
  assert_true(or_unicode_is(0x4E00, OR_UNICODE_LETTER));
  assert_true(or_unicode_is(0x1C89, OR_UNICODE_LETTER)); /* new in 16.0 */
  assert_true(or_unicode_is(0x661, OR_UNICODE_NUMBER));  /* Nd */
  assert_true(or_unicode_is(0x2167, OR_UNICODE_NUMBER)); /* Nl */
  assert_true(or_unicode_is(0xBD, OR_UNICODE_NUMBER));   /* No */
  assert_true(or_unicode_is(0x301, OR_UNICODE_NONSPACING));
  assert_true(or_unicode_is(0x903, OR_UNICODE_MARK));
  assert_false(or_unicode_is(0x903, OR_UNICODE_NONSPACING)); /* Mc */
  assert_true(or_unicode_is(0x3002, OR_UNICODE_PUNCTUATION));
  assert_false(or_unicode_is('$', OR_UNICODE_PUNCTUATION)); /* Sc */
  assert_true(or_unicode_is(0x200B, OR_UNICODE_OTHER));     /* Cf */
  assert_true(or_unicode_is(0xE0001, OR_UNICODE_OTHER));
  assert_true(or_unicode_is(0x10FFFD, OR_UNICODE_OTHER)); /* Co */
  assert_false(or_unicode_is(0x378, OR_UNICODE_OTHER));   /* Cn */
  assert_false(or_unicode_is(0x10FFFF, OR_UNICODE_OTHER | OR_UNICODE_LETTER));
}

static void knows_white_space_and_words(void **state) {
  (void)state; /* PropList.txt: 25 characters */
  size_t spaces = 0;
  for (uint32_t code = 0; code < 0x110000; ++code) spaces += or_unicode_is(code, OR_UNICODE_SPACE);
  assert_int_equal(spaces, 25);
  assert_true(or_unicode_is(0x3000, OR_UNICODE_SPACE));
  assert_false(or_unicode_is(0x200B, OR_UNICODE_SPACE));
  assert_true(or_unicode_is('_', OR_UNICODE_WORD));
  assert_true(or_unicode_is(0x200D, OR_UNICODE_WORD));
  assert_true(or_unicode_is(0x24B6, OR_UNICODE_WORD)); /* Other_Alphabetic */
  assert_false(or_unicode_is(0x2460, OR_UNICODE_WORD));
}

static void gives_simple_upper_case(void **state) {
  (void)state; /* UnicodeData.txt; where SpecialCasing.txt has several characters the simple one counts */
  static const uint32_t pairs[][2] = {
      {'a', 'A'},    {0xE9, 0xC9},     {0x1C6, 0x1C4},     {0x1C5, 0x1C4},   {0x3C2, 0x3A3},   {0x131, 'I'},
      {0xDF, 0xDF},  {0xFF, 0x178},    {0x10428, 0x10400}, {0x1F80, 0x1F88}, {0x1FB3, 0x1FBC}, {0x1F50, 0x1F50},
      {0xB5, 0x39C}, {0x10D0, 0x1C90}, {0xFB01, 0xFB01},   {0x345, 0x399},   {'A', 'A'}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i)
    assert_int_equal((int64_t)pairs[i][0] + or_unicode_record(pairs[i][0])->upper, pairs[i][1]);
}

static void gives_simple_lower_case(void **state) {
  (void)state;
  static const uint32_t pairs[][2] = {{'A', 'a'},       {0xC9, 0xE9},   {0x1C4, 0x1C6}, {0x1C5, 0x1C6},
                                      {0x3A3, 0x3C3},   {0x130, 'i'},   {0x1E9E, 0xDF}, {0x10400, 0x10428},
                                      {0x4E00, 0x4E00}, {0x23A, 0x2C65}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; ++i)
    assert_int_equal((int64_t)pairs[i][0] + or_unicode_record(pairs[i][0])->lower, pairs[i][1]);
}

static void decomposes_fully(void **state) {
  (void)state; /* NormalizationTest.txt */
  uint32_t out[OR_UNICODE_DECOMPOSED_MAX];
  assert_int_equal(or_unicode_decompose(0x1EAD, false, out), 3); /* a, dot below, circumflex: twice nested */
  assert_int_equal(out[0], 'a');
  assert_int_equal(out[1], 0x323);
  assert_int_equal(out[2], 0x302);
  assert_int_equal(or_unicode_decompose(0xAC01, false, out), 3);
  assert_int_equal(out[0], 0x1100);
  assert_int_equal(out[1], 0x1161);
  assert_int_equal(out[2], 0x11A8);
  assert_int_equal(or_unicode_decompose(0x2F81A, false, out), 1);
  assert_int_equal(out[0], 0x51AC);
  assert_int_equal(or_unicode_decompose(0xFB01, false, out), 0);
  assert_int_equal(or_unicode_decompose(0xFB01, true, out), 2);
  assert_int_equal(or_unicode_decompose(0xFDFA, true, out), OR_UNICODE_DECOMPOSED_MAX);
  assert_int_equal(or_unicode_decompose(0x1D7FF, true, out), 1);
  assert_int_equal(out[0], '9');
  assert_int_equal(or_unicode_decompose('a', true, out), 0);
}

static void composes_what_it_decomposes(void **state) {
  (void)state;
  uint32_t parts[OR_UNICODE_DECOMPOSED_MAX];
  assert_int_equal(or_unicode_compose('e', 0x301), 0xE9);
  assert_int_equal(or_unicode_compose(0x11935, 0x11930), 0x11938);
  assert_int_equal(or_unicode_compose(0x915, 0x93C), 0); /* U+0958 is excluded from composition */
  assert_int_equal(or_unicode_compose('e', 'e'), 0);
  assert_int_equal(or_unicode_compose(0xAC01, 0x11A8), 0); /* a syllable that has its last consonant */
  for (uint32_t code = 0xAC00; code < 0xAC00 + 11172; ++code) {
    size_t count = or_unicode_decompose(code, false, parts);
    uint32_t composed = or_unicode_compose(parts[0], parts[1]);
    if (count == 3) composed = or_unicode_compose(composed, parts[2]);
    assert_int_equal(composed, code);
  }
}

static void writes_what_it_reads(void **state) {
  (void)state;
  for (uint32_t code = 0; code < 0x110000; ++code) {
    char bytes[4];
    size_t width = or_unicode_write(code, bytes), read = 0;
    assert_int_equal(or_unicode_read(bytes, &read), code);
    assert_int_equal(read, width);
    assert_int_equal(or_unicode_width(bytes[0]), width);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_general_categories), cmocka_unit_test(knows_white_space_and_words),
      cmocka_unit_test(gives_simple_lower_case),  cmocka_unit_test(gives_simple_upper_case),
      cmocka_unit_test(decomposes_fully),         cmocka_unit_test(composes_what_it_decomposes),
      cmocka_unit_test(writes_what_it_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
