#ifndef OR_CLIENT_CLIENT_H
#define OR_CLIENT_CLIENT_H
/* HTTP to an OpenRuntime server: one connection that stays open, one request at a time. */

#include "base/cancel.h"
#include "base/string.h"

/* Where the server is. Strings are copied. */
typedef struct or_client_options_t {
  const or_allocator_t *allocator;
  /* "http://HOST[:PORT][/PREFIX]", "https://…", "HOST:PORT" (http), "unix:/PATH" or "http+unix://%2FPATH". */
  const char *url;
  const char *key;           /* an API key, sent as bearer token; NULL or "": none */
  const char *ca_file;       /* PEM certificates that are trusted in place of the system's; NULL or "": the system's */
  const or_cancel_t *cancel; /* ends a request that is under way; may be NULL; outlives the client */
} or_client_options_t;

/* Owned by one thread. */
typedef struct or_client_t or_client_t;
/* INVALID_ARGUMENT: the URL or the key can't be one. UNIMPLEMENTED: this build has no libcurl. RESOURCE_EXHAUSTED. */
or_status_t or_client_create(const or_client_options_t *options, or_client_t **out);
void or_client_free(or_client_t *client);             /* takes NULL */
const char *or_client_url(const or_client_t *client); /* as it was given, for messages */

/* One part of a multipart/form-data body. */
typedef struct or_client_part_t {
  const char *name, *content_type; /* content_type: NULL gives application/octet-stream */
  const void *data;
  size_t bytes;
} or_client_part_t;

#define OR_CLIENT_NO_TIMEOUT (-1.0)
typedef struct or_client_request_t {
  const char *method; /* "GET" */
  const char *path;   /* "/devices/cpu_0", encoded: or_client_escape makes a segment of any text */
  const char *query;  /* without '?', encoded; NULL: none */
  /* A body: bytes with their type, or parts; neither: no body. Borrowed for the call. */
  const char *content_type;
  const void *body;
  size_t body_bytes;
  const or_client_part_t *parts;
  size_t part_count;
  const char *accept; /* NULL: application/json */
  const char *prefer; /* "respond-async"; NULL: none */
  double timeout_s;   /* for the whole of it; 0: OR_CLIENT_TIMEOUT_S; OR_CLIENT_NO_TIMEOUT: no bound */
  bool uncancelled;   /* the client's token does not end it: what is to be cleaned up after that was requested */
  /* Called every OR_CLIENT_TICK_MS until the reply comes, on the caller's thread; it may use another client. */
  void (*tick)(void *self);
  void *tick_self;
  /* Called once, with tick_self, when the token ends the request, before its connection is closed; may be NULL. */
  void (*ending)(void *self);
} or_client_request_t;
#define OR_CLIENT_TIMEOUT_S 60.0
#define OR_CLIENT_CONNECT_TIMEOUT_S 10.0
#define OR_CLIENT_TICK_MS 200
#define OR_CLIENT_MAX_REPLY_BYTES ((size_t)1 << 30)
#define OR_CLIENT_MAX_HEADER_BYTES ((size_t)64 << 10)

/* What came. In place; init before the first request, and again usable for the next. */
typedef struct or_client_reply_t {
  int status;              /* HTTP; 0: none came */
  or_text_t body, headers; /* headers: "Name: value\r\n" lines of the last head */
} or_client_reply_t;
void or_client_reply_init(or_client_reply_t *reply, const or_allocator_t *allocator);
void or_client_reply_deinit(or_client_reply_t *reply);
/* The value of a header, by name in any case, into `text`; false (and "") if it did not come or finds no room. */
bool or_client_reply_header(const or_client_reply_t *reply, const char *name, char *text, size_t capacity);

/* Sends a request and takes its reply, whatever its HTTP status is; redirects are not followed. OK: reply->status is
 * set. Without a whole reply reply->status is 0: UNAVAILABLE (no server there, its certificate is not trusted, the
 * connection ended; with the cure), CANCELLED (the token; the connection is closed, which cancels a task that the
 * server's reply waits for), DEADLINE_EXCEEDED (timeout_s, or the token's deadline), OUT_OF_RANGE (beyond
 * OR_CLIENT_MAX_REPLY_BYTES), RESOURCE_EXHAUSTED, INVALID_ARGUMENT (method, path). */
or_status_t or_client_send(or_client_t *client, const or_client_request_t *request, or_client_reply_t *reply);
/* The same, and a reply of 300 or more is a failure too: or_client_reply_status. */
or_status_t or_client_call(or_client_t *client, const or_client_request_t *request, or_client_reply_t *reply);

/* The failure that a reply of status 300 or more stands for, by its error document: `error_code` gives the code, else
 * the HTTP status does; the message is `detail`, of a 422 each "field: message", with what helps (a key, when to try
 * again). Success below 300. */
or_status_t or_client_reply_status(const or_client_reply_t *reply);

/* The code of a word on the wire ("not_found"); OR_OK: it is none of ours. */
or_status_code_t or_client_code(const char *word);

/* `text` as one segment of a path or one value of a query, appended: unreserved characters plain, the rest %XX. */
or_status_t or_client_escape(or_text_t *text, const char *segment);

#endif
