/* Tables fit for a terminal, units, styles. */
#include "cli/cli_test_internal.h"

#include <math.h>

/* The table of two rows over this terminal, as printed. */
static const char *table_text(int columns, bool terminal, const char *first, const char *second) {
  static char text[2048];
  FILE *file = tmpfile();
  assert_non_null(file);
  cli = (or_cli_t){.allocator = or_allocator_system(), .terminal = terminal, .columns = columns};
  or_cli_table_t *table = or_cli_table_create(&cli, "NAME|>SIZE|KIND");
  or_cli_table_cell(table, "%s", first);
  or_cli_table_cell(table, "%d", 5);
  or_cli_table_cell(table, "%s", "ab");
  or_cli_table_cell(table, "%s", second);
  or_cli_table_cell(table, "%d", 12345);
  or_cli_table_cell(table, "%s", "c");
  or_cli_table_print(table, file);
  or_cli_table_free(table);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  (void)fclose(file);
  return text;
}

static void columns_are_as_wide_as_their_cells_and_numbers_stand_right(void **state) {
  (void)state;
  static const char expected[] = "NAME     SIZE  KIND\n"
                                 "x           5  ab\n"
                                 "l\xc3\xa4nger  12345  c\n"; /* six characters in seven bytes */
  assert_string_equal(table_text(100, false, "x", "l\xc3\xa4nger"), expected);
  assert_string_equal(table_text(100, true, "x", "l\xc3\xa4nger"), expected);
}

static void cuts_the_widest_column_to_the_terminal(void **state) {
  (void)state;
  static const char wide[] = "0123456789012345678901234567890123456789";
  /* 33 less two gaps, 5 and 4 leave 20 */
  assert_string_equal(table_text(33, true, wide, "x"), "NAME                   SIZE  KIND\n"
                                                       "0123456789012345678\xe2\x80\xa6      5  ab\n"
                                                       "x                     12345  c\n");
  assert_non_null(strstr(table_text(33, false, wide, "x"), wide));                      /* a pipe gets all of it */
  assert_non_null(strstr(table_text(5, true, wide, "x"), "01234567890\xe2\x80\xa6  ")); /* never to nothing */
  assert_non_null(strstr(table_text(5, true, "twelve chars", "x"), "twelve chars "));
  char umlauts[51] = "";
  for (size_t i = 0; i < 25; ++i) memcpy(umlauts + 2 * i, "\xc3\xa4", 3);
  assert_non_null(strstr(table_text(33, true, umlauts, "x"), "\xc3\xa4\xe2\x80\xa6      5")); /* not within one */
}

static void cuts_where_the_header_says_so_and_several_columns_if_need_be(void **state) {
  (void)state;
  static char text[512];
  FILE *file = tmpfile();
  assert_non_null(file);
  cli = (or_cli_t){.allocator = or_allocator_system(), .terminal = true, .columns = 28};
  or_cli_table_t *table = or_cli_table_create(&cli, "~NODE|WORDS");
  or_cli_table_cell(table, "If_0/then/abc/\xc3\xa4/Conv_12");
  or_cli_table_cell(table, "0123456789abcdefghij");
  or_cli_table_print(table, file);
  or_cli_table_free(table);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  (void)fclose(file);
  assert_string_equal(text, "NODE           WORDS\n"
                            "If_0\xe2\x80\xa6/Conv_12  0123456789ab\xe2\x80\xa6\n");
}

static void a_table_without_memory_is_told_by_the_exit_code(void **state) {
  (void)state;
  for (size_t n = 1; n <= 3; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    cli = (or_cli_t){.allocator = &counting.base};
    or_cli_table_t *table = or_cli_table_create(&cli, "A|B");
    for (int i = 0; i < 40; ++i) or_cli_table_cell(table, "%d", i);
    or_cli_table_free(table);
    assert_true(cli.cut_short);
    assert_int_equal(counting.live_blocks, 0);
  }
  or_cli_table_print(NULL, stdout);
  or_cli_table_cell(NULL, "%d", 1);
  or_cli_table_free(NULL);
}

static void writes_numbers_with_their_units(void **state) {
  (void)state;
  char text[OR_CLI_NUMBER_BYTES];
  assert_string_equal(or_cli_bytes(0, text, sizeof text), "0 B");
  assert_string_equal(or_cli_bytes(1023, text, sizeof text), "1023 B");
  assert_string_equal(or_cli_bytes(1536, text, sizeof text), "1.5 KiB");
  assert_string_equal(or_cli_bytes(UINT64_C(5) << 40, text, sizeof text), "5.0 TiB");
  assert_string_equal(or_cli_bytes(UINT64_C(3) << 51, text, sizeof text), "6144.0 TiB");
  assert_string_equal(or_cli_bytes(OR_UNKNOWN_U, text, sizeof text), "-");
  assert_string_equal(or_cli_rate(12.25e9, "FLOP/s", text, sizeof text), "12.2 GFLOP/s");
  assert_string_equal(or_cli_rate(999, "B/s", text, sizeof text), "999.0 B/s");
  assert_string_equal(or_cli_rate(5e18, "B/s", text, sizeof text), "5000.0 PB/s");
  assert_string_equal(or_cli_rate((double)NAN, "B/s", text, sizeof text), "-");
  assert_string_equal(or_cli_seconds(12.5e-6, text, sizeof text), "12.5 us");
  assert_string_equal(or_cli_seconds(0.0125, text, sizeof text), "12.50 ms");
  assert_string_equal(or_cli_seconds(2.5, text, sizeof text), "2.50 s");
  assert_string_equal(or_cli_seconds((double)INFINITY, text, sizeof text), "-");
}

static void colours_only_where_they_are_wanted(void **state) {
  (void)state;
  cli = (or_cli_t){.color = false};
  assert_string_equal(or_cli_style(&cli, OR_CLI_RED), "");
  cli.color = true;
  assert_string_equal(or_cli_style(&cli, OR_CLI_RED), "\033[31m");
  assert_string_equal(or_cli_style(&cli, OR_CLI_PLAIN), "\033[0m");
}

static void shows_no_progress_of_what_is_short(void **state) {
  (void)state;
  FILE *file = tmpfile();
  cli = (or_cli_t){.error_terminal = true};
  int kept = redirect(stderr, file);
  or_cli_progress(&cli, 0.5, "work");
  or_cli_progress(&cli, 0.6, "work");
  or_cli_progress_end(&cli);
  restore(stderr, kept, file, err, sizeof err);
  assert_string_equal(err, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_are_as_wide_as_their_cells_and_numbers_stand_right),
      cmocka_unit_test(cuts_the_widest_column_to_the_terminal),
      cmocka_unit_test(cuts_where_the_header_says_so_and_several_columns_if_need_be),
      cmocka_unit_test(a_table_without_memory_is_told_by_the_exit_code),
      cmocka_unit_test(writes_numbers_with_their_units),
      cmocka_unit_test(colours_only_where_they_are_wanted),
      cmocka_unit_test(shows_no_progress_of_what_is_short),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
