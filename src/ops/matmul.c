#include "ops/matmul.h"

#include "base/numbers.h"
#include "ops/infer.h"
#include "ops/product_internal.h"
#include "ops/shape.h"

static or_status_t matmul_infer(or_op_call_t *call);
static or_cost_t matmul_cost(const or_op_call_t *call);
static or_status_t matmul_reference(or_op_call_t *call);
static or_status_t matmul_integer_infer(or_op_call_t *call);
static or_status_t matmul_integer_reference(or_op_call_t *call);

const or_op_t or_op_matmul = {
    .domain = "",
    .name = "MatMul",
    .summary = "matrix product, batched and broadcast as numpy.matmul",
    .since = {1, 9, 13},
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

const or_op_t or_op_matmul_integer = {
    .domain = "",
    .name = "MatMulInteger",
    .summary = "matrix product of 8-bit integers less their zero points, in 32 bits",
    .since = {10},
    .input_min = 2,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8),
    .infer = matmul_integer_infer,
    .cost = matmul_cost,
    .reference = matmul_integer_reference,
};

/* Extents of the operands as matrices; the batch dimensions stand before them. */
typedef struct extents_t {
  int64_t m, n, k_of_a, k_of_b;
  or_shape_t batch_of_a, batch_of_b;
} extents_t;

static extents_t extents_of(const or_shape_t *a, const or_shape_t *b) {
  extents_t extents = {.m = a->rank > 1 ? a->dims[a->rank - 2] : 1,
                       .n = b->rank > 1 ? b->dims[b->rank - 1] : 1,
                       .k_of_a = a->dims[a->rank - 1],
                       .k_of_b = b->rank > 1 ? b->dims[b->rank - 2] : b->dims[0],
                       .batch_of_a = *a,
                       .batch_of_b = *b};
  extents.batch_of_a.rank = a->rank > 1 ? a->rank - 2 : 0;
  extents.batch_of_b.rank = b->rank > 1 ? b->rank - 2 : 0;
  return extents;
}

static or_status_t infer_shape(or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape, *b = &call->inputs[1].shape;
  or_shape_t *y = &call->outputs[0].shape;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; i < 2; ++i) {
    if (call->inputs[i].shape.rank == 0) {
      return or_error(OR_INVALID_ARGUMENT, "input %u is a scalar, expected at least one dimension", i);
    }
  }
  if (a->rank < 0 || b->rank < 0) return status;

  extents_t extents = extents_of(a, b);
  int64_t k = 0;
  status = or_infer_same_extent("columns of input 0 and rows of input 1", extents.k_of_a, extents.k_of_b, &k);
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
  return or_ok(status) ? infer_shape(call) : status;
}

/* A zero point is one number, or one for each row of A (column of B). */
static or_status_t check_zero_point(const or_op_call_t *call, uint32_t index, int64_t extent) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *zero = &call->inputs[index];
  if (zero->dtype != call->inputs[index - 2].dtype) {
    return or_error(OR_INVALID_ARGUMENT, "zero point %u is %s, its operand %s", index, or_dtype_name(zero->dtype),
                    or_dtype_name(call->inputs[index - 2].dtype));
  }
  if (zero->shape.rank > 1) {
    return or_error(OR_UNIMPLEMENTED, "zero point %u has rank %d; one number, or one a row or column, is offered",
                    index, zero->shape.rank);
  }
  int64_t unused = 0;
  if (zero->shape.rank < 1 || zero->shape.dims[0] == 1) return or_status_success();
  return or_infer_same_extent("a zero point and the rows or columns of its operand", zero->shape.dims[0], extent,
                              &unused);
}

static or_status_t matmul_integer_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_INT32;
  or_dtype_t dtype = call->inputs[1].dtype;
  if (dtype != OR_INT8 && dtype != OR_UINT8)
    return or_error(OR_INVALID_ARGUMENT, "input 1 is %s, expected int8 or uint8", or_dtype_name(dtype));
  or_status_t status = infer_shape(call);
  const or_shape_t *a = &call->inputs[0].shape, *b = &call->inputs[1].shape;
  if (!or_ok(status) || a->rank < 1 || b->rank < 1) return status;
  extents_t extents = extents_of(a, b);
  status = check_zero_point(call, 2, extents.m);
  return or_ok(status) ? check_zero_point(call, 3, extents.n) : status;
}

static or_cost_t matmul_cost(const or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape;
  return or_cost_per_output(call, 2 * (double)a->dims[a->rank - 1]);
}

