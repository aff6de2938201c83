/* The door of a run, and runs that overlap: bindings, callbacks, shape classes that are being prepared. */
#include "base/testing.h"

#include "base/thread.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "runtime/runtime.h"
#include "runtime/session.h"

typedef struct fixture_t {
  or_counting_allocator_t counting;
  or_runtime_t *runtime;
  or_device_t *device;
} fixture_t;

static or_status_t open_fixture(fixture_t *fixture, size_t fail_at) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_fake_reset();
  or_counting_allocator_init(&fixture->counting, or_allocator_system(), fail_at);
  or_runtime_options_t options = {.allocator = &fixture->counting.base};
  or_status_t status = or_runtime_create_with(&options, backends, 1, &fixture->runtime);
  fixture->device = or_ok(status) ? or_runtime_device(fixture->runtime, 0) : NULL;
  return status;
}

static int setup(void **state) {
  static fixture_t fixture;
  *state = &fixture;
  expect_ok(open_fixture(&fixture, 0));
  return 0;
}
static int teardown(void **state) {
  fixture_t *fixture = *state;
  or_runtime_release(fixture->runtime);
  assert_int_equal(fixture->counting.live_bytes, 0);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* y, z = Split(x [batch,2]); w = Relu of u, whose shape the model does not state. */
static const or_graph_t *read_graph(void) {
  pb_t proto = {.data = NULL}, split = node_proto("Split", "x", "y,z"), axis = {.data = NULL};
  or_graph_t *graph = NULL;
  pb_text(&axis, 1, "axis");
  pb_int(&axis, 3, 1);
  pb_int(&axis, 20, 2);
  pb_put(&split, 5, axis);
  pb_put(&proto, 1, split);
  pb_put(&proto, 1, node_proto("Relu", "u", "w"));
  pb_put(&proto, 11, value_proto("x", OR_FLOAT32, "batch,2"));
  pb_put(&proto, 11, value_proto("u", OR_FLOAT32, NULL));
  pb_put(&proto, 12, value_proto("y", OR_FLOAT32, NULL));
  pb_put(&proto, 12, value_proto("z", OR_FLOAT32, NULL));
  pb_put(&proto, 12, value_proto("w", OR_FLOAT32, NULL));
  expect_ok(read_proto(model_proto(proto, 13), &(or_model_limits_t){0}, &graph));
  return graph;
}

static or_session_t *make_session(const fixture_t *fixture, uint32_t classes) {
  const or_graph_t *graph = read_graph();
  or_session_t *session = NULL;
  or_session_options_t options = {.device = fixture->device, .max_shape_classes = classes};
  expect_ok(or_session_create_for_graph(fixture->runtime, graph, &options, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  return session;
}

static or_tensor_t *rows(const fixture_t *fixture, int64_t batch) {
  static const float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  or_tensor_t *tensor = NULL;
  expect_ok(or_tensor_create_from(fixture->device, OR_FLOAT32, or_shape_make(2, (int64_t[]){batch, 2}), values,
                                  (size_t)batch * 2 * sizeof(float), &tensor));
  return tensor;
}

static void expect_floats(const or_tensor_t *tensor, const float *expected, size_t count) {
  float got[8];
  assert_int_equal(or_tensor_bytes(tensor), count * sizeof(float));
  expect_ok(or_tensor_read(tensor, got, count * sizeof(float)));
  assert_memory_equal(got, expected, count * sizeof(float));
}

static void gives_the_outputs_that_are_asked_for_in_their_order(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, 0);
  or_binding_t inputs[] = {{.name = "u", .tensor = rows(fixture, 1)}, {.name = "x", .tensor = rows(fixture, 2)}};
  or_binding_t outputs[] = {{.name = "z"}, {.name = "y"}};
  expect_ok(or_session_run(session, inputs, 2, outputs, 2));
  expect_floats(outputs[0].tensor, (const float[]){2, 4}, 2);
  expect_floats(outputs[1].tensor, (const float[]){1, 3}, 2);
  assert_int_equal(outputs[0].shape.dims[0], 2);
  for (int i = 0; i < 2; ++i) {
    or_tensor_release(inputs[i].tensor);
    or_tensor_release(outputs[i].tensor);
  }
  or_session_release(session);
}

static void names_the_binding_that_is_wrong(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, 0);
  or_tensor_t *one = rows(fixture, 1), *two = rows(fixture, 2), *scalar = NULL, *whole = NULL;
  const int64_t number = 7;
  expect_ok(or_tensor_create_from(fixture->device, OR_INT64, or_shape_make(0, NULL), &number, sizeof number, &whole));
  const float zero = 0;
  expect_ok(or_tensor_create_from(fixture->device, OR_FLOAT32, or_shape_make(0, NULL), &zero, sizeof zero, &scalar));
  const struct {
    or_binding_t inputs[3];
    size_t input_count;
    or_binding_t outputs[2];
    size_t output_count;
    const char *words;
  } cases[] = {
      {{{.tensor = one}, {.tensor = one}, {.tensor = one}}, 3, {{0}}, 0, "has 2 inputs; number 3 is given"},
      {{{.tensor = scalar}}, 1, {{0}}, 0, "input \"x\": expected float32 [batch,2], got float32 []"},
      {{{.tensor = one}, {.name = "v", .tensor = one}}, 2, {{0}}, 0, "no input \"v\"; it has: \"x\", \"u\""},
      {{{.tensor = one}, {.tensor = two}}, 2, {{.name = "v"}}, 1, "no output \"v\"; it has: \"y\", \"z\", \"w\""},
      {{{.tensor = one}, {.tensor = two}}, 2, {{.name = "y"}, {.name = "y"}}, 2, "output \"y\" is asked for twice"},
      {{{.tensor = one}, {.tensor = two}}, 2, {{.tensor = whole}}, 1, "output \"y\": expected float32, got int64"},
      {{{.tensor = one}}, 1, {{0}}, 0, "input \"u\" (float32"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_binding_t outputs[2] = {cases[i].outputs[0], cases[i].outputs[1]};
    expect_failure(or_session_run(session, cases[i].inputs, cases[i].input_count, outputs, cases[i].output_count),
                   OR_INVALID_ARGUMENT, cases[i].words);
  }
  or_tensor_release(scalar);
  or_tensor_release(whole);
  or_tensor_release(one);
  or_tensor_release(two);
  or_session_release(session);
}

static void refuses_options_that_it_can_not_keep(void **state) {
  fixture_t *fixture = *state;
  const or_graph_t *graph = read_graph();
  or_runtime_t *other = NULL;
  or_session_t *session = NULL;
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){.allocator = &fixture->counting.base}, backends, 1, &other));
  or_session_options_t foreign = {.device = or_runtime_device(other, 0)};
  or_session_options_t narrow = {.device = fixture->device, .precision = OR_BFLOAT16};
  or_session_options_t exact = {.device = fixture->device, .precision = OR_BFLOAT16, .reference = true};
  or_session_options_t same = {.device = fixture->device, .precision = OR_FLOAT32};
  or_owner_t nobody = {NULL, NULL};
  expect_failure(or_session_create_for_graph(fixture->runtime, graph, &foreign, nobody, &session), OR_INVALID_ARGUMENT,
                 "belongs to another runtime");
  expect_failure(or_session_create_for_graph(fixture->runtime, graph, &narrow, nobody, &session), OR_UNIMPLEMENTED,
                 "precision \"bfloat16\" is not offered");
  expect_ok(or_session_create_for_graph(fixture->runtime, graph, &exact, nobody, &session));
  or_session_release(session);
  expect_ok(or_session_create_for_graph(fixture->runtime, graph, &same, nobody, &session));
  or_session_release(session);
  or_runtime_release(other);
  or_graph_release(graph);
}

