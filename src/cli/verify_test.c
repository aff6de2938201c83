/* verify: verdicts over test data, two devices, the reference; folders of cases; and the models that it and `models`
   name. */
#include "cli/cli_test_internal.h"

static void make_directory(const char *name) { assert_int_equal(mkdir(in_folder(name), 0777), 0); }

static void write_tensor(const char *name, int dtype, const char *dims, const void *bytes, size_t length) {
  pb_t proto = raw_tensor_proto(NULL, dtype, dims, bytes, length);
  write_file(name, proto.data, proto.length);
  pb_free(&proto);
}

static pb_t identity_graph(int dtype, const char *dims) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Identity", "x", "y"));
  pb_put(&graph, 11, value_proto("x", dtype, dims));
  pb_put(&graph, 12, value_proto("y", dtype, dims));
  return graph;
}

/* A model with one data set: x to y, both float32 "1,2" (if `y` is given), below this folder. */
static void write_case(const char *name, pb_t graph, const float *y) {
  static const float x[] = {-1, 2};
  char path[128];
  make_directory(name);
  write_model(or_format(path, sizeof path, "%s/model.onnx", name), graph);
  make_directory(or_format(path, sizeof path, "%s/test_data_set_0", name));
  write_tensor(or_format(path, sizeof path, "%s/test_data_set_0/input_0.pb", name), OR_FLOAT32, "1,2", x, sizeof x);
  if (y != NULL)
    write_tensor(or_format(path, sizeof path, "%s/test_data_set_0/output_0.pb", name), OR_FLOAT32, "1,2", y, 8);
}

static pb_t unknown_graph(void) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Frobnicate", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1,2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "1,2"));
  return graph;
}

static int setup(void **state) {
  static const float right[] = {0, 2}, off[] = {0, 3};
  (void)make_folder(state);
  make_directory("cases");
  make_directory("cases/group");
  make_directory("cases/empty");
  write_file("cases/notes.txt", "x", 1);
  write_case("cases/passes", relu_graph(), right);
  write_case("cases/group/wrong", relu_graph(), off);
  write_case("cases/refused", unknown_graph(), right);
  write_case("cases/undecided", relu_graph(), NULL);
  write_model("relu.onnx", relu_graph());
  return 0;
}

static void each_case_of_a_folder_has_its_verdict(void **state) {
  (void)state;
  assert_int_equal(RUN("verify", in_folder("cases")), OR_EXIT_FAILED);
  expect_out("wrong    group/wrong: output \"y\": 1 of 2 elements differ, the first at 1: got 2, expected 3\n");
  expect_out("refused  refused: ");
  expect_out("Frobnicate");
  expect_out("failed   undecided: ");
  expect_out("1 passed, 1 refused, 1 wrong, 1 failed of 4\n");
  assert_int_equal(RUN("--json", "verify", in_folder("cases")), OR_EXIT_FAILED);
  or_json_document_t *document = printed();
  const or_json_value_t *root = or_json_root(document), *cases = or_json_get(root, "cases");
  assert_int_equal(or_json_count(cases), 4);
  assert_string_equal(or_json_get_string(or_json_get(or_json_at(cases, 0), "name"), ""), "group/wrong"); /* sorted */
  assert_int_equal(or_json_get_int(or_json_get(root, "passed"), 0), 1);
  assert_int_equal(or_json_get_int(or_json_get(root, "wrong"), 0), 1);
  or_json_document_free(document);
  expect_exit(OR_EXIT_FAILED, "neither a model.onnx nor folders with one", "verify", in_folder("cases/empty"));
  assert_int_equal(RUN("verify", in_folder("cases"), "--against", "reference", "-d", "cpu"), OR_EXIT_OK);
  expect_out("3 passed, 1 refused, 0 wrong, 0 failed of 4");
}

