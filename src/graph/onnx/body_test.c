/* Graphs in attributes: what they see of the graphs around them, and in which order. */
#include "graph/control.h"
#include "graph/onnx/testing.h"

static or_value_id_t value_of(const or_graph_t *graph, const char *name) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, name) == 0) return (or_value_id_t)i;
  }
  return OR_NO_VALUE;
}

static const or_node_t *node_of(const or_graph_t *graph, const char *op) {
  for (size_t i = 0; i < graph->node_count; ++i) {
    if (strcmp(graph->nodes[i].op, op) == 0) return &graph->nodes[i];
  }
  fail_msg("no node of %s", op);
  return NULL;
}

/* A graph of one node and one output, of which it says nothing but the name. */
static pb_t branch(const char *op, const char *inputs, const char *output) {
  pb_t graph = {.data = NULL}, value = {.data = NULL};
  if (op != NULL) pb_put(&graph, 1, node_proto(op, inputs, output));
  pb_text(&value, 1, output);
  pb_put(&graph, 12, value);
  return graph;
}

static void put_graph(pb_t *node, const char *name, pb_t graph) {
  pb_t attribute = {.data = NULL};
  pb_text(&attribute, 1, name);
  pb_put(&attribute, 6, graph);
  pb_int(&attribute, 20, 5);
  pb_put(node, 5, attribute);
}

static pb_t if_node(const char *output, pb_t yes, pb_t no) {
  pb_t node = node_proto("If", "c", output);
  put_graph(&node, "then_branch", yes);
  put_graph(&node, "else_branch", no);
  return node;
}

/* (c, x) -> y by `node`; the caller adds more. */
static pb_t graph_around(pb_t node) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  return graph;
}

static or_graph_t *read_graph(pb_t graph) {
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 16), NULL, &read));
  return read;
}

static void refused(pb_t graph, const or_model_limits_t *limits, or_status_code_t code, const char *words) {
  or_graph_t *read = NULL;
  size_t alive = or_status_live_count();
  expect_failure(read_proto(model_proto(graph, 16), limits, &read), code, words);
  assert_null(read);
  assert_int_equal(or_status_live_count(), alive);
}

static void gives_every_body_what_any_of_them_reads_from_outside(void **state) {
  (void)state;
  pb_t graph = graph_around(if_node("y", branch("Add", "x,h", "t"), branch("Mul", "z,h", "e")));
  pb_put(&graph, 1, node_proto("Relu", "x", "h")); /* after the node whose bodies read it */
  pb_put(&graph, 11, value_proto("z", OR_FLOAT32, "2"));
  or_graph_t *read = read_graph(graph);
  assert_string_equal(read->nodes[0].op, "Relu");
  const or_node_t *node = &read->nodes[1];
  assert_int_equal(node->captured_count, 3);
  assert_int_equal(node->input_count, 4);
  assert_int_equal(node->inputs[0], value_of(read, "c"));
  assert_int_equal(node->inputs[1], value_of(read, "x"));
  assert_int_equal(node->inputs[2], value_of(read, "h"));
  assert_int_equal(node->inputs[3], value_of(read, "z"));
  assert_int_equal(read->body_count, 2);
  static const char *const names[] = {"x", "h", "z"};
  for (size_t b = 0; b < 2; ++b) {
    const or_graph_t *body = or_node_body(node, b);
    assert_int_equal(body->input_count, 3);
    assert_int_equal(body->output_count, 1);
    for (size_t i = 0; i < 3; ++i) assert_string_equal(body->values[body->inputs[i]].name, names[i]);
    assert_int_equal(body->nodes[0].inputs[0], body->inputs[b == 0 ? 0 : 2]);
    assert_int_equal(body->nodes[0].inputs[1], body->inputs[1]);
    assert_int_equal(body->nodes[0].captured_count, 0);
  }
  assert_string_equal(or_node_body(node, 0)->name, "If_0.then_branch");
  assert_int_equal(read->values[value_of(read, "y")].dtype, OR_FLOAT32);
  or_graph_release(read);
}

