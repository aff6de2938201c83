#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/string.h"
#include "fixtures/counted.h"
#include "fixtures/graphs.h"

static void keeps_an_order_that_is_right(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_value_id_t b = apply(graph, "Relu", "b", IDS(x));
  or_value_id_t a = apply(graph, "Tanh", "a", IDS(x));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Add", "sum", IDS(a, b))));
  or_expect_ok(or_graph_sort(graph));
  assert_string_equal(graph->nodes[0].name, "b");
  assert_string_equal(graph->nodes[1].name, "a");
  assert_string_equal(graph->nodes[2].name, "sum");
  or_graph_release(graph);
}

static void puts_producers_first_and_else_follows_the_file(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_node_t *last = node(graph, "Add", "last", IDS(x, x));
  or_value_id_t *inputs = (or_value_id_t *)last->inputs; /* the node moves when others are added, its arrays stay */
  inputs[0] = apply(graph, "Relu", "first", IDS(x));
  inputs[1] = apply(graph, "Tanh", "second", IDS(x));
  or_expect_ok(or_graph_sort(graph));
  assert_string_equal(graph->nodes[0].name, "first");
  assert_string_equal(graph->nodes[1].name, "second");
  assert_string_equal(graph->nodes[2].name, "last");
  or_graph_release(graph);
}

/* Every node waits for the last one of the file; then the others come in their order there. */
static void keeps_the_order_of_many_nodes_that_wait_for_one(void **state) {
  (void)state;
  enum { COUNT = 100 };
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2)), late = value(graph, "late");
  char name[32];
  for (int n = 0; n < COUNT; ++n) (void)apply(graph, "Relu", or_format(name, sizeof name, "n%d", n), IDS(late));
  *(or_value_id_t *)node(graph, "Neg", "source", IDS(x))->outputs = late;
  or_expect_ok(or_graph_sort(graph));
  assert_string_equal(graph->nodes[0].name, "source");
  for (int n = 0; n < COUNT; ++n) {
    assert_string_equal(graph->nodes[n + 1].name, or_format(name, sizeof name, "n%d", n));
  }
  or_graph_release(graph);
}

static void refuses_a_model_with_a_cycle(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_node_t *first = node(graph, "Add", "first", IDS(x, x));
  or_value_id_t *inputs = (or_value_id_t *)first->inputs;
  or_value_id_t middle = apply(graph, "Relu", "middle", IDS(first->outputs[0]));
  inputs[1] = middle;
  (void)apply(graph, "Tanh", "behind_the_cycle", IDS(middle));
  or_status_t status = or_graph_sort(graph);
  assert_null(strstr(or_status_message(status), "behind_the_cycle"));
  or_expect_words(status, OR_INVALID_ARGUMENT, "cycle");
  or_graph_release(graph);
}

static void refuses_a_node_that_reads_its_own_output(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_node_t *own = node(graph, "Add", "own", IDS(x, x));
  ((or_value_id_t *)own->inputs)[1] = own->outputs[0];
  or_expect_words(or_graph_sort(graph), OR_INVALID_ARGUMENT, "\"own\" (Add)");
  or_graph_release(graph);
}

static void refuses_two_producers_of_a_value_and_names_both(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_value_id_t y = apply(graph, "Relu", "one", IDS(x));
  *(or_value_id_t *)node(graph, "Tanh", "two", IDS(x))->outputs = y;
  or_status_t status = or_graph_sort(graph);
  assert_non_null(strstr(or_status_message(status), "\"one\" (Relu)"));
  or_expect_words(status, OR_INVALID_ARGUMENT, "node \"two\" (Tanh): output \"one\"");
  or_graph_release(graph);
}

