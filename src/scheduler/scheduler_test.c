/* The scheduler on fake devices: order, placement, bounds, ends of every kind, and what the journal is told. */
#include "scheduler/scheduler_test_internal.h"

static void a_task_is_accepted_begun_and_completed(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *job = submit("one", "");
  expect_end(job, OR_TASK_COMPLETED, "\"status\":\"completed\"");
  assert_true(await("one", OR_JOB_ADMITTED) < await("one", OR_JOB_STARTED));
  assert_true(await("one", OR_JOB_STARTED) < await("one", OR_JOB_FINISHED));
  const or_job_facts_t facts = or_job_facts(job);
  assert_string_equal(facts.device_id, "fake_0");
  assert_int_equal(facts.attempts, 1);
  assert_true(facts.created_us > 0 && facts.started_us >= facts.created_us && facts.finished_us >= facts.started_us);
  or_job_t *found = or_scheduler_find(scheduler, "one", NULL);
  assert_ptr_equal(found, job);
  or_job_release(found);
  or_scheduler_forget(scheduler, job);
  assert_null(or_scheduler_find(scheduler, "one", NULL));
  or_job_release(job);
}

static void the_most_urgent_goes_first_and_equals_in_order(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.age_ns = INT64_MAX}, 1);
  or_job_t *jobs[] = {block(), submit("low", ",\"priority\":1"), submit("mid-a", ",\"priority\":5"),
                      submit("mid-b", ",\"priority\":5"), submit("high", ",\"priority\":10")};
  expect_ok(or_scheduler_set_priority(scheduler, jobs[1], 7));
  or_fake_open_gate(OR_FAKE_RUN);
  static const char *const order[] = {"first", "high", "low", "mid-a", "mid-b"};
  for (size_t i = 0; i + 1 < 5; ++i) /* one's place is free before its end is told */
    assert_true(await(order[i], OR_JOB_STARTED) < await(order[i + 1], OR_JOB_STARTED));
  await("mid-b", OR_JOB_FINISHED);
  expect_failure(or_scheduler_set_priority(scheduler, jobs[1], 3), OR_FAILED_PRECONDITION, "does not wait");
  expect_failure(or_scheduler_set_priority(scheduler, jobs[1], 11), OR_OUT_OF_RANGE, "1 to 10");
  for (size_t i = 0; i < 5; ++i) or_job_release(jobs[i]);
}

static void what_has_waited_long_enough_goes_before_what_is_more_urgent(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.age_ns = 1}, 1);
  or_job_t *jobs[] = {block(), submit("low", ",\"priority\":1"), submit("high", ",\"priority\":10")};
  or_fake_open_gate(OR_FAKE_RUN);
  assert_true(await("low", OR_JOB_STARTED) < await("high", OR_JOB_STARTED));
  await("high", OR_JOB_FINISHED);
  for (size_t i = 0; i < 3; ++i) or_job_release(jobs[i]);
}

static void cancels_what_waits_at_once_and_what_runs_at_its_next_step(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *first = block(), *waiting = submit("waiting", "");
  or_scheduler_cancel(scheduler, waiting);
  expect_end(waiting, OR_TASK_CANCELLED, "\"error_code\":\"cancelled\"");
  or_scheduler_cancel(scheduler, first);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(first, OR_TASK_CANCELLED, "\"status\":\"cancelled\"");
  or_scheduler_cancel(scheduler, first); /* it has ended: nothing happens */
  or_job_release(first);
  or_job_release(waiting);
}

static void count_end(void *self, or_job_t *job, or_job_event_t event) {
  (void)job;
  assert_int_equal(event, OR_JOB_FINISHED);
  atomic_fetch_add((atomic_uint *)self, 1);
}

