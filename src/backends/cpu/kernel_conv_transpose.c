/* ConvTranspose by our own product: for some filters and some input positions at a time, what each kernel position adds
 * at each of them, which is then added to the image where it belongs. float32. */
#include "backends/cpu/conv_internal.h"
#include "backends/cpu/families_internal.h"

#define ROWS_OF_A_PIECE 64      /* of the product, about: (filter, kernel position) */
#define COLUMNS_OF_A_PIECE 1024 /* of the product: input positions */

/* Whole pieces and the last ones, by [rows][columns]. */
enum { WHOLE, LAST, KINDS };

typedef struct state_t {
  or_gemm_plan_t plans[KINDS][KINDS];
  or_conv_shape_t shape;
  size_t filters, channels;       /* of a group */
  size_t taps, positions;         /* of the kernel; of the input */
  size_t filters_at_once, pieces; /* pieces of a group's filters */
  size_t columns_at_once, grain;
  size_t scratch_bytes, workspace_at, sums_at; /* of a thread, and where in it the rest lies */
  or_slot_id_t x, weights, y, bias, scratch;   /* OR_NO_SLOT: none */
  const float *shift;
} state_t;

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);
static bool plan_products(const or_cpu_device_t *device, state_t *state);
static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_conv_t *conv,
                              state_t *state);

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_conv_t conv;
  return or_cpu_conv_read(device, view, &conv) && conv.transposed && conv.dtype == OR_FLOAT32;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_cpu_conv_t conv;
  (void)or_cpu_conv_read(build->device, view, &conv); /* match has looked */
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  const or_cpu_window_t *window = &conv.shape.window;
  state->shape = conv.shape;
  state->filters = conv.shape.out_channels / conv.shape.groups;
  state->channels = conv.shape.in_channels / conv.shape.groups;
  state->taps = window->kernel_h * window->kernel_w;
  state->positions = window->in_h * window->in_w;
  if (!plan_products(build->device, state)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the sizes of this convolution overflow size_t");
  }
  status = or_cpu_conv_shift(build, view, &state->shift);
  if (or_ok(status)) status = find_slots(build, view, &conv, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status) && conv.shape.bf16) or_cpu_build_precision(build, OR_BFLOAT16);
  if (!or_ok(status)) return status;
  return or_cpu_build_name_format(build, "%s conv transpose%s", build->device->kernels->name,
                                  conv.shape.bf16 ? " bf16" : "");
}

const or_cpu_family_t or_cpu_family_conv_transpose = {.name = "conv transpose", .match = match, .prepare = prepare};

