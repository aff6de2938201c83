#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/testing.h"
#include "base/thread.h"

static or_json_document_t *parse(const char *text) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  return document;
}

static void reads_every_kind_of_value(void **state) {
  (void)state;
  or_json_document_t *document = parse(
      "{\"n\":null,\"t\":true,\"i\":-5,\"big\":9223372036854775807,\"r\":2.5,\"whole\":3.0,\"s\":\"a\\u20acb\\n\","
      "\"a\":[1,[2],{}],\"o\":{\"x\":{\"y\":\"z\"}},\"nan\":\"NaN\",\"inf\":\"-Infinity\"}");
  const or_json_value_t *root = or_json_root(document);
  assert_int_equal(or_json_kind(root), OR_JSON_OBJECT);
  assert_int_equal(or_json_count(root), 11);
  assert_int_equal(or_json_kind(or_json_get(root, "n")), OR_JSON_NULL);
  assert_true(or_json_get_bool(or_json_get(root, "t"), false));
  assert_int_equal(or_json_get_int(or_json_get(root, "i"), 0), -5);
  assert_true(or_json_get_int(or_json_get(root, "big"), 0) == INT64_MAX);
  assert_int_equal(or_json_kind(or_json_get(root, "r")), OR_JSON_REAL);
  assert_true(or_json_get_double(or_json_get(root, "r"), 0) == 2.5);
  assert_true(or_json_get_double(or_json_get(root, "i"), 0) == -5);
  assert_int_equal(or_json_get_int(or_json_get(root, "whole"), 0), 3);
  assert_int_equal(or_json_get_int(or_json_get(root, "r"), 77), 77);
  assert_string_equal(or_json_get_string(or_json_get(root, "s"), ""), "a\xE2\x82\xAC"
                                                                      "b\n");
  assert_int_equal(or_json_string_length(or_json_get(root, "s")), 6);
  const or_json_value_t *array = or_json_get(root, "a");
  assert_int_equal(or_json_count(array), 3);
  assert_int_equal(or_json_get_int(or_json_at(or_json_at(array, 1), 0), 0), 2);
  assert_int_equal(or_json_count(or_json_at(array, 2)), 0);
  assert_string_equal(or_json_get_string(or_json_get(or_json_get(or_json_get(root, "o"), "x"), "y"), ""), "z");
  assert_true(isnan(or_json_get_double(or_json_get(root, "nan"), 0)));
  assert_true(or_json_get_double(or_json_get(root, "inf"), 0) == -(double)INFINITY);
  or_json_document_free(document);
}

static void gives_the_fallback_for_what_is_not_there(void **state) {
  (void)state;
  or_json_document_t *document = parse("{\"s\":\"x\",\"a\":[1]}");
  const or_json_value_t *root = or_json_root(document), *value = root;
  assert_null(or_json_get(root, "none"));
  assert_null(or_json_at(or_json_get(root, "a"), 1));
  assert_null(or_json_at(root, 0));
  assert_null(or_json_get(or_json_get(root, "a"), "x"));
  assert_null(or_json_get(NULL, "x"));
  assert_null(or_json_at(NULL, 0));
  assert_null(or_json_key_at(root, 2, &value));
  assert_null(value);
  assert_int_equal(or_json_kind(NULL), OR_JSON_NULL);
  assert_int_equal(or_json_count(NULL), 0);
  assert_int_equal(or_json_count(or_json_get(root, "s")), 0);
  assert_int_equal(or_json_string_length(root), 0);
  assert_string_equal(or_json_get_string(or_json_get(root, "a"), "fallback"), "fallback");
  assert_int_equal(or_json_get_int(or_json_get(root, "s"), 7), 7);
  assert_true(or_json_get_double(or_json_get(root, "s"), 7) == 7 && or_json_get_double(NULL, 7) == 7);
  assert_true(or_json_get_bool(or_json_get(root, "s"), true));
  or_json_document_free(document);
  or_json_document_free(NULL);
}

