#include "ops/shape_of.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/shape.h"
#include "ops/strings.h"

static int32_t clamp_axis(int64_t axis, int32_t rank) {
  if (axis < 0) axis += rank;
  return axis < 0 ? 0 : axis > rank ? rank : (int32_t)axis;
}

static void shape_range(const or_op_call_t *call, int32_t rank, int32_t *begin, int32_t *end) {
  *begin = clamp_axis(or_op_attribute_int(call, "start", 0), rank);
  *end = clamp_axis(or_op_attribute_int(call, "end", rank), rank);
  if (*end < *begin) *end = *begin;
}

static or_status_t shape_infer(or_op_call_t *call) {
  int32_t rank = call->inputs[0].shape.rank, begin = 0, end = 0;
  call->outputs[0].dtype = OR_INT64;
  or_status_t status = or_shape_unknown(1, &call->outputs[0].shape);
  if (!or_ok(status) || rank < 0) return status;
  shape_range(call, rank, &begin, &end);
  call->outputs[0].shape.dims[0] = end - begin;
  return or_status_success();
}

static or_status_t shape_reference(or_op_call_t *call) {
  int32_t begin = 0, end = 0;
  shape_range(call, call->inputs[0].shape.rank, &begin, &end);
  if (end > begin) {
    memcpy(call->outputs[0].data, call->inputs[0].shape.dims + begin, (size_t)(end - begin) * sizeof(int64_t));
  }
  return or_status_success();
}

static or_status_t size_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_INT64;
  call->outputs[0].shape = (or_shape_t){.rank = 0};
  return or_status_success();
}

static or_status_t size_reference(or_op_call_t *call) {
  uint64_t count = or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  memcpy(call->outputs[0].data, &count, sizeof count); /* at most INT64_MAX */
  return or_status_success();
}

const or_op_t or_op_shape = {
    .domain = "",
    .name = "Shape",
    .summary = "the extents of a tensor",
    .since = {1, 13, 15, 19, 21, 23, 24, 25},
    .changes = {OR_OP_MOVED_SINCE},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .attributes = {{"start", OR_ATTRIBUTE_INT, false}, {"end", OR_ATTRIBUTE_INT, false}},
    .infer = shape_infer,
    .cost = or_cost_move,
    .reference = shape_reference,
};

const or_op_t or_op_size = {
    .domain = "",
    .name = "Size",
    .summary = "the number of elements of a tensor",
    .since = {1, 13, 19, 21, 23, 24, 25},
    .changes = {OR_OP_MOVED_SINCE},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .infer = size_infer,
    .cost = or_cost_move,
    .reference = size_reference,
};
