/* Values between two devices that reach the same memory: nothing is copied. */
#include <math.h>

#include "base/numbers.h"
#include "fixtures/rigs.h"
#include "graph/plan_internal.h"

static const char *const no_tanh[] = {"Relu", "Neg", "Add", NULL};

static int set_up_unified(void **state) {
  (void)state;
  open_rigs(true);
  plain_refused = no_tanh; /* nothing goes along */
  or_fake_set_supported(no_tanh);
  return 0;
}

static or_plan_t *plan_on(or_graph_t *graph, or_device_t *device, or_device_t *fallback) {
  const or_plan_options_t options = {.device = device, .fallback = fallback};
  or_graph_t *special = NULL;
  or_plan_t *plan = NULL;
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, true, &special));
  or_graph_release(graph);
  or_expect_ok(or_plan_create(special, &options, &plan));
  or_graph_release(special);
  return plan;
}

typedef struct traffic_t {
  uint64_t reads, writes, bytes;
} traffic_t;

static traffic_t traffic(void) {
  traffic_t sum = {0, 0, 0};
  const or_rig_t *const rigs[] = {&fake, &plain};
  for (int i = 0; i < 2; ++i) {
    const or_device_counters_t counters = or_device_counters(rigs[i]->devices[0]);
    sum.reads += counters.reads;
    sum.writes += counters.writes;
    sum.bytes += counters.read_bytes + counters.write_bytes;
  }
  return sum;
}

static void nothing_is_copied_between_devices_of_one_memory(void **state) {
  (void)state;
  static const float x[4] = {-1, 0.5F, 2, -0.25F};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t v = apply(graph, "Relu", "relu", IDS(input(graph, "x", OR_FLOAT32, SHAPE(4))));
  v = apply(graph, "Neg", "neg", IDS(apply(graph, "Tanh", "tanh", IDS(v))));
  or_expect_ok(or_graph_add_output(graph, v));
  or_plan_t *plan = plan_on(graph, fake.devices[0], plain.devices[0]);
  assert_int_equal(plan->segment_count, 3);
  assert_int_equal(plan->shared, 0); /* the plain device works on the fake's memory, there and back */
  assert_int_equal(plan->devices[1].arena_bytes, 0);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), x);
  const traffic_t before = traffic();
  or_expect_ok(run_plan(plan, &run));
  const traffic_t after = traffic();
  assert_int_equal(after.reads + after.writes, before.reads + before.writes);
  float got[4];
  or_expect_ok(or_tensor_read(run.outputs[0], got, sizeof got));
  for (int i = 0; i < 4; ++i) assert_true(fabs((double)got[i] + tanh(x[i] > 0 ? x[i] : 0)) < 1e-6);
  end_run(&run);
  or_plan_release(plan);
}

/* The caller's tensors lie where the caller has them: one copy each, and none through a third place. */
static void what_the_caller_has_elsewhere_is_copied_once(void **state) {
  (void)state;
  static const float x[4] = {-1, 0.5F, 2, -0.25F};
  or_graph_t *graph = new_graph(&memory.base);
  const or_value_id_t middle = apply(graph, "Relu", "relu", IDS(input(graph, "x", OR_FLOAT32, SHAPE(4))));
  or_expect_ok(or_graph_add_output(graph, middle)); /* given out, and read by the other device */
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Tanh", "tanh", IDS(middle))));
  or_plan_t *plan = plan_on(graph, fake.devices[0], plain.devices[0]);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(plain.devices[0], SHAPE(4), x);
  const traffic_t before = traffic();
  or_expect_ok(run_plan(plan, &run));
  const traffic_t after = traffic();
  assert_int_equal(after.reads + after.writes, before.reads + before.writes + 3); /* x, relu, tanh */
  assert_int_equal(after.bytes, before.bytes + 3 * sizeof x);
  float got[4];
  or_expect_ok(or_tensor_read(run.outputs[1], got, sizeof got));
  for (int i = 0; i < 4; ++i) assert_true(fabs((double)got[i] - tanh(x[i] > 0 ? x[i] : 0)) < 1e-6);
  end_run(&run);
  or_plan_release(plan);
}

#define NODES 60
#define FLOATS 16
/* Values that are read long after they were made, on either device. */
static or_graph_t *tangle(uint64_t seed) {
  or_random_t random = {.state = seed};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t made[NODES + 1] = {input(graph, "x", OR_FLOAT32, SHAPE(FLOATS))};
  for (size_t i = 1; i <= NODES; ++i) {
    static const char *const operators[] = {"Tanh", "Neg", "Add", "Sub", "Relu"};
    const char *op = operators[or_random_next(&random) % 5];
    const or_value_id_t one = made[or_random_next(&random) % i], other = made[i - 1];
    const bool two = strcmp(op, "Add") == 0 || strcmp(op, "Sub") == 0;
    made[i] = two ? apply(graph, op, "n", IDS(one, other)) : apply(graph, op, "n", IDS(i % 3 == 0 ? one : other));
  }
  or_value_id_t last = made[NODES];
  for (size_t i = 1; i < NODES; i += 7) last = apply(graph, "Sub", "n", IDS(last, made[i]));
  or_expect_ok(or_graph_add_output(graph, last));
  return graph;
}

