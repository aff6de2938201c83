#ifndef OR_SERVER_WS_H
#define OR_SERVER_WS_H
/* WebSocket connections as routes see them: who may open one, messages in, messages out with a bounded backlog. What is
 * said over them is no concern of this file.
 *
 * Everything happens on the thread of the loop that owns the connection, except or_ws_post. */

#include "server/http.h"

typedef struct or_ws_t or_ws_t;

/* What a route of kind WebSocket hands over. All on the loop's thread. */
typedef struct or_ws_endpoint_t {
  /* The handshake is done; *self is given to the other two. A failure closes with 1011 (RESOURCE_EXHAUSTED: 1013). */
  or_status_t (*opened)(or_ws_t *ws, const or_request_t *request, void **self);
  /* One whole message; text is valid UTF-8 and not terminated. A failure closes with 1008 and its message. */
  or_status_t (*message)(or_ws_t *ws, void *self, or_slice_t message, bool binary);
  /* The last call: `ws` is gone when it returns. */
  void (*closed)(or_ws_t *ws, void *self);
  /* Nothing waits, and the socket takes more: one or_ws_send goes out at once, and `room` is called again after it;
   * without one not before or_ws_go_on. NULL: everything is sent through the backlog. */
  void (*room)(or_ws_t *ws, void *self);
} or_ws_endpoint_t;

/* Bounds of what waits for a slow reader. State is replaced by newer state of its topic; when events (topic 0) reach
 * the bound, the oldest goes. */
#define OR_WS_BACKLOG_MESSAGES 64
#define OR_WS_BACKLOG_BYTES ((size_t)1 << 20)

/* Sends a text message, copied. topic 0: an event, sent in order. Other topics: a state; one that still waits is
 * replaced by it. On the loop's thread. RESOURCE_EXHAUSTED: no memory, or larger than the whole backlog. */
or_status_t or_ws_send(or_ws_t *ws, unsigned topic, const char *text, size_t length);
/* Whether the reader leaves something in its socket, so that `room` is not called. On the loop's thread. */
bool or_ws_is_blocked(const or_ws_t *ws);
/* There is something to send: `room` is called, if it may be. On the loop's thread; `ws` may be gone after it. */
void or_ws_go_on(or_ws_t *ws);
/* How many messages were dropped or replaced because the reader is slow. On the loop's thread. */
uint64_t or_ws_skipped(const or_ws_t *ws);
/* Closes after what waits was sent. On the loop's thread. */
void or_ws_close(or_ws_t *ws, int code, const char *reason);

/* or_ws_send by way of the loop's mailbox. Any thread, after `opened` was called and before `closed` has returned: who
 * keeps a list of connections takes them out of it in `closed`, under the lock under which it posts. At most
 * OR_WS_BACKLOG_MESSAGES are under way to a connection; then RESOURCE_EXHAUSTED, and nothing is sent. */
or_status_t or_ws_post(or_ws_t *ws, unsigned topic, const char *text, size_t length);
/* Calls `run(self, ws)` on the loop's thread once in `interval_ms` (100 to 60000) until the connection ends; 0 stops.
 * */
void or_ws_every(or_ws_t *ws, uint64_t interval_ms, void (*run)(or_ws_t *ws, void *self));

#endif