static void one_model_is_held_to_its_data_within_a_tolerance(void **state) {
  (void)state;
  assert_int_equal(RUN("verify", in_folder("cases/passes"), "--output", in_folder("made")), OR_EXIT_OK);
  expect_out("passed: fake_0 against test data, 1 outputs: max error 0 absolute");
  assert_int_equal(access(in_folder("made/model/test_data_set_0/y.npy"), F_OK), 0);
  assert_int_equal(RUN("verify", in_folder("cases/passes/model.onnx")), OR_EXIT_OK);
  expect_exit(OR_EXIT_FAILED, "wrong: output \"y\": 1 of 2", "verify", in_folder("cases/group/wrong"));
  assert_int_equal(RUN("verify", in_folder("cases/group/wrong"), "--atol", "1"), OR_EXIT_OK);
  assert_int_equal(RUN("verify", in_folder("cases/group/wrong"), "--rtol", "0.5", "--json"), OR_EXIT_OK);
  expect_json();
  expect_exit(OR_EXIT_FAILED, "no test_data_set_0 beside the model", "verify", in_folder("relu.onnx"));
  expect_exit(OR_EXIT_FAILED, "refused: ", "verify", in_folder("cases/refused"));
  expect_exit(OR_EXIT_FAILED, "absent.onnx", "verify", "absent.onnx");
}

static void a_result_of_another_shape_or_dtype_is_wrong(void **state) {
  (void)state;
  static const float three[] = {0, 2, 0};
  static const int64_t whole[] = {0, 2};
  write_tensor("cases/passes/test_data_set_0/output_0.pb", OR_FLOAT32, "1,3", three, sizeof three);
  expect_exit(OR_EXIT_FAILED, "output \"y\": got float32 [1,2], expected float32 [1,3]", "verify",
              in_folder("cases/passes"));
  write_tensor("cases/passes/test_data_set_0/output_0.pb", OR_INT64, "1,2", whole, sizeof whole);
  expect_exit(OR_EXIT_FAILED, "output \"y\": got float32 [1,2], expected int64 [1,2]", "verify",
              in_folder("cases/passes"));
}

/* ONNX's own test data keeps bfloat16 as uint16. */
static void data_of_bfloat16_may_lie_as_uint16(void **state) {
  (void)state;
  static const uint16_t bits[] = {0x3f80, 0xc000};
  make_directory("narrow");
  make_directory("narrow/test_data_set_0");
  write_model("narrow/model.onnx", identity_graph(OR_BFLOAT16, "2"));
  write_tensor("narrow/test_data_set_0/input_0.pb", OR_UINT16, "2", bits, sizeof bits);
  write_tensor("narrow/test_data_set_0/output_0.pb", OR_UINT16, "2", bits, sizeof bits);
  assert_int_equal(RUN("verify", in_folder("narrow")), OR_EXIT_OK);
}

static void compares_two_devices(void **state) {
  (void)state;
  assert_int_equal(RUN("verify", in_folder("relu.onnx"), "--devices", "fake_0,cpu", "--batch", "3"), OR_EXIT_OK);
  expect_out("passed: fake_0 against cpu_0, 1 outputs");
  assert_int_equal(RUN("verify", in_folder("relu.onnx"), "--devices", "cpu,reference"), OR_EXIT_OK);
  expect_out("against reference");
  assert_int_equal(RUN("--json", "verify", in_folder("relu.onnx"), "--devices", "fake_0,cpu_0"), OR_EXIT_OK);
  expect_out("\"against\": \"cpu_0\"");
  expect_exit(OR_EXIT_FAILED, "no device \"x\"", "verify", in_folder("relu.onnx"), "--devices", "x,cpu");
  expect_exit(OR_EXIT_FAILED, "no device \"x\"", "verify", in_folder("relu.onnx"), "--devices", "cpu,x");
  expect_exit(OR_EXIT_USAGE, "--devices cpu: must be A,B", "verify", in_folder("relu.onnx"), "--devices", "cpu");
  expect_exit(OR_EXIT_USAGE, "must be A,B", "verify", in_folder("relu.onnx"), "--devices", ",cpu");
  expect_exit(OR_EXIT_USAGE, "must be A,B", "verify", in_folder("relu.onnx"), "--devices", "cpu,");
  expect_exit(OR_EXIT_USAGE, "not both", "verify", "x", "--devices", "a,b", "--against", "reference");
  expect_exit(OR_EXIT_USAGE, "There is: reference", "verify", "x", "--against", "numpy");
  expect_exit(OR_EXIT_USAGE, "--seed x", "verify", "x", "--seed", "x");
  expect_exit(OR_EXIT_USAGE, "--atol -1", "verify", "x", "--atol", "-1");
}

