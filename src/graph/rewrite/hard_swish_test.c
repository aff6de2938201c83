/* HardSwish of its parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static or_value_id_t clipped(or_graph_t *graph, or_value_id_t x, double high) {
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(x, number(graph, 3)));
  if (graph->opset >= 11) return apply(graph, "Clip", "clip", IDS(sum, number(graph, 0), number(graph, high)));
  or_node_t *clip = node(graph, "Clip", "clip", IDS(sum));
  attribute(clip, "min", OR_ATTRIBUTE_FLOAT)->real = 0;
  attribute(clip, "max", OR_ATTRIBUTE_FLOAT)->real = (float)high;
  return clip->outputs[0];
}

#define FORMS 6
static or_value_id_t swish(or_graph_t *graph, int form, or_value_id_t x) {
  if (form == 5) {
    or_node_t *gate = node(graph, "HardSigmoid", "gate", IDS(x));
    attribute(gate, "alpha", OR_ATTRIBUTE_FLOAT)->real = 1.0F / 6.0F;
    return apply(graph, "Mul", "y", IDS(gate->outputs[0], x));
  }
  or_value_id_t clip = clipped(graph, x, 6), sixth = number(graph, 1.0 / 6.0);
  switch (form) {
  case 0: return apply(graph, "Div", "y", IDS(apply(graph, "Mul", "m", IDS(x, clip)), number(graph, 6)));
  case 1: return apply(graph, "Mul", "y", IDS(x, apply(graph, "Div", "d", IDS(clip, number(graph, 6)))));
  case 2: return apply(graph, "Mul", "y", IDS(apply(graph, "Mul", "m", IDS(clip, sixth)), x));
  case 3: return apply(graph, "Mul", "y", IDS(apply(graph, "Mul", "m", IDS(clip, x)), sixth));
  default: return apply(graph, "Mul", "y", IDS(apply(graph, "Mul", "m", IDS(x, sixth)), clip));
  }
}

static void finds_every_form(void **state) {
  (void)state;
  for (int form = 0; form < 2 * FORMS; ++form) {
    or_graph_t *graph = new_graph(&memory.base);
    graph->opset = form < FORMS ? 13 : 10;
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4, 50));
    or_graph_t *special = rewritten(graph, swish(graph, form % FORMS, x));
    assert_int_equal(special->node_count, 1);
    assert_string_equal(special->nodes[0].op, "HardSwish");
    assert_int_equal(special->nodes[0].inputs[0], x);
    assert_int_equal(found(special, "hard swish"), 1);
    assert_same_results(graph, special, 6, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void becomes_the_activation_of_a_convolution(void **state) {
  (void)state;
  for (int form = 0; form < FORMS; ++form) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4));
    or_value_id_t conv = apply(graph, "Conv", "conv", IDS(x, weights(graph, "w", SHAPE(3, 2, 1, 1))));
    or_graph_t *special = rewritten(graph, swish(graph, form, conv));
    assert_int_equal(special->node_count, 1);
    assert_int_equal(special->nodes[0].part_count, 2);
    assert_string_equal(special->nodes[0].parts[1].op, "HardSwish");
    assert_same_results(graph, special, 6, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void leaves_what_only_looks_like_one(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 3; ++wrong) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4, 5)),
                  other = input(graph, "other", OR_FLOAT32, SHAPE(4, 5));
    or_value_id_t clip = clipped(graph, x, wrong == 0 ? 5 : 6);
    or_value_id_t product = apply(graph, "Mul", "m", IDS(wrong == 1 ? other : x, clip));
    or_graph_t *special = rewritten(graph, apply(graph, "Div", "y", IDS(product, number(graph, wrong == 2 ? 5 : 6))));
    assert_int_equal(found(special, "hard swish"), 0);
    assert_same_results(graph, special, 6, 0);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(finds_every_form, set_up, tear_down),
      cmocka_unit_test_setup_teardown(becomes_the_activation_of_a_convolution, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_what_only_looks_like_one, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
