/* Sequences and optionals in files: read as ONNX's test data has them, written so that they read back. */
#include "base/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/string.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "model/value_file.h"
#include "runtime/runtime.h"

static char folder[64];

static int setup(void **state) {
  (void)state;
  or_format(folder, sizeof folder, "/tmp/value_file_test_XXXXXX");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  return remove(path);
}
static int teardown(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static or_status_t make_runtime(const or_allocator_t *allocator, or_runtime_t **out) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_options_t options = or_runtime_options_default();
  or_fake_reset();
  or_fake_set_unified(0);
  options.allocator = allocator;
  return or_runtime_create_with(&options, backends, 1, out);
}

static or_runtime_t *runtime_of_test(void) {
  or_runtime_t *runtime = NULL;
  expect_ok(make_runtime(or_allocator_system(), &runtime));
  return runtime;
}

static const char *in_folder(const char *name) {
  static char path[256];
  return or_format(path, sizeof path, "%s/%s", folder, name);
}

/* TensorProto of one float32. */
static pb_t one_float(float number) { return raw_tensor_proto(NULL, OR_FLOAT32, "1", &number, sizeof number); }

static void expect_float(const or_value_t *value, float expected) {
  float got = 0;
  assert_int_equal(or_value_kind(value), OR_VALUE_TENSOR);
  expect_ok(or_tensor_read(or_value_tensor(value), &got, sizeof got));
  assert_true(got == expected);
}

/* SequenceProto: name, elem_type TENSOR, tensor_values 5 and 6. */
static pb_t two_floats(void) {
  pb_t sequence = {.data = NULL};
  pb_text(&sequence, 1, "s");
  pb_int(&sequence, 2, 1);
  pb_put(&sequence, 3, one_float(5));
  pb_put(&sequence, 3, one_float(6));
  return sequence;
}

static or_status_t parse(or_runtime_t *runtime, pb_t message, or_value_form_t form, or_value_t **out) {
  or_status_t status = or_value_parse(runtime, message.data, message.length, form, out);
  pb_free(&message);
  return status;
}

static void reads_sequences_and_optionals(void **state) {
  (void)state;
  or_runtime_t *runtime = runtime_of_test();
  or_value_t *value = NULL;
  expect_ok(parse(runtime, two_floats(), OR_FORM_SEQUENCE, &value));
  assert_int_equal(or_value_count(value), 2);
  expect_float(or_value_element(value, 0), 5);
  expect_float(or_value_element(value, 1), 6);
  or_value_release(value);

  pb_t optional = {.data = NULL};
  pb_int(&optional, 2, 1);
  pb_put(&optional, 3, one_float(7));
  pb_put(&optional, 3, one_float(8)); /* of a field that is not repeated the last one counts */
  expect_ok(parse(runtime, optional, OR_FORM_OPTIONAL_TENSOR, &value));
  assert_int_equal(or_value_kind(value), OR_VALUE_OPTIONAL);
  expect_float(or_value_element(value, 0), 8);
  or_value_release(value);

  optional = (pb_t){.data = NULL};
  pb_int(&optional, 2, 3);
  pb_put(&optional, 5, two_floats());
  expect_ok(parse(runtime, optional, OR_FORM_OPTIONAL_SEQUENCE, &value));
  assert_int_equal(or_value_count(or_value_element(value, 0)), 2);
  or_value_release(value);

  optional = (pb_t){.data = NULL};
  pb_text(&optional, 1, "nothing");
  expect_ok(parse(runtime, optional, OR_FORM_OPTIONAL_TENSOR, &value));
  assert_int_equal(or_value_count(value), 0);
  or_value_release(value);
  or_runtime_release(runtime);
}

