#include "server/ws.h"

#include <string.h>

#include "base/string.h"
#include "server/net_internal.h"

typedef struct queued_t {
  unsigned topic;
  size_t length;
  char *text;
} queued_t;

/* Owned by the loop's thread, but for `posted`. */
struct or_ws_t {
  or_connection_t *connection;
  const or_ws_endpoint_t *endpoint;
  void *self;
  or_ws_reader_t reader;
  queued_t queue[OR_WS_BACKLOG_MESSAGES]; /* oldest first */
  size_t queue_count, queue_bytes;
  uint64_t skipped;
  _Atomic size_t posted; /* messages in the loop's mailbox */
  bool opened, closing, ping_sent;
  bool in_room, wrote, failed; /* while `room` is called: whether it sent, whether that failed */
  int close_code;
  char close_reason[OR_WS_CONTROL_BYTES - 1];
  uv_timer_t *timer; /* its own memory, since it outlives this until libuv has closed it */
  void (*every)(or_ws_t *ws, void *self);
};

static bool write_frame(or_connection_t *connection, or_ws_opcode_t opcode, const char *data, size_t length);

/* What a failure of the endpoint says, as a close. */
static void close_by_status(or_ws_t *ws, or_status_t status, int code) {
  char words[OR_WS_CONTROL_BYTES - 1];
  (void)or_format(words, sizeof words, "%s", or_status_message(status));
  or_utf8_repair(words, strlen(words), true);
  or_ws_close(ws, or_status_code(status) == OR_RESOURCE_EXHAUSTED ? 1013 : code, words);
  or_status_ignore(status); /* the close says it */
}

static bool refuse_upgrade(or_request_t *request, const char *words) {
  or_reply_header(request, "Upgrade", "websocket");
  or_reply_header(request, "Sec-WebSocket-Version", "13");
  or_reply_error(request, 426, "upgrade_required", "%s", words);
  return false;
}

/* RFC 6455 section 4.2. A subprotocol that carries a key is answered by itself: a browser wants one of those it named.
 * */
bool or_ws_upgrade(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  const or_slice_t *headers = request->headers;
  char accept[OR_WS_ACCEPT_BYTES], head[768];
  void *memory = NULL;
  bool asked = request->method == OR_HTTP_GET && or_slice_has_token(headers[OR_HEADER_UPGRADE], "websocket") &&
               or_slice_has_token(headers[OR_HEADER_CONNECTION], "upgrade");
  if (!asked || !or_slice_is(headers[OR_HEADER_WEBSOCKET_VERSION], "13"))
    return refuse_upgrade(request, "this path speaks WebSocket, version 13");
  if (!or_ws_accept_key(headers[OR_HEADER_WEBSOCKET_KEY].data, headers[OR_HEADER_WEBSOCKET_KEY].length, accept)) {
    or_reply_error(request, 400, "bad_request", "Sec-WebSocket-Key is not 16 bytes in base64");
    return false;
  }
  or_slice_t protocol = headers[OR_HEADER_WEBSOCKET_PROTOCOL];
  const char *comma = protocol.data != NULL ? memchr(protocol.data, ',', protocol.length) : NULL;
  if (comma != NULL) protocol.length = (size_t)(comma - protocol.data);
  bool names = protocol.data != NULL && protocol.length < 400;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(or_ws_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return false;
  }
  or_ws_t *ws = memory;
  ws->connection = connection;
  ws->endpoint = request->route->websocket;
  or_ws_reader_init(&ws->reader, request->allocator, connection->loop->net->options.limits.ws_message_bytes,
                    OR_WS_CLIENT);
  connection->ws = ws;
  connection->state = OR_CONNECTION_WEBSOCKET;
  (void)or_format(head, sizeof head,
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: %s\r\nX-Request-Id: %s\r\n%s%.*s%s\r\n",
                  accept, request->request_id, names ? "Sec-WebSocket-Protocol: " : "",
                  names ? (int)protocol.length : 0, names ? protocol.data : "", names ? "\r\n" : "");
  request->reply.status = 101;
  or_connection_observe(connection);
  or_loop_busy(connection->loop, false);
  if (!or_connection_write(connection, head, strlen(head))) {
    or_connection_close(connection);
    return true;
  }
  ws->opened = true;
  (void)atomic_fetch_add_explicit(&connection->loop->websockets, 1, memory_order_relaxed);
  status = ws->endpoint->opened(ws, request, &ws->self);
  if (!or_ok(status)) close_by_status(ws, status, OR_WS_SERVER_ERROR);
  return true;
}

static void on_control(or_ws_t *ws, const or_ws_event_t *event) {
  if (event->opcode == OR_WS_PING) {
    if (!or_connection_has_output(ws->connection) &&
        !write_frame(ws->connection, OR_WS_PONG, event->data, event->length))
      or_connection_close(ws->connection);
  } else if (event->opcode == OR_WS_CLOSE) {
    int code = or_ws_close_code(event->data, event->length);
    ws->queue_count = ws->closing ? ws->queue_count : 0;
    or_ws_close(ws, code == OR_WS_NO_CODE ? OR_WS_NORMAL : code, "");
  }
}