static void a_body_may_give_what_lies_outside_or_a_constant_of_its_own(void **state) {
  (void)state;
  const float two[2] = {2, 2};
  pb_t no = branch(NULL, "", "w");
  pb_put(&no, 5, raw_tensor_proto("w", OR_FLOAT32, "2", two, sizeof two));
  or_graph_t *read = read_graph(graph_around(if_node("y", branch(NULL, "", "x"), no)));
  const or_node_t *node = node_of(read, "If");
  const or_graph_t *yes_body = or_node_body(node, 0), *no_body = or_node_body(node, 1);
  assert_int_equal(node->captured_count, 1);
  assert_int_equal(yes_body->inputs[0], yes_body->outputs[0]);
  assert_int_equal(no_body->input_count, 1);
  assert_non_null(no_body->values[no_body->outputs[0]].constant);
  assert_int_equal(read->weight_bytes, sizeof two);
  or_graph_release(read);
}

static void what_only_an_inner_body_reads_passes_through_every_level(void **state) {
  (void)state;
  pb_t inner = if_node("i", branch("Add", "x,k", "t"), branch("Relu", "x", "e"));
  pb_t yes = {.data = NULL}, value = {.data = NULL};
  const float k[2] = {1, 2};
  pb_put(&yes, 1, inner);
  pb_put(&yes, 5, raw_tensor_proto("k", OR_FLOAT32, "2", k, sizeof k));
  pb_text(&value, 1, "i");
  pb_put(&yes, 12, value);
  or_graph_t *read = read_graph(graph_around(if_node("y", yes, branch("Relu", "x", "e"))));
  const or_node_t *outer = node_of(read, "If");
  assert_int_equal(outer->captured_count, 2);
  assert_int_equal(outer->inputs[1], value_of(read, "c"));
  assert_int_equal(outer->inputs[2], value_of(read, "x"));
  const or_graph_t *body = or_node_body(outer, 0);
  const or_node_t *node = node_of(body, "If");
  assert_int_equal(node->inputs[0], body->inputs[0]);
  assert_int_equal(node->captured_count, 1); /* x: the body's own k is known */
  assert_int_equal(node->inputs[1], body->inputs[1]);
  assert_non_null(or_node_body(node, 0)->values[value_of(or_node_body(node, 0), "k")].constant);
  or_graph_release(read);
}

static void an_inner_name_hides_an_outer_one(void **state) {
  (void)state;
  pb_t yes = branch("Relu", "x", "t");
  pb_put(&yes, 1, node_proto("Sigmoid", "z", "x")); /* hides the outer x; z is that of outside */
  pb_t graph = graph_around(if_node("y", yes, branch("Relu", "x", "e")));
  pb_put(&graph, 11, value_proto("z", OR_FLOAT32, "2"));
  or_graph_t *read = read_graph(graph);
  const or_node_t *node = node_of(read, "If");
  assert_int_equal(node->captured_count, 2);
  assert_int_equal(node->inputs[1], value_of(read, "z"));
  assert_int_equal(node->inputs[2], value_of(read, "x"));
  const or_graph_t *body = or_node_body(node, 0);
  assert_string_equal(body->nodes[0].op, "Sigmoid");
  assert_int_equal(body->nodes[0].inputs[0], body->inputs[0]);
  assert_int_equal(body->nodes[1].inputs[0], body->nodes[0].outputs[0]);
  assert_string_equal(body->values[body->inputs[1]].name, "x_0"); /* there for the order, and no other's name */
  or_graph_release(read);
}

/* Loop(M, c, x) -> y, r with body (i, k, v) -> (k, w, s). */
static pb_t loop_graph(pb_t body) {
  pb_t node = node_proto("Loop", "m,c,x", "y,r");
  put_graph(&node, "body", body);
  pb_t graph = graph_around(node);
  pb_put(&graph, 11, value_proto("m", OR_INT64, ""));
  pb_put(&graph, 12, value_proto("r", OR_FLOAT32, NULL));
  return graph;
}

