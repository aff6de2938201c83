/* DynamicQuantizeLinear of ops/quantize_linear.h. */
#include <math.h>

#include "ops/infer.h"
#include "ops/quantize_linear.h"
#include "ops/shape.h"

static or_status_t dynamic_infer(or_op_call_t *call);
static or_cost_t dynamic_cost(const or_op_call_t *call);
static or_status_t dynamic_reference(or_op_call_t *call);

const or_op_t or_op_dynamic_quantize_linear = {
    .domain = "",
    .name = "DynamicQuantizeLinear",
    .summary = "float32 rounded to uint8, with the scale and zero point that its range asks for",
    .since = {11},
    .input_min = 1,
    .input_max = 1,
    .output_min = 3,
    .output_max = 3,
    .dtypes = OR_DTYPE_BIT(OR_FLOAT32),
    .infer = dynamic_infer,
    .cost = dynamic_cost,
    .reference = dynamic_reference,
};

static or_status_t dynamic_infer(or_op_call_t *call) {
  call->outputs[0].dtype = call->outputs[2].dtype = OR_UINT8;
  call->outputs[1].dtype = OR_FLOAT32;
  call->outputs[0].shape = call->inputs[0].shape;
  call->outputs[1].shape = call->outputs[2].shape = (or_shape_t){.rank = 0};
  return or_status_success();
}

static or_cost_t dynamic_cost(const or_op_call_t *call) { return or_cost_per_output(call, 4); }

static float clip(float value) { return value >= 255 ? 255 : value > 0 ? value : 0; /* NaN: 0 */ }

/* An output that nobody wants has no memory. */
static or_status_t dynamic_reference(or_op_call_t *call) {
  const float *x = call->inputs[0].data;
  uint64_t count = or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  float low = 0, high = 0;
  for (uint64_t i = 0; i < count && !or_stops(call->stop, 1); ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  float scale = (high - low) / 255, zero = nearbyintf(clip(0 - low / scale));
  uint8_t *y = call->outputs[0].data;
  for (uint64_t i = 0; y != NULL && i < count && !or_stops(call->stop, 1); ++i)
    y[i] = (uint8_t)clip(nearbyintf(x[i] / scale) + zero);
  if (call->outputs[1].data != NULL) *(float *)call->outputs[1].data = scale;
  if (call->outputs[2].data != NULL) *(uint8_t *)call->outputs[2].data = (uint8_t)zero;
  return or_status_success();
}
