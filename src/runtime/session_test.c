#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/thread.h"
#include "fake/fake.h"
#include "openruntime/compute.h"
#include "runtime/runtime.h"
#include "runtime/session.h"

/* A runtime with the CPU and the fake device, which comes first and so is what "auto" takes. */
typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
  or_device_t *fake, *cpu;
} fixture_t;

static int setup(void **state) {
  static fixture_t fixture;
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}, {"cpu", or_backend_cpu_entry}};
  or_fake_reset();
  or_counting_allocator_init(&fixture.allocator, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &fixture.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  assert_true(or_ok(or_runtime_create_with(&options, backends, 2, &fixture.runtime)));
  assert_true(or_ok(or_runtime_find_device(fixture.runtime, "fake", &fixture.fake)));
  assert_true(or_ok(or_runtime_find_device(fixture.runtime, "cpu", &fixture.cpu)));
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  fixture_t *fixture = *state;
  or_runtime_release(fixture->runtime);
  assert_int_equal(or_fake_live_bytes(), 0);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(atomic_load(&fixture->allocator.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* x [batch, 2] -> Relu -> Softmax -> Add(x) -> y: three nodes. */
static const or_graph_t *three_nodes(const or_allocator_t *allocator) {
  static const char *const ops[] = {"Relu", "Softmax", "Add"};
  static const char *const names[] = {"x", "relu", "soft", "y"};
  or_model_limits_t limits = {0};
  or_graph_t *graph = NULL;
  or_graph_pass_counts_t counts = {0};
  or_value_id_t ids[4];
  size_t symbol = 0;
  assert_true(or_ok(or_graph_create(allocator, "three", &limits, &graph)));
  graph->opset = 17;
  assert_true(or_ok(or_graph_symbol(graph, "batch", 5, &symbol)));
  or_shape_t shape = or_shape_make(2, (int64_t[]){OR_DIM_SYMBOL(0), 2}), unknown = {.rank = OR_RANK_UNKNOWN};
  for (int i = 0; i < 4; ++i) {
    assert_true(or_ok(or_graph_add_value(graph, names[i], strlen(names[i]), i == 0 ? OR_FLOAT32 : OR_DTYPE_NONE,
                                         i == 0 ? &shape : &unknown, &ids[i])));
  }
  for (int i = 0; i < 3; ++i) {
    or_node_t *node = NULL;
    size_t inputs = i == 2 ? 2 : 1;
    assert_true(or_ok(or_graph_add_node(graph, ops[i], inputs, 1, 0, &node)));
    node->domain = "";
    node->op = ops[i];
    node->definition = or_op_find("", ops[i]);
    node->version = or_op_version(node->definition, 17);
    or_value_id_t *in = (or_value_id_t *)(uintptr_t)node->inputs, *out = (or_value_id_t *)(uintptr_t)node->outputs;
    in[0] = ids[i];
    if (inputs == 2) in[1] = ids[0];
    out[0] = ids[i + 1];
  }
  assert_true(or_ok(or_graph_add_input(graph, ids[0])));
  assert_true(or_ok(or_graph_add_output(graph, ids[3])));
  assert_true(or_ok(or_graph_sort(graph)));
  assert_true(or_ok(or_graph_infer(graph, &counts)));
  return graph;
}

static or_session_t *make_session(fixture_t *fixture, const or_session_options_t *options) {
  or_session_t *session = NULL;
  const or_graph_t *graph = three_nodes(&fixture->allocator.base);
  assert_true(or_ok(or_session_create_for_graph(fixture->runtime, graph, options, (or_owner_t){NULL, NULL}, &session)));
  or_graph_release(graph);
  return session;
}

/* 0.5 + x in every element: both elements of a row are equal, so that softmax gives a half. */
static or_tensor_t *make_input(fixture_t *fixture, int64_t batch) {
  float values[64];
  or_tensor_t *tensor = NULL;
  for (int64_t i = 0; i < 2 * batch; ++i) values[i] = 1.0f + (float)(i / 2);
  assert_true(or_ok(or_tensor_create_from(fixture->cpu, OR_FLOAT32, or_shape_make(2, (int64_t[]){batch, 2}), values,
                                          (size_t)batch * 2 * sizeof(float), &tensor)));
  return tensor;
}

static void expect_result(const or_tensor_t *tensor, int64_t batch) {
  float values[64];
  assert_true(or_ok(or_tensor_read(tensor, values, sizeof values / 64 * 2 * (size_t)batch)));
  for (int64_t i = 0; i < 2 * batch; ++i) assert_float_equal(values[i], 1.5f + (float)(i / 2), 1e-6f);
}

static void runs_every_node_on_a_device_with_memory_of_its_own(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake, .strict = true});
  or_binding_t input = {.tensor = make_input(fixture, 3)}, output = {.tensor = NULL};
  assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
  assert_ptr_equal(or_tensor_device(output.tensor), fixture->fake);
  assert_null(or_tensor_data(output.tensor));
  expect_result(output.tensor, 3);
  assert_int_equal(output.shape.dims[0], 3);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
}

static void falls_back_visibly_for_what_a_device_refuses(void **state) {
  static const char *const supported[] = {"Relu", "Add", NULL};
  fixture_t *fixture = *state;
  or_fake_set_supported(supported);
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake});
  or_binding_t input = {.tensor = make_input(fixture, 2)}, output = {.tensor = NULL};
  or_session_report_t *report = NULL;
  assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
  expect_result(output.tensor, 2);
  assert_true(or_ok(or_session_explain(session, &input, 1, true, &report)));
  size_t on_fake = 0, on_cpu = 0;
  for (size_t i = 0; i < report->node_count; ++i) { /* copies between the devices are reported too */
    const or_node_report_t *node = &report->nodes[i];
    if (strcmp(node->op, "Softmax") == 0) {
      assert_string_equal(node->device_id, "cpu_0");
      assert_non_null(strstr(node->reason, "not on the fake's list"));
      ++on_cpu;
    } else if (strcmp(node->op, "Relu") == 0 || strcmp(node->op, "Add") == 0) {
      assert_string_equal(node->device_id, "fake_0");
      ++on_fake;
    }
  }
  assert_int_equal(on_cpu, 1);
  assert_int_equal(on_fake, 2);
  assert_int_equal(report->node_count, 5);
  assert_true(report->flops_on_device < 1.0);
  or_session_report_free(report);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
}

