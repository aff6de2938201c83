#include "graph/onnx/testing.h"

/* The value of that name. */
static or_value_id_t value_of(const or_graph_t *graph, const char *name) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, name) == 0) return (or_value_id_t)i;
  }
  fail_msg("no value \"%s\"", name);
  return OR_NO_VALUE;
}

/* An AttributeProto of `kind` (0: not said), to which the caller adds the value. */
static pb_t attribute_proto(const char *name, int kind) {
  pb_t pb = {.data = NULL};
  pb_text(&pb, 1, name);
  if (kind != 0) pb_int(&pb, 20, kind);
  return pb;
}

static void reads_inputs_outputs_symbols_and_nodes(void **state) {
  (void)state;
  const float weights[6] = {1, 2, 3, 4, 5, 6};
  pb_t graph = {.data = NULL};
  pb_t node = node_proto("MatMul", "x,w", "h");
  pb_text(&node, 3, "dense");
  pb_put(&graph, 1, node);
  pb_put(&graph, 1, node_proto("Relu", "h", "y"));
  pb_put(&graph, 5, raw_tensor_proto("w", OR_FLOAT32, "2,3", weights, sizeof weights));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "batch,2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "batch,3"));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  assert_string_equal(read->name, "test.onnx");
  assert_int_equal(read->opset, 13);
  assert_int_equal(read->node_count, 2);
  assert_int_equal(read->file_node_count, 2);
  assert_int_equal(read->weight_bytes, 24);
  assert_int_equal(read->input_count, 1);
  assert_int_equal(read->output_count, 1);
  assert_int_equal(read->symbol_count, 1);
  assert_string_equal(read->symbols[0], "batch");
  assert_string_equal(read->nodes[0].name, "dense");
  assert_string_equal(read->nodes[0].op, "MatMul");
  assert_string_equal(read->nodes[0].domain, "");
  assert_int_equal(read->nodes[0].version, 13);
  assert_ptr_equal(read->nodes[0].definition, or_op_find("", "MatMul"));
  assert_string_equal(read->nodes[1].name, "Relu_1");
  const or_value_info_t *input = &read->values[read->inputs[0]], *output = &read->values[read->outputs[0]];
  assert_string_equal(input->name, "x");
  assert_int_equal(input->dtype, OR_FLOAT32);
  assert_int_equal(input->shape.rank, 2);
  assert_int_equal(input->shape.dims[0], OR_DIM_SYMBOL(0));
  assert_int_equal(input->shape.dims[1], 2);
  assert_string_equal(output->name, "y");
  assert_int_equal(output->shape.dims[0], OR_DIM_SYMBOL(0));
  assert_int_equal(output->shape.dims[1], 3);
  const or_constant_t *constant = read->values[value_of(read, "w")].constant;
  assert_non_null(constant);
  assert_int_equal(constant->bytes, sizeof weights);
  assert_memory_equal(constant->data, weights, sizeof weights);
  or_graph_release(read);
}

/* MaxPool always gives its maxima: they have a place, without a name, where a file leaves them out. */
static void an_output_that_must_be_there_has_a_value(void **state) {
  (void)state;
  const int64_t kernel[2] = {2, 2};
  pb_t graph = {.data = NULL}, node = node_proto("MaxPool", "x", "y,indices"),
       window = attribute_proto("kernel_shape", 7);
  for (size_t i = 0; i < 2; ++i) pb_int(&window, 8, kernel[i]);
  pb_put(&node, 5, window);
  for (size_t i = 0; i + 3 <= node.length; ++i) { /* the name of output 0, "y", becomes "" */
    if (memcmp((const char *)node.data + i, "\x12\x01y", 3) != 0) continue;
    ((char *)node.data)[i + 1] = 0;
    memmove((char *)node.data + i + 2, (char *)node.data + i + 3, node.length - i - 3);
    --node.length;
    break;
  }
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1,1,4,4"));
  pb_put(&graph, 12, value_proto("indices", OR_INT64, NULL));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  assert_int_not_equal(read->nodes[0].outputs[0], OR_NO_VALUE);
  assert_string_equal(read->values[read->nodes[0].outputs[0]].name, "");
  assert_int_equal(read->values[read->nodes[0].outputs[0]].dtype, OR_FLOAT32);
  or_graph_release(read);
}

static void puts_nodes_that_come_in_any_order_into_one_of_execution(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  pb_put(&graph, 1, node_proto("Relu", "b", "y"));
  pb_put(&graph, 1, node_proto("Sigmoid", "a", "b"));
  pb_put(&graph, 1, node_proto("Tanh", "x", "a"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "?,,n"));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  assert_string_equal(read->nodes[0].op, "Tanh");
  assert_string_equal(read->nodes[1].op, "Sigmoid");
  assert_string_equal(read->nodes[2].op, "Relu");
  const or_shape_t *shape = &read->values[read->inputs[0]].shape;
  assert_int_equal(shape->rank, 3);
  assert_int_equal(shape->dims[0], OR_DIM_UNKNOWN);
  assert_int_equal(shape->dims[1], OR_DIM_UNKNOWN); /* an empty name is none */
  assert_int_equal(shape->dims[2], OR_DIM_SYMBOL(0));
  or_graph_release(read);
}

