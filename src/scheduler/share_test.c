/* Jobs that ask for the same and are given the result of one run. */
#include "scheduler/scheduler_test_internal.h"

/* Three ask for the same while the device is busy, and are given one run's result. */
static void jobs_that_ask_for_the_same_share_a_run(void **state) {
  (void)state;
  static const uint8_t same[OR_TASK_DIGEST_BYTES] = {7}, different[OR_TASK_DIGEST_BYTES] = {8};
  static const or_job_request_t shared = {.body_digest = same, .shared = true};
  or_submission_result_t a, b, c, d;
  open_with((or_scheduler_options_t){.age_ns = INT64_MAX}, 1);
  or_job_t *first = block();
  expect_ok(try_submit("a", "", shared, &a));
  expect_ok(try_submit("b", ",\"priority\":9", shared, &b));
  expect_ok(try_submit("c", "", (or_job_request_t){.body_digest = different, .shared = true}, &c));
  expect_ok(try_submit("d", "", (or_job_request_t){.body_digest = same}, &d)); /* did not say that it may share */
  assert_int_equal(or_job_facts(a.job).priority, 9);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(a.job, OR_TASK_COMPLETED, "\"shared_run\":true");
  expect_end(b.job, OR_TASK_COMPLETED, "\"shared_run\":true");
  assert_int_equal(or_job_run_jobs(a.job), 2);
  assert_int_equal(or_job_run_jobs(b.job), 2);
  expect_end(c.job, OR_TASK_COMPLETED, "\"shared_run\":false");
  assert_int_equal(or_job_run_jobs(c.job), 1);
  expect_end(d.job, OR_TASK_COMPLETED, "\"shared_run\":false");
  await("first", OR_JOB_FINISHED);
  assert_true(await("a", OR_JOB_STARTED) < await("c", OR_JOB_STARTED)); /* as urgent as the most urgent of both */
  /* Measured times among it: two runs would not give the same. */
  const char *text = strstr(or_text_string(or_job_response(a.job)), "\"result\":");
  const char *other = strstr(or_text_string(or_job_response(b.job)), "\"result\":");
  assert_memory_equal(text, other, strcspn(text, "}"));
  or_job_t *jobs[] = {first, a.job, b.job, c.job, d.job};
  for (size_t i = 0; i < 5; ++i) or_job_release(jobs[i]);
}

static void whoever_leaves_a_shared_run_does_not_end_it_for_the_others(void **state) {
  (void)state;
  static const uint8_t same[OR_TASK_DIGEST_BYTES] = {7};
  static const or_job_request_t shared = {.body_digest = same, .shared = true};
  or_submission_result_t jobs[4];
  open_with((or_scheduler_options_t){0}, 1);
  set_concurrency(1);
  or_fake_close_gate(OR_FAKE_RUN);
  expect_ok(try_submit("w", "", shared, &jobs[0]));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  for (size_t i = 1; i < 4; ++i) expect_ok(try_submit((const char *[]){"w", "x", "y", "z"}[i], "", shared, &jobs[i]));
  assert_int_equal(or_job_facts(jobs[1].job).state, OR_TASK_RUNNING);
  or_scheduler_cancel(scheduler, jobs[0].job); /* the one whose task it is */
  expect_end(jobs[0].job, OR_TASK_CANCELLED, "cancelled by the caller");
  or_scheduler_cancel(scheduler, jobs[2].job);
  expect_end(jobs[2].job, OR_TASK_CANCELLED, "cancelled by the caller");
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(jobs[1].job, OR_TASK_COMPLETED, "\"shared_run\":true");
  expect_end(jobs[3].job, OR_TASK_COMPLETED, "\"shared_run\":true");
  for (size_t i = 0; i < 4; ++i) or_job_release(jobs[i].job);
}

