#include "ops/embedding_sum.h"

#include "base/numbers.h"
#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

#define TABLE(i) (2 * (i))
#define INDICES(i) (2 * (i) + 1)

static or_status_t embedding_sum_infer(or_op_call_t *call);
static or_cost_t embedding_sum_cost(const or_op_call_t *call);
static or_status_t embedding_sum_reference(or_op_call_t *call);

const or_op_t or_op_embedding_sum = {
    .domain = "openruntime",
    .name = "EmbeddingSum",
    .summary = "sum of rows picked by index, one of each table",
    .since = {1},
    .input_min = 4,
    .input_max = 2 * OR_EMBEDDING_MAX_TABLES,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .tolerance = {.rel = 1e-6, .abs = 1e-6},
    .infer = embedding_sum_infer,
    .cost = embedding_sum_cost,
    .reference = embedding_sum_reference,
};

static or_status_t embedding_sum_infer(or_op_call_t *call) {
  or_shape_t shape = {.rank = 0};
  int64_t hidden = OR_DIM_UNKNOWN;
  or_status_t status = or_status_success();
  if (call->input_count % 2 != 0)
    return or_error(OR_INVALID_ARGUMENT, "%u inputs, expected a table and indices in turn", call->input_count);
  for (uint32_t i = 0; or_ok(status) && i < call->input_count / 2; ++i) {
    const or_op_tensor_t *table = &call->inputs[TABLE(i)], *indices = &call->inputs[INDICES(i)];
    if (indices->dtype != OR_INT32 && indices->dtype != OR_INT64) {
      return or_error(OR_INVALID_ARGUMENT, "input %u (indices) is %s; it must be int32 or int64", INDICES(i),
                      or_dtype_name(indices->dtype));
    }
    status = or_infer_check_dtype(call, TABLE(i));
    if (or_ok(status)) status = or_infer_check_rank(call, TABLE(i), 2);
    if (or_ok(status) && table->shape.rank == 2)
      status = or_infer_same_extent("columns of the tables", hidden, table->shape.dims[1], &hidden);
    if (or_ok(status)) status = or_shape_broadcast(&shape, &indices->shape, &shape);
  }
  if (!or_ok(status)) return status;
  call->outputs[0].dtype = call->inputs[0].dtype;
  call->outputs[0].shape = shape;
  if (shape.rank == OR_RANK_UNKNOWN) return status;
  if (shape.rank >= OR_MAX_RANK)
    return or_error(OR_INVALID_ARGUMENT, "indices of rank %d, expected at most %d", shape.rank, OR_MAX_RANK - 1);
  call->outputs[0].shape.dims[call->outputs[0].shape.rank++] = hidden;
  return status;
}

/* Of the tables, what is looked up. */
static or_cost_t embedding_sum_cost(const or_op_call_t *call) {
  uint32_t tables = call->input_count / 2;
  double bytes = or_cost_bytes(&call->outputs[0]);
  double elements = bytes / (double)or_dtype_bytes(call->outputs[0].dtype, 1);
  or_cost_t cost = {.flops = elements * (tables - 1), .bytes_read = bytes * tables, .bytes_written = bytes};
  for (uint32_t i = 0; i < tables; ++i) cost.bytes_read += or_cost_bytes(&call->inputs[INDICES(i)]);
  return cost;
}

/* The row of table i for an index of the output; a scalar's place is 0. */
static or_status_t row_of(const or_op_call_t *call, uint32_t i, uint64_t at, uint64_t *row) {
  const or_op_tensor_t *indices = &call->inputs[INDICES(i)];
  int64_t rows = call->inputs[TABLE(i)].shape.dims[0];
  int64_t index = or_element_get_int(indices->dtype, indices->data, (size_t)at);
  if (index < -rows || index >= rows) {
    return or_error(OR_INVALID_ARGUMENT, "input %u: index %lld at %llu is outside a table of %lld rows", INDICES(i),
                    (long long)index, (unsigned long long)at, (long long)rows);
  }
  *row = (uint64_t)(index < 0 ? index + rows : index);
  return or_status_success();
}

static or_status_t embedding_sum_reference(or_op_call_t *call) {
  const or_op_tensor_t *y = &call->outputs[0];
  or_shape_t places = y->shape;
  uint64_t hidden = (uint64_t)places.dims[--places.rank], written = 0;
  int64_t index[OR_MAX_RANK] = {0}, strides[OR_EMBEDDING_MAX_TABLES][OR_MAX_RANK];
  uint32_t tables = call->input_count / 2;
  double sum[OR_LANES], values[OR_LANES] = {0};
  for (uint32_t i = 0; i < tables; ++i)
    or_shape_broadcast_strides(&call->inputs[INDICES(i)].shape, &places, strides[i]);
  if (or_shape_product(&places, 0, places.rank) == 0) return or_status_success();
  do {
    uint64_t rows[OR_EMBEDDING_MAX_TABLES];
    for (uint32_t i = 0; i < tables; ++i) {
      int64_t at = 0;
      for (int32_t d = 0; d < places.rank; ++d) at += index[d] * strides[i][d];
      or_status_t status = row_of(call, i, (uint64_t)at, &rows[i]);
      if (!or_ok(status)) return status;
    }
    for (uint64_t done = 0; done < hidden; done += OR_LANES) {
      size_t count = hidden - done < OR_LANES ? (size_t)(hidden - done) : OR_LANES;
      for (uint32_t i = 0; i < tables; ++i) {
        const or_op_tensor_t *table = &call->inputs[TABLE(i)];
        or_elements_load(table->dtype, table->data, rows[i] * hidden + done, count, i == 0 ? sum : values);
        for (size_t k = 0; i > 0 && k < count; ++k) sum[k] += values[k];
      }
      or_elements_store(y->dtype, y->data, written + done, count, sum);
    }
    written += hidden;
  } while (!or_stops(call->stop, 1 + hidden * tables) && or_index_next(&places, index));
  return or_status_success();
}
