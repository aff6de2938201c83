/* Numbers of variable length as a constant: int32_data, int64_data, uint64_data. They are left in the file, decoded
 * straight into their place when somebody asks for them, and found by the places of some that are noted here. */
#include <string.h>

#include "base/numbers.h"
#include "graph/onnx/onnx_internal.h"

#define NOTED_EVERY ((uint64_t)16384) /* numbers from one place that is noted to the next */

/* or_constant_t.source */
typedef struct range_t {
  or_file_t *file;                 /* the graph's */
  const or_allocator_t *allocator; /* for a window */
  uint64_t *places;                /* in the file, of number 0, NOTED_EVERY, … */
  uint64_t end;
  size_t width; /* bytes that a number stands for */
} range_t;

static or_status_t note_places(const or_onnx_tensor_proto_t *tensor, range_t *range);
static or_status_t read_numbers(const or_constant_t *constant, size_t offset, void *destination, size_t length);

or_status_t or_onnx_numbers_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                     const or_constant_t **out) {
  or_graph_t *graph = reader->graph;
  void *memory = NULL, *places = NULL, *constant = NULL;
  const size_t width = or_onnx_number_bytes(tensor->dtype);
  const uint64_t count = tensor->bytes / width;
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(range_t), &memory);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &constant);
  if (or_ok(status))
    status = or_arena_array(&graph->arena, (size_t)(count / NOTED_EVERY) + 1, sizeof(uint64_t), &places);
  if (!or_ok(status)) return status;
  range_t *range = memory;
  *range = (range_t){reader->file, graph->allocator, places, tensor->packed.end, width};
  status = note_places(tensor, range);
  const uint64_t place[] = {or_file_identity(reader->file), tensor->packed.at, tensor->bytes, (uint64_t)tensor->dtype};
  *(or_constant_t *)constant = (or_constant_t){.dtype = tensor->dtype,
                                               .shape = tensor->shape,
                                               .bytes = tensor->bytes,
                                               .hash = or_hash_bytes(place, sizeof place, 2),
                                               .read = read_numbers,
                                               .source = range};
  if (or_ok(status)) *out = constant;
  return status;
}

/* Goes through all of them, so that one that its type can't hold is found while the model is read. */
static or_status_t note_places(const or_onnx_tensor_proto_t *tensor, range_t *range) {
  or_wire_t wire = tensor->packed;
  uint8_t bytes[sizeof(uint64_t)];
  uint64_t value = 0;
  or_status_t status = or_status_success();
  for (uint64_t i = 0; or_ok(status) && or_wire_length(&wire) > 0; ++i) {
    if (i % NOTED_EVERY == 0 && i * range->width < tensor->bytes) range->places[i / NOTED_EVERY] = wire.at;
    status = or_wire_scalar(&wire, OR_WIRE_VARINT, &value);
    if (or_ok(status)) status = or_onnx_put_number(tensor->dtype, value, bytes, i);
  }
  return status;
}

static or_status_t read_numbers(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const range_t *range = constant->source;
  or_wire_source_t source;
  if (offset > constant->bytes || length > constant->bytes - offset) {
    return or_error(OR_OUT_OF_RANGE, "bytes %zu to %zu of a constant asked for, which has %zu", offset, offset + length,
                    constant->bytes);
  }
  if (length == 0) return or_status_success();
  or_status_t status = or_wire_source_file(&source, range->allocator, range->file);
  const uint64_t noted = offset / range->width / NOTED_EVERY;
  or_wire_t wire = {&source, range->places[noted], range->end};
  size_t at = (size_t)(noted * NOTED_EVERY) * range->width; /* of the number at hand in the constant */
  for (uint8_t *to = destination; or_ok(status) && at < offset + length; at += range->width) {
    uint8_t bytes[sizeof(uint64_t)];
    uint64_t value = 0;
    status = or_wire_scalar(&wire, OR_WIRE_VARINT, &value);
    if (or_ok(status)) status = or_onnx_put_number(constant->dtype, value, bytes, at / range->width);
    const size_t first = at < offset ? offset - at : 0; /* of its bytes, that is asked for */
    const size_t left = offset + length - at, end = left < range->width ? left : range->width;
    if (!or_ok(status) || first >= end) continue;
    memcpy(to, bytes + first, end - first);
    to += end - first;
  }
  or_wire_source_deinit(&source);
  return status;
}
