#include "hal/lowering.h"

#include <string.h>

#include "base/cancel.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/subgraph_test_internal.h"

static or_rig_t rig;
static or_lowering_t lowering;
static or_lowered_t lowered;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  reset_values();
  memset(&lowered, 0, sizeof lowered);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_lowering_end(&lowering);
  or_lowered_deinit(&lowered);
  or_rig_close(&rig);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* How a node is prepared in these tests. */
typedef enum way_t { ITS_OWN_PLACE, OVER_ITS_INPUT, AN_ALIAS, FAILS } way_t;
static way_t ways[4];
static or_slot_id_t slots[VALUES];
static uint32_t steps;

static or_status_t prepare(void *self, const or_node_t *node) {
  (void)self;
  const or_value_id_t from = node->inputs[0], to = node->outputs[0];
  bool shared = false;
  or_status_t status = or_lowering_read(&lowering, from, &slots[from]);
  const way_t way = ways[lowering.node];
  if (or_ok(status) && way == AN_ALIAS) status = or_lowering_share(&lowering, slots[from], to, 0, &shared);
  slots[to] = lowering.values[to].slot;
  if (way == FAILS) return or_error(OR_UNIMPLEMENTED, "no kernel");
  if (!or_ok(status) || shared) return status;
  status = way == OVER_ITS_INPUT ? or_lowering_overwrite(&lowering, from, to, &slots[to])
                                 : or_lowering_write(&lowering, to, &slots[to]);
  if (!or_ok(status)) return status;
  or_lowered_touch(&lowered, slots[from], steps);
  or_lowered_touch(&lowered, slots[to], steps++);
  or_lowering_name(&lowering, "relu");
  return status;
}

static or_status_t lower(const or_subgraph_t *subgraph, way_t a, way_t b, way_t c, way_t d) {
  const way_t wanted[] = {a, b, c, d};
  memcpy(ways, wanted, sizeof ways);
  steps = 0;
  or_status_t status = or_lowering_begin(&lowering, &lowered, or_allocator_system(), rig.devices[0], subgraph);
  return or_ok(status) ? or_lowering_nodes(&lowering, prepare, NULL) : status;
}

static const or_node_t chain[] = {NODE(X, A), NODE(A, B), NODE(B, C), NODE(C, Y)};

static void values_that_do_not_live_together_share_the_workspace(void **state) {
  (void)state;
  const or_subgraph_t subgraph = subgraph_of(chain, 4, last, 1);
  or_expect_ok(lower(&subgraph, ITS_OWN_PLACE, ITS_OWN_PLACE, ITS_OWN_PLACE, ITS_OWN_PLACE));
  or_expect_ok(or_lowering_lay_out(&lowering, 1, 64));
  assert_int_equal(lowered.workspace_bytes, 64 + 2 * PLACE);
  assert_int_equal(lowered.unplanned_bytes, 64 + 3 * PLACE);
  assert_int_equal(lowered.slots[slots[A]].offset, lowered.slots[slots[C]].offset);
  assert_int_not_equal(lowered.slots[slots[A]].offset, lowered.slots[slots[B]].offset);
  assert_int_equal(lowered.slots[slots[A]].offset % 64, 0);
  assert_true(lowered.slots[slots[A]].offset >= 64);
  assert_int_equal(lowered.slots[slots[X]].place, OR_PLACE_INPUT);
  assert_true(or_lowered_is_output(&lowered, slots[Y], 0));
  assert_false(or_lowered_is_output(&lowered, slots[C], 0));
}

static void the_last_reader_may_write_over_what_it_reads(void **state) {
  (void)state;
  const or_subgraph_t subgraph = subgraph_of(chain, 4, last, 1);
  or_expect_ok(lower(&subgraph, OVER_ITS_INPUT, OVER_ITS_INPUT, OVER_ITS_INPUT, OVER_ITS_INPUT));
  or_expect_ok(or_lowering_lay_out(&lowering, 0, 64));
  assert_int_equal(lowered.slots[slots[A]].place, OR_PLACE_OUTPUT); /* not X's place: that is the caller's */
  assert_ptr_equal(or_lowered_root(&lowered, slots[C]), or_lowered_root(&lowered, slots[A]));
  assert_true(or_lowered_is_output(&lowered, slots[Y], 0));
  assert_int_equal(lowered.workspace_bytes, 0);
}

static void what_is_read_again_keeps_its_place(void **state) {
  (void)state;
  const or_node_t nodes[] = {NODE(X, A), NODE(A, B), NODE(A, C), NODE(B, Y)};
  const or_value_id_t outputs[] = {Y, C};
  const or_subgraph_t subgraph = subgraph_of(nodes, 4, outputs, 2);
  or_expect_ok(lower(&subgraph, ITS_OWN_PLACE, OVER_ITS_INPUT, OVER_ITS_INPUT, ITS_OWN_PLACE));
  assert_ptr_not_equal(or_lowered_root(&lowered, slots[B]), or_lowered_root(&lowered, slots[A]));
  assert_true(or_lowered_is_output(&lowered, slots[C], 1));
}

