#include "ops/batch_normalization.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t batch_normalization_infer(or_op_call_t *call);
static or_cost_t batch_normalization_cost(const or_op_call_t *call);
static or_status_t batch_normalization_reference(or_op_call_t *call);

const or_op_t or_op_batch_normalization = {
    .domain = "",
    .name = "BatchNormalization",
    .summary = "each channel shifted and scaled by statistics of the training data",
    .since = {1, 6, 7, 9, 14, 15},
    .changes = {OR_OP_BFLOAT16_SINCE(14)},
    .input_min = 5,
    .input_max = 5,
    .output_min = 1,
    .output_max = 5,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"epsilon", OR_ATTRIBUTE_FLOAT, false},
                   {"momentum", OR_ATTRIBUTE_FLOAT, false},
                   {"spatial", OR_ATTRIBUTE_INT, false},
                   {"training_mode", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = batch_normalization_infer,
    .cost = batch_normalization_cost,
    .reference = batch_normalization_reference,
};

static bool per_channel(const or_op_call_t *call) {
  return call->node->version >= 9 || or_op_attribute_int(call, "spatial", 1) != 0;
}

static bool is_training(const or_op_call_t *call) {
  return call->node->version >= 14 ? or_op_attribute_int(call, "training_mode", 0) != 0 : call->output_count > 1;
}

static or_status_t check_outputs(const or_op_call_t *call) {
  uint32_t most = call->node->version < 14 ? 5 : is_training(call) ? 3 : 1;
  if (call->output_count <= most) return or_status_success();
  if (most == 3)
    return or_error(OR_INVALID_ARGUMENT, "%u outputs, expected at most 3 in training_mode", call->output_count);
  return or_error(OR_INVALID_ARGUMENT, "%u outputs, expected 1: statistics are an output in training_mode only",
                  call->output_count);
}

/* Input `index` is [C], or X's shape without the batch where each place has its own. */
static or_status_t check_parameter(const or_op_call_t *call, uint32_t index) {
  const or_op_tensor_t *x = &call->inputs[0], *parameter = &call->inputs[index];
  bool may_differ = call->node->version >= (index < 3 ? 15 : 14);
  if (may_differ && (OR_OP_FLOATS & OR_DTYPE_BIT(parameter->dtype)) == 0) {
    return or_error(OR_INVALID_ARGUMENT, "input %u is %s, expected a floating-point type", index,
                    or_dtype_name(parameter->dtype));
  }
  or_status_t status = may_differ ? or_status_success() : or_infer_check_dtype(call, index);
  if (!or_ok(status) || x->shape.rank < 0 || parameter->shape.rank < 0) return status;
  int32_t rank = per_channel(call) || x->shape.rank < 2 ? 1 : x->shape.rank - 1;
  status = or_infer_check_rank(call, index, rank);
  for (int32_t i = 0; or_ok(status) && i < rank; ++i) {
    int64_t expected = i + 1 < x->shape.rank ? x->shape.dims[i + 1] : 1, actual = parameter->shape.dims[i];
    if (expected >= 0 && actual >= 0 && expected != actual) {
      status = or_error(OR_INVALID_ARGUMENT,
                        "input %u has extent %lld in dimension %d, expected %lld, the channels of input 0", index,
                        (long long)actual, (int)i, (long long)expected);
    }
  }
  return status;
}

static or_status_t batch_normalization_infer(or_op_call_t *call) {
  or_status_t status = check_outputs(call);
  if (or_ok(status) && call->inputs[0].shape.rank == 0) {
    status = or_error(OR_INVALID_ARGUMENT, "input 0 is a scalar, expected [N,C,...]");
  }
  for (uint32_t i = 1; or_ok(status) && i < 5; ++i) status = check_parameter(call, i);
  if (!or_ok(status)) return status;
  for (uint32_t i = 1; i < call->output_count; ++i) { /* like mean and variance, which 14 says are of one type */
    const or_op_tensor_t *like = &call->inputs[i % 2 == 1 ? 3 : 4];
    call->outputs[i].dtype = like->dtype;
    call->outputs[i].shape = like->shape;
  }
  return or_infer_same_as_input(call);
}

