/* The messages of /ws as a screen and as lines. */
#include "cli/monitor.h"

#include <math.h>
#include <stdio.h>

#include "base/testing.h"

static or_monitor_t monitor;

static bool take(const char *text, int64_t now_ns) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  const bool sampled = or_monitor_take(&monitor, or_json_root(document), now_ns);
  or_json_document_free(document);
  return sampled;
}
static void take_list(const char *text, int64_t now_ns) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  or_monitor_take_list(&monitor, or_json_root(document), now_ns);
  or_json_document_free(document);
}

static or_text_t text;
static int begin(void **state) {
  (void)state;
  or_monitor_init(&monitor, "here");
  or_text_init(&text, or_allocator_system());
  return 0;
}
static int end(void **state) {
  (void)state;
  or_text_deinit(&text);
  return 0;
}

#define DEVICES                                                                                     \
  "{\"type\":\"device_status\",\"devices\":[{\"id\":\"cpu_0\",\"name\":\"A CPU\",\"memory_total\":" \
  "1073741824,\"is_available\":true},{\"id\":\"gpu_0\",\"name\":\"A\\u001b[31m GPU\",\"is_available\":false}]}"
#define METRICS(n)                                                                                                     \
  "{\"type\":\"metrics_update\",\"metrics\":{\"cpu_0\":{\"memory_usage\":25.5,\"gpu_utilization\":50,\"temperature\":" \
  "40.2,\"power_usage\":12,\"throughput\":3,\"active_kernels\":2},\"gpu_0\":{}},\"active_tasks\":4,\"timestamp\":\""   \
  "2026-11-28T07:00:0" #n ".000000+00:00\"}"

/* What a terminal of so many cells would show: the only sequences are home, erase to the end, and colours. */
static char cells[64][1024];
static void look(int columns, int rows, bool utf8) {
  const or_monitor_view_t view = {.columns = columns, .rows = rows, .color = true, .utf8 = utf8};
  or_text_clear(&text);
  expect_ok(or_monitor_draw(&monitor, &view, 10000000000, &text));
  int row = 0, column = 0, bytes = 0;
  memset(cells, 0, sizeof cells);
  for (const char *at = or_text_string(&text); *at != '\0'; ++at) {
    if (*at == '\x1b') {
      assert_int_equal(at[1], '[');
      at += 2;
      while (*at == ';' || (*at >= '0' && *at <= '9')) ++at;
      assert_true(*at == 'H' || *at == 'K' || *at == 'm');
    } else if (*at == '\r') {
      assert_true(at[1] == '\n' && ++row < rows);
      ++at;
      column = bytes = 0;
    } else {
      assert_true((unsigned char)*at >= 0x20);
      if (((unsigned char)*at & 0xc0) != 0x80) ++column;
      assert_true(column <= columns);
      cells[row][bytes++] = *at;
    }
  }
  assert_int_equal(row, rows - 1);
}
static void expect_shown(const char *words) {
  for (size_t i = 0; i < 64; ++i) {
    if (strstr(cells[i], words) != NULL) return;
  }
  fail_msg("%s is not on the screen: %s", words, or_text_string(&text));
}

static void shows_devices_with_bars_and_sparklines(void **state) {
  (void)state;
  assert_false(take(DEVICES, 1));
  assert_true(take(METRICS(1), 1000000000));
  assert_false(take(METRICS(1), 1000000000)); /* once more the same */
  assert_true(take(METRICS(2), 2000000000));
  look(120, 20, true);
  expect_shown("openruntime monitor  here  2026-11-28T07:00:02");
  expect_shown("use [██████████░░░░░░░░░░]  50 %  memory [█████░░░░░░░░░░░░░░░]  26 % of 1.0 GiB  40 °C  12 W");
  expect_shown("3.0 GFLOP/s  2 at work");
  expect_shown("  ▄▄");
  expect_shown("A?[31m GPU  not available"); /* no escape of a server reaches the terminal */
  expect_shown("use [░░░░░░░░░░░░░░░░░░░░]   -  ");
  expect_shown("q leaves");
  look(120, 20, false);
  expect_shown("use [##########..........]  50 %");
  expect_shown("  --");
  look(20, 20, true); /* narrow: lines end, nothing wraps */
  expect_shown("use [██████████");
  look(60, 3, true);
  look(1, 1, true);
}