static void a_job_goes_on_while_one_of_its_waiters_is_there(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  atomic_uint ends = 0;
  or_job_watch_t first = {.listener = count_end, .self = &ends}, second = first, late = first;
  or_job_t *running = block();
  or_submission_result_t result;
  expect_ok(try_submit("watched", "", (or_job_request_t){.watch = &first}, &result));
  assert_true(or_job_attend(result.job, &second));
  assert_true(or_job_abandon(result.job, &first));
  assert_false(or_job_abandon(result.job, &first)); /* it has gone */
  assert_int_equal(or_job_facts(result.job).state, OR_TASK_PENDING);
  assert_true(or_job_attend(result.job, &first));
  assert_true(or_job_abandon(result.job, &second));
  or_scheduler_cancel(scheduler, result.job);
  expect_end(result.job, OR_TASK_CANCELLED, "cancelled");
  assert_int_equal(atomic_load(&ends), 1);
  assert_false(or_job_attend(result.job, &late));
  or_job_release(result.job);
  expect_ok(try_submit("alone", "", (or_job_request_t){.watch = &second}, &result));
  assert_true(or_job_abandon(result.job, &second)); /* the last one: nobody wants it any more */
  expect_end(result.job, OR_TASK_CANCELLED, "cancelled");
  assert_int_equal(atomic_load(&ends), 1);
  or_job_release(result.job);
  or_fake_open_gate(OR_FAKE_RUN);
  or_job_release(running);
}

static void ends_what_is_out_of_time_while_it_waits(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *first = block();
  const int64_t now_us = or_clock_wall_us();
  or_submission_result_t result;
  expect_ok(try_submit(
      "late", "", (or_job_request_t){.recovered = true, .created_us = now_us, .deadline_us = now_us + 5000}, &result));
  expect_end(result.job, OR_TASK_TIMEOUT, "\"error_code\":\"deadline_exceeded\"");
  or_fake_open_gate(OR_FAKE_RUN);
  or_job_release(result.job);
  or_job_release(first);
}

static void an_id_stands_for_one_task(void **state) {
  (void)state;
  static const uint8_t one[OR_TASK_DIGEST_BYTES] = {1}, two[OR_TASK_DIGEST_BYTES] = {2};
  open_with((or_scheduler_options_t){0}, 1);
  or_submission_result_t first, again;
  expect_ok(try_submit("id", "", (or_job_request_t){.body_digest = one}, &first));
  expect_ok(try_submit("id", "", (or_job_request_t){.body_digest = one}, &again));
  assert_true(again.existing);
  assert_ptr_equal(first.job, again.job);
  or_job_release(again.job);
  expect_failure(try_submit("id", "", (or_job_request_t){.body_digest = two}, &again), OR_ALREADY_EXISTS, "\"id\"");
  expect_failure(try_submit("id", "", (or_job_request_t){.body_digest = one, .owner = "other"}, &again),
                 OR_ALREADY_EXISTS, "\"id\"");
  expect_failure(try_submit("no spaces", "", (or_job_request_t){0}, &again), OR_INVALID_ARGUMENT, "task_id");
  or_job_release(first.job);
}

static void refuses_what_is_too_much_and_says_when_to_come_again(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.max_waiting = 3, .max_owner_waiting = 2}, 1);
  or_job_t *jobs[3] = {block()};
  or_submission_result_t result;
  for (int i = 0; i < 2; ++i) {
    char id[8];
    or_format(id, sizeof id, "w%d", i);
    expect_ok(try_submit(id, "", (or_job_request_t){.owner = "me"}, &result));
    jobs[1 + i] = result.job;
  }
  expect_failure(try_submit("mine", "", (or_job_request_t){.owner = "me"}, &result), OR_UNAVAILABLE, "of this key");
  assert_int_equal(result.refusal.kind, OR_REFUSED_QUOTA);
  or_job_t *other = submit("other", "");
  expect_failure(try_submit("more", "", (or_job_request_t){0}, &result), OR_UNAVAILABLE, "3 tasks are waiting");
  assert_int_equal(result.refusal.kind, OR_REFUSED_CAPACITY);
  assert_true(result.refusal.retry_after_s >= 1);
  or_fake_open_gate(OR_FAKE_RUN);
  await("other", OR_JOB_FINISHED);
  for (size_t i = 0; i < 3; ++i) or_job_release(jobs[i]);
  or_job_release(other);
}

