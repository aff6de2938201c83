#ifndef OR_SERVER_HTTP_H
#define OR_SERVER_HTTP_H
/* A request and its reply, as handlers see them; what lies below (sockets, TLS, parsing) is `connection.c` and
 * `loop.c`.
 *
 * A handler runs on the thread of the loop that owns the connection, and returns soon; one whose work is large
 * (or_request_elsewhere) runs on a thread where it may take long. It fills the request's reply and returns, or calls
 * or_request_keep and answers later, from any thread, by or_reply_post. */

#include "base/cancel.h"
#include "base/file.h"
#include "base/json.h"
#include "base/slice.h"
#include "task/journal.h"

typedef struct or_server_t or_server_t; /* what the routes work with: server.h */
typedef struct or_request_t or_request_t;
typedef struct or_route_t or_route_t;
typedef struct or_file_body_t or_file_body_t; /* reply_file.c */

typedef enum or_http_method_t {
  OR_HTTP_GET,
  OR_HTTP_HEAD,
  OR_HTTP_POST,
  OR_HTTP_PUT,
  OR_HTTP_PATCH,
  OR_HTTP_DELETE,
  OR_HTTP_OPTIONS,
  OR_HTTP_OTHER
} or_http_method_t;
const char *or_http_method_name(or_http_method_t method);

/* Whether a comma-separated header value has this token, in any case. */
bool or_slice_has_token(or_slice_t list, const char *token);
/* Whether an Accept header names this media type itself; wildcards don't count. */
bool or_slice_accepts(or_slice_t accept, const char *media_type);

/* The headers that are kept; all others are checked and passed over. */
#define OR_HTTP_HEADERS(X)                               \
  X(HOST, "host")                                        \
  X(CONTENT_LENGTH, "content-length")                    \
  X(TRANSFER_ENCODING, "transfer-encoding")              \
  X(CONTENT_TYPE, "content-type")                        \
  X(CONTENT_ENCODING, "content-encoding")                \
  X(CONNECTION, "connection")                            \
  X(EXPECT, "expect")                                    \
  X(ACCEPT, "accept")                                    \
  X(AUTHORIZATION, "authorization")                      \
  X(API_KEY, "x-api-key")                                \
  X(ORIGIN, "origin")                                    \
  X(REQUEST_ID, "x-request-id")                          \
  X(PREFER, "prefer")                                    \
  X(UPGRADE, "upgrade")                                  \
  X(WEBSOCKET_KEY, "sec-websocket-key")                  \
  X(WEBSOCKET_VERSION, "sec-websocket-version")          \
  X(WEBSOCKET_PROTOCOL, "sec-websocket-protocol")        \
  X(CORS_METHOD, "access-control-request-method")        \
  X(INFERENCE_LENGTH, "inference-header-content-length") \
  X(RANGE, "range")                                      \
  X(IF_RANGE, "if-range")
typedef enum or_http_header_t {
#define X(name, text) OR_HEADER_##name,
  OR_HTTP_HEADERS(X)
#undef X
      OR_HEADER_COUNT
} or_http_header_t;

#define OR_KEY_ID_BYTES 33
typedef struct or_key_t {
  char id[OR_KEY_ID_BYTES]; /* "" where the server has no keys */
  unsigned scopes;
} or_key_t;

#define OR_REQUEST_ID_BYTES 65
#define OR_HTTP_MAX_SEGMENTS 8 /* of a path */
#define OR_REPLY_HEADERS_BYTES 768

/* Owned by its connection's loop until or_request_keep, then by whoever keeps it until or_reply_post. */
typedef struct or_reply_t {
  int status;               /* 200 */
  const char *content_type; /* static; "application/json" */
  or_text_t text;           /* the body; its memory is used again by the connection's next request */
  /* In place of `text`: bytes that are sent as they lie; owner.release is called once on the loop's thread, when they
   * are sent or the client has gone. */
  const void *data;
  size_t bytes;
  or_owner_t owner;
  or_file_body_t *file;                 /* in place of both: the reply's own; `bytes` says how many */
  char headers[OR_REPLY_HEADERS_BYTES]; /* more of them, "Name: value\r\n" each; by or_reply_header */
  size_t headers_length;
  int64_t parse_ns, queue_ns, run_ns; /* for Server-Timing; parse: from handled_ns; negative: not measured */
  int64_t done_ns;                    /* or_clock_ns when the work ended; 0: there was none */
  bool close;                         /* the connection ends after it */
} or_reply_t;

