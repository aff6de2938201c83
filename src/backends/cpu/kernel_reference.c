/* The last row: the catalogue's C reference, one thread. Its scratch comes from the device's allocator, so a run of a
 * node that ends here may allocate; explain says "reference". */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/node_copy.h"

typedef struct state_t {
  or_op_call_t call;       /* data pointers are NULL: each run has its own copy of the tensors */
  or_cpu_slot_id_t *slots; /* inputs, then outputs; OR_CPU_NO_SLOT: left out */
  or_cpu_slot_id_t tensors;
} state_t;

static bool match(const or_cpu_device_t *device, const or_cpu_view_t *view) {
  (void)device;
  return !view->fused;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t slots_of(or_cpu_build_t *build, const or_cpu_view_t *view, state_t *state) {
  or_status_t status = or_status_success();
  const or_op_call_t *call = &view->call;
  for (uint32_t i = 0; or_ok(status) && i < call->input_count; ++i) {
    state->slots[i] = OR_CPU_NO_SLOT;
    if (or_cpu_has_input(view, i)) status = or_cpu_build_read(build, view->core->inputs[i], &state->slots[i]);
  }
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    or_cpu_slot_id_t *slot = &state->slots[call->input_count + i];
    *slot = OR_CPU_NO_SLOT;
    if (view->core->outputs[i] != OR_NO_VALUE) status = or_cpu_build_write(build, view->core->outputs[i], slot);
  }
  return status;
}

static or_status_t prepare(or_cpu_build_t *build, const or_cpu_view_t *view) {
  const or_op_call_t *call = &view->call;
  size_t count = (size_t)call->input_count + call->output_count;
  void *memory = NULL, *slots = NULL, *node = NULL, *tensors = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (or_ok(status)) status = or_cpu_build_alloc(build, (count + 1) * sizeof(or_cpu_slot_id_t), &slots);
  if (or_ok(status)) status = or_cpu_build_alloc(build, sizeof(or_node_t), &node);
  if (or_ok(status)) status = or_cpu_build_alloc(build, (count + 1) * sizeof(or_op_tensor_t), &tensors);
  if (or_ok(status)) status = or_node_copy(&build->program->arena, view->core, node);
  if (!or_ok(status)) return status;

  state_t *state = memory;
  or_op_tensor_t *copies = tensors;
  if (call->input_count > 0) memcpy(copies, call->inputs, call->input_count * sizeof *copies);
  if (call->output_count > 0) memcpy(copies + call->input_count, call->outputs, call->output_count * sizeof *copies);
  state->call = *call;
  state->call.node = node;
  state->call.inputs = copies;
  state->call.outputs = copies + call->input_count;
  state->call.allocator = build->device->allocator;
  state->slots = slots;
  status = slots_of(build, view, state);
  if (or_ok(status)) status = or_cpu_build_scratch(build, (count + 1) * sizeof(or_op_tensor_t), &state->tensors);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) or_cpu_build_name(build, "reference");
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  size_t count = (size_t)state->call.input_count + state->call.output_count;
  or_op_tensor_t *tensors = run_state->slots[state->tensors];
  memcpy(tensors, state->call.inputs, count * sizeof *tensors);
  for (size_t i = 0; i < count; ++i) {
    if (state->slots[i] != OR_CPU_NO_SLOT) tensors[i].data = run_state->slots[state->slots[i]];
  }
  or_op_call_t call = state->call;
  call.inputs = tensors;
  call.outputs = tensors + call.input_count;
  return or_op_reference(&call);
}

const or_cpu_family_t or_cpu_family_reference = {.name = "reference", .match = match, .prepare = prepare};
