#include <math.h>

#include "base/numbers.h"
#include "base/testing.h"

static or_status_t scan(const char *text, or_dtype_t dtype, void *data, size_t count) {
  const char *cursor = text;
  or_status_t status = or_number_scan_array(&cursor, text + strlen(text), dtype, data, count);
  if (or_ok(status)) assert_ptr_equal(cursor, text + strlen(text));
  if (!or_ok(status)) assert_ptr_equal(cursor, text);
  return status;
}

static void reads_flat_and_nested_arrays(void **state) {
  (void)state;
  float values[6] = {0};
  expect_ok(scan("[1,2.5,-3e2 , 4\n,\t5,6]", OR_FLOAT32, values, 6));
  assert_true(values[0] == 1 && values[1] == 2.5F && values[2] == -300 && values[5] == 6);
  expect_ok(scan("[[[6],[5]], [[4],[3]],[[2],[1]]]", OR_FLOAT32, values, 6));
  assert_true(values[0] == 6 && values[5] == 1);
  /* long enough for the quick way, which must stop where something else than a plain number stands */
  static const char *const long_rows[] = {
      "[1,2, 3,\n 4,  5,\"NaN\",1e400000,8                                                                             "
      "   ]",
      "[1,[2, 3],[4,5,[\"NaN\"]],7.0000000000000000000000000000000000000,8                                             "
      "      ]",
      "[1,-2e0,0.3e1,4,5E+0,\"NaN\",0.000000000000000000000000000000000000000000000000000000000000000000007,8.000      "
      "         ]",
      "[[[1,2],[3,4]],[[5,\"NaN\"],[7,8                                                                                "
      "]]]",
  };
  for (size_t i = 0; i < sizeof long_rows / sizeof long_rows[0]; ++i) {
    double row[8] = {0};
    or_status_t status = scan(long_rows[i], OR_FLOAT64, row, 8);
    if (i == 0) {
      expect_failure(status, OR_INVALID_ARGUMENT, "element 6: ");
    } else {
      expect_ok(status);
    }
    assert_true(row[0] == 1 && fabs(row[1]) == 2 && row[2] == 3 && row[3] == 4 && row[4] == 5);
  }
  expect_ok(scan("  [ ]", OR_FLOAT32, values, 0));
  expect_ok(scan("[[], [ ], []]", OR_FLOAT32, values, 0));
  expect_ok(scan("[[[[[[[[[[[[[[[[7]]]]]]]]]]]]]]]]", OR_FLOAT32, values, 1));
  assert_true(values[0] == 7);
}

static void reads_every_dtype(void **state) {
  (void)state;
  for (int d = OR_FLOAT32; d < OR_DTYPE_COUNT; ++d) {
    or_dtype_t dtype = (or_dtype_t)d;
    double storage[8] = {0};
    if (dtype == OR_STRING) continue;
    if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) {
      expect_ok(scan("[[1,2],[3,4]]", dtype, storage, 2));
      double second = dtype == OR_COMPLEX64 ? (double)((float *)(void *)storage)[3] : storage[3];
      assert_true(or_element_get(dtype, storage, 1) == 3 && second == 4);
      continue;
    }
    if (dtype == OR_FLOAT8E8M0) continue; /* has no zero */
    expect_ok(scan("[1,0,1]", dtype, storage, 3));
    assert_true(or_element_get(dtype, storage, 0) == 1 && or_element_get(dtype, storage, 1) == 0 &&
                or_element_get(dtype, storage, 2) == 1);
  }
}

