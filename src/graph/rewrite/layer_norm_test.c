/* Layer normalisation of its parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

typedef struct form_t {
  bool product;     /* d * d for d^2 */
  int root;         /* 0: Sqrt and Div; 1: Reciprocal; 2: one over Sqrt; 3: Pow -0.5; 4: Pow 0.5 and Div */
  bool scale, bias; /* follow */
  bool axes_input;  /* opset 18 */
  bool turned;      /* commutative operands the other way */
  int64_t axes;     /* how many of the last are normalised */
} form_t;

static or_value_id_t pair(or_graph_t *graph, const form_t *form, const char *op, const char *name, or_value_id_t a,
                          or_value_id_t b) {
  return form->turned ? apply(graph, op, name, IDS(b, a)) : apply(graph, op, name, IDS(a, b));
}

static or_value_id_t mean(or_graph_t *graph, const form_t *form, const char *name, or_value_id_t of) {
  static const int64_t axes[] = {-2, -1};
  const int64_t *first = axes + 2 - form->axes;
  if (form->axes_input)
    return apply(graph, "ReduceMean", name, IDS(of, integers(graph, "axes", (size_t)form->axes, first)));
  or_node_t *made = node(graph, "ReduceMean", name, IDS(of));
  or_attribute_t *list = attribute(made, "axes", OR_ATTRIBUTE_INTS);
  list->integers = first;
  list->count = (size_t)form->axes;
  return made->outputs[0];
}

static or_value_id_t norm_of(or_graph_t *graph, const form_t *form, or_value_id_t x) {
  or_value_id_t d = apply(graph, "Sub", "d", IDS(x, mean(graph, form, "mean", x)));
  or_value_id_t square = form->product ? apply(graph, "Mul", "square", IDS(d, d))
                                       : apply(graph, "Pow", "square", IDS(d, number(graph, 2)));
  or_value_id_t sum = pair(graph, form, "Add", "sum", mean(graph, form, "variance", square), number(graph, 1e-3));
  or_value_id_t y = OR_NO_VALUE, root = OR_NO_VALUE;
  if (form->root < 3) root = apply(graph, "Sqrt", "root", IDS(sum));
  if (form->root == 0) y = apply(graph, "Div", "y", IDS(d, root));
  if (form->root == 1) y = pair(graph, form, "Mul", "y", d, apply(graph, "Reciprocal", "inverse", IDS(root)));
  if (form->root == 2)
    y = pair(graph, form, "Mul", "y", d, apply(graph, "Div", "inverse", IDS(number(graph, 1), root)));
  if (form->root == 3)
    y = pair(graph, form, "Mul", "y", d, apply(graph, "Pow", "inverse", IDS(sum, number(graph, -0.5))));
  if (form->root == 4) y = apply(graph, "Div", "y", IDS(d, apply(graph, "Pow", "root", IDS(sum, number(graph, 0.5)))));
  or_shape_t shape = form->axes == 1 ? SHAPE(5) : SHAPE(3, 5);
  if (form->scale) y = pair(graph, form, "Mul", "scaled", y, weights(graph, "scale", shape));
  if (form->bias) y = pair(graph, form, "Add", "biased", y, weights(graph, "bias", shape));
  return y;
}

static void finds_every_form(void **state) {
  (void)state;
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (int root = 0; root < 5; ++root) {
      form_t form = {.product = bits & 1,
                     .root = root,
                     .scale = bits & 2,
                     .bias = bits & 4,
                     .axes_input = bits & 8,
                     .turned = bits & 16,
                     .axes = bits & 32 ? 2 : 1};
      or_graph_t *graph = new_graph(&memory.base);
      graph->opset = form.axes_input ? 18 : 13;
      or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 5));
      or_graph_t *special = rewritten(graph, norm_of(graph, &form, x));
      assert_int_equal(special->node_count, 1);
      const or_node_t *made = &special->nodes[0];
      assert_string_equal(made->op, "LayerNormalization");
      assert_string_equal(made->domain, "");
      assert_int_equal(made->input_count, form.bias ? 3 : 2);
      assert_int_equal(made->inputs[0], x);
      assert_true(made->part_count >= 7);
      assert_int_equal(found(special, "layer norm"), 1);
      assert_same_results(graph, special, 3, 1e-5);
      or_graph_release(special);
      or_graph_release(graph);
    }
  }
}

static void counts_the_operator_itself(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  graph->opset = 17;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 5));
  or_graph_t *special =
      rewritten(graph, apply(graph, "LayerNormalization", "y", IDS(x, weights(graph, "scale", SHAPE(5)))));
  assert_int_equal(found(special, "layer norm"), 1);
  assert_int_equal(special->nodes[0].part_count, 0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_a_norm_whose_inside_is_read_elsewhere(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  form_t form = {.axes = 1};
  or_value_id_t y = norm_of(graph, &form, input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 5)));
  or_expect_ok(or_graph_add_output(graph, node_named(graph, "variance")->outputs[0]));
  or_graph_t *special = rewritten(graph, y);
  assert_int_equal(found(special, "layer norm"), 0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_what_only_looks_like_one(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 4; ++wrong) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 5, 5));
    or_node_t *first = node(graph, "ReduceMean", "mean", IDS(x));
    or_attribute_t *axes = attribute(first, "axes", OR_ATTRIBUTE_INTS);
    axes->integers = (const int64_t[]){wrong == 0 ? -2 : -1};
    axes->count = 1;
    or_value_id_t d = apply(graph, "Sub", "d", IDS(x, first->outputs[0]));
    or_value_id_t square = apply(graph, "Pow", "square", IDS(wrong == 1 ? x : d, number(graph, wrong == 2 ? 4 : 2)));
    or_node_t *second = node(graph, "ReduceMean", "variance", IDS(square));
    axes = attribute(second, "axes", OR_ATTRIBUTE_INTS);
    axes->integers = (const int64_t[]){wrong == 0 ? -2 : wrong == 3 ? -2 : -1};
    axes->count = 1;
    or_value_id_t sum = apply(graph, "Add", "sum", IDS(second->outputs[0], number(graph, 1e-3)));
    or_value_id_t y = apply(graph, "Div", "y", IDS(d, apply(graph, "Sqrt", "root", IDS(sum))));
    or_graph_t *special = rewritten(graph, y);
    assert_int_equal(found(special, "layer norm"), 0);
    assert_same_results(graph, special, 1, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(finds_every_form, set_up, tear_down),
      cmocka_unit_test_setup_teardown(counts_the_operator_itself, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_norm_whose_inside_is_read_elsewhere, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_what_only_looks_like_one, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
