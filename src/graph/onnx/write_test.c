/* What is written is what protobuf and onnx.proto say (bytes, by the tests' own writer), and is read back as it was. */
#include "graph/onnx/write.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/numbers.h"
#include "graph/onnx/testing.h"

static char folder[] = "/tmp/or_onnx_write_test_XXXXXX";
static char path[96], data_path[96];

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return 1;
  (void)snprintf(path, sizeof path, "%s/m.onnx", folder);
  (void)snprintf(data_path, sizeof data_path, "%s/m.onnx.data", folder);
  return 0;
}

static int remove_files(void **state) {
  (void)state;
  (void)unlink(path);
  (void)unlink(data_path);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder); /* fails if something was left behind */
}

static size_t files_in_folder(void) {
  size_t count = 0;
  DIR *directory = opendir(folder);
  assert_non_null(directory);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
  assert_int_equal(closedir(directory), 0);
  return count;
}

static void expect_bytes(or_wire_writer_t *writer, pb_t expected) {
  assert_true(or_ok(writer->status));
  assert_int_equal(writer->text.length, expected.length);
  assert_memory_equal(writer->text.data, expected.data, expected.length);
  pb_free(&expected);
  expect_ok(or_wire_writer_deinit(writer));
}

/* The node is written as the bytes expected, which are freed. */
static void expect_node(const or_graph_t *graph, const or_node_t *node, pb_t expected) {
  or_wire_writer_t writer;
  or_onnx_names_of_t names;
  or_wire_writer_init(&writer, or_allocator_system());
  expect_ok(or_onnx_names_of_init(&names, graph, NULL, NULL));
  or_onnx_put_node(&writer, 1, &names, node);
  expect_bytes(&writer, expected);
  or_onnx_names_of_deinit(&names);
}

static pb_t attribute(const char *name) {
  pb_t pb = {.data = NULL};
  pb_text(&pb, 1, name);
  return pb;
}

static void writes_every_kind_of_attribute(void **state) {
  (void)state;
  static const int64_t ints[] = {3, -1};
  static const float floats[] = {0.5F, -2.0F};
  static const or_string_t strings[] = {{"a", 1}, {"", 0}};
  static const float tensor_data[] = {1.5F};
  const or_constant_t tensor = {.dtype = OR_FLOAT32, .shape = {1, {1}}, .bytes = 4, .data = tensor_data};
  const or_attribute_t attributes[] = {
      {.name = "f", .kind = OR_ATTRIBUTE_FLOAT, .real = 0.25F},
      {.name = "i", .kind = OR_ATTRIBUTE_INT, .integer = -7},
      {.name = "s", .kind = OR_ATTRIBUTE_STRING, .string = {"SAME", 4}},
      {.name = "t", .kind = OR_ATTRIBUTE_TENSOR, .tensor = &tensor},
      {.name = "fs", .kind = OR_ATTRIBUTE_FLOATS, .reals = floats, .count = 2},
      {.name = "is", .kind = OR_ATTRIBUTE_INTS, .integers = ints, .count = 2},
      {.name = "ss", .kind = OR_ATTRIBUTE_STRINGS, .strings = strings, .count = 2},
  };
  or_graph_t *graph = NULL;
  or_value_id_t ids[2];
  expect_ok(or_graph_create(or_allocator_system(), "g", NULL, &graph));
  expect_ok(or_graph_add_value(graph, "x", 1, OR_FLOAT32, NULL, &ids[0]));
  expect_ok(or_graph_add_value(graph, "y", 1, OR_FLOAT32, NULL, &ids[1]));
  const or_value_id_t inputs[] = {ids[0], OR_NO_VALUE, ids[0]};
  const or_node_t node = {.name = "n",
                          .domain = "openruntime",
                          .op = "Op",
                          .inputs = inputs,
                          .outputs = &ids[1],
                          .input_count = 3,
                          .output_count = 1,
                          .attributes = attributes,
                          .attribute_count = 7};

  pb_t expected = {.data = NULL}, message = {.data = NULL}, each;
  pb_text(&message, 1, "x");
  pb_text(&message, 1, "");
  pb_text(&message, 1, "x");
  pb_text(&message, 2, "y");
  pb_text(&message, 3, "n");
  pb_text(&message, 4, "Op");
  each = attribute("f");
  pb_float(&each, 2, 0.25F);
  pb_int(&each, 20, 1);
  pb_put(&message, 5, each);
  each = attribute("i");
  pb_int(&each, 3, -7);
  pb_int(&each, 20, 2);
  pb_put(&message, 5, each);
  each = attribute("s");
  pb_text(&each, 4, "SAME");
  pb_int(&each, 20, 3);
  pb_put(&message, 5, each);
  each = attribute("t");
  pb_put(&each, 5, raw_tensor_proto(NULL, OR_FLOAT32, "1", tensor_data, 4));
  pb_int(&each, 20, 4);
  pb_put(&message, 5, each);
  each = attribute("fs");
  pb_float(&each, 7, 0.5F);
  pb_float(&each, 7, -2.0F);
  pb_int(&each, 20, 6);
  pb_put(&message, 5, each);
  each = attribute("is");
  pb_int(&each, 8, 3);
  pb_int(&each, 8, -1);
  pb_int(&each, 20, 7);
  pb_put(&message, 5, each);
  each = attribute("ss");
  pb_text(&each, 9, "a");
  pb_text(&each, 9, "");
  pb_int(&each, 20, 8);
  pb_put(&message, 5, each);
  pb_text(&message, 7, "openruntime");
  pb_put(&expected, 1, message);

  expect_node(graph, &node, expected);
  or_graph_release(graph);
}

