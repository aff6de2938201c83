/* What is given for a model's inputs, against what the model declares: each problem with the place of its field. */
#include "model/inputs.h"
#include "task/run_test_internal.h"

#include "graph/onnx/testing.h"

#define INFER(fields) "{\"operation\":\"inference\",\"data\":{\"model\":\"m\"" fields "}}"
#define FLOATS "{\"shape\":[2],\"data\":[1,2]}"
#define WHOLE "{\"shape\":[1],\"dtype\":\"int64\",\"data\":[1]}"
#define WORDS "{\"shape\":[1],\"dtype\":\"string\",\"data\":[\"a\"]}"

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

/* ValueInfoProto of a sequence of tensors of that dtype; optional: of an optional tensor. */
static pb_t holder_proto(const char *name, int dtype, bool optional) {
  pb_t tensor = {.data = NULL}, element = {.data = NULL}, holder = {.data = NULL}, type = {.data = NULL},
       pb = {.data = NULL};
  pb_int(&tensor, 1, dtype);
  pb_put(&element, 1, tensor);
  pb_put(&holder, 1, element);
  pb_put(&type, optional ? 9 : 4, holder);
  pb_text(&pb, 1, name);
  pb_put(&pb, 2, type);
  return pb;
}

/* x: float32 [N], w: strings [N], s: a sequence of int64, o: an optional float32, d: float32 with a default. */
static or_model_t *model_of_forms(void) {
  static const float half = 0.5f;
  or_model_t *model = NULL;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Add", "x,d", "y"));
  pb_put(&graph, 1, node_proto("SequenceLength", "s", "n"));
  pb_put(&graph, 1, node_proto("OptionalHasElement", "o", "h"));
  pb_put(&graph, 1, node_proto("Identity", "w", "v"));
  pb_put(&graph, 5, raw_tensor_proto("d", OR_FLOAT32, "", &half, sizeof half));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "N"));
  pb_put(&graph, 11, value_proto("w", OR_STRING, "N"));
  pb_put(&graph, 11, holder_proto("s", OR_INT64, false));
  pb_put(&graph, 11, holder_proto("o", OR_FLOAT32, true));
  pb_put(&graph, 11, value_proto("d", OR_FLOAT32, ""));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "N"));
  pb_put(&graph, 12, value_proto("n", OR_INT64, ""));
  pb_put(&graph, 12, value_proto("h", OR_BOOL, ""));
  pb_put(&graph, 12, value_proto("v", OR_STRING, "N"));
  pb_t proto = model_proto(graph, 17);
  expect_ok(or_model_load_memory(runtime, "m", proto.data, proto.length, NULL, &model));
  pb_free(&proto);
  return model;
}

