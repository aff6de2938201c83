#include "ops/cumulative.h"

#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t cumulative_infer(or_op_call_t *call);
static or_cost_t cumulative_cost(const or_op_call_t *call);
static or_status_t cumulative_reference(or_op_call_t *call);

#define CUMULATIVE(symbol, title, what, ...)                                                               \
  const or_op_t or_op_##symbol = {                                                                         \
      .domain = "",                                                                                        \
      .name = title,                                                                                       \
      .summary = what,                                                                                     \
      .since = {__VA_ARGS__},                                                                              \
      .changes = {{14, OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_FLOAT16), 0}},                          \
      .input_min = 2,                                                                                      \
      .input_max = 2,                                                                                      \
      .output_min = 1,                                                                                     \
      .output_max = 1,                                                                                     \
      .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_DTYPE_BIT(OR_UINT32) | \
                OR_DTYPE_BIT(OR_UINT64),                                                                   \
      .attributes = {{"exclusive", OR_ATTRIBUTE_INT, false}, {"reverse", OR_ATTRIBUTE_INT, false}},        \
      .tolerance = {.rel = 1e-5, .abs = 1e-6},                                                             \
      .infer = cumulative_infer,                                                                           \
      .cost = cumulative_cost,                                                                             \
      .reference = cumulative_reference,                                                                   \
  };
CUMULATIVE(cum_sum, "CumSum", "sums of all elements up to each one along an axis; integers wrap around", 11, 14)
CUMULATIVE(cum_prod, "CumProd", "products of all elements up to each one along an axis; integers wrap around", 26)

static or_status_t cumulative_infer(or_op_call_t *call) {
  int64_t axis = 0;
  int32_t checked = 0;
  bool known = false;
  or_status_t status = or_scalar_input(call, 1, "axis", 0, &axis, &known);
  if (or_ok(status) && known && call->inputs[0].shape.rank >= 0)
    status = or_axis_normalize(axis, call->inputs[0].shape.rank, &checked);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_cost_t cumulative_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

/* `count` neighbouring lines, whose elements are `step` apart. */
typedef struct lines_t {
  const or_op_call_t *call;
  uint64_t first, length, step;
  size_t count;
  bool product, exclusive, reverse;
} lines_t;

static void run_lines(const lines_t *lines);
static void accumulate(or_lane_kind_t kind, bool product, or_lanes_t *total, const or_lanes_t *x, size_t count);

static or_status_t cumulative_reference(or_op_call_t *call) {
  const or_shape_t *shape = &call->inputs[0].shape;
  int64_t given = 0;
  int32_t axis = 0;
  bool known = false;
  or_status_t status = or_scalar_input(call, 1, "axis", 0, &given, &known);
  if (or_ok(status)) status = or_axis_normalize(given, shape->rank, &axis);
  if (!or_ok(status)) return status;
  uint64_t outer = or_shape_product(shape, 0, axis), inner = or_shape_product(shape, axis + 1, shape->rank);
  lines_t lines = {.call = call,
                   .length = (uint64_t)shape->dims[axis],
                   .step = inner,
                   .product = call->op == &or_op_cum_prod,
                   .exclusive = or_op_attribute_int(call, "exclusive", 0) != 0,
                   .reverse = or_op_attribute_int(call, "reverse", 0) != 0};
  for (uint64_t i = 0; i < outer && !or_stops(call->stop, 1); ++i) {
    for (uint64_t j = 0; j < inner; j += OR_LANES) {
      lines.first = i * lines.length * inner + j;
      lines.count = inner - j < OR_LANES ? (size_t)(inner - j) : OR_LANES;
      run_lines(&lines);
    }
  }
  return status;
}

static void run_lines(const lines_t *lines) {
  const or_op_tensor_t *in = &lines->call->inputs[0], *out = &lines->call->outputs[0];
  or_lane_kind_t kind = or_lane_kind(in->dtype);
  or_lanes_t total, x;
  for (size_t i = 0; i < lines->count; ++i) {
    total.natural[i] = lines->product ? 1 : 0;
    if (kind == OR_LANE_REAL) total.real[i] = lines->product ? 1 : 0;
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, lines->count); ++k) {
    uint64_t position = lines->reverse ? lines->length - 1 - k : k;
    int64_t at = (int64_t)(lines->first + position * lines->step);
    or_lanes_load(in->dtype, in->data, at, 1, lines->count, &x); /* before the store: they may be the same memory */
    if (lines->exclusive) or_lanes_store(out->dtype, out->data, at, lines->count, kind, &total);
    accumulate(kind, lines->product, &total, &x, lines->count);
    if (!lines->exclusive) or_lanes_store(out->dtype, out->data, at, lines->count, kind, &total);
  }
}

/* Integers on the unsigned type, where overflow is defined. */
static void accumulate(or_lane_kind_t kind, bool product, or_lanes_t *total, const or_lanes_t *x, size_t count) {
  if (kind == OR_LANE_REAL && product) {
    for (size_t i = 0; i < count; ++i) total->real[i] *= x->real[i];
  } else if (kind == OR_LANE_REAL) {
    for (size_t i = 0; i < count; ++i) total->real[i] += x->real[i];
  } else if (product) {
    for (size_t i = 0; i < count; ++i) total->natural[i] *= x->natural[i];
  } else {
    for (size_t i = 0; i < count; ++i) total->natural[i] += x->natural[i];
  }
}