static or_cost_t batch_normalization_cost(const or_op_call_t *call) {
  return or_cost_per_output(call, is_training(call) ? 5 : 2);
}

static double parameter(const or_op_call_t *call, uint32_t index, uint64_t place) {
  double value = 0;
  or_elements_load(call->inputs[index].dtype, call->inputs[index].data, place, 1, &value);
  return value;
}

/* X seen as [batches, places, inner]: a place has a scale, a bias, a mean and a variance. */
typedef struct places_t {
  const or_op_tensor_t *x;
  uint64_t batches, count, inner;
  or_stop_t *stop;
} places_t;

/* A place's own mean and variance, over all batches; in two passes, so that nothing cancels. */
static void measure(const places_t *places, uint64_t place, double *mean, double *variance) {
  double values[OR_LANES], sum = 0, squares = 0, total = (double)(places->batches * places->inner);
  for (int pass = 0; pass < 2; ++pass) {
    for (uint64_t batch = 0; batch < places->batches; ++batch) {
      uint64_t first = (batch * places->count + place) * places->inner;
      for (uint64_t done = 0; done < places->inner; done += OR_LANES) {
        size_t count = places->inner - done < OR_LANES ? (size_t)(places->inner - done) : OR_LANES;
        or_elements_load(places->x->dtype, places->x->data, first + done, count, values);
        if (or_stops(places->stop, count)) return;
        for (size_t i = 0; pass == 0 && i < count; ++i) sum += values[i];
        for (size_t i = 0; pass == 1 && i < count; ++i) squares += (values[i] - *mean) * (values[i] - *mean);
      }
    }
    *mean = sum / total;
  }
  *variance = squares / total;
}

static void store(const or_op_call_t *call, uint32_t output, uint64_t place, double value) {
  if (!or_op_has_output(call, output) || call->outputs[output].data == NULL) return;
  or_elements_store(call->outputs[output].dtype, call->outputs[output].data, place, 1, &value);
}

static void normalize(const or_op_call_t *call, const places_t *places, uint64_t place, double mean, double factor) {
  const or_op_tensor_t *y = &call->outputs[0];
  double bias = parameter(call, 2, place), values[OR_LANES];
  for (uint64_t batch = 0; y->data != NULL && batch < places->batches; ++batch) {
    uint64_t first = (batch * places->count + place) * places->inner;
    for (uint64_t done = 0; done < places->inner && !or_stops(places->stop, OR_LANES); done += OR_LANES) {
      size_t count = places->inner - done < OR_LANES ? (size_t)(places->inner - done) : OR_LANES;
      or_elements_load(places->x->dtype, places->x->data, first + done, count, values);
      for (size_t i = 0; i < count; ++i) values[i] = (values[i] - mean) * factor + bias;
      or_elements_store(y->dtype, y->data, first + done, count, values);
    }
  }
}

static or_status_t batch_normalization_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  int32_t rank = x->shape.rank, inner_from = per_channel(call) && rank >= 2 ? 2 : rank;
  double epsilon = (double)or_op_attribute_float(call, "epsilon", 1e-5F);
  double momentum = (double)or_op_attribute_float(call, "momentum", 0.9F);
  places_t places = {.x = x,
                     .batches = (uint64_t)x->shape.dims[0],
                     .count = or_shape_product(&x->shape, 1, inner_from),
                     .inner = or_shape_product(&x->shape, inner_from, rank),
                     .stop = call->stop};
  for (uint64_t place = 0; place < places.count && !or_stops(call->stop, 1 + places.batches); ++place) {
    double mean = parameter(call, 3, place), variance = parameter(call, 4, place);
    if (is_training(call)) {
      double own_mean = 0, own_variance = 0;
      measure(&places, place, &own_mean, &own_variance);
      store(call, 1, place, mean * momentum + own_mean * (1 - momentum));
      store(call, 2, place, variance * momentum + own_variance * (1 - momentum));
      store(call, 3, place, own_mean);
      store(call, 4, place, own_variance);
      mean = own_mean;
      variance = own_variance;
    }
    normalize(call, &places, place, mean, parameter(call, 1, place) / sqrt(variance + epsilon));
  }
  return or_status_success();
}
