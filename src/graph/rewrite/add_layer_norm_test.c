/* A sum and its norm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static or_value_id_t norm(or_graph_t *graph, or_value_id_t x) {
  graph->opset = 17;
  or_node_t *made = node(graph, "LayerNormalization", "norm",
                         IDS(x, weights(graph, "scale", SHAPE(5)), weights(graph, "bias", SHAPE(5))));
  attribute(made, "epsilon", OR_ATTRIBUTE_FLOAT)->real = 1e-3F;
  return made->outputs[0];
}

static void one_operator_reads_both_summands(void **state) {
  (void)state;
  for (int broadcast = 0; broadcast < 2; ++broadcast) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 5)),
                  z = input(graph, "z", OR_FLOAT32, broadcast ? SHAPE(1, 3, 5) : SHAPE(2, 3, 5));
    or_graph_t *special = rewritten(graph, norm(graph, apply(graph, "Add", "sum", IDS(x, z))));
    assert_int_equal(special->node_count, 1);
    assert_string_equal(special->nodes[0].domain, "openruntime");
    assert_string_equal(special->nodes[0].op, "AddLayerNormalization");
    assert_int_equal(special->nodes[0].output_count, 1);
    assert_int_equal(special->nodes[0].part_count, 2);
    assert_int_equal(found(special, "add+layer norm"), 1);
    assert_same_results(graph, special, 2, 1e-5);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void the_sum_is_given_out_where_it_is_read(void **state) {
  (void)state;
  for (int is_output = 0; is_output < 2; ++is_output) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 5)), z = input(graph, "z", OR_FLOAT32, SHAPE(2, 3, 5));
    or_value_id_t sum = apply(graph, "Add", "sum", IDS(x, z));
    /* before the norm in the file's order */
    or_expect_ok(or_graph_add_output(graph, is_output ? sum : apply(graph, "Sin", "other", IDS(sum))));
    or_graph_t *special = rewritten(graph, norm(graph, sum));
    assert_int_equal(special->node_count, is_output ? 1 : 2);
    assert_int_equal(special->nodes[0].output_count, 2);
    assert_int_equal(special->nodes[0].outputs[1], sum);
    assert_same_results(graph, special, 2, 1e-5);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void a_norm_of_parts_keeps_them_within(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 5)), z = input(graph, "z", OR_FLOAT32, SHAPE(2, 3, 5));
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(x, z));
  or_node_t *mean = node(graph, "ReduceMean", "mean", IDS(sum));
  or_attribute_t *axes = attribute(mean, "axes", OR_ATTRIBUTE_INTS);
  axes->integers = (const int64_t[]){-1};
  axes->count = 1;
  or_value_id_t d = apply(graph, "Sub", "d", IDS(sum, mean->outputs[0]));
  or_node_t *variance = node(graph, "ReduceMean", "variance", IDS(apply(graph, "Mul", "square", IDS(d, d))));
  axes = attribute(variance, "axes", OR_ATTRIBUTE_INTS);
  axes->integers = (const int64_t[]){-1};
  axes->count = 1;
  or_value_id_t shifted = apply(graph, "Add", "shifted", IDS(variance->outputs[0], number(graph, 1e-3)));
  or_value_id_t y = apply(graph, "Div", "y", IDS(d, apply(graph, "Sqrt", "root", IDS(shifted))));
  or_graph_t *special = rewritten(graph, y);
  assert_int_equal(special->node_count, 1);
  assert_string_equal(special->nodes[0].op, "AddLayerNormalization");
  assert_string_equal(special->nodes[0].parts[1].op, "LayerNormalization");
  assert_int_equal(special->nodes[0].parts[1].part_count, 7);
  assert_same_results(graph, special, 2, 1e-5);
  or_graph_release(special);
  or_graph_release(graph);
}

static void a_product_takes_the_sum_first(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4)), z = input(graph, "z", OR_FLOAT32, SHAPE(2, 3, 5));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
  or_graph_t *special = rewritten(graph, norm(graph, apply(graph, "Add", "sum", IDS(product, z))));
  assert_int_equal(special->node_count, 2);
  assert_int_equal(found(special, "matmul epilogue"), 1);
  assert_int_equal(found(special, "add+layer norm"), 0);
  assert_same_results(graph, special, 2, 1e-5);
  or_graph_release(special);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_operator_reads_both_summands, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_sum_is_given_out_where_it_is_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_norm_of_parts_keeps_them_within, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_product_takes_the_sum_first, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
