#ifndef OR_SERVER_WORK_LOG_TEST_INTERNAL_H
#define OR_SERVER_WORK_LOG_TEST_INTERNAL_H
/* For the tests of workers and of turns: what came to work and what became of it. */

#include <sched.h>

#include "base/testing.h"
#include "server/workers.h"

typedef struct log_t {
  or_mutex_t mutex;
  or_cond_t changed;
  int entered, at_once, most_at_once, done, told, ticks;
  bool open; /* work may end */
} log_t;

static inline void log_init(log_t *log, bool open) {
  *log = (log_t){.open = open};
  or_mutex_init(&log->mutex);
  or_cond_init(&log->changed);
}

static inline void log_deinit(log_t *log) {
  or_cond_deinit(&log->changed);
  or_mutex_deinit(&log->mutex);
}

/* A piece of work: it ends once it may. */
static inline void work(void *self, bool stopped) {
  log_t *log = self;
  or_mutex_lock(&log->mutex);
  ++log->entered;
  if (++log->at_once > log->most_at_once) log->most_at_once = log->at_once;
  or_cond_broadcast(&log->changed);
  while (!log->open && !stopped) or_cond_wait(&log->changed, &log->mutex);
  --log->at_once;
  ++*(stopped ? &log->told : &log->done);
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static inline void wait_until(log_t *log, const int *count, int least) {
  or_mutex_lock(&log->mutex);
  while (*count < least) or_cond_wait(&log->changed, &log->mutex);
  or_mutex_unlock(&log->mutex);
}

static inline void let_end(log_t *log) {
  or_mutex_lock(&log->mutex);
  log->open = true;
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static inline void nothing(void *self, bool stopped) { (void)self, (void)stopped; }

static inline bool is_draining(or_workers_t *workers) {
  or_status_t status = or_workers_submit(workers, nothing, NULL);
  const bool draining = !or_ok(status) && strstr(or_status_message(status), "draining") != NULL;
  or_status_ignore(status); /* that was asked */
  return draining;
}

static inline void stop_workers(void *workers) { or_workers_stop(workers); }

/* Stops them while a piece is at work, which ends once they have begun to stop. */
static inline void stop_at_work(or_workers_t *workers, log_t *log) {
  or_thread_t thread;
  expect_ok(or_thread_start(&thread, "or-stop", stop_workers, workers));
  while (!is_draining(workers)) (void)sched_yield();
  let_end(log);
  or_thread_join(&thread);
}

#endif
