/* From a subgraph to a program: a family for each node, then the workspace. */
#include <string.h>

#include "backends/cpu/family_internal.h"
#include "backends/cpu/work_internal.h"
#include "hal/memory_plan.h"

static or_status_t build_nodes(or_cpu_build_t *build);
static or_status_t build_node(or_cpu_build_t *build, const or_node_t *node);
static or_status_t copy_step(const or_cpu_step_t *step, const or_cpu_run_t *run);
static or_status_t lay_out(or_cpu_build_t *build);

or_status_t or_cpu_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  or_cpu_build_t build = {0};
  or_status_t status = or_cpu_build_begin(&build, self, queue, subgraph);
  if (or_ok(status)) status = build_nodes(&build);
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
      .workspace_bytes = program->workspace_bytes,
      .workspace_bytes_unplanned = program->unplanned_bytes,
      .packed_bytes = program->packed_bytes,
      .run = or_cpu_program_run,
      .node = or_cpu_program_node,
      .release = or_cpu_program_release,
      .queue_optional = !program->needs_queue,
  };
  return status;
}

static or_status_t count_uses(or_cpu_build_t *build) {
  const or_subgraph_t *subgraph = build->subgraph;
  for (uint32_t v = 0; v < subgraph->value_count; ++v) {
    build->values[v] = (or_cpu_value_t){.dense = OR_CPU_NO_SLOT, .blocked = OR_CPU_NO_SLOT, .output = OR_NO_VALUE};
  }
  for (uint32_t n = 0; n < subgraph->node_count; ++n) {
    for (uint32_t i = 0; i < subgraph->nodes[n].input_count; ++i) {
      or_value_id_t value = subgraph->nodes[n].inputs[i];
      if (value != OR_NO_VALUE) ++build->values[value].uses;
    }
  }
  for (uint32_t i = subgraph->output_count; i-- > 0;) {
    ++build->values[subgraph->outputs[i]].uses;
    build->values[subgraph->outputs[i]].output = i;
  }
  for (uint32_t i = 0; i < subgraph->input_count; ++i) {
    or_value_id_t value = subgraph->inputs[i];
    or_cpu_slot_t slot = {.place = OR_CPU_INPUT, .index = i};
    uint64_t count = 0;
    if (or_shape_count(&subgraph->values[value].shape, &count)) {
      slot.bytes = or_dtype_bytes(subgraph->values[value].dtype, count);
    }
    or_status_t status = or_cpu_build_slot(build, slot, &build->values[value].dense);
    if (!or_ok(status)) return status;
  }
  return or_status_success();
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
  const or_node_t *node = producer_of(build->subgraph, value);
  for (uint32_t steps = 0; node != NULL && steps < build->subgraph->node_count; ++steps) {
    size_t i = 0, count = sizeof passing / sizeof *passing;
    while (i < count && strcmp(node->op, passing[i]) != 0) ++i;
    if (i == count || node->domain[0] != '\0') break;
    value = node->inputs[0];
    node = producer_of(build->subgraph, value);
  }
  const char *name = build->subgraph->values[value].name;
  if (name == NULL) name = "";
  return or_arena_strndup(&build->program->arena, name, strlen(name), out);
}

static or_status_t copy_names(or_cpu_build_t *build) {
  or_cpu_program_t *program = build->program;
  void *nodes = NULL, *names = NULL;
  size_t count = build->subgraph->node_count;
  or_status_t status = or_arena_array(&program->arena, count + 1, sizeof *program->nodes, &nodes);
  if (or_ok(status)) status = or_arena_array(&program->arena, count + 1, sizeof *program->names, &names);
  if (!or_ok(status)) return status;
  program->nodes = nodes;
  program->names = names;
  program->node_count = build->subgraph->node_count;
  for (uint32_t i = 0; or_ok(status) && i < program->node_count; ++i) {
    const char *name = build->subgraph->nodes[i].name;
    if (name == NULL) name = "";
    program->nodes[i].kernel = "";
    status = or_arena_strndup(&program->arena, name, strlen(name), &program->names[i]);
  }
  return status;
}

or_status_t or_cpu_build_begin(or_cpu_build_t *build, or_cpu_device_t *device, or_cpu_queue_t *queue,
                               const or_subgraph_t *subgraph) {
  *build = (or_cpu_build_t){.device = device, .queue = queue, .subgraph = subgraph};
  or_arena_init(&build->temporary, device->allocator);
  void *values = NULL;
  or_status_t status = or_cpu_program_create(device, &build->program);
  if (or_ok(status)) {
    status = or_arena_array(&build->temporary, (size_t)subgraph->value_count + 1, sizeof(or_cpu_value_t), &values);
  }
  build->values = values;
  if (or_ok(status)) status = copy_names(build);
  if (or_ok(status)) status = count_uses(build);
  return status;
}

