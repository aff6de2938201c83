/* argv into flags and words, every spelling of it, and what a wrong one is told. */
#include "cli/cli_test_internal.h"

#include "cli/arguments.h"

static int parse_words(const char *const *words) {
  char *arguments[160];
  int count = 0;
  FILE *file = tmpfile();
  assert_non_null(file);
  for (; words[count] != NULL; ++count) arguments[count] = (char *)(uintptr_t)words[count]; /* argv's type */
  cli = (or_cli_t){.allocator = or_allocator_system()};
  int kept = redirect(stderr, file);
  exit_code = or_cli_parse(&cli, count, arguments);
  restore(stderr, kept, file, err, sizeof err);
  return exit_code;
}
#define PARSE(...) parse_words((const char *const[]){__VA_ARGS__, NULL})

static void takes_a_flags_value_in_every_spelling(void **state) {
  (void)state;
  static const char *const spellings[][4] = {{"run", "--size", "12", NULL}, {"run", "--size=12", NULL},
                                             {"run", "-s", "12", NULL},     {"run", "-s12", NULL},
                                             {"run", "-vs12", NULL},        {"-v", "run", "-vs12", NULL}};
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; ++i) {
    int64_t size = 0;
    assert_int_equal(parse_words(spellings[i]), OR_EXIT_OK);
    assert_string_equal(cli.command->name, "run");
    assert_true(or_cli_integer(&cli, "--size", 1, 100, 7, &size));
    assert_int_equal(size, 12);
  }
  assert_int_equal(PARSE("run", "-s1", "--size=2"), OR_EXIT_OK); /* the last one counts */
  assert_string_equal(or_cli_value(&cli, "--size"), "2");
  assert_int_equal(PARSE("run", "--set=a=b=c", "--set", ""), OR_EXIT_OK);
  assert_string_equal(cli.arguments.flags[0].value, "a=b=c");
  assert_string_equal(cli.arguments.flags[1].value, "");
  assert_true(or_cli_has(&cli, "--set") && !or_cli_has(&cli, "--json"));
}

static void takes_words_that_look_like_flags_behind_two_dashes(void **state) {
  (void)state;
  assert_int_equal(PARSE("models", "show", "--", "--json"), OR_EXIT_OK);
  assert_int_equal(cli.arguments.word_count, 2);
  assert_string_equal(cli.arguments.words[1], "--json");
  assert_false(or_cli_has(&cli, "--json"));
  assert_int_equal(PARSE("infer", "-"), OR_EXIT_OK); /* a single dash is a word */
  assert_string_equal(cli.arguments.words[0], "-");
  assert_int_equal(PARSE("--", "infer", "-x"), OR_EXIT_OK);
  assert_string_equal(cli.command->name, "infer");
  assert_int_equal(PARSE("--json"), OR_EXIT_OK);
  assert_null(cli.command);
}

static void says_what_is_wrong_and_what_may_have_been_meant(void **state) {
  (void)state;
  static const struct {
    const char *words[6], *message;
  } cases[] = {
      {{"devises", NULL}, "unknown command \"devises\"; did you mean \"devices\"?"},
      {{"xyzzy-plugh", NULL}, "unknown command \"xyzzy-plugh\"\nTry \"openruntime --help\""},
      {{"run", "--sise=3", NULL}, "unknown flag \"--sise\"; did you mean \"--size\"?\nTry \"openruntime run --help\""},
      {{"run", "--xyzzy-plugh-abc=3", NULL}, "unknown flag \"--xyzzy-plugh-abc\"\n"},
      {{"--deviec", NULL}, "did you mean \"--device\"?"},
      {{"run", "-z", NULL}, "unknown flag \"-z\""},
      {{"devices", "-vz", NULL}, "unknown flag \"-z\""},
      {{"run", "--json=1", NULL}, "--json takes no value"},
      {{"run", "--size", NULL}, "--size needs a value: --size N"},
      {{"run", "-s", NULL}, "-s needs a value: -s N"},
      {{"infer", NULL}, "infer needs MODEL"},
      {{"devices", "a", "b", NULL}, "devices: unexpected \"b\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    assert_int_equal(parse_words(cases[i].words), OR_EXIT_USAGE);
    expect_err(cases[i].message);
  }
  assert_int_equal(PARSE("infer", "--help"), OR_EXIT_OK);         /* help needs no words */
  assert_int_equal(PARSE("generate", "a", "b", "c"), OR_EXIT_OK); /* says what it is missing when it is run */
}

static void bounds_flags_and_words(void **state) {
  (void)state;
  const char *words[OR_CLI_MAX_VALUES + 4] = {"models"};
  for (size_t i = 1; i < OR_CLI_MAX_VALUES + 2; ++i) words[i] = "-v";
  assert_int_equal(parse_words(words), OR_EXIT_USAGE);
  expect_err("more than 64 flags");
  words[1] = "-vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
  words[2] = NULL;
  assert_int_equal(parse_words(words), OR_EXIT_USAGE);
  expect_err("more than 64 flags");
  for (size_t i = 1; i < OR_CLI_MAX_VALUES + 2; ++i) words[i] = "word";
  assert_int_equal(parse_words(words), OR_EXIT_USAGE);
  expect_err("more than 64 arguments");
}

static bool read_integer(const char *text, int64_t *value) {
  assert_int_equal(PARSE("run", "--size", text), OR_EXIT_OK);
  FILE *file = tmpfile();
  int kept = redirect(stderr, file);
  bool good = or_cli_integer(&cli, "--size", 1, INT64_MAX, 0, value);
  restore(stderr, kept, file, err, sizeof err);
  return good;
}
static bool read_number(const char *text, double *value) {
  assert_int_equal(PARSE("verify", "x", "--rtol", text), OR_EXIT_OK);
  FILE *file = tmpfile();
  int kept = redirect(stderr, file);
  bool good = or_cli_number(&cli, "--rtol", 0, 1, 0.5, value);
  restore(stderr, kept, file, err, sizeof err);
  return good;
}

static void holds_numbers_to_their_bounds(void **state) {
  (void)state;
  static const char *const wrong_integers[] = {"", "x", "1x", "1.5", "0", "-1", "9223372036854775808"};
  static const char *const wrong_numbers[] = {"", "x", "0.5x", "-0.1", "1.1", "nan"};
  int64_t integer = 0;
  double number = 0;
  assert_true(read_integer("9223372036854775807", &integer));
  assert_true(integer == INT64_MAX);
  for (size_t i = 0; i < sizeof wrong_integers / sizeof *wrong_integers; ++i) {
    assert_false(read_integer(wrong_integers[i], &integer));
    expect_err("must be a whole number from 1 to 9223372036854775807");
  }
  assert_true(read_number("1e-3", &number));
  assert_true(number == 1e-3);
  for (size_t i = 0; i < sizeof wrong_numbers / sizeof *wrong_numbers; ++i) {
    assert_false(read_number(wrong_numbers[i], &number));
    expect_err("must be a number from 0 to 1");
  }
  assert_int_equal(PARSE("verify", "x"), OR_EXIT_OK);
  assert_true(or_cli_number(&cli, "--rtol", 0, 1, 0.5, &number) && number == 0.5);
  assert_true(or_cli_integer(&cli, "--batch", 1, 2, 2, &integer) && integer == 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_a_flags_value_in_every_spelling),
      cmocka_unit_test(takes_words_that_look_like_flags_behind_two_dashes),
      cmocka_unit_test(says_what_is_wrong_and_what_may_have_been_meant),
      cmocka_unit_test(bounds_flags_and_words),
      cmocka_unit_test(holds_numbers_to_their_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
