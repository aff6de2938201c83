/* Long rows of numbers, which go a quicker way than single ones; strtof and strtod are the independent source. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"
#include "base/string.h"
#include "base/testing.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 300
#else
#define ROUNDS 3000
#endif
#define WIDTH ((size_t)100)

static float float_of(uint32_t bits) {
  float value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* A number in one of the ways that there are to write one, many of them near the middle between two floats. */
static void write_number(or_random_t *random, char *text, size_t capacity) {
  const uint64_t choice = or_random_next(random);
  uint32_t bits = (uint32_t)(choice >> 32);
  if ((bits >> 23 & 0xFF) == 0xFF) bits ^= UINT32_C(1) << 30;
  const double any = (double)float_of(bits), middle = (any + (double)float_of(bits + 1)) / 2;
  const double near = isfinite(middle) ? middle : any, uniform = or_random_uniform(random) * 2 - 1;
  const int digits = (int)(choice >> 8 & 15) + 1;
  switch (choice & 7) {
  case 0: (void)or_format(text, capacity, "%d", (int)(bits % 256)); break;
  case 1:
    (void)or_format(text, capacity, "%lld", (long long)((int64_t)or_random_next(random) >> (choice >> 8 & 63)));
    break;
  case 2: (void)or_format(text, capacity, "%.*f", digits, uniform); break;
  case 3: (void)or_format(text, capacity, "%.*g", digits, uniform * 1000); break;
  case 4: (void)or_format(text, capacity, "%.*e", digits, any); break;
  case 5: (void)or_format(text, capacity, "%.*g", digits + 2, near); break;
  case 6: (void)or_format(text, capacity, "%.17g", uniform); break;
  default: (void)or_format(text, capacity, "%.9G", any); break;
  }
}

/* Reads the row both ways and as both types. */
static void expect_same(const or_text_t *row, const float *singles, const double *doubles) {
  float single[WIDTH];
  double value[WIDTH];
  const char *end = row->data + row->length, *at = row->data;
  size_t count = 0;
  if (!or_skip_numbers(&at, end, 2, &count)) print_error("stopped at %.30s\n", at);
  assert_ptr_equal(at, end);
  assert_int_equal(count, WIDTH);
  at = row->data;
  assert_int_equal(or_number_fill(&at, end, OR_FLOAT32, single, WIDTH), WIDTH);
  assert_ptr_equal(at, end);
  if (memcmp(single, singles, sizeof single) != 0) print_error("%s\n", row->data);
  assert_memory_equal(single, singles, sizeof single);
  at = row->data;
  assert_int_equal(or_number_fill(&at, end, OR_FLOAT64, value, WIDTH), WIDTH);
  if (memcmp(value, doubles, sizeof value) != 0) print_error("%s\n", row->data);
  assert_memory_equal(value, doubles, sizeof value);
  at = row->data;
  expect_ok(or_number_scan_array(&at, end, OR_FLOAT64, value, WIDTH));
  assert_memory_equal(value, doubles, sizeof value);
}

static void reads_rows_as_the_c_library_reads_their_numbers(void **state) {
  (void)state;
  or_random_t random = {7};
  or_text_t row;
  or_text_init(&row, or_allocator_system());
  for (int round = 0; round < ROUNDS; ++round) {
    float singles[WIDTH];
    double doubles[WIDTH];
    or_text_clear(&row);
    for (size_t i = 0; i < WIDTH; ++i) {
      char text[400];
      write_number(&random, text, sizeof text);
      singles[i] = strtof(text, NULL);
      doubles[i] = strtod(text, NULL);
      const bool nested = (random.state & 0x70) == 0; /* a row of its own */
      expect_ok(or_text_append_string(&row, i == 0 ? "[" : (random.state & 1) != 0 ? "," : ", "));
      expect_ok(or_text_printf(&row, nested ? "[ %s]" : "%s", text));
    }
    expect_ok(or_text_append_string(&row, "]"));
    expect_same(&row, singles, doubles);
  }
  or_text_deinit(&row);
}

