#include "runtime/program/flow_internal.h"

#include "base/clock.h"
#include "fixtures/graphs.h"
#include "runtime/runtime.h"

typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
} fixture_t;

static int setup(void **state) {
  static fixture_t fixture;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_counting_allocator_init(&fixture.allocator, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &fixture.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &fixture.runtime));
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  fixture_t *fixture = *state;
  or_runtime_release(fixture->runtime);
  assert_int_equal(atomic_load(&fixture->allocator.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_tensor_t *zeros(fixture_t *fixture, int64_t count) {
  or_tensor_t *made = NULL;
  or_expect_ok(or_tensor_create(or_runtime_host_device(fixture->runtime), OR_FLOAT32, SHAPE(count), &made));
  memset((void *)(uintptr_t)or_tensor_data(made), 0, or_tensor_bytes(made));
  return made;
}

static or_session_t *session_of(fixture_t *fixture, or_graph_t *graph) {
  or_session_t *session = NULL;
  finish_graph(graph);
  or_expect_ok(or_session_create_for_graph(fixture->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  return session;
}

/* One run with `count` zeros, whose outputs are let go of. Ends the session. */
static or_status_t run_zeros(fixture_t *fixture, or_session_t *session, int64_t count, or_cancel_t *cancel) {
  or_binding_t input = {.tensor = zeros(fixture, count)}, output = {.name = NULL};
  const or_session_within_t within = {.cancel = cancel};
  or_status_t status = or_session_run_within(session, &input, 1, &output, 1, &within);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
  return status;
}

/* 2^40 multiplications: no test waits for their end. */
#define LONG 1024
static or_value_id_t long_sum(or_graph_t *graph, or_value_id_t x) {
  or_node_t *einsum = node(graph, "Einsum", "sum", IDS(x, x, x, x));
  const char *equation = "i,j,k,l->";
  attribute(einsum, "equation", OR_ATTRIBUTE_STRING)->string = (or_string_t){equation, strlen(equation)};
  return einsum->outputs[0];
}

static or_graph_t *one_long_operator(fixture_t *fixture) {
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  or_expect_ok(or_graph_add_output(graph, long_sum(graph, input(graph, "x", OR_FLOAT32, SHAPE(LONG)))));
  return graph;
}

static or_graph_t *long_body(fixture_t *fixture) {
  or_graph_t *graph = new_graph(&fixture->allocator.base), *body = new_graph(&fixture->allocator.base);
  const int64_t two = 2;
  const or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(LONG));
  const or_value_id_t most = constant(graph, "most", OR_INT64, or_shape_make(0, NULL), &two);
  const or_value_id_t last = value(graph, "last"), all = value(graph, "all");
  or_node_t *loop = NULL;
  or_expect_ok(or_graph_keep_body(graph, body));
  or_expect_ok(or_graph_add_node(graph, "loop", 3, 2, FIXTURE_ATTRIBUTES, &loop));
  loop->op = "Loop";
  loop->version = 13;
  loop->definition = or_op_find("", "Loop");
  loop->attribute_count = 0;
  memcpy((or_value_id_t *)loop->inputs, (const or_value_id_t[]){most, OR_NO_VALUE, x}, 3 * sizeof(or_value_id_t));
  memcpy((or_value_id_t *)loop->outputs, (const or_value_id_t[]){last, all}, 2 * sizeof(or_value_id_t));
  const or_value_id_t number = value(body, "number"), condition = value(body, "condition"), v = value(body, "v");
  or_expect_ok(or_graph_add_input(body, number));
  or_expect_ok(or_graph_add_input(body, condition));
  or_expect_ok(or_graph_add_input(body, v));
  or_expect_ok(or_graph_add_output(body, apply(body, "Identity", "go_on", IDS(condition))));
  or_expect_ok(or_graph_add_output(body, apply(body, "Identity", "next", IDS(v))));
  or_expect_ok(or_graph_add_output(body, long_sum(body, v)));
  attribute(loop, "body", OR_ATTRIBUTE_GRAPH)->graph = body;
  or_expect_ok(or_graph_add_output(graph, all));
  return graph;
}

static void a_loop_ends_in_the_middle_of_an_operator_when_its_time_is_over(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = long_body(fixture);
  graph->limits.loop_seconds = 0.05;
  or_expect_words(run_zeros(fixture, session_of(fixture, graph), LONG, NULL), OR_RESOURCE_EXHAUSTED,
                  "more than 0.05 s after 0 iterations, the limit: raise limits.loop_seconds");
}

static void the_callers_deadline_is_no_limit_of_the_loop(void **state) {
  fixture_t *fixture = *state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, or_clock_ns() + 50000000);
  or_graph_t *graph = long_body(fixture);
  graph->limits.loop_seconds = 1e300;
  or_expect_words(run_zeros(fixture, session_of(fixture, graph), LONG, &cancel), OR_DEADLINE_EXCEEDED, "the deadline");
}

static void a_deadline_ends_an_operator_midway(void **state) {
  fixture_t *fixture = *state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, or_clock_ns() + 50000000);
  or_expect_words(run_zeros(fixture, session_of(fixture, one_long_operator(fixture)), LONG, &cancel),
                  OR_DEADLINE_EXCEEDED, "the deadline");
}

/* An allocator that requests a cancel when it is asked for as much as Unique's keys take, which is more than any tensor
 * here: its work has begun then. */
typedef struct watching_t {
  or_allocator_t base;
  or_cancel_t *cancel;
  size_t bytes;
} watching_t;
static void *watch(void *self, size_t bytes, size_t alignment) {
  watching_t *watching = self;
  if (bytes >= watching->bytes && watching->cancel != NULL) or_cancel_request(watching->cancel);
  return or_allocator_system()->alloc(or_allocator_system()->self, bytes, alignment);
}
static void forget(void *self, void *memory) {
  (void)self;
  or_allocator_system()->release(or_allocator_system()->self, memory);
}

static void a_cancel_ends_a_node_on_the_host_midway(void **state) {
  (void)state;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  enum { COUNT = 1 << 19 };
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  watching_t watching = {.base = {.self = &watching, .alloc = watch, .release = forget}, .bytes = COUNT * 8 + 1};
  fixture_t fixture = {.runtime = NULL};
  or_runtime_options_t options = or_runtime_options_default();
  or_counting_allocator_init(&fixture.allocator, &watching.base, 0);
  options.allocator = &fixture.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &fixture.runtime));
  or_graph_t *graph = new_graph(&fixture.allocator.base);
  or_expect_ok(
      or_graph_add_output(graph, apply(graph, "Unique", "y", IDS(input(graph, "x", OR_FLOAT32, SHAPE(COUNT))))));
  or_session_t *session = session_of(&fixture, graph);
  watching.cancel = &cancel;
  or_expect_words(run_zeros(&fixture, session, COUNT, &cancel), OR_CANCELLED, "cancelled by the caller");
  or_runtime_release(fixture.runtime);
}