static void takes_up_more_after_a_restart_than_it_would_accept(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.max_waiting = 2, .max_owner_waiting = 2, .max_waiting_bytes = 3000}, 1);
  or_job_t *first = block();
  const int64_t now_us = or_clock_wall_us();
  or_job_request_t request = {
      .body = "{}", .body_bytes = 2, .recovered = true, .created_us = now_us, .deadline_us = now_us + 60000000};
  for (int i = 0; i < 6; ++i) {
    or_submission_result_t result;
    char id[16];
    or_format(id, sizeof id, "kept-%d", i);
    expect_ok(try_submit(id, "", request, &result));
    or_job_release(result.job);
  }
  or_submission_result_t result;
  expect_failure(try_submit("new", "", (or_job_request_t){.body = "{}", .body_bytes = 2}, &result), OR_UNAVAILABLE,
                 "waiting");
  or_scheduler_cancel(scheduler, first);
  or_fake_open_gate(OR_FAKE_RUN);
  await("kept-5", OR_JOB_FINISHED);
  or_job_release(first);
}

static void refuses_what_would_never_fit(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.memory_limit = 100;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_submission_result_t result;
  expect_failure(try_submit("big", "", (or_job_request_t){0}, &result), OR_RESOURCE_EXHAUSTED, "192 bytes");
  assert_int_equal(result.refusal.kind, OR_REFUSED_MEMORY);
}

static void a_device_that_is_taken_out_is_replaced_visibly_or_refused(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 2);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.is_available = false;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_job_t *job = submit("there", ",\"device_preference\":\"fake_0\"");
  expect_end(job, OR_TASK_COMPLETED, "\"fallback_reason\":\"device");
  assert_string_equal(or_job_facts(job).device_id, "fake_1");
  or_submission_result_t result;
  expect_failure(
      try_submit("strict", ",\"device_preference\":\"fake_0\",\"strict_device\":true", (or_job_request_t){0}, &result),
      OR_FAILED_PRECONDITION, "fake_0");
  settings.is_available = true;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_job_t *back = submit("back", ",\"device_preference\":\"fake_0\",\"strict_device\":true");
  expect_end(back, OR_TASK_COMPLETED, "\"fallback_reason\":null");
  or_job_release(job);
  or_job_release(back);
}

static void without_a_device_new_work_is_refused_and_taken_up_work_waits(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.is_available = false;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_submission_result_t result;
  expect_failure(try_submit("new", "", (or_job_request_t){0}, &result), OR_UNAVAILABLE, "no device can be had");
  assert_int_equal(result.refusal.kind, OR_REFUSED_CAPACITY);
  assert_true(result.refusal.retry_after_s > 0);
  const or_job_request_t recovered = {
      .recovered = true, .created_us = or_clock_wall_us(), .deadline_us = or_clock_wall_us() + 60000000};
  expect_ok(try_submit("promised", ",\"strict_device\":true,\"device_preference\":\"fake_0\"", recovered, &result));
  assert_int_equal(or_job_facts(result.job).state, OR_TASK_PENDING);
  settings.is_available = true;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
}

static void a_lost_device_costs_an_attempt_and_the_task_runs_elsewhere(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){0}, 1, true);
  or_fake_fail(OR_FAKE_RUN, 1, OR_DEVICE_LOST);
  or_job_t *job = submit("moved", ",\"device_preference\":\"fake_0\"");
  expect_end(job, OR_TASK_COMPLETED, "\"attempts\":2");
  assert_string_equal(or_job_facts(job).device_id, "cpu_0");
  or_job_release(job);
}

static void a_task_that_must_not_run_twice_fails_with_its_device(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 2);
  or_fake_fail(OR_FAKE_RUN, 1, OR_DEVICE_LOST);
  or_job_t *job = submit("once", ",\"device_preference\":\"fake_0\",\"on_restart\":\"fail\"");
  expect_end(job, OR_TASK_FAILED, "\"error_code\":\"device_lost\"");
  or_job_release(job);
}

static void a_device_that_never_ends_cancelled_work_is_taken_out(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){.stuck_ns = 1}, 1, true);
  or_job_t *job = block();
  or_job_t *behind = submit("behind", ",\"device_preference\":\"fake_0\"");
  or_scheduler_cancel(scheduler, job);
  expect_end(job, OR_TASK_FAILED, "did not end the work");
  const char *reason;
  assert_int_equal(or_device_state(or_runtime_device(runtime, 0), &reason), OR_DEVICE_STATE_LOST);
  assert_non_null(strstr(reason, "cancelled or out of time"));
  expect_end(behind, OR_TASK_COMPLETED, "\"device_used\":\"cpu_0\"");
  or_job_t *next = submit("next", ",\"device_preference\":\"fake_0\"");
  expect_end(next, OR_TASK_COMPLETED, "\"device_used\":\"cpu_0\"");
  or_fake_open_gate(OR_FAKE_RUN);
  while (or_scheduler_load(scheduler).running > 0) { /* the given-up worker comes back: all can be freed */
  }
  or_job_release(job);
  or_job_release(behind);
  or_job_release(next);
}

