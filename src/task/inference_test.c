/* Inference tasks: models by name and path, inputs given, pictured and generated, predictions and what is refused. */
#include "model/pool.h"
#include "task/run_test_internal.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "graph/onnx/testing.h"

#define INFER(fields) "{\"operation\":\"inference\",\"data\":{\"iterations\":1," fields "}}"

static or_runtime_t *runtime;
static char folder[64];

static void write_model(const char *name, pb_t graph, const char *description) {
  char path[128];
  pb_t proto = model_proto(graph, 17);
  or_format(path, sizeof path, "%s/%s.onnx", folder, name);
  expect_ok(or_file_write(path, proto.data, proto.length));
  or_format(path, sizeof path, "%s/%s.json", folder, name);
  if (description != NULL) expect_ok(or_file_write(path, description, strlen(description)));
  pb_free(&proto);
}

/* z = x + y, where y may be left out. */
static pb_t sum_graph(bool with_default) {
  static const float half = 0.5f;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Add", "x,y", "z"));
  if (with_default) pb_put(&graph, 5, raw_tensor_proto("y", OR_FLOAT32, "", &half, sizeof half));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "batch,2"));
  pb_put(&graph, 11, value_proto("y", OR_FLOAT32, ""));
  pb_put(&graph, 12, value_proto("z", OR_FLOAT32, "batch,2"));
  return graph;
}

static pb_t shapeless_graph(void) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Relu", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, NULL));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  return graph;
}

static pb_t whole_graph(void) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Abs", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_INT64, "2"));
  pb_put(&graph, 12, value_proto("y", OR_INT64, "2"));
  return graph;
}

static pb_t wide_graph(void) {
  pb_t graph = {.data = NULL};
  for (int i = 0; i < 129; ++i) {
    char in[8], out[8];
    or_format(in, sizeof in, "x%d", i);
    or_format(out, sizeof out, "y%d", i);
    pb_put(&graph, 1, node_proto("Relu", in, out));
    pb_put(&graph, 11, value_proto(in, OR_FLOAT32, "1"));
    pb_put(&graph, 12, value_proto(out, OR_FLOAT32, "1"));
  }
  return graph;
}

/* Two outputs whose names differ behind what a result keeps of them. */
static pb_t long_names_graph(void) {
  char first[] = "a123456789a123456789a123456789a123456789a123456789a1234567";
  char one[200], other[200];
  pb_t graph = {.data = NULL}, node = {.data = NULL};
  or_format(one, sizeof one, "%s%s%s1", first, first, first);
  or_format(other, sizeof other, "%s%s%s2", first, first, first);
  pb_text(&node, 1, "x");
  pb_text(&node, 2, one);
  pb_text(&node, 2, other);
  pb_text(&node, 4, "Split");
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2"));
  pb_put(&graph, 12, value_proto(one, OR_FLOAT32, "1"));
  pb_put(&graph, 12, value_proto(other, OR_FLOAT32, "1"));
  return graph;
}

