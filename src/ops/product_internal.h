#ifndef OR_OPS_PRODUCT_INTERNAL_H
#define OR_OPS_PRODUCT_INTERNAL_H
/* The matrix product C[m,n] = A[m,k] B[k,n] that the references of Conv, Gemm and MatMul share: block by block, in
 * double (or in 64-bit integers modulo 2^64), with operands that the caller loads and a result that it stores, so that
 * an operand need not exist as a matrix. */

#include "base/alloc.h"
#include "ops/stop.h"

/* Extents of a block. One block of A, B and C together fit the second level cache. */
#define OR_PRODUCT_ROWS 64
#define OR_PRODUCT_COLUMNS 64
#define OR_PRODUCT_DEPTH 256

typedef struct or_block_t {
  uint64_t row, column; /* of the first element */
  size_t rows, columns;
} or_block_t;

/* 8-byte numbers: double, or uint64_t where the product is of integers. */
typedef struct or_product_t {
  uint64_t m, n, k;
  bool integer;
  /* Write a block of A (B) to `out`, OR_PRODUCT_DEPTH (OR_PRODUCT_COLUMNS) numbers from row to row. */
  void (*load_a)(const struct or_product_t *product, or_block_t block, void *out);
  void (*load_b)(const struct or_product_t *product, or_block_t block, void *out);
  /* Takes a finished block of C, OR_PRODUCT_COLUMNS numbers from row to row, which it may change. */
  void (*store)(const struct or_product_t *product, or_block_t block, void *values);
  const void *self;
  or_stop_t *stop; /* NULL, or asked for every block */
} or_product_t;

/* `scratch`: OR_PRODUCT_SCRATCH_BYTES, aligned to 64. Each block of C is stored once, unless the call is
 * to stop; with k == 0 it is zero. */
void or_product_run(const or_product_t *product, void *scratch);
#define OR_PRODUCT_SCRATCH_BYTES                                                     \
  (8 * (OR_PRODUCT_ROWS * OR_PRODUCT_DEPTH + OR_PRODUCT_DEPTH * OR_PRODUCT_COLUMNS + \
        OR_PRODUCT_ROWS * OR_PRODUCT_COLUMNS))

/* A matrix in memory: element (row, column) is data[first + row * row_stride + column * column_stride]; one stride is
 * 1. */
typedef struct or_matrix_t {
  or_dtype_t dtype;
  void *data;
  uint64_t first, row_stride, column_stride;
} or_matrix_t;
/* Loads a block as `integer` says, `pitch` numbers from row to row of `out`. */
void or_matrix_load(const or_matrix_t *matrix, bool integer, or_block_t block, size_t pitch, void *out);
/* Stores a block of C (OR_PRODUCT_COLUMNS numbers a row); column_stride is 1. */
void or_matrix_store(const or_matrix_t *matrix, bool integer, or_block_t block, const void *values);

#endif
