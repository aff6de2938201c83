#include "ops/reshape.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

#define SHAPE_TEXT_BYTES 160

static or_status_t read_request(const or_op_call_t *call, or_integers_t *request);
static or_status_t copy_request(const or_op_call_t *call, const or_integers_t *request, or_shape_t *out,
                                bool copied[OR_MAX_RANK], int32_t *inferred);
static or_status_t find_inferred(const or_shape_t *in, const bool copied[OR_MAX_RANK], int32_t inferred,
                                 or_shape_t *out);
static or_status_t check_equal_count(const or_shape_t *in, const or_shape_t *out);

static or_status_t reshape_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_integers_t request;
  or_status_t status = read_request(call, &request);
  if (!or_ok(status)) return status;
  if (!request.known) return or_shape_unknown(request.count, out);

  bool copied[OR_MAX_RANK] = {false}; /* of the input's dimensions: passed on by a 0 */
  int32_t inferred = -1;
  status = copy_request(call, &request, out, copied, &inferred);
  if (or_ok(status) && inferred >= 0 && in->rank >= 0) status = find_inferred(in, copied, inferred, out);
  if (or_ok(status)) status = or_shape_check_count(out);
  return or_ok(status) ? check_equal_count(in, out) : status;
}

static or_status_t read_request(const or_op_call_t *call, or_integers_t *request) {
  if (call->node->version < 5) {
    if (or_op_attribute(call, "shape") == NULL) return or_error(OR_INVALID_ARGUMENT, "attribute \"shape\" is missing");
    return or_integers_attribute(call, "shape", request);
  }
  or_status_t status = or_refuse_attribute(call, "shape", 5);
  if (!or_ok(status)) return status;
  if (!or_op_has_input(call, 1)) return or_error(OR_INVALID_ARGUMENT, "input 1 (shape) is left out, and must not be");
  return or_integers_input(call, 1, "shape", true, request);
}

/* Everything but the -1, whose place goes to *inferred and whose extent stays unknown. */
static or_status_t copy_request(const or_op_call_t *call, const or_integers_t *request, or_shape_t *out,
                                bool copied[OR_MAX_RANK], int32_t *inferred) {
  const or_shape_t *in = &call->inputs[0].shape;
  bool allow_zero = or_op_attribute_int(call, "allowzero", 0) != 0;
  bool has_zero = false;
  out->rank = request->count;
  for (int32_t i = 0; i < request->count; ++i) {
    int64_t extent = request->values[i];
    if (extent < -1) {
      return or_error(OR_INVALID_ARGUMENT, "the new shape's extent %lld at %d is negative", (long long)extent, i);
    }
    if (extent == -1 && *inferred >= 0) {
      return or_error(OR_INVALID_ARGUMENT, "the new shape has -1 twice, at %d and %d; at most one extent can be found",
                      *inferred, i);
    }
    if (extent == -1) *inferred = i;
    if (extent == 0) has_zero = true;
    if (extent == 0 && !allow_zero) {
      if (in->rank >= 0 && i >= in->rank) {
        return or_error(OR_INVALID_ARGUMENT,
                        "the new shape's 0 at %d asks for an extent that the input of rank %d does not have", i,
                        in->rank);
      }
      extent = in->rank < 0 ? OR_DIM_UNKNOWN : in->dims[i];
      copied[i] = true;
    }
    out->dims[i] = extent; /* -1 is OR_DIM_UNKNOWN */
  }
  if (allow_zero && has_zero && *inferred >= 0) {
    return or_error(OR_INVALID_ARGUMENT, "the new shape has 0 and -1; with allowzero the -1 can't be found");
  }
  return or_status_success();
}

/* What the input has left over after the copied extents, divided by what was given as numbers. */
static or_status_t find_inferred(const or_shape_t *in, const bool copied[OR_MAX_RANK], int32_t inferred,
                                 or_shape_t *out) {
  int64_t known[OR_MAX_RANK], given[OR_MAX_RANK], symbol = OR_DIM_UNKNOWN;
  int32_t known_count = 0, given_count = 0, symbol_count = 0;
  for (int32_t i = 0; i < in->rank; ++i) {
    if (copied[i]) continue;
    if (in->dims[i] >= 0) {
      known[known_count++] = in->dims[i];
    } else {
      symbol = in->dims[i];
      symbol_count++;
    }
  }
  for (int32_t i = 0; i < out->rank; ++i) {
    if (i != inferred && !(i < in->rank && copied[i])) given[given_count++] = out->dims[i];
  }
  int64_t total = 0, divisor = 0;
  or_status_t status = or_extent_product(known, known_count, &total);
  if (or_ok(status)) status = or_extent_product(given, given_count, &divisor);
  if (!or_ok(status)) return status;
  if (divisor == 0) return or_error(OR_INVALID_ARGUMENT, "the new shape's -1 can't be found beside an extent of 0");
  if (symbol_count > 0 && total != 0) {
    out->dims[inferred] = symbol_count == 1 && total == divisor ? symbol : OR_DIM_UNKNOWN;
    return or_status_success();
  }
  if (total % divisor != 0) {
    char text[SHAPE_TEXT_BYTES];
    return or_error(OR_INVALID_ARGUMENT,
                    "the new shape's -1 can't be found: %lld elements left of the input's shape %s are no multiple of "
                    "%lld",
                    (long long)total, or_shape_format(in, text, sizeof text), (long long)divisor);
  }
  out->dims[inferred] = total / divisor;
  return or_status_success();
}

