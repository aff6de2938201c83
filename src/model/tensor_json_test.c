#include "base/testing.h"

#include <math.h>

#include "model/tensor_json.h"

static or_status_t read_text(const or_allocator_t *allocator, const char *text, or_tensor_data_t *out) {
  or_json_document_t *document = NULL;
  *out = (or_tensor_data_t){.data = NULL};
  or_status_t status = or_json_parse(allocator, text, strlen(text), &document);
  if (or_ok(status)) status = or_tensor_json_read(allocator, or_json_root(document), out);
  or_json_document_free(document);
  return status;
}

static void expect_elements(const char *text, or_dtype_t dtype, const void *expected, size_t bytes) {
  or_tensor_data_t tensor;
  expect_ok(read_text(or_allocator_system(), text, &tensor));
  assert_int_equal(tensor.dtype, dtype);
  assert_int_equal(tensor.bytes, bytes);
  assert_memory_equal(tensor.data, expected, bytes);
  or_free(or_allocator_system(), tensor.data);
}

static void reads_flat_and_nested_values_row_major(void **state) {
  (void)state;
  static const float floats[] = {1, 2.5f, -3, 4, 5, 6};
  static const int8_t bytes[] = {-128, 127};
  static const uint8_t bools[] = {1, 0, 1};
  expect_elements("{\"shape\":[2,3],\"data\":[1,2.5,-3,4,5,6]}", OR_FLOAT32, floats, sizeof floats);
  expect_elements("{\"shape\":[2,3],\"dtype\":\"fp32\",\"data\":[[1,2.5,-3],[4,5,6]]}", OR_FLOAT32, floats,
                  sizeof floats);
  expect_elements("{\"shape\":[],\"data\":[1]}", OR_FLOAT32, floats, 4);
  expect_elements("{\"shape\":[0],\"data\":[]}", OR_FLOAT32, floats, 0);
  expect_elements("{\"shape\":[2],\"dtype\":\"int8\",\"data\":[-128,127]}", OR_INT8, bytes, 2);
  static const float pairs[] = {1, -1, 2, 3};
  expect_elements("{\"shape\":[2],\"dtype\":\"complex64\",\"data\":[[1,-1],[2,3]]}", OR_COMPLEX64, pairs, sizeof pairs);
  expect_elements("{\"shape\":[2],\"dtype\":\"complex64\",\"data\":[1,-1,2,3]}", OR_COMPLEX64, pairs, sizeof pairs);
  expect_elements("{\"shape\":[3],\"dtype\":\"bool\",\"data\":[true,0,1]}", OR_BOOL, bools, 3);
}

static void reads_base64_of_little_endian_elements(void **state) {
  (void)state; /* RFC 4648, section 10 */
  static const struct {
    const char *text, *bytes;
  } vectors[] = {{"", ""},
                 {"Zg==", "f"},
                 {"Zm8=", "fo"},
                 {"Zm9v", "foo"},
                 {"Zm9vYg==", "foob"},
                 {"Zm9vYmE=", "fooba"},
                 {"Zm9vYmFy", "foobar"}};
  static const int16_t shorts[] = {1, 258};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; ++i) {
    uint8_t out[8];
    size_t length = 0;
    assert_true(or_base64_decode(vectors[i].text, strlen(vectors[i].text), out, &length));
    assert_int_equal(length, strlen(vectors[i].bytes));
    assert_memory_equal(out, vectors[i].bytes, length);
  }
  static const char *const wrong[] = {"Zg=", "Zg", "Z===", "Zm=v", "Zm9\n", "Zm9-", "Zg==Zg=="};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    uint8_t out[8];
    size_t length = 0;
    assert_false(or_base64_decode(wrong[i], strlen(wrong[i]), out, &length));
  }
  expect_elements("{\"shape\":[2],\"dtype\":\"int16\",\"data_base64\":\"AQACAQ==\"}", OR_INT16, shorts, 4);
}

static void takes_three_strings_for_numbers_that_are_not_finite(void **state) {
  (void)state;
  or_tensor_data_t tensor;
  expect_ok(read_text(or_allocator_system(), "{\"shape\":[3],\"data\":[\"NaN\",\"Infinity\",\"-Infinity\"]}", &tensor));
  const float *values = tensor.data;
  assert_true(isnan(values[0]) && values[1] > 0 && isinf(values[1]) && values[2] < 0 && isinf(values[2]));
  or_free(or_allocator_system(), tensor.data);
}

