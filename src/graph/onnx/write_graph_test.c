/* Models with bodies, strings and values that are no tensors, written and read again: the same graph comes back. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "graph/onnx/testing.h"

static char folder[] = "/tmp/or_onnx_write_graph_test_XXXXXX";
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

static void describe(or_text_t *text, const or_graph_t *graph);

/* A value by what it is: its constant's content, or its number by who made it. */
static void describe_value(or_text_t *text, const or_graph_t *graph, or_value_id_t value) {
  void *scratch = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  if (value == OR_NO_VALUE) {
    expect_ok(or_text_printf(text, " -"));
    return;
  }
  const or_constant_t *constant = graph->values[value].constant;
  if (constant != NULL) {
    expect_ok(or_constant_bytes(constant, or_allocator_system(), &scratch, &capacity, &bytes));
    expect_ok(or_text_printf(text, " constant %s %d:", or_dtype_name(constant->dtype), constant->shape.rank));
    const or_string_t *strings = constant->dtype == OR_STRING ? bytes : NULL;
    for (size_t i = 0; strings != NULL && i < constant->bytes / sizeof *strings; ++i)
      expect_ok(or_text_printf(text, "\"%.*s\"", (int)strings[i].length, strings[i].data));
    for (size_t i = 0; strings == NULL && i < constant->bytes && i < 16; ++i)
      expect_ok(or_text_printf(text, "%02x", ((const uint8_t *)bytes)[i]));
    or_free(or_allocator_system(), scratch);
    return;
  }
  for (size_t i = 0; i < graph->input_count; ++i) {
    if (graph->inputs[i] == value) expect_ok(or_text_printf(text, " input %zu", i));
  }
  for (size_t n = 0; n < graph->node_count; ++n) {
    for (uint32_t i = 0; i < graph->nodes[n].output_count; ++i) {
      if (graph->nodes[n].outputs[i] == value) expect_ok(or_text_printf(text, " node %zu.%u", n, i));
    }
  }
  expect_ok(or_text_printf(text, " %s form %d rank %d", or_dtype_name(graph->values[value].dtype),
                           (int)graph->values[value].form, graph->values[value].shape.rank));
}

static void describe(or_text_t *text, const or_graph_t *graph) {
  expect_ok(or_text_printf(text, "%zu inputs, opset %d\n", graph->input_count, graph->opset));
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    expect_ok(or_text_printf(text, "%s %s %d captured %u:", node->name, node->op, node->version, node->captured_count));
    for (uint32_t i = 0; i < node->input_count; ++i) describe_value(text, graph, node->inputs[i]);
    for (uint32_t i = 0; i < node->attribute_count; ++i) {
      const or_attribute_t *attribute = &node->attributes[i];
      expect_ok(or_text_printf(text, "; %s %d %d %d", attribute->name, (int)attribute->kind, (int)attribute->form,
                               (int)attribute->dtype));
      if (attribute->graph != NULL) {
        expect_ok(or_text_printf(text, " {\n"));
        describe(text, attribute->graph);
        expect_ok(or_text_printf(text, "}"));
      }
    }
    expect_ok(or_text_printf(text, "\n"));
  }
  for (size_t i = 0; i < graph->output_count; ++i) describe_value(text, graph, graph->outputs[i]);
  expect_ok(or_text_printf(text, "\n"));
}

static void put_graph(pb_t *node, const char *name, pb_t graph) {
  pb_t attribute = {.data = NULL};
  pb_text(&attribute, 1, name);
  pb_put(&attribute, 6, graph);
  pb_int(&attribute, 20, 5);
  pb_put(node, 5, attribute);
}

static void put_output(pb_t *graph, const char *name) {
  pb_t value = {.data = NULL};
  pb_text(&value, 1, name);
  pb_put(graph, 12, value);
}

static pb_t branch(const char *op, const char *inputs, const char *output) {
  pb_t graph = {.data = NULL};
  if (op != NULL) pb_put(&graph, 1, node_proto(op, inputs, output));
  put_output(&graph, output);
  return graph;
}

#define WIDE 3000 /* elements: more than stay in a file beside which there is another one */
static float wide[WIDE];

/* y of a condition, of x and of weights: `shared` lies around both branches, `own` in one of them; t is something else
 * in each body. */
