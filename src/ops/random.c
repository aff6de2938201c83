#include "ops/random.h"

#include <math.h>

#include "base/alloc.h"
#include "ops/draw.h"
#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

#define RANDOM_FLOPS 60 /* of one number: the generator's rounds and the quantile */

/* ---- shape rules ---- */

/* The attribute "dtype", one of `allowed`; or `fallback`. */
static or_status_t output_dtype(or_op_call_t *call, or_dtype_t fallback, uint32_t allowed) {
  int64_t given = or_op_attribute_int(call, "dtype", fallback);
  or_dtype_t dtype = given > 0 && given < OR_DTYPE_COUNT ? (or_dtype_t)given : OR_DTYPE_NONE;
  call->outputs[0].dtype = dtype;
  if (or_dtype_is_one_of(dtype, allowed)) return or_status_success();
  const char *source = or_op_attribute(call, "dtype") != NULL ? "attribute \"dtype\"" : "the dtype of input 0";
  return or_error(OR_INVALID_ARGUMENT, "%s is %lld (%s), which %s does not give", source, (long long)given,
                  or_dtype_name(dtype), call->op->name);
}

static or_status_t check_normal(const or_op_call_t *call) {
  double mean = (double)or_op_attribute_float(call, "mean", 0), scale = (double)or_op_attribute_float(call, "scale", 1);
  if (isfinite(mean) && isfinite(scale) && scale >= 0) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "mean %g, scale %g: both must be finite, and scale not negative", mean, scale);
}

static or_status_t check_uniform(const or_op_call_t *call) {
  double low = (double)or_op_attribute_float(call, "low", 0), high = (double)or_op_attribute_float(call, "high", 1);
  if (isfinite(low) && isfinite(high) && low <= high) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "low %g, high %g: both must be finite, and low not above high", low, high);
}

/* Output 0 by the attributes "shape" and "dtype". */
static or_status_t shape_by_attribute(or_op_call_t *call) {
  or_integers_t extents;
  or_status_t status = output_dtype(call, OR_FLOAT32, OR_OP_FLOATS);
  if (or_ok(status)) status = or_integers_attribute(call, "shape", &extents);
  if (!or_ok(status)) return status;
  call->outputs[0].shape = or_shape_make((size_t)extents.count, extents.values);
  for (int32_t i = 0; i < extents.count; ++i) {
    if (extents.values[i] < 0)
      return or_error(OR_INVALID_ARGUMENT, "attribute \"shape\" has the negative extent %lld at %d",
                      (long long)extents.values[i], i);
  }
  return or_shape_check_count(&call->outputs[0].shape);
}

static or_status_t shape_by_input(or_op_call_t *call) {
  call->outputs[0].shape = call->inputs[0].shape;
  return output_dtype(call, call->inputs[0].dtype, OR_OP_FLOATS);
}

static or_status_t normal_infer(or_op_call_t *call) {
  or_status_t status = check_normal(call);
  return or_ok(status) ? shape_by_attribute(call) : status;
}

static or_status_t uniform_infer(or_op_call_t *call) {
  or_status_t status = check_uniform(call);
  return or_ok(status) ? shape_by_attribute(call) : status;
}

static or_status_t normal_like_infer(or_op_call_t *call) {
  or_status_t status = check_normal(call);
  return or_ok(status) ? shape_by_input(call) : status;
}

static or_status_t uniform_like_infer(or_op_call_t *call) {
  or_status_t status = check_uniform(call);
  return or_ok(status) ? shape_by_input(call) : status;
}

static or_status_t bernoulli_infer(or_op_call_t *call) {
  call->outputs[0].shape = call->inputs[0].shape;
  return output_dtype(call, call->inputs[0].dtype, OR_OP_NUMERIC | OR_DTYPE_BIT(OR_BOOL));
}

static or_status_t multinomial_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_op_tensor_t *out = &call->outputs[0];
  int64_t samples = or_op_attribute_int(call, "sample_size", 1);
  or_status_t status = output_dtype(call, OR_INT32, OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64));
  if (or_ok(status)) status = or_infer_check_rank(call, 0, 2);
  if (or_ok(status) && samples < 0)
    status =
        or_error(OR_INVALID_ARGUMENT, "attribute \"sample_size\" is %lld; it must not be negative", (long long)samples);
  if (or_ok(status) && in->rank == 2 && in->dims[1] == 0)
    status = or_error(OR_INVALID_ARGUMENT, "input 0 has no classes (extent 0 along axis 1) to draw one of");
  if (or_ok(status) && out->dtype == OR_INT32 && in->rank == 2 && in->dims[1] > INT32_MAX)
    status =
        or_error(OR_INVALID_ARGUMENT, "input 0 has %lld classes; int32 counts %d", (long long)in->dims[1], INT32_MAX);
  if (!or_ok(status)) return status;
  out->shape = (or_shape_t){.rank = 2, .dims = {in->rank == 2 ? in->dims[0] : OR_DIM_UNKNOWN, samples}};
  return or_shape_check_count(&out->shape);
}