static void what_runs_beside_stuck_work_goes_elsewhere_or_fails(void **state) {
  (void)state;
  open_beside((or_scheduler_options_t){.stuck_ns = 1}, 1, true);
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *job = submit("stuck", ",\"device_preference\":\"fake_0\"");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1); /* it looks at no token any more */
  or_job_t *moved = submit("moved", ",\"device_preference\":\"fake_0\"");
  or_job_t *once = submit("once", ",\"device_preference\":\"fake_0\",\"on_restart\":\"fail\"");
  await("moved", OR_JOB_STARTED);
  await("once", OR_JOB_STARTED);
  or_scheduler_cancel(scheduler, job);
  expect_end(job, OR_TASK_FAILED, "did not end the work");
  expect_end(once, OR_TASK_FAILED, "\"error_code\":\"device_lost\"");
  expect_end(moved, OR_TASK_COMPLETED, "\"device_used\":\"cpu_0\"");
  assert_int_equal(or_job_facts(moved).attempts, 2);
  or_fake_open_gate(OR_FAKE_RUN);
  while (or_scheduler_load(scheduler).running > 0) { /* those that were given up come back */
  }
  or_job_release(job);
  or_job_release(once);
  or_job_release(moved);
}

/* Looks long enough for an idle worker to begin something that it should not. */
static void look_whether_more_begins(void) {
  for (int i = 0; i < 1000000 && or_scheduler_load(scheduler).running == 1; ++i) {
  }
}

static void a_benchmark_has_its_hardware_alone(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.age_ns = INT64_MAX}, 1);
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *first = submit("first", "");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_job_request_t request = {
      .task = parsed("{\"operation\":\"benchmark\",\"priority\":9,\"data\":{\"type\":\"memory\",\"sizes\":[64],"
                     "\"duration\":1}}"),
      .task_id = "alone"};
  or_submission_result_t benchmark;
  expect_ok(or_scheduler_submit(scheduler, &request, &benchmark));
  or_job_t *later = submit("later", "");
  look_whether_more_begins();
  const int64_t opened_ns = or_clock_ns();
  or_fake_open_gate(OR_FAKE_RUN);
  await("later", OR_JOB_FINISHED);
  await("alone", OR_JOB_FINISHED);
  assert_true(or_job_facts(benchmark.job).begun_ns > opened_ns); /* though there was a thread for it */
  assert_true(or_job_facts(later).begun_ns > or_job_facts(benchmark.job).begun_ns);
  or_job_release(first);
  or_job_release(later);
  or_job_release(benchmark.job);
}

/* ---- the journal ---- */

static struct {
  or_journal_done_t done; /* of the last admit */
  void *done_self;
  size_t admits, starts, taken_back, finishes, priorities;
  or_task_state_t last_state;
  bool refuse, hold_starts;
  or_journal_done_t start_done; /* of the last start that is held; under seen.mutex */
  void *start_self;
  or_job_t *refused; /* as somebody else might have found it meanwhile */
} journal;

static or_status_t journal_admit(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs,
                                 size_t count, or_journal_done_t done, void *done_self) {
  (void)self;
  (void)blobs;
  assert_int_equal(count, 0);
  assert_int_equal(record->state, OR_TASK_PENDING);
  if (journal.refuse) {
    journal.refused = or_scheduler_find(scheduler, record->task_id, NULL);
    return or_error(OR_UNAVAILABLE, "the backlog is full");
  }
  journal.done = done;
  journal.done_self = done_self;
  ++journal.admits;
  return or_status_success();
}

static or_status_t journal_start(void *self, const or_journal_start_t *start, or_journal_done_t done, void *done_self) {
  (void)self;
  or_mutex_lock(&seen.mutex);
  ++*(start->attempt > 0 ? &journal.starts : &journal.taken_back);
  const bool held = journal.hold_starts && done != NULL;
  if (held) {
    journal.start_done = done;
    journal.start_self = done_self;
  }
  or_cond_broadcast(&seen.cond);
  or_mutex_unlock(&seen.mutex);
  if (done != NULL && !held) done(done_self, or_status_success());
  return or_status_success();
}

