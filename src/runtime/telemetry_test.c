/* Samples of the fake device: what is kept, in which order, and how they are written. */
#include "base/testing.h"

#include <math.h>

#include "base/thread.h"
#include "fake/fake.h"
#include "runtime/telemetry.h"

static const or_backend_registration_t fake[] = {{"fake", or_fake_entry}};

typedef struct watcher_t {
  or_mutex_t mutex;
  or_cond_t changed;
  size_t seen;
} watcher_t;

static void watch(void *self, or_device_t *device, const or_device_sample_t *sample) {
  watcher_t *watcher = self;
  (void)device, (void)sample;
  or_mutex_lock(&watcher->mutex);
  ++watcher->seen;
  or_cond_broadcast(&watcher->changed);
  or_mutex_unlock(&watcher->mutex);
}

static void keeps_samples_in_order_and_takes_a_shorter_interval_at_once(void **state) {
  (void)state;
  watcher_t watcher = {.seen = 0};
  or_runtime_t *runtime = NULL;
  or_telemetry_t *telemetry = NULL;
  or_device_sample_t samples[2];
  or_fake_reset();
  or_mutex_init(&watcher.mutex);
  or_cond_init(&watcher.changed);
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){0}, fake, 1, &runtime));
  or_device_t *device = or_runtime_device(runtime, 0);
  or_telemetry_options_t options = {OR_TELEMETRY_MAX_INTERVAL_NS, watch, &watcher};
  expect_ok(or_telemetry_create(runtime, &options, &telemetry));
  expect_ok(or_telemetry_set_interval(telemetry, OR_TELEMETRY_MIN_INTERVAL_NS));
  or_mutex_lock(&watcher.mutex);
  while (watcher.seen < 3) or_cond_wait(&watcher.changed, &watcher.mutex);
  or_mutex_unlock(&watcher.mutex);
  assert_int_equal(or_telemetry_newest(telemetry, device, samples, 2), 2);
  assert_true(samples[0].wall_us < samples[1].wall_us);
  assert_int_equal(or_telemetry_newest(telemetry, NULL, samples, 2), 0);
  or_telemetry_free(telemetry);
  or_runtime_release(runtime);
  or_cond_deinit(&watcher.changed);
  or_mutex_deinit(&watcher.mutex);
}

static void refuses_intervals_outside_the_bounds(void **state) {
  (void)state;
  or_runtime_t *runtime = NULL;
  or_telemetry_t *telemetry = NULL;
  or_fake_reset();
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){0}, fake, 1, &runtime));
  or_telemetry_options_t options = {.interval_ns = OR_TELEMETRY_MIN_INTERVAL_NS - 1};
  expect_failure(or_telemetry_create(runtime, &options, &telemetry), OR_OUT_OF_RANGE, "0.1 to 60 s");
  options.interval_ns = OR_TELEMETRY_MAX_INTERVAL_NS + 1;
  expect_failure(or_telemetry_create(runtime, &options, &telemetry), OR_OUT_OF_RANGE, "0.1 to 60 s");
  or_runtime_release(runtime);
}

static void leaves_out_what_the_machine_does_not_report(void **state) {
  (void)state;
  or_device_facts_t facts = {.id = "x_0", .memory_total_bytes = 400};
  or_device_sample_t sample = {.memory_available_bytes = 100,
                               .utilization_percent = (double)NAN,
                               .temperature_celsius = (double)NAN,
                               .power_watts = 2.5};
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_telemetry_write_sample(&json, &facts, &sample);
  expect_ok(or_json_finish(&json));
  assert_non_null(strstr(or_text_string(&text), "\"memory_usage\""));
  assert_non_null(strstr(or_text_string(&text), "75"));
  assert_non_null(strstr(or_text_string(&text), "2.5"));
  assert_null(strstr(or_text_string(&text), "gpu_utilization"));
  assert_null(strstr(or_text_string(&text), "temperature"));
  assert_null(strstr(or_text_string(&text), "null"));
  or_text_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_samples_in_order_and_takes_a_shorter_interval_at_once),
      cmocka_unit_test(refuses_intervals_outside_the_bounds),
      cmocka_unit_test(leaves_out_what_the_machine_does_not_report),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