size_t or_ws_take(or_connection_t *connection, const char *data, size_t length) {
  or_ws_t *ws = connection->ws;
  or_ws_event_t event;
  size_t consumed = 0;
  if (ws->closing) return length;
  int code = or_ws_read(&ws->reader, data, length, &consumed, &event);
  if (code != 0) {
    or_ws_close(ws, code, "");
    return length;
  }
  ws->ping_sent = false;
  or_loop_wait(connection, OR_WAIT_WEBSOCKET);
  if (event.kind == OR_WS_CONTROL) on_control(ws, &event);
  if (event.kind == OR_WS_MESSAGE) {
    or_slice_t message = {event.data, event.length};
    or_status_t status = ws->endpoint->message(ws, ws->self, message, event.opcode == OR_WS_BINARY);
    if (!or_ok(status)) close_by_status(ws, status, OR_WS_POLICY);
  }
  return consumed;
}

static bool write_frame(or_connection_t *connection, or_ws_opcode_t opcode, const char *data, size_t length) {
  uint8_t header[OR_WS_FRAME_HEADER_BYTES];
  size_t header_length = or_ws_frame_header(opcode, length, header);
  return or_connection_write(connection, header, header_length) && or_connection_write(connection, data, length);
}

static void remove_queued(or_ws_t *ws, size_t index) {
  or_free(ws->connection->request.allocator, ws->queue[index].text);
  ws->queue_bytes -= ws->queue[index].length;
  --ws->queue_count;
  memmove(&ws->queue[index], &ws->queue[index + 1], (ws->queue_count - index) * sizeof *ws->queue);
}

/* Asks the endpoint for a message; whether there was one. */
static bool fill_room(or_ws_t *ws) {
  if (ws->endpoint->room == NULL || ws->closing || or_connection_has_output(ws->connection)) return false;
  ws->wrote = ws->failed = false;
  ws->in_room = true;
  ws->endpoint->room(ws, ws->self);
  ws->in_room = false;
  return ws->wrote;
}

/* Sends what waits, and then what the endpoint has, as long as the socket takes it. */
void or_ws_pump(or_connection_t *connection) {
  or_ws_t *ws = connection->ws;
  bool good = true;
  while (good && ws->queue_count > 0 && !or_connection_has_output(connection)) {
    good = write_frame(connection, OR_WS_TEXT, ws->queue[0].text, ws->queue[0].length);
    remove_queued(ws, 0);
    if (good) good = or_connection_flush(connection);
  }
  while (good && fill_room(ws)) good = !ws->failed && or_connection_flush(connection);
  if (good && ws->closing && ws->queue_count == 0 && !or_connection_has_output(connection) &&
      !connection->ends_after_output) {
    char payload[OR_WS_CONTROL_BYTES + 1] = {(char)(ws->close_code >> 8), (char)ws->close_code};
    (void)or_format(payload + 2, sizeof payload - 2, "%s", ws->close_reason);
    good = write_frame(connection, OR_WS_CLOSE, payload, 2 + strlen(ws->close_reason));
    or_ws_ended(connection);
    connection->ends_after_output = true;
  }
  if (!good) or_connection_close(connection);
}

/* Puts a message in the queue, in the place of what it makes superfluous. Takes `text`. */
static void enqueue(or_ws_t *ws, unsigned topic, char *text, size_t length) {
  for (size_t i = 0; topic != 0 && i < ws->queue_count; ++i) {
    if (ws->queue[i].topic != topic) continue;
    remove_queued(ws, i);
    ++ws->skipped;
    break;
  }
  while (ws->queue_count > 0 &&
         (ws->queue_count == OR_WS_BACKLOG_MESSAGES || ws->queue_bytes + length > OR_WS_BACKLOG_BYTES)) {
    size_t oldest = 0; /* the oldest event; a state only where there is no event */
    while (oldest < ws->queue_count && ws->queue[oldest].topic != 0) ++oldest;
    remove_queued(ws, oldest < ws->queue_count ? oldest : 0);
    ++ws->skipped;
  }
  ws->queue[ws->queue_count++] = (queued_t){topic, length, text};
  ws->queue_bytes += length;
}

or_status_t or_ws_send(or_ws_t *ws, unsigned topic, const char *text, size_t length) {
  void *copy = NULL;
  if (ws->closing || ws->connection->state != OR_CONNECTION_WEBSOCKET) return or_status_success();
  if (length > OR_WS_BACKLOG_BYTES)
    return or_error(OR_RESOURCE_EXHAUSTED, "a message of %zu bytes; the backlog of a WebSocket holds %zu", length,
                    OR_WS_BACKLOG_BYTES);
  if (ws->in_room && !ws->wrote) {
    ws->wrote = true;
    ws->failed = !write_frame(ws->connection, OR_WS_TEXT, text, length);
    return or_status_success();
  }
  or_status_t status = or_alloc(ws->connection->request.allocator, length, &copy);
  if (!or_ok(status)) return status;
  memcpy(copy, text, length);
  enqueue(ws, topic, copy, length);
  return status;
}

