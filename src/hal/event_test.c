#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "fake/expect.h"
#include "hal/event.h"

static or_event_t *new_event(void) {
  or_event_t *event = NULL;
  or_expect_ok(or_event_create(or_allocator_system(), &event));
  return event;
}

static void gives_every_waiter_its_own_copy_of_the_failure(void **state) {
  (void)state;
  size_t live = or_status_live_count();
  or_event_t *event = new_event();
  assert_false(or_event_is_signalled(event));
  or_event_signal(event, or_error(OR_DATA_LOSS, "the disk of \"x\""));
  assert_true(or_event_is_signalled(event));
  or_expect_words(or_event_wait(event, INT64_MAX), OR_DATA_LOSS, "the disk of \"x\"");
  or_expect(or_event_wait(event, 0), OR_DATA_LOSS);
  or_event_release(event);
  assert_int_equal(or_status_live_count(), live);
}

static void gives_up_at_the_deadline(void **state) {
  (void)state;
  or_event_t *event = new_event();
  or_expect(or_event_wait(event, or_clock_ns() + 1000), OR_DEADLINE_EXCEEDED);
  or_expect(or_event_wait(event, 0), OR_DEADLINE_EXCEEDED);
  or_event_signal(event, or_status_success());
  or_expect_ok(or_event_wait(event, 0));
  or_event_release(event);
  or_event_release(NULL);
}

static void count_callback(void *self, or_event_t *event) {
  assert_true(or_event_is_signalled(event));
  ++*(int *)self;
}

static void calls_back_once_before_or_after_the_signal(void **state) {
  (void)state;
  int calls = 0;
  or_event_t *early = new_event(), *late = new_event();
  or_event_on_signal(early, count_callback, &calls);
  assert_int_equal(calls, 0);
  or_event_signal(early, or_status_success());
  assert_int_equal(calls, 1);
  or_event_signal(late, or_status_success());
  or_event_on_signal(late, count_callback, &calls);
  assert_int_equal(calls, 2);
  or_event_release(early);
  or_event_release(late);
}

static void release_in_callback(void *self, or_event_t *event) {
  (void)self;
  or_event_release(event);
}

static void may_be_released_in_its_callback(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_event_t *event = NULL;
  or_expect_ok(or_event_create(&counting.base, &event));
  or_event_retain(event); /* of the callback */
  or_event_on_signal(event, release_in_callback, NULL);
  or_event_signal(event, or_status_success());
  or_event_release(event);
  assert_int_equal(counting.live_bytes, 0);
}

static void says_so_when_there_is_no_memory(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 1);
  or_event_t *event = NULL;
  or_expect(or_event_create(&counting.base, &event), OR_RESOURCE_EXHAUSTED);
  assert_null(event);
}

#define ROUNDS 300
#define WAITERS 3
static or_event_t *rounds[ROUNDS];
static atomic_int woken, failures;

static void wait_for_all(void *argument) {
  (void)argument;
  for (int i = 0; i < ROUNDS; ++i) {
    or_status_t status = or_event_wait(rounds[i], INT64_MAX);
    bool expected = or_status_code(status) == (i % 7 == 0 ? OR_INTERNAL : OR_OK);
    or_status_ignore(status); /* looked at */
    if (!expected) atomic_fetch_add(&failures, 1);
    atomic_fetch_add(&woken, 1);
    or_event_release(rounds[i]);
  }
}

static void wakes_every_waiter_of_every_event(void **state) {
  (void)state;
  or_thread_t threads[WAITERS] = {{0}};
  for (int i = 0; i < ROUNDS; ++i) {
    rounds[i] = new_event();
    for (int k = 0; k < WAITERS; ++k) or_event_retain(rounds[i]);
  }
  for (int k = 0; k < WAITERS; ++k) or_expect_ok(or_thread_start(&threads[k], "waiter", wait_for_all, NULL));
  for (int i = 0; i < ROUNDS; ++i) {
    or_event_signal(rounds[i], i % 7 == 0 ? or_error(OR_INTERNAL, "round %d", i) : or_status_success());
    or_event_release(rounds[i]);
  }
  for (int k = 0; k < WAITERS; ++k) or_thread_join(&threads[k]);
  assert_int_equal(atomic_load(&woken), ROUNDS * WAITERS);
  assert_int_equal(atomic_load(&failures), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_every_waiter_its_own_copy_of_the_failure),
      cmocka_unit_test(gives_up_at_the_deadline),
      cmocka_unit_test(calls_back_once_before_or_after_the_signal),
      cmocka_unit_test(may_be_released_in_its_callback),
      cmocka_unit_test(says_so_when_there_is_no_memory),
      cmocka_unit_test(wakes_every_waiter_of_every_event),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