static void a_shared_run_ends_when_nobody_is_left(void **state) {
  (void)state;
  static const uint8_t same[OR_TASK_DIGEST_BYTES] = {7};
  static const or_job_request_t shared = {.body_digest = same, .shared = true};
  or_submission_result_t a, b, c;
  open_with((or_scheduler_options_t){0}, 1);
  set_concurrency(1);
  or_fake_close_gate(OR_FAKE_RUN);
  expect_ok(try_submit("a", "", shared, &a));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  expect_ok(try_submit("b", "", shared, &b));
  or_scheduler_cancel(scheduler, b.job);
  or_scheduler_cancel(scheduler, a.job);
  expect_ok(try_submit("c", "", shared, &c)); /* does not join what was told to end */
  assert_int_equal(or_job_facts(c.job).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(b.job, OR_TASK_CANCELLED, "");
  expect_end(a.job, OR_TASK_CANCELLED, "");
  expect_end(c.job, OR_TASK_COMPLETED, "\"shared_run\":false");
  or_job_release(a.job), or_job_release(b.job), or_job_release(c.job);
}

/* While they wait: the one in the queue goes, the next takes its place; one is out of time; one changes its mind. */
static void those_who_wait_as_one_leave_one_by_one(void **state) {
  (void)state;
  static const uint8_t same[OR_TASK_DIGEST_BYTES] = {7};
  const int64_t now_us = or_clock_wall_us();
  const or_job_request_t shared = {.body_digest = same, .shared = true};
  or_job_request_t brief = shared;
  or_submission_result_t jobs[5];
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *first = block();
  for (size_t i = 0; i < 4; ++i) expect_ok(try_submit((const char *[]){"a", "b", "c", "d"}[i], "", shared, &jobs[i]));
  brief.recovered = true;
  brief.created_us = now_us;
  brief.deadline_us = now_us + 5000;
  expect_ok(try_submit("late", "", brief, &jobs[4]));
  expect_end(jobs[4].job, OR_TASK_TIMEOUT, "\"error_code\":\"deadline_exceeded\"");
  or_scheduler_cancel(scheduler, jobs[0].job);
  expect_end(jobs[0].job, OR_TASK_CANCELLED, "cancelled while it waited");
  or_scheduler_cancel(scheduler, jobs[2].job);
  expect_end(jobs[2].job, OR_TASK_CANCELLED, "cancelled while it waited");
  expect_ok(or_scheduler_set_priority(scheduler, jobs[3].job, 4));
  assert_int_equal(or_job_facts(jobs[3].job).priority, 4);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(jobs[1].job, OR_TASK_COMPLETED, "\"shared_run\":true");
  expect_end(jobs[3].job, OR_TASK_COMPLETED, "\"shared_run\":true");
  for (size_t i = 0; i < 5; ++i) or_job_release(jobs[i].job);
  or_job_release(first);
}

/* A deadline of one of several that run as one; and the device is lost under the others, who run again together. */
static void a_shared_run_outlives_one_deadline_and_its_device(void **state) {
  (void)state;
  static const uint8_t same[OR_TASK_DIGEST_BYTES] = {7};
  const int64_t now_us = or_clock_wall_us();
  const or_job_request_t shared = {.body_digest = same, .shared = true};
  or_job_request_t brief = shared;
  or_submission_result_t a, b, late;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_fake_close_gate(OR_FAKE_RUN);
  expect_ok(try_submit("a", ",\"device_preference\":\"fake_0\"", shared, &a));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  expect_ok(try_submit("b", "", shared, &b));
  brief.recovered = true;
  brief.created_us = now_us;
  brief.deadline_us = now_us + 5000;
  expect_ok(try_submit("late", "", brief, &late));
  expect_end(late.job, OR_TASK_TIMEOUT, "\"error_code\":\"deadline_exceeded\"");
  or_fake_fail(OR_FAKE_NODE, 1, OR_DEVICE_LOST);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(a.job, OR_TASK_COMPLETED, "\"attempts\":2");
  expect_end(b.job, OR_TASK_COMPLETED, "\"device_used\":\"cpu_0\"");
  or_job_release(a.job), or_job_release(b.job), or_job_release(late.job);
}

int main(void) {
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(jobs_that_ask_for_the_same_share_a_run),
      CASE(whoever_leaves_a_shared_run_does_not_end_it_for_the_others),
      CASE(a_shared_run_ends_when_nobody_is_left),
      CASE(those_who_wait_as_one_leave_one_by_one),
      CASE(a_shared_run_outlives_one_deadline_and_its_device),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
