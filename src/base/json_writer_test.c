#include <math.h>

#include "base/json.h"
#include "base/testing.h"

static void writes_objects_arrays_and_values(void **state) {
  (void)state;
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "s", "a\"b\\c\n\x01/\xE2\x82\xAC");
  or_json_field_int(&json, "i", INT64_MIN);
  or_json_field_double(&json, "d", 0.1);
  or_json_field_bool(&json, "t", true);
  or_json_field_null(&json, "n");
  or_json_field_string(&json, "null", NULL);
  or_json_key(&json, "a");
  or_json_array_begin(&json);
  or_json_uint(&json, UINT64_MAX);
  or_json_float(&json, 0.1F);
  or_json_bool(&json, false);
  or_json_raw(&json, "{\"x\":1}", 7);
  or_json_array_begin(&json);
  or_json_array_end(&json);
  or_json_object_begin(&json);
  or_json_object_end(&json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  expect_ok(or_json_finish(&json));
  assert_string_equal(or_text_string(&text),
                      "{\"s\":\"a\\\"b\\\\c\\n\\u0001/"
                      "\xE2\x82\xAC\",\"i\":-9223372036854775808,\"d\":0.1,\"t\":true,\"n\":null,\"null\":null,"
                      "\"a\":[18446744073709551615,0.1,false,{\"x\":1},[],{}]}");
  or_text_deinit(&text);
}

static void indents(void **state) {
  (void)state;
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_int(&json, "a", 1);
  or_json_key(&json, "b");
  or_json_array_begin(&json);
  or_json_int(&json, 2);
  or_json_int(&json, 3);
  or_json_array_end(&json);
  or_json_key(&json, "c");
  or_json_object_begin(&json);
  or_json_object_end(&json);
  or_json_key(&json, "d");
  or_json_numbers(&json, OR_INT8, (const int8_t[]){1, -2}, 2);
  or_json_object_end(&json);
  expect_ok(or_json_finish(&json));
  assert_string_equal(or_text_string(&text),
                      "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    3\n  ],\n  \"c\": {},\n  \"d\": [1,-2]\n}");
  or_text_deinit(&text);
}

static const char *as_json(or_text_t *text, void (*write)(or_json_writer_t *json)) {
  or_json_writer_t json;
  or_text_clear(text);
  or_json_begin(&json, text, 0);
  write(&json);
  expect_ok(or_json_finish(&json));
  return or_text_string(text);
}

static void write_specials(or_json_writer_t *json) {
  or_json_array_begin(json);
  or_json_double(json, (double)NAN);
  or_json_double(json, (double)INFINITY);
  or_json_float(json, -INFINITY);
  or_json_double(json, -0.0);
  or_json_float(json, -0.0F);
  or_json_double(json, 0);
  or_json_array_end(json);
}

static void write_broken_text(or_json_writer_t *json) { or_json_string_n(json, "a\xFF\xE2\x82z\x7F\0b", 8); }

static void writes_specials_and_broken_text_as_valid_json(void **state) {
  (void)state;
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  assert_string_equal(as_json(&text, write_specials), "[\"NaN\",\"Infinity\",\"-Infinity\",-0.0,-0.0,0]");
  assert_string_equal(as_json(&text, write_broken_text), "\"a\\ufffd\\ufffd\\ufffdz\\u007f\\u0000b\"");
  or_text_deinit(&text);
}

static void write_all_dtypes(or_json_writer_t *json) {
  or_json_array_begin(json);
  or_json_numbers(json, OR_FLOAT32, (const float[]){0.1F, -1.5F, NAN}, 3);
  or_json_numbers(json, OR_FLOAT64, (const double[]){0.1, 1e300}, 2);
  or_json_numbers(json, OR_FLOAT16, (const uint16_t[]){0x3C00, 0xC000, 0x7C00}, 3);
  or_json_numbers(json, OR_BFLOAT16, (const uint16_t[]){0x3F80, 0x4049}, 2);
  or_json_numbers(json, OR_INT64, (const int64_t[]){INT64_MIN, 5}, 2);
  or_json_numbers(json, OR_UINT64, (const uint64_t[]){UINT64_MAX}, 1);
  or_json_numbers(json, OR_INT4, (const uint8_t[]){0xF7, 0x08}, 3);
  or_json_numbers(json, OR_BOOL, (const uint8_t[]){1, 0}, 2);
  or_json_numbers(json, OR_FLOAT8E4M3FN, (const uint8_t[]){0x7E, 0x38}, 2);
  or_json_numbers(json, OR_COMPLEX64, (const float[]){1, 2, 3, -4}, 2);
  or_json_numbers(json, OR_INT32, NULL, 0);
  or_json_array_end(json);
}

