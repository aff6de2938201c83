#include "ops/conv_integer.h"

#include "base/numbers.h"
#include "ops/conv_internal.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/quantize_internal.h"
#include "ops/shape.h"

static or_status_t integer_infer(or_op_call_t *call);
static or_cost_t integer_cost(const or_op_call_t *call);
static or_status_t integer_reference(or_op_call_t *call);
static or_status_t qlinear_infer(or_op_call_t *call);
static or_cost_t qlinear_cost(const or_op_call_t *call);
static or_status_t qlinear_reference(or_op_call_t *call);

#define BYTES (OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8))
#define CONV_ATTRIBUTES                                                                 \
  {                                                                                     \
    {"auto_pad", OR_ATTRIBUTE_STRING, false}, {"dilations", OR_ATTRIBUTE_INTS, false},  \
        {"group", OR_ATTRIBUTE_INT, false}, {"kernel_shape", OR_ATTRIBUTE_INTS, false}, \
        {"pads", OR_ATTRIBUTE_INTS, false}, {                                           \
      "strides", OR_ATTRIBUTE_INTS, false                                               \
    }                                                                                   \
  }

const or_op_t or_op_conv_integer = {
    .domain = "",
    .name = "ConvInteger",
    .summary = "convolution of 8-bit integers less their zero points, in 32 bits",
    .since = {10},
    .input_min = 2,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = BYTES,
    .attributes = CONV_ATTRIBUTES,
    .infer = integer_infer,
    .cost = integer_cost,
    .reference = integer_reference,
};

const or_op_t or_op_qlinear_conv = {
    .domain = "",
    .name = "QLinearConv",
    .summary = "convolution of quantised numbers, quantised again",
    .since = {10},
    .input_min = 8,
    .input_max = 9,
    .output_min = 1,
    .output_max = 1,
    .dtypes = BYTES,
    .attributes = CONV_ATTRIBUTES,
    .infer = qlinear_infer,
    .cost = qlinear_cost,
    .reference = qlinear_reference,
};

enum { X, X_SCALE, X_ZERO, W, W_SCALE, W_ZERO, Y_SCALE, Y_ZERO, BIAS }; /* inputs of QLinearConv */
static const or_conv_inputs_t integer_inputs = {0, 1, OR_CONV_NO_BIAS}, qlinear_inputs = {X, W, BIAS};

/* Input `index`: dtype, and one number, or, where `filters` is not 0, a list of so many. */
static or_status_t check_parameter(const or_op_call_t *call, uint32_t index, or_dtype_t dtype, int64_t filters) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *given = &call->inputs[index];
  if (given->dtype != dtype) {
    return or_error(OR_INVALID_ARGUMENT, "input %u is %s, expected %s", index, or_dtype_name(given->dtype),
                    or_dtype_name(dtype));
  }
  int64_t extent = given->shape.rank == 1 ? given->shape.dims[0] : 1;
  if (given->shape.rank <= 1 && (extent == 1 || extent < 0 || (filters != 0 && (filters < 0 || extent == filters))))
    return or_status_success();
  char text[160];
  return or_error(OR_INVALID_ARGUMENT, "input %u has shape %s, expected one number%s", index,
                  or_shape_format(&given->shape, text, sizeof text), filters != 0 ? " or one a filter" : "");
}

static or_status_t check_bytes(const or_op_call_t *call, uint32_t index) {
  if (or_dtype_is_one_of(call->inputs[index].dtype, BYTES)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u is %s, expected int8 or uint8", index,
                  or_dtype_name(call->inputs[index].dtype));
}

static int64_t filters_of(const or_shape_t *w) { return w->rank > 0 ? w->dims[0] : OR_DIM_UNKNOWN; }

static or_status_t integer_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *w = &call->inputs[1];
  call->outputs[0].dtype = OR_INT32;
  or_status_t status = check_bytes(call, 1);
  if (or_ok(status)) status = check_parameter(call, 2, x->dtype, 0);
  if (or_ok(status)) status = check_parameter(call, 3, w->dtype, filters_of(&w->shape));
  return or_ok(status) ? or_conv_infer_shape(call, integer_inputs, &call->outputs[0].shape) : status;
}

