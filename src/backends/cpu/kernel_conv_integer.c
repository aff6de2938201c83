/* ConvInteger and QLinearConv of one or two spatial dimensions, by products of bytes whose sums are exact: per image
 * and group, the filters times the image unrolled as it is packed.
 *
 * sum (w - zw)(x - zx) = sum w x - zx sum w - zw sum x + taps zw zx, where padding is zx: what depends on filters is a
 * bias of the product, and what depends on positions is taken off where a filter has a zero point. An unsigned image
 * is copied less 128, and so is its zero point. */
#include <stdio.h>
#include <string.h>

#include "backends/cpu/bytes_internal.h"
#include "backends/cpu/conv_internal.h"
#include "backends/cpu/families_internal.h"
#include "backends/cpu/kernels/image_s8.h"
#include "ops/conv_integer.h"
#include "ops/shape.h"

/* Multiply-adds of one thread between two looks at the cancel token: some milliseconds. */
#define STEPS_BETWEEN_LOOKS 2e8
#define ROWS_AT_A_TIME 16 /* of the unrolled image, when its columns are added up */

/* Inputs of either operator; NONE where there is none. */
typedef struct inputs_t {
  uint32_t x, w, x_zero, w_zero, x_scale, w_scale, y_scale, y_zero, bias;
} inputs_t;
#define NONE UINT32_MAX
static const inputs_t of_integer = {0, 1, 2, 3, NONE, NONE, NONE, NONE, NONE}, of_qlinear = {0, 3, 2, 5, 1, 4, 6, 7, 8};

enum {
  X,
  W,
  X_ZERO,
  W_ZERO,
  X_SCALE,
  W_SCALE,
  Y_SCALE,
  Y_ZERO,
  BIAS,
  Y,
  SUMS,
  SCRATCH,
  SIGNED_X,
  WEIGHTS,
  VECTORS,
  SLOTS
};

typedef struct state_t {
  or_gemm_plan_t plan; /* of one group of one image */
  or_conv_shape_t shape;
  or_gemm_const_t weights; /* of one group, without data */
  or_slot_id_t slots[SLOTS];
  const char *packed; /* of all groups, and behind them the sum of each filter; NULL: packed by each run */
  size_t group_bytes, weights_bytes;
  size_t thread_bytes; /* of scratch */
  size_t tiles, group, taps;
  bool unsigned_x, signed_w, many_w_zeros, many_w_scales, quantises, signed_y, unrolled;
} state_t;

static const inputs_t *inputs_of(const or_node_view_t *view) {
  return or_view_is(view, &or_op_qlinear_conv) ? &of_qlinear : &of_integer;
}

static bool read_conv(const or_node_view_t *view, or_cpu_conv_t *out) {
  const inputs_t *in = inputs_of(view);
  const or_shape_t *x = &or_view_input(view, in->x)->shape, *w = &or_view_input(view, in->w)->shape;
  if (!or_shape_is_static(x) || !or_shape_is_static(w)) return false;
  if (x->rank < 3 || x->rank > 4 || w->rank != x->rank) return false;
  *out = (or_cpu_conv_t){.spatial = (int)x->rank - 2};
  out->shape.batch = (size_t)x->dims[0];
  out->shape.in_channels = (size_t)x->dims[1];
  out->shape.out_channels = (size_t)w->dims[0];
  out->shape.groups = (size_t)or_op_attribute_int(&view->call, "group", 1);
  return or_cpu_conv_read_window(view, x, w, out);
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_conv_t conv;
  (void)device;
  bool known = or_view_is(view, &or_op_qlinear_conv) || or_view_is(view, &or_op_conv_integer);
  if (view->fused || !known || !read_conv(view, &conv)) return false;
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    if (or_view_has_input(view, i) && !or_shape_is_static(&or_view_input(view, i)->shape)) return false;
  }
  return true;
}

/* ---- the weights ---- */

static void pack_weights(const state_t *state, const char *from, const or_cpu_kernels_t *kernels, char *to) {
  size_t filters = state->shape.out_channels, each = filters / state->shape.groups;
  int32_t *sums = (int32_t *)(void *)(to + state->shape.groups * state->group_bytes);
  for (size_t g = 0; g < state->shape.groups; ++g) {
    or_gemm_const_t one = state->weights;
    one.data = from + g * each * state->taps;
    or_gemm_pack_a_const(&one, 0, each, to + g * state->group_bytes);
  }
  for (size_t f = 0; f < filters; ++f) {
    const char *row = from + f * state->taps;
    sums[f] = state->signed_w ? kernels->convert.sum_s8(state->taps, (const int8_t *)row)
                              : kernels->convert.sum_u8(state->taps, (const uint8_t *)row);
  }
}

