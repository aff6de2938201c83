#include "hal/subgraph_memory.h"

#include "hal/subgraph_test_internal.h"

static int set_up(void **state) {
  (void)state;
  reset_values();
  return 0;
}

static void a_chain_needs_room_for_two(void **state) {
  (void)state;
  const or_node_t nodes[] = {NODE(X, A), NODE(A, B), NODE(B, C), NODE(C, Y)};
  or_subgraph_t subgraph = subgraph_of(nodes, 4, last, 1);
  or_subgraph_memory_t memory;
  or_expect_ok(or_subgraph_memory_plan(or_allocator_system(), &subgraph, true, &memory));
  assert_int_equal(memory.bytes, 2 * PLACE);
  assert_int_equal(memory.bytes_unplanned, 3 * PLACE);
  assert_int_equal(memory.offsets[A], memory.offsets[C]);
  assert_int_not_equal(memory.offsets[A], memory.offsets[B]);
  assert_true(memory.offsets[X] == OR_NOT_IN_WORKSPACE && memory.offsets[Y] == OR_NOT_IN_WORKSPACE);
  assert_true(memory.offsets[W] == OR_NOT_IN_WORKSPACE);
  or_free(or_allocator_system(), memory.offsets);
}

static void what_lies_inside_a_fused_node_counts_by_parts_only(void **state) {
  (void)state;
  const or_node_t parts[] = {NODE(X, A), NODE(A, B), NODE(B, C)};
  or_node_t nodes[] = {NODE(X, C), NODE(C, Y)};
  nodes[0].domain = OR_DOMAIN_FUSED;
  nodes[0].parts = parts;
  nodes[0].part_count = 3;
  or_subgraph_t subgraph = subgraph_of(nodes, 2, last, 1);
  or_subgraph_memory_t memory;
  or_expect_ok(or_subgraph_memory_plan(or_allocator_system(), &subgraph, false, &memory));
  assert_int_equal(memory.bytes_unplanned, PLACE);
  assert_true(memory.offsets[A] == OR_NOT_IN_WORKSPACE && memory.offsets[C] == 0);
  or_free(or_allocator_system(), memory.offsets);
  or_expect_ok(or_subgraph_memory_plan(or_allocator_system(), &subgraph, true, &memory));
  assert_int_equal(memory.bytes_unplanned, 3 * PLACE);
  assert_true(memory.offsets[A] != OR_NOT_IN_WORKSPACE && memory.offsets[B] != OR_NOT_IN_WORKSPACE);
  or_free(or_allocator_system(), memory.offsets);
}

static void a_value_without_elements_has_an_address(void **state) {
  (void)state;
  values[A].shape.dims[0] = 0;
  const or_node_t nodes[] = {NODE(X, A), NODE(A, Y)};
  or_subgraph_t subgraph = subgraph_of(nodes, 2, last, 1);
  or_subgraph_memory_t memory;
  or_expect_ok(or_subgraph_memory_plan(or_allocator_system(), &subgraph, true, &memory));
  assert_true(memory.offsets[A] != OR_NOT_IN_WORKSPACE && memory.bytes > 0);
  or_free(or_allocator_system(), memory.offsets);
}

static void refuses_sizes_that_overflow(void **state) {
  (void)state;
  values[A].shape = or_shape_make(2, (const int64_t[]){INT64_MAX / 4, 4});
  const or_node_t nodes[] = {NODE(X, A), NODE(A, Y)};
  or_subgraph_t subgraph = subgraph_of(nodes, 2, last, 1);
  or_subgraph_memory_t memory;
  or_expect(or_subgraph_memory_plan(or_allocator_system(), &subgraph, true, &memory), OR_OUT_OF_RANGE);
  assert_null(memory.offsets);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_chain_needs_room_for_two, set_up),
      cmocka_unit_test_setup(what_lies_inside_a_fused_node_counts_by_parts_only, set_up),
      cmocka_unit_test_setup(a_value_without_elements_has_an_address, set_up),
      cmocka_unit_test_setup(refuses_sizes_that_overflow, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
