/* Conv by our own kernels: an unrolled or 1x1 product, or depthwise, with bias, residual and activation in its last
 * step. float32; float16 and bfloat16 by way of it, with known weights. */
#include <stdio.h>

#include "backends/cpu/conv_internal.h"
#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"

typedef struct state_t {
  or_conv_f32_plan_t plan;
  or_act_t act;
  or_slot_id_t x, y, bias, residual, scratch, weights, packed_scratch; /* OR_NO_SLOT: none */
  or_dtype_t dtype;
  or_slot_id_t wide; /* of 16-bit images: x in float32, then y */
  size_t x_count, y_count;
  const void *packed;
  const float *shift;
  size_t group; /* tiles between two looks at the cancel token */
} state_t;

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);
static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);
static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_conv_t *conv,
                              state_t *state);

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_conv_t conv;
  if (!or_cpu_conv_read(device, view, &conv) || conv.transposed) return false;
  return conv.dtype == OR_FLOAT32 || (conv.bias == OR_NO_VALUE && or_view_constant_of(view, conv.weights) != NULL);
}

/* Rows of many pixels make better products than many rows of one. */
static void lay_down(or_cpu_window_t *window) {
  if (!or_cpu_window_is_column(window)) return;
  *window = (or_cpu_window_t){.in_h = 1,
                              .in_w = window->in_h,
                              .out_h = 1,
                              .out_w = window->out_h,
                              .kernel_h = 1,
                              .kernel_w = window->kernel_h,
                              .stride_h = 1,
                              .stride_w = window->stride_h,
                              .dilation_h = 1,
                              .dilation_w = window->dilation_h,
                              .pad_left = window->pad_top};
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_cpu_conv_t conv;
  (void)or_cpu_conv_read(build->device, view, &conv); /* match has looked */
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  lay_down(&conv.shape.window);
  state->act = conv.act;
  state->dtype = conv.dtype;
  state->x_count = or_view_count(&or_view_input(view, 0)->shape);
  state->y_count = or_view_count(&or_view_output(view, 0)->shape);
  state->wide = OR_NO_SLOT;
  state->x = state->y = state->bias = state->residual = OR_NO_SLOT;
  state->scratch = state->weights = state->packed_scratch = OR_NO_SLOT;
  if (!or_conv_f32_plan_init(&state->plan, build->device->kernels, &conv.shape, &build->device->caches,
                             (unsigned)build->device->threads)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the sizes of this convolution overflow size_t");
  }
  double steps = (double)or_view_count(&or_view_output(view, 0)->shape) *
                 (double)(or_view_count(&or_view_input(view, 1)->shape) / conv.shape.out_channels);
  state->group = or_cpu_conv_group(build->device, &state->plan, steps);
  status = or_cpu_conv_shift(build, view, &state->shift);
  if (or_ok(status)) status = pack_weights(build, view, state);
  if (or_ok(status)) status = find_slots(build, view, &conv, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  const char *kind = state->plan.depthwise ? "depthwise" : state->plan.unrolled ? "conv" : "conv1x1";
  bool bf16 = conv.shape.bf16 && !state->plan.depthwise;
  if (or_ok(status) && bf16) or_cpu_build_precision(build, OR_BFLOAT16);
  if (or_ok(status)) {
    status = or_cpu_build_name_format(build, "%s %s%s", build->device->kernels->name, kind, bf16 ? " bf16" : "");
  }
  return status;
}

const or_cpu_family_t or_cpu_family_conv = {.name = "conv", .match = match, .prepare = prepare};

typedef struct pack_t {
  const or_cpu_device_t *device;
  const state_t *state;
  size_t count;
} pack_t;

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  const pack_t *pack = self;
  void *wide = NULL;
  if (or_cpu_is_half(pack->state->dtype)) {
    or_status_t status = or_alloc_array(pack->device->allocator, pack->count, sizeof(float), &wide);
    if (!or_ok(status)) return status;
    or_cpu_half(pack->device->kernels, pack->state->dtype).widen(pack->count, source, wide);
  }
  or_conv_f32_pack_weights(&pack->state->plan, wide != NULL ? wide : source, destination);
  or_free(pack->device->allocator, wide);
  return or_status_success();
}