static void keeps_the_order_of_the_file_and_finds_each_of_many_keys(void **state) {
  (void)state;
  enum { COUNT = 5000 };
  or_text_t text;
  or_json_writer_t json;
  char key[32];
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_json_object_begin(&json);
  for (int i = 0; i < COUNT; ++i) or_json_field_int(&json, or_format(key, sizeof key, "key %d", (i * 7919) % COUNT), i);
  or_json_object_end(&json);
  expect_ok(or_json_finish(&json));
  or_json_document_t *document = parse(or_text_string(&text));
  for (int i = 0; i < COUNT; ++i) {
    const or_json_value_t *value = NULL;
    (void)or_format(key, sizeof key, "key %d", (i * 7919) % COUNT);
    assert_string_equal(or_json_key_at(or_json_root(document), (size_t)i, &value), key);
    assert_int_equal(or_json_get_int(value, -1), i);
    assert_ptr_equal(or_json_get(or_json_root(document), key), value);
  }
  assert_null(or_json_get(or_json_root(document), "key 5000"));
  assert_string_equal(or_json_key_at(or_json_root(document), 0, NULL), "key 0");
  or_json_document_free(document);
  or_text_deinit(&text);
}

static void names_line_and_column_of_a_mistake(void **state) {
  (void)state;
  or_json_document_t *document = NULL;
  static const char *const bad[] = {
      "",         "{",           "[1,]",    "{\"a\" 1}", "nul",  "[1] 2",       "{\"a\":1,\"a\":2}",
      "\"\xFF\"", "\"\\ud800\"", "[1e999]", "{a:1}",     "[01]", "\"\\u0000\"", "[1e]",
      "'x'",      "[1",          "]"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    expect_failure(or_json_parse(or_allocator_system(), bad[i], strlen(bad[i]), &document), OR_INVALID_ARGUMENT,
                   "JSON: line 1, column ");
    assert_null(document);
  }
  const char *text = "{\n  \"a\": 1,\n  \"b\": x\n}";
  expect_failure(or_json_parse(or_allocator_system(), text, strlen(text), &document), OR_INVALID_ARGUMENT,
                 "JSON: line 3, column 8");
}

static void bounds_size_and_nesting(void **state) {
  (void)state;
  or_json_document_t *document = NULL;
  char deep[2 * (OR_JSON_MAX_DEPTH + 1) + 1];
  for (size_t depth = OR_JSON_MAX_DEPTH; depth <= OR_JSON_MAX_DEPTH + 1; ++depth) {
    memset(deep, '[', depth);
    memset(deep + depth, ']', depth);
    or_status_t status = or_json_parse(or_allocator_system(), deep, 2 * depth, &document);
    if (depth == OR_JSON_MAX_DEPTH) {
      expect_ok(status);
      or_json_document_free(document);
    } else {
      expect_failure(status, OR_INVALID_ARGUMENT, "nested deeper than 64");
    }
  }
  const char *brackets =
      "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]"; /* in a string */
  document = parse(brackets);
  or_json_document_free(document);
  expect_failure(or_json_parse(or_allocator_system(), "[]", OR_JSON_MAX_BYTES + 1, &document), OR_INVALID_ARGUMENT,
                 "exceeds the limit of 268435456");
}

static void copies_a_value_back_as_json(void **state) {
  (void)state;
  const char *text =
      "{\"b\":[1,-2.5,true,null,\"x\\ny\"],\"a\":{},\"c\":1e100,\"d\":[1e17,1e20,0.5]}"; /* 1e20 in full would be too
                                                                                            large an integer */
  or_json_document_t *document = parse(text);
  or_text_t copy;
  or_json_writer_t json;
  or_text_init(&copy, or_allocator_system());
  or_json_begin(&json, &copy, 0);
  or_json_copy(&json, or_json_root(document));
  expect_ok(or_json_finish(&json));
  assert_string_equal(or_text_string(&copy), text);
  or_text_deinit(&copy);
  or_json_document_free(document);
}

