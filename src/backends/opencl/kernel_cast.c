/* Cast and CastLike between integers, bool and floating-point numbers of 16 bits and more. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/cast.h"
#include "ops/extents.h"

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  if (view->fused || (view->call.op != &or_op_cast && view->call.op != &or_op_cast_like)) return false;
  const or_op_tensor_t *x = or_view_input(view, 0), *y = or_view_output(view, 0);
  if (!or_shape_is_static(&x->shape)) return false;
  if (x->dtype == y->dtype) return x->dtype != OR_STRING;
  return or_cl_type_name(device, x->dtype) != NULL && or_cl_type_name(device, y->dtype) != NULL;
}

enum { TO_BOOL, TO_INTEGER, PLAIN, BY_ODD }; /* as in kernels/cast.cl */

static int form_of(or_dtype_t from, or_dtype_t to) {
  bool real = or_dtype_is_one_of(from, OR_OP_FLOATS);
  if (to == OR_BOOL) return TO_BOOL;
  if (real && !or_dtype_is_one_of(to, OR_OP_FLOATS)) return TO_INTEGER;
  bool narrow = to == OR_FLOAT16 || to == OR_BFLOAT16;
  bool wide = or_dtype_bits(from) >= 32 && from != OR_FLOAT32; /* a float does not hold it */
  return narrow && wide ? BY_ODD : PLAIN;
}

static or_status_t convert(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *x = or_view_input(view, 0), *y = or_view_output(view, 0);
  size_t count = or_view_count(&x->shape);
  or_slot_id_t from, to;
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &from);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &to);
  if (!or_ok(status)) return status;
  char options[96];
  (void)or_format(options, sizeof options, "-DT=%s -DU=%s -DFORM=%d", or_cl_type_name(device, x->dtype),
                  or_cl_type_name(device, y->dtype), form_of(x->dtype, y->dtype));
  const or_cl_argument_t arguments[] = {or_cl_slot(from), or_cl_slot(to), or_cl_long((int64_t)count)};
  or_cl_launch_t launch = {.source = "cast", .entry = "cast", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = (double)or_view_bytes(x) + (double)or_view_bytes(y);
  or_cl_launch_items(device, &launch, count);
  or_cl_build_name(build, "cast");
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  bool same = or_view_input(view, 0)->dtype == or_view_output(view, 0)->dtype;
  return same ? or_cl_same(build, view) : convert(build, view);
}

const or_cl_family_t or_cl_family_cast = {.name = "cast", .match = match, .prepare = prepare};
