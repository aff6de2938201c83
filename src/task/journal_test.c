#include "task/journal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/testing.h"
#include "base/thread.h"

static void names_each_state_in_the_words_of_the_wire(void **unused) {
  (void)unused;
  const char *const words[] = {"pending", "running", "completed", "failed", "cancelled", "timeout"};
  for (size_t i = 0; i < 6; ++i) {
    or_task_state_t state = OR_TASK_PENDING;
    assert_string_equal(or_task_state_name((or_task_state_t)i), words[i]);
    assert_true(or_task_state_from_name(words[i], &state));
    assert_int_equal(state, i);
    assert_int_equal(or_task_state_is_final(state), i >= 2);
  }
  or_task_state_t state = OR_TASK_FAILED;
  assert_false(or_task_state_from_name("done", &state));
  assert_false(or_task_state_from_name(NULL, &state));
  assert_int_equal(state, OR_TASK_FAILED);
  assert_string_equal(or_task_state_name((or_task_state_t)6), "invalid");
}

static void takes_ids_of_the_stated_characters_and_length_only(void **unused) {
  (void)unused;
  char longest[66];
  memset(longest, 'x', sizeof longest);
  longest[64] = '\0';
  assert_true(or_task_id_valid(longest));
  longest[64] = 'x';
  longest[65] = '\0';
  assert_false(or_task_id_valid(longest));
  assert_true(or_task_id_valid("a.B_9:-"));
  const char *const wrong[] = {NULL, "", "a b", "a/b", "../x", "\xc3\xa4", "a\n"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) assert_false(or_task_id_valid(wrong[i]));
}

static void makes_ids_that_sort_by_time_and_hold_it(void **unused) {
  (void)unused;
  char last[OR_TASK_ID_BYTES] = "", id[OR_TASK_ID_BYTES];
  uint64_t before_ms = (uint64_t)(or_clock_wall_us() / 1000);
  for (int i = 0; i < 10000; ++i) {
    expect_ok(or_task_id_make(id));
    assert_int_equal(strlen(id), 26);
    assert_true(or_task_id_valid(id));
    assert_true(strcmp(last, id) < 0);
    memcpy(last, id, sizeof last);
  }
  /* The specification of ULIDs: the first ten digits, Crockford's base 32, are the milliseconds. */
  uint64_t milliseconds = 0;
  for (int i = 0; i < 10; ++i) {
    const char *digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", *digit = strchr(digits, id[i]);
    assert_non_null(digit);
    milliseconds = milliseconds * 32 + (uint64_t)(digit - digits);
  }
  assert_true(milliseconds >= before_ms && milliseconds <= (uint64_t)(or_clock_wall_us() / 1000));
}

#define THREADS 4
#define IDS 2000
static char made[THREADS][IDS][OR_TASK_ID_BYTES];

static void make_ids(void *argument) {
  char(*ids)[OR_TASK_ID_BYTES] = argument;
  for (int i = 0; i < IDS; ++i) or_status_ignore(or_task_id_make(ids[i])); /* an empty one would equal another */
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

static void makes_no_id_twice_on_several_threads(void **unused) {
  (void)unused;
  or_thread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i) expect_ok(or_thread_start(&threads[i], "ids", make_ids, made[i]));
  for (int i = 0; i < THREADS; ++i) or_thread_join(&threads[i]);
  char(*all)[OR_TASK_ID_BYTES] = &made[0][0];
  qsort(all, (size_t)THREADS * IDS, OR_TASK_ID_BYTES, by_text);
  for (int i = 1; i < THREADS * IDS; ++i) assert_true(strcmp(all[i - 1], all[i]) < 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_each_state_in_the_words_of_the_wire),
      cmocka_unit_test(takes_ids_of_the_stated_characters_and_length_only),
      cmocka_unit_test(makes_ids_that_sort_by_time_and_hold_it),
      cmocka_unit_test(makes_no_id_twice_on_several_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
