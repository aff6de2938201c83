#include "ops/quantize_linear.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/granularity.h"
#include "ops/infer.h"
#include "ops/quantize_internal.h"
#include "ops/shape.h"

static or_status_t quantize_infer(or_op_call_t *call);
static or_status_t quantize_reference(or_op_call_t *call);
static or_status_t dequantize_infer(or_op_call_t *call);
static or_status_t dequantize_reference(or_op_call_t *call);
static or_cost_t linear_cost(const or_op_call_t *call);

#define SCALE_FLOATS (OR_DTYPE_BIT(OR_FLOAT32) | OR_DTYPE_BIT(OR_FLOAT16) | OR_DTYPE_BIT(OR_BFLOAT16))
#define QUANTIZED                                                                                      \
  (OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8) | OR_DTYPE_BIT(OR_INT16) | OR_DTYPE_BIT(OR_UINT16) | \
   OR_OP_NARROW_INTS | OR_OP_FLOAT8 | OR_DTYPE_BIT(OR_FLOAT4E2M1) | OR_DTYPE_BIT(OR_FLOAT6E2M3) |      \
   OR_DTYPE_BIT(OR_FLOAT6E3M2))

const or_op_t or_op_quantize_linear = {
    .domain = "",
    .name = "QuantizeLinear",
    .summary = "numbers divided by a scale, for a tensor, an axis or blocks of one, and rounded to a narrow dtype",
    .since = {10, 13, 19, 21, 23, 24, 25, 28},
    .changes = {{19, OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_FLOAT16), 0}},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = SCALE_FLOATS | OR_DTYPE_BIT(OR_INT32),
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"block_size", OR_ATTRIBUTE_INT, false},
                   {"output_dtype", OR_ATTRIBUTE_INT, false},
                   {"precision", OR_ATTRIBUTE_INT, false},
                   {"saturate", OR_ATTRIBUTE_INT, false}},
    .infer = quantize_infer,
    .cost = linear_cost,
    .reference = quantize_reference,
};

const or_op_t or_op_dequantize_linear = {
    .domain = "",
    .name = "DequantizeLinear",
    .summary = "numbers of a narrow dtype less a zero point, times a scale, for a tensor, an axis or blocks of one",
    .since = {10, 13, 19, 21, 23, 24, 25, 28},
    .changes = {{19, OR_OP_FLOAT8, 0},
                {21, OR_OP_4BIT_INTS | OR_DTYPE_BIT(OR_INT16) | OR_DTYPE_BIT(OR_UINT16), 0},
                {23, OR_DTYPE_BIT(OR_FLOAT4E2M1), 0},
                {25, OR_OP_2BIT_INTS, 0},
                {28, OR_OP_FLOAT6, 0}},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = QUANTIZED | OR_DTYPE_BIT(OR_INT32),
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"block_size", OR_ATTRIBUTE_INT, false},
                   {"output_dtype", OR_ATTRIBUTE_INT, false}},
    .infer = dequantize_infer,
    .cost = linear_cost,
    .reference = dequantize_reference,
};

/* ---- shapes and dtypes ---- */

/* The scale's shape where it has one scale a block: each extent but the axis' is x's. */
static or_status_t check_blocks(const or_shape_t *x, const or_shape_t *scale, int32_t axis, int64_t block) {
  bool fits = scale->rank == x->rank;
  for (int32_t i = 0; fits && i < x->rank; ++i) {
    int64_t extent = x->dims[i];
    if (extent < 0 || scale->dims[i] < 0) continue;
    if (i == axis) extent = extent / block + (extent % block != 0);
    fits = scale->dims[i] == extent;
  }
  if (fits) return or_status_success();
  char x_text[160], scale_text[160];
  return or_error(OR_INVALID_ARGUMENT, "scales of shape %s do not fit input 0, %s, in blocks of %lld along axis %d",
                  or_shape_format(scale, scale_text, sizeof scale_text), or_shape_format(x, x_text, sizeof x_text),
                  (long long)block, (int)axis);
}