static bool plan_products(const or_cpu_device_t *device, state_t *state) {
  const or_cpu_kernels_t *kernels = device->kernels;
  size_t threads = (size_t)device->threads, products = state->shape.batch * state->shape.groups;
  state->filters_at_once = or_cpu_min(state->filters, (ROWS_OF_A_PIECE + state->taps - 1) / state->taps);
  if (products < threads) { /* every thread gets some, if there are as many */
    size_t share = (threads + products - 1) / products;
    state->filters_at_once = or_cpu_min(state->filters_at_once, (state->filters + share - 1) / share);
  }
  state->pieces = (state->filters + state->filters_at_once - 1) / state->filters_at_once;
  state->columns_at_once = or_cpu_min(state->positions, COLUMNS_OF_A_PIECE);
  size_t last_filters = state->filters - (state->pieces - 1) * state->filters_at_once;
  size_t last_columns = (state->positions - 1) % state->columns_at_once + 1, workspace = 0;
  for (int i = 0; i < KINDS; ++i) {
    for (int j = 0; j < KINDS; ++j) {
      or_gemm_shape_t shape = {
          .n = j == WHOLE ? state->columns_at_once : last_columns, .k = state->channels, .trans_a = true};
      or_gemm_plan_t *plan = &state->plans[i][j];
      if (!or_mul_size(i == WHOLE ? state->filters_at_once : last_filters, state->taps, &shape.m)) return false;
      if (!or_gemm_plan_init(plan, state->shape.bf16 ? kernels->gemm_f32_bf16 : kernels->gemm_f32, &shape,
                             &device->caches, 1)) {
        return false;
      }
      state->workspace_at = or_cpu_max(state->workspace_at, plan->scratch_bytes);
      workspace = or_cpu_max(workspace, plan->workspace_bytes);
    }
  }
  double steps = (double)state->plans[WHOLE][WHOLE].shape.m * (double)state->positions * (double)state->channels;
  state->grain = (size_t)((double)OR_CPU_GRAIN_FLOPS / (2.0 * steps + 1.0)) + 1;
  size_t sums = 0;
  const or_gemm_plan_t *whole = &state->plans[WHOLE][WHOLE];
  state->workspace_at = or_align_up(state->workspace_at, OR_GEMM_ALIGNMENT_BYTES);
  state->sums_at = state->workspace_at + or_align_up(workspace, OR_GEMM_ALIGNMENT_BYTES);
  if (!or_mul_size(whole->shape.m, whole->shape.n * sizeof(float), &sums) || sums > SIZE_MAX / 2) return false;
  state->scratch_bytes = state->sums_at + or_align_up(sums, OR_GEMM_ALIGNMENT_BYTES);
  return true;
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_conv_t *conv,
                              state_t *state) {
  size_t bytes = 0;
  state->bias = OR_NO_SLOT;
  if (!or_mul_size(state->scratch_bytes, (size_t)build->device->threads, &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the sizes of this convolution overflow size_t");
  }
  or_status_t status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_read(build, conv->weights, &state->weights);
  if (or_ok(status) && conv->bias != OR_NO_VALUE) status = or_cpu_build_read(build, conv->bias, &state->bias);
  if (or_ok(status)) status = or_cpu_build_write(build, view->node->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_scratch(build, bytes, &state->scratch);
  return status;
}

typedef struct work_t {
  const state_t *state;
  const float *x, *weights, *bias;
  float *y;
  char *scratch;
  const or_cancel_t *cancel;
} work_t;

static void pieces_body(void *self, size_t begin, size_t end, int thread);

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const float *bias = state->bias == OR_NO_SLOT ? state->shift : run_state->slots[state->bias];
  work_t work = {.state = state,
                 .x = run_state->slots[state->x],
                 .weights = run_state->slots[state->weights],
                 .bias = bias,
                 .y = run_state->slots[state->y],
                 .scratch = run_state->slots[state->scratch],
                 .cancel = run_state->cancel};
  size_t count = state->shape.batch * state->shape.groups * state->pieces;
  or_parallel_for(run_state->team, count, state->grain, pieces_body, &work);
  return or_cancel_status(run_state->cancel);
}

static bool is_cancelled(const void *cancel) { return or_cancel_requested(cancel); }

static void begin_with_bias(const work_t *work, size_t first_filter, size_t filters, float *y);
static void add_columns(const state_t *state, size_t first, size_t columns, size_t filters, const float *sums,
                        float *y);

/* A piece: some filters of a group of an image, which nobody else writes. */
static void pieces_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const or_conv_shape_t *shape = &state->shape;
  char *scratch = work->scratch + (size_t)thread * state->scratch_bytes;
  float *sums = (float *)(void *)(scratch + state->sums_at);
  size_t pixels = shape->window.out_h * shape->window.out_w, row = state->filters * state->taps;
  for (size_t i = begin; i < end; ++i) {
    size_t piece = i % state->pieces, group = i / state->pieces % shape->groups, product = i / state->pieces;
    size_t done = piece * state->filters_at_once;
    size_t filters = or_cpu_min(state->filters_at_once, state->filters - done);
    float *y = work->y + (product * state->filters + done) * pixels;
    begin_with_bias(work, group * state->filters + done, filters, y);
    for (size_t first = 0; first < state->positions && !is_cancelled(work->cancel); first += state->columns_at_once) {
      size_t columns = or_cpu_min(state->columns_at_once, state->positions - first);
      const or_gemm_plan_t *plan = &state->plans[filters == state->filters_at_once ? WHOLE : LAST]
                                                [columns == state->columns_at_once ? WHOLE : LAST];
      or_gemm_args_t args = {.a = work->weights + group * state->channels * row + done * state->taps,
                             .lda = row,
                             .b = work->x + product * state->channels * state->positions + first,
                             .ldb = state->positions,
                             .c = sums,
                             .ldc = columns,
                             .alpha = 1.0,
                             .workspace = scratch + state->workspace_at,
                             .stop = is_cancelled,
                             .stop_context = work->cancel};
      or_gemm_run(plan, &args, scratch);
      add_columns(state, first, columns, filters, sums, y);
    }
  }
}

static void begin_with_bias(const work_t *work, size_t first_filter, size_t filters, float *y) {
  const or_cpu_window_t *window = &work->state->shape.window;
  size_t pixels = window->out_h * window->out_w;
  for (size_t f = 0; f < filters; ++f) {
    float value = work->bias != NULL ? work->bias[first_filter + f] : 0.0F;
    for (size_t i = 0; i < pixels; ++i) y[f * pixels + i] = value;
  }
}

/* values[i] is added to to[first + i * stride], where that is inside the row of `width`. */
static void add_run(const float *values, size_t count, ptrdiff_t first, ptrdiff_t stride, size_t width, float *to) {
  ptrdiff_t room = (ptrdiff_t)width - first;
  size_t begin = first < 0 ? (size_t)((-first + stride - 1) / stride) : 0;
  size_t end = room > 0 ? or_cpu_min(count, (size_t)((room + stride - 1) / stride)) : 0;
  if (stride == 1) {
    for (size_t i = begin; i < end; ++i) to[first + (ptrdiff_t)i] += values[i];
  } else {
    for (size_t i = begin; i < end; ++i) to[first + (ptrdiff_t)i * stride] += values[i];
  }
}

static void add_columns(const state_t *state, size_t first, size_t columns, size_t filters, const float *sums,
                        float *y) {
  const or_cpu_window_t *window = &state->shape.window;
  size_t pixels = window->out_h * window->out_w;
  for (size_t r = 0; r < filters * state->taps; ++r) {
    size_t filter = r / state->taps, tap = r % state->taps;
    ptrdiff_t top = (ptrdiff_t)(tap / window->kernel_w * window->dilation_h) - (ptrdiff_t)window->pad_top;
    ptrdiff_t at = (ptrdiff_t)(tap % window->kernel_w * window->dilation_w) - (ptrdiff_t)window->pad_left;
    for (size_t done = 0, count = 0; done < columns; done += count) {
      size_t line = (first + done) / window->in_w, left = (first + done) % window->in_w;
      ptrdiff_t to = (ptrdiff_t)(line * window->stride_h) + top;
      count = or_cpu_min(window->in_w - left, columns - done);
      if (to < 0 || (size_t)to >= window->out_h) continue;
      add_run(sums + r * columns + done, count, (ptrdiff_t)(left * window->stride_w) + at, (ptrdiff_t)window->stride_w,
              window->out_w, y + filter * pixels + (size_t)to * window->out_w);
    }
  }
}