static int make_folder(void **state) {
  (void)state;
  or_format(folder, sizeof folder, "/tmp/inference_test_XXXXXX");
  assert_non_null(mkdtemp(folder));
  write_model("relu", relu_graph(), NULL);
  write_model("labelled", relu_graph(), "{\"labels\":[\"left\",\"right\"]}");
  write_model("sum", sum_graph(false), NULL);
  write_model("default", sum_graph(true), NULL);
  write_model("shapeless", shapeless_graph(), NULL);
  write_model("whole", whole_graph(), "{\"labels\":[\"a\",\"b\"]}");
  write_model("wide", wide_graph(), NULL);
  write_model("long", long_names_graph(), NULL);
  return 0;
}
static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  return remove(path);
}
static int remove_folder(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

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

static or_task_context_t here(void) {
  return (or_task_context_t){.runtime = runtime, .models_directory = folder, .allow_paths = true};
}

static void finds_models_by_name_and_by_path_where_paths_are_allowed(void **state) {
  (void)state;
  or_task_context_t context = here();
  char request[256];
  or_task_result_t result;
  or_json_document_t *document = executed(&context, INFER("\"model\":\"relu\""), &result);
  assert_string_equal(json_text(document, "model"), "relu");
  or_json_document_free(document);
  or_task_result_deinit(&result);
  or_format(request, sizeof request, INFER("\"model\":\"%s/sum.onnx\""), folder);
  document = executed(&context, request, &result);
  assert_string_equal(json_text(document, "model"), "sum");
  or_json_document_free(document);
  or_task_result_deinit(&result);
  context.allow_paths = false; /* a server's caller names models, not files */
  expect_refusal(&context, request, OR_NOT_FOUND, "no model");
  expect_refusal(&context, INFER("\"model\":\"rely\""), OR_NOT_FOUND, "did you mean \"relu\"");
  document = executed(&context, INFER("\"model\":\"relu\""), &result);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  context = here();
  expect_refusal(&context, INFER("\"model\":\"rely\""), OR_NOT_FOUND, "did you mean \"relu\"");
  expect_refusal(&context, INFER("\"model\":\"rely.onnx\""), OR_NOT_FOUND, "rely.onnx");
  expect_refusal(&context, INFER("\"model\":\"no/such.onnx\""), OR_NOT_FOUND, "no/such.onnx");
  expect_refusal(&context, INFER("\"model\":\"README.md\""), OR_UNIMPLEMENTED, "README.md");
  context.models_directory = NULL;
  expect_refusal(&context, INFER("\"model\":\"relu\""), OR_NOT_FOUND, "relu");
}

static void computes_tensors_of_the_request_and_of_the_caller(void **state) {
  (void)state;
  static const float five = 5;
  or_task_tensor_t given = {.name = "y"};
  or_task_context_t context = here();
  or_task_result_t result;
  expect_ok(or_tensor_create_from(or_runtime_device(runtime, 0), OR_FLOAT32, or_shape_make(0, NULL), &five, sizeof five,
                                  &given.tensor));
  context.tensors = &given;
  context.tensor_count = 1;
  or_json_document_t *document = executed(
      &context, INFER("\"model\":\"sum\",\"inputs\":{\"x\":{\"shape\":[3,2],\"data\":[1,2,3,4,5,6]}}"), &result);
  assert_true(json_number(document, "outputs.z.data.0") == 6 && json_number(document, "outputs.z.data.5") == 11);
  assert_true(json_number(document, "batch_size") == 3);
  assert_string_equal(json_text(document, "inputs"), "given");
  assert_int_equal(or_json_kind(json_path(document, "predictions")), OR_JSON_NULL); /* it has no labels */
  assert_int_equal(result.output_count, 1);
  assert_string_equal(result.outputs[0].name, "z");
  or_json_document_free(document);
  or_task_result_deinit(&result);
  expect_refusal(&context, INFER("\"model\":\"sum\""), OR_INVALID_ARGUMENT, "input \"x\" of model \"sum\" is missing");
  expect_refusal(&context, INFER("\"model\":\"relu\""), OR_INVALID_ARGUMENT,
                 "model \"relu\": the model has no input \"y\"; it has: \"x\"");
  or_tensor_release(given.tensor);
  context = here();
  expect_refusal(&context, INFER("\"model\":\"relu\",\"inputs\":{\"v\":{\"shape\":[1],\"data\":[1]}}"),
                 OR_INVALID_ARGUMENT, "has no input \"v\"");
  expect_refusal(&context, INFER("\"model\":\"relu\",\"inputs\":{\"x\":{\"shape\":[1,3],\"data\":[1,2,3]}}"),
                 OR_INVALID_ARGUMENT, "input \"x\": expected float32 [batch,2], got float32 [1,3]");
}

static void leaves_an_input_with_a_default_to_the_model(void **state) {
  (void)state;
  or_task_context_t context = here();
  or_task_result_t result;
  or_json_document_t *document =
      executed(&context, INFER("\"model\":\"default\",\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[1,2]}}"), &result);
  assert_true(json_number(document, "outputs.z.data.0") == 1.5 && json_number(document, "outputs.z.data.1") == 2.5);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  or_json_document_free(executed(&context, INFER("\"model\":\"default\""), &result));
  or_task_result_deinit(&result);
}

static void generates_what_is_not_given_and_says_so(void **state) {
  (void)state;
  or_task_context_t context = here();
  or_task_result_t result;
  or_json_document_t *document = executed(&context, INFER("\"model\":\"sum\",\"batch_size\":7"), &result);
  assert_true(json_number(document, "batch_size") == 7);
  assert_string_equal(json_text(document, "inputs"), "generated");
  assert_null(json_path(document, "outputs"));
  assert_int_equal(result.output_count, 1);
  assert_true(json_number(document, "latency_ms") > 0 && json_number(document, "runs") == 1);
  assert_true(fabs(result.throughput * json_number(document, "latency_ms") * 1e-3 - 7) < 1e-6);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  expect_refusal(&context, INFER("\"model\":\"shapeless\""), OR_INVALID_ARGUMENT,
                 "input \"x\" has no shape in the model, so none can be generated: give it");
  document =
      executed(&context, INFER("\"model\":\"shapeless\",\"inputs\":{\"x\":{\"shape\":[],\"data\":[-1]}}"), &result);
  assert_true(json_number(document, "batch_size") == 1 && json_number(document, "outputs.y.data.0") == 0);
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

static void predicts_the_best_classes_of_each_item_in_their_order(void **state) {
  (void)state;
  or_task_context_t context = here();
  or_task_result_t result;
  /* rows: right, left before right of two that are equal, nothing where no number is one, right where one is */
  or_json_document_t *document = executed(&context,
                                          INFER("\"model\":\"labelled\",\"top_k\":3,\"inputs\":{\"x\":{\"shape\":[4,2],"
                                                "\"data\":[1,2,3,3,\"NaN\",\"NaN\",\"NaN\",4]}}"),
                                          &result);
  assert_int_equal(or_json_count(json_path(document, "predictions")), 4);
  assert_string_equal(json_text(document, "predictions.0.0.label"), "right");
  assert_true(json_number(document, "predictions.0.0.probability") == 2);
  assert_true(json_number(document, "predictions.0.0.index") == 1);
  assert_string_equal(json_text(document, "predictions.0.1.label"), "left");
  assert_string_equal(json_text(document, "predictions.1.0.label"), "left");
  assert_string_equal(json_text(document, "predictions.1.1.label"), "right");
  assert_int_equal(or_json_count(json_path(document, "predictions.2")), 0);
  assert_int_equal(or_json_count(json_path(document, "predictions.3")), 1);
  assert_string_equal(json_text(document, "predictions.3.0.label"), "right");
  or_json_document_free(document);
  or_task_result_deinit(&result);
  document = executed(&context,
                      INFER("\"model\":\"labelled\",\"top_k\":1,\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[9,8]}}"),
                      &result);
  assert_int_equal(or_json_count(json_path(document, "predictions.0")), 1);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  document = executed(&context, INFER("\"model\":\"whole\""), &result); /* whole numbers are no probabilities */
  assert_int_equal(or_json_kind(json_path(document, "predictions")), OR_JSON_NULL);
  or_json_document_free(document);
  or_task_result_deinit(&result);
  document =
      executed(&context, INFER("\"model\":\"labelled\",\"inputs\":{\"x\":{\"shape\":[0,2],\"data\":[]}}"), &result);
  assert_int_equal(or_json_count(json_path(document, "predictions")), 0);
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

/* A device whose memory the host can't reach gives predictions as any other. */
static void predicts_from_a_device_with_memory_of_its_own(void **state) {
  (void)state;
  or_task_context_t context = here();
  or_task_result_t result;
  context.device = or_runtime_device(runtime, 1);
  or_json_document_t *document =
      executed(&context, INFER("\"model\":\"labelled\",\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[1,2]}}"), &result);
  assert_string_equal(json_text(document, "predictions.0.0.label"), "right");
  assert_true(json_number(document, "outputs.y.data.1") == 2);
  or_json_document_free(document);
  or_task_result_deinit(&result);
}

/* INFER with this picture in base64 (RFC 4648) and these fields. */
static char *picture_request(const char *fields, const char *path) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static char request[65536];
  char *bytes = NULL;
  size_t length = 0, used;
  expect_ok(or_file_read(or_allocator_system(), path, 16384, &bytes, &length));
  or_format(request, sizeof request, "{\"operation\":\"inference\",\"data\":{\"iterations\":1,%s,\"image\":\"", fields);
  used = strlen(request);
  for (size_t i = 0; i < length; i += 3) {
    unsigned group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < length ? (uint8_t)bytes[i + k] : 0u);
    for (int k = 3; k >= 0; --k) request[used++] = i + (size_t)(3 - k) <= length ? digits[group >> 6 * k & 63] : '=';
  }
  or_format(request + used, sizeof request - used, "\"}}");
  or_free(or_allocator_system(), bytes);
  return request;
}

static void reads_the_digit_of_a_picture(void **state) {
  (void)state;
  or_task_context_t context = here();
  or_task_result_t result;
  const char *seven = picture_request("\"model\":\"data/digits\"", "data/digits/samples/7-1.png");
  or_json_document_t *document = executed(&context, seven, &result);
  assert_string_equal(json_text(document, "predictions.0.0.label"), "7");
  assert_int_equal(or_json_count(json_path(document, "predictions.0")), 5);
  assert_string_equal(json_text(document, "inputs"), "given");
  or_json_document_free(document);
  or_task_result_deinit(&result);
  expect_refusal(&context, picture_request("\"model\":\"relu\"", "data/digits/samples/7-1.png"), OR_FAILED_PRECONDITION,
                 "add inputs.x.image");
  expect_refusal(&context,
                 picture_request("\"model\":\"relu\",\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[1,2]}}",
                                 "data/digits/samples/7-1.png"),
                 OR_INVALID_ARGUMENT, "no input left for the picture");
  expect_refusal(&context, INFER("\"model\":\"data/digits\",\"image\":\"####\""), OR_INVALID_ARGUMENT, "base64");
}

static void refuses_more_inputs_than_a_task_can_bind(void **state) {
  (void)state;
  or_task_context_t context = here();
  expect_refusal(&context, INFER("\"model\":\"wide\""), OR_RESOURCE_EXHAUSTED, "129 inputs and 129 outputs");
}

static void refuses_outputs_that_a_result_can_not_tell_apart(void **state) {
  (void)state;
  or_task_context_t context = here();
  expect_refusal(&context, INFER("\"model\":\"long\",\"inputs\":{\"x\":{\"shape\":[2],\"data\":[1,2]}}"),
                 OR_UNIMPLEMENTED, "begin with the same 127 bytes");
}

static void a_failing_device_fails_the_task_and_leaks_nothing(void **state) {
  (void)state;
  static const or_fake_call_t calls[] = {OR_FAKE_ALLOC, OR_FAKE_WRITE, OR_FAKE_COMPILE, OR_FAKE_RUN, OR_FAKE_READ};
  or_task_context_t context = here();
  context.device = or_runtime_device(runtime, 1);
  for (size_t c = 0; c < sizeof calls / sizeof *calls; ++c) {
    or_fake_fail(calls[c], 1, OR_INTERNAL);
    expect_refusal(&context, INFER("\"model\":\"labelled\",\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[1,2]}}"),
                   OR_INTERNAL, "");
  }
}

static or_status_t infer_given(const or_allocator_t *allocator) {
  or_runtime_t *own = NULL;
  or_task_result_t result;
  or_status_t status = open_fakes(allocator, true, &own);
  if (!or_ok(status)) return status;
  or_task_context_t context = {.runtime = own, .models_directory = folder};
  status = execute_with(allocator, &context,
                        INFER("\"model\":\"labelled\",\"inputs\":{\"x\":{\"shape\":[1,2],\"data\":[1,2]}}"), &result);
  or_task_result_deinit(&result);
  or_runtime_release(own);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(infer_given);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void loads_nothing_for_the_second_inference_of_a_pooled_model(void **state) {
  (void)state;
  or_runtime_t *fakes = NULL;
  or_model_pool_t *pool = NULL;
  or_task_result_t result;
  expect_ok(open_fakes(NULL, true, &fakes));
  expect_ok(or_model_pool_create(&(or_model_pool_options_t){.runtime = fakes, .directory = "data"}, &pool));
  const or_task_context_t context = {.runtime = fakes, .pool = pool};
  for (int i = 0; i < 2; ++i) {
    expect_ok(execute_with(or_allocator_system(), &context, INFER("\"model\":\"digits\""), &result));
    or_task_result_deinit(&result);
    assert_int_equal(or_model_pool_counts(pool).loads, 1);
    assert_int_equal(or_model_pool_counts(pool).leases, 0);
  }
  or_model_pool_free(pool);
  or_runtime_release(fakes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(finds_models_by_name_and_by_path_where_paths_are_allowed),
      TEST(computes_tensors_of_the_request_and_of_the_caller),
      TEST(leaves_an_input_with_a_default_to_the_model),
      TEST(generates_what_is_not_given_and_says_so),
      TEST(predicts_the_best_classes_of_each_item_in_their_order),
      TEST(predicts_from_a_device_with_memory_of_its_own),
      TEST(reads_the_digit_of_a_picture),
      TEST(refuses_more_inputs_than_a_task_can_bind),
      TEST(refuses_outputs_that_a_result_can_not_tell_apart),
      TEST(a_failing_device_fails_the_task_and_leaks_nothing),
      cmocka_unit_test(survives_every_failing_allocation),
      cmocka_unit_test(loads_nothing_for_the_second_inference_of_a_pooled_model),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