static or_task_t *parsed(const char *request) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_ok(or_json_parse(or_allocator_system(), request, strlen(request), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  return task;
}

/* `expected`: "LOC: MESSAGE" of each problem, in the order of the list; NULL ends it. */
static void expect_problems(const char *request, const or_task_tensor_t *tensors, size_t count,
                            const char *const *expected) {
  or_model_t *model = model_of_forms();
  or_task_t *task = parsed(request);
  or_task_problems_t problems = {.count = 0};
  or_task_check_inputs(task, tensors, count, model, &problems);
  for (size_t i = 0; i < problems.count; ++i) {
    char text[512];
    or_format(text, sizeof text, "%s: %s", problems.items[i].loc, problems.items[i].msg);
    assert_non_null(expected[i]);
    assert_string_equal(text, expected[i]);
    assert_string_equal(problems.items[i].type, "value_error.input");
  }
  assert_null(expected[problems.count]);
  or_task_free(task);
  or_model_release(model);
}
#define EXPECT(request, ...) expect_problems(request, NULL, 0, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NOTHING(request) expect_problems(request, NULL, 0, (const char *const[]){NULL})

static void finds_nothing_wrong_with_what_fits(void **state) {
  (void)state;
  EXPECT_NOTHING(
      INFER(",\"inputs\":{\"x\":{\"shape\":[1],\"data\":[1]},\"w\":" WORDS ",\"s\":[" WHOLE "],\"o\":null}"));
  EXPECT_NOTHING(INFER(",\"inputs\":{\"x\":{\"shape\":[1],\"data\":[1]},\"w\":" WORDS ",\"s\":[],\"o\":" FLOATS "}"));
  EXPECT_NOTHING(INFER(",\"text\":\"texts fill what they can\""));
}

static void finds_each_form_that_does_not_fit(void **state) {
  (void)state;
  EXPECT(INFER(",\"inputs\":{\"x\":null,\"w\":" FLOATS ",\"s\":" WHOLE ",\"o\":[" FLOATS "]}"),
         "data.inputs.x: input \"x\": expected float32 [N], got null",
         "data.inputs.w: input \"w\": expected string [N], got float32 [2]",
         "data.inputs.s: input \"s\": expected a sequence of int64 tensors, got int64 [1]",
         "data.inputs.o: input \"o\": expected null or a tensor of float32, got a sequence of 1");
  EXPECT(INFER(",\"inputs\":{\"x\":[" FLOATS "],\"w\":" WORDS ",\"s\":[" WHOLE "," FLOATS "],\"o\":" WHOLE "}"),
         "data.inputs.x: input \"x\": expected float32 [N], got a sequence of 1",
         "data.inputs.s: input \"s\": expected a sequence of int64 tensors, got float32 [2] as element 1",
         "data.inputs.o: input \"o\": expected null or a tensor of float32, got int64 [1]");
  EXPECT(INFER(",\"inputs\":{\"x\":" FLOATS ",\"w\":" WORDS ",\"s\":null,\"o\":null}"),
         "data.inputs.w: input \"w\": expected string [N], got string [1]: dimension 0 differs: \"N\" is 2 in an input "
         "before it",
         "data.inputs.s: input \"s\": expected a sequence of int64 tensors, got null");
}

static void finds_what_is_missing_and_what_is_too_much(void **state) {
  (void)state;
  EXPECT(INFER(",\"inputs\":{\"X\":" FLOATS ",\"s\":[]}"),
         "data.inputs.X: the model has no input \"X\"; it has: \"x\", \"w\", \"s\", \"o\", \"d\"",
         "data.inputs.x: input \"x\" (float32 [N]) is missing", "data.inputs.w: input \"w\" (string [N]) is missing",
         "data.inputs.o: input \"o\" (null or a tensor of float32) is missing");
  EXPECT(INFER(""), "data.inputs.w: input \"w\" is of strings, which can't be generated: give it",
         "data.inputs.s: input \"s\" is a sequence, which can't be generated: give it",
         "data.inputs.o: input \"o\" is an optional, which can't be generated: give it");
  EXPECT(INFER(",\"image\":\"AAAA\""), "data.inputs.w: input \"w\" (string [N]) is missing",
         "data.inputs.s: input \"s\" (a sequence of int64 tensors) is missing",
         "data.inputs.o: input \"o\" (null or a tensor of float32) is missing");
}

static void looks_at_what_comes_beside_the_request(void **state) {
  (void)state;
  static const int64_t two[2] = {1, 2};
  or_task_tensor_t given[2] = {{.name = "x"}, {.name = "s"}};
  expect_ok(or_tensor_create_from(or_runtime_device(runtime, 0), OR_INT64, or_shape_make(1, (int64_t[]){2}), two,
                                  sizeof two, &given[0].tensor));
  expect_ok(or_value_optional(or_allocator_system(), NULL, &given[1].value));
  expect_problems(INFER(",\"inputs\":{\"w\":" WORDS ",\"o\":null}"), given, 2,
                  (const char *const[]){"data.inputs.x: input \"x\": expected float32 [N], got int64 [2]",
                                        "data.inputs.s: input \"s\": expected a sequence of int64 tensors, got null",
                                        NULL});
  or_task_tensor_release(&given[0]);
  or_task_tensor_release(&given[1]);
}

static void truth_values_in_parts_are_0_or_1(void **state) {
  (void)state;
  static const char request[] = INFER(",\"inputs\":{\"x\":{\"shape\":[2],\"dtype\":\"bool\",\"part\":\"p\"}}");
  for (int wrong = 0; wrong < 2; ++wrong) {
    or_task_part_t part = {.name = "p", .data = wrong != 0 ? "\1\2" : "\1\0", .bytes = 2};
    or_json_document_t *document = NULL;
    or_task_problems_t problems;
    or_task_t *task = NULL;
    expect_ok(or_json_parse(or_allocator_system(), request, strlen(request), &document));
    or_status_t status = or_task_parse_parts(or_allocator_system(), or_json_root(document),
                                             &(or_task_parts_t){&part, 1}, &problems, &task);
    or_json_document_free(document);
    if (wrong == 0) expect_ok(status);
    if (wrong != 0) expect_failure(status, OR_INVALID_ARGUMENT, "data.inputs.x: element 1 is the byte 2");
    or_task_free(task);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(finds_nothing_wrong_with_what_fits),         TEST(finds_each_form_that_does_not_fit),
      TEST(finds_what_is_missing_and_what_is_too_much), TEST(looks_at_what_comes_beside_the_request),
      TEST(truth_values_in_parts_are_0_or_1),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
