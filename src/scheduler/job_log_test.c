/* What the log tells of a job's life, on a fake device. */
#include "base/log.h"
#include "base/string.h"
#include "base/testing.h"
#include "base/thread.h"
#include "fake/fake.h"
#include "runtime/runtime.h"
#include "scheduler/scheduler.h"

static or_runtime_t *runtime;
static or_scheduler_t *scheduler;
static or_mutex_t mutex;
static or_cond_t changed;
static char lines[4096]; /* under the mutex, as `finished` is */
static size_t finished;

static void keep_line(void *self, or_log_level_t level, const char *line) {
  (void)self, (void)level;
  or_mutex_lock(&mutex);
  const size_t used = strlen(lines);
  (void)or_format(lines + used, sizeof lines - used, "%s\n", line);
  or_mutex_unlock(&mutex);
}

static void count_end(void *self, or_job_t *job, or_job_event_t event) {
  (void)self, (void)job;
  if (event != OR_JOB_FINISHED) return;
  or_mutex_lock(&mutex);
  ++finished;
  or_cond_broadcast(&changed);
  or_mutex_unlock(&mutex);
}

static or_job_t *submit(const char *id, const char *fields, or_job_request_t request) {
  char text[256];
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_submission_result_t result;
  (void)or_format(text, sizeof text, "{\"operation\":\"compute\",\"data\":{\"size\":4,\"iterations\":1}%s}", fields);
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  request.task = task;
  request.task_id = id;
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  return result.job;
}

static void wait_for_end(void) {
  or_mutex_lock(&mutex);
  while (finished == 0) or_cond_wait(&changed, &mutex);
  --finished;
  or_mutex_unlock(&mutex);
}

static void submit_and_wait(const char *id, const char *fields, or_job_request_t request) {
  or_job_t *job = submit(id, fields, request);
  wait_for_end();
  or_job_release(job);
}

static int open_all(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  const or_runtime_options_t runtime_options = {.allocator = or_allocator_system()};
  (void)state;
  or_mutex_init(&mutex);
  or_cond_init(&changed);
  or_fake_reset();
  or_fake_set_devices(1, false);
  or_fake_set_unified(0);
  expect_ok(or_runtime_create_with(&runtime_options, backends, 1, &runtime));
  const or_scheduler_options_t options = {.runtime = runtime, .listener = count_end};
  expect_ok(or_scheduler_create(&options, &scheduler));
  or_log_set_level(OR_LOG_OFF);
  or_log_set_sink(keep_line, NULL);
  lines[0] = '\0';
  return 0;
}

static int close_all(void **state) {
  (void)state;
  or_log_set_sink(NULL, NULL);
  or_log_set_level(OR_LOG_INFO);
  or_scheduler_drain(scheduler, 0);
  or_scheduler_free(scheduler);
  or_runtime_release(runtime);
  or_cond_deinit(&changed);
  or_mutex_deinit(&mutex);
  return 0;
}

static void expect_line(const char *words) {
  if (strstr(lines, words) == NULL) fail_msg("\"%s\" is not in: %s", words, lines);
}

static void tells_the_end_at_info_and_the_way_there_at_debug(void **state) {
  (void)state;
  const or_job_request_t request = {.owner = "key1", .request_id = "r-1"};
  submit_and_wait("quiet", "", request);
  assert_string_equal(lines, "");
  expect_ok(or_log_set_module_level("task", OR_LOG_INFO));
  submit_and_wait("one", "", request);
  assert_null(strstr(lines, "task_accepted"));
  expect_line("level=info event=task_finished task=one request=r-1 key=key1 operation=compute device=fake_0 "
              "status=completed error=- attempts=1 queue_us=");
  expect_ok(or_log_set_module_level("task", OR_LOG_DEBUG));
  lines[0] = '\0';
  submit_and_wait("two", ",\"priority\":7", (or_job_request_t){0});
  const char *started = strstr(lines, "level=debug event=task_started task=two request=- operation=compute "
                                      "device=fake_0 attempt=1 queue_us=");
  expect_line("level=debug event=task_accepted task=two request=- key=- operation=compute priority=7");
  assert_non_null(started);
  assert_true(strstr(lines, "task_accepted") < started && started < strstr(lines, "task_finished"));
}

static void tells_what_failed(void **state) {
  (void)state;
  expect_ok(or_log_set_module_level("task", OR_LOG_INFO));
  or_fake_fail(OR_FAKE_RUN, 1, OR_DATA_LOSS);
  submit_and_wait("broken", "", (or_job_request_t){0});
  expect_line("task=broken request=- key=- operation=compute device=fake_0 status=failed error=data_loss attempts=1");
}

static void tells_what_never_began(void **state) {
  (void)state;
  expect_ok(or_log_set_module_level("task", OR_LOG_INFO));
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.max_concurrency = 1;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *first = submit("first", "", (or_job_request_t){0});
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_job_t *second = submit("second", "", (or_job_request_t){0});
  or_scheduler_cancel(scheduler, second);
  wait_for_end();
  expect_line("task=second request=- key=- operation=compute device=- status=cancelled error=cancelled attempts=0");
  expect_line(" run_us=0\n");
  or_fake_open_gate(OR_FAKE_RUN);
  wait_for_end();
  or_job_release(first);
  or_job_release(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(tells_the_end_at_info_and_the_way_there_at_debug, open_all, close_all),
      cmocka_unit_test_setup_teardown(tells_what_failed, open_all, close_all),
      cmocka_unit_test_setup_teardown(tells_what_never_began, open_all, close_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