static void refuses_a_node_that_writes_an_input_or_an_initializer(void **state) {
  (void)state;
  const float weight[2] = {1, 2};
  for (int which = 0; which < 2; ++which) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
    or_value_id_t w = constant(graph, "w", OR_FLOAT32, SHAPE(2), weight);
    *(or_value_id_t *)node(graph, "Relu", "writer", IDS(x))->outputs = which == 0 ? x : w;
    or_expect_words(or_graph_sort(graph), OR_INVALID_ARGUMENT,
                    which == 0 ? "output \"x\" is an input" : "output \"w\" is an initializer");
    or_graph_release(graph);
  }
}

static void refuses_an_input_that_nobody_produces(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t nowhere = value(graph, "nowhere");
  (void)apply(graph, "Relu", "reader", IDS(nowhere));
  or_status_t status = or_graph_sort(graph);
  assert_non_null(strstr(or_status_message(status), "input \"nowhere\""));
  or_expect_words(status, OR_INVALID_ARGUMENT, "node \"reader\" (Relu)");
  or_graph_release(graph);
}

static void refuses_an_output_that_nobody_produces(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_expect_ok(or_graph_add_output(graph, value(graph, "nowhere")));
  or_expect_words(or_graph_sort(graph), OR_INVALID_ARGUMENT, "output \"nowhere\"");
  or_graph_release(graph);
}

static void sorts_a_long_chain_that_is_backwards_without_recursion(void **state) {
  (void)state;
  enum { LENGTH = 50000 };
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t next = value(graph, "end");
  for (int n = LENGTH; n-- > 0;) {
    char name[32];
    or_node_t *made = node(graph, "Relu", or_format(name, sizeof name, "n%d", n), IDS(next));
    or_value_id_t produced = next;
    next = made->outputs[0];
    *(or_value_id_t *)made->outputs = produced;
    *(or_value_id_t *)made->inputs = next;
  }
  or_expect_ok(or_graph_add_input(graph, next));
  or_expect_ok(or_graph_sort(graph));
  assert_string_equal(graph->nodes[0].name, "n0");
  assert_string_equal(graph->nodes[LENGTH - 1].name, "n49999");
  or_graph_release(graph);
}

static void bounds_nodes_values_and_names_the_limit(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  or_node_t *made = NULL;
  or_value_id_t v = 0;
  or_expect_ok(or_graph_create(&memory.base, "small", &(or_model_limits_t){.nodes = 1, .values = 1}, &graph));
  or_expect_ok(or_graph_add_node(graph, "a", 0, 0, 0, &made));
  or_expect_words(or_graph_add_node(graph, "b", 0, 0, 0, &made), OR_RESOURCE_EXHAUSTED, "more than 1 nodes");
  or_expect_ok(or_graph_add_value(graph, "v", 1, OR_FLOAT32, NULL, &v));
  or_expect_words(or_graph_add_value(graph, "w", 1, OR_FLOAT32, NULL, &v), OR_RESOURCE_EXHAUSTED, "more than 1 values");
  or_graph_release(graph);
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t failing;
    or_counting_allocator_init(&failing, or_allocator_system(), 0);
    or_graph_t *graph = new_graph(&failing.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
    (void)apply(graph, "Relu", "y", IDS(x));
    failing.fail_at = failing.alloc_count + n;
    or_status_t status = or_graph_sort(graph);
    bool done = or_ok(status);
    if (!done) or_expect(status, OR_RESOURCE_EXHAUSTED);
    or_graph_release(graph);
    assert_int_equal(failing.live_bytes, 0);
    if (done) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(keeps_an_order_that_is_right, set_up, tear_down),
      cmocka_unit_test_setup_teardown(puts_producers_first_and_else_follows_the_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_the_order_of_many_nodes_that_wait_for_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_model_with_a_cycle, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_node_that_reads_its_own_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_two_producers_of_a_value_and_names_both, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_node_that_writes_an_input_or_an_initializer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_an_input_that_nobody_produces, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_an_output_that_nobody_produces, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sorts_a_long_chain_that_is_backwards_without_recursion, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bounds_nodes_values_and_names_the_limit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_back_every_byte_when_the_nth_allocation_fails, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
