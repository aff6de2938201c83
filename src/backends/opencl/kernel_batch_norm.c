/* BatchNormalization by statistics that are given. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/batch_normalization.h"
#include "ops/shape.h"

enum { X, SCALE, BIAS, MEAN, VARIANCE, INPUTS };

static bool trains(const or_node_view_t *view) {
  if (view->core->version >= 14) return or_op_attribute_int(&view->call, "training_mode", 0) != 0;
  return view->call.output_count > 1;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  if (view->fused || view->call.op != &or_op_batch_normalization || trains(view)) return false;
  if (view->core->version < 7 || view->call.output_count != 1 || view->call.input_count != INPUTS) return false;
  const or_shape_t *shape = &or_view_input(view, X)->shape;
  if (shape->rank < 2 || !or_shape_is_static(shape)) return false;
  bool wide = or_view_input(view, X)->dtype == OR_FLOAT64;
  for (uint32_t i = 0; i < INPUTS; ++i) {
    const or_op_tensor_t *input = or_view_input(view, i);
    if (!or_cl_is_float(device, input->dtype) || (i > 0 && input->shape.rank != 1)) return false;
    if ((input->dtype == OR_FLOAT64) != wide) return false;
  }
  return or_shape_product(shape, 0, 2) <= OR_CL_MOST_COUNTED &&
         or_shape_product(shape, 2, shape->rank) <= INT32_MAX / 2;
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *x = or_view_input(view, X);
  const or_node_t *node = view->core;
  or_slot_id_t slots[INPUTS], y;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < INPUTS; ++i) status = or_cl_build_read(build, node->inputs[i], &slots[i]);
  if (or_ok(status)) status = or_cl_build_overwrite(build, node->inputs[X], node->outputs[0], &y);
  if (!or_ok(status)) return status;
  size_t planes = (size_t)or_shape_product(&x->shape, 0, 2);
  size_t plane = (size_t)or_shape_product(&x->shape, 2, x->shape.rank);
  uint32_t width = plane < 4 ? 1 : or_cl_vector_width(device, x->dtype);
  char options[128];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u -DS=%s -DM=%s", or_cl_type_name(device, x->dtype), width,
                  or_cl_type_name(device, or_view_input(view, SCALE)->dtype),
                  or_cl_type_name(device, or_view_input(view, MEAN)->dtype));
  const or_cl_argument_t arguments[] = {
      or_cl_slot(slots[X]),        or_cl_slot(slots[SCALE]),
      or_cl_slot(slots[BIAS]),     or_cl_slot(slots[MEAN]),
      or_cl_slot(slots[VARIANCE]), or_cl_slot(y),
      or_cl_int((int64_t)planes),  or_cl_int((int64_t)plane),
      or_cl_int(x->shape.dims[1]), or_cl_float(or_op_attribute_float(&view->call, "epsilon", 1e-5F)),
  };
  or_cl_launch_t launch = {.source = "batch_norm", .entry = "batch_norm", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 2 * (double)or_view_bytes(x);
  or_cl_launch_rows(device, &launch, (plane + width - 1) / width, planes);
  or_cl_build_name(build, "norm");
  return or_cl_build_launch(build, &launch);
}

const or_cl_family_t or_cl_family_batch_norm = {.name = "batch norm", .match = match, .prepare = prepare};
