#include "ops/affine_grid.h"

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t affine_grid_infer(or_op_call_t *call);
static or_cost_t affine_grid_cost(const or_op_call_t *call);
static or_status_t affine_grid_reference(or_op_call_t *call);

const or_op_t or_op_affine_grid = {
    .domain = "",
    .name = "AffineGrid",
    .summary = "where each place of an image comes from under an affine transformation",
    .since = {20},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .value_inputs = 1u << 1,
    .attributes = {{"align_corners", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = affine_grid_infer,
    .cost = affine_grid_cost,
    .reference = affine_grid_reference,
};

/* 2 or 3 by theta, 0 where its shape does not say. */
static or_status_t read_rank(const or_op_call_t *call, int32_t *rank) {
  const or_shape_t *theta = &call->inputs[0].shape;
  *rank = 0;
  or_status_t status = or_infer_check_rank(call, 0, 3);
  if (!or_ok(status) || theta->rank < 0) return status;
  int64_t rows = theta->dims[1], columns = theta->dims[2];
  *rank = rows >= 0 ? (int32_t)(rows == 2 || rows == 3 ? rows : 0)
                    : (int32_t)(columns == 3 || columns == 4 ? columns - 1 : 0);
  bool fits = (rows < 0 || rows == 2 || rows == 3) && (columns < 0 || columns == 3 || columns == 4) &&
              (rows < 0 || columns < 0 || columns == rows + 1);
  char text[200];
  if (!fits)
    status = or_error(OR_INVALID_ARGUMENT, "input 0 (theta) is %s; it must be [N,2,3] or [N,3,4]",
                      or_shape_format(theta, text, sizeof text));
  return status;
}

static or_status_t affine_grid_infer(or_op_call_t *call) {
  const or_shape_t *theta = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  or_integers_t size;
  int32_t rank = 0;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = read_rank(call, &rank);
  if (or_ok(status)) status = or_integers_input(call, 1, "size", true, &size);
  if (!or_ok(status)) return status;
  if (size.count >= 0 && (size.count < 4 || size.count > 5 || (rank > 0 && size.count != rank + 2))) {
    return or_error(OR_INVALID_ARGUMENT, "input 1 (size) has %d entries; it must have 4 for an image or 5 for a volume",
                    size.count);
  }
  if (size.count > 0) rank = size.count - 2;
  status = or_shape_unknown(rank > 0 ? rank + 2 : OR_RANK_UNKNOWN, out);
  if (!or_ok(status) || rank == 0) return status;
  out->dims[rank + 1] = rank;
  if (theta->rank > 0) out->dims[0] = theta->dims[0];
  if (!size.known) return status;
  status = or_infer_same_extent("batches of theta and size", size.values[0], out->dims[0], &out->dims[0]);
  for (int32_t i = 0; or_ok(status) && i <= rank; ++i) {
    int64_t extent = size.values[i == 0 ? 0 : i + 1];
    if (extent < 0) status = or_error(OR_INVALID_ARGUMENT, "input 1 (size) has the extent %lld", (long long)extent);
    if (i > 0) out->dims[i] = extent;
  }
  return or_ok(status) ? or_shape_check_count(out) : status;
}

static or_cost_t affine_grid_cost(const or_op_call_t *call) {
  return or_cost_per_output(call, 2 * (double)call->inputs[0].shape.dims[2]);
}

static double place(int64_t at, int64_t extent, bool corners) {
  if (corners) return extent > 1 ? -1 + 2 * (double)at / (double)(extent - 1) : -1;
  return (double)(2 * at + 1) / (double)extent - 1;
}

static or_status_t affine_grid_reference(or_op_call_t *call) {
  const or_op_tensor_t *theta = &call->inputs[0], *y = &call->outputs[0];
  bool corners = or_op_attribute_int(call, "align_corners", 0) != 0;
  int32_t rank = y->shape.rank - 2;
  int64_t at[OR_MAX_RANK] = {0};
  or_shape_t places = y->shape;
  places.rank = rank + 1;
  uint64_t total = or_shape_product(&places, 0, places.rank), count = (uint64_t)rank;
  double matrix[12] = {0}, row[3];
  for (uint64_t i = 0; i < total && !or_stops(call->stop, 8); ++i) {
    if (at[rank] == 0)
      or_elements_load(theta->dtype, theta->data, (uint64_t)at[0] * count * (count + 1), count * (count + 1), matrix);
    for (int32_t k = 0; k < rank; ++k) {
      row[k] = matrix[k * (rank + 1) + rank];
      for (int32_t d = 0; d < rank; ++d)
        row[k] += matrix[k * (rank + 1) + d] * place(at[rank - d], y->shape.dims[rank - d], corners);
    }
    or_elements_store(y->dtype, y->data, i * count, count, row);
    or_index_next(&places, at);
  }
  return or_status_success();
}
