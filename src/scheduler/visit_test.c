/* Work that is no task, among tasks. */
#include <sched.h>

#include "scheduler/scheduler_internal.h"
#include "scheduler/scheduler_test_internal.h"

#define LONG_NS INT64_C(60000000000)

static or_device_t *device(void) { return or_runtime_device(runtime, 0); }

static or_cancel_t token;
static or_visit_t a_visit(bool alone, int64_t wait_ns) {
  or_cancel_init(&token, INT64_MAX);
  return (or_visit_t){.device = device(), .alone = alone, .wait_ns = wait_ns, .cancel = &token};
}

static void expect_refused(or_status_code_t code, const char *words, int64_t wait_ns) {
  or_visit_t visit = a_visit(false, wait_ns);
  expect_failure(or_scheduler_visit(scheduler, &visit), code, words);
}

/* A visitor on a thread of its own, which leaves as soon as it was let in. */
typedef struct visitor_t {
  or_thread_t thread;
  or_status_t status;
  size_t seen_count; /* events that had happened when it was in */
} visitor_t;
static void visit_main(void *self) {
  visitor_t *visitor = self;
  or_visit_t visit = a_visit(true, LONG_NS);
  visitor->status = or_scheduler_visit(scheduler, &visit);
  or_mutex_lock(&seen.mutex);
  visitor->seen_count = seen.count;
  or_mutex_unlock(&seen.mutex);
  if (or_ok(visitor->status)) or_scheduler_leave(scheduler, &visit);
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
  or_visit_t visit = a_visit(false, 0);
  expect_ok(or_scheduler_visit(scheduler, &visit));
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *first = submit("first", ""), *second = submit("second", "");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  assert_int_equal(or_job_facts(second).state, OR_TASK_PENDING);
  expect_refused(OR_UNAVAILABLE, "busy", 0);
  or_scheduler_leave(scheduler, &visit);
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
  or_visit_t visit = a_visit(true, 0);
  expect_ok(or_scheduler_visit(scheduler, &visit));
  or_job_t *job = submit("after", "");
  expect_refused(OR_UNAVAILABLE, "busy", 0);
  assert_int_equal(or_job_facts(job).state, OR_TASK_PENDING);
  or_scheduler_leave(scheduler, &visit);
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
  expect_refused(OR_FAILED_PRECONDITION, "can't be had", LONG_NS);
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
  expect_refused(OR_UNAVAILABLE, "draining", LONG_NS);
  or_job_release(first);
}

/* Looks at its token, as long work does. */
static void look(void *self) {
  or_visit_t *visit = self;
  while (!or_cancel_requested(visit->cancel)) (void)sched_yield();
  or_scheduler_leave(scheduler, visit);
}

static void a_drain_gives_visitors_its_grace_and_no_more(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  set_concurrency(3);
  or_cancel_t tokens[3];
  or_visit_t visits[3];
  or_thread_t threads[2] = {{.started = false}, {.started = false}};
  for (size_t i = 0; i < 3; ++i) {
    or_cancel_init(&tokens[i], INT64_MAX);
    visits[i] = (or_visit_t){.device = device(), .cancel = &tokens[i]};
    expect_ok(or_scheduler_visit(scheduler, &visits[i]));
  }
  or_scheduler_leave(scheduler, &visits[1]); /* between the others */
  expect_ok(or_thread_start(&threads[0], "visitor", look, &visits[0]));
  expect_ok(or_thread_start(&threads[1], "visitor", look, &visits[2]));
  or_scheduler_drain(scheduler, 0);
  assert_true(or_cancel_requested(&tokens[0]) && or_cancel_requested(&tokens[2]));
  assert_false(or_cancel_requested(&tokens[1]));
  for (size_t i = 0; i < 2; ++i) or_thread_join(&threads[i]);
}

int main(void) {
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(a_visitor_holds_a_place),
      CASE(one_that_wants_to_be_alone_is),
      CASE(goes_before_the_tasks_that_wait),
      CASE(a_drain_gives_visitors_its_grace_and_no_more),
      CASE(is_refused_where_there_is_nothing_to_wait_for),
  };
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
