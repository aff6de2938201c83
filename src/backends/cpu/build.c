/* The tools with which kernel families put a program together: slots, steps, what they touch. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/program_internal.h"

/* The slot that an alias stands for, which is none itself: chains would be as long as a model is deep. */
static or_cpu_slot_t *root_of(const or_cpu_build_t *build, or_cpu_slot_id_t id) {
  or_cpu_slot_t *slot = &build->program->slots[id];
  while (slot->place == OR_CPU_ALIAS) slot = &build->program->slots[slot->index];
  return slot;
}

/* Bytes from the start of the root to the start of the slot. */
static size_t offset_in_root(const or_cpu_build_t *build, or_cpu_slot_id_t id) {
  size_t offset = 0;
  const or_cpu_slot_t *slot = &build->program->slots[id];
  for (; slot->place == OR_CPU_ALIAS; slot = &build->program->slots[slot->index]) offset += slot->offset;
  return offset;
}

bool or_cpu_build_same_place(const or_cpu_build_t *build, or_cpu_slot_id_t a, or_cpu_slot_id_t b) {
  return root_of(build, a) == root_of(build, b);
}

or_status_t or_cpu_build_alloc(or_cpu_build_t *build, size_t bytes, void **out) {
  return or_arena_alloc(&build->program->arena, bytes, out);
}

or_status_t or_cpu_build_temporary(or_cpu_build_t *build, size_t bytes, void **out) {
  return or_arena_alloc(&build->temporary, bytes, out);
}

or_status_t or_cpu_build_slot(or_cpu_build_t *build, or_cpu_slot_t slot, or_cpu_slot_id_t *out) {
  or_cpu_program_t *program = build->program;
  void *slots = program->slots;
  or_status_t status =
      or_grow_array(program->device->allocator, program->slot_count + 1, sizeof slot, &slots, &program->slot_capacity);
  if (!or_ok(status)) return status;
  program->slots = slots;
  program->slots[program->slot_count] = slot;
  *out = (or_cpu_slot_id_t)program->slot_count++;
  return status;
}

or_status_t or_cpu_build_touch(or_cpu_build_t *build, or_cpu_slot_id_t slot) {
  void *touched = build->touched;
  or_status_t status = or_grow_array(build->device->allocator, build->touched_count + 1, sizeof *build->touched,
                                     &touched, &build->touched_capacity);
  if (!or_ok(status)) return status;
  build->touched = touched;
  build->touched[build->touched_count++] = slot;
  return status;
}

static or_status_t dense_bytes(const or_cpu_build_t *build, or_value_id_t value, size_t *bytes) {
  const or_value_info_t *info = &build->subgraph->values[value];
  uint64_t count = 0;
  *bytes = or_shape_count(&info->shape, &count) ? or_dtype_bytes(info->dtype, count) : SIZE_MAX;
  if (*bytes != SIZE_MAX) return or_status_success();
  char shape[200];
  return or_error(OR_UNIMPLEMENTED, "value \"%s\" is %s of %s: this device compiles static shapes of fixed width",
                  info->name, or_dtype_name(info->dtype), or_shape_format(&info->shape, shape, sizeof shape));
}

/* A dense place for a value that a step writes: an output's own, or a piece of the workspace. */
static or_status_t new_dense(or_cpu_build_t *build, or_value_id_t id) {
  or_cpu_value_t *value = &build->values[id];
  or_cpu_slot_t slot = {.place = OR_CPU_ARENA, .uses = value->uses};
  if (value->output != OR_NO_VALUE) {
    slot.place = OR_CPU_OUTPUT;
    slot.index = value->output;
  }
  or_status_t status = dense_bytes(build, id, &slot.bytes);
  if (or_ok(status)) status = or_cpu_build_slot(build, slot, &value->dense);
  return status;
}

/* Makes room for one more packed constant of the program. */
static or_status_t reserve_packed(or_cpu_program_t *program) {
  void *list = program->packed;
  or_status_t status = or_grow_array(program->device->allocator, program->packed_count + 1, sizeof(or_packed_t *),
                                     &list, &program->packed_capacity);
  if (or_ok(status)) program->packed = list;
  return status;
}

static const void *hold_packed(or_cpu_build_t *build, or_packed_t *packed, size_t bytes) {
  or_cpu_program_t *program = build->program;
  program->packed[program->packed_count++] = packed;
  program->packed_bytes += bytes;
  program->nodes[build->node].packed_bytes += bytes;
  return or_buffer_host_pointer(or_packed_buffer(packed));
}

/* A constant that is read as it is: where it lies, or from its file into the cache that executables share. */
static or_status_t constant_slot(or_cpu_build_t *build, or_value_id_t id) {
  const or_constant_t *constant = build->subgraph->values[id].constant;
  const void *data = constant->data;
  or_status_t status = or_status_success();
  if (data == NULL && constant->bytes > 0) {
    or_packed_t *packed = NULL;
    status = reserve_packed(build->program);
    if (or_ok(status)) status = or_packed_plain(build->device->device, constant, build->subgraph->cancel, &packed);
    if (or_ok(status)) data = hold_packed(build, packed, constant->bytes);
  }
  or_cpu_slot_t slot = {.place = OR_CPU_CONSTANT, .constant = data, .bytes = constant->bytes};
  if (or_ok(status)) status = or_cpu_build_slot(build, slot, &build->values[id].dense);
  return status;
}