static or_status_t pack_weights(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_conv_shape_t *shape = &state->plan.shape;
  const or_constant_t *constant = or_view_input_constant(view, 1);
  if (constant == NULL) return or_status_success();
  size_t count = or_view_count(&or_view_input(view, 1)->shape), each = count / shape->out_channels;
  pack_t pack = {build->device, state, count};
  or_cpu_packing_t packing = {
      .constant = constant, .bytes = or_cpu_max(state->plan.weights_bytes, 1), .fill = pack_fill, .self = &pack};
  const or_gemm_ops_t *ops = state->plan.depthwise ? build->device->kernels->gemm_f32 : state->plan.ops;
  (void)snprintf(packing.packing, sizeof packing.packing, "conv%c %s g%zu o%zu k%zu/%zu t%d",
                 state->plan.depthwise ? 'd' : 'p', or_gemm_layout(ops), shape->groups, shape->out_channels, each,
                 or_gemm_depth_block(ops, each, &build->device->caches), (int)state->dtype);
  return or_cpu_build_packed(build, &packing, &state->packed);
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_conv_t *conv,
                              state_t *state) {
  or_status_t status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status) && state->packed == NULL) {
    status = or_cpu_build_read(build, conv->weights, &state->weights);
    size_t bytes = or_cpu_max(state->plan.weights_bytes, 1);
    if (or_ok(status)) status = or_cpu_build_scratch(build, bytes, &state->packed_scratch);
  }
  if (or_ok(status) && conv->bias != OR_NO_VALUE) status = or_cpu_build_read(build, conv->bias, &state->bias);
  if (or_ok(status) && conv->residual != OR_NO_VALUE) {
    status = or_cpu_build_read(build, conv->residual, &state->residual);
    if (or_ok(status)) {
      status = or_cpu_build_overwrite(build, conv->residual, view->node->outputs[0], &state->y);
    }
  } else if (or_ok(status)) {
    status = or_cpu_build_write(build, view->node->outputs[0], &state->y);
  }
  if (or_ok(status) && state->plan.scratch_bytes > 0) {
    size_t bytes = or_align_up(state->plan.scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)build->device->threads;
    status = or_cpu_build_scratch(build, bytes, &state->scratch);
  }
  if (or_ok(status) && or_cpu_is_half(state->dtype)) {
    status = or_cpu_build_scratch(build, (state->x_count + state->y_count) * sizeof(float), &state->wide);
  }
  return status;
}

typedef struct work_t {
  const state_t *state;
  or_conv_f32_args_t args;
  char *scratch;
} work_t;

static void tiles_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_conv_f32_plan_t *plan = &work->state->plan;
  size_t scratch = or_align_up(plan->scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)thread;
  for (size_t i = begin; i < end; ++i) {
    or_conv_f32_tile(plan, &work->args, i, work->scratch != NULL ? work->scratch + scratch : NULL);
  }
}

static void *slot_of(const or_cpu_run_t *run_state, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run_state->slots[slot];
}

/* The residual waits where the result will be. */
static or_status_t widen_images(const state_t *state, const or_cpu_run_t *run_state, or_conv_f32_args_t *args) {
  float *x = run_state->slots[state->wide];
  or_status_t status = or_cpu_widen(run_state, state->dtype, state->x_count, args->x, x);
  args->x = x;
  args->y = x + state->x_count;
  if (!or_ok(status) || args->residual == NULL) return status;
  status = or_cpu_widen(run_state, state->dtype, state->y_count, args->residual, args->y);
  args->residual = args->y;
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .scratch = slot_of(run_state, state->scratch)};
  work.args = (or_conv_f32_args_t){.x = run_state->slots[state->x],
                                   .weights = state->packed,
                                   .bias = state->shift != NULL ? state->shift : slot_of(run_state, state->bias),
                                   .residual = slot_of(run_state, state->residual),
                                   .y = run_state->slots[state->y],
                                   .act = state->act};
  if (state->packed == NULL) {
    void *packed = run_state->slots[state->packed_scratch];
    or_conv_f32_pack_weights(&state->plan, run_state->slots[state->weights], packed);
    work.args.weights = packed;
  }
  bool half = or_cpu_is_half(state->dtype);
  or_status_t status = half ? widen_images(state, run_state, &work.args) : or_status_success();
  if (or_ok(status)) {
    status = or_cpu_parallel_groups(run_state, state->plan.tiles, state->group, tiles_body, &work);
  }
  if (or_ok(status) && half) {
    status = or_cpu_narrow(run_state, state->dtype, state->y_count, work.args.y, run_state->slots[state->y]);
  }
  return status;
}