static void work_elsewhere_than_on_the_named_device_is_told(void **state) {
  (void)state;
  static const char *const supported[] = {"Identity", NULL};
  or_fake_set_supported(supported);
  expect_exit(OR_EXIT_FAILED, "under 99 % of the flops ran on fake_0", "verify", in_folder("cases/passes"));
  assert_int_equal(RUN("verify", in_folder("cases")), OR_EXIT_FAILED);
  expect_out("passed   passes: under 99 % of the flops ran on the device");
}

/* x -> Relu -> a -> Exp -> b; a -> Tanh -> c -> Sigmoid -> d; b + d -> y: a chain and a branch beside it. */
static pb_t branched_graph(void) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Relu", "x", "a"));
  pb_put(&graph, 1, node_proto("Exp", "a", "b"));
  pb_put(&graph, 1, node_proto("Tanh", "a", "c"));
  pb_put(&graph, 1, node_proto("Sigmoid", "c", "d"));
  pb_put(&graph, 1, node_proto("Add", "b,d", "y"));
  pb_put(&graph, 1, node_proto("Neg", "x", "z"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "batch,2"));
  pb_put(&graph, 12, value_proto("z", OR_FLOAT32, "batch,2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "batch,2"));
  return graph;
}

/* An operator that computes wrongly is found wherever it stands, and no innocent one is blamed. */
static void finds_the_first_node_that_departs(void **state) {
  (void)state;
  static const struct {
    const char *op, *value;
  } wrong[] = {{"Relu", "a"}, {"Exp", "b"}, {"Tanh", "c"}, {"Sigmoid", "d"}, {"Add", "y"}};
  write_model("branched.onnx", branched_graph());
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    char words[96];
    or_fake_set_wrong(wrong[i].op, 0.25f);
    assert_int_equal(RUN("verify", in_folder("branched.onnx"), "--devices", "fake_0,cpu"), OR_EXIT_FAILED);
    or_format(words, sizeof words, "(%s): value \"%s\" differs by up to 0.25; found among 5 nodes", wrong[i].op,
              wrong[i].value);
    expect_out("wrong: fake_0 against cpu_0");
    expect_out("first node that departs: ");
    expect_out(words);
  }
  or_fake_set_wrong("Tanh", 0.5f);
  assert_int_equal(RUN("--json", "verify", in_folder("branched.onnx"), "--devices", "cpu,fake_0"), OR_EXIT_FAILED);
  or_json_document_t *document = printed();
  const or_json_value_t *verified = or_json_at(or_json_get(or_json_root(document), "cases"), 0);
  const or_json_value_t *departure = or_json_get(verified, "first_departure");
  assert_string_equal(or_json_get_string(or_json_get(departure, "op"), ""), "Tanh");
  assert_string_equal(or_json_get_string(or_json_get(departure, "value"), ""), "c");
  assert_true(or_json_get_double(or_json_get(departure, "max_abs_error"), 0) == 0.5);
  assert_string_equal(or_json_get_string(or_json_get(verified, "detail"), ""),
                      strstr(or_json_get_string(or_json_get(verified, "detail"), ""), "output \"y\""));
  or_json_document_free(document);
  or_fake_set_wrong("Neg", 0.5f); /* the other output, of one node */
  assert_int_equal(RUN("verify", in_folder("branched.onnx"), "--devices", "fake_0,cpu"), OR_EXIT_FAILED);
  expect_out("(Neg): value \"z\" differs by up to 0.5; found among 1 nodes by 0 comparisons");
  or_fake_set_wrong(NULL, 0);
  assert_int_equal(RUN("verify", in_folder("branched.onnx"), "--devices", "fake_0,cpu"), OR_EXIT_OK);
  assert_null(strstr(out, "departs"));
}

