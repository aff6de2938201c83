/* Compute tasks on devices with the host's memory and with their own: what they compute, report, refuse and give up. */
#include "task/run_test_internal.h"

#include <math.h>

#include "base/thread.h"

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
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

#define COMPUTE(fields) "{\"operation\":\"compute\",\"data\":{\"iterations\":1," fields "}}"

static void computes_given_tensors_of_the_request(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime};
  or_task_result_t result;
  /* [1 2 3] [1 0; 0 1; 2 2] = [7 8] */
  or_json_document_t *document = executed(&context,
                                          COMPUTE("\"a\":{\"shape\":[1,3],\"data\":[1,2,3]},"
                                                  "\"b\":{\"shape\":[3,2],\"data\":[[1,0],[0,1],[2,2]]}"),
                                          &result);
  assert_true(json_number(document, "outputs.result.data.0") == 7);
  assert_true(json_number(document, "outputs.result.data.1") == 8);
  assert_true(json_number(document, "size") == 3); /* the largest extent */
  assert_string_equal(json_text(document, "throughput_unit"), "GFLOP/s");
  assert_string_equal(json_text(document, "device"), "fake_0");
  assert_int_equal(or_json_kind(json_path(document, "percent_of_peak")), OR_JSON_NULL); /* the fake measures none */
  double seconds = json_number(document, "execution_time");
  assert_true(fabs(json_number(document, "gflops") * seconds * 1e9 - 12) < 1e-6);         /* 2 * 3 * 2 */
  assert_true(fabs(json_number(document, "bandwidth_gbps") * seconds * 1e9 - 44) < 1e-6); /* 3 + 6 + 2 floats */
  assert_int_equal(result.output_count, 1);
  assert_string_equal(result.outputs[0].name, "result");
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

/* A tensor on one device is an operand on another. */
static void computes_given_tensors_of_the_caller(void **state) {
  (void)state;
  static const float values[] = {3, -4};
  or_task_tensor_t given = {.name = "a"};
  or_task_context_t context = {.runtime = runtime, .tensors = &given, .tensor_count = 1, .verify = true};
  or_task_result_t result;
  expect_ok(or_tensor_create_from(or_runtime_device(runtime, 0), OR_FLOAT32, or_shape_make(1, (int64_t[]){2}), values,
                                  sizeof values, &given.tensor));
  or_json_document_t *document =
      executed(&context,
               "{\"operation\":\"compute\",\"device_preference\":\"fake_1\",\"data\":{\"iterations\":1,"
               "\"type\":\"vector_operations\",\"function\":\"norm\"}}",
               &result);
  assert_string_equal(result.device_used, "fake_1");
  assert_true(json_number(document, "outputs.result.data.0") == 5);
  assert_true(or_json_get_bool(json_path(document, "functions.0.verification.passed"), false));
  or_json_document_free(document);
  or_task_result_deinit(&result);
  expect_refusal(&context, COMPUTE("\"type\":\"vector_operations\",\"function\":\"dot\""), OR_INVALID_ARGUMENT,
                 "operand 2 of vector_operations is missing: its tensors are named a b");
  expect_refusal(&context, COMPUTE("\"type\":\"memory_bandwidth\",\"function\":\"copy\",\"size\":4"),
                 OR_INVALID_ARGUMENT, "operand 1 of memory_bandwidth is missing");
  or_tensor_release(given.tensor);
}