static or_cost_t random_cost(const or_op_call_t *call) { return or_cost_per_output(call, RANDOM_FLOPS); }

/* As the others read no element of the input. */
static or_cost_t random_like_cost(const or_op_call_t *call) {
  or_cost_t cost = random_cost(call);
  cost.bytes_read = 0;
  return cost;
}

static or_cost_t multinomial_cost(const or_op_call_t *call) {
  or_cost_t cost = random_cost(call);
  const int64_t *dims = call->inputs[0].shape.dims;
  cost.flops += 20 * (double)dims[0] * (double)dims[1] + (double)dims[0] * log2((double)dims[1]);
  return cost;
}

/* ---- references ---- */

static or_status_t normal_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  double mean = (double)or_op_attribute_float(call, "mean", 0), scale = (double)or_op_attribute_float(call, "scale", 1);
  uint64_t total = or_shape_product(&out->shape, 0, out->shape.rank);
  or_draw_t draw;
  or_lanes_t lanes;
  or_status_t status = or_draw_begin(call, &draw);
  for (uint64_t first = 0; or_ok(status) && first < total && !or_stops(call->stop, 4 * OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_draw_normal(&draw, first, count, lanes.real);
    for (size_t i = 0; i < count; ++i) lanes.real[i] = mean + scale * lanes.real[i];
    or_lanes_store(out->dtype, out->data, (int64_t)first, count, OR_LANE_REAL, &lanes);
  }
  return status;
}

static double parts_of_one(or_dtype_t dtype) {
  if (dtype == OR_FLOAT64) return 0x1p53;
  if (dtype == OR_FLOAT32) return 0x1p24;
  return dtype == OR_FLOAT16 ? 0x1p11 : 0x1p8;
}

static or_status_t uniform_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  double low = (double)or_op_attribute_float(call, "low", 0), high = (double)or_op_attribute_float(call, "high", 1);
  double parts = parts_of_one(out->dtype), step = (high - low) / parts; /* exact: a power of two */
  uint64_t total = or_shape_product(&out->shape, 0, out->shape.rank);
  or_draw_t draw;
  or_lanes_t lanes;
  or_status_t status = or_draw_begin(call, &draw);
  for (uint64_t first = 0; or_ok(status) && first < total && !or_stops(call->stop, 4 * OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_draw_uniform(&draw, first, count, lanes.real);
    for (size_t i = 0; i < count; ++i) lanes.real[i] = low + step * floor(lanes.real[i] * parts);
    or_lanes_store(out->dtype, out->data, (int64_t)first, count, OR_LANE_REAL, &lanes);
  }
  return status;
}

static or_status_t bernoulli_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0], *out = &call->outputs[0];
  uint64_t total = or_shape_product(&out->shape, 0, out->shape.rank);
  or_draw_t draw;
  or_lanes_t chance, result;
  double uniform[OR_LANES];
  or_status_t status = or_draw_begin(call, &draw);
  for (uint64_t first = 0; or_ok(status) && first < total && !or_stops(call->stop, 4 * OR_LANES); first += OR_LANES) {
    size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
    or_lanes_load(in->dtype, in->data, (int64_t)first, 1, count, &chance);
    or_draw_uniform(&draw, first, count, uniform);
    for (size_t i = 0; i < count; ++i) result.integer[i] = uniform[i] < chance.real[i];
    or_lanes_store(out->dtype, out->data, (int64_t)first, count, OR_LANE_INTEGER, &result);
  }
  return status;
}

static or_status_t accumulate_chances(const or_op_tensor_t *in, uint64_t row, size_t classes, double *sums);
static void draw_classes(const or_draw_t *draw, const or_op_call_t *call, uint64_t row, const double *sums,
                         size_t classes);

static or_status_t multinomial_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  uint64_t rows = (uint64_t)in->shape.dims[0];
  size_t classes = (size_t)in->shape.dims[1];
  void *memory = NULL;
  or_draw_t draw;
  or_status_t status = or_draw_begin(call, &draw);
  if (or_ok(status)) status = or_alloc_array(call->allocator, classes, sizeof(double), &memory);
  for (uint64_t row = 0; or_ok(status) && row < rows && !or_stops(call->stop, classes); ++row) {
    status = accumulate_chances(in, row, classes, memory);
    if (or_ok(status)) draw_classes(&draw, call, row, memory, classes);
  }
  or_free(call->allocator, memory);
  return status;
}

/* sums[c]: the chances of classes 0 to c, in units of the likeliest one's. */
static or_status_t accumulate_chances(const or_op_tensor_t *in, uint64_t row, size_t classes, double *sums) {
  double largest = -INFINITY, sum = 0;
  or_elements_load(in->dtype, in->data, row * classes, classes, sums);
  for (size_t c = 0; c < classes; ++c) largest = fmax(largest, sums[c]);
  for (size_t c = 0; c < classes; ++c) {
    sum += sums[c] == largest ? 1 : exp(sums[c] - largest);
    sums[c] = sum;
  }
  if (!isnan(sum) && largest > -INFINITY) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "row %llu of input 0 %s: it is no distribution", (unsigned long long)row,
                  isnan(sum) ? "has NaN" : "is -infinity throughout");
}

