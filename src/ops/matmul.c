#include "ops/matmul.h"

#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "ops/infer.h"
#include "ops/matmul_internal.h"
#include "ops/product_internal.h"
#include "ops/shape.h"

static or_status_t matmul_infer(or_op_call_t *call);
static or_cost_t matmul_cost(const or_op_call_t *call);
static or_status_t matmul_reference(or_op_call_t *call);

const or_op_t or_op_matmul = {
    .domain = "",
    .name = "MatMul",
    .summary = "matrix product, batched and broadcast as numpy.matmul",
    .since = {1, 9, 13},
    .changes = {{9, OR_OP_WIDE_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_DTYPE_BIT(OR_UINT32) |
              OR_DTYPE_BIT(OR_UINT64),
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = matmul_infer,
    .cost = matmul_cost,
    .reference = matmul_reference,
};

or_matmul_extents_t or_matmul_extents(const or_shape_t *a, const or_shape_t *b) {
  or_matmul_extents_t extents = {.m = a->rank > 1 ? a->dims[a->rank - 2] : 1,
                                 .n = b->rank > 1 ? b->dims[b->rank - 1] : 1,
                                 .k_of_a = a->dims[a->rank - 1],
                                 .k_of_b = b->rank > 1 ? b->dims[b->rank - 2] : b->dims[0],
                                 .batch_of_a = *a,
                                 .batch_of_b = *b};
  extents.batch_of_a.rank = a->rank > 1 ? a->rank - 2 : 0;
  extents.batch_of_b.rank = b->rank > 1 ? b->rank - 2 : 0;
  return extents;
}

or_status_t or_matmul_infer_shape(const or_op_call_t *call, uint32_t index_a, uint32_t index_b, or_shape_t *y) {
  const or_shape_t *a = &call->inputs[index_a].shape, *b = &call->inputs[index_b].shape;
  or_status_t status = or_status_success();
  if (a->rank == 0 || b->rank == 0) {
    return or_error(OR_INVALID_ARGUMENT, "input %u is a scalar, expected at least one dimension",
                    a->rank == 0 ? index_a : index_b);
  }
  if (a->rank < 0 || b->rank < 0) return status;

  or_matmul_extents_t extents = or_matmul_extents(a, b);
  int64_t k = 0;
  char what[64];
  (void)or_format(what, sizeof what, "columns of input %u and rows of input %u", index_a, index_b);
  status = or_infer_same_extent(what, extents.k_of_a, extents.k_of_b, &k);
  or_shape_t batch;
  if (or_ok(status)) status = or_shape_broadcast(&extents.batch_of_a, &extents.batch_of_b, &batch);
  if (!or_ok(status)) return status;
  *y = batch;
  if (a->rank > 1) y->dims[y->rank++] = extents.m;
  if (b->rank > 1) y->dims[y->rank++] = extents.n;
  return status;
}

static or_status_t matmul_infer(or_op_call_t *call) {
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_infer_check_dtype(call, 1);
  return or_ok(status) ? or_matmul_infer_shape(call, 0, 1, &call->outputs[0].shape) : status;
}

static or_cost_t matmul_cost(const or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape;
  return or_cost_per_output(call, 2 * (double)a->dims[a->rank - 1]);
}

or_status_t or_matmul_check_parameter(const or_op_call_t *call, uint32_t index, uint32_t of, bool of_rows) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_shape_t *shape = &call->inputs[index].shape, *operand = &call->inputs[of].shape;
  if (shape->rank <= 0 || operand->rank <= 0 || (shape->rank == 1 && shape->dims[0] == 1)) return or_status_success();
  int32_t rank = operand->rank, along = of_rows ? rank - 2 : rank - 1;
  bool fits = rank == 1 ? false : shape->rank == 1 || shape->rank == rank;
  for (int32_t i = 0; fits && i < shape->rank; ++i) {
    int32_t axis = shape->rank == 1 ? along : i;
    int64_t extent = shape->dims[i], wanted = axis < rank - 2 || axis == along ? operand->dims[axis] : 1;
    bool may_be_one = shape->rank > 1;
    fits = extent < 0 || wanted < 0 || extent == wanted || (may_be_one && extent == 1);
  }
  if (fits) return or_status_success();
  char text[160], operand_text[160];
  return or_error(OR_INVALID_ARGUMENT,
                  "input %u has shape %s, which is neither one number nor one a %s of input %u, %s", index,
                  or_shape_format(shape, text, sizeof text), of_rows ? "row" : "column", of,
                  or_shape_format(operand, operand_text, sizeof operand_text));
}

double or_matmul_parameter(const or_matmul_parameter_t *parameter, uint64_t at, double fallback) {
  const or_op_tensor_t *tensor = parameter->tensor;
  if (tensor == NULL) return fallback;
  return or_element_get(tensor->dtype, tensor->data, (size_t)(parameter->first + at * (uint64_t)parameter->stride));
}

/* Strides of a parameter that was checked: those of its shape without the extent 1 in the place of the other dimension,
 * broadcast to the batch and the rows or columns. */
static void parameter_make(or_matmul_parameter_t *parameter, const or_shape_t *batch, int64_t extent, bool of_rows) {
  if (parameter->tensor == NULL) return;
  or_shape_t shape = parameter->tensor->shape, out = *batch;
  if (shape.rank > 1) {
    if (of_rows) {
      shape.rank--;
    } else {
      shape.dims[shape.rank - 2] = shape.dims[shape.rank - 1];
      shape.rank--;
    }
  }
  out.dims[out.rank++] = extent;
  int64_t strides[OR_MAX_RANK];
  or_shape_broadcast_strides(&shape, &out, strides);
  memcpy(parameter->batch_strides, strides, sizeof strides);
  parameter->stride = strides[batch->rank];
}

/* What the blocks are loaded from and stored to. */
typedef struct operands_t {
  or_matrix_t matrices[3]; /* A, B, C */
  const or_matmul_t *matmul;
} operands_t;

static void load_a(const or_product_t *product, or_block_t block, void *out) {
  const operands_t *operands = product->self;
  or_matrix_load(&operands->matrices[0], product->integer, block, OR_PRODUCT_DEPTH, out);
  if (operands->matmul->zero_a.tensor == NULL) return;
  double *numbers = out;
  for (size_t r = 0; r < block.rows; ++r) {
    double zero = or_matmul_parameter(&operands->matmul->zero_a, block.row + r, 0);
    for (size_t c = 0; c < block.columns; ++c) numbers[r * OR_PRODUCT_DEPTH + c] -= zero;
  }
}

static void load_b(const or_product_t *product, or_block_t block, void *out) {
  const operands_t *operands = product->self;
  or_matrix_load(&operands->matrices[1], product->integer, block, OR_PRODUCT_COLUMNS, out);
  if (operands->matmul->zero_b.tensor == NULL) return;
  double *numbers = out, zeros[OR_PRODUCT_COLUMNS];
  for (size_t c = 0; c < block.columns; ++c)
    zeros[c] = or_matmul_parameter(&operands->matmul->zero_b, block.column + c, 0);
  for (size_t r = 0; r < block.rows; ++r) {
    for (size_t c = 0; c < block.columns; ++c) numbers[r * OR_PRODUCT_COLUMNS + c] -= zeros[c];
  }
}

static void store(const or_product_t *product, or_block_t block, void *values) {
  const operands_t *operands = product->self;
  const or_matmul_t *matmul = operands->matmul;
  const or_matrix_t *y = &operands->matrices[2];
  if (matmul->store == NULL) {
    or_matrix_store(y, product->integer, block, values);
    return;
  }
  for (size_t r = 0; r < block.rows; ++r) {
    matmul->store(matmul, block.row + r, block.column, y->first + (block.row + r) * y->row_stride + block.column,
                  block.columns, (double *)values + r * OR_PRODUCT_COLUMNS);
  }
}

or_status_t or_matmul_run(const or_op_call_t *call, or_matmul_t *matmul) {
  const or_op_tensor_t *a = matmul->a, *b = matmul->b, *y = matmul->y;
  uint64_t count = 0;
  if (!or_shape_count(&y->shape, &count) || count == 0) return or_status_success();
  or_matmul_extents_t extents = or_matmul_extents(&a->shape, &b->shape);
  or_shape_t batch;
  or_status_t status = or_shape_broadcast(&extents.batch_of_a, &extents.batch_of_b, &batch);
  void *scratch = NULL;
  if (or_ok(status)) status = or_alloc(call->allocator, OR_PRODUCT_SCRATCH_BYTES, &scratch);
  if (!or_ok(status)) return status;

  uint64_t m = (uint64_t)extents.m, n = (uint64_t)extents.n, k = (uint64_t)extents.k_of_a;
  operands_t operands = {
      .matrices = {{a->dtype, a->data, 0, k, 1}, {b->dtype, b->data, 0, n, 1}, {y->dtype, y->data, 0, n, 1}},
      .matmul = matmul};
  or_product_t product = {.m = m,
                          .n = n,
                          .k = k,
                          .integer = matmul->integer,
                          .load_a = load_a,
                          .load_b = load_b,
                          .store = store,
                          .self = &operands,
                          .stop = call->stop};
  or_matmul_parameter_t *parameters[] = {&matmul->zero_a, &matmul->scale_a, &matmul->zero_b, &matmul->scale_b};
  for (int i = 0; i < 4; ++i) parameter_make(parameters[i], &batch, i < 2 ? extents.m : extents.n, i < 2);
  int64_t strides_a[OR_MAX_RANK], strides_b[OR_MAX_RANK], index[OR_MAX_RANK] = {0};
  or_shape_broadcast_strides(&extents.batch_of_a, &batch, strides_a);
  or_shape_broadcast_strides(&extents.batch_of_b, &batch, strides_b);
  do {
    uint64_t at_a = 0, at_b = 0, at[4] = {0};
    for (int32_t d = 0; d < batch.rank; ++d) {
      at_a += (uint64_t)(index[d] * strides_a[d]);
      at_b += (uint64_t)(index[d] * strides_b[d]);
      for (int i = 0; i < 4; ++i) at[i] += (uint64_t)(index[d] * parameters[i]->batch_strides[d]);
    }
    for (int i = 0; i < 4; ++i) parameters[i]->first = at[i];
    operands.matrices[0].first = at_a * m * k;
    operands.matrices[1].first = at_b * k * n;
    or_product_run(&product, scratch);
    operands.matrices[2].first += m * n;
  } while (!or_stops(call->stop, 1) && or_index_next(&batch, index));
  or_free(call->allocator, scratch);
  return status;
}

static or_status_t matmul_reference(or_op_call_t *call) {
  or_matmul_t matmul = {.a = &call->inputs[0],
                        .b = &call->inputs[1],
                        .y = &call->outputs[0],
                        .integer = or_dtype_is_integer(call->inputs[0].dtype)};
  return or_matmul_run(call, &matmul);
}
