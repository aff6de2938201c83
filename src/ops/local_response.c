#include "ops/local_response.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t lrn_infer(or_op_call_t *call);
static or_cost_t lrn_cost(const or_op_call_t *call);
static or_status_t lrn_reference(or_op_call_t *call);

const or_op_t or_op_lrn = {
    .domain = "",
    .name = "LRN",
    .summary = "divided by a power of the sum of squares of neighbouring channels",
    .since = {1, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"alpha", OR_ATTRIBUTE_FLOAT, false},
                   {"beta", OR_ATTRIBUTE_FLOAT, false},
                   {"bias", OR_ATTRIBUTE_FLOAT, false},
                   {"size", OR_ATTRIBUTE_INT, true}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = lrn_infer,
    .cost = lrn_cost,
    .reference = lrn_reference,
};

static or_status_t lrn_infer(or_op_call_t *call) {
  int64_t size = or_op_attribute_int(call, "size", 1);
  int32_t rank = call->inputs[0].shape.rank;
  if (size < 1)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"size\" is %lld, expected at least 1", (long long)size);
  if (rank >= 0 && rank < 2) return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,...]", (int)rank);
  return or_infer_same_as_input(call);
}

static or_cost_t lrn_cost(const or_op_call_t *call) {
  return or_cost_per_output(call, 30 + 2 * (double)or_op_attribute_int(call, "size", 1));
}

/* The channels [begin, end) around c. */
static void neighbours(int64_t c, int64_t channels, int64_t size, int64_t *begin, int64_t *end) {
  int64_t before = (size - 1) / 2, after = size - 1 - before;
  *begin = c > before ? c - before : 0;
  *end = after < channels - 1 - c ? c + after + 1 : channels;
}

static or_status_t lrn_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  double alpha = (double)or_op_attribute_float(call, "alpha", 1e-4F);
  double beta = (double)or_op_attribute_float(call, "beta", 0.75F);
  double bias = (double)or_op_attribute_float(call, "bias", 1);
  int64_t size = or_op_attribute_int(call, "size", 1), channels = x->shape.dims[1];
  uint64_t inner = or_shape_product(&x->shape, 2, x->shape.rank);
  double own[OR_LANES], other[OR_LANES], sums[OR_LANES];
  for (int64_t plane = 0; plane < x->shape.dims[0] * channels && !or_stops(call->stop, 1); ++plane) {
    int64_t c = plane % channels, begin = 0, end = 0;
    neighbours(c, channels, size, &begin, &end);
    for (uint64_t done = 0; done < inner && !or_stops(call->stop, 16 * OR_LANES); done += OR_LANES) {
      size_t count = inner - done < OR_LANES ? (size_t)(inner - done) : OR_LANES;
      for (size_t i = 0; i < count; ++i) sums[i] = 0;
      for (int64_t k = begin; k < end && !or_stops(call->stop, OR_LANES); ++k) {
        or_elements_load(x->dtype, x->data, (uint64_t)(plane - c + k) * inner + done, count, other);
        for (size_t i = 0; i < count; ++i) sums[i] += other[i] * other[i];
      }
      or_elements_load(x->dtype, x->data, (uint64_t)plane * inner + done, count, own);
      for (size_t i = 0; i < count; ++i) own[i] /= pow(bias + alpha / (double)size * sums[i], beta);
      or_elements_store(y->dtype, y->data, (uint64_t)plane * inner + done, count, own);
    }
  }
  return or_status_success();
}
