/* Which nodes go along with neighbours that the device refuses, and which stay. */
#include <math.h>

#include "fixtures/rigs.h"
#include "graph/plan_internal.h"
#include "ops/attention.h"

static const char *const no_tanh[] = {"Relu", "Neg", "Add", "MatMul", "Sigmoid", NULL};

static or_status_t try_plan(or_graph_t *graph, bool strict, or_plan_t **out) {
  const or_plan_options_t options = {.device = fake.devices[0], .fallback = plain.devices[0], .strict = strict};
  or_graph_t *special = NULL;
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, true, &special));
  or_graph_release(graph);
  or_status_t status = or_plan_create(special, &options, out);
  or_graph_release(special);
  return status;
}

static or_plan_t *plan_of(or_graph_t *graph) {
  or_plan_t *plan = NULL;
  or_expect_ok(try_plan(graph, false, &plan));
  return plan;
}

/* "Tanh", "Relu", … one after another on x of so many floats. */
static or_graph_t *chain_of(int64_t floats, const char *const *operators, size_t count) {
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t v = input(graph, "x", OR_FLOAT32, SHAPE(floats));
  for (size_t i = 0; i < count; ++i) v = apply(graph, operators[i], operators[i], IDS(v));
  or_expect_ok(or_graph_add_output(graph, v));
  return graph;
}
#define CHAIN(floats, ...) \
  chain_of((floats), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const or_placed_node_t *placed(const or_plan_t *plan, const char *name) {
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    if (strcmp(plan->nodes[n].name, name) == 0) return &plan->placed[n];
  }
  fail_msg("no node %s", name);
  return NULL;
}

static void assert_stays(const or_plan_t *plan, const char *name) {
  assert_int_equal(placed(plan, name)->device, 0);
  assert_string_equal(placed(plan, name)->reason, "");
}

static void assert_goes(const or_plan_t *plan, const char *name, const char *reason) {
  assert_int_equal(placed(plan, name)->device, 1);
  assert_string_equal(placed(plan, name)->reason, reason);
}

static uint32_t crossings(const or_plan_t *plan) { return plan->row_count - plan->node_count; }

static void a_cheap_node_goes_along_with_those_around_it(void **state) {
  (void)state;
  or_fake_set_supported(no_tanh);
  or_plan_t *plan = plan_of(CHAIN(8, "Tanh", "Relu", "Tanh"));
  assert_goes(plan, "Relu", "next to nodes that run on plain_0: 2 copies of 64 B saved");
  assert_string_equal(placed(plan, "Tanh")->reason, "not on the fake's list");
  assert_int_equal(plan->segment_count, 1);
  assert_int_equal(crossings(plan), 0); /* the fallback has the input and the output where the caller has them */
  or_plan_release(plan);
}

/* One of them alone would save nothing. */
static void a_row_of_cheap_nodes_goes_together(void **state) {
  (void)state;
  or_fake_set_supported(no_tanh);
  or_plan_t *plan = plan_of(CHAIN(8, "Tanh", "Relu", "Neg", "Sigmoid", "Tanh"));
  const char *words = "next to nodes that run on plain_0: 2 copies of 64 B saved";
  assert_goes(plan, "Relu", words);
  assert_goes(plan, "Neg", words);
  assert_goes(plan, "Sigmoid", words);
  or_plan_release(plan);
}

static void what_is_only_on_one_side_of_a_refused_node_stays(void **state) {
  (void)state;
  or_fake_set_supported(no_tanh);
  or_plan_t *plan = plan_of(CHAIN(8, "Relu", "Tanh", "Neg"));
  assert_stays(plan, "Relu");
  assert_stays(plan, "Neg");
  assert_int_equal(crossings(plan), 2);
  or_plan_release(plan);
}

/* A copy of a value serves all who read it: three branches bring one value over instead of three. */
static void branches_bring_one_value_instead_of_three(void **state) {
  (void)state;
  or_fake_set_supported(no_tanh);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = apply(graph, "Sigmoid", "before", IDS(input(graph, "x", OR_FLOAT32, SHAPE(8))));
  static const char *const names[3][3] = {{"r0", "t0", "n0"}, {"r1", "t1", "n1"}, {"r2", "t2", "n2"}};
  or_value_id_t ends[3];
  for (int i = 0; i < 3; ++i) {
    const or_value_id_t relu = apply(graph, "Relu", names[i][0], IDS(x));
    ends[i] = apply(graph, "Neg", names[i][2], IDS(apply(graph, "Tanh", names[i][1], IDS(relu))));
    or_expect_ok(or_graph_add_output(graph, ends[i])); /* each Neg has one way in and one out */
  }
  or_plan_t *plan = plan_of(graph);
  assert_stays(plan, "before");
  for (int i = 0; i < 3; ++i) {
    assert_goes(plan, names[i][0], "next to nodes that run on plain_0: 2 copies of 64 B saved");
    assert_stays(plan, names[i][2]);
  }
  or_plan_release(plan);
}