static void reads_strings(void **state) {
  (void)state;
  const char *text =
      "{\"shape\":[2,2],\"dtype\":\"string\",\"data\":[[\"a\",\"\"],[\"\\u00e4\\\"\",\"\\ud83d\\ude00\"]]}";
  static const char *const expected[] = {"a", "", "\xC3\xA4\"", "\xF0\x9F\x98\x80"};
  or_tensor_data_t tensor;
  expect_ok(read_text(or_allocator_system(), text, &tensor));
  assert_int_equal(tensor.dtype, OR_STRING);
  assert_int_equal(tensor.bytes, 4 * sizeof(or_string_t));
  const or_string_t *strings = tensor.data;
  for (size_t i = 0; i < 4; ++i) {
    assert_int_equal(strings[i].length, strlen(expected[i]));
    assert_memory_equal(strings[i].data, expected[i], strings[i].length);
  }
  or_free(or_allocator_system(), tensor.data);
  expect_ok(read_text(or_allocator_system(), "{\"shape\":[0],\"dtype\":\"string\",\"data\":[]}", &tensor));
  assert_int_equal(tensor.bytes, 0);
  or_free(or_allocator_system(), tensor.data);
}

/* A long list of numbers, kept as text, is no list of strings. */
static void takes_no_numbers_for_strings(void **state) {
  (void)state;
  or_text_t text;
  or_tensor_data_t tensor = {.data = NULL};
  or_json_document_t *document = NULL;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_text_printf(&text, "{\"shape\":[70],\"dtype\":\"string\",\"data\":[0"));
  for (int i = 1; i < 70; ++i) expect_ok(or_text_printf(&text, ",%d", i));
  expect_ok(or_text_printf(&text, "]}"));
  expect_ok(or_json_parse_keeping_numbers(or_allocator_system(), text.data, text.length, &document));
  expect_failure(or_tensor_json_read(or_allocator_system(), or_json_root(document), &tensor), OR_INVALID_ARGUMENT,
                 "value 0 is not a string");
  or_json_document_free(document);
  or_text_deinit(&text);
}

static void refuses_what_is_wrong_and_names_it(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
    or_status_code_t code;
  } cases[] = {
      {"[1]", "a tensor is an object", OR_INVALID_ARGUMENT},
      {"{\"data\":[1]}", "\"shape\" must be an array", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1.5],\"data\":[1]}", "\"shape\"[0]", OR_INVALID_ARGUMENT},
      {"{\"shape\":[-1],\"data\":[1]}", "\"shape\"[0]", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"data\":[1]}", "at most 16", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"text\",\"data\":[1]}", "\"text\" is not one of tensors", OR_INVALID_ARGUMENT},
      {"{\"shape\":[2],\"dtype\":\"string\",\"data\":[\"a\",1]}", "value 1 is not a string", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"string\",\"data\":[null]}", "value 0 is not a string", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"string\",\"data\":\"a\"}", "\"data\" is not an array", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"string\",\"data\":[\"a\",\"b\"]}", "more than the shape's 1", OR_INVALID_ARGUMENT},
      {"{\"shape\":[2],\"dtype\":\"string\",\"data\":[\"a\"]}", "has 1 values", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"string\",\"data_base64\":\"YQ==\"}", "strings have no bytes", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":5,\"data\":[1]}", "\"dtype\" is not a string", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1]}", "either \"data\"", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":[1],\"data_base64\":\"\"}", "either \"data\"", OR_INVALID_ARGUMENT},
      {"{\"shape\":[0],\"data_base64\":5}", "data_base64", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":1}", "\"data\" is not an array", OR_INVALID_ARGUMENT},
      {"{\"shape\":[2],\"data\":[1]}", "has 1 values; the shape needs 2", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":[1,2]}", "more than the shape's 1", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", "nested deeper than 16", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"int8\",\"data\":[128]}", "int8 can't hold", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"uint64\",\"data\":[-1]}", "uint64 can't hold", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"dtype\":\"int32\",\"data\":[1.5]}", "value 0 is not a int32", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":[\"\"]}", "value 0 is not a float32", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":[\"Na\"]}", "value 0 is not a float32", OR_INVALID_ARGUMENT},
      {"{\"shape\":[1],\"data\":[null]}", "value 0 is not a float32", OR_INVALID_ARGUMENT},
      {"{\"shape\":[2],\"dtype\":\"bool\",\"data_base64\":\"Af8=\"}", "element 1 is the byte 255", OR_INVALID_ARGUMENT},
      {"{\"shape\":[2],\"dtype\":\"uint8\",\"data_base64\":\"AQID\"}", "the base64 of 2 bytes", OR_INVALID_ARGUMENT},
      {"{\"shape\":[4611686018427387904,4],\"data\":[]}", "overflows", OR_OUT_OF_RANGE},
      {"{\"shape\":[268435457],\"data\":[]}", "the limit is 1073741824", OR_OUT_OF_RANGE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_tensor_data_t tensor;
    expect_failure(read_text(or_allocator_system(), cases[i].text, &tensor), cases[i].code, cases[i].words);
    assert_null(tensor.data);
  }
}

