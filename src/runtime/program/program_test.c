#include "runtime/program/program.h"

#include <math.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "fake/fake.h"
#include "fixtures/graphs.h"
#include "openruntime/compute.h"
#include "runtime/runtime.h"

typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
} fixture_t;

static int setup(void **state) {
  static fixture_t fixture;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}, {"fake", or_fake_entry}};
  or_fake_reset();
  or_counting_allocator_init(&fixture.allocator, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &fixture.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 2, &fixture.runtime));
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

static or_tensor_t *tensor(fixture_t *fixture, or_dtype_t dtype, or_shape_t shape, const void *data) {
  or_tensor_t *made = NULL;
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count));
  or_expect_ok(or_tensor_create_from(or_runtime_host_device(fixture->runtime), dtype, shape, data,
                                     or_dtype_bytes(dtype, count), &made));
  return made;
}

static or_session_t *session_of(fixture_t *fixture, or_graph_t *graph) {
  or_session_t *session = NULL;
  finish_graph(graph);
  or_expect_ok(or_session_create_for_graph(fixture->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  return session;
}

/* Runs with tensors, which are released, and expects one output of these numbers. */
static void expect_run(or_session_t *session, or_tensor_t *const *inputs, size_t count, or_shape_t shape,
                       const void *numbers) {
  or_binding_t bindings[8] = {{.name = NULL}}, output = {.name = NULL};
  for (size_t i = 0; i < count; ++i) bindings[i].tensor = inputs[i];
  or_expect_ok(or_session_run(session, bindings, count, &output, 1));
  assert_true(or_shape_equal(or_tensor_shape(output.tensor), &shape));
  assert_true(or_shape_equal(&output.shape, &shape));
  assert_memory_equal(or_tensor_data(output.tensor), numbers, or_tensor_bytes(output.tensor));
  or_tensor_release(output.tensor);
  for (size_t i = 0; i < count; ++i) or_tensor_release(inputs[i]);
}

static or_graph_t *body_of(fixture_t *fixture, or_graph_t *outer) {
  or_graph_t *body = new_graph(&fixture->allocator.base);
  or_expect_ok(or_graph_keep_body(outer, body));
  return body;
}

static void give_body(or_node_t *to, const char *name, const or_graph_t *body) {
  attribute(to, name, OR_ATTRIBUTE_GRAPH)->graph = body;
}

/* x [n] -> the elements above 0, doubled. */
static or_graph_t *positive_ones(fixture_t *fixture) {
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  const float two = 2, zero = 0;
  const or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(OR_DIM_UNKNOWN));
  const or_value_id_t factor = constant(graph, "two", OR_FLOAT32, or_shape_make(0, NULL), &two);
  const or_value_id_t nothing = constant(graph, "zero", OR_FLOAT32, or_shape_make(0, NULL), &zero);
  const or_value_id_t above = apply(graph, "Greater", "above", IDS(x, nothing));
  const or_value_id_t kept = apply(graph, "Compress", "kept", IDS(x, above));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Mul", "y", IDS(kept, factor))));
  return graph;
}

static void shapes_that_only_data_tells_cut_the_graph(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = session_of(fixture, positive_ones(fixture));
  const float x[4] = {1, -1, 3, 0}, y[4] = {-1, -2, -3, -4}, doubled[2] = {2, 6};
  or_tensor_t *first = tensor(fixture, OR_FLOAT32, SHAPE(4), x), *second = tensor(fixture, OR_FLOAT32, SHAPE(4), y);
  expect_run(session, &first, 1, SHAPE(2), doubled);
  expect_run(session, &second, 1, SHAPE(0), doubled);
  or_session_release(session);
}

/* If(c, x + w, x * w), where w is a constant outside and x comes in. */
static or_graph_t *choice(fixture_t *fixture) {
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  const float w[2] = {3, 5};
  const or_value_id_t c = input(graph, "c", OR_BOOL, or_shape_make(0, NULL));
  const or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  const or_value_id_t weights = constant(graph, "w", OR_FLOAT32, SHAPE(2), w);
  or_node_t *branch = node(graph, "If", "y", IDS(c, x, weights));
  branch->captured_count = 2;
  or_expect_ok(or_graph_add_output(graph, branch->outputs[0]));
  static const char *const ops[] = {"Add", "Mul"}, *const names[] = {"then_branch", "else_branch"};
  for (size_t b = 0; b < 2; ++b) {
    or_graph_t *body = body_of(fixture, graph);
    const or_value_id_t inner = value(body, "x"), factor = value(body, "w");
    or_expect_ok(or_graph_add_input(body, inner));
    or_expect_ok(or_graph_add_input(body, factor));
    or_expect_ok(or_graph_add_output(body, apply(body, ops[b], "r", IDS(inner, factor))));
    give_body(branch, names[b], body);
  }
  return graph;
}

static void a_condition_chooses_a_branch_that_reads_from_outside(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = session_of(fixture, choice(fixture));
  const float x[2] = {10, 20}, sum[2] = {13, 25}, product[2] = {30, 100};
  for (uint8_t c = 0; c < 2; ++c) {
    or_tensor_t *inputs[2] = {tensor(fixture, OR_BOOL, or_shape_make(0, NULL), &c),
                              tensor(fixture, OR_FLOAT32, SHAPE(2), x)};
    expect_run(session, inputs, 2, SHAPE(2), c != 0 ? sum : product);
  }
  or_session_release(session);
}

/* A branch that only hands on a constant: writing to what came out leaves the constant as it is. */
static void what_is_handed_out_is_the_callers_own(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = choice(fixture);
  for (size_t b = 0; b < 2; ++b) graph->bodies[b]->outputs[0] = graph->bodies[b]->inputs[b == 0 ? 1 : 0]; /* w, x */
  or_session_t *session = session_of(fixture, graph);
  const float x[2] = {10, 20}, w[2] = {3, 5};
  const uint8_t yes = 1, no = 0;
  or_tensor_t *inputs[3] = {tensor(fixture, OR_BOOL, or_shape_make(0, NULL), &yes),
                            tensor(fixture, OR_FLOAT32, SHAPE(2), x),
                            tensor(fixture, OR_BOOL, or_shape_make(0, NULL), &no)};
  or_binding_t bindings[2] = {{.tensor = inputs[0]}, {.tensor = inputs[1]}}, output = {.name = NULL};
  or_expect_ok(or_session_run(session, bindings, 2, &output, 1)); /* w */
  bindings[0].tensor = inputs[2];
  or_expect_ok(or_session_run(session, bindings, 2, &output, 1)); /* x, written over what came out */
  assert_memory_equal(or_tensor_data(output.tensor), x, sizeof x);
  bindings[0].tensor = inputs[0];
  or_expect_ok(or_session_run(session, bindings, 2, &output, 1));
  assert_memory_equal(or_tensor_data(output.tensor), w, sizeof w);
  assert_memory_equal(or_tensor_data(inputs[1]), x, sizeof x);
  or_tensor_release(output.tensor);
  or_session_release(session);
  for (size_t i = 0; i < 3; ++i) or_tensor_release(inputs[i]);
}

/* A Split into four of five elements, in a branch that is not taken. */
static void a_branch_that_can_not_be_fails_where_it_is_taken(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = choice(fixture);
  or_graph_t *other = graph->bodies[1];
  or_node_t *wrong =
      node(other, "Reshape", "wrong", IDS(other->inputs[0], integers(other, "shape", 1, (const int64_t[]){3})));
  other->outputs[0] = wrong->outputs[0];
  or_session_t *session = session_of(fixture, graph);
  const float x[2] = {10, 20}, sum[2] = {13, 25};
  const uint8_t yes = 1, no = 0;
  or_tensor_t *inputs[2] = {tensor(fixture, OR_BOOL, or_shape_make(0, NULL), &yes),
                            tensor(fixture, OR_FLOAT32, SHAPE(2), x)};
  expect_run(session, inputs, 2, SHAPE(2), sum);
  or_tensor_t *again[2] = {tensor(fixture, OR_BOOL, or_shape_make(0, NULL), &no),
                           tensor(fixture, OR_FLOAT32, SHAPE(2), x)};
  or_binding_t bindings[2] = {{.tensor = again[0]}, {.tensor = again[1]}}, output = {.name = NULL};
  or_expect_words(or_session_run(session, bindings, 2, &output, 1), OR_INVALID_ARGUMENT, "wrong");
  for (size_t i = 0; i < 2; ++i) or_tensor_release(again[i]);
  or_session_release(session);
}

static void branches_of_other_types_are_refused(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = choice(fixture);
  or_graph_t *other = graph->bodies[1];
  const or_value_id_t truth = apply(other, "Less", "t", other->inputs, 2);
  other->outputs[0] = truth;
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_INVALID_ARGUMENT, "float32 in one branch");
  or_graph_release(graph);
}