static void formal_inputs_come_before_what_is_read_from_outside(void **state) {
  (void)state;
  static const char *const inputs[] = {"i", "k", "v"}, *const outputs[] = {"k", "w", "w"};
  pb_t body = {.data = NULL};
  pb_put(&body, 1, node_proto("Add", "v,x", "w"));
  for (size_t n = 0; n < 3; ++n) {
    pb_t input = {.data = NULL}, output = {.data = NULL};
    pb_text(&input, 1, inputs[n]); /* without a type */
    pb_put(&body, 11, input);
    pb_text(&output, 1, outputs[n]);
    pb_put(&body, 12, output);
  }
  or_graph_t *read = read_graph(loop_graph(body));
  const or_node_t *node = node_of(read, "Loop");
  assert_int_equal(node->input_count, 4);
  assert_int_equal(node->captured_count, 1);
  const or_graph_t *inside = or_node_body(node, 0);
  assert_int_equal(inside->input_count, 4);
  assert_string_equal(inside->values[inside->inputs[2]].name, "v");
  assert_string_equal(inside->values[inside->inputs[3]].name, "x");
  assert_int_equal(inside->outputs[0], inside->inputs[1]);
  assert_int_not_equal(inside->outputs[1], inside->outputs[2]); /* one value in two places is two values */
  assert_int_equal(node_of(inside, "Identity")->outputs[0], inside->outputs[2]);
  assert_int_equal(read->values[value_of(read, "y")].dtype, OR_FLOAT32);
  or_graph_release(read);
}

/* Two that say the same, and one that nobody needs. */
static void nodes_with_bodies_are_neither_merged_nor_kept_for_nothing(void **state) {
  (void)state;
  static const char *const outputs[] = {"a", "b", "unused"};
  pb_t graph = graph_around(node_proto("Add", "a,b", "y"));
  for (size_t i = 0; i < 3; ++i)
    pb_put(&graph, 1, if_node(outputs[i], branch("Relu", "x", "t"), branch("Tanh", "x", "e")));
  or_graph_t *read = read_graph(graph), *special = NULL;
  assert_int_equal(read->node_count, 4);
  const or_graph_binding_t bindings[] = {{.given = true}, {.shape = {.rank = 1, .dims = {2}}, .given = true}};
  expect_ok(or_graph_specialize(read, bindings, false, NULL, &special, NULL));
  assert_int_equal(special->node_count, 3);
  for (size_t n = 0; n < 2; ++n) {
    assert_string_equal(special->nodes[n].op, "If");
    assert_int_equal(special->nodes[n].captured_count, 1);
    assert_non_null(or_node_body(&special->nodes[n], 1));
  }
  assert_string_equal(special->nodes[2].op, "Add");
  or_graph_release(special);
  or_graph_release(read);
}

static void names_both_nodes_where_nobody_produces_what_a_body_reads(void **state) {
  (void)state;
  refused(graph_around(if_node("y", branch("Relu", "x", "t"), branch("Add", "x,nowhere", "e"))), NULL,
          OR_INVALID_ARGUMENT, "node \"If_0\" (If): in its body node \"Add_0\" (Add) reads \"nowhere\"");
  refused(graph_around(if_node("y", branch("Relu", "x", "t"), branch(NULL, "", "nowhere"))), NULL, OR_INVALID_ARGUMENT,
          "node \"If_0\" (If): its body gives \"nowhere\"");
  pb_t outer = {.data = NULL}, value = {.data = NULL};
  pb_put(&outer, 1, if_node("i", branch("Relu", "x", "t"), branch("Tanh", "nowhere", "e")));
  pb_text(&value, 1, "i");
  pb_put(&outer, 12, value);
  refused(graph_around(if_node("y", outer, branch("Relu", "x", "e"))), NULL, OR_INVALID_ARGUMENT,
          "node \"If_0\" (If): in its body node \"Tanh_0\" (Tanh) reads \"nowhere\"");
}