static void run_tangle(or_plan_t *plan, float got[FLOATS]) {
  float x[FLOATS];
  for (int i = 0; i < FLOATS; ++i) x[i] = 0.1F * (float)(i - 7);
  for (int again = 0; again < 2; ++again) { /* in the same frame */
    run_t run;
    begin_run(&run);
    run.inputs[0] = floats_on(plain.devices[0], SHAPE(FLOATS), x);
    or_expect_ok(run_plan(plan, &run));
    or_expect_ok(or_tensor_read(run.outputs[0], got, FLOATS * sizeof *got));
    end_run(&run);
  }
}

static void values_that_are_read_late_are_still_there(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    float alone[FLOATS], there[FLOATS], back[FLOATS];
    static const char *const half[] = {"Tanh", "Sub", NULL};
    plain_refused = NULL;
    or_plan_t *plan = plan_on(tangle(seed), plain.devices[0], NULL);
    run_tangle(plan, alone);
    or_plan_release(plan);
    plain_refused = no_tanh;
    plan = plan_on(tangle(seed), fake.devices[0], plain.devices[0]);
    assert_true(plan->segment_count > 2 && plan->has_views);
    run_tangle(plan, there);
    or_plan_release(plan);
    plain_refused = half;
    or_fake_set_supported(half);
    plan = plan_on(tangle(seed), plain.devices[0], fake.devices[0]); /* the plain device's arena for both */
    run_tangle(plan, back);
    or_plan_release(plan);
    or_fake_set_supported(no_tanh);
    assert_memory_equal(there, alone, sizeof alone);
    assert_memory_equal(back, alone, sizeof alone);
  }
}

/* Of a caller who has input and outputs on the session's device: what is told is what is copied. */
static void assert_report_is_true(or_plan_t *plan, bool some_shared) {
  float x[FLOATS] = {0};
  or_session_report_t report;
  or_arena_t arena;
  uint64_t bytes = 0;
  uint32_t copies = 0, shared = 0;
  run_t run;
  begin_run(&run);
  run.call.profile = true;
  run.inputs[0] = floats_on(plan->devices[0].device, SHAPE(FLOATS), x);
  const traffic_t before = traffic();
  or_expect_ok(run_plan(plan, &run));
  const traffic_t after = traffic();
  end_run(&run);
  or_arena_init(&arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, &arena, &report));
  for (size_t i = 0; i < report.crossing_count; ++i) {
    const or_crossing_report_t *crossing = &report.crossings[i];
    copies += crossing->copied;
    shared += !crossing->copied;
    bytes += crossing->copied ? crossing->bytes : 0;
    assert_string_not_equal(crossing->from, crossing->to);
    assert_int_equal(crossing->bytes, FLOATS * sizeof(float));
  }
  assert_true(some_shared == (shared > 0));
  assert_int_equal(report.copies, copies);
  assert_int_equal(report.copied_bytes, bytes);
  assert_int_equal(after.reads + after.writes - before.reads - before.writes, copies);
  assert_int_equal(after.bytes - before.bytes, bytes);
  or_arena_deinit(&arena);
}

static void the_report_tells_what_a_run_copies(void **state) {
  const bool unified = or_device_facts(fake.devices[0])->unified_memory;
  (void)state;
  plain_refused = no_tanh;
  or_fake_set_supported(no_tanh);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    or_plan_t *plan = plan_on(tangle(seed), fake.devices[0], plain.devices[0]);
    assert_report_is_true(plan, unified);
    or_plan_release(plan);
  }
}

static void a_want_of_memory_is_an_error_and_leaves_nothing(void **state) {
  (void)state;
  for (size_t nth = 1;; ++nth) {
    or_plan_t *plan = plan_on(tangle(3), fake.devices[0], plain.devices[0]);
    float x[FLOATS] = {0};
    run_t run;
    begin_run(&run);
    run.inputs[0] = floats_on(fake.devices[0], SHAPE(FLOATS), x);
    memory.triggered = false;
    memory.fail_at = memory.alloc_count + nth;
    or_status_t status = run_plan(plan, &run);
    memory.fail_at = 0;
    end_run(&run);
    or_plan_release(plan);
    if (!memory.triggered) {
      or_expect_ok(status);
      return;
    }
    or_expect(status, OR_RESOURCE_EXHAUSTED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_is_copied_between_devices_of_one_memory, set_up_unified, tear_down),
      cmocka_unit_test_setup_teardown(what_the_caller_has_elsewhere_is_copied_once, set_up_unified, tear_down),
      cmocka_unit_test_setup_teardown(values_that_are_read_late_are_still_there, set_up_unified, tear_down),
      cmocka_unit_test_setup_teardown(the_report_tells_what_a_run_copies, set_up_unified, tear_down),
      cmocka_unit_test_setup_teardown(the_report_tells_what_a_run_copies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_want_of_memory_is_an_error_and_leaves_nothing, set_up_unified, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
