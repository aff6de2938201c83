/* From a subgraph to a program: a family for each node, then the workspace. */
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "base/cancel.h"
#include "hal/memory_plan.h"

/* Places in the workspace: what vectors and a GPU's memory transactions want. */
#define PLACE_ALIGNMENT 256u

static or_status_t begin(or_cl_build_t *build, or_cl_device_t *device, or_cl_queue_t *queue,
                         const or_subgraph_t *subgraph);
static or_status_t build_nodes(or_cl_build_t *build);
static or_status_t build_node(or_cl_build_t *build, const or_node_t *node);
static or_status_t finish(or_cl_build_t *build);
static or_status_t lay_out(or_cl_build_t *build);

or_status_t or_cl_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  or_cl_build_t build = {0};
  or_status_t status = begin(&build, self, queue, subgraph);
  if (or_ok(status)) status = build_nodes(&build);
  if (or_ok(status)) status = finish(&build);
  or_arena_deinit(&build.temporary);
  or_cl_program_t *program = build.program;
  if (!or_ok(status)) {
    or_cl_program_release(program);
    return status;
  }
  *out = (or_executable_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = program,
      .workspace_bytes = program->workspace_bytes,
      .workspace_bytes_unplanned = program->unplanned_bytes,
      .packed_bytes = program->packed_bytes,
      .run = or_cl_program_run,
      .node = or_cl_program_node,
      .release = or_cl_program_release,
  };
  return status;
}

static or_status_t create_program(or_cl_build_t *build) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(build->device->allocator, sizeof(or_cl_program_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_program_t *program = memory;
  program->device = build->device;
  program->faults = OR_CL_NO_SLOT;
  or_arena_init(&program->arena, build->device->allocator);
  or_mutex_init(&program->mutex);
  build->program = program;
  return status;
}

static or_status_t count_uses(or_cl_build_t *build) {
  const or_subgraph_t *subgraph = build->subgraph;
  for (uint32_t v = 0; v < subgraph->value_count; ++v) {
    build->values[v] = (or_cl_value_t){.slot = OR_CL_NO_SLOT, .output = OR_NO_VALUE};
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
    or_cl_slot_t slot = {.place = OR_CL_INPUT, .index = i};
    uint64_t count = 0;
    if (or_shape_count(&subgraph->values[value].shape, &count)) {
      slot.bytes = or_dtype_bytes(subgraph->values[value].dtype, count);
    }
    or_status_t status = or_cl_build_slot(build, slot, &build->values[value].slot);
    if (!or_ok(status)) return status;
  }
  return or_status_success();
}

static or_status_t copy_names(or_cl_build_t *build) {
  or_cl_program_t *program = build->program;
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

static or_status_t begin(or_cl_build_t *build, or_cl_device_t *device, or_cl_queue_t *queue,
                         const or_subgraph_t *subgraph) {
  *build = (or_cl_build_t){.device = device, .queue = queue, .subgraph = subgraph};
  or_arena_init(&build->temporary, device->allocator);
  void *values = NULL;
  or_status_t status = create_program(build);
  if (or_ok(status)) {
    status = or_arena_array(&build->temporary, (size_t)subgraph->value_count + 1, sizeof(or_cl_value_t), &values);
  }
  build->values = values;
  if (or_ok(status)) status = copy_names(build);
  if (or_ok(status)) status = count_uses(build);
  return status;
}

/* After a node's launches: what it read is read. */
static void node_done(or_cl_build_t *build, const or_node_t *node) {
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] == OR_NO_VALUE) continue;
    or_cl_value_t *value = &build->values[node->inputs[i]];
    --value->uses;
    if (value->slot == OR_CL_NO_SLOT) continue;
    or_cl_slot_t *root = or_cl_build_root(build, value->slot);
    if (root->uses > 0) --root->uses;
  }
}

static or_status_t build_nodes(or_cl_build_t *build) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < build->subgraph->node_count; ++i) {
    const or_node_t *node = &build->subgraph->nodes[i];
    build->node = i;
    status = or_cancel_status(build->subgraph->cancel);
    if (!or_ok(status)) return status;
    status = build_node(build, node);
    if (!or_ok(status)) return or_status_context(status, "node \"%s\" (%s)", build->program->names[i], node->op);
    node_done(build, node);
  }
  return status;
}

