/* What a TaskRequest may say: docs/api.md, field by field. */
#include "base/testing.h"

#include "base/string.h"
#include "task/task_internal.h"

static or_status_t parse(const or_allocator_t *allocator, const char *text, or_task_problems_t *problems,
                         or_task_t **out) {
  or_json_document_t *document = NULL;
  *out = NULL;
  problems->count = 0;
  or_status_t status = or_json_parse(allocator, text, strlen(text), &document);
  if (or_ok(status)) status = or_task_parse(allocator, or_json_root(document), problems, out);
  or_json_document_free(document);
  return status;
}

static or_task_t *parsed(const char *text) {
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_ok(parse(or_allocator_system(), text, &problems, &task));
  return task;
}

static void fills_in_the_defaults_that_the_contract_states(void **state) {
  (void)state;
  or_task_t *task = parsed("{\"operation\":\"compute\"}");
  assert_string_equal(or_task_operation(task), "compute");
  assert_string_equal(or_task_type(task), "matrix_multiply");
  assert_string_equal(or_task_device_preference(task), "auto");
  assert_false(or_task_strict_device(task));
  assert_int_equal(or_task_priority(task), 1);
  assert_true(or_task_timeout_s(task) == 300.0);
  assert_int_equal(task->parameters.dtype, OR_FLOAT32);
  assert_int_equal(task->parameters.iterations, 0);
  assert_int_equal(task->parameters.axis, -1);
  assert_true(task->parameters.alpha == 2.0);
  or_task_free(task);
  task = parsed("{\"operation\":\"inference\",\"data\":{\"model\":\"digits:2\"}}");
  assert_string_equal(task->parameters.model, "digits:2");
  assert_int_equal(task->parameters.batch_size, 1);
  assert_int_equal(task->parameters.top_k, 5);
  assert_int_equal(task->parameters.dtype, OR_DTYPE_NONE);
  or_task_free(task);
}

static void takes_null_as_left_out(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"operation\":\"inference\"}",
      "{\"task_id\":null,\"operation\":\"inference\",\"data\":null,\"device_preference\":null,\"priority\":null,"
      "\"timeout\":null,\"on_restart\":null,\"strict_device\":null}",
      "{\"operation\":\"inference\",\"data\":{\"type\":null,\"model\":null,\"batch_size\":null,\"precision\":null,"
      "\"inputs\":null,\"image\":null,\"text\":null,\"top_k\":null,\"iterations\":null,\"seed\":null}}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    or_task_t *task = parsed(texts[i]);
    assert_string_equal(or_task_model(task), "resnet50");
    assert_string_equal(or_task_device_preference(task), "auto");
    assert_int_equal(or_task_priority(task), 1);
    assert_true(or_task_timeout_s(task) == 300.0);
    assert_true(or_task_rerun_on_restart(task) && !or_task_strict_device(task));
    assert_int_equal(task->parameters.batch_size, 1);
    assert_int_equal(task->parameters.top_k, 5);
    assert_null(task->parameters.image);
    or_task_free(task);
  }
}