static void writes_numbers_of_every_dtype(void **state) {
  (void)state;
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  assert_string_equal(as_json(&text, write_all_dtypes), "[[0.1,-1.5,\"NaN\"],[0.1,1e300],[1,-2,\"Infinity\"],[1,3."
                                                        "140625],[-9223372036854775808,5],[18446744073709551615],"
                                                        "[7,-1,-8],[true,false],[448,1],[[1,2],[3,-4]],[]]");
  or_text_deinit(&text);
}

static void refuses_to_nest_without_end(void **state) {
  (void)state;
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  for (int i = 0; i < 100; ++i) or_json_array_begin(&json);
  for (int i = 0; i < 100; ++i) or_json_array_end(&json);
  expect_failure(or_json_finish(&json), OR_OUT_OF_RANGE, "nested deeper than 79");
  or_text_deinit(&text);
}

static or_status_t write_something(const or_allocator_t *allocator) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "a string of some length", "and its value");
  or_json_key(&json, "numbers");
  or_json_numbers(&json, OR_FLOAT32, (const float[]){0.1F, 0.2F, 0.3F}, 3);
  or_json_key(&json, "array");
  or_json_array_begin(&json);
  for (int i = 0; i < 100; ++i) or_json_int(&json, i);
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_status_t status = or_json_finish(&json);
  or_text_deinit(&text);
  return status;
}

static void keeps_the_first_failure(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(write_something);
}

/* Strings and keys of every length up to 20 with every byte at every place, beside what RFC 8259 has of that byte. */
static void escapes_a_byte_wherever_it_stands(void **state) {
  (void)state;
  static const char *const named = "\bb\ff\nn\rr\tt\"\"\\\\";
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  for (size_t length = 1; length <= 20; ++length) {
    for (size_t place = 0; place < length; ++place) {
      for (unsigned byte = 1; byte < 256; ++byte) {
        char value[21] = "", expected[64], escape[8] = {(char)byte};
        const char *name = strchr(named, (int)byte);
        if (byte >= 0x80) {
          (void)or_format(escape, sizeof escape, "\\ufffd");
        } else if (name != NULL && (name - named) % 2 == 0) {
          (void)or_format(escape, sizeof escape, "\\%c", name[1]);
        } else if (byte < ' ' || byte == 0x7F) {
          (void)or_format(escape, sizeof escape, "\\u%04x", byte);
        }
        memset(value, 'x', length);
        value[place] = '\0';
        (void)or_format(expected, sizeof expected, "{\"%s%s%.*s\":\"\"}", value, escape, (int)(length - place - 1),
                        "xxxxxxxxxxxxxxxxxxxx");
        value[place] = (char)byte;
        or_json_writer_t json;
        or_text_clear(&text);
        or_json_begin(&json, &text, 0);
        or_json_object_begin(&json);
        or_json_field_string(&json, value, "");
        or_json_object_end(&json);
        expect_ok(or_json_finish(&json));
        assert_string_equal(or_text_string(&text), expected);
      }
    }
  }
  or_text_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_objects_arrays_and_values),
      cmocka_unit_test(indents),
      cmocka_unit_test(writes_specials_and_broken_text_as_valid_json),
      cmocka_unit_test(writes_numbers_of_every_dtype),
      cmocka_unit_test(refuses_to_nest_without_end),
      cmocka_unit_test(keeps_the_first_failure),
      cmocka_unit_test(escapes_a_byte_wherever_it_stands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
