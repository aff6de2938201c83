#include "base/testing.h"

#include "base/log.h"
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

/* What is written is read again; the same stands in the object. */
static void writes_what_it_has(void **state) {
  (void)state;
  or_text_t text, object;
  or_json_writer_t json;
  or_json_document_t *document = NULL;
  or_text_init(&text, or_allocator_system());
  or_text_init(&object, or_allocator_system());
  assert_int_equal(read_text("port = 81\nidle_timeout = 0.25\ninsecure = true\nhosts = a,b\nmax_body_size = 3M\n"), 0);
  const or_server_config_t before = config;
  expect_ok(or_config_write(&before, &text));
  assert_non_null(strstr(text.data, "idle_timeout = 0.25\n"));
  assert_int_equal(read_text(text.data), 0);
  assert_memory_equal(&config, &before, sizeof before);
  or_json_begin(&json, &object, 0);
  or_config_write_json(&before, &json);
  expect_ok(or_json_finish(&json));
  expect_ok(or_json_parse(or_allocator_system(), object.data, object.length, &document));
  const or_json_value_t *root = or_json_root(document);
  assert_int_equal(or_json_count(root), or_config_key_count);
  assert_int_equal(or_json_get_int(or_json_get(root, "max_body_size"), 0), 3 << 20);
  assert_true(or_json_get_double(or_json_get(root, "idle_timeout"), 0) == 0.25);
  assert_true(or_json_get_bool(or_json_get(root, "insecure"), false));
  assert_string_equal(or_json_get_string(or_json_get(root, "hosts"), ""), "a,b");
  or_json_document_free(document);
  or_text_deinit(&object);
  or_text_deinit(&text);
}

static void log_levels_are_checked_before_any_is_set(void **state) {
  (void)state;
  assert_int_equal(read_text("log_level = loud\nlog_level = info,nothing=debug\nlog_level = error,server=debug\n"), 2);
  assert_non_null(strstr(problems, "openruntime.conf:1: log_level: \"loud\" is not off, error,"));
  assert_non_null(strstr(problems, "openruntime.conf:2: log_level: \"nothing\" is no module; there are base, hal,"));
  assert_string_equal(config.log_level, "error,server=debug");
  expect_ok(or_config_set_log_levels("warning,server=debug"));
  expect_failure(or_config_set_log_levels("off,server=loud"), OR_INVALID_ARGUMENT, "loud");
  assert_int_equal(or_log_module_level(OR_LOG_SERVER), OR_LOG_DEBUG);
  assert_int_equal(or_log_module_level(OR_LOG_TASK), OR_LOG_WARNING);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_default_of_the_table_is_good),
      cmocka_unit_test(reads_values_of_every_kind),
      cmocka_unit_test(tells_every_problem_with_its_line),
      cmocka_unit_test(bounds_values_and_lines),
      cmocka_unit_test(reads_the_environment),
      cmocka_unit_test(writes_a_template_that_it_can_read),
      cmocka_unit_test(writes_what_it_has),
      cmocka_unit_test(log_levels_are_checked_before_any_is_set),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
