/* Conv of one or two spatial dimensions as a product of filters with the pixels under the window, or, of filters that
 * see one channel, directly; with bias, residual and activation in the same launch. float32, float64; float16 and
 * bfloat16 with sums in float32. */
#include <string.h>

#include "backends/opencl/conv_internal.h"
#include "base/string.h"
#include "ops/elements.h"

typedef struct slots_t {
  or_slot_id_t x, weights, bias, residual, y; /* OR_NO_SLOT: none */
  bool weights_widened;                       /* to the type of the sums */
} slots_t;

static or_status_t find_slots(or_cl_build_t *build, const or_node_view_t *view, const or_cl_conv_t *conv,
                              slots_t *slots);
static or_status_t prepare_depthwise(or_cl_build_t *build, const or_cl_conv_t *conv, const slots_t *slots);
static void make_job(const or_cl_conv_t *conv, const slots_t *slots, or_cl_product_job_t *job);
static or_status_t prepare_panels(or_cl_build_t *build, const or_cl_conv_t *conv, or_cl_product_job_t *job);
static or_status_t prepare_tiles(or_cl_build_t *build, const or_cl_conv_t *conv, or_cl_product_job_t *job);

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_conv_t conv;
  return or_cl_conv_read(device, view, &conv);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  or_cl_conv_t conv;
  slots_t slots = {.y = OR_NO_SLOT};
  (void)or_cl_conv_read(device, view, &conv); /* match has looked */
  if (or_view_count(&or_view_output(view, 0)->shape) == 0) {
    return or_cl_build_write(build, view->node->outputs[0], &slots.y); /* nothing to compute */
  }
  bool depthwise = or_cl_conv_is_depthwise(&conv), processor = or_cl_device_traits(device)->is_cpu;
  or_cl_build_name(build, depthwise ? "depthwise" : processor ? "conv panels" : "conv tiles");
  or_status_t status = find_slots(build, view, &conv, &slots);
  if (!or_ok(status)) return status;
  if (depthwise) return prepare_depthwise(build, &conv, &slots);
  or_cl_product_job_t job;
  make_job(&conv, &slots, &job);
  bool laid = slots.weights_widened || !processor || conv.dtype == or_cl_product_sums(device, conv.dtype);
  if (!laid) status = or_cl_product_lay_rows(build, &job, (size_t)conv.groups);
  if (!or_ok(status)) return status;
  return processor ? prepare_panels(build, &conv, &job) : prepare_tiles(build, &conv, &job);
}

const or_cl_family_t or_cl_family_conv = {.name = "conv", .match = match, .prepare = prepare};

static or_status_t widen(const void *self, const void *source, void *destination) {
  const or_constant_t *constant = self;
  size_t count = or_view_count(&constant->shape);
  float *to = destination;
  for (size_t i = 0; i < count; ++i) {
    double value = 0.0;
    or_elements_load(constant->dtype, source, i, 1, &value);
    to[i] = (float)value;
  }
  return or_status_success();
}

static or_status_t find_weights(or_cl_build_t *build, const or_node_view_t *view, const or_cl_conv_t *conv,
                                slots_t *slots) {
  const or_constant_t *constant = or_view_input_constant(view, 1);
  bool short_floats = conv->dtype != OR_FLOAT32 && conv->dtype != OR_FLOAT64;
  bool processor = or_cl_device_traits(or_cl_build_device(build))->is_cpu;
  if (constant == NULL || !short_floats || !processor || or_cl_conv_is_depthwise(conv)) {
    return or_cl_build_read(build, view->core->inputs[1], &slots->weights);
  }
  or_cl_packing_t packing = {.constant = constant,
                             .bytes = or_view_count(&constant->shape) * sizeof(float),
                             .fill = widen,
                             .self = constant,
                             .packing = "float"};
  slots->weights_widened = true;
  return or_cl_build_packed(build, &packing, &slots->weights);
}

static or_status_t find_slots(or_cl_build_t *build, const or_node_view_t *view, const or_cl_conv_t *conv,
                              slots_t *slots) {
  *slots = (slots_t){.bias = OR_NO_SLOT, .residual = OR_NO_SLOT};
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &slots->x);
  if (or_ok(status)) status = find_weights(build, view, conv, slots);
  if (or_ok(status) && conv->bias != OR_NO_VALUE) status = or_cl_build_read(build, conv->bias, &slots->bias);
  if (!or_ok(status)) return status;
  if (conv->residual == OR_NO_VALUE) return or_cl_build_write(build, view->node->outputs[0], &slots->y);
  status = or_cl_build_read(build, conv->residual, &slots->residual);
  return or_ok(status) ? or_cl_build_overwrite(build, conv->residual, view->node->outputs[0], &slots->y) : status;
}

/* --- One channel a filter --- */

