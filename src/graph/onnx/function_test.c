/* Functions that a model brings along: what a call becomes, and how much of it there may be. */
#include <stdio.h>

#include "graph/control.h"
#include "graph/onnx/testing.h"

static or_value_id_t value_of(const or_graph_t *graph, const char *name) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, name) == 0) return (or_value_id_t)i;
  }
  fail_msg("no value \"%s\"", name);
  return OR_NO_VALUE;
}

/* FunctionProto of domain "local"; lists of names, separated by commas. The caller adds nodes. */
static pb_t function_proto(const char *name, const char *inputs, const char *outputs) {
  pb_t pb = {.data = NULL};
  char piece[64];
  pb_text(&pb, 1, name);
  for (const char *at = inputs[0] != '\0' ? inputs : NULL; at != NULL;) {
    at = next_piece(at, piece);
    pb_text(&pb, 4, piece);
  }
  for (const char *at = outputs[0] != '\0' ? outputs : NULL; at != NULL;) {
    at = next_piece(at, piece);
    pb_text(&pb, 5, piece);
  }
  pb_put(&pb, 9, opset_proto("", 16));
  pb_put(&pb, 9, opset_proto("local", 1));
  pb_text(&pb, 10, "local");
  return pb;
}

static pb_t call_node(const char *op, const char *inputs, const char *outputs, const char *name) {
  pb_t node = node_proto(op, inputs, outputs);
  if (name != NULL) pb_text(&node, 3, name);
  pb_text(&node, 7, "local");
  return node;
}

static pb_t reference(const char *name, int kind, const char *to) {
  pb_t attribute = {.data = NULL};
  pb_text(&attribute, 1, name);
  pb_int(&attribute, 20, kind);
  pb_text(&attribute, 21, to);
  return attribute;
}

static pb_t int_attribute(const char *name, int64_t value) {
  pb_t attribute = {.data = NULL};
  pb_text(&attribute, 1, name);
  pb_int(&attribute, 3, value);
  pb_int(&attribute, 20, 2);
  return attribute;
}

/* x [2,3] -> y by `node`. */
static pb_t graph_of(pb_t node) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "2,3"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  return graph;
}

static pb_t model_of(pb_t graph) {
  pb_t model = model_proto(graph, 16);
  pb_put(&model, 8, opset_proto("local", 1));
  return model;
}

/* "Twice": y = Relu(x) + Relu(x), with a value of its own that is called h. */
static pb_t twice(void) {
  pb_t function = function_proto("Twice", "x", "y");
  pb_put(&function, 7, node_proto("Add", "h,h", "y"));
  pb_put(&function, 7, node_proto("Relu", "x", "h"));
  return function;
}

static or_graph_t *read_model(pb_t model) {
  or_graph_t *read = NULL;
  expect_ok(read_proto(model, NULL, &read));
  return read;
}

static void refused(pb_t model, const or_model_limits_t *limits, or_status_code_t code, const char *words) {
  or_graph_t *read = NULL;
  size_t alive = or_status_live_count();
  expect_failure(read_proto(model, limits, &read), code, words);
  assert_null(read);
  assert_int_equal(or_status_live_count(), alive);
}

static void a_call_becomes_the_nodes_of_the_function(void **state) {
  (void)state;
  pb_t graph = graph_of(call_node("Twice", "x", "a", "first"));
  pb_put(&graph, 1, call_node("Twice", "a", "h", NULL));
  pb_put(&graph, 1, node_proto("Tanh", "h", "y"));
  pb_t model = model_of(graph);
  pb_put(&model, 25, twice());
  or_graph_t *read = read_model(model);
  static const char *const ops[] = {"Relu", "Add", "Relu", "Add", "Tanh"};
  assert_int_equal(read->node_count, 5);
  for (size_t n = 0; n < 5; ++n) {
    assert_string_equal(read->nodes[n].op, ops[n]);
    for (size_t m = 0; m < n; ++m) assert_string_not_equal(read->nodes[n].name, read->nodes[m].name);
    if (n > 0) assert_int_equal(read->nodes[n].inputs[0], read->nodes[n - 1].outputs[0]);
  }
  assert_int_equal(strncmp(read->nodes[0].name, "first/Relu", 10), 0);
  assert_int_equal(read->nodes[0].inputs[0], value_of(read, "x"));
  assert_int_equal(read->nodes[1].outputs[0], value_of(read, "a"));
  assert_string_equal(read->values[read->nodes[0].outputs[0]].name, "first/h");
  assert_int_equal(read->nodes[3].outputs[0], value_of(read, "h")); /* the graph's, not the function's */
  assert_int_equal(read->values[value_of(read, "y")].shape.dims[1], 3);
  or_graph_release(read);
}

