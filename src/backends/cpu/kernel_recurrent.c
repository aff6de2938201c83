/* RNN, GRU and LSTM in float32. W and R are packed once where they are constant, and by each run where they are not. */
#include <stdio.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "backends/cpu/recurrent_internal.h"

#define INPUTS (OR_RECURRENT_P + 1)
#define OUTPUTS (OR_RECURRENT_Y_C + 1)

typedef struct state_t {
  or_cpu_recurrent_t layer;
  or_slot_id_t inputs[INPUTS], outputs[OUTPUTS]; /* OR_NO_SLOT: left out, or packed */
  or_slot_id_t memory, packed_w, packed_r, bias;
  const void *fixed_w, *fixed_r, *fixed_bias; /* NULL: made by each run, in the slots above */
} state_t;

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);
static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);
static or_status_t find_bias(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);
static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  const or_op_t *op = view->call.op;
  (void)device;
  if (view->fused || (op != &or_op_rnn && op != &or_op_gru && op != &or_op_lstm)) return false;
  if (or_view_input(view, OR_RECURRENT_X)->dtype != OR_FLOAT32) return false;
  for (uint32_t i = 0; i < view->call.input_count; ++i) { /* zero extents are the reference's */
    if (or_view_has_input(view, i) && or_view_count(&or_view_input(view, i)->shape) == 0) return false;
  }
  return true;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  status = or_recurrent_read(&view->call, &state->layer.r);
  size_t bytes = 0, workers = (size_t)build->device->threads;
  if (or_ok(status) && (!or_cpu_recurrent_plan(&state->layer, build->device) ||
                        !or_mul_size(state->layer.worker_bytes, state->layer.together ? 1 : workers, &bytes))) {
    status = or_error(OR_RESOURCE_EXHAUSTED, "the gates of %zu sequences of %zu elements overflow size_t",
                      state->layer.batch, state->layer.columns);
  }
  for (uint32_t i = 0; i < INPUTS; ++i) state->inputs[i] = OR_NO_SLOT;
  for (uint32_t i = 0; i < OUTPUTS; ++i) state->outputs[i] = OR_NO_SLOT;
  state->packed_w = state->packed_r = state->bias = OR_NO_SLOT;
  if (or_ok(status)) status = pack_weights(build, view, state);
  if (or_ok(status)) status = find_bias(build, view, state);
  if (or_ok(status)) status = find_slots(build, view, state);
  if (or_ok(status)) status = or_cpu_build_scratch(build, bytes, &state->memory);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s recurrent", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_recurrent = {.name = "recurrent", .match = match, .prepare = prepare};

/* Weights. */

typedef struct pack_t {
  const state_t *state;
  const or_cpu_device_t *device;
  bool is_r;
} pack_t;

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  const pack_t *pack = self;
  or_cpu_recurrent_pack(&pack->state->layer, pack->device, pack->is_r, source, destination);
  return or_status_success();
}

static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_cpu_recurrent_t *layer = &state->layer;
  const or_gemm_ops_t *ops = build->device->kernels->gemm_f32;
  or_status_t status = or_status_success();
  for (int is_r = 0; or_ok(status) && is_r < 2; ++is_r) {
    const or_cpu_recurrent_matrix_t *matrix = &layer->matrices[is_r ? OR_CPU_RECURRENT_R : OR_CPU_RECURRENT_W];
    size_t bytes = (size_t)layer->r.directions * (is_r ? layer->r_bytes : layer->w_bytes);
    pack_t pack = {state, build->device, is_r != 0};
    or_cpu_packing_t packing = {.constant = or_view_input_constant(view, is_r ? OR_RECURRENT_R : OR_RECURRENT_W),
                                .bytes = bytes,
                                .fill = pack_fill,
                                .self = &pack};
    if (packing.constant == NULL) {
      status = or_cpu_build_scratch(build, bytes, is_r ? &state->packed_r : &state->packed_w);
      continue;
    }
    (void)snprintf(packing.packing, sizeof packing.packing, "R%d %s k%zu/%zu %zux%zu+%zu", (int)layer->r.directions,
                   or_gemm_layout(ops), matrix->k, or_gemm_depth_block(ops, matrix->k, &build->device->caches),
                   matrix->columns, layer->hidden, layer->columns);
    status = or_cpu_build_packed(build, &packing, is_r ? &state->fixed_r : &state->fixed_w);
  }
  return status;
}

/* What is added to the products of W: both biases, but that of R for the new gate of a GRU that is linear before the
 * reset, which is added to the product of R. Those follow behind, [directions][hidden]. */
static void add_biases(const or_cpu_recurrent_t *layer, const float *b, float *out) {
  bool late = layer->r.kind == OR_RECURRENT_GRU && layer->r.linear_before_reset;
  size_t columns = layer->columns, n = layer->hidden, directions = (size_t)layer->r.directions;
  for (size_t d = 0; d < directions; ++d) {
    const float *w = b + d * 2 * columns, *r = w + columns;
    for (size_t i = 0; i < columns; ++i) out[d * columns + i] = late && i >= 2 * n ? w[i] : w[i] + r[i];
    for (size_t i = 0; late && i < n; ++i) out[directions * columns + d * n + i] = r[2 * n + i];
  }
}

