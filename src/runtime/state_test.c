#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/numbers.h"
#include "base/thread.h"
#include "fixtures/graphs.h"
#include "hal/queue.h"
#include "runtime/state_internal.h"

enum { HEADS = 2, WIDTH = 3, HIDDEN = HEADS * WIDTH, CAPACITY = 12, ROWS = 9 };

typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
  or_device_t *cpu;
  float x[2 * ROWS * HIDDEN];
  int64_t mask[2 * ROWS];
} fixture_t;

static void open_runtime(fixture_t *f) {
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &f->allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &f->runtime));
  or_expect_ok(or_runtime_find_device(f->runtime, "cpu", &f->cpu));
}

static int setup(void **state) {
  static fixture_t f;
  or_random_t noise = {.state = 21};
  or_counting_allocator_init(&f.allocator, or_allocator_system(), 0);
  open_runtime(&f);
  or_random_fill(&noise, OR_FLOAT32, f.x, sizeof f.x / sizeof *f.x);
  for (int64_t i = 0; i < 2 * ROWS; ++i)
    f.mask[i] = i != ROWS + 1 && i != ROWS + 2; /* padding in the second sequence */
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  fixture_t *f = *state;
  or_runtime_release(f->runtime);
  assert_int_equal(atomic_load(&f->allocator.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* A layer of attention over x [batch, rows, HIDDEN] with padding, the future and a past, its masks computed from
 * shapes as exporters write them. */

static int64_t symbol(or_graph_t *graph, const char *name) {
  size_t index = 0;
  or_expect_ok(or_graph_symbol(graph, name, strlen(name), &index));
  return OR_DIM_SYMBOL(index);
}

static or_value_id_t whole(or_graph_t *graph, const char *name, int64_t is) {
  return constant(graph, name, OR_INT64, or_shape_make(0, NULL), &is);
}

static or_value_id_t weights(or_graph_t *graph, uint64_t seed) {
  float data[HIDDEN * HIDDEN];
  or_random_t noise = {.state = seed};
  or_random_fill(&noise, OR_FLOAT32, data, HIDDEN * HIDDEN);
  return constant(graph, "weights", OR_FLOAT32, SHAPE(HIDDEN, HIDDEN), data);
}

static or_value_id_t transposed(or_graph_t *graph, or_value_id_t x, const int64_t *perm) {
  or_node_t *made = node(graph, "Transpose", "transposed", IDS(x));
  or_attribute_t *order = attribute(made, "perm", OR_ATTRIBUTE_INTS);
  order->integers = perm;
  order->count = 4;
  return made->outputs[0];
}

static const int64_t swap[] = {0, 2, 1, 3}, last[] = {0, 1, 3, 2};

static or_value_id_t heads_of(or_graph_t *graph, or_value_id_t x, uint64_t seed) {
  or_value_id_t shape = integers(graph, "split", 4, (const int64_t[]){0, 0, HEADS, WIDTH});
  or_value_id_t product = apply(graph, "MatMul", "projected", IDS(x, weights(graph, seed)));
  return transposed(graph, apply(graph, "Reshape", "heads", IDS(product, shape)), swap);
}

static or_value_id_t extent_of(or_graph_t *graph, or_value_id_t of) {
  or_value_id_t shape = apply(graph, "Shape", "shape", IDS(of));
  return apply(graph, "Gather", "extent", IDS(shape, whole(graph, "one", 1)));
}

/* `own_rule`: even positions are hidden from odd queries, which no padding says. */
static or_value_id_t mask_of(or_graph_t *graph, or_value_id_t x, or_value_id_t padding, bool own_rule) {
  const float zero = 0, low = -INFINITY;
  or_value_id_t rows = extent_of(graph, x), total = extent_of(graph, padding);
  or_value_id_t past = apply(graph, "Sub", "past", IDS(total, rows)), step = whole(graph, "step", 1);
  or_value_id_t keys = apply(graph, "Range", "keys", IDS(whole(graph, "first", 0), total, step));
  or_value_id_t queries = apply(graph, "Range", "queries", IDS(past, total, step));
  or_value_id_t column =
      apply(graph, "Unsqueeze", "column", IDS(queries, integers(graph, "axis", 1, (const int64_t[]){1})));
  if (own_rule) keys = apply(graph, "Mul", "spread", IDS(keys, whole(graph, "two", 2)));
  or_value_id_t causal = apply(graph, "LessOrEqual", "causal", IDS(keys, column));
  or_node_t *cast = node(graph, "Cast", "shown", IDS(padding));
  attribute(cast, "to", OR_ATTRIBUTE_INT)->integer = OR_BOOL;
  or_value_id_t shown =
      apply(graph, "Unsqueeze", "wide", IDS(cast->outputs[0], integers(graph, "axes", 2, (const int64_t[]){1, 2})));
  or_value_id_t seen = apply(graph, "And", "seen", IDS(causal, shown));
  return apply(graph, "Where", "mask",
               IDS(seen, constant(graph, "zero", OR_FLOAT32, or_shape_make(0, NULL), &zero),
                   constant(graph, "low", OR_FLOAT32, or_shape_make(0, NULL), &low)));
}

static or_value_id_t present_of(or_graph_t *graph, const char *past_name, const char *name, or_value_id_t rows) {
  int64_t batch = symbol(graph, "batch"), past_length = symbol(graph, "past");
  or_value_id_t past = input(graph, past_name, OR_FLOAT32, SHAPE(batch, HEADS, past_length, WIDTH));
  or_node_t *concat = node(graph, "Concat", name, IDS(past, rows));
  attribute(concat, "axis", OR_ATTRIBUTE_INT)->integer = 2;
  or_value_id_t present = concat->outputs[0];
  or_expect_ok(or_graph_add_output(graph, present));
  return present;
}

static or_graph_t *attention_layer(const or_allocator_t *allocator, bool own_rule) {
  or_graph_t *graph = new_graph(allocator);
  const float divisor = 1.7320508F;
  int64_t batch = symbol(graph, "batch"), rows = symbol(graph, "rows"), total = symbol(graph, "total");
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(batch, rows, HIDDEN));
  or_value_id_t padding = input(graph, "attention_mask", OR_INT64, SHAPE(batch, total));
  or_value_id_t q = heads_of(graph, x, 1);
  or_value_id_t k = present_of(graph, "past_key_values.0.key", "present.0.key", heads_of(graph, x, 2));
  or_value_id_t v = present_of(graph, "past_key_values.0.value", "present.0.value", heads_of(graph, x, 3));
  or_value_id_t scores = apply(graph, "MatMul", "scores", IDS(q, transposed(graph, k, last)));
  or_value_id_t number = constant(graph, "divisor", OR_FLOAT32, or_shape_make(0, NULL), &divisor);
  scores = apply(graph, "Div", "scaled", IDS(scores, number));
  scores = apply(graph, "Add", "masked", IDS(scores, mask_of(graph, x, padding, own_rule)));
  or_node_t *softmax = node(graph, "Softmax", "softmax", IDS(scores));
  attribute(softmax, "axis", OR_ATTRIBUTE_INT)->integer = -1;
  or_value_id_t mixed = transposed(graph, apply(graph, "MatMul", "mixed", IDS(softmax->outputs[0], v)), swap);
  or_value_id_t flat = integers(graph, "flat", 3, (const int64_t[]){0, 0, HIDDEN});
  or_value_id_t y = apply(graph, "Reshape", "joined", IDS(mixed, flat));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Tanh", "y", IDS(y))));
  finish_graph(graph);
  return graph;
}

static or_session_t *session_for(fixture_t *f, or_graph_t *graph) {
  or_session_t *session = NULL;
  or_expect_ok(or_session_create_for_graph(f->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  return session;
}

static or_state_t *state_of(or_session_t *session, int64_t batch) {
  or_state_t *state = NULL;
  or_expect_ok(or_state_create(session, &(or_state_options_t){.batch = batch, .capacity = CAPACITY}, &state));
  return state;
}

static or_tensor_t *tensor_of(fixture_t *f, or_dtype_t dtype, or_shape_t shape, const void *data) {
  or_tensor_t *tensor = NULL;
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count));
  or_expect_ok(or_tensor_create_from(f->cpu, dtype, shape, data, or_dtype_bytes(dtype, count), &tensor));
  return tensor;
}

typedef struct span_t {
  int64_t batch, at, rows;
} span_t;

/* Rows [at, at + rows) of the fixture's sequences through a state; *y as [batch, rows, HIDDEN]. */
static or_status_t step(fixture_t *f, or_session_t *session, or_state_t *state, span_t span, float *y) {
  int64_t batch = span.batch, at = span.at, rows = span.rows;
  float x[2 * ROWS * HIDDEN];
  int64_t mask[2 * ROWS];
  for (int64_t b = 0; b < batch; ++b) {
    memcpy(x + b * rows * HIDDEN, f->x + (b * ROWS + at) * HIDDEN, (size_t)(rows * HIDDEN) * sizeof *x);
    memcpy(mask + b * (at + rows), f->mask + b * ROWS, (size_t)(at + rows) * sizeof *mask);
  }
  or_tensor_t *in = NULL, *padding = NULL;
  or_status_t status = or_tensor_create_from(f->cpu, OR_FLOAT32, SHAPE(batch, rows, HIDDEN), x,
                                             (size_t)(batch * rows * HIDDEN) * sizeof *x, &in);
  if (or_ok(status)) {
    status = or_tensor_create_from(f->cpu, OR_INT64, SHAPE(batch, at + rows), mask,
                                   (size_t)(batch * (at + rows)) * sizeof *mask, &padding);
  }
  or_binding_t inputs[] = {{.name = "attention_mask", .tensor = padding}, {.name = "x", .tensor = in}};
  or_binding_t outputs[] = {{.name = NULL}};
  if (or_ok(status)) status = or_session_run_with_state(session, state, inputs, 2, outputs, 1);
  or_tensor_release(in);
  or_tensor_release(padding);
  if (!or_ok(status)) return status;
  status = or_tensor_read(outputs[0].tensor, y, (size_t)(batch * rows * HIDDEN) * sizeof *y);
  or_tensor_release(outputs[0].tensor);
  return status;
}

/* All rows at once by the session itself, with a past of none. */
static void run_plain(fixture_t *f, or_session_t *session, int64_t batch, float *y) {
  or_tensor_t *tensors[] = {tensor_of(f, OR_FLOAT32, SHAPE(batch, ROWS, HIDDEN), f->x),
                            tensor_of(f, OR_INT64, SHAPE(batch, ROWS), f->mask),
                            tensor_of(f, OR_FLOAT32, SHAPE(batch, HEADS, 0, WIDTH), NULL)};
  or_binding_t inputs[] = {{.name = "x", .tensor = tensors[0]},
                           {.name = "attention_mask", .tensor = tensors[1]},
                           {.name = "past_key_values.0.key", .tensor = tensors[2]},
                           {.name = "past_key_values.0.value", .tensor = tensors[2]}};
  or_binding_t outputs[] = {{.name = "y"}};
  or_expect_ok(or_session_run(session, inputs, 4, outputs, 1));
  or_expect_ok(or_tensor_read(outputs[0].tensor, y, (size_t)(batch * ROWS * HIDDEN) * sizeof *y));
  or_tensor_release(outputs[0].tensor);
  for (size_t i = 0; i < 3; ++i) or_tensor_release(tensors[i]);
}

static void expect_rows(const float *plain, const float *y, int64_t batch, int64_t at, int64_t rows) {
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t e = 0; e < rows * HIDDEN; ++e)
      assert_float_equal(y[b * rows * HIDDEN + e], plain[(b * ROWS + at) * HIDDEN + e], 1e-5F);
  }
}

