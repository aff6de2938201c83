/* Starts on record: which share a commit, and what becomes of those that were recorded ahead. */
#include <sched.h>

#include "scheduler/scheduler_test_internal.h"

/* A journal that has every task at once, and notes the starts. Under seen.mutex. */
static struct {
  struct {
    char task_id[OR_TASK_ID_BYTES];
    int attempt;
    bool waited_for;
  } starts[MAX_SEEN];
  size_t count;
  int attempts[MAX_SEEN]; /* of the rows that were admitted */
  size_t admits;
  bool hold;
  or_journal_done_t done; /* of the start that is held */
  void *done_self;
} journal;

static or_status_t admit(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs, size_t count,
                         or_journal_done_t done, void *done_self) {
  (void)self, (void)blobs, (void)count;
  assert_true(journal.admits < MAX_SEEN);
  journal.attempts[journal.admits++] = record->attempts;
  done(done_self, or_status_success());
  return or_status_success();
}

static or_status_t start(void *self, const or_journal_start_t *start, or_journal_done_t done, void *done_self) {
  (void)self;
  or_mutex_lock(&seen.mutex);
  assert_true(journal.count < MAX_SEEN);
  or_format(journal.starts[journal.count].task_id, OR_TASK_ID_BYTES, "%s", start->task_id);
  journal.starts[journal.count].attempt = start->attempt;
  journal.starts[journal.count++].waited_for = done != NULL;
  const bool held = journal.hold && done != NULL;
  if (held) {
    journal.done = done;
    journal.done_self = done_self;
  }
  or_cond_broadcast(&seen.cond);
  or_mutex_unlock(&seen.mutex);
  if (done != NULL && !held) done(done_self, or_status_success());
  return or_status_success();
}

static or_status_t finish(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs, size_t count) {
  (void)self, (void)blobs, (void)count;
  assert_true(or_task_state_is_final(record->state));
  return or_status_success();
}

static or_status_t set_priority(void *self, const char *task_id, int priority) {
  (void)self, (void)task_id, (void)priority;
  return or_status_success();
}

static const or_journal_t table = {NULL, admit, start, finish, set_priority};

/* One place, taken until the gate is opened by something whose time says nothing of products: short, or expected to
 * take half a second. */
static or_job_t *open_taken_by(const char *text) {
  or_submission_result_t result;
  memset(&journal, 0, sizeof journal);
  journal.hold = true;
  open_with((or_scheduler_options_t){.journal = &table, .age_ns = INT64_MAX}, 1);
  set_concurrency(1);
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_request_t request = {.task_id = "first"};
  request.task = parsed(text);
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  return result.job;
}

/* For long enough that what comes meanwhile is not to begin soon. */
static or_job_t *open_taken(void) {
  return open_taken_by("{\"operation\":\"compute\",\"data\":{\"type\":\"transpose\",\"size\":4}}");
}

static or_job_t *submit_durable(const char *id, const char *fields) {
  or_submission_result_t result;
  expect_ok(try_submit(id, fields, (or_job_request_t){.durable = true, .body = "{}", .body_bytes = 2}, &result));
  return result.job;
}

static void wait_for_held_start(void) {
  or_mutex_lock(&seen.mutex);
  while (journal.done == NULL) or_cond_wait(&seen.cond, &seen.mutex);
  or_mutex_unlock(&seen.mutex);
}

/* The one that is held ends so; later ones are not held. */
static void end_held_start(or_status_t status) {
  or_mutex_lock(&seen.mutex);
  journal.hold = false;
  or_journal_done_t done = journal.done;
  or_mutex_unlock(&seen.mutex);
  done(journal.done_self, status);
}

static void expect_start(size_t index, const char *task_id, int attempt, bool waited_for) {
  assert_true(index < journal.count);
  assert_string_equal(journal.starts[index].task_id, task_id);
  assert_int_equal(journal.starts[index].attempt, attempt);
  assert_int_equal(journal.starts[index].waited_for, waited_for);
}

static void end_all(or_job_t **jobs, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    expect_end(jobs[i], OR_TASK_COMPLETED, "");
    or_job_release(jobs[i]);
  }
}