typedef struct pack_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
} pack_t;

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  const pack_t *pack = self;
  pack_weights(pack->state, source, pack->kernels, destination);
  return or_status_success();
}

static or_status_t pack_constant(or_cpu_build_t *build, const or_constant_t *constant, state_t *state) {
  pack_t pack = {state, build->device->kernels};
  or_cpu_packing_t packing = {.constant = constant, .bytes = state->weights_bytes, .fill = pack_fill, .self = &pack};
  (void)snprintf(packing.packing, sizeof packing.packing, "convi %s g%zu o%zu k%zu/%zu",
                 or_gemm_layout(state->weights.ops), state->shape.groups, state->shape.out_channels, state->taps,
                 or_gemm_depth_block(state->weights.ops, state->taps, &build->device->caches));
  const void *packed = NULL;
  or_status_t status = or_cpu_build_packed(build, &packing, &packed);
  state->packed = packed;
  return status;
}

/* ---- prepare ---- */

static or_status_t plan_products(or_cpu_build_t *build, state_t *state) {
  const or_conv_shape_t *shape = &state->shape;
  const or_cpu_window_t *w = &shape->window;
  size_t products = shape->batch * shape->groups, threads = (size_t)build->device->threads;
  size_t filters = shape->out_channels / shape->groups;
  const or_gemm_ops_t *ops = state->signed_w ? build->device->kernels->gemm_s8s8 : build->device->kernels->gemm_u8s8;
  const or_gemm_shape_t gemm = {
      .m = filters, .n = w->out_h * w->out_w, .k = state->taps, .packed_a = true, .virtual_b = true};
  state->unrolled = w->kernel_h != 1 || w->kernel_w != 1 || w->stride_h != 1 || w->stride_w != 1 || w->pad_top != 0 ||
                    w->pad_left != 0 || w->in_h != w->out_h || w->in_w != w->out_w;
  state->weights = (or_gemm_const_t){
      .ops = ops, .k = state->taps, .extent = filters, .caches = build->device->caches, .ld = state->taps};
  size_t bytes = or_gemm_packed_a_bytes(&state->weights), sums = shape->out_channels * sizeof(int32_t);
  bool fits = or_gemm_plan_init(&state->plan, ops, &gemm, &build->device->caches,
                                (unsigned)((threads + products - 1) / products));
  fits = fits && bytes <= SIZE_MAX - 63;
  state->group_bytes = fits ? or_align_up(bytes, OR_GEMM_ALIGNMENT_BYTES) : 0;
  fits = fits && or_mul_size(state->group_bytes, shape->groups, &state->weights_bytes) &&
         or_add_size(state->weights_bytes, sums, &state->weights_bytes);
  if (!fits) return or_error(OR_RESOURCE_EXHAUSTED, "the sizes of this convolution overflow size_t");
  state->tiles = state->plan.tiles * products;
  state->thread_bytes = or_align_up(state->plan.scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) +
                        or_align_up(state->plan.tile_n * (sizeof(int32_t) + ROWS_AT_A_TIME), OR_GEMM_ALIGNMENT_BYTES);
  double steps = (double)filters * (double)gemm.n * (double)gemm.k / (double)state->plan.tiles;
  state->group = (size_t)(STEPS_BETWEEN_LOOKS / (steps + 1.0) + 1.0) * threads;
  return or_status_success();
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const inputs_t *in = inputs_of(view);
  const uint32_t inputs[] = {[X] = in->x,
                             [W] = state->packed == NULL ? in->w : NONE,
                             [X_ZERO] = in->x_zero,
                             [W_ZERO] = in->w_zero,
                             [X_SCALE] = in->x_scale,
                             [W_SCALE] = in->w_scale,
                             [Y_SCALE] = in->y_scale,
                             [Y_ZERO] = in->y_zero,
                             [BIAS] = in->bias};
  or_status_t status = or_status_success();
  for (int i = 0; i < SLOTS; ++i) state->slots[i] = OR_NO_SLOT;
  for (int i = X; or_ok(status) && i <= BIAS; ++i) {
    if (inputs[i] != NONE && or_view_has_input(view, inputs[i]))
      status = or_cpu_build_read(build, view->core->inputs[inputs[i]], &state->slots[i]);
  }
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->slots[Y]);
  size_t results = or_view_count(&or_view_output(view, 0)->shape);
  const size_t scratch[][2] = {{SUMS, state->quantises ? results * sizeof(int32_t) : 0},
                               {SCRATCH, state->thread_bytes * (size_t)build->device->threads},
                               {SIGNED_X, state->unsigned_x ? or_view_count(&or_view_input(view, in->x)->shape) : 0},
                               {WEIGHTS, state->packed == NULL ? state->weights_bytes : 0},
                               {VECTORS, 3 * state->shape.out_channels * sizeof(int32_t)}};
  for (size_t i = 0; or_ok(status) && i < sizeof scratch / sizeof *scratch; ++i) {
    if (scratch[i][1] > 0) status = or_cpu_build_scratch(build, scratch[i][1], &state->slots[scratch[i][0]]);
  }
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static bool has_many(const or_node_view_t *view, uint32_t index) {
  return index != NONE && or_view_has_input(view, index) && or_view_count(&or_view_input(view, index)->shape) > 1;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const inputs_t *in = inputs_of(view);
  or_cpu_conv_t conv = {.shape = {.batch = 1, .groups = 1}};
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)read_conv(view, &conv); /* match has looked */
  state->shape = conv.shape;
  state->taps = (size_t)or_shape_product(&or_view_input(view, in->w)->shape, 1, or_view_input(view, in->w)->shape.rank);
  state->quantises = in == &of_qlinear;
  state->unsigned_x = or_view_input(view, in->x)->dtype == OR_UINT8;
  state->signed_w = or_view_input(view, in->w)->dtype == OR_INT8;
  state->signed_y = or_view_output(view, 0)->dtype == OR_INT8;
  state->many_w_zeros = has_many(view, in->w_zero);
  state->many_w_scales = has_many(view, in->w_scale);
  status = plan_products(build, state);
  const or_constant_t *weights = or_view_input_constant(view, in->w);
  if (or_ok(status) && weights != NULL) status = pack_constant(build, weights, state);
  if (or_ok(status)) status = find_slots(build, view, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) {
    status =
        or_cpu_build_name_format(build, "%s conv%s int8", build->device->kernels->name, state->unrolled ? "" : "1x1");
  }
  return status;
}