static or_status_t build_node(or_cl_build_t *build, const or_node_t *node) {
  or_node_view_t view;
  bool known = false;
  char reason[160];
  or_status_t status = or_node_view_make(&build->temporary, build->subgraph, node, &view, &known, reason);
  if (!or_ok(status)) return status;
  if (!known) return or_error(OR_UNIMPLEMENTED, "%s", reason);
  size_t index = 0;
  const or_cl_family_t *family = or_cl_family_find(build->device, &view, &index);
  while (family != NULL) {
    or_cl_build_name(build, family->name);
    status = family->prepare(build, &view);
    if (or_status_code(status) != OR_UNIMPLEMENTED) return status;
    ++index;
    family = or_cl_family_find(build->device, &view, &index);
    if (family != NULL) or_status_ignore(status); /* the next family does it */
  }
  return or_ok(status) ? or_error(OR_UNIMPLEMENTED, "no kernel takes this node") : status;
}

/* An output that no launch has written in place: an input, a constant, or a value that is two outputs. */
static or_status_t add_copy(or_cl_build_t *build, or_cl_slot_id_t from, uint32_t output) {
  or_cl_slot_id_t to = OR_CL_NO_SLOT;
  size_t bytes = build->program->slots[from].bytes;
  or_cl_slot_t slot = {.place = OR_CL_OUTPUT, .index = output, .bytes = bytes};
  or_status_t status = or_cl_build_slot(build, slot, &to);
  if (or_ok(status)) status = or_cl_build_copy(build, from, 0, to, 0, bytes);
  return status;
}

static or_status_t finish(or_cl_build_t *build) {
  const or_subgraph_t *subgraph = build->subgraph;
  build->node = subgraph->node_count > 0 ? subgraph->node_count - 1 : 0;
  for (uint32_t i = 0; i < subgraph->output_count; ++i) {
    or_cl_slot_id_t slot = OR_CL_NO_SLOT;
    or_status_t status = or_cl_build_read(build, subgraph->outputs[i], &slot);
    if (!or_ok(status)) return status;
    const or_cl_slot_t *own = &build->program->slots[slot], *root = or_cl_build_root(build, slot);
    bool in_place = root->place == OR_CL_OUTPUT && root->index == i && (own == root || own->offset == 0);
    if (!in_place) status = add_copy(build, slot, i);
    if (!or_ok(status)) return status;
  }
  return lay_out(build);
}

/* The places of faults live as long as the run. */
static or_status_t add_faults(or_cl_build_t *build) {
  or_cl_program_t *program = build->program;
  if (program->fault_count == 0) return or_status_success();
  or_status_t status = or_cl_build_scratch(build, program->fault_count * sizeof(int32_t), &program->faults);
  if (!or_ok(status)) return status;
  or_cl_slot_t *slot = &program->slots[program->faults];
  slot->touched = true;
  slot->first = 0;
  slot->last = (uint32_t)program->step_count - 1;
  return status;
}

static or_status_t lay_out(or_cl_build_t *build) {
  or_cl_program_t *program = build->program;
  void *memory = NULL;
  or_status_t status = add_faults(build);
  size_t count = program->slot_count;
  if (or_ok(status)) status = or_arena_array(&build->temporary, count + 1, sizeof(or_lifetime_t), &memory);
  if (!or_ok(status)) return status;
  or_lifetime_t *lifetimes = memory;
  for (size_t i = 0; i < count; ++i) {
    const or_cl_slot_t *slot = &program->slots[i];
    if (slot->place != OR_CL_ARENA || !slot->touched) continue;
    lifetimes[i] = (or_lifetime_t){.bytes = slot->bytes, .first = slot->first, .last = slot->last};
    program->unplanned_bytes += or_align_up(slot->bytes, PLACE_ALIGNMENT);
  }
  status = or_memory_plan(build->device->allocator, lifetimes, count, PLACE_ALIGNMENT, &program->workspace_bytes);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < count; ++i) {
    if (program->slots[i].place == OR_CL_ARENA) program->slots[i].offset = lifetimes[i].offset;
  }
  return status;
}

void or_cl_program_release(void *self) {
  or_cl_program_t *program = self;
  if (program == NULL) return;
  const or_cl_device_t *device = program->device;
  for (size_t i = 0; i < program->step_count; ++i) {
    if (program->steps[i].kernel != NULL) (void)device->cl->ReleaseKernel(program->steps[i].kernel);
  }
  for (size_t i = 0; i < program->packed_count; ++i) or_packed_release(program->packed[i]);
  or_mutex_deinit(&program->mutex);
  or_arena_deinit(&program->arena);
  or_free(device->allocator, program->steps);
  or_free(device->allocator, program->slots);
  or_free(device->allocator, program->packed);
  or_free(device->allocator, program);
}

void or_cl_program_node(void *self, uint32_t index, or_executable_node_t *out) {
  const or_cl_program_t *program = self;
  *out = index < program->node_count ? program->nodes[index] : (or_executable_node_t){.kernel = ""};
}