static void refuses_what_a_file_can_not_hold(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  expect_ok(or_graph_create(or_allocator_system(), "g", NULL, &graph));
  graph->opset = 13;
  const or_attribute_t nothing = {.name = "then_branch", .kind = OR_ATTRIBUTE_NONE};
  const or_node_t part = {.name = "p", .domain = "", .op = "Relu"};
  const or_node_t nodes[] = {
      {.name = "n", .domain = "", .op = "If", .version = 13, .attributes = &nothing, .attribute_count = 1},
      {.name = "f", .domain = "openruntime.fused", .op = "X", .parts = &part, .part_count = 1},
      {.name = "s", .domain = "", .op = "Softmax", .version = 11}};
  static const char *const words[] = {"node \"n\" (If): attribute \"then_branch\" is of kind 0",
                                      "node \"f\" (X): it was fused",
                                      "node \"s\" (Softmax): it is of version 11, which is not that of opset 13"};
  or_onnx_names_of_t names;
  expect_ok(or_onnx_names_of_init(&names, graph, NULL, NULL));
  for (int i = 0; i < 3; ++i) {
    or_wire_writer_t writer;
    or_wire_writer_init(&writer, or_allocator_system());
    or_onnx_put_node(&writer, 1, &names, &nodes[i]);
    expect_failure(or_wire_writer_deinit(&writer), OR_UNIMPLEMENTED, words[i]);
  }
  or_onnx_names_of_deinit(&names);
  or_graph_release(graph);
}

#define WIDE 5000 /* elements of w: more than stay in memory */
static float wide[WIDE];

/* y = Clip(x * w + b, max = 6), n = Shape(x): a symbol, a default, weights of several types, an input left out. */
static pb_t sample_graph(void) {
  static const float b[] = {0.25F}, six[] = {6.0F};
  pb_t graph = {.data = NULL};
  for (int i = 0; i < WIDE; ++i) wide[i] = (float)i * 0.5F;
  pb_put(&graph, 1, node_proto("Mul", "x,w", "p"));
  pb_put(&graph, 1, node_proto("Add", "p,b", "s"));
  pb_put(&graph, 1, node_proto("Clip", "s,,six", "y"));
  pb_put(&graph, 1, node_proto("Shape", "x", "n"));
  pb_put(&graph, 5, raw_tensor_proto("w", OR_FLOAT32, "5000", wide, sizeof wide));
  pb_put(&graph, 5, raw_tensor_proto("b", OR_FLOAT32, "1", b, sizeof b));
  pb_put(&graph, 5, raw_tensor_proto("six", OR_FLOAT32, "", six, sizeof six));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "batch,5000"));
  pb_put(&graph, 11, value_proto("b", OR_FLOAT32, "1"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "batch,5000"));
  pb_put(&graph, 12, value_proto("n", OR_INT64, "2"));
  return graph;
}

static or_graph_t *sample(void) {
  or_graph_t *graph = NULL;
  expect_ok(read_proto(model_proto(sample_graph(), 13), NULL, &graph));
  return graph;
}

static const or_value_info_t *value_named(const or_graph_t *graph, const char *name) {
  for (size_t v = 0; v < graph->value_count; ++v) {
    if (strcmp(graph->values[v].name, name) == 0) return &graph->values[v];
  }
  fail_msg("there is no value \"%s\"", name);
  return NULL;
}