static void takes_extents_axis_and_alpha(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime, .verify = true};
  or_task_result_t result;
  or_json_document_t *document = executed(&context, COMPUTE("\"m\":2,\"n\":5,\"k\":3"), &result);
  assert_true(json_number(document, "result_shape.0") == 2 && json_number(document, "result_shape.1") == 5);
  assert_true(json_number(document, "verification.elements") == 10);
  assert_true(json_number(document, "verification.wrong") == 0);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  document =
      executed(&context, COMPUTE("\"type\":\"reduce\",\"function\":\"max\",\"m\":2,\"n\":5,\"axis\":0"), &result);
  assert_true(json_number(document, "result_shape.0") == 1 && json_number(document, "result_shape.1") == 5);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  document = executed(&context,
                      COMPUTE("\"type\":\"vector_operations\",\"function\":\"axpy\",\"alpha\":10,"
                              "\"a\":{\"shape\":[1],\"data\":[1]},\"b\":{\"shape\":[1],\"data\":[2]}"),
                      &result);
  assert_true(json_number(document, "outputs.result.data.0") == 12); /* 10 * 1 + 2 */
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void every_type_reports_each_of_its_functions(void **state) {
  (void)state;
  static const struct {
    const char *request;
    size_t functions;
    const char *unit;
  } cases[] = {
      {COMPUTE("\"size\":4,\"dtype\":\"int8\""), 0, "GFLOP/s"},
      {COMPUTE("\"type\":\"vector_operations\",\"size\":5"), 6, "GFLOP/s"},
      {COMPUTE("\"type\":\"memory_bandwidth\",\"size\":6,\"dtype\":\"float64\""), 4, "GB/s"},
      {COMPUTE("\"type\":\"elementwise\",\"size\":7,\"dtype\":\"bfloat16\""), 6, "GFLOP/s"},
      {COMPUTE("\"type\":\"reduce\",\"size\":3"), 3, "GFLOP/s"},
      {COMPUTE("\"type\":\"softmax\",\"size\":3"), 0, "GFLOP/s"},
      {COMPUTE("\"type\":\"transpose\",\"m\":2,\"n\":3"), 0, "GB/s"},
  };
  or_task_context_t context = {.runtime = runtime, .verify = true};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_task_result_t result;
    or_json_document_t *document = executed(&context, cases[i].request, &result);
    assert_int_equal(or_json_count(json_path(document, "functions")), cases[i].functions);
    assert_string_equal(json_text(document, "throughput_unit"), cases[i].unit);
    assert_true(result.throughput > 0 && result.memory_peak_bytes > 0 && result.execution_time_s > 0);
    assert_int_equal(result.output_count, 0); /* of generated input nobody wants the result */
    const char *passed = cases[i].functions > 0 ? "functions.0.verification.passed" : "verification.passed";
    assert_true(or_json_get_bool(json_path(document, passed), false));
    or_json_document_free(document);
    or_task_result_deinit(&result);
  }
}

static void says_what_the_device_left_to_another(void **state) {
  (void)state;
  static const char *const sums[] = {"Add", NULL};
  or_task_result_t result;
  or_runtime_t *two = NULL;
  or_fake_set_devices(2, false);
  or_fake_set_unified(0);
  const or_backend_registration_t backends[] = {{"fake", or_fake_entry}, {"cpu", or_backend_cpu_entry}};
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){.threads = 1}, backends, 2, &two));
  or_fake_set_supported(sums);
  or_task_context_t context = {.runtime = two, .quick = true};
  expect_ok(or_runtime_find_device(two, "fake_1", &context.device));
  or_json_document_t *document = executed(&context, COMPUTE("\"size\":4"), &result);
  assert_string_equal(result.device_used, "cpu_0");
  assert_string_equal(or_json_get_string(json_path(document, "device"), ""), "cpu_0");
  assert_non_null(strstr(result.fallback_reason, "0.0 % of the operations ran on fake_1; \"MatMul\" (MatMul) ran on "
                                                 "cpu_0: not on the fake's list"));
  or_json_document_free(document);
  or_task_result_deinit(&result);
  const char *both = "{\"operation\":\"compute\",\"data\":{\"type\":\"vector_operations\",\"size\":4}}";
  or_json_document_free(executed(&context, both, &result)); /* a sum, and others */
  assert_string_equal(result.device_used, "fake_1");
  assert_non_null(strstr(result.fallback_reason, "0.0 % of the operations ran on fake_1"));
  or_task_result_deinit(&result);
  expect_refusal(&context, "{\"operation\":\"compute\",\"strict_device\":true,\"data\":{\"size\":4}}",
                 OR_FAILED_PRECONDITION, "strict: 0.0 % of the operations ran on fake_1");
  or_runtime_release(two);
  or_fake_set_supported(NULL);
}

