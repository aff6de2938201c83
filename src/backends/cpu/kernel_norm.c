/* LayerNormalization, and BatchNormalization where it was not folded into a convolution. float32. */
#include <math.h>
#include <string.h>

#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/families_internal.h"
#include "ops/shape.h"

static bool is_layer(const or_node_view_t *view) { return strcmp(view->call.op->name, "LayerNormalization") == 0; }

static bool all_float32(const or_node_view_t *view) {
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    if (or_view_has_input(view, i) && or_view_input(view, i)->dtype != OR_FLOAT32) return false;
  }
  for (uint32_t i = 0; i < view->call.output_count; ++i) {
    or_dtype_t dtype = or_view_output(view, i)->dtype;
    if (dtype != OR_FLOAT32 && dtype != OR_DTYPE_NONE) return false;
  }
  return true;
}

/* Scale and bias of a layer norm cover exactly the dimensions that are normalised. */
static bool covers(const or_node_view_t *view, uint32_t input, size_t n) {
  return !or_view_has_input(view, input) || or_view_count(&or_view_input(view, input)->shape) == n;
}

static bool layer_extents(const or_node_view_t *view, size_t *rows, size_t *n) {
  const or_shape_t *shape = &or_view_input(view, 0)->shape;
  int64_t axis = or_op_attribute_int(&view->call, "axis", -1);
  if (axis < 0) axis += shape->rank;
  if (axis < 0 || axis >= shape->rank) return false;
  *rows = (size_t)or_shape_product(shape, 0, (int32_t)axis);
  *n = (size_t)or_shape_product(shape, (int32_t)axis, shape->rank);
  return *n > 0;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  size_t rows = 0, n = 0;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0') return false;
  if (is_layer(view))
    return all_float32(view) && layer_extents(view, &rows, &n) && covers(view, 1, n) && covers(view, 2, n);
  if (strcmp(view->call.op->name, "BatchNormalization") != 0 || !all_float32(view)) return false;
  bool trains = or_op_attribute_int(&view->call, "training_mode", 0) != 0;
  return !trains && view->call.output_count == 1 && or_view_input(view, 0)->shape.rank >= 2 &&
         or_view_input(view, 1)->shape.rank == 1;
}

static or_status_t prepare_layer(or_cpu_build_t *build, const or_node_view_t *view);
static or_status_t prepare_batch(or_cpu_build_t *build, const or_node_view_t *view);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  or_status_t status = is_layer(view) ? prepare_layer(build, view) : prepare_batch(build, view);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s norm", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_norm = {.name = "norm", .match = match, .prepare = prepare};

static void *slot_of(const or_cpu_run_t *run, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run->slots[slot];
}

/* Layers. */

typedef struct layer_state_t {
  size_t rows, n;
  float epsilon;
  or_slot_id_t x, scale, bias, y, mean, inv_std; /* OR_NO_SLOT: left out */
} layer_state_t;

typedef struct layer_work_t {
  const or_cpu_kernels_t *kernels;
  or_cpu_layer_norm_t norm;
  const float *x;
  float *y;
} layer_work_t;

static void layer_body(void *self, size_t begin, size_t end, int thread) {
  const layer_work_t *work = self;
  or_cpu_layer_norm_t norm = work->norm;
  (void)thread;
  if (norm.mean != NULL) norm.mean += begin;
  if (norm.inv_std != NULL) norm.inv_std += begin;
  work->kernels->rows.layer_norm(&norm, end - begin, work->x + begin * norm.n, work->y + begin * norm.n);
}

static or_status_t run_layer(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const layer_state_t *state = step->state;
  layer_work_t work = {.kernels = run->kernels, .x = run->slots[state->x], .y = run->slots[state->y]};
  work.norm = (or_cpu_layer_norm_t){.n = state->n,
                                    .x_ld = state->n,
                                    .y_ld = state->n,
                                    .eps = state->epsilon,
                                    .scale = slot_of(run, state->scale),
                                    .bias = slot_of(run, state->bias),
                                    .mean = slot_of(run, state->mean),
                                    .inv_std = slot_of(run, state->inv_std)};
  return or_cpu_parallel_rows(run, state->rows, 4 * state->n * sizeof(float), layer_body, &work);
}

