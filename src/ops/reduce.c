#include "ops/reduce.h"

#include <math.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/reduce_internal.h"
#include "ops/rows.h"
#include "ops/shape.h"

/* ---- axes and shapes ---- */

static or_status_t read_axes(const or_op_call_t *call, or_integers_t *axes);

or_status_t or_reduction_make(const or_op_call_t *call, or_reduction_t *out) {
  *out = (or_reduction_t){.keep = or_op_attribute_int(call, "keepdims", 1) != 0, .known = true};
  or_integers_t axes;
  or_status_t status = read_axes(call, &axes);
  if (!or_ok(status)) return status;
  int32_t rank = call->inputs[0].shape.rank;
  bool none = axes.count == 0 && or_op_attribute_int(call, "noop_with_empty_axes", 0) != 0;
  if (axes.known && axes.count == 0) {
    for (int32_t i = 0; i < OR_MAX_RANK; ++i) out->reduced[i] = !none && (rank < 0 || i < rank);
    return or_status_success();
  }
  out->known = axes.known;
  if (!axes.known || rank < 0) return or_status_success();
  return or_integers_mark_axes(&axes, rank, out->reduced);
}

static or_status_t read_axes(const or_op_call_t *call, or_integers_t *axes) {
  int since = call->op == &or_op_reduce_sum ? 13 : 18;
  if (call->node->version >= since) {
    or_status_t status = or_refuse_attribute(call, "axes", since);
    return or_ok(status) ? or_integers_input(call, 1, "axes", true, axes) : status;
  }
  if (or_op_has_input(call, 1)) {
    return or_error(OR_INVALID_ARGUMENT, "input 1 (axes) does not exist before version %d; it is an attribute", since);
  }
  if (or_op_attribute(call, "noop_with_empty_axes") != NULL) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"noop_with_empty_axes\" does not exist before version %d", since);
  }
  return or_integers_attribute(call, "axes", axes);
}

/* With the axes not known: what the rank, at least, will be. */
static or_status_t unknown_axes_shape(const or_op_call_t *call, const or_reduction_t *reduction, or_shape_t *out) {
  int32_t rank = call->inputs[0].shape.rank;
  if (rank < 0 || reduction->keep) return or_shape_unknown(rank, out);
  const or_shape_t *axes = &call->inputs[1].shape;
  bool countable = axes->rank == 1 && axes->dims[0] > 0 && axes->dims[0] <= rank;
  return or_shape_unknown(countable ? rank - (int32_t)axes->dims[0] : OR_RANK_UNKNOWN, out);
}

static or_status_t reduce_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_reduction_t reduction;
  or_status_t status = or_reduction_make(call, &reduction);
  if (!or_ok(status)) return status;
  if (!reduction.known) return unknown_axes_shape(call, &reduction, out);
  if (in->rank < 0) {
    bool all = reduction.reduced[OR_MAX_RANK - 1]; /* no axes were named */
    return or_shape_unknown(all && !reduction.keep ? 0 : OR_RANK_UNKNOWN, out);
  }
  out->rank = 0;
  for (int32_t i = 0; i < in->rank; ++i) {
    if (!reduction.reduced[i]) {
      out->dims[out->rank++] = in->dims[i];
    } else if (reduction.keep) {
      out->dims[out->rank++] = 1;
    }
  }
  return or_status_success();
}

/* ---- the reference ---- */

typedef enum finish_t { FINISH_NONE, FINISH_MEAN, FINISH_ROOT, FINISH_LOG, FINISH_LOG_SHIFTED } finish_t;

typedef struct reducer_t {
  or_reduce_step_t step;
  finish_t finish;
  or_lane_kind_t kind;     /* worked in */
  or_rows_layout_t layout; /* over the input; operand 0 is the group that an element belongs to */
  uint64_t group_count, group_size;
  or_reduce_value_t *groups;
  double *shifts; /* of OR_REDUCE_SUM_EXP: each group's largest element where that is finite, else 0 */
} reducer_t;

static void plan(const or_op_call_t *call, const or_reduction_t *reduction, reducer_t *reducer);
static void accumulate(const or_op_tensor_t *in, reducer_t *reducer, or_reduce_step_t step);
static void find_shifts(const or_op_tensor_t *in, reducer_t *reducer);
static void store_groups(const reducer_t *reducer, or_op_tensor_t *out);
static or_reduce_value_t finished(const reducer_t *reducer, uint64_t group);

