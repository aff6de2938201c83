#include "base/log.h"

#include "base/string.h"
#include "base/testing.h"
#include "base/thread.h"

typedef struct captured_t {
  char line[OR_LOG_LINE_BYTES];
  or_log_level_t level;
  int count;
} captured_t;

static void capture(void *self, or_log_level_t level, const char *line) {
  captured_t *captured = self;
  (void)or_format(captured->line, sizeof captured->line, "%s", line);
  captured->level = level;
  ++captured->count;
}

static int reset(void **state) {
  (void)state;
  or_log_set_sink(NULL, NULL);
  or_log_set_level(OR_LOG_INFO);
  return 0;
}

static void gives_the_sink_one_line(void **state) {
  (void)state;
  captured_t captured = {0};
  or_log(OR_LOG_TASK, OR_LOG_INFO, "nobody_listens", "x=%d", 1);
  or_log_set_sink(capture, &captured);
  or_log(OR_LOG_TASK, OR_LOG_INFO, "task_finished", "device=%s queue_us=%d", "cpu_0", 41);
  assert_string_equal(captured.line, "level=info event=task_finished device=cpu_0 queue_us=41");
  assert_int_equal(captured.level, OR_LOG_INFO);
  or_log(OR_LOG_TASK, OR_LOG_ERROR, "plain", "%s", "");
  assert_string_equal(captured.line, "level=error event=plain ");
  or_log(OR_LOG_TASK, OR_LOG_WARNING, "injected", "name=%s", "a\nlevel=error event=fake\x1B[2J");
  assert_string_equal(captured.line, "level=warning event=injected name=a level=error event=fake [2J");
  assert_int_equal(captured.count, 3);
  or_log_set_sink(NULL, NULL);
  or_log(OR_LOG_TASK, OR_LOG_ERROR, "gone", "%s", "");
  assert_int_equal(captured.count, 3);
}

static void filters_by_module_and_level(void **state) {
  (void)state;
  captured_t captured = {0};
  assert_false(or_log_enabled(OR_LOG_HAL, OR_LOG_ERROR)); /* no sink */
  or_log_set_sink(capture, &captured);
  assert_true(or_log_enabled(OR_LOG_HAL, OR_LOG_INFO)); /* the default */
  assert_false(or_log_enabled(OR_LOG_HAL, OR_LOG_DEBUG));
  expect_ok(or_log_set_module_level("hal", OR_LOG_DEBUG));
  assert_true(or_log_enabled(OR_LOG_HAL, OR_LOG_DEBUG));
  assert_false(or_log_enabled(OR_LOG_GRAPH, OR_LOG_DEBUG));
  or_log_write(OR_LOG_GRAPH, OR_LOG_DEBUG, "quiet", "%s", "");
  assert_int_equal(captured.count, 0);
  or_log_set_level(OR_LOG_OFF);
  assert_false(or_log_enabled(OR_LOG_HAL, OR_LOG_ERROR));
  or_log_set_level(OR_LOG_WARNING);
  assert_true(or_log_enabled(OR_LOG_CLI, OR_LOG_WARNING));
  assert_false(or_log_enabled(OR_LOG_CLI, OR_LOG_INFO));
  assert_false(or_log_enabled(OR_LOG_CLI, OR_LOG_OFF));
  assert_false(or_log_enabled((or_log_module_t)99, OR_LOG_ERROR));
  expect_failure(or_log_set_module_level("grph", OR_LOG_DEBUG), OR_NOT_FOUND,
                 "\"grph\": no such module; there are base, hal,");
  expect_failure(or_log_set_module_level(NULL, OR_LOG_DEBUG), OR_NOT_FOUND, "server, cli");
}

static void knows_the_modules_by_name(void **state) {
  (void)state;
  for (int module = 0; module < OR_LOG_MODULE_COUNT; ++module) {
    expect_ok(or_log_set_module_level(or_log_module_name((or_log_module_t)module), OR_LOG_INFO));
  }
  assert_string_equal(or_log_module_name(OR_LOG_BACKEND), "backend");
  assert_string_equal(or_log_module_name((or_log_module_t)OR_LOG_MODULE_COUNT), "unknown");
}

