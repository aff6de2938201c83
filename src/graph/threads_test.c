/* Several threads run one plan at once; random graphs give the same by plan as by reference. */
#include "fixtures/rigs.h"

#include "base/numbers.h"

enum { THREADS = 4, ROUNDS = 40, WIDTH = 6 };

static const char *const fake_operators[] = {"Relu", "Neg", "Add", "MatMul", "Concat", NULL};

static int set_up_for_threads(void **state) {
  int code = set_up(state);
  or_fake_set_supported(fake_operators);
  return code;
}

/* A thread reports what went wrong; cmocka's assertions belong to the main one. */
typedef struct worker_t {
  or_plan_t *plan;
  or_thread_t thread;
  float offset;
  int wrong;
} worker_t;

static bool run_once(worker_t *worker, int round) {
  run_t run = {.call = {.done = signal_done}};
  float in[4], out[4] = {0};
  bool right = false;
  for (int i = 0; i < 4; ++i) in[i] = worker->offset + (float)(round * 4 + i);
  run.call.inputs = run.inputs;
  run.call.outputs = run.outputs;
  or_device_t *device = round % 2 == 0 ? fake.devices[0] : plain.devices[0];
  or_status_t status = or_event_create(or_allocator_system(), &run.event);
  run.call.self = run.event;
  if (or_ok(status)) status = or_tensor_create_from(device, OR_FLOAT32, SHAPE(4), in, sizeof in, &run.inputs[0]);
  if (or_ok(status) && round % 3 == 0)
    status = or_tensor_create(fake.devices[0], OR_FLOAT32, SHAPE(4), &run.outputs[0]);
  if (or_ok(status)) status = run_plan(worker->plan, &run);
  if (or_ok(status)) status = or_tensor_read(run.outputs[0], out, sizeof out);
  right = or_ok(status);
  for (int i = 0; i < 4; ++i) right = right && out[i] == -in[i] * in[i];
  or_status_ignore(status); /* counted as wrong */
  or_tensor_release(run.inputs[0]);
  or_tensor_release(run.outputs[0]);
  or_event_release(run.event);
  return right;
}

static void work(void *argument) {
  worker_t *worker = argument;
  for (int round = 0; round < ROUNDS; ++round) worker->wrong += !run_once(worker, round);
}

static void threads_share_a_plan(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base), *special = NULL;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_value_id_t relu = apply(graph, "Relu", "relu", IDS(x));
  or_value_id_t square = apply(graph, "Mul", "square", IDS(relu, x)); /* not on the fake's list */
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "neg", IDS(square))));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  or_plan_t *plan = NULL;
  or_expect_ok(
      or_plan_create(special, &(or_plan_options_t){.device = fake.devices[0], .fallback = plain.devices[0]}, &plan));
  or_graph_release(special);
  or_graph_release(graph);
  worker_t workers[THREADS];
  for (int t = 0; t < THREADS; ++t) {
    workers[t] = (worker_t){.plan = plan, .offset = (float)(1000 * t)};
    or_expect_ok(or_thread_start(&workers[t].thread, "worker", work, &workers[t]));
  }
  for (int t = 0; t < THREADS; ++t) or_thread_join(&workers[t].thread);
  for (int t = 0; t < THREADS; ++t) assert_int_equal(workers[t].wrong, 0);
  or_plan_release(plan);
}

/* One callback starts the next run, as a server does, and the last lets go of the plan. */
typedef struct relay_t {
  or_plan_t *plan;
  or_event_t *over;
  or_tensor_t *input, *output;
  int left, failed;
} relay_t;

static void pass_on(void *self, or_status_t status);

static void start(relay_t *relay) {
  or_plan_run_t run = {.inputs = &relay->input, .outputs = &relay->output, .done = pass_on, .self = relay};
  or_status_t status = or_plan_submit(relay->plan, &run);
  if (!or_ok(status)) signal_done(relay->over, status);
}

static void pass_on(void *self, or_status_t status) {
  relay_t *relay = self;
  relay->failed += !or_ok(status);
  or_status_ignore(status); /* counted */
  if (--relay->left > 0) {
    start(relay);
    return;
  }
  or_event_t *over = relay->over; /* the relay may be gone once this is signalled */
  or_plan_release(relay->plan);
  signal_done(over, or_status_success());
}

