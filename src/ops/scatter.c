#include "ops/scatter.h"

#include <math.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

typedef enum reduction_t { REDUCE_NONE, REDUCE_ADD, REDUCE_MUL, REDUCE_MAX, REDUCE_MIN } reduction_t;

static or_status_t scatter_elements_infer(or_op_call_t *call);
static or_status_t scatter_nd_infer(or_op_call_t *call);
static or_cost_t scatter_cost(const or_op_call_t *call);
static or_status_t scatter_elements_reference(or_op_call_t *call);
static or_status_t scatter_nd_reference(or_op_call_t *call);

#define SCATTER(op_name, text)                                                                                      \
  .domain = "", .name = op_name, .summary = text, .input_min = 3, .input_max = 3, .output_min = 1, .output_max = 1, \
  .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS, .tolerance = {1e-5, 1e-6}, .cost = scatter_cost

const or_op_t or_op_scatter_elements = {
    SCATTER("ScatterElements", "a copy with single elements replaced, picked by index along an axis"),
    .since = {11, 13, 16, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}, {"reduction", OR_ATTRIBUTE_STRING, false}},
    .infer = scatter_elements_infer,
    .reference = scatter_elements_reference,
};

const or_op_t or_op_scatter = {
    SCATTER("Scatter", "the older name of ScatterElements"),
    .since = {9, 11},
    .changes = {OR_OP_BFLOAT16_SINCE(13)}, /* as ScatterElements, which took over at 11 */
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}},
    .infer = scatter_elements_infer,
    .reference = scatter_elements_reference,
};

const or_op_t or_op_scatter_nd = {
    SCATTER("ScatterND", "a copy with slices replaced, picked by tuples of indices"),
    .since = {11, 13, 16, 18},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .attributes = {{"reduction", OR_ATTRIBUTE_STRING, false}},
    .infer = scatter_nd_infer,
    .reference = scatter_nd_reference,
};

/* ---- shapes ---- */

static or_status_t read_reduction(const or_op_call_t *call, reduction_t *out) {
  static const char *const names[] = {"none", "add", "mul", "max", "min"};
  const or_attribute_t *attribute = or_op_attribute(call, "reduction");
  *out = REDUCE_NONE;
  if (attribute == NULL) return or_status_success();
  size_t i = 0;
  while (i < sizeof names / sizeof *names && !or_op_attribute_is(call, "reduction", names[i], "none")) ++i;
  int since = i > REDUCE_MUL ? 18 : 16;
  if (i == sizeof names / sizeof *names || call->node->version < since) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"reduction\" is \"%.*s\", which version %d does not have",
                    (int)attribute->string.length, attribute->string.data, call->node->version);
  }
  *out = (reduction_t)i;
  if (*out != REDUCE_NONE && call->inputs[0].dtype == OR_STRING)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"reduction\" is \"%s\", of strings", names[i]);
  if (*out > REDUCE_MUL && or_dtype_is_one_of(call->inputs[0].dtype, OR_OP_COMPLEX)) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"reduction\" is \"%s\", but of %s none is the larger", names[i],
                    or_dtype_name(call->inputs[0].dtype));
  }
  return or_status_success();
}

static or_status_t check_inputs(const or_op_call_t *call, bool wide_only) {
  reduction_t reduction;
  or_status_t status = or_indices_check(call, 1, "indices", wide_only);
  if (or_ok(status)) status = or_infer_check_dtype(call, 2);
  return or_ok(status) ? read_reduction(call, &reduction) : status;
}

