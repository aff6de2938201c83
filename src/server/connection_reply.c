#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "server/net_internal.h"

static or_connection_t *connection_of(or_request_t *request) {
  return (or_connection_t *)((char *)request - offsetof(or_connection_t, request));
}

static void on_posted(or_mail_t *mail);

void or_request_keep(or_request_t *request) {
  or_connection_t *connection = connection_of(request);
  if (or_connection_keep_away(connection)) return;
  connection->kept = true;
  or_ref_retain(&connection->refs);
  ++connection->loop->kept;
}

bool or_request_has_time(const or_request_t *request) {
  const or_connection_t *connection = connection_of((or_request_t *)(uintptr_t)request);
  return !or_connection_is_handled(connection) || connection->loop->worked_ns < OR_LOOP_WORK_NS;
}

/* Within its own handler there is no message: the reply is sent when the handler returns. */
void or_reply_post(or_request_t *request) {
  or_connection_t *connection = connection_of(request);
  if (or_connection_is_handled(connection)) {
    connection->kept = false;
    --connection->loop->kept;
    if (request->reply.run_ns > 0) connection->loop->worked_ns += request->reply.run_ns;
    or_connection_release(connection); /* not the last reference: the socket has one */
    return;
  }
  connection->mail.run = on_posted;
  or_mailbox_send(&connection->loop->mailbox, &connection->mail);
}

static void release_body(or_reply_t *reply) {
  if (reply->owner.release != NULL) reply->owner.release(reply->owner.self);
  reply->owner = (or_owner_t){NULL, NULL};
  reply->data = NULL;
  or_file_body_free(reply->file);
  reply->file = NULL;
}

static void on_posted(or_mail_t *mail) {
  or_connection_t *connection = (or_connection_t *)((char *)mail - offsetof(or_connection_t, mail));
  or_loop_t *loop = connection->loop;
  connection->kept = connection->away = false;
  --loop->kept;
  if (connection->state == OR_CONNECTION_HANDLING) {
    or_connection_send_reply(connection);
    or_connection_go_on(connection);
  } else { /* the client has gone */
    release_body(&connection->request.reply);
    or_loop_busy(loop, false);
  }
  or_connection_release(connection);
  or_loop_connection_gone(loop);
}

/* Writes into a place that is known to be large enough. */
typedef struct cursor_t {
  char *at;
} cursor_t;

static void put(cursor_t *cursor, const char *text, size_t length) {
  memcpy(cursor->at, text, length);
  cursor->at += length;
}
#define PUT(cursor, literal) put((cursor), (literal), sizeof(literal) - 1)

static void put_text(cursor_t *cursor, const char *text) { put(cursor, text, strlen(text)); }

static void put_number(cursor_t *cursor, uint64_t value) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  while (count > 0) *cursor->at++ = digits[--count];
}

/* Server-Timing (W3C): each part in milliseconds with three places, of a request that says how long a part took. What
 * follows the work, up to now, is `serialise`; `parse_queue` is the wait of a large body for a thread. */
static void put_timing(cursor_t *cursor, const or_request_t *request) {
  const or_reply_t *reply = &request->reply;
  const int64_t now_ns = or_clock_ns();
  const bool waited = request->handled_ns > request->whole_ns;
  const struct {
    const char *name;
    int64_t ns;
  } parts[] = {{"parse_queue;dur=", waited && reply->parse_ns >= 0 ? request->handled_ns - request->whole_ns : -1},
               {"parse;dur=", reply->parse_ns},
               {"queue;dur=", reply->queue_ns},
               {"run;dur=", reply->run_ns},
               {"serialise;dur=", reply->done_ns > 0 ? now_ns - reply->done_ns : -1},
               {"total;dur=", reply->parse_ns >= 0 ? now_ns - request->received_ns : -1}};
  bool first = true;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
    if (parts[i].ns < 0) continue;
    if (first) PUT(cursor, "Server-Timing: ");
    if (!first) PUT(cursor, ", ");
    first = false;
    put_text(cursor, parts[i].name);
    uint64_t us = (uint64_t)parts[i].ns / 1000;
    put_number(cursor, us / 1000);
    *cursor->at++ = '.';
    *cursor->at++ = (char)('0' + us / 100 % 10);
    *cursor->at++ = (char)('0' + us / 10 % 10);
    *cursor->at++ = (char)('0' + us % 10);
  }
  if (!first) PUT(cursor, "\r\n");
}

