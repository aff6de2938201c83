/* Common subexpressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static void computes_once_what_stands_twice(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 4));
  or_value_id_t sides[2];
  for (int i = 0; i < 2; ++i) { /* the numbers are two constants with the same content */
    or_value_id_t scaled = apply(graph, "Mul", i == 0 ? "scaled" : "scaled again", IDS(x, number(graph, 3)));
    sides[i] = apply(graph, "Cos", i == 0 ? "side" : "other side", IDS(scaled));
  }
  or_graph_t *special = rewritten(graph, apply(graph, "Sub", "y", IDS(sides[0], sides[1])));
  assert_int_equal(special->node_count, 3);
  assert_int_equal(special->nodes[2].inputs[0], sides[0]);
  assert_int_equal(special->nodes[2].inputs[1], sides[0]);
  assert_int_equal(found(special, "common subexpression"), 2);
  assert_int_equal(special->counts.removed, 2);
  assert_same_results(graph, special, 1, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

/* One of: another number, another attribute, operands the other way round, an output, nothing (shared). */
static void shares_only_what_is_the_same(void **state) {
  (void)state;
  for (int difference = 0; difference < 5; ++difference) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 4)), z = input(graph, "z", OR_FLOAT32, SHAPE(3, 4));
    or_value_id_t sides[2];
    for (int i = 0; i < 2; ++i) {
      bool other = i == 1;
      or_value_id_t a = apply(graph, "Add", "a", IDS(x, number(graph, other && difference == 0 ? 2 : 1)));
      or_node_t *elu = node(graph, "Elu", "b", IDS(a));
      attribute(elu, "alpha", OR_ATTRIBUTE_FLOAT)->real = other && difference == 1 ? 0.5F : 0.25F;
      or_value_id_t b = elu->outputs[0];
      sides[i] = other && difference == 2 ? apply(graph, "Sub", "c", IDS(z, b)) : apply(graph, "Sub", "c", IDS(b, z));
    }
    if (difference == 3) or_expect_ok(or_graph_add_output(graph, sides[1]));
    or_graph_t *special = rewritten(graph, apply(graph, "Mul", "y", IDS(sides[0], sides[1])));
    static const size_t nodes[] = {7, 6, 5, 5, 4};
    assert_int_equal(special->node_count, nodes[difference]);
    assert_same_results(graph, special, 1, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void leaves_compute_tasks_alone(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_value_id_t copies[2];
  for (int i = 0; i < 2; ++i) {
    or_node_t *copy = node(graph, "Identity", "copy", IDS(x));
    copy->domain = "openruntime";
    copy->op = "Copy";
    copy->definition = or_op_find("openruntime", "Copy");
    copy->version = 1;
    copies[i] = copy->outputs[0];
  }
  or_graph_t *special = rewritten(graph, apply(graph, "Add", "y", IDS(copies[0], copies[1])));
  assert_int_equal(special->node_count, 3);
  or_graph_release(special);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(computes_once_what_stands_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(shares_only_what_is_the_same, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_compute_tasks_alone, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