static void appends_new_rows_in_place_with_one_plan_for_every_length(void **state) {
  fixture_t *f = *state;
  float plain[2 * ROWS * HIDDEN], y[2 * ROWS * HIDDEN], before[CAPACITY * WIDTH];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false));
  or_state_t *kept = state_of(session, 2);
  or_state_report_t report;
  run_plain(f, session, 2, plain);
  or_state_explain(kept, &report);
  assert_true(report.appends);
  assert_string_equal(report.reason, "");
  assert_int_equal(or_state_bytes(kept), 2 * 2 * HEADS * CAPACITY * WIDTH * sizeof(float));
  const float *cache = or_tensor_data(kept->held[0]);
  uint64_t row_bytes = 2 * 2 * HEADS * WIDTH * sizeof(float); /* of keys and values, both sequences */
  for (int64_t at = 0; at < ROWS;) {
    int64_t rows = at == 0 ? 4 : 1;
    memcpy(before, cache, sizeof before);
    or_expect_ok(step(f, session, kept, (span_t){2, at, rows}, y));
    expect_rows(plain, y, 2, at, rows);
    at += rows;
    or_state_explain(kept, &report);
    assert_int_equal(or_state_length(kept), at);
    assert_int_equal(report.copied_bytes, row_bytes * (uint64_t)at);
    assert_ptr_equal(or_tensor_data(kept->held[0]), cache); /* the same memory, and of it the new rows alone changed */
    for (int64_t i = 0; i < CAPACITY * WIDTH; ++i)
      assert_int_equal(before[i] != cache[i], i >= (at - rows) * WIDTH && i < at * WIDTH);
  }
  assert_int_equal(session->derived_count, 2); /* of four rows and of one */
  assert_int_equal(or_session_class_count(session), 1);
  or_state_release(kept);
  or_session_release(session);
}

