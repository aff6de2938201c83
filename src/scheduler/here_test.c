/* Short work on the thread that brings it. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "graph/onnx/testing.h"
#include "model/pool.h"
#include "scheduler/scheduler_test_internal.h"

#define EVER INT64_MAX /* whatever it takes is short */

static void open_here(int64_t here_ns) {
  open_with((or_scheduler_options_t){.here_ns = here_ns}, 1);
  or_fake_set_queue_optional(true);
}

/* Whether all was over when the submission returned. */
static bool brought(const char *id, const char *fields) {
  or_submission_result_t result;
  expect_ok(try_submit(id, fields, (or_job_request_t){.here = true}, &result));
  const bool over = or_task_state_is_final(or_job_facts(result.job).state);
  expect_end(result.job, OR_TASK_COMPLETED, "\"status\":\"completed\"");
  assert_true(await(id, OR_JOB_ADMITTED) < await(id, OR_JOB_STARTED));
  assert_true(await(id, OR_JOB_STARTED) < await(id, OR_JOB_FINISHED));
  assert_int_equal(or_job_facts(result.job).attempts, 1);
  or_job_release(result.job);
  return over;
}

/* Until the shape is known: the first makes its plan on the queue's thread, which is not counted. */
static void get_to_know(void) {
  static const char *const ids[] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < 4; ++i) (void)brought(ids[i], "");
}

static void work_that_was_short_is_carried_out_by_who_brings_it(void **state) {
  (void)state;
  open_here(EVER);
  get_to_know();
  assert_true(brought("here", ""));
  or_submission_result_t result; /* who does not offer the thread keeps it */
  or_fake_close_gate(OR_FAKE_RUN);
  expect_ok(try_submit("elsewhere", "", (or_job_request_t){0}, &result));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  assert_int_equal(or_job_facts(result.job).state, OR_TASK_RUNNING);
  assert_int_equal(or_scheduler_running_on(scheduler, or_runtime_device(runtime, 0)), 1);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
  assert_true(brought("again", ""));
}

static void work_of_another_shape_or_length_goes_to_a_worker(void **state) {
  (void)state;
  open_here(1);
  get_to_know(); /* nothing takes less than a nanosecond */
  or_fake_close_gate(OR_FAKE_RUN);
  or_submission_result_t result;
  expect_ok(try_submit("long", "", (or_job_request_t){.here = true}, &result));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
}

static void an_unknown_shape_goes_to_a_worker(void **state) {
  (void)state;
  open_here(EVER);
  get_to_know();
  or_fake_close_gate(OR_FAKE_RUN);
  or_submission_result_t result;
  or_job_request_t request = {.here = true, .task_id = "other"};
  request.task = parsed("{\"operation\":\"compute\",\"data\":{\"size\":5,\"iterations\":1}}");
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
}

static void what_needs_its_devices_queue_is_never_short(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){.here_ns = EVER}, 1);
  get_to_know();
  or_fake_close_gate(OR_FAKE_RUN);
  or_submission_result_t result;
  expect_ok(try_submit("queued", "", (or_job_request_t){.here = true}, &result));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
}

/* A thread that carries out its own work, as a server's loop does. */
static void bring(void *self) {
  or_submission_result_t result;
  expect_ok(try_submit("brought", "", (or_job_request_t){.here = true}, &result));
  or_job_release(result.job);
  *(bool *)self = true;
}

