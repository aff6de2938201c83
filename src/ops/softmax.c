#include "ops/softmax.h"

#include <math.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t softmax_infer(or_op_call_t *call);
static or_cost_t softmax_cost(const or_op_call_t *call);
static or_status_t softmax_reference(or_op_call_t *call);

#define SOFTMAX(symbol, title, what)                     \
  const or_op_t or_op_##symbol = {                       \
      .domain = "",                                      \
      .name = title,                                     \
      .summary = what,                                   \
      .since = {1, 11, 13},                              \
      .changes = {OR_OP_BFLOAT16_SINCE(13)},             \
      .input_min = 1,                                    \
      .input_max = 1,                                    \
      .output_min = 1,                                   \
      .output_max = 1,                                   \
      .dtypes = OR_OP_FLOATS,                            \
      .attributes = {{"axis", OR_ATTRIBUTE_INT, false}}, \
      .tolerance = {.rel = 1e-5, .abs = 1e-7},           \
      .infer = softmax_infer,                            \
      .cost = softmax_cost,                              \
      .reference = softmax_reference,                    \
  };
SOFTMAX(softmax, "Softmax", "exponentials along an axis, scaled to sum 1")
SOFTMAX(log_softmax, "LogSoftmax", "logarithm of Softmax")

static or_status_t axis_of(const or_op_call_t *call, int32_t *axis) {
  int64_t fallback = call->node->version < 13 ? 1 : -1;
  return or_axis_normalize(or_op_attribute_int(call, "axis", fallback), call->inputs[0].shape.rank, axis);
}

static or_status_t softmax_infer(or_op_call_t *call) {
  int32_t axis = 0;
  or_status_t status = call->inputs[0].shape.rank < 0 ? or_status_success() : axis_of(call, &axis);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

/* Maximum, difference, exponential (counted as 16), sum, quotient. */
static or_cost_t softmax_cost(const or_op_call_t *call) { return or_cost_per_output(call, 20); }

/* `width` neighbouring lines, each of `length` elements that are `step` apart; the first element of the first line is
 * `first`. */
typedef struct lines_t {
  const or_op_call_t *call;
  uint64_t first, length, step;
  size_t width;
  bool logarithm;
} lines_t;

static void one_line(const lines_t *lines);
static void many_lines(const lines_t *lines);

static or_status_t softmax_reference(or_op_call_t *call) {
  const or_shape_t *shape = &call->inputs[0].shape;
  int32_t axis = 0;
  or_status_t status = axis_of(call, &axis);
  if (!or_ok(status)) return status;
  int32_t end = call->node->version < 13 ? shape->rank : axis + 1;
  uint64_t outer = or_shape_product(shape, 0, axis), inner = or_shape_product(shape, end, shape->rank);
  lines_t lines = {.call = call,
                   .length = or_shape_product(shape, axis, end),
                   .step = inner,
                   .logarithm = call->op == &or_op_log_softmax};
  for (uint64_t i = 0; i < outer && !or_stops(call->stop, 1); ++i) {
    for (uint64_t j = 0; j < inner; j += OR_LANES) {
      lines.first = i * lines.length * inner + j;
      lines.width = inner - j < OR_LANES ? (size_t)(inner - j) : OR_LANES;
      if (inner == 1) {
        one_line(&lines);
      } else {
        many_lines(&lines);
      }
    }
  }
  return status;
}

static void load(const lines_t *lines, uint64_t offset, size_t count, or_lanes_t *out) {
  const or_op_tensor_t *x = &lines->call->inputs[0];
  or_lanes_load(x->dtype, x->data, (int64_t)(lines->first + offset), 1, count, out);
}

static void store(const lines_t *lines, uint64_t offset, size_t count, const or_lanes_t *in) {
  const or_op_tensor_t *y = &lines->call->outputs[0];
  or_lanes_store(y->dtype, y->data, (int64_t)(lines->first + offset), count, OR_LANE_REAL, in);
}

static double result_of(const lines_t *lines, double x, double max, double sum) {
  return lines->logarithm ? x - max - log(sum) : exp(x - max) / sum;
}

static size_t chunk(uint64_t left) { return left < OR_LANES ? (size_t)left : OR_LANES; }

/* NaN need not win the maximum: it makes the sum, and with it the whole line, NaN. */
static void one_line(const lines_t *lines) {
  or_lanes_t x;
  double max = -INFINITY, sum = 0;
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, 4 * OR_LANES); k += OR_LANES) {
    size_t count = chunk(lines->length - k);
    load(lines, k, count, &x);
    for (size_t i = 0; i < count; ++i) max = x.real[i] > max ? x.real[i] : max;
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, 4 * OR_LANES); k += OR_LANES) {
    size_t count = chunk(lines->length - k);
    load(lines, k, count, &x);
    for (size_t i = 0; i < count; ++i) sum += exp(x.real[i] - max);
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, 4 * OR_LANES); k += OR_LANES) {
    size_t count = chunk(lines->length - k);
    load(lines, k, count, &x);
    for (size_t i = 0; i < count; ++i) x.real[i] = result_of(lines, x.real[i], max, sum);
    store(lines, k, count, &x);
  }
}

static void many_lines(const lines_t *lines) {
  or_lanes_t x;
  double max[OR_LANES], sum[OR_LANES];
  for (size_t i = 0; i < lines->width; ++i) {
    max[i] = -INFINITY;
    sum[i] = 0;
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, 4 * lines->width); ++k) {
    load(lines, k * lines->step, lines->width, &x);
    for (size_t i = 0; i < lines->width; ++i) max[i] = x.real[i] > max[i] ? x.real[i] : max[i];
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, 4 * lines->width); ++k) {
    load(lines, k * lines->step, lines->width, &x);
    for (size_t i = 0; i < lines->width; ++i) sum[i] += exp(x.real[i] - max[i]);
  }
  for (uint64_t k = 0; k < lines->length && !or_stops(lines->call->stop, 4 * lines->width); ++k) {
    load(lines, k * lines->step, lines->width, &x);
    for (size_t i = 0; i < lines->width; ++i) x.real[i] = result_of(lines, x.real[i], max[i], sum[i]);
    store(lines, k * lines->step, lines->width, &x);
  }
}