/* Waits for a number of ends; what they said is kept. */
typedef struct ends_t {
  or_mutex_t mutex;
  or_cond_t changed;
  size_t count;
  or_status_code_t last;
  or_session_t *again; /* run from within the callback, if given */
  or_status_code_t within;
} ends_t;

static void run_ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  ends_t *ends = self;
  (void)outputs, (void)output_count;
  or_mutex_lock(&ends->mutex);
  if (ends->again != NULL) {
    or_status_t within = or_session_run(ends->again, NULL, 0, NULL, 0);
    ends->within = or_status_code(within);
    or_status_ignore(within); /* its code is kept */
  }
  ++ends->count;
  ends->last = or_status_code(status);
  or_cond_signal(&ends->changed);
  or_mutex_unlock(&ends->mutex);
  or_status_ignore(status); /* its code is kept */
}

static void begin_ends(ends_t *ends) {
  *ends = (ends_t){.count = 0};
  or_mutex_init(&ends->mutex);
  or_cond_init(&ends->changed);
}
static void wait_for(ends_t *ends, size_t count) {
  or_mutex_lock(&ends->mutex);
  while (ends->count < count) or_cond_wait(&ends->changed, &ends->mutex);
  or_mutex_unlock(&ends->mutex);
}
static void finish_ends(ends_t *ends) {
  or_cond_deinit(&ends->changed);
  or_mutex_deinit(&ends->mutex);
}

