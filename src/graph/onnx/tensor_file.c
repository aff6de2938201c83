/* TensorProto as a file of its own: test data and tensors given on the command line. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

#define MAX_VARINT_BYTES 10

static void copy_name(const or_wire_t *name, char *to, size_t capacity);
static void put_varint(or_text_t *text, or_status_t *status, uint64_t value);
static void put_field(or_text_t *text, or_status_t *status, uint32_t number, or_wire_type_t type, uint64_t value);
static void put_bytes(or_text_t *text, or_status_t *status, const void *bytes, size_t length);

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
  or_text_t text;
  or_text_init(&text, allocator);
  or_status_t status =
      or_text_reserve(&text, tensor->bytes + sizeof tensor->name + MAX_VARINT_BYTES * (OR_MAX_RANK + 8) * 2);
  for (int32_t i = 0; i < tensor->shape.rank; ++i)
    put_field(&text, &status, 1, OR_WIRE_VARINT, (uint64_t)tensor->shape.dims[i]);
  put_field(&text, &status, 2, OR_WIRE_VARINT, (uint64_t)tensor->dtype);
  if (tensor->name[0] != '\0') {
    put_field(&text, &status, 8, OR_WIRE_BYTES, strlen(tensor->name));
    put_bytes(&text, &status, tensor->name, strlen(tensor->name));
  }
  put_field(&text, &status, 9, OR_WIRE_BYTES, tensor->bytes);
  put_bytes(&text, &status, tensor->data, tensor->bytes);
  if (!or_ok(status)) {
    or_text_deinit(&text);
    return status;
  }
  *out = text.data;
  *length = text.length;
  return status;
}

static void put_field(or_text_t *text, or_status_t *status, uint32_t number, or_wire_type_t type, uint64_t value) {
  put_varint(text, status, (uint64_t)number << 3 | (uint64_t)type);
  put_varint(text, status, value);
}

static void put_varint(or_text_t *text, or_status_t *status, uint64_t value) {
  char bytes[MAX_VARINT_BYTES];
  size_t length = 0;
  do {
    bytes[length] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    ++length;
    value >>= 7;
  } while (value != 0);
  put_bytes(text, status, bytes, length);
}

static void put_bytes(or_text_t *text, or_status_t *status, const void *bytes, size_t length) {
  if (or_ok(*status) && length > 0) *status = or_text_append(text, bytes, length);
}