static void gives_every_node_a_name_of_its_own(void **state) {
  (void)state;
  static const char *const names[] = {"a", "a", "", "Relu_2", "a_1", "a"};
  static const char *const values[] = {"x", "v1", "v2", "v3", "v4", "v5", "y"};
  pb_t graph = {.data = NULL};
  for (size_t i = 0; i < 6; ++i) {
    pb_t node = node_proto("Relu", values[i], values[i + 1]);
    pb_text(&node, 3, names[i]);
    pb_put(&graph, 1, node);
  }
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "1"));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  assert_int_equal(read->node_count, 6);
  assert_string_equal(read->nodes[0].name, "a");
  assert_string_equal(read->nodes[1].name, "a_1");
  assert_string_equal(read->nodes[2].name, "Relu_2");
  for (size_t i = 0; i < 6; ++i) {
    for (size_t j = 0; j < i; ++j) assert_string_not_equal(read->nodes[i].name, read->nodes[j].name);
  }
  or_graph_release(read);
}

static void leaves_out_values_with_empty_names(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  const float high = 6;
  pb_put(&graph, 1, node_proto("Clip", "x,,high", "y"));
  pb_put(&graph, 5, raw_tensor_proto("high", OR_FLOAT32, "", &high, sizeof high));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "4"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "4"));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  assert_int_equal(read->nodes[0].input_count, 3);
  assert_int_equal(read->nodes[0].inputs[1], OR_NO_VALUE);
  assert_int_equal(read->nodes[0].inputs[2], value_of(read, "high"));
  or_graph_release(read);
}

/* x + w with w among the inputs and the initializers. */
static pb_t default_model(int64_t ir_version) {
  const float one[2] = {1, 1};
  pb_t graph = {.data = NULL}, model = {.data = NULL};
  pb_put(&graph, 1, node_proto("Add", "x,w", "y"));
  pb_put(&graph, 5, raw_tensor_proto("w", OR_FLOAT32, "2", one, sizeof one));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2"));
  pb_put(&graph, 11, value_proto("w", OR_FLOAT32, "2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "2"));
  pb_int(&model, 1, ir_version);
  pb_put(&model, 7, graph);
  pb_put(&model, 8, opset_proto("ai.onnx", 13));
  return model;
}

static void takes_an_initializer_among_the_inputs_as_its_default(void **state) {
  (void)state;
  or_graph_t *read = NULL;
  expect_ok(read_proto(default_model(4), NULL, &read));
  assert_int_equal(read->input_count, 2);
  assert_non_null(read->values[read->inputs[1]].constant);
  or_graph_release(read);
}

/* Version 3 of the format demanded that every initializer be listed so. */
static void takes_it_as_a_plain_initializer_before_version_4(void **state) {
  (void)state;
  or_graph_t *read = NULL;
  expect_ok(read_proto(default_model(3), NULL, &read));
  assert_int_equal(read->input_count, 1);
  assert_string_equal(read->values[read->inputs[0]].name, "x");
  or_graph_release(read);
}

static void reads_attributes_of_every_kind(void **state) {
  (void)state;
  const float reals[] = {1.5f, -2.0f};
  pb_t attribute = attribute_proto("value_float", 1), graph = {.data = NULL}, node = node_proto("Constant", "", "f");
  pb_float(&attribute, 2, 2.5f);
  pb_put(&node, 5, attribute);
  pb_put(&graph, 1, node);

  node = node_proto("Constant", "", "fs");
  attribute = attribute_proto("value_floats", 6);
  pb_bytes(&attribute, 7, reals, sizeof reals);
  pb_put(&node, 5, attribute);
  pb_put(&graph, 1, node);

  node = node_proto("Constant", "", "is");
  attribute = attribute_proto("value_ints", 0); /* its kind is seen from its field */
  pb_int(&attribute, 8, -7);
  pb_int(&attribute, 8, 9);
  pb_put(&node, 5, attribute);
  pb_put(&graph, 1, node);

  node = node_proto("Constant", "", "t");
  attribute = attribute_proto("value", 4);
  pb_put(&attribute, 5, raw_tensor_proto(NULL, OR_FLOAT32, "2", reals, sizeof reals));
  pb_put(&node, 5, attribute);
  pb_put(&graph, 1, node);

  node = node_proto("MaxPool", "x", "p");
  attribute = attribute_proto("auto_pad", 3);
  pb_text(&attribute, 4, "SAME_UPPER");
  pb_put(&node, 5, attribute);
  attribute = attribute_proto("kernel_shape", 7);
  pb_int(&attribute, 8, 3);
  pb_put(&node, 5, attribute);
  attribute = attribute_proto("storage_order", 2); /* no field: 0 */
  pb_put(&node, 5, attribute);
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1,1,8"));
  for (const char *at = "f,fs,is,t,p"; at != NULL;) {
    char name[64];
    at = next_piece(at, name);
    pb_put(&graph, 12, value_proto(name, name[0] == 'i' ? OR_INT64 : OR_FLOAT32, NULL));
  }

  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  const or_constant_t *constant = read->values[value_of(read, "f")].constant;
  assert_true(*(const float *)constant->data == 2.5f);
  constant = read->values[value_of(read, "fs")].constant;
  assert_memory_equal(constant->data, reals, sizeof reals);
  constant = read->values[value_of(read, "is")].constant;
  assert_int_equal(((const int64_t *)constant->data)[0], -7);
  assert_int_equal(((const int64_t *)constant->data)[1], 9);
  constant = read->values[value_of(read, "t")].constant;
  assert_memory_equal(constant->data, reals, sizeof reals);
  assert_int_equal(read->node_count, 1);
  const or_attribute_t *attributes = read->nodes[0].attributes;
  assert_int_equal(read->nodes[0].attribute_count, 3);
  assert_string_equal(attributes[0].name, "auto_pad");
  assert_int_equal(attributes[0].kind, OR_ATTRIBUTE_STRING);
  assert_int_equal(attributes[0].string.length, 10);
  assert_memory_equal(attributes[0].string.data, "SAME_UPPER", 10);
  assert_int_equal(attributes[1].kind, OR_ATTRIBUTE_INTS);
  assert_int_equal(attributes[1].count, 1);
  assert_int_equal(attributes[1].integers[0], 3);
  assert_int_equal(attributes[2].kind, OR_ATTRIBUTE_INT);
  assert_int_equal(attributes[2].integer, 0);
  assert_int_equal(read->values[value_of(read, "p")].shape.dims[2], 8);
  or_graph_release(read);
}

static void chooses_the_version_of_an_operator_by_the_opset(void **state) {
  (void)state;
  static const struct {
    int opset, version;
  } cases[] = {{7, 1}, {10, 1}, {11, 11}, {12, 11}, {13, 13}, {28, 13}}; /* Softmax: onnx/docs/Operators.md */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    pb_t graph = {.data = NULL};
    or_graph_t *read = NULL;
    pb_put(&graph, 1, node_proto("Softmax", "x", "y"));
    pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1,2"));
    pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "1,2"));
    expect_ok(read_proto(model_proto(graph, cases[i].opset), NULL, &read));
    assert_int_equal(read->nodes[0].version, cases[i].version);
    or_graph_release(read);
  }
}

