#include "graph/onnx/wire.h"

#include <string.h>

#define MAX_VARINT_BYTES 10
#define MAX_FIELD_NUMBER ((UINT64_C(1) << 29) - 1)

static or_status_t peek(or_wire_t *wire, size_t wanted, const uint8_t **bytes, size_t *count);
static or_status_t read_varint(or_wire_t *wire, uint64_t *value);
static or_status_t read_fixed(or_wire_t *wire, size_t width, uint64_t *value);
static or_status_t read_length(or_wire_t *wire, or_wire_field_t *field);

void or_wire_source_memory(or_wire_source_t *source, const void *bytes, size_t length) {
  static const uint8_t nothing = 0;
  *source = (or_wire_source_t){.memory = length > 0 ? bytes : &nothing, .length = length};
}

or_status_t or_wire_source_file(or_wire_source_t *source, const or_allocator_t *allocator, or_file_t *file) {
  *source = (or_wire_source_t){.file = file, .length = or_file_size(file), .allocator = allocator};
  return or_alloc(allocator, OR_WIRE_WINDOW_BYTES, (void **)&source->window);
}

void or_wire_source_deinit(or_wire_source_t *source) {
  if (source->window != NULL) or_free(source->allocator, source->window);
  source->window = NULL;
}

or_wire_t or_wire_all(or_wire_source_t *source) { return (or_wire_t){source, 0, source->length}; }

or_status_t or_wire_next(or_wire_t *wire, or_wire_field_t *field) {
  *field = (or_wire_field_t){.at = wire->at};
  if (wire->at == wire->end) return or_status_success();
  uint64_t tag = 0;
  or_status_t status = read_varint(wire, &tag);
  if (!or_ok(status)) return status;
  if (tag >> 3 == 0 || tag >> 3 > MAX_FIELD_NUMBER) {
    return or_error(OR_DATA_LOSS,
                    "byte %llu: there is no field of number %llu; the file is corrupt or not an ONNX file",
                    (unsigned long long)field->at, (unsigned long long)(tag >> 3));
  }
  switch (tag & 7) {
  case OR_WIRE_BYTES: status = read_length(wire, field); break;
  case OR_WIRE_VARINT:
  case OR_WIRE_FIXED64:
  case OR_WIRE_FIXED32: status = or_wire_scalar(wire, (or_wire_type_t)(tag & 7), &field->value); break;
  default:
    return or_error(
        OR_DATA_LOSS,
        "byte %llu: field %llu has wire type %llu, which ONNX does not use; the file is corrupt or not an ONNX file",
        (unsigned long long)field->at, (unsigned long long)(tag >> 3), (unsigned long long)(tag & 7));
  }
  field->type = (or_wire_type_t)(tag & 7);
  if (or_ok(status)) field->number = (uint32_t)(tag >> 3);
  return status;
}

bool or_wire_more(or_wire_t *wire, or_wire_field_t *field, or_status_t *status) {
  if (or_ok(*status)) *status = or_wire_next(wire, field);
  return or_ok(*status) && field->number != 0;
}

or_status_t or_wire_expect(const or_wire_field_t *field, or_wire_type_t type, const char *name) {
  if (field->type == type) return or_status_success();
  return or_error(OR_DATA_LOSS, "byte %llu: %s has wire type %d, expected %d; the file is corrupt or not an ONNX file",
                  (unsigned long long)field->at, name, (int)field->type, (int)type);
}

or_status_t or_wire_scalar(or_wire_t *wire, or_wire_type_t type, uint64_t *value) {
  if (type == OR_WIRE_VARINT) return read_varint(wire, value);
  return read_fixed(wire, type == OR_WIRE_FIXED64 ? 8 : 4, value);
}

or_status_t or_wire_count(const or_wire_field_t *field, or_wire_type_t type, const char *name, uint64_t *count) {
  *count = 1;
  if (field->type == type) return or_status_success();
  or_status_t status = or_wire_expect(field, OR_WIRE_BYTES, name);
  if (!or_ok(status)) return status;
  or_wire_t packed = field->bytes;
  if (type != OR_WIRE_VARINT) {
    uint64_t width = type == OR_WIRE_FIXED64 ? 8 : 4;
    *count = or_wire_length(&packed) / width;
    if (or_wire_length(&packed) % width == 0) return or_status_success();
    return or_error(OR_DATA_LOSS, "byte %llu: %s has %llu bytes, which is no multiple of %llu",
                    (unsigned long long)field->at, name, (unsigned long long)or_wire_length(&packed),
                    (unsigned long long)width);
  }
  *count = 0;
  while (or_ok(status) && packed.at < packed.end) {
    uint64_t ignored = 0;
    status = read_varint(&packed, &ignored);
    ++*count;
  }
  return status;
}

or_wire_numbers_t or_wire_numbers(const or_wire_field_t *field, or_wire_type_t type) {
  if (field->type == type) return (or_wire_numbers_t){.type = type, .single = true, .value = field->value};
  return (or_wire_numbers_t){.type = type, .packed = field->bytes};
}