static or_status_t scatter_elements_infer(or_op_call_t *call) {
  const or_shape_t *data = &call->inputs[0].shape, *indices = &call->inputs[1].shape;
  const or_shape_t *updates = &call->inputs[2].shape;
  or_status_t status = check_inputs(call, false);
  if (or_ok(status) && data->rank >= 0) {
    int32_t axis = 0;
    status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), data->rank, &axis);
    for (uint32_t i = 1; or_ok(status) && i < 3; ++i) status = or_infer_check_rank(call, i, data->rank);
    for (int32_t d = 0; or_ok(status) && indices->rank >= 0 && d < data->rank; ++d) {
      int64_t extent = 0;
      if (updates->rank >= 0)
        status = or_infer_same_extent("indices and updates", indices->dims[d], updates->dims[d], &extent);
      if (or_ok(status) && d != axis && data->dims[d] >= 0 && indices->dims[d] > data->dims[d]) {
        status = or_error(OR_INVALID_ARGUMENT, "dimension %d of indices has extent %lld, that of data only %lld", d,
                          (long long)indices->dims[d], (long long)data->dims[d]);
      }
    }
  }
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_status_t scatter_nd_infer(or_op_call_t *call) {
  const or_shape_t *data = &call->inputs[0].shape, *indices = &call->inputs[1].shape;
  const or_shape_t *updates = &call->inputs[2].shape;
  or_status_t status = check_inputs(call, true);
  if (!or_ok(status) || data->rank < 0 || indices->rank < 0)
    return or_ok(status) ? or_infer_same_as_input(call) : status;
  if (data->rank < 1 || indices->rank < 1) {
    return or_error(OR_INVALID_ARGUMENT, "data has rank %d, indices have rank %d; each must be at least 1", data->rank,
                    indices->rank);
  }
  int64_t tuple = indices->dims[indices->rank - 1];
  if (tuple >= 0 && (tuple < 1 || tuple > data->rank)) {
    return or_error(OR_INVALID_ARGUMENT, "tuples of %lld indices; data has rank %d", (long long)tuple, data->rank);
  }
  if (tuple < 0 || updates->rank < 0) return or_infer_same_as_input(call);
  int32_t outer = indices->rank - 1, rank = outer + data->rank - (int32_t)tuple;
  status = or_infer_check_rank(call, 2, rank);
  for (int32_t d = 0; or_ok(status) && d < rank; ++d) {
    int64_t expected = d < outer ? indices->dims[d] : data->dims[d - outer + tuple], extent = 0;
    status = or_infer_same_extent("an extent of updates", expected, updates->dims[d], &extent);
  }
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_cost_t scatter_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.bytes_read += or_cost_bytes(&call->inputs[2]);
  return cost;
}

/* ---- references ---- */

#define COMBINE(member, sum, product)                                                                 \
  for (size_t i = 0; i < count; ++i) {                                                                \
    switch (reduction) {                                                                              \
    case REDUCE_ADD: x->member[i] = (sum); break;                                                     \
    case REDUCE_MUL: x->member[i] = (product); break;                                                 \
    case REDUCE_MAX: x->member[i] = x->member[i] > y->member[i] ? x->member[i] : y->member[i]; break; \
    case REDUCE_MIN: x->member[i] = x->member[i] < y->member[i] ? x->member[i] : y->member[i]; break; \
    case REDUCE_NONE: break;                                                                          \
    }                                                                                                 \
  }

static void combine(reduction_t reduction, or_lane_kind_t kind, or_lanes_t *x, const or_lanes_t *y, size_t count) {
  if (kind == OR_LANE_INTEGER && reduction > REDUCE_MUL) {
    COMBINE(integer, x->integer[i], x->integer[i])
  } else if (kind != OR_LANE_REAL) {
    COMBINE(natural, x->natural[i] + y->natural[i], x->natural[i] * y->natural[i])
  } else {
    for (size_t i = 0; i < count && reduction > REDUCE_MUL; ++i) {
      if (isnan(x->real[i])) continue;
      bool takes = isnan(y->real[i]) || (reduction == REDUCE_MAX ? y->real[i] > x->real[i] : y->real[i] < x->real[i]);
      if (takes) x->real[i] = y->real[i];
    }
    if (reduction <= REDUCE_MUL) COMBINE(real, x->real[i] + y->real[i], x->real[i] * y->real[i])
  }
}

/* Two complex numbers by their parts, which are of `dtype`. */
static void combine_complex(reduction_t reduction, or_dtype_t dtype, void *out, uint64_t to, const void *updates,
                            uint64_t from) {
  or_lanes_t x, y;
  or_lanes_load(dtype, out, 2 * (int64_t)to, 1, 2, &x);
  or_lanes_load(dtype, updates, 2 * (int64_t)from, 1, 2, &y);
  double a = x.real[0], b = x.real[1], c = y.real[0], d = y.real[1];
  x.real[0] = reduction == REDUCE_ADD ? a + c : a * c - b * d;
  x.real[1] = reduction == REDUCE_ADD ? b + d : a * d + b * c;
  or_lanes_store(dtype, out, 2 * (int64_t)to, 2, OR_LANE_REAL, &x);
}

