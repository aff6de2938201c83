/* A body that lies in a file: one piece of it is in memory, and the next is read when the client has taken that one, by
 * threads of the net's own, so that no loop waits for the disk. (Those of libuv end the process where the system has no
 * thread for them.) A loop has a few reads under way at a time, so that the threads' queue has room for those of all
 * loops; further ones wait in the loop. */
#include <assert.h>

#include "base/alloc.h"
#include "base/log.h"
#include "server/net_internal.h"

#define READ_THREADS 2
static_assert(OR_NET_MAX_LOOPS * OR_LOOP_FILE_READS <= OR_WORKERS_MAX_QUEUED, "a read always finds room");

/* Owned by the reply, then by the connection; while `reading` the fields from `offset` on are the reader's. */
struct or_file_body_t {
  const or_allocator_t *allocator;
  or_connection_t *connection; /* with a reference while `reading` */
  or_file_t *file;
  uint64_t bytes; /* of the file, up to the last one to be sent */
  size_t sent;    /* of the piece */
  bool reading;
  or_mail_t mail;       /* of a piece that was read */
  or_file_body_t *next; /* in the loop's list of those that wait */
  uint64_t offset;      /* of what is not in memory yet */
  size_t length;        /* of the piece */
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

or_status_t or_file_readers_start(or_net_t *net) {
  const or_workers_options_t options = {.allocator = net->allocator, .name = "or-file", .threads = READ_THREADS};
  return or_workers_create(&options, &net->file_readers);
}

void or_file_readers_stop(or_net_t *net) { or_workers_free(net->file_readers); }

void or_file_body_narrow(or_file_body_t *body, uint64_t first, uint64_t count) {
  body->bytes = first + count;
  if (first == 0) {
    if (body->length > count) body->length = (size_t)count;
    return;
  }
  body->offset = first; /* the piece that is there is not asked for */
  body->length = body->sent = 0;
}

/* On a reader's thread. */
static void read_next(void *self, bool stopped) {
  or_file_body_t *body = self;
  or_status_t status = stopped ? or_error(OR_UNAVAILABLE, "the server is ending") : read_piece(body);
  body->failed = !or_ok(status);
  if (body->failed) or_log(OR_LOG_SERVER, OR_LOG_ERROR, "reply_cut_off", "reason=\"%s\"", or_status_message(status));
  or_status_ignore(status); /* the head has gone: the connection ends before the body is whole */
  or_mailbox_send(&body->connection->loop->mailbox, &body->mail);
}

static void hand_to_readers(or_loop_t *loop, or_file_body_t *body) {
  ++loop->file_reads;
  or_status_t status = or_workers_submit(loop->net->file_readers, read_next, body);
  if (!or_ok(status)) read_next(body, true); /* they have been stopped */
  or_status_ignore(status);                  /* told: the connection ends */
}

/* On the loop's thread. */
static void on_read(or_mail_t *mail) {
  or_file_body_t *body = (or_file_body_t *)((char *)mail - offsetof(or_file_body_t, mail));
  or_connection_t *connection = body->connection;
  or_loop_t *loop = connection->loop;
  or_file_body_t *waiting = loop->file_first;
  body->reading = false;
  --loop->kept;
  --loop->file_reads;
  if (waiting != NULL) {
    loop->file_first = waiting->next;
    hand_to_readers(loop, waiting);
  }
  if (connection->state == OR_CONNECTION_CLOSED) {
    connection->file = NULL;
    or_file_body_free(body);
  } else if (body->failed) {
    or_connection_close(connection);
  } else {
    or_loop_wait(connection, OR_WAIT_WRITE);
    or_connection_go_on(connection);
  }
  or_connection_release(connection);
  or_loop_connection_gone(loop);
}

static void begin_read(or_connection_t *connection, or_file_body_t *body) {
  or_loop_t *loop = connection->loop;
  body->connection = connection;
  body->mail.run = on_read;
  body->next = NULL;
  body->reading = true;
  or_ref_retain(&connection->refs);
  ++loop->kept;
  if (loop->file_reads < OR_LOOP_FILE_READS) {
    hand_to_readers(loop, body);
    return;
  }
  if (loop->file_first == NULL) {
    loop->file_first = body;
  } else {
    loop->file_last->next = body;
  }
  loop->file_last = body;
}

bool or_connection_flush_file(or_connection_t *connection) {
  or_file_body_t *body = connection->file;
  if (body == NULL || body->reading) return true;
  if (!or_connection_write_some(connection, body->piece, body->length, &body->sent)) return false;
  if (body->sent < body->length) return true;
  if (body->offset < body->bytes) {
    begin_read(connection, body);
    return true;
  }
  connection->file = NULL;
  or_file_body_free(body);
  return true;
}
