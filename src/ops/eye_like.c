#include "ops/eye_like.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t eye_like_infer(or_op_call_t *call);
static or_status_t eye_like_reference(or_op_call_t *call);

const or_op_t or_op_eye_like = {
    .domain = "",
    .name = "EyeLike",
    .summary = "ones on a diagonal of a matrix, zeros elsewhere",
    .since = {9, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_NUMERIC | OR_DTYPE_BIT(OR_BOOL),
    .attributes = {{"dtype", OR_ATTRIBUTE_INT, false}, {"k", OR_ATTRIBUTE_INT, false}},
    .infer = eye_like_infer,
    .cost = or_cost_move,
    .reference = eye_like_reference,
};

static or_status_t eye_like_infer(or_op_call_t *call) {
  int64_t dtype = or_op_attribute_int(call, "dtype", call->inputs[0].dtype);
  or_status_t status = or_infer_check_rank(call, 0, 2);
  if (or_ok(status)) status = or_infer_same_as_input(call);
  if (!or_ok(status)) return status;
  call->outputs[0].dtype = dtype > 0 && dtype < OR_DTYPE_COUNT ? (or_dtype_t)dtype : OR_DTYPE_NONE;
  if (or_dtype_is_one_of(call->outputs[0].dtype, or_op_dtypes(call->op, call->node->version))) return status;
  return or_error(OR_INVALID_ARGUMENT, "attribute \"dtype\" is %lld, which EyeLike does not take", (long long)dtype);
}

static or_status_t eye_like_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  int64_t rows = out->shape.dims[0], columns = out->shape.dims[1], diagonal = or_op_attribute_int(call, "k", 0);
  size_t bytes = or_dtype_bytes(out->dtype, or_shape_product(&out->shape, 0, 2));
  if (bytes == 0) return or_status_success();
  memset(out->data, 0, bytes);
  if (diagonal >= columns || diagonal <= -rows) return or_status_success();
  or_lanes_t one;
  one.integer[0] = 1;
  for (int64_t row = diagonal < 0 ? -diagonal : 0; row < rows && row + diagonal < columns && !or_stops(call->stop, 4);
       ++row)
    or_lanes_store(out->dtype, out->data, row * columns + row + diagonal, 1, OR_LANE_INTEGER, &one);
  return or_status_success();
}
