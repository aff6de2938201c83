#include "ops/activation_internal.h"

#include "ops/infer.h"
#include "ops/shape.h"

static or_cost_t unary_cost(const or_op_call_t *call);
static or_status_t unary_reference(or_op_call_t *call);

/* Versions stand in parentheses, for the sake of their commas; after them the remaining fields. */
#define LIST(...) \
  { __VA_ARGS__ }
#define UNARY(symbol, title, what, versions, ...) \
  const or_op_t or_op_##symbol = {                \
      .domain = "",                               \
      .name = title,                              \
      .summary = what,                            \
      .since = LIST versions,                     \
      .input_min = 1,                             \
      .input_max = 1,                             \
      .output_min = 1,                            \
      .output_max = 1,                            \
      .pointwise = true,                          \
      .infer = or_infer_same_as_input,            \
      .cost = unary_cost,                         \
      .reference = unary_reference,               \
      __VA_ARGS__,                                \
  };
#define CLOSE .tolerance = {.rel = 1e-5, .abs = 1e-6}
#define ALPHA \
  { "alpha", OR_ATTRIBUTE_FLOAT, false }

UNARY(relu, "Relu", "max(x, 0)", (1, 6, 13, 14), .dtypes = OR_OP_FLOATS | OR_OP_SIGNED_INTS,
      .changes = {OR_OP_BFLOAT16_SINCE(13), {14, OR_OP_SIGNED_INTS, 0}})
UNARY(sigmoid, "Sigmoid", "1 / (1 + exp(-x))", (1, 6, 13), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(13)}, CLOSE)
UNARY(tanh, "Tanh", "hyperbolic tangent", (1, 6, 13), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(13)},
      CLOSE)
UNARY(exp, "Exp", "exponential", (1, 6, 13), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(13)}, CLOSE)
UNARY(log, "Log", "natural logarithm", (1, 6, 13), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(13)}, CLOSE)
UNARY(sqrt, "Sqrt", "square root", (1, 6, 13), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(13)}, CLOSE)
UNARY(abs, "Abs", "absolute value", (1, 6, 13), .dtypes = OR_OP_NUMERIC,
      .changes = {{6, OR_OP_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)})
UNARY(neg, "Neg", "-x", (1, 6, 13), .dtypes = OR_OP_FLOATS | OR_OP_SIGNED_INTS,
      .changes = {{6, OR_OP_SIGNED_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)})
UNARY(reciprocal, "Reciprocal", "1 / x", (1, 6, 13), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(13)},
      CLOSE)
UNARY(erf, "Erf", "error function", (9, 13), .dtypes = OR_OP_NUMERIC,
      .changes = {{13, OR_DTYPE_BIT(OR_BFLOAT16), OR_OP_INTS}}, CLOSE)
UNARY(gelu, "Gelu", "Gaussian error linear unit, exact or by tanh", (20), .dtypes = OR_OP_FLOATS, CLOSE,
      .attributes = {{"approximate", OR_ATTRIBUTE_STRING, false}})