static or_status_t reduce(or_op_call_t *call, or_reduce_step_t step, finish_t finish) {
  or_reduction_t reduction;
  or_status_t status = or_reduction_make(call, &reduction);
  if (!or_ok(status)) return status;
  reducer_t reducer = {.step = step, .finish = finish, .kind = or_lane_kind(call->inputs[0].dtype)};
  /* A root or a logarithm of integers is a real number until it is stored. */
  if (finish == FINISH_ROOT || finish == FINISH_LOG || finish == FINISH_LOG_SHIFTED) reducer.kind = OR_LANE_REAL;
  plan(call, &reduction, &reducer);

  void *groups = NULL, *shifts = NULL;
  status = or_alloc_array(call->allocator, reducer.group_count, sizeof(or_reduce_value_t), &groups);
  if (or_ok(status) && step == OR_REDUCE_SUM_EXP) {
    status = or_alloc_array(call->allocator, reducer.group_count, sizeof(double), &shifts);
  }
  if (or_ok(status)) {
    reducer.groups = groups;
    reducer.shifts = shifts;
    if (step == OR_REDUCE_SUM_EXP) find_shifts(&call->inputs[0], &reducer);
    accumulate(&call->inputs[0], &reducer, step);
    store_groups(&reducer, &call->outputs[0]);
  }
  or_free(call->allocator, shifts);
  or_free(call->allocator, groups);
  return status;
}

static void plan(const or_op_call_t *call, const or_reduction_t *reduction, reducer_t *reducer) {
  const or_shape_t *in = &call->inputs[0].shape;
  reducer->layout.rank = in->rank;
  reducer->layout.operand_count = 1;
  reducer->layout.stop = call->stop;
  reducer->group_size = 1;
  uint64_t stride = 1; /* wraps only where an extent of 0 leaves nothing to walk over */
  for (int32_t i = in->rank - 1; i >= 0; --i) {
    reducer->layout.extent[i] = in->dims[i];
    reducer->layout.stride[0][i] = reduction->reduced[i] ? 0 : (int64_t)stride;
    if (reduction->reduced[i]) {
      reducer->group_size *= (uint64_t)in->dims[i];
    } else {
      stride *= (uint64_t)in->dims[i];
    }
  }
  reducer->group_count = or_shape_product(&call->outputs[0].shape, 0, call->outputs[0].shape.rank);
}

static void accumulate(const or_op_tensor_t *in, reducer_t *reducer, or_reduce_step_t step) {
  or_lane_kind_t loaded = or_lane_kind(in->dtype);
  or_reduce_value_t start = or_reduce_start(step, reducer->kind, in->dtype);
  for (uint64_t i = 0; i < reducer->group_count; ++i) reducer->groups[i] = start;
  or_rows_t rows;
  for (or_rows_begin(&rows, &reducer->layout); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      int64_t group = rows.first[0] + done * rows.step[0];
      or_lanes_t lanes;
      or_lanes_load(in->dtype, in->data, rows.out + done, 1, count, &lanes);
      or_lanes_convert(&lanes, count, loaded, reducer->kind);
      /* A row belongs to one group, or each of its elements to the next one: the innermost group stride is 0 or 1. */
      double *shifts = step == OR_REDUCE_SUM_EXP ? reducer->shifts + group : NULL;
      if (rows.step[0] == 0) {
        or_reduce_row(step, reducer->kind, &lanes, count, shifts != NULL ? *shifts : 0, reducer->groups + group);
      } else {
        or_reduce_each(step, reducer->kind, &lanes, count, shifts, reducer->groups + group);
      }
    }
  }
}

/* log sum exp x = m + log sum exp(x - m), where nothing overflows. */
static void find_shifts(const or_op_tensor_t *in, reducer_t *reducer) {
  accumulate(in, reducer, OR_REDUCE_MAX);
  for (uint64_t i = 0; i < reducer->group_count; ++i) {
    double largest = reducer->groups[i].real;
    reducer->shifts[i] = isfinite(largest) ? largest : 0;
  }
}

static void store_groups(const reducer_t *reducer, or_op_tensor_t *out) {
  for (uint64_t first = 0; first < reducer->group_count; first += OR_LANES) {
    size_t count = (size_t)(reducer->group_count - first < OR_LANES ? reducer->group_count - first : OR_LANES);
    or_lanes_t lanes;
    for (size_t i = 0; i < count; ++i)
      lanes.natural[i] = finished(reducer, first + i).natural; /* the bits, whatever the kind */
    or_lanes_store(out->dtype, out->data, (int64_t)first, count, reducer->kind, &lanes);
  }
}

static or_reduce_value_t finished(const reducer_t *reducer, uint64_t group) {
  or_reduce_value_t value = reducer->groups[group];
  switch (reducer->finish) {
  case FINISH_NONE: break;
  case FINISH_ROOT: value.real = sqrt(value.real); break;
  case FINISH_LOG: value.real = log(value.real); break;
  case FINISH_LOG_SHIFTED: value.real = reducer->shifts[group] + log(value.real); break;
  case FINISH_MEAN:
    if (reducer->kind == OR_LANE_REAL) {
      value.real /= (double)reducer->group_size;
    } else if (reducer->group_size == 0) {
      value.natural = 0;
    } else if (reducer->kind == OR_LANE_INTEGER) {
      value.integer /= (int64_t)reducer->group_size;
    } else {
      value.natural /= reducer->group_size;
    }
    break;
  }
  return value;
}