static or_status_t parse_something(const or_allocator_t *allocator) {
  static const char text[] = "{\"a\":[1,2,3,{\"b\":\"a string that is long enough to need memory of its "
                             "own\"}],\"1\":1,\"2\":2,\"3\":3,\"4\":4,"
                             "\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"10\":1,\"11\":1,\"12\":1,\"13\":1,\"14\":1}";
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(allocator, text, strlen(text), &document);
  or_json_document_free(document);
  return status;
}

/* Strings that grow beyond what the reader has room for at first. */
static or_status_t parse_long_strings(const or_allocator_t *allocator) {
  static char text[80000];
  or_json_document_t *document = NULL;
  const or_json_value_t *value = NULL;
  memset(text, 'x', sizeof text);
  memcpy(text, "{\"", 2);
  memcpy(text + 20000, "\":\"", 3);
  memcpy(text + sizeof text - 2, "\"}", 2);
  or_status_t status = or_json_parse(allocator, text, sizeof text, &document);
  if (or_ok(status)) {
    assert_int_equal(strlen(or_json_key_at(or_json_root(document), 0, &value)), 20000 - 2);
    assert_int_equal(or_json_string_length(value), sizeof text - 2 - 20003);
  }
  or_json_document_free(document);
  return status;
}

static void takes_all_memory_from_the_allocator(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(parse_something);
  expect_survives_every_failing_allocation(parse_long_strings);
}

static or_json_document_t *parse_keeping(const or_text_t *text) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse_keeping_numbers(or_allocator_system(), text->data, text->length, &document));
  return document;
}

/* `before`, then `count` numbers with commas between them, then `behind`. */
static void make_row(or_text_t *text, const char *before, size_t count, const char *behind) {
  or_text_clear(text);
  expect_ok(or_text_append_string(text, before));
  for (size_t i = 0; i < count; ++i) expect_ok(or_text_printf(text, "%s%zu.5", i > 0 ? ", " : "", i));
  expect_ok(or_text_append_string(text, behind));
}

static void keeps_long_rows_of_numbers_as_text(void **state) {
  (void)state;
  static const struct {
    const char *before, *behind;
    size_t count;
    or_json_kind_t kind;
  } rows[] = {
      {"[", "]", OR_JSON_KEPT_NUMBERS, OR_JSON_NUMBERS},
      {"[", "]", OR_JSON_KEPT_NUMBERS - 1, OR_JSON_ARRAY},
      {"[", ",true]", 100, OR_JSON_ARRAY},
      {"[\"a\",", "]", 100, OR_JSON_ARRAY},
      {"[[[", "],[]],[1]]", 100, OR_JSON_NUMBERS},
      {"[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]", 100, OR_JSON_NUMBERS},
      {"[[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]]", 100, OR_JSON_ARRAY},
  };
  or_text_t text, copy;
  or_text_init(&text, or_allocator_system());
  or_text_init(&copy, or_allocator_system());
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    size_t bytes = 1;
    make_row(&text, rows[i].before, rows[i].count, rows[i].behind);
    or_json_document_t *document = parse_keeping(&text);
    const or_json_value_t *root = or_json_root(document);
    assert_int_equal(or_json_kind(root), rows[i].kind);
    const char *kept = or_json_numbers_text(root, &bytes);
    if (rows[i].kind == OR_JSON_NUMBERS) {
      assert_int_equal(bytes, text.length);
      assert_string_equal(kept, text.data);
      assert_null(or_json_at(root, 0));
      assert_int_equal(or_json_count(root), 0);
      or_json_writer_t json;
      or_text_clear(&copy);
      or_json_begin(&json, &copy, 0);
      or_json_copy(&json, root);
      expect_ok(or_json_finish(&json));
      assert_string_equal(copy.data, text.data);
    } else {
      assert_null(kept);
      assert_int_equal(bytes, 0);
    }
    or_json_document_free(document);
  }
  or_text_deinit(&text);
  or_text_deinit(&copy);
}