static void strict_refuses_a_device_that_lacks_an_operator(void **state) {
  static const char *const supported[] = {"Relu", NULL};
  fixture_t *fixture = *state;
  or_fake_set_supported(supported);
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake, .strict = true});
  or_binding_t input = {.tensor = make_input(fixture, 2)}, output = {.tensor = NULL};
  or_status_t status = or_session_run(session, &input, 1, &output, 1);
  assert_int_equal(or_status_code(status), OR_FAILED_PRECONDITION);
  assert_null(output.tensor);
  or_status_ignore(status); /* expected */
  or_tensor_release(input.tensor);
  or_session_release(session);
}

static void keeps_at_most_the_shape_classes_that_were_asked_for(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session =
      make_session(fixture, &(or_session_options_t){.device = fixture->cpu, .max_shape_classes = 2});
  for (int64_t batch = 1; batch <= 5; ++batch) {
    or_binding_t input = {.tensor = make_input(fixture, batch)}, output = {.tensor = NULL};
    assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
    expect_result(output.tensor, batch);
    assert_true(or_session_class_count(session) <= 2);
    or_tensor_release(output.tensor);
    or_tensor_release(input.tensor);
  }
  or_session_release(session);
}

static void names_the_culprit_of_a_wrong_binding(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->cpu});
  or_tensor_t *wrong_shape = NULL, *wrong_dtype = NULL, *right = make_input(fixture, 1);
  const float three[3] = {1, 2, 3};
  const int64_t two[2] = {1, 2};
  assert_true(or_ok(or_tensor_create_from(fixture->cpu, OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 3}), three,
                                          sizeof three, &wrong_shape)));
  assert_true(or_ok(or_tensor_create_from(fixture->cpu, OR_INT64, or_shape_make(2, (int64_t[]){1, 2}), two, sizeof two,
                                          &wrong_dtype)));
  const struct {
    or_binding_t inputs[2];
    size_t count;
    const char *message;
  } cases[] = {
      {{{.tensor = wrong_shape}}, 1, "input \"x\": expected float32 [batch,2], got float32 [1,3]: dimension 1 differs"},
      {{{.tensor = wrong_dtype}}, 1, "input \"x\": expected float32 [batch,2], got int64 [1,2]"},
      {{{.name = "z", .tensor = right}}, 1, "the model has no input \"z\"; it has: \"x\""},
      {{{.tensor = right}, {.name = "x", .tensor = right}}, 2, "input \"x\" is given twice"},
      {{{.name = "x"}}, 1, "input \"x\": no tensor is given"},
      {{{.name = NULL}}, 0, "input \"x\" (float32 [batch,2]) is missing"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_binding_t output = {.tensor = NULL};
    or_status_t status = or_session_run(session, cases[i].inputs, cases[i].count, &output, 1);
    assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
    assert_string_equal(or_status_message(status), cases[i].message);
    or_status_ignore(status); /* expected */
  }
  or_tensor_release(wrong_shape);
  or_tensor_release(wrong_dtype);
  or_tensor_release(right);
  or_session_release(session);
}

