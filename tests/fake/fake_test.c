#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/buffer.h"
#include "hal/queue.h"
#include "ops/op.h"

/* y = Relu(Neg(x)), four floats. */
static or_rig_t rig;
static or_device_t *device;
static const or_backend_device_t *opened;
static or_executable_t executable;
static or_buffer_t *x, *y, *workspace;
static or_memory_range_t ranges[2];
static or_run_arguments_t arguments;
static or_cancel_t cancel;

static const or_value_id_t ports[] = {0, 1, 2};
static or_node_t nodes[2];
static or_value_info_t values[3];
static or_subgraph_t subgraph;

static void make_subgraph(void) {
  for (int i = 0; i < 3; ++i) values[i] = (or_value_info_t){.dtype = OR_FLOAT32, .shape = {.rank = 1, .dims = {4}}};
  nodes[0] =
      (or_node_t){.name = "a", .domain = "", .op = "Neg", .version = 13, .inputs = &ports[0], .outputs = &ports[1]};
  nodes[1] =
      (or_node_t){.name = "b", .domain = "", .op = "Relu", .version = 14, .inputs = &ports[1], .outputs = &ports[2]};
  for (int i = 0; i < 2; ++i) nodes[i].input_count = nodes[i].output_count = 1;
  subgraph = (or_subgraph_t){.values = values,
                             .value_count = 3,
                             .nodes = nodes,
                             .node_count = 2,
                             .inputs = &ports[0],
                             .outputs = &ports[2],
                             .input_count = 1,
                             .output_count = 1};
}

static or_status_t compile(void *self, const or_queue_context_t *context) {
  (void)self;
  return context->backend->compile(context->backend->self, context->backend_queue, &subgraph, &executable);
}

static or_status_t run(void *self, const or_queue_context_t *context) {
  (void)self;
  return executable.run(executable.self, context->backend_queue, &arguments);
}

static or_queue_t *queue(void) {
  or_queue_t *shared = NULL;
  or_expect_ok(or_device_queue(device, &shared));
  return shared;
}

static int set_up(void **state) {
  static const float input[] = {-1, 2, -3, 4};
  (void)state;
  or_fake_reset();
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  device = rig.devices[0];
  or_expect_ok(or_device_open(device, &opened));
  make_subgraph();
  or_expect_ok(or_queue_run(queue(), compile, NULL));
  or_expect_ok(or_buffer_create(device, 16, &x));
  or_expect_ok(or_buffer_create(device, 16, &y));
  or_expect_ok(or_buffer_create(device, executable.workspace_bytes, &workspace));
  or_expect_ok(or_buffer_write(x, 0, input, 16));
  ranges[0] = (or_memory_range_t){or_buffer_memory(x), 0, 16};
  ranges[1] = (or_memory_range_t){or_buffer_memory(y), 0, 16};
  or_cancel_init(&cancel, INT64_MAX);
  arguments = (or_run_arguments_t){.inputs = &ranges[0],
                                   .outputs = &ranges[1],
                                   .workspace = {or_buffer_memory(workspace), 0, executable.workspace_bytes},
                                   .cancel = &cancel};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  executable.release(executable.self);
  or_buffer_release(x);
  or_buffer_release(y);
  or_buffer_release(workspace);
  or_rig_close(&rig);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_fake_live_bytes(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static void runs_nodes_in_memory_that_the_host_can_not_reach(void **state) {
  static const float expected[] = {1, 0, 3, 0};
  float got[4];
  (void)state;
  assert_null(or_buffer_host_pointer(x));
  or_expect_ok(or_queue_run(queue(), run, NULL));
  or_expect_ok(or_buffer_read(y, 0, got, 16));
  assert_memory_equal(got, expected, 16);
  assert_int_equal(or_fake_calls(OR_FAKE_NODE), 2);
}

static void fails_the_call_that_the_test_named_and_no_other(void **state) {
  (void)state;
  or_fake_fail(OR_FAKE_RUN, 2, OR_INTERNAL);
  or_expect_ok(or_queue_run(queue(), run, NULL));
  or_expect_words(or_queue_run(queue(), run, NULL), OR_INTERNAL, "run number 2");
  or_expect_ok(or_queue_run(queue(), run, NULL));
}

static void is_lost_in_the_middle_of_a_run(void **state) {
  (void)state;
  or_fake_fail(OR_FAKE_NODE, 2, OR_DEVICE_LOST);
  or_expect_words(or_queue_run(queue(), run, NULL), OR_DEVICE_LOST, "node number 2");
  assert_int_equal(or_device_state(device, NULL), OR_DEVICE_STATE_LOST);
  or_buffer_t *more = NULL;
  or_expect(or_buffer_create(device, 1, &more), OR_DEVICE_LOST);
}

static void is_cancelled_between_two_nodes(void **state) {
  (void)state;
  or_event_t *done = NULL;
  or_expect_ok(or_event_create(or_allocator_system(), &done));
  or_fake_close_gate(OR_FAKE_NODE);
  or_submission_t submission = {.work = run, .signal = done};
  or_expect_ok(or_queue_submit(queue(), &submission));
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  or_cancel_request(&cancel);
  or_fake_open_gate(OR_FAKE_NODE);
  or_expect_words(or_event_wait(done, INT64_MAX), OR_CANCELLED, "before node \"a\"");
  or_event_release(done);
}

static void refuses_what_is_not_on_its_list(void **state) {
  static const char *const list[] = {"Neg", NULL};
  or_support_t answer;
  (void)state;
  or_fake_set_supported(list);
  or_expect_ok(opened->supports(opened->self, &subgraph, &nodes[0], &answer));
  assert_true(answer.supported);
  or_expect_ok(opened->supports(opened->self, &subgraph, &nodes[1], &answer));
  assert_false(answer.supported);
  assert_string_equal(answer.reason, "not on the fake's list");
  or_node_t fused = nodes[0];
  fused.domain = OR_DOMAIN_FUSED;
  fused.parts = nodes;
  fused.part_count = 2;
  or_expect_ok(opened->supports(opened->self, &subgraph, &fused, &answer));
  assert_false(answer.supported);
  or_fake_set_fused(true);
  or_expect_ok(opened->supports(opened->self, &subgraph, &fused, &answer));
  assert_true(answer.supported);
}

static void shows_memory_that_was_never_written(void **state) {
  unsigned char got[4];
  or_buffer_t *fresh = NULL;
  (void)state;
  or_expect_ok(or_buffer_create(device, 4, &fresh));
  or_expect_ok(or_buffer_read(fresh, 0, got, 4));
  assert_memory_equal(got, "\xcd\xcd\xcd\xcd", 4);
  or_buffer_release(fresh);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(runs_nodes_in_memory_that_the_host_can_not_reach),
      TEST(fails_the_call_that_the_test_named_and_no_other),
      TEST(is_lost_in_the_middle_of_a_run),
      TEST(is_cancelled_between_two_nodes),
      TEST(refuses_what_is_not_on_its_list),
      TEST(shows_memory_that_was_never_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