static void keeps_rows_beside_other_values(void **state) {
  (void)state;
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  make_row(&text, "{\"mixed\":[[1,2],{}],\"row\":[", 80, "],\"word\":\"x\"}");
  or_json_document_t *document = parse_keeping(&text);
  const or_json_value_t *root = or_json_root(document);
  assert_int_equal(or_json_kind(or_json_get(root, "row")), OR_JSON_NUMBERS);
  assert_int_equal(or_json_get_int(or_json_at(or_json_at(or_json_get(root, "mixed"), 0), 1), 0), 2);
  assert_string_equal(or_json_get_string(or_json_get(root, "word"), ""), "x");
  or_json_document_free(document);
  or_text_deinit(&text);
}

static void integers_beyond_64_bits_are_real_and_exact_up_to_unsigned(void **state) {
  (void)state;
  static const struct {
    const char *text;
    or_json_kind_t kind;
    uint64_t exact; /* 0: it is none */
    double real;
  } rows[] = {{"9223372036854775807", OR_JSON_INTEGER, INT64_MAX, 0x1p63},
              {"9223372036854775808", OR_JSON_REAL, (uint64_t)1 << 63, 0x1p63},
              {"18446744073709551615", OR_JSON_REAL, UINT64_MAX, 0x1p64},
              {"18446744073709551616", OR_JSON_REAL, 0, 0x1p64},
              {"18446744073709551620", OR_JSON_REAL, 0, 0x1p64},
              {"99999999999999999999999", OR_JSON_REAL, 0, 1e23},
              {"-9223372036854775809", OR_JSON_REAL, 0, -0x1p63},
              {"9223372036854775808.0", OR_JSON_REAL, 0, 0x1p63},
              {"-1", OR_JSON_INTEGER, 0, -1}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    or_json_document_t *document = NULL;
    or_text_t text;
    or_json_writer_t json;
    uint64_t exact = 0;
    expect_ok(or_json_parse(or_allocator_system(), rows[i].text, strlen(rows[i].text), &document));
    const or_json_value_t *root = or_json_root(document);
    assert_int_equal(or_json_kind(root), rows[i].kind);
    assert_int_equal(or_json_get_uint(root, &exact), rows[i].exact != 0);
    assert_true(exact == rows[i].exact);
    assert_int_equal(or_json_is_whole(root), strchr(rows[i].text, '.') == NULL);
    assert_true(or_json_get_double(root, 0) == rows[i].real);
    or_text_init(&text, or_allocator_system());
    or_json_begin(&json, &text, 0);
    or_json_copy(&json, root);
    expect_ok(or_json_finish(&json));
    if (exact != 0) assert_string_equal(or_text_string(&text), rows[i].text);
    or_text_deinit(&text);
    or_json_document_free(document);
  }
  uint64_t exact = 0;
  assert_false(or_json_get_uint(NULL, &exact));
  assert_false(or_json_is_whole(NULL));
}

static or_status_t parse_a_row(const or_allocator_t *allocator) {
  or_text_t text;
  or_json_document_t *document = NULL;
  or_text_init(&text, or_allocator_system());
  make_row(&text, "{\"a\":[", 3000, "]}");
  or_status_t status = or_json_parse_keeping_numbers(allocator, text.data, text.length, &document);
  or_json_document_free(document);
  or_text_deinit(&text);
  return status;
}

static void keeps_numbers_or_says_that_memory_is_missing(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(parse_a_row);
}

static void rounds_a_float_once(void **state) {
  (void)state;
  or_json_document_t *document =
      parse("[1.00000005960464477539063,1.00000005960464477539062,16777217,-0,-0.0,\"NaN\",true,1e39]");
  const or_json_value_t *root = or_json_root(document);
  static const float expected[] = {0x1.000002p0F, 1, 16777216, -0.0F, -0.0F};
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; ++i) {
    const float value = or_json_get_float(or_json_at(root, i), 7);
    assert_memory_equal(&value, &expected[i], sizeof value);
  }
  assert_true(signbit(or_json_get_double(or_json_at(root, 3), 7)));
  assert_true(isnan(or_json_get_float(or_json_at(root, 5), 7)));
  assert_true(or_json_get_float(or_json_at(root, 6), 7) == 7 && or_json_get_float(NULL, 7) == 7);
  assert_true(isinf(or_json_get_float(or_json_at(root, 7), 7)));
  or_json_document_free(document);
}