/* What the blocks are loaded from: A, B, C, and the zero points of A and B where they are given. */
typedef struct operands_t {
  or_matrix_t matrices[3];
  const or_op_tensor_t *zero_a, *zero_b;
} operands_t;

/* Takes a zero point off each number of a block, modulo 2^64. */
static void subtract(const or_op_tensor_t *zero, bool by_row, or_block_t block, size_t pitch, uint64_t *out) {
  bool one = zero->shape.rank == 0 || zero->shape.dims[0] == 1;
  for (size_t r = 0; r < block.rows; ++r) {
    for (size_t c = 0; c < block.columns; ++c) {
      uint64_t index = one ? 0 : by_row ? block.row + r : block.column + c;
      out[r * pitch + c] -= (uint64_t)or_element_get_int(zero->dtype, zero->data, (size_t)index);
    }
  }
}

static void load_a(const or_product_t *product, or_block_t block, void *out) {
  const operands_t *operands = product->self;
  or_matrix_load(&operands->matrices[0], product->integer, block, OR_PRODUCT_DEPTH, out);
  if (operands->zero_a != NULL) subtract(operands->zero_a, true, block, OR_PRODUCT_DEPTH, out);
}

static void load_b(const or_product_t *product, or_block_t block, void *out) {
  const operands_t *operands = product->self;
  or_matrix_load(&operands->matrices[1], product->integer, block, OR_PRODUCT_COLUMNS, out);
  if (operands->zero_b != NULL) subtract(operands->zero_b, false, block, OR_PRODUCT_COLUMNS, out);
}

static void store(const or_product_t *product, or_block_t block, void *values) {
  const operands_t *operands = product->self;
  or_matrix_store(&operands->matrices[2], product->integer, block, values);
}

static or_status_t multiply(or_op_call_t *call, const or_op_tensor_t *zero_a, const or_op_tensor_t *zero_b) {
  const or_op_tensor_t *a = &call->inputs[0], *b = &call->inputs[1], *y = &call->outputs[0];
  uint64_t count = 0;
  if (!or_shape_count(&y->shape, &count) || count == 0) return or_status_success();
  extents_t extents = extents_of(&a->shape, &b->shape);
  or_shape_t batch;
  or_status_t status = or_shape_broadcast(&extents.batch_of_a, &extents.batch_of_b, &batch);
  void *scratch = NULL;
  if (or_ok(status)) status = or_alloc(call->allocator, OR_PRODUCT_SCRATCH_BYTES, &scratch);
  if (!or_ok(status)) return status;

  uint64_t m = (uint64_t)extents.m, n = (uint64_t)extents.n, k = (uint64_t)extents.k_of_a;
  operands_t operands = {
      .matrices = {{a->dtype, a->data, 0, k, 1}, {b->dtype, b->data, 0, n, 1}, {y->dtype, y->data, 0, n, 1}},
      .zero_a = zero_a,
      .zero_b = zero_b};
  or_product_t product = {.m = m,
                          .n = n,
                          .k = k,
                          .integer = or_dtype_is_integer(a->dtype),
                          .load_a = load_a,
                          .load_b = load_b,
                          .store = store,
                          .self = &operands};
  int64_t strides_a[OR_MAX_RANK], strides_b[OR_MAX_RANK], index[OR_MAX_RANK] = {0};
  or_shape_broadcast_strides(&extents.batch_of_a, &batch, strides_a);
  or_shape_broadcast_strides(&extents.batch_of_b, &batch, strides_b);
  do {
    uint64_t at_a = 0, at_b = 0;
    for (int32_t d = 0; d < batch.rank; ++d) {
      at_a += (uint64_t)(index[d] * strides_a[d]);
      at_b += (uint64_t)(index[d] * strides_b[d]);
    }
    operands.matrices[0].first = at_a * m * k;
    operands.matrices[1].first = at_b * k * n;
    or_product_run(&product, scratch);
    operands.matrices[2].first += m * n;
  } while (or_index_next(&batch, index));
  or_free(call->allocator, scratch);
  return status;
}

static or_status_t matmul_reference(or_op_call_t *call) { return multiply(call, NULL, NULL); }

static or_status_t matmul_integer_reference(or_op_call_t *call) {
  return multiply(call, or_op_has_input(call, 2) ? &call->inputs[2] : NULL,
                  or_op_has_input(call, 3) ? &call->inputs[3] : NULL);
}
