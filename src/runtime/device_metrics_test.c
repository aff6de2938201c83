#include <math.h>

#include "base/testing.h"
#include "fake/fake.h"
#include "runtime/device_metrics.h"
#include "runtime/runtime.h"

static or_runtime_t *runtime;
static or_metrics_registry_t *registry;
static or_device_metrics_t metrics;

static int begin(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  const or_runtime_options_t options = {.allocator = or_allocator_system()};
  (void)state;
  or_fake_reset();
  or_fake_set_devices(1, false);
  metrics = (or_device_metrics_t){0};
  expect_ok(or_runtime_create_with(&options, backends, 1, &runtime));
  expect_ok(or_metrics_registry_create(or_allocator_system(), &registry));
  return 0;
}
static int end(void **state) {
  (void)state;
  or_metrics_registry_free(registry);
  or_runtime_release(runtime);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_device_sample_t nothing_known(void) {
  return (or_device_sample_t){.memory_available_bytes = OR_UNKNOWN_U,
                              .memory_used_bytes = OR_UNKNOWN_U,
                              .utilization_percent = OR_UNKNOWN_F,
                              .temperature_celsius = OR_UNKNOWN_F,
                              .power_watts = OR_UNKNOWN_F,
                              .clock_hz = OR_UNKNOWN_F,
                              .energy_joules = OR_UNKNOWN_F};
}

static void set(const or_device_sample_t *sample) {
  expect_ok(or_device_metrics_set(&metrics, registry, or_runtime_device(runtime, 0), sample));
}

/* Whether Prometheus' text has this line. */
static bool shows(const char *line) {
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_metrics_write_prometheus(registry, &text));
  const bool found = strstr(or_text_string(&text), line) != NULL;
  or_text_deinit(&text);
  return found;
}

static void adds_the_energy_between_samples(void **state) {
  (void)state;
  or_device_sample_t sample = nothing_known();
  set(NULL);
  set(&sample);
  assert_false(shows("energy")); /* a machine that reports none has no series */
  sample.energy_joules = 1000.5;
  set(&sample);
  assert_true(shows("\nopenruntime_device_energy_joules_total{device=\"fake_0\"} 0\n"));
  sample.energy_joules = 1002;
  set(&sample);
  assert_true(shows("\nopenruntime_device_energy_joules_total{device=\"fake_0\"} 1.5\n"));
  sample.energy_joules = 3; /* it began anew */
  set(&sample);
  sample.energy_joules = OR_UNKNOWN_F;
  set(&sample);
  sample.energy_joules = 3.25;
  set(&sample);
  assert_true(shows("\nopenruntime_device_energy_joules_total{device=\"fake_0\"} 1.75\n"));
}

static void says_what_is_not_known_any_more(void **state) {
  (void)state;
  or_device_sample_t sample = nothing_known();
  set(&sample);
  assert_false(shows("watts") || shows("celsius") || shows("utilization"));
  sample.power_watts = 12.5;
  sample.utilization_percent = 50;
  set(&sample);
  assert_true(shows("\nopenruntime_device_power_watts{device=\"fake_0\"} 12.5\n"));
  assert_true(shows("\nopenruntime_device_utilization_ratio{device=\"fake_0\"} 0.5\n"));
  set(NULL);
  assert_true(shows("\nopenruntime_device_power_watts{device=\"fake_0\"} NaN\n"));
  assert_false(shows("celsius"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(adds_the_energy_between_samples, begin, end),
      cmocka_unit_test_setup_teardown(says_what_is_not_known_any_more, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
