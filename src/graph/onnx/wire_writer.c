#include "graph/onnx/wire_writer.h"

#include <string.h>

#include "graph/onnx/wire.h"

#define MAX_VARINT_BYTES 10

static void put(or_wire_writer_t *writer, const void *bytes, size_t length);
static void put_varint(or_wire_writer_t *writer, uint64_t value);
static void put_tag(or_wire_writer_t *writer, uint32_t field, or_wire_type_t type) {
  put_varint(writer, (uint64_t)field << 3 | (uint64_t)type);
}

void or_wire_writer_init(or_wire_writer_t *writer, const or_allocator_t *allocator) {
  or_text_init(&writer->text, allocator);
  writer->status = or_status_success();
}

or_status_t or_wire_writer_deinit(or_wire_writer_t *writer) {
  or_status_t status = writer->status;
  or_text_deinit(&writer->text);
  writer->status = or_status_success();
  return status;
}

or_status_t or_wire_writer_take(or_wire_writer_t *writer, void **out, size_t *length) {
  *out = NULL;
  *length = 0;
  if (or_ok(writer->status)) writer->status = or_text_reserve(&writer->text, 0); /* nothing written is no NULL */
  if (or_ok(writer->status)) {
    *out = writer->text.data;
    *length = writer->text.length;
    or_text_init(&writer->text, writer->text.allocator);
  }
  return or_wire_writer_deinit(writer);
}

void or_wire_put_strings(or_wire_writer_t *writer, uint32_t field, const or_string_t *strings, size_t count) {
  for (size_t i = 0; i < count; ++i) or_wire_put_bytes(writer, field, strings[i].data, strings[i].length);
}

void or_wire_put_int(or_wire_writer_t *writer, uint32_t field, int64_t value) {
  put_tag(writer, field, OR_WIRE_VARINT);
  put_varint(writer, (uint64_t)value);
}

void or_wire_put_float(or_wire_writer_t *writer, uint32_t field, float value) {
  put_tag(writer, field, OR_WIRE_FIXED32);
  put(writer, &value, sizeof value); /* little-endian, as every machine that this is built for */
}

void or_wire_put_bytes(or_wire_writer_t *writer, uint32_t field, const void *bytes, size_t length) {
  or_wire_put_header(writer, field, length);
  put(writer, bytes, length);
}

void or_wire_put_text(or_wire_writer_t *writer, uint32_t field, const char *text) {
  or_wire_put_bytes(writer, field, text, strlen(text));
}

void or_wire_put_header(or_wire_writer_t *writer, uint32_t field, uint64_t length) {
  put_tag(writer, field, OR_WIRE_BYTES);
  put_varint(writer, length);
}

void or_wire_put_message(or_wire_writer_t *writer, uint32_t field, or_wire_writer_t *inner) {
  writer->status = or_status_first(writer->status, inner->status);
  inner->status = or_status_success();
  or_wire_put_bytes(writer, field, or_text_string(&inner->text), inner->text.length);
  or_text_clear(&inner->text);
}

static void put_varint(or_wire_writer_t *writer, uint64_t value) {
  char bytes[MAX_VARINT_BYTES];
  size_t length = 0;
  do {
    bytes[length] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    ++length;
    value >>= 7;
  } while (value != 0);
  put(writer, bytes, length);
}

static void put(or_wire_writer_t *writer, const void *bytes, size_t length) {
  if (or_ok(writer->status) && length > 0) writer->status = or_text_append(&writer->text, bytes, length);
}
