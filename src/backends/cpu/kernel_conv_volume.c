/* Conv over three spatial dimensions: each plane of the result is a picture, convolved from the planes that it reads
 * of every channel, as if they were channels of their own. float32, with known weights. */
#include <stdio.h>
#include <string.h>

#include "backends/cpu/conv_internal.h"
#include "backends/cpu/families_internal.h"
#include "ops/conv.h"
#include "ops/shape.h"

typedef struct volume_t {
  size_t batch, channels, filters;
  size_t in_depth, out_depth, kernel_depth, stride, dilation, pad; /* of the first spatial dimension */
  size_t in_plane, out_plane;                                      /* elements */
} volume_t;

typedef struct state_t {
  volume_t volume;
  or_conv_f32_plan_t plan; /* of one plane of the result */
  or_act_t act;
  or_slot_id_t x, y, residual, scratch, planes; /* planes: those read, then the one that is made */
  const void *packed;
  const float *shift;
  size_t group; /* tiles between two looks at the cancel token */
} state_t;

/* The window over the first dimension into `volume`, the others into `out`. */
static bool read_volume(const or_cpu_device_t *device, const or_node_view_t *view, or_cpu_conv_t *out,
                        volume_t *volume) {
  const or_op_tensor_t *x = or_view_input(view, 0), *w = or_view_input(view, 1);
  if (!or_view_is(view, &or_op_conv) || x->shape.rank != 5 || w->shape.rank != 5) return false;
  if (x->dtype != OR_FLOAT32 || w->dtype != OR_FLOAT32 || or_view_input_constant(view, 1) == NULL) return false;
  or_window_t window;
  if (!or_shape_is_static(&x->shape) || or_view_count(&x->shape) == 0) return false;
  or_status_t status = or_window_make(&view->call, &x->shape, w->shape.dims + 2, &window);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok || or_view_count(&or_view_output(view, 0)->shape) == 0 || or_view_count(&w->shape) == 0) return false;
  size_t groups = (size_t)or_op_attribute_int(&view->call, "group", 1);
  *volume = (volume_t){.batch = (size_t)x->shape.dims[0],
                       .channels = (size_t)x->shape.dims[1],
                       .filters = (size_t)w->shape.dims[0],
                       .in_depth = (size_t)window.in[0],
                       .out_depth = (size_t)window.out[0],
                       .kernel_depth = (size_t)window.kernel[0],
                       .stride = (size_t)window.stride[0],
                       .dilation = (size_t)window.dilation[0],
                       .pad = (size_t)window.pad_begin[0],
                       .in_plane = (size_t)(window.in[1] * window.in[2]),
                       .out_plane = (size_t)(window.out[1] * window.out[2])};
  *out = (or_cpu_conv_t){.weights = view->core->inputs[1],
                         .bias = OR_NO_VALUE,
                         .residual = view->epilogue.residual,
                         .act = view->epilogue.act};
  out->shape = (or_conv_shape_t){.batch = 1,
                                 .bf16 = or_cpu_in_bf16(device, view),
                                 .in_channels = volume->channels * volume->kernel_depth,
                                 .out_channels = volume->filters,
                                 .groups = groups};
  out->shape.window = (or_cpu_window_t){.in_h = (size_t)window.in[1],
                                        .in_w = (size_t)window.in[2],
                                        .out_h = (size_t)window.out[1],
                                        .out_w = (size_t)window.out[2],
                                        .kernel_h = (size_t)window.kernel[1],
                                        .kernel_w = (size_t)window.kernel[2],
                                        .stride_h = (size_t)window.stride[1],
                                        .stride_w = (size_t)window.stride[2],
                                        .dilation_h = (size_t)window.dilation[1],
                                        .dilation_w = (size_t)window.dilation[2],
                                        .pad_top = (size_t)window.pad_begin[1],
                                        .pad_left = (size_t)window.pad_begin[2]};
  return or_cpu_conv_read_biases(view, out) && out->bias == OR_NO_VALUE;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_conv_t conv;
  volume_t volume;
  return read_volume(device, view, &conv, &volume);
}

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  or_conv_f32_pack_weights(self, source, destination);
  return or_status_success();
}

