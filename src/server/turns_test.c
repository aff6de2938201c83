/* Turns: who waits for himself keeps one thread, in order, within bounds, and is told of the end. */
#include "base/testing.h"

#include <sched.h>
#include <string.h>

#include "server/turns.h"

typedef struct log_t {
  or_mutex_t mutex;
  or_cond_t changed;
  int entered, at_once, most_at_once, done, told, next; /* of one owner */
  bool open, in_order;                                  /* work may end; it came as it was given */
} log_t;

typedef struct item_t {
  log_t *log;
  int index;
} item_t;

static void log_init(log_t *log, bool open) {
  *log = (log_t){.open = open, .in_order = true};
  or_mutex_init(&log->mutex);
  or_cond_init(&log->changed);
}

static void log_deinit(log_t *log) {
  or_cond_deinit(&log->changed);
  or_mutex_deinit(&log->mutex);
}

static void work(void *self, bool stopped) {
  const item_t *item = self;
  log_t *log = item->log;
  or_mutex_lock(&log->mutex);
  ++log->entered;
  if (++log->at_once > log->most_at_once) log->most_at_once = log->at_once;
  log->in_order = log->in_order && item->index == log->next++;
  or_cond_broadcast(&log->changed);
  while (!log->open && !stopped) or_cond_wait(&log->changed, &log->mutex);
  --log->at_once;
  ++*(stopped ? &log->told : &log->done);
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static void wait_until(log_t *log, const int *count, int least) {
  or_mutex_lock(&log->mutex);
  while (*count < least) or_cond_wait(&log->changed, &log->mutex);
  or_mutex_unlock(&log->mutex);
}

static void let_end(log_t *log) {
  or_mutex_lock(&log->mutex);
  log->open = true;
  or_cond_broadcast(&log->changed);
  or_mutex_unlock(&log->mutex);
}

static void expect_refused(or_status_t status) {
  assert_int_equal(or_status_code(status), OR_UNAVAILABLE);
  or_status_ignore(status);
}

static void create(unsigned own, unsigned all, or_workers_t **workers, or_turns_t **turns) {
  const or_workers_options_t options = {.allocator = or_allocator_system(), .name = "or-test", .threads = 2};
  expect_ok(or_workers_create(&options, workers));
  expect_ok(or_turns_create(*workers, or_allocator_system(), own, all, turns));
}

static void one_owner_keeps_one_thread(void **state) {
  (void)state;
  log_t mine, others;
  item_t items[5], other = {&others, 0};
  or_workers_t *workers = NULL;
  or_turns_t *turns = NULL;
  log_init(&mine, false);
  log_init(&others, true);
  create(8, 8, &workers, &turns);
  for (int i = 0; i < 5; ++i) {
    items[i] = (item_t){&mine, i};
    expect_ok(or_turns_submit(turns, "mine", work, &items[i]));
  }
  wait_until(&mine, &mine.entered, 1);
  expect_ok(or_turns_submit(turns, "other", work, &other));
  wait_until(&others, &others.done, 1); /* the first one's five are still not done */
  assert_int_equal(mine.entered, 1);
  let_end(&mine);
  wait_until(&mine, &mine.done, 5);
  or_workers_free(workers);
  or_turns_free(turns);
  assert_int_equal(mine.most_at_once, 1);
  assert_true(mine.in_order);
  log_deinit(&mine);
  log_deinit(&others);
}

static void what_waits_is_bounded_for_each_and_for_all(void **state) {
  (void)state;
  log_t log, second;
  item_t items[3], others[3];
  or_workers_t *workers = NULL;
  or_turns_t *turns = NULL;
  log_init(&log, false);
  log_init(&second, false);
  create(2, 3, &workers, &turns);
  for (int i = 0; i < 3; ++i) {
    items[i] = (item_t){&log, i};
    others[i] = (item_t){&second, i};
    expect_ok(or_turns_submit(turns, "one", work, &items[i]));
    if (i == 0) wait_until(&log, &log.entered, 1); /* that one waits no more */
  }
  expect_refused(or_turns_submit(turns, "one", work, &items[2]));
  expect_ok(or_turns_submit(turns, "two", work, &others[0]));
  wait_until(&second, &second.entered, 1);
  expect_ok(or_turns_submit(turns, "two", work, &others[1]));
  expect_refused(or_turns_submit(turns, "two", work, &others[2]));
  let_end(&log);
  let_end(&second);
  wait_until(&log, &log.done, 3);
  wait_until(&second, &second.done, 2);
  or_workers_free(workers);
  or_turns_free(turns);
  log_deinit(&log);
  log_deinit(&second);
}

static void nothing(void *self, bool stopped) { (void)self, (void)stopped; }

static bool is_draining(or_workers_t *workers) {
  or_status_t status = or_workers_submit(workers, nothing, NULL);
  const bool draining = !or_ok(status) && strstr(or_status_message(status), "draining") != NULL;
  or_status_ignore(status); /* that was asked */
  return draining;
}

static void stop(void *workers) { or_workers_stop(workers); }

/* Stopped while a piece is at work: it ends as it would, and all that waits behind it is told. */
static void what_waits_at_the_end_is_told(void **state) {
  (void)state;
  log_t log;
  item_t items[4];
  or_workers_t *workers = NULL;
  or_turns_t *turns = NULL;
  or_thread_t stopper = {0};
  log_init(&log, false);
  create(8, 8, &workers, &turns);
  for (int i = 0; i < 4; ++i) {
    items[i] = (item_t){&log, i};
    expect_ok(or_turns_submit(turns, "one", work, &items[i]));
  }
  wait_until(&log, &log.entered, 1);
  expect_ok(or_thread_start(&stopper, "or-stop", stop, workers));
  while (!is_draining(workers)) (void)sched_yield();
  let_end(&log);
  or_thread_join(&stopper);
  or_workers_free(workers);
  or_turns_free(turns);
  assert_int_equal(log.done, 1);
  assert_int_equal(log.told, 3);
  log_deinit(&log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_owner_keeps_one_thread),
      cmocka_unit_test(what_waits_is_bounded_for_each_and_for_all),
      cmocka_unit_test(what_waits_at_the_end_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
