#ifndef OR_BASE_WS_FRAME_H
#define OR_BASE_WS_FRAME_H
/* WebSocket framing (RFC 6455): frames in, put together to messages; headers of frames out; the proof of a handshake.
 * No sockets. Owned by one thread. */

#include "base/alloc.h"

typedef enum or_ws_opcode_t {
  OR_WS_CONTINUATION = 0,
  OR_WS_TEXT = 1,
  OR_WS_BINARY = 2,
  OR_WS_CLOSE = 8,
  OR_WS_PING = 9,
  OR_WS_PONG = 10
} or_ws_opcode_t;

/* Codes of RFC 6455 section 7.4.1. */
enum {
  OR_WS_NORMAL = 1000,
  OR_WS_GOING_AWAY = 1001,
  OR_WS_PROTOCOL_ERROR = 1002,
  OR_WS_UNSUPPORTED = 1003,
  OR_WS_NO_CODE = 1005,
  OR_WS_BAD_TEXT = 1007,
  OR_WS_POLICY = 1008,
  OR_WS_TOO_BIG = 1009,
  OR_WS_SERVER_ERROR = 1011
};

#define OR_WS_CONTROL_BYTES 125 /* of a ping, pong or close */
#define OR_WS_FRAME_HEADER_BYTES 10
#define OR_WS_ACCEPT_BYTES 29
#define OR_WS_KEY_BYTES 24 /* of Sec-WebSocket-Key, not terminated */

typedef struct or_ws_reader_t {
  const or_allocator_t *allocator;
  size_t limit_bytes; /* of a message */
  bool masked;        /* a client's frames are, a server's are not */
  char *message;
  size_t length, capacity;
  or_ws_opcode_t opcode; /* of the message at hand; CONTINUATION: none has begun */
  uint8_t header[14];
  size_t header_length, header_needed;
  uint64_t remaining, offset; /* of the frame's payload */
  char control[OR_WS_CONTROL_BYTES];
  size_t control_length;
} or_ws_reader_t;

/* What one call of or_ws_read found. `data` is valid until the next call; text is valid UTF-8. */
typedef struct or_ws_event_t {
  enum { OR_WS_NOTHING, OR_WS_MESSAGE, OR_WS_CONTROL } kind;
  or_ws_opcode_t opcode;
  const char *data;
  size_t length;
} or_ws_event_t;

typedef enum or_ws_side_t { OR_WS_CLIENT, OR_WS_SERVER } or_ws_side_t;
/* `from`: who sends what is read. */
void or_ws_reader_init(or_ws_reader_t *reader, const or_allocator_t *allocator, size_t limit_bytes, or_ws_side_t from);
void or_ws_reader_deinit(or_ws_reader_t *reader);
/* Takes bytes from the front of `data` up to the end of one message or control frame. Returns 0, or the close code with
 * which the connection ends: PROTOCOL_ERROR, BAD_TEXT, TOO_BIG, SERVER_ERROR (no memory). */
int or_ws_read(or_ws_reader_t *reader, const char *data, size_t length, size_t *consumed, or_ws_event_t *event);
/* The code of a close frame's payload; NO_CODE if it has none; PROTOCOL_ERROR if it is malformed. */
int or_ws_close_code(const char *data, size_t length);
/* Writes the header of an unmasked final frame; returns its bytes. */
size_t or_ws_frame_header(or_ws_opcode_t opcode, size_t length, uint8_t header[OR_WS_FRAME_HEADER_BYTES]);
/* 16 random bytes as a Sec-WebSocket-Key. */
void or_ws_make_key(const uint8_t random[16], char key[OR_WS_KEY_BYTES]);
/* Sec-WebSocket-Accept for a client's key; false if that is not 16 bytes in base64. */
bool or_ws_accept_key(const char *key, size_t length, char accept[OR_WS_ACCEPT_BYTES]);

#endif
