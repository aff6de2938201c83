/* TensorProto: extents, element type, and elements in one of several fields. */
#include <string.h>

#include "base/numbers.h"
#include "graph/onnx/onnx_internal.h"

/* Where elements of a type are if they are not in raw_data, and how. */
typedef struct storage_t {
  const char *name;
  uint32_t field;
  or_wire_type_t type;
  uint32_t bytes_each; /* that one number stands for: a complex element takes two, two 4-bit elements share one; 0: one
                          6-bit element */
} storage_t;

static const storage_t *storage_of(or_dtype_t dtype);
static or_status_t scan_field(const or_wire_field_t *field, uint64_t counts[12], or_onnx_tensor_proto_t *out,
                              int64_t *number);
static or_status_t check_sizes(const or_onnx_tensor_proto_t *tensor, const uint64_t counts[12]);
static uint64_t numbers_of(const or_onnx_tensor_proto_t *tensor);
static or_status_t put_at(or_dtype_t dtype, uint64_t value, uint8_t *memory, uint64_t index);

static const char *field_name(uint32_t field) {
  static const char *const names[] = {
      [4] = "TensorProto.float_data", [5] = "TensorProto.int32_data",   [6] = "TensorProto.string_data",
      [7] = "TensorProto.int64_data", [10] = "TensorProto.double_data", [11] = "TensorProto.uint64_data"};
  return names[field];
}

or_status_t or_onnx_scan_tensor(or_wire_t message, uint64_t max_elements, or_onnx_tensor_proto_t *out) {
  *out = (or_onnx_tensor_proto_t){.message = message};
  uint64_t counts[12] = {0}; /* numbers in each field of elements, by field number */
  int64_t number = 0;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) status = scan_field(&field, counts, out, &number);
  if (or_ok(status)) status = or_onnx_dtype(number, &out->dtype);
  if (or_ok(status) && out->dtype == OR_STRING && (out->external || out->has_raw))
    status = or_error(OR_INVALID_ARGUMENT, "strings are in TensorProto.string_data, and these are in %s",
                      out->external ? "external data" : "raw_data");
  if (or_ok(status)) status = or_onnx_check_shape(&out->shape, max_elements);
  if (!or_ok(status)) return status;

  uint64_t count = 0;
  (void)or_shape_count(&out->shape, &count); /* static and within max_elements */
  out->bytes = or_dtype_bytes(out->dtype, count);
  if (out->bytes == SIZE_MAX) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%llu elements of %s exceed the address space", (unsigned long long)count,
                    or_dtype_name(out->dtype));
  }
  return out->external ? status : check_sizes(out, counts);
}

static or_status_t scan_field(const or_wire_field_t *field, uint64_t counts[12], or_onnx_tensor_proto_t *out,
                              int64_t *number) {
  static const or_wire_type_t types[12] = {[4] = OR_WIRE_FIXED32, [10] = OR_WIRE_FIXED64};
  int64_t location = 0;
  uint64_t count = 0;
  or_status_t status = or_status_success();
  switch (field->number) {
  case 1: return or_onnx_scan_dims(field, &out->shape);
  case 2: return or_onnx_read_int(field, "TensorProto.data_type", number);
  case 3: return or_error(OR_UNIMPLEMENTED, "it is a segment of a tensor, which is not supported");
  case 4:
  case 5:
  case 7:
  case 10:
  case 11:
    status = or_wire_count(field, types[field->number], field_name(field->number), &count);
    counts[field->number] += count;
    ++out->number_fields;
    if (field->type == OR_WIRE_BYTES) out->packed = field->bytes;
    return status;
  case 6:
    ++counts[6];
    out->string_bytes += or_wire_length(&field->bytes); /* each is a part of the file */
    return or_wire_expect(field, OR_WIRE_BYTES, field_name(6));
  case 8: out->name = field->bytes; return or_wire_expect(field, OR_WIRE_BYTES, "TensorProto.name");
  case 9:
    out->raw = field->bytes;
    out->has_raw = true;
    return or_wire_expect(field, OR_WIRE_BYTES, "TensorProto.raw_data");
  case 14:
    status = or_onnx_read_int(field, "TensorProto.data_location", &location);
    out->external = location == 1;
    if (or_ok(status) && location != 0 && location != 1) {
      status = or_error(OR_INVALID_ARGUMENT, "its elements are at location %lld; known are 0 (here) and 1 (external)",
                        (long long)location);
    }
    return status;
  default: return status;
  }
}