static or_status_t journal_finish(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs,
                                  size_t count) {
  (void)self;
  (void)blobs;
  (void)count;
  or_mutex_lock(&seen.mutex); /* workers end tasks at once */
  journal.last_state = record->state;
  ++journal.finishes;
  or_mutex_unlock(&seen.mutex);
  return or_status_success();
}

static or_status_t journal_priority(void *self, const char *task_id, int priority) {
  (void)self;
  (void)task_id;
  (void)priority;
  ++journal.priorities;
  return or_status_success();
}

static const or_journal_t journal_table = {NULL, journal_admit, journal_start, journal_finish, journal_priority};

static void open_with_journal(void) {
  memset(&journal, 0, sizeof journal);
  open_with((or_scheduler_options_t){.journal = &journal_table}, 1);
}

static or_job_t *submit_durable(const char *id, const char *fields) {
  or_submission_result_t result;
  expect_ok(try_submit(id, fields, (or_job_request_t){.durable = true, .body = "{}", .body_bytes = 2}, &result));
  return result.job;
}

static void a_durable_task_runs_only_when_it_is_recorded(void **state) {
  (void)state;
  open_with_journal();
  or_job_t *job = submit_durable("kept", ",\"on_restart\":\"fail\"");
  assert_int_equal(journal.admits, 1);
  assert_int_equal(or_job_facts(job).state, OR_TASK_PENDING);
  assert_int_equal(seen.count, 0);
  journal.done(journal.done_self, or_status_success());
  expect_end(job, OR_TASK_COMPLETED, "completed");
  assert_int_equal(journal.starts, 1);
  assert_int_equal(journal.finishes, 1);
  assert_int_equal(journal.last_state, OR_TASK_COMPLETED);
  or_job_release(job);
}

/* What a watch was told. */
typedef struct told_t {
  int count;
  or_job_event_t event;
} told_t;
static void note(void *self, or_job_t *job, or_job_event_t event) {
  told_t *told = self;
  (void)job;
  or_mutex_lock(&seen.mutex);
  ++told->count;
  told->event = event;
  or_cond_broadcast(&seen.cond);
  or_mutex_unlock(&seen.mutex);
}

static void admission_can_be_waited_for_by_several(void **state) {
  (void)state;
  open_with_journal();
  or_job_t *job = submit_durable("kept", "");
  told_t admission = {0}, end = {0}, left = {0}, late = {0};
  or_job_watch_t watches[] = {{.listener = note, .self = &admission, .admission = true},
                              {.listener = note, .self = &end},
                              {.listener = note, .self = &left, .admission = true},
                              {.listener = note, .self = &late, .admission = true}};
  for (size_t i = 0; i < 3; ++i) assert_true(or_job_attend(job, &watches[i]));
  assert_true(or_job_abandon(job, &watches[2]));
  journal.done(journal.done_self, or_status_success());
  assert_int_equal(admission.count, 1);
  assert_int_equal(admission.event, OR_JOB_ADMITTED);
  assert_false(or_job_attend(job, &watches[3]));
  or_mutex_lock(&seen.mutex);
  while (end.count == 0) or_cond_wait(&seen.cond, &seen.mutex);
  or_mutex_unlock(&seen.mutex);
  assert_int_equal(end.event, OR_JOB_FINISHED);
  assert_int_equal(admission.count, 1);
  assert_int_equal(left.count + late.count, 0);
  or_job_release(job);

  job = submit_durable("lost", "");
  assert_true(or_job_attend(job, &watches[3]));
  journal.done(journal.done_self, or_error(OR_RESOURCE_EXHAUSTED, "the disk is full"));
  assert_int_equal(late.event, OR_JOB_FINISHED); /* its end was its first */
  or_job_release(job);
}

