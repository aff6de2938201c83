#ifndef OR_GRAPH_ONNX_WIRE_WRITER_H
#define OR_GRAPH_ONNX_WIRE_WRITER_H
/* Protobuf's wire format (https://protobuf.dev/programming-guides/encoding), written into memory. The first failure is
 * kept and later calls do nothing. Owned by one thread. */

#include "base/string.h"

typedef struct or_wire_writer_t {
  or_text_t text;
  or_status_t status; /* the owner's to end */
} or_wire_writer_t;
void or_wire_writer_init(or_wire_writer_t *writer, const or_allocator_t *allocator);
/* Gives memory back, and the first failure. */
or_status_t or_wire_writer_deinit(or_wire_writer_t *writer);
/* The same, and what was written becomes the caller's (or_free); NULL and 0 on failure. */
or_status_t or_wire_writer_take(or_wire_writer_t *writer, void **out, size_t *length);

void or_wire_put_int(or_wire_writer_t *writer, uint32_t field, int64_t value);
void or_wire_put_float(or_wire_writer_t *writer, uint32_t field, float value);
void or_wire_put_bytes(or_wire_writer_t *writer, uint32_t field, const void *bytes, size_t length);
void or_wire_put_strings(or_wire_writer_t *writer, uint32_t field, const or_string_t *strings, size_t count);
void or_wire_put_text(or_wire_writer_t *writer, uint32_t field, const char *text);
/* The header of `length` bytes that somebody else writes behind it. */
void or_wire_put_header(or_wire_writer_t *writer, uint32_t field, uint64_t length);
/* Another writer's bytes as a message; the inner one is empty then, and its failure is this one's. */
void or_wire_put_message(or_wire_writer_t *writer, uint32_t field, or_wire_writer_t *inner);

#endif
