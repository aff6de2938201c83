#include "ops/pad.h"

#include <string.h>

#include "base/string.h"
#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t pad_infer(or_op_call_t *call);
static or_status_t pad_reference(or_op_call_t *call);

const or_op_t or_op_pad = {
    .domain = "",
    .name = "Pad",
    .summary = "elements added around a tensor: a constant, its reflection, its edge, or itself again",
    .since = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25},
    .changes = {{11, OR_OP_INTS, 0},
                {13, OR_OP_COMPLEX | OR_OP_STRINGS | OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_BOOL), 0},
                {21, OR_OP_FLOAT8 | OR_OP_4BIT_INTS, 0},
                {23, OR_DTYPE_BIT(OR_FLOAT4E2M1), 0},
                {24, OR_DTYPE_BIT(OR_FLOAT8E8M0), 0},
                {25, OR_OP_2BIT_INTS, 0}},
    .input_min = 1,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVED,
    .value_inputs = 1u << 1 | 1u << 3,
    .attributes = {{"mode", OR_ATTRIBUTE_STRING, false},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"paddings", OR_ATTRIBUTE_INTS, false},
                   {"value", OR_ATTRIBUTE_FLOAT, false}},
    .infer = pad_infer,
    .cost = or_cost_move,
    .reference = pad_reference,
};

#define MAX_PAD (INT64_MAX / 4) /* elements; sums and differences with an extent stay in range */

typedef enum pad_mode_t { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP } pad_mode_t;

typedef struct padding_t {
  pad_mode_t mode;
  bool known;
  int64_t begin[OR_MAX_RANK], end[OR_MAX_RANK];
} padding_t;

static or_status_t read_padding(const or_op_call_t *call, padding_t *out);
static or_status_t read_mode(const or_op_call_t *call, pad_mode_t *out);
static or_status_t read_pads(const or_op_call_t *call, int64_t *pads, int32_t *count, bool *known);

static or_status_t pad_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  padding_t padding = {.known = false};
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_infer_check_dtype(call, 2);
  if (or_ok(status)) status = read_padding(call, &padding);
  if (or_ok(status)) status = or_shape_unknown(in->rank, out);
  if (!or_ok(status) || in->rank < 0 || !padding.known) return status;
  for (int32_t i = 0; i < in->rank; ++i) {
    int64_t added = 0, extent = in->dims[i];
    if (padding.begin[i] == 0 && padding.end[i] == 0) {
      out->dims[i] = extent;
      continue;
    }
    if (extent < 0) continue;
    if (!or_add_i64(padding.begin[i], padding.end[i], &added) || !or_add_i64(extent, added, &out->dims[i]))
      return or_error(OR_OUT_OF_RANGE, "axis %d would have more than %lld elements", i, (long long)INT64_MAX);
    if (out->dims[i] < 0) {
      return or_error(OR_INVALID_ARGUMENT, "pads %lld and %lld take more from axis %d than its %lld elements",
                      (long long)padding.begin[i], (long long)padding.end[i], i, (long long)extent);
    }
    if (extent == 0 && padding.mode != PAD_CONSTANT && out->dims[i] > 0)
      return or_error(OR_INVALID_ARGUMENT, "axis %d has no elements to pad with", i);
  }
  return or_shape_check_count(out);
}