struct or_request_t {
  or_server_t *server;
  const or_allocator_t *allocator;
  const or_route_t *route; /* NULL before it is found */
  or_http_method_t method;
  or_slice_t path, query;                    /* path: only its segments may be read; query: behind '?', still encoded */
  or_slice_t segments[OR_HTTP_MAX_SEGMENTS]; /* of the path, decoded and terminated */
  size_t segment_count;
  or_slice_t headers[OR_HEADER_COUNT];
  const char *body; /* aligned for tensors (OR_DEFAULT_ALIGNMENT), terminated behind `body_bytes`; NULL if empty */
  size_t body_bytes;
  or_key_t key;
  char request_id[OR_REQUEST_ID_BYTES]; /* the client's, or made */
  int64_t received_ns, whole_ns;        /* or_clock_ns when its head was complete, and its body */
  int64_t handled_ns;                   /* and when its handler began: later than whole_ns if that runs elsewhere */
  bool secure;                          /* by TLS */
  or_reply_t reply;
  or_cancel_t cancel; /* requested if the client goes before the reply of a kept request is posted */
  void (*gone)(void *self, or_request_t *request); /* by or_request_on_gone */
  void *gone_self;
};

/* The n-th parameter of the route's pattern: "/devices/{id}" has one. Terminated; "" outside. */
const char *or_request_parameter(const or_request_t *request, size_t index);

/* The memory of the body, for whoever needs it longer than the request lives: the caller's (or_free by the request's
 * allocator). `body` stays as it is. */
void *or_request_take_body(or_request_t *request);

/* The reply comes later: the handler calls this, hands the request to whoever will answer it, and returns. */
void or_request_keep(or_request_t *request);
/* Of a kept request, before its handler returns: `gone` is called once if the client goes before the reply is posted;
 * on the loop's thread, or here if the client has gone already. or_reply_post must still be called. */
void or_request_on_gone(or_request_t *request, void (*gone)(void *self, or_request_t *request), void *self);
/* For a handler that is about to work over so many bytes, before it does anything: true if no loop may be held so long
 * and its thread is one of a loop. It returns then, and is called again on another thread; or, where too many wait for
 * that, 503 is the reply. */
bool or_request_elsewhere(or_request_t *request, size_t bytes);
#define OR_LOOP_WORK_BYTES ((size_t)128 << 10) /* what a loop does itself: JSON of a millisecond at most */
/* The same for a handler that found that it must wait for a disk before it can do what it is for; of its own kind of
 * thread, so that those who bring much do not wait for it. On a loop's thread *moved says whether it is called again
 * elsewhere; if it is not, too many wait for that, and it had better do without. False: the thread may wait. */
bool or_request_may_not_wait(or_request_t *request, bool *moved);
/* Whether this thread may carry out short work for the request itself: on a loop's, where what was done since it last
 * looked at its sockets took less than OR_LOOP_WORK_NS, so that no connection waits longer for others' work than that
 * and one piece more. */
bool or_request_has_time(const or_request_t *request);
#define OR_LOOP_WORK_NS INT64_C(100000)
/* Sends the reply of a kept request; the request is not touched after that. Any thread, exactly once. */
void or_reply_post(or_request_t *request);

/* Starts a JSON body in the reply. */
void or_reply_json_begin(or_request_t *request, or_json_writer_t *json);
/* Ends it; a writer that ran out of memory makes the reply a 507. */
void or_reply_json_end(or_request_t *request, or_json_writer_t *json);
/* A body of another kind, copied. */
void or_reply_text(or_request_t *request, const char *content_type, const char *text, size_t length);
/* A body that is not copied: see or_reply_t.data. */
void or_reply_bytes(or_request_t *request, const char *content_type, const void *data, size_t bytes, or_owner_t owner);
/* A body that is what the file was when it was opened, read piece by piece as the client takes it; takes a reference.
 * Reads the first piece: not for a loop's thread. On failure, statuses of or_file_read_at and RESOURCE_EXHAUSTED, the
 * reply is as it was. */
or_status_t or_reply_file(or_request_t *request, const char *content_type, or_file_t *file);
/* Of a body by or_reply_bytes or or_reply_file, a 200's, that never changes under this strong ETag (with its quotes):
 * the request may ask for a part of it, and the reply becomes a 206, or a 416. */
void or_reply_ranges(or_request_t *request, const char *etag);
/* One more header. Control characters in the value become spaces; one that finds no room is left out. */
void or_reply_header(or_request_t *request, const char *name, const char *format, ...) OR_PRINTF(3, 4);
/* {"detail", "error_code"} with this HTTP status. */
void or_reply_error(or_request_t *request, int http, const char *error_code, const char *format, ...) OR_PRINTF(4, 5);
/* The same of a failed status, by the one table (or_status_mapping); takes the status. */
void or_reply_failure(or_request_t *request, or_status_t status);
/* 422 with one entry: {"detail": [{"loc": [...], "msg", "type"}]}; `where` is "query", "path" or "body". */
void or_reply_problem(or_request_t *request, const char *where, const char *field, const char *type, const char *format,
                      ...) OR_PRINTF(5, 6);
/* Writes "loc": [`where`, then the words of `field`]: two of "data.size", one of what follows "data.inputs.", a number
 * of an item's ("data.arguments.1"), none of "". */
void or_reply_write_loc(or_json_writer_t *json, const char *where, const char *field);
/* The reason phrase of an HTTP status; "" for one that we never send. */
const char *or_http_reason(int status);

#endif
