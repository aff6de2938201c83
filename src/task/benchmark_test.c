/* Benchmarks: a row for each size and dtype, figures that fit together, null for limits that nobody measured. */
#include "task/run_test_internal.h"

#include <math.h>

static or_runtime_t *runtime;

static int setup(void **state) {
  (void)state;
  expect_ok(open_fakes(NULL, true, &runtime));
  return 0;
}
static int teardown(void **state) {
  (void)state;
  or_runtime_release(runtime);
  assert_int_equal(or_fake_live_objects(), 0);
  return 0;
}

#define BENCHMARK(fields) "{\"operation\":\"benchmark\",\"data\":{\"duration\":0.1," fields "}}"

static void measures_products_of_each_size_and_dtype(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime};
  or_task_result_t result;
  or_json_document_t *document =
      executed(&context, BENCHMARK("\"type\":\"compute\",\"sizes\":[2,3],\"dtypes\":[\"float32\",\"int8\"]"), &result);
  assert_string_equal(json_text(document, "benchmark_type"), "compute");
  assert_int_equal(or_json_count(json_path(document, "results.compute")), 4);
  assert_string_equal(json_text(document, "results.compute.0.dtype"), "float32");
  assert_string_equal(json_text(document, "results.compute.3.dtype"), "int8");
  assert_true(json_number(document, "results.compute.3.size") == 3);
  double seconds = json_number(document, "results.compute.3.execution_time");
  assert_true(fabs(json_number(document, "results.compute.3.gflops") * seconds * 1e9 - 54) < 1e-6); /* 2 * 3^3 */
  assert_true(json_number(document, "results.compute.3.min") <= seconds);
  assert_true(json_number(document, "results.compute.3.p99") >= seconds);
  assert_true(json_number(document, "results.compute.3.runs") >= 5);
  assert_int_equal(or_json_kind(json_path(document, "results.compute.0.percent_of_peak")), OR_JSON_NULL);
  assert_int_equal(or_json_kind(json_path(document, "machine.peak_fp32_gflops")), OR_JSON_NULL);
  assert_int_equal(or_json_kind(json_path(document, "machine.memory_total")), OR_JSON_NULL);
  assert_string_equal(json_text(document, "machine.device_name"), "Fake device");
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void measures_each_kind_of_memory_traffic(void **state) {
  (void)state;
  static const struct {
    const char *kind;
    double bytes; /* of each 4-byte element */
  } expected[] = {{"copy", 8}, {"read", 4}, {"write", 4}, {"triad", 12}};
  or_task_context_t context = {.runtime = runtime};
  or_task_result_t result;
  or_json_document_t *document = executed(&context, BENCHMARK("\"type\":\"memory\",\"sizes\":[1]"), &result);
  const or_json_value_t *rows = json_path(document, "results.memory");
  assert_int_equal(or_json_count(rows), 4);
  for (size_t i = 0; i < 4; ++i) {
    const or_json_value_t *row = or_json_at(rows, i);
    assert_string_equal(or_json_get_string(or_json_get(row, "kind"), ""), expected[i].kind);
    double seconds = or_json_get_double(or_json_get(row, "execution_time"), 0);
    double mbps = or_json_get_double(or_json_get(row, "bandwidth_mbps"), 0);
    assert_true(fabs(mbps * 1e6 * seconds - 256 * expected[i].bytes) < 1e-6);
  }
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void a_failing_device_or_a_deadline_ends_it(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_task_context_t context = {.runtime = runtime, .device = or_runtime_device(runtime, 1)};
  or_fake_set_capacity(UINT64_C(1) << 30);
  or_fake_fail(OR_FAKE_RUN, 3, OR_INTERNAL);
  expect_refusal(&context, BENCHMARK("\"type\":\"compute\",\"sizes\":[2]"), OR_INTERNAL, "");
  or_fake_fail(OR_FAKE_ALLOC, 1, OR_RESOURCE_EXHAUSTED);
  expect_refusal(&context, BENCHMARK("\"type\":\"memory\",\"sizes\":[1]"), OR_RESOURCE_EXHAUSTED, "");
  or_fake_fail(OR_FAKE_COMPILE, 2, OR_INTERNAL);
  expect_refusal(&context, BENCHMARK("\"type\":\"memory\",\"sizes\":[1]"), OR_INTERNAL, "");
  or_cancel_init(&cancel, 1);
  context.cancel = &cancel;
  expect_refusal(&context, BENCHMARK("\"type\":\"memory\",\"sizes\":[1]"), OR_DEADLINE_EXCEEDED, "");
  expect_refusal(&context, BENCHMARK("\"type\":\"compute\""), OR_DEADLINE_EXCEEDED, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(measures_products_of_each_size_and_dtype),
      TEST(measures_each_kind_of_memory_traffic),
      TEST(a_failing_device_or_a_deadline_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
