#include "ops/indices.h"

#include <string.h>

#include "ops/extents.h"

static int64_t element(const or_op_tensor_t *indices, uint64_t at) {
  int64_t wide;
  int32_t narrow;
  if (indices->dtype == OR_INT64) {
    memcpy(&wide, (const char *)indices->data + at * sizeof wide, sizeof wide);
    return wide;
  }
  memcpy(&narrow, (const char *)indices->data + at * sizeof narrow, sizeof narrow);
  return narrow;
}

or_status_t or_indices_check(const or_op_call_t *call, uint32_t index, const char *name, bool wide_only) {
  or_dtype_t dtype = call->inputs[index].dtype;
  if (dtype == OR_INT64 || (dtype == OR_INT32 && !wide_only)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s; it must be %sint64", index, name, or_dtype_name(dtype),
                  wide_only ? "" : "int32 or ");
}

or_status_t or_index_read(const or_op_tensor_t *indices, uint64_t at, int64_t extent, int64_t *out) {
  int64_t index = element(indices, at);
  if (index < -extent || index >= extent) {
    return or_error(OR_INVALID_ARGUMENT, "index %lld at %llu is outside an axis of extent %lld", (long long)index,
                    (unsigned long long)at, (long long)extent);
  }
  *out = index < 0 ? index + extent : index;
  return or_status_success();
}

or_status_t or_scalar_input(const or_op_call_t *call, uint32_t index, const char *name, int64_t fallback, int64_t *out,
                            bool *known) {
  *out = fallback;
  *known = true;
  if (!or_op_has_input(call, index)) return or_status_success();
  or_status_t status = or_indices_check(call, index, name, false);
  if (!or_ok(status)) return status;
  const or_op_tensor_t *input = &call->inputs[index];
  uint64_t count = 0;
  if (or_shape_is_static(&input->shape) && (!or_shape_count(&input->shape, &count) || count != 1)) {
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %llu elements; it must have one", index, name,
                    (unsigned long long)count);
  }
  *known = count == 1 && input->data != NULL;
  if (*known) *out = element(input, 0);
  return or_status_success();
}
