#include "ops/expand.h"

#include "ops/extents.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t expand_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_integers_t target;
  or_status_t status = or_integers_input(call, 1, "shape", true, &target);
  if (!or_ok(status)) return status;
  if (in->rank < 0 || target.count < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);

  or_shape_t shape;
  status = or_shape_unknown(target.count, &shape);
  for (int32_t i = 0; or_ok(status) && target.known && i < target.count; ++i) {
    shape.dims[i] = target.values[i];
    if (target.values[i] < 0) {
      status =
          or_error(OR_INVALID_ARGUMENT, "the shape's extent %lld at %d is negative", (long long)target.values[i], i);
    }
  }
  if (or_ok(status)) status = or_shape_broadcast(in, &shape, out);
  return or_ok(status) ? or_shape_check_count(out) : status;
}

static or_status_t expand_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape, *out = &call->outputs[0].shape;
  or_rows_layout_t layout = {.rank = out->rank, .operand_count = 1, .stop = call->stop};
  int64_t strides[OR_MAX_RANK];
  or_shape_broadcast_strides(in, out, strides);
  for (int32_t i = 0; i < out->rank; ++i) {
    layout.extent[i] = out->dims[i];
    layout.stride[0][i] = strides[i];
  }
  or_rows_copy(&layout, or_dtype_bits(call->inputs[0].dtype), call->inputs[0].data, call->outputs[0].data);
  return or_status_success();
}

static or_status_t tile_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (call->node->version < 6)
    return or_error(OR_UNIMPLEMENTED, "version 1 (inputs tiles and axis); convert the model to opset 6 or later");
  or_integers_t repeats;
  or_status_t status = or_integers_input(call, 1, "repeats", true, &repeats);
  if (!or_ok(status)) return status;
  int32_t rank = in->rank >= 0 ? in->rank : repeats.count;
  if (repeats.count >= 0 && repeats.count != rank) {
    return or_error(OR_INVALID_ARGUMENT, "%d repeats for an input of rank %d", repeats.count, in->rank);
  }
  status = or_shape_unknown(rank, out);
  for (int32_t i = 0; or_ok(status) && repeats.known && i < rank; ++i) {
    int64_t extent = in->rank >= 0 ? in->dims[i] : OR_DIM_UNKNOWN;
    if (repeats.values[i] < 0) {
      return or_error(OR_INVALID_ARGUMENT, "repeat %lld of dimension %d is negative", (long long)repeats.values[i], i);
    }
    status = or_extent_product((const int64_t[]){extent, repeats.values[i]}, 2, &out->dims[i]);
  }
  return or_ok(status) ? or_shape_check_count(out) : status;
}

/* Each dimension is seen as two: the repeats, which move nothing, and the input's own. */
static or_status_t tile_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape, *out = &call->outputs[0].shape;
  int64_t strides[OR_MAX_RANK];
  or_dense_strides(in, strides);
  or_rows_layout_t layout = {.rank = 2 * in->rank, .operand_count = 1, .stop = call->stop};
  for (int32_t i = 0; i < in->rank; ++i) {
    layout.extent[2 * i] = in->dims[i] > 0 ? out->dims[i] / in->dims[i] : 0;
    layout.extent[2 * i + 1] = in->dims[i];
    layout.stride[0][2 * i + 1] = strides[i];
  }
  or_rows_copy(&layout, or_dtype_bits(call->inputs[0].dtype), call->inputs[0].data, call->outputs[0].data);
  return or_status_success();
}

const or_op_t or_op_expand = {
    .domain = "",
    .name = "Expand",
    .summary = "broadcasts a tensor to a shape",
    .since = {8, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1,
    .infer = expand_infer,
    .cost = or_cost_move,
    .reference = expand_reference,
};

const or_op_t or_op_tile = {
    .domain = "",
    .name = "Tile",
    .summary = "repeats a tensor along each dimension",
    .since = {1, 6, 13},
    .changes = {{6, OR_OP_INTS | OR_OP_COMPLEX | OR_OP_STRINGS | OR_DTYPE_BIT(OR_BOOL), 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1,
    .infer = tile_infer,
    .cost = or_cost_move,
    .reference = tile_reference,
};