static void takes_every_field_to_its_bounds(void **state) {
  (void)state;
  or_task_t *task = parsed(
      "{\"task_id\":\"t\",\"operation\":\"mlx_compute\",\"priority\":10,\"timeout\":3600,\"on_restart\":\"fail\","
      "\"strict_device\":true,\"device_preference\":\"cpu_0\",\"data\":{\"type\":\"reduce\",\"m\":4294967296,\"n\":1,"
      "\"axis\":-2,\"function\":\"max\",\"dtype\":\"fp16\",\"iterations\":1000000,\"seed\":-9}}");
  assert_string_equal(or_task_operation(task), "mlx_compute");
  assert_int_equal(or_task_priority(task), 10);
  assert_true(or_task_strict_device(task) && !task->rerun_on_restart);
  assert_string_equal(or_task_device_preference(task), "cpu_0");
  assert_true(task->parameters.m == INT64_C(4294967296) && task->parameters.n == 1);
  assert_int_equal(task->parameters.axis, -2);
  assert_string_equal(task->parameters.function, "max");
  assert_int_equal(task->parameters.dtype, OR_FLOAT16);
  assert_int_equal(task->parameters.seed, -9);
  or_task_free(task);
  task =
      parsed("{\"operation\":\"benchmark\",\"data\":{\"type\":\"compute\",\"sizes\":[64,128],\"dtypes\":[\"float64\"],"
             "\"duration\":0.1}}");
  assert_int_equal(task->parameters.size_count, 2);
  assert_int_equal(task->parameters.sizes[1], 128);
  assert_int_equal(task->parameters.dtypes[0], OR_FLOAT64);
  assert_true(task->parameters.duration_s == 0.1);
  or_task_free(task);
  task = parsed("{\"operation\":\"benchmark\",\"data\":{\"models\":[\"a\",\"b\"],\"dims\":{\"n\":0,\"m\":9},"
                "\"scenario\":\"server\",\"qps\":2.5,\"precision\":\"bf16\"}}");
  assert_string_equal(or_task_type(task), "comprehensive"); /* the default */
  assert_int_equal(task->parameters.ml.model_count, 2);
  assert_string_equal(task->parameters.ml.models[1], "b");
  assert_int_equal(task->parameters.ml.dim_count, 2);
  assert_string_equal(task->parameters.ml.dims[1].name, "m");
  assert_int_equal(task->parameters.ml.dims[1].extent, 9);
  assert_int_equal(task->parameters.ml.scenario, OR_SCENARIO_SERVER);
  assert_true(task->parameters.ml.qps == 2.5);
  assert_int_equal(task->parameters.dtype, OR_BFLOAT16);
  or_task_free(task);
}

static void takes_one_text_or_several(void **state) {
  (void)state;
  or_task_t *task = parsed("{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"text\":\"caf\\u00e9\"}}");
  assert_int_equal(task->parameters.text_count, 1);
  assert_int_equal(task->parameters.texts[0].length, 5);
  or_task_free(task);
  task = parsed("{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"text\":[\"a\",\"\",\"bc\"]}}");
  assert_int_equal(task->parameters.text_count, 3);
  assert_int_equal(task->parameters.texts[1].length, 0);
  assert_memory_equal(task->parameters.texts[2].data, "bc", 2);
  or_task_free(task);
}

static void keeps_operands_after_the_document_is_gone(void **state) {
  (void)state;
  static const float expected[] = {3, 4};
  or_task_t *task = parsed("{\"operation\":\"compute\",\"data\":{\"a\":{\"shape\":[1,1],\"data\":[1]},"
                           "\"b\":{\"shape\":[1,2],\"data\":[3,4]}}}");
  assert_int_equal(task->parameters.operand_count, 2);
  const or_task_operand_t *b = &task->parameters.operands[1];
  assert_string_equal(b->name, "b");
  assert_int_equal(b->shape.dims[1], 2);
  assert_memory_equal(b->data, expected, sizeof expected);
  or_task_free(task);
}

typedef struct wrong_t {
  const char *text, *loc, *type, *words;
} wrong_t;

static void expect_problem(const wrong_t *wrong) {
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_failure(parse(or_allocator_system(), wrong->text, &problems, &task), OR_INVALID_ARGUMENT, "");
  assert_null(task);
  if (problems.count != 1) fail_msg("%s: %zu problems", wrong->text, problems.count);
  assert_string_equal(problems.items[0].loc, wrong->loc);
  assert_string_equal(problems.items[0].type, wrong->type);
  if (strstr(problems.items[0].msg, wrong->words) == NULL) fail_msg("%s: %s", wrong->text, problems.items[0].msg);
}

