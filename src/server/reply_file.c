/* A body that lies in a file: one piece of it is in memory, and the next is read when the client has taken that one. A
 * read is done by libuv's threads, so that no loop waits for the disk. */
#include "base/alloc.h"
#include "base/log.h"
#include "server/net_internal.h"

/* Owned by the reply, then by the connection; while `reading` the fields from `work` on are the reader's. */
struct or_file_body_t {
  const or_allocator_t *allocator;
  or_connection_t *connection; /* with a reference while `reading` */
  or_file_t *file;
  uint64_t bytes; /* of it all */
  size_t sent;    /* of the piece */
  bool reading;
  uv_work_t work;
  uint64_t offset; /* of what is not in memory yet */
  size_t length;   /* of the piece */
  bool failed;
  char piece[OR_REPLY_PIECE_BYTES];
};

static or_status_t read_piece(or_file_body_t *body) {
  const uint64_t left = body->bytes - body->offset;
  body->length = left < OR_REPLY_PIECE_BYTES ? (size_t)left : OR_REPLY_PIECE_BYTES;
  body->sent = 0;
  or_status_t status = or_file_read_at(body->file, body->offset, body->piece, body->length);
  body->offset += body->length;
  return status;
}

or_status_t or_reply_file(or_request_t *request, const char *content_type, or_file_t *file) {
  void *memory = NULL;
  or_status_t status = or_alloc(request->allocator, sizeof(or_file_body_t), &memory);
  if (!or_ok(status)) return status;
  or_file_body_t *body = memory;
  body->allocator = request->allocator;
  body->file = file;
  body->bytes = or_file_size(file);
  body->offset = 0;
  body->reading = body->failed = false;
  or_file_retain(file);
  status = read_piece(body);
  if (or_ok(status)) {
    request->reply.content_type = content_type;
    request->reply.file = body;
    request->reply.bytes = (size_t)body->bytes;
  } else {
    or_file_body_free(body);
  }
  return status;
}

void or_file_body_free(or_file_body_t *body) {
  if (body == NULL || body->reading) return;
  or_file_release(body->file);
  or_free(body->allocator, body);
}

bool or_file_body_is_reading(const or_file_body_t *body) { return body != NULL && body->reading; }

static void on_work(uv_work_t *work) {
  or_file_body_t *body = work->data;
  or_status_t status = read_piece(body);
  body->failed = !or_ok(status);
  if (body->failed) or_log(OR_LOG_SERVER, OR_LOG_ERROR, "reply_cut_off", "reason=\"%s\"", or_status_message(status));
  or_status_ignore(status); /* the head has gone: the connection ends before the body is whole */
}

/* On the loop's thread. */
static void on_worked(uv_work_t *work, int error) {
  or_file_body_t *body = work->data;
  or_connection_t *connection = body->connection;
  or_loop_t *loop = connection->loop;
  body->reading = false;
  --loop->kept;
  if (connection->state == OR_CONNECTION_CLOSED) {
    connection->file = NULL;
    or_file_body_free(body);
  } else if (error != 0 || body->failed) {
    or_connection_close(connection);
  } else {
    or_loop_wait(connection, OR_WAIT_WRITE);
    or_connection_go_on(connection);
  }
  or_connection_release(connection);
  or_loop_connection_gone(loop);
}

static bool begin_read(or_connection_t *connection, or_file_body_t *body) {
  body->connection = connection;
  body->work.data = body;
  body->reading = true;
  if (uv_queue_work(&connection->loop->uv, &body->work, on_work, on_worked) != 0) {
    body->reading = false;
    return false;
  }
  or_ref_retain(&connection->refs);
  ++connection->loop->kept;
  return true;
}

bool or_connection_flush_file(or_connection_t *connection) {
  or_file_body_t *body = connection->file;
  if (body == NULL || body->reading) return true;
  if (!or_connection_write_some(connection, body->piece, body->length, &body->sent)) return false;
  if (body->sent < body->length) return true;
  if (body->offset < body->bytes) return begin_read(connection, body);
  connection->file = NULL;
  or_file_body_free(body);
  return true;
}