static void tells_and_reads_levels_by_name(void **state) {
  (void)state;
  or_log_level_t level = OR_LOG_INFO;
  expect_ok(or_log_set_module_level("store", OR_LOG_OFF));
  expect_ok(or_log_set_module_level("hal", OR_LOG_DEBUG));
  assert_int_equal(or_log_module_level(OR_LOG_STORE), OR_LOG_OFF);
  assert_int_equal(or_log_module_level(OR_LOG_HAL), OR_LOG_DEBUG);
  assert_int_equal(or_log_module_level(OR_LOG_BASE), OR_LOG_INFO);
  assert_int_equal(or_log_module_level((or_log_module_t)99), OR_LOG_OFF);
  static const char *const names[] = {"off", "error", "warning", "info", "debug"};
  for (int i = 0; i < 5; ++i) {
    assert_string_equal(or_log_level_name((or_log_level_t)(i - 1)), names[i]);
    assert_true(or_log_level_from_name(names[i], &level));
    assert_int_equal(level, i - 1);
  }
  assert_string_equal(or_log_level_name((or_log_level_t)7), "off");
  assert_false(or_log_level_from_name("loud", &level));
  assert_int_equal(level, OR_LOG_DEBUG);
}

static void cuts_long_lines_at_whole_characters(void **state) {
  (void)state;
  captured_t captured = {0};
  or_log_set_sink(capture, &captured);
  char text[2 * OR_LOG_LINE_BYTES];
  for (size_t i = 0; i + 1 < sizeof text; ++i) text[i] = "\xE2\x82\xAC"[i % 3];
  text[sizeof text - 1] = '\0';
  for (int shift = 0; shift < 3; ++shift) {
    or_log(OR_LOG_BASE, OR_LOG_INFO, "long", "%.*s%s", shift, "ab", text);
    assert_true(strlen(captured.line) > OR_LOG_LINE_BYTES - 5);
    assert_true(or_utf8_valid(captured.line, strlen(captured.line)));
  }
}

static void quotes_values_that_need_it(void **state) {
  (void)state;
  char buffer[32], small[8], none[2];
  assert_string_equal(or_log_quote("cpu_0", buffer, sizeof buffer), "cpu_0");
  assert_string_equal(or_log_quote("", buffer, sizeof buffer), "\"\"");
  assert_string_equal(or_log_quote(NULL, buffer, sizeof buffer), "\"\"");
  assert_string_equal(or_log_quote("two words", buffer, sizeof buffer), "\"two words\"");
  assert_string_equal(or_log_quote("a\"b\\c\nd\x01", buffer, sizeof buffer), "\"a\\\"b\\\\c\\nd\\x01\"");
  assert_string_equal(or_log_quote("a=b", buffer, sizeof buffer), "\"a=b\"");
  assert_string_equal(or_log_quote("a b\nc defghi", small, sizeof small), "\"a b\\n\"");
  assert_string_equal(or_log_quote("a b", none, sizeof none), "");
}

/* Sinks are turned while threads write; each must see only its own argument, and no call after it was replaced. */
typedef struct turned_t {
  atomic_bool in_use, failed;
} turned_t;

static void count_in_use(void *self, or_log_level_t level, const char *line) {
  (void)level;
  (void)line;
  turned_t *turned = self;
  if (!atomic_load(&turned->in_use)) atomic_store(&turned->failed, true);
}

static void write_lines(void *opaque) {
  atomic_bool *stop = opaque;
  while (!atomic_load(stop)) or_log(OR_LOG_BASE, OR_LOG_ERROR, "race", "x=%d", 1);
}

static void never_calls_a_sink_that_was_replaced(void **state) {
  (void)state;
  static turned_t turned[500];
  atomic_bool stop = false;
  or_thread_t threads[3];
  for (size_t i = 0; i < 3; ++i) expect_ok(or_thread_start(&threads[i], "log", write_lines, &stop));
  for (size_t i = 0; i < 500; ++i) {
    atomic_store(&turned[i].in_use, true);
    or_log_set_sink(count_in_use, &turned[i]);
    if (i > 0) atomic_store(&turned[i - 1].in_use, false);
  }
  or_log_set_sink(NULL, NULL);
  atomic_store(&turned[499].in_use, false);
  atomic_store(&stop, true);
  for (size_t i = 0; i < 3; ++i) or_thread_join(&threads[i]);
  for (size_t i = 0; i < 500; ++i) assert_false(turned[i].failed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(gives_the_sink_one_line, reset),
      cmocka_unit_test_teardown(filters_by_module_and_level, reset),
      cmocka_unit_test_teardown(knows_the_modules_by_name, reset),
      cmocka_unit_test_teardown(tells_and_reads_levels_by_name, reset),
      cmocka_unit_test_teardown(cuts_long_lines_at_whole_characters, reset),
      cmocka_unit_test_teardown(quotes_values_that_need_it, reset),
      cmocka_unit_test_teardown(never_calls_a_sink_that_was_replaced, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
