/* The last row: the catalogue's C reference, by one thread, or by all where elements do not depend on each other. Its
 * scratch comes from the device's allocator, so a run of a node that ends here may allocate; explain says
 * "reference". */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/node_copy.h"

typedef struct state_t {
  or_op_call_t call;              /* data pointers are NULL: each run has its own copy of the tensors */
  or_slot_id_t *slots;            /* inputs, then outputs; OR_NO_SLOT: left out */
  or_slot_id_t tensors, statuses; /* statuses: one a thread; OR_NO_SLOT: one thread does it all */
  size_t count;                   /* elements of the output, where they are shared */
  const char *indices;            /* what messages call them; NULL: there are none */
} state_t;

#define SHARED_INPUTS 4 /* operands of an element-wise function that threads share */

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  return view->node->part_count == 0; /* other rows may have kernels for the parts */
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t slots_of(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  or_status_t status = or_status_success();
  const or_op_call_t *call = &view->call;
  for (uint32_t i = 0; or_ok(status) && i < call->input_count; ++i) {
    state->slots[i] = OR_NO_SLOT;
    if (or_view_has_input(view, i)) status = or_cpu_build_read(build, view->core->inputs[i], &state->slots[i]);
  }
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    or_slot_id_t *slot = &state->slots[call->input_count + i];
    *slot = OR_NO_SLOT;
    if (view->core->outputs[i] != OR_NO_VALUE) status = or_cpu_build_write(build, view->core->outputs[i], slot);
  }
  return status;
}

/* True if slices of the operands give slices of the result: each operand has the result's shape or is one element. */
static bool can_share(const or_op_call_t *call) {
  if (!call->op->pointwise || call->output_count != 1 || call->input_count == 0) return false;
  if (call->input_count > SHARED_INPUTS || or_dtype_bits(call->outputs[0].dtype) % 8 != 0) return false;
  for (uint32_t i = 0; i < call->input_count; ++i) {
    const or_op_tensor_t *input = &call->inputs[i];
    if (input->dtype == OR_DTYPE_NONE) continue;
    bool whole = or_shape_equal(&input->shape, &call->outputs[0].shape) && or_dtype_bits(input->dtype) % 8 == 0;
    if (!whole && or_view_count(&input->shape) != 1) return false;
  }
  return true;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  const or_op_call_t *call = &view->call;
  size_t count = (size_t)call->input_count + call->output_count;
  void *memory = NULL, *slots = NULL, *node = NULL, *tensors = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (or_ok(status)) status = or_cpu_build_alloc(build, (count + 1) * sizeof(or_slot_id_t), &slots);
  if (or_ok(status)) status = or_cpu_build_alloc(build, sizeof(or_node_t), &node);
  if (or_ok(status)) status = or_cpu_build_alloc(build, (count + 1) * sizeof(or_op_tensor_t), &tensors);
  if (or_ok(status)) status = or_node_copy(&build->program->lowered.arena, view->core, node);
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
  if (strncmp(call->op->name, "Gather", strlen("Gather")) == 0) {
    status = or_cpu_build_source(build, view->core->inputs[1], &state->indices);
    if (!or_ok(status)) return status;
  }
  status = slots_of(build, view, state);
  if (or_ok(status)) status = or_cpu_build_scratch(build, (count + 1) * sizeof(or_op_tensor_t), &state->tensors);
  state->statuses = OR_NO_SLOT;
  if (or_ok(status) && can_share(&state->call)) {
    state->count = or_view_count(&state->call.outputs[0].shape);
    status = or_cpu_build_scratch(build, sizeof(or_status_t) * (size_t)build->device->threads, &state->statuses);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) or_cpu_build_name(build, "reference");
  return status;
}

typedef struct work_t {
  const or_op_call_t *call;
  or_status_t *statuses; /* one a thread */
} work_t;

static or_op_tensor_t slice_of(const or_op_tensor_t *tensor, size_t begin, size_t end) {
  or_op_tensor_t slice = *tensor;
  slice.shape = (or_shape_t){.rank = 1, .dims = {(int64_t)(end - begin)}};
  slice.data = (char *)tensor->data + begin * or_dtype_bytes(tensor->dtype, 1);
  return slice;
}

static void slice_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  or_op_call_t call = *work->call;
  or_op_tensor_t inputs[SHARED_INPUTS], output = slice_of(&call.outputs[0], begin, end);
  for (uint32_t i = 0; i < call.input_count; ++i) {
    const or_op_tensor_t *input = &work->call->inputs[i];
    bool whole = input->dtype != OR_DTYPE_NONE && or_shape_equal(&input->shape, &work->call->outputs[0].shape);
    inputs[i] = whole ? slice_of(input, begin, end) : *input;
  }
  call.inputs = inputs;
  call.outputs = &output;
  work->statuses[thread] = or_status_first(work->statuses[thread], or_op_reference(&call));
}

static or_status_t run_shared(const state_t *state, const or_op_call_t *call, const or_cpu_run_t *run_state) {
  work_t work = {call, run_state->slots[state->statuses]};
  size_t threads = (size_t)or_team_size(run_state->team);
  for (size_t i = 0; i < threads; ++i) work.statuses[i] = or_status_success();
  or_status_t status = or_cpu_parallel_elements(run_state, state->count, 64, slice_body, &work);
  for (size_t i = 0; i < threads; ++i) status = or_status_first(status, work.statuses[i]);
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  size_t count = (size_t)state->call.input_count + state->call.output_count;
  or_op_tensor_t *tensors = run_state->slots[state->tensors];
  memcpy(tensors, state->call.inputs, count * sizeof *tensors);
  for (size_t i = 0; i < count; ++i) {
    if (state->slots[i] != OR_NO_SLOT) tensors[i].data = run_state->slots[state->slots[i]];
  }
  or_op_call_t call = state->call;
  call.inputs = tensors;
  call.outputs = tensors + call.input_count;
  call.appended_bytes = run_state->appended_bytes;
  call.cancel = run_state->cancel;
  if (state->statuses != OR_NO_SLOT) return run_shared(state, &call, run_state);
  or_status_t status = or_op_reference(&call);
  return or_ok(status) || state->indices == NULL ? status : or_status_context(status, "\"%s\"", state->indices);
}

const or_cpu_family_t or_cpu_family_reference = {.name = "reference", .match = match, .prepare = prepare};
