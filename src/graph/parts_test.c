/* Operators that keep the parts they stand for: placed whole, else in parts, at any depth. */
#include <math.h>
#include <stdio.h>

#include "fixtures/rigs.h"
#include "graph/graph_internal.h"

static const float weights[6] = {1, -2, 3, -4, 5, -6};

/* x [3,2] -> MatMul with [2,3] -> HardSigmoid (alpha 1/6) -> Mul with the product: HardSwish(x W). */
static or_graph_t *product_and_swish(void) {
  or_graph_t *graph = new_graph(&memory.base), *special = NULL;
  graph->opset = 14;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 2));
  or_value_id_t product =
      apply(graph, "MatMul", "product", IDS(x, constant(graph, "w", OR_FLOAT32, SHAPE(2, 3), weights)));
  or_node_t *gate = node(graph, "HardSigmoid", "gate", IDS(product));
  attribute(gate, "alpha", OR_ATTRIBUTE_FLOAT)->real = 1.0F / 6.0F;
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Mul", "y", IDS(product, gate->outputs[0]))));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, true, &special));
  or_graph_release(graph);
  assert_int_equal(special->node_count, 3);
  return special;
}

static or_node_t *keep(or_graph_t *graph, const or_node_t *nodes, size_t count) {
  void *kept = NULL;
  or_expect_ok(or_arena_array(&graph->arena, count, sizeof(or_node_t), &kept));
  memcpy(kept, nodes, count * sizeof *nodes);
  return kept;
}

/* The last two nodes become a HardSwish that keeps them. */
static void swish_of_parts(or_graph_t *graph) {
  or_node_t *first = &graph->nodes[1];
  or_node_t swish = *first;
  swish.op = "HardSwish";
  swish.name = "swish";
  swish.definition = or_op_find("", "HardSwish");
  swish.version = 14;
  swish.attribute_count = 0;
  swish.outputs = graph->nodes[2].outputs;
  swish.parts = keep(graph, first, 2);
  swish.part_count = 2;
  *first = swish;
  graph->node_count = 2;
}

/* The product and that HardSwish become one fused node. */
static void fuse_with_swish(or_graph_t *graph) {
  or_node_t fused = graph->nodes[0];
  fused.domain = OR_DOMAIN_FUSED;
  fused.definition = NULL;
  fused.outputs = graph->nodes[1].outputs;
  fused.parts = keep(graph, graph->nodes, 2);
  fused.part_count = 2;
  graph->nodes[0] = fused;
  graph->node_count = 1;
}

static or_plan_options_t on_fake(void) {
  return (or_plan_options_t){.device = fake.devices[0], .fallback = plain.devices[0]};
}

static or_plan_t *plan_of(or_graph_t *graph, or_plan_options_t options) {
  or_plan_t *plan = NULL;
  or_expect_ok(or_plan_create(graph, &options, &plan));
  or_graph_release(graph);
  return plan;
}

/* "fake_0 MatMul", "plain_0 Mul", … for each node in order; copies are left out. */
static void assert_nodes(or_plan_t *plan, size_t count, const char *const *expected) {
  or_session_report_t report;
  or_arena_t arena;
  size_t at = 0;
  or_arena_init(&arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, &arena, &report));
  for (size_t i = 0; i < report.node_count; ++i) {
    char text[128];
    if (strcmp(report.nodes[i].op, "Copy") == 0) continue;
    (void)snprintf(text, sizeof text, "%s %s", report.nodes[i].device_id, report.nodes[i].op);
    assert_true(at < count);
    assert_string_equal(text, expected[at++]);
  }
  assert_int_equal(at, count);
  or_arena_deinit(&arena);
}

static size_t plan_nodes_on(or_plan_t *plan, const char *device) {
  or_session_report_t report;
  or_arena_t arena;
  size_t count = 0;
  or_arena_init(&arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, &arena, &report));
  for (size_t i = 0; i < report.node_count; ++i)
    count += strcmp(report.nodes[i].device_id, device) == 0 && strcmp(report.nodes[i].op, "Copy") != 0;
  or_arena_deinit(&arena);
  return count;
}

/* x = rows of (1,0), (0,1), (1,1): the product's rows are those of the weights, and their sum. */
static void assert_runs_as_hard_swish(or_plan_t *plan) {
  static const float x[6] = {1, 0, 0, 1, 1, 1}, products[9] = {1, -2, 3, -4, 5, -6, -3, 3, -3};
  float got[9];
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(plain.devices[0], SHAPE(3, 2), x);
  or_expect_ok(run_plan(plan, &run));
  or_expect_ok(or_tensor_read(run.outputs[0], got, sizeof got));
  for (size_t i = 0; i < 9; ++i) {
    double v = products[i], gate = v / 6 + 0.5;
    gate = gate < 0 ? 0 : gate > 1 ? 1 : gate;
    assert_true(fabs((double)got[i] - v * gate) < 1e-5);
  }
  end_run(&run);
}

