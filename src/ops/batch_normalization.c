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

static or_status_t check_mode(const or_op_call_t *call) {
  if (call->node->version >= 14 && or_op_attribute_int(call, "training_mode", 0) == 0) {
    if (call->output_count == 1) return or_status_success();
    return or_error(OR_INVALID_ARGUMENT, "%u outputs, expected 1: statistics are an output in training_mode only",
                    call->output_count);
  }
  if (call->node->version < 14 && call->output_count == 1) return or_status_success();
  return or_error(OR_UNIMPLEMENTED,
                  "BatchNormalization in training mode is not supported; export the model for inference");
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
  or_status_t status = check_mode(call);
  if (or_ok(status) && call->inputs[0].shape.rank == 0) {
    status = or_error(OR_INVALID_ARGUMENT, "input 0 is a scalar, expected [N,C,...]");
  }
  for (uint32_t i = 1; or_ok(status) && i < 5; ++i) status = check_parameter(call, i);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_cost_t batch_normalization_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

static double parameter(const or_op_call_t *call, uint32_t index, uint64_t place) {
  double value = 0;
  or_elements_load(call->inputs[index].dtype, call->inputs[index].data, place, 1, &value);
  return value;
}

static or_status_t batch_normalization_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  int32_t rank = x->shape.rank, inner_from = per_channel(call) ? 2 : rank;
  if (rank < 2) inner_from = rank;
  double epsilon = (double)or_op_attribute_float(call, "epsilon", 1e-5F);
  uint64_t places = or_shape_product(&x->shape, 1, inner_from > 0 ? inner_from : 1);
  uint64_t inner = or_shape_product(&x->shape, inner_from, rank);
  uint64_t rows = (uint64_t)x->shape.dims[0] * places;
  double values[OR_LANES];
  for (uint64_t row = 0; row < rows; ++row) {
    uint64_t place = row % places;
    double mean = parameter(call, 3, place), bias = parameter(call, 2, place);
    double factor = parameter(call, 1, place) / sqrt(parameter(call, 4, place) + epsilon);
    for (uint64_t done = 0; done < inner; done += OR_LANES) {
      size_t count = inner - done < OR_LANES ? (size_t)(inner - done) : OR_LANES;
      or_elements_load(x->dtype, x->data, row * inner + done, count, values);
      for (size_t i = 0; i < count; ++i) values[i] = (values[i] - mean) * factor + bias;
      or_elements_store(y->dtype, y->data, row * inner + done, count, values);
    }
  }
  return or_status_success();
}
