/* Kernels of users: names, compiler options, and the document in which one is kept. */
#include "base/testing.h"

#include "task/kernel_record.h"

static void accepts_names_of_c_and_no_others(void **state) {
  (void)state;
  char name[OR_KERNEL_NAME_BYTES + 2];
  memset(name, 'a', sizeof name);
  name[OR_KERNEL_NAME_BYTES + 1] = '\0';
  assert_false(or_kernel_name_valid(name));
  name[OR_KERNEL_NAME_BYTES] = '\0';
  assert_true(or_kernel_name_valid(name));
  assert_true(or_kernel_name_valid("_saxpy2"));
  static const char *const wrong[] = {"", "2x", "a-b", "a b", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) assert_false(or_kernel_name_valid(wrong[i]));
}

static or_status_t read_options(const char *text, or_text_t *options, char field[OR_KERNEL_FIELD_BYTES]) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  or_status_t status = or_kernel_options_read(or_json_root(document), options, field);
  or_json_document_free(document);
  return status;
}

static void makes_options_of_macros_and_of_options(void **state) {
  (void)state;
  static const struct {
    const char *text, *options;
  } cases[] = {
      {"{}", ""},
      {"[]", ""},
      {"{\"N\":4,\"T\":\"float\",\"FAST\":true,\"SLOW\":false,\"NONE\":null,\"R\":0.5}",
       "-DN=4 -DT=float -DFAST=1 -DR=0.5"},
      {"{\"N\":18446744073709551615,\"M\":9223372036854775807,\"R\":1e20}",
       "-DN=18446744073709551615UL -DM=9223372036854775807 -DR=1e+20"},
      {"[\"-DN=4\",\"-DX\",\"-UY\",\"-w\",\"-Werror\",\"-cl-fast-relaxed-math\",\"-DF(x)=x\"]", NULL},
      {"[\"-DN=4\",\"-DX\",\"-UY\",\"-w\",\"-Werror\",\"-cl-fast-relaxed-math\"]",
       "-DN=4 -DX -UY -w -Werror -cl-fast-relaxed-math"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char field[OR_KERNEL_FIELD_BYTES];
    or_text_t options;
    or_text_init(&options, or_allocator_system());
    or_status_t status = read_options(cases[i].text, &options, field);
    assert_int_equal(or_ok(status), cases[i].options != NULL);
    if (or_ok(status)) assert_string_equal(or_text_string(&options), cases[i].options);
    or_status_ignore(status); /* looked at */
    or_text_deinit(&options);
  }
}

static void takes_no_option_that_opens_a_file_or_ends_a_word(void **state) {
  (void)state;
  static const struct {
    const char *text, *field;
  } cases[] = {
      {"7", "parameters"},
      {"[\"-I/etc\"]", "parameters.0"},
      {"[\"-w\",\"-include x\"]", "parameters.1"},
      {"[\"-DN=a b\"]", "parameters.0"},
      {"[\"-DN=\\\"a\\\"\"]", "parameters.0"},
      {"[\"-D2=1\"]", "parameters.0"},
      {"[\"-DN=$(x)\"]", "parameters.0"},
      {"[4]", "parameters.0"},
      {"{\"2x\":1}", "parameters.2x"},
      {"{\"N\":\"a b\"}", "parameters.N"},
      {"{\"N\":\"\\\\\"}", "parameters.N"},
      {"{\"N\":[1]}", "parameters.N"},
      {"{\"N\":18446744073709551616}", "parameters.N"},
      {"{\"N\":-9223372036854775809}", "parameters.N"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char field[OR_KERNEL_FIELD_BYTES];
    or_text_t options;
    or_text_init(&options, or_allocator_system());
    expect_failure(read_options(cases[i].text, &options, field), OR_INVALID_ARGUMENT, "");
    assert_string_equal(field, cases[i].field);
    or_text_deinit(&options);
  }
}

static const or_kernel_record_t whole = {.owner = "k1",
                                         .name = "f",
                                         .entry = "g",
                                         .target = "x_0",
                                         .source = "kernel \"g\"\n\t\\",
                                         .source_bytes = 13,
                                         .parameters = "{\"N\":4}",
                                         .options = "-DN=4",
                                         .facts = "{\"name\":\"f\",\"cached\":false}"};

static void expect_same(const char *a, const char *b) {
  assert_int_equal(a == NULL, b == NULL);
  if (a != NULL) assert_string_equal(a, b);
}

static or_status_t write_and_read(const or_allocator_t *allocator, const or_kernel_record_t *record) {
  or_kernel_record_t read;
  or_kernel_reading_t made;
  or_text_t text;
  or_text_init(&text, allocator);
  or_status_t status = or_kernel_record_write(record, &text);
  if (or_ok(status)) status = or_kernel_record_read(allocator, or_text_string(&text), text.length, &made, &read);
  or_text_deinit(&text);
  if (!or_ok(status)) return status;
  expect_same(read.owner, record->owner);
  expect_same(read.name, record->name);
  expect_same(read.entry, record->entry);
  expect_same(read.target, record->target);
  expect_same(read.parameters, record->parameters);
  expect_same(read.options, record->options);
  expect_same(read.facts, record->facts);
  assert_int_equal(read.source_bytes, record->source_bytes);
  assert_memory_equal(read.source, record->source, record->source_bytes);
  or_kernel_reading_deinit(&made);
  return status;
}

static void reads_what_it_wrote(void **state) {
  (void)state;
  expect_ok(write_and_read(or_allocator_system(), &whole));
  or_kernel_record_t bare = whole;
  bare.parameters = "null";
  bare.options = "";
  bare.facts = NULL;
  expect_ok(write_and_read(or_allocator_system(), &bare));
}

static void knows_what_is_no_kernel(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "[]",
      "{}",
      "{\"name\":\"f\",\"entry_point\":\"f\"}",
      "{\"name\":\"f/\",\"entry_point\":\"f\",\"source_code\":\"x\"}",
      "{\"name\":\"f\",\"entry_point\":\"f\",\"source_code\":\"x\",\"parameters\":[\"-I/\"]}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    or_kernel_reading_t made;
    or_kernel_record_t record;
    expect_failure(or_kernel_record_read(or_allocator_system(), texts[i], strlen(texts[i]), &made, &record),
                   OR_DATA_LOSS, "");
  }
}

static or_status_t write_and_read_whole(const or_allocator_t *allocator) { return write_and_read(allocator, &whole); }

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(write_and_read_whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_names_of_c_and_no_others),
      cmocka_unit_test(makes_options_of_macros_and_of_options),
      cmocka_unit_test(takes_no_option_that_opens_a_file_or_ends_a_word),
      cmocka_unit_test(reads_what_it_wrote),
      cmocka_unit_test(knows_what_is_no_kernel),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
