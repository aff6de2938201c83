/* Generated inputs; shares of measured limits. */
#include "base/testing.h"

#include <math.h>

#include "base/numbers.h"
#include "fake/fake.h"
#include "openruntime/runtime.h"
#include "runtime/runtime.h"
#include "task/task_internal.h"

#define COUNT ((size_t)(1 << 22) + 5) /* more than one piece */

static void generates_the_numbers_of_one_sequence_however_many_there_are(void **state) {
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_tensor_t *tensor = NULL;
  (void)state;
  expect_ok(or_runtime_create(&(or_runtime_options_t){.vendor_libraries = true, .backends = "cpu"}, &runtime));
  expect_ok(or_runtime_find_device(runtime, "cpu", &device));
  expect_ok(or_task_generate(device, OR_FLOAT32, or_shape_make(1, (int64_t[]){(int64_t)COUNT}), 7, NULL, &tensor));
  const float *numbers = or_tensor_data(tensor);
  or_random_t random = {7};
  for (size_t i = 0; i < COUNT; ++i) {
    assert_true(numbers[i] == (float)(or_random_next(&random) >> 40) * 0x1p-23F - 1.0F);
  }
  or_tensor_release(tensor);
  or_runtime_release(runtime);
}

static void ends_the_generation_of_a_cancelled_task(void **state) {
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_tensor_t *tensor = NULL;
  or_cancel_t cancel;
  (void)state;
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  expect_ok(or_runtime_create(&(or_runtime_options_t){.vendor_libraries = true, .backends = "cpu"}, &runtime));
  expect_ok(or_runtime_find_device(runtime, "cpu", &device));
  expect_failure(or_task_generate(device, OR_INT8, or_shape_make(1, (int64_t[]){64}), 7, &cancel, &tensor),
                 OR_CANCELLED, "cancelled");
  assert_null(tensor);
  or_runtime_release(runtime);
}

/* A fake whose limits come out higher each time: 1e9, 2e9, … */
static or_status_t (*open_fake)(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out);
static int measured;

static or_status_t measure_limits(void *self, void *queue, or_device_peaks_t *out) {
  (void)self, (void)queue;
  ++measured;
  out->fp32_flops = out->read_bytes_per_second = 1e9 * measured;
  return or_status_success();
}
static or_status_t open_measuring(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  or_status_t status = open_fake(self, index, device, out);
  out->measure_peaks = measure_limits;
  return status;
}
static or_status_t measuring_entry(const or_host_t *host, or_backend_t *out) {
  or_status_t status = or_fake_entry(host, out);
  open_fake = out->open;
  out->open = open_measuring;
  return status;
}

static void measures_limits_again_where_a_share_exceeds_them(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", measuring_entry}};
  const double much = 1e12, little = 1e6;
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  (void)state;
  or_fake_reset();
  measured = 0;
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  expect_ok(or_runtime_find_device(runtime, "fake", &device));
  assert_true(isnan(or_task_known_share(device, OR_FLOAT32, 0.5e9))); /* and nothing is measured for it */
  assert_int_equal(measured, 0);
  assert_true(or_task_share_of_peak(device, OR_FLOAT32, 0.5e9) == 50.0);
  assert_true(or_task_known_share(device, OR_FLOAT32, 0.25e9) == 25.0);
  assert_true(isnan(or_task_known_share(device, OR_FLOAT16, 1e9)));
  assert_int_equal(measured, 1);
  assert_true(or_task_share_of_peak(device, OR_FLOAT32, 1.5e9) == 75.0); /* 150 % of what was known: of 2e9 */
  assert_int_equal(measured, 2);
  assert_true(or_task_share_of_bandwidth(device, little, 8e9) == 400.0); /* from a cache */
  assert_int_equal(measured, 2);
  assert_true(or_task_share_of_bandwidth(device, much, 3e9) == 100.0);
  assert_int_equal(measured, 3);
  assert_true(or_task_share_of_peak(device, OR_FLOAT32, 12e9) == 200.0); /* three more times, and that is what it is */
  assert_int_equal(measured, 6);
  assert_true(isnan(or_task_share_of_peak(device, OR_FLOAT16, 1e9)));
  assert_true(isnan(or_task_share_of_peak(device, OR_FLOAT64, 1e9)));
  assert_int_equal(measured, 6);
  or_runtime_release(runtime);
}

static void measures_until_an_instant_but_short_runs_a_few_times(void **state) {
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_tensor_t *one = NULL;
  or_session_t *session = NULL;
  or_measurement_t time;
  (void)state;
  expect_ok(or_runtime_create(&(or_runtime_options_t){.vendor_libraries = true, .backends = "cpu"}, &runtime));
  expect_ok(or_runtime_find_device(runtime, "cpu", &device));
  expect_ok(or_task_generate(device, OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 1}), 7, NULL, &one));
  const or_compute_call_t call = {
      .op = "MatMul", .inputs = (or_tensor_t *[]){one, one}, .input_count = 2, .output_count = 1};
  or_binding_t inputs[2] = {{.tensor = one}, {.tensor = one}}, output = {0};
  const or_measure_bindings_t bindings = {inputs, 2, &output, 1};
  expect_ok(or_compute_session(device, &call, &session));
  expect_ok(or_task_measure(session, &bindings, &(or_measure_options_t){.until_ns = 1}, &time)); /* long ago */
  assert_true(time.runs >= 1 && time.runs <= OR_MEASURE_MIN_RUNS && time.median_s > 0);
  expect_ok(or_task_measure(session, &bindings, &(or_measure_options_t){.until_ns = INT64_MAX}, &time));
  assert_int_equal(time.runs, OR_MEASURE_MAX_RUNS);
  or_tensor_release(output.tensor);
  or_session_release(session);
  or_tensor_release(one);
  or_runtime_release(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(generates_the_numbers_of_one_sequence_however_many_there_are),
      cmocka_unit_test(ends_the_generation_of_a_cancelled_task),
      cmocka_unit_test(measures_limits_again_where_a_share_exceeds_them),
      cmocka_unit_test(measures_until_an_instant_but_short_runs_a_few_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