static or_cost_t reduce_cost(const or_op_call_t *call) {
  or_cost_t cost = {.bytes_read = or_cost_bytes(&call->inputs[0]), .bytes_written = or_cost_bytes(&call->outputs[0])};
  cost.flops = (double)or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  return cost;
}

/* ---- catalogue ---- */

#define REDUCE_DTYPES \
  (OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_DTYPE_BIT(OR_UINT32) | OR_DTYPE_BIT(OR_UINT64))
#define EXTREME_DTYPES (REDUCE_DTYPES | OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8) | OR_DTYPE_BIT(OR_BOOL))
/* Sums of many terms differ by their order; products and logarithms more so. */
#define ROUNDED \
  { 1e-5, 1e-6 }

/* What the rows have in common. */
#define REDUCTION(op_name, text)                                                                                    \
  .domain = "", .name = op_name, .summary = text, .input_min = 1, .input_max = 2, .output_min = 1, .output_max = 1, \
  .value_inputs = 1u << 1, .infer = reduce_infer, .cost = reduce_cost,                                              \
  .attributes = {{"axes", OR_ATTRIBUTE_INTS, false},                                                                \
                 {"keepdims", OR_ATTRIBUTE_INT, false},                                                             \
                 {"noop_with_empty_axes", OR_ATTRIBUTE_INT, false}}

static or_status_t reduce_sum_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_SUM, FINISH_NONE); }

const or_op_t or_op_reduce_sum = {
    REDUCTION("ReduceSum", "sum along axes"),
    .since = {1, 11, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_sum_reference,
};

static or_status_t reduce_mean_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_SUM, FINISH_MEAN); }

const or_op_t or_op_reduce_mean = {
    REDUCTION("ReduceMean", "mean along axes; of integers truncated"),
    .since = {1, 11, 13, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_mean_reference,
};

static or_status_t reduce_max_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_MAX, FINISH_NONE); }

const or_op_t or_op_reduce_max = {
    REDUCTION("ReduceMax", "largest element along axes"),
    .since = {1, 11, 12, 13, 18, 20},
    .changes = {{12, OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8), 0},
                OR_OP_BFLOAT16_SINCE(13),
                {20, OR_DTYPE_BIT(OR_BOOL), 0}},
    .dtypes = EXTREME_DTYPES,
    .reference = reduce_max_reference,
};

static or_status_t reduce_min_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_MIN, FINISH_NONE); }

const or_op_t or_op_reduce_min = {
    REDUCTION("ReduceMin", "smallest element along axes"),
    .since = {1, 11, 12, 13, 18, 20},
    .changes = {{12, OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8), 0},
                OR_OP_BFLOAT16_SINCE(13),
                {20, OR_DTYPE_BIT(OR_BOOL), 0}},
    .dtypes = EXTREME_DTYPES,
    .reference = reduce_min_reference,
};

static or_status_t reduce_prod_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_PRODUCT, FINISH_NONE); }

const or_op_t or_op_reduce_prod = {
    REDUCTION("ReduceProd", "product along axes"),
    .since = {1, 11, 13, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_prod_reference,
};

static or_status_t reduce_l1_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_SUM_ABS, FINISH_NONE); }

const or_op_t or_op_reduce_l1 = {
    REDUCTION("ReduceL1", "sum of absolute values along axes"),
    .since = {1, 11, 13, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_l1_reference,
};

static or_status_t reduce_l2_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_SUM_SQUARE, FINISH_ROOT); }

const or_op_t or_op_reduce_l2 = {
    REDUCTION("ReduceL2", "square root of the sum of squares along axes"),
    .since = {1, 11, 13, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_l2_reference,
};

static or_status_t reduce_sum_square_reference(or_op_call_t *call) {
  return reduce(call, OR_REDUCE_SUM_SQUARE, FINISH_NONE);
}

const or_op_t or_op_reduce_sum_square = {
    REDUCTION("ReduceSumSquare", "sum of squares along axes"),
    .since = {1, 11, 13, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_sum_square_reference,
};

static or_status_t reduce_log_sum_reference(or_op_call_t *call) { return reduce(call, OR_REDUCE_SUM, FINISH_LOG); }

const or_op_t or_op_reduce_log_sum = {
    REDUCTION("ReduceLogSum", "logarithm of the sum along axes"),
    .since = {1, 11, 13, 18, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(13), {28, 0, OR_OP_WIDE_INTS}},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_log_sum_reference,
};

static or_status_t reduce_log_sum_exp_reference(or_op_call_t *call) {
  return reduce(call, OR_REDUCE_SUM_EXP, FINISH_LOG_SHIFTED);
}

const or_op_t or_op_reduce_log_sum_exp = {
    REDUCTION("ReduceLogSumExp", "logarithm of the sum of exponentials along axes"),
    .since = {1, 11, 13, 18, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(13), {28, 0, OR_OP_WIDE_INTS}},
    .dtypes = REDUCE_DTYPES,
    .tolerance = ROUNDED,
    .reference = reduce_log_sum_exp_reference,
};
