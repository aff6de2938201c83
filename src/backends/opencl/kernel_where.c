/* Where, of any type of whole bytes. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/where.h"

static bool read_strides(const or_node_view_t *view, or_cl_strides_t *out) {
  const or_shape_t *shapes[3];
  for (uint32_t i = 0; i < 3; ++i) shapes[i] = &or_view_input(view, i)->shape;
  return or_cl_broadcast(&or_view_output(view, 0)->shape, shapes, 3, out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_strides_t strides;
  (void)device;
  if (view->fused || view->call.op != &or_op_where) return false;
  return or_cl_bytes_name(or_view_output(view, 0)->dtype) != NULL && read_strides(view, &strides);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *y = or_view_output(view, 0);
  or_slot_id_t slots[4];
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < 3; ++i) {
    status = or_cl_build_read(build, view->core->inputs[i], &slots[i]);
  }
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &slots[3]);
  if (!or_ok(status)) return status;
  or_cl_strides_t strides;
  int32_t steps[3];
  (void)read_strides(view, &strides); /* match has looked */
  int32_t inner = or_cl_split_rows(&strides, steps);
  uint32_t width = inner < 4 ? 1 : or_cl_vector_width(device, y->dtype);
  size_t count = or_view_count(&y->shape), rows = inner > 0 ? count / (size_t)inner : 0;
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u", or_cl_bytes_name(y->dtype), width);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(slots[0]),
      or_cl_slot(slots[1]),
      or_cl_slot(slots[2]),
      or_cl_slot(slots[3]),
      or_cl_bytes(&strides, sizeof strides),
      or_cl_int((int64_t)rows),
      or_cl_int(inner),
      or_cl_int(steps[0]),
      or_cl_int(steps[1]),
      or_cl_int(steps[2]),
  };
  or_cl_launch_t launch = {.source = "move", .entry = "where", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 3 * (double)or_view_bytes(y);
  or_cl_launch_rows(device, &launch, ((size_t)inner + width - 1) / width, rows);
  or_cl_build_name(build, "pointwise");
  return or_cl_build_launch(build, &launch);
}

const or_cl_family_t or_cl_family_where = {.name = "where", .match = match, .prepare = prepare};
