/* Reshapes and transpositions in a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static or_value_id_t reshape(or_graph_t *graph, const char *name, or_value_id_t x, size_t rank, const int64_t *shape) {
  return apply(graph, "Reshape", name, IDS(x, integers(graph, "shape", rank, shape)));
}

static or_value_id_t transpose(or_graph_t *graph, const char *name, or_value_id_t x, size_t rank, const int64_t *perm) {
  or_node_t *made = node(graph, "Transpose", name, IDS(x));
  or_attribute_t *order = attribute(made, "perm", OR_ATTRIBUTE_INTS);
  order->integers = perm;
  order->count = rank;
  return made->outputs[0];
}
#define DIMS(...) (sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), ((const int64_t[]){__VA_ARGS__})

static or_value_id_t end(or_graph_t *graph, or_value_id_t value) { return apply(graph, "Cos", "end", IDS(value)); }

static void one_reshape_does_for_several(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4));
  or_value_id_t y = reshape(graph, "a", x, DIMS(6, 4));
  y = apply(graph, "Unsqueeze", "b", IDS(y, integers(graph, "axes", 1, (const int64_t[]){0})));
  y = reshape(graph, "c", y, DIMS(-1, 2));
  or_graph_t *special = rewritten(graph, end(graph, y));
  assert_int_equal(special->node_count, 2);
  assert_string_equal(special->nodes[0].op, "Reshape");
  assert_int_equal(special->nodes[0].inputs[0], x);
  assert_int_equal(found(special, "reshape chain"), 2);
  assert_same_results(graph, special, 1, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void a_reshape_that_is_taken_back_goes(void **state) {
  (void)state;
  for (int is_output = 0; is_output < 2; ++is_output) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = apply(graph, "Sin", "start", IDS(input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4))));
    or_value_id_t y = reshape(graph, "b", reshape(graph, "a", x, DIMS(6, 4)), DIMS(2, 3, 4));
    or_graph_t *special = rewritten(graph, is_output ? y : end(graph, y));
    assert_int_equal(special->node_count, 2);
    assert_int_equal(special->nodes[1].inputs[0], x);
    assert_string_equal(special->nodes[1].op, is_output ? "Reshape" : "Cos");
    assert_same_results(graph, special, 1, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void what_others_read_stays(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4));
  or_value_id_t first = reshape(graph, "a", x, DIMS(6, 4));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Sin", "other", IDS(first))));
  or_graph_t *special = rewritten(graph, end(graph, reshape(graph, "b", first, DIMS(3, 8))));
  assert_int_equal(special->node_count, 4);
  assert_int_equal(node_named(special, "b")->inputs[0], x);
  assert_same_results(graph, special, 1, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void transpositions_are_composed(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4, 5));
  or_value_id_t y = transpose(graph, "b", transpose(graph, "a", x, DIMS(0, 2, 3, 1)), DIMS(1, 0, 3, 2));
  or_graph_t *special = rewritten(graph, end(graph, y));
  assert_int_equal(special->node_count, 2);
  static const int64_t composed[] = {2, 0, 1, 3};
  assert_memory_equal(special->nodes[0].attributes[0].integers, composed, sizeof composed);
  assert_same_results(graph, special, 1, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void transpositions_that_cancel_go(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4));
  or_value_id_t y = transpose(graph, "b", transpose(graph, "a", x, DIMS(1, 2, 0)), DIMS(2, 0, 1));
  or_value_id_t backwards = apply(graph, "Transpose", "d", IDS(apply(graph, "Transpose", "c", IDS(y))));
  or_graph_t *special = rewritten(graph, end(graph, backwards));
  assert_int_equal(special->node_count, 1);
  assert_same_results(graph, special, 1, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void it_is_composed_with_the_one_before(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 4, 3, 5));
  or_value_id_t y = reshape(graph, "a", transpose(graph, "heads", x, DIMS(0, 2, 1, 3)), DIMS(-1, 4, 5));
  y = reshape(graph, "c", transpose(graph, "b", y, DIMS(0, 2, 1)), DIMS(2, 3, 5, 4));
  or_graph_t *special = rewritten(graph, end(graph, y));
  assert_int_equal(special->node_count, 2);
  static const int64_t composed[] = {0, 2, 3, 1};
  assert_int_equal(special->nodes[0].inputs[0], x);
  assert_memory_equal(special->nodes[0].attributes[0].integers, composed, sizeof composed);
  assert_same_results(graph, special, 1, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

/* As exporters swap the last axes of keys. */
static void a_transposition_between_reshapes_is_one_of_the_last_axes(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 2; ++wrong) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4, 5));
    or_value_id_t y = transpose(graph, "b", reshape(graph, "a", x, DIMS(-1, 4, 5)), DIMS(0, 2, 1));
    y = wrong ? reshape(graph, "c", y, DIMS(3, 2, 5, 4)) : reshape(graph, "c", y, DIMS(2, 3, 5, 4));
    or_graph_t *special = rewritten(graph, end(graph, y));
    assert_int_equal(special->node_count, wrong ? 4 : 2);
    if (!wrong) {
      static const int64_t swapped[] = {0, 1, 3, 2};
      assert_string_equal(special->nodes[0].op, "Transpose");
      assert_memory_equal(special->nodes[0].attributes[0].integers, swapped, sizeof swapped);
    }
    assert_same_results(graph, special, 1, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_reshape_does_for_several, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_reshape_that_is_taken_back_goes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_others_read_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(transpositions_are_composed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(transpositions_that_cancel_go, set_up, tear_down),
      cmocka_unit_test_setup_teardown(it_is_composed_with_the_one_before, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_transposition_between_reshapes_is_one_of_the_last_axes, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