bool or_ws_is_blocked(const or_ws_t *ws) { return or_connection_has_output(ws->connection); }

void or_ws_go_on(or_ws_t *ws) { or_connection_go_on(ws->connection); }

or_loop_t *or_ws_loop(const or_ws_t *ws) { return ws->connection->loop; }

uint64_t or_ws_skipped(const or_ws_t *ws) { return ws->skipped; }

void or_ws_close(or_ws_t *ws, int code, const char *reason) {
  if (ws->closing) return;
  ws->closing = true;
  ws->close_code = code;
  (void)or_format(ws->close_reason, sizeof ws->close_reason, "%s", reason);
}

typedef struct posted_t {
  or_mail_t mail;
  or_ws_t *ws; /* with a reference to its connection */
  unsigned topic;
  size_t length;
  char text[];
} posted_t;

static void on_posted(or_mail_t *mail) {
  posted_t *posted = (posted_t *)mail;
  or_ws_t *ws = posted->ws;
  or_loop_t *loop = ws->connection->loop;
  (void)atomic_fetch_sub_explicit(&ws->posted, 1, memory_order_relaxed);
  or_status_t status = or_ws_send(ws, posted->topic, posted->text, posted->length);
  if (!or_ok(status)) close_by_status(ws, status, OR_WS_SERVER_ERROR);
  or_connection_go_on(ws->connection);
  or_connection_t *connection = ws->connection;
  or_free(connection->request.allocator, posted);
  or_connection_release(connection);
  or_loop_posted(loop);
}

or_status_t or_ws_post(or_ws_t *ws, unsigned topic, const char *text, size_t length) {
  void *memory = NULL;
  if (atomic_load_explicit(&ws->posted, memory_order_relaxed) >= OR_WS_BACKLOG_MESSAGES)
    return or_error(OR_RESOURCE_EXHAUSTED, "%d messages are under way to a WebSocket", OR_WS_BACKLOG_MESSAGES);
  or_status_t status = or_alloc(ws->connection->request.allocator, sizeof(posted_t) + length, &memory);
  if (!or_ok(status)) return status;
  posted_t *posted = memory;
  *posted = (posted_t){{NULL, on_posted}, ws, topic, length};
  or_ref_retain(&ws->connection->refs);
  memcpy(posted->text, text, length);
  (void)atomic_fetch_add_explicit(&ws->posted, 1, memory_order_relaxed);
  or_loop_post(ws->connection->loop, &posted->mail);
  return status;
}

static void on_timer(uv_timer_t *timer) {
  or_ws_t *ws = timer->data;
  if (ws->closing) return;
  ws->every(ws, ws->self);
  or_connection_go_on(ws->connection);
}

static void on_timer_closed(uv_handle_t *handle) {
  or_ws_t *ws = handle->data;
  or_connection_t *connection = ws->connection;
  or_free(connection->request.allocator, handle);
  or_connection_release(connection);
}

static void stop_timer(or_ws_t *ws) {
  if (ws->timer == NULL) return;
  uv_close((uv_handle_t *)ws->timer, on_timer_closed);
  ws->timer = NULL;
}

void or_ws_every(or_ws_t *ws, uint64_t interval_ms, void (*run)(or_ws_t *ws, void *self)) {
  void *memory = NULL;
  if (interval_ms == 0) {
    stop_timer(ws);
    return;
  }
  if (ws->timer == NULL) {
    or_status_t status = or_alloc_zeroed(ws->connection->request.allocator, sizeof(uv_timer_t), &memory);
    if (!or_ok(status)) {
      close_by_status(ws, status, OR_WS_SERVER_ERROR);
      return;
    }
    ws->timer = memory;
    (void)uv_timer_init(&ws->connection->loop->uv, ws->timer);
    ws->timer->data = ws;
    or_ref_retain(&ws->connection->refs);
  }
  ws->every = run;
  (void)uv_timer_start(ws->timer, on_timer, interval_ms, interval_ms);
}

void or_ws_timed_out(or_connection_t *connection) {
  or_ws_t *ws = connection->ws;
  if (ws->ping_sent || ws->closing || !write_frame(connection, OR_WS_PING, "", 0)) {
    or_connection_close(connection);
    return;
  }
  ws->ping_sent = true;
  or_loop_wait(connection, OR_WAIT_WEBSOCKET);
}

void or_ws_ended(or_connection_t *connection) {
  or_ws_t *ws = connection->ws;
  stop_timer(ws);
  if (ws->opened) {
    (void)atomic_fetch_sub_explicit(&connection->loop->websockets, 1, memory_order_relaxed);
    ws->endpoint->closed(ws, ws->self);
  }
  ws->opened = false;
  while (ws->queue_count > 0) remove_queued(ws, ws->queue_count - 1);
}

void or_ws_free(or_ws_t *ws) {
  if (ws == NULL) return;
  or_ws_reader_deinit(&ws->reader);
  or_free(ws->reader.allocator, ws);
}