static void fills_its_capacity_and_starts_again_after_a_reset(void **state) {
  fixture_t *f = *state;
  float plain[2 * ROWS * HIDDEN], y[2 * ROWS * HIDDEN];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false));
  or_state_t *kept = NULL;
  or_expect_ok(or_state_create(session, &(or_state_options_t){.capacity = ROWS}, &kept));
  run_plain(f, session, 1, plain);
  or_expect_ok(step(f, session, kept, (span_t){1, 0, ROWS}, y));
  expect_rows(plain, y, 1, 0, ROWS);
  or_expect_ok(or_state_reset(kept));
  assert_int_equal(or_state_length(kept), 0);
  or_expect_ok(step(f, session, kept, (span_t){1, 0, ROWS - 1}, y));
  or_expect_ok(step(f, session, kept, (span_t){1, ROWS - 1, 1}, y));
  expect_rows(plain, y, 1, ROWS - 1, 1);
  or_state_release(kept);
  or_session_release(session);
}

static void a_fork_goes_on_by_itself(void **state) {
  fixture_t *f = *state;
  float plain[2 * ROWS * HIDDEN], y[2 * ROWS * HIDDEN];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false));
  or_state_t *kept = state_of(session, 1), *fork = NULL;
  run_plain(f, session, 1, plain);
  or_expect_ok(step(f, session, kept, (span_t){1, 0, 5}, y));
  or_expect_ok(or_state_fork(kept, &fork));
  float rest[2 * ROWS * HIDDEN];
  memcpy(rest, f->x, sizeof rest);
  for (size_t i = 5 * HIDDEN; i < 6 * HIDDEN; ++i) f->x[i] = 9; /* another word */
  or_expect_ok(step(f, session, fork, (span_t){1, 5, 1}, y));
  memcpy(f->x, rest, sizeof rest);
  or_expect_ok(step(f, session, kept, (span_t){1, 5, 2}, y));
  expect_rows(plain, y, 1, 5, 2);
  assert_int_equal(or_state_length(fork), 6);
  or_state_release(kept);
  or_expect_ok(step(f, session, fork, (span_t){1, 6, 1}, y));
  or_state_release(fork);
  or_session_release(session);
}