/* Loop(M, cond, a): a <- a + a; gives a each time, and goes on while the sum of a is below the limit. */
static or_graph_t *doubling(fixture_t *fixture, float limit) {
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  const or_value_id_t most = input(graph, "most", OR_INT64, or_shape_make(0, NULL));
  const or_value_id_t a = input(graph, "a", OR_FLOAT32, SHAPE(2));
  or_node_t *loop = NULL;
  const or_value_id_t last = value(graph, "last"), all = value(graph, "all");
  or_expect_ok(or_graph_add_node(graph, "loop", 3, 2, FIXTURE_ATTRIBUTES, &loop));
  *loop = (or_node_t){.name = "loop",
                      .domain = "",
                      .op = "Loop",
                      .version = 13,
                      .inputs = loop->inputs,
                      .outputs = loop->outputs,
                      .input_count = 3,
                      .output_count = 2,
                      .attributes = loop->attributes,
                      .definition = or_op_find("", "Loop")};
  memcpy((or_value_id_t *)loop->inputs, (const or_value_id_t[]){most, OR_NO_VALUE, a}, 3 * sizeof(or_value_id_t));
  memcpy((or_value_id_t *)loop->outputs, (const or_value_id_t[]){last, all}, 2 * sizeof(or_value_id_t));
  or_graph_t *body = body_of(fixture, graph);
  const or_value_id_t number = value(body, "number"), condition = value(body, "condition"), carried = value(body, "a");
  or_expect_ok(or_graph_add_input(body, number));
  or_expect_ok(or_graph_add_input(body, condition));
  or_expect_ok(or_graph_add_input(body, carried));
  const or_value_id_t bound = constant(body, "limit", OR_FLOAT32, or_shape_make(0, NULL), &limit);
  const or_value_id_t next = apply(body, "Add", "next", IDS(carried, carried));
  or_node_t *sum = node(body, "ReduceSum", "sum", IDS(next));
  attribute(sum, "keepdims", OR_ATTRIBUTE_INT)->integer = 0;
  or_expect_ok(or_graph_add_output(body, apply(body, "Less", "go_on", IDS(sum->outputs[0], bound))));
  or_expect_ok(or_graph_add_output(body, next));
  or_expect_ok(or_graph_add_output(body, apply(body, "Identity", "each", IDS(next))));
  give_body(loop, "body", body);
  or_expect_ok(or_graph_add_output(graph, all));
  return graph;
}