static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_conv_f32_plan_t *plan = &state->plan;
  size_t each = or_view_count(&or_view_input(view, 1)->shape) / plan->shape.out_channels;
  or_cpu_packing_t packing = {.constant = or_view_input_constant(view, 1),
                              .bytes = or_cpu_max(plan->weights_bytes, 1),
                              .fill = pack_fill,
                              .self = &state->plan};
  const or_gemm_ops_t *ops = plan->depthwise ? build->device->kernels->gemm_f32 : plan->ops;
  (void)snprintf(packing.packing, sizeof packing.packing, "conv3%c %s g%zu o%zu k%zu/%zu", plan->depthwise ? 'd' : 'p',
                 or_gemm_layout(ops), plan->shape.groups, plan->shape.out_channels, each,
                 or_gemm_depth_block(ops, each, &build->device->caches));
  return or_cpu_build_packed(build, &packing, &state->packed);
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_conv_t *conv,
                              state_t *state) {
  const volume_t *volume = &state->volume;
  or_status_t status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status) && conv->residual != OR_NO_VALUE) {
    status = or_cpu_build_read(build, conv->residual, &state->residual);
  }
  if (or_ok(status)) status = or_cpu_build_write(build, view->node->outputs[0], &state->y);
  size_t planes = state->plan.shape.in_channels * volume->in_plane + state->plan.shape.out_channels * volume->out_plane;
  if (or_ok(status)) status = or_cpu_build_scratch(build, planes * sizeof(float), &state->planes);
  if (or_ok(status) && state->plan.scratch_bytes > 0) {
    size_t bytes = or_align_up(state->plan.scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)build->device->threads;
    status = or_cpu_build_scratch(build, bytes, &state->scratch);
  }
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_cpu_conv_t conv;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)read_volume(build->device, view, &conv, &state->volume); /* match has looked */
  state->act = conv.act;
  state->residual = state->scratch = OR_NO_SLOT;
  if (!or_conv_f32_plan_init(&state->plan, build->device->kernels, &conv.shape, &build->device->caches,
                             (unsigned)build->device->threads)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the sizes of this convolution overflow size_t");
  }
  double steps = (double)or_view_count(&or_view_input(view, 1)->shape) * (double)state->volume.out_plane;
  state->group = or_cpu_conv_group(build->device, &state->plan, steps);
  status = or_cpu_conv_shift(build, view, &state->shift);
  if (or_ok(status)) status = pack_weights(build, view, state);
  if (or_ok(status)) status = find_slots(build, view, &conv, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  bool bf16 = conv.shape.bf16 && !state->plan.depthwise;
  if (or_ok(status) && bf16) or_cpu_build_precision(build, OR_BFLOAT16);
  if (!or_ok(status)) return status;
  return or_cpu_build_name_format(build, "%s conv3d%s", build->device->kernels->name, bf16 ? " bf16" : "");
}

const or_cpu_family_t or_cpu_family_conv_volume = {.name = "conv3d", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  or_conv_f32_args_t args; /* of the plane in hand */
  const float *x, *residual;
  float *planes, *made, *y;
  char *scratch;
  size_t item, depth; /* of that plane */
} work_t;

static void gather_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const volume_t *volume = &work->state->volume;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    size_t channel = i / volume->kernel_depth, k = i % volume->kernel_depth, plane = volume->in_plane;
    size_t at = work->depth * volume->stride + k * volume->dilation; /* in the padded volume */
    float *to = work->planes + i * plane;
    if (at < volume->pad || at - volume->pad >= volume->in_depth) {
      memset(to, 0, plane * sizeof *to);
    } else {
      size_t from = ((work->item * volume->channels + channel) * volume->in_depth + at - volume->pad) * plane;
      memcpy(to, work->x + from, plane * sizeof *to);
    }
  }
}

/* Where plane `depth` of a filter lies in Y. */
static size_t place(const work_t *work, size_t filter) {
  const volume_t *volume = &work->state->volume;
  return ((work->item * volume->filters + filter) * volume->out_depth + work->depth) * volume->out_plane;
}

static void residual_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t plane = work->state->volume.out_plane;
  (void)thread;
  for (size_t f = begin; f < end; ++f) {
    memcpy(work->made + f * plane, work->residual + place(work, f), plane * sizeof *work->made);
  }
}

static void scatter_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t plane = work->state->volume.out_plane;
  (void)thread;
  for (size_t f = begin; f < end; ++f) {
    memcpy(work->y + place(work, f), work->made + f * plane, plane * sizeof *work->y);
  }
}

static void tiles_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_conv_f32_plan_t *plan = &work->state->plan;
  size_t scratch = or_align_up(plan->scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)thread;
  for (size_t i = begin; i < end; ++i) {
    or_conv_f32_tile(plan, &work->args, i, work->scratch != NULL ? work->scratch + scratch : NULL);
  }
}

static or_status_t run_plane(work_t *work, const or_cpu_run_t *run_state) {
  const state_t *state = work->state;
  const volume_t *volume = &state->volume;
  size_t in_grain = or_cpu_row_grain(2 * volume->in_plane * sizeof(float));
  size_t out_grain = or_cpu_row_grain(2 * volume->out_plane * sizeof(float));
  or_parallel_for(run_state->team, state->plan.shape.in_channels, in_grain, gather_body, work);
  if (work->residual != NULL) or_parallel_for(run_state->team, volume->filters, out_grain, residual_body, work);
  or_status_t status = or_cpu_parallel_groups(run_state, state->plan.tiles, state->group, tiles_body, work);
  if (or_ok(status)) or_parallel_for(run_state->team, volume->filters, out_grain, scatter_body, work);
  return or_ok(status) ? or_cancel_status(run_state->cancel) : status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .x = run_state->slots[state->x], .y = run_state->slots[state->y]};
  work.planes = run_state->slots[state->planes];
  work.made = work.planes + state->plan.shape.in_channels * state->volume.in_plane;
  work.residual = state->residual != OR_NO_SLOT ? run_state->slots[state->residual] : NULL;
  work.scratch = state->scratch != OR_NO_SLOT ? run_state->slots[state->scratch] : NULL;
  work.args = (or_conv_f32_args_t){.x = work.planes,
                                   .weights = state->packed,
                                   .bias = state->shift,
                                   .residual = work.residual != NULL ? work.made : NULL,
                                   .y = work.made,
                                   .act = state->act};
  or_status_t status = or_status_success();
  for (work.item = 0; or_ok(status) && work.item < state->volume.batch; ++work.item) {
    for (work.depth = 0; or_ok(status) && work.depth < state->volume.out_depth; ++work.depth) {
      status = run_plane(&work, run_state);
    }
  }
  return status;
}