static void expect_error(or_status_t status, or_status_code_t code, const char *part) {
  if (or_status_code(status) != code || strstr(or_status_message(status), part) == NULL)
    print_error("the message is: %s\n", or_status_message(status));
  assert_int_equal(or_status_code(status), code);
  assert_non_null(strstr(or_status_message(status), part));
  or_status_ignore(status); /* expected */
}

static void refuses_what_does_not_fit_and_stays_as_it_was(void **state) {
  fixture_t *f = *state;
  float y[2 * ROWS * HIDDEN];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false)),
               *other = session_for(f, attention_layer(&f->allocator.base, false));
  or_state_t *kept = NULL;
  or_expect_ok(or_state_create(session, &(or_state_options_t){.capacity = 6}, &kept));
  or_expect_ok(step(f, session, kept, (span_t){1, 0, 5}, y));
  expect_error(step(f, other, kept, (span_t){1, 5, 1}, y), OR_INVALID_ARGUMENT, "the state belongs to another session");
  expect_error(step(f, session, kept, (span_t){1, 5, 2}, y), OR_OUT_OF_RANGE,
               "a past of 5 rows and 2 new ones exceed the state's capacity of 6");
  expect_error(step(f, session, kept, (span_t){1, 4, 1}, y), OR_INVALID_ARGUMENT,
               "input \"attention_mask\": expected [1,6] for 5 rows in the state and 1 new ones, got [1,5]");
  expect_error(step(f, session, kept, (span_t){2, 5, 1}, y), OR_INVALID_ARGUMENT,
               "input \"attention_mask\": a batch of 2, and the state is of 1");
  or_tensor_t *x = tensor_of(f, OR_FLOAT32, SHAPE(1, 1, HIDDEN), f->x);
  or_binding_t inputs[] = {{.name = "past_key_values.0.key", .tensor = x}, {.name = "x", .tensor = x}};
  or_binding_t outputs[] = {{.name = "present.0.key"}};
  expect_error(or_session_run_with_state(session, kept, inputs, 1, NULL, 0), OR_INVALID_ARGUMENT,
               "input \"past_key_values.0.key\" comes from the state");
  inputs[0].name = "nothing";
  expect_error(or_session_run_with_state(session, kept, inputs, 1, NULL, 0), OR_INVALID_ARGUMENT,
               "the model has no input \"nothing\"");
  expect_error(or_session_run_with_state(session, kept, &inputs[1], 1, outputs, 1), OR_INVALID_ARGUMENT,
               "output \"present.0.key\" stays in the state");
  expect_error(or_session_run_with_state(session, kept, &inputs[1], 1, NULL, 0), OR_INVALID_ARGUMENT,
               "input \"attention_mask\"");
  or_tensor_release(x);
  assert_int_equal(or_state_length(kept), 5);
  or_expect_ok(step(f, session, kept, (span_t){1, 5, 1}, y));
  or_state_release(kept);

  expect_error(or_state_create(session, &(or_state_options_t){.capacity = 0}, &kept), OR_INVALID_ARGUMENT,
               "a capacity of 0 rows");
  const int64_t absurd[] = {INT64_MAX, OR_STATE_MAX_ROWS + 1};
  for (size_t i = 0; i < sizeof absurd / sizeof *absurd; ++i) {
    expect_error(or_state_create(session, &(or_state_options_t){.capacity = absurd[i]}, &kept), OR_INVALID_ARGUMENT,
                 "rows; the limit is 268435456");
    assert_null(kept);
  }
  expect_error(or_state_create(session, &(or_state_options_t){.batch = -1, .capacity = 4}, &kept), OR_INVALID_ARGUMENT,
               "a batch of -1 sequences");
  const or_state_tie_t wrong = {"x", "present.0.key"}, unknown = {"h", "y"};
  expect_error(or_state_create(session, &(or_state_options_t){.capacity = 4, .ties = &wrong, .tie_count = 1}, &kept),
               OR_INVALID_ARGUMENT, "dtypes or ranks differ");
  expect_error(or_state_create(session, &(or_state_options_t){.capacity = 4, .ties = &unknown, .tie_count = 1}, &kept),
               OR_INVALID_ARGUMENT, "no input \"h\"");
  or_session_release(session);
  or_session_release(other);
}

