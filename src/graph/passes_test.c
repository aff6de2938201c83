/* Pruning, deciding inputs, specialising. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"

static void removes_nodes_that_no_output_needs(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_value_id_t unused = apply(graph, "Tanh", "unused", IDS(x));
  (void)apply(graph, "Neg", "unused_too", IDS(unused));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Relu", "used", IDS(x))));
  finish_graph(graph);
  or_graph_pass_counts_t counts = {0};
  or_expect_ok(or_graph_prune(graph, &counts));
  assert_int_equal(counts.removed, 2);
  assert_int_equal(graph->node_count, 1);
  assert_string_equal(graph->nodes[0].name, "used");
  or_graph_release(graph);
}

static void passes_by_identities_in_a_row(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_value_id_t i = apply(graph, "Identity", "i", IDS(apply(graph, "Identity", "j", IDS(x))));
  or_node_t *same = node(graph, "Cast", "same", IDS(i));
  attribute(same, "to", OR_ATTRIBUTE_INT)->integer = OR_FLOAT32;
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Relu", "y", IDS(same->outputs[0]))));
  finish_graph(graph);
  or_expect_ok(or_graph_prune(graph, NULL));
  assert_int_equal(graph->node_count, 1);
  assert_int_equal(graph->nodes[0].inputs[0], x);
  or_graph_release(graph);
}

static void keeps_the_output_of_the_graph_when_an_identity_makes_it(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_value_id_t relu = apply(graph, "Relu", "relu", IDS(x));
  or_value_id_t y = apply(graph, "Identity", "y", IDS(relu));
  or_value_id_t z = apply(graph, "Neg", "z", IDS(relu)); /* reads what the identity read */
  or_expect_ok(or_graph_add_output(graph, y));
  or_expect_ok(or_graph_add_output(graph, z));
  finish_graph(graph);
  or_expect_ok(or_graph_prune(graph, NULL));
  assert_int_equal(graph->node_count, 2);
  assert_int_equal(node_named(graph, "relu")->outputs[0], y);
  assert_int_equal(node_named(graph, "z")->inputs[0], y);
  or_graph_release(graph);
}

static or_status_t dropout_infer(or_op_call_t *call) {
  for (uint32_t i = 0; i < call->output_count; ++i) {
    call->outputs[i].dtype = i == 0 ? call->inputs[0].dtype : OR_BOOL;
    call->outputs[i].shape = call->inputs[0].shape;
  }
  return or_status_success();
}

/* x -> Dropout [and its mask] -> Relu; form 1: the mask is left out, 2: read, 3: training_mode false, 4: true. */
static or_graph_t *with_dropout(int form) {
  static const or_op_t dropout = {.domain = "",
                                  .name = "Dropout",
                                  .since = {13},
                                  .input_min = 1,
                                  .input_max = 3,
                                  .output_min = 1,
                                  .output_max = 2,
                                  .dtypes = OR_OP_FLOATS,
                                  .infer = dropout_infer};
  const bool training = form == 4;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2)), dropped = value(graph, "dropped");
  or_value_id_t mask = form == 0 ? OR_NO_VALUE : value(graph, "mask");
  or_value_id_t mode = constant(graph, "mode", OR_BOOL, or_shape_make(0, NULL), &training);
  or_node_t *made = NULL;
  or_expect_ok(or_graph_add_node(graph, "dropout", form > 2 ? 3 : 1, form == 0 ? 1 : 2, 0, &made));
  made->op = "Dropout";
  made->definition = &dropout;
  made->version = 13;
  ((or_value_id_t *)made->inputs)[0] = x;
  if (form > 2) ((or_value_id_t *)made->inputs)[2] = mode;
  ((or_value_id_t *)made->outputs)[0] = dropped;
  if (form > 0) ((or_value_id_t *)made->outputs)[1] = mask;
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Relu", "y", IDS(dropped))));
  if (form == 2) or_expect_ok(or_graph_add_output(graph, apply(graph, "Not", "n", IDS(mask))));
  finish_graph(graph);
  return graph;
}

