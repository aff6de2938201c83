/* Several patterns in one graph. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static or_value_id_t reshape(or_graph_t *graph, const char *name, or_value_id_t x, or_shape_t shape) {
  return apply(graph, "Reshape", name, IDS(x, integers(graph, "shape", (size_t)shape.rank, shape.dims)));
}

/* A transformer's block without attention: embeddings, norm of parts, Gemm between reshapes with gelu of parts, Gemm
 * with the residual. */
static or_value_id_t block(or_graph_t *graph) {
  or_value_id_t ids = input(graph, "ids", OR_INT64, SHAPE(2, 3)), at = input(graph, "at", OR_INT64, SHAPE(1, 3));
  or_value_id_t words = apply(graph, "Gather", "words", IDS(weights(graph, "w", SHAPE(5, 4)), ids));
  or_value_id_t places = apply(graph, "Gather", "places", IDS(weights(graph, "p", SHAPE(5, 4)), at));
  or_value_id_t x = apply(graph, "Add", "x", IDS(words, places));
  or_node_t *mean = node(graph, "ReduceMean", "mean", IDS(x, integers(graph, "axes", 1, (const int64_t[]){-1})));
  or_value_id_t d = apply(graph, "Sub", "d", IDS(x, mean->outputs[0]));
  or_value_id_t square = apply(graph, "Pow", "square", IDS(d, number(graph, 2)));
  or_node_t *variance =
      node(graph, "ReduceMean", "variance", IDS(square, integers(graph, "axes", 1, (const int64_t[]){-1})));
  or_value_id_t shifted = apply(graph, "Add", "shifted", IDS(variance->outputs[0], number(graph, 1e-3)));
  or_value_id_t norm = apply(graph, "Div", "norm", IDS(d, apply(graph, "Sqrt", "root", IDS(shifted))));
  norm = apply(graph, "Mul", "scaled", IDS(norm, weights(graph, "scale", SHAPE(4))));
  or_value_id_t up = apply(
      graph, "Gemm", "up",
      IDS(reshape(graph, "a", norm, SHAPE(6, 4)), weights(graph, "u", SHAPE(4, 7)), weights(graph, "ub", SHAPE(7))));
  up = reshape(graph, "b", up, SHAPE(2, 3, 7));
  or_value_id_t erf = apply(graph, "Erf", "erf", IDS(apply(graph, "Div", "div", IDS(up, number(graph, 1.41421356)))));
  or_value_id_t one = apply(graph, "Add", "one", IDS(erf, number(graph, 1)));
  or_value_id_t gelu =
      apply(graph, "Mul", "gelu", IDS(apply(graph, "Mul", "product", IDS(up, one)), number(graph, 0.5)));
  or_value_id_t down = apply(
      graph, "Gemm", "down",
      IDS(reshape(graph, "c", gelu, SHAPE(6, 7)), weights(graph, "v", SHAPE(7, 4)), weights(graph, "vb", SHAPE(4))));
  return apply(graph, "Add", "y", IDS(x, reshape(graph, "e", down, SHAPE(2, 3, 4))));
}

static void patterns_work_together(void **state) {
  (void)state;
  static const char *const expected[] = {"EmbeddingSum", "LayerNormalization", "MatMul", "MatMul"};
  or_graph_t *graph = new_graph(&memory.base);
  graph->opset = 18;
  or_graph_t *special = rewritten(graph, block(graph));
  assert_int_equal(special->node_count, 4);
  for (size_t n = 0; n < 4; ++n) assert_string_equal(special->nodes[n].op, expected[n]);
  assert_string_equal(special->nodes[2].parts[2].op, "Gelu");
  assert_int_equal(special->nodes[3].inputs[3], special->nodes[0].outputs[0]); /* the residual */
  assert_same_results(graph, special, 1, 1e-5);
  or_graph_release(special);
  or_graph_release(graph);
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  graph->opset = 18;
  or_expect_ok(or_graph_add_output(graph, block(graph)));
  finish_graph(graph);
  size_t before = memory.live_bytes;
  for (size_t n = 1;; ++n) {
    or_graph_t *special = NULL;
    memory.fail_at = memory.alloc_count + n;
    or_status_t status = specialize_static(graph, false, &special);
    memory.fail_at = 0;
    if (or_ok(status)) {
      assert_int_equal(special->node_count, 4);
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
      cmocka_unit_test_setup_teardown(patterns_work_together, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_back_every_byte_when_the_nth_allocation_fails, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
