#include <assert.h>
#include <string.h>

#include "server/net_internal.h"
#include "server/ws.h"

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_closed(uv_handle_t *handle);
#define READING (UV_READABLE | UV_DISCONNECT)
static void read_some(or_connection_t *connection);
static void take(or_connection_t *connection, const char *data, size_t length);
static bool can_read(const or_connection_t *connection);

or_status_t or_connection_open(or_loop_t *loop, int descriptor, or_tls_t *tls, bool from_unix) {
  void *memory = NULL;
  or_transport_t transport;
  or_status_t status = or_transport_open(&transport, descriptor, tls);
  if (!or_ok(status)) return status;
  status = or_alloc_zeroed(loop->net->allocator, sizeof(or_connection_t), &memory);
  if (!or_ok(status)) {
    or_transport_close(&transport);
    return status;
  }
  or_connection_t *connection = memory;
  int error = uv_poll_init_socket(&loop->uv, &connection->poll, descriptor);
  if (error != 0) {
    or_transport_close(&transport);
    or_free(loop->net->allocator, connection);
    return or_error(OR_RESOURCE_EXHAUSTED, "a connection: %s", uv_strerror(error));
  }
  or_ref_init(&connection->refs);
  connection->loop = loop;
  connection->transport = transport;
  connection->poll.data = connection;
  connection->from_unix = from_unix;
  connection->head = connection->head_inline;
  connection->head_capacity = sizeof connection->head_inline;
  connection->request.allocator = loop->net->allocator;
  or_text_init(&connection->request.reply.text, loop->net->allocator);
  connection->all_next = loop->all;
  if (loop->all != NULL) loop->all->all_previous = connection;
  loop->all = connection;
  or_loop_wait(connection, OR_WAIT_HEAD); /* who connects and says nothing is as slow as who never ends */
  or_connection_go_on(connection);
  return or_status_success();
}

/* Ends the socket. The memory lives until the last reference; a kept request's owner is told. */
void or_connection_close(or_connection_t *connection) {
  if (connection->held) or_loop_send_held(connection->loop);
  if (connection->state == OR_CONNECTION_CLOSED) return;
  bool was_websocket = connection->state == OR_CONNECTION_WEBSOCKET;
  if (connection->state == OR_CONNECTION_BODY) or_loop_busy(connection->loop, false); /* it is never answered */
  connection->state = OR_CONNECTION_CLOSED;
  or_loop_forget(connection);
  or_connection_drop_output(connection);
  if (was_websocket) or_ws_ended(connection);
  if (connection->kept) or_connection_part(connection);
  (void)uv_poll_stop(&connection->poll);
  uv_close((uv_handle_t *)&connection->poll, on_closed);
  or_transport_close(&connection->transport);
}

static void on_closed(uv_handle_t *handle) {
  or_connection_t *connection = handle->data;
  or_loop_t *loop = connection->loop;
  if (connection->all_previous != NULL) connection->all_previous->all_next = connection->all_next;
  if (connection->all_next != NULL) connection->all_next->all_previous = connection->all_previous;
  if (loop->all == connection) loop->all = connection->all_next;
  (void)atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
  or_connection_release(connection);
  or_loop_connection_gone(loop);
}

void or_connection_release(or_connection_t *connection) {
  if (!or_ref_release(&connection->refs)) return;
  const or_allocator_t *allocator = connection->request.allocator;
  if (connection->head != connection->head_inline) or_free(allocator, connection->head);
  or_http_body_deinit(&connection->body);
  or_text_deinit(&connection->request.reply.text);
  or_free(allocator, connection->stash);
  or_free(allocator, connection->pending);
  or_ws_free(connection->ws);
  or_free(allocator, connection);
}

void or_connection_timed_out(or_connection_t *connection) {
  assert(!connection->held && "held replies are sent before the loop looks at its timer");
  switch (connection->wait) {
  case OR_WAIT_HEAD:
    if (connection->head_length > 0) {
      or_connection_refuse(connection, 408, "the head of the request did not come in time");
      or_connection_go_on(connection);
      return;
    }
    break;
  case OR_WAIT_BODY:
    or_connection_refuse(connection, 408, "the body of the request did not come in time");
    or_connection_go_on(connection);
    return;
  case OR_WAIT_WEBSOCKET:
    or_ws_timed_out(connection);
    or_connection_go_on(connection);
    return;
  default: break;
  }
  or_connection_close(connection);
}

