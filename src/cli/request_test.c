/* run, infer, benchmark and explain: from flags to what is printed. */
#include <math.h>

#include "cli/cli_test_internal.h"

static int setup(void **state) {
  (void)make_folder(state);
  write_model("relu.onnx", relu_graph());
  return 0;
}

static void runs_a_task_and_prints_its_figures(void **state) {
  (void)state;
  assert_int_equal(RUN("run", "-s", "4", "--iterations", "1"), OR_EXIT_OK);
  expect_out("matrix_multiply, size 4, float32, on fake_0: ");
  expect_out("(median of 1, p99 ");
  assert_null(strstr(out, "% of")); /* nobody measured the peak */
  or_fake_set_unified(0);
  assert_int_equal(RUN("run", "-s4", "--iterations=1", "--verify"), OR_EXIT_OK);
  expect_out("agrees against the reference: max error 0 absolute");
  assert_int_equal(RUN("run", "-t", "reduce", "-s", "4", "--iterations", "1", "--verify"), OR_EXIT_OK);
  expect_out("FUNCTION");
  expect_out("max ");
  assert_int_equal(RUN("run", "-t", "memory_bandwidth", "--set", "function=triad", "-s", "4", "--iterations", "1"),
                   OR_EXIT_OK);
  expect_out("GB/s");
  assert_int_equal(RUN("run", "-o", "inference", "-m", in_folder("relu.onnx"), "-b", "3", "--iterations", "1"),
                   OR_EXIT_OK);
  expect_out("relu on fake_0: batch 3 in ");
  assert_int_equal(RUN("run", "-o", "benchmark", "-t", "compute", "--set", "sizes=[2]", "--set", "duration=0.1",
                       "--set", "dtypes=[\"float32\"]"),
                   OR_EXIT_OK);
  expect_json();
}

static void says_where_it_ran_if_not_where_it_was_told(void **state) {
  (void)state;
  assert_int_equal(RUN("-d", "gpu", "run", "-s", "2", "--iterations", "1"), OR_EXIT_OK);
  expect_err("openruntime: ran on fake_0: no device \"gpu\"");
  assert_int_equal(RUN("-q", "-d", "gpu", "run", "-s", "2", "--iterations", "1"), OR_EXIT_OK);
  assert_string_equal(err, "");
  expect_exit(OR_EXIT_FAILED, "no device \"gpu\"", "--strict", "-d", "gpu", "run", "-s", "2");
}

static void names_the_field_that_is_wrong(void **state) {
  (void)state;
  expect_exit(OR_EXIT_USAGE, "data.size", "run", "-s", "0");
  assert_int_equal(RUN("--json", "run", "-s", "0", "--dtype", "float7"), OR_EXIT_USAGE);
  or_json_document_t *document = printed();
  const or_json_value_t *detail = or_json_get(or_json_root(document), "detail");
  assert_int_equal(or_json_count(detail), 2);
  assert_string_equal(or_json_get_string(or_json_get(or_json_at(detail, 0), "loc"), ""), "data.size");
  assert_true(or_json_get_string(or_json_get(or_json_at(detail, 1), "msg"), "")[0] != '\0');
  or_json_document_free(document);
  expect_exit(OR_EXIT_USAGE, "--set novalue: must be KEY=VALUE", "run", "--set", "novalue");
  expect_exit(OR_EXIT_USAGE, "--set =1: must be KEY=VALUE", "run", "--set", "=1");
  expect_exit(OR_EXIT_USAGE, "must be KEY=VALUE", "run", "--set",
              "a_key_that_is_longer_than_any_field_of_a_task_can_be_because_it_has_no_end=1");
  expect_exit(OR_EXIT_USAGE, "priority", "run", "--priority", "11");
  expect_exit(OR_EXIT_USAGE, "timeout", "run", "--timeout", "x");
  expect_exit(OR_EXIT_USAGE, "--async needs a server", "run", "--async");
  expect_exit(OR_EXIT_USAGE, "data.name", "run", "-o", "kernel");
}