/* The same row in a document that keeps numbers as text and in one that doesn't. */
static void treats_kept_numbers_as_any_others(void **state) {
  (void)state;
  static const struct {
    const char *dtype, *behind, *words; /* words: NULL, it is taken */
  } rows[] = {
      {"float32", "1.00000005960464477539063,1e39", NULL},
      {"float32", "1e3,-2.5", NULL},
      {"float32", "[1e3],[-2.5]", "is nested unevenly"},
      {"float64", "1e-310,-0", NULL},
      {"float16", "1e9,65504.1", NULL},
      {"int8", "-128,127", NULL},
      {"bool", "1,0", NULL},
      {"uint64", "9223372036854775807,0", NULL},
      {"uint64", "9223372036854775808,18446744073709551615", NULL},
      {"uint64", "1,18446744073709551616", "value 301 is not a uint64"},
      {"int64", "1,9223372036854775808", "value 301 is not a int64"},
      {"int4", "7,-8", NULL},
      {"complex64", "1,2", "has 302 values; the shape needs 604"},
      {"int8", "127,128", "value 301 is 128, which int8 can't hold"},
      {"uint64", "-1,1", "value 300 is -1, which uint64 can't hold"},
      {"bool", "2,1", "value 300 is 2, which bool can't hold"},
      {"int32", "1,2.0", "value 301 is not a int32"},
      {"float32", "1", "has 301 values; the shape needs 302"},
      {"float32", "1,2,3", "more than the shape's 302 values"},
      {"int64", "1,2,3.5", "more than the shape's 302 values"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    or_tensor_data_t values, kept;
    or_json_document_t *document = NULL;
    or_text_t text;
    or_text_init(&text, or_allocator_system());
    expect_ok(or_text_printf(&text, "{\"shape\":[302],\"dtype\":\"%s\",\"data\":[", rows[i].dtype));
    for (int k = 0; k < 300; ++k) expect_ok(or_text_append_string(&text, "1,"));
    expect_ok(or_text_printf(&text, "%s]}", rows[i].behind));
    expect_ok(or_json_parse_keeping_numbers(or_allocator_system(), text.data, text.length, &document));
    or_status_t status = or_tensor_json_read(or_allocator_system(), or_json_root(document), &kept);
    or_json_document_free(document);
    if (rows[i].words != NULL) {
      expect_failure(status, OR_INVALID_ARGUMENT, rows[i].words);
      expect_failure(read_text(or_allocator_system(), text.data, &values), OR_INVALID_ARGUMENT, rows[i].words);
    } else {
      expect_ok(status);
      expect_ok(read_text(or_allocator_system(), text.data, &values));
      assert_int_equal(kept.bytes, values.bytes);
      assert_memory_equal(kept.data, values.data, kept.bytes);
      or_free(or_allocator_system(), kept.data);
      or_free(or_allocator_system(), values.data);
    }
    or_text_deinit(&text);
  }
}

static or_status_t read_kept(const char *text, or_tensor_data_t *out) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse_keeping_numbers(or_allocator_system(), text, strlen(text), &document));
  or_status_t status = or_tensor_json_read(or_allocator_system(), or_json_root(document), out);
  or_json_document_free(document);
  return status;
}