static void names_made_for_a_function_are_nobody_elses(void **state) {
  (void)state;
  pb_t graph = graph_of(call_node("Twice", "x", "a", "f"));
  pb_put(&graph, 1, node_proto("Tanh", "a", "f/h"));
  pb_put(&graph, 1, node_proto("Tanh", "f/h", "y"));
  pb_t model = model_of(graph);
  pb_put(&model, 25, twice());
  or_graph_t *read = read_model(model);
  assert_string_equal(read->nodes[2].op, "Tanh");
  assert_int_equal(read->nodes[2].outputs[0], value_of(read, "f/h"));
  assert_int_not_equal(read->nodes[0].outputs[0], read->nodes[2].outputs[0]);
  assert_string_equal(read->values[read->nodes[0].outputs[0]].name, "f/h_0");
  or_graph_release(read);
}

/* "Smooth": Softmax along an attribute of the function, which `declare` makes known: with or without a default. */
static pb_t smooth_model(pb_t call, bool with_default) {
  pb_t function = function_proto("Smooth", "x", "y"), node = node_proto("Softmax", "x", "y");
  pb_put(&node, 5, reference("axis", 2, "along"));
  pb_put(&function, 7, node);
  if (with_default) {
    pb_put(&function, 11, int_attribute("along", 0));
  } else {
    pb_text(&function, 6, "along");
  }
  pb_t model = model_of(graph_of(call));
  pb_put(&model, 25, function);
  return model;
}

static void attributes_are_those_of_the_call_or_their_default_or_left_out(void **state) {
  (void)state;
  pb_t call = call_node("Smooth", "x", "y", NULL);
  pb_put(&call, 5, int_attribute("along", 1));
  or_graph_t *read = read_model(smooth_model(call, true));
  assert_string_equal(read->nodes[0].attributes[0].name, "axis");
  assert_int_equal(read->nodes[0].attributes[0].integer, 1);
  or_graph_release(read);
  read = read_model(smooth_model(call_node("Smooth", "x", "y", NULL), true));
  assert_int_equal(read->nodes[0].attribute_count, 1);
  assert_int_equal(read->nodes[0].attributes[0].integer, 0);
  or_graph_release(read);
  read = read_model(smooth_model(call_node("Smooth", "x", "y", NULL), false));
  assert_int_equal(read->nodes[0].attribute_count, 0);
  or_graph_release(read);
}

static void an_attribute_goes_through_functions_that_call_functions(void **state) {
  (void)state;
  pb_t outer = function_proto("Outer", "x", "y"), inner_call = call_node("Smooth", "x", "y", NULL);
  pb_put(&inner_call, 5, reference("along", 2, "which"));
  pb_put(&outer, 7, inner_call);
  pb_text(&outer, 6, "which");
  for (int given = 0; given < 2; ++given) {
    pb_t call = call_node("Outer", "x", "y", NULL), copy = {.data = NULL};
    if (given) pb_put(&call, 5, int_attribute("which", 1));
    pb_t model = smooth_model(call, true);
    pb_append(&copy, outer.data, outer.length);
    pb_put(&model, 25, copy);
    or_graph_t *read = read_model(model);
    assert_int_equal(read->node_count, 1);
    assert_int_equal(read->nodes[0].attributes[0].integer, given); /* else the default of the inner one */
    or_graph_release(read);
  }
  pb_free(&outer);
}

static void refuses_references_that_lead_nowhere(void **state) {
  (void)state;
  pb_t function = function_proto("Smooth", "x", "y"), node = node_proto("Softmax", "x", "y");
  pb_put(&node, 5, reference("axis", 2, "along"));
  pb_put(&function, 7, node);
  pb_t model = model_of(graph_of(call_node("Smooth", "x", "y", NULL)));
  pb_put(&model, 25, function);
  refused(model, NULL, OR_INVALID_ARGUMENT,
          "attribute \"axis\": it refers to \"along\", which function \"Smooth\" does not have");
  pb_t call = call_node("Smooth", "x", "y", NULL), attribute = {.data = NULL};
  pb_text(&attribute, 1, "along");
  pb_float(&attribute, 2, 1);
  pb_int(&attribute, 20, 1);
  pb_put(&call, 5, attribute);
  refused(smooth_model(call, true), NULL, OR_INVALID_ARGUMENT, "which is of kind 1 there, expected 2");
  call = call_node("Smooth", "x", "y", NULL);
  pb_put(&call, 5, int_attribute("along", 1));
  pb_put(&call, 5, int_attribute("along", 1));
  refused(smooth_model(call, true), NULL, OR_INVALID_ARGUMENT, "there are two attributes \"along\"");
}