or_status_t or_onnx_scan_dims(const or_wire_field_t *field, or_shape_t *shape) {
  uint64_t count = 0, dim = 0;
  bool more = true;
  or_status_t status = or_wire_count(field, OR_WIRE_VARINT, "TensorProto.dims", &count);
  or_wire_numbers_t numbers = or_wire_numbers(field, OR_WIRE_VARINT);
  while (or_ok(status)) {
    status = or_wire_numbers_next(&numbers, &dim, &more);
    if (!or_ok(status) || !more) break;
    if ((int64_t)dim < 0) return or_error(OR_INVALID_ARGUMENT, "extent %d is %lld", (int)shape->rank, (long long)dim);
    if (shape->rank == OR_MAX_RANK)
      return or_error(OR_RESOURCE_EXHAUSTED, "more than %d dimensions, the limit", OR_MAX_RANK);
    shape->dims[shape->rank++] = (int64_t)dim;
  }
  return status;
}

static or_status_t check_sizes(const or_onnx_tensor_proto_t *tensor, const uint64_t counts[12]) {
  const storage_t *storage = storage_of(tensor->dtype);
  char text[400];
  (void)or_shape_format(&tensor->shape, text, sizeof text);
  for (uint32_t f = 0; f < 12; ++f) {
    if (counts[f] == 0 || (f == storage->field && !tensor->has_raw)) continue;
    return or_error(OR_INVALID_ARGUMENT, "%llu elements of %s are in %s, where they do not belong",
                    (unsigned long long)counts[f], or_dtype_name(tensor->dtype), field_name(f));
  }
  if (tensor->has_raw) {
    if (or_wire_length(&tensor->raw) == tensor->bytes) return or_status_success();
    return or_error(OR_INVALID_ARGUMENT, "%s %s needs %zu bytes, and raw_data has %llu", or_dtype_name(tensor->dtype),
                    text, tensor->bytes, (unsigned long long)or_wire_length(&tensor->raw));
  }
  uint64_t needed = numbers_of(tensor);
  if (counts[storage->field] == needed) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "%s %s needs %llu %s, and %s has %llu", or_dtype_name(tensor->dtype), text,
                  (unsigned long long)needed, tensor->dtype == OR_STRING ? "strings" : "numbers", storage->name,
                  (unsigned long long)counts[storage->field]);
}

or_status_t or_onnx_decode_tensor(const or_onnx_tensor_proto_t *tensor, void *memory) {
  if (tensor->has_raw) {
    or_status_t status = or_wire_copy(&tensor->raw, memory);
    or_onnx_normalize(tensor->dtype, memory, tensor->bytes);
    return status;
  }
  const storage_t *storage = storage_of(tensor->dtype);
  uint64_t needed = numbers_of(tensor), index = 0, value = 0;
  or_wire_t message = tensor->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != storage->field) continue;
    or_wire_numbers_t numbers = or_wire_numbers(&field, storage->type);
    for (bool more = true; or_ok(status);) {
      status = or_wire_numbers_next(&numbers, &value, &more);
      if (!or_ok(status) || !more) break;
      /* The count was right when the tensor was scanned; a file that changed since is caught where it is read. */
      if (index == needed)
        return or_error(OR_DATA_LOSS, "%s has more numbers than before; the file was changed", storage->name);
      status = put_at(tensor->dtype, value, memory, index);
      ++index;
    }
  }
  return status;
}

or_status_t or_onnx_decode_strings(const or_onnx_tensor_proto_t *tensor, or_string_t *elements, char *bytes) {
  uint64_t count = numbers_of(tensor), index = 0, used = 0;
  or_wire_t message = tensor->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != 6) continue;
    uint64_t length = or_wire_length(&field.bytes);
    if (index == count || length > tensor->string_bytes - used)
      return or_error(OR_DATA_LOSS, "its strings have more bytes than before; the file was changed");
    status = or_wire_copy(&field.bytes, bytes + used);
    elements[index++] = (or_string_t){bytes + used, (size_t)length};
    used += length;
  }
  return status;
}

void or_onnx_normalize(or_dtype_t dtype, void *memory, size_t bytes) {
  if (dtype != OR_BOOL) return;
  uint8_t *values = memory;
  for (size_t i = 0; i < bytes; ++i) values[i] = values[i] != 0;
}

