#ifndef OR_SCHEDULER_SCHEDULER_TEST_INTERNAL_H
#define OR_SCHEDULER_SCHEDULER_TEST_INTERNAL_H
/* A scheduler on fake devices, and what its listeners were told; for the tests of this folder. */

#include <stdio.h>

#include "base/clock.h"
#include "base/string.h"
#include "base/testing.h"
#include "base/thread.h"
#include "fake/fake.h"
#include "runtime/runtime.h"
#include "scheduler/scheduler.h"

#define SMALL "{\"operation\":\"compute\",\"data\":{\"size\":4,\"iterations\":1}%s}"
#define MAX_SEEN 512

static or_runtime_t *runtime;
static or_scheduler_t *scheduler;

/* What listeners were told, in order. */
static struct {
  or_mutex_t mutex;
  or_cond_t cond;
  struct {
    char task_id[OR_TASK_ID_BYTES];
    or_job_event_t event;
  } items[MAX_SEEN];
  size_t count;
} seen;

static inline void listen(void *self, or_job_t *job, or_job_event_t event) {
  (void)self;
  if (event == OR_JOB_PROGRESS) return;
  or_mutex_lock(&seen.mutex);
  assert_true(seen.count < MAX_SEEN);
  or_format(seen.items[seen.count].task_id, OR_TASK_ID_BYTES, "%s", or_job_id(job));
  seen.items[seen.count++].event = event;
  or_cond_broadcast(&seen.cond);
  or_mutex_unlock(&seen.mutex);
}

/* The place among the events at which it happened; waits until it does. */
static inline size_t await(const char *task_id, or_job_event_t event) {
  or_mutex_lock(&seen.mutex);
  for (;;) {
    for (size_t i = 0; i < seen.count; ++i) {
      if (seen.items[i].event != event || strcmp(seen.items[i].task_id, task_id) != 0) continue;
      or_mutex_unlock(&seen.mutex);
      return i;
    }
    or_cond_wait(&seen.cond, &seen.mutex);
  }
}

/* A scheduler on the fake devices as they were set; `host`: and on the CPU. */
static inline void open_scheduler(or_scheduler_options_t options, bool host) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}, {"cpu", or_backend_cpu_entry}};
  const or_runtime_options_t runtime_options = {.allocator = or_allocator_system()};
  expect_ok(or_runtime_create_with(&runtime_options, backends, host ? 2 : 1, &runtime));
  seen.count = 0;
  options.runtime = runtime;
  options.listener = listen;
  expect_ok(or_scheduler_create(&options, &scheduler));
}

/* `host`: the CPU too, whose memory is the host's, so that a fake device may be lost. */
static inline void open_beside(or_scheduler_options_t options, uint32_t devices, bool host) {
  or_fake_reset();
  or_fake_set_devices(devices, false);
  for (uint32_t i = 0; i < devices && !host; ++i) or_fake_set_unified(i);
  open_scheduler(options, host);
}

static inline void open_with(or_scheduler_options_t options, uint32_t devices) { open_beside(options, devices, false); }

static inline void set_concurrency(uint32_t concurrency) {
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.max_concurrency = concurrency;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
}

static inline int close_all(void **state) {
  (void)state;
  if (scheduler != NULL) or_scheduler_drain(scheduler, 0);
  or_scheduler_free(scheduler);
  or_runtime_release(runtime);
  scheduler = NULL;
  runtime = NULL;
  return 0;
}

static inline or_task_t *parsed(const char *text) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  return task;
}

/* Submits a small product with more fields (",\"priority\":3"). */
static inline or_status_t try_submit(const char *id, const char *fields, or_job_request_t request,
                                     or_submission_result_t *result) {
  char text[512];
  or_format(text, sizeof text, SMALL, fields);
  request.task = parsed(text);
  request.task_id = id;
  return or_scheduler_submit(scheduler, &request, result);
}

static inline or_job_t *submit(const char *id, const char *fields) {
  or_submission_result_t result;
  expect_ok(try_submit(id, fields, (or_job_request_t){0}, &result));
  return result.job;
}

static inline void expect_end(or_job_t *job, or_task_state_t state, const char *words) {
  await(or_job_id(job), OR_JOB_FINISHED);
  const or_job_facts_t facts = or_job_facts(job);
  const char *response = or_text_string(or_job_response(job));
  if (facts.state != state) print_error("%s\n", response);
  assert_string_equal(or_task_state_name(facts.state), or_task_state_name(state));
  if (words[0] == '\0') return;
  if (strstr(response, words) == NULL) print_error("no \"%s\" in %s\n", words, response);
  assert_non_null(strstr(response, words));
}

/* One at a time, and the first one stands at the gate of fake_0. */
static inline or_job_t *block(void) {
  set_concurrency(1);
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *first = submit("first", ",\"device_preference\":\"fake_0\"");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  return first;
}

#endif