static void refuses_cycles_through_bodies(void **state) {
  (void)state;
  refused(graph_around(if_node("y", branch("Relu", "y", "t"), branch("Relu", "x", "e"))), NULL, OR_INVALID_ARGUMENT,
          "the graph has a cycle: node \"If_0\" (If)");
  pb_t yes = branch("Relu", "b", "t");
  pb_put(&yes, 1, node_proto("Tanh", "t", "b"));
  refused(graph_around(if_node("y", yes, branch("Relu", "x", "e"))), NULL, OR_INVALID_ARGUMENT,
          "node \"If_0\" (If): body \"If_0.then_branch\": the graph has a cycle");
}

static void names_node_and_attribute_of_what_is_wrong_in_a_body(void **state) {
  (void)state;
  pb_t twice = branch("Relu", "x", "t");
  pb_put(&twice, 1, node_proto("Tanh", "x", "t"));
  refused(graph_around(if_node("y", twice, branch("Relu", "x", "e"))), NULL, OR_INVALID_ARGUMENT,
          "body \"If_0.then_branch\": node \"Tanh_1\" (Tanh): output \"t\" is already produced");
  refused(graph_around(if_node("y", (pb_t){.data = NULL}, branch("Relu", "x", "e"))), NULL, OR_INVALID_ARGUMENT,
          "node \"If_0\" (If): attribute \"then_branch\": the graph has no output");
  refused(graph_around(if_node("y", branch("Quaternionize", "x", "t"), branch("Relu", "x", "e"))), NULL,
          OR_UNIMPLEMENTED, "unknown operator");
  pb_t node = node_proto("If", "c", "y"), attribute = {.data = NULL};
  pb_text(&attribute, 1, "then_branch");
  pb_int(&attribute, 20, 5);
  pb_put(&node, 5, attribute);
  refused(graph_around(node), NULL, OR_INVALID_ARGUMENT, "attribute \"then_branch\": it has 0 graphs, expected one");
  node = node_proto("Relu", "x", "y");
  put_graph(&node, "body", branch("Relu", "x", "t"));
  refused(graph_around(node), NULL, OR_INVALID_ARGUMENT, "node \"Relu_0\" (Relu): attribute \"body\": it is a graph");
}

static void counts_nodes_values_and_weights_of_all_graphs_together(void **state) {
  (void)state;
  static const or_model_limits_t limits[] = {{.nodes = 2}, {.values = 5}, {.initializer_bytes = 15}};
  static const char *const words[] = {"more than 2 nodes together, the limit: raise limits.nodes",
                                      "more than 5 values together, the limit: raise limits.values",
                                      "its 8 bytes and the 8 of those before it exceed 15"};
  const float w[2] = {1, 2};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
    pb_t yes = branch("Add", "x,w", "t"), no = branch("Add", "x,w", "e");
    pb_put(&yes, 5, raw_tensor_proto("w", OR_FLOAT32, "2", w, sizeof w));
    pb_put(&no, 5, raw_tensor_proto("w", OR_FLOAT32, "2", w, sizeof w));
    refused(graph_around(if_node("y", yes, no)), &limits[i], OR_RESOURCE_EXHAUSTED, words[i]);
  }
}

static pb_t nested(size_t depth) {
  pb_t graph = branch("Relu", "x", "y");
  for (size_t i = 0; i < depth; ++i) {
    pb_t outer = {.data = NULL}, value = {.data = NULL};
    pb_put(&outer, 1, if_node("y", graph, branch("Relu", "x", "y")));
    pb_text(&value, 1, "y");
    pb_put(&outer, 12, value);
    graph = outer;
  }
  return graph;
}

static pb_t nested_model_graph(size_t depth) {
  pb_t graph = nested(depth);
  pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2"));
  return graph;
}

