#include "ops/det.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t det_infer(or_op_call_t *call);
static or_cost_t det_cost(const or_op_call_t *call);
static or_status_t det_reference(or_op_call_t *call);

const or_op_t or_op_det = {
    .domain = "",
    .name = "Det",
    .summary = "determinants of square matrices",
    .since = {11, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = det_infer,
    .cost = det_cost,
    .reference = det_reference,
};

static or_status_t det_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_shape_t *y = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  y->rank = OR_RANK_UNKNOWN;
  if (x->rank == OR_RANK_UNKNOWN) return or_status_success();
  if (x->rank < 2) return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected at least 2", (int)x->rank);
  int64_t extent = 0;
  or_status_t status =
      or_infer_same_extent("rows and columns of input 0", x->dims[x->rank - 2], x->dims[x->rank - 1], &extent);
  if (!or_ok(status)) return status;
  *y = *x;
  y->rank = x->rank - 2;
  return status;
}

static or_cost_t det_cost(const or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  double m = (double)x->dims[x->rank - 1];
  return or_cost_per_output(call, 2.0 / 3.0 * m * m * m);
}

/* The row, from `column` on, whose element in `column` is largest; a NaN is larger than all. */
static size_t pivot_of(const double *matrix, size_t m, size_t column) {
  size_t best = column;
  for (size_t row = column + 1; row < m; ++row) {
    double value = fabs(matrix[row * m + column]), largest = fabs(matrix[best * m + column]);
    if (value > largest || isnan(value)) best = row;
  }
  return best;
}

/* Of a matrix of m rows, which it decomposes in place. */
static double determinant(or_stop_t *stop, double *matrix, size_t m) {
  double product = 1;
  for (size_t k = 0; k < m && !or_stops(stop, m); ++k) {
    size_t pivot = pivot_of(matrix, m, k);
    double *top = matrix + k * m, *chosen = matrix + pivot * m;
    if (pivot != k) product = -product;
    for (size_t j = k; pivot != k && j < m; ++j) {
      double value = top[j];
      top[j] = chosen[j];
      chosen[j] = value;
    }
    product *= top[k];
    if (top[k] == 0) continue; /* so is all below it */
    for (size_t row = k + 1; row < m && !or_stops(stop, m - k); ++row) {
      double *line = matrix + row * m, factor = line[k] / top[k];
      for (size_t j = k + 1; j < m; ++j) line[j] -= factor * top[j];
    }
  }
  return product;
}

static or_status_t det_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  int32_t rank = x->shape.rank;
  size_t m = (size_t)x->shape.dims[rank - 1], elements = 0;
  uint64_t count = or_shape_product(&x->shape, 0, rank - 2);
  void *memory = NULL;
  if (!or_mul_size(m, m, &elements)) return or_error(OR_RESOURCE_EXHAUSTED, "%zu x %zu elements overflow size_t", m, m);
  or_status_t status = or_alloc_array(call->allocator, elements, sizeof(double), &memory);
  for (uint64_t i = 0; or_ok(status) && i < count && !or_stops(call->stop, elements); ++i) {
    or_elements_load_long(call->stop, x->dtype, x->data, i * elements, elements, memory);
    double value = determinant(call->stop, memory, m);
    or_elements_store(y->dtype, y->data, i, 1, &value);
  }
  or_free(call->allocator, memory);
  return status;
}
