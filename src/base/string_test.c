#include "base/string.h"

#include <errno.h>

#include "base/testing.h"

static void appends_and_formats_text_that_grows(void **state) {
  (void)state;
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  assert_string_equal(or_text_string(&text), "");
  expect_ok(or_text_append(&text, "", 0));
  assert_string_equal(or_text_string(&text), "");
  for (int i = 0; i < 100; ++i) expect_ok(or_text_printf(&text, "%d,", i));
  expect_ok(or_text_append_string(&text, "end"));
  assert_int_equal(text.length, 10 * 2 + 90 * 3 + 3);
  assert_true(or_string_starts_with(or_text_string(&text), "0,1,2,"));
  assert_true(or_string_ends_with(or_text_string(&text), "98,99,end"));
  assert_int_equal(strlen(or_text_string(&text)), text.length);
  size_t capacity = text.capacity;
  or_text_clear(&text);
  assert_string_equal(or_text_string(&text), "");
  assert_int_equal(text.capacity, capacity);
  expect_ok(or_text_append(&text, "a\0b", 3));
  assert_memory_equal(text.data, "a\0b", 4);
  expect_failure(or_text_reserve(&text, SIZE_MAX), OR_OUT_OF_RANGE, "address space");
  or_text_deinit(&text);
  assert_string_equal(or_text_string(&text), "");
}

static or_status_t use_text(const or_allocator_t *allocator) {
  or_text_t text;
  char *copy = NULL;
  or_text_init(&text, allocator);
  or_status_t status = or_text_append_string(&text, "some text");
  if (or_ok(status)) status = or_text_printf(&text, "%0200d", 5);
  if (!or_ok(status) && text.data != NULL) assert_string_equal(text.data, "some text");
  if (or_ok(status)) status = or_strdup(allocator, "copy", &copy);
  if (or_ok(status)) assert_string_equal(copy, "copy");
  or_free(allocator, copy);
  or_text_deinit(&text);
  return status;
}

static void text_keeps_what_it_has_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use_text);
}

static void formats_within_a_fixed_buffer(void **state) {
  (void)state;
  char buffer[6];
  assert_string_equal(or_format(buffer, sizeof buffer, "%d-%d", 123, 456), "123-4");
  assert_ptr_equal(or_format(NULL, 0, "x"), NULL);
  char bytes[32];
  assert_string_equal(or_format_bytes(1023, bytes, sizeof bytes), "1023 B");
  assert_string_equal(or_format_bytes(1536, bytes, sizeof bytes), "1.5 KiB");
  assert_string_equal(or_format_bytes(UINT64_C(3) << 50, bytes, sizeof bytes), "3072.0 TiB");
  char words[128];
  assert_non_null(strstr(or_errno_text(ENOENT, words, sizeof words), "No such file"));
}

static void compares_beginnings_ends_and_case(void **state) {
  (void)state;
  assert_true(or_string_starts_with("model.onnx", "model"));
  assert_false(or_string_starts_with("mod", "model"));
  assert_true(or_string_ends_with("model.onnx", ".onnx"));
  assert_false(or_string_ends_with("x", ".onnx"));
  assert_true(or_string_equal_nocase("Content-Type", "content-type"));
  assert_false(or_string_equal_nocase("abc", "abcd"));
  assert_false(or_string_equal_nocase("[", "{")); /* 32 apart, but no letters */
}

static void suggests_the_nearest_word(void **state) {
  (void)state;
  static const char *const words[] = {"status", "devices", "run", "infer", "models", "benchmark"};
  const size_t count = sizeof words / sizeof words[0];
  assert_string_equal(or_string_nearest("benchmrak", words, count), "benchmark"); /* neighbours swapped: one */
  assert_string_equal(or_string_nearest("Status", words, count), "status");
  assert_string_equal(or_string_nearest("device", words, count), "devices");
  assert_string_equal(or_string_nearest("rum", words, count), "run");
  assert_null(or_string_nearest("xyz", words, count));
  assert_null(or_string_nearest("rxy", words, count)); /* two of three letters differ */
  assert_null(or_string_nearest("b", words, count));
  assert_null(or_string_nearest("", words, count));
  assert_null(or_string_nearest("status", words, 0));
  char longest[100];
  memset(longest, 'a', sizeof longest);
  longest[99] = '\0';
  assert_null(or_string_nearest(longest, words, count));
  assert_null(or_string_nearest("status", (const char *const[]){longest}, 1));
}

static void tells_utf8_from_other_bytes(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    bool valid;
  } rows[] = {
      {"", true},
      {"plain ASCII of more than eight bytes", true},
      {"\xC2\x80", true},
      {"\xDF\xBF", true},
      {"\xE0\xA0\x80", true},
      {"\xED\x9F\xBF", true},
      {"\xEE\x80\x80", true},
      {"\xEF\xBF\xBF", true},
      {"\xF0\x90\x80\x80", true},
      {"\xF4\x8F\xBF\xBF", true},
      {"\x80", false},
      {"\xBF", false},
      {"\xC0\x80", false},
      {"\xC1\xBF", false},
      {"\xC2", false},
      {"\xC2\x7F", false},
      {"\xC2\xC0", false},
      {"\xE0\x9F\xBF", false},
      {"\xED\xA0\x80", false} /* a surrogate */,
      {"\xE2\x82", false},
      {"\xE2\x82\x41", false},
      {"\xF0\x8F\xBF\xBF", false},
      {"\xF4\x90\x80\x80", false},
      {"\xF5\x80\x80\x80", false},
      {"\xFF", false},
      {"12345678\xE2\x82\xAC", true},
      {"12345678\xE2\x82", false},
      {"1234567\xE2\x82\xAC", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    assert_int_equal(or_utf8_valid(rows[i].bytes, strlen(rows[i].bytes)), rows[i].valid);
  }
}

static void repairs_text_in_place(void **state) {
  (void)state;
  char foreign[] = "caf\xE9 \xE2\x82\xAC", cut[] = "x\xE2\x82", broken[] = "\xE2\x82zzzz";
  or_utf8_repair(foreign, strlen(foreign), false);
  assert_string_equal(foreign, "caf? \xE2\x82\xAC");
  or_utf8_repair(cut, strlen(cut), true);
  assert_string_equal(cut, "x");
  or_utf8_repair(broken, strlen(broken), true);
  assert_string_equal(broken, "??zzzz");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appends_and_formats_text_that_grows),
      cmocka_unit_test(text_keeps_what_it_has_when_the_nth_allocation_fails),
      cmocka_unit_test(formats_within_a_fixed_buffer),
      cmocka_unit_test(compares_beginnings_ends_and_case),
      cmocka_unit_test(suggests_the_nearest_word),
      cmocka_unit_test(tells_utf8_from_other_bytes),
      cmocka_unit_test(repairs_text_in_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
