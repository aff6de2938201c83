#include "ops/vector.h"

#include <math.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

/* The body sees `first` and `count`, of at most OR_LANES elements at a time. */
#define FOR_EACH_BLOCK(total, stop)              \
  for (uint64_t all = (total), first = 0, count; \
       count = all - first < OR_LANES ? all - first : OR_LANES, count > 0 && !or_stops((stop), count); first += count)

/* ---- shapes ---- */

static or_status_t pair_infer(or_op_call_t *call) {
  or_status_t status = or_infer_check_dtype(call, 1);
  if (!or_ok(status)) return status;
  const or_shape_t *a = &call->inputs[0].shape, *b = &call->inputs[1].shape;
  if (or_shape_is_static(a) && or_shape_is_static(b) && !or_shape_equal(a, b)) {
    char a_text[160], b_text[160];
    return or_error(OR_INVALID_ARGUMENT, "inputs 0 and 1 differ in shape: %s and %s",
                    or_shape_format(a, a_text, sizeof a_text), or_shape_format(b, b_text, sizeof b_text));
  }
  return or_infer_same_as_input(call);
}

static or_status_t sum_infer(or_op_call_t *call) {
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = (or_shape_t){.rank = 1, .dims = {1}};
  return or_status_success();
}

static or_status_t dot_infer(or_op_call_t *call) {
  or_status_t status = pair_infer(call);
  return or_ok(status) ? sum_infer(call) : status;
}

static or_status_t fill_infer(or_op_call_t *call) {
  int64_t dtype = or_op_attribute_int(call, "dtype", OR_FLOAT32);
  or_integers_t extents;
  or_status_t status = or_integers_attribute(call, "shape", &extents);
  if (!or_ok(status)) return status;
  if (dtype <= OR_DTYPE_NONE || dtype >= OR_DTYPE_COUNT) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"dtype\" is %lld, which is no dtype's number", (long long)dtype);
  }
  call->outputs[0].dtype = (or_dtype_t)dtype;
  call->outputs[0].shape = or_shape_make((size_t)extents.count, extents.values);
  for (int32_t i = 0; i < extents.count; ++i) {
    if (extents.values[i] >= 0) continue;
    return or_error(OR_INVALID_ARGUMENT, "attribute \"shape\": extent %lld at %d is negative",
                    (long long)extents.values[i], i);
  }
  return or_shape_check_count(&call->outputs[0].shape);
}

static uint64_t count_of(const or_op_tensor_t *tensor) {
  return or_shape_product(&tensor->shape, 0, tensor->shape.rank);
}

/* ---- element by element, in double ---- */

/* out = alpha a + b; b NULL: nothing is added. */
static void combine(or_stop_t *stop, double alpha, const or_op_tensor_t *a, const or_op_tensor_t *b,
                    or_op_tensor_t *out) {
  FOR_EACH_BLOCK(count_of(out), stop) {
    or_lanes_t x, y;
    or_lanes_load(a->dtype, a->data, (int64_t)first, 1, count, &x);
    if (b != NULL) or_lanes_load(b->dtype, b->data, (int64_t)first, 1, count, &y);
    for (uint64_t i = 0; i < count; ++i) x.real[i] = b != NULL ? alpha * x.real[i] + y.real[i] : alpha * x.real[i];
    or_lanes_store(out->dtype, out->data, (int64_t)first, count, OR_LANE_REAL, &x);
  }
}

static double alpha_of(const or_op_call_t *call) { return (double)or_op_attribute_float(call, "alpha", 1); }

static or_status_t scale_reference(or_op_call_t *call) {
  combine(call->stop, alpha_of(call), &call->inputs[0], NULL, &call->outputs[0]);
  return or_status_success();
}

static or_status_t axpy_reference(or_op_call_t *call) {
  combine(call->stop, alpha_of(call), &call->inputs[0], &call->inputs[1], &call->outputs[0]);
  return or_status_success();
}

static or_status_t triad_reference(or_op_call_t *call) {
  combine(call->stop, alpha_of(call), &call->inputs[1], &call->inputs[0], &call->outputs[0]);
  return or_status_success();
}

static or_status_t fill_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  or_lanes_t value;
  for (size_t i = 0; i < OR_LANES; ++i) value.real[i] = (double)or_op_attribute_float(call, "value", 0);
  FOR_EACH_BLOCK(count_of(out), call->stop) {
    or_lanes_store(out->dtype, out->data, (int64_t)first, count, OR_LANE_REAL, &value);
  }
  return or_status_success();
}

/* ---- sums ---- */

/* Sum of a[i] b[i] (b NULL: of a[i]) in the kind's own arithmetic, into lane 0 of *total. */
static void sum_products(or_stop_t *stop, const or_op_tensor_t *a, const or_op_tensor_t *b, or_lanes_t *total) {
  or_lane_kind_t kind = or_lane_kind(a->dtype);
  double real = 0;
  uint64_t natural = 0; /* modulo 2^64: right for signed integers too */
  FOR_EACH_BLOCK(count_of(a), stop) {
    or_lanes_t x, y;
    or_lanes_load(a->dtype, a->data, (int64_t)first, 1, count, &x);
    if (b != NULL) or_lanes_load(b->dtype, b->data, (int64_t)first, 1, count, &y);
    if (kind == OR_LANE_REAL) {
      for (uint64_t i = 0; i < count; ++i) real += b != NULL ? x.real[i] * y.real[i] : x.real[i];
    } else {
      for (uint64_t i = 0; i < count; ++i) natural += b != NULL ? x.natural[i] * y.natural[i] : x.natural[i];
    }
  }
  if (kind == OR_LANE_REAL) {
    total->real[0] = real;
  } else {
    total->natural[0] = natural;
  }
}