static void heavy_work_stays_where_it_was_asked_to_be(void **state) {
  (void)state;
  static float weights[64 * 64];
  or_fake_set_supported(no_tanh);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t v = apply(graph, "Tanh", "first", IDS(input(graph, "x", OR_FLOAT32, SHAPE(64, 64))));
  v = apply(graph, "MatMul", "product", IDS(v, constant(graph, "w", OR_FLOAT32, SHAPE(64, 64), weights)));
  v = apply(graph, "Relu", "relu", IDS(v));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Tanh", "last", IDS(v))));
  or_plan_t *plan = plan_of(graph);
  assert_stays(plan, "product"); /* 524 kFLOP: 262 us for 26 us of copies */
  assert_stays(plan, "relu");
  or_plan_release(plan);
}

static void what_the_fallback_refuses_stays(void **state) {
  (void)state;
  static const char *const refused[] = {"Relu", NULL};
  or_fake_set_supported(no_tanh);
  plain_refused = refused;
  or_plan_t *plan = plan_of(CHAIN(8, "Tanh", "Relu", "Tanh"));
  assert_stays(plan, "Relu");
  or_plan_release(plan);
}

/* The caches are the caller's, and written to: on the fallback that would be a copy of them. */
static void an_attention_that_appends_stays_with_its_caches(void **state) {
  (void)state;
  static const char *const supported[] = {"CachedAttention", NULL};
  static const char *const names[] = {"q", "k", "v"};
  or_fake_set_supported(supported);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t rows[3];
  for (int i = 0; i < 3; ++i)
    rows[i] = apply(graph, "Tanh", "made", IDS(input(graph, names[i], OR_FLOAT32, SHAPE(1, 1, 1, 4))));
  const or_value_id_t keys = input(graph, "keys", OR_FLOAT32, SHAPE(1, 1, 8, 4)),
                      values = input(graph, "values", OR_FLOAT32, SHAPE(1, 1, 8, 4)),
                      past = input(graph, "past", OR_INT64, SHAPE(1));
  or_node_t *attention =
      node(graph, "Identity", "attention", IDS(rows[0], rows[1], rows[2], OR_NO_VALUE, keys, values, past));
  attention->domain = "openruntime";
  attention->op = "CachedAttention";
  attention->definition = &or_op_cached_attention;
  attention->version = 1;
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Tanh", "after", IDS(attention->outputs[0]))));
  or_plan_t *plan = plan_of(graph);
  assert_stays(plan, "attention");
  or_plan_release(plan);
}

/* Larger values take longer to compute than to copy. */
static void large_values_stay(void **state) {
  (void)state;
  or_fake_set_supported(no_tanh);
  or_plan_t *plan = plan_of(CHAIN(1 << 20, "Tanh", "Relu", "Tanh"));
  assert_stays(plan, "Relu");
  or_plan_release(plan);
}

/* Measured limits of the fallback say that it has the time. */
static void known_limits_of_the_fallback_count(void **state) {
  (void)state;
  or_device_peaks_t peaks = {.fp32_flops = 1e12, .read_bytes_per_second = 400e9}, seen;
  plain_peaks = &peaks;
  or_expect_ok(or_device_measure_peaks(plain.devices[0], &seen));
  or_fake_set_supported(no_tanh);
  or_plan_t *plan = plan_of(CHAIN(1 << 20, "Tanh", "Relu", "Tanh"));
  assert_goes(plan, "Relu", "next to nodes that run on plain_0: 2 copies of 8.0 MiB saved");
  or_plan_release(plan);
}

/* x [1,256] W, then Tanh, Relu, Tanh, Relu and Tanh of its first elements. Of 8 elements 99 % of the flops are here
 * only as long as the Relus stay. */
static or_graph_t *nearly_all_here(int64_t elements) {
  static float weights[256 * 75];
  static const int64_t starts[] = {0}, axes[] = {1};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 256));
  or_value_id_t y =
      apply(graph, "MatMul", "product", IDS(x, constant(graph, "w", OR_FLOAT32, SHAPE(256, 75), weights)));
  or_value_id_t part = apply(graph, "Slice", "part",
                             IDS(y, integers(graph, "starts", 1, starts), integers(graph, "ends", 1, &elements),
                                 integers(graph, "axes", 1, axes)));
  for (int i = 0; i < 5; ++i) {
    static const char *const names[] = {"Tanh", "Relu", "Tanh", "Relu", "Tanh"};
    part = apply(graph, names[i], i == 1 ? "between" : i == 3 ? "later" : "tanh", IDS(part));
  }
  or_expect_ok(or_graph_add_output(graph, y));
  or_expect_ok(or_graph_add_output(graph, part));
  return graph;
}