static void a_callback_may_not_wait_for_another_run(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, 0);
  or_binding_t inputs[] = {{.tensor = rows(fixture, 1)}, {.tensor = rows(fixture, 1)}}, output = {.name = "y"};
  ends_t ends;
  begin_ends(&ends);
  ends.again = session;
  or_run_request_t request = {inputs, 2, &output, 1, run_ended, &ends};
  expect_ok(or_session_run_async(session, &request, NULL));
  wait_for(&ends, 1);
  assert_int_equal(ends.last, OR_OK);
  assert_int_equal(ends.within, OR_FAILED_PRECONDITION);
  request.callback = NULL;
  expect_failure(or_session_run_async(session, &request, NULL), OR_INVALID_ARGUMENT, "no callback");
  or_tensor_release(output.tensor);
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
  or_session_release(session);
  finish_ends(&ends);
}

/* More runs at once than the session keeps for later. */
static void many_runs_may_be_under_way_at_once(void **state) {
  enum { RUNS = 24 };
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, 0);
  or_binding_t inputs[] = {{.tensor = rows(fixture, 1)}, {.tensor = rows(fixture, 1)}}, outputs[RUNS];
  or_run_t *runs[RUNS];
  ends_t ends;
  begin_ends(&ends);
  or_fake_close_gate(OR_FAKE_RUN);
  for (size_t i = 0; i < RUNS; ++i) {
    outputs[i] = (or_binding_t){.name = "y"};
    or_run_request_t request = {inputs, 2, &outputs[i], 1, run_ended, &ends};
    expect_ok(or_session_run_async(session, &request, &runs[i]));
  }
  or_fake_open_gate(OR_FAKE_RUN);
  wait_for(&ends, RUNS);
  for (size_t i = 0; i < RUNS; ++i) {
    expect_floats(outputs[i].tensor, (const float[]){1}, 1);
    or_tensor_release(outputs[i].tensor);
    or_run_release(runs[i]);
  }
  or_run_release(NULL);
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
  or_session_release(session);
  finish_ends(&ends);
}

typedef struct waiting_t {
  fixture_t *fixture;
  or_session_t *session;
  or_thread_t thread;
  or_status_code_t code;
} waiting_t;

static void run_one_row(void *self) {
  waiting_t *waiting = self;
  or_binding_t inputs[] = {{.tensor = rows(waiting->fixture, 1)}, {.tensor = rows(waiting->fixture, 1)}};
  or_binding_t output = {.name = "y"};
  or_status_t status = or_session_run(waiting->session, inputs, 2, &output, 1);
  waiting->code = or_status_code(status);
  or_status_ignore(status); /* its code is kept */
  or_tensor_release(output.tensor);
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
}

static void a_class_that_is_being_prepared_takes_its_place_and_serves_who_waits(void **state) {
  fixture_t *fixture = *state;
  waiting_t waiting[2];
  or_session_t *session = make_session(fixture, 1);
  or_binding_t inputs[] = {{.tensor = rows(fixture, 2)}, {.tensor = rows(fixture, 1)}}, output = {.name = "y"};
  or_fake_close_gate(OR_FAKE_COMPILE);
  for (int i = 0; i < 2; ++i) {
    waiting[i] = (waiting_t){.fixture = fixture, .session = session};
    expect_ok(or_thread_start(&waiting[i].thread, "waiting", run_one_row, &waiting[i]));
    if (i == 0) or_fake_wait_at_gate(OR_FAKE_COMPILE, 1);
  }
  expect_failure(or_session_run(session, inputs, 2, &output, 1), OR_RESOURCE_EXHAUSTED,
                 "1 shape classes are being prepared at once");
  or_fake_open_gate(OR_FAKE_COMPILE);
  for (int i = 0; i < 2; ++i) {
    or_thread_join(&waiting[i].thread);
    assert_int_equal(waiting[i].code, OR_OK);
  }
  assert_int_equal(or_fake_calls(OR_FAKE_COMPILE), 1);
  expect_ok(or_session_run(session, inputs, 2, &output, 1)); /* now the older one may go */
  assert_int_equal(or_session_class_count(session), 1);
  or_tensor_release(output.tensor);
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
  or_session_release(session);
}

typedef struct cancellable_t {
  waiting_t waiting;
  or_cancel_t cancel;
} cancellable_t;

static void no_end(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  (void)self, (void)outputs, (void)output_count;
  or_status_ignore(status); /* nobody waits for it */
  fail_msg("%s", "a run that did not start has ended");
}