static or_status_t store_sum(or_op_call_t *call, const or_lanes_t *total) {
  or_lanes_store(call->outputs[0].dtype, call->outputs[0].data, 0, 1, or_lane_kind(call->inputs[0].dtype), total);
  return or_status_success();
}

static or_status_t dot_reference(or_op_call_t *call) {
  or_lanes_t total;
  sum_products(call->stop, &call->inputs[0], &call->inputs[1], &total);
  return store_sum(call, &total);
}

static or_status_t norm_reference(or_op_call_t *call) {
  or_lanes_t total;
  sum_products(call->stop, &call->inputs[0], &call->inputs[0], &total);
  total.real[0] = sqrt(total.real[0]);
  return store_sum(call, &total);
}

static or_status_t read_sum_reference(or_op_call_t *call) {
  or_lanes_t total;
  sum_products(call->stop, &call->inputs[0], NULL, &total);
  return store_sum(call, &total);
}

/* ---- costs ---- */

static or_cost_t scale_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }
static or_cost_t axpy_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

static or_cost_t read_sum_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.flops = (double)count_of(&call->inputs[0]);
  return cost;
}

static or_cost_t dot_cost(const or_op_call_t *call) {
  or_cost_t cost = read_sum_cost(call);
  cost.flops *= 2;
  return cost;
}

static or_cost_t fill_cost(const or_op_call_t *call) { return or_cost_per_output(call, 0); }

/* ---- catalogue ---- */

/* What the rows have in common. */
#define VECTOR(op_name, text, inputs)                                                                                \
  .domain = "openruntime", .name = op_name, .summary = text, .since = {1}, .input_min = inputs, .input_max = inputs, \
  .output_min = 1, .output_max = 1
#define ALPHA .attributes = {{"alpha", OR_ATTRIBUTE_FLOAT, false}}
/* A product that is rounded before it is added, or not (fused), differs by half a unit in the product's last place. */
#define ONE_ROUNDING .tolerance = {1e-6, 1e-6}

const or_op_t or_op_copy = {
    VECTOR("Copy", "the same bytes elsewhere", 1),
    .dtypes = OR_OP_MOVABLE,
    .pointwise = true,
    .infer = or_infer_same_as_input,
    .cost = or_cost_move,
    .reference = or_reference_copy,
};

const or_op_t or_op_scale = {
    VECTOR("Scale", "alpha x", 1),
    .dtypes = OR_OP_FLOATS,
    .pointwise = true,
    ALPHA,
    .infer = or_infer_same_as_input,
    .cost = scale_cost,
    .reference = scale_reference,
};

const or_op_t or_op_axpy = {
    VECTOR("Axpy", "alpha x + y", 2),
    .dtypes = OR_OP_FLOATS,
    .pointwise = true,
    ALPHA,
    ONE_ROUNDING,
    .infer = pair_infer,
    .cost = axpy_cost,
    .reference = axpy_reference,
};

const or_op_t or_op_triad = {
    VECTOR("Triad", "a + alpha b", 2),
    .dtypes = OR_OP_FLOATS,
    .pointwise = true,
    ALPHA,
    ONE_ROUNDING,
    .infer = pair_infer,
    .cost = axpy_cost,
    .reference = triad_reference,
};

const or_op_t or_op_dot = {
    VECTOR("Dot", "sum of the products of two vectors' elements", 2),
    .dtypes = OR_OP_NUMERIC,
    .tolerance = {1e-5, 1e-5},
    .infer = dot_infer,
    .cost = dot_cost,
    .reference = dot_reference,
};

const or_op_t or_op_norm = {
    VECTOR("Norm", "square root of the sum of squares", 1),
    .dtypes = OR_OP_FLOATS,
    .tolerance = {1e-5, 1e-6},
    .infer = sum_infer,
    .cost = dot_cost,
    .reference = norm_reference,
};

const or_op_t or_op_read_sum = {
    VECTOR("ReadSum", "sum of all elements; the whole of the memory is read", 1),
    .dtypes = OR_OP_NUMERIC,
    .tolerance = {1e-5, 1e-5},
    .infer = sum_infer,
    .cost = read_sum_cost,
    .reference = read_sum_reference,
};

const or_op_t or_op_fill = {
    VECTOR("Fill", "one value in every place of a shape", 0),
    .dtypes = OR_OP_NUMERIC,
    .attributes = {{"shape", OR_ATTRIBUTE_INTS, true},
                   {"value", OR_ATTRIBUTE_FLOAT, false},
                   {"dtype", OR_ATTRIBUTE_INT, false}},
    .infer = fill_infer,
    .cost = fill_cost,
    .reference = fill_reference,
};