/* Rows of nothing but decimals of few digits, the last of them more than a float holds. */
static void reads_decimals_of_few_digits_as_the_c_library_does(void **state) {
  (void)state;
  or_random_t random = {11};
  or_text_t row;
  or_text_init(&row, or_allocator_system());
  for (int round = 0; round < ROUNDS; ++round) {
    float singles[WIDTH];
    double doubles[WIDTH];
    const int most = round % 8 + 1;
    or_text_clear(&row);
    for (size_t i = 0; i < WIDTH; ++i) {
      char text[40];
      const uint64_t choice = or_random_next(&random);
      const int digits = (int)(choice % (uint64_t)most) + 1;
      uint64_t fraction = or_random_next(&random), limit = 1;
      for (int d = 0; d < digits; ++d) limit *= 10;
      (void)or_format(text, sizeof text, "%s%d.%0*llu", (choice & 256) != 0 ? "-" : "", (int)(choice >> 16 & 15) % 10,
                      digits, (unsigned long long)(fraction % limit));
      singles[i] = strtof(text, NULL);
      doubles[i] = strtod(text, NULL);
      expect_ok(or_text_printf(&row, "%s%s", i == 0 ? "[" : ", ", text));
    }
    expect_ok(or_text_append_string(&row, "]"));
    expect_same(&row, singles, doubles);
  }
  or_text_deinit(&row);
}

/* A row whose number 20 is `odd`; NULL: none. */
static void make_row(or_text_t *row, const char *odd) {
  or_text_clear(row);
  for (size_t i = 0; i < WIDTH; ++i) {
    expect_ok(or_text_append_string(row, i == 0 ? "[" : ","));
    expect_ok(or_text_append_string(row, i == 20 ? odd : "0.25"));
  }
  expect_ok(or_text_append_string(row, "]"));
}

static void stops_where_no_number_of_json_stands(void **state) {
  (void)state;
  static const char *const odd[] = {"",
                                    "01",
                                    "00",
                                    "-01",
                                    "01.5",
                                    ".5",
                                    "-.5",
                                    "5.",
                                    "-5.",
                                    "1.e5",
                                    "1..5",
                                    "1.2.3",
                                    "-",
                                    "+1",
                                    "--1",
                                    "1-",
                                    "1e",
                                    "1e+",
                                    "1e-",
                                    "1e+-1",
                                    "1ee1",
                                    "1e1.5",
                                    "e5",
                                    "1E",
                                    "0x10",
                                    "nan",
                                    "inf",
                                    "NaN",
                                    "1 2",
                                    "1a",
                                    "a",
                                    "\"1\"",
                                    "true",
                                    "1e999",
                                    "-1e999",
                                    "1e0x",
                                    "12345678.",
                                    "1234567a",
                                    "123456789012345.",
                                    "1.234567890123456e",
                                    "1:2",
                                    "1/2",
                                    "1;",
                                    "{}",
                                    "0.1234567890123456x",
                                    "0.2x",
                                    "0.x2",
                                    "a.25",
                                    "/.5",
                                    "0.123456x",
                                    "0.:",
                                    "-:.5"};
  or_text_t row;
  float values[WIDTH];
  or_text_init(&row, or_allocator_system());
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
    size_t count = 0;
    make_row(&row, odd[i]);
    const char *at = row.data;
    if (or_skip_numbers(&at, row.data + row.length, 16, &count)) print_error("\"%s\" was taken\n", odd[i]);
    assert_true(at < row.data + row.length - 1);
    assert_int_equal(count >= 20 && count <= 21, 1);
    const bool held = *odd[i] == 't';
    if (held) continue; /* as floats */
    at = row.data;
    expect_failure(or_number_scan_array(&at, row.data + row.length, OR_FLOAT32, values, WIDTH), OR_INVALID_ARGUMENT,
                   "");
  }
  or_text_deinit(&row);
}