static void a_mask_with_a_rule_of_its_own_is_carried_out_as_it_is(void **state) {
  fixture_t *f = *state;
  float plain[2 * ROWS * HIDDEN], y[2 * ROWS * HIDDEN];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, true));
  or_state_t *kept = state_of(session, 1);
  or_state_report_t report;
  run_plain(f, session, 1, plain);
  for (int64_t at = 0; at < ROWS; at += 3) {
    or_expect_ok(step(f, session, kept, (span_t){1, at, 3}, y));
    expect_rows(plain, y, 1, at, 3);
  }
  or_state_explain(kept, &report);
  assert_false(report.appends);
  assert_string_equal(report.reason, "node \"softmax\": its mask hides by a rule of its own");
  assert_int_equal(report.copied_bytes, 2 * HIDDEN * sizeof(float) * (3 + 6 + 9)); /* whole tensors each time */
  expect_error(step(f, session, kept, (span_t){1, ROWS, 0}, y), OR_INVALID_ARGUMENT, "no new rows");
  or_expect_ok(or_state_reset(kept));
  or_expect_ok(step(f, session, kept, (span_t){1, 0, 2}, y));
  expect_rows(plain, y, 1, 0, 2);
  or_state_release(kept);
  or_session_release(session);
}

/* h' = tanh(x + h), as an RNN writes it. */
static void ties_given_by_name_hand_on_what_does_not_grow(void **state) {
  fixture_t *f = *state;
  or_graph_t *graph = new_graph(&f->allocator.base);
  int64_t batch = symbol(graph, "batch");
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(batch, 2)), h = input(graph, "h", OR_FLOAT32, SHAPE(batch, 2));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Tanh", "h_n", IDS(apply(graph, "Add", "sum", IDS(x, h))))));
  finish_graph(graph);
  or_session_t *session = session_for(f, graph);
  const or_state_tie_t tie = {"h", "h_n"};
  or_state_t *kept = NULL, *fork = NULL;
  expect_error(or_state_create(session, &(or_state_options_t){.capacity = 1}, &kept), OR_NOT_FOUND, "name the ties");
  or_expect_ok(or_state_create(session, &(or_state_options_t){.ties = &tie, .tie_count = 1}, &kept));
  const float numbers[] = {0.25F, -0.5F};
  or_tensor_t *in = tensor_of(f, OR_FLOAT32, SHAPE(1, 2), numbers);
  double expected = 0;
  for (int i = 0; i < 3; ++i) {
    or_expect_ok(or_session_run_with_state(session, kept, &(or_binding_t){.tensor = in}, 1, NULL, 0));
    expected = tanh(expected + 0.25);
  }
  or_expect_ok(or_state_fork(kept, &fork));
  or_expect_ok(or_state_reset(kept));
  assert_float_equal(((const float *)or_tensor_data(fork->held[0]))[0], expected, 1e-6);
  assert_float_equal(((const float *)or_tensor_data(kept->held[0]))[0], 0, 0);
  assert_int_equal(or_state_length(fork), 0);
  or_tensor_release(in);
  or_state_release(kept);
  or_state_release(fork);
  or_session_release(session);
}