static void shows_tasks_from_their_beginning_to_their_end(void **state) {
  (void)state;
  monitor.has_tasks = true;
  (void)take(METRICS(1), 1000000000);
  (void)take("{\"type\":\"task_update\",\"task_id\":\"a\",\"status\":\"pending\",\"progress\":0}", 1);
  assert_true(monitor.list_wanted);
  take_list("{\"active_tasks\":[{\"task_id\":\"a\",\"operation\":\"compute\",\"status\":\"pending\",\"device_id\":null,"
            "\"running_time\":0},{\"task_id\":\"b\",\"operation\":\"inference\",\"status\":\"running\",\"device_id\":"
            "\"cpu_0\",\"running_time\":3}]}",
            10000000000);
  assert_false(monitor.list_wanted);
  (void)take("{\"type\":\"task_update\",\"task_id\":\"b\",\"status\":\"running\",\"progress\":0.25}", 10000000000);
  assert_false(monitor.list_wanted);
  look(100, 20, true);
  expect_shown("tasks: 4 active, 0 completed, 0 failed, 0 cancelled");
  expect_shown("a                           compute                   pending         0 %");
  expect_shown("b                           inference     cpu_0       running        25 %        3.0");
  (void)take("{\"type\":\"task_update\",\"task_id\":\"a\",\"status\":\"running\",\"progress\":0}", 9000000000);
  assert_true(monitor.list_wanted); /* which device it has is not said */
  (void)take("{\"type\":\"task_completed\",\"task_id\":\"a\",\"status\":\"completed\"}", 0);
  (void)take("{\"type\":\"task_completed\",\"task_id\":\"x\",\"status\":\"timeout\"}", 0);
  (void)take("{\"type\":\"task_completed\",\"task_id\":\"y\",\"status\":\"cancelled\"}", 0);
  (void)take("{\"type\":\"skipped\",\"topic\":\"tasks\"}", 0);
  (void)take("{\"type\":\"something new\"}", 0);
  (void)take(METRICS(3), 3000000000);
  look(100, 20, true);
  expect_shown("tasks: 4 active, 1 completed, 1 failed, 1 cancelled, 1.5/s");
  take_list("{\"active_tasks\":[]}", 0);
  assert_int_equal(monitor.task_count, 0);
  or_format(monitor.trouble, sizeof monitor.trouble, "it has gone");
  look(100, 20, false);
  expect_shown("it has gone");
}

static void bounds_what_it_keeps(void **state) {
  (void)state;
  char message[256];
  monitor.has_tasks = true;
  for (unsigned i = 0; i < OR_MONITOR_TASKS + 10; ++i)
    (void)take(or_format(message, sizeof message,
                         "{\"type\":\"task_update\",\"task_id\":\"t%u\",\"status\":\"running\",\"progress\":1}", i),
               1);
  for (unsigned i = 0; i < OR_MONITOR_DEVICES + 10; ++i) {
    (void)take(or_format(message, sizeof message, "{\"type\":\"device_status\",\"devices\":[{\"id\":\"d%u\"}]}", i), 1);
    (void)take(or_format(message, sizeof message,
                         "{\"type\":\"metrics_update\",\"metrics\":{\"d%u\":{\"gpu_utilization\":7}},\"active_tasks\":"
                         "-1,\"timestamp\":\"%u\"}",
                         i, i),
               1);
  }
  for (unsigned i = 0; i < OR_MONITOR_HISTORY + 10; ++i)
    (void)take(or_format(message, sizeof message,
                         "{\"type\":\"metrics_update\",\"metrics\":{\"d0\":{\"gpu_utilization\":%u}},\"timestamp\":"
                         "\"x%u\"}",
                         i % 101, i),
               1);
  assert_int_equal(monitor.task_count, OR_MONITOR_TASKS);
  assert_int_equal(monitor.device_count, OR_MONITOR_DEVICES);
  assert_int_equal(monitor.active, 0);
  look(250, 40, true);
  monitor.device_count = 1;
  look(250, 40, true);
  expect_shown("and 226 more");
}

static void writes_a_line_a_device(void **state) {
  (void)state;
  (void)take(DEVICES, 1);
  (void)take(METRICS(1), 1000000000);
  expect_ok(or_monitor_write_lines(&monitor, &text));
  assert_string_equal(or_text_string(&text),
                      "2026-11-28T07:00:01.000000+00:00 cpu_0 use=50% memory=25.5% temperature=40.2C power=12W "
                      "throughput=3GFLOP/s kernels=2\n2026-11-28T07:00:01.000000+00:00 gpu_0\n");
  or_text_clear(&text);
  monitor.has_tasks = true;
  monitor.device_count = 1;
  (void)take(METRICS(2), 2000000000);
  expect_ok(or_monitor_write_lines(&monitor, &text));
  assert_non_null(strstr(or_text_string(&text), "kernels=2 active_tasks=4 ended=0/s\n"));
}

static or_status_t draw_with(const or_allocator_t *allocator) {
  const or_monitor_view_t view = {.columns = 80, .rows = 24, .color = false, .utf8 = true};
  or_text_t out;
  or_text_init(&out, allocator);
  or_status_t status = or_monitor_draw(&monitor, &view, 0, &out);
  if (or_ok(status)) status = or_monitor_write_lines(&monitor, &out);
  if (or_ok(status)) assert_null(strstr(or_text_string(&out), "m\x1b")); /* no colours were asked for */
  or_text_deinit(&out);
  return status;
}
static void takes_memory_from_the_allocator(void **state) {
  (void)state;
  (void)take(DEVICES, 1);
  (void)take(METRICS(1), 1000000000);
  expect_survives_every_failing_allocation(draw_with);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(shows_devices_with_bars_and_sparklines),
      CASE(shows_tasks_from_their_beginning_to_their_end),
      CASE(bounds_what_it_keeps),
      CASE(writes_a_line_a_device),
      CASE(takes_memory_from_the_allocator),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