static uint64_t content_of(const or_constant_t *constant) {
  void *scratch = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  expect_ok(or_constant_bytes(constant, or_allocator_system(), &scratch, &capacity, &bytes));
  uint64_t hash = or_hash_bytes(bytes, constant->bytes, 0);
  or_free(or_allocator_system(), scratch);
  return hash;
}

static void expect_same_value(const or_graph_t *a, const or_value_info_t *x, const or_graph_t *b) {
  char shape[2][160];
  const or_value_info_t *y = value_named(b, x->name);
  assert_int_equal(x->dtype, y->dtype);
  assert_string_equal(or_graph_format_shape(a, &x->shape, shape[0], sizeof shape[0]),
                      or_graph_format_shape(b, &y->shape, shape[1], sizeof shape[1]));
  assert_int_equal(x->constant != NULL, y->constant != NULL);
  if (x->constant == NULL) return;
  assert_int_equal(x->constant->bytes, y->constant->bytes);
  assert_true(content_of(x->constant) == content_of(y->constant));
}

static void expect_same_graph(const or_graph_t *a, const or_graph_t *b) {
  assert_int_equal(a->opset, b->opset);
  assert_int_equal(a->node_count, b->node_count);
  assert_int_equal(a->input_count, b->input_count);
  assert_int_equal(a->output_count, b->output_count);
  for (size_t v = 0; v < a->value_count; ++v) expect_same_value(a, &a->values[v], b);
  for (size_t i = 0; i < a->input_count; ++i)
    assert_string_equal(a->values[a->inputs[i]].name, b->values[b->inputs[i]].name);
  for (size_t n = 0; n < a->node_count; ++n) {
    const or_node_t *x = &a->nodes[n], *y = &b->nodes[n];
    assert_string_equal(x->name, y->name);
    assert_string_equal(x->op, y->op);
    assert_int_equal(x->version, y->version);
    assert_int_equal(x->input_count, y->input_count);
    for (uint32_t i = 0; i < x->input_count; ++i) {
      assert_int_equal(x->inputs[i] == OR_NO_VALUE, y->inputs[i] == OR_NO_VALUE);
      if (x->inputs[i] != OR_NO_VALUE) assert_string_equal(a->values[x->inputs[i]].name, b->values[y->inputs[i]].name);
    }
  }
}

static void is_read_back_as_it_was(void **state) {
  (void)state;
  or_graph_t *graph = sample(), *again = NULL;
  for (int external = 0; external < 2; ++external) {
    const or_model_export_options_t options = {.external_data = external != 0};
    expect_ok(or_onnx_write_file(graph, path, &options));
    assert_int_equal(files_in_folder(), external + 1);
    expect_ok(or_onnx_read_file(or_allocator_system(), path, NULL, &again));
    expect_same_graph(graph, again);
    assert_false(again->synthetic);
    or_graph_release(again);
    (void)remove_files(NULL);
  }
  or_graph_release(graph);
}

static void weights_outside_are_aligned_and_small_ones_stay_inside(void **state) {
  (void)state;
  or_graph_t *graph = sample();
  char *bytes = NULL;
  size_t length = 0;
  expect_ok(or_onnx_write_file(graph, path, &(or_model_export_options_t){.external_data = true}));
  expect_ok(or_file_read(or_allocator_system(), data_path, 1 << 20, &bytes, &length));
  assert_int_equal(length, sizeof wide);
  assert_memory_equal(bytes, wide, sizeof wide);
  or_free(or_allocator_system(), bytes);
  or_graph_release(graph);
}

static void generated_weights_are_said_to_be_that(void **state) {
  (void)state;
  or_graph_t *graph = sample(), *again = NULL;
  graph->synthetic = true;
  expect_ok(or_onnx_write_file(graph, path, NULL));
  expect_ok(or_onnx_read_file(or_allocator_system(), path, NULL, &again));
  assert_true(again->synthetic);
  or_graph_release(again);
  or_graph_release(graph);
}

static void a_default_of_another_shape_is_left_out(void **state) {
  (void)state;
  or_graph_t *graph = sample(), *again = NULL;
  ((or_value_info_t *)value_named(graph, "b"))->shape.dims[0] = OR_DIM_SYMBOL(0);
  expect_ok(or_onnx_write_file(graph, path, NULL));
  expect_ok(or_onnx_read_file(or_allocator_system(), path, NULL, &again));
  assert_int_equal(again->input_count, 2);
  assert_null(value_named(again, "b")->constant);
  or_graph_release(again);
  or_graph_release(graph);
}