static void an_operator_stays_whole_where_the_device_takes_it(void **state) {
  (void)state;
  or_graph_t *graph = product_and_swish();
  swish_of_parts(graph);
  or_plan_t *plan = plan_of(graph, on_fake());
  assert_nodes(plan, 2, (const char *const[]){"fake_0 MatMul", "fake_0 HardSwish"});
  assert_runs_as_hard_swish(plan);
  or_plan_release(plan);
}

static void an_operator_that_is_refused_goes_in_parts(void **state) {
  (void)state;
  static const char *const supported[] = {"MatMul", "HardSigmoid", "Mul", NULL};
  or_fake_set_supported(supported);
  or_graph_t *graph = product_and_swish();
  swish_of_parts(graph);
  or_plan_t *plan = plan_of(graph, on_fake());
  assert_nodes(plan, 3, (const char *const[]){"fake_0 MatMul", "fake_0 HardSigmoid", "fake_0 Mul"});
  assert_runs_as_hard_swish(plan);
  or_plan_release(plan);
}

static void the_fallback_takes_whole_what_the_device_takes_no_part_of(void **state) {
  (void)state;
  static const char *const supported[] = {"MatMul", NULL};
  or_fake_set_supported(supported);
  or_graph_t *graph = product_and_swish();
  swish_of_parts(graph);
  or_plan_t *plan = plan_of(graph, on_fake());
  assert_nodes(plan, 2, (const char *const[]){"fake_0 MatMul", "plain_0 HardSwish"});
  assert_runs_as_hard_swish(plan);
  or_plan_release(plan);
}

static void a_fused_node_names_an_operator_within_it_by_its_own_name(void **state) {
  (void)state;
  or_fake_set_fused(true);
  or_graph_t *graph = product_and_swish();
  swish_of_parts(graph);
  fuse_with_swish(graph);
  or_plan_t *plan = plan_of(graph, on_fake());
  assert_nodes(plan, 1, (const char *const[]){"fake_0 MatMul+HardSwish"});
  assert_runs_as_hard_swish(plan);
  or_plan_release(plan);
}

static void a_part_that_is_refused_goes_in_its_own_parts(void **state) {
  (void)state;
  static const char *const lists[][5] = {{"MatMul", "HardSwish", NULL},
                                         {"MatMul", "HardSigmoid", "Mul", NULL},
                                         {"HardSigmoid", NULL},
                                         {"MatMul", "HardSigmoid", NULL}};
  static const char *const expected[][3] = {{"fake_0 MatMul", "fake_0 HardSwish"},
                                            {"fake_0 MatMul", "fake_0 HardSigmoid", "fake_0 Mul"},
                                            {"plain_0 MatMul", "fake_0 HardSigmoid", "plain_0 Mul"},
                                            {"fake_0 MatMul", "fake_0 HardSigmoid", "plain_0 Mul"}};
  static const char *const stays[] = {"HardSigmoid", NULL};
  plain_refused = stays; /* else it would go along with its neighbours */
  for (size_t i = 0; i < 4; ++i) {
    or_fake_set_supported(lists[i]);
    or_graph_t *graph = product_and_swish();
    swish_of_parts(graph);
    fuse_with_swish(graph);
    or_plan_t *plan = plan_of(graph, on_fake());
    assert_nodes(plan, i == 0 ? 2 : 3, expected[i]);
    assert_runs_as_hard_swish(plan);
    or_plan_release(plan);
  }
}

/* The last node becomes another operator that keeps it as its only part, so many times over. */
static void wrap(or_graph_t *graph, size_t depth) {
  static const char *const names[] = {"Elu", "Selu", "Celu", "Softsign", "Mish"};
  for (size_t d = 0; d < depth; ++d) {
    or_node_t *last = &graph->nodes[graph->node_count - 1];
    or_node_t outer = *last;
    outer.op = outer.name = names[d];
    outer.definition = or_op_find("", names[d]);
    outer.version = 14;
    outer.parts = keep(graph, last, 1);
    outer.part_count = 1;
    *last = outer;
  }
}

