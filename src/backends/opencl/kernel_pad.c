/* Pad with a constant, of any type of whole bytes: the result is filled, and then x is copied into it. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/extents.h"
#include "ops/shape.h"

/* The number of pads, and where they lie; NULL: not known yet. */
static const int64_t *pads_of(const or_node_view_t *view, size_t *count) {
  if (view->core->version < 11) {
    return or_op_attribute_ints(&view->call, view->core->version < 2 ? "paddings" : "pads", count);
  }
  const or_op_tensor_t *input = or_view_input(view, 1);
  *count = or_view_count(&input->shape);
  return input->data;
}

/* Elements before each axis; negative: taken away. */
static bool read_begins(const or_node_view_t *view, int64_t begin[OR_MAX_RANK]) {
  int32_t rank = or_view_input(view, 0)->shape.rank;
  or_integers_t axes = {.known = true};
  size_t count = 0;
  const int64_t *pads = pads_of(view, &count);
  or_status_t status = or_status_success();
  if (view->core->version >= 18) status = or_integers_input(&view->call, 3, "axes", false, &axes);
  bool all = !or_view_has_input(view, 3);
  int32_t axis_count = all ? rank : axes.count;
  bool ok = or_ok(status) && axes.known && pads != NULL && axis_count >= 0 && count == 2 * (size_t)axis_count;
  memset(begin, 0, OR_MAX_RANK * sizeof *begin);
  for (int32_t i = 0; ok && i < axis_count; ++i) {
    int32_t axis = i;
    if (!all) status = or_axis_normalize(axes.values[i], rank, &axis);
    ok = or_ok(status);
    if (ok) begin[axis] = pads[i];
  }
  or_status_ignore(status); /* shape inference has told it already */
  return ok;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static bool read_copy(const or_node_view_t *view, or_cl_move_t *out) {
  const or_op_tensor_t *x = or_view_input(view, 0);
  const or_shape_t *y = &or_view_output(view, 0)->shape;
  int64_t begin[OR_MAX_RANK];
  if (!or_shape_is_static(&x->shape) || !or_shape_is_static(y) || !read_begins(view, begin)) return false;
  *out = (or_cl_move_t){.dtype = x->dtype, .layout = {.rank = y->rank, .operands = 2}};
  or_cl_dense_strides(y, out->layout.strides[0]);
  or_cl_dense_strides(&x->shape, out->layout.strides[1]);
  for (int32_t i = 0; i < y->rank; ++i) {
    int64_t from = begin[i] < 0 ? -begin[i] : 0, to = begin[i] > 0 ? begin[i] : 0;
    int64_t extent = least(x->shape.dims[i] - from, y->dims[i] - to);
    out->layout.dims[i] = extent > 0 ? extent : 0;
    out->x_first += from * out->layout.strides[1][i];
    out->y_first += to * out->layout.strides[0][i];
  }
  return or_cl_move_fits(out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_move_t copy;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || strcmp(view->call.op->name, "Pad") != 0) return false;
  if (!or_op_attribute_is(&view->call, "mode", "constant", "constant")) return false;
  bool by_attribute = view->core->version < 11;
  if (by_attribute && or_op_attribute_float(&view->call, "value", 0) != 0) return false;
  return read_copy(view, &copy);
}

static or_status_t fill(or_cl_build_t *build, const or_node_view_t *view, or_slot_id_t value, or_slot_id_t y) {
  const or_op_tensor_t *out = or_view_output(view, 0);
  size_t count = or_view_count(&out->shape);
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s", or_cl_bytes_name(out->dtype));
  bool given = value != OR_NO_SLOT;
  const or_cl_argument_t arguments[] = {or_cl_slot(given ? value : y), or_cl_slot(y), or_cl_long((int64_t)count),
                                        or_cl_int(given)};
  or_cl_launch_t launch = {.source = "move", .entry = "fill", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = (double)or_view_bytes(out);
  or_cl_launch_items(or_cl_build_device(build), &launch, count);
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_node_t *node = view->core;
  or_slot_id_t value = OR_NO_SLOT;
  or_cl_move_t copy;
  (void)read_copy(view, &copy); /* match has looked */
  bool given = view->core->version >= 11 && or_view_has_input(view, 2);
  or_status_t status = or_cl_build_read(build, node->inputs[0], &copy.x);
  if (or_ok(status) && given) status = or_cl_build_read(build, node->inputs[2], &value);
  if (or_ok(status)) status = or_cl_build_write(build, node->outputs[0], &copy.y);
  if (or_ok(status)) status = fill(build, view, value, copy.y);
  or_cl_build_name(build, "pad");
  return or_ok(status) ? or_cl_move(build, &copy) : status;
}

const or_cl_family_t or_cl_family_pad = {.name = "pad", .match = match, .prepare = prepare};