static void falls_back_visibly_unless_it_is_strict(void **state) {
  (void)state;
  or_task_context_t context = {.runtime = runtime};
  or_task_result_t result;
  or_json_document_free(executed(&context,
                                 "{\"operation\":\"compute\",\"device_preference\":\"gpu\","
                                 "\"data\":{\"size\":2,\"iterations\":1}}",
                                 &result));
  assert_string_equal(result.device_used, "fake_0");
  assert_non_null(strstr(result.fallback_reason, "no device \"gpu\""));
  or_task_result_deinit(&result);
  or_json_document_free(
      executed(&context, "{\"operation\":\"mlx_compute\",\"data\":{\"size\":2,\"iterations\":1}}", &result));
  assert_string_equal(result.fallback_reason, "no MLX device here; fake_0 is the next best");
  or_task_result_deinit(&result);
  expect_refusal(&context,
                 "{\"operation\":\"compute\",\"device_preference\":\"gpu\",\"strict_device\":true,"
                 "\"data\":{\"size\":2}}",
                 OR_NOT_FOUND, "no device \"gpu\"");
  context.device = or_runtime_device(runtime, 1); /* the caller's word counts most */
  or_json_document_free(executed(&context, COMPUTE("\"size\":2"), &result));
  assert_string_equal(result.device_used, "fake_1");
  or_task_result_deinit(&result);
}

static void the_same_seed_gives_the_same_input_on_every_device(void **state) {
  (void)state;
  or_tensor_t *tensors[3] = {NULL, NULL, NULL};
  float values[3][8];
  or_shape_t shape = or_shape_make(1, (int64_t[]){8});
  for (size_t i = 0; i < 3; ++i) {
    expect_ok(or_task_generate(or_runtime_device(runtime, i % 2), OR_FLOAT32, shape, i < 2 ? 7 : 8, NULL, &tensors[i]));
    expect_ok(or_tensor_read(tensors[i], values[i], sizeof values[i]));
    or_tensor_release(tensors[i]);
  }
  assert_memory_equal(values[0], values[1], sizeof values[0]);
  assert_memory_not_equal(values[0], values[2], sizeof values[0]);
}

/* Progress is told on the calling thread, so a caller may stop a task from it. */
typedef struct watcher_t {
  double fractions[16];
  size_t count;
  or_cancel_t *cancel; /* requested at the second word, if given */
} watcher_t;
static void watch(void *self, double fraction, const char *what) {
  watcher_t *watcher = self;
  assert_true(what[0] != '\0');
  if (watcher->count < 16) watcher->fractions[watcher->count] = fraction;
  ++watcher->count;
  if (watcher->cancel != NULL && watcher->count == 2) or_cancel_request(watcher->cancel);
}

static void tells_progress_and_stops_when_asked(void **state) {
  (void)state;
  or_cancel_t cancel;
  watcher_t watcher = {.count = 0};
  or_task_context_t context = {.runtime = runtime, .cancel = &cancel, .progress = watch, .progress_self = &watcher};
  or_task_result_t result;
  or_cancel_init(&cancel, INT64_MAX);
  or_json_document_free(executed(&context, COMPUTE("\"type\":\"reduce\",\"size\":2"), &result));
  or_task_result_deinit(&result);
  assert_int_equal(watcher.count, 4);
  for (size_t i = 0; i + 1 < watcher.count; ++i) assert_true(watcher.fractions[i] < watcher.fractions[i + 1]);
  assert_true(watcher.fractions[0] == 0 && watcher.fractions[3] == 1);
  watcher = (watcher_t){.cancel = &cancel};
  expect_refusal(&context, COMPUTE("\"type\":\"reduce\",\"size\":2"), OR_CANCELLED, "");
  or_cancel_init(&cancel, 1); /* the first nanosecond of the clock */
  expect_refusal(&context, COMPUTE("\"size\":2"), OR_DEADLINE_EXCEEDED, "");
}

static void cancel_at_the_gate(void *cancel) {
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  or_cancel_request(cancel);
  or_fake_open_gate(OR_FAKE_NODE);
}

