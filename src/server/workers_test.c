/* Workers: order, bounds, ticks, an end that tells what waits. */
#include "server/workers.h"

#include "server/work_log_test_internal.h"

static void tick(void *self) {
  log_t *log = self;
  or_mutex_lock(&log->mutex);
  ++log->ticks;
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static void carries_out_what_it_is_given(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  log_init(&log, true);
  const or_workers_options_t options = {.allocator = or_allocator_system(), .name = "or-test", .threads = 2};
  expect_ok(or_workers_create(&options, &workers));
  for (int i = 0; i < 10; ++i) expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.done, 10);
  or_workers_free(workers);
  assert_int_equal(log.done, 10);
  assert_int_equal(log.told, 0);
  log_deinit(&log);
}

static void refuses_beyond_its_bound_and_tells_what_waits_at_the_end(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  log_init(&log, false);
  const or_workers_options_t options = {.allocator = or_allocator_system(), .name = "or-test", .threads = 1};
  expect_ok(or_workers_create(&options, &workers));
  expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.entered, 1);
  for (unsigned i = 0; i < OR_WORKERS_MAX_QUEUED; ++i) expect_ok(or_workers_submit(workers, work, &log));
  expect_failure(or_workers_submit(workers, work, &log), OR_UNAVAILABLE, "256");
  stop_at_work(workers, &log);
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
  log_init(&log, false);
  const or_workers_options_t options = {
      .allocator = or_allocator_system(), .name = "or-test", .threads = 1, .queued = 2, .patient = true};
  expect_ok(or_workers_create(&options, &workers));
  expect_ok(or_workers_submit(workers, work, &log));
  wait_until(&log, &log.entered, 1);
  for (int i = 0; i < 2; ++i) expect_ok(or_workers_submit(workers, work, &log));
  expect_failure(or_workers_submit(workers, work, &log), OR_UNAVAILABLE, "2 requests of this kind wait already");
  let_end(&log);
  wait_until(&log, &log.done, 3);
  or_workers_free(workers);
  log_deinit(&log);
}

static void ticks_between_pieces_of_work(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  log_init(&log, true);
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
