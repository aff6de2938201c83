/* Short durable work, carried out before it is recorded; and short work that waits, done by who brings more. */
#include <sched.h>

#include "scheduler/scheduler_internal.h"
#include "scheduler/scheduler_test_internal.h"

#define EVER INT64_MAX /* whatever it takes is short */

/* A journal that keeps what it is asked for. Under seen.mutex. */
static struct {
  or_journal_done_t done; /* of the last row that was admitted, which has not been told */
  void *done_self;
  or_task_state_t state;
  int attempts;
  size_t request_bytes, response_bytes;
  size_t admits, starts, ends;
  bool refuse;
} journal;

static or_status_t admit(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs, size_t count,
                         or_journal_done_t done, void *done_self) {
  (void)self, (void)blobs, (void)count;
  if (journal.refuse) return or_error(OR_UNAVAILABLE, "the backlog is full");
  or_mutex_lock(&seen.mutex);
  journal.done = done;
  journal.done_self = done_self;
  journal.state = record->state;
  journal.attempts = record->attempts;
  journal.request_bytes = record->request_bytes;
  journal.response_bytes = record->response_bytes;
  ++journal.admits;
  or_cond_broadcast(&seen.cond);
  or_mutex_unlock(&seen.mutex);
  return or_status_success();
}

static or_status_t start(void *self, const or_journal_start_t *start, or_journal_done_t done, void *done_self) {
  (void)self, (void)start;
  or_mutex_lock(&seen.mutex);
  ++journal.starts;
  or_mutex_unlock(&seen.mutex);
  if (done != NULL) done(done_self, or_status_success());
  return or_status_success();
}

static or_status_t finish(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs, size_t count) {
  (void)self, (void)record, (void)blobs, (void)count;
  or_mutex_lock(&seen.mutex);
  ++journal.ends;
  or_mutex_unlock(&seen.mutex);
  return or_status_success();
}

static or_status_t set_priority(void *self, const char *task_id, int priority) {
  (void)self, (void)task_id, (void)priority;
  return or_status_success();
}

static const or_journal_t table = {NULL, admit, start, finish, set_priority};

/* The shape of small products is known to be short. */
static void open_known(uint32_t devices) {
  memset(&journal, 0, sizeof journal);
  open_beside((or_scheduler_options_t){.journal = &table, .here_ns = EVER, .age_ns = INT64_MAX}, devices, devices > 1);
  or_fake_set_queue_optional(true);
  for (int i = 0; i < 4; ++i) {
    char id[8];
    or_submission_result_t result;
    or_format(id, sizeof id, "know%d", i);
    expect_ok(try_submit(id, ",\"device_preference\":\"fake_0\"", (or_job_request_t){.here = true}, &result));
    expect_end(result.job, OR_TASK_COMPLETED, "");
    or_job_release(result.job);
  }
  or_mutex_lock(&seen.mutex);
  seen.count = 0;
  journal.ends = 0; /* those of the four */
  or_mutex_unlock(&seen.mutex);
}

static const uint8_t digest[OR_TASK_DIGEST_BYTES] = {1, 2, 3};

static or_status_t bring(const char *id, const char *fields, or_submission_result_t *result) {
  const or_job_request_t request = {
      .durable = true, .here = true, .body = "{}", .body_bytes = 2, .body_digest = digest};
  return try_submit(id, fields, request, result);
}

static or_job_t *brought(const char *id, const char *fields) {
  or_submission_result_t result;
  expect_ok(bring(id, fields, &result));
  assert_false(result.existing);
  return result.job;
}

static void tell_row(or_status_t status) { journal.done(journal.done_self, status); }

static void short_work_is_one_row_and_told_when_that_is_on_disk(void **state) {
  (void)state;
  open_known(1);
  or_job_t *job = brought("short", "");
  assert_int_equal(journal.admits, 1);
  assert_int_equal(journal.state, OR_TASK_COMPLETED);
  assert_int_equal(journal.attempts, 1);
  assert_true(journal.response_bytes > 0);
  assert_int_equal(seen.count, 0);
  assert_false(or_task_state_is_final(or_job_facts(job).state));
  assert_false(or_job_facts(job).admitted);
  assert_int_equal(or_scheduler_running_on(scheduler, or_runtime_device(runtime, 0)), 0);
  tell_row(or_status_success());
  assert_true(await("short", OR_JOB_ADMITTED) < await("short", OR_JOB_STARTED));
  assert_true(await("short", OR_JOB_STARTED) < await("short", OR_JOB_FINISHED));
  expect_end(job, OR_TASK_COMPLETED, "\"status\":\"completed\"");
  assert_true(or_job_facts(job).admitted);
  assert_int_equal(journal.starts + journal.ends, 0);
  or_job_release(job);
}