static void a_too_small_output_names_the_bytes_needed(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->cpu});
  or_binding_t input = {.tensor = make_input(fixture, 4)}, output = {.tensor = NULL};
  assert_true(or_ok(or_tensor_create(fixture->cpu, OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 2}), &output.tensor)));
  or_status_t status = or_session_run(session, &input, 1, &output, 1);
  assert_int_equal(or_status_code(status), OR_OUT_OF_RANGE);
  assert_non_null(strstr(or_status_message(status), "32"));
  or_status_ignore(status); /* expected */
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
}

/* What a callback leaves behind. */
typedef struct ended_t {
  or_mutex_t mutex;
  or_cond_t condition;
  bool ended;
  or_status_code_t code;
} ended_t;

static void run_ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  ended_t *ended = self;
  (void)outputs, (void)output_count;
  or_mutex_lock(&ended->mutex);
  ended->code = or_status_code(status);
  ended->ended = true;
  or_cond_signal(&ended->condition);
  or_mutex_unlock(&ended->mutex);
  or_status_ignore(status); /* its code is kept */
}

static void wait_for_end(ended_t *ended) {
  or_mutex_lock(&ended->mutex);
  while (!ended->ended) or_cond_wait(&ended->condition, &ended->mutex);
  or_mutex_unlock(&ended->mutex);
}

static void cancels_between_nodes(void **state) {
  fixture_t *fixture = *state;
  ended_t ended = {.ended = false};
  or_mutex_init(&ended.mutex);
  or_cond_init(&ended.condition);
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake});
  or_binding_t input = {.tensor = make_input(fixture, 2)}, output = {.tensor = NULL};
  assert_true(or_ok(or_session_run(session, &input, 1, &output, 1))); /* prepared */
  uint64_t nodes = or_fake_calls(OR_FAKE_NODE);
  or_fake_close_gate(OR_FAKE_NODE);
  or_run_t *run = NULL;
  or_run_request_t request = {&input, 1, &output, 1, run_ended, &ended};
  assert_true(or_ok(or_session_run_async(session, &request, &run)));
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  or_run_cancel(run);
  or_fake_open_gate(OR_FAKE_NODE);
  wait_for_end(&ended);
  assert_int_equal(ended.code, OR_CANCELLED);
  assert_true(or_fake_calls(OR_FAKE_NODE) - nodes < 3);
  or_run_release(run);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
  or_cond_deinit(&ended.condition);
  or_mutex_deinit(&ended.mutex);
}

static void a_failing_device_costs_one_run_and_leaks_nothing(void **state) {
  fixture_t *fixture = *state;
  static const or_fake_call_t calls[] = {OR_FAKE_ALLOC, OR_FAKE_WRITE, OR_FAKE_COMPILE, OR_FAKE_RUN, OR_FAKE_NODE};
  for (size_t c = 0; c < sizeof calls / sizeof *calls; ++c) {
    or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake});
    or_binding_t input = {.tensor = make_input(fixture, 2)}, output = {.tensor = NULL};
    or_fake_fail(calls[c], 1, OR_RESOURCE_EXHAUSTED);
    or_status_t status = or_session_run(session, &input, 1, &output, 1);
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    assert_null(output.tensor);
    or_status_ignore(status); /* expected */
    assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
    expect_result(output.tensor, 2);
    or_tensor_release(output.tensor);
    or_tensor_release(input.tensor);
    or_session_release(session);
  }
}

static void a_lost_device_is_shown_and_others_go_on(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake});
  or_binding_t input = {.tensor = make_input(fixture, 2)}, output = {.tensor = NULL};
  const char *reason = "";
  or_fake_fail(OR_FAKE_NODE, 2, OR_DEVICE_LOST);
  or_status_t status = or_session_run(session, &input, 1, &output, 1);
  assert_int_equal(or_status_code(status), OR_DEVICE_LOST);
  or_status_ignore(status); /* expected */
  assert_int_equal(or_device_state(fixture->fake, &reason), OR_DEVICE_STATE_LOST);
  assert_true(reason[0] != '\0');
  or_session_release(session);
  session = make_session(fixture, NULL); /* auto passes over the lost one */
  assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
  assert_ptr_equal(or_tensor_device(output.tensor), fixture->cpu);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
}

