/* From a subgraph to a program: a family for each node, then the workspace. */
#include "backends/opencl/build_internal.h"

/* Places in the workspace: what vectors and a GPU's memory transactions want. */
#define PLACE_ALIGNMENT 256u

static or_status_t begin(or_cl_build_t *build, or_cl_device_t *device, or_cl_queue_t *queue,
                         const or_subgraph_t *subgraph);
static or_status_t build_node(void *self, const or_node_t *node);
static or_status_t finish(or_cl_build_t *build);

or_status_t or_cl_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  or_cl_build_t build = {0};
  or_status_t status = begin(&build, self, queue, subgraph);
  if (or_ok(status)) status = or_lowering_nodes(&build.lowering, build_node, &build);
  if (or_ok(status)) status = finish(&build);
  or_lowering_end(&build.lowering);
  or_cl_program_t *program = build.program;
  if (!or_ok(status)) {
    or_cl_program_release(program);
    return status;
  }
  *out = (or_executable_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = program,
      .workspace_bytes = program->lowered.workspace_bytes,
      .workspace_bytes_unplanned = program->lowered.unplanned_bytes,
      .packed_bytes = program->lowered.packed_bytes,
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
  program->faults = OR_NO_SLOT;
  or_mutex_init(&program->mutex);
  build->program = program;
  return status;
}

static or_status_t begin(or_cl_build_t *build, or_cl_device_t *device, or_cl_queue_t *queue,
                         const or_subgraph_t *subgraph) {
  *build = (or_cl_build_t){.device = device, .queue = queue};
  or_status_t status = create_program(build);
  if (!or_ok(status)) return status;
  return or_lowering_begin(&build->lowering, &build->program->lowered, device->allocator, device->device, subgraph);
}

static or_status_t build_node(void *self, const or_node_t *node) {
  or_cl_build_t *build = self;
  or_node_view_t view;
  bool known = false;
  char reason[160];
  or_status_t status =
      or_node_view_make(&build->lowering.temporary, build->lowering.subgraph, node, &view, &known, reason);
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
static or_status_t add_copy(or_cl_build_t *build, or_slot_id_t from, uint32_t output) {
  or_slot_id_t to = OR_NO_SLOT;
  size_t bytes = build->program->lowered.slots[from].bytes;
  or_slot_t slot = {.place = OR_PLACE_OUTPUT, .index = output, .bytes = bytes};
  or_status_t status = or_lowering_slot(&build->lowering, slot, &to);
  if (or_ok(status)) status = or_cl_build_copy(build, from, 0, to, 0, bytes);
  return status;
}

/* The places of faults live as long as the run. */
static or_status_t add_faults(or_cl_build_t *build) {
  or_cl_program_t *program = build->program;
  if (program->fault_count == 0) return or_status_success();
  or_status_t status = or_cl_build_scratch(build, program->fault_count * sizeof(int32_t), &program->faults);
  if (!or_ok(status)) return status;
  or_lowered_touch(&program->lowered, program->faults, 0);
  or_lowered_touch(&program->lowered, program->faults, (uint32_t)program->step_count - 1);
  return status;
}

static or_status_t finish(or_cl_build_t *build) {
  const or_subgraph_t *subgraph = build->lowering.subgraph;
  build->lowering.node = subgraph->node_count > 0 ? subgraph->node_count - 1 : 0;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < subgraph->output_count; ++i) {
    or_slot_id_t slot = OR_NO_SLOT;
    status = or_lowering_read(&build->lowering, subgraph->outputs[i], &slot);
    if (or_ok(status) && !or_lowered_is_output(&build->program->lowered, slot, i)) status = add_copy(build, slot, i);
  }
  if (or_ok(status)) status = add_faults(build);
  return or_ok(status) ? or_lowering_lay_out(&build->lowering, 0, PLACE_ALIGNMENT) : status;
}

void or_cl_program_release(void *self) {
  or_cl_program_t *program = self;
  if (program == NULL) return;
  const or_cl_device_t *device = program->device;
  for (size_t i = 0; i < program->step_count; ++i) {
    if (program->steps[i].kernel != NULL) (void)device->cl->ReleaseKernel(program->steps[i].kernel);
  }
  or_mutex_deinit(&program->mutex);
  or_lowered_deinit(&program->lowered);
  or_free(device->allocator, program->steps);
  or_free(device->allocator, program);
}

void or_cl_program_node(void *self, uint32_t index, or_executable_node_t *out) {
  const or_cl_program_t *program = self;
  or_lowered_node(&program->lowered, index, out);
}