typedef struct worker_t {
  fixture_t *fixture;
  or_session_t *session;
  or_state_t *own, *shared;
  float y[2 * ROWS * HIDDEN];
} worker_t;

static void work(void *self) {
  worker_t *worker = self;
  for (int64_t at = 0; at < ROWS; ++at)
    or_expect_ok(step(worker->fixture, worker->session, worker->own, (span_t){1, at, 1}, worker->y + at * HIDDEN));
  or_state_retain(worker->shared);
  assert_true(or_state_length(worker->shared) >= 0 && or_state_bytes(worker->shared) > 0);
  or_state_report_t report;
  or_state_explain(worker->shared, &report);
  or_state_t *fork = NULL;
  or_status_t forked = or_state_fork(worker->shared, &fork); /* but while another one's run is under way */
  if (!or_ok(forked)) assert_int_equal(or_status_code(forked), OR_FAILED_PRECONDITION);
  or_status_ignore(forked);
  float y[2 * ROWS * HIDDEN];
  or_status_t status =
      step(worker->fixture, worker->session, worker->shared, (span_t){1, 0, 1}, y); /* of one of them */
  or_status_code_t code = or_status_code(status);
  assert_true(code == OR_OK || code == OR_INVALID_ARGUMENT || code == OR_FAILED_PRECONDITION);
  or_status_ignore(status); /* the others come too late, or at the same time */
  or_state_release(fork);
  or_state_release(worker->shared);
}

static void many_threads_go_on_side_by_side(void **state) {
  enum { WORKERS = 4 };
  fixture_t *f = *state;
  static worker_t workers[WORKERS];
  or_thread_t threads[WORKERS];
  float plain[2 * ROWS * HIDDEN];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false));
  or_state_t *shared = state_of(session, 1);
  run_plain(f, session, 1, plain);
  for (int w = 0; w < WORKERS; ++w) {
    workers[w] = (worker_t){.fixture = f, .session = session, .own = state_of(session, 1), .shared = shared};
    or_expect_ok(or_thread_start(&threads[w], "worker", work, &workers[w]));
  }
  for (int w = 0; w < WORKERS; ++w) {
    or_thread_join(&threads[w]);
    expect_rows(plain, workers[w].y, 1, 0, ROWS);
    or_state_release(workers[w].own);
  }
  assert_int_equal(or_state_length(shared), 1);
  or_state_release(shared);
  or_session_release(session);
}