static void an_attempt_begins_when_it_is_on_record_or_can_not_be(void **state) {
  (void)state;
  open_with_journal();
  journal.hold_starts = true;
  const or_job_request_t second = {.durable = true,
                                   .recovered = true,
                                   .attempts = 1,
                                   .created_us = or_clock_wall_us(),
                                   .deadline_us = or_clock_wall_us() + 60000000};
  or_submission_result_t result;
  expect_ok(try_submit("again", "", second, &result));
  or_job_t *job = result.job;
  or_mutex_lock(&seen.mutex);
  while (journal.start_done == NULL) or_cond_wait(&seen.cond, &seen.mutex);
  for (size_t i = 0; i < seen.count; ++i) assert_int_equal(seen.items[i].event, OR_JOB_ADMITTED);
  or_mutex_unlock(&seen.mutex);
  journal.start_done(journal.start_self, or_error(OR_RESOURCE_EXHAUSTED, "the disk is full"));
  expect_end(job, OR_TASK_COMPLETED, "completed");
  or_job_release(job);

  journal.start_done = NULL;
  job = submit_durable("once", ",\"on_restart\":\"fail\"");
  journal.done(journal.done_self, or_status_success());
  or_mutex_lock(&seen.mutex);
  while (journal.start_done == NULL) or_cond_wait(&seen.cond, &seen.mutex);
  or_mutex_unlock(&seen.mutex);
  journal.start_done(journal.start_self, or_error(OR_RESOURCE_EXHAUSTED, "the disk is full"));
  expect_end(job, OR_TASK_FAILED, "the disk is full");
  or_job_release(job);
}

static void a_full_disk_ends_the_durable_task_that_it_concerns(void **state) {
  (void)state;
  open_with_journal();
  or_job_t *job = submit_durable("lost", "");
  journal.done(journal.done_self, or_error(OR_RESOURCE_EXHAUSTED, "the disk is full"));
  expect_end(job, OR_TASK_FAILED, "the disk is full");
  assert_int_equal(or_job_code(job), OR_RESOURCE_EXHAUSTED);
  or_job_release(job);
  or_submission_result_t result;
  journal.refuse = true;
  expect_failure(try_submit("full", "", (or_job_request_t){.durable = true}, &result), OR_UNAVAILABLE, "backlog");
  assert_int_equal(result.refusal.kind, OR_REFUSED_CAPACITY);
  assert_null(or_scheduler_find(scheduler, "full", NULL));
  assert_string_equal(or_task_operation(or_job_task(journal.refused)), "compute");
  or_job_release(journal.refused);
}

static void cancelled_before_it_is_recorded_it_never_runs(void **state) {
  (void)state;
  open_with_journal();
  or_job_t *job = submit_durable("early", "");
  or_scheduler_cancel(scheduler, job);
  journal.done(journal.done_self, or_status_success());
  expect_end(job, OR_TASK_CANCELLED, "cancelled");
  assert_int_equal(journal.starts, 0);
  or_job_release(job);
}

/* What waits ends with the drain's begin: nothing could start before. */
static void open_gate_after(void *self) {
  while (or_job_facts(self).state == OR_TASK_PENDING) (void)sched_yield();
  or_fake_open_gate(OR_FAKE_RUN);
}

static void a_drain_ends_waiting_work_and_leaves_durable_work_on_disk(void **state) {
  (void)state;
  open_with_journal();
  or_job_t *first = block(), *waiting = submit("waiting", ""), *kept = submit_durable("kept", "");
  journal.done(journal.done_self, or_status_success());
  or_thread_t thread = {.started = false};
  or_scheduler_cancel(scheduler, first);
  expect_ok(or_thread_start(&thread, "opener", open_gate_after, waiting));
  or_scheduler_drain(scheduler, INT64_C(60000000000));
  or_thread_join(&thread);
  expect_end(waiting, OR_TASK_CANCELLED, "shutting down");
  assert_int_equal(or_job_facts(kept).state, OR_TASK_PENDING);
  assert_int_equal(journal.taken_back, 1); /* its row had its start: it was short, and to come soon */
  or_submission_result_t result;
  expect_failure(try_submit("after", "", (or_job_request_t){0}, &result), OR_UNAVAILABLE, "shutting down");
  or_job_release(first);
  or_job_release(waiting);
  or_job_release(kept);
}

/* Opens the gate once the grace of a drain is over. */
static void open_gate_when_told(void *self) {
  or_visit_t *visit = self;
  while (!or_cancel_requested(visit->cancel)) (void)sched_yield();
  or_fake_open_gate(OR_FAKE_RUN);
  or_scheduler_leave(scheduler, visit);
}

