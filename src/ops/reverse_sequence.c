#include "ops/reverse_sequence.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t reverse_infer(or_op_call_t *call);
static or_status_t reverse_reference(or_op_call_t *call);

const or_op_t or_op_reverse_sequence = {
    .domain = "",
    .name = "ReverseSequence",
    .summary = "the first steps of each sequence of a batch in reverse",
    .since = {10, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(28)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"batch_axis", OR_ATTRIBUTE_INT, false}, {"time_axis", OR_ATTRIBUTE_INT, false}},
    .infer = reverse_infer,
    .cost = or_cost_move,
    .reference = reverse_reference,
};

static or_status_t reverse_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape, *lengths = &call->inputs[1].shape;
  int64_t batch = or_op_attribute_int(call, "batch_axis", 1), time = or_op_attribute_int(call, "time_axis", 0);
  if (batch < 0 || batch > 1 || time != 1 - batch) {
    return or_error(OR_INVALID_ARGUMENT, "batch_axis is %lld and time_axis %lld; expected 0 and 1 in either order",
                    (long long)batch, (long long)time);
  }
  if (in->rank >= 0 && in->rank < 2)
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected at least 2", (int)in->rank);
  or_status_t status = or_indices_check(call, 1, "sequence_lens", true);
  if (or_ok(status)) status = or_infer_check_rank(call, 1, 1);
  int64_t extent = 0;
  if (or_ok(status) && in->rank >= 0 && lengths->rank == 1)
    status = or_infer_same_extent("batch and sequence_lens", in->dims[batch], lengths->dims[0], &extent);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_status_t reverse_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  bool batch_first = or_op_attribute_int(call, "batch_axis", 1) == 0;
  int64_t batches = x->shape.dims[batch_first ? 0 : 1], steps = x->shape.dims[batch_first ? 1 : 0];
  size_t run = or_shape_product(&x->shape, 2, x->shape.rank) * or_dtype_bits(x->dtype) / 8;
  for (int64_t b = 0; run > 0 && b < batches; ++b) {
    int64_t length;
    memcpy(&length, (const char *)call->inputs[1].data + (size_t)b * sizeof length, sizeof length);
    if (length < 0 || length > steps) {
      return or_error(OR_INVALID_ARGUMENT, "sequence %lld has length %lld, of %lld steps", (long long)b,
                      (long long)length, (long long)steps);
    }
    for (int64_t t = 0; t < steps && !or_stops(call->stop, 1 + OR_STOP_COPIED(run)); ++t) {
      int64_t from = t < length ? length - 1 - t : t;
      size_t to_slice = (size_t)(batch_first ? b * steps + t : t * batches + b);
      size_t from_slice = (size_t)(batch_first ? b * steps + from : from * batches + b);
      memcpy((char *)call->outputs[0].data + to_slice * run, (const char *)x->data + from_slice * run, run);
    }
  }
  return or_status_success();
}