static void bounds_how_deep_bodies_are_nested(void **state) {
  (void)state;
  const or_model_limits_t three = {.nesting = 3}, far = {.nesting = 1000000};
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(nested_model_graph(3), 16), &three, &read));
  or_graph_release(read);
  refused(nested_model_graph(4), &three, OR_RESOURCE_EXHAUSTED,
          "graphs are nested 4 deep, more than 3, the limit: raise limits.nesting");
  expect_ok(read_proto(model_proto(nested_model_graph(OR_MODEL_MAX_NESTING), 16), NULL, &read));
  or_graph_release(read);
  refused(nested_model_graph(1000), NULL, OR_RESOURCE_EXHAUSTED, "graphs are nested 17 deep, more than 16");
  refused(nested_model_graph(1000), &far, OR_RESOURCE_EXHAUSTED, "graphs are nested 33 deep, more than 32, the limit");
}

static pb_t model_with_everything(void) {
  pb_t yes = branch("Add", "h,k", "t"), no = {.data = NULL}, value = {.data = NULL};
  const float k[2] = {1, 2};
  pb_put(&yes, 5, raw_tensor_proto("k", OR_FLOAT32, "2", k, sizeof k));
  pb_put(&no, 1, if_node("i", branch("Add", "x,h", "t"), branch(NULL, "", "x")));
  pb_text(&value, 1, "i");
  pb_put(&no, 12, value);
  pb_t graph = graph_around(if_node("y", yes, no));
  pb_put(&graph, 1, node_proto("Relu", "x", "h"));
  return model_proto(graph, 16);
}

static or_status_t read_everything(const or_allocator_t *allocator) {
  pb_t model = model_with_everything();
  const or_onnx_source_t source = {.name = "test.onnx", .bytes = model.data, .length = model.length};
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_memory(allocator, &source, NULL, &graph);
  or_graph_release(graph);
  pb_free(&model);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(read_everything);
}

static void refuses_a_model_with_bodies_cut_anywhere(void **state) {
  (void)state;
  pb_t model = model_with_everything();
  for (size_t cut = 0; cut + 4 < model.length; ++cut) { /* the last field, the opset, may be missing whole */
    uint8_t *piece = malloc(cut > 0 ? cut : 1);         /* of that size: a sanitizer sees what is read beyond it */
    assert_non_null(piece);
    memcpy(piece, model.data, cut);
    const or_onnx_source_t source = {.name = "cut", .bytes = piece, .length = cut};
    or_graph_t *graph = NULL;
    or_status_t status = or_onnx_read_memory(or_allocator_system(), &source, NULL, &graph);
    or_status_code_t code = or_status_code(status);
    or_status_ignore(status); /* its code is looked at */
    assert_true(code == OR_DATA_LOSS || code == OR_INVALID_ARGUMENT);
    free(piece);
  }
  pb_free(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_every_body_what_any_of_them_reads_from_outside),
      cmocka_unit_test(a_body_may_give_what_lies_outside_or_a_constant_of_its_own),
      cmocka_unit_test(what_only_an_inner_body_reads_passes_through_every_level),
      cmocka_unit_test(an_inner_name_hides_an_outer_one),
      cmocka_unit_test(formal_inputs_come_before_what_is_read_from_outside),
      cmocka_unit_test(nodes_with_bodies_are_neither_merged_nor_kept_for_nothing),
      cmocka_unit_test(names_both_nodes_where_nobody_produces_what_a_body_reads),
      cmocka_unit_test(refuses_cycles_through_bodies),
      cmocka_unit_test(names_node_and_attribute_of_what_is_wrong_in_a_body),
      cmocka_unit_test(counts_nodes_values_and_weights_of_all_graphs_together),
      cmocka_unit_test(bounds_how_deep_bodies_are_nested),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
      cmocka_unit_test(refuses_a_model_with_bodies_cut_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