static void what_runs_when_the_grace_is_over_is_left_on_disk_if_it_is_durable(void **state) {
  (void)state;
  open_with_journal();
  or_cancel_t token;
  or_cancel_init(&token, INT64_MAX);
  or_visit_t visit = {.device = or_runtime_device(runtime, 0), .cancel = &token};
  or_thread_t thread = {.started = false};
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *kept = submit_durable("kept", "");
  journal.done(journal.done_self, or_status_success());
  or_job_t *unwanted = submit_durable("unwanted", "");
  journal.done(journal.done_self, or_status_success());
  or_job_t *waited_for = submit("waited_for", "");
  or_job_t *const jobs[] = {kept, unwanted, waited_for};
  for (size_t i = 0; i < 3; ++i) await(or_job_id(jobs[i]), OR_JOB_STARTED);
  or_scheduler_cancel(scheduler, unwanted);
  expect_ok(or_scheduler_visit(scheduler, &visit));
  expect_ok(or_thread_start(&thread, "visitor", open_gate_when_told, &visit));
  or_scheduler_drain(scheduler, 0);
  or_thread_join(&thread);
  expect_end(unwanted, OR_TASK_CANCELLED, "cancelled by the caller");
  expect_end(waited_for, OR_TASK_CANCELLED, "the server ended before the task was done");
  assert_int_equal(or_job_facts(kept).state, OR_TASK_RUNNING);
  assert_int_equal(or_job_code(kept), OR_UNAVAILABLE);
  assert_null(or_scheduler_find(scheduler, "kept", NULL));
  assert_int_equal(journal.finishes, 2);
  for (size_t i = 0; i < 3; ++i) or_job_release(jobs[i]);
}

static void finished_jobs_are_kept_up_to_a_number(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.keep_finished = 2}, 1);
  static const char *const ids[] = {"a", "b", "c"};
  for (size_t i = 0; i < 3; ++i) {
    or_job_t *job = submit(ids[i], "");
    await(ids[i], OR_JOB_FINISHED);
    or_job_release(job);
  }
  assert_null(or_scheduler_find(scheduler, "a", NULL));
  or_job_t *last = or_scheduler_find(scheduler, "c", "");
  assert_non_null(last);
  assert_null(or_scheduler_find(scheduler, "c", "someone"));
  or_job_release(last);
}

static void lists_what_is_active(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *jobs[] = {block(), submit("waiting", "")}, *found[1];
  assert_int_equal(or_scheduler_active(scheduler, "", found, 1), 2);
  assert_ptr_equal(found[0], jobs[0]);
  assert_int_equal(or_scheduler_active(scheduler, "nobody", found, 1), 0);
  const or_scheduler_load_t load = or_scheduler_load(scheduler);
  assert_int_equal(load.waiting, 1);
  assert_int_equal(load.running, 1);
  assert_int_equal(or_scheduler_running_on(scheduler, or_runtime_device(runtime, 0)), 1);
  or_fake_open_gate(OR_FAKE_RUN);
  await("waiting", OR_JOB_FINISHED);
  or_job_release(found[0]);
  or_job_release(jobs[0]);
  or_job_release(jobs[1]);
}

static void bounds_what_may_be_set_and_sent(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.max_waiting_bytes = 4096, .models_directory = "models"}, 1);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.max_concurrency = OR_SCHEDULER_MAX_CONCURRENCY + 1;
  expect_failure(or_scheduler_set_device(scheduler, device, &settings), OR_OUT_OF_RANGE, "at most 64");
  or_submission_result_t result;
  expect_failure(try_submit("durable", "", (or_job_request_t){.durable = true}, &result), OR_FAILED_PRECONDITION,
                 "nothing is recorded");
  expect_failure(try_submit("large", "", (or_job_request_t){.body = "", .body_bytes = 5000}, &result), OR_UNAVAILABLE,
                 "would exceed 4096");
}

/* Two of them are more than the memory allows: the second waits for the first, though there are threads for both. */
static void memory_is_shared_out_before_it_is_allocated(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.memory_limit = 300; /* a small product takes 192 */
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_device_set_memory_limit(device, UINT64_MAX); /* what is allocated besides is not the point here */
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *first = submit("first", "");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_job_t *second = submit("second", "");
  look_whether_more_begins();
  const int64_t opened_ns = or_clock_ns();
  or_fake_open_gate(OR_FAKE_RUN);
  await("second", OR_JOB_FINISHED);
  assert_true(or_job_facts(second).begun_ns > opened_ns);
  or_job_release(first);
  or_job_release(second);
}