/* Whether the node's own check or the waiter's sees the request first, the run that is under way ends with it. */
static void a_run_that_is_under_way_ends_when_asked(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_thread_t thread = {0};
  or_task_context_t context = {.runtime = runtime, .cancel = &cancel};
  or_cancel_init(&cancel, INT64_MAX);
  or_fake_close_gate(OR_FAKE_NODE);
  expect_ok(or_thread_start(&thread, "cancel", cancel_at_the_gate, &cancel));
  expect_refusal(&context, COMPUTE("\"size\":2"), OR_CANCELLED, "");
  or_thread_join(&thread);
}

static void a_failing_device_fails_the_task_and_leaks_nothing(void **state) {
  (void)state;
  static const struct {
    or_fake_call_t call;
    uint64_t nth;
  } faults[] = {{OR_FAKE_ALLOC, 1},   {OR_FAKE_ALLOC, 2}, {OR_FAKE_WRITE, 1}, {OR_FAKE_WRITE, 2},
                {OR_FAKE_COMPILE, 1}, {OR_FAKE_RUN, 1},   {OR_FAKE_RUN, 2},   {OR_FAKE_NODE, 1},
                {OR_FAKE_NODE, 3},    {OR_FAKE_READ, 1},  {OR_FAKE_READ, 2},  {OR_FAKE_READ, 3}};
  or_task_context_t context = {.runtime = runtime, .device = or_runtime_device(runtime, 1), .verify = true};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; ++i) {
    or_fake_fail(faults[i].call, faults[i].nth, OR_INTERNAL);
    expect_refusal(&context, COMPUTE("\"size\":2"), OR_INTERNAL, "");
  }
  or_task_result_t result;
  or_json_document_free(executed(&context, COMPUTE("\"size\":2"), &result));
  or_task_result_deinit(&result);
}

/* One iteration: its time is not what is looked at. */
static or_status_t execute_given(const or_allocator_t *allocator, bool quick) {
  or_runtime_t *own = NULL;
  or_task_result_t result;
  or_status_t status = open_fakes(allocator, false, &own);
  if (!or_ok(status)) return status;
  or_task_context_t context = {.runtime = own, .quick = quick};
  status = execute_with(allocator, &context,
                        COMPUTE("\"type\":\"reduce\",\"function\":\"sum\","
                                "\"a\":{\"shape\":[2,1],\"data\":[1,2]}"),
                        &result);
  or_task_result_deinit(&result);
  or_runtime_release(own);
  return status;
}
static or_status_t execute_at_leisure(const or_allocator_t *allocator) { return execute_given(allocator, false); }
static or_status_t execute_quickly(const or_allocator_t *allocator) { return execute_given(allocator, true); }
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(execute_at_leisure);
  expect_survives_every_failing_allocation(execute_quickly);
}

static void lists_its_types_for_help(void **state) {
  (void)state;
  size_t count = 0;
  for (; or_task_type_info(count) != NULL; ++count) {
    const or_task_type_info_t *info = or_task_type_info(count);
    assert_ptr_equal(or_task_kind_find(info->operation, info->name), or_task_kind_at(count));
    assert_true(info->summary[0] != '\0' && info->parameters[0] != '\0');
  }
  assert_null(or_task_kind_at(count));
  assert_null(or_task_kind_find("compute", "fold"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(computes_given_tensors_of_the_request),
      TEST(computes_given_tensors_of_the_caller),
      TEST(takes_extents_axis_and_alpha),
      TEST(every_type_reports_each_of_its_functions),
      TEST(says_what_the_device_left_to_another),
      TEST(falls_back_visibly_unless_it_is_strict),
      TEST(the_same_seed_gives_the_same_input_on_every_device),
      TEST(tells_progress_and_stops_when_asked),
      TEST(a_run_that_is_under_way_ends_when_asked),
      TEST(a_failing_device_fails_the_task_and_leaks_nothing),
      cmocka_unit_test(survives_every_failing_allocation),
      cmocka_unit_test(lists_its_types_for_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
