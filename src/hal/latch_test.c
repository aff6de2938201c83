#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake/expect.h"
#include "hal/latch.h"

enum { ROUNDS = 2000, CALLERS = 8 };

/* `value` is written before the latch opens. */
typedef struct pair_t {
  or_latch_t latch;
  int value;
  atomic_uint asked; /* rounds that the waiter wants opened */
} pair_t;

static void open_each(void *self) {
  pair_t *pair = self;
  for (unsigned round = 1; round <= ROUNDS; ++round) {
    while (atomic_load(&pair->asked) < round) (void)sched_yield();
    pair->value = (int)round;
    or_latch_open(&pair->latch);
  }
}

static void wait_each(pair_t *pair) {
  or_thread_t opener = {0};
  or_expect_ok(or_thread_start(&opener, "opener", open_each, pair));
  for (int round = 1; round <= ROUNDS; ++round) {
    or_latch_close(&pair->latch);
    atomic_store(&pair->asked, (unsigned)round);
    or_latch_wait(&pair->latch);
    assert_int_equal(pair->value, round);
  }
  or_thread_join(&opener);
}

static void lets_a_waiter_pass_that_comes_after_it_opened(void **state) {
  (void)state;
  or_latch_t latch;
  or_latch_init(&latch);
  or_latch_open(&latch);
  or_latch_wait(&latch);
  or_latch_close(&latch);
  or_latch_open(&latch);
  or_latch_wait(&latch);
  or_latch_deinit(&latch);
}

static void shows_the_waiter_what_was_written_before_it_opened(void **state) {
  (void)state;
  pair_t pair = {.value = 0};
  atomic_init(&pair.asked, 0);
  or_latch_init(&pair.latch);
  wait_each(&pair);
  or_latch_deinit(&pair.latch);
}

static void wait_for(void *self) { or_latch_wait(self); }

/* More waiters than cores: some sleep. */
static void wakes_every_one_of_many_waiters(void **state) {
  (void)state;
  pair_t pairs[CALLERS] = {{.value = 0}};
  or_thread_t waiters[CALLERS] = {{0}};
  for (int i = 0; i < CALLERS; ++i) {
    or_latch_init(&pairs[i].latch);
    or_latch_close(&pairs[i].latch);
    or_expect_ok(or_thread_start(&waiters[i], "waiter", wait_for, &pairs[i].latch));
  }
  for (int i = CALLERS; i-- > 0;) or_latch_open(&pairs[i].latch);
  for (int i = 0; i < CALLERS; ++i) {
    or_thread_join(&waiters[i]);
    or_latch_deinit(&pairs[i].latch);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lets_a_waiter_pass_that_comes_after_it_opened),
      cmocka_unit_test(shows_the_waiter_what_was_written_before_it_opened),
      cmocka_unit_test(wakes_every_one_of_many_waiters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