static void overwrites_only_when_told_to(void **state) {
  (void)state;
  or_graph_t *graph = sample();
  const or_model_export_options_t replace = {.replace = true}, outside = {.external_data = true};
  expect_ok(or_file_write(data_path, "mine", 4));
  expect_failure(or_onnx_write_file(graph, path, &outside), OR_ALREADY_EXISTS, "m.onnx.data\" exists");
  assert_int_equal(files_in_folder(), 1);
  expect_ok(or_onnx_write_file(graph, path, NULL));
  expect_failure(or_onnx_write_file(graph, path, NULL), OR_ALREADY_EXISTS, "m.onnx\" exists");
  expect_ok(or_onnx_write_file(graph, path, &replace));
  assert_int_equal(files_in_folder(), 2);
  or_graph_release(graph);
}

static or_status_t fail_to_read(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  (void)constant;
  (void)offset;
  (void)destination;
  (void)length;
  return or_error(OR_DATA_LOSS, "the weights shrank");
}

static bool stop(void *self, double fraction) {
  *(double *)self = fraction;
  return false;
}

static void leaves_nothing_behind_when_it_fails(void **state) {
  (void)state;
  or_graph_t *graph = sample();
  double fraction = 0;
  or_model_export_options_t options = {.external_data = true, .progress = stop, .progress_self = &fraction};
  expect_failure(or_onnx_write_file(graph, path, &options), OR_CANCELLED, "stopped");
  assert_true(fraction > 0 && fraction <= 1);
  assert_int_equal(files_in_folder(), 0);
  or_constant_t broken = *value_named(graph, "w")->constant;
  broken.data = NULL;
  broken.read = fail_to_read;
  ((or_value_info_t *)value_named(graph, "w"))->constant = &broken;
  for (int external = 0; external < 2; ++external) {
    options = (or_model_export_options_t){.external_data = external != 0};
    expect_failure(or_onnx_write_file(graph, path, &options), OR_DATA_LOSS, "the weights shrank");
    assert_int_equal(files_in_folder(), 0);
  }
  expect_failure(or_onnx_write_file(graph, "/nowhere/at/all.onnx", NULL), OR_NOT_FOUND, "/nowhere/at/all.onnx");
  or_graph_release(graph);
}

static or_status_t write_sample(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  pb_t model = model_proto(sample_graph(), 13);
  const or_onnx_source_t source = {.name = "test.onnx", .bytes = model.data, .length = model.length};
  or_status_t status = or_onnx_read_memory(allocator, &source, NULL, &graph);
  if (or_ok(status)) status = or_onnx_write_file(graph, path, &(or_model_export_options_t){.replace = true});
  or_graph_release(graph);
  pb_free(&model);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(write_sample);
  assert_int_equal(files_in_folder(), 1);
}

static void the_format_is_as_new_as_the_opset_needs(void **state) {
  (void)state;
  /* https://onnx.ai/onnx/repo-docs/Versioning.html: the format that came with an opset, but at least 8. */
  static const int versions[][2] = {{7, 8},   {17, 8},  {18, 8},  {19, 9},  {20, 9},
                                    {21, 10}, {22, 10}, {23, 11}, {24, 12}, {25, 13}};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; ++i)
    assert_int_equal(or_onnx_ir_version(versions[i][0]), versions[i][1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_every_kind_of_attribute),
      cmocka_unit_test(refuses_what_a_file_can_not_hold),
      cmocka_unit_test_teardown(is_read_back_as_it_was, remove_files),
      cmocka_unit_test_teardown(weights_outside_are_aligned_and_small_ones_stay_inside, remove_files),
      cmocka_unit_test_teardown(generated_weights_are_said_to_be_that, remove_files),
      cmocka_unit_test_teardown(a_default_of_another_shape_is_left_out, remove_files),
      cmocka_unit_test_teardown(overwrites_only_when_told_to, remove_files),
      cmocka_unit_test_teardown(leaves_nothing_behind_when_it_fails, remove_files),
      cmocka_unit_test_teardown(gives_back_every_byte_when_the_nth_allocation_fails, remove_files),
      cmocka_unit_test(the_format_is_as_new_as_the_opset_needs),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
