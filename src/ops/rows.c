#include "ops/rows.h"

#include <string.h>

#include "base/numbers.h"

static bool mergeable(const or_rows_t *rows, int32_t inner, const or_rows_layout_t *layout, int32_t outer);
static void begin_row(or_rows_t *rows);
static void copy_row(const or_rows_t *rows, uint32_t bits, const uint8_t *in, uint8_t *out);

void or_rows_begin(or_rows_t *rows, const or_rows_layout_t *layout) {
  memset(rows, 0, sizeof *rows);
  rows->operand_count = layout->operand_count;
  for (int32_t i = 0; i < layout->rank; ++i) {
    if (layout->extent[i] == 0) return; /* the others' product may be anything */
  }
  rows->more = true;
  memcpy(rows->first, layout->base, sizeof rows->first);
  /* From the innermost dimension outwards; dimension 0 of `rows` is the innermost while this runs. */
  int32_t rank = 0;
  for (int32_t i = layout->rank - 1; i >= 0; --i) {
    if (layout->extent[i] == 1) continue;
    if (rank > 0 && mergeable(rows, rank - 1, layout, i)) {
      rows->extent[rank - 1] *= layout->extent[i];
      continue;
    }
    rows->extent[rank] = layout->extent[i];
    for (uint32_t k = 0; k < rows->operand_count; ++k) rows->stride[k][rank] = layout->stride[k][i];
    rank++;
  }
  rows->stop = layout->stop;
  if (rank == 0) rows->extent[0] = 1;
  begin_row(rows);
  for (uint32_t k = 0; k < rows->operand_count; ++k) rows->step[k] = rank > 0 ? rows->stride[k][0] : 1;
  rows->rank = rank;
}

static bool mergeable(const or_rows_t *rows, int32_t inner, const or_rows_layout_t *layout, int32_t outer) {
  for (uint32_t k = 0; k < rows->operand_count; ++k) {
    if (layout->stride[k][outer] != rows->stride[k][inner] * rows->extent[inner]) return false;
  }
  return true;
}

static void begin_row(or_rows_t *rows) {
  rows->length = rows->extent[0] < OR_ROWS_LONGEST ? rows->extent[0] : OR_ROWS_LONGEST;
  rows->behind = rows->extent[0] - rows->length;
}

/* The next piece of a row, or the row's beginning again. */
static void next_piece(or_rows_t *rows) {
  const int64_t moved = rows->behind > 0 ? rows->length : rows->length - rows->extent[0];
  for (uint32_t k = 0; k < rows->operand_count; ++k) rows->first[k] += rows->step[k] * moved;
  if (rows->behind == 0) {
    begin_row(rows);
    return;
  }
  rows->length = rows->behind < OR_ROWS_LONGEST ? rows->behind : OR_ROWS_LONGEST;
  rows->behind -= rows->length;
}

void or_rows_next(or_rows_t *rows) {
  rows->out += rows->length;
  if (or_stops(rows->stop, (uint64_t)rows->length)) {
    rows->more = false;
    return;
  }
  if (rows->length < rows->extent[0]) {
    const bool within = rows->behind > 0;
    next_piece(rows);
    if (within) return;
  }
  for (int32_t i = 1; i < rows->rank; ++i) {
    for (uint32_t k = 0; k < rows->operand_count; ++k) rows->first[k] += rows->stride[k][i];
    if (++rows->index[i] < rows->extent[i]) return;
    for (uint32_t k = 0; k < rows->operand_count; ++k) rows->first[k] -= rows->stride[k][i] * rows->extent[i];
    rows->index[i] = 0;
  }
  rows->more = false;
}

void or_rows_begin_broadcast(or_rows_t *rows, const or_shape_t *out, const or_shape_t *const *operands,
                             uint32_t operand_count, or_stop_t *stop) {
  or_rows_layout_t layout = {.rank = out->rank, .operand_count = operand_count, .stop = stop};
  memcpy(layout.extent, out->dims, sizeof out->dims);
  for (uint32_t k = 0; k < operand_count; ++k) {
    int64_t strides[OR_MAX_RANK];
    or_shape_broadcast_strides(operands[k], out, strides);
    memcpy(layout.stride[k], strides, (size_t)out->rank * sizeof *strides);
  }
  or_rows_begin(rows, &layout);
}

void or_rows_copy(const or_rows_layout_t *layout, uint32_t bits, const void *in, void *out) {
  or_rows_t rows;
  for (or_rows_begin(&rows, layout); rows.more; or_rows_next(&rows)) copy_row(&rows, bits, in, out);
}

/* memcpy of a constant length is one load and one store, and unlike a pointer cast it may read any type. */
#define COPY_ELEMENTS(bytes)                                                                                          \
  do {                                                                                                                \
    for (int64_t i = 0; i < rows->length; ++i) memcpy(to + i * (bytes), from + i * rows->step[0] * (bytes), (bytes)); \
  } while (0)

static void copy_row(const or_rows_t *rows, uint32_t bits, const uint8_t *in, uint8_t *out) {
  if (bits < 8) {
    for (int64_t i = 0; i < rows->length; ++i) {
      uint64_t source = (uint64_t)(rows->first[0] + i * rows->step[0]), target = (uint64_t)(rows->out + i);
      or_bits_append(bits, out, target, or_bits_get(bits, in, source));
    }
    return;
  }
  int64_t bytes = bits / 8;
  const uint8_t *from = in + rows->first[0] * bytes;
  uint8_t *to = out + rows->out * bytes;
  if (rows->step[0] == 1) {
    memcpy(to, from, (size_t)(rows->length * bytes));
    return;
  }
  switch (bytes) {
  case 1: COPY_ELEMENTS(1); break;
  case 2: COPY_ELEMENTS(2); break;
  case 4: COPY_ELEMENTS(4); break;
  case 8: COPY_ELEMENTS(8); break;
  default: COPY_ELEMENTS(16); break;
  }
}

void or_dense_strides(const or_shape_t *shape, int64_t strides[OR_MAX_RANK]) {
  uint64_t stride = 1; /* wraps only where an extent of 0 leaves no element to address */
  for (int32_t i = shape->rank - 1; i >= 0; --i) {
    strides[i] = (int64_t)stride;
    stride *= (uint64_t)shape->dims[i];
  }
}