static void a_timeout_is_told_as_one(void **state) {
  (void)state;
  assert_int_equal(RUN("--json", "run", "-s", "2", "--iterations", "1000000", "--timeout", "1"), OR_EXIT_FAILED);
  or_json_document_t *document = printed();
  assert_string_equal(or_json_get_string(or_json_get(or_json_root(document), "status"), ""), "timeout");
  assert_string_equal(or_json_get_string(or_json_get(or_json_root(document), "error_code"), ""), "deadline_exceeded");
  or_json_document_free(document);
}

static void infers_from_tensors_and_writes_outputs(void **state) {
  (void)state;
  static const char text[] = "{\"shape\":[1,2],\"data\":[-1,2]}";
  char input[300];
  write_file("x.json", text, strlen(text));
  or_format(input, sizeof input, "x=%s", in_folder("x.json"));
  assert_int_equal(RUN("infer", in_folder("relu.onnx"), "--input", input, "--output", in_folder("out")), OR_EXIT_OK);
  expect_out("OUTPUT  DTYPE    SHAPE  BYTES\ny       float32  [1,2]      8\n");
  expect_err("relu on fake_0: ");
  assert_int_equal(RUN("--json", "infer", in_folder("out/y.npy")), OR_EXIT_FAILED); /* no model */
  or_format(input, sizeof input, "x=%s", in_folder("out/y.npy"));
  assert_int_equal(RUN("--json", "infer", in_folder("relu.onnx"), "-i", input),
                   OR_EXIT_OK); /* what it wrote it reads */
  expect_out("\"data\":[0,2]");
  assert_int_equal(RUN("infer", in_folder("relu.onnx")), OR_EXIT_OK);
  expect_err("the input was generated");
  assert_int_equal(RUN("-q", "infer", in_folder("relu.onnx")), OR_EXIT_OK);
  assert_string_equal(err, "");
  expect_exit(OR_EXIT_FAILED, "out/y.npy", "infer", in_folder("relu.onnx"), "-i", input, "--output",
              in_folder("out/y.npy"));
}

/* The text that is the first one's twin comes before the other; a model that embeds no sentences lists its outputs. */
static void compares_several_texts_with_the_first(void **state) {
  (void)state;
  static const char model[] = "tests/data/checkpoints/sentence";
  assert_int_equal(RUN("infer", model, "--text", "b", "--text", "Abc d!", "--text", "b"), OR_EXIT_OK);
  expect_out("similarity to \"b\"\n  1.000  b\n ");
  expect_out("  Abc d!\n");
  assert_int_equal(RUN("--json", "infer", model, "--text", "b", "--text", "Abc d!", "--text", "b"), OR_EXIT_OK);
  or_json_document_t *document = printed();
  const or_json_value_t *rows = or_json_get(or_json_get(or_json_root(document), "result"), "similarities");
  assert_int_equal(or_json_count(rows), 3);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 3; ++k) {
      double value = or_json_get_double(or_json_at(or_json_at(rows, i), k), 2);
      bool same = i % 2 == k % 2;
      assert_true(same ? fabs(value - 1) < 1e-6 : value > -1 && value < 0.999);
    }
  }
  or_json_document_free(document);
  expect_exit(OR_EXIT_USAGE, "--text number 2: byte 1 (0xFF) is not UTF-8", "infer", model, "--text", "b", "--text",
              "b\xff");
  assert_int_equal(RUN("infer", model, "--text", "b"), OR_EXIT_OK);
  expect_out("sentence_embedding  float32  [1,8]");
  const char *words[2 * 65 + 3] = {"infer", model};
  for (size_t i = 0; i < 65; ++i) {
    words[2 + 2 * i] = "--text";
    words[3 + 2 * i] = "b";
  }
  assert_int_equal(run_words(words), OR_EXIT_USAGE);
  expect_err("64");
}