const or_cpu_family_t or_cpu_family_conv_integer = {.name = "conv integer", .match = match, .prepare = prepare};

/* ---- runs ---- */

typedef struct work_t {
  const state_t *state;
  const or_cpu_run_t *run;
  const char *weights;
  const int8_t *x; /* signed */
  int32_t x_zero;  /* of the signed image */
  int32_t y_zero;
  int32_t *biases, *w_zeros; /* one a filter */
  float *factors;
  int32_t *sums;
  char *y, *scratch;
} work_t;

static void *slot_of(const work_t *work, int slot) {
  or_slot_id_t id = work->state->slots[slot];
  return id == OR_NO_SLOT ? NULL : work->run->slots[id];
}

static void read_parameters(work_t *work) {
  const state_t *state = work->state;
  const size_t filters = state->shape.out_channels;
  const int32_t *bias = slot_of(work, BIAS);
  const int32_t *sums = (const int32_t *)(const void *)(work->weights + state->shape.groups * state->group_bytes);
  const void *w_zeros = slot_of(work, W_ZERO);
  work->x_zero = or_cpu_byte_at(slot_of(work, X_ZERO), !state->unsigned_x, 0) - (state->unsigned_x ? 128 : 0);
  for (size_t f = 0; f < filters; ++f) {
    int32_t zero = or_cpu_byte_at(w_zeros, state->signed_w, state->many_w_zeros ? f : 0);
    uint32_t all = or_cpu_times((int32_t)state->taps, zero) - (uint32_t)sums[f];
    uint32_t added = bias != NULL ? (uint32_t)bias[f] : 0;
    work->w_zeros[f] = zero;
    work->biases[f] = (int32_t)(added + or_cpu_times(work->x_zero, (int32_t)all));
  }
  if (!state->quantises) return;
  const float *w_scales = slot_of(work, W_SCALE);
  float x_scale = *(const float *)slot_of(work, X_SCALE), y_scale = *(const float *)slot_of(work, Y_SCALE);
  work->y_zero = or_cpu_byte_at(slot_of(work, Y_ZERO), state->signed_y, 0);
  for (size_t f = 0; f < filters; ++f) work->factors[f] = x_scale * w_scales[state->many_w_scales ? f : 0] / y_scale;
}

/* Sums of `count` columns of the unrolled image from `first` on. `rows`: ROWS_AT_A_TIME rows of scratch. */
static void add_columns(const work_t *work, const or_gemm_args_t *args, size_t first, size_t count, int8_t *rows,
                        int32_t *sums) {
  memset(sums, 0, count * sizeof *sums);
  for (size_t k = 0; k < work->state->taps; k += ROWS_AT_A_TIME) {
    size_t depth = or_cpu_min(ROWS_AT_A_TIME, work->state->taps - k);
    args->read_b(args->read_b_context, k, depth, first, count, rows, count);
    for (size_t i = 0; i < depth; ++i) work->run->kernels->convert.add_s8(count, rows + i * count, sums);
  }
}

