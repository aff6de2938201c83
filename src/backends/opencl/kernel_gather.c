/* Gather of any type of whole bytes; an index outside is found as it is used. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/shape.h"

/* x as [outer, extent, inner]. */
typedef struct extents_t {
  uint64_t outer, extent, inner, count; /* count: indices */
} extents_t;

static bool read_extents(const or_node_view_t *view, extents_t *out) {
  const or_shape_t *x = &or_view_input(view, 0)->shape, *indices = &or_view_input(view, 1)->shape;
  int32_t axis = 0;
  if (!or_shape_is_static(x) || !or_shape_is_static(indices)) return false;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", 0), x->rank, &axis);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  out->outer = or_shape_product(x, 0, axis);
  out->extent = (uint64_t)x->dims[axis];
  out->inner = or_shape_product(x, axis + 1, x->rank);
  out->count = or_view_count(indices);
  uint64_t rows = out->outer * out->count;
  return rows <= OR_CL_MOST_COUNTED && out->extent <= INT32_MAX && out->inner <= INT32_MAX / 2;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  extents_t extents;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || strcmp(view->call.op->name, "Gather") != 0) return false;
  return or_cl_bytes_name(or_view_input(view, 0)->dtype) != NULL && read_extents(view, &extents);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *x = or_view_input(view, 0);
  extents_t at;
  if (!read_extents(view, &at)) return or_error(OR_UNIMPLEMENTED, "shapes of another family");
  or_slot_id_t slots[3];
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &slots[0]);
  if (or_ok(status)) status = or_cl_build_read(build, view->core->inputs[1], &slots[1]);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &slots[2]);
  if (!or_ok(status)) return status;
  uint32_t width = at.inner < 4 ? 1 : or_cl_vector_width(device, x->dtype);
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u", or_cl_bytes_name(x->dtype), width);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(slots[0]),
      or_cl_slot(slots[1]),
      or_cl_slot(slots[2]),
      or_cl_int(or_view_input(view, 1)->dtype == OR_INT64),
      or_cl_int((int64_t)at.count),
      or_cl_int((int64_t)at.extent),
      or_cl_int((int64_t)(at.outer * at.count)),
      or_cl_int((int64_t)at.inner),
      or_cl_fault(),
  };
  or_cl_launch_t launch = {.source = "move", .entry = "gather", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 2 * (double)or_view_bytes(or_view_output(view, 0));
  or_cl_launch_rows(device, &launch, (at.inner + width - 1) / width, at.outer * at.count);
  or_cl_build_name(build, "gather");
  return or_cl_build_launch(build, &launch);
}

const or_cl_family_t or_cl_family_gather = {.name = "gather", .match = match, .prepare = prepare};