static void data_is_flat_or_nested_as_its_shape_says(void **state) {
  (void)state;
  static const struct {
    const char *shape, *data, *words; /* words NULL: it is read as 1, 2, 3 … */
  } rows[] = {
      {"[2,3]", "[1,2,3,4,5,6]", NULL},
      {"[2,3]", "[[1,2,3],[4,5,6]]", NULL},
      {"[1,2,1,3]", "[[[[1,2,3]],[[4,5,6]]]]", NULL},
      {"[0]", "[]", NULL},
      {"[2,0]", "[[],[]]", NULL},
      {"[0,3]", "[]", NULL},
      {"[2,0,3]", "[[],[]]", NULL},
      {"[2,0,3]", "[[],[],[]]", "is nested as [3,0]"},
      {"[2,1,0]", "[[],[]]", "is nested as [2,0]"},
      {"[]", "[1]", NULL},
      {"[2,3]", "[[1,2],[3,4],[5,6]]", "is nested as [3,2]; it must be flat, or nested as its shape [2,3]"},
      {"[6]", "[[1,2,3],[4,5,6]]", "is nested as [2,3]"},
      {"[2,3]", "[[[1,2,3],[4,5,6]]]", "is nested as [1,2,3]"},
      {"[2,3]", "[[1,2],[3,4,5,6]]", "is nested unevenly"},
      {"[2,3]", "[1,[2,3],[4,5,6]]", "is nested unevenly"},
      {"[2,3]", "[[1,2,3],[[4],[5],[6]]]", "is nested unevenly"},
      {"[0]", "[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "nested deeper than"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    or_tensor_data_t tensor;
    char text[256];
    or_format(text, sizeof text, "{\"shape\":%s,\"dtype\":\"int32\",\"data\":%s}", rows[i].shape, rows[i].data);
    or_status_t status = read_kept(text, &tensor);
    if (rows[i].words != NULL) {
      expect_failure(status, OR_INVALID_ARGUMENT, rows[i].words);
      continue;
    }
    expect_ok(status);
    for (int32_t k = 0; (size_t)k < tensor.bytes / sizeof k; ++k) assert_int_equal(((int32_t *)tensor.data)[k], k + 1);
    or_free(or_allocator_system(), tensor.data);
  }
}

static void complex_numbers_are_pairs_in_any_nesting(void **state) {
  (void)state;
  static const char *const data[] = {"[1,2,3,4]", "[[1,2],[3,4]]", "[[[1,2]],[[3,4]]]"};
  for (size_t i = 0; i < sizeof data / sizeof *data; ++i) {
    or_tensor_data_t tensor;
    char text[128];
    or_format(text, sizeof text, "{\"shape\":[2,1],\"dtype\":\"complex64\",\"data\":%s}", data[i]);
    expect_ok(read_kept(text, &tensor));
    assert_memory_equal(tensor.data, ((const float[]){1, 2, 3, 4}), 4 * sizeof(float));
    or_free(or_allocator_system(), tensor.data);
  }
}

/* Rows long enough to be kept as text, the first with one value that is no number. */
static void rows_of_numbers_may_stand_beside_one_with_others(void **state) {
  (void)state;
  static const struct {
    const char *dtype, *first, *last, *words;
  } rows[] = {
      {"float32", "\"NaN\"", "0.5", NULL},
      {"int4", "true", "-3", "value 0 is not a int4"},
      {"float32", "\"NaN\"", "1,2", "more than the shape's 200 values"},
      {"bool", "true", "1", NULL},
      {"bool", "true", "2", "value 199 is 2, which bool can't hold"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    or_tensor_data_t tensor;
    or_text_t text;
    or_text_init(&text, or_allocator_system());
    expect_ok(or_text_printf(&text, "{\"shape\":[2,100],\"dtype\":\"%s\",\"data\":[[%s", rows[i].dtype, rows[i].first));
    for (int k = 1; k < 100; ++k) expect_ok(or_text_append_string(&text, ",1"));
    expect_ok(or_text_append_string(&text, "],[1"));
    for (int k = 1; k < 99; ++k) expect_ok(or_text_append_string(&text, ",0"));
    expect_ok(or_text_printf(&text, ",%s]]}", rows[i].last));
    or_status_t status = read_kept(or_text_string(&text), &tensor);
    if (rows[i].words != NULL) {
      expect_failure(status, OR_INVALID_ARGUMENT, rows[i].words);
    } else {
      expect_ok(status);
      const bool real = tensor.dtype == OR_FLOAT32;
      const float *numbers = tensor.data;
      if (real) assert_true(isnan(numbers[0]) && numbers[100] == 1 && numbers[101] == 0 && numbers[199] == 0.5f);
      const uint8_t *bits = tensor.data;
      if (!real) assert_true(bits[0] == 1 && bits[100] == 1 && bits[101] == 0 && bits[199] == 1);
      or_free(or_allocator_system(), tensor.data);
    }
    or_text_deinit(&text);
  }
}

/* Behind one with a number in words. 2 by ONNX: sign 0, exponent 0b10 (biased by 1) or 0b100 (by 3), mantissa 0. */
static void rows_of_numbers_that_share_bytes_lie_close(void **state) {
  (void)state;
  static const struct {
    const char *dtype;
    uint32_t bits, two;
  } rows[] = {{"float4e2m1", 4, 4}, {"float6e2m3", 6, 16}, {"float6e3m2", 6, 16}};
  enum { ROWS = 5, COLUMNS = 1000 };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    or_tensor_data_t tensor;
    or_text_t text;
    or_text_init(&text, or_allocator_system());
    expect_ok(or_text_printf(&text, "{\"shape\":[%d,%d],\"dtype\":\"%s\",\"data\":[", ROWS, COLUMNS, rows[i].dtype));
    for (int r = 0; r < ROWS; ++r) {
      expect_ok(or_text_append_string(&text, r > 0 ? ",[" : "["));
      expect_ok(or_text_append_string(&text, r == 0 ? "\"Infinity\"" : "2"));
      for (int k = 1; k < COLUMNS; ++k) expect_ok(or_text_append_string(&text, ",2"));
      expect_ok(or_text_append_string(&text, "]"));
    }
    expect_ok(or_text_append_string(&text, "]}"));
    expect_ok(read_kept(or_text_string(&text), &tensor));
    assert_int_equal(tensor.bytes, ROWS * COLUMNS * rows[i].bits / 8);
    for (size_t k = 1; k < (size_t)ROWS * COLUMNS; ++k) {
      uint32_t code = 0;
      for (uint32_t b = 0; b < rows[i].bits; ++b) {
        const size_t at = k * rows[i].bits + b;
        code |= (uint32_t)(((const uint8_t *)tensor.data)[at / 8] >> at % 8 & 1) << b;
      }
      assert_int_equal(code, rows[i].two);
    }
    or_free(or_allocator_system(), tensor.data);
    or_text_deinit(&text);
  }
}

static or_status_t read_with(const or_allocator_t *allocator) {
  or_tensor_data_t tensor;
  or_status_t status = read_text(allocator, "{\"shape\":[2],\"data\":[1,2]}", &tensor);
  or_free(allocator, tensor.data);
  if (!or_ok(status)) return status;
  status = read_text(allocator, "{\"shape\":[2],\"dtype\":\"string\",\"data\":[\"a\",\"b\"]}", &tensor);
  or_free(allocator, tensor.data);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(read_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_flat_and_nested_values_row_major),
      cmocka_unit_test(reads_base64_of_little_endian_elements),
      cmocka_unit_test(takes_three_strings_for_numbers_that_are_not_finite),
      cmocka_unit_test(reads_strings),
      cmocka_unit_test(takes_no_numbers_for_strings),
      cmocka_unit_test(refuses_what_is_wrong_and_names_it),
      cmocka_unit_test(treats_kept_numbers_as_any_others),
      cmocka_unit_test(data_is_flat_or_nested_as_its_shape_says),
      cmocka_unit_test(complex_numbers_are_pairs_in_any_nesting),
      cmocka_unit_test(rows_of_numbers_may_stand_beside_one_with_others),
      cmocka_unit_test(rows_of_numbers_that_share_bytes_lie_close),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