static void starts_of_short_tasks_that_come_next_share_a_commit(void **state) {
  (void)state;
  or_job_t *jobs[] = {open_taken(), submit_durable("a", ""), submit_durable("b", ""), submit("not-kept", ""),
                      submit_durable("c", "")};
  or_fake_open_gate(OR_FAKE_RUN);
  wait_for_held_start();
  assert_int_equal(journal.count, 3);
  expect_start(0, "b", 1, false);
  expect_start(1, "c", 1, false);
  expect_start(2, "a", 1, true); /* the last, so that who waits for it waits for all */
  assert_int_equal(or_job_facts(jobs[2]).state, OR_TASK_PENDING);
  expect_ok(or_scheduler_set_priority(scheduler, jobs[4], 10)); /* it waits as before */
  end_held_start(or_status_success());
  assert_true(await("c", OR_JOB_STARTED) < await("b", OR_JOB_STARTED));
  assert_int_equal(or_job_facts(jobs[2]).attempts, 1);
  end_all(jobs, 5);
  assert_int_equal(journal.count, 3);
}

static void what_was_not_recorded_ahead_is_recorded_by_itself(void **state) {
  (void)state;
  or_job_t *jobs[] = {open_taken(), submit_durable("a", ""), submit_durable("b", "")};
  or_fake_open_gate(OR_FAKE_RUN);
  wait_for_held_start();
  end_held_start(or_error(OR_RESOURCE_EXHAUSTED, "the disk is full"));
  end_all(jobs, 3);
  assert_int_equal(journal.count, 3);
  expect_start(2, "b", 1, true);
}

static void only_tasks_that_are_short_and_may_run_again_are_ahead(void **state) {
  (void)state;
  or_job_t *jobs[] = {open_taken(),
                      submit_durable("a", ""),
                      submit_durable("once", ",\"on_restart\":\"fail\""),
                      submit_durable("b", ""),
                      NULL,
                      submit_durable("behind", ",\"priority\":1")};
  or_submission_result_t result; /* half a second of runs on input that is made */
  or_job_request_t request = {.durable = true, .task_id = "long", .body = "{}", .body_bytes = 2};
  request.task = parsed("{\"operation\":\"compute\",\"data\":{\"size\":4},\"priority\":2}");
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  jobs[4] = result.job;
  or_job_t *first[] = {jobs[1], jobs[2], jobs[3]};
  for (size_t i = 0; i < 3; ++i) expect_ok(or_scheduler_set_priority(scheduler, first[i], 5));
  or_fake_open_gate(OR_FAKE_RUN);
  wait_for_held_start();
  assert_int_equal(journal.count, 2);
  expect_start(0, "b", 1, false);
  expect_start(1, "a", 1, true);
  end_held_start(or_status_success());
  end_all(jobs, 6);
  expect_start(2, "once", 1, true);
}

static void second_attempts_are_recorded_one_by_one(void **state) {
  (void)state;
  or_job_t *jobs[] = {open_taken(), NULL, submit_durable("b", "")};
  or_submission_result_t result;
  const or_job_request_t again = {.durable = true,
                                  .recovered = true,
                                  .attempts = 1,
                                  .created_us = or_clock_wall_us(),
                                  .deadline_us = or_clock_wall_us() + 60000000};
  expect_ok(try_submit("again", ",\"priority\":9", again, &result));
  jobs[1] = result.job;
  or_fake_open_gate(OR_FAKE_RUN);
  wait_for_held_start();
  assert_int_equal(journal.count, 1);
  expect_start(0, "again", 2, true);
  end_held_start(or_status_success());
  end_all(jobs, 3);
  expect_start(1, "b", 1, true);
}

static void drain(void *self) {
  (void)self;
  or_scheduler_drain(scheduler, INT64_C(60000000000));
}

