/* A large matrix transposed as it is read: exporters leave a Transpose on weights that are also read as they are, and a
 * second copy of those would stay in memory. */
#include <string.h>

#include "base/numbers.h"
#include "graph/graph_internal.h"

#define PIECE_BYTES ((size_t)256 << 10) /* rows of the source that are in memory at once */

typedef struct transposed_t {
  const or_constant_t *source;
  const or_allocator_t *allocator;     /* the graph's, for a piece */
  size_t rows, columns, element_bytes; /* of the source */
} transposed_t;

/* Columns [first, end) of the source, which are rows of the result. */
typedef struct slice_t {
  const transposed_t *matrix;
  size_t first, end;
  size_t offset, length; /* bytes of the result that are asked for */
  char *destination;
} slice_t;

static or_status_t read_transposed(const or_constant_t *constant, size_t offset, void *destination, size_t length);
static or_status_t load_rows(const slice_t *slice, size_t row, size_t count, char *piece);
static void scatter(const slice_t *slice, size_t row, size_t count, const char *piece);
static void copy_clipped(const slice_t *slice, size_t at, const char *element);

or_status_t or_transposed_constant(or_graph_t *graph, const or_constant_t *source, const or_constant_t **out) {
  void *memory = NULL, *constant = NULL;
  *out = NULL;
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(transposed_t), &memory);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &constant);
  if (!or_ok(status)) return status;
  *(transposed_t *)memory = (transposed_t){.source = source,
                                           .allocator = graph->allocator,
                                           .rows = (size_t)source->shape.dims[0],
                                           .columns = (size_t)source->shape.dims[1],
                                           .element_bytes = or_dtype_bytes(source->dtype, 1)};
  or_shape_t shape = or_shape_make(2, (const int64_t[]){source->shape.dims[1], source->shape.dims[0]});
  *(or_constant_t *)constant = (or_constant_t){.dtype = source->dtype,
                                               .shape = shape,
                                               .bytes = source->bytes,
                                               .hash = or_hash_bytes(shape.dims, 2 * sizeof(int64_t), source->hash),
                                               .read = read_transposed,
                                               .source = memory};
  *out = constant;
  return or_status_success();
}

static or_status_t read_transposed(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const transposed_t *matrix = constant->source;
  size_t row_bytes = matrix->rows * matrix->element_bytes; /* of the result */
  if (length == 0) return or_status_success();
  slice_t slice = {.matrix = matrix,
                   .first = offset / row_bytes,
                   .end = (offset + length - 1) / row_bytes + 1,
                   .offset = offset,
                   .length = length,
                   .destination = destination};
  size_t width = (slice.end - slice.first) * matrix->element_bytes;
  size_t block = PIECE_BYTES / width > 0 ? PIECE_BYTES / width : 1;
  if (block > matrix->rows) block = matrix->rows;
  void *piece = NULL;
  or_status_t status = or_alloc(matrix->allocator, block * width, &piece);
  for (size_t row = 0; or_ok(status) && row < matrix->rows; row += block) {
    size_t count = matrix->rows - row < block ? matrix->rows - row : block;
    status = load_rows(&slice, row, count, piece);
    if (or_ok(status)) scatter(&slice, row, count, piece);
  }
  or_free(matrix->allocator, piece);
  return status;
}

static or_status_t load_rows(const slice_t *slice, size_t row, size_t count, char *piece) {
  const transposed_t *matrix = slice->matrix;
  const or_constant_t *source = matrix->source;
  size_t stride = matrix->columns * matrix->element_bytes, at = row * stride + slice->first * matrix->element_bytes;
  size_t width = (slice->end - slice->first) * matrix->element_bytes, step = width;
  size_t reads = count;
  if (width == stride) { /* whole rows lie together */
    step = count * width;
    reads = 1;
  }
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < reads; ++i) {
    if (source->data != NULL) {
      memcpy(piece + i * step, (const char *)source->data + at + i * stride, step);
    } else {
      status = source->read(source, at + i * stride, piece + i * step, step);
    }
  }
  return status;
}

static void scatter(const slice_t *slice, size_t row, size_t count, const char *piece) {
  const transposed_t *matrix = slice->matrix;
  size_t bytes = matrix->element_bytes, width = slice->end - slice->first;
  for (size_t q = 0; q < width; ++q) {
    size_t at = ((slice->first + q) * matrix->rows + row) * bytes;
    bool whole = at >= slice->offset && at + count * bytes <= slice->offset + slice->length;
    char *to = whole ? slice->destination + (at - slice->offset) : NULL;
    for (size_t i = 0; i < count; ++i) {
      const char *element = piece + (i * width + q) * bytes;
      if (!whole) {
        copy_clipped(slice, at + i * bytes, element);
      } else if (bytes == sizeof(float)) {
        memcpy(to + i * sizeof(float), element, sizeof(float));
      } else {
        memcpy(to + i * bytes, element, bytes);
      }
    }
  }
}

/* What of one element is asked for. */
static void copy_clipped(const slice_t *slice, size_t at, const char *element) {
  for (size_t b = 0; b < slice->matrix->element_bytes; ++b) {
    if (at + b < slice->offset || at + b >= slice->offset + slice->length) continue;
    slice->destination[at + b - slice->offset] = element[b];
  }
}
