/* Devices that go while work runs and waits on them: whose work goes elsewhere, whose ends, and in what words. */
#include "scheduler/scheduler_test_internal.h"

#define ON_FAKE ",\"device_preference\":\"fake_0\""
#define STRICT ON_FAKE ",\"strict_device\":true"

static void expect_on(or_job_t *job, const char *device, const char *words) {
  expect_end(job, OR_TASK_COMPLETED, words);
  assert_string_equal(or_job_facts(job).device_id, device);
}

static void a_task_that_is_strict_ends_with_its_device(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_fake_fail(OR_FAKE_RUN, 1, OR_DEVICE_LOST);
  or_job_t *job = submit("strict", STRICT);
  expect_end(job, OR_TASK_FAILED, "\"error_code\":\"device_lost\"");
  assert_int_equal(or_job_facts(job).attempts, 1);
  or_submission_result_t result;
  expect_failure(try_submit("late", STRICT, (or_job_request_t){0}, &result), OR_FAILED_PRECONDITION,
                 "device \"fake_0\" was lost: ");
  or_job_release(job);
}

/* One attempt and three of another begin; a strict one and another wait for their turn there. */
static void what_waits_for_a_lost_device_goes_elsewhere_or_ends(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_job_t *running = block();
  or_job_t *strict = submit("strict", STRICT), *other = submit("other", ON_FAKE);
  assert_int_equal(or_job_facts(strict).state, OR_TASK_PENDING);
  or_fake_fail(OR_FAKE_NODE, 1, OR_DEVICE_LOST);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_on(running, "cpu_0",
            "\"fallback_reason\":\"device \\\"fake_0\\\" was lost during attempt 1; cpu_0 is the next");
  assert_int_equal(or_job_facts(running).attempts, 2);
  expect_on(other, "cpu_0", "\"fallback_reason\":\"device \\\"fake_0\\\" was lost: ");
  assert_int_equal(or_job_facts(other).attempts, 1);
  expect_end(strict, OR_TASK_FAILED, "\"error\":\"device \\\"fake_0\\\" was lost: ");
  expect_end(strict, OR_TASK_FAILED, "\"error_code\":\"device_lost\"");
  assert_int_equal(or_job_facts(strict).attempts, 0);
  or_job_release(running);
  or_job_release(strict);
  or_job_release(other);
}

static void of_several_devices_of_a_type_another_takes_over(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 2, true);
  or_fake_fail(OR_FAKE_RUN, 1, OR_DEVICE_LOST);
  or_job_t *job = submit("any", ",\"device_preference\":\"fake\",\"strict_device\":true");
  expect_end(job, OR_TASK_COMPLETED, "was lost during attempt 1; ");
  const bool first = strcmp(or_job_facts(job).device_id, "fake_0") == 0;
  expect_end(job, OR_TASK_COMPLETED, first ? "\"device \\\"fake_1\\\" was lost" : "\"device \\\"fake_0\\\" was lost");
  or_job_t *next = submit("next", ",\"device_preference\":\"fake\"");
  expect_on(next, first ? "fake_0" : "fake_1", "\"fallback_reason\":null"); /* it is where it was asked to be */
  or_job_release(job);
  or_job_release(next);
}

static void a_task_that_may_be_anywhere_tells_that_it_was_moved(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_device_settings_t settings = or_scheduler_device(scheduler, or_runtime_device(runtime, 1));
  settings.is_available = false; /* so that it begins on fake_0 */
  expect_ok(or_scheduler_set_device(scheduler, or_runtime_device(runtime, 1), &settings));
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *job = submit("auto", "");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  settings.is_available = true;
  expect_ok(or_scheduler_set_device(scheduler, or_runtime_device(runtime, 1), &settings));
  or_fake_fail(OR_FAKE_NODE, 1, OR_DEVICE_LOST);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_on(job, "cpu_0",
            "\"fallback_reason\":\"device \\\"fake_0\\\" was lost during attempt 1; cpu_0 is the next best");
  or_job_release(job);
}