/* Recorded, or being recorded, when the drain comes: what did not begin has its three attempts still. */
static void a_drain_takes_back_what_was_recorded_ahead(void **state) {
  (void)state;
  for (int recorded = 0; recorded < 2; ++recorded) {
    or_job_t *first = open_taken(), *running = submit_durable("a", ""), *left = submit_durable("b", "");
    or_thread_t thread = {.started = false};
    or_fake_open_gate(OR_FAKE_RUN);
    wait_for_held_start();
    await("first", OR_JOB_FINISHED);
    or_fake_close_gate(OR_FAKE_RUN);
    if (recorded > 0) {
      end_held_start(or_status_success());
      or_fake_wait_at_gate(OR_FAKE_RUN, 1); /* "a" runs, "b" is recorded */
    }
    expect_ok(or_thread_start(&thread, "drain", drain, NULL));
    await("b", OR_JOB_ADMITTED);
    while (or_scheduler_load(scheduler).waiting > 0) (void)sched_yield();
    if (recorded == 0) end_held_start(or_status_success());
    or_mutex_lock(&seen.mutex);
    while (journal.count < 3) or_cond_wait(&seen.cond, &seen.mutex);
    or_mutex_unlock(&seen.mutex);
    expect_start(0, "b", 1, false);
    expect_start(1, "a", 1, true);
    expect_start(2, "b", 0, false);
    or_fake_open_gate(OR_FAKE_RUN);
    or_thread_join(&thread);
    assert_int_equal(or_job_facts(left).state, OR_TASK_PENDING);
    assert_int_equal(or_job_facts(left).attempts, 0);
    or_job_release(first);
    or_job_release(running);
    or_job_release(left);
    or_scheduler_free(scheduler);
    or_runtime_release(runtime);
    scheduler = NULL;
    runtime = NULL;
  }
}

static void a_task_that_begins_soon_has_its_start_in_the_row_that_admits_it(void **state) {
  (void)state;
  or_job_t *first =
      open_taken_by("{\"operation\":\"compute\",\"data\":{\"type\":\"transpose\",\"size\":4,\"iterations\":1}}");
  journal.hold = false;
  or_job_t *jobs[] = {first, submit_durable("soon", ""), submit_durable("once", ",\"on_restart\":\"fail\""), NULL,
                      submit_durable("behind", "")};
  const int expected[] = {1, 0, 1}; /* attempts: a task that must not run twice has none before it runs */
  assert_int_equal(journal.admits, 3);
  assert_memory_equal(journal.attempts, expected, sizeof expected);
  or_submission_result_t result;
  or_job_request_t request = {.durable = true, .task_id = "long", .body = "{}", .body_bytes = 2};
  request.task = parsed("{\"operation\":\"compute\",\"data\":{\"size\":4}}");
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  jobs[3] = result.job;
  or_job_t *after = submit_durable("after", ""); /* half a second waits before it */
  assert_int_equal(journal.attempts[3], 0);
  assert_int_equal(journal.attempts[4], 0);
  assert_int_equal(or_job_facts(jobs[1]).attempts, 0); /* it has not begun */
  or_fake_open_gate(OR_FAKE_RUN);
  end_all(jobs, 5);
  end_all(&after, 1);
  for (size_t i = 0; i < journal.count; ++i) {
    assert_string_not_equal(journal.starts[i].task_id, "soon");
    assert_string_not_equal(journal.starts[i].task_id, "behind");
  }
  assert_int_equal(journal.count, 3);
}

static void a_drain_takes_back_the_start_of_a_row(void **state) {
  (void)state;
  or_job_t *first =
      open_taken_by("{\"operation\":\"compute\",\"data\":{\"type\":\"transpose\",\"size\":4,\"iterations\":1}}");
  or_job_t *left = submit_durable("left", "");
  or_thread_t thread = {.started = false};
  expect_ok(or_thread_start(&thread, "drain", drain, NULL));
  or_mutex_lock(&seen.mutex);
  while (journal.count < 1) or_cond_wait(&seen.cond, &seen.mutex);
  or_mutex_unlock(&seen.mutex);
  expect_start(0, "left", 0, false);
  or_fake_open_gate(OR_FAKE_RUN);
  or_thread_join(&thread);
  assert_int_equal(or_job_facts(left).state, OR_TASK_PENDING);
  or_job_release(first);
  or_job_release(left);
}

int main(void) {
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(starts_of_short_tasks_that_come_next_share_a_commit),
      CASE(what_was_not_recorded_ahead_is_recorded_by_itself),
      CASE(only_tasks_that_are_short_and_may_run_again_are_ahead),
      CASE(second_attempts_are_recorded_one_by_one),
      CASE(a_drain_takes_back_what_was_recorded_ahead),
      CASE(a_task_that_begins_soon_has_its_start_in_the_row_that_admits_it),
      CASE(a_drain_takes_back_the_start_of_a_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