static or_status_t prepare_depthwise(or_cl_build_t *build, const or_cl_conv_t *conv, const slots_t *slots) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_cl_window_args_t *window = &conv->window;
  bool processor = or_cl_device_traits(device)->is_cpu;
  int width = processor ? 64 : 1;
  /* What compilers make vectors of by themselves is slower for pixels that lie apart, and for the rest of a line. */
  bool lines = processor && (window->stride_w == 2 || (window->stride_w == 1 && window->out_w <= 16));
  char options[256];
  (void)or_cl_product_options(device, conv->dtype, "0", conv->act.kind, options);
  size_t length = strlen(options);
  (void)or_format(options + length, sizeof options - length, " -DWIDTH=%d", width);
  length = strlen(options);
  if (lines) (void)or_format(options + length, sizeof options - length, " -DLINES=%d", window->stride_w);
  or_cl_argument_t arguments[] = {or_cl_slot(slots->x),
                                  or_cl_slot(slots->weights),
                                  or_cl_slot(slots->bias != OR_NO_SLOT ? slots->bias : slots->x),
                                  or_cl_slot(slots->residual != OR_NO_SLOT ? slots->residual : slots->x),
                                  or_cl_slot(slots->y),
                                  or_cl_bytes(window, sizeof *window)};
  size_t planes = (size_t)conv->images * (size_t)window->filters;
  double outputs = (double)planes * window->out_h * window->out_w;
  or_cl_launch_t launch = {
      .source = "conv",
      .entry = "depthwise",
      .options = options,
      .arguments = arguments,
      .argument_count = sizeof arguments / sizeof arguments[0],
      .dimensions = 3,
      .global = {((size_t)window->out_w + (size_t)width - 1) / (size_t)width, (size_t)window->out_h, planes},
      .flops = 2.0 * outputs * window->kernel_h * window->kernel_w,
      .bytes = 8.0 * outputs};
  if (lines) {
    launch.entry = "depthwise_lines";
    launch.dimensions = 1;
    launch.global[0] = planes;
    launch.local[0] = 1;
  }
  return or_cl_build_launch(build, &launch);
}

/* --- As a product: filters times pixels, a group of an image each --- */

static void make_job(const or_cl_conv_t *conv, const slots_t *slots, or_cl_product_job_t *job) {
  const or_cl_window_args_t *window = &conv->window;
  int32_t filters = window->filters / conv->groups, pixels = window->out_h * window->out_w;
  int32_t k = window->channels / conv->groups * window->kernel_h * window->kernel_w;
  int64_t plane = (int64_t)window->in_h * window->in_w;
  *job = (or_cl_product_job_t){.dtype = conv->dtype,
                               .batch = (size_t)conv->images * (size_t)conv->groups,
                               .act = conv->act.kind,
                               .a = slots->weights,
                               .b = slots->x,
                               .bias = slots->bias,
                               .residual = slots->residual,
                               .c = slots->y,
                               .table = OR_NO_SLOT};
  job->args = (or_cl_product_args_t){.m = filters,
                                     .n = pixels,
                                     .k = k,
                                     .lda = k,
                                     .ldb = pixels,
                                     .ldc = pixels,
                                     .rank = 2,
                                     .extents = {conv->images, conv->groups, 1, 1},
                                     .bias_form = conv->bias != OR_NO_VALUE ? OR_CL_BIAS_ROWS : OR_CL_BIAS_NONE,
                                     .has_residual = conv->residual != OR_NO_VALUE,
                                     .width = pixels,
                                     .used = pixels,
                                     .last_start = INT32_MAX,
                                     .splits = 1,
                                     .split_k = k,
                                     .in_h = window->in_h,
                                     .in_w = window->in_w,
                                     .stride_h = window->stride_h,
                                     .stride_w = window->stride_w,
                                     .pad_top = window->pad_top,
                                     .pad_left = window->pad_left,
                                     .alpha = 1.0F,
                                     .bias_scale = 1.0F,
                                     .residual_scale = 1.0F,
                                     .lo = conv->act.lo,
                                     .hi = conv->act.hi,
                                     .c_item = (int64_t)filters * pixels,
                                     .a_strides = {0, (int64_t)filters * k},
                                     .b_strides = {window->channels * plane, window->channels / conv->groups * plane},
                                     .bias_strides = {0, filters}};
  job->bytes = (double)or_dtype_bytes(conv->dtype, 1) *
               ((double)window->filters * k + (double)conv->images * (double)window->channels * (double)plane +
                (double)job->batch * (double)filters * pixels);
}

/* Where the rows of B are: for each k, the pixel under that place of the window for output 0. */
typedef struct taps_t {
  const or_cl_window_args_t *window;
  int32_t count;
  bool planes; /* in what lay_image makes: one number; else in the image: offset, row, column, 0 */
} taps_t;