static void infers_from_pictures(void **state) {
  (void)state;
  or_fake_set_unified(0);
  assert_int_equal(RUN("infer", "data/digits", "--image", "data/digits/samples/7-1.png", "-k", "2"), OR_EXIT_OK);
  assert_true(out[0] == '7' && out[1] == ' ');
  assert_int_equal(
      RUN("infer", "data/digits", "--image", "data/digits/samples/7-1.png", "--image", "data/digits/samples/7-1.png"),
      OR_EXIT_OK);
  expect_out("7-1.png              7 ");
  expect_exit(OR_EXIT_USAGE, "give one --image", "--json", "infer", "data/digits", "--image", "a", "--image", "b");
  expect_exit(OR_EXIT_FAILED, "absent.png", "infer", "data/digits", "--image", "absent.png");
  expect_exit(OR_EXIT_FAILED, "README.md", "infer", "data/digits", "--image", "README.md");
}

static pb_t cyclic_graph(void) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Relu", "a", "b"));
  pb_put(&graph, 1, node_proto("Relu", "b", "a"));
  pb_put(&graph, 12, value_proto("a", OR_FLOAT32, "2"));
  return graph;
}

/* The command line was right: what is wrong stands in the file, whichever way it is wrong. */
static void a_model_that_can_not_be_loaded_is_failed_work(void **state) {
  (void)state;
  static const char *const commands[][2] = {{"infer", NULL}, {"explain", NULL}, {"verify", NULL}, {"models", "show"}};
  pb_t whole = model_proto(relu_graph(), 17);
  write_file("truncated.onnx", whole.data, whole.length / 2);
  pb_free(&whole);
  write_model("cycle.onnx", cyclic_graph());
  write_model("described.onnx", relu_graph());
  write_file("described.json", "[]", 2);
  static const char *const files[][2] = {
      {"truncated.onnx", "truncated.onnx"}, {"cycle.onnx", "cycle.onnx"}, {"described.onnx", "described.json"}};
  for (size_t f = 0; f < sizeof files / sizeof *files; ++f) {
    const char *path = in_folder(files[f][0]);
    for (size_t c = 0; c < sizeof commands / sizeof *commands; ++c) {
      bool sub = commands[c][1] != NULL;
      const char *words[] = {commands[c][0], sub ? commands[c][1] : path, sub ? path : NULL, NULL};
      assert_int_equal(run_words(words), OR_EXIT_FAILED);
      assert_true(strstr(err, files[f][1]) != NULL || strstr(out, files[f][1]) != NULL);
    }
    assert_int_equal(RUN("--json", "infer", path), OR_EXIT_FAILED);
    expect_out("\"data_loss\"");
  }
  expect_exit(OR_EXIT_USAGE, "the version is not a number", "infer", "relu:x", "--models", folder);
  expect_exit(OR_EXIT_USAGE, "--dim x: must be NAME=N", "explain", in_folder("relu.onnx"), "--dim", "x");
}

