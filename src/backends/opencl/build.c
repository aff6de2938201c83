/* The tools with which kernel families put a program together: places of values, constants, names. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "hal/buffer.h"

or_cl_slot_t *or_cl_build_root(const or_cl_build_t *build, or_cl_slot_id_t id) {
  or_cl_slot_t *slot = &build->program->slots[id];
  return slot->place == OR_CL_ALIAS ? &build->program->slots[slot->index] : slot;
}

/* Bytes from the start of the root to the start of the slot. */
static size_t offset_in_root(const or_cl_build_t *build, or_cl_slot_id_t id) {
  const or_cl_slot_t *slot = &build->program->slots[id];
  return slot->place == OR_CL_ALIAS ? slot->offset : 0;
}

const or_cl_device_t *or_cl_build_device(const or_cl_build_t *build) { return build->device; }

or_status_t or_cl_build_temporary(or_cl_build_t *build, size_t bytes, void **out) {
  return or_arena_alloc(&build->temporary, bytes, out);
}

or_status_t or_cl_build_slot(or_cl_build_t *build, or_cl_slot_t slot, or_cl_slot_id_t *out) {
  or_cl_program_t *program = build->program;
  void *slots = program->slots;
  or_status_t status =
      or_grow_array(program->device->allocator, program->slot_count + 1, sizeof slot, &slots, &program->slot_capacity);
  if (!or_ok(status)) return status;
  program->slots = slots;
  program->slots[program->slot_count] = slot;
  *out = (or_cl_slot_id_t)program->slot_count++;
  return status;
}

static or_status_t dense_bytes(const or_cl_build_t *build, or_value_id_t value, size_t *bytes) {
  const or_value_info_t *info = &build->subgraph->values[value];
  uint64_t count = 0;
  *bytes = or_shape_count(&info->shape, &count) ? or_dtype_bytes(info->dtype, count) : SIZE_MAX;
  if (*bytes != SIZE_MAX) return or_status_success();
  char shape[200];
  return or_error(OR_UNIMPLEMENTED, "value \"%s\" is %s of %s: this device compiles static shapes of fixed width",
                  info->name, or_dtype_name(info->dtype), or_shape_format(&info->shape, shape, sizeof shape));
}

/* Makes room for one more packed constant of the program. */
static or_status_t reserve_packed(or_cl_program_t *program) {
  void *list = program->packed;
  or_status_t status = or_grow_array(program->device->allocator, program->packed_count + 1, sizeof(or_packed_t *),
                                     &list, &program->packed_capacity);
  if (or_ok(status)) program->packed = list;
  return status;
}

/* Takes the reference. */
static or_status_t hold_packed(or_cl_build_t *build, or_packed_t *packed, size_t bytes, or_cl_slot_id_t *out) {
  or_cl_program_t *program = build->program;
  program->packed[program->packed_count++] = packed;
  program->packed_bytes += bytes;
  program->nodes[build->node].packed_bytes += bytes;
  or_cl_slot_t slot = {.place = OR_CL_CONSTANT, .bytes = bytes, .constant = or_buffer_memory(or_packed_buffer(packed))};
  return or_cl_build_slot(build, slot, out);
}

/* A constant on its way to the device; `packing` NULL: as it is. */
typedef struct filling_t {
  or_cl_build_t *build;
  const or_constant_t *constant;
  const or_cl_packing_t *packing;
} filling_t;

/* Straight to its place where the host reaches that, else by way of a piece of the host's memory. */
static or_status_t fill(void *self, or_buffer_t *buffer) {
  const filling_t *filling = self;
  const or_allocator_t *allocator = filling->build->device->allocator;
  const or_cancel_t *cancel = filling->build->subgraph->cancel;
  const or_constant_t *constant = filling->constant;
  void *place = or_buffer_host_pointer(buffer), *copy = NULL, *packed = NULL;
  const void *source = constant != NULL ? constant->data : NULL;
  or_status_t status = or_status_success();
  if (constant != NULL && source == NULL && constant->bytes > 0) {
    bool straight = filling->packing == NULL && place != NULL;
    if (!straight) status = or_alloc(allocator, constant->bytes, &copy);
    if (or_ok(status)) status = or_constant_read(constant, cancel, straight ? place : copy);
    if (straight || !or_ok(status)) goto done;
    source = copy;
  }
  if (filling->packing != NULL) {
    if (place == NULL) {
      status = or_alloc_zeroed(allocator, filling->packing->bytes, &packed);
      place = packed;
    }
    if (or_ok(status)) status = filling->packing->fill(filling->packing->self, source, place);
    source = packed; /* NULL: it lies where it belongs */
  }
  if (or_ok(status) && source != NULL) status = or_buffer_write(buffer, 0, source, or_buffer_bytes(buffer));
done:
  or_free(allocator, copy);
  or_free(allocator, packed);
  return status;
}

static or_status_t hold(or_cl_build_t *build, const or_packed_key_t *key, size_t bytes, filling_t *filling,
                        or_cl_slot_id_t *out) {
  or_packed_t *packed = NULL;
  or_status_t status = reserve_packed(build->program);
  if (or_ok(status)) status = or_packed_get(build->device->device, key, bytes, fill, filling, &packed);
  return or_ok(status) ? hold_packed(build, packed, bytes, out) : status;
}

