#include "backends/cpu/dnnl_steps_internal.h"

#include <string.h>

typedef struct state_t {
  or_dnnl_op_t *op;
  or_cpu_dnnl_operands_t operands;
  uint32_t call; /* in run->vendor */
} state_t;

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);
static or_status_t create_call(const void *self, void **out);

void or_cpu_dnnl_operands_init(or_cpu_dnnl_operands_t *operands) {
  for (int role = 0; role < OR_DNNL_ROLES; ++role) {
    operands->slots[role] = OR_NO_SLOT;
    operands->fixed[role] = NULL;
  }
  operands->alone = false;
}

#define ALONE_FLOPS 2e6
#define ALONE_BYTES 131072.0

bool or_cpu_dnnl_alone(or_cpu_build_t *build, double flops, double bytes) {
  bool alone = flops < ALONE_FLOPS && bytes < ALONE_BYTES;
  or_team_limit_vendor(build->queue->team, alone ? 1 : or_team_size(build->queue->team));
  return alone;
}

or_status_t or_cpu_dnnl_own(or_cpu_build_t *build, or_dnnl_op_t *op) {
  return or_cpu_build_cleanup(build, or_dnnl_op_release, op);
}

or_status_t or_cpu_dnnl_step(or_cpu_build_t *build, or_dnnl_op_t *op, const or_cpu_dnnl_operands_t *operands) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->op = op;
  state->operands = *operands;
  size_t scratch = or_dnnl_layout_bytes(or_dnnl_op_layout(op, OR_DNNL_SCRATCH));
  if (scratch > 0) status = or_cpu_build_scratch(build, scratch, &state->operands.slots[OR_DNNL_SCRATCH]);
  or_cpu_vendor_t vendor = {.create = create_call, .destroy = or_dnnl_call_destroy, .self = state};
  if (!operands->alone || !or_dnnl_can_be_limited(build->device->dnnl)) build->program->needs_queue = true;
  if (or_ok(status)) status = or_cpu_build_vendor(build, vendor, &state->call);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  return status;
}

static or_status_t create_call(const void *self, void **out) {
  const state_t *state = self;
  or_dnnl_call_t *call = NULL;
  or_status_t status = or_dnnl_call_create(state->op, state->operands.fixed, &call);
  *out = call;
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  void *operands[OR_DNNL_ROLES];
  for (int role = 0; role < OR_DNNL_ROLES; ++role) {
    or_slot_id_t slot = state->operands.slots[role];
    operands[role] = slot != OR_NO_SLOT ? run_state->slots[slot] : NULL;
  }
  or_team_limit_vendor(run_state->team, state->operands.alone ? 1 : or_team_size(run_state->team));
  return or_dnnl_call_run(run_state->vendor[state->call], run_state->dnnl_stream, operands);
}

/* A step of its own from one order in memory to another. */
static or_status_t add_reorder(or_cpu_build_t *build, const or_dnnl_layout_t *from, or_slot_id_t source,
                               const or_dnnl_layout_t *to, or_slot_id_t destination) {
  /* What the step in hand has touched so far is its own, not the reorder's. */
  size_t pending = build->touched_count;
  void *kept = NULL;
  or_dnnl_op_t *op = NULL;
  double bytes = (double)or_dnnl_layout_bytes(from) + (double)or_dnnl_layout_bytes(to);
  bool alone = or_cpu_dnnl_alone(build, 0.0, bytes);
  or_status_t status = or_cpu_build_temporary(build, (pending + 1) * sizeof *build->touched, &kept);
  if (or_ok(status)) status = or_dnnl_reorder_create(build->device->dnnl, build->device->allocator, from, to, &op);
  if (or_ok(status)) status = or_cpu_dnnl_own(build, op);
  if (!or_ok(status)) return status;
  if (pending > 0) memcpy(kept, build->touched, pending * sizeof *build->touched);
  build->touched_count = 0;

  or_cpu_dnnl_operands_t operands;
  or_cpu_dnnl_operands_init(&operands);
  operands.alone = alone;
  operands.slots[OR_DNNL_SRC] = source;
  operands.slots[OR_DNNL_DST] = destination;
  status = or_cpu_build_touch(build, source);
  if (or_ok(status)) status = or_cpu_build_touch(build, destination);
  if (or_ok(status)) status = or_cpu_dnnl_step(build, op, &operands);
  const or_slot_id_t *slots = kept;
  for (size_t i = 0; or_ok(status) && i < pending; ++i) status = or_cpu_build_touch(build, slots[i]);
  return status;
}

