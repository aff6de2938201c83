/* Kernels of users have places of their own on each hardware. Their task fails at once here, where no device compiles
 * any: what matters is that it was begun. */
#include "scheduler/scheduler_internal.h"
#include "scheduler/scheduler_test_internal.h"
#include "task/kernel_registry.h"

static or_kernel_registry_t *registry;

#define KERNEL "{\"operation\":\"kernel\",\"data\":{\"name\":\"f\",\"grid\":[1]}%s}"

static void open_for_kernels(uint32_t devices) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_fake_reset();
  or_fake_set_devices(devices, false);
  or_runtime_t *own = NULL;
  expect_ok(or_runtime_create_with(NULL, backends, 1, &own));
  const or_kernel_registry_options_t options = {.runtime = own};
  expect_ok(or_kernel_registry_create(&options, &registry));
  or_runtime_release(own);
  open_with((or_scheduler_options_t){.kernels = registry}, devices);
}

static int close_kernels(void **state) {
  const int code = close_all(state);
  or_kernel_registry_free(registry);
  registry = NULL;
  return code;
}

static or_status_t try_kernel(const char *id, const char *fields, const char *device, or_submission_result_t *result) {
  char text[512];
  or_format(text, sizeof text, KERNEL, fields);
  const or_job_request_t request = {.task = parsed(text), .task_id = id, .device = device};
  return or_scheduler_submit(scheduler, &request, result);
}

static or_job_t *submit_kernel(const char *id, const char *fields, const char *device) {
  or_submission_result_t result;
  expect_ok(try_kernel(id, fields, device, &result));
  return result.job;
}

static void a_kernel_begins_though_the_device_is_full(void **state) {
  (void)state;
  open_for_kernels(1);
  or_job_t *first = block(), *second = submit("second", "");
  or_job_t *kernel = submit_kernel("kernel", "", NULL);
  expect_end(kernel, OR_TASK_FAILED, "no kernel \\\"f\\\"");
  assert_int_equal(or_job_facts(second).state, OR_TASK_PENDING);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_end(first, OR_TASK_COMPLETED, "");
  expect_end(second, OR_TASK_COMPLETED, "");
  or_job_release(first);
  or_job_release(second);
  or_job_release(kernel);
}

static size_t places_taken(void) {
  size_t taken = 0;
  or_mutex_lock(&scheduler->mutex);
  for (size_t i = 0; i < scheduler->hardware_count; ++i)
    taken += scheduler->hardware[i].isolated ? scheduler->hardware[i].concurrency : 0;
  or_mutex_unlock(&scheduler->mutex);
  return taken;
}

static void a_full_lane_of_kernels_holds_up_nothing_else(void **state) {
  (void)state;
  open_for_kernels(1);
  or_mutex_lock(&scheduler->mutex);
  hardware_t *lane = &scheduler->hardware[1];
  assert_true(lane->isolated);
  const uint32_t before = lane->running;
  lane->running = lane->concurrency; /* as many kernels as there may be, which do not end */
  or_mutex_unlock(&scheduler->mutex);
  or_job_t *kernel = submit_kernel("kernel", ",\"priority\":10", NULL), *job = submit("job", "");
  expect_end(job, OR_TASK_COMPLETED, "");
  assert_int_equal(or_job_facts(kernel).state, OR_TASK_PENDING);
  or_mutex_lock(&scheduler->mutex);
  lane->running = before;
  or_hardware_wake(lane);
  or_mutex_unlock(&scheduler->mutex);
  expect_end(kernel, OR_TASK_FAILED, "");
  or_job_release(kernel);
  or_job_release(job);
}

static void a_kernel_runs_on_its_own_device_and_says_so(void **state) {
  (void)state;
  open_for_kernels(2);
  or_job_t *kernel = submit_kernel("kernel", ",\"device_preference\":\"fake_0\"", "fake_1");
  expect_end(kernel, OR_TASK_FAILED, "fake_1 is what the kernel was compiled for");
  assert_string_equal(or_job_facts(kernel).device_id, "fake_1");
  or_job_release(kernel);
  or_submission_result_t result;
  expect_failure(try_kernel("strict", ",\"device_preference\":\"fake_0\",\"strict_device\":true", "fake_1", &result),
                 OR_FAILED_PRECONDITION, "strict_device");
}

static void a_device_that_is_taken_out_takes_no_kernels_either(void **state) {
  (void)state;
  open_for_kernels(1);
  or_device_t *device = or_runtime_device(runtime, 0);
  or_device_settings_t settings = or_scheduler_device(scheduler, device);
  settings.is_available = false;
  expect_ok(or_scheduler_set_device(scheduler, device, &settings));
  or_submission_result_t result;
  expect_failure(try_kernel("kernel", "", NULL, &result), OR_UNAVAILABLE, "no device can be had");
}

static void there_is_no_place_for_them_where_they_are_off(void **state) {
  (void)state;
  open_with((or_scheduler_options_t){0}, 1);
  or_submission_result_t result;
  assert_int_equal(places_taken(), 0);
  expect_failure(try_kernel("kernel", "", NULL, &result), OR_UNAVAILABLE, "");
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, close_kernels)
  const struct CMUnitTest tests[] = {
      TEST(a_kernel_begins_though_the_device_is_full),     TEST(a_full_lane_of_kernels_holds_up_nothing_else),
      TEST(a_kernel_runs_on_its_own_device_and_says_so),   TEST(a_device_that_is_taken_out_takes_no_kernels_either),
      TEST(there_is_no_place_for_them_where_they_are_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