/* Elements from..from + count - 1 of updates into the output's from `to` on. */
static void write_run(const or_op_call_t *call, reduction_t reduction, uint64_t to, uint64_t from, uint64_t count) {
  const or_op_tensor_t *updates = &call->inputs[2], *out = &call->outputs[0];
  if (reduction == REDUCE_NONE) {
    size_t bytes = or_dtype_bits(out->dtype) / 8;
    memcpy((char *)out->data + to * bytes, (const char *)updates->data + from * bytes, count * bytes);
    return;
  }
  if (or_dtype_is_one_of(out->dtype, OR_OP_COMPLEX)) {
    or_dtype_t part = out->dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
    for (uint64_t i = 0; i < count; ++i) combine_complex(reduction, part, out->data, to + i, updates->data, from + i);
    return;
  }
  or_lane_kind_t kind = or_lane_kind(out->dtype);
  or_lanes_t x, y;
  for (uint64_t done = 0; done < count && !or_stops(call->stop, OR_LANES); done += OR_LANES) {
    size_t part = count - done < OR_LANES ? (size_t)(count - done) : OR_LANES;
    or_lanes_load(out->dtype, out->data, (int64_t)(to + done), 1, part, &x);
    or_lanes_load(updates->dtype, updates->data, (int64_t)(from + done), 1, part, &y);
    combine(reduction, kind, &x, &y, part);
    or_lanes_store(out->dtype, out->data, (int64_t)(to + done), part, kind, &x);
  }
}

static or_status_t scatter_elements_reference(or_op_call_t *call) {
  const or_op_tensor_t *data = &call->inputs[0], *indices = &call->inputs[1];
  reduction_t reduction;
  int32_t axis = 0;
  or_status_t status = read_reduction(call, &reduction);
  if (or_ok(status)) status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), data->shape.rank, &axis);
  if (or_ok(status)) status = or_reference_copy(call);
  int64_t strides[OR_MAX_RANK], at[OR_MAX_RANK] = {0};
  or_dense_strides(&data->shape, strides);
  uint64_t count = or_shape_product(&indices->shape, 0, indices->shape.rank);
  for (uint64_t i = 0; or_ok(status) && i < count && !or_stops(call->stop, 8); ++i) {
    int64_t index = 0, target = 0;
    status = or_index_read(indices, i, data->shape.dims[axis], &index);
    for (int32_t d = 0; d < data->shape.rank; ++d) target += (d == axis ? index : at[d]) * strides[d];
    if (or_ok(status)) write_run(call, reduction, (uint64_t)target, i, 1);
    or_index_next(&indices->shape, at);
  }
  return status;
}

static or_status_t scatter_nd_reference(or_op_call_t *call) {
  const or_op_tensor_t *data = &call->inputs[0], *indices = &call->inputs[1];
  reduction_t reduction;
  or_status_t status = read_reduction(call, &reduction);
  if (or_ok(status)) status = or_reference_copy(call);
  int32_t last = indices->shape.rank - 1, tuple = (int32_t)indices->shape.dims[last];
  uint64_t tuples = or_shape_product(&indices->shape, 0, last);
  uint64_t run = or_shape_product(&data->shape, tuple, data->shape.rank);
  for (uint64_t i = 0; or_ok(status) && run > 0 && i < tuples && !or_stops(call->stop, 8 + run / 8); ++i) {
    uint64_t slice = 0;
    for (int32_t k = 0; or_ok(status) && k < tuple; ++k) {
      int64_t index = 0;
      status = or_index_read(indices, i * (uint64_t)tuple + (uint64_t)k, data->shape.dims[k], &index);
      slice = slice * (uint64_t)data->shape.dims[k] + (uint64_t)index;
    }
    if (or_ok(status)) write_run(call, reduction, slice * run, i * run, run);
  }
  return status;
}
