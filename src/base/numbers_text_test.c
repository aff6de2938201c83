/* Scanning and writing single numbers; the C library's strtod and printf are the independent source. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"
#include "base/testing.h"

static uint64_t bits_of(double value) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static double double_of(uint64_t bits) {
  double value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t bits_of_float(float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits) {
  float value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The text means the same to us and to the C library, as float64 and as float32. */
static void expect_same(const char *text) {
  const char *cursor = text, *end = text + strlen(text);
  double expected = strtod(text, NULL), value = 0;
  if (isinf(expected)) {
    expect_failure(or_number_scan_double(&cursor, end, &value), OR_INVALID_ARGUMENT, "beyond the range of float64");
    assert_ptr_equal(cursor, text);
    return;
  }
  expect_ok(or_number_scan_double(&cursor, end, &value));
  if (bits_of(value) != bits_of(expected)) print_error("%s: %a, expected %a\n", text, value, expected);
  assert_int_equal(bits_of(value), bits_of(expected));
  assert_ptr_equal(cursor, end);
  or_scanned_t scanned;
  cursor = text;
  assert_true(or_scan_decimal(&cursor, end, &scanned));
  float single = or_scanned_float(&scanned), expected_single = strtof(text, NULL);
  if (bits_of_float(single) != bits_of_float(expected_single)) {
    print_error("%s: %a, expected %a\n", text, (double)single, (double)expected_single);
  }
  assert_int_equal(bits_of_float(single), bits_of_float(expected_single));
}

/* Half way between the largest double and 2^1024. */
static const char just_too_large[] =
    "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070963302864166"
    "9288791094655554785194040263065748867150582068190890200070838367627385484581771153176447573027006985557136695962"
    "2842914819860834936475292719074168444365510704342711559699508093042880";
/* Half way between two subnormals, and a little more. */
static const char below_the_smallest_normal[] =
    "2."
    "2250738585072011360574097967091319759348195463516456480234261097248222220210769455165295239081350879141491589130"
    "3962110687008643869459464552765720740782062174337998814106326732925355228688137214901298112245145188984905722230"
    "7285255133155755015914397476397983411801999323962548289017107081850690630666655994938275772572015763062690663332"
    "6475653000092458883164330377797918696120494973903778297049050510806099407302629371289589500035837999672072543043"
    "6028407889577179615094551674824347103070260914462157228988025818254518032570701886087211312807951223342628836862"
    "2321503775666622503982534335974568884423900265498198385487948292206894721689831099698365846814022854243330660339"
    "850886445804001034933970427567186443383770486037861622771738545623065874679014086723327636718751";

