#include "metrics/metrics.h"

#include <math.h>

#include "base/testing.h"
#include "base/thread.h"

static const or_metric_t requests = {
    .name = "openruntime_requests_total", .help = "Requests.", .labels = {"route", "code"}};
static const or_metric_t busy = {.name = "openruntime_busy_seconds_total", .help = "Time\nat work.", .scale = 1e-9};
static const or_metric_t memory_used = {.name = "openruntime_memory_bytes", .help = "Memory in use."};
static const double bounds[] = {0.1, 1, 10};
static const or_metric_t wait_time = {
    .name = "openruntime_wait_seconds", .help = "Waiting.", .labels = {"device"}, .buckets = bounds, .bucket_count = 3};

static void writes_the_exposition_format(void **state) {
  (void)state;
  or_metrics_registry_t *registry = NULL;
  expect_ok(or_metrics_registry_create(or_allocator_system(), &registry));
  or_counter_t *get = NULL, *again = NULL, *time = NULL;
  or_gauge_t *gauge = NULL;
  or_histogram_t *histogram = NULL;
  const char *const values[] = {"/a\"b\\c\n", "200"};
  expect_ok(or_metrics_counter(registry, &requests, values, &get));
  expect_ok(or_metrics_counter(registry, &requests, (const char *const[]){"/a\"b\\c\n", "200"}, &again));
  assert_ptr_equal(get, again);
  expect_ok(or_metrics_counter(registry, &busy, NULL, &time));
  expect_ok(or_metrics_gauge(registry, &memory_used, NULL, &gauge));
  expect_ok(or_metrics_histogram(registry, &wait_time, (const char *const[]){"cpu_0"}, &histogram));
  or_counter_add(get, 3);
  or_counter_add(again, 4);
  or_counter_add(time, 2500000000);
  or_gauge_set(gauge, 1048576);
  or_gauge_add(gauge, -0.5);
  or_histogram_observe(histogram, 0.1); /* a bound belongs to its bucket */
  or_histogram_observe(histogram, 0.5);
  or_histogram_observe(histogram, 25);
  or_histogram_observe(histogram, (double)NAN);
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_metrics_write_prometheus(registry, &text));
  assert_string_equal(or_text_string(&text), "# HELP openruntime_requests_total Requests.\n"
                                             "# TYPE openruntime_requests_total counter\n"
                                             "openruntime_requests_total{route=\"/a\\\"b\\\\c\\n\",code=\"200\"} 7\n"
                                             "# HELP openruntime_busy_seconds_total Time\\nat work.\n"
                                             "# TYPE openruntime_busy_seconds_total counter\n"
                                             "openruntime_busy_seconds_total 2.5\n"
                                             "# HELP openruntime_memory_bytes Memory in use.\n"
                                             "# TYPE openruntime_memory_bytes gauge\n"
                                             "openruntime_memory_bytes 1048575.5\n"
                                             "# HELP openruntime_wait_seconds Waiting.\n"
                                             "# TYPE openruntime_wait_seconds histogram\n"
                                             "openruntime_wait_seconds_bucket{device=\"cpu_0\",le=\"0.1\"} 1\n"
                                             "openruntime_wait_seconds_bucket{device=\"cpu_0\",le=\"1\"} 2\n"
                                             "openruntime_wait_seconds_bucket{device=\"cpu_0\",le=\"10\"} 2\n"
                                             "openruntime_wait_seconds_bucket{device=\"cpu_0\",le=\"+Inf\"} 3\n"
                                             "openruntime_wait_seconds_sum{device=\"cpu_0\"} 25.6\n"
                                             "openruntime_wait_seconds_count{device=\"cpu_0\"} 3\n");
  or_text_deinit(&text);
  or_metrics_registry_free(registry);
}

static void puts_label_sets_beyond_the_limit_into_other(void **state) {
  (void)state;
  or_metrics_registry_t *registry = NULL;
  expect_ok(or_metrics_registry_create(or_allocator_system(), &registry));
  or_counter_t *counter = NULL, *other = NULL;
  char route[32];
  for (int i = 0; i < 1200; ++i) {
    expect_ok(or_metrics_counter(registry, &requests,
                                 (const char *const[]){or_format(route, sizeof route, "/%d", i), "200"}, &counter));
    or_counter_add(counter, 1);
  }
  expect_ok(or_metrics_counter(registry, &requests, (const char *const[]){"other", "other"}, &other));
  assert_int_equal(or_counter_units(other), 201);
  expect_ok(or_metrics_counter(registry, &requests, (const char *const[]){"/5", "200"}, &counter));
  assert_int_equal(or_counter_units(counter), 1);
  or_metrics_registry_free(registry);
}