static void checks_the_range_of_every_dtype(void **state) {
  (void)state;
  static const struct {
    or_dtype_t dtype;
    const char *inside, *outside;
  } rows[] = {
      {OR_UINT8, "[0,255]", "[0,256]"},
      {OR_UINT8, "[7,1]", "[7,-1]"},
      {OR_INT8, "[-128,127]", "[0,128]"},
      {OR_INT8, "[0,-128]", "[0,-129]"},
      {OR_INT16, "[-32768,32767]", "[0,-32769]"},
      {OR_UINT16, "[0,65535]", "[0,65536]"},
      {OR_INT32, "[0,-2147483648]", "[0,2147483648]"},
      {OR_UINT32, "[0,4294967295]", "[0,4294967296]"},
      {OR_INT64, "[0,-9223372036854775808]", "[0,9223372036854775808]"},
      {OR_INT64, "[0,9223372036854775807]", "[0,-9223372036854775809]"},
      {OR_UINT64, "[0,18446744073709551615]", "[0,18446744073709551616]"},
      {OR_INT4, "[-8,7]", "[0,8]"},
      {OR_UINT4, "[0,15]", "[0,16]"},
      {OR_INT2, "[-2,1]", "[0,2]"},
      {OR_UINT2, "[0,3]", "[0,-1]"},
      {OR_BOOL, "[true,1]", "[0,2]"},
      {OR_BOOL, "[false,0]", "[0,-1]"},
      {OR_INT32, "[1.0,1e3]", "[0,1.5]"},
      {OR_INT32, "[true,-0]", "[0,1e300]"},
      {OR_INT32, "[0,1]", "[0,\"NaN\"]"},
      {OR_FLOAT32, "[0,3.4028235e38]", "[0,3.5e38]"},
      {OR_FLOAT32, "[\"NaN\",\"-Infinity\"]", "[0,\"inf\"]"},
      {OR_FLOAT64, "[0,1.7976931348623157e308]", "[0,1e309]"},
      {OR_FLOAT16, "[0,65504]", "[0,65505]"},
      {OR_BFLOAT16, "[0,3e38]", "[0,3.4e38]"},
      {OR_FLOAT8E4M3FN, "[\"NaN\",448]", "[0,449]"},
      {OR_FLOAT8E4M3FN, "[0,-448]", "[0,\"Infinity\"]"},
      {OR_FLOAT8E5M2, "[0,57344]", "[0,57345]"},
      {OR_FLOAT4E2M1, "[-6,6]", "[0,6.5]"},
      {OR_FLOAT4E2M1, "[0,0.5]", "[0,\"NaN\"]"},
      {OR_FLOAT6E2M3, "[-7.5,7.5]", "[0,7.6]"},
      {OR_FLOAT8E8M0, "[0.25,\"NaN\"]", "[1,-2]"},
      {OR_FLOAT8E8M0, "[0.25,4]", "[1,0]"},
      {OR_COMPLEX64, "[[1,2],[\"NaN\",4]]", "[1,1e39,3,4]"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    uint64_t storage[8] = {0};
    expect_ok(scan(rows[i].inside, rows[i].dtype, storage, 2));
    expect_failure(scan(rows[i].outside, rows[i].dtype, storage, 2), OR_INVALID_ARGUMENT,
                   "element 1: expected a number that fits into ");
  }
}

static void refuses_what_is_no_array_of_so_many_numbers(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } rows[] = {
      {"", "found the end of the text"},
      {"1", "expected an array of numbers, found 1"},
      {"{}", "expected an array"},
      {"[1,2", "after element 2: expected , or ], found the end of the text"},
      {"[1 2]", "after element 1"},
      {"[1,]", "element 1: "},
      {"[,1]", "element 0: "},
      {"[1,2,3]", "more than 2 elements"},
      {"[1]", "1 elements, but the shape asks for 2"},
      {"[]", "0 elements"},
      {"[[1,2]", "after element 2"},
      {"[1,x]", "element 1: expected a number that fits into float32, found x"},
      {"[1,\"a\"]", "found \"a\""},
      {"[null,1]", "found null"},
      {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "nested deeper than 16"},
      {"[01,2]", "element 0"},
      {"[1,-]", "element 1"},
      {"[1,{\"a\":1}]", "element 1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    float values[2];
    expect_failure(scan(rows[i].text, OR_FLOAT32, values, 2), OR_INVALID_ARGUMENT, rows[i].words);
  }
  or_string_t strings[2];
  expect_failure(scan("[1,2]", OR_STRING, strings, 2), OR_INVALID_ARGUMENT, "string elements can't be read");
  double pair[2];
  expect_failure(scan("[1,2]", OR_COMPLEX128, pair, SIZE_MAX), OR_OUT_OF_RANGE, "too many");
}

static void stops_behind_the_array(void **state) {
  (void)state;
  const char *text = "[[1],[2]],[3]";
  const char *cursor = text;
  int32_t values[2];
  expect_ok(or_number_scan_array(&cursor, text + strlen(text), OR_INT32, values, 2));
  assert_string_equal(cursor, ",[3]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_flat_and_nested_arrays),    cmocka_unit_test(reads_every_dtype),
      cmocka_unit_test(checks_the_range_of_every_dtype), cmocka_unit_test(refuses_what_is_no_array_of_so_many_numbers),
      cmocka_unit_test(stops_behind_the_array),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
