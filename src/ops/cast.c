#include "ops/cast.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "ops/cast_internal.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"
#include "ops/strings.h"

#define CASTABLE ((OR_OP_MOVABLE & ~OR_OP_COMPLEX) | OR_OP_STRINGS)

static or_status_t read_rounding(const or_op_call_t *call, or_e8m0_rounding_t *out);

static or_status_t infer_to(or_op_call_t *call, int64_t to) {
  if (to <= OR_DTYPE_NONE || to >= OR_DTYPE_COUNT) {
    return or_error(OR_UNIMPLEMENTED, "a cast to the dtype of number %lld, which is unknown here (the last is %d, %s)",
                    (long long)to, OR_DTYPE_COUNT - 1, or_dtype_name(OR_DTYPE_COUNT - 1));
  }
  if (!or_dtype_is_one_of((or_dtype_t)to, or_op_dtypes(call->op, call->node->version))) {
    return or_error(OR_INVALID_ARGUMENT, "a cast to %s, which version %d of %s does not take",
                    or_dtype_name((or_dtype_t)to), call->node->version, call->op->name);
  }
  call->outputs[0].dtype = (or_dtype_t)to;
  call->outputs[0].shape = call->inputs[0].shape;
  or_e8m0_rounding_t unused;
  return read_rounding(call, &unused);
}

static or_status_t cast_infer(or_op_call_t *call) { return infer_to(call, or_op_attribute_int(call, "to", 0)); }
static or_status_t cast_like_infer(or_op_call_t *call) { return infer_to(call, (int64_t)call->inputs[1].dtype); }

/* The 8-bit floats: the first magnitude that rounds beyond the largest, and what stands for it. */
static const struct {
  or_dtype_t dtype;
  double limit;
  bool reaches_limit; /* a tie at the limit rounds up */
  uint8_t beyond, negative_beyond;
} unsaturated[] = {
    {OR_FLOAT8E4M3FN, 464, false, 0x7f, 0xff}, /* 448 is even, and there is no infinity */
    {OR_FLOAT8E4M3FNUZ, 248, true, 0x80, 0x80},
    {OR_FLOAT8E5M2, 61440, true, 0x7c, 0xfc}, /* infinity */
    {OR_FLOAT8E5M2FNUZ, 61440, true, 0x80, 0x80},
};

/* After a saturating store to an 8-bit float: puts what `saturate` = 0 asks for where a value was beyond the range. */
static void undo_saturation(or_dtype_t dtype, uint8_t *bytes, size_t count, const or_lanes_t *lanes) {
  for (size_t t = 0; t < sizeof unsaturated / sizeof *unsaturated; ++t) {
    if (unsaturated[t].dtype != dtype) continue;
    for (size_t i = 0; i < count; ++i) {
      double magnitude = fabs(lanes->real[i]);
      if (magnitude > unsaturated[t].limit || (unsaturated[t].reaches_limit && magnitude == unsaturated[t].limit)) {
        bytes[i] = lanes->real[i] < 0 ? unsaturated[t].negative_beyond : unsaturated[t].beyond;
      }
    }
  }
}

/* Before a saturating store: infinity is beyond the range like any large number, to 8-bit floats since version 24
 * (before, those without an infinity make it NaN, which the store does). Those of 4 and 6 bits have no NaN either;
 * ONNX's test data have -0. */
static void bound_reals(or_dtype_t dtype, int version, size_t count, or_lanes_t *lanes) {
  bool tiny = or_dtype_bits(dtype) < 8;
  if (version < 24 && !tiny) return;
  double largest = or_dtype_largest(dtype);
  for (size_t i = 0; i < count; ++i) {
    if (isinf(lanes->real[i])) lanes->real[i] = copysign(largest, lanes->real[i]);
    if (tiny && isnan(lanes->real[i])) lanes->real[i] = -0.0;
  }
}

void or_cast_store_bounded(const or_cast_target_t *to, uint64_t first, size_t count, or_lanes_t *lanes) {
  bool small = or_dtype_bits(to->dtype) < 8; /* has nothing beyond its largest value, whatever is asked */
  if (to->saturates || small) bound_reals(to->dtype, to->version, count, lanes);
  or_lanes_store(to->dtype, to->data, (int64_t)first, count, OR_LANE_REAL, lanes);
  if (!to->saturates && !small) undo_saturation(to->dtype, (uint8_t *)to->data + first, count, lanes);
}

static or_status_t read_rounding(const or_op_call_t *call, or_e8m0_rounding_t *out) {
  static const char *const names[] = {"up", "down", "nearest"};
  for (int i = 0; i < 3; ++i) {
    if (!or_op_attribute_is(call, "round_mode", names[i], "up")) continue;
    *out = (or_e8m0_rounding_t)i;
    return or_status_success();
  }
  const or_attribute_t *mode = or_op_attribute(call, "round_mode");
  int shown = mode->string.length < 64 ? (int)mode->string.length : 64;
  return or_error(OR_INVALID_ARGUMENT, "attribute \"round_mode\" is \"%.*s\", expected up, down or nearest", shown,
                  mode->string.data);
}

