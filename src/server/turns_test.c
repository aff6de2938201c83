/* Turns: who waits for himself keeps one thread, in order, within bounds, and is told of the end. */
#include "server/turns.h"

#include "server/work_log_test_internal.h"

static void create(unsigned own, unsigned all, or_workers_t **workers, or_turns_t **turns) {
  const or_workers_options_t options = {.allocator = or_allocator_system(), .name = "or-test", .threads = 2};
  expect_ok(or_workers_create(&options, workers));
  expect_ok(or_turns_create(*workers, or_allocator_system(), own, all, turns));
}

typedef struct item_t {
  log_t *log;
  int came; /* after so many others */
} item_t;

static void work_in_turn(void *self, bool stopped) {
  item_t *item = self;
  or_mutex_lock(&item->log->mutex);
  item->came = item->log->entered;
  or_mutex_unlock(&item->log->mutex);
  work(item->log, stopped);
}

static void one_owner_keeps_one_thread(void **state) {
  (void)state;
  log_t mine, others;
  item_t items[5];
  or_workers_t *workers = NULL;
  or_turns_t *turns = NULL;
  log_init(&mine, false);
  log_init(&others, true);
  create(8, 8, &workers, &turns);
  for (int i = 0; i < 5; ++i) {
    items[i] = (item_t){.log = &mine};
    expect_ok(or_turns_submit(turns, "mine", work_in_turn, &items[i]));
  }
  wait_until(&mine, &mine.entered, 1);
  expect_ok(or_turns_submit(turns, "other", work, &others));
  wait_until(&others, &others.done, 1); /* the first one's five are still not done */
  assert_int_equal(mine.entered, 1);
  let_end(&mine);
  wait_until(&mine, &mine.done, 5);
  or_workers_free(workers);
  or_turns_free(turns);
  assert_int_equal(mine.most_at_once, 1);
  for (int i = 0; i < 5; ++i) assert_int_equal(items[i].came, i);
  log_deinit(&mine);
  log_deinit(&others);
}

static void what_waits_is_bounded_for_each_and_for_all(void **state) {
  (void)state;
  log_t one, two;
  or_workers_t *workers = NULL;
  or_turns_t *turns = NULL;
  log_init(&one, false);
  log_init(&two, false);
  create(2, 3, &workers, &turns);
  expect_ok(or_turns_submit(turns, "one", work, &one));
  wait_until(&one, &one.entered, 1); /* that one waits no more */
  for (int i = 0; i < 2; ++i) expect_ok(or_turns_submit(turns, "one", work, &one));
  expect_failure(or_turns_submit(turns, "one", work, &one), OR_UNAVAILABLE, "2 requests of this kind and key wait");
  expect_ok(or_turns_submit(turns, "two", work, &two));
  wait_until(&two, &two.entered, 1);
  expect_ok(or_turns_submit(turns, "two", work, &two));
  expect_failure(or_turns_submit(turns, "two", work, &two), OR_UNAVAILABLE, "3 requests of this kind wait");
  let_end(&one);
  let_end(&two);
  wait_until(&one, &one.done, 3);
  wait_until(&two, &two.done, 2);
  or_workers_free(workers);
  or_turns_free(turns);
  log_deinit(&one);
  log_deinit(&two);
}

/* Stopped while a piece is at work: it ends as it would, and all that waits behind it is told. */
static void what_waits_at_the_end_is_told(void **state) {
  (void)state;
  log_t log;
  or_workers_t *workers = NULL;
  or_turns_t *turns = NULL;
  log_init(&log, false);
  create(8, 8, &workers, &turns);
  for (int i = 0; i < 4; ++i) expect_ok(or_turns_submit(turns, "one", work, &log));
  wait_until(&log, &log.entered, 1);
  stop_at_work(workers, &log);
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
