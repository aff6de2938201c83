/* Two devices of one hardware, as a processor is by two backends: they share its room, its memory and its quiet. */
#include "scheduler/scheduler_test_internal.h"

#define ON(device) ",\"device_preference\":\"" device "\""

static void open_pair(or_scheduler_options_t options) {
  or_fake_reset();
  or_fake_set_devices(2, true);
  or_fake_set_unified(0);
  or_fake_set_unified(1);
  open_scheduler(options, false);
}

static or_job_t *submit_text(const char *id, const char *text) {
  or_submission_result_t result;
  expect_ok(or_scheduler_submit(scheduler, &(or_job_request_t){.task = parsed(text), .task_id = id}, &result));
  return result.job;
}

/* Looks long enough for an idle worker to begin something that it should not. */
static void look_whether_more_begins(size_t running) {
  for (int i = 0; i < 1000000; ++i) assert_int_equal(or_scheduler_load(scheduler).running, running);
}

static void the_first_of_them_stands_for_both(void **state) {
  (void)state;
  open_pair((or_scheduler_options_t){0});
  or_job_t *first = block(); /* on fake_0, which has no more room */
  or_job_t *any = submit("any", "");
  look_whether_more_begins(1);
  assert_int_equal(or_job_facts(any).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(any, OR_TASK_COMPLETED, "\"device_used\":\"fake_0\"");
  or_job_t *named = submit("named", ON("fake_1"));
  expect_end(named, OR_TASK_COMPLETED, "\"device_used\":\"fake_1\"");
  or_device_mark_lost(or_runtime_device(runtime, 0), "it is gone");
  or_job_t *after = submit("after", "");
  expect_end(after, OR_TASK_COMPLETED, "\"device_used\":\"fake_1\"");
  or_job_t *jobs[] = {first, any, named, after};
  for (size_t i = 0; i < 4; ++i) or_job_release(jobs[i]);
}

static void what_runs_on_one_takes_room_of_the_other(void **state) {
  (void)state;
  open_pair((or_scheduler_options_t){0});
  set_concurrency(2);
  const or_device_settings_t other = or_scheduler_device(scheduler, or_runtime_device(runtime, 1));
  assert_int_equal(other.max_concurrency, 2); /* the hardware's */
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *jobs[] = {submit("a", ON("fake_0")), submit("b", ON("fake_1")), submit("c", ON("fake_1"))};
  or_fake_wait_at_gate(OR_FAKE_RUN, 2);
  look_whether_more_begins(2);
  assert_int_equal(or_job_facts(jobs[2]).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  for (size_t i = 0; i < 3; ++i) {
    expect_end(jobs[i], OR_TASK_COMPLETED, "");
    or_job_release(jobs[i]);
  }
}

static void a_benchmark_on_one_has_the_other_quiet_too(void **state) {
  (void)state;
  static const char benchmark[] = "{\"operation\":\"benchmark\",\"device_preference\":\"fake_1\",\"priority\":9,"
                                  "\"data\":{\"type\":\"memory\",\"sizes\":[64],\"duration\":1}}";
  open_pair((or_scheduler_options_t){.age_ns = INT64_MAX});
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *small = submit("small", ON("fake_0"));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_job_t *alone = submit_text("alone", benchmark);
  or_job_t *after = submit("after", ON("fake_0"));
  look_whether_more_begins(1); /* the benchmark waits for quiet, and what came after it waits for the benchmark */
  or_fake_open_gate(OR_FAKE_RUN);
  await("after", OR_JOB_FINISHED);
  assert_true(await("small", OR_JOB_FINISHED) < await("alone", OR_JOB_STARTED));
  assert_true(await("alone", OR_JOB_FINISHED) < await("after", OR_JOB_STARTED));
  or_job_release(small);
  or_job_release(alone);
  or_job_release(after);
}

static void memory_is_counted_for_both(void **state) {
  (void)state;
  open_pair((or_scheduler_options_t){0});
  or_device_t *device = or_runtime_device(runtime, 1);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.memory_limit = 250; /* each task is estimated at 192 */
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  assert_int_equal(or_scheduler_device(scheduler, or_runtime_device(runtime, 0)).memory_limit, 250);
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *one = submit("one", ON("fake_0"));
  or_job_t *other = submit("other", ON("fake_1"));
  await("one", OR_JOB_STARTED);
  look_whether_more_begins(1);
  assert_int_equal(or_job_facts(other).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  await("one", OR_JOB_FINISHED);
  await("other", OR_JOB_FINISHED);
  or_job_release(one);
  or_job_release(other);
}

#define CASE(name) cmocka_unit_test_teardown(name, close_all)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(the_first_of_them_stands_for_both),
      CASE(what_runs_on_one_takes_room_of_the_other),
      CASE(a_benchmark_on_one_has_the_other_quiet_too),
      CASE(memory_is_counted_for_both),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
