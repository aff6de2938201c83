#include "base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "base/thread.h"

#define LINE_BYTES (OR_LOG_LINE_BYTES + OR_CLOCK_TEXT_BYTES + 16)
/* A pipe that is ready takes as many bytes at once (Linux: a page), so that writing them waits for nobody. Whole lines
 * fit, and what is no longer than this does not get mixed up with the lines of others. */
#define PIECE_BYTES 4096
#define STUCK_LOOK_MS 50            /* how often a thread whose reader is stuck looks whether it is to end */
#define LEAVE_NS INT64_C(200000000) /* in which it does */

/* Everything from `mutex` on is under it, but for `dropped`, which is written there. */
struct or_log_writer_t {
  const or_allocator_t *allocator;
  int descriptor;
  or_thread_t thread;
  _Atomic uint64_t dropped;
  or_mutex_t mutex;
  or_cond_t wake;    /* of the thread */
  or_cond_t changed; /* for those who wait until lines are written, or the thread has ended */
  size_t head, length;
  uint64_t untold; /* dropped lines that no line has told of */
  bool idle, writing, stopping, abandoned, ended;
  char ring[OR_LOG_WRITER_BYTES];
};

static void write_lines(void *argument);

or_status_t or_log_writer_start(const or_allocator_t *allocator, int descriptor, or_log_writer_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc(allocator, sizeof(or_log_writer_t), &memory);
  if (!or_ok(status)) return status;
  or_log_writer_t *writer = memory;
  memset(writer, 0, offsetof(or_log_writer_t, ring)); /* the ring's pages are taken as they are needed */
  writer->allocator = allocator;
  writer->descriptor = descriptor;
  or_mutex_init(&writer->mutex);
  or_cond_init(&writer->wake);
  or_cond_init(&writer->changed);
  status = or_thread_start(&writer->thread, "or-log", write_lines, writer);
  if (or_ok(status)) {
    *out = writer;
    return status;
  }
  or_cond_deinit(&writer->changed);
  or_cond_deinit(&writer->wake);
  or_mutex_deinit(&writer->mutex);
  or_free(allocator, writer);
  return status;
}

static void drop_locked(or_log_writer_t *writer, uint64_t lines) {
  writer->untold += lines;
  (void)atomic_fetch_add_explicit(&writer->dropped, lines, memory_order_relaxed);
}

static size_t stamp(const char *line, char text[LINE_BYTES]) {
  char time[OR_CLOCK_TEXT_BYTES];
  (void)or_format(text, LINE_BYTES, "time=%s %s\n", or_clock_format(or_clock_wall_us(), time, sizeof time), line);
  return strlen(text);
}

/* False: there is no room. */
static bool push_locked(or_log_writer_t *writer, const char *text, size_t length, size_t limit) {
  if (writer->length + length > limit) return false;
  if (writer->length == 0) writer->head = 0; /* so that few of the ring's pages are ever touched */
  const size_t at = (writer->head + writer->length) % OR_LOG_WRITER_BYTES;
  const size_t first = length < OR_LOG_WRITER_BYTES - at ? length : OR_LOG_WRITER_BYTES - at;
  memcpy(writer->ring + at, text, first);
  memcpy(writer->ring, text + first, length - first);
  writer->length += length;
  return true;
}

/* What was dropped is told before what comes after it. */
static bool tell_dropped_locked(or_log_writer_t *writer, size_t limit) {
  char line[96], text[LINE_BYTES];
  if (writer->untold == 0) return true;
  (void)or_format(line, sizeof line, "level=warning event=log_lines_dropped count=%llu",
                  (unsigned long long)writer->untold);
  if (!push_locked(writer, text, stamp(line, text), limit)) return false;
  writer->untold = 0;
  return true;
}

void or_log_writer_take(void *self, or_log_level_t level, const char *line) {
  or_log_writer_t *writer = self;
  char text[LINE_BYTES];
  const size_t length = stamp(line, text);
  const size_t limit = OR_LOG_WRITER_BYTES - (level > OR_LOG_WARNING ? OR_LOG_WRITER_RESERVE_BYTES : 0);
  or_mutex_lock(&writer->mutex);
  if (!tell_dropped_locked(writer, limit) || !push_locked(writer, text, length, limit)) drop_locked(writer, 1);
  if (writer->idle) or_cond_signal(&writer->wake);
  or_mutex_unlock(&writer->mutex);
}

uint64_t or_log_writer_dropped(const or_log_writer_t *writer) {
  return writer != NULL ? atomic_load_explicit(&writer->dropped, memory_order_relaxed) : 0;
}

