/* Gemm between reshapes. */
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

static void becomes_a_product_with_its_bias(void **state) {
  (void)state;
  for (int form = 0; form < 3; ++form) { /* bias [5], [1,5], none */
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4)),
                  other = input(graph, "other", OR_FLOAT32, SHAPE(2, 3, 5));
    or_value_id_t flat = reshape(graph, "before", x, SHAPE(-1, 4)), w = weights(graph, "w", SHAPE(4, 5));
    or_value_id_t bias = weights(graph, "bias", form == 0 ? SHAPE(5) : SHAPE(1, 5));
    or_value_id_t gemm =
        form == 2 ? apply(graph, "Gemm", "gemm", IDS(flat, w)) : apply(graph, "Gemm", "gemm", IDS(flat, w, bias));
    or_value_id_t back = reshape(graph, "after", gemm, SHAPE(2, 3, 5));
    or_graph_t *special = rewritten(graph, apply(graph, "Add", "sum", IDS(other, back)));
    assert_int_equal(special->node_count, 1); /* with what follows */
    assert_string_equal(special->nodes[0].op, "MatMul");
    assert_int_equal(special->nodes[0].inputs[0], x);
    assert_int_equal(special->nodes[0].inputs[2], form == 2 ? OR_NO_VALUE : bias);
    assert_int_equal(special->nodes[0].inputs[3], other);
    assert_int_equal(found(special, "gemm as matmul"), 1);
    assert_same_results(graph, special, 1, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void a_reshape_that_does_more_gives_the_rows_as_they_lie_afterwards(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 2, 2));
  or_value_id_t flat = reshape(graph, "before", x, SHAPE(6, 4));
  or_value_id_t gemm =
      apply(graph, "Gemm", "gemm", IDS(flat, weights(graph, "w", SHAPE(4, 5)), weights(graph, "b", SHAPE(5))));
  or_graph_t *special = rewritten(graph, apply(graph, "Relu", "y", IDS(reshape(graph, "after", gemm, SHAPE(2, 3, 5)))));
  assert_int_equal(special->node_count, 2);
  assert_string_equal(special->nodes[0].op, "Reshape");
  or_shape_t rows = SHAPE(2, 3, 4);
  assert_true(or_shape_equal(&special->values[special->nodes[0].outputs[0]].shape, &rows));
  assert_string_equal(special->nodes[1].op, "MatMul");
  assert_same_results(graph, special, 1, 1e-6);
  or_graph_release(special);
  or_graph_release(graph);
}

static void a_reshape_that_others_read_stays(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4));
  or_value_id_t flat = reshape(graph, "before", x, SHAPE(6, 4));
  or_value_id_t gemm = apply(graph, "Gemm", "gemm", IDS(flat, weights(graph, "w", SHAPE(4, 5))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Sin", "other", IDS(flat))));
  or_graph_t *special = rewritten(graph, apply(graph, "Cos", "y", IDS(reshape(graph, "after", gemm, SHAPE(2, 3, 5)))));
  assert_non_null(node_named(special, "before"));
  assert_int_equal(found(special, "gemm as matmul"), 1);
  assert_same_results(graph, special, 1, 1e-6);
  or_graph_release(special);
  or_graph_release(graph);
}

/* alpha, beta, a transposed operand, other extents afterwards, a bias a row. */
static void leaves_what_is_more_than_a_product(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 5; ++wrong) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4));
    or_value_id_t flat = reshape(graph, "before", x, SHAPE(6, 4));
    or_value_id_t w = weights(graph, "w", wrong == 2 ? SHAPE(5, 4) : SHAPE(4, 5));
    or_node_t *gemm =
        node(graph, "Gemm", "gemm", IDS(flat, w, weights(graph, "c", wrong == 4 ? SHAPE(6, 1) : SHAPE(5))));
    if (wrong == 0) attribute(gemm, "alpha", OR_ATTRIBUTE_FLOAT)->real = 0.5F;
    if (wrong == 1) attribute(gemm, "beta", OR_ATTRIBUTE_FLOAT)->real = 0.5F;
    if (wrong == 2) attribute(gemm, "transB", OR_ATTRIBUTE_INT)->integer = 1;
    or_value_id_t after = reshape(graph, "after", gemm->outputs[0], wrong == 3 ? SHAPE(2, 5, 3) : SHAPE(2, 3, 5));
    or_graph_t *special = rewritten(graph, apply(graph, "Cos", "y", IDS(after)));
    assert_int_equal(found(special, "gemm as matmul"), 0);
    assert_same_results(graph, special, 1, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(becomes_a_product_with_its_bias, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_reshape_that_does_more_gives_the_rows_as_they_lie_afterwards, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_reshape_that_others_read_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_what_is_more_than_a_product, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
