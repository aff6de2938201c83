/* The tools with which kernel families put a program together: slots, steps, what they touch. */
#include <stdarg.h>
#include <string.h>

#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/program_internal.h"

bool or_cpu_build_same_place(const or_cpu_build_t *build, or_slot_id_t a, or_slot_id_t b) {
  const or_lowered_t *lowered = &build->program->lowered;
  return or_lowered_root(lowered, a) == or_lowered_root(lowered, b);
}

or_status_t or_cpu_build_alloc(or_cpu_build_t *build, size_t bytes, void **out) {
  return or_arena_alloc(&build->program->lowered.arena, bytes, out);
}

or_status_t or_cpu_build_temporary(or_cpu_build_t *build, size_t bytes, void **out) {
  return or_arena_alloc(&build->lowering.temporary, bytes, out);
}

or_status_t or_cpu_build_touch(or_cpu_build_t *build, or_slot_id_t slot) {
  void *touched = build->touched;
  or_status_t status = or_grow_array(build->device->allocator, build->touched_count + 1, sizeof *build->touched,
                                     &touched, &build->touched_capacity);
  if (!or_ok(status)) return status;
  build->touched = touched;
  build->touched[build->touched_count++] = slot;
  return status;
}

or_status_t or_cpu_build_read(or_cpu_build_t *build, or_value_id_t id, or_slot_id_t *out) {
  const or_lowering_value_t *value = &build->lowering.values[id];
  or_status_t status = or_status_success();
  if (value->slot == OR_NO_SLOT && build->blocked[id].slot != OR_NO_SLOT) {
    status = or_lowering_write(&build->lowering, id, out);
    if (or_ok(status)) status = or_cpu_dnnl_to_dense(build, id);
  }
  if (or_ok(status)) status = or_lowering_read(&build->lowering, id, out);
  return or_ok(status) ? or_cpu_build_touch(build, *out) : status;
}

or_status_t or_cpu_build_write(or_cpu_build_t *build, or_value_id_t id, or_slot_id_t *out) {
  or_status_t status = or_lowering_write(&build->lowering, id, out);
  return or_ok(status) ? or_cpu_build_touch(build, *out) : status;
}

or_status_t or_cpu_build_scratch(or_cpu_build_t *build, size_t bytes, or_slot_id_t *out) {
  or_slot_t slot = {.place = OR_PLACE_WORKSPACE, .bytes = bytes};
  or_status_t status = or_lowering_slot(&build->lowering, slot, out);
  return or_ok(status) ? or_cpu_build_touch(build, *out) : status;
}

or_status_t or_cpu_build_share(or_cpu_build_t *build, or_value_id_t input, or_value_id_t output, size_t offset,
                               bool *shared) {
  or_slot_id_t source = OR_NO_SLOT;
  size_t touched = build->touched_count;
  *shared = false;
  or_status_t status = or_cpu_build_read(build, input, &source);
  if (!or_ok(status)) return status;
  build->touched_count = touched; /* no step reads it */
  return or_lowering_share(&build->lowering, source, output, offset, shared);
}

or_status_t or_cpu_build_overwrite(or_cpu_build_t *build, or_value_id_t input, or_value_id_t output,
                                   or_slot_id_t *out) {
  or_status_t status = or_lowering_overwrite(&build->lowering, input, output, out);
  return or_ok(status) ? or_cpu_build_touch(build, *out) : status;
}

or_status_t or_cpu_build_step(or_cpu_build_t *build, or_cpu_step_fn run, const void *state) {
  or_cpu_program_t *program = build->program;
  void *steps = program->steps;
  or_status_t status = or_grow_array(program->device->allocator, program->step_count + 1, sizeof *program->steps,
                                     &steps, &program->step_capacity);
  if (!or_ok(status)) return status;
  program->steps = steps;
  uint32_t index = (uint32_t)program->step_count++;
  program->steps[index] = (or_cpu_step_t){.run = run, .node = build->lowering.node, .state = state};
  for (size_t i = 0; i < build->touched_count; ++i) or_lowered_touch(&program->lowered, build->touched[i], index);
  build->touched_count = 0;
  return status;
}

void or_cpu_build_name(or_cpu_build_t *build, const char *kernel) { or_lowering_name(&build->lowering, kernel); }

void or_cpu_build_precision(or_cpu_build_t *build, or_dtype_t precision) {
  build->program->lowered.nodes[build->lowering.node].precision = precision;
}

or_status_t or_cpu_build_name_format(or_cpu_build_t *build, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  or_status_t status = or_lowering_name_format(&build->lowering, format, arguments);
  va_end(arguments);
  return status;
}

typedef struct filling_t {
  or_cpu_build_t *build;
  const or_cpu_packing_t *packing;
} filling_t;

/* Weights that lie in a file are in memory only while they are packed, one after the other in the same place: what is
 * packed then lies together, and no holes of the size of weights are left between. */
static or_status_t stage(or_cpu_build_t *build, const or_constant_t *constant, const void **out) {
  or_status_t status = or_status_success();
  if (build->staging.bytes < constant->bytes) {
    or_cpu_memory_release(build->device, &build->staging);
    status = or_cpu_memory_alloc_staging(build->device, constant->bytes, &build->staging);
  }
  if (or_ok(status)) status = or_constant_read(constant, build->lowering.subgraph->cancel, build->staging.host);
  *out = build->staging.host;
  return status;
}

static or_status_t fill_packed(void *self, or_buffer_t *buffer) {
  const filling_t *filling = self;
  const or_cpu_packing_t *packing = filling->packing;
  const void *source = packing->constant->data;
  or_status_t status = or_status_success();
  if (source == NULL && packing->constant->bytes > 0) status = stage(filling->build, packing->constant, &source);
  if (or_ok(status)) status = packing->fill(packing->self, source, or_buffer_host_pointer(buffer));
  return status;
}

or_status_t or_cpu_build_packed(or_cpu_build_t *build, const or_cpu_packing_t *packing, const void **out) {
  or_packed_key_t key = {
      .hash = packing->constant->hash, .dtype = packing->constant->dtype, .source_bytes = packing->constant->bytes};
  memcpy(key.packing, packing->packing, sizeof key.packing);
  or_packed_t *packed = NULL;
  filling_t filling = {build, packing};
  or_status_t status = or_lowering_packed(&build->lowering, &key, packing->bytes, fill_packed, &filling, &packed);
  if (or_ok(status)) *out = or_buffer_host_pointer(or_packed_buffer(packed));
  return status;
}

or_status_t or_cpu_build_cleanup(or_cpu_build_t *build, void (*release)(void *self), void *self) {
  or_cpu_program_t *program = build->program;
  void *list = program->cleanups;
  or_status_t status = or_grow_array(program->device->allocator, program->cleanup_count + 1, sizeof *program->cleanups,
                                     &list, &program->cleanup_capacity);
  if (!or_ok(status)) {
    release(self);
    return status;
  }
  program->cleanups = list;
  program->cleanups[program->cleanup_count++] = (or_cpu_cleanup_t){release, self};
  return status;
}

or_status_t or_cpu_build_vendor(or_cpu_build_t *build, or_cpu_vendor_t vendor, uint32_t *out) {
  or_cpu_program_t *program = build->program;
  void *list = program->vendor;
  or_status_t status = or_grow_array(program->device->allocator, program->vendor_count + 1, sizeof vendor, &list,
                                     &program->vendor_capacity);
  if (!or_ok(status)) return status;
  program->vendor = list;
  program->vendor[program->vendor_count] = vendor;
  *out = (uint32_t)program->vendor_count++;
  return status;
}
