/* Sums of looked-up rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static or_value_id_t look_up(or_graph_t *graph, const char *name, int64_t columns, or_value_id_t indices) {
  return apply(graph, "Gather", name, IDS(weights(graph, "table", SHAPE(5, columns)), indices));
}

static void one_operator_reads_all_tables(void **state) {
  (void)state;
  for (int form = 0; form < 3; ++form) { /* two; three one way and the other */
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t ids = input(graph, "ids", OR_INT64, SHAPE(2, 3)), at = input(graph, "at", OR_INT64, SHAPE(1, 3));
    or_value_id_t words = look_up(graph, "words", 4, ids), places = look_up(graph, "places", 4, at);
    or_value_id_t sum = apply(graph, "Add", "sum", IDS(words, places));
    if (form > 0) {
      or_value_id_t kinds = look_up(graph, "kinds", 4, ids);
      sum = form == 1 ? apply(graph, "Add", "all", IDS(sum, kinds)) : apply(graph, "Add", "all", IDS(kinds, sum));
    }
    or_graph_t *special = rewritten(graph, sum);
    assert_int_equal(special->node_count, 1);
    assert_string_equal(special->nodes[0].domain, "openruntime");
    assert_string_equal(special->nodes[0].op, "EmbeddingSum");
    assert_int_equal(special->nodes[0].input_count, form == 0 ? 4 : 6);
    assert_int_equal(special->nodes[0].part_count, form == 0 ? 3 : 5);
    assert_int_equal(found(special, "embedding sum"), 1);
    assert_same_results(graph, special, 1, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void with_a_known_place_and_the_norm_that_follows(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  graph->opset = 17;
  or_value_id_t ids = input(graph, "ids", OR_INT64, SHAPE(2, 3));
  or_value_id_t words = look_up(graph, "words", 4, ids), kinds = look_up(graph, "kinds", 4, ids);
  or_value_id_t places = look_up(graph, "places", 4, integers(graph, "at", 3, (const int64_t[]){0, 1, 2}));
  or_value_id_t sum =
      apply(graph, "Add", "all", IDS(apply(graph, "Add", "sum", IDS(words, kinds)), places)); /* [3,4] */
  or_graph_t *special =
      rewritten(graph, apply(graph, "LayerNormalization", "norm", IDS(sum, weights(graph, "scale", SHAPE(4)))));
  assert_int_equal(special->node_count, 2);
  assert_string_equal(special->nodes[0].op, "EmbeddingSum");
  assert_string_equal(special->nodes[1].op, "AddLayerNormalization");
  assert_same_results(graph, special, 1, 1e-5);
  or_graph_release(special);
  or_graph_release(graph);
}

/* Rows that others read, columns of a table, tables of other widths. */
static void leaves_what_is_no_sum_of_rows(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 3; ++wrong) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t ids = input(graph, "ids", OR_INT64, SHAPE(5)), at = input(graph, "at", OR_INT64, SHAPE(5));
    or_node_t *words = node(graph, "Gather", "words", IDS(weights(graph, "table", SHAPE(5, 5)), ids));
    if (wrong == 1) attribute(words, "axis", OR_ATTRIBUTE_INT)->integer = 1;
    or_value_id_t looked_up = words->outputs[0], places = look_up(graph, "places", wrong == 2 ? 1 : 5, at);
    if (wrong == 0) or_expect_ok(or_graph_add_output(graph, looked_up));
    or_graph_t *special = rewritten(graph, apply(graph, "Add", "sum", IDS(looked_up, places)));
    assert_int_equal(found(special, "embedding sum"), 0);
    assert_same_results(graph, special, 1, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_operator_reads_all_tables, set_up, tear_down),
      cmocka_unit_test_setup_teardown(with_a_known_place_and_the_norm_that_follows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_what_is_no_sum_of_rows, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