static void names_each_wrong_field(void **state) {
  (void)state;
  static const wrong_t cases[] = {
      {"[]", "", "type_error.object", "not an object"},
      {"{}", "operation", "value_error.missing", "must be given"},
      {"{\"operation\":5}", "operation", "type_error.string", "string"},
      {"{\"operation\":\"fly\"}", "operation", "value_error.enum",
       "\"fly\" is none of: compute, inference, kernel, benchmark"},
      {"{\"operation\":\"comp\"}", "operation", "value_error.enum", "\"comp\" is none of"},
      {"{\"operation\":\"\"}", "operation", "value_error.enum", "is none of"},
      {"{\"operation\":\"compute\",\"data\":[]}", "data", "type_error.object", "object"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":5}}", "data.type", "type_error.string", "string"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"fold\"}}", "data.type", "value_error.enum", "matrix_multiply"},
      {"{\"operation\":\"compute\",\"task_id\":5}", "task_id", "type_error.string", "string"},
      {"{\"operation\":\"compute\",\"task_id\":\"\"}", "task_id", "value_error", "1 to 64"},
      {"{\"operation\":\"compute\",\"task_id\":\"a/b\"}", "task_id", "value_error", "1 to 64"},
      {"{\"operation\":\"compute\",\"priority\":0}", "priority", "value_error.range", "1 to 10"},
      {"{\"operation\":\"compute\",\"priority\":11}", "priority", "value_error.range", "1 to 10"},
      {"{\"operation\":\"compute\",\"priority\":1.5}", "priority", "value_error.range", "1 to 10"},
      {"{\"operation\":\"compute\",\"timeout\":0.5}", "timeout", "value_error.range", "1 to 3600"},
      {"{\"operation\":\"compute\",\"timeout\":3601}", "timeout", "value_error.range", "1 to 3600"},
      {"{\"operation\":\"compute\",\"strict_device\":1}", "strict_device", "type_error.bool", "true or false"},
      {"{\"operation\":\"compute\",\"on_restart\":\"never\"}", "on_restart", "value_error.enum", "rerun"},
      {"{\"operation\":\"compute\",\"device_preference\":1}", "device_preference", "type_error.string", "string"},
      {"{\"operation\":\"compute\",\"colour\":1}", "colour", "value_error.extra", "no such field"},
      {"{\"operation\":\"compute\",\"data\":{\"top_k\":1}}", "data.top_k", "value_error.extra", "no such field"},
      {"{\"operation\":\"compute\",\"data\":{\"size\":0}}", "data.size", "value_error.range", "from 1 to 4294967296"},
      {"{\"operation\":\"compute\",\"data\":{\"size\":\"8\"}}", "data.size", "type_error.integer", "whole number"},
      {"{\"operation\":\"compute\",\"data\":{\"dtype\":\"int64\"}}", "data.dtype", "value_error.enum", "float32"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"softmax\",\"dtype\":\"int8\"}}", "data.dtype",
       "value_error.enum", "\"int8\" is none of"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"reduce\",\"axis\":2}}", "data.axis", "value_error.range",
       "-2 to 1"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"reduce\",\"function\":\"min\"}}", "data.function",
       "value_error.enum", "sum mean max"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"vector_operations\",\"alpha\":\"x\"}}", "data.alpha",
       "type_error.number", "number"},
      {"{\"operation\":\"compute\",\"data\":{\"a\":{\"shape\":[1],\"data\":[]},\"b\":{\"shape\":[1],\"data\":[1]}}}",
       "data.a", "value_error.tensor", "the shape needs 1"},
      {"{\"operation\":\"compute\",\"data\":{\"b\":{\"shape\":[1],\"data\":[1]}}}", "data.a", "value_error.missing",
       "matrix_multiply takes tensors named a b"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"vector_operations\",\"function\":\"dot\",\"a\":{\"shape\":[1],"
       "\"data\":[1]}}}",
       "data.b", "value_error.missing", "vector_operations takes"},
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"precision\":\"int64\"}}", "data.precision",
       "value_error.enum", "\"int64\" is none of"},
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"image\":1}}", "data.image", "type_error.string",
       "base64"},
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"inputs\":[]}}", "data.inputs", "type_error.object",
       "at most 16"},
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"inputs\":{\"x\":1}}}", "data.inputs.x",
       "value_error.tensor", "object"},
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"duration\":601}}", "data.duration",
       "value_error.range", "0.1 to 600"},
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"duration\":\"x\"}}", "data.duration",
       "type_error.number", "number"},
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"sizes\":[]}}", "data.sizes", "type_error.array",
       "1 to 32"},
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"sizes\":[0]}}", "data.sizes", "value_error.range",
       "item 0 is 0"},
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"sizes\":[1,\"x\"]}}", "data.sizes",
       "type_error.integer", "item 1, \"x\", must be a whole number"},
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"sizes\":[1.5]}}", "data.sizes",
       "type_error.integer", "item 0 must be a whole number"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) expect_problem(&cases[i]);
}

