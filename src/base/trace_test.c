/* Recordings: what is kept, cut and dropped, and whose it is. */
#include "base/testing.h"

#include "base/clock.h"
#include "base/string.h"
#include "base/trace.h"

static or_trace_event_t event_at(int64_t begin_ns, int64_t end_ns, const char *name) {
  or_trace_event_t event = {.kind = OR_TRACE_NODE, .begin_ns = begin_ns, .end_ns = end_ns};
  or_format(event.name, sizeof event.name, "%s", name);
  return event;
}

static void records_nothing_until_it_is_started_and_after_it_was_stopped(void **state) {
  (void)state;
  or_trace_t trace;
  or_trace_init(&trace, or_allocator_system());
  const or_trace_event_t event = event_at(1, 2, "x");
  assert_false(or_trace_on(NULL));
  assert_false(or_trace_on(&trace));
  or_trace_add(&trace, &event, 1);
  assert_null(or_trace_stop(&trace));
  expect_ok(or_trace_start(&trace, INT64_MAX, 4));
  assert_true(or_trace_on(&trace));
  expect_failure(or_trace_start(&trace, INT64_MAX, 4), OR_FAILED_PRECONDITION, "already");
  or_trace_recording_t *recording = or_trace_stop(&trace);
  assert_int_equal(recording->count, 0);
  assert_true(recording->end_ns >= recording->start_ns && recording->end_ns <= or_clock_ns());
  assert_false(or_trace_on(&trace));
  or_trace_recording_free(recording);
  or_trace_recording_free(NULL);
  expect_ok(or_trace_start(&trace, INT64_MAX, 4)); /* given back by deinit */
  or_trace_deinit(&trace);
}

static void keeps_the_newest_in_order_and_counts_the_others(void **state) {
  (void)state;
  or_trace_t trace;
  or_trace_init(&trace, or_allocator_system());
  expect_ok(or_trace_start(&trace, INT64_MAX, 3));
  const int64_t now_ns = or_clock_ns();
  const or_trace_event_t events[] = {event_at(now_ns, now_ns + 1, "a"), event_at(now_ns, now_ns + 1, "b"),
                                     event_at(now_ns, now_ns + 1, "c"), event_at(now_ns, now_ns + 1, "d"),
                                     event_at(now_ns, now_ns + 1, "e")};
  or_trace_add(&trace, events, 5);
  or_trace_recording_t *recording = or_trace_stop(&trace);
  assert_int_equal(recording->count, 3);
  assert_int_equal(recording->dropped, 2);
  for (size_t i = 0; i < 3; ++i) assert_string_equal(recording->events[i].name, events[i + 2].name);
  assert_int_equal(recording->events[0].thread, or_trace_thread());
  assert_int_equal(recording->thread_count, 1);
  or_trace_recording_free(recording);
  or_trace_deinit(&trace);
}

static void cuts_times_to_the_recording_and_leaves_out_what_lies_outside(void **state) {
  (void)state;
  or_trace_t trace;
  or_trace_init(&trace, or_allocator_system());
  const int64_t before_ns = or_clock_ns(), end_ns = before_ns + INT64_C(3600000000000);
  expect_ok(or_trace_start(&trace, end_ns, 8));
  or_trace_event_t task = event_at(0, INT64_MAX, "task");
  task.kind = OR_TRACE_TASK;
  task.submitted_ns = before_ns - 10;
  const or_trace_event_t events[] = {event_at(end_ns, end_ns + 1, "late"),
                                     event_at(before_ns - 9, before_ns - 5, "early"),
                                     event_at(before_ns - 9, end_ns + 9, "across"), task};
  or_trace_add(&trace, events, 4);
  or_trace_recording_t *recording = or_trace_stop(&trace);
  assert_int_equal(recording->count, 2);
  const or_trace_event_t *across = &recording->events[0], *whole = &recording->events[1];
  assert_string_equal(across->name, "across");
  assert_int_equal(across->begin_ns, recording->start_ns);
  assert_int_equal(across->end_ns, end_ns);
  assert_int_equal(whole->submitted_ns, recording->start_ns);
  assert_int_equal(whole->begin_ns, 0); /* it never began */
  assert_int_equal(whole->end_ns, end_ns);
  assert_int_equal(whole->thread, 0);
  or_trace_recording_free(recording);
  or_trace_deinit(&trace);
}

static void add_one(void *trace) {
  const int64_t now_ns = or_clock_ns();
  const or_trace_event_t event = event_at(now_ns, now_ns, "there");
  or_trace_add(trace, &event, 1);
}

static void knows_threads_by_number_and_name(void **state) {
  (void)state;
  or_trace_t trace;
  or_thread_t thread;
  or_trace_init(&trace, or_allocator_system());
  expect_ok(or_trace_start(&trace, INT64_MAX, 8));
  add_one(&trace);
  expect_ok(or_thread_start(&thread, "or-other", add_one, &trace));
  or_thread_join(&thread);
  or_trace_recording_t *recording = or_trace_stop(&trace);
  assert_int_equal(recording->thread_count, 2);
  assert_string_equal(recording->threads[1].name, "or-other");
  assert_int_equal(recording->events[1].thread, recording->threads[1].number);
  assert_int_not_equal(recording->threads[0].number, recording->threads[1].number);
  or_trace_recording_free(recording);
  or_trace_deinit(&trace);
}

static void tells_tasks_and_owners_apart(void **state) {
  (void)state;
  assert_true(or_trace_next_task() < or_trace_next_task());
  assert_int_equal(or_trace_owner(""), 0);
  assert_true(or_trace_owner("a") == UINT64_C(0xaf63dc4c8601ec8c)); /* the published test vector of FNV-1a */
  const or_trace_scope_t before = or_trace_enter((or_trace_scope_t){3, 4});
  assert_int_equal(before.task, 0);
  assert_int_equal(or_trace_scope().owner, 4);
  assert_int_equal(or_trace_enter(before).task, 3);
}

static or_status_t record(const or_allocator_t *allocator) {
  or_trace_t trace;
  or_trace_init(&trace, allocator);
  or_status_t status = or_trace_start(&trace, INT64_MAX, 2);
  or_trace_recording_free(or_trace_stop(&trace));
  or_trace_deinit(&trace);
  return status;
}

/* What is allocated at the end may fail too: then the ring serves as it is. */
static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  for (size_t n = 1; n <= 3; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = record(&counting.base);
    assert_int_equal(or_status_code(status), n < 3 ? OR_RESOURCE_EXHAUSTED : OR_OK);
    or_status_ignore(status); /* looked at */
    assert_int_equal(counting.live_blocks, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_nothing_until_it_is_started_and_after_it_was_stopped),
      cmocka_unit_test(keeps_the_newest_in_order_and_counts_the_others),
      cmocka_unit_test(cuts_times_to_the_recording_and_leaves_out_what_lies_outside),
      cmocka_unit_test(knows_threads_by_number_and_name),
      cmocka_unit_test(tells_tasks_and_owners_apart),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