or_status_t or_cpu_dnnl_to_dense(or_cpu_build_t *build, or_value_id_t id) {
  const or_cpu_blocked_t *value = &build->blocked[id];
  return add_reorder(build, value->layout, value->slot, value->dense_layout, build->lowering.values[id].slot);
}

static or_status_t new_blocked(or_cpu_build_t *build, const or_dnnl_layout_t *layout, or_slot_id_t *out) {
  or_slot_t slot = {.place = OR_PLACE_WORKSPACE, .bytes = or_dnnl_layout_bytes(layout)};
  return or_lowering_slot(&build->lowering, slot, out);
}

/* Where the value lies now: as it was made, by preference. Nothing is touched. */
static or_status_t source_of(or_cpu_build_t *build, or_value_id_t id, const or_dnnl_layout_t *dense,
                             const or_dnnl_layout_t **layout, or_slot_id_t *slot) {
  const or_cpu_blocked_t *value = &build->blocked[id];
  size_t touched = build->touched_count;
  if (value->slot != OR_NO_SLOT) {
    *layout = value->layout;
    *slot = value->slot;
    return or_status_success();
  }
  *layout = dense;
  or_status_t status = or_cpu_build_read(build, id, slot);
  build->touched_count = touched;
  return status;
}

or_status_t or_cpu_dnnl_read(or_cpu_build_t *build, or_value_id_t id, const or_dnnl_layout_t *layout,
                             const or_dnnl_layout_t *dense, or_slot_id_t *out) {
  or_cpu_blocked_t *value = &build->blocked[id];
  const or_dnnl_layout_t *from = NULL;
  or_slot_id_t source = OR_NO_SLOT;
  if (or_dnnl_layout_equal(layout, dense)) return or_cpu_build_read(build, id, out);
  or_status_t status = source_of(build, id, dense, &from, &source);
  if (!or_ok(status)) return status;
  *out = source;
  if (!or_dnnl_layout_equal(from, layout)) {
    status = new_blocked(build, layout, out);
    if (or_ok(status)) status = add_reorder(build, from, source, layout, *out);
    if (or_ok(status) && value->slot == OR_NO_SLOT) { /* the next reader of this layout finds it */
      value->slot = *out;
      value->layout = layout;
      value->dense_layout = dense;
    }
  }
  return or_ok(status) ? or_cpu_build_touch(build, *out) : status;
}

or_status_t or_cpu_dnnl_write(or_cpu_build_t *build, or_value_id_t id, const or_dnnl_layout_t *layout,
                              const or_dnnl_layout_t *dense, or_slot_id_t *out) {
  or_cpu_blocked_t *value = &build->blocked[id];
  if (or_dnnl_layout_equal(layout, dense)) return or_cpu_build_write(build, id, out);
  or_status_t status = new_blocked(build, layout, out);
  if (!or_ok(status)) return status;
  value->slot = *out;
  value->layout = layout;
  value->dense_layout = dense;
  return or_cpu_build_touch(build, *out);
}