/* The device's queue held up, so that a run that was started is under way until it is let go on. */
typedef struct held_up_t {
  or_mutex_t mutex;
  or_cond_t changed;
  bool let_go;
  int ended;
  or_status_code_t code;
} held_up_t;

static or_status_t hold_up(void *self, const or_queue_context_t *context) {
  held_up_t *held = self;
  (void)context;
  or_mutex_lock(&held->mutex);
  while (!held->let_go) or_cond_wait(&held->changed, &held->mutex);
  or_mutex_unlock(&held->mutex);
  return or_status_success();
}

static void passed(void *self, or_status_t status) {
  (void)self;
  or_status_ignore(status); /* of nothing */
}

static void has_ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  held_up_t *held = self;
  (void)outputs;
  assert_int_equal(output_count, 1);
  or_mutex_lock(&held->mutex);
  held->code = or_status_code(status);
  ++held->ended;
  or_cond_signal(&held->changed);
  or_mutex_unlock(&held->mutex);
  or_status_ignore(status); /* its code is kept */
}

static void begin_to_hold(fixture_t *f, held_up_t *held) {
  or_queue_t *queue = NULL;
  *held = (held_up_t){.let_go = false};
  or_mutex_init(&held->mutex);
  or_cond_init(&held->changed);
  or_expect_ok(or_device_queue(f->cpu, &queue));
  or_expect_ok(or_queue_submit(queue, &(or_submission_t){.work = hold_up, .self = held, .done = passed}));
}

static void let_go_and_wait(held_up_t *held) {
  or_mutex_lock(&held->mutex);
  held->let_go = true;
  or_cond_signal(&held->changed);
  while (held->ended == 0) or_cond_wait(&held->changed, &held->mutex);
  or_mutex_unlock(&held->mutex);
  or_cond_deinit(&held->changed);
  or_mutex_deinit(&held->mutex);
}

static void start_cancel_and_start_again(fixture_t *f, bool own_rule) {
  float plain[2 * ROWS * HIDDEN], y[2 * ROWS * HIDDEN];
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, own_rule));
  or_state_t *kept = state_of(session, 1), *fork = NULL;
  or_state_report_t before, after;
  run_plain(f, session, 1, plain);
  or_expect_ok(step(f, session, kept, (span_t){1, 0, 3}, y));
  or_expect_ok(step(f, session, kept, (span_t){1, 3, 1}, y)); /* prepared for one row */
  or_tensor_t *tensors[] = {tensor_of(f, OR_FLOAT32, SHAPE(1, 1, HIDDEN), f->x + 4 * HIDDEN),
                            tensor_of(f, OR_INT64, SHAPE(1, 5), f->mask)};
  or_binding_t inputs[] = {{.name = "x", .tensor = tensors[0]}, {.name = "attention_mask", .tensor = tensors[1]}};
  or_state_explain(kept, &before);
  for (int cancel = 1; cancel >= 0; --cancel) {
    held_up_t held;
    or_run_t *run = NULL;
    or_binding_t output = {.name = "y"};
    const or_run_request_t request = {inputs, 2, &output, 1, has_ended, &held};
    if (own_rule && cancel) { /* a length that no run had before is prepared on the queue, which is held up else */
      or_state_t *first = NULL;
      or_expect_ok(or_state_fork(kept, &first));
      or_expect_ok(step(f, session, first, (span_t){1, 4, 1}, y));
      or_state_release(first);
    }
    begin_to_hold(f, &held);
    or_expect_ok(or_session_run_with_state_async(session, kept, &request, &run));
    expect_error(step(f, session, kept, (span_t){1, 4, 1}, y), OR_FAILED_PRECONDITION,
                 "a run with this state is under way");
    expect_error(or_session_run_with_state_async(session, kept, &request, NULL), OR_FAILED_PRECONDITION,
                 "a run with this state is under way");
    expect_error(or_state_fork(kept, &fork), OR_FAILED_PRECONDITION, "a run with this state is under way");
    expect_error(or_state_reset(kept), OR_FAILED_PRECONDITION, "a run with this state is under way");
    assert_int_equal(or_state_length(kept), 4);
    if (cancel) or_run_cancel(run);
    let_go_and_wait(&held);
    or_run_release(run);
    assert_int_equal(held.code, cancel ? OR_CANCELLED : OR_OK);
    assert_int_equal(or_state_length(kept), cancel ? 4 : 5);
    or_state_explain(kept, &after);
    if (cancel) assert_int_equal(after.copied_bytes, before.copied_bytes);
    if (cancel) continue;
    or_expect_ok(or_tensor_read(output.tensor, y, HIDDEN * sizeof *y));
    or_tensor_release(output.tensor);
    expect_rows(plain, y, 1, 4, 1);
  }
  or_expect_ok(step(f, session, kept, (span_t){1, 5, 1}, y));
  expect_rows(plain, y, 1, 5, 1);
  expect_error(
      or_session_run_with_state_async(session, kept, &(or_run_request_t){inputs, 2, NULL, 0, NULL, NULL}, NULL),
      OR_INVALID_ARGUMENT, "no callback");
  or_tensor_release(tensors[0]);
  or_tensor_release(tensors[1]);
  or_state_release(kept);
  or_session_release(session);
}

