#include "ops/pool.h"

#include <math.h>
#include <string.h>

#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/pool_internal.h"
#include "ops/window_internal.h"

static or_status_t pool_infer(or_op_call_t *call);
static or_status_t lp_pool_infer(or_op_call_t *call);
static or_cost_t pool_cost(const or_op_call_t *call);
static or_status_t max_pool_reference(or_op_call_t *call);
static or_status_t average_pool_reference(or_op_call_t *call);
static or_status_t lp_pool_reference(or_op_call_t *call);

const or_op_t or_op_max_pool = {
    .domain = "",
    .name = "MaxPool",
    .summary = "maximum of each window, and where it is",
    .since = {1, 8, 10, 11, 12, 22},
    .changes = {{12, OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8), 0}, OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8),
    .attributes = {{"auto_pad", OR_ATTRIBUTE_STRING, false},
                   {"ceil_mode", OR_ATTRIBUTE_INT, false},
                   {"dilations", OR_ATTRIBUTE_INTS, false},
                   {"kernel_shape", OR_ATTRIBUTE_INTS, true},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"storage_order", OR_ATTRIBUTE_INT, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .infer = pool_infer,
    .cost = pool_cost,
    .reference = max_pool_reference,
};

const or_op_t or_op_average_pool = {
    .domain = "",
    .name = "AveragePool",
    .summary = "mean of each window",
    .since = {1, 7, 10, 11, 19, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"auto_pad", OR_ATTRIBUTE_STRING, false},
                   {"ceil_mode", OR_ATTRIBUTE_INT, false},
                   {"count_include_pad", OR_ATTRIBUTE_INT, false},
                   {"dilations", OR_ATTRIBUTE_INTS, false},
                   {"kernel_shape", OR_ATTRIBUTE_INTS, true},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = pool_infer,
    .cost = pool_cost,
    .reference = average_pool_reference,
};

const or_op_t or_op_lp_pool = {
    .domain = "",
    .name = "LpPool",
    .summary = "Lp norm of each window",
    .since = {1, 2, 11, 18, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"auto_pad", OR_ATTRIBUTE_STRING, false},
                   {"ceil_mode", OR_ATTRIBUTE_INT, false},
                   {"dilations", OR_ATTRIBUTE_INTS, false},
                   {"kernel_shape", OR_ATTRIBUTE_INTS, true},
                   {"p", OR_ATTRIBUTE_INT, false},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = lp_pool_infer,
    .cost = pool_cost,
    .reference = lp_pool_reference,
};

static or_status_t pool_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_shape_t y = {.rank = OR_RANK_UNKNOWN};
  if (x->rank >= 0) {
    or_window_t window;
    or_status_t status = or_window_make(call, x, NULL, &window);
    if (!or_ok(status)) return status;
    y = *x;
    for (int32_t i = 0; i < window.rank; ++i) y.dims[i + 2] = window.out[i];
  }
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = y;
  if (or_op_has_output(call, 1)) {
    call->outputs[1].dtype = OR_INT64;
    call->outputs[1].shape = y;
  }
  return or_status_success();
}

or_status_t or_pool_check_p(const or_op_call_t *call) {
  int64_t p = or_op_attribute_int(call, "p", 2);
  if (p >= 1) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "attribute \"p\" is %lld, expected at least 1", (long long)p);
}

static or_status_t lp_pool_infer(or_op_call_t *call) {
  or_status_t status = or_pool_check_p(call);
  return or_ok(status) ? pool_infer(call) : status;
}

static or_cost_t pool_cost(const or_op_call_t *call) {
  size_t rank = 0;
  const int64_t *kernel = or_op_attribute_ints(call, "kernel_shape", &rank);
  double taps = 1;
  for (size_t i = 0; i < rank; ++i) taps *= (double)kernel[i];
  return or_cost_per_output(call, taps);
}

/* The reference walks the output in runs along the last dimension, and each run once for every position of the kernel.
 * */
typedef struct run_t {
  double value[OR_LANES];  /* the maximum or the sum so far */
  int64_t where[OR_LANES]; /* maximum: its element in the channel, or -1; else: the number of elements */
} run_t;

typedef enum kind_t { POOL_MAX, POOL_AVERAGE, POOL_LP } kind_t;

typedef struct pool_t {
  const or_op_call_t *call;
  or_window_t window;
  kind_t kind;
  bool include_pad;
  double p;
} pool_t;

static void pool_run(const pool_t *pool, int64_t channel, const int64_t *position, int64_t count, run_t *run);
static void store_max(const pool_t *pool, int64_t channel, int64_t first, int64_t count, const run_t *run);
static void store_average(const pool_t *pool, const int64_t *position, int64_t first, int64_t count, const run_t *run);
static void store_norm(const pool_t *pool, int64_t first, int64_t count, const run_t *run);

