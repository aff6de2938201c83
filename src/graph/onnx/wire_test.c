#include "graph/onnx/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"

/* The first examples of protobuf's own description of the encoding: field 1 is 150, field 2 is "testing". */
static const uint8_t documented[] = {0x08, 0x96, 0x01, 0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g'};

static or_wire_t over(or_wire_source_t *source, const void *bytes, size_t length) {
  or_wire_source_memory(source, bytes, length);
  return or_wire_all(source);
}

static void reads_the_documented_examples(void **state) {
  (void)state;
  or_wire_source_t source;
  or_wire_t wire = over(&source, documented, sizeof documented);
  or_wire_field_t field;
  char text[8] = "";
  expect_ok(or_wire_next(&wire, &field));
  assert_int_equal(field.number, 1);
  assert_int_equal(field.type, OR_WIRE_VARINT);
  assert_int_equal(field.value, 150);
  expect_ok(or_wire_next(&wire, &field));
  assert_int_equal(field.number, 2);
  assert_int_equal(field.type, OR_WIRE_BYTES);
  assert_int_equal(or_wire_length(&field.bytes), 7);
  expect_ok(or_wire_copy(&field.bytes, text));
  assert_string_equal(text, "testing");
  expect_ok(or_wire_next(&wire, &field));
  assert_int_equal(field.number, 0);
}

static void reads_fixed_numbers_and_the_longest_varint(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x0d, 1,    2,    3,    4,    0x11, 1,    2,    3,    4,    5,    6,   7,
                                  8,    0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
  or_wire_source_t source;
  or_wire_t wire = over(&source, bytes, sizeof bytes);
  or_wire_field_t field;
  expect_ok(or_wire_next(&wire, &field));
  assert_int_equal(field.value, 0x04030201);
  expect_ok(or_wire_next(&wire, &field));
  assert_int_equal(field.value, UINT64_C(0x0807060504030201));
  expect_ok(or_wire_next(&wire, &field));
  assert_true(field.value == UINT64_MAX); /* -1 */
}

static void refuses_what_goes_past_the_end(void **state) {
  (void)state;
  or_wire_source_t source;
  or_wire_field_t field;
  for (size_t length = 1; length < sizeof documented; ++length) {
    if (length == 3) continue; /* ends behind the first field */
    or_wire_t wire = over(&source, documented, length);
    or_status_t status = or_wire_next(&wire, &field);
    if (or_ok(status)) status = or_wire_next(&wire, &field);
    expect_failure(status, OR_DATA_LOSS, "truncated");
  }
  static const uint8_t huge[] = {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
  or_wire_t wire = over(&source, huge, sizeof huge);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "18446744073709551615 bytes, and 0 are left");
  static const uint8_t fixed[] = {0x0d, 1, 2, 3};
  wire = over(&source, fixed, sizeof fixed);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "a number of 4 bytes");
}

static void refuses_groups_field_0_and_endless_numbers(void **state) {
  (void)state;
  static const uint8_t group[] = {0x0b}, zero[] = {0x00, 0x00}, reserved[] = {0x0f};
  static const uint8_t endless[] = {0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
  static const uint8_t number[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00};
  or_wire_source_t source;
  or_wire_field_t field;
  or_wire_t wire = over(&source, group, sizeof group);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "wire type 3");
  wire = over(&source, reserved, sizeof reserved);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "wire type 7");
  wire = over(&source, zero, sizeof zero);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "no field of number 0");
  wire = over(&source, number, sizeof number);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "no field of number");
  wire = over(&source, endless, sizeof endless);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "more than 10 bytes");
}

static void counts_and_gives_packed_and_single_numbers(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x0a, 0x04, 0x01, 0x96, 0x01, 0x02, 0x08, 0x05, 0x12, 0x08,
                                  1,    0,    0,    0,    2,    0,    0,    0,    0x0a, 0x00};
  static const uint64_t expected[] = {1, 150, 2, 5, 1, 2};
  static const uint64_t counts[] = {3, 1, 2, 0};
  or_wire_source_t source;
  or_wire_t wire = over(&source, bytes, sizeof bytes);
  or_wire_field_t field;
  size_t at = 0, fields = 0;
  for (;; ++fields) {
    uint64_t count = 0, value = 0;
    bool more = true;
    expect_ok(or_wire_next(&wire, &field));
    if (field.number == 0) break;
    or_wire_type_t type = field.number == 2 ? OR_WIRE_FIXED32 : OR_WIRE_VARINT;
    expect_ok(or_wire_count(&field, type, "numbers", &count));
    assert_int_equal(count, counts[fields]);
    or_wire_numbers_t numbers = or_wire_numbers(&field, type);
    for (;;) {
      expect_ok(or_wire_numbers_next(&numbers, &value, &more));
      if (!more) break;
      assert_int_equal(value, expected[at++]);
    }
  }
  assert_int_equal(fields, 4);
  assert_int_equal(at, 6);
}