static void a_plan_that_is_strict_enough_stays_so(void **state) {
  (void)state;
  static const char *const supported[] = {"MatMul", "Slice", "Relu", NULL};
  or_fake_set_supported(supported);
  int stayed = 0, went = 0;
  for (int64_t elements = 1; elements <= 10; ++elements) {
    or_plan_t *loose = plan_of(nearly_all_here(elements)), *strict = NULL;
    double all = 0, refused = 0, moved = 0;
    for (uint32_t n = 0; n < loose->node_count; ++n) {
      const double flops = loose->placed[n].cost.flops;
      const bool tanh = strcmp(loose->nodes[n].op, "Tanh") == 0;
      all += flops;
      refused += tanh ? flops : 0;
      moved += loose->placed[n].device != 0 && !tanh ? flops : 0;
    }
    or_status_t status = try_plan(nearly_all_here(elements), true, &strict);
    if (refused > 0.01 * all) {
      assert_true(moved > 0); /* it is not strict enough anyway */
      or_expect(status, OR_FAILED_PRECONDITION);
    } else {
      or_expect_ok(status);
      assert_true(refused + moved <= 0.01 * all);
      stayed += moved == 0;
      went += moved > 0;
    }
    or_plan_release(strict);
    or_plan_release(loose);
  }
  assert_true(stayed > 0 && went > 0);
}

#define MANY 10000
static void ten_thousand_nodes_are_decided_together(void **state) {
  (void)state;
  static const char *operators[MANY];
  or_fake_set_supported(no_tanh);
  for (size_t i = 0; i < MANY; ++i) operators[i] = i % 2 == 0 ? "Tanh" : "Relu";
  or_plan_t *plan = plan_of(chain_of(8, operators, MANY));
  assert_int_equal(plan->node_count, MANY);
  assert_int_equal(plan->segment_count, 2); /* the last Relu alone would save nothing */
  or_plan_release(plan);
}

/* What comes out is the same, and fewer bytes pass between the devices. */
static void moved_nodes_compute_what_they_did(void **state) {
  (void)state;
  static const float x[4] = {-1, 0.5F, 2, -0.25F};
  float got[4];
  or_fake_set_supported(no_tanh);
  or_plan_t *plan = plan_of(CHAIN(4, "Neg", "Tanh", "Relu", "Tanh", "Neg"));
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), x);
  const uint64_t reads = or_device_counters(fake.devices[0]).reads, writes = or_device_counters(fake.devices[0]).writes;
  or_expect_ok(run_plan(plan, &run));
  assert_int_equal(or_device_counters(fake.devices[0]).reads, reads + 1); /* there, in one copy, and back in one */
  assert_int_equal(or_device_counters(fake.devices[0]).writes, writes + 1);
  or_expect_ok(or_tensor_read(run.outputs[0], got, sizeof got));
  for (int i = 0; i < 4; ++i) {
    const double middle = tanh(-x[i]), relu = middle > 0 ? middle : 0;
    assert_true(fabs((double)got[i] + tanh(relu)) < 1e-6);
  }
  end_run(&run);
  or_plan_release(plan);
}

static void a_want_of_memory_is_an_error_and_leaves_nothing(void **state) {
  (void)state;
  or_fake_set_supported(no_tanh);
  for (size_t nth = 1;; ++nth) {
    or_graph_t *graph = CHAIN(8, "Tanh", "Relu", "Tanh"), *special = NULL;
    const or_plan_options_t options = {.device = fake.devices[0], .fallback = plain.devices[0]};
    or_plan_t *plan = NULL;
    finish_graph(graph);
    or_expect_ok(specialize_static(graph, true, &special));
    or_graph_release(graph);
    memory.fail_at = memory.alloc_count + nth;
    memory.triggered = false;
    or_status_t status = or_plan_create(special, &options, &plan);
    memory.fail_at = 0;
    or_plan_release(plan);
    or_graph_release(special);
    if (!memory.triggered) {
      or_expect_ok(status);
      assert_true(nth > 20);
      return;
    }
    or_expect(status, OR_RESOURCE_EXHAUSTED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_cheap_node_goes_along_with_those_around_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_row_of_cheap_nodes_goes_together, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_only_on_one_side_of_a_refused_node_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(branches_bring_one_value_instead_of_three, set_up, tear_down),
      cmocka_unit_test_setup_teardown(heavy_work_stays_where_it_was_asked_to_be, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_the_fallback_refuses_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_attention_that_appends_stays_with_its_caches, set_up, tear_down),
      cmocka_unit_test_setup_teardown(large_values_stay, set_up, tear_down),
      cmocka_unit_test_setup_teardown(known_limits_of_the_fallback_count, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_plan_that_is_strict_enough_stays_so, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ten_thousand_nodes_are_decided_together, set_up, tear_down),
      cmocka_unit_test_setup_teardown(moved_nodes_compute_what_they_did, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_want_of_memory_is_an_error_and_leaves_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