static void rounds_hard_cases_correctly(void **state) {
  (void)state;
  static const char *const cases[] = {
      "0",
      "-0",
      "0.0",
      "-0.0e5",
      "0e999999999999999999999",
      "1",
      "-1",
      "123456789012345678",
      "9007199254740993",
      "9007199254740992.9999999999999999",
      "9007199254740993.00000000000000000000001",
      "18014398509481989",
      "1e22",
      "1e23",
      "8.5e22",
      "9e22",
      "1e-22",
      "1e-23",
      "2.2250738585072014e-308",
      "2.2250738585072011e-308",
      below_the_smallest_normal,
      "5e-324",
      "4.9406564584124654e-324",
      "2.4703282292062328e-324",
      "2.4703282292062327e-324",
      "1e-324",
      "1e-400",
      "1e-99999999999999999999",
      "1.7976931348623157e308",
      "1.7976931348623158e308",
      "1.7976931348623159e308",
      "1e308",
      "1e309",
      "1e400",
      "1e99999999999999999999",
      just_too_large,
      "3.4028234663852886e38",
      "3.4028235677973366e38",
      "3.4028235677973367e38",
      "1.17549435e-38",
      "1.1754942807573643e-38",
      "1e-45",
      "7.0064923216240853e-46",
      "7.0064923216240854e-46",
      "16777217",
      "16777217.0000000000000000000000000000000001",
      "16777219",
      "0.1",
      "0.2",
      "0.30000000000000004",
      "6.02214076e23",
      "0.00000000000000000000000000000000000000000000000000001234567890123456789012345678901234567890e99",
      "12345678901234567890123456789012345678901234567890e-30",
      "100000000000000000000000000000000000000000000000",
      "0.99999999999999999999999999999999999999999999",
      "4503599627370497.5",
      "4503599627370496.5",
      "1.00000005960464477539062",
      "1.000000059604644775390625",
      "1.00000005960464477539063",
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) expect_same(cases[i]);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 200000
#else
#define ROUNDS 1500000
#endif

static void reads_back_the_doubles_that_it_writes(void **state) {
  (void)state;
  or_random_t random = {1};
  for (int i = 0; i < ROUNDS; ++i) {
    /* every other one from a narrower range, where most numbers of the world are */
    double value =
        i % 2 == 0 ? double_of(or_random_next(&random)) : ldexp(or_random_uniform(&random) * 2 - 1, i % 64 - 32);
    if (!isfinite(value)) continue;
    char text[40];
    size_t length = or_number_write_double(value, text);
    assert_true(length <= 32);
    text[length] = '\0';
    const char *cursor = text;
    double again = 0;
    expect_ok(or_number_scan_double(&cursor, text + length, &again));
    if (bits_of(strtod(text, NULL)) != bits_of(value) || bits_of(again) != bits_of(value))
      print_error("%a: %s\n", value, text);
    assert_int_equal(bits_of(again), bits_of(value));
    assert_int_equal(bits_of(strtod(text, NULL)), bits_of(value));
  }
}

static void reads_back_the_floats_that_it_writes(void **state) {
  (void)state;
  or_random_t random = {2};
  for (int i = 0; i < ROUNDS; ++i) {
    float value = float_of((uint32_t)or_random_next(&random));
    if (!isfinite(value)) continue;
    char text[40];
    size_t length = or_number_write_float(value, text);
    text[length] = '\0';
    or_scanned_t scanned;
    const char *cursor = text;
    assert_true(or_scan_decimal(&cursor, text + length, &scanned));
    assert_int_equal(bits_of_float(or_scanned_float(&scanned)), bits_of_float(value));
    assert_int_equal(bits_of_float(strtof(text, NULL)), bits_of_float(value));
  }
}

/* Digits without point, exponent, leading and trailing zeros. */
static void only_digits(const char *text, char *digits) {
  size_t length = 0;
  for (; *text != '\0' && *text != 'e'; ++text) {
    if (*text >= '0' && *text <= '9' && (length > 0 || *text != '0')) digits[length++] = *text;
  }
  while (length > 0 && digits[length - 1] == '0') --length;
  digits[length] = '\0';
}

/* printf gives the nearest decimal of p digits; the first p that reads back is the shortest. */
static void expect_shortest(double value, bool single) {
  char expected[64], text[64], expected_digits[64], digits[64];
  for (int precision = 0; precision < 17; ++precision) {
    (void)snprintf(expected, sizeof expected, "%.*e", precision, value);
    if (single ? strtof(expected, NULL) == (float)value : strtod(expected, NULL) == value) break;
  }
  text[single ? or_number_write_float((float)value, text) : or_number_write_double(value, text)] = '\0';
  only_digits(expected, expected_digits);
  only_digits(text, digits);
  if (strcmp(digits, expected_digits) != 0) print_error("%a: wrote %s, expected %s\n", value, text, expected);
  assert_string_equal(digits, expected_digits);
}

static void writes_the_fewest_digits_and_of_these_the_nearest(void **state) {
  (void)state;
  or_random_t random = {3};
  for (int i = 0; i < ROUNDS / 20; ++i) {
    double value = double_of(or_random_next(&random));
    if (isfinite(value)) expect_shortest(value, false);
    expect_shortest(or_random_uniform(&random), false);
    float single = float_of((uint32_t)or_random_next(&random));
    if (isfinite(single)) expect_shortest((double)single, true);
  }
}

/* Below a power of two the neighbour is nearer, so the nearest decimal of p digits may not read back where another one
 * of p does. */
static void writes_powers_of_two_no_longer_than_printf(void **state) {
  (void)state;
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    char expected[64], text[64], digits[64];
    double value = ldexp(1, exponent);
    size_t precision = 0;
    do (void)snprintf(expected, sizeof expected, "%.*e", (int)precision++, value);
    while (strtod(expected, NULL) != value);
    text[or_number_write_double(value, text)] = '\0';
    only_digits(text, digits);
    assert_true(strlen(digits) <= precision);
    expect_same(text);
    assert_true(strtod(text, NULL) == value);
  }
}

