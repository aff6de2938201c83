#include "ops/cross_entropy.h"

#include <math.h>

#include "base/numbers.h"
#include "ops/elements.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t loss_infer(or_op_call_t *call);
static or_cost_t likelihood_cost(const or_op_call_t *call);
static or_cost_t entropy_cost(const or_op_call_t *call);
static or_status_t likelihood_reference(or_op_call_t *call);
static or_status_t entropy_reference(or_op_call_t *call);

const or_op_t or_op_negative_log_likelihood_loss = {
    .domain = "",
    .name = "NegativeLogLikelihoodLoss",
    .summary = "negative logarithms of the probabilities of given classes, weighted and averaged",
    .since = {12, 13, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"ignore_index", OR_ATTRIBUTE_INT, false}, {"reduction", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = loss_infer,
    .cost = likelihood_cost,
    .reference = likelihood_reference,
};

const or_op_t or_op_softmax_cross_entropy_loss = {
    .domain = "",
    .name = "SoftmaxCrossEntropyLoss",
    .summary = "the same of scores before the softmax",
    .since = {12, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"ignore_index", OR_ATTRIBUTE_INT, false}, {"reduction", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = loss_infer,
    .cost = entropy_cost,
    .reference = entropy_reference,
};

typedef enum reduction_t { REDUCTION_MEAN, REDUCTION_SUM, REDUCTION_NONE } reduction_t;

static or_status_t read_reduction(const or_op_call_t *call, reduction_t *out) {
  static const char *const names[] = {"mean", "sum", "none"};
  for (int i = 0; i < 3; ++i) {
    *out = (reduction_t)i;
    if (or_op_attribute_is(call, "reduction", names[i], "mean")) return or_status_success();
  }
  const or_attribute_t *attribute = or_op_attribute(call, "reduction");
  return or_error(OR_INVALID_ARGUMENT, "attribute \"reduction\" is \"%.*s\"; it must be none, sum or mean",
                  (int)attribute->string.length, attribute->string.data);
}

/* The target's shape must be the input's without the classes; *out is what both say of it. */
static or_status_t check_shapes(const or_op_call_t *call, or_shape_t *out) {
  const or_shape_t *in = &call->inputs[0].shape, *target = &call->inputs[1].shape;
  int64_t same = 0;
  *out = *target;
  if (in->rank >= 0 && in->rank < 2)
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d; it must be [N,C,...]", in->rank);
  or_status_t status = in->rank < 0 ? or_status_success() : or_infer_check_rank(call, 1, in->rank - 1);
  if (or_ok(status)) status = or_infer_check_rank(call, 2, 1);
  if (!or_ok(status) || in->rank < 0) return status;
  if (or_op_has_input(call, 2) && call->inputs[2].shape.rank == 1)
    status = or_infer_same_extent("classes and weights", in->dims[1], call->inputs[2].shape.dims[0], &same);
  if (target->rank < 0) {
    *out = (or_shape_t){.rank = in->rank - 1};
    for (int32_t i = 0; i < out->rank; ++i) out->dims[i] = in->dims[i == 0 ? 0 : i + 1];
  }
  for (int32_t i = 0; or_ok(status) && i < out->rank; ++i)
    status = or_infer_same_extent("targets and input", in->dims[i == 0 ? 0 : i + 1], out->dims[i], &out->dims[i]);
  return status;
}

static or_status_t loss_infer(or_op_call_t *call) {
  reduction_t reduction = REDUCTION_MEAN;
  or_shape_t shape;
  or_status_t status = read_reduction(call, &reduction);
  if (or_ok(status)) status = or_infer_check_dtype(call, 2);
  if (or_ok(status)) status = or_indices_check(call, 1, "target", false);
  if (or_ok(status)) status = check_shapes(call, &shape);
  if (!or_ok(status)) return status;
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = reduction == REDUCTION_NONE ? shape : (or_shape_t){.rank = 0};
  if (call->output_count > 1) {
    call->outputs[1].dtype = call->inputs[0].dtype;
    call->outputs[1].shape = call->inputs[0].shape;
  }
  return status;
}

static or_cost_t likelihood_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.flops = 2 * (double)or_shape_product(&call->inputs[1].shape, 0, call->inputs[1].shape.rank);
  return cost;
}

/* An exponential, a sum and a difference for each score. */
static or_cost_t entropy_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.flops = 12 * (double)or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  return cost;
}

/* ---- the references ---- */

typedef struct loss_t {
  const or_op_call_t *call;
  uint64_t batches, classes, inner;
  reduction_t reduction;
  const or_attribute_t *ignored; /* NULL: no class is */
  double sum, weights;
} loss_t;

static or_status_t begin(const or_op_call_t *call, loss_t *out) {
  const or_shape_t *in = &call->inputs[0].shape;
  *out = (loss_t){.call = call,
                  .batches = (uint64_t)in->dims[0],
                  .classes = (uint64_t)in->dims[1],
                  .inner = or_shape_product(in, 2, in->rank),
                  .ignored = or_op_attribute(call, "ignore_index")};
  return read_reduction(call, &out->reduction);
}

