/* InstanceNormalization and GroupNormalization: each group of planes is a row of the layer norm's kernel, then each
 * plane gets its scale and bias. float32; float16 and bfloat16 by way of it. */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"
#include "ops/shape.h"

/* x seen as [planes, plane]; `group` neighbouring planes are normalised together. */
typedef struct state_t {
  or_slot_id_t x, scale, bias, y;
  size_t planes, plane, group, channels;
  size_t planes_per_scale; /* 1; before version 21 of GroupNormalization `group` */
  float epsilon;
  or_dtype_t dtype;
  or_slot_id_t wide; /* of 16-bit numbers: x in float32, which becomes y, then scale and bias */
} state_t;

static bool read(const or_node_view_t *view, state_t *out) {
  const char *name = view->call.op->name;
  bool instance = strcmp(name, "InstanceNormalization") == 0;
  if (view->fused || view->call.op->domain[0] != '\0' || view->call.input_count != 3) return false;
  if (!instance && strcmp(name, "GroupNormalization") != 0) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (x->dtype != OR_FLOAT32 && !or_cpu_is_half(x->dtype)) return false;
  for (uint32_t i = 1; i < 3; ++i) {
    if (or_view_input(view, i)->dtype != x->dtype) return false;
  }
  if (x->shape.rank < 2 || or_view_count(&x->shape) == 0) return false;
  int64_t channels = x->shape.dims[1];
  int64_t groups = instance ? channels : or_op_attribute_int(&view->call, "num_groups", 0);
  if (groups < 1 || groups > channels || channels % groups != 0) return false;
  *out = (state_t){.planes = (size_t)(x->shape.dims[0] * channels),
                   .plane = (size_t)or_shape_product(&x->shape, 2, x->shape.rank),
                   .group = (size_t)(channels / groups),
                   .channels = (size_t)channels,
                   .planes_per_scale = 1,
                   .dtype = x->dtype,
                   .epsilon = or_op_attribute_float(&view->call, "epsilon", 1e-5F)};
  if (!instance && view->core->version < 21) out->planes_per_scale = out->group;
  size_t scales = out->channels / out->planes_per_scale;
  return or_view_count(&or_view_input(view, 1)->shape) == scales &&
         or_view_count(&or_view_input(view, 2)->shape) == scales;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  state_t state;
  (void)device;
  return read(view, &state);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)read(view, state); /* match has looked */
  status = or_cpu_build_read(build, node->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[1], &state->scale);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[2], &state->bias);
  if (or_ok(status)) status = or_cpu_build_overwrite(build, node->inputs[0], node->outputs[0], &state->y);
  if (or_ok(status) && or_cpu_is_half(state->dtype)) {
    size_t count = state->planes * state->plane + 2 * state->channels;
    status = or_cpu_build_scratch(build, count * sizeof(float), &state->wide);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s norm", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_instance_norm = {.name = "instance norm", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const float *x, *scale, *bias;
  float *y;
} work_t;

static void groups_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const or_cpu_vector_f32_t *f32 = &work->kernels->f32;
  size_t row = state->group * state->plane;
  or_cpu_layer_norm_t norm = {.n = row, .x_ld = row, .y_ld = row, .eps = state->epsilon};
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    work->kernels->rows.layer_norm(&norm, 1, work->x + i * row, work->y + i * row);
    for (size_t p = i * state->group; p < (i + 1) * state->group; ++p) {
      size_t at = p % state->channels / state->planes_per_scale;
      float *y = work->y + p * state->plane;
      f32->binary[OR_CPU_BINARY_MUL][OR_CPU_VECTOR_SCALAR](state->plane, y, work->scale + at, y, false);
      f32->binary[OR_CPU_BINARY_ADD][OR_CPU_VECTOR_SCALAR](state->plane, y, work->bias + at, y, false);
    }
  }
}

static or_status_t widen(work_t *work, const or_cpu_run_t *run_state) {
  const state_t *state = work->state;
  or_cpu_half_t half = or_cpu_half(run_state->kernels, state->dtype);
  size_t count = state->planes * state->plane, scales = state->channels / state->planes_per_scale;
  float *x = run_state->slots[state->wide], *scale = x + count, *bias = scale + scales;
  half.widen(scales, (const uint16_t *)(const void *)work->scale, scale);
  half.widen(scales, (const uint16_t *)(const void *)work->bias, bias);
  or_status_t status = or_cpu_widen(run_state, state->dtype, count, work->x, x);
  work->x = work->y = x;
  work->scale = scale;
  work->bias = bias;
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  void *const *slots = run_state->slots;
  work_t work = {.state = state, .kernels = run_state->kernels};
  work.x = slots[state->x];
  work.scale = slots[state->scale];
  work.bias = slots[state->bias];
  work.y = slots[state->y];
  size_t bytes = 4 * state->group * state->plane * sizeof(float);
  bool half = or_cpu_is_half(state->dtype);
  or_status_t status = half ? widen(&work, run_state) : or_status_success();
  if (or_ok(status)) {
    status = or_cpu_parallel_rows(run_state, state->planes / state->group, bytes, groups_body, &work);
  }
  if (or_ok(status) && half) {
    status = or_cpu_narrow(run_state, state->dtype, state->planes * state->plane, work.y, slots[state->y]);
  }
  return status;
}
