#include "ops/gather_nd.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t gather_nd_infer(or_op_call_t *call);
static or_status_t gather_nd_reference(or_op_call_t *call);

const or_op_t or_op_gather_nd = {
    .domain = "",
    .name = "GatherND",
    .summary = "slices of a tensor picked by tuples of indices",
    .since = {11, 12, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"batch_dims", OR_ATTRIBUTE_INT, false}},
    .infer = gather_nd_infer,
    .cost = or_cost_move,
    .reference = gather_nd_reference,
};

static or_status_t gather_nd_infer(or_op_call_t *call) {
  const or_shape_t *data = &call->inputs[0].shape, *indices = &call->inputs[1].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  int64_t batch = or_op_attribute_int(call, "batch_dims", 0);
  or_status_t status = or_indices_check(call, 1, "indices", true);
  if (!or_ok(status) || data->rank < 0 || indices->rank < 0) return status;
  if (batch < 0 || batch >= data->rank || batch >= indices->rank) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"batch_dims\" is %lld; data has rank %d, indices have rank %d",
                    (long long)batch, data->rank, indices->rank);
  }
  int64_t tuple = indices->dims[indices->rank - 1];
  if (tuple < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);
  if (tuple < 1 || tuple > data->rank - batch) {
    return or_error(OR_INVALID_ARGUMENT, "tuples of %lld indices; data has %lld dimensions to pick from",
                    (long long)tuple, (long long)(data->rank - batch));
  }
  status = or_shape_unknown(indices->rank - 1 + data->rank - (int32_t)(batch + tuple), out);
  for (int32_t i = 0; or_ok(status) && i < indices->rank - 1; ++i) {
    out->dims[i] = indices->dims[i];
    if (i < batch) status = or_infer_same_extent("a batch dimension", data->dims[i], indices->dims[i], &out->dims[i]);
  }
  if (!or_ok(status)) return status;
  for (int32_t i = (int32_t)(batch + tuple); i < data->rank; ++i)
    out->dims[indices->rank - 1 + i - (int32_t)(batch + tuple)] = data->dims[i];
  return or_shape_check_count(out);
}

static or_status_t gather_nd_reference(or_op_call_t *call) {
  const or_op_tensor_t *data = &call->inputs[0], *indices = &call->inputs[1];
  int32_t batch = (int32_t)or_op_attribute_int(call, "batch_dims", 0);
  int32_t last = indices->shape.rank - 1, tuple = (int32_t)indices->shape.dims[last];
  uint64_t batches = or_shape_product(&data->shape, 0, batch), tuples = or_shape_product(&indices->shape, batch, last);
  uint64_t block = or_shape_product(&data->shape, batch, data->shape.rank);
  size_t element_bytes = or_dtype_bits(data->dtype) / 8;
  size_t run = or_shape_product(&data->shape, batch + tuple, data->shape.rank) * element_bytes;
  char *to = call->outputs[0].data;
  for (uint64_t i = 0; run > 0 && i < batches * tuples && !or_stops(call->stop, 1 + OR_STOP_COPIED(run)); ++i) {
    uint64_t slice = 0;
    for (int32_t k = 0; k < tuple; ++k) {
      int64_t extent = data->shape.dims[batch + k], index = 0;
      or_status_t status = or_index_read(indices, i * (uint64_t)tuple + (uint64_t)k, extent, &index);
      if (!or_ok(status)) return status;
      slice = slice * (uint64_t)extent + (uint64_t)index;
    }
    memcpy(to + i * run, (const char *)data->data + i / tuples * block * element_bytes + slice * run, run);
  }
  return or_status_success();
}