static pb_t branches_model(void) {
  pb_t yes = {.data = NULL}, inner = node_proto("If", "c", "i"), node = node_proto("If", "c", "y"),
       graph = {.data = NULL};
  for (size_t i = 0; i < WIDE; ++i) wide[i] = (float)i;
  put_graph(&inner, "then_branch", branch("Sum", "own,shared,x", "t"));
  put_graph(&inner, "else_branch", branch("Relu", "x", "t"));
  pb_put(&yes, 1, node_proto("Mul", "x,shared", "t"));
  pb_put(&yes, 1, inner);
  pb_put(&yes, 1, node_proto("Add", "i,t", "s"));
  pb_put(&yes, 5, raw_tensor_proto("own", OR_FLOAT32, "3000", wide, sizeof wide));
  put_output(&yes, "s");
  put_graph(&node, "then_branch", yes);
  put_graph(&node, "else_branch", branch("Sub", "shared,h", "t"));
  pb_put(&graph, 1, node);
  pb_put(&graph, 1, node_proto("Relu", "x", "h"));
  pb_put(&graph, 5, raw_tensor_proto("shared", OR_FLOAT32, "3000", wide, sizeof wide));
  pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "n"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  return model_proto(graph, 16);
}

/* Loop and a function whose body has an If: names that are made. */
static pb_t calls_model(void) {
  pb_t function = {.data = NULL}, either = node_proto("If", "c", "y"), call = node_proto("Either", "c,x", "a");
  put_graph(&either, "then_branch", branch("Relu", "h", "b"));
  put_graph(&either, "else_branch", branch("Tanh", "v", "b"));
  pb_text(&function, 1, "Either");
  pb_text(&function, 4, "c");
  pb_text(&function, 4, "v");
  pb_text(&function, 5, "y");
  pb_put(&function, 7, node_proto("Exp", "v", "h"));
  pb_put(&function, 7, either);
  pb_put(&function, 9, opset_proto("", 16));
  pb_text(&function, 10, "local");
  pb_text(&call, 7, "local");
  pb_text(&call, 3, "call");
  pb_t loop = node_proto("Loop", ",c,x", "l,r"), body = {.data = NULL}, graph = {.data = NULL};
  pb_put(&body, 1, node_proto("Add", "w,a", "next"));
  pb_put(&body, 11, value_proto("i", OR_INT64, ""));
  pb_put(&body, 11, value_proto("k", OR_BOOL, ""));
  pb_put(&body, 11, value_proto("w", OR_FLOAT32, NULL));
  put_output(&body, "k");
  put_output(&body, "next");
  put_output(&body, "next");
  put_graph(&loop, "body", body);
  pb_put(&graph, 1, call);
  pb_put(&graph, 1, loop);
  pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2"));
  pb_put(&graph, 12, value_proto("l", OR_FLOAT32, NULL));
  pb_put(&graph, 12, value_proto("r", OR_FLOAT32, NULL));
  pb_t model = model_proto(graph, 16);
  pb_put(&model, 25, function);
  return model;
}

static pb_t sequence_type(bool optional) {
  pb_t tensor = {.data = NULL}, type = {.data = NULL}, sequence = {.data = NULL}, outer = {.data = NULL};
  pb_int(&tensor, 1, OR_FLOAT32);
  pb_put(&tensor, 2, shape_proto("n,2"));
  pb_put(&type, 1, tensor);
  pb_put(&sequence, 1, type);
  pb_put(&outer, 4, sequence);
  if (!optional) return outer;
  pb_t holder = {.data = NULL}, whole = {.data = NULL};
  pb_put(&holder, 1, outer);
  pb_put(&whole, 9, holder);
  return whole;
}

