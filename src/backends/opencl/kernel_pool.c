/* MaxPool and AveragePool over one to three dimensions. */
#include <assert.h>
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/pool.h"
#include "ops/shape.h"

#define SPATIAL 3
#define LINE 64         /* as in kernels/pool.cl */
#define LIMIT (1 << 28) /* elements: sums and products of a few stay in int32 */

/* window_t of kernels/pool.cl; what is less than SPATIAL has extents of 1 in front. */
typedef struct or_cl_window_t {
  int32_t in[SPATIAL], out[SPATIAL], kernel[SPATIAL], stride[SPATIAL], dilation[SPATIAL];
  int32_t pad_begin[SPATIAL], pad_end[SPATIAL];
} or_cl_window_t;

static bool fits(const or_window_t *window, int32_t i) {
  int64_t reach =
      window->kernel[i] > LIMIT || window->dilation[i] > LIMIT ? LIMIT : window->kernel[i] * window->dilation[i];
  bool small = window->in[i] < LIMIT && window->out[i] < LIMIT && window->stride[i] < LIMIT && reach < LIMIT;
  return small && window->pad_begin[i] < LIMIT && window->pad_end[i] < LIMIT &&
         window->out[i] * window->stride[i] < LIMIT;
}

static bool read_window(const or_node_view_t *view, or_cl_window_t *out) {
  or_window_t window;
  const or_shape_t *x = &or_view_input(view, 0)->shape;
  if (!or_shape_is_static(x) || x->rank < 3 || x->rank > 2 + SPATIAL) return false;
  or_status_t status = or_window_make(&view->call, x, NULL, &window);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  for (int32_t i = 0; i < SPATIAL; ++i) {
    out->in[i] = out->out[i] = out->kernel[i] = out->stride[i] = out->dilation[i] = 1;
    out->pad_begin[i] = out->pad_end[i] = 0;
  }
  for (int32_t i = 0; i < window.rank; ++i) {
    int32_t to = SPATIAL - window.rank + i;
    if (!fits(&window, i)) return false;
    out->in[to] = (int32_t)window.in[i];
    out->out[to] = (int32_t)window.out[i];
    out->kernel[to] = (int32_t)window.kernel[i];
    out->stride[to] = (int32_t)window.stride[i];
    out->dilation[to] = (int32_t)window.dilation[i];
    out->pad_begin[to] = (int32_t)window.pad_begin[i];
    out->pad_end[to] = (int32_t)window.pad_end[i];
  }
  return or_shape_product(x, 0, 2) < LIMIT && or_shape_product(&or_view_output(view, 0)->shape, 2, x->rank) < LIMIT;
}

static bool is_max(const or_node_view_t *view) { return view->call.op == &or_op_max_pool; }

/* The maximum over nothing; NULL: a type that is not taken. */
static const char *least_of(const or_cl_device_t *device, or_dtype_t dtype) {
  if (or_cl_is_float(device, dtype)) return "(-INFINITY)";
  return dtype == OR_INT8 ? "CHAR_MIN" : dtype == OR_UINT8 ? "0" : NULL;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_window_t window;
  if (view->fused || (!is_max(view) && view->call.op != &or_op_average_pool)) return false;
  if (view->call.output_count != 1 || least_of(device, or_view_input(view, 0)->dtype) == NULL) return false;
  return read_window(view, &window);
}

/* Whether rows of the result are worth vectors: so many neighbours at once, or 1. */
static uint32_t span_of(const or_cl_device_t *device, or_dtype_t dtype, const or_cl_window_t *window) {
  uint32_t span = or_cl_vector_width(device, dtype);
  int32_t step = window->stride[2], reach = (window->kernel[2] - 1) * window->dilation[2];
  if (span == 1 || !or_cl_is_float(device, dtype) || step > 2) return 1;
  return (int32_t)span * step + reach <= LINE && window->out[2] >= 4 ? span : 1;
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *x = or_view_input(view, 0);
  or_cl_window_t window;
  if (!read_window(view, &window)) return or_error(OR_UNIMPLEMENTED, "shapes of another family");
  or_slot_id_t from, to;
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &from);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &to);
  if (!or_ok(status)) return status;
  bool padding = or_op_attribute_int(&view->call, "count_include_pad", 0) != 0;
  char options[96], least[32] = "", rows[16] = "";
  uint32_t span = span_of(device, x->dtype, &window);
  assert(span > 0);
  if (span > 1) (void)or_format(rows, sizeof rows, " -DSPAN=%u", span);
  if (is_max(view)) (void)or_format(least, sizeof least, " -DLEAST=%s", least_of(device, x->dtype));
  (void)or_format(options, sizeof options, "-DT=%s%s%s%s", or_cl_type_name(device, x->dtype), least,
                  padding && !is_max(view) ? " -DPADDING" : "", rows);
  size_t planes = (size_t)or_shape_product(&x->shape, 0, 2);
  const or_cl_argument_t arguments[] = {or_cl_slot(from), or_cl_slot(to), or_cl_bytes(&window, sizeof window),
                                        or_cl_int((int64_t)planes)};
  or_cl_launch_t launch = {.source = "pool", .entry = span > 1 ? "pool_rows" : "pool", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = (double)or_view_bytes(x) + (double)or_view_bytes(or_view_output(view, 0));
  launch.flops = view->call.op->cost(&view->call).flops;
  launch.dimensions = 3;
  launch.global[0] = ((size_t)window.out[2] + span - 1) / span;
  launch.global[1] = (size_t)window.out[0] * (size_t)window.out[1];
  launch.global[2] = planes;
  or_cl_build_name(build, "pool");
  return or_cl_build_launch(build, &launch);
}

const or_cl_family_t or_cl_family_pool = {.name = "pool", .match = match, .prepare = prepare};
