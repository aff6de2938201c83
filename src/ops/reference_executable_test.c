#include "ops/reference_executable.h"

#include "base/testing.h"
#include "ops/op.h"

enum { X, A, Y, VALUES };

/* y = transpose(-x), x 2 x 3; the nodes and their attributes die before the run. */
typedef struct network_t {
  or_value_info_t values[VALUES];
  or_node_t nodes[2];
  or_attribute_t attribute;
  int64_t perm[2];
  or_value_id_t ids[VALUES];
} network_t;

static bool cancelled;
static or_counting_allocator_t memory;

static or_status_t cancel_status(const or_cancel_t *cancel) {
  (void)cancel;
  return cancelled ? or_error(OR_CANCELLED, "cancelled") : or_status_success();
}

static or_status_t make(const or_allocator_t *allocator, or_executable_t *out) {
  network_t network = {.perm = {1, 0}, .ids = {X, A, Y}};
  const int64_t before[] = {2, 3}, after[] = {3, 2};
  for (int v = 0; v < VALUES; ++v) {
    network.values[v] = (or_value_info_t){.dtype = OR_FLOAT32, .shape = or_shape_make(2, v == Y ? after : before)};
  }
  network.attribute = (or_attribute_t){.name = "perm", .kind = OR_ATTRIBUTE_INTS, .integers = network.perm, .count = 2};
  network.nodes[0] = (or_node_t){.name = "neg",
                                 .domain = "",
                                 .op = "Neg",
                                 .version = 13,
                                 .inputs = &network.ids[X],
                                 .input_count = 1,
                                 .outputs = &network.ids[A],
                                 .output_count = 1};
  network.nodes[1] = (or_node_t){.name = "transpose",
                                 .domain = "",
                                 .op = "Transpose",
                                 .version = 13,
                                 .inputs = &network.ids[A],
                                 .input_count = 1,
                                 .outputs = &network.ids[Y],
                                 .output_count = 1,
                                 .attributes = &network.attribute,
                                 .attribute_count = 1};
  const size_t offsets[VALUES] = {SIZE_MAX, 0, SIZE_MAX};
  or_subgraph_t subgraph = {.values = network.values,
                            .value_count = VALUES,
                            .nodes = network.nodes,
                            .node_count = 2,
                            .inputs = &network.ids[X],
                            .input_count = 1,
                            .outputs = &network.ids[Y],
                            .output_count = 1};
  or_reference_options_t options = {.allocator = allocator,
                                    .offsets = offsets,
                                    .workspace_bytes = 64,
                                    .workspace_bytes_unplanned = 64,
                                    .cancel_status = cancel_status};
  or_status_t status = or_reference_executable_create(&options, &subgraph, out);
  memset(&network, 0xa5, sizeof network);
  return status;
}

static or_status_t run(const or_executable_t *executable, void *x, float *y, int64_t *node_ns) {
  _Alignas(64) char workspace[4096];
  assert_true(executable->workspace_bytes <= sizeof workspace);
  or_memory_t memories[3] = {{.host = x}, {.host = y}, {.host = workspace}};
  or_memory_range_t in = {.memory = &memories[0], .bytes = 24}, out = {.memory = &memories[1], .bytes = 24};
  or_run_arguments_t arguments = {.inputs = &in,
                                  .outputs = &out,
                                  .workspace = {.memory = &memories[2], .bytes = sizeof workspace},
                                  .node_ns = node_ns};
  return executable->run(executable->self, NULL, &arguments);
}

static int set_up(void **state) {
  (void)state;
  cancelled = false;
  or_counting_allocator_init(&memory, or_allocator_system(), 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(memory.live_bytes, 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static void runs_after_the_subgraph_is_gone(void **state) {
  (void)state;
  or_executable_t executable;
  expect_ok(make(&memory.base, &executable));
  float x[6] = {1, 2, 3, 4, 5, 6}, y[6] = {0};
  const float expected[6] = {-1, -4, -2, -5, -3, -6};
  int64_t node_ns[2] = {-1, -1};
  expect_ok(run(&executable, x, y, node_ns));
  assert_memory_equal(y, expected, sizeof expected);
  assert_true(node_ns[0] >= 0 && node_ns[1] >= 0);
  or_executable_node_t fate = {0};
  executable.node(executable.self, 1, &fate);
  assert_string_equal(fate.kernel, "reference");
  executable.release(executable.self);
}

static void is_cancelled_before_a_node(void **state) {
  (void)state;
  or_executable_t executable;
  float x[6] = {1, 2, 3, 4, 5, 6}, y[6] = {0};
  expect_ok(make(&memory.base, &executable));
  cancelled = true;
  expect_failure(run(&executable, x, y, NULL), OR_CANCELLED, "cancelled");
  assert_true(y[0] == 0.0f);
  executable.release(executable.self);
}

static void says_that_the_host_can_not_reach_the_memory(void **state) {
  (void)state;
  or_executable_t executable;
  float y[6] = {0};
  expect_ok(make(&memory.base, &executable));
  expect_failure(run(&executable, NULL, y, NULL), OR_UNIMPLEMENTED, "memory that the host reaches");
  executable.release(executable.self);
}

static or_status_t make_and_release(const or_allocator_t *allocator) {
  or_executable_t executable;
  or_status_t status = make(allocator, &executable);
  if (or_ok(status)) executable.release(executable.self);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(make_and_release);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(runs_after_the_subgraph_is_gone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(is_cancelled_before_a_node, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_that_the_host_can_not_reach_the_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(survives_every_failing_allocation, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
