/* From a subgraph to a program: a family for each node, then the workspace. */
#include <string.h>

#include "backends/cpu/family_internal.h"
#include "backends/cpu/work_internal.h"

static or_status_t build_node(void *self, const or_node_t *node);
static or_status_t copy_step(const or_cpu_step_t *step, const or_cpu_run_t *run);

or_status_t or_cpu_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  or_cpu_build_t build = {0};
  or_status_t status = or_cpu_build_begin(&build, self, queue, subgraph);
  if (or_ok(status)) status = or_lowering_nodes(&build.lowering, build_node, &build);
  if (or_ok(status)) status = or_cpu_build_finish(&build);
  if (or_ok(status)) status = or_cpu_program_first_frame(build.program);
  or_cpu_build_end(&build);
  or_cpu_program_t *program = build.program;
  if (!or_ok(status)) {
    or_cpu_program_release(program);
    return status;
  }
  *out = (or_executable_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = program,
      .workspace_bytes = program->lowered.workspace_bytes,
      .workspace_bytes_unplanned = program->lowered.unplanned_bytes,
      .packed_bytes = program->lowered.packed_bytes,
      .run = or_cpu_program_run,
      .node = or_cpu_program_node,
      .release = or_cpu_program_release,
      .queue_optional = !program->needs_queue,
  };
  return status;
}

static const or_node_t *producer_of(const or_subgraph_t *subgraph, or_value_id_t value) {
  for (uint32_t n = 0; n < subgraph->node_count; ++n) {
    for (uint32_t i = 0; i < subgraph->nodes[n].output_count; ++i) {
      if (subgraph->nodes[n].outputs[i] == value) return &subgraph->nodes[n];
    }
  }
  return NULL;
}

or_status_t or_cpu_build_source(or_cpu_build_t *build, or_value_id_t value, const char **out) {
  static const char *const passing[] = {"Reshape", "Cast", "Squeeze", "Unsqueeze", "Identity", "Flatten", "Expand"};
  const or_node_t *node = producer_of(build->lowering.subgraph, value);
  for (uint32_t steps = 0; node != NULL && steps < build->lowering.subgraph->node_count; ++steps) {
    size_t i = 0, count = sizeof passing / sizeof *passing;
    while (i < count && strcmp(node->op, passing[i]) != 0) ++i;
    if (i == count || node->domain[0] != '\0') break;
    value = node->inputs[0];
    node = producer_of(build->lowering.subgraph, value);
  }
  const char *name = build->lowering.subgraph->values[value].name;
  if (name == NULL) name = "";
  return or_arena_strndup(&build->program->lowered.arena, name, strlen(name), out);
}

or_status_t or_cpu_build_begin(or_cpu_build_t *build, or_cpu_device_t *device, or_cpu_queue_t *queue,
                               const or_subgraph_t *subgraph) {
  *build = (or_cpu_build_t){.device = device, .queue = queue};
  or_status_t status = or_cpu_program_create(device, &build->program);
  if (!or_ok(status)) return status;
  status = or_lowering_begin(&build->lowering, &build->program->lowered, device->allocator, device->device, subgraph);
  build->lowering.constants_in_place = true;
  void *blocked = NULL;
  if (or_ok(status)) {
    status =
        or_arena_array(&build->lowering.temporary, (size_t)subgraph->value_count + 1, sizeof *build->blocked, &blocked);
  }
  build->blocked = blocked;
  for (uint32_t v = 0; or_ok(status) && v < subgraph->value_count; ++v) build->blocked[v].slot = OR_NO_SLOT;
  return status;
}

void or_cpu_build_end(or_cpu_build_t *build) {
  or_free(build->device->allocator, build->touched);
  or_cpu_memory_release(build->device, &build->staging);
  or_lowering_end(&build->lowering);
}

static or_status_t build_node(void *self, const or_node_t *node) {
  or_cpu_build_t *build = self;
  or_node_view_t view;
  bool known = false;
  char reason[160];
  or_status_t status =
      or_node_view_make(&build->lowering.temporary, build->lowering.subgraph, node, &view, &known, reason);
  if (!or_ok(status)) return status;
  if (!known) return or_error(OR_UNIMPLEMENTED, "%s", reason);
  size_t index = 0;
  const or_cpu_family_t *family = or_cpu_family_find(build->device, &view, &index);
  while (family != NULL) {
    status = family->prepare(build, &view);
    if (or_status_code(status) != OR_UNIMPLEMENTED) return status;
    ++index;
    family = or_cpu_family_find(build->device, &view, &index);
    if (family != NULL) or_status_ignore(status); /* the next family does it */
  }
  return or_ok(status) ? or_error(OR_UNIMPLEMENTED, "no kernel takes this node") : status;
}

typedef struct copy_state_t {
  or_slot_id_t from, to;
  size_t bytes;
} copy_state_t;

static or_status_t add_copy(or_cpu_build_t *build, or_value_id_t value, uint32_t output) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(copy_state_t), &memory);
  if (!or_ok(status)) return status;
  copy_state_t *state = memory;
  status = or_cpu_build_read(build, value, &state->from);
  if (!or_ok(status)) return status;
  or_slot_t slot = {
      .place = OR_PLACE_OUTPUT, .index = output, .bytes = build->program->lowered.slots[state->from].bytes};
  state->bytes = slot.bytes;
  status = or_lowering_slot(&build->lowering, slot, &state->to);
  if (or_ok(status)) status = or_cpu_build_step(build, copy_step, state);
  return status;
}

static or_status_t copy_step(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const copy_state_t *state = step->state;
  return or_cpu_copy_bytes(run, run->slots[state->from], run->slots[state->to], state->bytes);
}

or_status_t or_cpu_build_finish(or_cpu_build_t *build) {
  const or_subgraph_t *subgraph = build->lowering.subgraph;
  const or_lowered_t *lowered = &build->program->lowered;
  build->lowering.node = subgraph->node_count > 0 ? subgraph->node_count - 1 : 0;
  for (uint32_t i = 0; i < subgraph->output_count; ++i) {
    or_slot_id_t slot = OR_NO_SLOT;
    or_status_t status = or_cpu_build_read(build, subgraph->outputs[i], &slot);
    build->touched_count = 0;
    if (or_ok(status) && !or_lowered_is_output(lowered, slot, i)) status = add_copy(build, subgraph->outputs[i], i);
    if (!or_ok(status)) return status;
  }
  /* Before the values: the addresses of the slots. */
  size_t table = (lowered->slot_count + 1) * sizeof(void *);
  return or_lowering_lay_out(&build->lowering, table, OR_DEFAULT_ALIGNMENT);
}