/* The class of target `at`, -1 where it is ignored, and its weight. */
static or_status_t read_target(const loss_t *loss, uint64_t at, int64_t *target, double *weight) {
  const or_op_tensor_t *targets = &loss->call->inputs[1];
  *target = or_element_get_int(targets->dtype, targets->data, (size_t)at);
  *weight = 0;
  if (loss->ignored != NULL && *target == loss->ignored->integer) {
    *target = -1;
    return or_status_success();
  }
  if (*target < 0 || (uint64_t)*target >= loss->classes) {
    return or_error(OR_INVALID_ARGUMENT, "target %lld at %llu is none of %llu classes", (long long)*target,
                    (unsigned long long)at, (unsigned long long)loss->classes);
  }
  *weight = 1;
  if (or_op_has_input(loss->call, 2))
    or_elements_load(loss->call->inputs[2].dtype, loss->call->inputs[2].data, (uint64_t)*target, 1, weight);
  return or_status_success();
}

static void add(loss_t *loss, uint64_t at, double value, double weight) {
  const or_op_tensor_t *y = &loss->call->outputs[0];
  loss->sum += value;
  loss->weights += weight;
  if (loss->reduction == REDUCTION_NONE && y->data != NULL) or_elements_store(y->dtype, y->data, at, 1, &value);
}

static void finish(const loss_t *loss) {
  const or_op_tensor_t *y = &loss->call->outputs[0];
  double result = loss->reduction == REDUCTION_MEAN ? loss->sum / loss->weights : loss->sum;
  if (loss->reduction != REDUCTION_NONE && y->data != NULL) or_elements_store(y->dtype, y->data, 0, 1, &result);
}

static or_status_t likelihood_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  loss_t loss;
  or_status_t status = begin(call, &loss);
  for (uint64_t i = 0; or_ok(status) && i < loss.batches * loss.inner && !or_stops(call->stop, 4); ++i) {
    int64_t target = 0;
    double weight = 0, value = 0;
    status = read_target(&loss, i, &target, &weight);
    if (!or_ok(status)) break;
    uint64_t at = (i / loss.inner * loss.classes + (uint64_t)target) * loss.inner + i % loss.inner;
    if (target >= 0) or_elements_load(x->dtype, x->data, at, 1, &value);
    add(&loss, i, target >= 0 ? -value * weight : 0, weight);
  }
  if (or_ok(status)) finish(&loss);
  return status;
}

/* Logarithms of the softmax of `width` places beside each other: values[class * width + place], in place. */
static void normalize(const loss_t *loss, size_t width, double *values) {
  for (size_t k = 0; k < width; ++k) {
    double largest = -INFINITY, sum = 0;
    for (uint64_t c = 0; c < loss->classes; ++c) largest = fmax(largest, values[c * width + k]);
    for (uint64_t c = 0; c < loss->classes; ++c) sum += exp(values[c * width + k] - largest);
    const double shift = sum == 0 ? largest : largest + log(sum);
    for (uint64_t c = 0; c < loss->classes; ++c) values[c * width + k] -= shift;
  }
}

/* Places `first` to `first` + `width` of a batch. */
static or_status_t add_places(loss_t *loss, uint64_t batch, uint64_t first, size_t width, double *values) {
  const or_op_call_t *call = loss->call;
  const or_op_tensor_t *x = &call->inputs[0];
  bool narrow = loss->inner == 1; /* then the classes lie side by side */
  uint64_t rows = narrow ? 1 : loss->classes, start = batch * loss->classes * loss->inner + first;
  size_t length = narrow ? (size_t)loss->classes : width;
  or_status_t status = or_status_success();
  for (uint64_t c = 0; c < rows; ++c)
    or_elements_load(x->dtype, x->data, start + c * loss->inner, length, values + c * length);
  normalize(loss, width, values);
  for (uint64_t c = 0; c < rows && or_op_has_output(call, 1) && call->outputs[1].data != NULL; ++c)
    or_elements_store(x->dtype, call->outputs[1].data, start + c * loss->inner, length, values + c * length);
  for (size_t k = 0; or_ok(status) && k < width; ++k) {
    uint64_t at = batch * loss->inner + first + k;
    int64_t target = 0;
    double weight = 0;
    status = read_target(loss, at, &target, &weight);
    if (or_ok(status)) add(loss, at, target >= 0 ? -values[(uint64_t)target * width + k] * weight : 0, weight);
  }
  return status;
}

static or_status_t entropy_reference(or_op_call_t *call) {
  loss_t loss;
  size_t bound = 0;
  void *values = NULL;
  or_status_t status = begin(call, &loss);
  uint64_t widest = loss.inner < OR_LANES ? loss.inner : OR_LANES;
  if (or_ok(status) && !or_mul_size((size_t)loss.classes, (size_t)widest, &bound))
    status = or_error(OR_RESOURCE_EXHAUSTED, "the logarithms of %llu classes", (unsigned long long)loss.classes);
  if (or_ok(status)) status = or_alloc_array(call->allocator, bound, sizeof(double), &values);
  for (uint64_t i = 0; or_ok(status) && i < loss.batches; ++i) {
    for (uint64_t k = 0; or_ok(status) && k < loss.inner && !or_stops(call->stop, 4 * bound); k += widest) {
      size_t width = (size_t)(loss.inner - k < widest ? loss.inner - k : widest);
      status = add_places(&loss, i, k, width, values);
    }
  }
  if (or_ok(status)) finish(&loss);
  or_free(call->allocator, values);
  return status;
}
