#include "ops/compare.h"

#include "ops/binary.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/rows.h"
#include "ops/strings.h"

/* out[i] = whether the relation holds between a[i] and b[i], as 0 or 1. */
typedef void (*lanes_fn_t)(const or_lanes_t *a, const or_lanes_t *b, size_t count, or_lanes_t *out);

#define DEFINE_LANES(name, member, operator)                                                  \
  static void name(const or_lanes_t *a, const or_lanes_t *b, size_t count, or_lanes_t *out) { \
    for (size_t i = 0; i < count; ++i) out->integer[i] = a->member[i] operator b->member[i];  \
  }
#define DEFINE_COMPARISON(name, operator)                                                                   \
  DEFINE_LANES(name##_real, real, operator)                                                                 \
  DEFINE_LANES(name##_integer, integer, operator)                                                           \
  DEFINE_LANES(name##_natural, natural, operator)                                                           \
  static const lanes_fn_t name##_lanes[OR_LANE_KIND_COUNT] = {name##_real, name##_integer, name##_natural}; \
  static or_status_t name##_reference(or_op_call_t *call) { return compare(call, name##_lanes); }

static or_status_t compare(or_op_call_t *call, const lanes_fn_t lanes[OR_LANE_KIND_COUNT]) {
  const or_op_tensor_t *a = &call->inputs[0], *b = &call->inputs[1];
  const or_shape_t *shapes[] = {&a->shape, &b->shape};
  or_lane_kind_t kind = or_lane_kind(a->dtype);
  or_rows_t rows;
  for (or_rows_begin_broadcast(&rows, &call->outputs[0].shape, shapes, 2, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      or_lanes_t x, y, result;
      or_lanes_load(a->dtype, a->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &x);
      or_lanes_load(b->dtype, b->data, rows.first[1] + done * rows.step[1], rows.step[1], count, &y);
      lanes[kind](&x, &y, count, &result);
      or_lanes_store(OR_BOOL, call->outputs[0].data, rows.out + done, count, OR_LANE_INTEGER, &result);
    }
  }
  return or_status_success();
}

/* Strings are equal where their bytes are. */
static or_status_t compare_strings(or_op_call_t *call) {
  const or_string_t *a = call->inputs[0].data, *b = call->inputs[1].data;
  const or_shape_t *shapes[] = {&call->inputs[0].shape, &call->inputs[1].shape};
  uint8_t *out = call->outputs[0].data;
  or_rows_t rows;
  for (or_rows_begin_broadcast(&rows, &call->outputs[0].shape, shapes, 2, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t i = 0; i < rows.length; ++i) {
      out[rows.out + i] = or_string_same(a[rows.first[0] + i * rows.step[0]], b[rows.first[1] + i * rows.step[1]]);
    }
  }
  return or_status_success();
}

DEFINE_COMPARISON(equal, ==)
DEFINE_COMPARISON(greater, >)
DEFINE_COMPARISON(less, <)
DEFINE_COMPARISON(greater_or_equal, >=)
DEFINE_COMPARISON(less_or_equal, <=)
/* Of bool only, which is loaded as 0 or 1. */
DEFINE_LANES(and_bool, integer, &)
DEFINE_LANES(or_bool, integer, |)
DEFINE_LANES(xor_bool, integer, ^)

static or_status_t and_reference(or_op_call_t *call) {
  return compare(call, (const lanes_fn_t[]){NULL, and_bool, NULL});
}
static or_status_t or_reference(or_op_call_t *call) { return compare(call, (const lanes_fn_t[]){NULL, or_bool, NULL}); }
static or_status_t xor_reference(or_op_call_t *call) {
  return compare(call, (const lanes_fn_t[]){NULL, xor_bool, NULL});
}

static or_status_t equal_or_same(or_op_call_t *call) {
  return call->inputs[0].dtype == OR_STRING ? compare_strings(call) : equal_reference(call);
}

static or_status_t not_reference(or_op_call_t *call) {
  const uint8_t *in = call->inputs[0].data;
  uint8_t *out = call->outputs[0].data;
  uint64_t count = or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  for (uint64_t i = 0; i < count && !or_stops(call->stop, 1); ++i) out[i] = in[i] == 0;
  return or_status_success();
}

static or_status_t compare_infer(or_op_call_t *call) { return or_infer_broadcast_pair(call, OR_BOOL); }
static or_cost_t compare_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

/* What the rows of two operands have in common. */
#define COMPARISON(op_name, text)                                                                                   \
  .domain = "", .name = op_name, .summary = text, .input_min = 2, .input_max = 2, .output_min = 1, .output_max = 1, \
  .pointwise = true, .infer = compare_infer, .cost = compare_cost

const or_op_t or_op_equal = {
    COMPARISON("Equal", "whether elements are equal, broadcast"),
    .since = {1, 7, 11, 13, 19},
    .changes = {{11,
                 OR_OP_UNSIGNED_INTS | OR_DTYPE_BIT(OR_FLOAT64) | OR_DTYPE_BIT(OR_FLOAT32) | OR_DTYPE_BIT(OR_FLOAT16) |
                     OR_DTYPE_BIT(OR_INT16) | OR_DTYPE_BIT(OR_INT8),
                 0},
                OR_OP_BFLOAT16_SINCE(13),
                {19, OR_OP_STRINGS, 0}},
    .dtypes = OR_OP_NUMERIC | OR_DTYPE_BIT(OR_BOOL) | OR_OP_STRINGS,
    .reference = equal_or_same,
};

const or_op_t or_op_greater = {
    COMPARISON("Greater", "whether A's element is greater than B's, broadcast"),
    .since = {1, 7, 9, 13},
    .changes = {{9, OR_OP_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = OR_OP_NUMERIC,
    .reference = greater_reference,
};

const or_op_t or_op_less = {
    COMPARISON("Less", "whether A's element is less than B's, broadcast"),
    .since = {1, 7, 9, 13},
    .changes = {{9, OR_OP_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = OR_OP_NUMERIC,
    .reference = less_reference,
};

const or_op_t or_op_greater_or_equal = {
    COMPARISON("GreaterOrEqual", "whether A's element is at least B's, broadcast"),
    .since = {12, 16},
    .changes = {OR_OP_BFLOAT16_SINCE(16)},
    .dtypes = OR_OP_NUMERIC,
    .reference = greater_or_equal_reference,
};

const or_op_t or_op_less_or_equal = {
    COMPARISON("LessOrEqual", "whether A's element is at most B's, broadcast"),
    .since = {12, 16},
    .changes = {OR_OP_BFLOAT16_SINCE(16)},
    .dtypes = OR_OP_NUMERIC,
    .reference = less_or_equal_reference,
};

const or_op_t or_op_and = {
    COMPARISON("And", "logical and of bools, broadcast"),
    .since = {1, 7},
    .dtypes = OR_DTYPE_BIT(OR_BOOL),
    .reference = and_reference,
};

const or_op_t or_op_or = {
    COMPARISON("Or", "logical or of bools, broadcast"),
    .since = {1, 7},
    .dtypes = OR_DTYPE_BIT(OR_BOOL),
    .reference = or_reference,
};

const or_op_t or_op_xor = {
    COMPARISON("Xor", "logical exclusive or of bools, broadcast"),
    .since = {1, 7},
    .dtypes = OR_DTYPE_BIT(OR_BOOL),
    .reference = xor_reference,
};

const or_op_t or_op_not = {
    .domain = "",
    .name = "Not",
    .summary = "logical negation of bools",
    .since = {1},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_BOOL),
    .pointwise = true,
    .infer = or_infer_same_as_input,
    .cost = compare_cost,
    .reference = not_reference,
};
