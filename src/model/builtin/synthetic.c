/* Synthetic parameters. The generator is counter-based (J. K. Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011): a key from (seed, name), and per element a 32-bit mix of xor-shifts and multiplications, which
 * compilers turn into vector code. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "model/builtin/weights.h"

#define BLOCK 512u   /* elements made at once, on the stack; a constant trip count for the vectoriser */
#define GENERATOR 1u /* its number, so that a changed one changes hashes */

/* or_constant_t.source of a generated constant, in its graph's arena. */
typedef struct stream_t {
  uint32_t key[2];
  uint32_t rows, columns; /* of the constant as a matrix; the parameter itself is columns x rows if `transposed` */
  bool transposed;
  float mean, scale;
} stream_t;

static or_status_t find_synthetic(or_weight_source_t *self, or_graph_t *graph, const or_weight_request_t *request,
                                  const or_constant_t **out);
static or_status_t read_stream(const or_constant_t *constant, size_t offset, void *destination, size_t length);
static void make_block(const stream_t *stream, uint64_t first, float block[BLOCK]);

void or_synthetic_weights_init(or_synthetic_weights_t *weights, uint64_t seed) {
  *weights = (or_synthetic_weights_t){.base.find = find_synthetic, .seed = seed};
}

static uint64_t identity_of(const or_weight_request_t *request, uint64_t key) {
  uint64_t words[OR_MAX_RANK + 4] = {key, GENERATOR, request->transposed};
  memcpy(&words[3], (const float[]){request->mean, request->deviation}, 2 * sizeof(float));
  for (int32_t d = 0; d < request->shape.rank; ++d) words[4 + d] = (uint64_t)request->shape.dims[d];
  return or_hash_bytes(words, (size_t)(4 + request->shape.rank) * sizeof *words, 2);
}

static or_status_t find_synthetic(or_weight_source_t *self, or_graph_t *graph, const or_weight_request_t *request,
                                  const or_constant_t **out) {
  const or_synthetic_weights_t *weights = (const or_synthetic_weights_t *)self;
  uint64_t count = 0;
  void *source = NULL, *memory = NULL;
  *out = NULL;
  if (request->dtype != OR_FLOAT32 || !or_shape_count(&request->shape, &count) || count > OR_SYNTHETIC_MAX_ELEMENTS ||
      (request->transposed && request->shape.rank != 2)) {
    return or_error(
        OR_INVALID_ARGUMENT,
        "parameter \"%s\": only float32 of at most %llu elements is generated, and only matrices transposed",
        request->name, (unsigned long long)OR_SYNTHETIC_MAX_ELEMENTS);
  }
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(stream_t), &source);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &memory);
  if (!or_ok(status)) return status;
  uint64_t key = or_hash_bytes(request->name, strlen(request->name), weights->seed);
  stream_t *stream = source;
  or_constant_t *constant = memory;
  *stream = (stream_t){.key = {(uint32_t)key, (uint32_t)(key >> 32)},
                       .rows = 1,
                       .columns = (uint32_t)count,
                       .mean = request->mean,
                       .scale = request->deviation * sqrtf(3.0F) * 0x1p-31F};
  *constant = (or_constant_t){.dtype = OR_FLOAT32,
                              .shape = request->shape,
                              .bytes = (size_t)count * sizeof(float),
                              .hash = identity_of(request, key),
                              .read = read_stream,
                              .source = stream};
  if (request->transposed) {
    constant->shape = or_shape_make(2, (const int64_t[]){request->shape.dims[1], request->shape.dims[0]});
    stream->rows = (uint32_t)constant->shape.dims[0];
    stream->columns = (uint32_t)constant->shape.dims[1];
    stream->transposed = true;
  }
  if (constant->bytes <= OR_WEIGHT_RESIDENT_BYTES) return or_graph_constant_copy(graph, constant, out);
  *out = constant;
  return status;
}

static or_status_t read_stream(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const stream_t *stream = constant->source;
  if (offset > constant->bytes || length > constant->bytes - offset) {
    return or_error(OR_OUT_OF_RANGE, "bytes %zu to %zu of a constant asked for, which has %zu", offset, offset + length,
                    constant->bytes);
  }
  char *to = destination;
  while (length > 0) {
    /* Blocks end where rows do, so that one of a transposed matrix is an arithmetic sequence of counters. */
    float block[BLOCK];
    uint64_t first = offset / sizeof(float), column = first % stream->columns;
    uint64_t left = stream->columns - column;
    size_t skip = offset % sizeof(float);
    size_t have = (size_t)(left < BLOCK ? left : BLOCK) * sizeof(float) - skip;
    size_t part = length < have ? length : have;
    make_block(stream, first, block);
    memcpy(to, (const char *)block + skip, part);
    to += part;
    offset += part;
    length -= part;
  }
  return or_status_success();
}

/* BLOCK elements from the constant's element `first` on; those behind the end of its row are of no use. The mix is
 * Christopher Wellons' lowbias32 (https://nullprogram.com/blog/2018/07/31/, public domain) with the second half of the
 * key put in between, so that two tensors are not two windows on one sequence. */
static void make_block(const stream_t *stream, uint64_t first, float block[BLOCK]) {
  uint32_t begin = (uint32_t)first, step = 1;
  if (stream->transposed) {
    begin = (uint32_t)(first % stream->columns) * stream->rows + (uint32_t)(first / stream->columns);
    step = stream->rows;
  }
  const uint32_t low = begin + stream->key[0], high = stream->key[1];
  const float mean = stream->mean, scale = stream->scale;
  for (uint32_t i = 0; i < BLOCK; ++i) {
    uint32_t x = low + i * step;
    x ^= x >> 16;
    x *= UINT32_C(0x7feb352d);
    x ^= x >> 15;
    x += high;
    x *= UINT32_C(0x846ca68b);
    x ^= x >> 16;
    block[i] = (float)(int32_t)x * scale + mean;
  }
}