static void reads_operators_of_other_domains_and_unused_imports(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  pb_t node = node_proto("Copy", "x", "y");
  pb_text(&node, 7, "openruntime");
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "8"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "8"));
  pb_t model = model_proto(graph, 13);
  pb_put(&model, 8, opset_proto("openruntime", 1));
  pb_put(&model, 8, opset_proto("com.example", 999));
  pb_put(&model, 8, opset_proto("ai.onnx", 13)); /* the same again */
  or_graph_t *read = NULL;
  expect_ok(read_proto(model, NULL, &read));
  assert_string_equal(read->nodes[0].domain, "openruntime");
  assert_int_equal(read->nodes[0].version, 1);
  or_graph_release(read);
}

/* What a file claims about extents inside is not believed; what it claims about types is checked. */
static void finds_shapes_itself_whatever_the_file_says(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Relu", "x", "h"));
  pb_put(&graph, 1, node_proto("Relu", "h", "y"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2,3"));
  pb_put(&graph, 13, value_proto("h", OR_FLOAT32, "7"));
  pb_put(&graph, 13, value_proto("nowhere", OR_INT8, "7"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "other,9"));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 13), NULL, &read));
  const or_shape_t *shape = &read->values[read->outputs[0]].shape;
  assert_int_equal(shape->rank, 2);
  assert_int_equal(shape->dims[0], 2);
  assert_int_equal(shape->dims[1], 3);
  assert_int_equal(read->symbol_count, 0);
  or_graph_release(read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_inputs_outputs_symbols_and_nodes),
      cmocka_unit_test(an_output_that_must_be_there_has_a_value),
      cmocka_unit_test(puts_nodes_that_come_in_any_order_into_one_of_execution),
      cmocka_unit_test(gives_every_node_a_name_of_its_own),
      cmocka_unit_test(leaves_out_values_with_empty_names),
      cmocka_unit_test(takes_an_initializer_among_the_inputs_as_its_default),
      cmocka_unit_test(takes_it_as_a_plain_initializer_before_version_4),
      cmocka_unit_test(reads_attributes_of_every_kind),
      cmocka_unit_test(chooses_the_version_of_an_operator_by_the_opset),
      cmocka_unit_test(reads_operators_of_other_domains_and_unused_imports),
      cmocka_unit_test(finds_shapes_itself_whatever_the_file_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
