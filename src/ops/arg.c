#include "ops/arg.h"

#include <math.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t arg_infer(or_op_call_t *call);
static or_cost_t arg_cost(const or_op_call_t *call);
static or_status_t arg_reference(or_op_call_t *call);

#define ARG(symbol, title, what)                                      \
  const or_op_t or_op_##symbol = {                                    \
      .domain = "",                                                   \
      .name = title,                                                  \
      .summary = what,                                                \
      .since = {1, 11, 12, 13},                                       \
      .changes = {OR_OP_BFLOAT16_SINCE(13)},                          \
      .input_min = 1,                                                 \
      .input_max = 1,                                                 \
      .output_min = 1,                                                \
      .output_max = 1,                                                \
      .dtypes = OR_OP_NUMERIC,                                        \
      .attributes = {{"axis", OR_ATTRIBUTE_INT, false},               \
                     {"keepdims", OR_ATTRIBUTE_INT, false},           \
                     {"select_last_index", OR_ATTRIBUTE_INT, false}}, \
      .infer = arg_infer,                                             \
      .cost = arg_cost,                                               \
      .reference = arg_reference,                                     \
  };
ARG(arg_max, "ArgMax", "index of the largest element along an axis")
ARG(arg_min, "ArgMin", "index of the smallest element along an axis")

static or_status_t arg_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = OR_INT64;
  if (call->node->version < 12 && or_op_attribute(call, "select_last_index") != NULL)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"select_last_index\" does not exist before version 12");
  if (in->rank < 0) return or_status_success();
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), in->rank, &axis);
  if (!or_ok(status)) return status;
  if (in->dims[axis] == 0) return or_error(OR_INVALID_ARGUMENT, "axis %d has no elements", axis);
  out->rank = 0;
  for (int32_t i = 0; i < in->rank; ++i) {
    if (i != axis) {
      out->dims[out->rank++] = in->dims[i];
    } else if (or_op_attribute_int(call, "keepdims", 1) != 0) {
      out->dims[out->rank++] = 1;
    }
  }
  return status;
}

static or_cost_t arg_cost(const or_op_call_t *call) {
  or_cost_t cost = {.bytes_read = or_cost_bytes(&call->inputs[0]), .bytes_written = or_cost_bytes(&call->outputs[0])};
  cost.flops = (double)or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  return cost;
}

/* The best of each of `count` neighbouring lines so far, and where it was found. */
typedef struct contest_t {
  or_lane_kind_t kind;
  bool largest, later; /* later: of equals the last wins */
  size_t count;
  or_lanes_t best, found;
} contest_t;

static void challenge(contest_t *contest, const or_lanes_t *x, int64_t position);

static or_status_t arg_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0], *out = &call->outputs[0];
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), in->shape.rank, &axis);
  if (!or_ok(status)) return status;
  contest_t contest = {.kind = or_lane_kind(in->dtype),
                       .largest = call->op == &or_op_arg_max,
                       .later = or_op_attribute_int(call, "select_last_index", 0) != 0};
  uint64_t outer = or_shape_product(&in->shape, 0, axis), length = (uint64_t)in->shape.dims[axis];
  uint64_t inner = or_shape_product(&in->shape, axis + 1, in->shape.rank);
  or_lanes_t x;
  for (uint64_t i = 0; i < outer && !or_stops(call->stop, inner); ++i) {
    for (uint64_t j = 0; j < inner; j += OR_LANES) {
      contest.count = inner - j < OR_LANES ? (size_t)(inner - j) : OR_LANES;
      memset(&contest.found, 0, sizeof contest.found);
      or_lanes_load(in->dtype, in->data, (int64_t)(i * length * inner + j), 1, contest.count, &contest.best);
      for (uint64_t k = 1; k < length; ++k) {
        or_lanes_load(in->dtype, in->data, (int64_t)((i * length + k) * inner + j), 1, contest.count, &x);
        challenge(&contest, &x, (int64_t)k);
        if (or_stops(call->stop, OR_LANES)) return status;
      }
      or_lanes_store(OR_INT64, out->data, (int64_t)(i * inner + j), contest.count, OR_LANE_INTEGER, &contest.found);
    }
  }
  return status;
}

static bool beyond_real(double a, double b, bool largest, bool later) {
  if (isnan(a) || isnan(b)) return isnan(a) && (later || !isnan(b));
  return (largest ? a > b : a < b) || (later && a == b);
}

#define BEYOND(member)                                                                                     \
  ((contest->largest ? x->member[i] > contest->best.member[i] : x->member[i] < contest->best.member[i]) || \
   (contest->later && x->member[i] == contest->best.member[i]))

static void challenge(contest_t *contest, const or_lanes_t *x, int64_t position) {
  for (size_t i = 0; i < contest->count; ++i) {
    bool beyond = false;
    switch (contest->kind) {
    case OR_LANE_REAL: beyond = beyond_real(x->real[i], contest->best.real[i], contest->largest, contest->later); break;
    case OR_LANE_INTEGER: beyond = BEYOND(integer); break;
    case OR_LANE_NATURAL: beyond = BEYOND(natural); break;
    }
    if (!beyond) continue;
    contest->best.natural[i] = x->natural[i]; /* the bits, whatever the kind */
    contest->found.integer[i] = position;
  }
}