static pb_t forms_model(void) {
  pb_t graph = {.data = NULL}, node = node_proto("Optional", "", "o"), type = {.data = NULL}, words, value;
  pb_text(&type, 1, "type");
  pb_put(&type, 14, sequence_type(false));
  pb_int(&type, 20, 13);
  pb_put(&node, 5, type);
  pb_put(&graph, 1, node);
  pb_put(&graph, 1, node_proto("Identity", "s", "t"));
  pb_put(&graph, 1, node_proto("Identity", "p", "q"));
  pb_put(&graph, 1, node_proto("Identity", "texts", "again"));
  words = tensor_proto("texts", OR_STRING, "2");
  pb_text(&words, 6, "one");
  pb_text(&words, 6, "");
  pb_put(&graph, 5, words);
  static const char *const names[] = {"s", "p", "t", "q", "o"};
  for (size_t i = 0; i < 5; ++i) {
    value = (pb_t){.data = NULL};
    pb_text(&value, 1, names[i]);
    pb_put(&value, 2, sequence_type(i % 2 == 1 || i == 4));
    pb_put(&graph, i < 2 ? 11 : 12, value);
  }
  pb_put(&graph, 12, value_proto("again", OR_STRING, NULL));
  return model_proto(graph, 16);
}

static void comes_back_as_it_was(void **state) {
  (void)state;
  pb_t (*const models[])(void) = {branches_model, calls_model, forms_model};
  for (size_t i = 0; i < 6; ++i) {
    or_graph_t *first = NULL, *second = NULL;
    or_text_t before, after;
    const or_model_export_options_t options = {.replace = true, .external_data = i >= 3};
    expect_ok(read_proto(models[i % 3](), NULL, &first));
    expect_ok(or_onnx_write_file(first, path, &options));
    expect_ok(or_onnx_read_file(or_allocator_system(), path, NULL, &second));
    or_text_init(&before, or_allocator_system());
    or_text_init(&after, or_allocator_system());
    describe(&before, first);
    describe(&after, second);
    assert_string_equal(or_text_string(&after), or_text_string(&before));
    assert_true(second->weight_bytes <= first->weight_bytes);
    or_text_deinit(&before);
    or_text_deinit(&after);
    or_graph_release(first);
    or_graph_release(second);
  }
}

static void writes_what_several_graphs_share_once(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  or_file_t *file = NULL;
  const or_model_export_options_t external = {.external_data = true};
  expect_ok(read_proto(branches_model(), NULL, &graph));
  expect_ok(or_onnx_write_file(graph, path, &external));
  expect_ok(or_file_open(or_allocator_system(), data_path, &file));
  assert_in_range(or_file_size(file), 2 * sizeof wide, 2 * sizeof wide + 63); /* shared and own */
  or_file_release(file);
  or_graph_release(graph);
}

static void an_output_of_a_body_is_made_in_it(void **state) {
  (void)state;
  pb_t node = node_proto("If", "c", "y"), graph = {.data = NULL};
  or_graph_t *first = NULL, *second = NULL;
  put_graph(&node, "then_branch", branch(NULL, "", "x"));
  put_graph(&node, "else_branch", branch(NULL, "", "w"));
  pb_put(&graph, 1, node);
  pb_put(&graph, 5, raw_tensor_proto("w", OR_FLOAT32, "2", wide, 8));
  pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  expect_ok(read_proto(model_proto(graph, 16), NULL, &first));
  expect_ok(or_onnx_write_file(first, path, NULL));
  expect_ok(or_onnx_read_file(or_allocator_system(), path, NULL, &second));
  const or_graph_t *yes = second->nodes[0].attributes[0].graph, *no = second->nodes[0].attributes[1].graph;
  assert_int_equal(yes->node_count, 1);
  assert_string_equal(yes->nodes[0].op, "Identity");
  assert_int_equal(yes->nodes[0].inputs[0], yes->inputs[0]);
  assert_non_null(no->values[no->outputs[0]].constant); /* folded when it was read */
  assert_int_equal(second->weight_bytes, 8);
  or_graph_release(first);
  or_graph_release(second);
}

static or_status_t write_all(const or_allocator_t *allocator) {
  pb_t model = branches_model();
  const or_onnx_source_t source = {.name = "m.onnx", .bytes = model.data, .length = model.length};
  const or_model_export_options_t options = {.replace = true, .external_data = true};
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_memory(allocator, &source, NULL, &graph);
  if (or_ok(status)) status = or_onnx_write_file(graph, path, &options);
  or_graph_release(graph);
  pb_free(&model);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(write_all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(comes_back_as_it_was, remove_files),
      cmocka_unit_test_teardown(writes_what_several_graphs_share_once, remove_files),
      cmocka_unit_test_teardown(an_output_of_a_body_is_made_in_it, remove_files),
      cmocka_unit_test_teardown(gives_back_every_byte_when_an_allocation_fails, remove_files),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