static void writes_numbers_as_people_do(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *text;
  } rows[] = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1, "-1"},
      {10, "10"},
      {1200, "1200"},
      {0.1, "0.1"},
      {-0.5, "-0.5"},
      {123.456, "123.456"},
      {1e16, "10000000000000000"},
      {1e17, "1e17"},
      {-1e20, "-1e20"},
      {1.5e300, "1.5e300"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.25e-7, "1.25e-7"},
      {0.30000000000000004, "0.30000000000000004"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e308"},
      {9007199254740992, "9007199254740992"},
      {123456789012345680000.0, "1.2345678901234568e20"},
      {12345678901234568.0, "12345678901234568"},
      {1e23, "1e23"},
      {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
  };
  char text[40];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    text[or_number_write_double(rows[i].value, text)] = '\0';
    assert_string_equal(text, rows[i].text);
  }
  text[or_number_write_float(0.1F, text)] = '\0';
  assert_string_equal(text, "0.1");
  text[or_number_write_float(-3.4028235e38F, text)] = '\0';
  assert_string_equal(text, "-3.4028235e38");
  text[or_number_write_float(16777216.0F, text)] = '\0';
  assert_string_equal(text, "16777216");
}

/* Exact decimals half way between two neighbours, and a little beside them. */
static void rounds_ties_to_even(void **state) {
  (void)state;
  or_random_t random = {4};
  static char text[2000];
  for (int i = 0; i < 20000; ++i) {
    uint32_t bits = (uint32_t)or_random_next(&random) & 0x7FFFFFFF;
    if (bits >= 0x7F7FFFFF) continue;
    if (i % 4 == 0) bits &= 0xFFFFFF; /* subnormals */
    double middle =
        ((double)float_of(bits) + (double)float_of(bits + 1)) / 2; /* exact: a double has room for one more bit */
    (void)snprintf(text, sizeof text, "%.200f", middle);
    char *end = text + strlen(text);
    expect_same(text);
    end[0] = '1';
    end[1] = '\0';
    expect_same(text);
    (void)snprintf(text, sizeof text, "%.*e", (int)(or_random_next(&random) % 40), middle);
    expect_same(text);
  }
#if LDBL_MANT_DIG >= 64 || defined(__x86_64__)
  for (int i = 0; i < 5000; ++i) {
    uint64_t bits = or_random_next(&random) & INT64_MAX;
    if (i % 4 == 0) bits &= (UINT64_C(1) << 53) - 1;
    if (bits >= UINT64_C(0x7FE0000000000000)) continue;
    long double middle = ((long double)double_of(bits) + (long double)double_of(bits + 1)) / 2;
    int length = snprintf(text, sizeof text, "%.1100Le", middle);
    assert_true(length > 0 && (size_t)length < sizeof text);
    expect_same(text);
    text[1101] = '1'; /* the last digit before the exponent */
    expect_same(text);
  }
#endif
}

static void reads_random_decimals_as_the_c_library_does(void **state) {
  (void)state;
  or_random_t random = {5};
  for (int i = 0; i < ROUNDS / 5; ++i) {
    char text[80];
    size_t length = 0, digits = 1 + (size_t)(or_random_next(&random) % 30),
           point = (size_t)(or_random_next(&random) % 32);
    if (or_random_next(&random) % 2 == 0) text[length++] = '-';
    for (size_t d = 0; d < digits; ++d) {
      if (d == point && d > 0) text[length++] = '.';
      text[length++] = (char)('0' + (d == 0 ? 1 + or_random_next(&random) % 9 : or_random_next(&random) % 10));
    }
    int exponent = (int)(or_random_next(&random) % 660) - 340;
    if (i % 3 != 0) length += (size_t)snprintf(text + length, 8, "e%d", i % 3 == 1 ? exponent / 20 : exponent);
    text[length] = '\0';
    expect_same(text);
  }
}

