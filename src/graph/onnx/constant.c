/* Tensors of a file as constants of the graph. Small ones, and those whose numbers lie in several fields, become
 * resident; the others stay where they are until somebody asks for them. */
#include "base/numbers.h"
#include "graph/onnx/onnx_internal.h"

/* raw_data is little-endian, as are all machines that this is built for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ONNX's raw_data would have to be swapped");

/* or_constant_t.source of a constant in a file. */
typedef struct file_range_t {
  or_file_t *file; /* the graph's */
  uint64_t offset;
} file_range_t;

static bool stays_in_file(const or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor);
static or_status_t constant_in_file(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                    const or_constant_t **out);
static or_status_t strings_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                    const or_constant_t **out);
static or_status_t read_range(const or_constant_t *constant, size_t offset, void *destination, size_t length);

or_status_t or_onnx_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                             const or_constant_t **out) {
  *out = NULL;
  if (tensor->external) return or_onnx_external_constant(reader, tensor, out);
  if (stays_in_file(reader, tensor)) return constant_in_file(reader, tensor, out);
  void *memory = NULL;
  or_constant_t *constant = NULL;
  if (tensor->dtype == OR_STRING) return strings_constant(reader, tensor, out);
  or_status_t status = or_graph_constant_begin(reader->graph, tensor->dtype, tensor->shape, &memory, &constant);
  if (or_ok(status)) status = or_onnx_decode_tensor(tensor, memory);
  if (!or_ok(status)) return status;
  or_graph_constant_end(constant);
  *out = constant;
  return status;
}

static bool stays_in_file(const or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor) {
  if (reader->file == NULL || tensor->bytes <= OR_ONNX_RESIDENT_BYTES || tensor->dtype == OR_STRING) return false;
  const bool together = tensor->number_fields == 1 && tensor->packed.source != NULL;
  return tensor->has_raw || (together && or_onnx_number_bytes(tensor->dtype) > 0);
}

static or_status_t constant_in_file(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                    const or_constant_t **out) {
  /* Packed numbers of fixed width are the bytes that raw_data would have. */
  const or_wire_t *bytes = tensor->has_raw ? &tensor->raw : &tensor->packed;
  const bool as_they_are = tensor->has_raw || tensor->dtype == OR_FLOAT32 || tensor->dtype == OR_COMPLEX64 ||
                           tensor->dtype == OR_FLOAT64 || tensor->dtype == OR_COMPLEX128;
  or_status_t status = or_graph_keep_file(reader->graph, reader->file);
  if (or_ok(status)) status = or_graph_keep_file(reader->root, reader->file);
  if (!or_ok(status)) return status;
  return as_they_are ? or_onnx_file_constant(reader, tensor, reader->file, bytes->at, out)
                     : or_onnx_numbers_constant(reader, tensor, out);
}

static or_status_t strings_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                    const or_constant_t **out) {
  or_string_t *elements = NULL;
  char *bytes = NULL;
  or_constant_t *constant = NULL;
  or_status_t status =
      or_graph_strings_begin(reader->graph, tensor->shape, tensor->string_bytes, &elements, &bytes, &constant);
  if (or_ok(status)) status = or_onnx_decode_strings(tensor, elements, bytes);
  if (!or_ok(status)) return status;
  or_graph_constant_end(constant);
  *out = constant;
  return status;
}

or_status_t or_onnx_file_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor, or_file_t *file,
                                  uint64_t offset, const or_constant_t **out) {
  or_graph_t *graph = reader->graph;
  void *range = NULL, *constant = NULL;
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(file_range_t), &range);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &constant);
  if (!or_ok(status)) return status;
  *(file_range_t *)range = (file_range_t){file, offset};
  /* The content is not read now, so its name is made of where it is. */
  const uint64_t place[] = {or_file_identity(file), offset, tensor->bytes, (uint64_t)tensor->dtype};
  *(or_constant_t *)constant = (or_constant_t){.dtype = tensor->dtype,
                                               .shape = tensor->shape,
                                               .bytes = tensor->bytes,
                                               .hash = or_hash_bytes(place, sizeof place, 1),
                                               .read = read_range,
                                               .source = range};
  *out = constant;
  return status;
}

static or_status_t read_range(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const file_range_t *range = constant->source;
  if (offset > constant->bytes || length > constant->bytes - offset) {
    return or_error(OR_OUT_OF_RANGE, "bytes %zu to %zu of a constant asked for, which has %zu", offset, offset + length,
                    constant->bytes);
  }
  or_status_t status = or_file_read_at(range->file, range->offset + offset, destination, length);
  if (or_ok(status)) or_onnx_normalize(constant->dtype, destination, length);
  return status;
}