static void tells_the_share_of_the_flops_of_each_device(void **state) {
  (void)state;
  static const char *const list[] = {"Relu", "Exp", "Tanh", NULL};
  write_model("branched.onnx", branched_graph());
  or_fake_set_supported(list);
  assert_int_equal(RUN("verify", in_folder("branched.onnx"), "--devices", "cpu,fake_0", "-b", "65536"),
                   OR_EXIT_FAILED);                    /* so many that no node goes along with its neighbours */
  expect_err("under 99 % of the flops ran on fake_0"); /* the second one was named too */
  expect_out(" % on fake_0\nsecond device: fake_0 ");
  expect_out(", cpu_0 ");
  assert_int_equal(RUN("--json", "verify", in_folder("branched.onnx"), "--devices", "fake_0,cpu", "-b", "65536"),
                   OR_EXIT_FAILED);
  or_json_document_t *document = printed();
  const or_json_value_t *shares =
      or_json_get(or_json_at(or_json_get(or_json_root(document), "cases"), 0), "flops_by_device");
  assert_int_equal(or_json_count(shares), 2);
  double sum = or_json_get_double(or_json_get(or_json_at(shares, 0), "flops_share"), 0) +
               or_json_get_double(or_json_get(or_json_at(shares, 1), "flops_share"), 0);
  assert_true(sum > 1 - 1e-12 && sum < 1 + 1e-12);
  or_json_document_free(document);
  or_fake_set_supported(NULL);
}

static void a_failing_device_is_a_verdict(void **state) {
  (void)state;
  static const or_fake_call_t calls[] = {OR_FAKE_ALLOC, OR_FAKE_WRITE, OR_FAKE_COMPILE, OR_FAKE_RUN, OR_FAKE_READ};
  for (size_t c = 0; c < sizeof calls / sizeof *calls; ++c) {
    or_fake_fail(calls[c], 1, OR_INTERNAL);
    expect_exit(OR_EXIT_FAILED, "failed: ", "verify", in_folder("relu.onnx"), "--devices", "fake_0,cpu");
  }
}

