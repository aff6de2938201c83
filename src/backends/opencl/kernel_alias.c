/* The same bytes under another name or shape: no work at all, or one copy where the result must lie elsewhere. */
#include "backends/opencl/program_internal.h"

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  (void)device;
  return or_view_is_alias(view);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  bool shared = false;
  or_slot_id_t from = OR_NO_SLOT, to = OR_NO_SLOT;
  or_status_t status = or_cl_build_share(build, view->core->inputs[0], view->core->outputs[0], 0, &shared);
  if (!or_ok(status) || shared) return status;
  status = or_cl_build_read(build, view->core->inputs[0], &from);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &to);
  if (or_ok(status)) status = or_cl_build_copy(build, from, 0, to, 0, or_view_bytes(or_view_output(view, 0)));
  or_cl_build_name(build, "copy");
  return status;
}

const or_cl_family_t or_cl_family_alias = {.name = "alias", .match = match, .prepare = prepare};