static void takes_every_form_that_json_has(void **state) {
  (void)state;
  static const char *const good[] = {"0",
                                     "-0",
                                     "-0.0",
                                     "0e5",
                                     "0.0e-5",
                                     "1E5",
                                     "1e+5",
                                     "1e-05",
                                     "1e005",
                                     "10",
                                     "100.5",
                                     "1e22",
                                     "1e23",
                                     "1e-45",
                                     "1e-46",
                                     "3.4028235e38",
                                     "1e39",
                                     "1e308",
                                     "12345678",
                                     "123456789",
                                     "1234567890123456",
                                     "0.123456789012345",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "9223372036854775808",
                                     "-9223372036854775809",
                                     "18446744073709551615",
                                     "123456789012345678901234567890.5",
                                     "7.0064923216240854e-46",
                                     "16777217",
                                     "16777217.0",
                                     "1.00000005960464477539062"};
  or_text_t row;
  or_text_init(&row, or_allocator_system());
  for (size_t i = 0; i < sizeof good / sizeof good[0]; ++i) {
    float singles[WIDTH];
    double doubles[WIDTH];
    make_row(&row, good[i]);
    for (size_t k = 0; k < WIDTH; ++k) {
      singles[k] = k == 20 ? strtof(good[i], NULL) : 0.25F;
      doubles[k] = k == 20 ? strtod(good[i], NULL) : 0.25;
    }
    const char *at = row.data;
    float single[WIDTH];
    double value[WIDTH];
    size_t count = 0;
    assert_int_equal(or_number_fill(&at, row.data + row.length, OR_FLOAT32, single, WIDTH), WIDTH);
    assert_memory_equal(single, singles, sizeof single);
    at = row.data;
    assert_int_equal(or_number_fill(&at, row.data + row.length, OR_FLOAT64, value, WIDTH), WIDTH);
    assert_memory_equal(value, doubles, sizeof value);
    at = row.data;
    assert_true(or_skip_numbers(&at, row.data + row.length, 1, &count));
    assert_int_equal(count, WIDTH);
  }
  or_text_deinit(&row);
}

static void fills_whole_numbers_up_to_one_that_is_none(void **state) {
  (void)state;
  static const char text[] = "[[1, -2],[3],\n[], [127,\t-128]]";
  int8_t bytes[8] = {0};
  const char *at = text, *end = text + sizeof text - 1;
  assert_int_equal(or_number_fill(&at, end, OR_INT8, bytes, 5), 5);
  assert_ptr_equal(at, end);
  assert_true(bytes[0] == 1 && bytes[1] == -2 && bytes[2] == 3 && bytes[3] == 127 && bytes[4] == -128);
  at = text;
  assert_int_equal(or_number_fill(&at, end, OR_INT8, bytes, 4), 4); /* one more is there */
  assert_int_equal(*at, '-');
  static const struct {
    or_dtype_t dtype;
    const char *text;
    size_t filled;
  } rows[] = {
      {OR_INT8, "[1,128]", 1},  {OR_UINT8, "[1,-1]", 1},  {OR_BOOL, "[1,0,2]", 2},
      {OR_BOOL, "[1,-1]", 1},   {OR_INT64, "[1,2.0]", 1}, {OR_INT32, "[1e2]", 0},
      {OR_UINT64, "[7,-0]", 2}, {OR_INT4, "[-8,7,8]", 2}, {OR_INT64, "[9223372036854775807,-9223372036854775808]", 2}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    int64_t storage[4] = {0};
    at = rows[i].text;
    assert_int_equal(or_number_fill(&at, at + strlen(at), rows[i].dtype, storage, 4), rows[i].filled);
  }
  float pairs[4] = {0};
  static const char complex[] = "[[1,2],[3,4]]";
  at = complex;
  assert_int_equal(or_number_fill(&at, complex + sizeof complex - 1, OR_COMPLEX64, pairs, 2), 4);
  assert_true(pairs[0] == 1 && pairs[3] == 4);
}

static void goes_over_nested_arrays_to_a_depth(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t depth, count;
    bool good;
  } rows[] = {{"[[1,2],[3,[4]]]", 3, 4, true},
              {"[[1,2],[3,[4]]]", 2, 3, false},
              {"[]", 1, 0, true},
              {"[[],[ ],[]]", 2, 0, true},
              {"[1,]", 1, 1, false},
              {"[,1]", 1, 0, false},
              {"[1", 1, 1, false},
              {"[", 1, 0, false},
              {"", 1, 0, false},
              {"[1 2]", 1, 1, false},
              {"[1]]", 1, 1, true},
              {"[[1]", 2, 1, false},
              {"1", 1, 0, false},
              {"[1}", 1, 1, false},
              {"[[1],2,[3]]", 2, 3, true}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    const char *at = rows[i].text;
    size_t count = 0;
    assert_int_equal(or_skip_numbers(&at, at + strlen(at), rows[i].depth, &count), rows[i].good);
    assert_int_equal(count, rows[i].count);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_rows_as_the_c_library_reads_their_numbers),
      cmocka_unit_test(reads_decimals_of_few_digits_as_the_c_library_does),
      cmocka_unit_test(stops_where_no_number_of_json_stands),
      cmocka_unit_test(takes_every_form_that_json_has),
      cmocka_unit_test(fills_whole_numbers_up_to_one_that_is_none),
      cmocka_unit_test(goes_over_nested_arrays_to_a_depth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