static or_status_t prepare_layer(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  or_status_t status = or_cpu_build_alloc(build, sizeof(layer_state_t), &memory);
  if (!or_ok(status)) return status;
  layer_state_t *state = memory;
  (void)layer_extents(view, &state->rows, &state->n); /* match has looked */
  state->epsilon = or_op_attribute_float(&view->call, "epsilon", 1e-5F);
  state->scale = state->bias = state->mean = state->inv_std = OR_NO_SLOT;
  status = or_cpu_build_read(build, node->inputs[0], &state->x);
  if (or_ok(status) && or_view_has_input(view, 1)) status = or_cpu_build_read(build, node->inputs[1], &state->scale);
  if (or_ok(status) && or_view_has_input(view, 2)) status = or_cpu_build_read(build, node->inputs[2], &state->bias);
  if (or_ok(status)) status = or_cpu_build_overwrite(build, node->inputs[0], node->outputs[0], &state->y);
  or_slot_id_t *more[] = {NULL, &state->mean, &state->inv_std};
  for (uint32_t i = 1; or_ok(status) && i < view->call.output_count && i < 3; ++i) {
    if (node->outputs[i] != OR_NO_VALUE) status = or_cpu_build_write(build, node->outputs[i], more[i]);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run_layer, state);
  return status;
}

/* Batches: y = x * factor + summand, one of each a channel, found anew in each run. */

#define BATCH_PIECE 2048 /* elements: the sum finds the product in the first-level cache */

typedef struct batch_state_t {
  size_t planes, channels, plane;
  double epsilon;
  or_slot_id_t x, parameters[4], y, affine;
} batch_state_t;

typedef struct batch_work_t {
  const batch_state_t *state;
  const or_cpu_vector_f32_t *f32;
  const float *x, *factor, *summand;
  float *y;
} batch_work_t;

/* Elements [begin, end) of all planes one after another. */
static void batch_body(void *self, size_t begin, size_t end, int thread) {
  const batch_work_t *work = self;
  size_t plane = work->state->plane, channels = work->state->channels;
  (void)thread;
  while (begin < end) {
    size_t channel = plane == 1 ? begin % channels : begin / plane % channels;
    size_t run = plane == 1 ? channels - channel : plane - begin % plane;
    size_t n = or_cpu_min(or_cpu_min(run, end - begin), BATCH_PIECE);
    or_cpu_form_t form = plane == 1 ? OR_CPU_VECTOR_VECTOR : OR_CPU_VECTOR_SCALAR;
    float *y = work->y + begin;
    work->f32->binary[OR_CPU_BINARY_MUL][form](n, work->x + begin, work->factor + channel, y, false);
    work->f32->binary[OR_CPU_BINARY_ADD][form](n, y, work->summand + channel, y, false);
    begin += n;
  }
}

static or_status_t run_batch(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const batch_state_t *state = step->state;
  const float *parameters[4];
  float *affine = run->slots[state->affine];
  for (int i = 0; i < 4; ++i) parameters[i] = run->slots[state->parameters[i]];
  for (size_t c = 0; c < state->channels; ++c) {
    double factor = (double)parameters[0][c] / sqrt((double)parameters[3][c] + state->epsilon);
    affine[c] = (float)factor;
    affine[state->channels + c] = (float)((double)parameters[1][c] - (double)parameters[2][c] * factor);
  }
  batch_work_t work = {state,  &run->kernels->f32,       run->slots[state->x],
                       affine, affine + state->channels, run->slots[state->y]};
  return or_cpu_parallel_elements(run, state->planes * state->channels * state->plane, 8, batch_body, &work);
}

static or_status_t prepare_batch(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  const or_shape_t *shape = &or_view_input(view, 0)->shape;
  or_status_t status = or_cpu_build_alloc(build, sizeof(batch_state_t), &memory);
  if (!or_ok(status)) return status;
  batch_state_t *state = memory;
  state->planes = (size_t)shape->dims[0];
  state->channels = (size_t)shape->dims[1];
  state->plane = (size_t)or_shape_product(shape, 2, shape->rank);
  state->epsilon = (double)or_op_attribute_float(&view->call, "epsilon", 1e-5F);
  bool channels_last = or_cpu_is_channels_last(build, node->inputs[0]);
  if (channels_last) { /* each pixel is an image of one pixel */
    state->planes *= state->plane;
    state->plane = 1;
    state->x = build->blocked[node->inputs[0]].slot;
    status = or_cpu_build_touch(build, state->x);
  } else {
    status = or_cpu_build_read(build, node->inputs[0], &state->x);
  }
  for (uint32_t i = 0; or_ok(status) && i < 4; ++i) {
    status = or_cpu_build_read(build, node->inputs[i + 1], &state->parameters[i]);
  }
  if (or_ok(status)) {
    status = channels_last ? or_cpu_channels_last_overwrite(build, node->inputs[0], node->outputs[0], &state->y)
                           : or_cpu_build_overwrite(build, node->inputs[0], node->outputs[0], &state->y);
  }
  if (or_ok(status)) status = or_cpu_build_scratch(build, 2 * state->channels * sizeof(float), &state->affine);
  if (or_ok(status)) status = or_cpu_build_step(build, run_batch, state);
  return status;
}