static void an_alias_keeps_its_root_alive(void **state) {
  (void)state;
  const or_node_t nodes[] = {NODE(X, A), NODE(A, B), NODE(A, C), NODE(B, Y)};
  const or_value_id_t outputs[] = {Y, C};
  const or_subgraph_t subgraph = subgraph_of(nodes, 4, outputs, 2);
  or_expect_ok(lower(&subgraph, ITS_OWN_PLACE, AN_ALIAS, OVER_ITS_INPUT, OVER_ITS_INPUT));
  or_expect_ok(or_lowering_lay_out(&lowering, 0, 64));
  const or_slot_t *root = or_lowered_root(&lowered, slots[A]);
  assert_ptr_equal(root, or_lowered_root(&lowered, slots[B]));
  assert_ptr_not_equal(root, or_lowered_root(&lowered, slots[C])); /* B still has to be read */
  assert_int_equal(root->last, steps - 1);
  assert_true(or_lowered_is_output(&lowered, slots[Y], 0));
}

static void an_input_can_not_become_an_output_by_name_alone(void **state) {
  (void)state;
  const or_node_t nodes[] = {NODE(X, Y)};
  const or_subgraph_t subgraph = subgraph_of(nodes, 1, last, 1);
  or_expect_ok(lower(&subgraph, AN_ALIAS, FAILS, FAILS, FAILS));
  assert_true(or_lowered_is_output(&lowered, slots[Y], 0));
  assert_int_equal(steps, 1); /* it was written, not shared */
}

static void a_constant_lies_where_the_steps_read_it(void **state) {
  (void)state;
  const or_node_t nodes[] = {NODE(W, Y)};
  const or_subgraph_t subgraph = subgraph_of(nodes, 1, last, 1);
  float got[100] = {0};
  or_expect_ok(lower(&subgraph, ITS_OWN_PLACE, FAILS, FAILS, FAILS));
  assert_non_null(lowered.slots[slots[W]].memory);
  assert_int_equal(lowered.packed_bytes, BYTES);
  assert_int_equal(lowered.nodes[0].packed_bytes, BYTES);
  or_expect_ok(or_buffer_read(or_packed_buffer(lowered.packed[0]), 0, got, BYTES));
  assert_memory_equal(got, weights, BYTES);
  or_lowering_end(&lowering);
  or_lowered_deinit(&lowered);

  memset(&lowered, 0, sizeof lowered);
  or_expect_ok(or_lowering_begin(&lowering, &lowered, or_allocator_system(), rig.devices[0], &subgraph));
  lowering.constants_in_place = true;
  or_expect_ok(or_lowering_nodes(&lowering, prepare, NULL));
  assert_ptr_equal(lowered.slots[slots[W]].host, weights);
  assert_int_equal(lowered.packed_count, 0);
}

static void errors_name_the_node(void **state) {
  (void)state;
  const or_subgraph_t subgraph = subgraph_of(chain, 4, last, 1);
  or_status_t status = lower(&subgraph, ITS_OWN_PLACE, FAILS, ITS_OWN_PLACE, ITS_OWN_PLACE);
  assert_string_equal(or_status_message(status), "node \"n\" (Relu): no kernel");
  or_expect(status, OR_UNIMPLEMENTED);
  or_executable_node_t node;
  or_lowered_node(&lowered, 0, &node);
  assert_string_equal(node.kernel, "relu");
  or_lowered_node(&lowered, 4, &node);
  assert_string_equal(node.kernel, "");
}

static void refuses_what_it_can_not_lower(void **state) {
  (void)state;
  const or_node_t backwards[] = {NODE(A, Y)};
  or_subgraph_t subgraph = subgraph_of(backwards, 1, last, 1);
  or_expect(lower(&subgraph, ITS_OWN_PLACE, FAILS, FAILS, FAILS), OR_INVALID_ARGUMENT);
  or_lowering_end(&lowering);
  or_lowered_deinit(&lowered);

  memset(&lowered, 0, sizeof lowered);
  values[A].shape = or_shape_make(1, (const int64_t[]){OR_DIM_UNKNOWN});
  subgraph = subgraph_of(chain, 4, last, 1);
  or_expect(lower(&subgraph, ITS_OWN_PLACE, FAILS, FAILS, FAILS), OR_UNIMPLEMENTED);
  or_lowering_end(&lowering);
  or_lowered_deinit(&lowered);

  memset(&lowered, 0, sizeof lowered);
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  subgraph.cancel = &cancel;
  or_expect(lower(&subgraph, ITS_OWN_PLACE, ITS_OWN_PLACE, ITS_OWN_PLACE, ITS_OWN_PLACE), OR_CANCELLED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(values_that_do_not_live_together_share_the_workspace, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_last_reader_may_write_over_what_it_reads, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_read_again_keeps_its_place, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_alias_keeps_its_root_alive, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_input_can_not_become_an_output_by_name_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_constant_lies_where_the_steps_read_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(errors_name_the_node, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_what_it_can_not_lower, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
