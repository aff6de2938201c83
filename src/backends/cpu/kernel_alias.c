/* The same bytes under another name or shape: no work at all, or one copy where the result must lie elsewhere. */
#include "backends/cpu/families_internal.h"

typedef struct state_t {
  or_slot_id_t from, to;
  size_t bytes;
} state_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  return or_view_is_alias(view);
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
