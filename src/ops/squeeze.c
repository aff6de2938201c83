#include "ops/squeeze.h"

#include "ops/extents.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t read_axes(const or_op_call_t *call, or_integers_t *axes) {
  if (call->node->version < 13) {
    if (or_op_has_input(call, 1)) {
      return or_error(OR_INVALID_ARGUMENT, "input 1 (axes) does not exist before version 13; it is an attribute");
    }
    return or_integers_attribute(call, "axes", axes);
  }
  or_status_t status = or_refuse_attribute(call, "axes", 13);
  return or_ok(status) ? or_integers_input(call, 1, "axes", true, axes) : status;
}

static bool has_axes(const or_op_call_t *call) {
  return call->node->version < 13 ? or_op_attribute(call, "axes") != NULL : or_op_has_input(call, 1);
}

static or_status_t squeeze_ones(const or_shape_t *in, or_shape_t *out) {
  int32_t rank = 0;
  for (int32_t i = 0; i < in->rank; ++i) {
    if (in->dims[i] < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out); /* it may be one */
    if (in->dims[i] != 1) out->dims[rank++] = in->dims[i];
  }
  out->rank = rank;
  return or_status_success();
}

static or_status_t squeeze_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_integers_t axes;
  or_status_t status = read_axes(call, &axes);
  if (!or_ok(status)) return status;
  if (in->rank < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);
  if (!has_axes(call)) return squeeze_ones(in, out);
  if (axes.count > in->rank) {
    return or_error(OR_INVALID_ARGUMENT, "%d axes, but the input has rank %d", axes.count, in->rank);
  }
  if (!axes.known) return or_shape_unknown(axes.count < 0 ? OR_RANK_UNKNOWN : in->rank - axes.count, out);

  bool squeezed[OR_MAX_RANK];
  status = or_integers_mark_axes(&axes, in->rank, squeezed);
  if (!or_ok(status)) return status;
  out->rank = in->rank - axes.count;
  for (int32_t i = 0, to = 0; i < in->rank; ++i) {
    if (!squeezed[i]) {
      out->dims[to++] = in->dims[i];
    } else if (in->dims[i] >= 0 && in->dims[i] != 1) {
      return or_error(OR_INVALID_ARGUMENT, "axis %d has extent %lld; only 1 can be squeezed", i,
                      (long long)in->dims[i]);
    }
  }
  return or_status_success();
}

static or_status_t unsqueeze_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (!has_axes(call)) {
    return or_error(OR_INVALID_ARGUMENT, "%s axes is missing", call->node->version < 13 ? "attribute" : "input 1");
  }
  or_integers_t axes;
  or_status_t status = read_axes(call, &axes);
  if (!or_ok(status)) return status;
  if (in->rank < 0 || axes.count < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);
  status = or_shape_unknown(in->rank + axes.count, out);
  if (!or_ok(status) || !axes.known) return status;

  bool inserted[OR_MAX_RANK];
  status = or_integers_mark_axes(&axes, out->rank, inserted);
  if (!or_ok(status)) return status;
  for (int32_t i = 0, from = 0; i < out->rank; ++i) out->dims[i] = inserted[i] ? 1 : in->dims[from++];
  return or_status_success();
}

#define SQUEEZE(symbol, op_name, text)                    \
  const or_op_t or_op_##symbol = {                        \
      .domain = "",                                       \
      .name = op_name,                                    \
      .summary = text,                                    \
      .since = {1, 11, 13, 21, 23, 24, 25},               \
      .changes = {OR_OP_MOVED_SINCE},                     \
      .input_min = 1,                                     \
      .input_max = 2,                                     \
      .output_min = 1,                                    \
      .output_max = 1,                                    \
      .dtypes = OR_OP_MOVED,                              \
      .value_inputs = 1u << 1,                            \
      .attributes = {{"axes", OR_ATTRIBUTE_INTS, false}}, \
      .infer = symbol##_infer,                            \
      .cost = or_cost_move,                               \
      .reference = or_reference_copy,                     \
  }
SQUEEZE(squeeze, "Squeeze", "takes out dimensions of extent one");
SQUEEZE(unsqueeze, "Unsqueeze", "puts in dimensions of extent one");