static void names_each_wrong_field_of_transforms_convolutions_and_networks(void **state) {
  (void)state;
  static const wrong_t cases[] = {
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"fft\",\"dims\":3}}", "data.dims", "value_error.range",
       "from 1 to 2"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"fft\",\"real\":\"yes\"}}", "data.real", "type_error.bool",
       "true or false"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"fft\",\"inverse\":2}}", "data.inverse", "type_error.bool",
       "true or false"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"fft\",\"norm\":\"none\"}}", "data.norm", "value_error.enum",
       "backward ortho forward"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"fft\",\"dtype\":\"float16\"}}", "data.dtype",
       "value_error.enum", "float32, float64"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"convolution\",\"groups\":3}}", "data.groups",
       "value_error.range", "3 does not divide 64 channels"},
      {"{\"operation\":\"compute\",\"data\":{\"type\":\"convolution\",\"padding\":-1}}", "data.padding",
       "value_error.range", "from 0 to 1024"},
      {"{\"operation\":\"mlx_compute\",\"data\":{\"type\":\"neural_network\",\"hidden_size\":0}}", "data.hidden_size",
       "value_error.range", "from 1 to 1048576"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) expect_problem(&cases[i]);
}

static void names_each_wrong_list_of_texts(void **state) {
  (void)state;
  char many[512] = "{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"text\":[\"\"";
  for (int i = 0; i < OR_TASK_MAX_TEXTS; ++i) or_format(many + strlen(many), sizeof many - strlen(many), ",\"\"");
  or_format(many + strlen(many), sizeof many - strlen(many), "]}}");
  const wrong_t cases[] = {
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"text\":[]}}", "data.text", "value_error.range",
       "0 texts; 1 to 64"},
      {many, "data.text", "value_error.range", "65 texts"},
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"text\":5}}", "data.text", "type_error.string",
       "a string or an array of strings"},
      {"{\"operation\":\"inference\",\"data\":{\"model\":\"m\",\"text\":[\"a\",{}]}}", "data.text", "type_error.string",
       "array of strings"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) expect_problem(&cases[i]);
}

