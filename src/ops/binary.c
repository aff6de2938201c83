#include "ops/binary.h"

#include <math.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/rows.h"

/* x[i] = f(x[i], y[i]) for i < count. */
typedef void (*lanes_fn_t)(or_lanes_t *x, const or_lanes_t *y, size_t count);

/* One function a lane kind: REAL, INTEGER, NATURAL. */
typedef struct binary_t {
  lanes_fn_t lanes[OR_LANE_KIND_COUNT];
} binary_t;

#define DEFINE_LANES(name, member, type, expression)                   \
  static void name(or_lanes_t *x, const or_lanes_t *y, size_t count) { \
    for (size_t i = 0; i < count; ++i) {                               \
      type a = x->member[i], b = y->member[i];                         \
      x->member[i] = (expression);                                     \
    }                                                                  \
  }
#define DEFINE_BINARY(name, real_expression, integer_expression, natural_expression) \
  DEFINE_LANES(name##_real, real, double, real_expression)                           \
  DEFINE_LANES(name##_integer, integer, int64_t, integer_expression)                 \
  DEFINE_LANES(name##_natural, natural, uint64_t, natural_expression)                \
  static const binary_t name##_lanes = {{name##_real, name##_integer, name##_natural}};

static int64_t divide_integers(int64_t a, int64_t b);
static int64_t remainder_of_integers(int64_t a, int64_t b);
static int64_t floor_remainder_of_integers(int64_t a, int64_t b);
static double floor_remainder(double a, double b);
static uint64_t natural_power(uint64_t base, uint64_t exponent);
static int64_t integer_power(int64_t base, int64_t exponent);

/* Signed sums and products are taken modulo 2^64 on the unsigned type, where overflow is defined. */
DEFINE_BINARY(add, a + b, (int64_t)((uint64_t)a + (uint64_t)b), a + b)
DEFINE_BINARY(sub, a - b, (int64_t)((uint64_t)a - (uint64_t)b), a - b)
DEFINE_BINARY(mul, a *b, (int64_t)((uint64_t)a *(uint64_t)b), a *b)
DEFINE_BINARY(div, a / b, divide_integers(a, b), b == 0 ? 0 : a / b)
DEFINE_BINARY(pow, pow(a, b), integer_power(a, b), natural_power(a, b))
DEFINE_BINARY(fmod, fmod(a, b), remainder_of_integers(a, b), b == 0 ? 0 : a % b)
DEFINE_BINARY(mod, floor_remainder(a, b), floor_remainder_of_integers(a, b), b == 0 ? 0 : a % b)
DEFINE_BINARY(max, isnan(a) || a > b ? a : b, a > b ? a : b, a > b ? a : b)
DEFINE_BINARY(min, isnan(a) || a < b ? a : b, a < b ? a : b, a < b ? a : b)

static int64_t divide_integers(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t remainder_of_integers(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

static int64_t floor_remainder_of_integers(int64_t a, int64_t b) {
  int64_t remainder = remainder_of_integers(a, b);
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

static double floor_remainder(double a, double b) {
  double remainder = fmod(a, b);
  if (remainder == 0) return copysign(remainder, b);
  return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

static uint64_t natural_power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}

static int64_t integer_power(int64_t base, int64_t exponent) {
  if (exponent >= 0) return (int64_t)natural_power((uint64_t)base, (uint64_t)exponent);
  if (base == 1) return 1;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  return 0;
}

/* ---- shapes ---- */

or_status_t or_infer_broadcast_pair(or_op_call_t *call, or_dtype_t dtype) {
  or_status_t status = or_infer_check_dtype(call, 1);
  if (!or_ok(status)) return status;
  call->outputs[0].dtype = dtype != OR_DTYPE_NONE ? dtype : call->inputs[0].dtype;
  return or_shape_broadcast(&call->inputs[0].shape, &call->inputs[1].shape, &call->outputs[0].shape);
}

static or_status_t binary_infer(or_op_call_t *call) { return or_infer_broadcast_pair(call, OR_DTYPE_NONE); }

static or_status_t mod_infer(or_op_call_t *call) {
  bool real = or_dtype_is_one_of(call->inputs[0].dtype, OR_OP_FLOATS);
  if (real && call->node->version < 28 && or_op_attribute_int(call, "fmod", 0) == 0) {
    return or_error(OR_INVALID_ARGUMENT, "Mod of %s needs attribute \"fmod\" = 1 before version 28",
                    or_dtype_name(call->inputs[0].dtype));
  }
  return binary_infer(call);
}

static or_status_t pow_infer(or_op_call_t *call) {
  or_dtype_t exponent = call->inputs[1].dtype;
  if (!or_dtype_is_one_of(exponent, OR_OP_NUMERIC) || (call->node->version < 12 && exponent != call->inputs[0].dtype)) {
    return or_error(OR_INVALID_ARGUMENT, "the exponent's dtype %s does not go with %s in version %d",
                    or_dtype_name(exponent), or_dtype_name(call->inputs[0].dtype), call->node->version);
  }
  call->outputs[0].dtype = call->inputs[0].dtype;
  return or_shape_broadcast(&call->inputs[0].shape, &call->inputs[1].shape, &call->outputs[0].shape);
}

static or_status_t variadic_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  out->dtype = call->inputs[0].dtype;
  out->shape = call->inputs[0].shape;
  for (uint32_t i = 1; i < call->input_count; ++i) {
    or_status_t status = or_infer_check_dtype(call, i);
    or_shape_t shape;
    if (or_ok(status)) status = or_shape_broadcast(&out->shape, &call->inputs[i].shape, &shape);
    if (!or_ok(status)) return or_status_context(status, "input %u", i);
    out->shape = shape;
  }
  return or_status_success();
}

static or_cost_t binary_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }
static or_cost_t pow_cost(const or_op_call_t *call) { return or_cost_per_output(call, 30); /* a log and an exp */ }
static or_cost_t variadic_cost(const or_op_call_t *call) {
  return or_cost_per_output(call, (double)call->input_count - 1);
}

/* ---- references ---- */

/* out = f(a, b), each broadcast to out's shape. `out` may be `a` itself. */
static void apply(const or_op_call_t *call, const binary_t *binary, const or_op_tensor_t *a, const or_op_tensor_t *b,
                  or_op_tensor_t *out) {
  const or_shape_t *shapes[] = {&a->shape, &b->shape};
  or_lane_kind_t kind = or_lane_kind(out->dtype), kind_b = or_lane_kind(b->dtype);
  /* Only Pow mixes: integers to a real power go through double. */
  or_lane_kind_t work = kind == OR_LANE_INTEGER && kind_b == OR_LANE_REAL ? OR_LANE_REAL : kind;
  or_rows_t rows;
  for (or_rows_begin_broadcast(&rows, &out->shape, shapes, 2, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      or_lanes_t x, y;
      or_lanes_load(a->dtype, a->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &x);
      or_lanes_load(b->dtype, b->data, rows.first[1] + done * rows.step[1], rows.step[1], count, &y);
      or_lanes_convert(&x, count, kind, work);
      or_lanes_convert(&y, count, kind_b, work);
      binary->lanes[work](&x, &y, count);
      or_lanes_store(out->dtype, out->data, rows.out + done, count, work, &x);
    }
  }
}

static or_status_t add_reference(or_op_call_t *call) {
  apply(call, &add_lanes, &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

static or_status_t sub_reference(or_op_call_t *call) {
  apply(call, &sub_lanes, &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

static or_status_t mul_reference(or_op_call_t *call) {
  apply(call, &mul_lanes, &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

static or_status_t div_reference(or_op_call_t *call) {
  apply(call, &div_lanes, &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

static or_status_t pow_reference(or_op_call_t *call) {
  apply(call, &pow_lanes, &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

static or_status_t mod_reference(or_op_call_t *call) {
  bool truncates = or_op_attribute_int(call, "fmod", 0) != 0;
  apply(call, truncates ? &fmod_lanes : &mod_lanes, &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

/* Folds the inputs into the output one after the other; neither operation rounds. */
static or_status_t fold(or_op_call_t *call, const binary_t *binary) {
  or_op_tensor_t *out = &call->outputs[0];
  apply(call, binary, &call->inputs[0], &call->inputs[call->input_count > 1 ? 1 : 0], out);
  for (uint32_t i = 2; i < call->input_count; ++i) apply(call, binary, out, &call->inputs[i], out);
  return or_status_success();
}

static or_status_t max_reference(or_op_call_t *call) { return fold(call, &max_lanes); }
static or_status_t min_reference(or_op_call_t *call) { return fold(call, &min_lanes); }

/* ---- catalogue ---- */

#define ARITHMETIC(symbol, op_name, text, ...)                                                   \
  const or_op_t or_op_##symbol = {                                                               \
      .domain = "",                                                                              \
      .name = op_name,                                                                           \
      .summary = text,                                                                           \
      .since = {1, 6, 7, 13, 14},                                                                \
      .changes = {{6, OR_OP_WIDE_INTS, 0}, OR_OP_BFLOAT16_SINCE(13), {14, OR_OP_SHORT_INTS, 0}}, \
      .input_min = 2,                                                                            \
      .input_max = 2,                                                                            \
      .output_min = 1,                                                                           \
      .output_max = 1,                                                                           \
      .dtypes = OR_OP_NUMERIC,                                                                   \
      .pointwise = true,                                                                         \
      .tolerance = {__VA_ARGS__},                                                                \
      .infer = binary_infer,                                                                     \
      .cost = binary_cost,                                                                       \
      .reference = symbol##_reference,                                                           \
  }
ARITHMETIC(add, "Add", "sum of two tensors, broadcast; integers wrap around", 0, 0);
ARITHMETIC(sub, "Sub", "difference of two tensors, broadcast; integers wrap around", 0, 0);
ARITHMETIC(mul, "Mul", "product of two tensors element by element, broadcast; integers wrap around", 0, 0);
ARITHMETIC(div, "Div", "quotient of two tensors, broadcast; integers truncate towards zero", 1e-6, 0);

const or_op_t or_op_pow = {
    .domain = "",
    .name = "Pow",
    .summary = "power of two tensors, broadcast; the result has the base's dtype",
    .since = {1, 7, 12, 13, 15},
    .changes = {{12, OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64), 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64),
    .pointwise = true,
    .tolerance = {1e-5, 1e-7},
    .infer = pow_infer,
    .cost = pow_cost,
    .reference = pow_reference,
};

const or_op_t or_op_mod = {
    .domain = "",
    .name = "Mod",
    .summary = "remainder of a division, of the divisor's sign (fmod = 0) or the dividend's (fmod = 1), broadcast",
    .since = {10, 13, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_NUMERIC,
    .pointwise = true,
    .attributes = {{"fmod", OR_ATTRIBUTE_INT, false}},
    .infer = mod_infer,
    .cost = binary_cost,
    .reference = mod_reference,
};

#define EXTREME(symbol, op_name, text)                            \
  const or_op_t or_op_##symbol = {                                \
      .domain = "",                                               \
      .name = op_name,                                            \
      .summary = text,                                            \
      .since = {1, 6, 8, 12, 13},                                 \
      .changes = {{12, OR_OP_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)}, \
      .input_min = 1,                                             \
      .input_max = OR_OP_VARIADIC,                                \
      .output_min = 1,                                            \
      .output_max = 1,                                            \
      .dtypes = OR_OP_NUMERIC,                                    \
      .pointwise = true,                                          \
      .infer = variadic_infer,                                    \
      .cost = variadic_cost,                                      \
      .reference = symbol##_reference,                            \
  }
EXTREME(max, "Max", "largest of any number of tensors element by element, broadcast; NaN if one is");
EXTREME(min, "Min", "smallest of any number of tensors element by element, broadcast; NaN if one is");
