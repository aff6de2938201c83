/* Fields and tables of documents. */
#include "cli/cli_test_internal.h"
#include "cli/print.h"

static or_json_document_t *document;

static const or_json_value_t *parsed(const char *text) {
  or_json_document_free(document);
  document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  return or_json_root(document);
}

/* What the rows print. */
static const char *print_rows(const char *text, const or_cli_column_t *columns, size_t count) {
  FILE *file = tmpfile();
  cli = (or_cli_t){.allocator = or_allocator_system(), .columns = 100};
  const or_json_value_t *rows = parsed(text);
  const int kept = redirect(stdout, file);
  or_cli_print_rows(&cli, rows, columns, count);
  restore(stdout, kept, file, out, sizeof out);
  return out;
}

static void a_table_is_its_columns(void **state) {
  static const or_cli_column_t columns[] = {{"NAME", "name", NULL},
                                            {">N", "n", NULL},
                                            {">TIME", "s", or_cli_seconds_cell},
                                            {">MS", "ms", or_cli_ms_cell},
                                            {">BYTES", "b", or_cli_bytes_cell},
                                            {">X", "x", or_cli_tenths_cell},
                                            {">OF", "x", or_cli_percent_cell},
                                            {">ABOUT", "x", or_cli_share_cell},
                                            {"WORDS", "w", or_cli_words_cell},
                                            {"AT", "t", or_cli_time_cell}};
  (void)state;
  assert_string_equal(
      print_rows("[{\"name\":\"a\",\"n\":7,\"s\":0.5,\"ms\":1.5,\"b\":2048,\"x\":12.34,\"w\":[\"p\",\"q\"],\"t\":"
                 "\"2026-01-31T12:00:00.123456+00:00\"},{\"name\":null,\"x\":\"NaN\"}]",
                 columns, 10),
      "NAME  N       TIME       MS    BYTES     X      OF  ABOUT  WORDS  AT\n"
      "a     7  500.00 ms  1.50 ms  2.0 KiB  12.3  12.3 %   12 %  p q    2026-01-31T12:00:00\n"
      "-     -          -        -        -     -       -      -  -      -\n");
}

static void rows_of_an_object_have_names(void **state) {
  static const or_cli_column_t columns[] = {{"DEVICE", NULL, NULL}, {">N", "n", NULL}};
  (void)state;
  assert_string_equal(print_rows("{\"x_0\":{\"n\":1},\"x_1\":{}}", columns, 2), "DEVICE  N\nx_0     1\nx_1     -\n");
  assert_string_equal(print_rows("[]", columns, 2), "DEVICE  N\n");
}

static void what_is_not_known_is_not_printed(void **state) {
  FILE *file = tmpfile();
  (void)state;
  const or_json_value_t *root = parsed("{\"text\":\"t\",\"real\":1.5,\"whole\":3,\"none\":null}");
  const int kept = redirect(stdout, file);
  or_cli_print_field("name", 6, or_cli_word(root, "text"));
  or_cli_print_field("none", 6, or_cli_word(root, "none"));
  or_cli_print_field("dash", 6, "-");
  restore(stdout, kept, file, out, sizeof out);
  assert_string_equal(out, "name   t\n");
  assert_true(or_cli_real(root, "real") == 1.5 && or_cli_real(root, "none") != or_cli_real(root, "none"));
  assert_int_equal(or_cli_whole(root, "whole"), 3);
  assert_int_equal(or_cli_whole(root, "absent"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_table_is_its_columns),
      cmocka_unit_test(rows_of_an_object_have_names),
      cmocka_unit_test(what_is_not_known_is_not_printed),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  or_json_document_free(document);
  return failed;
}