static void what_must_not_run_twice_has_its_row_first(void **state) {
  (void)state;
  open_known(1);
  or_job_t *job = brought("once", ",\"on_restart\":\"fail\"");
  assert_int_equal(journal.state, OR_TASK_PENDING);
  assert_int_equal(journal.attempts, 0);
  assert_int_equal(journal.request_bytes, 2);
  tell_row(or_status_success());
  expect_end(job, OR_TASK_COMPLETED, "");
  assert_int_equal(journal.starts, 1);
  assert_int_equal(journal.ends, 1);
  or_job_release(job);
}

static void what_is_not_known_to_be_short_has_its_row_first(void **state) {
  (void)state;
  open_known(1);
  or_submission_result_t result;
  or_job_request_t request = {.durable = true, .here = true, .task_id = "other", .body = "{}", .body_bytes = 2};
  request.task = parsed("{\"operation\":\"compute\",\"data\":{\"size\":5,\"iterations\":1}}");
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  assert_int_equal(journal.state, OR_TASK_PENDING);
  tell_row(or_status_success());
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
}

static void a_row_that_can_not_be_written_is_the_end_of_its_task(void **state) {
  (void)state;
  open_known(1);
  or_job_t *job = brought("lost", "");
  tell_row(or_error(OR_RESOURCE_EXHAUSTED, "the disk is full"));
  expect_end(job, OR_TASK_FAILED, "the disk is full");
  assert_int_equal(or_job_code(job), OR_RESOURCE_EXHAUSTED);
  assert_null(strstr(or_text_string(or_job_response(job)), "completed"));
  for (size_t i = 0; i < seen.count; ++i) assert_int_not_equal(seen.items[i].event, OR_JOB_ADMITTED);
  or_job_release(job);
}

static void a_journal_that_takes_no_row_refuses_the_task(void **state) {
  (void)state;
  open_known(1);
  or_submission_result_t result;
  journal.refuse = true;
  expect_failure(bring("refused", "", &result), OR_UNAVAILABLE, "backlog is full");
  assert_int_equal(result.refusal.kind, OR_REFUSED_CAPACITY);
  assert_true(result.refusal.retry_after_s > 0);
  assert_null(or_scheduler_find(scheduler, "refused", NULL));
  assert_int_equal(seen.count, 0);
  journal.refuse = false;
  or_job_t *job = brought("refused", "");
  tell_row(or_status_success());
  expect_end(job, OR_TASK_COMPLETED, "");
  or_job_release(job);
}

static void on_watch(void *self, or_job_t *job, or_job_event_t event) {
  (void)job;
  *(or_job_event_t *)self = event;
}