/* One element, whether a scalar or not. */
static bool is_one(const or_shape_t *shape) { return shape->rank == 0 || (shape->rank == 1 && shape->dims[0] == 1); }

static or_status_t axis_of(const or_op_call_t *call, int32_t *out) {
  *out = 0;
  if (call->inputs[0].shape.rank == 1) return or_status_success();
  return or_axis_normalize(or_op_attribute_int(call, "axis", 1), call->inputs[0].shape.rank, out);
}

static or_status_t check_scales(const or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape, *scale = &call->inputs[1].shape;
  int64_t block = or_op_attribute_int(call, "block_size", 0), unused = 0;
  int32_t axis = 0;
  if (block < 0)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"block_size\" is %lld, expected at least 0", (long long)block);
  if (x->rank < 0 || scale->rank < 0 || is_one(scale)) return or_status_success();
  if (x->rank == 0) return or_error(OR_INVALID_ARGUMENT, "input 0 is a scalar, its scale is not");
  or_status_t status = axis_of(call, &axis);
  if (!or_ok(status)) return status;
  if (block > 0) return check_blocks(x, scale, axis, block);
  if (scale->rank != 1) {
    return or_error(OR_INVALID_ARGUMENT, "scales of rank %d without block_size, expected one number or a list",
                    (int)scale->rank);
  }
  if (call->node->version < 13)
    return or_error(OR_INVALID_ARGUMENT, "%lld scales; version %d takes one", (long long)scale->dims[0],
                    call->node->version);
  return or_infer_same_extent("scales and the extent of their axis", scale->dims[0], x->dims[axis], &unused);
}

/* The zero point's shape is the scale's, and its dtype `expected`, unless that is OR_DTYPE_NONE. */
static or_status_t check_zero_point(const or_op_call_t *call, or_dtype_t expected) {
  if (!or_op_has_input(call, 2)) return or_status_success();
  const or_op_tensor_t *zero = &call->inputs[2];
  const or_shape_t *scale = &call->inputs[1].shape;
  if (expected != OR_DTYPE_NONE && zero->dtype != expected)
    return or_error(OR_INVALID_ARGUMENT, "the zero point is %s, expected %s", or_dtype_name(zero->dtype),
                    or_dtype_name(expected));
  if (is_one(&zero->shape) && is_one(scale)) return or_status_success();
  if (!or_shape_is_static(&zero->shape) || !or_shape_is_static(scale) || or_shape_equal(&zero->shape, scale))
    return or_status_success();
  char zero_text[160], scale_text[160];
  return or_error(OR_INVALID_ARGUMENT, "the zero point has shape %s, the scale %s; they must be the same",
                  or_shape_format(&zero->shape, zero_text, sizeof zero_text),
                  or_shape_format(scale, scale_text, sizeof scale_text));
}

static or_status_t check_scale_dtype(const or_op_call_t *call, uint32_t allowed) {
  or_dtype_t dtype = call->inputs[1].dtype;
  if (or_dtype_is_one_of(dtype, allowed)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input 1 (the scale) is %s, which %s does not take", or_dtype_name(dtype),
                  call->op->name);
}

/* An attribute that names a dtype; `fallback` where it is absent or 0. */
static or_status_t dtype_attribute(const or_op_call_t *call, const char *name, uint32_t allowed, or_dtype_t fallback,
                                   or_dtype_t *out) {
  int64_t number = or_op_attribute_int(call, name, 0);
  *out = number == 0 ? fallback : number > 0 && number < OR_DTYPE_COUNT ? (or_dtype_t)number : OR_DTYPE_NONE;
  if (or_dtype_is_one_of(*out, allowed)) return or_status_success();
  if (number == 0)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is missing, and %s can't take its place", name,
                    or_dtype_name(fallback));
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is %lld (%s), which %s does not take", name, (long long)number,
                  or_dtype_name(*out), call->op->name);
}