static void it_takes_its_place_like_any_other(void **state) {
  (void)state;
  open_here(EVER);
  get_to_know();
  set_concurrency(1);
  or_thread_t thread = {.started = false};
  bool returned = false;
  or_fake_close_gate(OR_FAKE_RUN);
  expect_ok(or_thread_start(&thread, "bringer", bring, &returned));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  assert_int_equal(or_scheduler_running_on(scheduler, or_runtime_device(runtime, 0)), 1);
  or_submission_result_t second, third;
  expect_ok(try_submit("second", "", (or_job_request_t){.here = true}, &second)); /* there is no room */
  expect_ok(try_submit("third", "", (or_job_request_t){.here = true}, &third));   /* and somebody waits */
  assert_int_equal(or_job_facts(second.job).state, OR_TASK_PENDING);
  assert_int_equal(or_job_facts(third.job).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(second.job, OR_TASK_COMPLETED, ""); /* a worker was woken when the place was free */
  expect_end(third.job, OR_TASK_COMPLETED, "");
  or_thread_join(&thread);
  assert_true(returned);
  or_job_release(second.job);
  or_job_release(third.job);
}

static void a_place_that_is_taken_out_is_not_used(void **state) {
  (void)state;
  open_here(EVER);
  get_to_know();
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.is_available = false;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_submission_result_t result;
  expect_failure(try_submit("nowhere", "", (or_job_request_t){.here = true}, &result), OR_UNAVAILABLE,
                 "no device can be had");
}

/* More shapes than are remembered: the first has to be known anew. */
static void what_was_not_done_for_long_is_forgotten(void **state) {
  (void)state;
  open_here(EVER);
  get_to_know();
  for (int size = 5; size < 5 + 8; ++size) {
    char id[16], text[128];
    or_submission_result_t result;
    or_format(id, sizeof id, "size-%d", size);
    or_format(text, sizeof text, "{\"operation\":\"compute\",\"data\":{\"size\":%d,\"iterations\":1}}", size);
    expect_ok(or_scheduler_submit(scheduler, &(or_job_request_t){.here = true, .task_id = id, .task = parsed(text)},
                                  &result));
    expect_end(result.job, OR_TASK_COMPLETED, "");
    or_job_release(result.job);
  }
  or_fake_close_gate(OR_FAKE_RUN);
  or_submission_result_t result;
  expect_ok(try_submit("forgotten", "", (or_job_request_t){.here = true}, &result));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(result.job, OR_TASK_COMPLETED, "");
  or_job_release(result.job);
}

static char folder[64], model_path[96];
static or_model_pool_t *pool;

/* y = max(x, 0) of any number of rows, in a folder of its own. */
static void write_relu(void) {
  pb_t graph = {.data = NULL};
  or_format(folder, sizeof folder, "/tmp/openruntime-XXXXXX");
  assert_non_null(mkdtemp(folder));
  pb_put(&graph, 1, node_proto("Relu", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "batch,2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "batch,2"));
  pb_t proto = model_proto(graph, 17);
  or_format(model_path, sizeof model_path, "%s/relu.onnx", folder);
  expect_ok(or_file_write(model_path, proto.data, proto.length));
  pb_free(&proto);
}

static or_job_t *infer(const char *id, or_job_listener_t listener) {
  or_submission_result_t result;
  or_job_request_t request = {.here = true, .task_id = id, .listener = listener};
  request.task = parsed("{\"operation\":\"inference\",\"data\":{\"model\":\"relu\",\"iterations\":1,"
                        "\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[-1,2]}}}}");
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  return result.job;
}

static void expect_relu(or_job_t *job) {
  expect_end(job, OR_TASK_COMPLETED, "\"data\":[0,2]");
  assert_int_equal(or_job_facts(job).attempts, 1);
  or_job_release(job);
}

/* A scheduler with models, that knows the inference as short. */
static void open_with_models(void) {
  static const char *const ids[] = {"a", "b", "c", "d", "e"};
  write_relu();
  open_here(EVER);
  or_scheduler_drain(scheduler, 0);
  or_scheduler_free(scheduler);
  expect_ok(or_model_pool_create(&(or_model_pool_options_t){.runtime = runtime, .directory = folder}, &pool));
  expect_ok(or_scheduler_create(
      &(or_scheduler_options_t){.runtime = runtime, .listener = listen, .pool = pool, .here_ns = EVER}, &scheduler));
  for (size_t i = 0; i < 5; ++i) expect_relu(infer(ids[i], NULL));
  or_job_t *job = infer("here", NULL);
  assert_int_equal(or_job_facts(job).state, OR_TASK_COMPLETED);
  expect_relu(job);
  assert_int_equal(or_model_pool_counts(pool).leases, 0);
  assert_int_equal(or_model_pool_counts(pool).loads, 1);
}

static int close_with_models(void **state) {
  or_fake_open_gate(OR_FAKE_RUN);
  if (scheduler != NULL) or_scheduler_drain(scheduler, 0);
  or_scheduler_free(scheduler);
  scheduler = NULL;
  or_model_pool_free(pool);
  pool = NULL;
  (void)unlink(model_path);
  (void)rmdir(folder);
  return close_all(state);
}

/* It goes on at a worker, where the gate holds it: who brought it did not wait. */
static void expect_put_off(const char *id) {
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *job = infer(id, NULL);
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  assert_int_equal(or_job_facts(job).state, OR_TASK_RUNNING);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_relu(job);
}

static void an_inference_whose_model_is_not_there_is_put_off(void **state) {
  (void)state;
  open_with_models();
  expect_ok(or_model_pool_unload(pool, "relu"));
  expect_put_off("elsewhere");
  assert_int_equal(or_model_pool_counts(pool).loads, 2);
}

static void an_inference_whose_plan_is_not_there_is_put_off(void **state) {
  (void)state;
  open_with_models();
  expect_ok(or_model_pool_unload(pool, "relu"));
  expect_ok(or_model_pool_load(pool, &(or_model_request_t){.name = "relu", .device = or_runtime_device(runtime, 0)}));
  expect_put_off("elsewhere");
  assert_int_equal(or_model_pool_counts(pool).loads, 2);
}

static void cancel_as_it_starts(void *self, or_job_t *job, or_job_event_t event) {
  (void)self;
  if (event == OR_JOB_STARTED) or_scheduler_cancel(scheduler, job);
}

static void what_is_cancelled_is_not_put_off(void **state) {
  (void)state;
  open_with_models();
  expect_ok(or_model_pool_unload(pool, "relu"));
  or_job_t *job = infer("cancelled", cancel_as_it_starts);
  assert_int_equal(or_job_facts(job).state, OR_TASK_CANCELLED);
  expect_end(job, OR_TASK_CANCELLED, "\"error_code\":\"cancelled\"");
  or_job_release(job);
  assert_int_equal(or_model_pool_counts(pool).loads, 1);
}

int main(void) {
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.cond);
#define CASE(name) cmocka_unit_test_teardown(name, close_all)
  const struct CMUnitTest tests[] = {
      CASE(work_that_was_short_is_carried_out_by_who_brings_it),
      CASE(work_of_another_shape_or_length_goes_to_a_worker),
      CASE(an_unknown_shape_goes_to_a_worker),
      CASE(what_needs_its_devices_queue_is_never_short),
      CASE(it_takes_its_place_like_any_other),
      CASE(a_place_that_is_taken_out_is_not_used),
      CASE(what_was_not_done_for_long_is_forgotten),
#define MODEL_CASE(name) cmocka_unit_test_teardown(name, close_with_models)
      MODEL_CASE(an_inference_whose_model_is_not_there_is_put_off),
      MODEL_CASE(an_inference_whose_plan_is_not_there_is_put_off),
      MODEL_CASE(what_is_cancelled_is_not_put_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
