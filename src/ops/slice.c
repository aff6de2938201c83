#include "ops/slice.h"

#include "ops/extents.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

typedef struct request_t {
  or_integers_t starts, ends, axes, steps;
  bool has_axes, has_steps;
} request_t;

static or_status_t read_request(const or_op_call_t *call, request_t *request);
static or_status_t check_counts(const request_t *request);
static or_status_t slice_axis(int64_t extent, int64_t start, int64_t end, int64_t step, int32_t axis, or_slice_t *out);
static void slice_unknown(int64_t extent, int64_t start, int64_t end, int32_t axis, or_slice_t *out);

or_status_t or_slice_make(const or_op_call_t *call, or_slice_t *out, bool *known) {
  const or_shape_t *in = &call->inputs[0].shape;
  *known = false;
  request_t request;
  or_status_t status = read_request(call, &request);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < in->rank; ++i) {
    out->start[i] = 0;
    out->step[i] = 1;
    out->count[i] = request.axes.known ? in->dims[i] : OR_DIM_UNKNOWN; /* unless it is sliced, below */
  }
  if (in->rank < 0) return or_status_success();
  if (!request.axes.known) return or_status_success();
  bool values = request.starts.known && request.ends.known && request.steps.known;

  bool sliced[OR_MAX_RANK];
  status = or_integers_mark_axes(&request.axes, in->rank, sliced);
  for (int32_t i = 0; or_ok(status) && i < request.axes.count; ++i) {
    int32_t axis = (int32_t)(request.axes.values[i] < 0 ? request.axes.values[i] + in->rank : request.axes.values[i]);
    if (!values) {
      out->count[axis] = OR_DIM_UNKNOWN;
      continue;
    }
    int64_t step = request.has_steps ? request.steps.values[i] : 1;
    status = slice_axis(in->dims[axis], request.starts.values[i], request.ends.values[i], step, axis, out);
  }
  *known = or_ok(status) && values;
  return status;
}

static or_status_t read_request(const or_op_call_t *call, request_t *request) {
  or_status_t status;
  if (call->node->version < 10) {
    if (call->input_count > 1)
      return or_error(OR_INVALID_ARGUMENT, "inputs starts, ends, … do not exist before version 10");
    if (or_op_attribute(call, "starts") == NULL || or_op_attribute(call, "ends") == NULL) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"starts\" or \"ends\" is missing");
    }
    status = or_integers_attribute(call, "starts", &request->starts);
    if (or_ok(status)) status = or_integers_attribute(call, "ends", &request->ends);
    if (or_ok(status)) status = or_integers_attribute(call, "axes", &request->axes);
    request->steps = (or_integers_t){.known = true};
    request->has_axes = or_op_attribute(call, "axes") != NULL;
    request->has_steps = false;
  } else {
    status = or_refuse_attribute(call, "starts", 10);
    if (or_ok(status)) status = or_refuse_attribute(call, "ends", 10);
    if (or_ok(status)) status = or_refuse_attribute(call, "axes", 10);
    if (or_ok(status) && (!or_op_has_input(call, 1) || !or_op_has_input(call, 2))) {
      status = or_error(OR_INVALID_ARGUMENT, "input 1 (starts) or 2 (ends) is left out, and must not be");
    }
    if (or_ok(status)) status = or_integers_input(call, 1, "starts", false, &request->starts);
    if (or_ok(status)) status = or_integers_input(call, 2, "ends", false, &request->ends);
    if (or_ok(status)) status = or_integers_input(call, 3, "axes", false, &request->axes);
    if (or_ok(status)) status = or_integers_input(call, 4, "steps", false, &request->steps);
    request->has_axes = or_op_has_input(call, 3);
    request->has_steps = or_op_has_input(call, 4);
  }
  if (!or_ok(status)) return status;
  if (!request->has_axes) {
    request->axes = (or_integers_t){.count = request->starts.count, .known = request->starts.count >= 0};
    for (int32_t i = 0; i < request->axes.count; ++i) request->axes.values[i] = i;
  }
  return check_counts(request);
}