/* Takes off what zero points of filters ask for, and rounds. `filter` and `out`: of the product's first row. */
static void finish_tile(const work_t *work, const or_gemm_args_t *args, size_t tile, size_t filter, size_t out,
                        char *scratch) {
  const state_t *state = work->state;
  const or_gemm_plan_t *plan = &state->plan;
  const or_cpu_convert_t *convert = &work->run->kernels->convert;
  size_t row = tile % plan->m_tiles * plan->tile_m, column = tile / plan->m_tiles * plan->tile_n;
  size_t last = or_cpu_min(row + plan->tile_m, plan->shape.m), n = plan->shape.n;
  size_t count = or_cpu_min(plan->tile_n, n - column);
  int32_t *columns = (int32_t *)(void *)scratch;
  bool added = false;
  for (size_t r = row; r < last; ++r) {
    size_t f = filter + r, at = out + r * n + column;
    int32_t *sums = work->sums + at, zero = work->w_zeros[f];
    if (zero != 0 && !added) add_columns(work, args, column, count, (int8_t *)(columns + plan->tile_n), columns);
    added = added || zero != 0;
    for (size_t i = 0; zero != 0 && i < count; ++i)
      sums[i] = (int32_t)((uint32_t)sums[i] - or_cpu_times(zero, columns[i]));
    if (state->quantises && state->signed_y) {
      convert->requantize_s8(count, sums, &work->factors[f], true, work->y_zero, (int8_t *)work->y + at);
    } else if (state->quantises) {
      convert->requantize_u8(count, sums, &work->factors[f], true, work->y_zero, (uint8_t *)work->y + at);
    }
  }
}

static void tiles_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const or_conv_shape_t *shape = &state->shape;
  const or_cpu_window_t *w = &shape->window;
  char *scratch = work->scratch + state->thread_bytes * (size_t)thread;
  char *columns = scratch + or_align_up(state->plan.scratch_bytes, OR_GEMM_ALIGNMENT_BYTES);
  size_t filters = shape->out_channels / shape->groups, depth = shape->in_channels / shape->groups;
  for (size_t t = begin; t < end; ++t) {
    size_t product = t / state->plan.tiles, group = product % shape->groups, batch = product / shape->groups;
    size_t first = (batch * shape->in_channels + group * depth) * w->in_h * w->in_w;
    size_t filter = group * filters, out = (batch * shape->out_channels + filter) * state->plan.shape.n;
    const or_image_s8_t image = {.window = w, .pixels = work->x + first, .padding = (int8_t)work->x_zero};
    const or_gemm_args_t args = {.a = work->weights + group * state->group_bytes,
                                 .c = work->sums + out,
                                 .ldc = state->plan.shape.n,
                                 .alpha = 1.0,
                                 .bias_row = work->biases + filter,
                                 .read_b = state->unrolled ? or_image_s8_unrolled : or_image_s8_rows,
                                 .read_b_context = &image};
    or_gemm_tile(&state->plan, &args, t % state->plan.tiles, scratch);
    finish_tile(work, &args, t % state->plan.tiles, filter, out, columns);
  }
}

typedef struct copy_t {
  const uint8_t *from;
  int8_t *to;
} copy_t;

static void signed_body(void *self, size_t begin, size_t end, int thread) {
  const copy_t *copy = self;
  (void)thread;
  or_cpu_to_signed(end - begin, copy->from + begin, copy->to + begin);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const or_conv_shape_t *shape = &state->shape;
  work_t work = {.state = state, .run = run_state, .weights = state->packed};
  or_status_t status = or_status_success();
  work.x = slot_of(&work, X);
  work.y = slot_of(&work, Y);
  work.scratch = slot_of(&work, SCRATCH);
  work.sums = state->quantises ? slot_of(&work, SUMS) : slot_of(&work, Y);
  work.biases = slot_of(&work, VECTORS);
  work.w_zeros = work.biases + shape->out_channels;
  work.factors = (float *)(void *)(work.w_zeros + shape->out_channels);
  if (state->unsigned_x) {
    copy_t copy = {slot_of(&work, X), slot_of(&work, SIGNED_X)};
    size_t count = shape->batch * shape->in_channels * shape->window.in_h * shape->window.in_w;
    work.x = copy.to;
    status = or_cpu_parallel_elements(run_state, count, 2, signed_body, &copy);
  }
  if (state->packed == NULL) {
    work.weights = slot_of(&work, WEIGHTS);
    pack_weights(state, slot_of(&work, W), run_state->kernels, slot_of(&work, WEIGHTS));
  }
  read_parameters(&work);
  return or_ok(status) ? or_cpu_parallel_groups(run_state, state->tiles, state->group, tiles_body, &work) : status;
}