static void names_what_is_not_a_value_of_the_form(void **state) {
  (void)state;
  static const struct {
    uint32_t field;
    or_value_form_t form;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {3, OR_FORM_OPTIONAL_SEQUENCE, OR_UNIMPLEMENTED, "it holds a tensor where the model has a sequence"},
      {5, OR_FORM_SEQUENCE, OR_UNIMPLEMENTED, "it holds a sequence where the model has a tensor"},
      {6, OR_FORM_SEQUENCE, OR_UNIMPLEMENTED, "a sparse tensor, a map or an optional where the model has a tensor"},
  };
  or_runtime_t *runtime = runtime_of_test();
  or_value_t *value = NULL;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    pb_t message = {.data = NULL};
    pb_put(&message, cases[i].field, one_float(1));
    expect_failure(parse(runtime, message, cases[i].form, &value), cases[i].code, cases[i].words);
    assert_null(value);
  }
  pb_t message = {.data = NULL};
  pb_int(&message, 3, 1);
  expect_failure(parse(runtime, message, OR_FORM_SEQUENCE, &value), OR_DATA_LOSS, "a value's element");
  message = (pb_t){.data = NULL};
  pb_put(&message, 3, one_float(1));
  pb_bytes(&message, 3, "\xff", 1);
  expect_failure(parse(runtime, message, OR_FORM_SEQUENCE, &value), OR_DATA_LOSS, "");
  expect_ok(or_file_write(in_folder("bad.pb"), "\x1a\x7f", 2));
  expect_failure(or_value_file_read(runtime, in_folder("bad.pb"), OR_FORM_SEQUENCE, &value), OR_DATA_LOSS, "bad.pb");
  expect_failure(or_value_file_read(runtime, in_folder("absent.pb"), OR_FORM_SEQUENCE, &value), OR_NOT_FOUND,
                 "absent.pb");
  or_runtime_release(runtime);
}

static void a_sequence_has_a_bound(void **state) {
  (void)state;
  or_runtime_t *runtime = runtime_of_test();
  or_value_t *value = NULL;
  pb_t element = {.data = NULL}, message = {.data = NULL};
  pb_int(&element, 2, OR_FLOAT32);
  pb_int(&element, 1, 0);
  for (size_t i = 0; i <= OR_VALUE_FILE_MAX_ELEMENTS; ++i) pb_bytes(&message, 3, element.data, element.length);
  pb_free(&element);
  expect_failure(parse(runtime, message, OR_FORM_SEQUENCE, &value), OR_OUT_OF_RANGE, "more than 65536 elements");
  or_runtime_release(runtime);
}

/* What is told of a file: "tensor", or the value's kind and count; the error's words. */
static void expect_given(const char *name, or_value_form_t form, const char *expected) {
  or_runtime_t *runtime = runtime_of_test();
  or_tensor_t *tensor = NULL;
  or_value_t *value = NULL;
  char text[64] = "tensor";
  or_status_t status = or_given_file_read(runtime, in_folder(name), form, &tensor, &value);
  if (or_ok(status) && value != NULL) {
    or_format(text, sizeof text, "%s %zu", or_value_kind(value) == OR_VALUE_SEQUENCE ? "sequence" : "optional",
              or_value_count(value));
  }
  assert_non_null(strstr(or_ok(status) ? text : or_status_message(status), expected));
  or_status_ignore(status);
  or_tensor_release(tensor);
  or_value_release(value);
  or_runtime_release(runtime);
}

static void put_file(const char *name, pb_t message) {
  expect_ok(or_file_write(in_folder(name), message.data != NULL ? (const char *)message.data : "", message.length));
  pb_free(&message);
}

static void reads_a_file_as_what_the_model_declares_else_as_what_it_is(void **state) {
  (void)state;
  static const char json[] = "[{\"shape\":[1],\"data\":[1]}]";
  pb_t optional = {.data = NULL}, nested = {.data = NULL};
  pb_int(&optional, 2, 1);
  pb_put(&optional, 3, one_float(7));
  pb_int(&nested, 2, 3);
  pb_put(&nested, 5, two_floats());
  put_file("one.pb", one_float(4));
  put_file("two.pb", two_floats());
  put_file("may.pb", optional);
  put_file("nested.pb", nested);
  put_file("empty.pb", (pb_t){.data = NULL});
  expect_ok(or_file_write(in_folder("s.json"), json, sizeof json - 1));
  expect_given("one.pb", OR_FORM_TENSOR, "tensor");
  expect_given("two.pb", OR_FORM_SEQUENCE, "sequence 2");
  expect_given("may.pb", OR_FORM_OPTIONAL_TENSOR, "optional 1");
  expect_given("may.pb", OR_FORM_SEQUENCE, "sequence 1"); /* of the same bytes */
  expect_given("empty.pb", OR_FORM_OPTIONAL_TENSOR, "optional 0");
  expect_given("empty.pb", OR_FORM_SEQUENCE, "sequence 0");
  expect_given("empty.pb", OR_FORM_TENSOR, "empty.pb");
  expect_given("one.pb", OR_FORM_SEQUENCE, "tensor"); /* whoever knows the model refuses it */
  expect_given("one.pb", OR_FORM_OPTIONAL_TENSOR, "tensor");
  expect_given("two.pb", OR_FORM_TENSOR, "sequence 2");
  expect_given("nested.pb", OR_FORM_TENSOR, "optional 1");
  expect_given("nested.pb", OR_FORM_OPTIONAL_TENSOR, "optional 1");
  expect_given("s.json", OR_FORM_TENSOR, "sequence 1");
  expect_given("absent.pb", OR_FORM_SEQUENCE, "absent.pb");
  expect_given("one.txt", OR_FORM_SEQUENCE, "the ending says no format");
}

