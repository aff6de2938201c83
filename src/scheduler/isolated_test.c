/* Kernels of users have places of their own on each hardware. This program is their worker. */
#include "fixtures/kernels.h"
#include "scheduler/scheduler_internal.h"
#include "scheduler/scheduler_test_internal.h"
#include "task/kernel_registry.h"

static or_kernel_registry_t *registry;

#define KERNEL "{\"operation\":\"kernel\",\"data\":{\"name\":\"%s\",\"grid\":[1]}%s}"
#define SOURCE "kernel spin spin\nkernel done nothing\n"

static void put(const char *owner, const char *name) {
  const or_kernel_record_t record = {.owner = owner,
                                     .name = name,
                                     .entry = name,
                                     .target = "fake",
                                     .source = SOURCE,
                                     .source_bytes = sizeof SOURCE - 1,
                                     .parameters = "null",
                                     .options = ""};
  expect_ok(or_kernel_registry_recall(registry, &record));
}

/* Each of the owners a and b has the kernels spin and done. */
static void open_for_kernels(uint32_t devices) {
  reset_fake_for_kernels();
  or_fake_set_devices(devices, false);
  or_runtime_t *own = NULL;
  expect_ok(or_runtime_create_with(NULL, kernel_backends, KERNEL_BACKENDS, &own));
  or_kernels_options_t limits = or_kernels_options_default();
  limits.program = program;
  const or_kernel_registry_options_t options = {.runtime = own, .limits = &limits};
  expect_ok(or_kernel_registry_create(&options, &registry));
  or_runtime_release(own);
  open_with((or_scheduler_options_t){.kernels = registry}, devices);
  or_fake_set_kernels(true);
  put("a", "spin");
  put("a", "done");
  put("b", "spin");
  put("b", "done");
}

static int close_kernels(void **state) {
  const int code = close_all(state);
  or_kernel_registry_free(registry);
  registry = NULL;
  return code;
}

typedef struct wish_t {
  const char *id, *owner, *kernel, *fields, *device;
} wish_t;

static or_status_t try_kernel(wish_t wish, or_submission_result_t *result) {
  char text[512];
  or_format(text, sizeof text, KERNEL, wish.kernel, wish.fields != NULL ? wish.fields : "");
  const or_job_request_t request = {
      .task = parsed(text), .task_id = wish.id, .owner = wish.owner, .device = wish.device};
  return or_scheduler_submit(scheduler, &request, result);
}

static or_job_t *submit_kernel(wish_t wish) {
  or_submission_result_t result;
  expect_ok(try_kernel(wish, &result));
  return result.job;
}

static or_job_t *spin(const char *id, const char *owner) {
  or_job_t *job = submit_kernel((wish_t){.id = id, .owner = owner, .kernel = "spin"});
  await(id, OR_JOB_STARTED);
  return job;
}

static void end_spin(or_job_t *job) {
  or_scheduler_cancel(scheduler, job);
  expect_end(job, OR_TASK_CANCELLED, "\"error_code\":\"cancelled\"");
  or_job_release(job);
}