static void a_callback_may_run_again_and_let_go_of_the_plan(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base), *special = NULL;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "neg", IDS(apply(graph, "Mul", "square", IDS(x, x))))));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  relay_t relay = {.left = 20};
  const float in[4] = {1, 2, 3, 4}, expected[4] = {-1, -4, -9, -16};
  or_expect_ok(or_event_create(or_allocator_system(), &relay.over));
  or_expect_ok(or_plan_create(special, &(or_plan_options_t){.device = fake.devices[0], .fallback = plain.devices[0]},
                              &relay.plan));
  relay.input = floats_on(fake.devices[0], SHAPE(4), in);
  relay.output = empty_on(fake.devices[0], SHAPE(4));
  or_graph_release(special);
  or_graph_release(graph);
  or_event_retain(relay.over);
  start(&relay);
  or_expect_ok(or_event_wait(relay.over, INT64_MAX));
  assert_int_equal(relay.failed, 0);
  assert_floats(relay.output, expected, 4);
  or_tensor_release(relay.input);
  or_tensor_release(relay.output);
  or_event_release(relay.over);
}

/* Values of shape [WIDTH, WIDTH] all, so that every operator fits everywhere. */
static or_graph_t *random_graph(or_random_t *random) {
  static const char *const unary[] = {"Relu", "Neg", "Tanh", "Sigmoid", "Identity"}, *const binary[] = {
                                                                                         "Add", "Mul", "Sub", "MatMul"};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t values[40];
  float data[WIDTH * WIDTH];
  size_t count = 0, inputs = 1 + or_random_next(random) % 3, nodes = 3 + or_random_next(random) % 20;
  for (size_t i = 0; i < inputs; ++i) values[count++] = input(graph, "in", OR_FLOAT32, SHAPE(WIDTH, WIDTH));
  for (size_t i = 0; i < 2; ++i) {
    or_random_fill(random, OR_FLOAT32, data, WIDTH * WIDTH);
    values[count++] = constant(graph, "c", OR_FLOAT32, SHAPE(WIDTH, WIDTH), data);
  }
  for (size_t n = 0; n < nodes; ++n) {
    or_value_id_t a = values[or_random_next(random) % count], b = values[or_random_next(random) % count];
    bool one = or_random_next(random) % 2 == 0;
    values[count++] = one ? apply(graph, unary[or_random_next(random) % 5], "u", IDS(a))
                          : apply(graph, binary[or_random_next(random) % 4], "b", IDS(a, b));
  }
  size_t outputs = 1 + or_random_next(random) % 4;
  for (size_t i = 0; i < outputs; ++i) or_expect_ok(or_graph_add_output(graph, values[or_random_next(random) % count]));
  finish_graph(graph);
  return graph;
}

static void random_graphs_give_the_same_by_plan_as_by_reference(void **state) {
  (void)state;
  static float inputs[4][WIDTH * WIDTH], expected[8][WIDTH * WIDTH];
  or_random_t random = {.state = 2024};
  for (int round = 0; round < 120; ++round) {
    or_graph_t *graph = random_graph(&random), *plain_graph = NULL, *special = NULL;
    void *input_pointers[4], *expected_pointers[8];
    for (size_t i = 0; i < 4; ++i) {
      or_random_fill(&random, OR_FLOAT32, inputs[i], WIDTH * WIDTH);
      input_pointers[i] = inputs[i];
    }
    for (size_t i = 0; i < 8; ++i) expected_pointers[i] = expected[i];
    static const char *const refused[] = {"Tanh", NULL};
    or_fake_set_fused(round % 2 == 0);
    plain_takes_fused = round % 3 == 0;
    plain_refused = round % 3 == 0 ? refused : NULL;
    bool fake_first = round % 4 < 2;
    or_fake_set_supported(fake_first ? fake_operators : NULL);
    if (fake_first) plain_refused = NULL;
    or_expect_ok(specialize_static(graph, true, &plain_graph));
    or_expect_ok(specialize_static(graph, false, &special));
    run_by_reference(plain_graph, input_pointers, expected_pointers);
    or_plan_t *plan = NULL;
    run_t run;
    or_plan_options_t options = {.device = fake_first ? fake.devices[0] : plain.devices[0],
                                 .fallback = fake_first ? plain.devices[0] : fake.devices[0]};
    or_expect_ok(or_plan_create(special, &options, &plan));
    begin_run(&run);
    for (size_t i = 0; i < graph->input_count; ++i) {
      run.inputs[i] = floats_on(i % 2 == 0 ? fake.devices[0] : plain.devices[0], SHAPE(WIDTH, WIDTH), inputs[i]);
    }
    or_expect_ok(run_plan(plan, &run));
    for (size_t i = 0; i < graph->output_count; ++i) assert_floats(run.outputs[i], expected[i], WIDTH * WIDTH);
    end_run(&run);
    or_plan_release(plan);
    or_graph_release(special);
    or_graph_release(plain_graph);
    or_graph_release(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(threads_share_a_plan, set_up_for_threads, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_may_run_again_and_let_go_of_the_plan, set_up_for_threads, tear_down),
      cmocka_unit_test_setup_teardown(random_graphs_give_the_same_by_plan_as_by_reference, set_up_for_threads,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
