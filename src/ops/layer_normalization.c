#include "ops/layer_normalization.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/rows.h"

static or_status_t layer_normalization_infer(or_op_call_t *call);
static or_cost_t layer_normalization_cost(const or_op_call_t *call);
static or_status_t layer_normalization_reference(or_op_call_t *call);

const or_op_t or_op_layer_normalization = {
    .domain = "",
    .name = "LayerNormalization",
    .summary = "shifted and scaled to mean 0 and variance 1 over the last dimensions",
    .since = {17},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 3,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"epsilon", OR_ATTRIBUTE_FLOAT, false},
                   {"stash_type", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = layer_normalization_infer,
    .cost = layer_normalization_cost,
    .reference = layer_normalization_reference,
};

static or_status_t axis_of(const or_op_call_t *call, int32_t *axis) {
  return or_axis_normalize(or_op_attribute_int(call, "axis", -1), call->inputs[0].shape.rank, axis);
}

static or_status_t layer_normalization_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  int64_t stash_type = or_op_attribute_int(call, "stash_type", OR_FLOAT32);
  if (stash_type != OR_FLOAT32 && stash_type != OR_BFLOAT16) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"stash_type\" is %lld, expected %d (float32) or %d (bfloat16)",
                    (long long)stash_type, (int)OR_FLOAT32, (int)OR_BFLOAT16);
  }
  int32_t axis = 0;
  or_status_t status = x->rank < 0 ? or_status_success() : axis_of(call, &axis);
  for (uint32_t i = 1; or_ok(status) && i < 3; ++i) {
    status = or_infer_check_dtype(call, i);
    if (or_ok(status)) status = or_infer_check_broadcast(call, i, x);
  }
  if (!or_ok(status)) return status;
  for (uint32_t i = 1; i < call->output_count; ++i) {
    call->outputs[i].dtype = (or_dtype_t)stash_type;
    call->outputs[i].shape = *x;
    for (int32_t d = axis; d < x->rank; ++d) call->outputs[i].shape.dims[d] = 1;
  }
  return or_infer_same_as_input(call);
}

static or_cost_t layer_normalization_cost(const or_op_call_t *call) { return or_cost_per_output(call, 8); }

typedef struct statistics_t {
  double mean, inverse_deviation;
} statistics_t;

static statistics_t statistics_of(const or_op_call_t *call, uint64_t first, uint64_t length, double epsilon);
static void normalize(const or_op_call_t *call, const statistics_t *statistics, uint64_t length);

static or_status_t layer_normalization_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  double epsilon = (double)or_op_attribute_float(call, "epsilon", 1e-5F);
  int32_t axis = 0;
  or_status_t status = axis_of(call, &axis);
  if (!or_ok(status)) return status;
  uint64_t outer = or_shape_product(&x->shape, 0, axis), length = or_shape_product(&x->shape, axis, x->shape.rank);
  void *memory = NULL;
  status = or_alloc_array(call->allocator, outer, sizeof(statistics_t), &memory);
  if (!or_ok(status)) return status;

  statistics_t *statistics = memory;
  for (uint64_t i = 0; i < outer && !or_stops(call->stop, 1); ++i) {
    statistics[i] = statistics_of(call, i * length, length, epsilon);
    for (uint32_t k = 1; k < call->output_count; ++k) {
      const or_op_tensor_t *out = &call->outputs[k];
      const double *value = k == 1 ? &statistics[i].mean : &statistics[i].inverse_deviation;
      if (out->data != NULL) or_elements_store(out->dtype, out->data, i, 1, value);
    }
  }
  normalize(call, statistics, length);
  or_free(call->allocator, memory);
  return status;
}

static statistics_t statistics_of(const or_op_call_t *call, uint64_t first, uint64_t length, double epsilon) {
  const or_op_tensor_t *x = &call->inputs[0];
  double values[OR_LANES], sum = 0, squares = 0;
  for (uint64_t done = 0; done < length && !or_stops(call->stop, OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_elements_load(x->dtype, x->data, first + done, count, values);
    for (size_t i = 0; i < count; ++i) sum += values[i];
  }
  double mean = sum / (double)length;
  for (uint64_t done = 0; done < length && !or_stops(call->stop, OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_elements_load(x->dtype, x->data, first + done, count, values);
    for (size_t i = 0; i < count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  }
  return (statistics_t){.mean = mean, .inverse_deviation = 1 / sqrt(squares / (double)length + epsilon)};
}

/* Runs over which X, scale and bias each keep one stride, in pieces that stay within one set of statistics. */
static void normalize(const or_op_call_t *call, const statistics_t *statistics, uint64_t length) {
  const or_op_tensor_t *x = &call->inputs[0], *scale = &call->inputs[1], *y = &call->outputs[0];
  const or_op_tensor_t *bias = or_op_has_input(call, 2) ? &call->inputs[2] : NULL;
  const or_shape_t *shapes[] = {&scale->shape, bias != NULL ? &bias->shape : &scale->shape};
  or_rows_t rows;
  double values[OR_LANES];
  or_lanes_t scales, biases;
  for (or_rows_begin_broadcast(&rows, &x->shape, shapes, 2, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length;) {
      uint64_t first = (uint64_t)(rows.out + done), left = (uint64_t)(rows.length - done);
      uint64_t count = length - first % length;
      if (count > left) count = left;
      if (count > OR_LANES) count = OR_LANES;
      const statistics_t *own = &statistics[first / length];
      or_elements_load(x->dtype, x->data, first, count, values);
      or_lanes_load(scale->dtype, scale->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &scales);
      for (size_t i = 0; i < count; ++i) values[i] = (values[i] - own->mean) * own->inverse_deviation * scales.real[i];
      if (bias != NULL) {
        or_lanes_load(bias->dtype, bias->data, rows.first[1] + done * rows.step[1], rows.step[1], count, &biases);
        for (size_t i = 0; i < count; ++i) values[i] += biases.real[i];
      }
      or_elements_store(y->dtype, y->data, first, count, values);
      done += (int64_t)count;
    }
  }
}