void or_connection_drain(or_connection_t *connection) {
  if (connection->held) or_loop_send_held(connection->loop);
  connection->keep_alive = false;
  if (connection->state == OR_CONNECTION_WEBSOCKET) or_ws_close(connection->ws, OR_WS_GOING_AWAY, "the server ends");
  if (connection->state == OR_CONNECTION_BODY) { /* whole, it would be refused as well */
    or_connection_refuse(connection, 503, "the server is draining");
  } else if (connection->state == OR_CONNECTION_HEAD && connection->head_length == 0 &&
             !or_connection_has_output(connection)) {
    or_connection_close(connection);
  }
  or_connection_go_on(connection);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  or_connection_t *connection = poll->data;
  or_loop_t *loop = connection->loop;
  if (connection->held) or_loop_send_held(loop);
  if (connection->state == OR_CONNECTION_CLOSED) return;
  connection->unread = (events & UV_READABLE) != 0 && connection->state == OR_CONNECTION_HANDLING;
  if (status < 0 || ((events & UV_DISCONNECT) != 0 && connection->state == OR_CONNECTION_HANDLING)) {
    or_connection_close(connection);
    return;
  }
  if ((events & UV_WRITABLE) != 0 && !or_connection_flush(connection)) {
    or_connection_close(connection);
    return;
  }
  loop->gathers = true;
  if ((events & (UV_READABLE | UV_DISCONNECT)) != 0 || connection->transport.read_wants_write) read_some(connection);
  or_connection_go_on(connection);
  loop->gathers = false;
  or_loop_send_old(loop);
}

static void read_some(or_connection_t *connection) {
  size_t left = OR_BYTES_PER_EVENT;
  for (int i = 0; i < OR_READS_PER_EVENT && can_read(connection) && left > 0; ++i) {
    size_t room = 0;
    char *direct = connection->state == OR_CONNECTION_BODY ? or_http_body_room(&connection->body, &room) : NULL;
    if (room < OR_LOOP_BUFFER_BYTES) direct = NULL;
    if (room > left) room = left;
    char *to = direct != NULL ? direct : connection->loop->in;
    if (direct == NULL) room = OR_LOOP_BUFFER_BYTES;
    long count = or_transport_read(&connection->transport, to, room);
    if (count == OR_TRANSPORT_AGAIN) return;
    if (count < 0) {
      or_connection_close(connection);
      return;
    }
    left -= direct != NULL ? (size_t)count : 0;
    if (direct != NULL) {
      bool done = false;
      or_http_body_received(&connection->body, (size_t)count, &done);
      connection->body_progress += (size_t)count;
      or_connection_body_came(connection, done);
    } else if (connection->state != OR_CONNECTION_LINGER) {
      take(connection, to, (size_t)count);
    }
    /* A read that left room has emptied the socket; the next one would only say so. */
    if ((size_t)count < room && !or_transport_has_pending(&connection->transport)) return;
  }
}

bool or_connection_has_output(const or_connection_t *connection) {
  return connection->pending_length > connection->pending_offset || connection->large != NULL ||
         connection->file != NULL;
}

/* One request at a time, and none while the client does not take the answers. */
static bool can_read(const or_connection_t *connection) {
  return connection->state != OR_CONNECTION_HANDLING && connection->state != OR_CONNECTION_CLOSED &&
         !connection->ends_after_output && connection->stash == NULL && !or_connection_has_output(connection);
}

/* Keeps what can't be looked at now. */
static void keep(or_connection_t *connection, const char *data, size_t length) {
  if (length == 0 || connection->state == OR_CONNECTION_CLOSED || connection->state == OR_CONNECTION_LINGER ||
      connection->ends_after_output)
    return;
  or_status_t status = or_alloc(connection->request.allocator, length, (void **)&connection->stash);
  if (!or_ok(status)) or_connection_close(connection);
  if (or_ok(status)) {
    memcpy(connection->stash, data, length);
    connection->stash_length = length;
    connection->stash_offset = 0;
  }
  or_status_ignore(status); /* no memory: the connection has ended */
}

static size_t take_some(or_connection_t *connection, const char *data, size_t length) {
  switch (connection->state) {
  case OR_CONNECTION_HEAD: return or_connection_take_head(connection, data, length);
  case OR_CONNECTION_BODY: return or_connection_take_body(connection, data, length);
  case OR_CONNECTION_WEBSOCKET: return or_ws_take(connection, data, length);
  default: return length;
  }
}