/* x [4] cut into a sequence, of which each element becomes 1000: joined they are y [4000]. */
static or_graph_t *mapped(fixture_t *fixture, uint64_t run_bytes) {
  or_graph_t *graph = new_graph(&fixture->allocator.base), *body = new_graph(&fixture->allocator.base);
  const int64_t extents[1] = {1000};
  graph->limits.run_bytes = run_bytes;
  or_expect_ok(or_graph_keep_body(graph, body));
  const or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  const or_value_id_t parts = apply(graph, "SplitToSequence", "parts", IDS(x));
  or_node_t *map = node(graph, "SequenceMap", "map", IDS(parts));
  const or_value_id_t results = map->outputs[0], part = value(body, "part");
  or_expect_ok(or_graph_add_input(body, part));
  const or_value_id_t shape = constant(body, "shape", OR_INT64, SHAPE(1), extents);
  or_expect_ok(or_graph_add_output(body, apply(body, "Expand", "wide", IDS(part, shape))));
  attribute(map, "body", OR_ATTRIBUTE_GRAPH)->graph = body;
  or_node_t *join = node(graph, "ConcatFromSequence", "join", IDS(results));
  attribute(join, "axis", OR_ATTRIBUTE_INT)->integer = 0;
  or_expect_ok(or_graph_add_output(graph, join->outputs[0]));
  return graph;
}

