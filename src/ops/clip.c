/* Clip of ops/activation.h: the one function of an element whose parameters may be inputs. */
#include <float.h>
#include <math.h>

#include "ops/activation.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t clip_infer(or_op_call_t *call);
static or_cost_t clip_cost(const or_op_call_t *call);
static or_status_t clip_reference(or_op_call_t *call);

const or_op_t or_op_clip = {
    .domain = "",
    .name = "Clip",
    .summary = "min(max(x, low), high)",
    .since = {1, 6, 11, 12, 13},
    .changes = {{12, OR_OP_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_NUMERIC,
    .pointwise = true,
    .attributes = {{"max", OR_ATTRIBUTE_FLOAT, false}, {"min", OR_ATTRIBUTE_FLOAT, false}},
    .infer = clip_infer,
    .cost = clip_cost,
    .reference = clip_reference,
};

static or_status_t clip_infer(or_op_call_t *call) {
  or_status_t status = or_refuse_attribute(call, "min", 11);
  if (or_ok(status)) status = or_refuse_attribute(call, "max", 11);
  for (uint32_t i = 1; or_ok(status) && i < 3; ++i) {
    if (!or_op_has_input(call, i)) continue;
    uint64_t count = 1;
    const or_shape_t *shape = &call->inputs[i].shape;
    if (call->node->version < 11) {
      status =
          or_error(OR_INVALID_ARGUMENT, "input %u is given; before version 11 of Clip the bounds are attributes", i);
    } else if (or_shape_is_static(shape) && or_shape_count(shape, &count) && count != 1) {
      char text[160];
      status = or_error(OR_INVALID_ARGUMENT, "input %u has shape %s, expected a scalar", i,
                        or_shape_format(shape, text, sizeof text));
    } else {
      status = or_infer_check_dtype(call, i);
    }
  }
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_cost_t clip_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

float or_clip_default(int version) { return version == 6 ? FLT_MAX : INFINITY; }

/* A bound from its input or attribute into lane 0; false if there is none. */
static bool read_bound(const or_op_call_t *call, uint32_t input, const char *attribute, float fallback,
                       or_lanes_t *bound) {
  if (or_op_has_input(call, input)) {
    or_lanes_load(call->inputs[input].dtype, call->inputs[input].data, 0, 1, 1, bound);
    return true;
  }
  bound->real[0] = (double)or_op_attribute_float(call, attribute, fallback); /* integers came with the inputs */
  return call->node->version < 11;
}

#define CLAMP(member)                                                         \
  do {                                                                        \
    for (size_t i = 0; i < count && has_low; ++i) {                           \
      if (lanes.member[i] < low.member[0]) lanes.member[i] = low.member[0];   \
    }                                                                         \
    for (size_t i = 0; i < count && has_high; ++i) {                          \
      if (lanes.member[i] > high.member[0]) lanes.member[i] = high.member[0]; \
    }                                                                         \
  } while (0)

static or_status_t clip_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  or_lane_kind_t kind = or_lane_kind(x->dtype);
  or_lanes_t lanes, low, high;
  float limit = or_clip_default(call->node->version);
  bool has_low = read_bound(call, 1, "min", -limit, &low), has_high = read_bound(call, 2, "max", limit, &high);
  uint64_t total = or_shape_product(&x->shape, 0, x->shape.rank);
  for (uint64_t first = 0; first < total && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_lanes_load(x->dtype, x->data, (int64_t)first, 1, count, &lanes);
    if (kind == OR_LANE_REAL) CLAMP(real);
    if (kind == OR_LANE_INTEGER) CLAMP(integer);
    if (kind == OR_LANE_NATURAL) CLAMP(natural);
    or_lanes_store(y->dtype, y->data, (int64_t)first, count, kind, &lanes);
  }
  return or_status_success();
}