or_status_t or_cpu_build_read(or_cpu_build_t *build, or_value_id_t id, or_cpu_slot_id_t *out) {
  or_cpu_value_t *value = &build->values[id];
  or_status_t status = or_status_success();
  if (value->dense == OR_CPU_NO_SLOT) {
    if (build->subgraph->values[id].constant != NULL) {
      status = constant_slot(build, id);
    } else if (value->blocked != OR_CPU_NO_SLOT) {
      status = new_dense(build, id);
      if (or_ok(status)) status = or_cpu_dnnl_to_dense(build, id);
    } else {
      status = or_error(OR_INVALID_ARGUMENT, "value \"%s\" is read before a node has made it",
                        build->subgraph->values[id].name);
    }
  }
  if (or_ok(status)) status = or_cpu_build_touch(build, value->dense);
  *out = value->dense;
  return status;
}

or_status_t or_cpu_build_write(or_cpu_build_t *build, or_value_id_t id, or_cpu_slot_id_t *out) {
  or_status_t status = new_dense(build, id);
  if (or_ok(status)) status = or_cpu_build_touch(build, build->values[id].dense);
  *out = build->values[id].dense;
  return status;
}

or_status_t or_cpu_build_scratch(or_cpu_build_t *build, size_t bytes, or_cpu_slot_id_t *out) {
  or_cpu_slot_t slot = {.place = OR_CPU_ARENA, .bytes = bytes};
  or_status_t status = or_cpu_build_slot(build, slot, out);
  if (or_ok(status)) status = or_cpu_build_touch(build, *out);
  return status;
}

or_status_t or_cpu_build_share(or_cpu_build_t *build, or_value_id_t input, or_value_id_t output, size_t offset,
                               bool *shared) {
  or_cpu_slot_id_t source = OR_CPU_NO_SLOT;
  size_t touched = build->touched_count, bytes = 0;
  or_cpu_value_t *to = &build->values[output];
  *shared = false;
  or_status_t status = dense_bytes(build, output, &bytes);
  if (or_ok(status)) status = or_cpu_build_read(build, input, &source);
  if (!or_ok(status)) return status;
  build->touched_count = touched; /* no step reads it */

  or_cpu_slot_t *root = root_of(build, source);
  if (to->output != OR_NO_VALUE) {
    /* The bytes have to end in the caller's buffer: they can if nothing has given them another place. */
    bool whole = offset == 0 && offset_in_root(build, source) == 0 && root->bytes == bytes;
    if (root->place != OR_CPU_ARENA || !whole) return status;
    root->place = OR_CPU_OUTPUT;
    root->index = to->output;
  }
  root->uses += to->uses;
  or_cpu_slot_t alias = {.place = OR_CPU_ALIAS,
                         .index = (uint32_t)(root - build->program->slots),
                         .offset = offset_in_root(build, source) + offset,
                         .bytes = bytes};
  status = or_cpu_build_slot(build, alias, &to->dense);
  *shared = or_ok(status);
  return status;
}

or_status_t or_cpu_build_overwrite(or_cpu_build_t *build, or_value_id_t input, or_value_id_t output,
                                   or_cpu_slot_id_t *out) {
  or_cpu_slot_id_t slot = build->values[input].dense;
  size_t bytes = 0;
  bool shared = false;
  or_status_t status = dense_bytes(build, output, &bytes);
  if (or_ok(status) && slot != OR_CPU_NO_SLOT) {
    const or_cpu_slot_t *root = root_of(build, slot);
    bool last = root->place == OR_CPU_ARENA && root->uses == 1 && build->program->slots[slot].bytes == bytes;
    if (last) status = or_cpu_build_share(build, input, output, 0, &shared);
  }
  if (or_ok(status) && !shared) return or_cpu_build_write(build, output, out);
  *out = build->values[output].dense;
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
  program->steps[index] = (or_cpu_step_t){.run = run, .node = build->node, .state = state};
  for (size_t i = 0; i < build->touched_count; ++i) {
    or_cpu_slot_t *root = root_of(build, build->touched[i]);
    if (!root->touched) root->first = index;
    root->touched = true;
    root->last = index;
  }
  build->touched_count = 0;
  return status;
}

void or_cpu_build_name(or_cpu_build_t *build, const char *kernel) {
  build->program->nodes[build->node].kernel = kernel;
}

void or_cpu_build_precision(or_cpu_build_t *build, or_dtype_t precision) {
  build->program->nodes[build->node].precision = precision;
}

or_status_t or_cpu_build_name_format(or_cpu_build_t *build, const char *format, ...) {
  char text[96];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments); /* cut if it must be: it is shown, not compared */
  va_end(arguments);
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(&build->program->arena, text, strlen(text), &copy);
  if (or_ok(status)) or_cpu_build_name(build, copy);
  return status;
}

or_status_t or_cpu_build_constant(or_cpu_build_t *build, const or_constant_t *constant, const void **out) {
  *out = constant->data;
  if (constant->data != NULL || constant->bytes == 0) return or_status_success();
  void *copy = NULL;
  or_status_t status = or_cpu_build_temporary(build, constant->bytes, &copy);
  if (or_ok(status)) status = or_constant_read(constant, build->subgraph->cancel, copy);
  *out = copy;
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
  if (or_ok(status)) status = or_constant_read(constant, build->subgraph->cancel, build->staging.host);
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
  or_status_t status = reserve_packed(build->program);
  if (or_ok(status))
    status = or_packed_get(build->device->device, &key, packing->bytes, fill_packed, &filling, &packed);
  if (or_ok(status)) *out = hold_packed(build, packed, packing->bytes);
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