static or_status_t read_padding(const or_op_call_t *call, padding_t *out) {
  *out = (padding_t){.known = false};
  int64_t pads[2 * OR_MAX_RANK] = {0};
  int32_t count = 0, rank = call->inputs[0].shape.rank;
  bool known = false;
  or_integers_t axes = {.known = true};
  or_status_t status = read_mode(call, &out->mode);
  if (or_ok(status)) status = read_pads(call, pads, &count, &known);
  if (or_ok(status) && call->node->version >= 18) status = or_integers_input(call, 3, "axes", false, &axes);
  if (or_ok(status) && call->node->version < 18 && or_op_has_input(call, 3))
    status = or_error(OR_INVALID_ARGUMENT, "input 3 (axes) does not exist before version 18");
  if (!or_ok(status) || rank < 0 || !known || !axes.known) return status;
  bool all = !or_op_has_input(call, 3);
  int32_t axis_count = all ? rank : axes.count;
  if (count != 2 * axis_count) {
    return or_error(OR_INVALID_ARGUMENT, "%d pads for %d axes; there must be two for each", count, axis_count);
  }
  bool marked[OR_MAX_RANK];
  if (!all) status = or_integers_mark_axes(&axes, rank, marked);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < count; ++i) {
    if (pads[i] < -MAX_PAD || pads[i] > MAX_PAD)
      return or_error(OR_OUT_OF_RANGE, "pad %lld is beyond %lld elements, the limit", (long long)pads[i],
                      (long long)MAX_PAD);
  }
  for (int32_t i = 0; or_ok(status) && i < axis_count; ++i) {
    int32_t axis = i;
    if (!all) status = or_axis_normalize(axes.values[i], rank, &axis);
    out->begin[axis] = pads[i];
    out->end[axis] = pads[axis_count + i];
  }
  out->known = true;
  return status;
}

static or_status_t read_mode(const or_op_call_t *call, pad_mode_t *out) {
  static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
  size_t i = 0, count = call->node->version < 19 ? PAD_WRAP : sizeof names / sizeof *names;
  while (i < count && !or_op_attribute_is(call, "mode", names[i], "constant")) ++i;
  *out = (pad_mode_t)i;
  if (i < count) return or_status_success();
  const or_attribute_t *mode = or_op_attribute(call, "mode");
  return or_error(OR_INVALID_ARGUMENT, "attribute \"mode\" is \"%.*s\", which version %d does not have",
                  (int)mode->string.length, mode->string.data, call->node->version);
}

/* Twice as long as a list of axes may be, and so not or_integers_input's. */
static or_status_t read_pads(const or_op_call_t *call, int64_t *pads, int32_t *count, bool *known) {
  *known = true;
  const void *values = NULL;
  size_t length = 0;
  if (call->node->version < 11) {
    if (call->input_count > 1) return or_error(OR_INVALID_ARGUMENT, "pads are an attribute before version 11");
    values = or_op_attribute_ints(call, call->node->version < 2 ? "paddings" : "pads", &length);
  } else {
    or_status_t status = or_refuse_attribute(call, "pads", 11);
    if (or_ok(status)) status = or_refuse_attribute(call, "value", 11);
    if (!or_ok(status)) return status;
    if (!or_op_has_input(call, 1)) return or_error(OR_INVALID_ARGUMENT, "input 1 (pads) is missing");
    const or_op_tensor_t *input = &call->inputs[1];
    if (input->dtype != OR_INT64)
      return or_error(OR_INVALID_ARGUMENT, "input 1 (pads) is %s; it must be int64", or_dtype_name(input->dtype));
    uint64_t elements = 0;
    *known = or_shape_count(&input->shape, &elements) && (input->data != NULL || elements == 0);
    values = input->data;
    length = (size_t)elements;
  }
  if (length > 2 * OR_MAX_RANK) {
    return or_error(OR_INVALID_ARGUMENT, "%zu pads; a tensor has at most %d dimensions", length, OR_MAX_RANK);
  }
  *count = (int32_t)length;
  if (*known && length > 0) memcpy(pads, values, length * sizeof *pads);
  return or_status_success();
}

/* ---- the reference ---- */

static or_status_t fill_element(const or_op_call_t *call, uint8_t element[16]);
static int64_t source_of(const padding_t *padding, int32_t axis, int64_t extent, int64_t position);
static void copy_row(const or_op_call_t *call, const int64_t *sources, int64_t base, uint64_t row,
                     const uint8_t *element);

