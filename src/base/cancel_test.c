#include "base/cancel.h"
#include "base/clock.h"
#include "base/testing.h"

static void asks_nothing_of_null(void **state) {
  (void)state;
  assert_false(or_cancel_requested(NULL));
  expect_ok(or_cancel_status(NULL));
}

static void is_quiet_until_requested(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  assert_false(or_cancel_requested(&cancel));
  expect_ok(or_cancel_status(&cancel));
  or_cancel_request(&cancel);
  assert_true(or_cancel_requested(&cancel));
  expect_failure(or_cancel_status(&cancel), OR_CANCELLED, "");
}

static void tells_a_passed_deadline_from_a_request(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, or_clock_ns() - 1);
  assert_true(or_cancel_requested(&cancel));
  expect_failure(or_cancel_status(&cancel), OR_DEADLINE_EXCEEDED, "");
  or_cancel_request(&cancel);
  expect_failure(or_cancel_status(&cancel), OR_CANCELLED, "");
  or_cancel_init(&cancel, INT64_MAX - 1);
  assert_false(or_cancel_requested(&cancel));
}

static void what_lies_outside_ends_the_part_as_well(void **state) {
  (void)state;
  or_cancel_t outer, part;
  or_cancel_init(&outer, INT64_MAX);
  or_cancel_init_within(&part, INT64_MAX, &outer);
  assert_false(or_cancel_requested(&part));
  or_cancel_request(&outer);
  assert_true(or_cancel_requested(&part));
  expect_failure(or_cancel_status(&part), OR_CANCELLED, "");
  or_cancel_init_within(&part, or_clock_ns() - 1, NULL);
  expect_failure(or_cancel_status(&part), OR_DEADLINE_EXCEEDED, "");
  or_cancel_init(&outer, or_clock_ns() - 1);
  or_cancel_init_within(&part, INT64_MAX, &outer);
  expect_failure(or_cancel_status(&part), OR_DEADLINE_EXCEEDED, "");
  or_cancel_request(&part); /* says more than the deadline does, and nothing to what lies outside */
  expect_failure(or_cancel_status(&part), OR_CANCELLED, "");
  expect_failure(or_cancel_status(&outer), OR_DEADLINE_EXCEEDED, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_nothing_of_null),
      cmocka_unit_test(is_quiet_until_requested),
      cmocka_unit_test(tells_a_passed_deadline_from_a_request),
      cmocka_unit_test(what_lies_outside_ends_the_part_as_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
