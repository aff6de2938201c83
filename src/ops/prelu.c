#include "ops/prelu.h"

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/rows.h"

static or_status_t prelu_infer(or_op_call_t *call);
static or_cost_t prelu_cost(const or_op_call_t *call);
static or_status_t prelu_reference(or_op_call_t *call);
static bool per_channel(const or_op_call_t *call);

const or_op_t or_op_prelu = {
    .domain = "",
    .name = "PRelu",
    .summary = "x, slope x below 0; slopes broadcast",
    .since = {1, 6, 7, 9, 16},
    .changes = {{9, OR_OP_WIDE_INTS, 0}, OR_OP_BFLOAT16_SINCE(16)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_DTYPE_BIT(OR_UINT32) |
              OR_DTYPE_BIT(OR_UINT64),
    .pointwise = true,
    .infer = prelu_infer,
    .cost = prelu_cost,
    .reference = prelu_reference,
};

/* The slope's shape as it broadcasts: before version 7 a list is one slope a channel. */
static or_shape_t slope_shape(const or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_shape_t shape = call->inputs[1].shape;
  if (call->node->version >= 7 || shape.rank != 1 || x->rank < 2 || shape.dims[0] == 1) return shape;
  for (; shape.rank < x->rank - 1; ++shape.rank) shape.dims[shape.rank] = 1;
  return shape;
}

/* Before version 7 slopes are one or one a channel, else they are broadcast from the right. */
static or_status_t prelu_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape, *slope = &call->inputs[1].shape;
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status) && per_channel(call)) {
    int64_t channels = x->rank >= 2 ? x->dims[1] : OR_DIM_UNKNOWN;
    if (x->rank < 2 && x->rank != OR_RANK_UNKNOWN)
      return or_error(OR_INVALID_ARGUMENT, "slopes a channel need an input of two dimensions or more, got %d", x->rank);
    if (channels >= 0 && slope->dims[0] >= 0 && channels != slope->dims[0])
      return or_error(OR_INVALID_ARGUMENT, "%lld slopes for %lld channels", (long long)slope->dims[0],
                      (long long)channels);
  } else if (or_ok(status)) {
    status = or_infer_check_broadcast(call, 1, x);
  }
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static bool per_channel(const or_op_call_t *call) {
  const or_shape_t *slope = &call->inputs[1].shape;
  return call->node->version < 7 && slope->rank == 1 && slope->dims[0] != 1;
}

static or_cost_t prelu_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

static or_status_t prelu_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0], *slope = &call->inputs[1], *out = &call->outputs[0];
  const or_shape_t slopes = slope_shape(call), *shapes[] = {&in->shape, &slopes};
  or_lane_kind_t kind = or_lane_kind(in->dtype);
  or_rows_t rows;
  or_lanes_t x, y;
  for (or_rows_begin_broadcast(&rows, &out->shape, shapes, 2, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      or_lanes_load(in->dtype, in->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &x);
      or_lanes_load(slope->dtype, slope->data, rows.first[1] + done * rows.step[1], rows.step[1], count, &y);
      for (size_t i = 0; kind == OR_LANE_REAL && i < count; ++i)
        x.real[i] = x.real[i] < 0 ? x.real[i] * y.real[i] : x.real[i];
      for (size_t i = 0; kind == OR_LANE_INTEGER && i < count; ++i)
        x.natural[i] = x.integer[i] < 0 ? x.natural[i] * y.natural[i] : x.natural[i];
      or_lanes_store(out->dtype, out->data, rows.out + done, count, kind, &x);
    }
  }
  return or_status_success();
}