static or_status_t check_counts(const request_t *request) {
  int32_t starts = request->starts.count, ends = request->ends.count, axes = request->axes.count,
          steps = request->steps.count;
  if (starts < 0) return or_status_success();
  if ((ends >= 0 && ends != starts) || (axes >= 0 && axes != starts) ||
      (request->has_steps && steps >= 0 && steps != starts)) {
    return or_error(OR_INVALID_ARGUMENT, "%d starts, %d ends, %d axes, %d steps; there must be as many of each", starts,
                    ends, axes, request->has_steps ? steps : starts);
  }
  return or_status_success();
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

static or_status_t slice_axis(int64_t extent, int64_t start, int64_t end, int64_t step, int32_t axis, or_slice_t *out) {
  if (step == 0) return or_error(OR_INVALID_ARGUMENT, "the step of axis %d is 0", axis);
  out->step[axis] = step;
  if (extent < 0) {
    slice_unknown(extent, start, end, axis, out);
    return or_status_success();
  }
  /* A negative number plus an extent can't overflow. */
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  start = step > 0 ? clamp(start, 0, extent) : clamp(start, 0, extent - 1);
  end = step > 0 ? clamp(end, 0, extent) : clamp(end, -1, extent - 1);
  if (extent == 0) start = end = 0;
  out->start[axis] = start;
  out->count[axis] = 0;
  if (step > 0 && start < end) out->count[axis] = (end - start - 1) / step + 1;
  if (step < 0 && start > end) out->count[axis] = (int64_t)((uint64_t)(start - end - 1) / (0 - (uint64_t)step)) + 1;
  return or_status_success();
}

/* Exporters write the largest int32 or int64 for "to the end"; no symbolic extent is meant to reach either. */
static void slice_unknown(int64_t extent, int64_t start, int64_t end, int32_t axis, or_slice_t *out) {
  bool whole = out->step[axis] == 1 && start == 0 && end >= INT32_MAX;
  bool reversed = out->step[axis] == -1 && (start == -1 || start >= INT32_MAX) && end <= -INT32_MAX;
  out->start[axis] = start;
  out->count[axis] = whole || reversed ? extent : OR_DIM_UNKNOWN;
}

static or_status_t slice_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_slice_t slice;
  bool known = false;
  or_status_t status = or_slice_make(call, &slice, &known);
  if (!or_ok(status)) return status;
  out->rank = in->rank;
  for (int32_t i = 0; i < in->rank; ++i) out->dims[i] = slice.count[i];
  return or_status_success();
}

static or_status_t slice_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_slice_t slice;
  bool known = false;
  or_status_t status = or_slice_make(call, &slice, &known);
  if (!or_ok(status) || or_shape_product(&call->outputs[0].shape, 0, in->rank) == 0) return status;
  int64_t strides[OR_MAX_RANK];
  or_dense_strides(in, strides);
  or_rows_layout_t layout = {.rank = in->rank, .operand_count = 1, .stop = call->stop};
  for (int32_t i = 0; i < in->rank; ++i) {
    layout.base[0] += slice.start[i] * strides[i];
    layout.extent[i] = slice.count[i];
    /* A step beyond the extent is taken by no element, and might not be a stride that fits. */
    layout.stride[0][i] = slice.count[i] > 1 ? slice.step[i] * strides[i] : 0;
  }
  or_rows_copy(&layout, or_dtype_bits(call->inputs[0].dtype), call->inputs[0].data, call->outputs[0].data);
  return or_status_success();
}

const or_op_t or_op_slice = {
    .domain = "",
    .name = "Slice",
    .summary = "every step-th element from start to end along some axes",
    .since = {1, 10, 11, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 5,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4,
    .attributes = {{"starts", OR_ATTRIBUTE_INTS, false},
                   {"ends", OR_ATTRIBUTE_INTS, false},
                   {"axes", OR_ATTRIBUTE_INTS, false}},
    .infer = slice_infer,
    .cost = or_cost_move,
    .reference = slice_reference,
};