/* onnx.proto, message TensorProto: the comments above float_data to uint64_data. */
static const storage_t *storage_of(or_dtype_t dtype) {
  static const storage_t in_float = {"float_data", 4, OR_WIRE_FIXED32, 4},
                         in_double = {"double_data", 10, OR_WIRE_FIXED64, 8},
                         in_int64 = {"int64_data", 7, OR_WIRE_VARINT, 8},
                         in_uint64 = {"uint64_data", 11, OR_WIRE_VARINT, 8},
                         as_uint32 = {"uint64_data", 11, OR_WIRE_VARINT, 4},
                         as_4_bytes = {"int32_data", 5, OR_WIRE_VARINT, 4},
                         as_2_bytes = {"int32_data", 5, OR_WIRE_VARINT, 2},
                         as_byte = {"int32_data", 5, OR_WIRE_VARINT, 1},
                         as_6_bits = {"int32_data", 5, OR_WIRE_VARINT, 0},
                         as_strings = {"string_data", 6, OR_WIRE_BYTES, sizeof(or_string_t)};
  switch (dtype) {
  case OR_FLOAT32:
  case OR_COMPLEX64: return &in_float;
  case OR_FLOAT64:
  case OR_COMPLEX128: return &in_double;
  case OR_INT64: return &in_int64;
  case OR_UINT64: return &in_uint64;
  case OR_UINT32: return &as_uint32;
  case OR_INT32: return &as_4_bytes;
  case OR_INT16:
  case OR_UINT16:
  case OR_FLOAT16:
  case OR_BFLOAT16: return &as_2_bytes;
  case OR_FLOAT6E2M3:
  case OR_FLOAT6E3M2: return &as_6_bits;
  case OR_STRING: return &as_strings;
  default: return &as_byte; /* bool, types of 8, 4 and 2 bits */
  }
}

/* How many numbers its elements are in the field that is theirs. */
static uint64_t numbers_of(const or_onnx_tensor_proto_t *tensor) {
  uint32_t each = storage_of(tensor->dtype)->bytes_each;
  uint64_t count = 0;
  (void)or_shape_count(&tensor->shape, &count); /* checked when it was scanned */
  return each > 0 ? tensor->bytes / each : count;
}

size_t or_onnx_number_bytes(or_dtype_t dtype) { return storage_of(dtype)->bytes_each; }

static or_status_t put_at(or_dtype_t dtype, uint64_t value, uint8_t *memory, uint64_t index) {
  const size_t width = or_onnx_number_bytes(dtype);
  uint8_t bits = 0;
  or_status_t status = or_onnx_put_number(dtype, value, width > 0 ? memory + index * width : &bits, index);
  if (or_ok(status) && width == 0) or_bits_append(or_dtype_bits(dtype), memory, index, (uint32_t)value);
  return status;
}

/* Integers are checked; of types that are only bits the low ones are taken. */
or_status_t or_onnx_put_number(or_dtype_t dtype, uint64_t value, uint8_t *to, uint64_t index) {
  int64_t number = (int64_t)value;
  bool fits = true;
  switch (dtype) {
  case OR_INT8: fits = number >= INT8_MIN && number <= INT8_MAX; break;
  case OR_UINT8: fits = number >= 0 && number <= UINT8_MAX; break;
  case OR_INT16: fits = number >= INT16_MIN && number <= INT16_MAX; break;
  case OR_UINT16: fits = number >= 0 && number <= UINT16_MAX; break;
  case OR_INT32: fits = number >= INT32_MIN && number <= INT32_MAX; break;
  case OR_UINT32: fits = value <= UINT32_MAX; break;
  case OR_FLOAT6E2M3:
  case OR_FLOAT6E3M2: fits = value < 64; break;
  case OR_BOOL: value = value != 0; break;
  default: break;
  }
  if (!fits) {
    return or_error(OR_INVALID_ARGUMENT, "element %llu is %lld, which is no %s", (unsigned long long)index,
                    (long long)number, or_dtype_name(dtype));
  }
  const size_t width = or_onnx_number_bytes(dtype);
  for (size_t i = 0; i < width; ++i) to[i] = (uint8_t)(value >> (8 * i));
  return or_status_success();
}
