/* MaxPool, AveragePool and the global pools: by oneDNN where the image lies in one of its layouts, else by our own
 * kernels, plane by plane. float32; float16 and bfloat16 by way of it. */
#include <string.h>

#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"
#include "backends/cpu/pool_internal.h"
#include "ops/shape.h"

static bool read_global(const or_node_view_t *view, or_cpu_pool_t *out) {
  const or_shape_t *x = &or_view_input(view, 0)->shape;
  size_t in_h = x->rank == 4 ? (size_t)x->dims[2] : 1;
  size_t in_w = x->rank == 4 ? (size_t)x->dims[3] : (size_t)or_shape_product(x, 2, x->rank);
  out->global = true;
  out->window = (or_cpu_window_t){.in_h = in_h,
                                  .in_w = in_w,
                                  .out_h = 1,
                                  .out_w = 1,
                                  .kernel_h = in_h,
                                  .kernel_w = in_w,
                                  .stride_h = 1,
                                  .stride_w = 1,
                                  .dilation_h = 1,
                                  .dilation_w = 1};
  return true;
}

static bool read_window(const or_node_view_t *view, or_cpu_pool_t *out) {
  const or_shape_t *x = &or_view_input(view, 0)->shape;
  or_window_t window;
  if (x->rank > 4) return false;
  or_status_t status = or_window_make(&view->call, x, NULL, &window);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  int last = window.rank - 1;
  or_cpu_window_t *to = &out->window;
  *to = (or_cpu_window_t){.in_h = 1, .out_h = 1, .kernel_h = 1, .stride_h = 1, .dilation_h = 1};
  if (last == 1) {
    to->in_h = (size_t)window.in[0];
    to->out_h = (size_t)window.out[0];
    to->kernel_h = (size_t)window.kernel[0];
    to->stride_h = (size_t)window.stride[0];
    to->dilation_h = (size_t)window.dilation[0];
    to->pad_top = (size_t)window.pad_begin[0];
    out->pad_bottom = (size_t)window.pad_end[0];
  }
  to->in_w = (size_t)window.in[last];
  to->out_w = (size_t)window.out[last];
  to->kernel_w = (size_t)window.kernel[last];
  to->stride_w = (size_t)window.stride[last];
  to->dilation_w = (size_t)window.dilation[last];
  to->pad_left = (size_t)window.pad_begin[last];
  out->pad_right = (size_t)window.pad_end[last];
  /* A window over padding alone has an average of 0 / 0 that the kernels don't give. */
  size_t reach_h = (to->kernel_h - 1) * to->dilation_h, reach_w = (to->kernel_w - 1) * to->dilation_w;
  bool inside = to->pad_top <= reach_h && to->pad_left <= reach_w &&
                (to->out_h - 1) * to->stride_h < to->in_h + to->pad_top &&
                (to->out_w - 1) * to->stride_w < to->in_w + to->pad_left;
  bool steps = to->dilation_h == 1 && to->dilation_w == 1;
  return out->max || (inside && (steps || out->include_padding));
}

/* ReduceMean over rows and columns of images, as exporters write a global pool. */
static bool is_mean_of_planes(const or_node_view_t *view) {
  or_reduction_t reduction;
  if (strcmp(view->call.op->name, "ReduceMean") != 0 || or_view_input(view, 0)->shape.rank != 4) return false;
  or_status_t status = or_reduction_make(&view->call, &reduction);
  bool known = or_ok(status) && reduction.known;
  or_status_ignore(status); /* shape inference has told it already */
  const bool *reduced = reduction.reduced;
  return known && reduction.keep && !reduced[0] && !reduced[1] && reduced[2] && reduced[3];
}

bool or_cpu_pool_read(const or_node_view_t *view, or_cpu_pool_t *out) {
  const char *name = view->call.op->name;
  if (view->fused || view->call.op->domain[0] != '\0' || view->call.output_count != 1) return false;
  bool max = strcmp(name, "MaxPool") == 0, average = strcmp(name, "AveragePool") == 0;
  bool global_max = strcmp(name, "GlobalMaxPool") == 0, global_average = strcmp(name, "GlobalAveragePool") == 0;
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (is_mean_of_planes(view)) global_average = true;
  if (!max && !average && !global_max && !global_average) return false;
  if (x->dtype != OR_FLOAT32 && !or_cpu_is_half(x->dtype)) return false;
  if (!or_shape_is_static(&x->shape) || x->shape.rank < 3) return false;
  *out = (or_cpu_pool_t){.batch = (size_t)x->shape.dims[0],
                         .channels = (size_t)x->shape.dims[1],
                         .dtype = x->dtype,
                         .max = max || global_max,
                         .include_padding = or_op_attribute_int(&view->call, "count_include_pad", 0) != 0};
  if (or_view_count(&x->shape) == 0 || or_view_count(&or_view_output(view, 0)->shape) == 0) return false;
  return global_max || global_average ? read_global(view, out) : read_window(view, out);
}

typedef struct state_t {
  or_cpu_pool_t pool;
  or_slot_id_t x, y;
  or_slot_id_t wide; /* of 16-bit images: x in float32, then y */
  size_t x_count, y_count;
} state_t;

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const float *x;
  float *y;
} work_t;