static void refuses_what_is_no_json_number(void **state) {
  (void)state;
  static const char *const cases[] = {
      "",    "-",        "+1",  ".5",        "1.",      "1.e5",       "1e",  "1e+",   "01",  "-01",          "00", "x",
      "NaN", "Infinity", "inf", "-Infinity", "\"nan\"", "\"Infinity", "tru", "\"1\"", "--1", "\xE2\x82\xAC", "nul"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    const char *cursor = cases[i];
    double value = 7;
    expect_failure(or_number_scan_double(&cursor, cursor + strlen(cursor), &value), OR_INVALID_ARGUMENT,
                   "expected a number, found ");
    assert_ptr_equal(cursor, cases[i]);
    assert_true(value == 7);
  }
}

static void stops_behind_the_number(void **state) {
  (void)state;
  const char *text = "12.5]";
  const char *cursor = text;
  double value = 0;
  expect_ok(or_number_scan_double(&cursor, text + 5, &value));
  assert_true(value == 12.5 && cursor == text + 4);
  cursor = text;
  expect_ok(or_number_scan_double(&cursor, text + 2, &value)); /* nothing is read beyond the end */
  assert_true(value == 12 && cursor == text + 2);
}

static void reads_the_words_of_json_tensors(void **state) {
  (void)state;
  const char *text = "\"NaN\"\"Infinity\"\"-Infinity\"truefalse";
  const char *cursor = text, *end = text + strlen(text);
  double values[5];
  for (size_t i = 0; i < 5; ++i) expect_ok(or_number_scan_double(&cursor, end, &values[i]));
  assert_ptr_equal(cursor, end);
  assert_true(isnan(values[0]) && isinf(values[1]) && values[1] > 0 && isinf(values[2]) && values[2] < 0);
  assert_true(values[3] == 1 && values[4] == 0);
}

static void reads_integers_of_64_bits(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t value;
    bool negative;
  } rows[] = {
      {"0", 0, false},
      {"-0", 0, false},
      {"42", 42, false},
      {"-1", UINT64_MAX, true},
      {"9223372036854775807", INT64_MAX, false},
      {"-9223372036854775808", UINT64_C(1) << 63, true},
      {"18446744073709551615", UINT64_MAX, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    const char *cursor = rows[i].text;
    uint64_t value = 7;
    bool negative = !rows[i].negative;
    expect_ok(or_number_scan_integer(&cursor, cursor + strlen(cursor), &value, &negative));
    assert_int_equal(value, rows[i].value);
    assert_int_equal(negative, rows[i].negative);
  }
  static const char *const beyond[] = {"18446744073709551616", "-9223372036854775809", "99999999999999999999999999"};
  for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; ++i) {
    const char *cursor = beyond[i];
    uint64_t value = 0;
    bool negative = false;
    expect_failure(or_number_scan_integer(&cursor, cursor + strlen(cursor), &value, &negative), OR_OUT_OF_RANGE,
                   "outside -2^63..2^64-1");
    assert_ptr_equal(cursor, beyond[i]);
  }
  static const char *const no_integers[] = {"1.0", "1e3", "x", "", "true"};
  for (size_t i = 0; i < sizeof no_integers / sizeof no_integers[0]; ++i) {
    const char *cursor = no_integers[i];
    uint64_t value = 0;
    bool negative = false;
    expect_failure(or_number_scan_integer(&cursor, cursor + strlen(cursor), &value, &negative), OR_INVALID_ARGUMENT,
                   "expected an integer");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rounds_hard_cases_correctly),
      cmocka_unit_test(reads_back_the_doubles_that_it_writes),
      cmocka_unit_test(reads_back_the_floats_that_it_writes),
      cmocka_unit_test(writes_the_fewest_digits_and_of_these_the_nearest),
      cmocka_unit_test(writes_powers_of_two_no_longer_than_printf),
      cmocka_unit_test(writes_numbers_as_people_do),
      cmocka_unit_test(rounds_ties_to_even),
      cmocka_unit_test(reads_random_decimals_as_the_c_library_does),
      cmocka_unit_test(refuses_what_is_no_json_number),
      cmocka_unit_test(stops_behind_the_number),
      cmocka_unit_test(reads_the_words_of_json_tensors),
      cmocka_unit_test(reads_integers_of_64_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