static void start_one_row(void *self) {
  cancellable_t *one = self;
  or_binding_t inputs[] = {{.tensor = rows(one->waiting.fixture, 1)}, {.tensor = rows(one->waiting.fixture, 1)}};
  or_binding_t output = {.name = "y"};
  const or_run_request_t request = {inputs, 2, &output, 1, no_end, NULL};
  or_status_t status = or_session_start(one->waiting.session, &request, &one->cancel, NULL);
  one->waiting.code = or_status_code(status);
  or_status_ignore(status); /* its code is kept */
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
}

/* The first prepares, the second waits for it and for no longer than it is told to, the third prepares in its place. */
static void a_preparation_ends_when_it_is_told_to_and_others_go_on(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, 1);
  cancellable_t leaving[2];
  waiting_t staying = {.fixture = fixture, .session = session};
  or_fake_close_gate(OR_FAKE_COMPILE);
  for (int i = 0; i < 2; ++i) {
    leaving[i] = (cancellable_t){.waiting = {.fixture = fixture, .session = session}};
    or_cancel_init(&leaving[i].cancel, i == 0 ? INT64_MAX : 1); /* the second: a deadline that is over */
    expect_ok(or_thread_start(&leaving[i].waiting.thread, "leaving", start_one_row, &leaving[i]));
    if (i == 0) or_fake_wait_at_gate(OR_FAKE_COMPILE, 1);
  }
  or_thread_join(&leaving[1].waiting.thread); /* while the gate is closed */
  assert_int_equal(leaving[1].waiting.code, OR_DEADLINE_EXCEEDED);
  expect_ok(or_thread_start(&staying.thread, "staying", run_one_row, &staying));
  or_cancel_request(&leaving[0].cancel);
  or_fake_open_gate(OR_FAKE_COMPILE);
  or_thread_join(&leaving[0].waiting.thread);
  assert_int_equal(leaving[0].waiting.code, OR_CANCELLED);
  or_thread_join(&staying.thread);
  assert_int_equal(staying.code, OR_OK);
  assert_int_equal(or_fake_calls(OR_FAKE_COMPILE), 2);
  assert_int_equal(or_session_class_count(session), 1);
  or_session_release(session);
}

static void every_failing_allocation_ends_one_asynchronous_run(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    fixture_t fixture = {.runtime = NULL};
    const float one = 1;
    const or_graph_t *graph = read_graph();
    or_session_t *session = NULL;
    or_run_t *run = NULL;
    or_binding_t inputs[2] = {{.tensor = NULL}, {.tensor = NULL}}, output = {.name = "w"};
    ends_t ends;
    begin_ends(&ends);
    or_status_t status = open_fixture(&fixture, n);
    if (or_ok(status))
      status = or_session_create_for_graph(fixture.runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session);
    for (int i = 0; or_ok(status) && i < 2; ++i) {
      or_shape_t shape = i == 0 ? or_shape_make(2, (int64_t[]){0, 2}) : or_shape_make(0, NULL);
      status =
          or_tensor_create_from(fixture.device, OR_FLOAT32, shape, &one, i == 0 ? 0 : sizeof one, &inputs[i].tensor);
    }
    or_run_request_t request = {inputs, 2, &output, 1, run_ended, &ends};
    if (or_ok(status)) status = or_session_run_async(session, &request, &run);
    if (or_ok(status)) {
      wait_for(&ends, 1);
      if (ends.last == OR_RESOURCE_EXHAUSTED) status = or_error(OR_RESOURCE_EXHAUSTED, "as the callback said");
    } else {
      assert_null(run);
    }
    or_run_release(run);
    or_tensor_release(output.tensor);
    or_tensor_release(inputs[0].tensor);
    or_tensor_release(inputs[1].tensor);
    or_session_release(session);
    or_runtime_release(fixture.runtime);
    or_graph_release(graph);
    finish_ends(&ends);
    bool failed = !or_ok(status);
    assert_true(!failed || or_status_code(status) == OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* its code was looked at */
    assert_int_equal(fixture.counting.live_bytes, 0);
    assert_int_equal(fixture.counting.triggered, failed);
    if (!failed) break;
  }
}

/* y = the first column of x, by a run that may stay here. */
static bool ran_here(fixture_t *fixture, or_session_t *session, int64_t batch) {
  static const float first[] = {1, 3, 5, 7};
  or_binding_t inputs[] = {{.tensor = rows(fixture, batch)}, {.tensor = rows(fixture, 1)}}, output = {.name = "y"};
  bool ran = true;
  expect_ok(or_session_run_here(session, inputs, 2, &output, 1, &ran));
  if (ran) {
    expect_floats(output.tensor, first, (size_t)batch);
  } else {
    assert_null(output.tensor);
    expect_ok(or_session_run(session, inputs, 2, &output, 1));
    expect_floats(output.tensor, first, (size_t)batch);
  }
  or_tensor_release(output.tensor);
  or_tensor_release(inputs[0].tensor);
  or_tensor_release(inputs[1].tensor);
  return ran;
}

