/* Work that is no task, among tasks. */
#include <sched.h>

#include "scheduler/scheduler_internal.h"
#include "scheduler/scheduler_test_internal.h"

#define LONG_NS INT64_C(60000000000)

static or_device_t *device(void) { return or_runtime_device(runtime, 0); }

/* A visitor on a thread of its own, which leaves as soon as it was let in. */
typedef struct visitor_t {
  or_thread_t thread;
  or_status_t status;
  size_t seen_count; /* events that had happened when it was in */
} visitor_t;
static void visit_main(void *self) {
  visitor_t *visitor = self;
  visitor->status = or_scheduler_visit(scheduler, device(), true, LONG_NS);
  or_mutex_lock(&seen.mutex);
  visitor->seen_count = seen.count;
  or_mutex_unlock(&seen.mutex);
  if (or_ok(visitor->status)) or_scheduler_leave(scheduler, device());
}

static bool waits(void) {
  or_mutex_lock(&scheduler->mutex);
  const bool any = scheduler->hardware[0].wanted > 0;
  or_mutex_unlock(&scheduler->mutex);
  return any;
}

static void begin_visit(visitor_t *visitor) {
  expect_ok(or_thread_start(&visitor->thread, "visitor", visit_main, visitor));
  while (!waits()) (void)sched_yield();
}

static void a_visitor_holds_a_place(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  set_concurrency(2);
  expect_ok(or_scheduler_visit(scheduler, device(), false, 0));
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *first = submit("first", ""), *second = submit("second", "");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  assert_int_equal(or_job_facts(second).state, OR_TASK_PENDING);
  expect_failure(or_scheduler_visit(scheduler, device(), false, 0), OR_UNAVAILABLE, "busy");
  or_scheduler_leave(scheduler, device());
  await("second", OR_JOB_STARTED);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(first, OR_TASK_COMPLETED, "");
  expect_end(second, OR_TASK_COMPLETED, "");
  or_job_release(first);
  or_job_release(second);
}

static void one_that_wants_to_be_alone_is(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  expect_ok(or_scheduler_visit(scheduler, device(), true, 0));
  or_job_t *job = submit("after", "");
  expect_failure(or_scheduler_visit(scheduler, device(), false, 0), OR_UNAVAILABLE, "busy");
  assert_int_equal(or_job_facts(job).state, OR_TASK_PENDING);
  or_scheduler_leave(scheduler, device());
  expect_end(job, OR_TASK_COMPLETED, "");
  or_job_release(job);
}

static void goes_before_the_tasks_that_wait(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_job_t *first = block(), *second = submit("second", ",\"priority\":10");
  visitor_t visitor;
  begin_visit(&visitor);
  or_fake_open_gate(OR_FAKE_RUN);
  or_thread_join(&visitor.thread);
  expect_ok(visitor.status);
  expect_end(second, OR_TASK_COMPLETED, "");
  assert_true(visitor.seen_count <= await("second", OR_JOB_STARTED));
  or_job_release(first);
  or_job_release(second);
}

static void is_refused_where_there_is_nothing_to_wait_for(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_device_settings_t settings = or_scheduler_device(scheduler, device());
  settings.is_available = false;
  expect_ok(or_scheduler_set_device(scheduler, device(), &settings));
  expect_failure(or_scheduler_visit(scheduler, device(), false, LONG_NS), OR_FAILED_PRECONDITION, "can't be had");
  settings.is_available = true;
  expect_ok(or_scheduler_set_device(scheduler, device(), &settings));
  or_job_t *first = block();
  visitor_t visitor;
  begin_visit(&visitor);
  or_scheduler_cancel(scheduler, first);
  or_fake_open_gate(OR_FAKE_RUN);
  or_thread_join(&visitor.thread);
  expect_ok(visitor.status);
  or_scheduler_drain(scheduler, 0);
  expect_failure(or_scheduler_visit(scheduler, device(), false, LONG_NS), OR_UNAVAILABLE, "draining");
  or_job_release(first);
}

int main(void) {
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(a_visitor_holds_a_place),
      CASE(one_that_wants_to_be_alone_is),
      CASE(goes_before_the_tasks_that_wait),
      CASE(is_refused_where_there_is_nothing_to_wait_for),
  };
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