static or_status_t fill_taps(const void *self, const void *source, void *destination) {
  const taps_t *taps = self;
  const or_cl_window_args_t *w = taps->window;
  int32_t *to = destination;
  (void)source;
  for (int32_t k = 0; k < taps->count; ++k) {
    int32_t column = k % w->kernel_w * w->dilation_w, row = k / w->kernel_w % w->kernel_h * w->dilation_h;
    int32_t channel = k / w->kernel_w / w->kernel_h;
    if (!taps->planes) {
      *to++ = (channel * w->in_h + row) * w->in_w + column;
      *to++ = row;
      *to++ = column;
      *to++ = 0;
      continue;
    }
    int32_t plane = (channel * w->phases_h + row % w->stride_h) * w->phases_w + column % w->stride_w;
    *to++ = (plane * w->lines + row / w->stride_h) * w->width + column / w->stride_w;
  }
  return or_status_success();
}

static or_status_t make_taps(or_cl_build_t *build, const or_cl_conv_t *conv, bool planes, or_cl_product_job_t *job) {
  const or_cl_window_args_t *w = &conv->window;
  taps_t taps = {.window = w, .count = job->args.k, .planes = planes};
  or_cl_packing_t packing = {
      .bytes = (size_t)taps.count * (planes ? 1 : 4) * sizeof(int32_t), .fill = fill_taps, .self = &taps};
  (void)or_format(packing.packing, sizeof packing.packing, "taps%d k%d %dx%d d%dx%d s%dx%d %dx%d", planes ? 1 : 4,
                  taps.count, w->kernel_h, w->kernel_w, w->dilation_h, w->dilation_w, planes ? w->stride_h : 1,
                  planes ? w->stride_w : 1, planes ? w->lines : w->in_h, planes ? w->width : w->in_w);
  return or_cl_build_packed(build, &packing, &job->table);
}

static or_status_t prepare_tiles(or_cl_build_t *build, const or_cl_conv_t *conv, or_cl_product_job_t *job) {
  if (or_cl_conv_is_pointwise(&conv->window)) return or_cl_product_tiles(build, job);
  job->image = true;
  job->args.width = job->args.used = conv->window.out_w;
  or_status_t status = make_taps(build, conv, false, job);
  return or_ok(status) ? or_cl_product_tiles(build, job) : status;
}

static or_status_t lay_image(or_cl_build_t *build, const or_cl_conv_t *conv, size_t slack, or_cl_product_job_t *job) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_cl_window_args_t *window = &conv->window;
  size_t element = or_dtype_bytes(or_cl_product_sums(device, conv->dtype), 1);
  size_t planes = (size_t)conv->images * (size_t)window->channels * (size_t)(window->phases_h * window->phases_w);
  size_t plane = (size_t)window->lines * (size_t)window->width, count = 0;
  or_slot_id_t laid = OR_NO_SLOT;
  if (!or_mul_size(planes, plane, &count) || !or_add_size(count, slack, &count) ||
      !or_mul_size(count, element, &count)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu planes of %zu pixels overflow size_t", planes, plane);
  }
  or_status_t status = or_cl_build_scratch(build, count, &laid);
  if (!or_ok(status)) return status;
  char options[256];
  (void)or_cl_product_options(device, conv->dtype, "0", OR_ACT_NONE, options);
  size_t length = strlen(options);
  (void)or_format(options + length, sizeof options - length, " -DWIDTH=64");
  or_cl_argument_t arguments[] = {or_cl_slot(job->b), or_cl_slot(laid), or_cl_bytes(window, sizeof *window)};
  or_cl_launch_t launch = {.source = "conv",
                           .entry = "lay_image",
                           .options = options,
                           .arguments = arguments,
                           .argument_count = 3,
                           .dimensions = 2,
                           .global = {(size_t)window->lines, planes},
                           .bytes = 2.0 * (double)count};
  job->b = laid;
  job->args.b_strides[0] = (int64_t)(planes * plane) / conv->images;
  job->args.b_strides[1] = job->args.b_strides[0] / conv->groups;
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare_panels(or_cl_build_t *build, const or_cl_conv_t *conv, or_cl_product_job_t *job) {
  const or_cl_window_args_t *window = &conv->window;
  or_dtype_t sums = or_cl_product_sums(or_cl_build_device(build), conv->dtype);
  or_cl_panel_t panel;
  or_status_t status = or_cl_product_panel(build, sums, &panel);
  if (!or_ok(status)) return status;
  int32_t columns = or_cl_panel_columns(panel);
  job->args.b_panel = columns;
  if (or_cl_conv_is_pointwise(window) && conv->dtype == sums && job->args.n >= columns) {
    job->args.last_start = job->args.n - columns; /* nothing is read behind the image */
    return or_cl_product_panels(build, job, panel, false);
  }
  job->args.width = window->width;
  job->args.used = window->out_w;
  job->args.n = (window->out_h - 1) * window->width + window->out_w;
  status = lay_image(build, conv, (size_t)columns, job);
  if (or_ok(status)) status = make_taps(build, conv, true, job);
  return or_ok(status) ? or_cl_product_panels(build, job, panel, true) : status;
}
