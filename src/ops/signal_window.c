#include "ops/signal_window.h"

#include <math.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"

#define TAU 6.283185307179586476925

static or_status_t window_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  or_integers_t size;
  int64_t dtype = or_op_attribute_int(call, "output_datatype", OR_FLOAT32);
  out->dtype = dtype > 0 && dtype < OR_DTYPE_COUNT ? (or_dtype_t)dtype : OR_DTYPE_NONE;
  if (!or_dtype_is_one_of(out->dtype, OR_OP_NUMERIC))
    return or_error(OR_INVALID_ARGUMENT, "attribute \"output_datatype\" is %lld (%s), which %s does not give",
                    (long long)dtype, or_dtype_name(out->dtype), call->op->name);
  or_status_t status = or_integers_input(call, 0, "size", false, &size);
  if (or_ok(status)) status = or_shape_unknown(1, &out->shape);
  if (!or_ok(status)) return status;
  if (size.count >= 0 && size.count != 1)
    return or_error(OR_INVALID_ARGUMENT, "input 0 (size) has %d elements, expected 1", size.count);
  if (!size.known) return status;
  out->shape.dims[0] = size.values[0];
  if (size.values[0] >= 0) return status;
  return or_error(OR_INVALID_ARGUMENT, "input 0 (size) is %lld; it must not be negative", (long long)size.values[0]);
}

static or_cost_t window_cost(const or_op_call_t *call) { return or_cost_per_output(call, 40); }

static or_status_t window_of(or_op_call_t *call, double a, double b, double c) {
  const or_op_tensor_t *out = &call->outputs[0];
  int64_t size = out->shape.dims[0];
  double period = (double)(or_op_attribute_int(call, "periodic", 1) != 0 ? size : size - 1);
  or_lanes_t lanes;
  for (int64_t first = 0; first < size && !or_stops(call->stop, 4 * OR_LANES); first += OR_LANES) {
    size_t count = size - first < OR_LANES ? (size_t)(size - first) : OR_LANES;
    for (size_t i = 0; i < count; ++i) {
      double angle = TAU * (double)(first + (int64_t)i) / period;
      lanes.real[i] = (c != 0 ? c * cos(2 * angle) : 0) - b * cos(angle) + a; /* so the ends are 0, the middle 1 */
    }
    or_lanes_store(out->dtype, out->data, first, count, OR_LANE_REAL, &lanes);
  }
  return or_status_success();
}

static or_status_t hann_reference(or_op_call_t *call) { return window_of(call, 0.5, 0.5, 0); }
static or_status_t hamming_reference(or_op_call_t *call) { return window_of(call, 25.0 / 46, 21.0 / 46, 0); }
static or_status_t blackman_reference(or_op_call_t *call) { return window_of(call, 0.42, 0.5, 0.08); }

#define ROW(op_name, what, reference_function)                                                                      \
  {                                                                                                                 \
    .domain = "", .name = op_name, .summary = what, .since = {17}, .input_min = 1, .input_max = 1, .output_min = 1, \
    .output_max = 1, .dtypes = OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64), .value_inputs = 1u << 0,            \
    .attributes = {{"output_datatype", OR_ATTRIBUTE_INT, false}, {"periodic", OR_ATTRIBUTE_INT, false}},            \
    .tolerance = {.rel = 1e-5, .abs = 1e-6}, .infer = window_infer, .cost = window_cost,                            \
    .reference = reference_function,                                                                                \
  }

const or_op_t or_op_hann_window = ROW("HannWindow", "one period of a raised cosine", hann_reference);
const or_op_t or_op_hamming_window = ROW("HammingWindow", "a raised cosine that does not reach 0", hamming_reference);
const or_op_t or_op_blackman_window = ROW("BlackmanWindow", "a window of two cosines", blackman_reference);
