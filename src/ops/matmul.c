#include "ops/matmul.h"

#include "base/numbers.h"
#include "ops/infer.h"
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

static or_status_t matmul_infer(or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape, *b = &call->inputs[1].shape;
  or_shape_t *y = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_infer_check_dtype(call, 1);
  if (!or_ok(status)) return status;
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

static or_cost_t matmul_cost(const or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape;
  return or_cost_per_output(call, 2 * (double)a->dims[a->rank - 1]);
}

static void load_a(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load((const or_matrix_t *)product->self, product->integer, block, OR_PRODUCT_DEPTH, out);
}

static void load_b(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load((const or_matrix_t *)product->self + 1, product->integer, block, OR_PRODUCT_COLUMNS, out);
}

static void store(const or_product_t *product, or_block_t block, void *values) {
  or_matrix_store((const or_matrix_t *)product->self + 2, product->integer, block, values);
}

static or_status_t matmul_reference(or_op_call_t *call) {
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
  or_matrix_t matrices[3] = {{a->dtype, a->data, 0, k, 1}, {b->dtype, b->data, 0, n, 1}, {y->dtype, y->data, 0, n, 1}};
  or_product_t product = {.m = m,
                          .n = n,
                          .k = k,
                          .integer = or_dtype_is_integer(a->dtype),
                          .load_a = load_a,
                          .load_b = load_b,
                          .store = store,
                          .self = matrices};
  int64_t strides_a[OR_MAX_RANK], strides_b[OR_MAX_RANK], index[OR_MAX_RANK] = {0};
  or_shape_broadcast_strides(&extents.batch_of_a, &batch, strides_a);
  or_shape_broadcast_strides(&extents.batch_of_b, &batch, strides_b);
  do {
    uint64_t at_a = 0, at_b = 0;
    for (int32_t d = 0; d < batch.rank; ++d) {
      at_a += (uint64_t)(index[d] * strides_a[d]);
      at_b += (uint64_t)(index[d] * strides_b[d]);
    }
    matrices[0].first = at_a * m * k;
    matrices[1].first = at_b * k * n;
    or_product_run(&product, scratch);
    matrices[2].first += m * n;
  } while (or_index_next(&batch, index));
  or_free(call->allocator, scratch);
  return status;
}