/* Whole lines from the front of the ring; at least one is there. */
static size_t take_piece_locked(or_log_writer_t *writer, char piece[PIECE_BYTES]) {
  size_t length = writer->length < PIECE_BYTES ? writer->length : PIECE_BYTES;
  const size_t first = length < OR_LOG_WRITER_BYTES - writer->head ? length : OR_LOG_WRITER_BYTES - writer->head;
  memcpy(piece, writer->ring + writer->head, first);
  memcpy(piece + first, writer->ring, length - first);
  while (piece[length - 1] != '\n') --length;
  writer->head = (writer->head + length) % OR_LOG_WRITER_BYTES;
  writer->length -= length;
  return length;
}

static bool is_abandoned(or_log_writer_t *writer) {
  or_mutex_lock(&writer->mutex);
  const bool abandoned = writer->abandoned;
  or_mutex_unlock(&writer->mutex);
  return abandoned;
}

/* How much was written: less than all if the reader has gone, or nobody waits for it any more. */
static size_t write_piece(or_log_writer_t *writer, const char *piece, size_t length) {
  struct pollfd ready = {.fd = writer->descriptor, .events = POLLOUT};
  size_t at = 0;
  while (at < length) {
    const int count = poll(&ready, 1, STUCK_LOOK_MS);
    if (count == 0 && is_abandoned(writer)) break;
    if (count == 0 || (count < 0 && errno == EINTR)) continue;
    const ssize_t written = write(writer->descriptor, piece + at, length - at);
    if (written < 0 && errno != EAGAIN && errno != EINTR) break;
    if (written > 0) at += (size_t)written;
  }
  return at;
}

static uint64_t count_lines(const char *piece, size_t length) {
  uint64_t lines = 0;
  for (size_t i = 0; i < length; ++i) lines += piece[i] == '\n';
  return lines;
}

static void write_lines(void *argument) {
  or_log_writer_t *writer = argument;
  char piece[PIECE_BYTES];
  or_mutex_lock(&writer->mutex);
  for (;;) {
    if (writer->length == 0) (void)tell_dropped_locked(writer, OR_LOG_WRITER_BYTES);
    if (writer->length == 0) {
      or_cond_broadcast(&writer->changed);
      if (writer->stopping) break;
      writer->idle = true;
      or_cond_wait(&writer->wake, &writer->mutex);
      writer->idle = false;
      continue;
    }
    if (writer->abandoned) break;
    const size_t length = take_piece_locked(writer, piece);
    writer->writing = true;
    or_mutex_unlock(&writer->mutex);
    const size_t written = write_piece(writer, piece, length);
    or_mutex_lock(&writer->mutex);
    writer->writing = false;
    const uint64_t lost = count_lines(piece + written, length - written);
    (void)atomic_fetch_add_explicit(&writer->dropped, lost, memory_order_relaxed); /* with nobody to tell */
  }
  writer->ended = true;
  or_cond_broadcast(&writer->changed);
  or_mutex_unlock(&writer->mutex);
}

static bool flush_locked(or_log_writer_t *writer, int64_t deadline_ns) {
  while (writer->length > 0 || writer->writing || writer->untold > 0) {
    if (!or_cond_wait_until(&writer->changed, &writer->mutex, deadline_ns)) return false;
  }
  return true;
}

bool or_log_writer_flush(or_log_writer_t *writer, int64_t deadline_ns) {
  or_mutex_lock(&writer->mutex);
  const bool flushed = flush_locked(writer, deadline_ns);
  or_mutex_unlock(&writer->mutex);
  return flushed;
}

bool or_log_writer_stop(or_log_writer_t *writer, int64_t deadline_ns) {
  if (writer == NULL) return true;
  or_mutex_lock(&writer->mutex);
  const bool flushed = flush_locked(writer, deadline_ns);
  writer->stopping = true;
  writer->abandoned = !flushed;
  or_cond_signal(&writer->wake);
  const int64_t leave_ns = or_clock_ns() + LEAVE_NS;
  while (!writer->ended && or_cond_wait_until(&writer->changed, &writer->mutex, leave_ns)) continue;
  const bool ended = writer->ended;
  or_mutex_unlock(&writer->mutex);
  if (!ended) return false;
  or_thread_join(&writer->thread);
  or_cond_deinit(&writer->changed);
  or_cond_deinit(&writer->wake);
  or_mutex_deinit(&writer->mutex);
  or_free(writer->allocator, writer);
  return flushed;
}