static void who_asks_for_the_same_task_meanwhile_waits_for_its_row(void **state) {
  (void)state;
  open_known(1);
  or_job_t *job = brought("same", "");
  or_submission_result_t result;
  or_job_event_t told = OR_JOB_PROGRESS;
  expect_ok(bring("same", "", &result));
  assert_true(result.existing);
  assert_ptr_equal(result.job, job);
  or_job_watch_t watch = {.listener = on_watch, .self = &told, .admission = true};
  assert_true(or_job_attend(job, &watch));
  or_scheduler_cancel(scheduler, job); /* too late */
  assert_int_equal(told, OR_JOB_PROGRESS);
  tell_row(or_status_success());
  assert_int_equal(told, OR_JOB_ADMITTED);
  expect_end(job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
  or_job_release(job);
}

static bool is_draining(void) {
  or_mutex_lock(&scheduler->mutex);
  const bool draining = scheduler->draining;
  or_mutex_unlock(&scheduler->mutex);
  return draining;
}

static void drain(void *self) {
  or_scheduler_drain(scheduler, 0);
  or_mutex_lock(&seen.mutex);
  *(bool *)self = true;
  or_mutex_unlock(&seen.mutex);
}

static void a_drain_waits_for_the_row(void **state) {
  (void)state;
  open_known(1);
  or_job_t *job = brought("last", "");
  or_thread_t thread = {.started = false};
  bool drained = false;
  expect_ok(or_thread_start(&thread, "drain", drain, &drained));
  while (!is_draining()) (void)sched_yield();
  or_mutex_lock(&seen.mutex);
  assert_false(drained);
  or_mutex_unlock(&seen.mutex);
  tell_row(or_status_success());
  or_thread_join(&thread);
  assert_true(drained);
  expect_end(job, OR_TASK_COMPLETED, "");
  or_job_release(job);
}

typedef struct bringer_t {
  or_thread_t thread;
  or_status_t status;
  or_submission_result_t result;
} bringer_t;

static void bring_it(void *self) {
  bringer_t *bringer = self;
  bringer->status = bring("cut-off", "", &bringer->result);
}

/* Opens the gate once the grace of a drain is over. */
static void open_gate_when_told(void *self) {
  or_visit_t *visit = self;
  while (!or_cancel_requested(visit->cancel)) (void)sched_yield();
  or_fake_open_gate(OR_FAKE_RUN);
  or_scheduler_leave(scheduler, visit);
}

static void what_the_end_of_the_server_cuts_off_was_never_taken(void **state) {
  (void)state;
  open_known(1);
  or_cancel_t token;
  or_cancel_init(&token, INT64_MAX);
  or_visit_t visit = {.device = or_runtime_device(runtime, 0), .cancel = &token};
  or_thread_t opener = {.started = false};
  bringer_t bringer = {.thread = {.started = false}};
  or_fake_close_gate(OR_FAKE_RUN);
  expect_ok(or_thread_start(&bringer.thread, "bringer", bring_it, &bringer));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  expect_ok(or_scheduler_visit(scheduler, &visit));
  expect_ok(or_thread_start(&opener, "visitor", open_gate_when_told, &visit));
  or_scheduler_drain(scheduler, 0);
  or_thread_join(&opener);
  or_thread_join(&bringer.thread);
  expect_failure(bringer.status, OR_UNAVAILABLE, "shutting down");
  assert_int_equal(journal.admits, 0);
  assert_int_equal(seen.count, 0);
  assert_null(or_scheduler_find(scheduler, "cut-off", NULL));
}

static void a_lost_device_leaves_it_another_attempt_with_a_row_of_its_own(void **state) {
  (void)state;
  open_known(2);
  or_fake_fail(OR_FAKE_RUN, 1, OR_DEVICE_LOST);
  or_job_t *job = brought("moves", ",\"device_preference\":\"fake_0\"");
  assert_int_equal(journal.state, OR_TASK_PENDING);
  assert_int_equal(journal.attempts, 1);
  tell_row(or_status_success());
  expect_end(job, OR_TASK_COMPLETED, "\"attempts\":2");
  assert_int_equal(journal.starts, 1);
  or_job_release(job);
}

/* A job as it is when it has been admitted. */
static or_job_t *made(const char *id, const char *fields, bool durable) {
  char text[256];
  or_job_t *job = NULL;
  or_format(text, sizeof text, SMALL, fields);
  const or_job_request_t request = {
      .task_id = id, .durable = durable, .body = "{}", .body_bytes = 2, .task = parsed(text)};
  expect_ok(or_job_make(scheduler, &request, &job));
  or_job_retain(job); /* the table's */
  or_mutex_lock(&scheduler->mutex);
  or_table_insert(scheduler, job);
  scheduler->waiting_bytes += job->request_bytes;
  or_mutex_unlock(&scheduler->mutex);
  return job;
}

/* The lock keeps the workers from what waits. */
static void short_work_that_waits_is_taken_in_its_order(void **state) {
  (void)state;
  open_known(1);
  or_job_t *jobs[] = {made("recorded", ",\"priority\":2", true), made("kept", ",\"priority\":3", true),
                      made("plain", ",\"priority\":5", false), made("urgent", ",\"priority\":9", false)};
  execution_t executions[4];
  place_t *place = NULL;
  or_mutex_lock(&scheduler->mutex);
  assert_null(or_here_take(scheduler, &place));
  jobs[0]->start = OR_START_RECORDED;
  for (size_t i = 0; i < 4; ++i) or_waiting_push(scheduler, jobs[i]);
  assert_true(scheduler->waiting_s > 0);
  assert_ptr_equal(or_here_take(scheduler, &place), jobs[3]);
  or_execution_begin(&executions[3], jobs[3], place);
  assert_ptr_equal(or_here_take(scheduler, &place), jobs[2]);
  or_execution_begin(&executions[2], jobs[2], place);
  assert_null(or_here_take(scheduler, &place)); /* the next would wait for the disk, and goes before the last */
  jobs[1]->start = OR_START_RECORDED;
  assert_ptr_equal(or_here_take(scheduler, &place), jobs[1]);
  or_execution_begin(&executions[1], jobs[1], place);
  assert_ptr_equal(or_here_take(scheduler, &place), jobs[0]);
  or_execution_begin(&executions[0], jobs[0], place);
  assert_true(scheduler->waiting_s == 0);
  or_mutex_unlock(&scheduler->mutex);
  for (size_t i = 0; i < 4; ++i) {
    or_execution_carry_out(&executions[i]);
    expect_end(jobs[i], OR_TASK_COMPLETED, "");
    or_job_release(jobs[i]);
  }
  assert_int_equal(journal.starts, 0);
}

int main(void) {
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(short_work_is_one_row_and_told_when_that_is_on_disk),
      CASE(what_must_not_run_twice_has_its_row_first),
      CASE(what_is_not_known_to_be_short_has_its_row_first),
      CASE(a_row_that_can_not_be_written_is_the_end_of_its_task),
      CASE(a_journal_that_takes_no_row_refuses_the_task),
      CASE(who_asks_for_the_same_task_meanwhile_waits_for_its_row),
      CASE(a_drain_waits_for_the_row),
      CASE(what_the_end_of_the_server_cuts_off_was_never_taken),
      CASE(a_lost_device_leaves_it_another_attempt_with_a_row_of_its_own),
      CASE(short_work_that_waits_is_taken_in_its_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