static void take(or_connection_t *connection, const char *data, size_t length) {
  size_t at = 0;
  while (at < length && can_read(connection)) at += take_some(connection, data + at, length - at);
  keep(connection, data + at, length - at);
}

static void take_stash(or_connection_t *connection) {
  while (connection->stash != NULL) {
    char *stash = connection->stash;
    connection->stash = NULL; /* so that it may be read */
    if (!can_read(connection)) {
      connection->stash = stash;
      return;
    }
    size_t left = connection->stash_length - connection->stash_offset;
    connection->stash_offset += take_some(connection, stash + connection->stash_offset, left);
    bool over = connection->stash_offset == connection->stash_length || connection->state == OR_CONNECTION_CLOSED ||
                connection->state == OR_CONNECTION_LINGER || connection->ends_after_output;
    if (over) {
      or_free(connection->request.allocator, stash);
    } else {
      connection->stash = stash;
    }
  }
}

/* Everything is sent that will be: the client reads it, then the socket ends. */
static void linger(or_connection_t *connection) {
  or_transport_finish(&connection->transport);
  connection->ends_after_output = false;
  connection->state = OR_CONNECTION_LINGER;
  or_loop_wait(connection, OR_WAIT_LINGER);
}

static void choose_wait(or_connection_t *connection) {
  if (connection->state == OR_CONNECTION_CLOSED || connection->state == OR_CONNECTION_LINGER) return;
  or_wait_t wait = OR_WAIT_NOTHING;
  if (or_connection_has_output(connection)) {
    wait = OR_WAIT_WRITE; /* flush moves the deadline when the client takes something */
  } else if (connection->state == OR_CONNECTION_HEAD) {
    bool begun =
        connection->head_length > 0 || (connection->wait == OR_WAIT_HEAD && connection->request.received_ns == 0);
    wait = begun ? OR_WAIT_HEAD : OR_WAIT_IDLE;
  } else if (connection->state == OR_CONNECTION_BODY) {
    wait = OR_WAIT_BODY;
  } else if (connection->state == OR_CONNECTION_WEBSOCKET) {
    wait = OR_WAIT_WEBSOCKET;
  }
  bool moves = wait == OR_WAIT_IDLE || connection->wait != wait;
  if (wait == OR_WAIT_BODY && connection->body_progress >= OR_BODY_PROGRESS_BYTES) {
    connection->body_progress = 0;
    moves = true;
  }
  if (moves) or_loop_wait(connection, wait);
}

static void choose_events(or_connection_t *connection) {
  const or_transport_t *transport = &connection->transport;
  int events = 0;
  if (or_file_body_is_reading(connection->file)) {
    events = 0; /* until the piece is there */
  } else if (or_connection_has_output(connection)) {
    events = transport->write_wants_read ? UV_READABLE : UV_WRITABLE;
  } else if (connection->state == OR_CONNECTION_HANDLING) {
    /* What is polled for stays until something comes that can't be read now: most clients wait for the answer. */
    if (connection->events == READING && !connection->unread) return;
    events = UV_DISCONNECT;
  } else {
    events = transport->read_wants_write ? UV_WRITABLE : READING;
  }
  if (events == connection->events) return;
  connection->events = events;
  if (uv_poll_start(&connection->poll, events, on_poll) != 0) or_connection_close(connection);
}

void or_connection_go_on(or_connection_t *connection) {
  if (connection->state == OR_CONNECTION_CLOSED) return;
  for (;;) {
    if (!or_connection_hold(connection) && !or_connection_flush(connection)) {
      or_connection_close(connection);
      return;
    }
    if (connection->state == OR_CONNECTION_WEBSOCKET && !or_connection_has_output(connection)) or_ws_pump(connection);
    bool more = !or_connection_has_output(connection) && !connection->ends_after_output &&
                connection->state != OR_CONNECTION_HANDLING &&
                (connection->stash != NULL || or_transport_has_pending(&connection->transport));
    if (connection->state == OR_CONNECTION_CLOSED) return;
    if (!more && connection->loop->out_length == 0) break;
    if (more && connection->stash != NULL) take_stash(connection);
    if (more && connection->state != OR_CONNECTION_CLOSED && connection->stash == NULL) read_some(connection);
    if (connection->state == OR_CONNECTION_CLOSED) return;
  }
  if (connection->ends_after_output && !or_connection_has_output(connection)) linger(connection);
  or_connection_settle(connection);
}

void or_connection_settle(or_connection_t *connection) {
  choose_wait(connection);
  choose_events(connection);
}
