#ifndef OR_OPS_MATMUL_INTERNAL_H
#define OR_OPS_MATMUL_INTERNAL_H
/* The product of MatMul for operators that do more to its operands and its result. */

#include "ops/op.h"

/* Extents of the operands as matrices; the batch dimensions stand before them. */
typedef struct or_matmul_extents_t {
  int64_t m, n, k_of_a, k_of_b;
  or_shape_t batch_of_a, batch_of_b;
} or_matmul_extents_t;
/* Ranks at least 1. */
or_matmul_extents_t or_matmul_extents(const or_shape_t *a, const or_shape_t *b);
/* Inputs `a` and `b` of the call, whose numbers messages name. INVALID_ARGUMENT: a scalar, extents that differ. */
or_status_t or_matmul_infer_shape(const or_op_call_t *call, uint32_t a, uint32_t b, or_shape_t *y);

/* A number for all of an operand, or one for each row of A (column of B): of every matrix the same, or not. */
typedef struct or_matmul_parameter_t {
  const or_op_tensor_t *tensor; /* NULL: none */
  int64_t stride, batch_strides[OR_MAX_RANK];
  uint64_t first; /* of the matrix at hand */
} or_matmul_parameter_t;
/* What input `index` may be beside operand `of`, as the parameter of rows (or columns). INVALID_ARGUMENT: its shape is
 * neither of one element, nor one dimension of as many, nor the operand's with 1 for the other extent. */
or_status_t or_matmul_check_parameter(const or_op_call_t *call, uint32_t index, uint32_t of, bool of_rows);

typedef struct or_matmul_t {
  const or_op_tensor_t *a, *b, *y;
  bool integer;                           /* of 64-bit integers, modulo 2^64: no zero points; else of doubles */
  or_matmul_parameter_t zero_a, zero_b;   /* taken off a and b */
  or_matmul_parameter_t scale_a, scale_b; /* for `store` */
  /* NULL, or takes elements first .. first + count - 1 of y, which lie in row `row` of a matrix from `column` on; may
   * change them. */
  void (*store)(const struct or_matmul_t *matmul, uint64_t row, uint64_t column, uint64_t first, size_t count,
                double *values);
  const void *self;
} or_matmul_t;
/* Static shapes; of the parameters the tensors are given. RESOURCE_EXHAUSTED: scratch. */
or_status_t or_matmul_run(const or_op_call_t *call, or_matmul_t *matmul);
/* Element `at` along the rows or columns of the matrix at hand; `fallback` where there is none. */
double or_matmul_parameter(const or_matmul_parameter_t *parameter, uint64_t at, double fallback);

#endif