static or_status_t constant_slot(or_cl_build_t *build, or_value_id_t id) {
  const or_constant_t *constant = build->subgraph->values[id].constant;
  filling_t filling = {.build = build, .constant = constant};
  or_packed_key_t key = {
      .hash = constant->hash, .dtype = constant->dtype, .source_bytes = constant->bytes, .packing = "plain"};
  return hold(build, &key, constant->bytes, &filling, &build->values[id].slot);
}

or_status_t or_cl_build_packed(or_cl_build_t *build, const or_cl_packing_t *packing, or_cl_slot_id_t *out) {
  const or_constant_t *constant = packing->constant;
  filling_t filling = {.build = build, .constant = constant, .packing = packing};
  or_packed_key_t key = {0};
  if (constant != NULL) {
    key = (or_packed_key_t){.hash = constant->hash, .dtype = constant->dtype, .source_bytes = constant->bytes};
  }
  memcpy(key.packing, packing->packing, sizeof key.packing);
  return hold(build, &key, packing->bytes, &filling, out);
}

or_status_t or_cl_build_constant(or_cl_build_t *build, const or_constant_t *constant, const void **out) {
  *out = constant->data;
  if (constant->data != NULL || constant->bytes == 0) return or_status_success();
  void *copy = NULL;
  or_status_t status = or_cl_build_temporary(build, constant->bytes, &copy);
  if (or_ok(status)) status = or_constant_read(constant, build->subgraph->cancel, copy);
  *out = copy;
  return status;
}

or_status_t or_cl_build_read(or_cl_build_t *build, or_value_id_t id, or_cl_slot_id_t *out) {
  or_cl_value_t *value = &build->values[id];
  or_status_t status = or_status_success();
  if (value->slot == OR_CL_NO_SLOT) {
    status = build->subgraph->values[id].constant != NULL
                 ? constant_slot(build, id)
                 : or_error(OR_INVALID_ARGUMENT, "value \"%s\" is read before a node has made it",
                            build->subgraph->values[id].name);
  }
  *out = value->slot;
  return status;
}

or_status_t or_cl_build_write(or_cl_build_t *build, or_value_id_t id, or_cl_slot_id_t *out) {
  or_cl_value_t *value = &build->values[id];
  or_cl_slot_t slot = {.place = OR_CL_ARENA, .uses = value->uses};
  if (value->output != OR_NO_VALUE) {
    slot.place = OR_CL_OUTPUT;
    slot.index = value->output;
  }
  or_status_t status = dense_bytes(build, id, &slot.bytes);
  if (or_ok(status)) status = or_cl_build_slot(build, slot, &value->slot);
  *out = value->slot;
  return status;
}

or_status_t or_cl_build_scratch(or_cl_build_t *build, size_t bytes, or_cl_slot_id_t *out) {
  return or_cl_build_slot(build, (or_cl_slot_t){.place = OR_CL_ARENA, .bytes = bytes}, out);
}

or_status_t or_cl_build_share(or_cl_build_t *build, or_value_id_t input, or_value_id_t output, size_t offset,
                              bool *shared) {
  or_cl_slot_id_t source = OR_CL_NO_SLOT;
  size_t bytes = 0;
  or_cl_value_t *to = &build->values[output];
  *shared = false;
  or_status_t status = dense_bytes(build, output, &bytes);
  if (or_ok(status)) status = or_cl_build_read(build, input, &source);
  if (!or_ok(status)) return status;

  or_cl_slot_t *root = or_cl_build_root(build, source);
  size_t from_root = offset_in_root(build, source) + offset;
  if (to->output != OR_NO_VALUE) {
    /* The bytes have to end in the caller's buffer: they can if nothing has given them another place. */
    if (root->place != OR_CL_ARENA || from_root != 0 || root->bytes != bytes) return status;
    root->place = OR_CL_OUTPUT;
    root->index = to->output;
  }
  root->uses += to->uses;
  or_cl_slot_t alias = {
      .place = OR_CL_ALIAS, .index = (uint32_t)(root - build->program->slots), .offset = from_root, .bytes = bytes};
  status = or_cl_build_slot(build, alias, &to->slot);
  *shared = or_ok(status);
  return status;
}

or_status_t or_cl_build_overwrite(or_cl_build_t *build, or_value_id_t input, or_value_id_t output,
                                  or_cl_slot_id_t *out) {
  or_cl_slot_id_t slot = build->values[input].slot;
  size_t bytes = 0;
  bool shared = false;
  or_status_t status = dense_bytes(build, output, &bytes);
  if (or_ok(status) && slot != OR_CL_NO_SLOT) {
    const or_cl_slot_t *root = or_cl_build_root(build, slot);
    bool last = root->place == OR_CL_ARENA && root->uses == 1 && build->program->slots[slot].bytes == bytes;
    if (last) status = or_cl_build_share(build, input, output, 0, &shared);
  }
  if (or_ok(status) && !shared) return or_cl_build_write(build, output, out);
  *out = build->values[output].slot;
  return status;
}

void or_cl_build_name(or_cl_build_t *build, const char *kernel) { build->program->nodes[build->node].kernel = kernel; }

or_status_t or_cl_build_name_format(or_cl_build_t *build, const char *format, ...) {
  char text[96];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments); /* cut if it must be: it is shown, not compared */
  va_end(arguments);
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(&build->program->arena, text, strlen(text), &copy);
  if (or_ok(status)) or_cl_build_name(build, copy);
  return status;
}