static void a_run_that_is_under_way_keeps_others_out_and_leaves_nothing_when_cancelled(void **state) {
  start_cancel_and_start_again(*state, false);
  start_cancel_and_start_again(*state, true);
}

static void tells_what_is_tied_and_what_a_row_takes(void **state) {
  fixture_t *f = *state;
  or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false));
  or_state_t *kept = state_of(session, 2);
  or_state_report_t report;
  or_state_explain(kept, &report);
  assert_int_equal(report.tie_count, 2);
  assert_int_equal(report.capacity, CAPACITY);
  assert_int_equal(report.row_bytes, 2 * 2 * HEADS * WIDTH * sizeof(float));
  int32_t grows = 0;
  or_state_tie_t tie = or_state_tie(kept, 1, &grows);
  assert_string_equal(tie.input, "past_key_values.0.value");
  assert_string_equal(tie.output, "present.0.value");
  assert_int_equal(grows, 2);
  or_state_release(kept);
  or_session_release(session);
}

static or_status_t create_run_and_fork(fixture_t *f, or_session_t *session) {
  or_state_t *kept = NULL, *fork = NULL;
  float y[2 * ROWS * HIDDEN];
  or_status_t status = or_state_create(session, &(or_state_options_t){.capacity = CAPACITY}, &kept);
  if (or_ok(status)) status = step(f, session, kept, (span_t){1, 0, 2}, y);
  if (or_ok(status)) status = or_state_fork(kept, &fork);
  if (or_ok(status)) status = or_state_reset(kept);
  or_state_release(kept);
  or_state_release(fork);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  fixture_t *f = *state;
  for (size_t n = 1;; n += n < 60 ? 1 : 37) {
    or_session_t *session = session_for(f, attention_layer(&f->allocator.base, false));
    float y[2 * ROWS * HIDDEN];
    or_state_t *warm = state_of(session, 1); /* the runtime's own first allocations are not what this is about */
    or_expect_ok(step(f, session, warm, (span_t){1, 0, 3}, y));
    or_state_release(warm);
    f->allocator.fail_at = atomic_load(&f->allocator.alloc_count) + n;
    or_status_t status = create_run_and_fork(f, session);
    bool done = or_ok(status);
    f->allocator.fail_at = 0;
    if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* looked at above */
    or_session_release(session);
    if (done) break;
  }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(appends_new_rows_in_place_with_one_plan_for_every_length),
      CASE(fills_its_capacity_and_starts_again_after_a_reset),
      CASE(a_fork_goes_on_by_itself),
      CASE(refuses_what_does_not_fit_and_stays_as_it_was),
      CASE(a_mask_with_a_rule_of_its_own_is_carried_out_as_it_is),
      CASE(ties_given_by_name_hand_on_what_does_not_grow),
      CASE(a_run_that_is_under_way_keeps_others_out_and_leaves_nothing_when_cancelled),
      CASE(tells_what_is_tied_and_what_a_row_takes),
      CASE(many_threads_go_on_side_by_side),
      CASE(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