static or_tensor_t *count_of(fixture_t *fixture, int64_t count) {
  return tensor(fixture, OR_INT64, or_shape_make(0, NULL), &count);
}

static void a_loop_carries_values_and_gathers_what_each_iteration_gives(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = session_of(fixture, doubling(fixture, 20));
  const float a[2] = {1, 2}, all[6] = {2, 4, 4, 8, 8, 16};
  or_tensor_t *inputs[2] = {count_of(fixture, 10), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  expect_run(session, inputs, 2, SHAPE(3, 2), all); /* 8 + 16 is not below 20 */
  or_tensor_t *twice[2] = {count_of(fixture, 2), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  expect_run(session, twice, 2, SHAPE(2, 2), all);
  or_tensor_t *never[2] = {count_of(fixture, 0), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  expect_run(session, never, 2, SHAPE(0), all);
  or_session_release(session);
}

static void loops_end_at_their_bounds(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = doubling(fixture, INFINITY);
  graph->limits.loop_iterations = 5;
  or_session_t *session = session_of(fixture, graph);
  const float a[2] = {0, 0};
  or_tensor_t *inputs[2] = {count_of(fixture, INT64_MAX), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  or_binding_t bindings[2] = {{.tensor = inputs[0]}, {.tensor = inputs[1]}}, output = {.name = NULL};
  or_expect_words(or_session_run(session, bindings, 2, &output, 1), OR_RESOURCE_EXHAUSTED, "limits.loop_iterations");
  or_session_release(session);
  graph = doubling(fixture, INFINITY);
  graph->limits.loop_seconds = 1e-9;
  session = session_of(fixture, graph);
  or_expect_words(or_session_run(session, bindings, 2, &output, 1), OR_RESOURCE_EXHAUSTED, "limits.loop_seconds");
  or_session_release(session);
  graph = doubling(fixture, INFINITY);
  graph->limits.expansion_ratio = 1e-7; /* 107 bytes of a gibibyte */
  session = session_of(fixture, graph);
  or_expect_words(or_session_run(session, bindings, 2, &output, 1), OR_RESOURCE_EXHAUSTED, "limits.expansion_ratio");
  or_session_release(session);
  for (size_t i = 0; i < 2; ++i) or_tensor_release(inputs[i]);
}

/* Scan over the rows of x: s <- s + row, which it gives as well; reversed, and along the second axis of the result. Of
 * another type than float32 it gives the rows. */
static or_graph_t *running_sum(fixture_t *fixture, or_dtype_t dtype, bool turned) {
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  const or_value_id_t s = input(graph, "s", dtype, SHAPE(2));
  const or_value_id_t x = input(graph, "x", dtype, SHAPE(OR_DIM_UNKNOWN, OR_DIM_UNKNOWN));
  static const int64_t ones[1] = {1};
  or_node_t *scan = NULL;
  const or_value_id_t last = value(graph, "last"), all = value(graph, "all");
  or_expect_ok(or_graph_add_node(graph, "scan", 2, 2, FIXTURE_ATTRIBUTES, &scan));
  scan->op = "Scan";
  scan->version = 11;
  scan->definition = or_op_find("", "Scan");
  scan->attribute_count = 0;
  memcpy((or_value_id_t *)scan->inputs, (const or_value_id_t[]){s, x}, 2 * sizeof(or_value_id_t));
  memcpy((or_value_id_t *)scan->outputs, (const or_value_id_t[]){last, all}, 2 * sizeof(or_value_id_t));
  or_graph_t *body = body_of(fixture, graph);
  const or_value_id_t carried = value(body, "s"), row = value(body, "row");
  or_expect_ok(or_graph_add_input(body, carried));
  or_expect_ok(or_graph_add_input(body, row));
  const bool sums = dtype == OR_FLOAT32;
  const or_value_id_t next = sums ? apply(body, "Add", "next", IDS(carried, row)) : carried;
  or_expect_ok(or_graph_add_output(body, next));
  or_expect_ok(or_graph_add_output(body, sums ? apply(body, "Identity", "each", IDS(next)) : row));
  give_body(scan, "body", body);
  attribute(scan, "num_scan_inputs", OR_ATTRIBUTE_INT)->integer = 1;
  static const char *const names[] = {"scan_input_axes", "scan_input_directions", "scan_output_axes",
                                      "scan_output_directions"};
  for (size_t i = 0; turned && i < 4; ++i) {
    or_attribute_t *axes = attribute(scan, names[i], OR_ATTRIBUTE_INTS);
    axes->integers = ones;
    axes->count = 1;
  }
  or_expect_ok(or_graph_add_output(graph, all));
  return graph;
}

static void a_scan_cuts_slices_and_joins_what_comes_of_them(void **state) {
  fixture_t *fixture = *state;
  const float s[2] = {100, 200}, x[6] = {1, 2, 3, 4, 5, 6};
  const float forward[6] = {101, 202, 104, 206, 109, 212};
  or_session_t *session = session_of(fixture, running_sum(fixture, OR_FLOAT32, false));
  or_tensor_t *inputs[2] = {tensor(fixture, OR_FLOAT32, SHAPE(2), s), tensor(fixture, OR_FLOAT32, SHAPE(3, 2), x)};
  expect_run(session, inputs, 2, SHAPE(3, 2), forward);
  or_session_release(session);
  /* Columns of [[1 2 3] [4 5 6]] from the last one: (3 6) (2 5) (1 4); the results from the last one, as columns. */
  const float turned[6] = {106, 105, 103, 215, 211, 206};
  session = session_of(fixture, running_sum(fixture, OR_FLOAT32, true));
  or_tensor_t *wide[2] = {tensor(fixture, OR_FLOAT32, SHAPE(2), s), tensor(fixture, OR_FLOAT32, SHAPE(2, 3), x)};
  expect_run(session, wide, 2, SHAPE(2, 3), turned);
  or_session_release(session);
}

/* Nine elements of four bits: no column, and no row but the first, begins at a byte. */
static void a_scan_cuts_elements_of_less_than_a_byte(void **state) {
  fixture_t *fixture = *state;
  const uint8_t s[1] = {0}, x[5] = {0x21, 0x43, 0x65, 0x87, 0x09};
  for (int turned = 0; turned < 2; ++turned) {
    or_session_t *session = session_of(fixture, running_sum(fixture, OR_UINT4, turned == 1));
    or_tensor_t *inputs[2] = {tensor(fixture, OR_UINT4, SHAPE(2), s), tensor(fixture, OR_UINT4, SHAPE(3, 3), x)};
    expect_run(session, inputs, 2, SHAPE(3, 3), x);
    or_session_release(session);
  }
}

static void bodies_of_other_counts_are_refused(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = running_sum(fixture, OR_FLOAT32, false);
  graph->bodies[0]->input_count = 1;
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_INVALID_ARGUMENT, "a body has 1 inputs, expected 2");
  or_graph_release(graph);
  graph = running_sum(fixture, OR_FLOAT32, false);
  graph->bodies[0]->output_count = 1;
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_INVALID_ARGUMENT, "a body has 1 outputs, and the node has 2");
  or_graph_release(graph);
}

typedef struct waiting_t {
  or_latch_t ended;
  or_status_code_t code;
} waiting_t;

static void tell(void *self, or_status_t status, or_binding_t *outputs, size_t count) {
  waiting_t *waiting = self;
  waiting->code = or_status_code(status);
  or_status_ignore(status);
  (void)outputs;
  (void)count;
  or_latch_open(&waiting->ended);
}

static void a_loop_without_end_is_cancelled(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = session_of(fixture, doubling(fixture, INFINITY));
  const float a[2] = {0, 0};
  or_tensor_t *inputs[2] = {count_of(fixture, INT64_MAX), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  or_binding_t bindings[2] = {{.tensor = inputs[0]}, {.tensor = inputs[1]}}, output = {.name = "all"};
  waiting_t waiting = {.code = OR_OK};
  or_run_t *run = NULL;
  or_latch_init(&waiting.ended);
  or_latch_close(&waiting.ended);
  const or_run_request_t request = {
      .inputs = bindings, .input_count = 2, .outputs = &output, .output_count = 1, .callback = tell, .self = &waiting};
  or_expect_ok(or_session_run_async(session, &request, &run));
  or_run_cancel(run);
  or_latch_wait(&waiting.ended);
  assert_int_equal(waiting.code, OR_CANCELLED);
  or_run_release(run);
  or_latch_deinit(&waiting.ended);
  or_session_release(session);
  for (size_t i = 0; i < 2; ++i) or_tensor_release(inputs[i]);
}

static void a_caller_that_may_wait_runs_a_program_on_its_own_thread(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = session_of(fixture, doubling(fixture, INFINITY));
  const float a[2] = {0, 0};
  or_tensor_t *inputs[2] = {count_of(fixture, INT64_MAX), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  or_binding_t bindings[2] = {{.tensor = inputs[0]}, {.tensor = inputs[1]}}, output = {.name = "all"};
  const or_run_request_t request = {.inputs = bindings, .input_count = 2, .outputs = &output, .output_count = 1};
  or_cancel_t cancel;
  bool ran = false;
  or_cancel_init(&cancel, or_clock_ns() + 1000000);
  or_expect_words(or_session_run_program(session, &request, &cancel, &ran), OR_DEADLINE_EXCEEDED, "");
  assert_true(ran);
  or_session_release(session);
  or_graph_t *plain = new_graph(&fixture->allocator.base);
  const or_value_id_t x = input(plain, "x", OR_FLOAT32, SHAPE(2));
  or_expect_ok(or_graph_add_output(plain, apply(plain, "Relu", "y", IDS(x))));
  session = session_of(fixture, plain);
  or_expect_ok(or_session_run_program(session, &request, &cancel, &ran));
  assert_false(ran);
  or_session_release(session);
  for (size_t i = 0; i < 2; ++i) or_tensor_release(inputs[i]);
}

static void explain_names_the_nodes_of_bodies(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = session_of(fixture, doubling(fixture, 20));
  const float a[2] = {1, 2};
  or_tensor_t *inputs[2] = {count_of(fixture, 10), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
  or_binding_t bindings[2] = {{.tensor = inputs[0]}, {.tensor = inputs[1]}};
  or_session_report_t *report = NULL;
  or_expect_ok(or_session_explain(session, bindings, 2, false, &report));
  assert_int_equal(report->node_count, 4); /* once each, for three iterations */
  for (size_t i = 0; i < report->node_count; ++i) {
    assert_int_equal(strncmp(report->nodes[i].name, "loop/", 5), 0);
    assert_true(report->nodes[i].seconds >= 0);
  }
  or_session_report_free(report);
  or_session_release(session);
  for (size_t i = 0; i < 2; ++i) or_tensor_release(inputs[i]);
}

#define FLOATS 10000 /* more than a piece has that runs node by node */
/* Each piece says for itself what passes between the devices; their sum is the model's. */
static void explain_tells_what_crosses_in_pieces(void **state) {
  fixture_t *fixture = *state;
  static const char *const supported[] = {"Greater", NULL};
  const or_session_options_t options = {.device = or_runtime_device(fixture->runtime, 1)};
  static float x[FLOATS];
  for (size_t i = 0; i < sizeof x / sizeof *x; ++i) x[i] = 1;
  or_session_t *session = NULL;
  or_session_report_t *report = NULL;
  or_graph_t *graph = positive_ones(fixture);
  or_fake_set_supported(supported);
  finish_graph(graph);
  or_expect_ok(or_session_create_for_graph(fixture->runtime, graph, &options, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  or_binding_t binding = {.tensor = tensor(fixture, OR_FLOAT32, SHAPE(FLOATS), x)};
  or_expect_ok(or_session_explain(session, &binding, 1, false, &report));
  assert_int_equal(report->crossing_count, 2); /* of the piece whose Mul the device refuses: in, and out */
  assert_string_equal(report->crossings[0].name, "kept");
  assert_string_equal(report->crossings[0].to, "cpu_0");
  assert_string_equal(report->crossings[1].name, "y");
  assert_string_equal(report->crossings[1].to, "fake_0");
  assert_int_equal(report->copies, 2);
  assert_int_equal(report->copied_bytes, 2 * sizeof x);
  or_session_report_free(report);
  or_tensor_release(binding.tensor);
  or_session_release(session);
}

/* Whatever allocation fails, it is one caller's error, and nothing leaks. */
static void every_allocation_may_fail(void **state) {
  fixture_t *fixture = *state;
  const float a[2] = {1, 2};
  size_t failures = 0;
  for (size_t n = 1; n < 5000; ++n) {
    or_graph_t *graph = doubling(fixture, 20);
    or_session_t *session = NULL;
    or_tensor_t *inputs[2] = {count_of(fixture, 10), tensor(fixture, OR_FLOAT32, SHAPE(2), a)};
    or_binding_t bindings[2] = {{.tensor = inputs[0]}, {.tensor = inputs[1]}}, output = {.name = NULL};
    finish_graph(graph);
    atomic_store(&fixture->allocator.fail_at, atomic_load(&fixture->allocator.alloc_count) + n);
    or_status_t status = or_session_create_for_graph(fixture->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session);
    if (or_ok(status)) status = or_session_run(session, bindings, 2, &output, 1);
    atomic_store(&fixture->allocator.fail_at, 0);
    const bool done = or_ok(status);
    if (done) or_tensor_release(output.tensor);
    if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status);
    or_session_release(session);
    or_graph_release(graph);
    for (size_t i = 0; i < 2; ++i) or_tensor_release(inputs[i]);
    if (done) break;
    ++failures;
  }
  assert_in_range(failures, 50, 4000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(shapes_that_only_data_tells_cut_the_graph, setup, teardown),
      cmocka_unit_test_setup_teardown(a_condition_chooses_a_branch_that_reads_from_outside, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_handed_out_is_the_callers_own, setup, teardown),
      cmocka_unit_test_setup_teardown(a_branch_that_can_not_be_fails_where_it_is_taken, setup, teardown),
      cmocka_unit_test_setup_teardown(branches_of_other_types_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_loop_carries_values_and_gathers_what_each_iteration_gives, setup, teardown),
      cmocka_unit_test_setup_teardown(loops_end_at_their_bounds, setup, teardown),
      cmocka_unit_test_setup_teardown(a_scan_cuts_slices_and_joins_what_comes_of_them, setup, teardown),
      cmocka_unit_test_setup_teardown(a_scan_cuts_elements_of_less_than_a_byte, setup, teardown),
      cmocka_unit_test_setup_teardown(bodies_of_other_counts_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_loop_without_end_is_cancelled, setup, teardown),
      cmocka_unit_test_setup_teardown(a_caller_that_may_wait_runs_a_program_on_its_own_thread, setup, teardown),
      cmocka_unit_test_setup_teardown(explain_names_the_nodes_of_bodies, setup, teardown),
      cmocka_unit_test_setup_teardown(explain_tells_what_crosses_in_pieces, setup, teardown),
      cmocka_unit_test_setup_teardown(every_allocation_may_fail, setup, teardown),
  };
  return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