static void names_each_wrong_field_of_a_benchmark_of_networks(void **state) {
  (void)state;
  static const wrong_t cases[] = {
      {"{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"models\":[\"m\"]}}", "data.models",
       "value_error.extra", "no such field"},
      {"{\"operation\":\"benchmark\",\"data\":{\"models\":[]}}", "data.models", "type_error.array", "1 to 16"},
      {"{\"operation\":\"benchmark\",\"data\":{\"models\":[5]}}", "data.models", "type_error.string", "string"},
      {"{\"operation\":\"benchmark\",\"data\":{\"dims\":[]}}", "data.dims", "type_error.object", "at most 16"},
      {"{\"operation\":\"benchmark\",\"data\":{\"dims\":{\"n\":-1}}}", "data.dims.n", "value_error.range",
       "0 to 16777216"},
      {"{\"operation\":\"benchmark\",\"data\":{\"dims\":{\"n\":1.5}}}", "data.dims.n", "value_error.range", "whole"},
      {"{\"operation\":\"benchmark\",\"data\":{\"scenario\":\"multi\"}}", "data.scenario", "value_error.enum",
       "single-stream, offline, server"},
      {"{\"operation\":\"benchmark\",\"data\":{\"scenario\":\"server\"}}", "data.qps", "value_error.missing", "server"},
      {"{\"operation\":\"benchmark\",\"data\":{\"qps\":5}}", "data.qps", "value_error.extra", "single-stream"},
      {"{\"operation\":\"benchmark\",\"data\":{\"scenario\":\"server\",\"qps\":0}}", "data.qps", "value_error.range",
       "above 0"},
      {"{\"operation\":\"benchmark\",\"data\":{\"precision\":\"float64\"}}", "data.precision", "value_error.enum",
       "bfloat16"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) expect_problem(&cases[i]);
}

static void tells_the_models_that_a_task_names(void **state) {
  (void)state;
  static const char *const texts[] = {"{\"operation\":\"inference\",\"data\":{\"model\":\"a\"}}",
                                      "{\"operation\":\"benchmark\",\"data\":{\"model\":\"a\"}}",
                                      "{\"operation\":\"benchmark\",\"data\":{\"models\":[\"a\",\"b\"]}}",
                                      "{\"operation\":\"compute\"}"};
  static const size_t counts[] = {1, 1, 2, 0};
  for (size_t i = 0; i < 4; ++i) {
    or_task_problems_t problems;
    or_task_t *task = NULL;
    size_t count = 0;
    expect_ok(parse(or_allocator_system(), texts[i], &problems, &task));
    for (const char *name; (name = or_task_model_at(task, count)) != NULL; ++count)
      assert_string_equal(name, count == 0 ? "a" : "b");
    assert_int_equal(count, counts[i]);
    or_task_free(task);
  }
}

static void names_what_is_wrong_beside_a_wrong_operation(void **state) {
  (void)state;
  static const char *const locs[] = {"priority", "task_id", "device_preference", "data", "operation"};
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_failure(parse(or_allocator_system(),
                       "{\"operation\":1,\"data\":[5],\"device_preference\":2,\"priority\":0,\"task_id\":\"a b\"}",
                       &problems, &task),
                 OR_INVALID_ARGUMENT, "priority");
  assert_int_equal(problems.count, 5);
  for (size_t i = 0; i < 5; ++i) assert_string_equal(problems.items[i].loc, locs[i]);
}

static void lists_all_that_is_wrong_up_to_a_bound(void **state) {
  (void)state;
  char text[1024] = "{\"operation\":\"compute\",\"data\":{";
  or_task_problems_t problems;
  or_task_t *task = NULL;
  for (int i = 0; i < OR_TASK_MAX_PROBLEMS + 4; ++i)
    or_format(text + strlen(text), sizeof text - strlen(text), "%s\"x%d\":1", i > 0 ? "," : "", i);
  or_format(text + strlen(text), sizeof text - strlen(text), "}}");
  expect_failure(parse(or_allocator_system(), text, &problems, &task), OR_INVALID_ARGUMENT, "data.x0");
  assert_int_equal(problems.count, OR_TASK_MAX_PROBLEMS);
}

static void refuses_a_name_beyond_its_bound(void **state) {
  (void)state;
  char text[OR_TASK_MAX_TEXT_BYTES + 200], name[OR_TASK_MAX_TEXT_BYTES + 2];
  or_task_problems_t problems;
  or_task_t *task = NULL;
  memset(name, 'a', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  or_format(text, sizeof text, "{\"operation\":\"inference\",\"data\":{\"model\":\"%s\"}}", name);
  expect_failure(parse(or_allocator_system(), text, &problems, &task), OR_INVALID_ARGUMENT,
                 "data.model: has 4097 bytes; the limit is 4096");
}

static or_status_t parse_with(const or_allocator_t *allocator) {
  or_task_problems_t problems;
  or_task_t *task = NULL;
  or_status_t status = parse(allocator,
                             "{\"operation\":\"inference\",\"device_preference\":\"cpu\",\"data\":{\"model\":\"m\","
                             "\"inputs\":{\"x\":{\"shape\":[1],\"data\":[1]}}}}",
                             &problems, &task);
  or_task_free(task);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(parse_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_in_the_defaults_that_the_contract_states),
      cmocka_unit_test(takes_null_as_left_out),
      cmocka_unit_test(takes_every_field_to_its_bounds),
      cmocka_unit_test(takes_one_text_or_several),
      cmocka_unit_test(keeps_operands_after_the_document_is_gone),
      cmocka_unit_test(names_each_wrong_field),
      cmocka_unit_test(names_each_wrong_list_of_texts),
      cmocka_unit_test(names_each_wrong_field_of_a_benchmark_of_networks),
      cmocka_unit_test(names_each_wrong_field_of_transforms_convolutions_and_networks),
      cmocka_unit_test(tells_the_models_that_a_task_names),
      cmocka_unit_test(names_what_is_wrong_beside_a_wrong_operation),
      cmocka_unit_test(lists_all_that_is_wrong_up_to_a_bound),
      cmocka_unit_test(refuses_a_name_beyond_its_bound),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