static void shows_and_lists_models(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  static const float half = 0.5f;
  pb_put(&graph, 1, node_proto("Add", "x,b", "y"));
  pb_put(&graph, 5, raw_tensor_proto("b", OR_FLOAT32, "", &half, sizeof half));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, NULL));
  pb_put(&graph, 11, value_proto("b", OR_FLOAT32, ""));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  write_model("open.onnx", graph);
  assert_int_equal(RUN("models", "show", "open", "--models", folder), OR_EXIT_OK);
  expect_out("name     open\n");
  expect_out("nodes    1\n");
  expect_out("b: float32 [] (has a default)\n");
  assert_int_equal(RUN("--json", "models", "show", in_folder("open.onnx")), OR_EXIT_OK);
  expect_out("\"shape\": null");
  assert_int_equal(RUN("--json", "models", "show", in_folder("relu.onnx")), OR_EXIT_OK);
  expect_out("\"batch\"");
  assert_int_equal(RUN("models", "show", "data/digits"), OR_EXIT_OK);
  expect_out("labels   10\n");
  assert_int_equal(RUN("models", "--models", folder), OR_EXIT_OK);
  expect_out("NAME          STATE      DEVICE  VERSION  FILE\nopen          available  -       -        ");
  expect_out("mobilenet-v2  available  -       -        (built in, synthetic weights)");
  assert_int_equal(RUN("models", "list", "--models", in_folder("cases/empty")), OR_EXIT_OK);
  expect_err("no model files in ");
  (void)setenv("OPENRUNTIME_MODELS", in_folder("absent"), 1);
  assert_int_equal(RUN("models"), OR_EXIT_OK); /* the default folder need not be there */
  expect_exit(OR_EXIT_FAILED, "absent", "models", "--models", in_folder("absent"));
  (void)setenv("OPENRUNTIME_MODELS", folder, 1);
  assert_int_equal(RUN("models", "show", "relu"), OR_EXIT_OK);
  expect_exit(OR_EXIT_FAILED, "did you mean \"relu\"", "models", "show", "rely");
  (void)unsetenv("OPENRUNTIME_MODELS");
  expect_exit(OR_EXIT_FAILED, "README.md", "models", "show", "README.md");
  expect_exit(OR_EXIT_FAILED, "this version lists, shows and exports models", "models", "pull", "x");
  expect_exit(OR_EXIT_USAGE, "There are: list, show", "models", "lost");
  expect_exit(OR_EXIT_USAGE, "models show needs a NAME", "models", "show");
  expect_exit(OR_EXIT_USAGE, "models list: unexpected \"x\"", "models", "list", "x");
  expect_exit(OR_EXIT_USAGE, "has no shape in the model", "explain", in_folder("open.onnx"));
}

static void exports_models(void **state) {
  (void)state;
  char file[256];
  (void)snprintf(file, sizeof file, "%s", in_folder("exported.onnx"));
  assert_int_equal(RUN("models", "export", "data/digits", file), OR_EXIT_OK);
  expect_out("exported.onnx: ");
  expect_exit(OR_EXIT_FAILED, "--force replaces it", "models", "export", "data/digits", file);
  assert_int_equal(RUN("--json", "models", "export", "data/digits", file, "--force", "--external-data"), OR_EXIT_OK);
  expect_out("\"weights\": \"file\"");
  assert_int_equal(RUN("models", "export", "data/digits", file, "--force", "--external-data"), OR_EXIT_OK);
  expect_out("exported.onnx.data: ");
  assert_int_equal(RUN("models", "show", file), OR_EXIT_OK);
  expect_exit(OR_EXIT_USAGE, "must end in .onnx", "models", "export", "data/digits", in_folder("digits.txt"));
  assert_int_equal(RUN("verify", "tests/data/checkpoints/distilbert", "-d", "cpu_0", "--against", "reference"),
                   OR_EXIT_OK);
  expect_exit(OR_EXIT_FAILED, "no model \"none\"", "models", "export", "none", file);
  expect_exit(OR_EXIT_USAGE, "models export needs a NAME and a FILE.onnx", "models", "export", "data/digits");
  (void)unlink(in_folder("exported.onnx.data"));
  (void)unlink(file);
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  SURVIVES("--json", "models", "--models", folder);
  SURVIVES("models", "--models", folder);
  SURVIVES("--json", "models", "show", in_folder("relu.onnx"));
  SURVIVES("models", "show", "relu", "--models", folder);
  SURVIVES("verify", in_folder("cases/passes"));
  SURVIVES("--json", "verify", in_folder("relu.onnx"), "--devices", "fake_0,cpu");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_case_of_a_folder_has_its_verdict),
      TEST(one_model_is_held_to_its_data_within_a_tolerance),
      TEST(a_result_of_another_shape_or_dtype_is_wrong),
      TEST(data_of_bfloat16_may_lie_as_uint16),
      TEST(compares_two_devices),
      TEST(work_elsewhere_than_on_the_named_device_is_told),
      TEST(finds_the_first_node_that_departs),
      TEST(tells_the_share_of_the_flops_of_each_device),
      TEST(a_failing_device_is_a_verdict),
      TEST(shows_and_lists_models),
      TEST(exports_models),
      TEST(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