/* Of two tensors in the memory of the runtime's device. */
static or_status_t make_sequence(or_runtime_t *runtime, or_value_t **out) {
  static const float numbers[] = {5, 6};
  or_value_t *elements[2] = {NULL, NULL};
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < 2; ++i) {
    or_tensor_t *tensor = NULL;
    status = or_tensor_create_from(or_runtime_device(runtime, 0), OR_FLOAT32, or_shape_make(1, (int64_t[]){1}),
                                   &numbers[i], sizeof numbers[i], &tensor);
    if (or_ok(status)) status = or_value_from_tensor(or_runtime_allocator(runtime), tensor, &elements[i]);
    or_tensor_release(tensor);
  }
  if (or_ok(status)) status = or_value_sequence(or_runtime_allocator(runtime), elements, 2, out);
  or_value_release(elements[0]);
  or_value_release(elements[1]);
  return status;
}

/* Writes the value and reads it again. */
static or_status_t there_and_back(or_runtime_t *runtime, const or_value_t *value, or_value_form_t form,
                                  or_value_t **out) {
  *out = NULL;
  or_status_t status = or_value_file_write(runtime, folder, "a/b", value);
  return or_ok(status) ? or_value_file_read(runtime, in_folder("a_b.pb"), form, out) : status;
}

static or_status_t write_and_read(const or_allocator_t *allocator) {
  or_runtime_t *runtime = NULL;
  or_value_t *sequence = NULL, *values[3] = {NULL}, *back = NULL;
  static const or_value_form_t forms[] = {OR_FORM_OPTIONAL_SEQUENCE, OR_FORM_OPTIONAL_TENSOR, OR_FORM_OPTIONAL_TENSOR};
  or_status_t status = make_runtime(allocator, &runtime);
  if (or_ok(status)) status = make_sequence(runtime, &sequence);
  if (or_ok(status)) status = or_value_optional(or_runtime_allocator(runtime), sequence, &values[0]);
  if (or_ok(status))
    status = or_value_optional(or_runtime_allocator(runtime), or_value_element(sequence, 1), &values[1]);
  if (or_ok(status)) status = or_value_optional(or_runtime_allocator(runtime), NULL, &values[2]);
  if (or_ok(status)) status = there_and_back(runtime, sequence, OR_FORM_SEQUENCE, &back);
  if (or_ok(status)) {
    assert_int_equal(or_value_count(back), 2);
    expect_float(or_value_element(back, 1), 6);
  }
  or_value_release(back);
  for (int i = 0; i < 3; ++i) {
    back = NULL;
    if (or_ok(status)) status = there_and_back(runtime, values[i], forms[i], &back);
    if (or_ok(status)) assert_int_equal(or_value_count(back), i < 2 ? 1 : 0);
    if (or_ok(status) && i == 0) expect_float(or_value_element(or_value_element(back, 0), 0), 5);
    if (or_ok(status) && i == 1) expect_float(or_value_element(back, 0), 6);
    or_value_release(back);
    or_value_release(values[i]);
  }
  or_value_release(sequence);
  or_runtime_release(runtime);
  return status;
}

static void what_is_written_reads_back_or_memory_is_missing(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(write_and_read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_sequences_and_optionals),
      cmocka_unit_test(names_what_is_not_a_value_of_the_form),
      cmocka_unit_test(reads_a_file_as_what_the_model_declares_else_as_what_it_is),
      cmocka_unit_test(a_sequence_has_a_bound),
      cmocka_unit_test(what_is_written_reads_back_or_memory_is_missing),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