void or_cpu_build_end(or_cpu_build_t *build) {
  or_free(build->device->allocator, build->touched);
  or_cpu_memory_release(build->device, &build->staging);
  or_arena_deinit(&build->temporary);
}

static or_status_t build_nodes(or_cpu_build_t *build) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < build->subgraph->node_count; ++i) {
    const or_node_t *node = &build->subgraph->nodes[i];
    build->node = i;
    status = or_cancel_status(build->subgraph->cancel);
    if (!or_ok(status)) return status;
    status = build_node(build, node);
    if (!or_ok(status)) return or_status_context(status, "node \"%s\" (%s)", build->program->names[i], node->op);
    or_cpu_build_node_done(build, node);
  }
  return status;
}

static or_status_t build_node(or_cpu_build_t *build, const or_node_t *node) {
  or_node_view_t view;
  bool known = false;
  char reason[160];
  or_status_t status = or_node_view_make(&build->temporary, build->subgraph, node, &view, &known, reason);
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

void or_cpu_build_node_done(or_cpu_build_t *build, const or_node_t *node) {
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] == OR_NO_VALUE) continue;
    or_cpu_value_t *value = &build->values[node->inputs[i]];
    --value->uses;
    if (value->dense == OR_CPU_NO_SLOT) continue;
    or_cpu_slot_t *slot = &build->program->slots[value->dense];
    while (slot->place == OR_CPU_ALIAS) slot = &build->program->slots[slot->index];
    if (slot->uses > 0) --slot->uses;
  }
}

typedef struct copy_state_t {
  or_cpu_slot_id_t from, to;
  size_t bytes;
} copy_state_t;

static or_status_t add_copy(or_cpu_build_t *build, or_value_id_t value, uint32_t output) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(copy_state_t), &memory);
  if (!or_ok(status)) return status;
  copy_state_t *state = memory;
  status = or_cpu_build_read(build, value, &state->from);
  if (!or_ok(status)) return status;
  or_cpu_slot_t slot = {.place = OR_CPU_OUTPUT, .index = output, .bytes = build->program->slots[state->from].bytes};
  state->bytes = slot.bytes;
  status = or_cpu_build_slot(build, slot, &state->to);
  if (or_ok(status)) status = or_cpu_build_step(build, copy_step, state);
  return status;
}

static or_status_t copy_step(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const copy_state_t *state = step->state;
  return or_cpu_copy_bytes(run, run->slots[state->from], run->slots[state->to], state->bytes);
}

or_status_t or_cpu_build_finish(or_cpu_build_t *build) {
  const or_subgraph_t *subgraph = build->subgraph;
  build->node = subgraph->node_count > 0 ? subgraph->node_count - 1 : 0;
  for (uint32_t i = 0; i < subgraph->output_count; ++i) {
    or_cpu_slot_id_t slot = OR_CPU_NO_SLOT;
    or_status_t status = or_cpu_build_read(build, subgraph->outputs[i], &slot);
    build->touched_count = 0;
    if (!or_ok(status)) return status;
    const or_cpu_slot_t *root = &build->program->slots[slot];
    size_t offset = 0;
    while (root->place == OR_CPU_ALIAS) {
      offset += root->offset;
      root = &build->program->slots[root->index];
    }
    if (root->place == OR_CPU_OUTPUT && root->index == i && offset == 0) continue;
    status = add_copy(build, subgraph->outputs[i], i);
    if (!or_ok(status)) return status;
  }
  return lay_out(build);
}

static or_status_t lay_out(or_cpu_build_t *build) {
  or_cpu_program_t *program = build->program;
  void *memory = NULL;
  size_t count = program->slot_count, total = 0;
  or_status_t status = or_arena_array(&build->temporary, count + 1, sizeof(or_lifetime_t), &memory);
  if (!or_ok(status)) return status;
  or_lifetime_t *lifetimes = memory;
  program->unplanned_bytes = program->table_bytes = or_align_up((count + 1) * sizeof(void *), OR_DEFAULT_ALIGNMENT);
  for (size_t i = 0; i < count; ++i) {
    const or_cpu_slot_t *slot = &program->slots[i];
    if (slot->place != OR_CPU_ARENA || !slot->touched) continue;
    lifetimes[i] = (or_lifetime_t){.bytes = slot->bytes, .first = slot->first, .last = slot->last};
    program->unplanned_bytes += or_align_up(slot->bytes, OR_DEFAULT_ALIGNMENT);
  }
  status = or_memory_plan(build->device->allocator, lifetimes, count, OR_DEFAULT_ALIGNMENT, &total);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < count; ++i) {
    if (program->slots[i].place == OR_CPU_ARENA) program->slots[i].offset = lifetimes[i].offset;
  }
  if (!or_add_size(program->table_bytes, total, &program->workspace_bytes)) {
    status = or_error(OR_RESOURCE_EXHAUSTED, "a workspace of %zu bytes and its table do not fit", total);
  }
  return status;
}