static or_status_t load(const or_op_tensor_t *in, or_dtype_t to, uint64_t first, size_t count, or_lane_kind_t kind,
                        or_lanes_t *out) {
  if (in->dtype == OR_STRING) return or_cast_read_texts(in, to, first, count, kind, out);
  or_lanes_load(in->dtype, in->data, (int64_t)first, 1, count, out);
  or_lanes_convert(out, count, or_lane_kind(in->dtype), kind);
  return or_status_success();
}

/* To powers of two, which have attributes of their own. */
static or_status_t cast_to_scale(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  bool saturates = or_op_attribute_int(call, "saturate", 1) != 0;
  or_e8m0_rounding_t rounding = OR_E8M0_UP;
  or_status_t status = read_rounding(call, &rounding);
  uint64_t count = or_shape_product(&in->shape, 0, in->shape.rank);
  or_lanes_t lanes;
  for (uint64_t first = 0; or_ok(status) && first < count && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t block = (size_t)(count - first < OR_LANES ? count - first : OR_LANES);
    uint8_t *codes = (uint8_t *)call->outputs[0].data + first;
    status = load(in, OR_FLOAT8E8M0, first, block, OR_LANE_REAL, &lanes);
    for (size_t i = 0; or_ok(status) && i < block; ++i)
      codes[i] = or_double_to_float8e8m0(lanes.real[i], rounding, saturates);
  }
  return status;
}

static or_status_t cast_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0], *out = &call->outputs[0];
  if (in->dtype == out->dtype) return or_reference_copy(call);
  if (out->dtype == OR_STRING) return or_cast_to_text(call);
  if (out->dtype == OR_FLOAT8E8M0) return cast_to_scale(call);
  const or_cast_target_t to = {out->dtype, out->data, call->node->version,
                               or_op_attribute_int(call, "saturate", 1) != 0};
  bool bounded = or_dtype_is_float(out->dtype) && or_dtype_bits(out->dtype) <= 8;
  or_lane_kind_t kind = bounded ? OR_LANE_REAL : or_lane_kind(in->dtype);
  if (in->dtype == OR_STRING) kind = out->dtype == OR_BOOL ? OR_LANE_REAL : or_lane_kind(out->dtype);
  uint64_t count = or_shape_product(&in->shape, 0, in->shape.rank);
  or_status_t status = or_status_success();
  for (uint64_t first = 0; or_ok(status) && first < count && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t block = (size_t)(count - first < OR_LANES ? count - first : OR_LANES);
    or_lanes_t lanes;
    status = load(in, out->dtype, first, block, kind, &lanes);
    if (!or_ok(status)) break;
    if (bounded) {
      or_cast_store_bounded(&to, first, block, &lanes);
    } else {
      or_lanes_store(out->dtype, out->data, (int64_t)first, block, kind, &lanes);
    }
  }
  return status;
}

static or_cost_t cast_cost(const or_op_call_t *call) {
  or_cost_t cost = {.bytes_read = or_cost_bytes(&call->inputs[0]), .bytes_written = or_cost_bytes(&call->outputs[0])};
  return cost;
}

const or_op_t or_op_cast = {
    .domain = "",
    .name = "Cast",
    .summary = "the same numbers in another dtype",
    .since = {1, 6, 9, 13, 19, 21, 23, 24, 25, 28},
    .changes = {OR_OP_MOVED_SINCE, {9, OR_OP_STRINGS, 0}, {28, OR_OP_FLOAT6, 0}},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = CASTABLE,
    .pointwise = true,
    .attributes = {{"to", OR_ATTRIBUTE_INT, true},
                   {"saturate", OR_ATTRIBUTE_INT, false},
                   {"round_mode", OR_ATTRIBUTE_STRING, false}}, /* to float8e8m0 */
    .infer = cast_infer,
    .cost = cast_cost,
    .reference = cast_reference,
};

const or_op_t or_op_cast_like = {
    .domain = "",
    .name = "CastLike",
    .summary = "the same numbers in the dtype of another tensor",
    .since = {15, 19, 21, 23, 24, 25},
    .changes = {{19, OR_OP_FLOAT8, 0},
                {21, OR_OP_4BIT_INTS, 0},
                {23, OR_DTYPE_BIT(OR_FLOAT4E2M1), 0},
                {24, OR_DTYPE_BIT(OR_FLOAT8E8M0), 0},
                {25, OR_OP_2BIT_INTS, 0}},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = CASTABLE & ~OR_OP_FLOAT6,
    .attributes = {{"saturate", OR_ATTRIBUTE_INT, false}, {"round_mode", OR_ATTRIBUTE_STRING, false}},
    .infer = cast_like_infer,
    .cost = cast_cost,
    .reference = cast_reference,
};