static void planes_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_cpu_pool_t *pool = &work->state->pool;
  const or_cpu_window_t *window = &pool->window;
  (void)thread;
  size_t in = window->in_h * window->in_w, out = window->out_h * window->out_w, count = end - begin;
  const float *x = work->x + begin * in;
  float *y = work->y + begin * out;
  if (pool->global) {
    or_cpu_reduce_t kind = pool->max ? OR_CPU_REDUCE_MAX : OR_CPU_REDUCE_MEAN;
    work->kernels->rows.reduce_rows[kind](count, in, x, in, y);
  } else if (pool->max) {
    work->kernels->window.max_pool(window, count, x, y);
  } else {
    or_cpu_average_pool_t average = {.window = *window,
                                     .divide_by = pool->include_padding ? OR_CPU_AVERAGE_PADDED : OR_CPU_AVERAGE_INSIDE,
                                     .pad_bottom = pool->pad_bottom,
                                     .pad_right = pool->pad_right};
    work->kernels->window.average_pool(&average, count, x, y);
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const or_cpu_window_t *window = &state->pool.window;
  work_t work = {state, run_state->kernels, run_state->slots[state->x], run_state->slots[state->y]};
  size_t plane = (window->in_h * window->in_w + window->out_h * window->out_w) * sizeof(float);
  size_t taps = window->out_h * window->out_w * window->kernel_h * window->kernel_w;
  bool half = or_cpu_is_half(state->pool.dtype);
  or_status_t status = or_status_success();
  if (half) {
    float *wide = run_state->slots[state->wide];
    status = or_cpu_widen(run_state, state->pool.dtype, state->x_count, work.x, wide);
    work.x = wide;
    work.y = wide + state->x_count;
  }
  if (or_ok(status)) {
    status = or_cpu_parallel_units(run_state, state->pool.batch * state->pool.channels, or_cpu_row_grain(plane),
                                   plane + taps * sizeof(float), planes_body, &work);
  }
  if (!or_ok(status) || !half) return status;
  return or_cpu_narrow(run_state, state->pool.dtype, state->y_count, work.y, run_state->slots[state->y]);
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_pool_t pool;
  (void)device;
  return or_cpu_pool_read(view, &pool);
}

static or_status_t prepare_own(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_pool_t *pool) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->pool = *pool;
  state->x_count = or_view_count(&or_view_input(view, 0)->shape);
  state->y_count = or_view_count(&or_view_output(view, 0)->shape);
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status) && or_cpu_is_half(pool->dtype)) {
    status = or_cpu_build_scratch(build, (state->x_count + state->y_count) * sizeof(float), &state->wide);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s pool", build->device->kernels->name);
  return status;
}

/* Padding after the image as far as windows reach: what ceil_mode adds stands in the output's size only. */
static size_t reached(size_t in, size_t out, size_t kernel, size_t stride, size_t begin) {
  size_t end = (out - 1) * stride + kernel;
  return end > in + begin ? end - in - begin : 0;
}

/* UNIMPLEMENTED, with nothing added: our own kernels do it. */
static or_status_t prepare_dnnl(or_cpu_build_t *build, const or_node_view_t *view, const or_cpu_pool_t *pool) {
  const or_cpu_blocked_t *image = &build->blocked[view->core->inputs[0]];
  const or_cpu_window_t *window = &pool->window;
  size_t bottom = reached(window->in_h, window->out_h, window->kernel_h, window->stride_h, window->pad_top);
  size_t right = reached(window->in_w, window->out_w, window->kernel_w, window->stride_w, window->pad_left);
  bool beyond = bottom > pool->pad_bottom || right > pool->pad_right;
  bool dilated = window->dilation_h != 1 || window->dilation_w != 1;
  if (image->slot == OR_NO_SLOT || dilated || (beyond && pool->include_padding)) {
    return or_error(OR_UNIMPLEMENTED, "not in a layout of oneDNN");
  }
  or_dnnl_op_t *op = NULL;
  or_dnnl_pool_t spec = {.batch = pool->batch,
                         .channels = pool->channels,
                         .window = *window,
                         .pad_bottom = or_cpu_max(bottom, pool->pad_bottom),
                         .pad_right = or_cpu_max(right, pool->pad_right),
                         .max = pool->max,
                         .include_padding = pool->include_padding,
                         .src = image->layout};
  double bytes = (double)or_view_bytes(or_view_input(view, 0)) + (double)or_view_bytes(or_view_output(view, 0));
  bool alone = or_cpu_dnnl_alone(build, 0.0, bytes);
  or_status_t status = or_dnnl_pool_create(build->device->dnnl, build->device->allocator, &spec, &op);
  if (!or_ok(status)) return status;
  or_cpu_dnnl_operands_t operands;
  or_cpu_dnnl_operands_init(&operands);
  operands.alone = alone;
  operands.slots[OR_DNNL_SRC] = image->slot;
  status = or_cpu_dnnl_own(build, op);
  if (or_ok(status)) status = or_cpu_build_touch(build, image->slot);
  if (or_ok(status)) {
    status = or_cpu_dnnl_write(build, view->core->outputs[0], or_dnnl_op_layout(op, OR_DNNL_DST),
                               or_dnnl_op_dense(op, OR_DNNL_DST), &operands.slots[OR_DNNL_DST]);
  }
  if (or_ok(status)) status = or_cpu_dnnl_step(build, op, &operands);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "onednn %s", or_dnnl_op_kernel(op));
  return status;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  or_cpu_pool_t pool = {.batch = 0};
  (void)or_cpu_pool_read(view, &pool); /* match has looked */
  or_status_t status = prepare_dnnl(build, view, &pool);
  if (or_status_code(status) != OR_UNIMPLEMENTED) return status;
  or_status_ignore(status); /* the own kernels do it */
  return prepare_own(build, view, &pool);
}

const or_cpu_family_t or_cpu_family_pool = {.name = "pool", .match = match, .prepare = prepare};