static void passes_by_a_dropout_that_is_not_in_training(void **state) {
  (void)state;
  for (int form = 0; form < 5; ++form) {
    or_graph_t *graph = with_dropout(form), *special = NULL;
    or_expect_ok(specialize_static(graph, true, &special));
    bool stays = form == 2 || form == 4;
    assert_int_equal(node_named(special, "dropout") != NULL, stays);
    if (!stays) assert_int_equal(special->nodes[0].inputs[0], graph->inputs[0]);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void keeps_an_identity_between_an_input_and_an_output(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Identity", "y", IDS(x))));
  finish_graph(graph);
  or_expect_ok(or_graph_prune(graph, NULL));
  assert_int_equal(graph->node_count, 1);
  or_graph_release(graph);
}

static void keeps_an_identity_between_two_outputs(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t relu = apply(graph, "Relu", "relu", IDS(input(graph, "x", OR_FLOAT32, SHAPE(2))));
  or_expect_ok(or_graph_add_output(graph, relu));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Identity", "y", IDS(relu))));
  finish_graph(graph);
  or_expect_ok(or_graph_prune(graph, NULL));
  assert_int_equal(graph->node_count, 2);
  assert_int_equal(node_named(graph, "relu")->outputs[0], relu);
  or_graph_release(graph);
}

static void keeps_a_cast_that_changes_the_type(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_node_t *cast = node(graph, "Cast", "cast", IDS(x));
  attribute(cast, "to", OR_ATTRIBUTE_INT)->integer = OR_INT64;
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "y", IDS(cast->outputs[0]))));
  finish_graph(graph);
  or_expect_ok(or_graph_prune(graph, NULL));
  assert_int_equal(graph->node_count, 2);
  or_graph_release(graph);
}

