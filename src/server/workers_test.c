/* Workers: order, bounds, ticks, an end that tells what waits. */
#include "base/testing.h"

#include "server/workers.h"

typedef struct log_t {
  or_mutex_t mutex;
  or_cond_t changed;
  int entered, done, told, ticks;
  bool open; /* work may end */
} log_t;

static void log_init(log_t *log) {
  *log = (log_t){.open = true};
  or_mutex_init(&log->mutex);
  or_cond_init(&log->changed);
}

static void log_deinit(log_t *log) {
  or_cond_deinit(&log->changed);
  or_mutex_deinit(&log->mutex);
}

static void work(void *self, bool stopped) {
  log_t *log = self;
  or_mutex_lock(&log->mutex);
  ++log->entered;
  or_cond_broadcast(&log->changed);
  while (!log->open && !stopped) or_cond_wait(&log->changed, &log->mutex);
  ++*(stopped ? &log->told : &log->done);
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static void tick(void *self) {
  log_t *log = self;
  or_mutex_lock(&log->mutex);
  ++log->ticks;
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static void wait_until(log_t *log, const int *count, int least) {
  or_mutex_lock(&log->mutex);
  while (*count < least) or_cond_wait(&log->changed, &log->mutex);
  or_mutex_unlock(&log->mutex);
}

static void carries_out_what_it_is_given(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  log_init(&log);
  const or_workers_options_t options = {.allocator = or_allocator_system(), .name = "or-test", .threads = 2};
  expect_ok(or_workers_create(&options, &workers));
  for (int i = 0; i < 10; ++i) expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.done, 10);
  or_workers_free(workers);
  assert_int_equal(log.done, 10);
  assert_int_equal(log.told, 0);
  log_deinit(&log);
}

static void open_gate(log_t *log) {
  or_mutex_lock(&log->mutex);
  log->open = true;
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static void stop_on_a_thread(void *workers) { or_workers_stop(workers); }

static void refuses_beyond_its_bound_and_tells_what_waits_at_the_end(void **state) {
  (void)state;
  log_t log;
  or_thread_t thread;
  or_workers_t *workers = NULL;
  log_init(&log);
  log.open = false;
  const or_workers_options_t options = {.allocator = or_allocator_system(), .name = "or-test", .threads = 1};
  expect_ok(or_workers_create(&options, &workers));
  expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.entered, 1);
  for (unsigned i = 0; i < OR_WORKERS_MAX_QUEUED; ++i) expect_ok(or_workers_submit(workers, work, &log));
  expect_failure(or_workers_submit(workers, work, &log), OR_UNAVAILABLE, "256");
  expect_ok(or_thread_start(&thread, "or-stop", stop_on_a_thread, workers));
  for (bool draining = false; !draining;) { /* until the other thread has begun to stop them */
    or_status_t status = or_workers_submit(workers, work, &log);
    draining = strstr(or_status_message(status), "draining") != NULL;
    or_status_ignore(status); /* looked at */
  }
  open_gate(&log);
  or_thread_join(&thread);
  assert_int_equal(log.done, 1);
  assert_int_equal(log.told, OR_WORKERS_MAX_QUEUED);
  or_workers_stop(workers);
  or_workers_free(workers);
  or_workers_free(NULL);
  log_deinit(&log);
}

static void keeps_a_bound_of_its_own(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  log_init(&log);
  log.open = false;
  const or_workers_options_t options = {
      .allocator = or_allocator_system(), .name = "or-test", .threads = 1, .queued = 2, .patient = true};
  expect_ok(or_workers_create(&options, &workers));
  expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.entered, 1);
  for (int i = 0; i < 2; ++i) expect_ok(or_workers_submit(workers, work, &log));
  expect_failure(or_workers_submit(workers, work, &log), OR_UNAVAILABLE, "2 requests of this kind wait already");
  open_gate(&log);
  wait_until(&log, &log.done, 3);
  or_workers_free(workers);
  log_deinit(&log);
}

static void ticks_between_pieces_of_work(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  log_init(&log);
  const or_workers_options_t options = {.allocator = or_allocator_system(),
                                        .name = "or-test",
                                        .threads = 1,
                                        .interval_ns = 1000,
                                        .tick = tick,
                                        .tick_self = &log};
  expect_ok(or_workers_create(&options, &workers));
  wait_until(&log, &log.ticks, 3);
  expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.done, 1);
  or_workers_free(workers);
  log_deinit(&log);
}

static or_status_t make(const or_allocator_t *allocator) {
  const or_workers_options_t options = {.allocator = allocator, .name = "or-test", .threads = 1};
  or_workers_t *workers = NULL;
  or_status_t status = or_workers_create(&options, &workers);
  or_workers_free(workers);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(make);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(carries_out_what_it_is_given),
      cmocka_unit_test(refuses_beyond_its_bound_and_tells_what_waits_at_the_end),
      cmocka_unit_test(keeps_a_bound_of_its_own),
      cmocka_unit_test(ticks_between_pieces_of_work),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