static void refuses_inputs_that_it_can_not_take(void **state) {
  (void)state;
  const char *words[80] = {"infer", "x"};
  char twice[300];
  write_file("x.json", "{\"shape\":[1,2],\"data\":[1,2]}", 28);
  or_format(twice, sizeof twice, "x=%s", in_folder("x.json"));
  expect_exit(OR_EXIT_USAGE, "the input is given twice", "infer", in_folder("relu.onnx"), "-i", twice, "-i", twice);
  static const char ids[] = "{\"shape\":[1,3],\"dtype\":\"int64\",\"data\":[1,1,1]}";
  static const char mask[] = "{\"shape\":[1,2],\"dtype\":\"int64\",\"data\":[1,1]}";
  char other[300];
  write_file("ids.json", ids, strlen(ids));
  write_file("mask.json", mask, strlen(mask));
  or_format(twice, sizeof twice, "input_ids=%s", in_folder("ids.json"));
  or_format(other, sizeof other, "attention_mask=%s", in_folder("mask.json"));
  expect_exit(OR_EXIT_USAGE, "dimension 1 differs: \"sequence\" is 3 in an input before it", "infer",
              "tests/data/checkpoints/sentence", "-i", twice, "-i", other);
  expect_exit(OR_EXIT_USAGE, "--input x: must be NAME=FILE", "infer", in_folder("relu.onnx"), "-i", "x");
  expect_exit(OR_EXIT_USAGE, "--input =x: must be NAME=FILE", "infer", in_folder("relu.onnx"), "-i", "=x");
  expect_exit(OR_EXIT_FAILED, "input \"x\": file \"absent.npy\"", "infer", in_folder("relu.onnx"), "-i",
              "x=absent.npy");
  expect_exit(OR_EXIT_FAILED, "takes no text", "infer", in_folder("relu.onnx"), "--text", "hello");
  expect_exit(OR_EXIT_USAGE, "top_k", "infer", in_folder("relu.onnx"), "--top", "0");
  assert_int_not_equal(RUN("infer", in_folder("relu.onnx"), "--precision", "int8"), OR_EXIT_OK);
  for (size_t i = 2; i < 62; ++i) words[i] = i % 2 == 0 ? "-i" : "no-name";
  assert_int_equal(run_words(words), OR_EXIT_USAGE);
}

static void prints_benchmarks_and_writes_them(void **state) {
  (void)state;
  assert_int_equal(RUN("benchmark", "-t", "compute", "--sizes", "2,3", "--dtypes", "float32", "--duration", "0.1",
                       "--out", in_folder("b.json")),
                   OR_EXIT_OK);
  expect_out("fake_0: Fake device; measured limits: - float32, - read");
  expect_out("DTYPE    SIZE  GFLOP/S  OF PEAK");
  expect_out("float32     3 ");
  char *text = NULL;
  size_t length = 0;
  expect_ok(or_file_read(or_allocator_system(), in_folder("b.json"), 65536, &text, &length));
  assert_non_null(strstr(text, "\"benchmark_type\""));
  or_free(or_allocator_system(), text);
  assert_int_equal(RUN("benchmark", "-t", "memory", "-s", "1", "--duration", "0.1"), OR_EXIT_OK);
  expect_out("triad  1.0 KiB");
  assert_int_equal(RUN("--json", "benchmark", "-t", "memory", "-s", "1", "--duration", "0.1"), OR_EXIT_OK);
  expect_json();
  assert_int_equal(RUN("benchmark", "-m", in_folder("relu.onnx"), "--model", "data/digits", "-b", "2", "--dim",
                       "batch=3", "--duration", "0.1"),
                   OR_EXIT_OK);
  expect_out("MODEL   DIMENSIONS  PRECISION  SCENARIO       ");
  expect_out("relu    batch=3     float32    single-stream  ");
  expect_out("digits  ");
  assert_int_equal(
      RUN("--json", "benchmark", "-t", "ml", "-m", "data/digits", "--scenario", "offline", "--duration", "0.1"),
      OR_EXIT_OK);
  expect_json();
  assert_int_equal(RUN("benchmark", "-m", "data/digits", "--scenario", "server", "--qps", "1e6", "--duration", "0.1"),
                   OR_EXIT_OK);
  expect_out("digits: queries come faster (1e+06 a second) than they are answered");
  expect_exit(OR_EXIT_USAGE, "data.qps", "benchmark", "-m", "data/digits", "--scenario", "server");
  expect_exit(OR_EXIT_USAGE, "\"burst\" is none of", "benchmark", "-m", "data/digits", "--scenario", "burst");
  expect_exit(OR_EXIT_USAGE, "must be NAME=N", "benchmark", "-m", "data/digits", "--dim", "batch");
  expect_exit(OR_EXIT_USAGE, "from 0 to 16777216", "benchmark", "-m", "data/digits", "--dim", "batch=x");
  expect_exit(OR_EXIT_USAGE, "data.models", "benchmark", "-t", "memory", "-m", "data/digits");
  expect_exit(OR_EXIT_USAGE, "data.sizes: item 1, \"x\", must be a whole number", "benchmark", "-t", "compute", "-s",
              "64,x");
  expect_exit(OR_EXIT_USAGE, "item 0, \"\", must be a whole number", "benchmark", "-t", "memory", "-s", ",64");
  expect_exit(OR_EXIT_FAILED, "no/such", "benchmark", "-t", "memory", "-s", "1", "--duration", "0.1", "--out",
              "no/such/folder.json");
}

