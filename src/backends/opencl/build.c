/* The tools with which kernel families put a program together: places of values, constants, names. */
#include <stdarg.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "hal/buffer.h"

const or_cl_device_t *or_cl_build_device(const or_cl_build_t *build) { return build->device; }

or_status_t or_cl_build_temporary(or_cl_build_t *build, size_t bytes, void **out) {
  return or_arena_alloc(&build->lowering.temporary, bytes, out);
}

or_status_t or_cl_build_read(or_cl_build_t *build, or_value_id_t value, or_slot_id_t *out) {
  return or_lowering_read(&build->lowering, value, out);
}

or_status_t or_cl_build_write(or_cl_build_t *build, or_value_id_t value, or_slot_id_t *out) {
  return or_lowering_write(&build->lowering, value, out);
}

or_status_t or_cl_build_overwrite(or_cl_build_t *build, or_value_id_t input, or_value_id_t output, or_slot_id_t *out) {
  return or_lowering_overwrite(&build->lowering, input, output, out);
}

or_status_t or_cl_build_share(or_cl_build_t *build, or_value_id_t input, or_value_id_t output, size_t offset,
                              bool *shared) {
  or_slot_id_t source = OR_NO_SLOT;
  *shared = false;
  or_status_t status = or_lowering_read(&build->lowering, input, &source);
  return or_ok(status) ? or_lowering_share(&build->lowering, source, output, offset, shared) : status;
}

or_status_t or_cl_build_scratch(or_cl_build_t *build, size_t bytes, or_slot_id_t *out) {
  return or_lowering_slot(&build->lowering, (or_slot_t){.place = OR_PLACE_WORKSPACE, .bytes = bytes}, out);
}

or_status_t or_cl_build_constant(or_cl_build_t *build, const or_constant_t *constant, const void **out) {
  return or_lowering_constant(&build->lowering, constant, out);
}

typedef struct filling_t {
  or_cl_build_t *build;
  const or_cl_packing_t *packing;
} filling_t;

/* The constant's bytes on the host, in memory of their own where they lie in a file. */
static or_status_t read_source(const filling_t *filling, const void **source, void **copy) {
  const or_constant_t *constant = filling->packing->constant;
  *source = constant != NULL ? constant->data : NULL;
  if (constant == NULL || *source != NULL || constant->bytes == 0) return or_status_success();
  or_status_t status = or_alloc(filling->build->device->allocator, constant->bytes, copy);
  if (or_ok(status)) status = or_constant_read(constant, filling->build->lowering.subgraph->cancel, *copy);
  *source = *copy;
  return status;
}

/* Packs straight into its place where the host reaches that. */
static or_status_t fill(void *self, or_buffer_t *buffer) {
  const filling_t *filling = self;
  const or_cl_packing_t *packing = filling->packing;
  const or_allocator_t *allocator = filling->build->device->allocator;
  const void *source = NULL;
  void *place = or_buffer_host_pointer(buffer), *copy = NULL, *packed = NULL;
  or_status_t status = read_source(filling, &source, &copy);
  if (or_ok(status) && place == NULL) {
    status = or_alloc_zeroed(allocator, packing->bytes, &packed);
    place = packed;
  }
  if (or_ok(status)) status = packing->fill(packing->self, source, place);
  if (or_ok(status) && packed != NULL) status = or_buffer_write(buffer, 0, packed, packing->bytes);
  or_free(allocator, copy);
  or_free(allocator, packed);
  return status;
}

or_status_t or_cl_build_packed(or_cl_build_t *build, const or_cl_packing_t *packing, or_slot_id_t *out) {
  const or_constant_t *constant = packing->constant;
  filling_t filling = {build, packing};
  or_packed_key_t key = {0};
  if (constant != NULL) {
    key = (or_packed_key_t){.hash = constant->hash, .dtype = constant->dtype, .source_bytes = constant->bytes};
  }
  memcpy(key.packing, packing->packing, sizeof key.packing);
  or_packed_t *packed = NULL;
  or_status_t status = or_lowering_packed(&build->lowering, &key, packing->bytes, fill, &filling, &packed);
  if (!or_ok(status)) return status;
  or_slot_t slot = {
      .place = OR_PLACE_CONSTANT, .bytes = packing->bytes, .memory = or_buffer_memory(or_packed_buffer(packed))};
  return or_lowering_slot(&build->lowering, slot, out);
}

void or_cl_build_name(or_cl_build_t *build, const char *kernel) { or_lowering_name(&build->lowering, kernel); }

or_status_t or_cl_build_name_format(or_cl_build_t *build, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  or_status_t status = or_lowering_name_format(&build->lowering, format, arguments);
  va_end(arguments);
  return status;
}
