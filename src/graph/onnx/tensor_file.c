/* TensorProto as a file of its own: test data and tensors given on the command line. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"
#include "graph/onnx/wire_writer.h"

#define HEADER_BYTES ((size_t)512) /* what a tensor takes besides its elements, at most */

static void copy_name(const or_wire_t *name, char *to, size_t capacity);
static void put_tensor(or_wire_writer_t *writer, const or_onnx_tensor_t *tensor);
static or_status_t read_elements(const or_allocator_t *allocator, const or_onnx_tensor_proto_t *tensor, void **out);

or_status_t or_onnx_read_tensor(const or_allocator_t *allocator, const void *bytes, size_t length,
                                or_onnx_tensor_t *out) {
  or_wire_source_t source;
  or_onnx_tensor_proto_t tensor;
  void *memory = NULL;
  *out = (or_onnx_tensor_t){.dtype = OR_DTYPE_NONE};
  or_wire_source_memory(&source, bytes, length);
  or_status_t status = or_onnx_scan_tensor(or_wire_all(&source), OR_MODEL_MAX_TENSOR_ELEMENTS, &tensor);
  if (or_ok(status) && tensor.external) {
    status = or_error(OR_PERMISSION_DENIED,
                      "its elements are external data, which is read for models only; save it with them inside");
  }
  if (or_ok(status)) status = read_elements(allocator, &tensor, &memory);
  if (!or_ok(status)) return or_status_context(status, "tensor");
  if (tensor.name.source != NULL) copy_name(&tensor.name, out->name, sizeof out->name);
  out->dtype = tensor.dtype;
  out->shape = tensor.shape;
  out->bytes = tensor.bytes;
  out->data = memory;
  return status;
}

static or_status_t read_elements(const or_allocator_t *allocator, const or_onnx_tensor_proto_t *tensor, void **out) {
  size_t total = 0;
  *out = NULL;
  if (tensor->string_bytes > OR_MODEL_MAX_STRING_BYTES || !or_add_size(tensor->bytes, tensor->string_bytes, &total)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "its strings have %llu bytes together, more than %llu, the limit",
                    (unsigned long long)tensor->string_bytes, (unsigned long long)OR_MODEL_MAX_STRING_BYTES);
  }
  or_status_t status = or_alloc(allocator, total, out);
  if (!or_ok(status)) return status;
  status = tensor->dtype == OR_STRING ? or_onnx_decode_strings(tensor, *out, (char *)*out + tensor->bytes)
                                      : or_onnx_decode_tensor(tensor, *out);
  if (or_ok(status)) return status;
  or_free(allocator, *out);
  *out = NULL;
  return status;
}

/* It decides nothing. */
static void copy_name(const or_wire_t *name, char *to, size_t capacity) {
  uint64_t length = or_wire_length(name);
  bool cut = length >= capacity;
  size_t kept = cut ? capacity - 1 : (size_t)length;
  or_status_t status = or_wire_copy_part(name, 0, to, kept);
  if (!or_ok(status)) kept = 0;
  or_status_ignore(status); /* the bytes are in memory and `kept` is within them */
  to[kept] = '\0';
  or_utf8_repair(to, strlen(to), cut);
}

or_status_t or_onnx_write_tensor(const or_allocator_t *allocator, const or_onnx_tensor_t *tensor, void **out,
                                 size_t *length) {
  or_wire_writer_t writer;
  or_wire_writer_init(&writer, allocator);
  put_tensor(&writer, tensor);
  return or_wire_writer_take(&writer, out, length);
}

static void put_tensor(or_wire_writer_t *writer, const or_onnx_tensor_t *tensor) {
  uint64_t count = 0;
  if (!or_shape_count(&tensor->shape, &count) || or_dtype_bytes(tensor->dtype, count) != tensor->bytes) {
    char text[400];
    writer->status = or_status_first(writer->status,
                                     or_error(OR_INVALID_ARGUMENT, "tensor \"%s\": %zu bytes are not what %s %s takes",
                                              tensor->name, tensor->bytes, or_dtype_name(tensor->dtype),
                                              or_shape_format(&tensor->shape, text, sizeof text)));
    return;
  }
  for (int32_t i = 0; i < tensor->shape.rank; ++i) or_wire_put_int(writer, 1, tensor->shape.dims[i]);
  or_wire_put_int(writer, 2, (int64_t)tensor->dtype);
  if (tensor->name[0] != '\0') or_wire_put_text(writer, 8, tensor->name);
  if (tensor->dtype == OR_STRING) {
    or_wire_put_strings(writer, 6, tensor->data, (size_t)count);
    return;
  }
  if (or_ok(writer->status)) writer->status = or_text_reserve(&writer->text, tensor->bytes + HEADER_BYTES);
  or_wire_put_bytes(writer, 9, tensor->data, tensor->bytes);
}
