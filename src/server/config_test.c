#include "base/testing.h"
#include "server/config.h"

static or_server_config_t config;
static char problems[4096];

static void note(void *self, const char *problem) {
  (void)self;
  size_t used = strlen(problems);
  or_format(problems + used, sizeof problems - used, "%s\n", problem);
}

static size_t read_text(const char *text) {
  or_config_default(&config);
  problems[0] = '\0';
  return or_config_read(&config, "openruntime.conf", text, strlen(text), note, NULL);
}

static void every_default_of_the_table_is_good(void **state) {
  (void)state;
  for (size_t i = 0; i < or_config_key_count; ++i)
    expect_ok(or_config_set(&config, or_config_keys[i].name, or_config_keys[i].fallback));
  assert_int_equal(or_status_live_count(), 0);
  or_config_default(&config);
  assert_string_equal(config.host, "127.0.0.1");
  assert_int_equal(config.port, 8000);
  assert_int_equal(config.head_bytes, 16384);
  assert_int_equal(config.idle_timeout_ms, 75000);
}

static void reads_values_of_every_kind(void **state) {
  (void)state;
  assert_int_equal(
      read_text("# a comment\n\nport=9000\r\n  host = \"::1\" # loopback\n insecure = true\nmax_body_size = 2G\n"
                "header_timeout = 0.5\ndata = /var/lib/open runtime  # with a space\nhosts = a.example,b\nunix = \"\""),
      0);
  assert_int_equal(config.port, 9000);
  assert_string_equal(config.host, "::1");
  assert_true(config.insecure);
  assert_true(config.body_bytes == (int64_t)2 << 30);
  assert_int_equal(config.header_timeout_ms, 500);
  assert_string_equal(config.data, "/var/lib/open runtime");
  assert_string_equal(config.hosts, "a.example,b");
}

static void tells_every_problem_with_its_line(void **state) {
  (void)state;
  assert_int_equal(read_text("port = 70000\nprot = 1\nport\nhost = \"x\nhost = \"x\" y\ninsecure = maybe\nloops = 1.5\n"
                             "max_body_size = 1T\nidle_timeout = -1\nport = 0x10\n"),
                   10);
  static const char *const expected[] = {
      "openruntime.conf:1: port: 70000 is outside; it must be from 0 to 65535\n",
      "openruntime.conf:2: prot: no such setting; did you mean port?\n",
      "openruntime.conf:3: it is not key = value\n",
      "openruntime.conf:4: the quote is not closed\n",
      "openruntime.conf:5: something stands behind the closing quote\n",
      "openruntime.conf:6: insecure: \"maybe\" is neither true nor false\n",
      "openruntime.conf:7: loops: \"1.5\" is not a whole number\n",
      "openruntime.conf:8: max_body_size: \"1T\" is not a number of bytes",
      "openruntime.conf:9: idle_timeout: \"-1\" is not a number of seconds\n",
      "openruntime.conf:10: port: \"0x10\" is not a whole number\n",
  };
  for (size_t i = 0; i < 10; ++i) {
    if (strstr(problems, expected[i]) == NULL) fail_msg("%s is not in %s", expected[i], problems);
  }
}

static void bounds_values_and_lines(void **state) {
  (void)state;
  char text[2048] = "host = ";
  memset(text + 7, 'a', OR_CONFIG_TEXT_BYTES);
  assert_int_equal(read_text(text), 1);
  assert_non_null(strstr(problems, "1024 bytes; the limit is 1023"));
  memset(text + 7, 'a', 1500);
  assert_int_equal(read_text(text), 1);
  assert_non_null(strstr(problems, "too long"));
  assert_int_equal(read_text("host = \xFF\n"), 1);
}

static const char *environment(const char *name) {
  if (strcmp(name, "OPENRUNTIME_PORT") == 0) return "81";
  return strcmp(name, "OPENRUNTIME_MAX_BODY_SIZE") == 0 ? "x" : NULL;
}

static void reads_the_environment(void **state) {
  (void)state;
  (void)read_text("port = 9000\n");
  assert_int_equal(or_config_read_environment(&config, environment, note, NULL), 1);
  assert_int_equal(config.port, 81);
  assert_non_null(strstr(problems, "OPENRUNTIME_MAX_BODY_SIZE: max_body_size: \"x\""));
}

/* What the template shows, uncommented, is the default again. */
static void writes_a_template_that_it_can_read(void **state) {
  (void)state;
  or_text_t text;
  or_server_config_t plain;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_config_write_template(&text));
  for (char *at = strstr(text.data, "\n#"); at != NULL; at = strstr(at + 1, "\n#")) {
    if (at[2] >= 'a' && at[2] <= 'z') at[1] = ' ';
  }
  or_config_default(&plain);
  assert_int_equal(read_text(text.data), 0);
  assert_memory_equal(&config, &plain, sizeof plain);
  for (size_t i = 0; i < or_config_key_count; ++i) assert_non_null(strstr(text.data, or_config_keys[i].summary));
  or_text_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_default_of_the_table_is_good),
      cmocka_unit_test(reads_values_of_every_kind),
      cmocka_unit_test(tells_every_problem_with_its_line),
      cmocka_unit_test(bounds_values_and_lines),
      cmocka_unit_test(reads_the_environment),
      cmocka_unit_test(writes_a_template_that_it_can_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