/* Every node that the device ran has its row and its time, and the rows are the whole: flops, bytes and seconds. */
static void explained_adds_up(void) {
  or_fake_set_supported(NULL);
  assert_int_equal(RUN("--json", "-d", "fake_0", "explain", "data/digits", "-b", "2", "--no-profile"), OR_EXIT_OK);
  uint64_t before = or_fake_calls(OR_FAKE_NODE);
  assert_int_equal(RUN("--json", "-d", "fake_0", "explain", "data/digits", "-b", "2", "--no-fusion"), OR_EXIT_OK);
  uint64_t runs = 3; /* two to warm up */
  or_json_document_t *document = printed();
  const or_json_value_t *root = or_json_root(document), *nodes = or_json_get(root, "nodes"),
                        *totals = or_json_get(root, "totals");
  double sums[3] = {0};
  assert_int_equal(or_json_count(nodes) * runs, or_fake_calls(OR_FAKE_NODE) - before);
  for (size_t i = 0; i < or_json_count(nodes); ++i) {
    static const char *const keys[] = {"flops", "bytes", "seconds"};
    for (size_t k = 0; k < 3; ++k) {
      double value = or_json_get_double(or_json_get(or_json_at(nodes, i), keys[k]), -1);
      assert_true(value >= 0);
      sums[k] += value;
    }
  }
  assert_true(sums[0] > 0 && sums[0] == or_json_get_double(or_json_get(totals, "flops"), -1));
  assert_true(sums[1] == or_json_get_double(or_json_get(totals, "bytes"), -1));
  assert_true(sums[2] == or_json_get_double(or_json_get(totals, "node_seconds"), -1));
  assert_true(sums[2] <= or_json_get_double(or_json_get(root, "seconds"), -1));
  or_json_document_free(document);
}

/* The mask is as long as past and sequence together, which the model's symbols do not say. */
static void names_the_extents_that_do_not_fit(void **state) {
  static const char gpt2[] = "tests/data/networks/gpt2-old17.onnx";
  static const char told[] = "the inputs have batch=1, sequence=1, total=1, past=1: --dim NAME=N sets others";
  (void)state;
  expect_exit(OR_EXIT_USAGE, told, "-d", "cpu", "explain", gpt2);
  expect_exit(OR_EXIT_FAILED, told, "-d", "cpu", "verify", gpt2, "--against", "reference");
  assert_int_equal(RUN("-d", "cpu", "explain", gpt2, "--no-profile", "--dim", "total=2"), OR_EXIT_OK);
}

static void explains_what_a_model_keeps_from_run_to_run(void **state) {
  static const char gpt2[] = "tests/data/networks/gpt2-old17.onnx";
  (void)state;
  assert_int_equal(RUN("--json", "-d", "cpu", "explain", gpt2, "--no-profile"), OR_EXIT_OK);
  or_json_document_t *document = printed();
  const or_json_value_t *kept = or_json_get(or_json_root(document), "state"), *ties = or_json_get(kept, "ties");
  assert_int_equal(or_json_count(ties), 24);
  const or_json_value_t *tie = or_json_at(ties, 1);
  assert_string_equal(or_json_get_string(or_json_get(tie, "input"), ""), "past_key_values.0.value");
  assert_string_equal(or_json_get_string(or_json_get(tie, "output"), ""), "present.0.value");
  assert_true(or_json_get_double(or_json_get(kept, "bytes_per_token"), -1) == 12 * 2 * 4 * 6 * sizeof(float));
  or_json_document_free(document);
}

