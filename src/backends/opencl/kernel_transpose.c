/* Transpose of any type of whole bytes. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "ops/transpose.h"

static bool read_copy(const or_node_view_t *view, or_cl_move_t *out) {
  const or_op_tensor_t *x = or_view_input(view, 0), *y = or_view_output(view, 0);
  int32_t permutation[OR_MAX_RANK];
  if (!or_shape_is_static(&x->shape)) return false;
  or_status_t status = or_transpose_permutation(&view->call, x->shape.rank, permutation);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  int64_t strides[OR_MAX_RANK];
  *out = (or_cl_move_t){.dtype = x->dtype, .layout = {.rank = x->shape.rank, .operands = 2}};
  or_cl_dense_strides(&x->shape, strides);
  or_cl_dense_strides(&y->shape, out->layout.strides[0]);
  for (int32_t i = 0; i < x->shape.rank; ++i) {
    out->layout.dims[i] = y->shape.dims[i];
    out->layout.strides[1][i] = strides[permutation[i]];
  }
  return or_cl_move_fits(out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_move_t copy;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || strcmp(view->call.op->name, "Transpose") != 0) return false;
  return read_copy(view, &copy);
}

/* Whether the elements stay where they are: only extents of 1 move. */
static bool stays(const or_cl_move_t *copy) {
  or_cl_strides_t joined;
  if (!or_cl_layout_join(&copy->layout, &joined)) return false;
  return joined.rank == 0 || (joined.rank == 1 && joined.strides[1][0] == 1);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  or_cl_move_t copy;
  (void)read_copy(view, &copy); /* match has looked */
  bool shared = false;
  or_status_t status = or_status_success();
  or_cl_build_name(build, "alias");
  if (stays(&copy)) status = or_cl_build_share(build, view->core->inputs[0], view->core->outputs[0], 0, &shared);
  if (!or_ok(status) || shared) return status;
  or_cl_build_name(build, "transpose");
  status = or_cl_build_read(build, view->core->inputs[0], &copy.x);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &copy.y);
  return or_ok(status) ? or_cl_move(build, &copy) : status;
}

const or_cl_family_t or_cl_family_transpose = {.name = "transpose", .match = match, .prepare = prepare};