/* "Cut": Clip(x, low, high). */
static pb_t cut_model(const char *inputs, const char *outputs) {
  pb_t function = function_proto("Cut", "x,low,high", "y,w,x");
  pb_put(&function, 7, node_proto("Clip", "x,low,high", "y"));
  pb_put(&function, 7, node_proto("Relu", "y", "w"));
  pb_t graph = graph_of(call_node("Cut", inputs, outputs, NULL));
  const float six = 6;
  pb_put(&graph, 5, raw_tensor_proto("six", OR_FLOAT32, "", &six, sizeof six));
  pb_t model = model_of(graph);
  pb_put(&model, 25, function);
  return model;
}

static void inputs_and_outputs_may_be_left_out(void **state) {
  (void)state;
  or_graph_t *read = read_model(cut_model("x,,six", "y"));
  assert_int_equal(read->nodes[0].inputs[1], OR_NO_VALUE);
  assert_int_equal(read->nodes[0].inputs[2], value_of(read, "six"));
  or_graph_release(read);
  read = read_model(cut_model("x", ",y"));
  assert_int_equal(read->nodes[0].inputs[2], OR_NO_VALUE);
  assert_int_equal(read->nodes[1].outputs[0], value_of(read, "y"));
  or_graph_release(read);
  refused(cut_model("x,,,x", "y"), NULL, OR_INVALID_ARGUMENT,
          "the call has 4 inputs and 1 outputs, and function \"Cut\" has 3 and 3 at most");
  refused(cut_model("x", "y,b,d,e"), NULL, OR_INVALID_ARGUMENT, "and 4 outputs");
  refused(cut_model(",six,six", "y,,z"), NULL, OR_INVALID_ARGUMENT,
          "output 2 is the function's input \"x\", which the call leaves out");
}

static void an_output_that_is_an_input_gets_a_node_of_its_own(void **state) {
  (void)state;
  or_graph_t *read = read_model(cut_model("x", ",,y"));
  const or_node_t *last = &read->nodes[2];
  for (size_t n = 0; n < 3; ++n) last = strcmp(read->nodes[n].op, "Identity") == 0 ? &read->nodes[n] : last;
  assert_string_equal(last->op, "Identity");
  assert_int_equal(last->version, 16);
  assert_int_equal(last->inputs[0], value_of(read, "x"));
  assert_int_equal(last->outputs[0], value_of(read, "y"));
  or_graph_release(read);
}

static void a_function_has_the_versions_of_its_own_opsets(void **state) {
  (void)state;
  pb_t function = {.data = NULL};
  pb_text(&function, 1, "Old");
  pb_text(&function, 4, "x");
  pb_text(&function, 5, "y");
  pb_text(&function, 10, "local");
  pb_put(&function, 7, node_proto("Softmax", "x", "h"));
  pb_put(&function, 7, node_proto("Softmax", "h", "y"));
  pb_put(&function, 9, opset_proto("", 11));
  pb_t graph = graph_of(call_node("Old", "x", "z", NULL));
  pb_put(&graph, 1, node_proto("Softmax", "z", "y"));
  pb_t model = model_of(graph);
  pb_put(&model, 25, function);
  or_graph_t *read = read_model(model);
  assert_int_equal(read->nodes[0].version, 11);
  assert_int_equal(read->nodes[2].version, 13);
  or_graph_release(read);
}

static void an_operator_of_the_standard_is_not_replaced(void **state) {
  (void)state;
  static const int64_t opsets[] = {19, 20};
  static const char *const ops[] = {"Tanh", "Gelu"}; /* Gelu came with opset 20 */
  for (size_t i = 0; i < 2; ++i) {
    pb_t function = {.data = NULL};
    pb_text(&function, 1, "Gelu");
    pb_text(&function, 4, "x");
    pb_text(&function, 5, "y");
    pb_put(&function, 7, node_proto("Tanh", "x", "y"));
    pb_put(&function, 9, opset_proto("", opsets[i]));
    pb_t model = model_proto(graph_of(node_proto("Gelu", "x", "y")), opsets[i]);
    pb_put(&model, 25, function);
    or_graph_t *read = read_model(model);
    assert_string_equal(read->nodes[0].op, ops[i]);
    or_graph_release(read);
  }
}