static void a_small_run_stays_on_the_calling_thread_once_its_plan_is_there(void **state) {
  fixture_t *fixture = *state;
  or_fake_set_queue_optional(true);
  or_session_t *session = make_session(fixture, 0);
  assert_false(ran_here(fixture, session, 1)); /* no plan yet */
  const uint64_t finished = or_fake_calls(OR_FAKE_QUEUE_FINISH), runs = or_device_counters(fixture->device).runs;
  assert_true(ran_here(fixture, session, 1));
  assert_true(ran_here(fixture, session, 1));
  assert_int_equal(or_fake_calls(OR_FAKE_QUEUE_FINISH), finished); /* nothing came to the queue */
  assert_int_equal(or_device_counters(fixture->device).runs, runs + 2);
  assert_int_equal(or_device_counters(fixture->device).active, 0);
  assert_false(ran_here(fixture, session, 2)); /* another shape */
  or_binding_t nothing = {.name = "y"};
  bool ran = true;
  expect_failure(or_session_run_here(session, NULL, 0, &nothing, 1, &ran), OR_INVALID_ARGUMENT, "is missing");
  assert_false(ran);
  or_session_release(session);
}

static void what_needs_its_queue_goes_there(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, 0);
  assert_false(ran_here(fixture, session, 1));
  assert_false(ran_here(fixture, session, 1));
  or_session_release(session);
}

typedef struct caller_t {
  or_session_t *session;
  or_tensor_t *x, *u;
  or_thread_t thread;
  int wrong;
} caller_t;

static void call_often(void *self) {
  caller_t *caller = self;
  for (int i = 0; i < 200; ++i) {
    const or_binding_t inputs[] = {{.tensor = caller->x}, {.tensor = caller->u}};
    or_binding_t outputs[] = {{.name = "y"}, {.name = "z"}};
    float y[4] = {0}, z[4] = {0};
    bool ran = false;
    or_status_t status = or_session_run_here(caller->session, inputs, 2, outputs, 2, &ran);
    if (or_ok(status) && ran) status = or_tensor_read(outputs[0].tensor, y, sizeof y);
    if (or_ok(status) && ran) status = or_tensor_read(outputs[1].tensor, z, sizeof z);
    for (int k = 0; k < 4; ++k) caller->wrong += !ran || y[k] != (float)(2 * k + 1) || z[k] != (float)(2 * k + 2);
    caller->wrong += !or_ok(status);
    or_status_ignore(status); /* counted */
    or_tensor_release(outputs[0].tensor);
    or_tensor_release(outputs[1].tensor);
  }
}

/* Each with memory of its own, though no queue orders them. */
static void several_threads_may_run_small_work_at_once(void **state) {
  enum { CALLERS = 4 };
  fixture_t *fixture = *state;
  caller_t callers[CALLERS];
  or_fake_set_queue_optional(true);
  or_session_t *session = make_session(fixture, 0);
  assert_false(ran_here(fixture, session, 4));
  for (int i = 0; i < CALLERS; ++i) {
    callers[i] = (caller_t){.session = session, .x = rows(fixture, 4), .u = rows(fixture, 1)};
    expect_ok(or_thread_start(&callers[i].thread, "caller", call_often, &callers[i]));
  }
  for (int i = 0; i < CALLERS; ++i) {
    or_thread_join(&callers[i].thread);
    assert_int_equal(callers[i].wrong, 0);
    or_tensor_release(callers[i].x);
    or_tensor_release(callers[i].u);
  }
  or_session_release(session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(gives_the_outputs_that_are_asked_for_in_their_order),
      TEST(names_the_binding_that_is_wrong),
      TEST(refuses_options_that_it_can_not_keep),
      TEST(a_callback_may_not_wait_for_another_run),
      TEST(many_runs_may_be_under_way_at_once),
      TEST(a_class_that_is_being_prepared_takes_its_place_and_serves_who_waits),
      TEST(a_preparation_ends_when_it_is_told_to_and_others_go_on),
      TEST(a_small_run_stays_on_the_calling_thread_once_its_plan_is_there),
      TEST(what_needs_its_queue_goes_there),
      TEST(several_threads_may_run_small_work_at_once),
      cmocka_unit_test(every_failing_allocation_ends_one_asynchronous_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