static void refuses_bad_names_buckets_and_doubles(void **state) {
  (void)state;
  static const double falling[] = {2, 1};
  static const or_metric_t bad_name = {.name = "1st"}, bad_label = {.name = "a", .labels = {"x:y"}},
                           bad_buckets = {.name = "b", .buckets = falling, .bucket_count = 2},
                           no_buckets = {.name = "c"}, same_name = {.name = "openruntime_memory_bytes"};
  or_metrics_registry_t *registry = NULL;
  or_counter_t *counter = NULL;
  or_gauge_t *gauge = NULL;
  or_histogram_t *histogram = NULL;
  expect_ok(or_metrics_registry_create(or_allocator_system(), &registry));
  expect_ok(or_metrics_gauge(registry, &memory_used, NULL, &gauge));
  expect_failure(or_metrics_counter(registry, &bad_name, NULL, &counter), OR_INVALID_ARGUMENT, "\"1st\"");
  assert_null(counter);
  expect_failure(or_metrics_counter(registry, &bad_label, NULL, &counter), OR_INVALID_ARGUMENT, "\"x:y\"");
  expect_failure(or_metrics_histogram(registry, &bad_buckets, NULL, &histogram), OR_INVALID_ARGUMENT, "bound 1");
  expect_failure(or_metrics_histogram(registry, &no_buckets, NULL, &histogram), OR_INVALID_ARGUMENT, "0 buckets");
  expect_failure(or_metrics_counter(registry, &memory_used, NULL, &counter), OR_INVALID_ARGUMENT, "another metric");
  expect_failure(or_metrics_gauge(registry, &same_name, NULL, &gauge), OR_INVALID_ARGUMENT, "another metric");
  or_metrics_registry_free(registry);
}

#define THREADS 6
#define ROUNDS 20000
typedef struct shared_t {
  or_metrics_registry_t *registry;
  or_gauge_t *gauge;
} shared_t;

static void count_many(void *opaque) {
  shared_t *shared = opaque;
  or_counter_t *counter = NULL;
  or_histogram_t *histogram = NULL;
  or_status_ignore(or_metrics_counter(shared->registry, &busy, NULL, &counter)); /* the totals show whether it worked */
  or_status_ignore(or_metrics_histogram(shared->registry, &wait_time, (const char *const[]){"x"}, &histogram));
  for (int i = 0; i < ROUNDS; ++i) {
    or_counter_add(counter, 2);
    or_histogram_observe(histogram, 0.25);
    or_gauge_add(shared->gauge, 1);
  }
}

static void counts_every_event_of_every_thread(void **state) {
  (void)state;
  shared_t shared = {0};
  or_thread_t threads[THREADS];
  expect_ok(or_metrics_registry_create(or_allocator_system(), &shared.registry));
  expect_ok(or_metrics_gauge(shared.registry, &memory_used, NULL, &shared.gauge));
  for (size_t i = 0; i < THREADS; ++i) expect_ok(or_thread_start(&threads[i], "count", count_many, &shared));
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_metrics_write_prometheus(shared.registry, &text)); /* while they count */
  for (size_t i = 0; i < THREADS; ++i) or_thread_join(&threads[i]);
  or_text_clear(&text);
  expect_ok(or_metrics_write_prometheus(shared.registry, &text));
  assert_non_null(strstr(or_text_string(&text), "openruntime_memory_bytes 120000\n"));
  assert_non_null(strstr(or_text_string(&text), "openruntime_wait_seconds_count{device=\"x\"} 120000\n"));
  assert_non_null(strstr(or_text_string(&text), "openruntime_wait_seconds_sum{device=\"x\"} 30000\n"));
  or_counter_t *counter = NULL;
  expect_ok(or_metrics_counter(shared.registry, &busy, NULL, &counter));
  assert_int_equal(or_counter_units(counter), 240000);
  or_text_deinit(&text);
  or_metrics_registry_free(shared.registry);
}

static or_status_t use_registry(const or_allocator_t *allocator) {
  or_metrics_registry_t *registry = NULL;
  or_counter_t *counter = NULL;
  or_text_t text;
  or_text_init(&text, allocator);
  or_status_t status = or_metrics_registry_create(allocator, &registry);
  if (or_ok(status)) status = or_metrics_counter(registry, &requests, (const char *const[]){"a", "b"}, &counter);
  if (or_ok(status)) status = or_metrics_write_prometheus(registry, &text);
  or_text_deinit(&text);
  or_metrics_registry_free(registry);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use_registry);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_the_exposition_format),
      cmocka_unit_test(puts_label_sets_beyond_the_limit_into_other),
      cmocka_unit_test(refuses_bad_names_buckets_and_doubles),
      cmocka_unit_test(counts_every_event_of_every_thread),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