static void overloads_are_functions_of_their_own(void **state) {
  (void)state;
  static const char *const overloads[] = {"", "b"}, *const ops[] = {"Relu", "Tanh"};
  for (size_t chosen = 0; chosen < 2; ++chosen) {
    pb_t call = call_node("F", "x", "y", NULL);
    pb_text(&call, 8, overloads[chosen]);
    pb_t model = model_of(graph_of(call));
    for (size_t i = 0; i < 2; ++i) {
      pb_t function = function_proto("F", "x", "y");
      pb_put(&function, 7, node_proto(ops[i], "x", "y"));
      if (i == 1) pb_text(&function, 13, overloads[i]);
      pb_put(&model, 25, function);
    }
    or_graph_t *read = read_model(model);
    assert_string_equal(read->nodes[0].op, ops[chosen]);
    or_graph_release(read);
  }
  pb_t call = call_node("F", "x", "y", NULL), model;
  pb_text(&call, 8, "none");
  model = model_of(graph_of(call));
  pb_put(&model, 25, function_proto("F", "x", "y"));
  refused(model, NULL, OR_UNIMPLEMENTED, "(local.F, opset 1): unknown operator");
  model = model_of(graph_of(node_proto("Relu", "x", "y")));
  pb_put(&model, 25, twice());
  pb_put(&model, 25, twice());
  refused(model, NULL, OR_INVALID_ARGUMENT, "function \"Twice\": there are two functions of that name");
}

static void bodies_in_functions_see_the_function_and_nothing_around_it(void **state) {
  (void)state;
  for (int missing = 0; missing < 2; ++missing) {
    pb_t function = function_proto("Either", "c,a,left_out", "y"), node = node_proto("If", "c", "y");
    static const char *const names[] = {"then_branch", "else_branch"};
    for (size_t i = 0; i < 2; ++i) {
      pb_t branch = {.data = NULL}, value = {.data = NULL}, attribute = {.data = NULL};
      pb_put(&branch, 1, i == 0 ? node_proto("Clip", "h,left_out", "b") : node_proto("Relu", missing ? "x" : "a", "b"));
      pb_text(&value, 1, "b");
      pb_put(&branch, 12, value);
      pb_text(&attribute, 1, names[i]);
      pb_put(&attribute, 6, branch);
      pb_int(&attribute, 20, 5);
      pb_put(&node, 5, attribute);
    }
    pb_put(&function, 7, node);
    pb_put(&function, 7, node_proto("Tanh", "a", "h"));
    pb_t graph = graph_of(call_node("Either", "c,x", "y", "call"));
    pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
    pb_t model = model_of(graph);
    pb_put(&model, 25, function);
    if (missing) {
      refused(model, NULL, OR_INVALID_ARGUMENT, "in its body node \"Relu_0\" (Relu) reads \"call/x\"");
      continue;
    }
    or_graph_t *read = read_model(model);
    const or_node_t *control = &read->nodes[1];
    assert_string_equal(control->op, "If");
    assert_int_equal(control->captured_count, 2);
    assert_int_equal(control->inputs[1], read->nodes[0].outputs[0]); /* h of the function */
    assert_int_equal(control->inputs[2], value_of(read, "x"));       /* what it calls a */
    const or_graph_t *yes = or_node_body(control, 0);
    assert_int_equal(yes->nodes[0].inputs[0], yes->inputs[0]);
    assert_int_equal(yes->nodes[0].inputs[1], OR_NO_VALUE);
    or_graph_release(read);
  }
}

/* f0 has one node, and each of `levels` others calls the one before twice. */
static pb_t doubling_model(int levels, bool empty) {
  char name[16], below[16];
  (void)snprintf(name, sizeof name, "f%d", levels);
  pb_t model = model_of(graph_of(call_node(name, "x", "y", NULL)));
  for (int i = 0; i <= levels; ++i) {
    (void)snprintf(name, sizeof name, "f%d", i);
    (void)snprintf(below, sizeof below, "f%d", i - 1);
    pb_t function = function_proto(name, "x", empty ? "x" : "y");
    if (i == 0) {
      if (!empty) pb_put(&function, 7, node_proto("Relu", "x", "y"));
    } else {
      pb_put(&function, 7, call_node(below, "x", empty ? "" : "h", NULL));
      pb_put(&function, 7, call_node(below, empty ? "x" : "h", empty ? "" : "y", NULL));
    }
    pb_put(&model, 25, function);
  }
  return model;
}