static void a_kernel_begins_though_the_device_is_full(void **state) {
  (void)state;
  open_for_kernels(1);
  or_job_t *first = block(), *second = submit("second", "");
  or_job_t *job = submit_kernel((wish_t){.id = "kernel", .owner = "a", .kernel = "done"});
  expect_end(job, OR_TASK_COMPLETED, "\"device\":\"fake_0\"");
  assert_int_equal(or_job_facts(second).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(first, OR_TASK_COMPLETED, "");
  expect_end(second, OR_TASK_COMPLETED, "");
  or_job_release(first);
  or_job_release(second);
  or_job_release(job);
}

/* However many wait behind it, and however urgent they are. */
static void an_endless_kernel_holds_up_nothing_else(void **state) {
  (void)state;
  enum { COUNT = OR_SCHEDULER_LOOK_AHEAD + 2 };
  or_job_t *waiting[COUNT];
  open_for_kernels(1);
  set_concurrency(1);
  or_job_t *endless = spin("endless", "a");
  for (size_t i = 0; i < COUNT; ++i) {
    char id[16];
    waiting[i] = submit_kernel((wish_t){
        .id = or_format(id, sizeof id, "w%zu", i), .owner = "a", .kernel = "spin", .fields = ",\"priority\":10"});
  }
  or_job_t *job = submit("job", ",\"priority\":10");
  expect_end(job, OR_TASK_COMPLETED, "");
  assert_int_equal(or_job_facts(endless).state, OR_TASK_RUNNING);
  for (size_t i = 0; i < COUNT; ++i) {
    assert_int_equal(or_job_facts(waiting[i]).state, OR_TASK_PENDING); /* of one owner one runs */
    or_scheduler_cancel(scheduler, waiting[i]);
    or_job_release(waiting[i]);
  }
  end_spin(endless);
  or_job_release(job);
}

static void an_owner_does_not_wait_for_anothers_kernels(void **state) {
  (void)state;
  open_for_kernels(1);
  or_job_t *endless = spin("endless", "a");
  or_job_t *behind = submit_kernel((wish_t){.id = "behind", .owner = "a", .kernel = "done"});
  or_job_t *other = submit_kernel((wish_t){.id = "other", .owner = "b", .kernel = "done"});
  expect_end(other, OR_TASK_COMPLETED, "");
  assert_int_equal(or_job_facts(behind).state, OR_TASK_PENDING);
  end_spin(endless);
  expect_end(behind, OR_TASK_COMPLETED, "");
  or_job_release(behind);
  or_job_release(other);
}

static void a_kernel_that_is_out_of_time_ends_by_its_timeout(void **state) {
  (void)state;
  open_for_kernels(1);
  or_job_t *job = submit_kernel((wish_t){.id = "late", .owner = "a", .kernel = "spin", .fields = ",\"timeout\":1"});
  expect_end(job, OR_TASK_TIMEOUT, "\"error_code\":\"deadline_exceeded\"");
  assert_int_equal(or_device_state(or_runtime_device(runtime, 0), NULL), OR_DEVICE_AVAILABLE);
  or_job_release(job);
}

static void a_kernel_runs_on_its_own_device_and_says_so(void **state) {
  (void)state;
  open_for_kernels(2);
  const wish_t wish = {.owner = "a", .kernel = "none", .device = "fake_1"};
  wish_t first = wish, strict = wish;
  first.id = "first";
  first.fields = ",\"device_preference\":\"fake_0\"";
  or_job_t *kernel = submit_kernel(first);
  expect_end(kernel, OR_TASK_FAILED, "fake_1 is what the kernel was compiled for");
  assert_string_equal(or_job_facts(kernel).device_id, "fake_1");
  or_job_release(kernel);
  or_submission_result_t result;
  strict.fields = ",\"device_preference\":\"fake_0\",\"strict_device\":true";
  expect_failure(try_kernel(strict, &result), OR_FAILED_PRECONDITION, "the kernel was compiled for \"fake_1\"");
}

static void a_device_that_is_taken_out_takes_no_kernels_either(void **state) {
  (void)state;
  open_for_kernels(1);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.is_available = false;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_submission_result_t result;
  expect_failure(try_kernel((wish_t){.owner = "a", .kernel = "done"}, &result), OR_UNAVAILABLE, "no device can be had");
}

static void there_is_no_place_for_them_where_they_are_off(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_submission_result_t result;
  expect_failure(try_kernel((wish_t){.owner = "a", .kernel = "done"}, &result), OR_UNAVAILABLE, "");
}

static void a_drain_ends_endless_kernels(void **state) {
  (void)state;
  open_for_kernels(1);
  or_job_t *endless = spin("endless", "a");
  or_scheduler_drain(scheduler, 0);
  expect_end(endless, OR_TASK_CANCELLED, "the server ended");
  or_job_release(endless);
}

int main(int count, char **arguments) {
#define TEST(name) cmocka_unit_test_teardown(name, close_kernels)
  const struct CMUnitTest tests[] = {
      TEST(a_kernel_begins_though_the_device_is_full),     TEST(an_endless_kernel_holds_up_nothing_else),
      TEST(an_owner_does_not_wait_for_anothers_kernels),   TEST(a_kernel_that_is_out_of_time_ends_by_its_timeout),
      TEST(a_kernel_runs_on_its_own_device_and_says_so),   TEST(a_device_that_is_taken_out_takes_no_kernels_either),
      TEST(there_is_no_place_for_them_where_they_are_off), TEST(a_drain_ends_endless_kernels),
  };
  int code = 0;
  return was_worker(count, arguments, &code) ? code : cmocka_run_group_tests(tests, NULL, NULL);
}
