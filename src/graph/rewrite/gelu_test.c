/* Gelu of its parts, alone and after a product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/rewrite/rewrite_fixture_template.h"

static or_value_id_t two(or_graph_t *graph, const char *op, or_value_id_t a, or_value_id_t b) {
  static int count;
  static char names[64][8];
  (void)snprintf(names[count % 64], sizeof names[0], "n%d", count);
  const char *name = names[count++ % 64];
  return apply(graph, op, name, IDS(a, b));
}

/* 1 + t, times x, times a half, in `order`. */
static or_value_id_t tail(or_graph_t *graph, int order, or_value_id_t x, or_value_id_t t) {
  or_value_id_t one = number(graph, 1), half = number(graph, 0.5);
  or_value_id_t sum = order & 1 ? two(graph, "Add", one, t) : two(graph, "Add", t, one);
  switch (order / 2) {
  case 0: return two(graph, "Mul", two(graph, "Mul", x, sum), half);
  case 1: return two(graph, "Mul", two(graph, "Mul", half, x), sum);
  case 2: return two(graph, "Mul", x, two(graph, "Mul", sum, half));
  case 3: return two(graph, "Div", two(graph, "Mul", sum, x), number(graph, 2));
  case 4: return two(graph, "Mul", sum, two(graph, "Div", x, number(graph, 2)));
  default: return two(graph, "Mul", x, two(graph, "Add", two(graph, "Mul", t, half), half));
  }
}
#define TAILS 12

static or_value_id_t erf_gelu(or_graph_t *graph, int form, or_value_id_t x) {
  or_value_id_t scaled = form / TAILS == 0 ? two(graph, "Div", x, number(graph, 1.4142135623730951))
                                           : two(graph, "Mul", number(graph, 0.70710678118654752), x);
  return tail(graph, form % TAILS, x, apply(graph, "Erf", "erf", IDS(scaled)));
}
#define ERF_FORMS (2 * TAILS)

static or_value_id_t tanh_gelu(or_graph_t *graph, int form, or_value_id_t x) {
  or_value_id_t a = number(graph, 0.044715), c = number(graph, 0.7978845608028654), argument = OR_NO_VALUE;
  switch (form / TAILS) {
  case 0: /* c (x + a x^3) */
    argument = two(graph, "Mul", two(graph, "Add", x, two(graph, "Mul", a, two(graph, "Pow", x, number(graph, 3)))), c);
    break;
  case 1: { /* the power as products */
    or_value_id_t cube = two(graph, "Mul", x, two(graph, "Mul", x, x));
    argument = two(graph, "Mul", c, two(graph, "Add", two(graph, "Mul", cube, a), x));
    break;
  }
  case 2: { /* c x (1 + a x x) */
    or_value_id_t inner = two(graph, "Add", number(graph, 1), two(graph, "Mul", two(graph, "Mul", a, x), x));
    argument = two(graph, "Mul", two(graph, "Mul", x, c), inner);
    break;
  }
  default: { /* c x (1 + a x^2) */
    or_value_id_t square = two(graph, "Pow", x, number(graph, 2));
    or_value_id_t inner = two(graph, "Add", two(graph, "Mul", square, a), number(graph, 1));
    argument = two(graph, "Mul", two(graph, "Mul", inner, x), c);
    break;
  }
  }
  return tail(graph, form % TAILS, x, apply(graph, "Tanh", "tanh", IDS(argument)));
}
#define TANH_FORMS (4 * TAILS)

static void assert_gelu(const or_node_t *made, const char *approximate) {
  assert_string_equal(made->op, "Gelu");
  assert_string_equal(made->domain, "");
  assert_int_equal(made->input_count, 1);
  assert_int_equal(made->attribute_count, 1);
  assert_int_equal(made->attributes[0].string.length, strlen(approximate));
  assert_memory_equal(made->attributes[0].string.data, approximate, strlen(approximate));
}

static void finds_every_order_of_the_erf_form(void **state) {
  (void)state;
  for (int form = 0; form < ERF_FORMS; ++form) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 50));
    or_graph_t *special = rewritten(graph, erf_gelu(graph, form, x));
    assert_int_equal(special->node_count, 1);
    assert_gelu(&special->nodes[0], "none");
    assert_int_equal(found(special, "gelu"), 1);
    assert_same_results(graph, special, 4, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void finds_every_order_of_the_tanh_form(void **state) {
  (void)state;
  for (int form = 0; form < TANH_FORMS; ++form) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 50));
    or_graph_t *special = rewritten(graph, tanh_gelu(graph, form, x));
    assert_int_equal(special->node_count, 1);
    assert_gelu(&special->nodes[0], "tanh");
    assert_int_equal(found(special, "gelu"), 1);
    assert_same_results(graph, special, 4, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void becomes_the_activation_of_a_product(void **state) {
  (void)state;
  for (int form = 0; form < 2; ++form) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4));
    or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
    or_value_id_t biased = apply(graph, "Add", "biased", IDS(weights(graph, "bias", SHAPE(5)), product));
    or_graph_t *special = rewritten(graph, form == 0 ? erf_gelu(graph, 0, biased) : tanh_gelu(graph, 2, biased));
    assert_int_equal(special->node_count, 1);
    assert_true(or_node_is_fused(&special->nodes[0]));
    assert_int_equal(special->nodes[0].part_count, 3);
    assert_gelu(&special->nodes[0].parts[2], form == 0 ? "none" : "tanh");
    assert_true(special->nodes[0].parts[2].part_count > 4);
    assert_int_equal(found(special, "gelu"), 1);
    assert_int_equal(found(special, "matmul epilogue"), 1);
    assert_same_results(graph, special, 2, 1e-5);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void a_residual_after_it_stays_outside(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 5)), other = input(graph, "other", OR_FLOAT32, SHAPE(3, 5));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(5, 5))));
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(erf_gelu(graph, 0, product), other));
  or_graph_t *special = rewritten(graph, sum);
  assert_int_equal(special->node_count, 2);
  assert_int_equal(special->nodes[0].part_count, 2);
  assert_string_equal(special->nodes[1].op, "Add");
  assert_same_results(graph, special, 2, 1e-5);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_what_only_looks_like_one(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 5; ++wrong) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4, 6)),
                  other = input(graph, "other", OR_FLOAT32, SHAPE(4, 6));
    or_value_id_t t =
        apply(graph, "Erf", "erf", IDS(two(graph, "Div", x, number(graph, wrong == 0 ? 1.5 : 1.41421356))));
    or_value_id_t sum = two(graph, "Add", t, number(graph, wrong == 1 ? 0.5 : 1));
    or_value_id_t y = two(graph, "Mul", two(graph, "Mul", sum, wrong == 2 ? other : x), number(graph, 0.5));
    if (wrong == 3) or_expect_ok(or_graph_add_output(graph, sum));
    if (wrong == 4) y = two(graph, "Mul", y, number(graph, 2));
    or_graph_t *special = rewritten(graph, y);
    assert_int_equal(found(special, "gelu"), wrong == 4 ? 1 : 0);
    assert_same_results(graph, special, 2, 1e-6);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(finds_every_order_of_the_erf_form, set_up, tear_down),
      cmocka_unit_test_setup_teardown(finds_every_order_of_the_tanh_form, set_up, tear_down),
      cmocka_unit_test_setup_teardown(becomes_the_activation_of_a_product, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_residual_after_it_stays_outside, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_what_only_looks_like_one, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
