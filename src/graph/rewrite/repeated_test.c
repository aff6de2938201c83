/* Common subexpressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
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

/* Of one seed the numbers are known, and the whole is a constant; without one each node draws its own in every run. */
static void draws_anew_where_no_seed_says_the_numbers(void **state) {
  (void)state;
  for (int seeded = 0; seeded < 2; ++seeded) {
    static const int64_t eight = 8;
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t drawn[2];
    for (int i = 0; i < 2; ++i) {
      or_node_t *uniform = node(graph, "RandomUniform", i == 0 ? "one" : "other", NULL, 0);
      or_attribute_t *shape = attribute(uniform, "shape", OR_ATTRIBUTE_INTS);
      shape->integers = &eight;
      shape->count = 1;
      if (seeded) attribute(uniform, "seed", OR_ATTRIBUTE_FLOAT)->real = 4;
      drawn[i] = uniform->outputs[0];
    }
    or_graph_t *special = rewritten(graph, apply(graph, "Sub", "y", IDS(drawn[0], drawn[1])));
    assert_int_equal(special->node_count, seeded ? 0 : 3);
    assert_int_equal(found(special, "common subexpression"), 0);
    if (seeded) {
      const float *difference = special->values[special->outputs[0]].constant->data;
      for (size_t i = 0; i < 8; ++i) assert_true(difference[i] == 0);
    } else {
      float runs[2][8] = {{0}};
      for (size_t run = 0; run < 2; ++run) run_by_reference(special, NULL, (void *[]){runs[run]});
      assert_memory_not_equal(runs[0], runs[1], sizeof runs[0]);
      assert_memory_not_equal(runs[0], ((float[8]){0}), sizeof runs[0]);
    }
    or_graph_release(special);
    or_graph_release(graph);
  }
}

/* What is drawn by one seed from one input that is not known is drawn once. */
static void shares_what_a_seed_repeats(void **state) {
  (void)state;
  for (int seeded = 0; seeded < 2; ++seeded) {
    or_graph_t *graph = new_graph(&memory.base);
    graph->opset = 15;
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(64));
    or_value_id_t drawn[2];
    for (int i = 0; i < 2; ++i) {
      or_node_t *bernoulli = node(graph, "Bernoulli", i == 0 ? "one" : "other", IDS(x));
      if (seeded) attribute(bernoulli, "seed", OR_ATTRIBUTE_FLOAT)->real = 4;
      drawn[i] = bernoulli->outputs[0];
    }
    or_graph_t *special = rewritten(graph, apply(graph, "Sub", "y", IDS(drawn[0], drawn[1])));
    assert_int_equal(special->node_count, seeded ? 2 : 3);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(computes_once_what_stands_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(shares_only_what_is_the_same, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_compute_tasks_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(draws_anew_where_no_seed_says_the_numbers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(shares_what_a_seed_repeats, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
