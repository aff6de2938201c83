/* SparseTensorProto: elements that are not zero, and where they are. Made dense while it is read: no operator of the
 * standard takes a sparse tensor. */
#include <assert.h>
#include <string.h>

#include "base/numbers.h"
#include "graph/onnx/onnx_internal.h"

typedef struct sparse_t {
  or_wire_t values, indices;
  or_shape_t shape; /* of the dense tensor */
} sparse_t;

static or_status_t scan(or_wire_t message, sparse_t *out);
static or_status_t read_part(or_onnx_reader_t *reader, or_wire_t message, const char *what, const or_constant_t **out);
static or_status_t check(const sparse_t *sparse, const or_constant_t *values, const or_constant_t *indices);
static or_status_t reserve(or_onnx_reader_t *reader, const sparse_t *sparse, or_dtype_t dtype, void **memory,
                           or_constant_t **out);
static or_status_t scatter(const sparse_t *sparse, const or_constant_t *values, const void *from,
                           const or_constant_t *indices, const int64_t *places, void *to);

or_status_t or_onnx_sparse_constant(or_onnx_reader_t *reader, or_wire_t message, const or_constant_t **out) {
  sparse_t sparse = {.values.source = NULL};
  const or_constant_t *values = NULL, *indices = NULL;
  or_constant_t *dense = NULL;
  void *memory = NULL, *scratch[2] = {NULL, NULL};
  size_t capacity[2] = {0, 0};
  const void *from = NULL, *places = NULL;
  *out = NULL;
  or_status_t status = scan(message, &sparse);
  if (or_ok(status)) status = read_part(reader, sparse.values, "values", &values);
  if (or_ok(status)) status = read_part(reader, sparse.indices, "indices", &indices);
  assert(!or_ok(status) || (values != NULL && indices != NULL));
  if (or_ok(status)) status = check(&sparse, values, indices);
  if (or_ok(status)) status = reserve(reader, &sparse, values->dtype, &memory, &dense);
  if (or_ok(status)) status = or_constant_bytes(values, reader->allocator, &scratch[0], &capacity[0], &from);
  if (or_ok(status)) status = or_constant_bytes(indices, reader->allocator, &scratch[1], &capacity[1], &places);
  if (or_ok(status)) status = scatter(&sparse, values, from, indices, places, memory);
  for (size_t i = 0; i < 2; ++i) or_free(reader->allocator, scratch[i]);
  if (!or_ok(status)) return status;
  or_graph_constant_end(dense);
  *out = dense;
  return status;
}

static or_status_t scan(or_wire_t message, sparse_t *out) {
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "SparseTensorProto.values");
      out->values = field.bytes;
      break;
    case 2:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "SparseTensorProto.indices");
      out->indices = field.bytes;
      break;
    case 3: status = or_onnx_scan_dims(&field, &out->shape); break;
    default: break;
    }
  }
  if (or_ok(status) && (out->values.source == NULL || out->indices.source == NULL))
    status = or_error(OR_INVALID_ARGUMENT, "it has no %s", out->values.source == NULL ? "values" : "indices");
  return status;
}

static or_status_t read_part(or_onnx_reader_t *reader, or_wire_t message, const char *what, const or_constant_t **out) {
  or_onnx_tensor_proto_t tensor;
  or_status_t status = or_onnx_scan_tensor(message, reader->graph->limits.tensor_elements, &tensor);
  if (or_ok(status)) status = or_onnx_count_bytes(reader, tensor.bytes);
  if (or_ok(status)) status = or_onnx_constant(reader, &tensor, out);
  return or_status_context(status, "its %s", what);
}

static or_status_t check(const sparse_t *sparse, const or_constant_t *values, const or_constant_t *indices) {
  char text[400], other[400];
  const or_shape_t *at = &indices->shape;
  if (values->dtype == OR_STRING)
    return or_error(OR_UNIMPLEMENTED, "it is a sparse tensor of strings, which is not supported");
  bool fits = indices->dtype == OR_INT64 && values->shape.rank == 1 && (at->rank == 1 || at->rank == 2) &&
              at->dims[0] == values->shape.dims[0] && (at->rank == 1 || at->dims[1] == sparse->shape.rank);
  if (fits) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "values of shape %s at indices of %s %s: expected [n] and int64 [n] or [n,%d]",
                  or_shape_format(&values->shape, text, sizeof text), or_dtype_name(indices->dtype),
                  or_shape_format(at, other, sizeof other), sparse->shape.rank);
}

static or_status_t reserve(or_onnx_reader_t *reader, const sparse_t *sparse, or_dtype_t dtype, void **memory,
                           or_constant_t **out) {
  uint64_t count = 0;
  char text[400];
  or_status_t status = or_onnx_check_shape(&sparse->shape, reader->graph->limits.tensor_elements);
  if (!or_ok(status)) return status;
  (void)or_shape_count(&sparse->shape, &count); /* checked above */
  size_t bytes = or_dtype_bytes(dtype, count);
  if (bytes > OR_ONNX_MAX_DENSE_BYTES - reader->dense_bytes) {
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "%s %s is %zu bytes when it is dense, with the %llu of those before more than %zu, the limit",
                    or_dtype_name(dtype), or_shape_format(&sparse->shape, text, sizeof text), bytes,
                    (unsigned long long)reader->dense_bytes, OR_ONNX_MAX_DENSE_BYTES);
  }
  reader->dense_bytes += bytes;
  status = or_onnx_count_bytes(reader, bytes);
  return or_ok(status) ? or_graph_constant_begin(reader->graph, dtype, sparse->shape, memory, out) : status;
}

/* Index `i` as the place of an element in row-major order. False: it is outside. */
static bool place_of(const sparse_t *sparse, const or_constant_t *indices, const int64_t *places, uint64_t i,
                     uint64_t total, uint64_t *out) {
  if (indices->shape.rank == 1) {
    *out = (uint64_t)places[i];
    return places[i] >= 0 && *out < total;
  }
  *out = 0;
  for (int32_t d = 0; d < sparse->shape.rank; ++d) {
    const int64_t index = places[i * (uint64_t)sparse->shape.rank + (uint64_t)d];
    if (index < 0 || index >= sparse->shape.dims[d]) return false;
    *out = *out * (uint64_t)sparse->shape.dims[d] + (uint64_t)index;
  }
  return true;
}

/* In ascending order, as the standard wants them: so none is there twice. */
static or_status_t scatter(const sparse_t *sparse, const or_constant_t *values, const void *from,
                           const or_constant_t *indices, const int64_t *places, void *to) {
  const uint32_t bits = or_dtype_bits(values->dtype);
  const uint64_t count = (uint64_t)values->shape.dims[0];
  uint64_t total = 0, place = 0, next = 0;
  char text[400];
  (void)or_shape_count(&sparse->shape, &total); /* checked when memory was reserved */
  for (uint64_t i = 0; i < count; ++i) {
    if (!place_of(sparse, indices, places, i, total, &place))
      return or_error(OR_INVALID_ARGUMENT, "index %llu is outside of shape %s", (unsigned long long)i,
                      or_shape_format(&sparse->shape, text, sizeof text));
    if (place < next)
      return or_error(OR_INVALID_ARGUMENT, "index %llu is not behind the one before it", (unsigned long long)i);
    next = place + 1;
    if (bits < 8) {
      or_bits_set(bits, to, place, or_bits_get(bits, from, i));
    } else {
      memcpy((char *)to + place * (bits / 8), (const char *)from + i * (bits / 8), bits / 8);
    }
  }
  return or_status_success();
}