static void says_what_is_wrong_and_where(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } rows[] = {
      {"", "line 1, column 1: expected a value, at the end"},
      {" \n\t[1,\r\n 2 3]", "line 3, column 4: expected , or ], at '3'"},
      {"{\"a\":1 \"b\"", "column 8: expected , or }, at '\"'"},
      {"{\"\xC3\xA9\":x}", "column 6: expected a value, at 'x'"},
      {"{1:2}", "column 2: expected a key in double quotes, at '1'"},
      {"{\"a\"}", "column 5: expected : behind the key, at '}'"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "column 14: duplicate key \"a\""},
      {"[1,]", "column 4: expected a value, at ']'"},
      {"[1]\x01", "column 4: expected the end of the text, at byte 0x01"},
      {"\"abc", "column 5: the text ends within a string, at the end"},
      {"\"a\nb\"", "column 3: control character 0x0a within a string"},
      {"\"a long text \xFF\"", "column 14: byte 0xff is not UTF-8"},
      {"\"\\x\"", "column 2: an escape that stands for no character"},
      {"\"\\u12G4\"", "column 2: an escape"},
      {"\"\\u123", "the text ends within a string"},
      {"\"\\u12\"", "column 2: an escape"},
      {"\"\\ud800x\"", "column 2: an escape"},
      {"\"\\ud800\\u0041\"", "column 2: an escape"},
      {"\"\\udc00\"", "column 2: an escape"},
      {"\"\\", "the text ends within a string"},
      {"-", "column 1: expected a number, at '-'"},
      {"-1e309", "column 1: a number beyond the range of float64"},
      {"tru", "column 1: expected a value, at 't'"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    or_json_document_t *document = NULL;
    expect_failure(or_json_parse(or_allocator_system(), rows[i].text, strlen(rows[i].text), &document),
                   OR_INVALID_ARGUMENT, rows[i].words);
    assert_null(document);
  }
}

static void takes_every_escape(void **state) {
  (void)state;
  or_json_document_t *document = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"");
  assert_string_equal(or_json_get_string(or_json_root(document), ""),
                      "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  or_json_document_free(document);
}

static void parse_many(void *opaque) {
  atomic_uint *failures = opaque;
  for (int i = 0; i < 300; ++i) {
    or_status_t status = parse_something(or_allocator_system());
    if (!or_ok(status)) (void)atomic_fetch_add(failures, 1);
    or_status_ignore(status); /* counted */
  }
}

static void parses_on_several_threads(void **state) {
  (void)state;
  atomic_uint failures = 0;
  or_thread_t threads[4];
  for (size_t i = 0; i < 4; ++i) expect_ok(or_thread_start(&threads[i], "json", parse_many, &failures));
  for (size_t i = 0; i < 4; ++i) or_thread_join(&threads[i]);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_kind_of_value),
      cmocka_unit_test(gives_the_fallback_for_what_is_not_there),
      cmocka_unit_test(keeps_the_order_of_the_file_and_finds_each_of_many_keys),
      cmocka_unit_test(names_line_and_column_of_a_mistake),
      cmocka_unit_test(bounds_size_and_nesting),
      cmocka_unit_test(copies_a_value_back_as_json),
      cmocka_unit_test(takes_all_memory_from_the_allocator),
      cmocka_unit_test(keeps_long_rows_of_numbers_as_text),
      cmocka_unit_test(keeps_rows_beside_other_values),
      cmocka_unit_test(integers_beyond_64_bits_are_real_and_exact_up_to_unsigned),
      cmocka_unit_test(keeps_numbers_or_says_that_memory_is_missing),
      cmocka_unit_test(rounds_a_float_once),
      cmocka_unit_test(says_what_is_wrong_and_where),
      cmocka_unit_test(takes_every_escape),
      cmocka_unit_test(parses_on_several_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