/* Every allocation of a creation, then of an acceptance, fails in turn: an error to its caller, nothing is lost. */
static void a_failing_allocation_costs_one_request(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  static or_counting_allocator_t counting;
  (void)state;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  const or_runtime_options_t runtime_options = {.allocator = &counting.base};
  or_fake_reset();
  or_fake_set_unified(0);
  seen.count = 0;
  expect_ok(or_runtime_create_with(&runtime_options, backends, 1, &runtime));
  const or_scheduler_options_t options = {.runtime = runtime, .models_directory = "models", .listener = listen};
  size_t before = counting.live_blocks, n = 1;
  for (;; ++n) {
    counting.fail_at = counting.alloc_count + n;
    or_status_t status = or_scheduler_create(&options, &scheduler);
    counting.fail_at = 0;
    if (or_ok(status)) break;
    expect_failure(status, OR_RESOURCE_EXHAUSTED, "");
    assert_int_equal(counting.live_blocks, before);
  }
  assert_true(n > 2);
  or_job_t *first = block();
  before = counting.live_blocks;
  const or_task_tensor_t none[1] = {{.name = "a"}};
  for (n = 1;; ++n) {
    or_submission_result_t result;
    counting.fail_at = counting.alloc_count + n;
    or_status_t status = try_submit(NULL, "", (or_job_request_t){.tensors = none, .tensor_count = 0}, &result);
    counting.fail_at = 0;
    if (or_ok(status)) {
      or_scheduler_cancel(scheduler, result.job);
      or_job_release(result.job);
      break;
    }
    expect_failure(status, OR_RESOURCE_EXHAUSTED, "");
    assert_int_equal(counting.live_blocks, before);
  }
  assert_true(n > 1);
  or_fake_open_gate(OR_FAKE_RUN);
  await("first", OR_JOB_FINISHED);
  or_job_release(first);
}

int main(void) {
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(a_task_is_accepted_begun_and_completed),
      CASE(the_most_urgent_goes_first_and_equals_in_order),
      CASE(what_has_waited_long_enough_goes_before_what_is_more_urgent),
      CASE(cancels_what_waits_at_once_and_what_runs_at_its_next_step),
      CASE(a_job_goes_on_while_one_of_its_waiters_is_there),
      CASE(ends_what_is_out_of_time_while_it_waits),
      CASE(an_id_stands_for_one_task),
      CASE(refuses_what_is_too_much_and_says_when_to_come_again),
      CASE(takes_up_more_after_a_restart_than_it_would_accept),
      CASE(refuses_what_would_never_fit),
      CASE(a_device_that_is_taken_out_is_replaced_visibly_or_refused),
      CASE(without_a_device_new_work_is_refused_and_taken_up_work_waits),
      CASE(a_lost_device_costs_an_attempt_and_the_task_runs_elsewhere),
      CASE(a_task_that_must_not_run_twice_fails_with_its_device),
      CASE(a_device_that_never_ends_cancelled_work_is_taken_out),
      CASE(what_runs_beside_stuck_work_goes_elsewhere_or_fails),
      CASE(a_benchmark_has_its_hardware_alone),
      CASE(a_durable_task_runs_only_when_it_is_recorded),
      CASE(admission_can_be_waited_for_by_several),
      CASE(an_attempt_begins_when_it_is_on_record_or_can_not_be),
      CASE(a_full_disk_ends_the_durable_task_that_it_concerns),
      CASE(cancelled_before_it_is_recorded_it_never_runs),
      CASE(a_drain_ends_waiting_work_and_leaves_durable_work_on_disk),
      CASE(what_runs_when_the_grace_is_over_is_left_on_disk_if_it_is_durable),
      CASE(finished_jobs_are_kept_up_to_a_number),
      CASE(lists_what_is_active),
      CASE(bounds_what_may_be_set_and_sent),
      CASE(memory_is_shared_out_before_it_is_allocated),
      CASE(a_failing_allocation_costs_one_request),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