static void refuses_packed_numbers_that_do_not_add_up(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x0a, 0x03, 1, 2, 0x80};
  or_wire_source_t source;
  or_wire_t wire = over(&source, bytes, sizeof bytes);
  or_wire_field_t field;
  uint64_t count = 0;
  expect_ok(or_wire_next(&wire, &field));
  expect_failure(or_wire_count(&field, OR_WIRE_FIXED32, "floats", &count), OR_DATA_LOSS, "floats has 3 bytes");
  expect_failure(or_wire_count(&field, OR_WIRE_VARINT, "ints", &count), OR_DATA_LOSS, "past the end");
  field.type = OR_WIRE_FIXED64;
  expect_failure(or_wire_count(&field, OR_WIRE_VARINT, "ints", &count), OR_DATA_LOSS,
                 "ints has wire type 1, expected 2");
}

static void reads_the_same_through_the_window_of_a_file(void **state) {
  (void)state;
  /* Fields of 0 to 700 bytes until the file has several windows: headers and contents fall on every border. */
  size_t length = 0, capacity = 4 * OR_WIRE_WINDOW_BYTES;
  uint8_t *bytes = calloc(capacity + 1024, 1);
  assert_non_null(bytes);
  for (size_t size = 0; length < capacity; size = (size + 37) % 700) {
    bytes[length++] = 0x12;
    if (size >= 128) bytes[length++] = (uint8_t)(size | 0x80);
    bytes[length++] = (uint8_t)(size >= 128 ? size >> 7 : size);
    for (size_t i = 0; i < size; ++i) bytes[length++] = (uint8_t)(i * 7 + size);
  }
  char path[] = "/tmp/or-wire-XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, bytes, length), length);
  (void)close(descriptor);

  or_file_t *file = NULL;
  or_wire_source_t from_memory, from_file;
  expect_ok(or_file_open(or_allocator_system(), path, &file));
  expect_ok(or_wire_source_file(&from_file, or_allocator_system(), file));
  or_wire_t a = over(&from_memory, bytes, length), b = or_wire_all(&from_file);
  or_wire_field_t field_a = {.number = 1}, field_b;
  while (field_a.number != 0) {
    uint8_t content_a[700], content_b[700];
    expect_ok(or_wire_next(&a, &field_a));
    expect_ok(or_wire_next(&b, &field_b));
    assert_int_equal(field_a.number, field_b.number);
    if (field_a.number == 0) break;
    size_t size = (size_t)or_wire_length(&field_a.bytes);
    assert_int_equal(size, or_wire_length(&field_b.bytes));
    expect_ok(or_wire_copy(&field_a.bytes, content_a));
    expect_ok(or_wire_copy(&field_b.bytes, content_b));
    assert_memory_equal(content_a, content_b, size);
  }
  uint8_t *copy = malloc(length);
  b = or_wire_all(&from_file);
  expect_ok(or_wire_copy(&b, copy)); /* past the window, at once */
  assert_memory_equal(copy, bytes, length);
  expect_failure(or_wire_copy_part(&b, length, copy, 1), OR_INTERNAL, "1 bytes asked for");
  free(copy);
  or_wire_source_deinit(&from_file);
  or_file_release(file);
  assert_int_equal(remove(path), 0);
  free(bytes);
}

static void says_so_when_the_file_shrinks_under_the_window(void **state) {
  (void)state;
  char path[] = "/tmp/or-wire-XXXXXX";
  int descriptor = mkstemp(path);
  uint8_t bytes[64] = {0x0a, 62};
  assert_int_equal(write(descriptor, bytes, sizeof bytes), sizeof bytes);
  or_file_t *file = NULL;
  or_wire_source_t source;
  or_wire_field_t field;
  expect_ok(or_file_open(or_allocator_system(), path, &file));
  expect_ok(or_wire_source_file(&source, or_allocator_system(), file));
  assert_int_equal(ftruncate(descriptor, 10), 0);
  or_wire_t wire = or_wire_all(&source);
  expect_failure(or_wire_next(&wire, &field), OR_DATA_LOSS, "shrank");
  or_wire_source_deinit(&source);
  or_file_release(file);
  (void)close(descriptor);
  assert_int_equal(remove(path), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_documented_examples),
      cmocka_unit_test(reads_fixed_numbers_and_the_longest_varint),
      cmocka_unit_test(refuses_what_goes_past_the_end),
      cmocka_unit_test(refuses_groups_field_0_and_endless_numbers),
      cmocka_unit_test(counts_and_gives_packed_and_single_numbers),
      cmocka_unit_test(refuses_packed_numbers_that_do_not_add_up),
      cmocka_unit_test(reads_the_same_through_the_window_of_a_file),
      cmocka_unit_test(says_so_when_the_file_shrinks_under_the_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
