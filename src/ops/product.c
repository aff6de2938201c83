#include "ops/product_internal.h"

#include <string.h>

#include "ops/elements.h"

#define LANES 8 /* columns that the inner loop takes at once */

static bool product_of_blocks(const or_product_t *product, or_block_t block, void *a, void *b, void *c);
static void multiply_double(size_t rows, size_t columns, size_t depth, const double *a, const double *b, double *c);
static void multiply_uint64(size_t rows, size_t columns, size_t depth, const uint64_t *a, const uint64_t *b,
                            uint64_t *c);
static size_t clamp(uint64_t left, size_t limit) { return left < limit ? (size_t)left : limit; }

void or_product_run(const or_product_t *product, void *scratch) {
  char *a = scratch;
  char *b = a + 8 * OR_PRODUCT_ROWS * OR_PRODUCT_DEPTH;
  char *c = b + 8 * OR_PRODUCT_DEPTH * OR_PRODUCT_COLUMNS;
  for (uint64_t column = 0; column < product->n; column += OR_PRODUCT_COLUMNS) {
    for (uint64_t row = 0; row < product->m; row += OR_PRODUCT_ROWS) {
      or_block_t block = {.row = row,
                          .column = column,
                          .rows = clamp(product->m - row, OR_PRODUCT_ROWS),
                          .columns = clamp(product->n - column, OR_PRODUCT_COLUMNS)};
      if (!product_of_blocks(product, block, a, b, c)) return;
      product->store(product, block, c);
    }
  }
}

/* False if it is to stop. */
static bool product_of_blocks(const or_product_t *product, or_block_t block, void *a, void *b, void *c) {
  /* Columns are rounded up to whole lanes; what lies behind the block's own is computed from zeros and never stored. */
  size_t columns = or_align_up(block.columns, LANES);
  memset(c, 0, 8 * block.rows * OR_PRODUCT_COLUMNS);
  if (columns != block.columns) memset(b, 0, 8 * OR_PRODUCT_DEPTH * OR_PRODUCT_COLUMNS);
  for (uint64_t k = 0; k < product->k; k += OR_PRODUCT_DEPTH) {
    size_t depth = clamp(product->k - k, OR_PRODUCT_DEPTH);
    product->load_a(product, (or_block_t){.row = block.row, .column = k, .rows = block.rows, .columns = depth}, a);
    product->load_b(product, (or_block_t){.row = k, .column = block.column, .rows = depth, .columns = block.columns},
                    b);
    if (product->integer) {
      multiply_uint64(block.rows, columns, depth, a, b, c);
    } else {
      multiply_double(block.rows, columns, depth, a, b, c);
    }
    if (or_stops(product->stop, block.rows * columns * depth)) return false;
  }
  return true;
}

/* c += a b, with LANES sums in registers, written out because -O2 neither unrolls nor vectorises such a loop by itself.
 * */
#define MULTIPLY(name, number)                                                                               \
  typedef number name##_pair __attribute__((vector_size(16), may_alias));                                    \
  static void name(size_t rows, size_t columns, size_t depth, const number *a, const number *b, number *c) { \
    for (size_t j = 0; j < columns; j += LANES) {                                                            \
      for (size_t i = 0; i < rows; ++i) {                                                                    \
        name##_pair *out = (name##_pair *)(void *)(c + i * OR_PRODUCT_COLUMNS + j);                          \
        name##_pair sum0 = out[0], sum1 = out[1], sum2 = out[2], sum3 = out[3];                              \
        for (size_t k = 0; k < depth; ++k) {                                                                 \
          const name##_pair *row = (const name##_pair *)(const void *)(b + k * OR_PRODUCT_COLUMNS + j);      \
          const number factor = a[i * OR_PRODUCT_DEPTH + k];                                                 \
          sum0 += factor * row[0];                                                                           \
          sum1 += factor * row[1];                                                                           \
          sum2 += factor * row[2];                                                                           \
          sum3 += factor * row[3];                                                                           \
        }                                                                                                    \
        out[0] = sum0;                                                                                       \
        out[1] = sum1;                                                                                       \
        out[2] = sum2;                                                                                       \
        out[3] = sum3;                                                                                       \
      }                                                                                                      \
    }                                                                                                        \
  }
MULTIPLY(multiply_double, double)
MULTIPLY(multiply_uint64, uint64_t)

static void load_run(const or_matrix_t *matrix, bool integer, uint64_t first, size_t count, void *out) {
  if (integer) {
    or_elements_load_int(matrix->dtype, matrix->data, first, count, out);
  } else {
    or_elements_load(matrix->dtype, matrix->data, first, count, out);
  }
}

void or_matrix_load(const or_matrix_t *matrix, bool integer, or_block_t block, size_t pitch, void *out) {
  uint64_t first = matrix->first + block.row * matrix->row_stride + block.column * matrix->column_stride;
  char *to = out;
  if (matrix->column_stride == 1) {
    for (size_t i = 0; i < block.rows; ++i) {
      load_run(matrix, integer, first + i * matrix->row_stride, block.columns, to + 8 * i * pitch);
    }
    return;
  }
  union {
    double real[OR_PRODUCT_DEPTH];
    uint64_t integer[OR_PRODUCT_DEPTH];
  } column;
  for (size_t j = 0; j < block.columns; ++j) {
    load_run(matrix, integer, first + j * matrix->column_stride, block.rows, &column);
    for (size_t i = 0; i < block.rows; ++i) memcpy(to + 8 * (i * pitch + j), &column.integer[i], 8);
  }
}

void or_matrix_store(const or_matrix_t *matrix, bool integer, or_block_t block, const void *values) {
  uint64_t first = matrix->first + block.row * matrix->row_stride + block.column;
  const char *from = values;
  for (size_t i = 0; i < block.rows; ++i, first += matrix->row_stride, from += 8 * OR_PRODUCT_COLUMNS) {
    if (integer) {
      or_elements_store_int(matrix->dtype, matrix->data, first, block.columns, (const void *)from);
    } else {
      or_elements_store(matrix->dtype, matrix->data, first, block.columns, (const void *)from);
    }
  }
}
