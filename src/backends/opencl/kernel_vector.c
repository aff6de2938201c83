/* Copy and Fill of compute tasks, which are there for the work itself: nothing is shared instead. The other operators
 * on vectors are of the families of their functions. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/elements.h"
#include "ops/vector.h"

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  (void)device;
  if (view->fused) return false;
  const or_op_tensor_t *y = or_view_output(view, 0);
  if (!or_shape_is_static(&y->shape) || y->dtype == OR_STRING) return false;
  return view->call.op == &or_op_copy || (view->call.op == &or_op_fill && or_cl_bytes_name(y->dtype) != NULL);
}

static or_status_t copy(or_cl_build_t *build, const or_node_view_t *view, or_slot_id_t y) {
  or_slot_id_t x;
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &x);
  return or_ok(status) ? or_cl_build_copy(build, x, 0, y, 0, or_view_bytes(or_view_output(view, 0))) : status;
}

/* The value as bits. */
static or_status_t fill(or_cl_build_t *build, const or_node_view_t *view, or_slot_id_t y) {
  const or_op_tensor_t *out = or_view_output(view, 0);
  double value = (double)or_op_attribute_float(&view->call, "value", 0);
  uint64_t bits[2] = {0, 0};
  size_t count = or_view_count(&out->shape);
  or_elements_store(out->dtype, bits, 0, 1, &value);
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s", or_cl_bytes_name(out->dtype));
  const or_cl_argument_t arguments[] = {or_cl_slot(y), or_cl_long((int64_t)count), or_cl_long((int64_t)bits[0])};
  or_cl_launch_t launch = {.source = "move", .entry = "fill_bits", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = (double)or_view_bytes(out);
  or_cl_launch_items(or_cl_build_device(build), &launch, count);
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  or_slot_id_t y;
  bool copies = view->call.op == &or_op_copy;
  or_status_t status = or_cl_build_write(build, view->core->outputs[0], &y);
  or_cl_build_name(build, copies ? "copy" : "fill");
  if (!or_ok(status)) return status;
  return copies ? copy(build, view, y) : fill(build, view, y);
}

const or_cl_family_t or_cl_family_vector = {.name = "vector", .match = match, .prepare = prepare};