static or_cost_t integer_cost(const or_op_call_t *call) { return or_conv_cost(call, integer_inputs); }

/* Sums of products of bytes are exact as doubles; as int32 they wrap. */
static int32_t wrap(double sum) { return (int32_t)(uint32_t)(int64_t)sum; }

static void store_integers(const or_conv_t *conv, uint64_t filter, uint64_t first, size_t count, double *values) {
  (void)filter;
  int32_t *y = (int32_t *)conv->y->data + first;
  for (size_t i = 0; i < count; ++i) y[i] = wrap(values[i]);
}

static double number_of(const or_op_tensor_t *tensor, uint64_t index) {
  bool one = or_shape_product(&tensor->shape, 0, tensor->shape.rank) == 1;
  return or_element_get(tensor->dtype, tensor->data, one ? 0 : (size_t)index);
}

static or_status_t integer_reference(or_op_call_t *call) {
  const or_conv_t conv = {.x = &call->inputs[0],
                          .w = &call->inputs[1],
                          .y = &call->outputs[0],
                          .x_zero = or_op_has_input(call, 2) ? number_of(&call->inputs[2], 0) : 0,
                          .w_zero = or_op_has_input(call, 3) ? &call->inputs[3] : NULL,
                          .store = store_integers};
  return or_conv_run(call, &conv);
}

static or_status_t qlinear_infer(or_op_call_t *call) {
  const or_op_tensor_t *in = call->inputs;
  int64_t filters = filters_of(&in[W].shape);
  call->outputs[0].dtype = in[Y_ZERO].dtype;
  or_status_t status = check_bytes(call, W);
  if (or_ok(status)) status = check_bytes(call, Y_ZERO);
  if (or_ok(status)) status = check_parameter(call, X_SCALE, OR_FLOAT32, 0);
  if (or_ok(status)) status = check_parameter(call, X_ZERO, in[X].dtype, 0);
  if (or_ok(status)) status = check_parameter(call, W_SCALE, OR_FLOAT32, filters);
  if (or_ok(status)) status = check_parameter(call, W_ZERO, in[W].dtype, filters);
  if (or_ok(status)) status = check_parameter(call, Y_SCALE, OR_FLOAT32, 0);
  if (or_ok(status)) status = check_parameter(call, Y_ZERO, in[Y_ZERO].dtype, 0);
  if (or_ok(status) && or_op_has_input(call, BIAS) && in[BIAS].dtype != OR_INT32)
    status = or_error(OR_INVALID_ARGUMENT, "input 8 (the bias) is %s, expected int32", or_dtype_name(in[BIAS].dtype));
  return or_ok(status) ? or_conv_infer_shape(call, qlinear_inputs, &call->outputs[0].shape) : status;
}

static or_cost_t qlinear_cost(const or_op_call_t *call) { return or_conv_cost(call, qlinear_inputs); }

static void store_quantized(const or_conv_t *conv, uint64_t filter, uint64_t first, size_t count, double *values) {
  const or_op_call_t *call = conv->self;
  const or_op_tensor_t *in = call->inputs;
  const or_cast_target_t to = {conv->y->dtype, conv->y->data, call->node->version, true};
  double zeros[OR_LANES], zero = number_of(&in[Y_ZERO], 0);
  double bias = or_op_has_input(call, BIAS) ? or_element_get(OR_INT32, in[BIAS].data, (size_t)filter) : 0;
  float x_scale = (float)number_of(&in[X_SCALE], 0), w_scale = (float)number_of(&in[W_SCALE], filter);
  float factor = x_scale * w_scale / (float)number_of(&in[Y_SCALE], 0);
  for (size_t i = 0; i < count; ++i) {
    values[i] = (double)((float)wrap(values[i] + bias) * factor);
    zeros[i] = zero;
  }
  or_quantized_store(&to, first, count, values, zeros);
}

static or_status_t qlinear_reference(or_op_call_t *call) {
  const or_conv_t conv = {.x = &call->inputs[X],
                          .w = &call->inputs[W],
                          .y = &call->outputs[0],
                          .x_zero = number_of(&call->inputs[X_ZERO], 0),
                          .w_zero = &call->inputs[W_ZERO],
                          .store = store_quantized,
                          .self = call};
  return or_conv_run(call, &conv);
}