/* All that a head may consist of: its parts are bounded. */
#define HEAD_BYTES (1024 + OR_REPLY_HEADERS_BYTES + OR_REQUEST_ID_BYTES)
#define MAX_CONTENT_TYPE_BYTES 128

static size_t format_head(or_connection_t *connection, size_t bytes, bool close, char head[HEAD_BYTES]) {
  const or_request_t *request = &connection->request;
  const or_reply_t *reply = &request->reply;
  cursor_t cursor = {head};
  PUT(&cursor, "HTTP/1.1 ");
  put_number(&cursor, (uint64_t)reply->status);
  *cursor.at++ = ' ';
  put_text(&cursor, or_http_reason(reply->status));
  PUT(&cursor, "\r\nServer: ");
  put_text(&cursor, connection->loop->net->options.name);
  PUT(&cursor, "\r\nDate: ");
  put_text(&cursor, or_loop_date(connection->loop));
  PUT(&cursor, "\r\nX-Request-Id: ");
  put_text(&cursor, request->request_id);
  if (reply->status != 204 && reply->status != 304) {
    PUT(&cursor, "\r\nContent-Type: ");
    put(&cursor, reply->content_type, strnlen(reply->content_type, MAX_CONTENT_TYPE_BYTES));
    PUT(&cursor, "\r\nContent-Length: ");
    put_number(&cursor, bytes);
  }
  PUT(&cursor, "\r\n");
  put_timing(&cursor, request);
  put(&cursor, reply->headers, reply->headers_length);
  if (close) PUT(&cursor, "Connection: close\r\n");
  if (!close && connection->http_1_0)
    PUT(&cursor, "Connection: keep-alive\r\n"); /* else its client waits for the end */
  PUT(&cursor, "\r\n");
  return (size_t)(cursor.at - head);
}

/* A large body is sent from where it lies: the reply's own bytes, or the text's memory, which the connection takes. */
static void send_large(or_connection_t *connection, size_t bytes) {
  or_reply_t *reply = &connection->request.reply;
  connection->large_offset = 0;
  connection->large_length = bytes;
  if (reply->data != NULL) {
    connection->large = reply->data;
    connection->large_owner = reply->owner;
    reply->owner = (or_owner_t){NULL, NULL};
    reply->data = NULL;
    return;
  }
  connection->large = reply->text.data;
  connection->large_owner =
      (or_owner_t){(void *)(uintptr_t)connection->request.allocator, NULL}; /* marks memory that is the allocator's */
  or_text_init(&reply->text, connection->request.allocator);
}

static void release_large(or_connection_t *connection) {
  if (connection->large == NULL) return;
  or_owner_t owner = connection->large_owner;
  if (owner.release != NULL) {
    owner.release(owner.self);
  } else if (owner.self != NULL) {
    or_net_free(connection->loop->net, (void *)(uintptr_t)connection->large, connection->large_length);
  }
  connection->large = NULL;
  connection->large_owner = (or_owner_t){NULL, NULL};
}

void or_connection_observe(or_connection_t *connection) {
  const or_net_options_t *options = &connection->loop->net->options;
  const or_request_t *request = &connection->request;
  if (options->observe != NULL) options->observe(options->observe_self, request, or_clock_ns() - request->received_ns);
}

