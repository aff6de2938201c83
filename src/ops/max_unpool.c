#include "ops/max_unpool.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/window_internal.h"

static or_status_t max_unpool_infer(or_op_call_t *call);
static or_cost_t max_unpool_cost(const or_op_call_t *call);
static or_status_t max_unpool_reference(or_op_call_t *call);

const or_op_t or_op_max_unpool = {
    .domain = "",
    .name = "MaxUnpool",
    .summary = "elements put where MaxPool found them, among zeros",
    .since = {9, 11, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .value_inputs = 1U << 2,
    .attributes = {{"kernel_shape", OR_ATTRIBUTE_INTS, true},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .infer = max_unpool_infer,
    .cost = max_unpool_cost,
    .reference = max_unpool_reference,
};

/* The tensor in which indices count, if nothing is said of Y. */
static or_status_t unpooled_shape(const or_op_call_t *call, or_shape_t *out) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_auto_pad_t auto_pad = OR_PAD_EXPLICIT;
  or_window_t window;
  or_status_t status = or_window_read(call, x, NULL, &auto_pad, &window);
  if (!or_ok(status)) return status;
  bool padded = !or_op_has_input(call, 2);
  *out = *x;
  for (int32_t i = 0; i < window.rank; ++i) {
    int64_t pads = padded ? window.pad_begin[i] + window.pad_end[i] : 0, moved = 0, extent = 0;
    out->dims[i + 2] = OR_DIM_UNKNOWN;
    if (x->dims[i + 2] < 0) {
      if (window.stride[i] == 1 && window.kernel[i] - 1 == pads) out->dims[i + 2] = x->dims[i + 2];
      continue;
    }
    if (!or_mul_i64(x->dims[i + 2] - 1, window.stride[i], &moved) ||
        !or_add_i64(moved, window.kernel[i] - pads, &extent)) {
      return or_error(OR_OUT_OF_RANGE, "the input's extent %lld in dimension %d is too large",
                      (long long)x->dims[i + 2], (int)i + 2);
    }
    if (x->dims[i + 2] == 0 && extent < 0) extent = 0;
    if (extent < 0) {
      return or_error(OR_INVALID_ARGUMENT, "the pads leave nothing of dimension %d: %lld elements", (int)i + 2,
                      (long long)extent);
    }
    out->dims[i + 2] = extent;
  }
  return or_shape_check_count(out);
}

static or_status_t read_output_shape(const or_op_call_t *call, or_shape_t *out) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_integers_t given;
  or_status_t status = or_integers_input(call, 2, "output_shape", true, &given);
  if (!or_ok(status)) return status;
  if (given.count >= 0 && given.count != x->rank) {
    return or_error(OR_INVALID_ARGUMENT, "output_shape has %d entries, expected %d as input 0", (int)given.count,
                    (int)x->rank);
  }
  *out = *x;
  for (int32_t i = 0; i < x->rank; ++i) {
    if (!given.known) {
      if (i >= 2) out->dims[i] = OR_DIM_UNKNOWN;
      continue;
    }
    out->dims[i] = given.values[i];
    bool fits = given.values[i] >= 0 && (i >= 2 || x->dims[i] < 0 || x->dims[i] == given.values[i]);
    if (!fits) {
      return or_error(OR_INVALID_ARGUMENT, "output_shape holds %lld at %d, input 0 has %lld",
                      (long long)given.values[i], (int)i, (long long)x->dims[i]);
    }
  }
  return or_shape_check_count(out);
}

static or_status_t max_unpool_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *indices = &call->inputs[1];
  or_shape_t unpooled;
  call->outputs[0].dtype = x->dtype;
  if (indices->dtype != OR_INT64) {
    return or_error(OR_INVALID_ARGUMENT, "input 1 is %s, expected int64", or_dtype_name(indices->dtype));
  }
  if (x->shape.rank < 0) return or_status_success();
  or_status_t status = or_infer_check_rank(call, 1, x->shape.rank);
  for (int32_t i = 0; or_ok(status) && indices->shape.rank >= 0 && i < x->shape.rank; ++i) {
    int64_t extent = 0;
    status = or_infer_same_extent("X and I", x->shape.dims[i], indices->shape.dims[i], &extent);
  }
  if (or_ok(status)) status = unpooled_shape(call, &unpooled);
  if (or_ok(status) && or_op_has_input(call, 2)) status = read_output_shape(call, &unpooled);
  if (or_ok(status)) call->outputs[0].shape = unpooled;
  return status;
}

static or_cost_t max_unpool_cost(const or_op_call_t *call) { return or_cost_per_output(call, 0); }

/* Where element `index` of the tensor in which indices count lies in Y; each of its extents is at most Y's. */
static uint64_t place_in(const or_shape_t *counted, const or_shape_t *y, uint64_t index) {
  uint64_t at = 0, stride = 1;
  for (int32_t i = y->rank - 1; i >= 0; --i) {
    at += index % (uint64_t)counted->dims[i] * stride;
    index /= (uint64_t)counted->dims[i];
    stride *= (uint64_t)y->dims[i];
  }
  return at;
}

static or_status_t max_unpool_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  const int64_t *indices = call->inputs[1].data;
  uint64_t count = or_shape_product(&x->shape, 0, x->shape.rank);
  uint64_t out_count = or_shape_product(&y->shape, 0, y->shape.rank);
  size_t bytes = or_dtype_bytes(x->dtype, 1);
  or_shape_t counted;
  or_status_t status = unpooled_shape(call, &counted);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < counted.rank; ++i) {
    if (counted.dims[i] > y->shape.dims[i]) counted.dims[i] = y->shape.dims[i];
  }
  bool same = memcmp(counted.dims, y->shape.dims, (size_t)counted.rank * sizeof *counted.dims) == 0;
  uint64_t limit = or_shape_product(&counted, 0, counted.rank);
  if (out_count > 0) memset(y->data, 0, or_dtype_bytes(y->dtype, out_count));
  for (uint64_t i = 0; i < count && !or_stops(call->stop, 4); ++i) {
    if (indices[i] < 0 || (uint64_t)indices[i] >= limit) {
      return or_error(OR_INVALID_ARGUMENT, "index %lld at element %llu is outside [0, %llu)", (long long)indices[i],
                      (unsigned long long)i, (unsigned long long)limit);
    }
    uint64_t at = same ? (uint64_t)indices[i] : place_in(&counted, &y->shape, (uint64_t)indices[i]);
    memcpy((char *)y->data + at * bytes, (const char *)x->data + i * bytes, bytes);
  }
  return status;
}
