/* Placement, segments, memory and reports of plans; runs of them are in execute_test.c. */
#include <math.h>

#include "fixtures/rigs.h"

static or_status_t plan_for(or_graph_t *graph, bool no_fusion, or_plan_options_t options, or_plan_t **out) {
  or_graph_t *special = NULL;
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, no_fusion, &special));
  or_status_t status = or_plan_create(special, &options, out);
  or_graph_release(special);
  or_graph_release(graph);
  return status;
}

static or_plan_options_t on_fake(void) {
  return (or_plan_options_t){.device = fake.devices[0], .fallback = plain.devices[0]};
}

/* x -> Relu -> Tanh -> Neg */
static or_graph_t *chain(void) {
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(8));
  or_value_id_t tanh = apply(graph, "Tanh", "tanh", IDS(apply(graph, "Relu", "relu", IDS(x))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "neg", IDS(tanh))));
  return graph;
}

static or_session_report_t report_of(or_plan_t *plan, or_arena_t *arena) {
  or_session_report_t report;
  or_arena_init(arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, arena, &report));
  return report;
}

static void puts_everything_on_the_device_that_takes_it(void **state) {
  (void)state;
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(plan_for(chain(), false, on_fake(), &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_int_equal(report.node_count, 3);
  for (size_t i = 0; i < 3; ++i) {
    assert_string_equal(report.nodes[i].device_id, "fake_0");
    assert_string_equal(report.nodes[i].reason, "");
    assert_string_equal(report.nodes[i].kernel, "fake reference");
    assert_true(isnan(report.nodes[i].seconds));
  }
  assert_string_equal(report.nodes[1].name, "tanh");
  assert_string_equal(report.nodes[1].op, "Tanh");
  assert_true(report.flops_on_device == 1.0);
  assert_int_equal(report.arena_bytes, 0); /* nothing lies between segments */
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void what_a_device_refuses_runs_on_the_fallback_with_its_reason(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", "Neg", NULL};
  or_fake_set_supported(supported);
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(plan_for(chain(), false, on_fake(), &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_int_equal(report.node_count, 5); /* relu, copy, tanh, copy, neg */
  assert_string_equal(report.nodes[0].name, "relu");
  assert_string_equal(report.nodes[1].op, "Copy");
  assert_string_equal(report.nodes[1].device_id, "plain_0");
  assert_string_equal(report.nodes[1].kernel, "copy from fake_0");
  assert_string_equal(report.nodes[2].name, "tanh");
  assert_string_equal(report.nodes[2].device_id, "plain_0");
  assert_string_equal(report.nodes[2].kernel, "reference");
  assert_string_equal(report.nodes[2].reason, "not on the fake's list");
  assert_string_equal(report.nodes[3].op, "Copy");
  assert_string_equal(report.nodes[3].device_id, "fake_0");
  assert_string_equal(report.nodes[4].reason, "");
  assert_non_null(strstr(report.folded, "2 copies between devices"));
  assert_int_equal(report.crossing_count, 2);
  assert_string_equal(report.crossings[0].name, "relu");
  assert_string_equal(report.crossings[0].from, "fake_0");
  assert_string_equal(report.crossings[0].to, "plain_0");
  assert_true(report.crossings[0].copied && report.crossings[0].bytes == 32 && isnan(report.crossings[0].seconds));
  assert_string_equal(report.crossings[1].name, "tanh");
  assert_string_equal(report.crossings[1].to, "fake_0");
  assert_true(report.copies == 2 && report.copied_bytes == 64);
  assert_true(report.flops_on_device > 0.0 && report.flops_on_device < 1.0);
  assert_true(report.arena_bytes > 0);
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void branches_of_one_device_share_a_segment(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", "Neg", "Add", NULL};
  or_fake_set_supported(supported);
  plain_refused = supported; /* else they would go along */
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(8));
  or_value_id_t branches[3];
  for (int i = 0; i < 3; ++i) { /* in the file: relu tanh neg, three times over */
    const char *const names[] = {"a", "b", "c"};
    branches[i] =
        apply(graph, "Neg", names[i], IDS(apply(graph, "Tanh", names[i], IDS(apply(graph, "Relu", names[i], IDS(x))))));
  }
  or_value_id_t sum =
      apply(graph, "Add", "sum", IDS(apply(graph, "Add", "part", IDS(branches[0], branches[1])), branches[2]));
  or_expect_ok(or_graph_add_output(graph, sum));
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(plan_for(graph, false, on_fake(), &plan));
  or_session_report_t report = report_of(plan, &arena);
  uint32_t changes = 0;
  for (size_t i = 1; i < report.node_count; ++i)
    changes += strcmp(report.nodes[i].device_id, report.nodes[i - 1].device_id) != 0;
  assert_int_equal(changes, 2);
  assert_int_equal(or_fake_calls(OR_FAKE_COMPILE), 2);
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void values_between_segments_share_memory(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", NULL};
  or_fake_set_supported(supported);
  plain_refused = supported; /* else all would be there */
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t v = input(graph, "x", OR_FLOAT32, SHAPE(1024));
  for (int i = 0; i < 10; ++i) v = apply(graph, i % 2 == 0 ? "Relu" : "Tanh", "n", IDS(v));
  or_expect_ok(or_graph_add_output(graph, v));
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(plan_for(graph, false, on_fake(), &plan));
  or_session_report_t report = report_of(plan, &arena);
  /* Nine values, each on both devices; at any time two on each suffice. */
  assert_true(report.arena_bytes <= 4 * 4096);
  assert_true(report.arena_bytes_unplanned >= 18 * 4096);
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void without_a_fallback_lists_what_the_device_refuses(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", NULL};
  or_fake_set_supported(supported);
  or_plan_t *plan = NULL;
  or_status_t status = plan_for(chain(), false, (or_plan_options_t){.device = fake.devices[0]}, &plan);
  assert_non_null(strstr(or_status_message(status), "\"tanh\" (Tanh): not on the fake's list"));
  assert_non_null(strstr(or_status_message(status), "\"neg\" (Neg)"));
  assert_null(strstr(or_status_message(status), "\"relu\""));
  or_expect_words(status, OR_UNIMPLEMENTED, "device \"fake_0\" can't run 2 nodes");
  assert_null(plan);
}

static void lists_what_neither_device_takes(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", NULL}, *const refused[] = {"Neg", NULL};
  or_fake_set_supported(supported);
  plain_refused = refused;
  or_plan_t *plan = NULL;
  or_expect_words(plan_for(chain(), false, on_fake(), &plan), OR_UNIMPLEMENTED,
                  "neither device \"fake_0\" nor its fallback \"plain_0\" can run 1 nodes");
}

static void strict_refuses_a_plan_that_falls_back(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", "Neg", NULL};
  or_plan_options_t options = on_fake();
  options.strict = true;
  or_plan_t *plan = NULL;
  or_expect_ok(plan_for(chain(), false, options, &plan));
  or_plan_release(plan);
  or_fake_set_supported(supported);
  or_status_t status = plan_for(chain(), false, options, &plan);
  assert_non_null(strstr(or_status_message(status), "\"tanh\" (Tanh): not on the fake's list"));
  or_expect_words(status, OR_FAILED_PRECONDITION, "99 % are asked for");
}

/* MatMul + bias + Relu, which rewriting makes one node. */
static or_graph_t *product(void) {
  static const float weights[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, bias[4] = {-1, -2, -3, -400};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3));
  or_value_id_t y = apply(graph, "MatMul", "product", IDS(x, constant(graph, "w", OR_FLOAT32, SHAPE(3, 4), weights)));
  y = apply(graph, "Add", "bias", IDS(y, constant(graph, "b", OR_FLOAT32, SHAPE(4), bias)));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Relu", "y", IDS(y))));
  return graph;
}

static void a_fused_node_stays_whole_where_the_device_takes_it(void **state) {
  (void)state;
  or_fake_set_fused(true);
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(plan_for(product(), false, on_fake(), &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_int_equal(report.node_count, 1);
  assert_string_equal(report.nodes[0].op, "MatMul+Add+Relu");
  assert_true(report.nodes[0].flops >= 2.0 * 2 * 3 * 4);
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void a_fused_node_that_is_refused_goes_in_parts(void **state) {
  (void)state;
  static const char *const supported[] = {"MatMul", "Add", NULL};
  or_fake_set_supported(supported);
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(plan_for(product(), false, on_fake(), &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_int_equal(report.node_count, 4); /* and a copy */
  assert_string_equal(report.nodes[0].op, "MatMul");
  assert_string_equal(report.nodes[1].op, "Add");
  assert_string_equal(report.nodes[3].op, "Relu");
  assert_string_equal(report.nodes[3].device_id, "plain_0");
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void of_a_fused_node_the_first_parts_stay_together(void **state) {
  (void)state;
  static const char *const refused[] = {"Relu", NULL};
  plain_refused = refused;
  plain_takes_fused = true;
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_plan_options_t options = {.device = plain.devices[0], .fallback = fake.devices[0]};
  or_expect_ok(plan_for(product(), false, options, &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_int_equal(report.node_count, 3); /* and a copy */
  assert_string_equal(report.nodes[0].op, "MatMul+Add");
  assert_string_equal(report.nodes[0].device_id, "plain_0");
  assert_string_equal(report.nodes[2].op, "Relu");
  assert_string_equal(report.nodes[2].device_id, "fake_0");
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void what_a_later_part_reads_is_not_hidden_in_the_first_ones(void **state) {
  (void)state;
  static const char *const refused[] = {"Mul", NULL};
  static const float weights[12] = {0};
  plain_refused = refused;
  or_fake_set_supported(refused); /* nothing goes along */
  plain_takes_fused = true;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3));
  or_value_id_t y = apply(graph, "MatMul", "product", IDS(x, constant(graph, "w", OR_FLOAT32, SHAPE(3, 4), weights)));
  or_expect_ok(
      or_graph_add_output(graph, apply(graph, "Mul", "silu", IDS(y, apply(graph, "Sigmoid", "gate", IDS(y))))));
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_expect_ok(
      plan_for(graph, false, (or_plan_options_t){.device = plain.devices[0], .fallback = fake.devices[0]}, &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_int_equal(report.node_count, 5); /* and the copies of product and gate */
  assert_string_equal(report.nodes[0].op, "MatMul");
  assert_string_equal(report.nodes[1].op, "Sigmoid");
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void the_reference_needs_memory_that_the_host_reaches(void **state) {
  (void)state;
  or_plan_t *plan = NULL;
  or_arena_t arena;
  or_plan_options_t options = {.device = fake.devices[0], .reference = true};
  or_expect_words(plan_for(chain(), false, options, &plan), OR_UNIMPLEMENTED, "memory that the host reaches");
  options.device = plain.devices[0];
  or_expect_ok(plan_for(product(), false, options, &plan));
  or_session_report_t report = report_of(plan, &arena);
  assert_string_equal(report.nodes[0].kernel, "reference");
  assert_string_equal(report.nodes[0].op, "MatMul+Add+Relu");
  assert_true(report.workspace_bytes > 0 && report.arena_bytes_unplanned > 0);
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void counts_its_memory_against_the_limit_of_the_hardware(void **state) {
  (void)state;
  or_plan_t *plan = NULL;
  or_device_set_memory_limit(fake.devices[0], 16);
  or_expect(plan_for(chain(), false, on_fake(), &plan), OR_RESOURCE_EXHAUSTED);
  assert_int_equal(or_device_memory_usage(fake.devices[0]).used_bytes, 0);
  or_device_set_memory_limit(fake.devices[0], UINT64_MAX);
}

static void refuses_a_plan_that_holds_too_much_for_its_model(void **state) {
  (void)state;
  or_plan_t *plan = NULL;
  or_graph_t *graph = chain();
  graph->limits.expansion_ratio = 1e-8; /* 10 bytes of a gibibyte */
  or_expect_words(plan_for(graph, false, on_fake(), &plan), OR_RESOURCE_EXHAUSTED,
                  "0 bytes of weights, 32 of inputs and an expansion of 1e-08");
  assert_null(plan);
}

/* Each is small; together they are more than a model of that size may have. */
static void folding_ends_at_the_expansion_of_the_model(void **state) {
  (void)state;
  const float numbers[4] = {1, 2, 3, 4};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t last = constant(graph, "c", OR_FLOAT32, SHAPE(4), numbers);
  last = apply(graph, "Neg", "first", IDS(last));
  const or_value_id_t second = apply(graph, "Neg", "second", IDS(last));
  or_expect_ok(or_graph_add_output(graph, second));
  graph->limits.expansion_ratio = 3e-8; /* 32 bytes: the constant's 16 are none of folding */
  const or_value_id_t third = apply(graph, "Neg", "third", IDS(second));
  or_expect_ok(or_graph_add_output(graph, third));
  finish_graph(graph);
  assert_non_null(graph->values[second].constant);
  assert_null(graph->values[third].constant);
  assert_int_equal(graph->folded_bytes, 32);
  or_graph_release(graph);
}

static void a_failed_compilation_leaves_nothing(void **state) {
  (void)state;
  static const char *const supported[] = {"Relu", "Neg", NULL};
  or_fake_set_supported(supported);
  or_plan_t *plan = NULL;
  or_fake_fail(OR_FAKE_COMPILE, 2, OR_RESOURCE_EXHAUSTED);
  or_expect(plan_for(chain(), false, on_fake(), &plan), OR_RESOURCE_EXHAUSTED);
  assert_int_equal(or_device_memory_usage(fake.devices[0]).used_bytes, 0);
  assert_int_equal(or_device_memory_usage(plain.devices[0]).used_bytes, 0);
}

static void a_compilation_whose_queue_fails_at_its_end_leaves_nothing(void **state) {
  (void)state;
  or_plan_t *plan = NULL;
  or_expect_ok(plan_for(chain(), false, on_fake(), &plan)); /* opens what is opened once */
  or_plan_release(plan);
  const uint64_t before = or_fake_live_objects();
  or_fake_fail(OR_FAKE_QUEUE_FINISH, 1, OR_INTERNAL);
  or_expect(plan_for(chain(), false, on_fake(), &plan), OR_INTERNAL);
  assert_int_equal(or_fake_live_objects(), before);
  assert_int_equal(or_device_memory_usage(fake.devices[0]).used_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(puts_everything_on_the_device_that_takes_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_a_device_refuses_runs_on_the_fallback_with_its_reason, set_up, tear_down),
      cmocka_unit_test_setup_teardown(branches_of_one_device_share_a_segment, set_up, tear_down),
      cmocka_unit_test_setup_teardown(values_between_segments_share_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_a_fallback_lists_what_the_device_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lists_what_neither_device_takes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(strict_refuses_a_plan_that_falls_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_fused_node_stays_whole_where_the_device_takes_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_fused_node_that_is_refused_goes_in_parts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_a_fused_node_the_first_parts_stay_together, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_a_later_part_reads_is_not_hidden_in_the_first_ones, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_reference_needs_memory_that_the_host_reaches, set_up, tear_down),
      cmocka_unit_test_setup_teardown(counts_its_memory_against_the_limit_of_the_hardware, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_plan_that_holds_too_much_for_its_model, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folding_ends_at_the_expansion_of_the_model, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failed_compilation_leaves_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_compilation_whose_queue_fails_at_its_end_leaves_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
