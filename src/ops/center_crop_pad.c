#include "ops/center_crop_pad.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t center_crop_pad_infer(or_op_call_t *call);
static or_status_t center_crop_pad_reference(or_op_call_t *call);

const or_op_t or_op_center_crop_pad = {
    .domain = "",
    .name = "CenterCropPad",
    .summary = "the middle of a tensor, or zeros around it, to given extents",
    .since = {18},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1,
    .attributes = {{"axes", OR_ATTRIBUTE_INTS, false}},
    .infer = center_crop_pad_infer,
    .cost = or_cost_move,
    .reference = center_crop_pad_reference,
};

static or_status_t center_crop_pad_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  or_integers_t extents, axes;
  bool marked[OR_MAX_RANK], all = or_op_attribute(call, "axes") == NULL;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_integers_input(call, 1, "shape", false, &extents);
  if (or_ok(status)) status = or_integers_attribute(call, "axes", &axes);
  if (or_ok(status) && !all && in->rank >= 0) status = or_integers_mark_axes(&axes, in->rank, marked);
  if (!or_ok(status)) return status;
  int32_t rank = in->rank >= 0 || !all ? in->rank : extents.count, count = all ? rank : axes.count;
  if (extents.count >= 0 && count >= 0 && extents.count != count)
    return or_error(OR_INVALID_ARGUMENT, "input 1 (shape) has %d extents for %d axes", extents.count, count);
  status = or_shape_unknown(rank, out);
  for (int32_t i = 0; in->rank >= 0 && i < rank; ++i) out->dims[i] = in->dims[i];
  for (int32_t i = 0; or_ok(status) && rank >= 0 && i < count; ++i) {
    int32_t axis = i;
    if (!all) status = or_axis_normalize(axes.values[i], rank, &axis);
    if (or_ok(status) && extents.known && extents.values[i] < 0)
      status = or_error(OR_INVALID_ARGUMENT, "input 1 (shape) has the extent %lld", (long long)extents.values[i]);
    if (or_ok(status)) out->dims[axis] = extents.known ? extents.values[i] : OR_DIM_UNKNOWN;
  }
  return or_ok(status) ? or_shape_check_count(out) : status;
}

/* What input and output have in common is copied, a run of the last axis at a time. */
static or_status_t center_crop_pad_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0], *out = &call->outputs[0];
  int32_t rank = in->shape.rank;
  size_t bytes = or_dtype_bits(in->dtype) / 8;
  int64_t in_strides[OR_MAX_RANK], out_strides[OR_MAX_RANK], at[OR_MAX_RANK] = {0}, from = 0, to = 0;
  or_shape_t common = in->shape;
  if (rank == 0) return or_reference_copy(call);
  or_elements_clear(out->dtype, out->data, or_shape_product(&out->shape, 0, rank));
  or_dense_strides(&in->shape, in_strides);
  or_dense_strides(&out->shape, out_strides);
  for (int32_t i = 0; i < rank; ++i) {
    int64_t difference = in->shape.dims[i] - out->shape.dims[i];
    if (difference > 0) from += difference / 2 * in_strides[i];
    if (difference < 0) to += -difference / 2 * out_strides[i];
    if (difference > 0) common.dims[i] = out->shape.dims[i];
  }
  if (or_shape_product(&common, 0, rank) == 0) return or_status_success();
  size_t run = (size_t)common.dims[--common.rank] * bytes;
  for (bool more = true; more && !or_stops(call->stop, 1 + OR_STOP_COPIED(run)); more = or_index_next(&common, at)) {
    int64_t source = from, target = to;
    for (int32_t i = 0; i < common.rank; ++i) {
      source += at[i] * in_strides[i];
      target += at[i] * out_strides[i];
    }
    memcpy((char *)out->data + (size_t)target * bytes, (const char *)in->data + (size_t)source * bytes, run);
  }
  return or_status_success();
}