static void nothing_waits_for_ever_once_every_device_is_lost(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *running = block(), *waiting = submit("waiting", "");
  or_fake_fail(OR_FAKE_NODE, 1, OR_DEVICE_LOST);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(running, OR_TASK_FAILED, "\"error_code\":\"device_lost\"");
  expect_end(waiting, OR_TASK_FAILED, "\"error_code\":\"device_lost\"");
  or_submission_result_t result;
  expect_failure(try_submit("late", "", (or_job_request_t){0}, &result), OR_UNAVAILABLE, "no device can be had");
  or_job_release(running);
  or_job_release(waiting);
}

/* What a restart takes up waits for a device that was taken out, and not for one that was lost. */
static void taken_up_work_does_not_wait_for_a_lost_device(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_device_mark_lost(or_runtime_device(runtime, 0), "it is gone");
  const int64_t now_us = or_clock_wall_us();
  or_submission_result_t result;
  expect_ok(try_submit("promised", STRICT,
                       (or_job_request_t){.recovered = true, .created_us = now_us, .deadline_us = now_us + 3600000000},
                       &result));
  expect_end(result.job, OR_TASK_FAILED, "\"error\":\"device \\\"fake_0\\\" was lost: it is gone\"");
  or_job_release(result.job);
}

static void a_device_that_can_not_be_opened_costs_an_attempt(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_fake_fail(OR_FAKE_OPEN, 1, OR_UNAVAILABLE);
  or_job_t *job = submit("moved", ON_FAKE);
  expect_on(job, "cpu_0", "device \\\"fake_0\\\" could not be opened for attempt 1; cpu_0 is the next best");
  assert_int_equal(or_job_facts(job).attempts, 2);
  or_submission_result_t result;
  expect_failure(try_submit("late", STRICT, (or_job_request_t){0}, &result), OR_FAILED_PRECONDITION, "can't be opened");
  or_job_release(job);
}

static void a_strict_task_ends_where_its_device_can_not_be_opened(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_fake_fail(OR_FAKE_OPEN, 1, OR_UNAVAILABLE);
  or_job_t *job = submit("strict", STRICT);
  expect_end(job, OR_TASK_FAILED, "\"error_code\":\"unavailable\"");
  or_job_release(job);
}

/* Something else than a task found out that it is lost: what waited behind that does not wait on. */
static void work_behind_a_visitor_of_a_lost_device_ends(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  or_visit_t visit = {.device = device, .alone = true, .wait_ns = INT64_MAX / 2, .cancel = &cancel};
  expect_ok(or_scheduler_visit(scheduler, &visit));
  or_job_t *strict = submit("strict", STRICT), *other = submit("other", ON_FAKE);
  or_device_mark_lost(device, "it is gone");
  or_scheduler_leave(scheduler, &visit);
  expect_end(strict, OR_TASK_FAILED, "was lost: it is gone");
  expect_on(other, "cpu_0", "was lost: it is gone; cpu_0 is the next best");
  or_job_release(strict);
  or_job_release(other);
}

#define CASE(name) cmocka_unit_test_teardown(name, close_all)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_task_that_is_strict_ends_with_its_device),
      CASE(what_waits_for_a_lost_device_goes_elsewhere_or_ends),
      CASE(of_several_devices_of_a_type_another_takes_over),
      CASE(a_task_that_may_be_anywhere_tells_that_it_was_moved),
      CASE(nothing_waits_for_ever_once_every_device_is_lost),
      CASE(taken_up_work_does_not_wait_for_a_lost_device),
      CASE(a_device_that_can_not_be_opened_costs_an_attempt),
      CASE(a_strict_task_ends_where_its_device_can_not_be_opened),
      CASE(work_behind_a_visitor_of_a_lost_device_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