static or_status_t pool_reference(or_op_call_t *call, kind_t kind) {
  pool_t pool = {.call = call,
                 .kind = kind,
                 .include_pad = kind == POOL_AVERAGE && or_op_attribute_int(call, "count_include_pad", 0) != 0,
                 .p = kind == POOL_LP ? (double)or_op_attribute_int(call, "p", 2) : 0};
  const or_shape_t *x = &call->inputs[0].shape, *y = &call->outputs[0].shape;
  or_status_t status = or_window_make(call, x, NULL, &pool.window);
  uint64_t total = 0;
  if (!or_ok(status) || !or_shape_count(y, &total) || total == 0) return status;

  int32_t last = pool.window.rank - 1;
  int64_t line = pool.window.out[last], channels = x->dims[0] * x->dims[1], first = 0;
  or_shape_t lines = or_shape_make((size_t)last, pool.window.out); /* the dimensions before the last */
  /* A run is no longer than the input, so that it sees little more of the kernel than each position does. */
  int64_t longest = pool.window.in[last] / pool.window.stride[last] + 1;
  if (longest > OR_LANES) longest = OR_LANES;
  run_t run;
  for (int64_t channel = 0; channel < channels && !or_stops(call->stop, 1); ++channel) {
    int64_t position[OR_MAX_RANK] = {0};
    do {
      for (int64_t done = 0; done < line && !or_stops(call->stop, (uint64_t)longest); done += longest) {
        int64_t count = line - done < longest ? line - done : longest;
        position[last] = done;
        pool_run(&pool, channel, position, count, &run);
        if (kind == POOL_MAX) store_max(&pool, channel, first, count, &run);
        if (kind == POOL_AVERAGE) store_average(&pool, position, first, count, &run);
        if (kind == POOL_LP) store_norm(&pool, first, count, &run);
        first += count;
      }
      position[last] = 0;
    } while (!or_stops(call->stop, 1) && or_index_next(&lines, position));
  }
  return status;
}

static or_status_t max_pool_reference(or_op_call_t *call) { return pool_reference(call, POOL_MAX); }
static or_status_t average_pool_reference(or_op_call_t *call) { return pool_reference(call, POOL_AVERAGE); }
static or_status_t lp_pool_reference(or_op_call_t *call) { return pool_reference(call, POOL_LP); }

void or_pool_powers(double p, size_t count, double *values) {
  if (p == 2) {
    for (size_t i = 0; i < count; ++i) values[i] *= values[i];
  } else {
    for (size_t i = 0; i < count; ++i) values[i] = p == 1 ? fabs(values[i]) : pow(fabs(values[i]), p);
  }
}

double or_pool_root(double p, double sum) { return p == 2 ? sqrt(sum) : p == 1 ? sum : pow(sum, 1 / p); }

static void take_max(double value, int64_t element, double *best, int64_t *where) {
  if (*where >= 0 && !(value > *best) && !(isnan(value) && !isnan(*best))) return;
  *best = value;
  *where = element;
}

/* The part of the kernel, from `first` on, that lies over the input at some position of the run: what lies over padding
 * alone may be enormous. False: none. */
static bool seen_kernel(const or_window_t *window, const int64_t *position, int64_t count, int64_t *first,
                        or_shape_t *extents) {
  extents->rank = window->rank;
  for (int32_t d = 0; d < window->rank; ++d) {
    int64_t dilation = window->dilation[d], low = position[d] * window->stride[d] - window->pad_begin[d];
    int64_t high = d == window->rank - 1 ? low + (count - 1) * window->stride[d] : low;
    int64_t end = low < window->in[d] ? (window->in[d] - 1 - low) / dilation + 1 : 0;
    first[d] = high < 0 ? (-high + dilation - 1) / dilation : 0;
    if (end > window->kernel[d]) end = window->kernel[d];
    if (end <= first[d]) return false;
    extents->dims[d] = end - first[d];
  }
  return true;
}

