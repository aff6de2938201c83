/* TensorProto as a file of its own: test data and tensors given on the command line. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"
#include "graph/onnx/wire_writer.h"

#define HEADER_BYTES ((size_t)512) /* what a tensor takes besides its elements, at most */

static void copy_name(const or_wire_t *name, char *to, size_t capacity);

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
  if (or_ok(status)) status = or_alloc(allocator, tensor.bytes, &memory);
  if (or_ok(status)) status = or_onnx_decode_tensor(&tensor, memory);
  if (!or_ok(status)) {
    or_free(allocator, memory);
    return or_status_context(status, "tensor");
  }
  if (tensor.name.source != NULL) copy_name(&tensor.name, out->name, sizeof out->name);
  out->dtype = tensor.dtype;
  out->shape = tensor.shape;
  out->bytes = tensor.bytes;
  out->data = memory;
  return status;
}

/* As much of the name as there is room for; it decides nothing. */
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
  uint64_t count = 0;
  *out = NULL;
  *length = 0;
  if (tensor->dtype == OR_STRING)
    return or_error(OR_UNIMPLEMENTED, "tensor \"%s\": tensors of strings are not supported", tensor->name);
  if (!or_shape_count(&tensor->shape, &count) || or_dtype_bytes(tensor->dtype, count) != tensor->bytes) {
    char text[400];
    return or_error(OR_INVALID_ARGUMENT, "tensor \"%s\": %zu bytes are not what %s %s takes", tensor->name,
                    tensor->bytes, or_dtype_name(tensor->dtype), or_shape_format(&tensor->shape, text, sizeof text));
  }
  or_wire_writer_t writer;
  or_wire_writer_init(&writer, allocator);
  writer.status = or_text_reserve(&writer.text, tensor->bytes + HEADER_BYTES);
  for (int32_t i = 0; i < tensor->shape.rank; ++i) or_wire_put_int(&writer, 1, tensor->shape.dims[i]);
  or_wire_put_int(&writer, 2, (int64_t)tensor->dtype);
  if (tensor->name[0] != '\0') or_wire_put_text(&writer, 8, tensor->name);
  or_wire_put_bytes(&writer, 9, tensor->data, tensor->bytes);
  if (or_ok(writer.status)) {
    *out = writer.text.data;
    *length = writer.text.length;
    or_text_init(&writer.text, allocator); /* the caller's now */
  }
  return or_wire_writer_deinit(&writer);
}
