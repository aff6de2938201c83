#include "ops/gather.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t gather_infer(or_op_call_t *call) {
  const or_shape_t *data = &call->inputs[0].shape, *indices = &call->inputs[1].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_indices_check(call, 1, "indices", false);
  if (!or_ok(status)) return status;
  if (data->rank < 0 || indices->rank < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);

  int32_t axis = 0;
  status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), data->rank, &axis);
  if (or_ok(status)) status = or_shape_unknown(data->rank - 1 + indices->rank, out);
  if (!or_ok(status)) return status;
  int32_t to = 0;
  for (int32_t i = 0; i < axis; ++i) out->dims[to++] = data->dims[i];
  for (int32_t i = 0; i < indices->rank; ++i) out->dims[to++] = indices->dims[i];
  for (int32_t i = axis + 1; i < data->rank; ++i) out->dims[to++] = data->dims[i];
  return or_shape_check_count(out);
}

static or_status_t gather_reference(or_op_call_t *call) {
  const or_op_tensor_t *data = &call->inputs[0], *indices = &call->inputs[1];
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), data->shape.rank, &axis);
  if (!or_ok(status)) return status;
  uint64_t count = or_shape_product(&indices->shape, 0, indices->shape.rank);
  uint64_t outer = or_shape_product(&data->shape, 0, axis);
  size_t run = or_shape_product(&data->shape, axis + 1, data->shape.rank) * or_dtype_bits(data->dtype) / 8;
  int64_t extent = data->shape.dims[axis];
  char *to = call->outputs[0].data;
  for (uint64_t i = 0; i < count && !or_stops(call->stop, 1); ++i) {
    int64_t index = 0;
    status = or_index_read(indices, i, extent, &index);
    if (!or_ok(status)) return status;
    const char *from = (const char *)data->data + (size_t)index * run;
    for (uint64_t k = 0; run > 0 && k < outer && !or_stops(call->stop, 1 + OR_STOP_COPIED(run)); ++k)
      memcpy(to + (k * count + i) * run, from + k * (size_t)extent * run, run);
  }
  return or_status_success();
}

static or_status_t gather_elements_infer(or_op_call_t *call) {
  const or_shape_t *data = &call->inputs[0].shape, *indices = &call->inputs[1].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = *indices;
  or_status_t status = or_indices_check(call, 1, "indices", false);
  if (!or_ok(status) || data->rank < 0 || indices->rank < 0) return status;
  if (data->rank != indices->rank) {
    return or_error(OR_INVALID_ARGUMENT, "data has rank %d, indices have rank %d; they must be equal", data->rank,
                    indices->rank);
  }
  int32_t axis = 0;
  status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), data->rank, &axis);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < data->rank; ++i) {
    if (i == axis || data->dims[i] < 0 || indices->dims[i] <= data->dims[i]) continue;
    return or_error(OR_INVALID_ARGUMENT, "dimension %d of indices has extent %lld, that of data only %lld", i,
                    (long long)indices->dims[i], (long long)data->dims[i]);
  }
  return or_status_success();
}

static or_status_t gather_elements_reference(or_op_call_t *call) {
  const or_op_tensor_t *data = &call->inputs[0], *indices = &call->inputs[1];
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), data->shape.rank, &axis);
  if (!or_ok(status)) return status;
  int64_t strides[OR_MAX_RANK], at[OR_MAX_RANK] = {0};
  or_dense_strides(&data->shape, strides);
  size_t element_bytes = or_dtype_bits(data->dtype) / 8;
  uint64_t count = or_shape_product(&indices->shape, 0, indices->shape.rank);
  for (uint64_t i = 0; i < count && !or_stops(call->stop, 8); ++i) {
    int64_t index = 0, source = 0;
    status = or_index_read(indices, i, data->shape.dims[axis], &index);
    if (!or_ok(status)) return status;
    for (int32_t d = 0; d < data->shape.rank; ++d) source += (d == axis ? index : at[d]) * strides[d];
    memcpy((char *)call->outputs[0].data + i * element_bytes, (const char *)data->data + (size_t)source * element_bytes,
           element_bytes);
    or_index_next(&indices->shape, at);
  }
  return or_status_success();
}

const or_op_t or_op_gather = {
    .domain = "",
    .name = "Gather",
    .summary = "slices of a tensor picked by index along an axis",
    .since = {1, 11, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = gather_infer,
    .cost = or_cost_move,
    .reference = gather_reference,
};

const or_op_t or_op_gather_elements = {
    .domain = "",
    .name = "GatherElements",
    .summary = "single elements of a tensor picked by index along an axis",
    .since = {11, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = gather_elements_infer,
    .cost = or_cost_move,
    .reference = gather_elements_reference,
};
