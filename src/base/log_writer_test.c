/* A log whose reader does not read: whoever logs goes on. */
#include "base/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_writer.h"
#include "base/string.h"
#include "base/thread.h"

static int ends[2]; /* of the pipe: 0 is read */
static or_counting_allocator_t counting;
static or_log_writer_t *writer;

static int begin(void **state) {
  (void)state;
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  assert_true(fcntl(ends[1], F_SETPIPE_SZ, 8192) >= 8192); /* it is ready while a page is free */
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  expect_ok(or_log_writer_start(&counting.base, ends[1], &writer));
  return 0;
}
static int end(void **state) {
  (void)state;
  (void)close(ends[0]), (void)close(ends[1]);
  assert_int_equal(counting.live_blocks, 0);
  return 0;
}

static void info(size_t number) {
  char line[512];
  (void)or_format(line, sizeof line, "level=info event=counted number=%zu filler=%0300d", number, 0);
  or_log_writer_take(writer, OR_LOG_INFO, line);
}

/* Everything that comes until the pipe is closed, on a thread of its own. */
typedef struct reader_t {
  or_thread_t thread;
  char *text;
  size_t length;
} reader_t;
#define READER_BYTES ((size_t)4 << 20)
static void read_all(void *argument) {
  reader_t *reader = argument;
  for (ssize_t count; (count = read(ends[0], reader->text + reader->length, READER_BYTES - reader->length)) > 0;)
    reader->length += (size_t)count;
  reader->text[reader->length] = '\0';
}
static void reader_start(reader_t *reader) {
  *reader = (reader_t){.text = malloc(READER_BYTES + 1)};
  expect_ok(or_thread_start(&reader->thread, "test", read_all, reader));
}
static void reader_end(reader_t *reader) {
  (void)close(ends[1]);
  or_thread_join(&reader->thread);
}

static void writes_lines_with_their_time(void **state) {
  (void)state;
  char got[512];
  or_log_writer_take(writer, OR_LOG_INFO, "level=info event=first");
  or_log_writer_take(writer, OR_LOG_ERROR, "level=error event=second");
  assert_true(or_log_writer_flush(writer, INT64_MAX));
  const ssize_t length = read(ends[0], got, sizeof got - 1);
  assert_true(length > 0);
  got[length] = '\0';
  assert_memory_equal(got, "time=2", 6);
  assert_non_null(strstr(got, "+00:00 level=info event=first\ntime="));
  assert_non_null(strstr(got, "+00:00 level=error event=second\n"));
  assert_true(or_log_writer_stop(writer, INT64_MAX));
}

/* The numbers of the lines rise, and each gap is as long as the line there says. */
static void check(char *text, size_t sent) {
  size_t next = 0, told = 0;
  for (char *line = text, *line_end; (line_end = strchr(line, '\n')) != NULL; line = line_end + 1) {
    *line_end = '\0';
    const char *number = strstr(line, "number="), *count = strstr(line, "event=log_lines_dropped count=");
    assert_memory_equal(line, "time=", 5);
    if (count != NULL) {
      assert_non_null(strstr(line, "level=warning"));
      told = strtoul(count + strlen("event=log_lines_dropped count="), NULL, 10);
      assert_true(told > 0);
      next += told;
    } else if (number != NULL) {
      assert_int_equal(strtoul(number + 7, NULL, 10), next);
      ++next;
    }
  }
  assert_int_equal(next, sent);
}

static void nobody_waits_for_a_reader_that_is_stuck(void **state) {
  (void)state;
  enum { SENT = 5000 }; /* of 360 bytes: more than the pipe and the ring hold */
  reader_t reader;
  for (size_t i = 0; i < SENT; ++i) info(i);
  const uint64_t dropped = or_log_writer_dropped(writer);
  assert_true(dropped > 0 && dropped < SENT);
  reader_start(&reader); /* it reads again: what was kept comes, then how much was not, then what is new */
  assert_true(or_log_writer_flush(writer, INT64_MAX));
  info(SENT);
  assert_true(or_log_writer_stop(writer, INT64_MAX));
  reader_end(&reader);
  check(reader.text, SENT + 1);
  free(reader.text);
}

static void keeps_room_for_what_went_wrong(void **state) {
  (void)state;
  reader_t reader;
  size_t sent = 0;
  while (or_log_writer_dropped(writer) == 0) info(sent++);
  or_log_writer_take(writer, OR_LOG_ERROR, "level=error event=disk_full");
  assert_int_equal(or_log_writer_dropped(writer), 1);
  reader_start(&reader);
  assert_true(or_log_writer_stop(writer, INT64_MAX));
  reader_end(&reader);
  assert_non_null(strstr(reader.text, "event=log_lines_dropped count=1\n"));
  assert_non_null(strstr(reader.text, "event=disk_full\n"));
  assert_true(strstr(reader.text, "event=disk_full") > strstr(reader.text, "event=log_lines_dropped"));
  check(reader.text, sent);
  free(reader.text);
}

static void drops_errors_too_once_their_room_is_full(void **state) {
  (void)state;
  reader_t reader;
  for (size_t i = 0; i < 20000; ++i) or_log_writer_take(writer, OR_LOG_ERROR, "level=error event=again");
  const uint64_t dropped = or_log_writer_dropped(writer);
  assert_true(dropped > 0);
  reader_start(&reader);
  assert_true(or_log_writer_stop(writer, INT64_MAX));
  reader_end(&reader);
  free(reader.text);
}

static void does_not_wait_for_ever_at_the_end(void **state) {
  (void)state;
  for (size_t i = 0; i < 100; ++i) info(i);
  assert_false(or_log_writer_flush(writer, or_clock_ns()));
  assert_false(or_log_writer_stop(writer, or_clock_ns())); /* `end` sees that the thread has gone */
}

static void goes_on_when_the_reader_has_gone(void **state) {
  (void)state;
  (void)close(ends[0]);
  for (size_t i = 0; i < 10; ++i) info(i);
  assert_true(or_log_writer_flush(writer, INT64_MAX));
  assert_int_equal(or_log_writer_dropped(writer), 10);
  info(10);
  assert_true(or_log_writer_stop(writer, INT64_MAX));
  ends[0] = dup(ends[1]);
}

static void asks_again_where_the_descriptor_does_not_block(void **state) {
  (void)state;
  reader_t reader;
  assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  for (size_t i = 0; i < 200; ++i) info(i);
  reader_start(&reader);
  assert_true(or_log_writer_stop(writer, INT64_MAX));
  reader_end(&reader);
  check(reader.text, 200);
  free(reader.text);
}

static or_status_t start_and_stop(const or_allocator_t *allocator) {
  or_log_writer_t *started = NULL;
  or_status_t status = or_log_writer_start(allocator, STDERR_FILENO, &started);
  assert_true(or_log_writer_stop(started, INT64_MAX));
  return status;
}

static void gives_everything_back_when_it_can_not_start(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(start_and_stop);
  assert_int_equal(or_log_writer_dropped(NULL), 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(writes_lines_with_their_time),
      CASE(nobody_waits_for_a_reader_that_is_stuck),
      CASE(keeps_room_for_what_went_wrong),
      CASE(drops_errors_too_once_their_room_is_full),
      CASE(does_not_wait_for_ever_at_the_end),
      CASE(goes_on_when_the_reader_has_gone),
      CASE(asks_again_where_the_descriptor_does_not_block),
      cmocka_unit_test(gives_everything_back_when_it_can_not_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