or_status_t or_wire_numbers_next(or_wire_numbers_t *numbers, uint64_t *value, bool *more) {
  *more = numbers->single || numbers->packed.at < numbers->packed.end;
  if (numbers->single) {
    numbers->single = false;
    *value = numbers->value;
    return or_status_success();
  }
  return *more ? or_wire_scalar(&numbers->packed, numbers->type, value) : or_status_success();
}

or_status_t or_wire_copy(const or_wire_t *bytes, void *destination) {
  uint64_t length = or_wire_length(bytes);
  if (length > SIZE_MAX)
    return or_error(OR_RESOURCE_EXHAUSTED, "%llu bytes exceed the address space", (unsigned long long)length);
  return or_wire_copy_part(bytes, 0, destination, (size_t)length);
}

or_status_t or_wire_copy_part(const or_wire_t *bytes, uint64_t offset, void *destination, size_t length) {
  if (offset > or_wire_length(bytes) || length > or_wire_length(bytes) - offset) {
    return or_error(OR_INTERNAL, "%zu bytes asked for at %llu of %llu", length, (unsigned long long)offset,
                    (unsigned long long)or_wire_length(bytes));
  }
  if (length == 0) return or_status_success();
  or_wire_t part = {bytes->source, bytes->at + offset, bytes->at + offset + length};
  if (bytes->source->memory == NULL && length > OR_WIRE_WINDOW_BYTES / 2) {
    return or_file_read_at(bytes->source->file, part.at, destination, length);
  }
  const uint8_t *from = NULL;
  size_t count = 0;
  or_status_t status = peek(&part, length, &from, &count);
  if (or_ok(status)) memcpy(destination, from, length);
  return status;
}

/* The bytes at the cursor: `wanted` of them, or fewer where the message ends; wanted <= OR_WIRE_WINDOW_BYTES for a
 * file. Valid until the next call on the same source. */
static or_status_t peek(or_wire_t *wire, size_t wanted, const uint8_t **bytes, size_t *count) {
  or_wire_source_t *source = wire->source;
  *count = or_wire_length(wire) < wanted ? (size_t)or_wire_length(wire) : wanted;
  if (source->memory != NULL) {
    *bytes = source->memory + wire->at;
    return or_status_success();
  }
  bool inside = wire->at >= source->window_at && wire->at + *count <= source->window_at + source->window_length;
  if (!inside) {
    uint64_t left = source->length - wire->at;
    size_t length = left < OR_WIRE_WINDOW_BYTES ? (size_t)left : OR_WIRE_WINDOW_BYTES;
    source->window_length = 0;
    or_status_t status = or_file_read_at(source->file, wire->at, source->window, length);
    if (!or_ok(status)) return status;
    source->window_at = wire->at;
    source->window_length = length;
  }
  *bytes = source->window + (wire->at - source->window_at);
  return or_status_success();
}

static or_status_t read_varint(or_wire_t *wire, uint64_t *value) {
  const uint8_t *bytes = NULL;
  size_t count = 0;
  or_status_t status = peek(wire, MAX_VARINT_BYTES, &bytes, &count);
  if (!or_ok(status)) return status;
  uint64_t result = 0;
  for (size_t i = 0; i < count; ++i) {
    /* The tenth byte has room for one bit; writers that put more there are cut off, as in the reference
     * implementations. */
    result |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
    if ((bytes[i] & 0x80) != 0) continue;
    wire->at += i + 1;
    *value = result;
    return or_status_success();
  }
  if (count == MAX_VARINT_BYTES) {
    return or_error(OR_DATA_LOSS, "byte %llu: a number of more than %d bytes; the file is corrupt or not an ONNX file",
                    (unsigned long long)wire->at, MAX_VARINT_BYTES);
  }
  return or_error(OR_DATA_LOSS,
                  "byte %llu: a number goes past the end at %llu; the file is truncated or not an ONNX file",
                  (unsigned long long)wire->at, (unsigned long long)wire->end);
}

static or_status_t read_fixed(or_wire_t *wire, size_t width, uint64_t *value) {
  const uint8_t *bytes = NULL;
  size_t count = 0;
  or_status_t status = peek(wire, width, &bytes, &count);
  if (!or_ok(status)) return status;
  if (count < width) {
    return or_error(
        OR_DATA_LOSS,
        "byte %llu: a number of %zu bytes goes past the end at %llu; the file is truncated or not an ONNX file",
        (unsigned long long)wire->at, width, (unsigned long long)wire->end);
  }
  uint64_t result = 0;
  for (size_t i = 0; i < width; ++i) result |= (uint64_t)bytes[i] << (8 * i);
  wire->at += width;
  *value = result;
  return or_status_success();
}

static or_status_t read_length(or_wire_t *wire, or_wire_field_t *field) {
  uint64_t length = 0;
  or_status_t status = read_varint(wire, &length);
  if (!or_ok(status)) return status;
  if (length > or_wire_length(wire)) {
    return or_error(
        OR_DATA_LOSS, "byte %llu: a field of %llu bytes, and %llu are left; the file is truncated or not an ONNX file",
        (unsigned long long)field->at, (unsigned long long)length, (unsigned long long)or_wire_length(wire));
  }
  field->bytes = (or_wire_t){wire->source, wire->at, wire->at + length};
  wire->at += length;
  return status;
}
