/* The same bytes under another name or shape: no work at all, or one copy where the result must lie elsewhere. */
#include <string.h>

#include "backends/cpu/families_internal.h"

typedef struct state_t {
  or_cpu_slot_id_t from, to;
  size_t bytes;
} state_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  static const char *const names[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  if (view->fused || view->call.op->domain[0] != '\0' || view->call.output_count != 1) return false;
  const or_op_tensor_t *from = or_view_input(view, 0), *to = or_view_output(view, 0);
  bool moves = from->dtype == to->dtype && from->dtype != OR_STRING && or_view_bytes(from) == or_view_bytes(to);
  for (size_t i = 0; moves && i < sizeof names / sizeof *names; ++i) {
    if (strcmp(view->call.op->name, names[i]) == 0) return true;
  }
  return false;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  bool shared = false;
  or_cpu_build_name(build, "alias");
  or_status_t status = or_cpu_build_share(build, view->core->inputs[0], view->core->outputs[0], 0, &shared);
  if (!or_ok(status) || shared) return status;
  void *memory = NULL;
  status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->bytes = or_view_bytes(or_view_output(view, 0));
  status = or_cpu_build_read(build, view->core->inputs[0], &state->from);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->to);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  or_cpu_build_name(build, "copy");
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  return or_cpu_copy_bytes(run_state, run_state->slots[state->from], run_state->slots[state->to], state->bytes);
}

const or_cpu_family_t or_cpu_family_alias = {.name = "alias", .match = match, .prepare = prepare};