static or_status_t check_equal_count(const or_shape_t *in, const or_shape_t *out) {
  uint64_t in_count = 0, out_count = 0;
  if (!or_shape_count(in, &in_count) || !or_shape_count(out, &out_count) || in_count == out_count)
    return or_status_success();
  char in_text[SHAPE_TEXT_BYTES], out_text[SHAPE_TEXT_BYTES];
  return or_error(OR_INVALID_ARGUMENT, "the input's shape %s has %llu elements, the new shape %s has %llu",
                  or_shape_format(in, in_text, sizeof in_text), (unsigned long long)in_count,
                  or_shape_format(out, out_text, sizeof out_text), (unsigned long long)out_count);
}

static or_status_t flatten_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  int64_t axis = or_op_attribute_int(call, "axis", 1);
  if (in->rank < 0) return or_shape_unknown(2, out);
  int64_t lowest = call->node->version >= 11 ? -(int64_t)in->rank : 0;
  if (axis < lowest || axis > in->rank) {
    return or_error(OR_INVALID_ARGUMENT, "axis %lld is outside %lld..%d", (long long)axis, (long long)lowest, in->rank);
  }
  int32_t split = (int32_t)(axis < 0 ? axis + in->rank : axis);
  out->rank = 2;
  or_status_t status = or_extent_product(in->dims, split, &out->dims[0]);
  if (or_ok(status)) status = or_extent_product(in->dims + split, in->rank - split, &out->dims[1]);
  return status;
}

/* Sequences since version 14, optionals since 16. */
static or_status_t identity_infer(or_op_call_t *call) {
  const or_value_form_t form = call->inputs[0].form;
  const int version = call->node->version;
  if ((version < 14 && form != OR_FORM_TENSOR) || (version < 16 && form > OR_FORM_SEQUENCE)) {
    return or_error(OR_INVALID_ARGUMENT, "input 0 is %s, which version %d does not take", or_op_form_name(form),
                    version);
  }
  call->outputs[0].form = form;
  return or_infer_same_as_input(call);
}

const or_op_t or_op_reshape = {
    .domain = "",
    .name = "Reshape",
    .summary = "the same elements under a new shape; -1 is found, 0 copies",
    .since = {1, 5, 13, 14, 19, 21, 23, 24, 25},
    .changes = {OR_OP_MOVED_SINCE, {5, OR_OP_INTS | OR_OP_COMPLEX | OR_OP_STRINGS | OR_DTYPE_BIT(OR_BOOL), 0}},
    .input_min = 1,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .value_inputs = 1u << 1,
    .attributes = {{"allowzero", OR_ATTRIBUTE_INT, false}, {"shape", OR_ATTRIBUTE_INTS, false}},
    .infer = reshape_infer,
    .cost = or_cost_move,
    .reference = or_reference_copy,
};

const or_op_t or_op_flatten = {
    .domain = "",
    .name = "Flatten",
    .summary = "the same elements in two dimensions, split at an axis",
    .since = {1, 9, 11, 13, 21, 23, 24, 25},
    .changes = {OR_OP_MOVED_SINCE, {9, OR_OP_INTS | OR_OP_COMPLEX | OR_OP_STRINGS | OR_DTYPE_BIT(OR_BOOL), 0}},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = flatten_infer,
    .cost = or_cost_move,
    .reference = or_reference_copy,
};

const or_op_t or_op_identity = {
    .domain = "",
    .name = "Identity",
    .summary = "the input itself",
    .since = {1, 13, 14, 16, 19, 21, 23, 24, 25},
    .changes = {OR_OP_MOVED_SINCE},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .pointwise = true,
    .handles = true,
    .infer = identity_infer,
    .cost = or_cost_move,
    .reference = or_reference_copy,
};
