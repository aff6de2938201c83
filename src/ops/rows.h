#ifndef OR_OPS_ROWS_H
#define OR_OPS_ROWS_H
/* Walks operands of different strides in step, one row of the (dense, row-major) output at a time. Neighbouring
 * dimensions are merged where every operand allows it, so that a row is as long as can be; one that is longer than
 * OR_ROWS_LONGEST comes in pieces. */

#include "ops/shape.h"
#include "ops/stop.h"

#define OR_ROWS_MAX_RANK (2 * OR_MAX_RANK) /* Tile sees each dimension as two */
#define OR_ROWS_MAX_OPERANDS 3
#define OR_ROWS_LONGEST ((int64_t)1 << 16) /* elements; a multiple of OR_LANES */

typedef struct or_rows_t {
  bool more;                           /* the row below is to be done; false too where the call is to stop */
  int64_t length;                      /* elements of a row */
  int64_t out;                         /* the row's first element in the output */
  int64_t first[OR_ROWS_MAX_OPERANDS]; /* the same in each operand … */
  int64_t step[OR_ROWS_MAX_OPERANDS];  /* … and the distance to the next element, which may be 0 or negative */
  /* The dimensions outside the row; private. */
  or_stop_t *stop;
  int64_t behind; /* of a row in pieces: elements behind this one */
  uint32_t operand_count;
  int32_t rank;
  int64_t extent[OR_ROWS_MAX_RANK], index[OR_ROWS_MAX_RANK];
  int64_t stride[OR_ROWS_MAX_OPERANDS][OR_ROWS_MAX_RANK];
} or_rows_t;

/* The first row of an output with `rank` extents; operand k starts at element base[k] (base NULL: 0) and has
 * stride[k][i] along dimension i. rank <= OR_ROWS_MAX_RANK, operand_count <= OR_ROWS_MAX_OPERANDS. */
typedef struct or_rows_layout_t {
  int32_t rank;
  uint32_t operand_count;
  int64_t base[OR_ROWS_MAX_OPERANDS];
  int64_t extent[OR_ROWS_MAX_RANK];
  int64_t stride[OR_ROWS_MAX_OPERANDS][OR_ROWS_MAX_RANK];
  or_stop_t *stop; /* of the call, or NULL */
} or_rows_layout_t;
void or_rows_begin(or_rows_t *rows, const or_rows_layout_t *layout);
void or_rows_next(or_rows_t *rows);

/* or_rows_begin for operands that are broadcast to `out` (static shapes). */
void or_rows_begin_broadcast(or_rows_t *rows, const or_shape_t *out, const or_shape_t *const *operands,
                             uint32_t operand_count, or_stop_t *stop);

/* Copies every row of operand 0 to dense `out`, elements of `bits` (2, 4, 6, 8, 16, 32, 64, 128) each. */
void or_rows_copy(const or_rows_layout_t *layout, uint32_t bits, const void *in, void *out);
/* Strides in elements of a dense row-major static shape. */
void or_dense_strides(const or_shape_t *shape, int64_t strides[OR_MAX_RANK]);

#endif