static or_status_t find_bias(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_cpu_recurrent_t *layer = &state->layer;
  if (!or_view_has_input(view, OR_RECURRENT_B)) return or_status_success();
  const or_constant_t *constant = or_view_input_constant(view, OR_RECURRENT_B);
  size_t bytes = (size_t)layer->r.directions * (layer->columns + layer->hidden) * sizeof(float);
  if (constant == NULL) return or_cpu_build_scratch(build, bytes, &state->bias);
  const void *source = NULL;
  void *copy = NULL;
  or_status_t status = or_lowering_constant(&build->lowering, constant, &source);
  if (or_ok(status)) status = or_cpu_build_alloc(build, bytes, &copy);
  if (or_ok(status)) add_biases(layer, source, copy);
  state->fixed_bias = copy;
  return status;
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const bool fixed[INPUTS] = {[OR_RECURRENT_W] = state->fixed_w != NULL,
                              [OR_RECURRENT_R] = state->fixed_r != NULL,
                              [OR_RECURRENT_B] = state->fixed_bias != NULL};
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < view->call.input_count; ++i) {
    if (or_view_has_input(view, i) && !fixed[i])
      status = or_cpu_build_read(build, view->core->inputs[i], &state->inputs[i]);
  }
  for (uint32_t i = 0; or_ok(status) && i < view->call.output_count; ++i) {
    if (view->core->outputs[i] != OR_NO_VALUE)
      status = or_cpu_build_write(build, view->core->outputs[i], &state->outputs[i]);
  }
  return status;
}

/* Runs. */

static void *slot_of(const or_cpu_run_t *run_state, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run_state->slots[slot];
}

static const void *packed(const state_t *state, const or_cpu_run_t *run_state, bool is_r) {
  const void *fixed = is_r ? state->fixed_r : state->fixed_w;
  if (fixed != NULL) return fixed;
  void *to = run_state->slots[is_r ? state->packed_r : state->packed_w];
  const float *from = run_state->slots[state->inputs[is_r ? OR_RECURRENT_R : OR_RECURRENT_W]];
  or_cpu_recurrent_pack(&state->layer, run_state->device, is_r, from, to);
  return to;
}

static void find_biases(const state_t *state, const or_cpu_run_t *run_state, or_cpu_recurrent_run_t *out) {
  const or_cpu_recurrent_t *layer = &state->layer;
  out->bias = state->fixed_bias;
  if (state->bias != OR_NO_SLOT) {
    float *sums = run_state->slots[state->bias];
    add_biases(layer, run_state->slots[state->inputs[OR_RECURRENT_B]], sums);
    out->bias = sums;
  }
  if (out->bias != NULL && layer->r.linear_before_reset)
    out->late_bias = out->bias + (size_t)layer->r.directions * layer->columns;
}

static or_status_t check_lengths(const or_recurrent_t *r, const void *lengths) {
  or_op_tensor_t tensor = {.dtype = OR_INT32, .data = (void *)(uintptr_t)lengths};
  or_status_t status = or_status_success();
  int64_t length = 0;
  for (int64_t i = 0; or_ok(status) && i < r->batch; ++i) status = or_recurrent_length(&tensor, r, i, &length);
  return status;
}

static void tasks_body(void *self, size_t begin, size_t end, int thread) {
  for (size_t task = begin; task < end; ++task) or_cpu_recurrent_task(self, task, thread);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const or_cpu_recurrent_t *layer = &state->layer;
  or_cpu_recurrent_run_t work = {.layer = layer, .kernels = run_state->kernels, .cancel = run_state->cancel};
  work.lengths = slot_of(run_state, state->inputs[OR_RECURRENT_LENGTHS]);
  if (work.lengths != NULL) {
    or_status_t status = check_lengths(&layer->r, work.lengths);
    if (!or_ok(status)) return status;
  }
  work.x = slot_of(run_state, state->inputs[OR_RECURRENT_X]);
  work.initial_h = slot_of(run_state, state->inputs[OR_RECURRENT_H]);
  work.initial_c = slot_of(run_state, state->inputs[OR_RECURRENT_C]);
  work.peepholes = slot_of(run_state, state->inputs[OR_RECURRENT_P]);
  work.y = slot_of(run_state, state->outputs[OR_RECURRENT_Y]);
  work.y_h = slot_of(run_state, state->outputs[OR_RECURRENT_Y_H]);
  work.y_c = slot_of(run_state, state->outputs[OR_RECURRENT_Y_C]);
  work.memory = slot_of(run_state, state->memory);
  work.w = packed(state, run_state, false);
  work.r = packed(state, run_state, true);
  find_biases(state, run_state, &work);
  size_t tasks = (size_t)layer->r.directions * layer->slices;
  if (layer->together) {
    work.team = run_state->team;
    tasks_body(&work, 0, tasks, 0);
  } else {
    or_parallel_for(run_state->team, tasks, layer->small ? tasks : 1, tasks_body, &work);
  }
  return or_cancel_status(run_state->cancel);
}
