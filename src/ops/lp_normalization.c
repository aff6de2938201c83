#include "ops/lp_normalization.h"

#include <math.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t line_infer(or_op_call_t *call);
static or_cost_t line_cost(const or_op_call_t *call) { return or_cost_per_output(call, 4); }
static or_status_t line_reference(or_op_call_t *call);

#define LINES(op_name, text)                                                                                        \
  .domain = "", .name = op_name, .summary = text, .input_min = 1, .input_max = 1, .output_min = 1, .output_max = 1, \
  .dtypes = OR_OP_FLOATS, .infer = line_infer, .cost = line_cost, .reference = line_reference

const or_op_t or_op_lp_normalization = {
    LINES("LpNormalization", "divided by the norm along an axis"),
    .since = {1, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}, {"p", OR_ATTRIBUTE_INT, false}},
    .tolerance = {1e-5, 1e-6},
};

const or_op_t or_op_hardmax = {
    LINES("Hardmax", "1 at the first largest element along an axis, 0 elsewhere"),
    .since = {1, 11, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
};

static or_status_t axis_of(const or_op_call_t *call, int32_t *axis) {
  int64_t fallback = call->op == &or_op_hardmax && call->node->version < 13 ? 1 : -1;
  return or_axis_normalize(or_op_attribute_int(call, "axis", fallback), call->inputs[0].shape.rank, axis);
}

static or_status_t line_infer(or_op_call_t *call) {
  int64_t p = or_op_attribute_int(call, "p", 2);
  if (p != 1 && p != 2) return or_error(OR_INVALID_ARGUMENT, "attribute \"p\" is %lld, expected 1 or 2", (long long)p);
  int32_t axis = 0;
  or_status_t status = call->inputs[0].shape.rank < 0 ? or_status_success() : axis_of(call, &axis);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

/* `count` neighbouring lines, whose elements are `step` apart. */
typedef struct lines_t {
  const or_op_call_t *call;
  uint64_t first, length, step;
  size_t count;
} lines_t;

static void divide_by_norm(const lines_t *lines, bool squares);
static void mark_largest(const lines_t *lines);

static or_status_t line_reference(or_op_call_t *call) {
  const or_shape_t *shape = &call->inputs[0].shape;
  int32_t axis = 0;
  or_status_t status = axis_of(call, &axis);
  if (!or_ok(status)) return status;
  bool hardmax = call->op == &or_op_hardmax;
  int32_t end = hardmax && call->node->version < 13 ? shape->rank : axis + 1;
  uint64_t outer = or_shape_product(shape, 0, axis), inner = or_shape_product(shape, end, shape->rank);
  lines_t lines = {.call = call, .length = or_shape_product(shape, axis, end), .step = inner};
  for (uint64_t i = 0; i < outer && !or_stops(call->stop, 1); ++i) {
    for (uint64_t j = 0; j < inner; j += OR_LANES) {
      lines.first = i * lines.length * inner + j;
      lines.count = inner - j < OR_LANES ? (size_t)(inner - j) : OR_LANES;
      if (hardmax) {
        mark_largest(&lines);
      } else {
        divide_by_norm(&lines, or_op_attribute_int(call, "p", 2) == 2);
      }
    }
  }
  return status;
}

static void load(const lines_t *lines, uint64_t k, or_lanes_t *out) {
  const or_op_tensor_t *x = &lines->call->inputs[0];
  or_lanes_load(x->dtype, x->data, (int64_t)(lines->first + k * lines->step), 1, lines->count, out);
}

static void store(const lines_t *lines, uint64_t k, const or_lanes_t *in) {
  const or_op_tensor_t *y = &lines->call->outputs[0];
  or_lanes_store(y->dtype, y->data, (int64_t)(lines->first + k * lines->step), lines->count, OR_LANE_REAL, in);
}

static void divide_by_norm(const lines_t *lines, bool squares) {
  or_lanes_t x;
  double norm[OR_LANES] = {0};
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, lines->count); ++k) {
    load(lines, k, &x);
    for (size_t i = 0; i < lines->count; ++i) norm[i] += squares ? x.real[i] * x.real[i] : fabs(x.real[i]);
  }
  for (size_t i = 0; i < lines->count; ++i) {
    if (squares) norm[i] = sqrt(norm[i]);
    if (norm[i] == 0) norm[i] = 1;
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, lines->count); ++k) {
    load(lines, k, &x);
    for (size_t i = 0; i < lines->count; ++i) x.real[i] /= norm[i];
    store(lines, k, &x);
  }
}

static void mark_largest(const lines_t *lines) {
  or_lanes_t x;
  double largest[OR_LANES];
  uint64_t at[OR_LANES] = {0};
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, lines->count); ++k) {
    load(lines, k, &x);
    for (size_t i = 0; i < lines->count; ++i) {
      if (k > 0 && !(x.real[i] > largest[i])) continue;
      largest[i] = x.real[i];
      at[i] = k;
    }
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, lines->count); ++k) {
    for (size_t i = 0; i < lines->count; ++i) x.real[i] = at[i] == k;
    store(lines, k, &x);
  }
}