/* The first class whose sum is above `target`; where rounding made that the whole, the first that has the whole. */
static size_t class_at(const double *sums, size_t classes, double target) {
  size_t low = 0, high = classes - 1;
  bool whole = target >= sums[high];
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (whole ? sums[middle] >= sums[classes - 1] : sums[middle] > target) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

static void draw_classes(const or_draw_t *draw, const or_op_call_t *call, uint64_t row, const double *sums,
                         size_t classes) {
  const or_op_tensor_t *out = &call->outputs[0];
  uint64_t samples = (uint64_t)out->shape.dims[1];
  double uniform[OR_LANES];
  or_lanes_t lanes;
  for (uint64_t first = 0; first < samples && !or_stops(call->stop, 4 * OR_LANES); first += OR_LANES) {
    size_t count = samples - first < OR_LANES ? (size_t)(samples - first) : OR_LANES;
    or_draw_uniform(draw, row * samples + first, count, uniform);
    for (size_t i = 0; i < count; ++i)
      lanes.integer[i] = (int64_t)class_at(sums, classes, uniform[i] * sums[classes - 1]);
    or_lanes_store(out->dtype, out->data, (int64_t)(row * samples + first), count, OR_LANE_INTEGER, &lanes);
  }
}

/* ---- rows ---- */

#define SHAPED_ROW(op_name, what, first, second, infer_function, reference_function)                         \
  {                                                                                                          \
    .domain = "", .name = op_name, .summary = what, .since = {1, 22}, .changes = {OR_OP_BFLOAT16_SINCE(22)}, \
    .input_min = 0, .input_max = 0, .output_min = 1, .output_max = 1, .dtypes = OR_OP_FLOATS,                \
    .draws_anew = or_draw_without_seed,                                                                      \
    .attributes = {{"shape", OR_ATTRIBUTE_INTS, true},                                                       \
                   {"dtype", OR_ATTRIBUTE_INT, false},                                                       \
                   {"seed", OR_ATTRIBUTE_FLOAT, false},                                                      \
                   {first, OR_ATTRIBUTE_FLOAT, false},                                                       \
                   {second, OR_ATTRIBUTE_FLOAT, false}},                                                     \
    .infer = infer_function, .cost = random_cost, .reference = reference_function,                           \
  }
#define LIKE_ROW(op_name, what, first, second, infer_function, reference_function)                               \
  {                                                                                                              \
    .domain = "", .name = op_name, .summary = what, .since = {1, 22}, .changes = {OR_OP_BFLOAT16_SINCE(22)},     \
    .input_min = 1, .input_max = 1, .output_min = 1, .output_max = 1, .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS, \
    .draws_anew = or_draw_without_seed,                                                                          \
    .attributes = {{"dtype", OR_ATTRIBUTE_INT, false},                                                           \
                   {"seed", OR_ATTRIBUTE_FLOAT, false},                                                          \
                   {first, OR_ATTRIBUTE_FLOAT, false},                                                           \
                   {second, OR_ATTRIBUTE_FLOAT, false}},                                                         \
    .infer = infer_function, .cost = random_like_cost, .reference = reference_function,                          \
  }

const or_op_t or_op_random_normal = SHAPED_ROW("RandomNormal", "random numbers of a normal distribution", "mean",
                                               "scale", normal_infer, normal_reference);
const or_op_t or_op_random_uniform = SHAPED_ROW("RandomUniform", "random numbers, all equally likely in a range", "low",
                                                "high", uniform_infer, uniform_reference);
const or_op_t or_op_random_normal_like =
    LIKE_ROW("RandomNormalLike", "random numbers of a normal distribution in the input's shape", "mean", "scale",
             normal_like_infer, normal_reference);
const or_op_t or_op_random_uniform_like =
    LIKE_ROW("RandomUniformLike", "random numbers, all equally likely in a range, in the input's shape", "low", "high",
             uniform_like_infer, uniform_reference);

const or_op_t or_op_bernoulli = {
    .domain = "",
    .name = "Bernoulli",
    .summary = "1 with the probability that the input gives, else 0",
    .since = {15, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .draws_anew = or_draw_without_seed,
    .attributes = {{"dtype", OR_ATTRIBUTE_INT, false}, {"seed", OR_ATTRIBUTE_FLOAT, false}},
    .infer = bernoulli_infer,
    .cost = random_cost,
    .reference = bernoulli_reference,
};

const or_op_t or_op_multinomial = {
    .domain = "",
    .name = "Multinomial",
    .summary = "classes drawn by the logarithms of their probabilities",
    .since = {7, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .draws_anew = or_draw_without_seed,
    .attributes = {{"dtype", OR_ATTRIBUTE_INT, false},
                   {"sample_size", OR_ATTRIBUTE_INT, false},
                   {"seed", OR_ATTRIBUTE_FLOAT, false}},
    .infer = multinomial_infer,
    .cost = multinomial_cost,
    .reference = multinomial_reference,
};