void or_connection_send_reply(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  or_reply_t *reply = &request->reply;
  char head[HEAD_BYTES];
  const char *data = reply->data != NULL ? reply->data : or_text_string(&reply->text);
  size_t bytes = reply->data != NULL || reply->file != NULL ? reply->bytes : reply->text.length;
  bool has_body = !connection->head_only && reply->status != 204 && reply->status != 304 && bytes > 0;
  bool close = reply->close || !connection->keep_alive || or_net_phase(connection->loop->net) == OR_NET_DRAINING;
  bool good = or_connection_write(connection, head, format_head(connection, bytes, close, head));
  if (good && has_body && reply->file != NULL) {
    connection->file = reply->file;
    reply->file = NULL;
  } else if (good && has_body && bytes > OR_REPLY_COPY_BYTES) {
    send_large(connection, bytes);
  } else if (good && has_body) {
    good = or_connection_write(connection, data, bytes);
  }
  or_connection_observe(connection);
  release_body(reply);
  if (reply->text.capacity > OR_REPLY_KEEP_BYTES) or_text_deinit(&reply->text);
  or_loop_busy(connection->loop, false);
  if (!good) {
    or_connection_close(connection);
    return;
  }
  connection->ends_after_output = close;
  or_connection_next_request(connection);
}

static bool append_pending(or_connection_t *connection, const char *data, size_t length) {
  or_status_t status = or_grow_array(connection->request.allocator, connection->pending_length + length, 1,
                                     (void **)&connection->pending, &connection->pending_capacity);
  bool good = or_ok(status);
  or_status_ignore(status); /* the caller closes the connection */
  if (!good) return false;
  memcpy(connection->pending + connection->pending_length, data, length);
  connection->pending_length += length;
  return true;
}

bool or_connection_write(or_connection_t *connection, const void *data, size_t length) {
  or_loop_t *loop = connection->loop;
  if (or_connection_has_output(connection)) return append_pending(connection, data, length);
  if (loop->out_length + length > OR_LOOP_BUFFER_BYTES && !or_connection_flush(connection)) return false;
  if (or_connection_has_output(connection) || length > OR_LOOP_BUFFER_BYTES)
    return append_pending(connection, data, length);
  memcpy(loop->out + loop->out_length, data, length);
  loop->out_length += length;
  return true;
}

bool or_connection_write_some(or_connection_t *connection, const char *data, size_t length, size_t *offset) {
  while (*offset < length) {
    long count = or_transport_write(&connection->transport, data + *offset, length - *offset);
    if (count == OR_TRANSPORT_AGAIN) return true;
    if (count < 0) return false;
    *offset += (size_t)count;
    if (connection->wait == OR_WAIT_WRITE) or_loop_wait(connection, OR_WAIT_WRITE);
  }
  return true;
}

static bool send_some(or_connection_t *connection, const char *data, size_t length) {
  size_t sent = 0;
  if (!or_connection_write_some(connection, data, length, &sent)) return false;
  return sent == length || append_pending(connection, data + sent, length - sent);
}

bool or_connection_send_now(or_connection_t *connection, const char *data, size_t length) {
  if (!send_some(connection, data, length)) return false;
  if (or_connection_has_output(connection)) or_connection_settle(connection);
  return true;
}

bool or_connection_flush(or_connection_t *connection) {
  or_loop_t *loop = connection->loop;
  if (loop->out_length > 0) { /* only ever this connection's, and nothing is pending then */
    const size_t length = loop->out_length;
    loop->out_length = 0;
    if (!send_some(connection, loop->out, length)) return false;
  }
  if (connection->pending_length > connection->pending_offset) {
    if (!or_connection_write_some(connection, connection->pending, connection->pending_length,
                                  &connection->pending_offset))
      return false;
    if (connection->pending_offset < connection->pending_length) return true;
  }
  if (connection->pending != NULL) {
    or_free(connection->request.allocator, connection->pending);
    connection->pending = NULL;
    connection->pending_length = connection->pending_offset = connection->pending_capacity = 0;
  }
  if (connection->large != NULL) {
    if (!or_connection_write_some(connection, connection->large, connection->large_length, &connection->large_offset))
      return false;
    if (connection->large_offset == connection->large_length) release_large(connection);
  }
  return or_connection_flush_file(connection);
}

void or_connection_drop_output(or_connection_t *connection) {
  connection->loop->out_length = 0;
  connection->pending_length = connection->pending_offset = 0;
  release_large(connection);
  if (or_file_body_is_reading(connection->file)) return;
  or_file_body_free(connection->file);
  connection->file = NULL;
}