/* Reshape(x, a * b), where a is given at run time; s reads only the extents of c. */
static or_graph_t *reshape_by_input(void) {
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(6));
  or_value_id_t a = input(graph, "a", OR_INT64, SHAPE(2));
  size_t symbol = 0;
  or_expect_ok(or_graph_symbol(graph, "rows", 4, &symbol)); /* so that the shape is not known at once */
  or_value_id_t c = input(graph, "c", OR_FLOAT32, SHAPE(OR_DIM_SYMBOL(symbol), 2));
  or_value_id_t target = apply(graph, "Mul", "target", IDS(a, apply(graph, "Shape", "s", IDS(c))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Reshape", "y", IDS(x, target))));
  finish_graph(graph);
  return graph;
}

static void finds_the_inputs_whose_values_decide_a_shape(void **state) {
  (void)state;
  or_graph_t *graph = reshape_by_input();
  bool deciding[3] = {0};
  or_expect_ok(or_graph_deciding_inputs(graph, deciding));
  assert_false(deciding[0]);
  assert_true(deciding[1]);
  assert_false(deciding[2]); /* through Shape only */
  or_graph_release(graph);
}

static void a_deciding_input_becomes_a_constant_and_stays_an_input(void **state) {
  (void)state;
  or_graph_t *graph = reshape_by_input();
  or_graph_t *special = NULL;
  const int64_t a[2] = {3, 1}; /* times [1,2] */
  or_graph_binding_t bindings[3] = {{.shape = SHAPE(6), .given = true},
                                    {.shape = SHAPE(2), .data = a, .given = true},
                                    {.shape = SHAPE(1, 2), .given = true}};
  or_expect_ok(or_graph_specialize(graph, bindings, false, NULL, &special, NULL));
  assert_int_equal(special->input_count, 3);
  assert_non_null(special->values[special->inputs[1]].constant);
  or_shape_t expected = SHAPE(3, 2);
  assert_true(or_shape_equal(&special->values[special->outputs[0]].shape, &expected));
  assert_null(graph->values[graph->inputs[1]].constant);
  or_graph_release(special);
  or_graph_release(graph);
}

static void refuses_a_shape_that_depends_on_data_and_names_the_node(void **state) {
  (void)state;
  or_graph_t *graph = reshape_by_input();
  or_graph_t *special = NULL;
  graph->values[graph->inputs[2]].shape.dims[0] = 1;
  or_expect_words(specialize_static(graph, false, &special), OR_UNIMPLEMENTED,
                  "node \"y\" (Reshape, opset 13): the shape of output \"y\"");
  assert_null(special);
  or_graph_release(graph);
}

static void a_declared_shape_is_no_proof_in_a_shape_class(void **state) {
  (void)state;
  or_graph_t *graph = reshape_by_input();
  or_graph_t *special = NULL;
  graph->values[graph->inputs[2]].shape.dims[0] = 1;
  graph->values[graph->outputs[0]].shape = SHAPE(2, 3); /* what the file says */
  or_expect(specialize_static(graph, false, &special), OR_UNIMPLEMENTED);
  or_graph_release(graph);
}

static void refuses_inputs_that_give_a_symbol_two_extents(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  size_t symbol = 0;
  or_expect_ok(or_graph_symbol(graph, "batch", 5, &symbol));
  or_value_id_t a = input(graph, "a", OR_FLOAT32, SHAPE(OR_DIM_SYMBOL(symbol), 2));
  or_value_id_t b = input(graph, "b", OR_FLOAT32, SHAPE(OR_DIM_SYMBOL(symbol), 2));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Add", "y", IDS(a, b))));
  finish_graph(graph);
  or_graph_t *special = NULL;
  or_graph_binding_t bindings[2] = {{.shape = SHAPE(3, 2), .given = true}, {.shape = SHAPE(1, 2), .given = true}};
  or_expect_words(or_graph_specialize(graph, bindings, false, NULL, &special, NULL), OR_INVALID_ARGUMENT,
                  "input \"b\": dimension 0 (\"batch\") is 1, and an earlier input has 3");
  bindings[1].shape = SHAPE(3, 5);
  or_expect_words(or_graph_specialize(graph, bindings, false, NULL, &special, NULL), OR_INVALID_ARGUMENT,
                  "input \"b\": expected shape [batch,2], got [3,5]");
  bindings[1].given = false;
  or_expect_words(or_graph_specialize(graph, bindings, false, NULL, &special, NULL), OR_INVALID_ARGUMENT,
                  "input \"b\" is missing");
  or_graph_release(graph);
}

static void bounds_the_elements_of_a_deciding_input(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t a = input(graph, "a", OR_INT64, SHAPE(OR_GRAPH_DECIDING_ELEMENTS + 1));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "y", IDS(a))));
  finish_graph(graph);
  or_graph_t *special = NULL;
  static const int64_t zeros[OR_GRAPH_DECIDING_ELEMENTS + 1];
  or_graph_binding_t binding = {.shape = SHAPE(OR_GRAPH_DECIDING_ELEMENTS + 1), .data = zeros, .given = true};
  or_expect_words(or_graph_specialize(graph, &binding, false, NULL, &special, NULL), OR_UNIMPLEMENTED, "at most 4096");
  or_graph_release(graph);
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  const int64_t a[2] = {3, 1};
  or_graph_binding_t bindings[3] = {{.shape = SHAPE(6), .given = true},
                                    {.shape = SHAPE(2), .data = a, .given = true},
                                    {.shape = SHAPE(1, 2), .given = true}};
  graph = reshape_by_input();
  size_t before = memory.live_bytes;
  for (size_t n = 1;; ++n) {
    or_graph_t *special = NULL;
    memory.fail_at = memory.alloc_count + n;
    or_status_t status = or_graph_specialize(graph, bindings, false, NULL, &special, NULL);
    memory.fail_at = 0;
    if (or_ok(status)) {
      or_graph_release(special);
      break;
    }
    or_expect(status, OR_RESOURCE_EXHAUSTED);
    assert_int_equal(memory.live_bytes, before);
  }
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(removes_nodes_that_no_output_needs, set_up, tear_down),
      cmocka_unit_test_setup_teardown(passes_by_identities_in_a_row, set_up, tear_down),
      cmocka_unit_test_setup_teardown(passes_by_a_dropout_that_is_not_in_training, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_the_output_of_the_graph_when_an_identity_makes_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_an_identity_between_an_input_and_an_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_an_identity_between_two_outputs, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_a_cast_that_changes_the_type, set_up, tear_down),
      cmocka_unit_test_setup_teardown(finds_the_inputs_whose_values_decide_a_shape, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_deciding_input_becomes_a_constant_and_stays_an_input, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_shape_that_depends_on_data_and_names_the_node, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_declared_shape_is_no_proof_in_a_shape_class, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_inputs_that_give_a_symbol_two_extents, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bounds_the_elements_of_a_deciding_input, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_back_every_byte_when_the_nth_allocation_fails, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
