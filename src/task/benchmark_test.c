/* Benchmarks: a row for each size and dtype, figures that fit together, null for limits that nobody measured. */
#include "task/run_test_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "graph/onnx/testing.h"

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
  assert_string_equal(json_text(document, "results.memory.0.device"), "fake_0");
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

#define DIGITS "\"models\":[\"data/digits\"]"

static void measures_networks_one_query_after_another(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime, .allow_paths = true};
  or_task_result_t result;
  or_json_document_t *document = executed(
      &context, "{\"operation\":\"benchmark\",\"data\":{\"duration\":1,\"type\":\"ml\",\"batch_size\":3," DIGITS "}}",
      &result);
  assert_int_equal(or_json_count(json_path(document, "results.ml")), 1);
  assert_string_equal(json_text(document, "results.ml.0.model"), "digits");
  assert_string_equal(json_text(document, "results.ml.0.precision"), "float32");
  assert_string_equal(json_text(document, "results.ml.0.scenario"), "single-stream");
  assert_string_equal(json_text(document, "results.ml.0.weights"), "file");
  assert_true(json_number(document, "results.ml.0.batch_size") == 3);
  assert_true(json_number(document, "results.ml.0.runs") >= 5);
  double median = json_number(document, "results.ml.0.latency_ms"), p90 = json_number(document, "results.ml.0.p90_ms");
  assert_true(median > 0 && p90 >= median && json_number(document, "results.ml.0.p99_ms") >= p90);
  assert_true(json_number(document, "results.ml.0.throughput_fps") > 0);
  assert_int_equal(or_json_count(json_path(document, "results")), 1);
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void offline_tells_how_many_were_in_flight(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime, .allow_paths = true};
  or_task_result_t result;
  or_json_document_t *document =
      executed(&context, BENCHMARK("\"type\":\"ml\",\"scenario\":\"offline\"," DIGITS), &result);
  double in_flight = json_number(document, "results.ml.0.in_flight");
  assert_true(in_flight == 1 || in_flight == 2 || in_flight == 4 || in_flight == 8);
  assert_true(json_number(document, "results.ml.0.throughput_fps") > 0);
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void a_server_says_when_its_queue_grows_without_bound(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime, .allow_paths = true};
  or_task_result_t result;
  or_json_document_t *document =
      executed(&context, BENCHMARK("\"type\":\"ml\",\"scenario\":\"server\",\"qps\":1000000," DIGITS), &result);
  assert_true(or_json_get_bool(json_path(document, "results.ml.0.queue_grows"), false));
  assert_non_null(strstr(json_text(document, "results.ml.0.note"), "the queue grows without bound"));
  assert_true(json_number(document, "results.ml.0.answered_per_second") < 1000000);
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void a_comprehensive_one_has_all_three_parts(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime, .allow_paths = true};
  or_task_result_t result;
  or_json_document_t *document = executed(
      &context,
      "{\"operation\":\"benchmark\",\"data\":{\"duration\":0.1,\"sizes\":[2],\"dtypes\":[\"float32\"]," DIGITS "}}",
      &result);
  assert_string_equal(json_text(document, "benchmark_type"), "comprehensive");
  assert_int_equal(or_json_count(json_path(document, "results.compute")), 1);
  assert_int_equal(or_json_count(json_path(document, "results.memory")), 16); /* four kinds, four sizes of its own */
  assert_int_equal(or_json_count(json_path(document, "results.ml")), 1);
  assert_true(isnan(result.throughput));
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

/* A network of embeddings: token ids and a mask come generated, and an extent by its symbol's name. */
static void extents_are_given_by_name_and_whole_numbers_are_ones(void **state) {
  (void)state;
  static const float rows[] = {5, 6};
  pb_t graph = {.data = NULL};
  char path[] = "/tmp/benchmark_test_XXXXXX", request[256];
  pb_put(&graph, 1, node_proto("Gather", "table,ids", "found")); /* of two rows: an id must be 0 or 1 */
  pb_put(&graph, 1, node_proto("Where", "keep,found,found", "y"));
  pb_put(&graph, 5, raw_tensor_proto("table", OR_FLOAT32, "2", rows, sizeof rows));
  pb_put(&graph, 11, value_proto("ids", OR_INT32, "batch,sequence"));
  pb_put(&graph, 11, value_proto("keep", OR_BOOL, "batch,sequence"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "batch,sequence"));
  pb_t proto = model_proto(graph, 17);
  assert_non_null(mkdtemp(path));
  char file[64];
  expect_ok(or_file_write(or_format(file, sizeof file, "%s/model.onnx", path), proto.data, proto.length));
  pb_free(&proto);
  or_format(request, sizeof request, BENCHMARK("\"type\":\"ml\",\"model\":\"%s\",\"dims\":{\"sequence\":7}"), path);
  or_task_context_t context = {.runtime = runtime, .allow_paths = true};
  or_task_result_t result;
  or_json_document_t *document = executed(&context, request, &result);
  assert_true(json_number(document, "results.ml.0.dims.sequence") == 7);
  assert_true(json_number(document, "results.ml.0.dims.batch") == 1);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  or_format(request, sizeof request, BENCHMARK("\"type\":\"ml\",\"model\":\"%s\",\"dims\":{\"past\":7}"), path);
  expect_refusal(&context, request, OR_INVALID_ARGUMENT, "no model here has an open dimension \"past\"");
  assert_int_equal(remove(file), 0);
  assert_int_equal(remove(path), 0);
}

static void a_network_that_is_not_there_or_fails_is_named(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime, .allow_paths = true};
  expect_refusal(&context, BENCHMARK("\"type\":\"ml\",\"models\":[\"resnet51\"]"), OR_NOT_FOUND, "resnet51");
  or_fake_fail(OR_FAKE_RUN, 2, OR_INTERNAL);
  expect_refusal(&context, BENCHMARK("\"type\":\"ml\"," DIGITS), OR_INTERNAL, "model \"digits\"");
  expect_refusal(&context, BENCHMARK("\"type\":\"ml\",\"scenario\":\"server\",\"qps\":1e-9," DIGITS),
                 OR_INVALID_ARGUMENT, "no queries arrive");
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
      TEST(measures_networks_one_query_after_another),
      TEST(offline_tells_how_many_were_in_flight),
      TEST(a_server_says_when_its_queue_grows_without_bound),
      TEST(a_comprehensive_one_has_all_three_parts),
      TEST(extents_are_given_by_name_and_whole_numbers_are_ones),
      TEST(a_network_that_is_not_there_or_fails_is_named),
      TEST(a_failing_device_or_a_deadline_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