static void a_memory_limit_refuses_with_the_arithmetic(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->fake});
  or_binding_t input = {.tensor = make_input(fixture, 2)}, output = {.tensor = NULL};
  or_device_set_memory_limit(fixture->fake, 8);
  or_status_t status = or_session_run(session, &input, 1, &output, 1);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  assert_non_null(strstr(or_status_message(status), "limit"));
  or_status_ignore(status); /* expected */
  or_device_set_memory_limit(fixture->fake, UINT64_MAX);
  assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
}

#define RUNNERS 4
#define RUNS_EACH 50

typedef struct runner_t {
  fixture_t *fixture;
  or_session_t *session;
  int64_t batch;
  or_thread_t thread;
} runner_t;

static void run_many(void *self) {
  runner_t *runner = self;
  or_binding_t input = {.tensor = make_input(runner->fixture, runner->batch)}, output = {.tensor = NULL};
  for (int i = 0; i < RUNS_EACH; ++i) {
    assert_true(or_ok(or_session_run(runner->session, &input, 1, &output, 1)));
    expect_result(output.tensor, runner->batch);
  }
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
}

static void threads_share_a_session(void **state) {
  fixture_t *fixture = *state;
  runner_t runners[RUNNERS];
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->cpu});
  for (int i = 0; i < RUNNERS; ++i) {
    runners[i] = (runner_t){.fixture = fixture, .session = session, .batch = 1 + i / 2};
    assert_true(or_ok(or_thread_start(&runners[i].thread, "runner", run_many, &runners[i])));
  }
  for (int i = 0; i < RUNNERS; ++i) or_thread_join(&runners[i].thread);
  assert_int_equal(or_session_class_count(session), RUNNERS / 2);
  or_session_release(session);
}

static void what_was_made_outlives_the_release_of_the_runtime(void **state) {
  fixture_t *fixture = *state;
  or_session_t *session = make_session(fixture, &(or_session_options_t){.device = fixture->cpu});
  or_binding_t input = {.tensor = make_input(fixture, 1)}, output = {.tensor = NULL};
  or_runtime_release(fixture->runtime);
  assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
  or_session_release(session);
  or_tensor_release(input.tensor);
  expect_result(output.tensor, 1);
  or_tensor_release(output.tensor);
  fixture->runtime = NULL;
}

static void computes_one_operator_and_keeps_its_plan(void **state) {
  fixture_t *fixture = *state;
  or_tensor_t *input = make_input(fixture, 2), *output = NULL;
  or_compute_call_t call = {.op = "Relu", .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1};
  assert_true(or_ok(or_compute(fixture->cpu, &call)));
  assert_true(or_ok(or_compute(fixture->cpu, &call)));
  size_t before = atomic_load(&fixture->allocator.alloc_count);
  assert_true(or_ok(or_compute(fixture->cpu, &call)));
  assert_int_equal(atomic_load(&fixture->allocator.alloc_count), before);
  or_tensor_release(output);
  output = NULL;
  call.op = "Rellu";
  or_status_t status = or_compute(fixture->cpu, &call);
  assert_int_equal(or_status_code(status), OR_NOT_FOUND);
  assert_non_null(strstr(or_status_message(status), "did you mean \"Relu\"?"));
  or_status_ignore(status); /* expected */
  or_tensor_release(input);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(runs_every_node_on_a_device_with_memory_of_its_own),
      TEST(falls_back_visibly_for_what_a_device_refuses),
      TEST(strict_refuses_a_device_that_lacks_an_operator),
      TEST(keeps_at_most_the_shape_classes_that_were_asked_for),
      TEST(names_the_culprit_of_a_wrong_binding),
      TEST(a_too_small_output_names_the_bytes_needed),
      TEST(cancels_between_nodes),
      TEST(a_failing_device_costs_one_run_and_leaks_nothing),
      TEST(a_lost_device_is_shown_and_others_go_on),
      TEST(a_memory_limit_refuses_with_the_arithmetic),
      TEST(threads_share_a_session),
      TEST(what_was_made_outlives_the_release_of_the_runtime),
      TEST(computes_one_operator_and_keeps_its_plan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
