#include "ops/tensor_scatter.h"

#include <string.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t scatter_infer(or_op_call_t *call);
static or_status_t scatter_reference(or_op_call_t *call);

const or_op_t or_op_tensor_scatter = {
    .domain = "",
    .name = "TensorScatter",
    .summary = "a cache of keys or values with new ones written over part of it",
    .since = {24},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED & ~OR_OP_2BIT_INTS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}, {"mode", OR_ATTRIBUTE_STRING, false}},
    .infer = scatter_infer,
    .cost = or_cost_move,
    .reference = scatter_reference,
};

static or_status_t axis_of(const or_op_call_t *call, int32_t *axis) {
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", -2), call->inputs[0].shape.rank, axis);
  if (or_ok(status) && *axis == 0) status = or_error(OR_INVALID_ARGUMENT, "axis 0 is the batch, not the sequence");
  return status;
}

static or_status_t scatter_infer(or_op_call_t *call) {
  const or_shape_t *past = &call->inputs[0].shape, *update = &call->inputs[1].shape;
  if (!or_op_attribute_is(call, "mode", "linear", "linear") && !or_op_attribute_is(call, "mode", "circular", "linear"))
    return or_error(OR_INVALID_ARGUMENT, "attribute \"mode\" is neither linear nor circular");
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status) && or_op_has_input(call, 2)) {
    status = or_indices_check(call, 2, "write_indices", true);
    if (or_ok(status)) status = or_infer_check_rank(call, 2, 1);
  }
  if (!or_ok(status) || past->rank < 0) return or_ok(status) ? or_infer_same_as_input(call) : status;
  int32_t axis = 0;
  int64_t extent = 0;
  status = axis_of(call, &axis);
  if (or_ok(status)) status = or_infer_check_rank(call, 1, past->rank);
  for (int32_t i = 0; or_ok(status) && i < update->rank; ++i) {
    if (i != axis)
      status = or_infer_same_extent("an extent of cache and update", past->dims[i], update->dims[i], &extent);
  }
  if (or_ok(status) && update->rank >= 0 && past->dims[axis] >= 0 && update->dims[axis] > past->dims[axis]) {
    return or_error(OR_INVALID_ARGUMENT, "the update has %lld steps, the cache %lld", (long long)update->dims[axis],
                    (long long)past->dims[axis]);
  }
  if (or_ok(status) && or_op_has_input(call, 2) && call->inputs[2].shape.rank == 1)
    status = or_infer_same_extent("batch and write_indices", past->dims[0], call->inputs[2].shape.dims[0], &extent);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_status_t scatter_reference(or_op_call_t *call) {
  const or_op_tensor_t *past = &call->inputs[0], *update = &call->inputs[1];
  bool circular = or_op_attribute_is(call, "mode", "circular", "linear");
  int32_t axis = 0;
  or_status_t status = axis_of(call, &axis);
  if (or_ok(status)) status = or_reference_copy(call);
  uint64_t outer = or_shape_product(&past->shape, 0, axis), items = or_shape_product(&past->shape, 1, axis);
  uint64_t length = (uint64_t)past->shape.dims[axis], steps = (uint64_t)update->shape.dims[axis];
  size_t run = or_shape_product(&past->shape, axis + 1, past->shape.rank);
  if (items == 0 || length == 0) return status; /* an empty cache */
  for (uint64_t i = 0; or_ok(status) && run > 0 && i < outer; ++i) {
    int64_t begin = 0;
    if (or_op_has_input(call, 2))
      memcpy(&begin, (const char *)call->inputs[2].data + i / items * sizeof begin, sizeof begin);
    if (begin < 0 || (!circular && ((uint64_t)begin > length || steps > length - (uint64_t)begin))) {
      return or_error(OR_INVALID_ARGUMENT, "an update of %llu steps from %lld on does not fit a cache of %llu",
                      (unsigned long long)steps, (long long)begin, (unsigned long long)length);
    }
    for (uint64_t s = 0; s < steps && !or_stops(call->stop, 1 + run / 8); ++s) {
      uint64_t at = ((uint64_t)begin % length + s) % length;
      if (!circular) at = (uint64_t)begin + s;
      or_elements_copy(past->dtype, update->data, (i * steps + s) * run, call->outputs[0].data, (i * length + at) * run,
                       run);
    }
  }
  return status;
}
