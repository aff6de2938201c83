#include "ops/non_zero.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t non_zero_infer(or_op_call_t *call);
static or_status_t non_zero_reference(or_op_call_t *call);
static or_status_t compress_infer(or_op_call_t *call);
static or_status_t compress_reference(or_op_call_t *call);

const or_op_t or_op_non_zero = {
    .domain = "",
    .name = "NonZero",
    .summary = "indices of the elements that are not 0",
    .since = {9, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 0,
    .infer = non_zero_infer,
    .cost = or_cost_move,
    .reference = non_zero_reference,
};

const or_op_t or_op_compress = {
    .domain = "",
    .name = "Compress",
    .summary = "slices along an axis where a condition is true",
    .since = {9, 11, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(28)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = compress_infer,
    .cost = or_cost_move,
    .reference = compress_reference,
};

/* Whether each of `count` elements is not 0, as NaN is not, or is a string that is not empty. A complex one is 0 where
 * both of its parts are. */
static void load_truth(const or_op_tensor_t *x, uint64_t first, size_t count, bool *out) {
  if (x->dtype == OR_STRING) {
    for (size_t i = 0; i < count; ++i) out[i] = ((const or_string_t *)x->data)[first + i].length > 0;
    return;
  }
  or_lanes_t lanes;
  or_lane_kind_t kind = or_lane_kind(x->dtype);
  if (x->dtype == OR_COMPLEX64 || x->dtype == OR_COMPLEX128) {
    or_dtype_t part = x->dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
    for (size_t i = 0; i < count; ++i) {
      or_lanes_load(part, x->data, 2 * (int64_t)(first + i), 1, 2, &lanes);
      out[i] = lanes.real[0] != 0 || lanes.real[1] != 0;
    }
    return;
  }
  or_lanes_load(x->dtype, x->data, (int64_t)first, 1, count, &lanes);
  for (size_t i = 0; i < count; ++i) out[i] = kind == OR_LANE_REAL ? lanes.real[i] != 0 : lanes.natural[i] != 0;
}

static uint64_t count_truth(const or_op_call_t *call, const or_op_tensor_t *x) {
  uint64_t total = or_shape_product(&x->shape, 0, x->shape.rank), found = 0;
  bool truth[OR_LANES];
  for (uint64_t first = 0; first < total && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    load_truth(x, first, count, truth);
    for (size_t i = 0; i < count; ++i) found += truth[i];
  }
  return found;
}

static or_status_t non_zero_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  or_status_t status = or_shape_unknown(2, &call->outputs[0].shape);
  call->outputs[0].dtype = OR_INT64;
  if (or_ok(status) && x->shape.rank >= 0) call->outputs[0].shape.dims[0] = x->shape.rank;
  if (or_ok(status) && x->data != NULL && or_shape_is_static(&x->shape))
    call->outputs[0].shape.dims[1] = (int64_t)count_truth(call, x);
  return status;
}

static or_status_t non_zero_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  uint64_t total = or_shape_product(&x->shape, 0, x->shape.rank), columns = (uint64_t)y->shape.dims[1], column = 0;
  int64_t at[OR_MAX_RANK] = {0};
  bool truth[OR_LANES];
  for (uint64_t i = 0; i < total && !or_stops(call->stop, 2); ++i) {
    size_t left = total - i < OR_LANES ? (size_t)(total - i) : OR_LANES;
    if (i % OR_LANES == 0) load_truth(x, i, left, truth);
    if (truth[i % OR_LANES] && column < columns) {
      for (int32_t d = 0; d < x->shape.rank; ++d)
        memcpy((char *)y->data + ((uint64_t)d * columns + column) * sizeof(int64_t), &at[d], sizeof(int64_t));
      ++column;
    }
    or_index_next(&x->shape, at);
  }
  return or_status_success();
}

/* ---- Compress ---- */

static or_status_t compress_axis(const or_op_call_t *call, int32_t *axis, bool *flat) {
  const or_attribute_t *attribute = or_op_attribute(call, "axis");
  *flat = attribute == NULL;
  *axis = 0;
  return *flat ? or_status_success() : or_axis_normalize(attribute->integer, call->inputs[0].shape.rank, axis);
}

static or_status_t compress_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  const or_op_tensor_t *condition = &call->inputs[1];
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (condition->dtype != OR_BOOL)
    return or_error(OR_INVALID_ARGUMENT, "input 1 (condition) is %s; it must be bool", or_dtype_name(condition->dtype));
  bool flat = or_op_attribute(call, "axis") == NULL;
  int32_t axis = 0;
  or_status_t status = or_infer_check_rank(call, 1, 1);
  if (!or_ok(status) || (in->rank < 0 && !flat)) return status;
  if (in->rank >= 0) status = compress_axis(call, &axis, &flat);
  if (or_ok(status)) status = or_shape_unknown(flat ? 1 : in->rank, out);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; !flat && i < in->rank; ++i) out->dims[i] = in->dims[i];
  out->dims[axis] = OR_DIM_UNKNOWN;
  if (!or_shape_is_static(in) || !or_shape_is_static(&condition->shape)) return status;
  uint64_t extent = flat ? or_shape_product(in, 0, in->rank) : (uint64_t)in->dims[axis];
  if ((uint64_t)condition->shape.dims[0] > extent) {
    return or_error(OR_INVALID_ARGUMENT, "the condition has %lld elements, the axis only %llu",
                    (long long)condition->shape.dims[0], (unsigned long long)extent);
  }
  if (condition->data != NULL) out->dims[axis] = (int64_t)count_truth(call, condition);
  return status;
}

static or_status_t compress_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  const uint8_t *condition = call->inputs[1].data;
  int32_t axis = 0;
  bool flat = false;
  or_status_t status = compress_axis(call, &axis, &flat);
  if (!or_ok(status)) return status;
  uint64_t outer = flat ? 1 : or_shape_product(&in->shape, 0, axis);
  uint64_t extent = flat ? or_shape_product(&in->shape, 0, in->shape.rank) : (uint64_t)in->shape.dims[axis];
  uint64_t inner = flat ? 1 : or_shape_product(&in->shape, axis + 1, in->shape.rank);
  size_t run = inner * or_dtype_bits(in->dtype) / 8;
  char *to = call->outputs[0].data;
  for (uint64_t i = 0; run > 0 && i < outer; ++i) {
    for (uint64_t k = 0; k < (uint64_t)call->inputs[1].shape.dims[0]; ++k) {
      if (or_stops(call->stop, 1 + OR_STOP_COPIED(run))) return status;
      if (condition[k] == 0) continue;
      memcpy(to, (const char *)in->data + (i * extent + k) * run, run);
      to += run;
    }
  }
  return status;
}