/* sources[axis][i]: which element of the axis stands at position i of the output; -1: none. */
static or_status_t pad_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape, *out = &call->outputs[0].shape;
  padding_t padding;
  uint8_t element[16] = {0};
  size_t length = 0, offsets[OR_MAX_RANK] = {0};
  void *memory = NULL;
  or_status_t status = read_padding(call, &padding);
  if (or_ok(status)) status = fill_element(call, element);
  if (!or_ok(status) || or_shape_product(out, 0, out->rank) == 0) return status;
  if (in->rank == 0) return or_reference_copy(call);
  for (int32_t i = 0; i < in->rank; ++i) {
    offsets[i] = length;
    length += (size_t)out->dims[i];
  }
  status = or_alloc_array(call->allocator, length, sizeof(int64_t), &memory);
  if (!or_ok(status)) return status;
  int64_t *sources = memory, strides[OR_MAX_RANK] = {0}, at[OR_MAX_RANK] = {0};
  for (int32_t i = 0; i < in->rank; ++i) {
    for (int64_t k = 0; k < out->dims[i]; ++k) sources[offsets[i] + (size_t)k] = source_of(&padding, i, in->dims[i], k);
  }
  or_dense_strides(in, strides);
  or_shape_t outer = *out;
  outer.rank--;
  uint64_t rows = or_shape_product(out, 0, outer.rank);
  for (uint64_t row = 0; row < rows && !or_stops(call->stop, 1); ++row) {
    int64_t base = 0;
    for (int32_t i = 0; base >= 0 && i < outer.rank; ++i) {
      int64_t source = sources[offsets[i] + (size_t)at[i]];
      base = source < 0 ? -1 : base + source * strides[i];
    }
    copy_row(call, sources + offsets[outer.rank], base, row, element);
    or_index_next(&outer, at);
  }
  or_free(call->allocator, memory);
  return status;
}

static or_status_t fill_element(const or_op_call_t *call, uint8_t element[16]) {
  const or_op_tensor_t *value = or_op_has_input(call, 2) ? &call->inputs[2] : NULL;
  if (call->node->version < 11) {
    or_lanes_t lane;
    lane.real[0] = (double)or_op_attribute_float(call, "value", 0);
    or_lanes_store(call->inputs[0].dtype, element, 0, 1, OR_LANE_REAL, &lane);
    return or_status_success();
  }
  if (value == NULL && call->inputs[0].dtype == OR_STRING) or_strings_clear(element, 1);
  if (value == NULL) return or_status_success();
  if (or_shape_product(&value->shape, 0, value->shape.rank) != 1)
    return or_error(OR_INVALID_ARGUMENT, "input 2 (constant_value) must have one element");
  memcpy(element, value->data, or_dtype_bytes(value->dtype, 1));
  return or_status_success();
}

static int64_t remainder_of(int64_t a, int64_t b) { return a % b < 0 ? a % b + b : a % b; }

static int64_t source_of(const padding_t *padding, int32_t axis, int64_t extent, int64_t position) {
  int64_t at = position - padding->begin[axis];
  if (at >= 0 && at < extent) return at;
  switch (padding->mode) {
  case PAD_EDGE: return at < 0 ? 0 : extent - 1;
  case PAD_WRAP: return remainder_of(at, extent);
  case PAD_REFLECT:
    if (extent == 1) return 0;
    at = remainder_of(at, 2 * (extent - 1));
    return at < extent ? at : 2 * (extent - 1) - at;
  case PAD_CONSTANT: break;
  }
  return -1;
}

/* Elements that lie side by side in the input are copied at once. base < 0: the row is all fill. */
static void copy_row(const or_op_call_t *call, const int64_t *sources, int64_t base, uint64_t row,
                     const uint8_t *element) {
  const or_op_tensor_t *in = &call->inputs[0], *out = &call->outputs[0];
  size_t length = (size_t)out->shape.dims[out->shape.rank - 1];
  for (size_t i = 0; i < length;) {
    size_t run = 1;
    if (base < 0 || sources[i] < 0) {
      or_elements_copy(in->dtype, element, 0, out->data, row * length + i, 1);
    } else {
      while (i + run < length && sources[i + run] == sources[i] + (int64_t)run) ++run;
      or_elements_copy(in->dtype, in->data, (uint64_t)(base + sources[i]), out->data, row * length + i, run);
    }
    i += run;
    if (or_stops(call->stop, 1 + run / 8)) return;
  }
}