static void pool_run(const pool_t *pool, int64_t channel, const int64_t *position, int64_t count, run_t *run) {
  const or_op_tensor_t *x = &pool->call->inputs[0];
  const or_window_t *window = &pool->window;
  int64_t base = channel * (int64_t)or_shape_product(&x->shape, 2, x->shape.rank);
  int64_t index[OR_MAX_RANK] = {0}, kernel[OR_MAX_RANK] = {0}, first[OR_MAX_RANK] = {0};
  or_shape_t kernels;
  for (int64_t i = 0; i < count; ++i) {
    run->value[i] = pool->kind == POOL_MAX ? -INFINITY : 0;
    run->where[i] = pool->kind == POOL_MAX ? -1 : 0;
  }
  or_lanes_t lanes;
  if (!seen_kernel(window, position, count, first, &kernels)) return;
  do {
    for (int32_t d = 0; d < window->rank; ++d) kernel[d] = first[d] + index[d];
    or_window_run_t seen = or_window_run(window, kernel, position, count);
    if (seen.begin == seen.end) continue;
    size_t seen_count = (size_t)(seen.end - seen.begin);
    or_lanes_load(x->dtype, x->data, base + seen.first, seen.step, seen_count, &lanes);
    or_lanes_convert(&lanes, seen_count, or_lane_kind(x->dtype), OR_LANE_REAL);
    double *value = run->value + seen.begin;
    int64_t *where = run->where + seen.begin;
    if (pool->kind == POOL_LP) or_pool_powers(pool->p, seen_count, lanes.real);
    for (size_t i = 0; i < seen_count && pool->kind != POOL_MAX; ++i) {
      value[i] += lanes.real[i];
      where[i] += 1;
    }
    for (size_t i = 0; i < seen_count && pool->kind == POOL_MAX; ++i) {
      take_max(lanes.real[i], seen.first + (int64_t)i * seen.step, &value[i], &where[i]);
    }
  } while (!or_stops(pool->call->stop, (uint64_t)count) && or_index_next(&kernels, index));
}

/* Positions of the kernel that lie on the input or on its padding, when the window is at `position` of dimension
 * `axis`. */
static int64_t padded_count(const or_window_t *window, int32_t axis, int64_t position) {
  int64_t room = window->in[axis] + window->pad_begin[axis] + window->pad_end[axis] - position * window->stride[axis];
  int64_t count = room > 0 ? (room + window->dilation[axis] - 1) / window->dilation[axis] : 0;
  return count < window->kernel[axis] ? count : window->kernel[axis];
}

static void store_average(const pool_t *pool, const int64_t *position, int64_t first, int64_t count, const run_t *run) {
  const or_window_t *window = &pool->window;
  const or_op_tensor_t *y = &pool->call->outputs[0];
  int32_t last = window->rank - 1;
  int64_t outer = 1;
  for (int32_t d = 0; d < last; ++d) outer *= padded_count(window, d, position[d]);
  or_lanes_t lanes;
  for (int64_t i = 0; i < count; ++i) {
    int64_t divisor = pool->include_pad ? outer * padded_count(window, last, position[last] + i) : run->where[i];
    lanes.real[i] = divisor > 0 ? run->value[i] / (double)divisor : 0;
  }
  or_lanes_store(y->dtype, y->data, first, (size_t)count, OR_LANE_REAL, &lanes);
}

static void store_norm(const pool_t *pool, int64_t first, int64_t count, const run_t *run) {
  const or_op_tensor_t *y = &pool->call->outputs[0];
  or_lanes_t lanes;
  for (int64_t i = 0; i < count; ++i) lanes.real[i] = or_pool_root(pool->p, run->value[i]);
  or_lanes_store(y->dtype, y->data, first, (size_t)count, OR_LANE_REAL, &lanes);
}

/* The same element, counted with the first spatial dimension fastest. */
static int64_t column_major(const or_window_t *window, int64_t element) {
  int64_t index[OR_MAX_SPATIAL], result = 0;
  or_window_unravel((uint64_t)element, window->in, window->rank, index);
  for (int32_t d = window->rank - 1; d >= 0; --d) result = result * window->in[d] + index[d];
  return result;
}

static void store_max(const pool_t *pool, int64_t channel, int64_t first, int64_t count, const run_t *run) {
  const or_op_tensor_t *x = &pool->call->inputs[0], *y = &pool->call->outputs[0];
  or_lanes_t lanes;
  memcpy(lanes.real, run->value, (size_t)count * sizeof *run->value);
  or_lanes_store(y->dtype, y->data, first, (size_t)count, OR_LANE_REAL, &lanes);
  if (!or_op_has_output(pool->call, 1) || pool->call->outputs[1].data == NULL) return;

  int64_t *indices = pool->call->outputs[1].data;
  int64_t base = channel * (int64_t)or_shape_product(&x->shape, 2, x->shape.rank);
  bool columns = or_op_attribute_int(pool->call, "storage_order", 0) != 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t element = run->where[i];
    if (element >= 0) element = base + (columns ? column_major(&pool->window, element) : element);
    indices[first + i] = element;
  }
}
