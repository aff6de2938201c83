#include "ops/gemm.h"

#include <math.h>

#include "base/numbers.h"
#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/product_internal.h"
#include "ops/shape.h"

static or_status_t gemm_infer(or_op_call_t *call);
static or_cost_t gemm_cost(const or_op_call_t *call);
static or_status_t gemm_reference(or_op_call_t *call);

const or_op_t or_op_gemm = {
    .domain = "",
    .name = "Gemm",
    .summary = "alpha A B + beta C on matrices, each of A and B transposed or not",
    .since = {1, 6, 7, 9, 11, 13},
    .changes = {{9, OR_OP_WIDE_INTS, 0}, OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_DTYPE_BIT(OR_UINT32) |
              OR_DTYPE_BIT(OR_UINT64),
    .attributes = {{"alpha", OR_ATTRIBUTE_FLOAT, false},
                   {"beta", OR_ATTRIBUTE_FLOAT, false},
                   {"transA", OR_ATTRIBUTE_INT, false},
                   {"transB", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = gemm_infer,
    .cost = gemm_cost,
    .reference = gemm_reference,
};

static bool transposed(const or_op_call_t *call, const char *name) { return or_op_attribute_int(call, name, 0) != 0; }

static or_status_t gemm_infer(or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape, *b = &call->inputs[1].shape;
  or_shape_t *y = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (call->node->version < 11 && !or_op_has_input(call, 2)) {
    return or_error(OR_INVALID_ARGUMENT, "input 2 is left out, which Gemm allows from version 11 on");
  }
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status)) status = or_infer_check_dtype(call, 2);
  if (or_ok(status)) status = or_infer_check_rank(call, 0, 2);
  if (or_ok(status)) status = or_infer_check_rank(call, 1, 2);
  if (!or_ok(status)) return status;

  int a_k = transposed(call, "transA") ? 0 : 1, b_k = transposed(call, "transB") ? 1 : 0;
  y->rank = 2;
  y->dims[0] = a->rank == 2 ? a->dims[1 - a_k] : OR_DIM_UNKNOWN;
  y->dims[1] = b->rank == 2 ? b->dims[1 - b_k] : OR_DIM_UNKNOWN;
  int64_t k = 0;
  if (a->rank == 2 && b->rank == 2) {
    status = or_infer_same_extent("columns of A and rows of B", a->dims[a_k], b->dims[b_k], &k);
  }
  if (or_ok(status)) status = or_infer_check_broadcast(call, 2, y);
  return status;
}

static or_cost_t gemm_cost(const or_op_call_t *call) {
  double k = (double)call->inputs[0].shape.dims[transposed(call, "transA") ? 0 : 1];
  return or_cost_per_output(call, 2 * k + (or_op_has_input(call, 2) ? 2 : 0));
}

typedef struct gemm_t {
  or_matrix_t a, b, y;
  const or_op_tensor_t *c; /* NULL if there is none */
  uint64_t c_row_stride, c_column_stride;
  double alpha, beta;
} gemm_t;

static void load_a(const or_product_t *product, or_block_t block, void *out);
static void load_b(const or_product_t *product, or_block_t block, void *out);
static void store(const or_product_t *product, or_block_t block, void *values);
static void scale_row(const gemm_t *gemm, uint64_t first, size_t count, double *row);
static void scale_row_int(const gemm_t *gemm, uint64_t first, size_t count, uint64_t *row);

static or_matrix_t matrix_of(const or_op_tensor_t *tensor, bool transpose) {
  uint64_t columns = (uint64_t)tensor->shape.dims[1];
  return (or_matrix_t){tensor->dtype, tensor->data, 0, transpose ? 1 : columns, transpose ? columns : 1};
}

static or_status_t gemm_reference(or_op_call_t *call) {
  const or_op_tensor_t *a = &call->inputs[0], *y = &call->outputs[0];
  gemm_t gemm = {.a = matrix_of(a, transposed(call, "transA")),
                 .b = matrix_of(&call->inputs[1], transposed(call, "transB")),
                 .y = matrix_of(y, false),
                 .alpha = (double)or_op_attribute_float(call, "alpha", 1),
                 .beta = (double)or_op_attribute_float(call, "beta", 1)};
  if (or_op_has_input(call, 2)) {
    int64_t strides[OR_MAX_RANK];
    gemm.c = &call->inputs[2];
    or_shape_broadcast_strides(&gemm.c->shape, &y->shape, strides);
    gemm.c_row_stride = (uint64_t)strides[0];
    gemm.c_column_stride = (uint64_t)strides[1];
  }
  void *scratch = NULL;
  or_status_t status = or_alloc(call->allocator, OR_PRODUCT_SCRATCH_BYTES, &scratch);
  if (!or_ok(status)) return status;
  or_product_t product = {.m = (uint64_t)y->shape.dims[0],
                          .n = (uint64_t)y->shape.dims[1],
                          .k = (uint64_t)a->shape.dims[transposed(call, "transA") ? 0 : 1],
                          .integer = or_dtype_is_integer(y->dtype),
                          .load_a = load_a,
                          .load_b = load_b,
                          .store = store,
                          .self = &gemm,
                          .stop = call->stop};
  or_product_run(&product, scratch);
  or_free(call->allocator, scratch);
  return status;
}

static void load_a(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load(&((const gemm_t *)product->self)->a, product->integer, block, OR_PRODUCT_DEPTH, out);
}

static void load_b(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load(&((const gemm_t *)product->self)->b, product->integer, block, OR_PRODUCT_COLUMNS, out);
}

static void store(const or_product_t *product, or_block_t block, void *values) {
  const gemm_t *gemm = product->self;
  for (size_t i = 0; i < block.rows; ++i) {
    uint64_t first = (block.row + i) * gemm->c_row_stride + block.column * gemm->c_column_stride;
    if (product->integer) {
      scale_row_int(gemm, first, block.columns, (uint64_t *)values + i * OR_PRODUCT_COLUMNS);
    } else {
      scale_row(gemm, first, block.columns, (double *)values + i * OR_PRODUCT_COLUMNS);
    }
  }
  or_matrix_store(&gemm->y, product->integer, block, values);
}

/* row = alpha row + beta c, c from element `first` on. */
static void scale_row(const gemm_t *gemm, uint64_t first, size_t count, double *row) {
  double c[OR_PRODUCT_COLUMNS];
  for (size_t j = 0; j < count; ++j) row[j] *= gemm->alpha;
  if (gemm->c == NULL) return;
  or_elements_load(gemm->c->dtype, gemm->c->data, first, gemm->c_column_stride == 0 ? 1 : count, c);
  for (size_t j = 0; j < count; ++j) row[j] += gemm->beta * c[gemm->c_column_stride == 0 ? 0 : j];
}

static bool is_whole(double value) { return value == trunc(value) && fabs(value) < 0x1p53; }

static void scale_row_int(const gemm_t *gemm, uint64_t first, size_t count, uint64_t *row) {
  uint64_t c[OR_PRODUCT_COLUMNS] = {0};
  bool one = gemm->c_column_stride == 0;
  if (gemm->c != NULL) or_elements_load_int(gemm->c->dtype, gemm->c->data, first, one ? 1 : count, c);
  if (is_whole(gemm->alpha) && is_whole(gemm->beta)) {
    uint64_t alpha = (uint64_t)(int64_t)gemm->alpha, beta = (uint64_t)(int64_t)gemm->beta;
    for (size_t j = 0; j < count; ++j) row[j] = alpha * row[j] + beta * c[one ? 0 : j];
    return;
  }
  bool is_signed = or_dtype_is_signed(gemm->y.dtype);
  for (size_t j = 0; j < count; ++j) {
    uint64_t addend = c[one ? 0 : j];
    double product = is_signed ? (double)(int64_t)row[j] : (double)row[j];
    double result = gemm->alpha * product + gemm->beta * (is_signed ? (double)(int64_t)addend : (double)addend);
    uint64_t bits = 0; /* NaN, and what no 64-bit integer holds, are zero */
    /* cppcheck-suppress incorrectLogicOperator ; it reads 0x1p63 as a whole number */
    if (result > -0x1p63 && result < 0x1p63) {
      bits = (uint64_t)(int64_t)result;
    } else if (result >= 0x1p63 && result < 0x1p64) {
      bits = (uint64_t)result;
    }
    row[j] = bits;
  }
}
