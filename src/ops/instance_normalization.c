#include "ops/instance_normalization.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t instance_infer(or_op_call_t *call);
static or_status_t group_infer(or_op_call_t *call);
static or_cost_t normalization_cost(const or_op_call_t *call) { return or_cost_per_output(call, 8); }
static or_status_t instance_reference(or_op_call_t *call);
static or_status_t group_reference(or_op_call_t *call);

#define NORMALIZATION(op_name, text)                                                                                \
  .domain = "", .name = op_name, .summary = text, .input_min = 3, .input_max = 3, .output_min = 1, .output_max = 1, \
  .dtypes = OR_OP_FLOATS, .tolerance = {1e-4, 1e-5}, .cost = normalization_cost

const or_op_t or_op_instance_normalization = {
    NORMALIZATION("InstanceNormalization", "each channel of each image scaled to mean 0 and variance 1"),
    .since = {1, 6, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .attributes = {{"epsilon", OR_ATTRIBUTE_FLOAT, false}},
    .infer = instance_infer,
    .reference = instance_reference,
};

const or_op_t or_op_group_normalization = {
    NORMALIZATION("GroupNormalization", "groups of channels of each image scaled to mean 0 and variance 1"),
    .since = {18, 21},
    .attributes = {{"epsilon", OR_ATTRIBUTE_FLOAT, false},
                   {"num_groups", OR_ATTRIBUTE_INT, true},
                   {"stash_type", OR_ATTRIBUTE_INT, false}},
    .infer = group_infer,
    .reference = group_reference,
};

static or_status_t check(or_op_call_t *call, const char *what, int64_t length) {
  const or_shape_t *x = &call->inputs[0].shape;
  if (x->rank >= 0 && x->rank < 2)
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,...]", (int)x->rank);
  or_status_t status = or_status_success();
  for (uint32_t i = 1; or_ok(status) && i < 3; ++i) {
    int64_t extent = length;
    status = or_infer_check_dtype(call, i);
    if (or_ok(status)) status = or_infer_check_rank(call, i, 1);
    if (or_ok(status) && call->inputs[i].shape.rank == 1)
      status = or_infer_same_extent(what, length, call->inputs[i].shape.dims[0], &extent);
  }
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static int64_t channels_of(const or_op_call_t *call) {
  return call->inputs[0].shape.rank > 1 ? call->inputs[0].shape.dims[1] : OR_DIM_UNKNOWN;
}

static or_status_t instance_infer(or_op_call_t *call) { return check(call, "channels", channels_of(call)); }

static or_status_t group_infer(or_op_call_t *call) {
  int64_t groups = or_op_attribute_int(call, "num_groups", 1), channels = channels_of(call);
  if (groups < 1 || (channels >= 0 && channels % groups != 0)) {
    return or_error(OR_INVALID_ARGUMENT, "%lld channels do not divide into %lld groups", (long long)channels,
                    (long long)groups);
  }
  if (call->node->version >= 21) return check(call, "channels", channels);
  return check(call, "groups", groups);
}

/* `group` neighbouring channels are normalised together; `shared` of them have one scale and bias. */
typedef struct groups_t {
  const or_op_call_t *call;
  uint64_t group, shared, inner;
  double epsilon;
} groups_t;

static void normalize_group(const groups_t *groups, uint64_t first_channel);

static or_status_t normalize(or_op_call_t *call, uint64_t group, uint64_t shared) {
  const or_shape_t *x = &call->inputs[0].shape;
  groups_t groups = {.call = call,
                     .group = group,
                     .shared = shared,
                     .inner = or_shape_product(x, 2, x->rank),
                     .epsilon = (double)or_op_attribute_float(call, "epsilon", 1e-5F)};
  uint64_t channels = or_shape_product(x, 0, 2);
  for (uint64_t c = 0; groups.inner > 0 && c < channels; c += group) {
    if (or_stops(call->stop, 1)) break;
    normalize_group(&groups, c);
  }
  return or_status_success();
}

static or_status_t instance_reference(or_op_call_t *call) { return normalize(call, 1, 1); }

static or_status_t group_reference(or_op_call_t *call) {
  uint64_t count = (uint64_t)or_op_attribute_int(call, "num_groups", 1);
  uint64_t group = (uint64_t)call->inputs[0].shape.dims[1] / count;
  if (group == 0) return or_status_success();
  return normalize(call, group, call->node->version >= 21 ? 1 : group);
}

static void normalize_group(const groups_t *groups, uint64_t first_channel) {
  const or_op_tensor_t *x = &groups->call->inputs[0], *scale = &groups->call->inputs[1];
  const or_op_tensor_t *bias = &groups->call->inputs[2], *y = &groups->call->outputs[0];
  uint64_t length = groups->group * groups->inner, first = first_channel * groups->inner;
  double values[OR_LANES], sum = 0, squares = 0;
  for (uint64_t done = 0; done < length && !or_stops(groups->call->stop, OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_elements_load(x->dtype, x->data, first + done, count, values);
    for (size_t i = 0; i < count; ++i) sum += values[i];
  }
  double mean = sum / (double)length;
  for (uint64_t done = 0; done < length && !or_stops(groups->call->stop, OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_elements_load(x->dtype, x->data, first + done, count, values);
    for (size_t i = 0; i < count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  }
  double inverse = 1 / sqrt(squares / (double)length + groups->epsilon);
  uint64_t parameters = (uint64_t)scale->shape.dims[0];
  for (uint64_t c = first_channel; c < first_channel + groups->group; ++c) {
    uint64_t index = c / groups->shared % parameters;
    double a = 0, b = 0;
    or_elements_load(scale->dtype, scale->data, index, 1, &a);
    or_elements_load(bias->dtype, bias->data, index, 1, &b);
    for (uint64_t done = 0; done < groups->inner && !or_stops(groups->call->stop, OR_LANES); done += OR_LANES) {
      size_t count = groups->inner - done < OR_LANES ? (size_t)(groups->inner - done) : OR_LANES;
      or_elements_load(x->dtype, x->data, c * groups->inner + done, count, values);
      for (size_t i = 0; i < count; ++i) values[i] = (values[i] - mean) * inverse * a + b;
      or_elements_store(y->dtype, y->data, c * groups->inner + done, count, values);
    }
  }
}
