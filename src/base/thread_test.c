#include "base/thread.h"

#include <signal.h>

#include "base/clock.h"
#include "base/string.h"
#include "base/testing.h"

typedef struct box_t {
  or_mutex_t mutex;
  or_cond_t cond;
  int value;
  char name[32];
  bool signals_blocked;
} box_t;

static void look_around(void *opaque) {
  box_t *box = opaque;
  sigset_t blocked;
  (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  or_mutex_lock(&box->mutex);
  box->signals_blocked = sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGTERM) == 1;
#if defined(__linux__)
  (void)pthread_getname_np(pthread_self(), box->name, sizeof box->name);
#endif
  box->value = 42;
  or_cond_broadcast(&box->cond);
  or_mutex_unlock(&box->mutex);
}

static void starts_named_threads_with_signals_blocked(void **state) {
  (void)state;
  box_t box = {0};
  or_mutex_init(&box.mutex);
  or_cond_init(&box.cond);
  or_thread_t thread;
  expect_ok(or_thread_start(&thread, "a name of more than fifteen bytes", look_around, &box));
  or_mutex_lock(&box.mutex);
  while (box.value == 0) assert_true(or_cond_wait_until(&box.cond, &box.mutex, INT64_MAX));
  or_mutex_unlock(&box.mutex);
  or_thread_join(&thread);
  assert_false(thread.started);
  or_thread_join(&thread); /* does nothing */
  assert_true(box.signals_blocked);
#if defined(__linux__)
  assert_string_equal(box.name, "a name of more ");
#endif
  sigset_t own;
  (void)pthread_sigmask(SIG_SETMASK, NULL, &own);
  assert_int_equal(sigismember(&own, SIGINT), 0);
  or_cond_deinit(&box.cond);
  or_mutex_deinit(&box.mutex);
}

static void stops_waiting_at_the_deadline(void **state) {
  (void)state;
  or_mutex_t mutex;
  or_cond_t cond;
  or_mutex_init(&mutex);
  or_cond_init(&cond);
  or_mutex_lock(&mutex);
  assert_false(or_cond_wait_until(&cond, &mutex, 0));
  assert_false(or_cond_wait_until(&cond, &mutex, -5));
  int64_t deadline = or_clock_ns() + 2000000;
  while (or_cond_wait_until(&cond, &mutex, deadline)) {
  }
  assert_true(or_clock_ns() >= deadline);
  or_mutex_unlock(&mutex);
  or_cond_deinit(&cond);
  or_mutex_deinit(&mutex);
}

static void tells_the_last_reference(void **state) {
  (void)state;
  or_ref_t ref;
  or_ref_init(&ref);
  or_ref_retain(&ref);
  assert_false(or_ref_release(&ref));
  assert_true(or_ref_release(&ref));
}

static void formats_wall_clock_times(void **state) {
  (void)state;
  char text[OR_CLOCK_TEXT_BYTES];
  /* date -u -d @1769860800 */
  assert_string_equal(or_clock_format(INT64_C(1769860800123456), text, sizeof text),
                      "2026-01-31T12:00:00.123456+00:00");
  assert_string_equal(or_clock_format(0, text, sizeof text), "1970-01-01T00:00:00.000000+00:00");
  assert_string_equal(or_clock_format(-1, text, sizeof text), "1969-12-31T23:59:59.999999+00:00");
  assert_string_equal(or_clock_format(INT64_C(951782400000000), text, sizeof text), "2000-02-29T00:00:00.000000+00:00");
  (void)or_clock_format(INT64_MAX, text, sizeof text);
  (void)or_clock_format(INT64_MIN, text, sizeof text);
  assert_true(or_clock_wall_us() > INT64_C(1700000000000000));
}

/* A moment of each day of an era of 400 years, and the last of those with four digits of a year. */
static void formats_every_day_as_the_c_library_does(void **state) {
  (void)state;
  const int64_t last_s = INT64_C(253402300799);
  char text[OR_CLOCK_TEXT_BYTES], expected[OR_CLOCK_TEXT_BYTES];
  for (int64_t day = 0; day <= 146097; ++day) {
    const time_t seconds = (time_t)(day == 146097 ? last_s : day * 86400 + day * 7919 % 86400);
    const int64_t fraction = day * 6151 % 1000000;
    struct tm parts;
    assert_non_null(gmtime_r(&seconds, &parts));
    size_t length = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &parts);
    or_format(expected + length, sizeof expected - length, ".%06d+00:00", (int)fraction);
    assert_string_equal(or_clock_format((int64_t)seconds * 1000000 + fraction, text, sizeof text), expected);
  }
  assert_string_equal(or_clock_format((last_s + 1) * 1000000, text, sizeof text), "10000-01-01T00:00:00.000000+00:00");
  assert_string_equal(or_clock_format(0, text, 11), "1970-01-01");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(starts_named_threads_with_signals_blocked),
      cmocka_unit_test(stops_waiting_at_the_deadline),
      cmocka_unit_test(tells_the_last_reference),
      cmocka_unit_test(formats_wall_clock_times),
      cmocka_unit_test(formats_every_day_as_the_c_library_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