or_status_t or_cpu_dnnl_write_over(or_cpu_build_t *build, or_value_id_t source, or_value_id_t id,
                                   const or_dnnl_layout_t *layout, const or_dnnl_layout_t *dense, or_slot_id_t *out) {
  const or_cpu_blocked_t *from = &build->blocked[source];
  bool is_dense = or_dnnl_layout_equal(layout, dense);
  bool blocked_free = !is_dense && from->slot != OR_NO_SLOT && build->lowering.values[source].uses == 1 &&
                      or_dnnl_layout_equal(from->layout, layout);
  if (blocked_free) {
    or_cpu_blocked_t *value = &build->blocked[id];
    value->slot = *out = from->slot;
    value->layout = layout;
    value->dense_layout = dense;
    return or_cpu_build_touch(build, *out);
  }
  const or_dnnl_layout_t *layout_now = NULL;
  or_slot_id_t slot_now = OR_NO_SLOT;
  or_status_t status = source_of(build, source, dense, &layout_now, &slot_now);
  if (or_ok(status) && is_dense && layout_now == dense) {
    status = or_cpu_build_overwrite(build, source, id, out);
    if (!or_ok(status) || or_cpu_build_same_place(build, *out, slot_now)) return status;
  } else if (or_ok(status)) {
    status = or_cpu_dnnl_write(build, id, layout, dense, out);
  }
  return or_ok(status) ? add_reorder(build, layout_now, slot_now, layout, *out) : status;
}

bool or_cpu_is_channels_last(const or_cpu_build_t *build, or_value_id_t id) {
  const or_cpu_blocked_t *value = &build->blocked[id];
  return value->slot != OR_NO_SLOT && or_dnnl_layout_is_channels_last(value->layout);
}

or_status_t or_cpu_channels_last_overwrite(or_cpu_build_t *build, or_value_id_t source, or_value_id_t id,
                                           or_slot_id_t *out) {
  const or_cpu_blocked_t *from = &build->blocked[source];
  or_cpu_blocked_t *value = &build->blocked[id];
  or_status_t status = or_status_success();
  or_slot_id_t slot = from->slot;
  if (build->lowering.values[source].uses != 1) status = new_blocked(build, from->layout, &slot);
  if (!or_ok(status)) return status;
  value->slot = *out = slot;
  value->layout = from->layout;
  value->dense_layout = from->dense_layout;
  return or_cpu_build_touch(build, slot);
}

or_status_t or_cpu_channels_last_write(or_cpu_build_t *build, or_value_id_t id, or_slot_id_t *out) {
  or_cpu_blocked_t *value = &build->blocked[id];
  const int64_t *dims = build->lowering.subgraph->values[id].shape.dims;
  const or_dnnl_t *dnnl = build->device->dnnl;
  or_arena_t *arena = &build->program->lowered.arena;
  or_status_t status = or_dnnl_layout_of_images(dnnl, arena, dims, true, &value->layout);
  if (or_ok(status)) status = or_dnnl_layout_of_images(dnnl, arena, dims, false, &value->dense_layout);
  if (or_ok(status)) status = new_blocked(build, value->layout, &value->slot);
  *out = value->slot;
  return or_ok(status) ? or_cpu_build_touch(build, *out) : status;
}

or_status_t or_cpu_dnnl_reorder_now(or_cpu_build_t *build, const or_dnnl_layout_t *from, const void *source,
                                    const or_dnnl_layout_t *to, void *destination) {
  or_dnnl_op_t *op = NULL;
  or_dnnl_call_t *call = NULL;
  void *fixed[OR_DNNL_ROLES] = {NULL}, *operands[OR_DNNL_ROLES] = {NULL}, *scratch = NULL;
  (void)or_cpu_dnnl_alone(build, 0.0, (double)or_dnnl_layout_bytes(from) + (double)or_dnnl_layout_bytes(to));
  or_status_t status = or_dnnl_reorder_create(build->device->dnnl, build->device->allocator, from, to, &op);
  if (!or_ok(status)) return status;
  status = or_dnnl_call_create(op, fixed, &call);
  size_t scratch_bytes = or_dnnl_layout_bytes(or_dnnl_op_layout(op, OR_DNNL_SCRATCH));
  if (or_ok(status) && scratch_bytes > 0) status = or_alloc(build->device->allocator, scratch_bytes, &scratch);
  operands[OR_DNNL_SRC] = (void *)(uintptr_t)source; /* only read */
  operands[OR_DNNL_DST] = destination;
  operands[OR_DNNL_SCRATCH] = scratch;
  if (or_ok(status)) status = or_dnnl_call_run(call, build->queue->dnnl_stream, operands);
  or_free(build->device->allocator, scratch);
  or_dnnl_call_destroy(call);
  or_dnnl_op_release(op);
  return status;
}
