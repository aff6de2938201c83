#include "ops/bit_cast.h"

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t bit_cast_infer(or_op_call_t *call);
static or_status_t bit_cast_reference(or_op_call_t *call);

const or_op_t or_op_bit_cast = {
    .domain = "",
    .name = "BitCast",
    .summary = "the same bits in another dtype",
    .since = {26},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVABLE,
    .attributes = {{"to", OR_ATTRIBUTE_INT, true}},
    .infer = bit_cast_infer,
    .cost = or_cost_move,
    .reference = bit_cast_reference,
};

static or_status_t bit_cast_infer(or_op_call_t *call) {
  int64_t to = or_op_attribute_int(call, "to", 0);
  or_dtype_t dtype = to > 0 && to < OR_DTYPE_COUNT ? (or_dtype_t)to : OR_DTYPE_NONE, from = call->inputs[0].dtype;
  if (!or_dtype_is_one_of(dtype, OR_OP_MOVABLE))
    return or_error(OR_UNIMPLEMENTED, "attribute \"to\" is %lld, which is no dtype known here", (long long)to);
  if (or_dtype_bits(dtype) != or_dtype_bits(from)) {
    return or_error(OR_INVALID_ARGUMENT, "%s has %u bits, %s has %u", or_dtype_name(from), or_dtype_bits(from),
                    or_dtype_name(dtype), or_dtype_bits(dtype));
  }
  call->outputs[0].dtype = dtype;
  call->outputs[0].shape = call->inputs[0].shape;
  return or_status_success();
}

static or_status_t bit_cast_reference(or_op_call_t *call) {
  const uint8_t *bytes = call->inputs[0].data;
  uint64_t count = or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  for (uint64_t i = 0; call->outputs[0].dtype == OR_BOOL && i < count && !or_stops(call->stop, 1); ++i) {
    if (bytes[i] > 1)
      return or_error(OR_INVALID_ARGUMENT, "element %llu is %u, which is no bool", (unsigned long long)i, bytes[i]);
  }
  return or_reference_copy(call);
}
