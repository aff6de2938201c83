/* Softmax and LogSoftmax along any axis. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/shape.h"
#include "ops/softmax.h"

static bool read_lines(const or_node_view_t *view, or_cl_lines_t *out) {
  int32_t axis = 0;
  const or_shape_t *shape = &or_view_input(view, 0)->shape;
  bool flat = view->core->version < 13; /* the dimensions from the axis on are one */
  if (!or_shape_is_static(shape)) return false;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", flat ? 1 : -1), shape->rank, &axis);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  out->outer = or_shape_product(shape, 0, axis);
  out->n = or_shape_product(shape, axis, flat ? shape->rank : axis + 1);
  out->columns = flat ? 1 : or_shape_product(shape, axis + 1, shape->rank);
  return or_cl_lines_fit(out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_lines_t lines;
  if (view->fused || (view->call.op != &or_op_softmax && view->call.op != &or_op_log_softmax)) return false;
  return or_cl_is_float(device, or_view_input(view, 0)->dtype) && read_lines(view, &lines);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *x = or_view_input(view, 0);
  or_value_id_t input = view->core->inputs[0];
  or_cl_lines_t lines;
  if (!read_lines(view, &lines)) return or_error(OR_UNIMPLEMENTED, "shapes of another family");
  or_cl_line_form_t form = or_cl_line_form(device, &lines, x->dtype);
  or_slot_id_t from, to;
  or_status_t status = or_cl_build_read(build, input, &from);
  if (or_ok(status)) status = or_cl_build_overwrite(build, input, view->core->outputs[0], &to);
  if (!or_ok(status)) return status;
  char options[96];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u -DLANES=%u%s", or_cl_type_name(device, x->dtype), form.width,
                  form.lanes, view->call.op == &or_op_log_softmax ? " -DLOGARITHM" : "");
  bool rows = lines.columns == 1;
  const or_cl_argument_t arguments[] = {
      or_cl_slot(from),
      or_cl_slot(to),
      or_cl_int((int64_t)lines.outer),
      or_cl_int((int64_t)lines.n),
      rows ? or_cl_local(form.local_bytes) : or_cl_int((int64_t)lines.columns),
  };
  or_cl_launch_t launch = {.source = "softmax", .entry = rows ? "softmax_rows" : "softmax_columns"};
  launch.options = options;
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 2 * (double)or_view_bytes(x);
  launch.flops = view->call.op->cost(&view->call).flops;
  or_cl_launch_lines(device, &lines, &form, &launch);
  or_cl_build_name(build, "softmax");
  return or_cl_build_launch(build, &launch);
}

const or_cl_family_t or_cl_family_softmax = {.name = "softmax", .match = match, .prepare = prepare};