/* What the named device does not offer runs on the processor, is told, and is refused where that was forbidden. */
static void tells_what_ran_elsewhere_or_refuses_it(void **state) {
  (void)state;
  static const char *const supported[] = {"Gemm", NULL};
  or_fake_set_supported(supported);
  assert_int_equal(RUN("-d", "fake_0", "infer", "data/digits"), OR_EXIT_OK);
  expect_err("% of the operations ran on fake_0; \"conv1\" (Conv) ran on cpu_0: ");
  expect_exit(OR_EXIT_FAILED, "\"pool1\" (MaxPool): not on the fake's list", "-d", "fake_0", "--strict", "infer",
              "data/digits");
  assert_int_equal(RUN("-d", "fake_0", "run", "-s", "8"), OR_EXIT_OK);
  expect_err("0.0 % of the operations ran on fake_0; \"MatMul\" (MatMul) ran on cpu_0: not on the fake's list");
  expect_exit(OR_EXIT_FAILED, "strict: 0.0 % of the operations ran on fake_0", "-d", "fake_0", "--strict", "run", "-s",
              "8");
  assert_int_equal(RUN("-d", "fake_0", "explain", "data/digits"), OR_EXIT_OK);
  expect_out("between devices: 4 copies a run, 9.4 KiB\n");
  expect_out("flatten_out    cpu_0   fake_0  6.1 KiB ");
  expect_out("next to nodes that run on cpu_0: 2 copies of 168 B saved");
  or_fake_set_supported(NULL);
  assert_int_equal(RUN("-d", "fake_0", "--strict", "infer", "data/digits"), OR_EXIT_OK);
}

static void explains_node_by_node(void **state) {
  (void)state;
  static const char *const supported[] = {"Conv", "Relu", NULL};
  or_fake_set_supported(supported);
  assert_int_equal(RUN("explain", "data/digits", "--no-profile", "-b", "2"), OR_EXIT_OK);
  expect_out("not on the fake's list");
  expect_out("[2,10]");
  expect_out("on the device: ");
  assert_null(strstr(out, "time: "));
  assert_int_equal(RUN("explain", in_folder("relu.onnx"), "--trace", in_folder("trace.json")), OR_EXIT_OK);
  expect_out("time: ");
  assert_int_equal(RUN("--json", "explain", in_folder("relu.onnx"), "--no-fusion", "--dim", "batch=5"), OR_EXIT_OK);
  expect_out("5,\n");
  explained_adds_up();
  expect_exit(OR_EXIT_USAGE, "--trace needs times", "explain", "x", "--trace", "y", "--no-profile");
  expect_exit(OR_EXIT_USAGE, "--batch 0", "explain", "x", "-b", "0");
  expect_exit(OR_EXIT_FAILED, "no/such", "explain", in_folder("relu.onnx"), "--trace", "no/such/trace.json");
  expect_exit(OR_EXIT_USAGE, "--dim batch: must be NAME=N", "explain", in_folder("relu.onnx"), "--dim", "batch");
  expect_exit(OR_EXIT_USAGE, "from 1 to 16777216", "explain", in_folder("relu.onnx"), "--dim", "batch=0");
  static const char *const extents[] = {
      "batch=-1", "batch=5x", "batch=1e3", "batch=", "batch=99999999999999999999", "batch=16777217"};
  for (size_t i = 0; i < sizeof extents / sizeof *extents; ++i) {
    expect_exit(OR_EXIT_USAGE, "must be a whole number from 1", "explain", "resnet50", "--dim", extents[i]);
    if (i > 0)
      expect_exit(OR_EXIT_USAGE, "must be a whole number from 0", "benchmark", "-m", "resnet50", "--dim", extents[i]);
  }
  expect_exit(OR_EXIT_USAGE, "--dim batch=2 stands before it", "explain", "resnet50", "--dim", "batch=2", "--dim",
              "batch=3");
  expect_exit(OR_EXIT_USAGE, "--dim batch=2 stands before it", "benchmark", "-m", "resnet50", "--dim", "batch=2",
              "--dim", "batch=2");
  expect_exit(OR_EXIT_USAGE, "no open dimension of that name", "explain", in_folder("relu.onnx"), "--dim", "rows=2");
  expect_exit(OR_EXIT_FAILED, "absent", "explain", "absent");
}