static void refuses_what_grows_too_large_before_it_grows(void **state) {
  (void)state;
  const or_model_limits_t deep = {.nesting = 64}, small = {.file_bytes = 2000};
  or_graph_t *read = read_model(doubling_model(10, false));
  assert_int_equal(read->node_count, 1024);
  or_graph_release(read);
  refused(doubling_model(60, false), NULL, OR_RESOURCE_EXHAUSTED,
          "functions call functions more than 16 deep, the limit: raise limits.nesting");
  refused(doubling_model(30, false), &deep, OR_RESOURCE_EXHAUSTED,
          "function \"f30\" becomes 3221225471 nodes and calls here, with the 0 before it more than 200000");
  refused(doubling_model(30, true), &deep, OR_RESOURCE_EXHAUSTED, "raise limits.nodes"); /* of calls alone */
  refused(doubling_model(10, false), &small, OR_RESOURCE_EXHAUSTED, "raise limits.file_bytes");
}

static void refuses_functions_that_call_themselves(void **state) {
  (void)state;
  pb_t model = model_of(graph_of(call_node("A", "x", "y", NULL)));
  static const char *const names[] = {"A", "B"};
  for (size_t i = 0; i < 2; ++i) {
    pb_t function = function_proto(names[i], "x", "y");
    pb_put(&function, 7, call_node(names[1 - i], "x", "y", NULL));
    pb_put(&model, 25, function);
  }
  refused(model, NULL, OR_INVALID_ARGUMENT,
          "function \"A\": function \"B\": it calls \"A\", which is to be made of it: recursion has no end");
}

static void says_which_function_does_not_give_what_it_should(void **state) {
  (void)state;
  pb_t function = function_proto("Nothing", "x", "y"), model = model_of(graph_of(call_node("Nothing", "x", "y", NULL)));
  pb_put(&model, 25, function);
  refused(model, NULL, OR_INVALID_ARGUMENT, "output \"y\" of the graph is produced by no node");
  function = function_proto("Half", "x", "y");
  pb_put(&function, 7, node_proto("Add", "x,gone", "y"));
  model = model_of(graph_of(call_node("Half", "x", "y", "call")));
  pb_put(&model, 25, function);
  refused(model, NULL, OR_INVALID_ARGUMENT, "input \"call/gone\" is produced by no node");
  function = function_proto("Same", "x,x", "y");
  model = model_of(graph_of(call_node("Same", "x", "y", NULL)));
  pb_put(&model, 25, function);
  refused(model, NULL, OR_INVALID_ARGUMENT, "there are two inputs \"x\" of the function");
  function = function_proto("New", "x", "y");
  pb_put(&function, 9, opset_proto("", 99));
  model = model_of(graph_of(call_node("New", "x", "y", NULL)));
  pb_put(&model, 25, function);
  refused(model, NULL, OR_INVALID_ARGUMENT, "two opsets of domain");
}

static or_status_t read_calls(const or_allocator_t *allocator) {
  pb_t call = call_node("Smooth", "x", "y", NULL);
  pb_put(&call, 5, int_attribute("along", 1));
  pb_t model = smooth_model(call, true);
  pb_put(&model, 25, twice());
  const or_onnx_source_t source = {.name = "test.onnx", .bytes = model.data, .length = model.length};
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_memory(allocator, &source, NULL, &graph);
  or_graph_release(graph);
  pb_free(&model);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(read_calls);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_becomes_the_nodes_of_the_function),
      cmocka_unit_test(names_made_for_a_function_are_nobody_elses),
      cmocka_unit_test(attributes_are_those_of_the_call_or_their_default_or_left_out),
      cmocka_unit_test(an_attribute_goes_through_functions_that_call_functions),
      cmocka_unit_test(refuses_references_that_lead_nowhere),
      cmocka_unit_test(inputs_and_outputs_may_be_left_out),
      cmocka_unit_test(an_output_that_is_an_input_gets_a_node_of_its_own),
      cmocka_unit_test(a_function_has_the_versions_of_its_own_opsets),
      cmocka_unit_test(an_operator_of_the_standard_is_not_replaced),
      cmocka_unit_test(overloads_are_functions_of_their_own),
      cmocka_unit_test(bodies_in_functions_see_the_function_and_nothing_around_it),
      cmocka_unit_test(refuses_what_grows_too_large_before_it_grows),
      cmocka_unit_test(refuses_functions_that_call_themselves),
      cmocka_unit_test(says_which_function_does_not_give_what_it_should),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