/* What QuantizeLinear divides in. */
static or_status_t precision_of(const or_op_call_t *call, or_dtype_t *out) {
  or_dtype_t x = call->inputs[0].dtype, scale = call->inputs[1].dtype;
  or_dtype_t wide = x == OR_INT32 ? OR_FLOAT32 : x;
  or_dtype_t usual = scale == OR_INT32 ? OR_FLOAT64 : scale == OR_FLOAT8E8M0 ? wide : scale;
  return dtype_attribute(call, "precision", SCALE_FLOATS | OR_DTYPE_BIT(OR_FLOAT64), usual, out);
}

static or_status_t quantize_infer(or_op_call_t *call) {
  or_dtype_t zero = or_op_has_input(call, 2) ? call->inputs[2].dtype : OR_UINT8, unused = OR_DTYPE_NONE;
  bool given = or_op_has_input(call, 2) && or_op_attribute_int(call, "output_dtype", 0) != 0;
  call->outputs[0].shape = call->inputs[0].shape;
  or_status_t status = check_scale_dtype(call, SCALE_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_FLOAT8E8M0));
  if (or_ok(status)) status = precision_of(call, &unused);
  if (or_ok(status)) status = dtype_attribute(call, "output_dtype", QUANTIZED, zero, &call->outputs[0].dtype);
  if (or_ok(status)) status = check_zero_point(call, given ? call->outputs[0].dtype : OR_DTYPE_NONE);
  return or_ok(status) ? check_scales(call) : status;
}

static or_status_t dequantize_infer(or_op_call_t *call) {
  call->outputs[0].shape = call->inputs[0].shape;
  or_status_t status = check_scale_dtype(call, SCALE_FLOATS | OR_DTYPE_BIT(OR_FLOAT8E8M0));
  if (or_ok(status))
    status = dtype_attribute(call, "output_dtype", SCALE_FLOATS, call->inputs[1].dtype, &call->outputs[0].dtype);
  if (or_ok(status)) status = check_zero_point(call, call->inputs[0].dtype);
  return or_ok(status) ? check_scales(call) : status;
}

static or_cost_t linear_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

or_status_t or_granularity_make(const or_op_call_t *call, or_granularity_t *out) {
  const or_shape_t *x = &call->inputs[0].shape, *scale = &call->inputs[1].shape;
  *out =
      (or_granularity_t){.count = or_shape_product(x, 0, x->rank), .scale_count = 1, .axis = 1, .inner = 1, .block = 1};
  or_status_t status = check_scales(call);
  if (!or_ok(status) || is_one(scale)) return status;
  int32_t axis = 0;
  status = axis_of(call, &axis);
  if (!or_ok(status)) return status;
  int64_t block = or_op_attribute_int(call, "block_size", 0);
  out->scale_count = or_shape_product(scale, 0, scale->rank);
  out->axis = (uint64_t)x->dims[axis];
  out->inner = or_shape_product(x, axis + 1, x->rank);
  out->blocked = block > 0;
  if (block > 0) out->block = (uint64_t)block;
  return status;
}

/* ---- the references ---- */

void or_quantized_range(or_dtype_t dtype, double *low, double *high) {
  *high = or_dtype_largest(dtype);
  *low = or_dtype_is_signed(dtype) ? -*high - 1 : 0;
}

void or_quantized_store(const or_cast_target_t *to, uint64_t first, size_t count, const double *values,
                        const double *zeros) {
  or_lanes_t lanes;
  if (or_dtype_is_float(to->dtype)) {
    for (size_t i = 0; i < count; ++i) lanes.real[i] = values[i] + zeros[i];
    or_cast_store_bounded(to, first, count, &lanes);
    return;
  }
  double low = 0, high = 0;
  or_quantized_range(to->dtype, &low, &high);
  for (size_t i = 0; i < count; ++i) {
    double value = nearbyint(values[i]) + zeros[i];
    lanes.integer[i] = (int64_t)(value >= high ? high : value > low ? value : low); /* NaN: low */
  }
  or_lanes_store(to->dtype, to->data, (int64_t)first, count, OR_LANE_INTEGER, &lanes);
}

/* Scales and zero points as doubles, and which of them the next element has. */
typedef struct scales_t {
  or_granularity_t granularity;
  double *scales, *zeros;        /* `scale_count` each, in one piece */
  uint64_t outer, index, inside; /* of the next element: before the axis, along it, behind it */
} scales_t;