static void explains_what_runs_on_given_input(void **state) {
  (void)state;
  static const char text[] = "{\"shape\":[3,2],\"data\":[-1,2,3,4,5,6]}", wrong[] = "{\"shape\":[2],\"data\":[1,2]}";
  char input[300], twice[300], other[300];
  write_file("x.json", text, strlen(text));
  write_file("wrong.json", wrong, strlen(wrong));
  or_format(input, sizeof input, "x=%s", in_folder("x.json"));
  or_format(twice, sizeof twice, "x=%s", in_folder("wrong.json"));
  or_format(other, sizeof other, "y=%s", in_folder("x.json"));
  assert_int_equal(RUN("explain", in_folder("relu.onnx"), "--input", input), OR_EXIT_OK);
  expect_out("[3,2]");
  assert_int_equal(RUN("-d", "cpu", "verify", in_folder("relu.onnx"), "--against", "reference", "-i", input),
                   OR_EXIT_OK);
  assert_int_equal(RUN("explain", in_folder("relu.onnx"), "--dim", "x.0=7"), OR_EXIT_OK); /* without its symbol */
  expect_out("[7,2]");
  expect_exit(OR_EXIT_USAGE, "no open dimension of that name", "explain", in_folder("relu.onnx"), "--dim", "x.1=2");
  expect_exit(OR_EXIT_USAGE, "no input \"y\"", "explain", in_folder("relu.onnx"), "-i", other);
  expect_exit(OR_EXIT_USAGE, "the input is given twice", "explain", in_folder("relu.onnx"), "-i", input, "-i", input);
  expect_exit(OR_EXIT_USAGE, "must be NAME=FILE", "explain", in_folder("relu.onnx"), "-i", "x");
  expect_exit(OR_EXIT_USAGE, "must be NAME=FILE", "explain", in_folder("relu.onnx"), "-i", "=x.json");
  expect_exit(OR_EXIT_USAGE, "expected", "explain", in_folder("relu.onnx"), "-i", twice);
  expect_exit(OR_EXIT_FAILED, "input \"x\"", "explain", in_folder("relu.onnx"), "-i", "x=absent.npy");
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  SURVIVES("--json", "explain", in_folder("relu.onnx"), "--no-profile");
  SURVIVES("explain", in_folder("relu.onnx"), "--no-profile");
  SURVIVES("benchmark", "-m", in_folder("relu.onnx"), "--duration", "0.1", "--dim", "batch=3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(runs_a_task_and_prints_its_figures),
      TEST(says_where_it_ran_if_not_where_it_was_told),
      TEST(names_the_field_that_is_wrong),
      TEST(a_timeout_is_told_as_one),
      TEST(infers_from_tensors_and_writes_outputs),
      TEST(compares_several_texts_with_the_first),
      TEST(infers_from_pictures),
      TEST(a_model_that_can_not_be_loaded_is_failed_work),
      TEST(refuses_inputs_that_it_can_not_take),
      TEST(prints_benchmarks_and_writes_them),
      TEST(explains_what_a_model_keeps_from_run_to_run),
      TEST(names_the_extents_that_do_not_fit),
      TEST(explains_node_by_node),
      TEST(tells_what_ran_elsewhere_or_refuses_it),
      TEST(explains_what_runs_on_given_input),
      TEST(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
