#include "base/ws_frame.h"

#include <string.h>

#include "base/string.h"

static int read_header(or_ws_reader_t *reader);
static int take_payload(or_ws_reader_t *reader, const char *data, size_t length);
static int end_frame(or_ws_reader_t *reader, or_ws_event_t *event);

void or_ws_reader_init(or_ws_reader_t *reader, const or_allocator_t *allocator, size_t limit_bytes, or_ws_side_t from) {
  *reader = (or_ws_reader_t){
      .allocator = allocator, .limit_bytes = limit_bytes, .masked = from == OR_WS_CLIENT, .header_needed = 2};
}

void or_ws_reader_deinit(or_ws_reader_t *reader) {
  or_free(reader->allocator, reader->message);
  reader->message = NULL;
}

static bool is_final(const or_ws_reader_t *reader) { return (reader->header[0] & 0x80) != 0; }
static int frame_opcode(const or_ws_reader_t *reader) { return reader->header[0] & 0x0f; }
static bool is_control(const or_ws_reader_t *reader) { return (reader->header[0] & 0x08) != 0; }

int or_ws_read(or_ws_reader_t *reader, const char *data, size_t length, size_t *consumed, or_ws_event_t *event) {
  size_t at = 0;
  int code = 0;
  *event = (or_ws_event_t){.kind = OR_WS_NOTHING};
  while (code == 0 && event->kind == OR_WS_NOTHING) {
    if (reader->header_length < reader->header_needed) {
      if (at == length) break;
      reader->header[reader->header_length++] = (uint8_t)data[at++];
      if (reader->header_length == reader->header_needed) code = read_header(reader);
      if (code != 0 || reader->header_length < reader->header_needed || reader->remaining > 0) continue;
    } else {
      size_t piece = length - at < reader->remaining ? length - at : (size_t)reader->remaining;
      if (piece == 0) break;
      code = take_payload(reader, data + at, piece);
      at += piece;
      if (code != 0 || reader->remaining > 0) continue;
    }
    code = end_frame(reader, event);
  }
  *consumed = at;
  return code;
}

/* Looks at what has come of the header: asks for more of it, or knows the frame. */
static int read_header(or_ws_reader_t *reader) {
  const uint8_t *header = reader->header;
  int opcode = frame_opcode(reader);
  size_t short_length = header[1] & 0x7f, mask_bytes = reader->masked ? 4 : 0;
  if (reader->header_needed == 2) {
    bool known = opcode <= OR_WS_BINARY || (opcode >= OR_WS_CLOSE && opcode <= OR_WS_PONG);
    if ((header[0] & 0x70) != 0 || ((header[1] & 0x80) != 0) != reader->masked || !known) return OR_WS_PROTOCOL_ERROR;
    if (is_control(reader) && (!is_final(reader) || short_length > OR_WS_CONTROL_BYTES)) return OR_WS_PROTOCOL_ERROR;
    if (!is_control(reader) && (opcode == OR_WS_CONTINUATION) != (reader->opcode != OR_WS_CONTINUATION))
      return OR_WS_PROTOCOL_ERROR; /* a continuation of nothing, or a message inside a message */
    reader->header_needed += mask_bytes + (short_length == 126 ? 2u : short_length == 127 ? 8u : 0u);
    if (reader->header_needed > 2) return 0;
  }
  size_t extended = reader->header_needed - 2 - mask_bytes;
  uint64_t length = short_length;
  if (extended > 0) length = 0;
  for (size_t i = 0; i < extended; ++i) length = length << 8 | header[2 + i];
  if ((extended == 2 && length < 126) || (extended == 8 && length < 65536)) return OR_WS_PROTOCOL_ERROR;
  if (!is_control(reader) && length > reader->limit_bytes - reader->length) return OR_WS_TOO_BIG;
  reader->remaining = length;
  reader->offset = 0;
  reader->control_length = is_control(reader) ? 0 : reader->control_length;
  if (opcode == OR_WS_TEXT || opcode == OR_WS_BINARY) reader->opcode = (or_ws_opcode_t)opcode;
  return 0;
}

static int take_payload(or_ws_reader_t *reader, const char *data, size_t length) {
  const uint8_t *mask = reader->header + reader->header_needed - (reader->masked ? 4 : 0);
  char *to = reader->control + reader->control_length;
  if (!is_control(reader)) {
    or_status_t status =
        or_grow_array(reader->allocator, reader->length + length, 1, (void **)&reader->message, &reader->capacity);
    bool failed = !or_ok(status);
    or_status_ignore(status); /* the close code says it */
    if (failed) return OR_WS_SERVER_ERROR;
    to = reader->message + reader->length;
    reader->length += length;
  } else {
    reader->control_length += length;
  }
  memcpy(to, data, length);
  for (size_t i = 0; reader->masked && i < length; ++i) to[i] = (char)((uint8_t)to[i] ^ mask[(reader->offset + i) & 3]);
  reader->offset += length;
  reader->remaining -= length;
  return 0;
}

static int end_frame(or_ws_reader_t *reader, or_ws_event_t *event) {
  bool final = is_final(reader), control = is_control(reader);
  int opcode = frame_opcode(reader);
  reader->header_length = 0;
  reader->header_needed = 2;
  if (control) {
    *event = (or_ws_event_t){OR_WS_CONTROL, (or_ws_opcode_t)opcode, reader->control, reader->control_length};
    return 0;
  }
  if (!final) return 0;
  *event = (or_ws_event_t){OR_WS_MESSAGE, reader->opcode, reader->message, reader->length};
  reader->opcode = OR_WS_CONTINUATION;
  reader->length = 0;
  if (event->data == NULL) event->data = "";
  return event->opcode == OR_WS_TEXT && !or_utf8_valid(event->data, event->length) ? OR_WS_BAD_TEXT : 0;
}

int or_ws_close_code(const char *data, size_t length) {
  if (length == 0) return OR_WS_NO_CODE;
  if (length == 1) return OR_WS_PROTOCOL_ERROR;
  int code = (uint8_t)data[0] << 8 | (uint8_t)data[1];
  bool known =
      (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
  return known && or_utf8_valid(data + 2, length - 2) ? code : OR_WS_PROTOCOL_ERROR;
}

size_t or_ws_frame_header(or_ws_opcode_t opcode, size_t length, uint8_t header[OR_WS_FRAME_HEADER_BYTES]) {
  header[0] = (uint8_t)(0x80 | opcode);
  if (length < 126) {
    header[1] = (uint8_t)length;
    return 2;
  }
  size_t extended = length < 65536 ? 2 : 8;
  header[1] = extended == 2 ? 126 : 127;
  for (size_t i = 0; i < extended; ++i) header[2 + i] = (uint8_t)((uint64_t)length >> 8 * (extended - 1 - i));
  return 2 + extended;
}