static bool map_fits(fixture_t *fixture, uint64_t run_bytes) {
  or_status_t status = run_zeros(fixture, session_of(fixture, mapped(fixture, run_bytes)), 4, NULL);
  if (or_ok(status)) return true;
  or_expect_words(status, OR_RESOURCE_EXHAUSTED, "the limit: raise limits.run_bytes");
  return false;
}

static void what_a_map_gives_counts_until_it_is_too_much(void **state) {
  fixture_t *fixture = *state;
  uint64_t low = 16000, high = 64000; /* four results of 4000 bytes, and room to spare */
  assert_false(map_fits(fixture, low));
  assert_true(map_fits(fixture, high));
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    *(map_fits(fixture, middle) ? &high : &low) = middle;
  }
  /* The results, what they are joined to, and some 30 values. */
  assert_true(high >= 32000 && high < 32000 + 30 * OR_ALIVE_VALUE_BYTES);
}

static void a_sequence_of_very_many_is_refused_before_it_is_made(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  graph->limits.run_bytes = 100000;
  const or_value_id_t parts = apply(graph, "SplitToSequence", "parts", IDS(input(graph, "x", OR_FLOAT32, SHAPE(1000))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "SequenceLength", "y", IDS(parts))));
  or_expect_words(run_zeros(fixture, session_of(fixture, graph), 1000, NULL), OR_RESOURCE_EXHAUSTED,
                  "128000 bytes beside the ");
}

/* The plan is there, and stays there for the runs that fit. */
static void a_piece_that_is_refused_beside_what_the_run_holds_may_run_later(void **state) {
  fixture_t *fixture = *state;
  enum { COUNT = 10000 };
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "y", IDS(input(graph, "x", OR_FLOAT32, SHAPE(COUNT))))));
  or_session_t *session = session_of(fixture, graph);
  const or_model_limits_t limits = {.expansion_ratio = 1, .run_bytes = 1000000};
  or_expansion_t expansion = {.limits = &limits, .alive = limits.run_bytes};
  const or_session_within_t within = {.expansion = &expansion};
  or_binding_t x = {.tensor = zeros(fixture, COUNT)};
  for (int i = 0; i < 4; ++i) {
    or_binding_t y = {.name = NULL};
    or_expect_words(or_session_run_within(session, &x, 1, &y, 1, &within), OR_RESOURCE_EXHAUSTED,
                    "beside the 1000000 that the run holds");
    assert_null(y.tensor);
  }
  or_binding_t y = {.name = NULL};
  expansion.alive = 0;
  or_expect_ok(or_session_run_within(session, &x, 1, &y, 1, &within));
  or_tensor_release(y.tensor);
  or_tensor_release(x.tensor);
  or_session_release(session);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_loop_ends_in_the_middle_of_an_operator_when_its_time_is_over, setup, teardown),
      cmocka_unit_test_setup_teardown(the_callers_deadline_is_no_limit_of_the_loop, setup, teardown),
      cmocka_unit_test_setup_teardown(a_deadline_ends_an_operator_midway, setup, teardown),
      cmocka_unit_test(a_cancel_ends_a_node_on_the_host_midway),
      cmocka_unit_test_setup_teardown(what_a_map_gives_counts_until_it_is_too_much, setup, teardown),
      cmocka_unit_test_setup_teardown(a_sequence_of_very_many_is_refused_before_it_is_made, setup, teardown),
      cmocka_unit_test_setup_teardown(a_piece_that_is_refused_beside_what_the_run_holds_may_run_later, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