static void parts_are_asked_for_at_every_depth(void **state) {
  (void)state;
  static const char *const leaves[] = {"MatMul", "HardSigmoid", NULL}, *const middle[] = {"HardSwish", NULL};
  static const char *const none[] = {"MatMul", NULL};
  for (size_t depth = 0; depth + 2 <= OR_NODE_MAX_DEPTH && depth <= 5; ++depth) {
    for (int fused = 0; fused < 2; ++fused) {
      or_graph_t *graph = product_and_swish();
      swish_of_parts(graph);
      wrap(graph, depth);
      if (fused == 1 && depth + 3 <= OR_NODE_MAX_DEPTH) fuse_with_swish(graph);
      or_graph_retain(graph);
      plain_refused = (const char *const[]){"HardSigmoid", NULL};
      or_fake_set_supported(leaves);
      or_plan_t *plan = plan_of(graph, on_fake());
      assert_nodes(plan, 3, (const char *const[]){"fake_0 MatMul", "fake_0 HardSigmoid", "plain_0 Mul"});
      assert_runs_as_hard_swish(plan);
      or_plan_release(plan);
      or_graph_retain(graph);
      plain_refused = (const char *const[]){"HardSwish", NULL};
      or_fake_set_supported(middle); /* it has the one, whatever stands around it */
      plan = plan_of(graph, on_fake());
      assert_nodes(plan, 2, (const char *const[]){"plain_0 MatMul", "fake_0 HardSwish"});
      assert_runs_as_hard_swish(plan);
      or_plan_release(plan);
      plain_refused = NULL;
      or_fake_set_supported(none);
      plan = plan_of(graph, on_fake());
      assert_int_equal(plan_nodes_on(plan, "plain_0"), 1); /* whole: it takes no part of it */
      or_plan_release(plan);
    }
  }
}

/* Parts that compute something else show whose definition counts. */
static void cost_shape_and_reference_are_the_operators_own(void **state) {
  (void)state;
  or_graph_t *graph = product_and_swish();
  swish_of_parts(graph);
  or_node_t *parts = (or_node_t *)graph->nodes[1].parts;
  parts[1].op = "Sub";
  parts[1].definition = or_op_find("", "Sub");
  or_node_t alone = graph->nodes[1];
  alone.part_count = 0;
  or_node_call_t call = {.allocator = &memory.base};
  or_cost_t with_parts, without;
  or_expect_ok(or_graph_node_cost(graph, &graph->nodes[1], &call, &with_parts));
  or_expect_ok(or_graph_node_cost(graph, &alone, &call, &without));
  assert_memory_equal(&with_parts, &without, sizeof without);
  or_node_call_deinit(&call);
  graph->values[graph->outputs[0]].shape.rank = OR_RANK_UNKNOWN;
  or_expect_ok(or_graph_infer(graph, NULL));
  or_shape_t shape = SHAPE(3, 3);
  assert_true(or_shape_equal(&graph->values[graph->outputs[0]].shape, &shape));
  or_plan_t *plan = plan_of(graph, (or_plan_options_t){.device = plain.devices[0], .reference = true});
  assert_nodes(plan, 2, (const char *const[]){"plain_0 MatMul", "plain_0 HardSwish"});
  assert_runs_as_hard_swish(plan);
  or_plan_release(plan);
}

static void the_report_says_how_often_each_pattern_was_found(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base), *special = NULL;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 2));
  or_value_id_t w = constant(graph, "w", OR_FLOAT32, SHAPE(2, 3), weights);
  or_value_id_t v = constant(graph, "v", OR_FLOAT32, SHAPE(3, 2), weights);
  or_value_id_t a = apply(graph, "Relu", "a", IDS(apply(graph, "MatMul", "first", IDS(x, w))));
  or_value_id_t b = apply(graph, "Tanh", "b", IDS(apply(graph, "Gemm", "second", IDS(a, v))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "MatMul", "third", IDS(b, w))));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  or_graph_release(graph);
  or_plan_t *plan = plan_of(special, on_fake());
  or_session_report_t report;
  or_arena_t arena;
  or_arena_init(&arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, &arena, &report));
  assert_int_equal(report.pattern_count, 1);
  assert_string_equal(report.patterns[0].name, "matmul epilogue");
  assert_int_equal(report.patterns[0].count, 2);
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_operator_stays_whole_where_the_device_takes_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_operator_that_is_refused_goes_in_parts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_fallback_takes_whole_what_the_device_takes_no_part_of, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_fused_node_names_an_operator_within_it_by_its_own_name, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_part_that_is_refused_goes_in_its_own_parts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(parts_are_asked_for_at_every_depth, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cost_shape_and_reference_are_the_operators_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_report_says_how_often_each_pattern_was_found, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
