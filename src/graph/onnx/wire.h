#ifndef OR_GRAPH_ONNX_WIRE_H
#define OR_GRAPH_ONNX_WIRE_H
/* Protobuf's wire format (https://protobuf.dev/programming-guides/encoding), read in place: from memory, or from a
 * file through a small window, so that a large field costs nothing until its bytes are asked for. Nothing is
 * trusted: a cursor never leaves its message. Owned by one thread. */

#include "base/alloc.h"
#include "base/file.h"

/* Where the bytes are. A field header never straddles more than the window holds; longer pieces are read straight to
 * their place. */
#define OR_WIRE_WINDOW_BYTES ((size_t)32 << 10)
typedef struct or_wire_source_t {
  const uint8_t *memory; /* all bytes; NULL: they are in `file` */
  or_file_t *file;       /* borrowed */
  uint64_t length;
  const or_allocator_t *allocator;
  uint8_t *window; /* of the file; NULL for memory */
  uint64_t window_at;
  size_t window_length;
} or_wire_source_t;
void or_wire_source_memory(or_wire_source_t *source, const void *bytes, size_t length); /* needs no deinit */
or_status_t or_wire_source_file(or_wire_source_t *source, const or_allocator_t *allocator, or_file_t *file);
void or_wire_source_deinit(or_wire_source_t *source); /* leaves the file open */

/* The bytes of one message (or string, or packed array) that are not read yet. A copy is a place to come back to. */
typedef struct or_wire_t {
  or_wire_source_t *source;
  uint64_t at, end; /* at <= end <= source->length */
} or_wire_t;
or_wire_t or_wire_all(or_wire_source_t *source);
static inline uint64_t or_wire_length(const or_wire_t *wire) { return wire->end - wire->at; }

typedef enum or_wire_type_t {
  OR_WIRE_VARINT = 0,
  OR_WIRE_FIXED64 = 1,
  OR_WIRE_BYTES = 2,
  OR_WIRE_FIXED32 = 5,
} or_wire_type_t;

typedef struct or_wire_field_t {
  uint32_t number; /* 0: the message is over */
  or_wire_type_t type;
  uint64_t value;  /* of a varint or fixed field */
  or_wire_t bytes; /* of a length-delimited one */
  uint64_t at;     /* where the field begins, for messages */
} or_wire_field_t;
/* The next field. DATA_LOSS: a length or number goes past the message's end, a varint is too long, the wire type is
 * a group's or none. */
or_status_t or_wire_next(or_wire_t *wire, or_wire_field_t *field);
/* For loops over a message: unless *status is a failure already, reads the next field into it. True while there is
 * one. */
bool or_wire_more(or_wire_t *wire, or_wire_field_t *field, or_status_t *status);
/* DATA_LOSS unless the field has that wire type; `name` is "NodeProto.name". */
or_status_t or_wire_expect(const or_wire_field_t *field, or_wire_type_t type, const char *name);

/* The next number of `type` (not OR_WIRE_BYTES) without a field header. */
or_status_t or_wire_scalar(or_wire_t *wire, or_wire_type_t type, uint64_t *value);
/* Numbers in a repeated field, which is one number or packed ones of `type`. DATA_LOSS if it is neither. */
or_status_t or_wire_count(const or_wire_field_t *field, or_wire_type_t type, const char *name, uint64_t *count);
/* Calls for each number of such a field: see or_wire_count for the checks, which must have passed. */
typedef struct or_wire_numbers_t {
  or_wire_type_t type;
  bool single;
  uint64_t value; /* of a single one */
  or_wire_t packed;
} or_wire_numbers_t;
or_wire_numbers_t or_wire_numbers(const or_wire_field_t *field, or_wire_type_t type);
/* Gives the next number; *more is false when there is none. */
or_status_t or_wire_numbers_next(or_wire_numbers_t *numbers, uint64_t *value, bool *more);

/* Copies all of `bytes` (or `length` from an offset in it) to `destination`. */
or_status_t or_wire_copy(const or_wire_t *bytes, void *destination);
or_status_t or_wire_copy_part(const or_wire_t *bytes, uint64_t offset, void *destination, size_t length);

#endif