static or_status_t scales_init(scales_t *scales, const or_op_call_t *call) {
  const or_op_tensor_t *scale = &call->inputs[1], *zero = or_op_has_input(call, 2) ? &call->inputs[2] : NULL;
  *scales = (scales_t){.outer = 0};
  or_status_t status = or_granularity_make(call, &scales->granularity);
  size_t count = (size_t)scales->granularity.scale_count;
  void *memory = NULL;
  if (or_ok(status)) status = or_alloc_array(call->allocator, count, 2 * sizeof(double), &memory);
  if (!or_ok(status)) return status;
  scales->scales = memory;
  scales->zeros = scales->scales + count;
  or_elements_load(scale->dtype, scale->data, 0, count, scales->scales);
  if (zero != NULL) {
    or_elements_load(zero->dtype, zero->data, 0, count, scales->zeros);
  } else {
    memset(scales->zeros, 0, count * sizeof *scales->zeros);
  }
  return status;
}

/* Those of the next `count` elements. */
static void scales_next(scales_t *scales, size_t count, double *scale, double *zero) {
  const or_granularity_t *granularity = &scales->granularity;
  uint64_t blocks = granularity->axis / granularity->block + (granularity->axis % granularity->block != 0);
  for (size_t i = 0; i < count; ++i) {
    uint64_t at = scales->index / granularity->block;
    if (granularity->blocked) at = (scales->outer * blocks + at) * granularity->inner + scales->inside;
    scale[i] = scales->scales[at];
    zero[i] = scales->zeros[at];
    if (++scales->inside < granularity->inner) continue;
    scales->inside = 0;
    if (++scales->index < granularity->axis) continue;
    scales->index = 0;
    ++scales->outer;
  }
}

static void round_to(or_dtype_t dtype, size_t count, double *values) {
  float memory[OR_LANES];
  if (dtype == OR_FLOAT64) return;
  or_elements_store(dtype, memory, 0, count, values);
  or_elements_load(dtype, memory, 0, count, values);
}

static or_status_t quantize_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  const or_cast_target_t to = {y->dtype, y->data, call->node->version, or_op_attribute_int(call, "saturate", 1) != 0};
  or_dtype_t precision = OR_FLOAT32;
  scales_t scales;
  or_status_t status = precision_of(call, &precision);
  if (or_ok(status)) status = scales_init(&scales, call);
  if (!or_ok(status)) return status;
  double values[OR_LANES], scale[OR_LANES], zero[OR_LANES];
  uint64_t count = scales.granularity.count;
  for (uint64_t first = 0; first < count && !or_stops(call->stop, 2 * OR_LANES); first += OR_LANES) {
    size_t block = (size_t)(count - first < OR_LANES ? count - first : OR_LANES);
    or_elements_load(x->dtype, x->data, first, block, values);
    scales_next(&scales, block, scale, zero);
    round_to(precision, block, values);
    round_to(precision, block, scale);
    for (size_t i = 0; i < block; ++i) values[i] /= scale[i];
    round_to(precision, block, values);
    or_quantized_store(&to, first, block, values, zero);
  }
  or_free(call->allocator, scales.scales);
  return status;
}

static or_status_t dequantize_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  scales_t scales;
  or_status_t status = scales_init(&scales, call);
  if (!or_ok(status)) return status;
  double values[OR_LANES], scale[OR_LANES], zero[OR_LANES];
  uint64_t count = scales.granularity.count;
  for (uint64_t first = 0; first < count && !or_stops(call->stop, 2 * OR_LANES); first += OR_LANES) {
    size_t block = (size_t)(count - first < OR_LANES ? count - first : OR_LANES);
    or_elements_load(x->dtype, x->data, first, block, values);
    scales_next(&scales, block, scale, zero);
    for (size_t i = 0; i < block; ++i) values[i] = (double)((float)(values[i] - zero[i]) * (float)scale[i]);
    or_elements_store(y->dtype, y->data, first, block, values);
  }
  or_free(call->allocator, scales.scales);
  return status;
}
