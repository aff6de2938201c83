/* Explanations on a fake device: what is generated, timed, written. */
#include "base/testing.h"

#include <math.h>

#include "base/string.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "model/explain.h"
#include "model/generate.h"
#include "runtime/runtime.h"

static or_runtime_t *runtime;
static or_device_t *device;
static or_model_t *model;
static or_session_t *session;

static int setup(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  (void)state;
  or_fake_reset();
  or_fake_set_unified(0);
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  device = or_runtime_device(runtime, 0);
  pb_t proto = model_proto(relu_graph(), 17);
  expect_ok(or_model_load_memory(runtime, "relu", proto.data, proto.length, NULL, &model));
  pb_free(&proto);
  expect_ok(or_session_create(model, &(or_session_options_t){.device = device}, &session));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  or_session_release(session);
  or_model_release(model);
  or_runtime_release(runtime);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_json_document_t *explain(bool profile) {
  or_explanation_t explanation;
  or_model_inputs_t inputs;
  or_text_t text;
  or_json_writer_t json;
  or_json_document_t *document = NULL;
  const or_model_generation_t generation = {.batch = 2, .seed = 1};
  expect_ok(or_model_generate(model, device, &generation, &inputs));
  const or_explain_request_t request = {model, session, device, inputs.items, inputs.count, profile, NULL};
  expect_ok(or_explain(&request, &explanation));
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_explain_write(&json, &explanation);
  expect_ok(or_json_finish(&json));
  expect_ok(or_json_parse(or_allocator_system(), text.data, text.length, &document));
  or_text_deinit(&text);
  or_explanation_deinit(&explanation);
  or_model_inputs_deinit(&inputs);
  return document;
}

static void says_where_each_node_runs_without_running_it(void **state) {
  (void)state;
  or_json_document_t *document = explain(false);
  const or_json_value_t *root = or_json_root(document);
  const or_json_value_t *node = or_json_at(or_json_get(root, "nodes"), 0);
  assert_string_equal(or_json_get_string(or_json_get(root, "model"), ""), "relu");
  assert_string_equal(or_json_get_string(or_json_get(node, "op"), ""), "Relu");
  assert_string_equal(or_json_get_string(or_json_get(node, "device"), ""), or_device_facts(device)->id);
  static const char *const unknown[] = {"seconds", "gflops", "bandwidth_gbps", "percent_of_peak"};
  for (size_t i = 0; i < 4; ++i) assert_int_equal(or_json_kind(or_json_get(node, unknown[i])), OR_JSON_NULL);
  assert_int_equal(or_json_kind(or_json_get(root, "seconds")), OR_JSON_NULL);
  assert_int_equal(or_json_kind(or_json_get(root, "state")), OR_JSON_NULL);
  assert_int_equal(or_fake_calls(OR_FAKE_RUN), 0);
  or_json_document_free(document);
}

static void times_a_run_after_two_to_warm_up(void **state) {
  (void)state;
  or_json_document_t *document = explain(true);
  const or_json_value_t *root = or_json_root(document);
  assert_true(or_json_get_double(or_json_get(root, "seconds"), -1) >= 0);
  assert_int_equal(or_fake_calls(OR_FAKE_RUN), 3);
  or_json_document_free(document);
}

static void shares_are_of_the_type_in_which_a_node_computes(void **state) {
  (void)state;
  const or_device_peaks_t peaks = {.fp32_flops = 100, .fp64_flops = 50, .bf16_flops = 200};
  or_node_report_t nodes[] = {{.dtype = OR_FLOAT32, .flops = 10, .seconds = 1},
                              {.dtype = OR_FLOAT64, .flops = 10, .seconds = 1},
                              {.dtype = OR_FLOAT32, .precision = OR_BFLOAT16, .flops = 10, .seconds = 1},
                              {.dtype = OR_INT32, .flops = 10, .seconds = 1}};
  static const double shares[] = {10, 20, 5};
  for (size_t i = 0; i < 3; ++i) assert_true(fabs(or_explain_share(&nodes[i], &peaks) - shares[i]) < 1e-9);
  assert_true(isnan(or_explain_share(&nodes[3], &peaks)));
  const or_session_report_t report = {.nodes = nodes, .node_count = 4};
  assert_true(fabs(or_explain_total_share(&report, &peaks) - 100 * (0.1 + 0.2 + 0.05) / 4) < 1e-9);
  const or_session_report_t none = {.nodes = nodes + 3, .node_count = 1};
  assert_true(isnan(or_explain_total_share(&none, &peaks)));
}

static void generates_the_same_numbers_for_the_same_seed(void **state) {
  (void)state;
  or_model_inputs_t a, b, other;
  or_model_generation_t generation = {.batch = 1, .seed = 5};
  expect_ok(or_model_generate(model, device, &generation, &a));
  expect_ok(or_model_generate(model, device, &generation, &b));
  generation.seed = 6;
  expect_ok(or_model_generate(model, device, &generation, &other));
  const size_t bytes = or_tensor_bytes(a.items[0].tensor);
  assert_memory_equal(or_tensor_data(a.items[0].tensor), or_tensor_data(b.items[0].tensor), bytes);
  assert_memory_not_equal(or_tensor_data(a.items[0].tensor), or_tensor_data(other.items[0].tensor), bytes);
  or_model_inputs_deinit(&a);
  or_model_inputs_deinit(&b);
  or_model_inputs_deinit(&other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(says_where_each_node_runs_without_running_it),
      TEST(times_a_run_after_two_to_warm_up),
      TEST(shares_are_of_the_type_in_which_a_node_computes),
      TEST(generates_the_same_numbers_for_the_same_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