UNARY(hard_sigmoid, "HardSigmoid", "max(0, min(1, alpha x + beta))", (1, 6, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE, .attributes = {ALPHA, {"beta", OR_ATTRIBUTE_FLOAT, false}})
UNARY(hard_swish, "HardSwish", "x max(0, min(1, x / 6 + 1 / 2))", (14, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(elu, "Elu", "x, alpha (exp(x) - 1) below 0", (1, 6, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE, .attributes = {ALPHA})
UNARY(celu, "Celu", "x, alpha (exp(x / alpha) - 1) below 0", (12, 28), .dtypes = OR_OP_FLOATS,
      .changes = {{28, OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_FLOAT64) | OR_DTYPE_BIT(OR_FLOAT16), 0}}, CLOSE,
      .attributes = {ALPHA})
UNARY(selu, "Selu", "gamma x, gamma alpha (exp(x) - 1) below 0", (1, 6, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE, .attributes = {ALPHA, {"gamma", OR_ATTRIBUTE_FLOAT, false}})
UNARY(leaky_relu, "LeakyRelu", "x, alpha x below 0", (1, 6, 16), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(16)}, CLOSE, .attributes = {ALPHA})
UNARY(thresholded_relu, "ThresholdedRelu", "x above alpha, else 0", (10, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, .attributes = {ALPHA})
UNARY(softplus, "Softplus", "log(1 + exp(x))", (1, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)},
      CLOSE)
UNARY(softsign, "Softsign", "x / (1 + |x|)", (1, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)},
      CLOSE)
UNARY(mish, "Mish", "x tanh(softplus(x))", (18, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)},
      CLOSE)
UNARY(swish, "Swish", "x sigmoid(alpha x)", (24), .dtypes = OR_OP_FLOATS, CLOSE, .attributes = {ALPHA})
UNARY(sin, "Sin", "sine", (7, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(cos, "Cos", "cosine", (7, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(tan, "Tan", "tangent", (7, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)},
      .tolerance = {.rel = 1e-4, .abs = 1e-5})
UNARY(asin, "Asin", "inverse sine", (7, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(acos, "Acos", "inverse cosine", (7, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(atan, "Atan", "inverse tangent", (7, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(sinh, "Sinh", "hyperbolic sine", (9, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(cosh, "Cosh", "hyperbolic cosine", (9, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(asinh, "Asinh", "inverse hyperbolic sine", (9, 22), .dtypes = OR_OP_FLOATS, .changes = {OR_OP_BFLOAT16_SINCE(22)},
      CLOSE)
UNARY(acosh, "Acosh", "inverse hyperbolic cosine", (9, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(atanh, "Atanh", "inverse hyperbolic tangent", (9, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)}, CLOSE)
UNARY(shrink, "Shrink", "x + bias below -lambd, x - bias above lambd, else 0", (9),
      .dtypes = OR_OP_NUMERIC & ~OR_DTYPE_BIT(OR_BFLOAT16), CLOSE,
      .attributes = {{"bias", OR_ATTRIBUTE_FLOAT, false}, {"lambd", OR_ATTRIBUTE_FLOAT, false}})
UNARY(floor, "Floor", "largest whole number not above x", (1, 6, 13), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(13)})
UNARY(ceil, "Ceil", "least whole number not below x", (1, 6, 13), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(13)})
UNARY(round, "Round", "nearest whole number, halves to even", (11, 22), .dtypes = OR_OP_FLOATS,
      .changes = {OR_OP_BFLOAT16_SINCE(22)})
UNARY(sign, "Sign", "-1, 0 or 1", (9, 13), .dtypes = OR_OP_NUMERIC, .changes = {OR_OP_BFLOAT16_SINCE(13)})

static or_cost_t unary_cost(const or_op_call_t *call) { return or_cost_per_output(call, or_unary_of(call->op)->flops); }

static const char *beta_name(const or_op_t *op) {
  return op == &or_op_selu ? "gamma" : op == &or_op_shrink ? "bias" : "beta";
}

static or_status_t unary_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  const or_unary_t *function = or_unary_of(call->op);
  or_unary_parameters_t parameters = {
      .alpha = (double)or_op_attribute_float(call, call->op == &or_op_shrink ? "lambd" : "alpha", function->alpha),
      .beta = (double)or_op_attribute_float(call, beta_name(call->op), function->beta),
      .tanh_form = or_op_attribute_is(call, "approximate", "tanh", "none")};
  or_lane_kind_t kind = or_lane_kind(x->dtype);
  bool in_integers = kind != OR_LANE_REAL && function->integer != NULL;
  uint64_t total = or_shape_product(&x->shape, 0, x->shape.rank);
  or_lanes_t lanes;
  for (uint64_t first = 0; first < total && !or_stops(call->stop, OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_lanes_load(x->dtype, x->data, (int64_t)first, 1, count, &lanes);
    if (in_integers) {
      function->integer(&lanes, count, kind);
    } else {
      or_lanes_convert(&lanes, count, kind, OR_LANE_REAL);
      function->real(lanes.real, count, &parameters);
    }
    or_lanes_store(y->dtype, y->data, (int64_t)first, count, in_integers ? kind : OR_LANE_REAL, &lanes);
  }
  return or_status_success();
}
