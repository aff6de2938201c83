/* Samples of the fake device: what is kept, in which order, and how they are written. */
#include "base/testing.h"

#include <math.h>

#include "base/thread.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "runtime/session.h"
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
  const or_telemetry_options_t options = {
      .interval_ns = OR_TELEMETRY_MAX_INTERVAL_NS, .listener = watch, .listener_self = &watcher};
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

/* A clock of the test's: each reading is half a second after the one before. */
static int64_t next_half_second(void *self) {
  atomic_int_fast64_t *now_ns = self;
  return atomic_fetch_add(now_ns, 500000000) + 500000000;
}

static void wait_for_samples(watcher_t *watcher, size_t more) {
  or_mutex_lock(&watcher->mutex);
  const size_t until = watcher->seen + more;
  while (watcher->seen < until) or_cond_wait(&watcher->changed, &watcher->mutex);
  or_mutex_unlock(&watcher->mutex);
}

/* y = x * w of 3x4 by 4x5: 2 * 3 * 4 * 5 = 120 operations a run. */
static void run_product(or_runtime_t *runtime, or_device_t *device, int times) {
  static const float ones[20] = {1};
  pb_t proto = {.data = NULL};
  or_graph_t *graph = NULL;
  or_session_t *session = NULL;
  or_binding_t inputs[2] = {{.name = "x"}, {.name = "w"}}, output = {.name = "y"};
  pb_put(&proto, 1, node_proto("MatMul", "x,w", "y"));
  pb_put(&proto, 11, value_proto("x", OR_FLOAT32, "3,4"));
  pb_put(&proto, 11, value_proto("w", OR_FLOAT32, "4,5"));
  pb_put(&proto, 12, value_proto("y", OR_FLOAT32, NULL));
  expect_ok(read_proto(model_proto(proto, 13), &(or_model_limits_t){0}, &graph));
  const or_session_options_t options = {.device = device};
  expect_ok(or_session_create_for_graph(runtime, graph, &options, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  expect_ok(or_tensor_create_from(device, OR_FLOAT32, or_shape_make(2, (int64_t[]){3, 4}), ones, 12 * sizeof *ones,
                                  &inputs[0].tensor));
  expect_ok(or_tensor_create_from(device, OR_FLOAT32, or_shape_make(2, (int64_t[]){4, 5}), ones, 20 * sizeof *ones,
                                  &inputs[1].tensor));
  for (int i = 0; i < times; ++i) {
    expect_ok(or_session_run(session, inputs, 2, &output, 1));
    or_tensor_release(output.tensor);
    output.tensor = NULL;
  }
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
  or_session_release(session);
}

static void accounts_for_every_operation_in_the_interval_it_was_done_in(void **state) {
  (void)state;
  watcher_t watcher = {.seen = 0};
  atomic_int_fast64_t clock_ns = 0;
  or_runtime_t *runtime = NULL;
  or_telemetry_t *telemetry = NULL;
  or_telemetry_summary_t summary;
  static or_device_sample_t samples[OR_TELEMETRY_SAMPLES];
  or_fake_reset();
  or_mutex_init(&watcher.mutex);
  or_cond_init(&watcher.changed);
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){0}, fake, 1, &runtime));
  or_device_t *device = or_runtime_device(runtime, 0);
  const or_telemetry_options_t options = {.interval_ns = OR_TELEMETRY_MIN_INTERVAL_NS,
                                          .listener = watch,
                                          .listener_self = &watcher,
                                          .now_ns = next_half_second,
                                          .now_self = &clock_ns};
  expect_ok(or_telemetry_create(runtime, &options, &telemetry));
  wait_for_samples(&watcher, 1);
  run_product(runtime, device, 10);
  wait_for_samples(&watcher, 2); /* the second one began when all was done */
  size_t count, again;
  do {
    count = or_telemetry_newest(telemetry, device, samples, OR_TELEMETRY_SAMPLES);
    or_telemetry_summarize(telemetry, device, &summary);
    again = or_telemetry_newest(telemetry, device, samples, OR_TELEMETRY_SAMPLES);
  } while (again != count); /* all three of the same samples */
  double done = 0;
  assert_true(isnan(samples[0].flops_per_second));
  for (size_t i = 1; i < count; ++i) done += samples[i].flops_per_second * 0.5;
  assert_true(done == 1200);
  assert_int_equal(samples[count - 1].flops_done, 1200);
  assert_int_equal(samples[count - 1].active_kernels, 0);
  assert_true(fabs(summary.flops_per_second * 0.5 * (double)(count - 1) - 1200) < 1e-6);
  or_telemetry_free(telemetry);
  or_runtime_release(runtime);
  or_cond_deinit(&watcher.changed);
  or_mutex_deinit(&watcher.mutex);
}

/* A clock that stands still says nothing of what was done a second. */
static int64_t standing(void *self) {
  (void)self;
  return 1;
}

static void knows_no_rate_where_no_time_passed(void **state) {
  (void)state;
  watcher_t watcher = {.seen = 0};
  or_runtime_t *runtime = NULL;
  or_telemetry_t *telemetry = NULL;
  or_telemetry_summary_t summary;
  or_device_sample_t sample;
  or_fake_reset();
  or_mutex_init(&watcher.mutex);
  or_cond_init(&watcher.changed);
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){0}, fake, 1, &runtime));
  or_device_t *device = or_runtime_device(runtime, 0);
  const or_telemetry_options_t options = {
      .interval_ns = OR_TELEMETRY_MIN_INTERVAL_NS, .listener = watch, .listener_self = &watcher, .now_ns = standing};
  expect_ok(or_telemetry_create(runtime, &options, &telemetry));
  wait_for_samples(&watcher, 2);
  assert_int_equal(or_telemetry_newest(telemetry, device, &sample, 1), 1);
  assert_true(isnan(sample.flops_per_second));
  or_telemetry_summarize(telemetry, device, &summary);
  assert_true(isnan(summary.flops_per_second) && isnan(summary.temperature_celsius));
  or_telemetry_summarize(telemetry, NULL, &summary); /* no device of this runtime */
  assert_true(isnan(summary.flops_per_second));
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
                               .power_watts = 2.5,
                               .active_kernels = 3,
                               .flops_per_second = 7.25e9};
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_telemetry_write_sample(&json, &facts, &sample);
  expect_ok(or_json_finish(&json));
  assert_non_null(strstr(or_text_string(&text), "\"memory_usage\""));
  assert_non_null(strstr(or_text_string(&text), "75"));
  assert_non_null(strstr(or_text_string(&text), "2.5"));
  assert_non_null(strstr(or_text_string(&text), "\"active_kernels\""));
  assert_non_null(strstr(or_text_string(&text), "7.25"));
  assert_null(strstr(or_text_string(&text), "gpu_utilization"));
  assert_null(strstr(or_text_string(&text), "temperature"));
  assert_null(strstr(or_text_string(&text), "null"));
  or_text_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_samples_in_order_and_takes_a_shorter_interval_at_once),
      cmocka_unit_test(accounts_for_every_operation_in_the_interval_it_was_done_in),
      cmocka_unit_test(knows_no_rate_where_no_time_passed),
      cmocka_unit_test(refuses_intervals_outside_the_bounds),
      cmocka_unit_test(leaves_out_what_the_machine_does_not_report),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
