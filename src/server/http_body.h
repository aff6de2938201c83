#ifndef OR_SERVER_HTTP_BODY_H
#define OR_SERVER_HTTP_BODY_H
/* The body of an HTTP/1.1 request, by Content-Length or in chunks (RFC 9112 section 6 and 7), gathered in one piece of
 * bounded memory. Owned by one thread. */

#include "base/alloc.h"
#include "server/http_head.h"

typedef struct or_http_body_t {
  const or_allocator_t *allocator;
  char *data; /* aligned to OR_DEFAULT_ALIGNMENT, terminated behind `length` once it is complete; NULL if it is empty */
  size_t length, capacity;
  size_t limit_bytes;
  uint64_t remaining; /* of the body, or of the chunk at hand */
  size_t line_bytes;  /* of the line at hand: chunk extensions and trailers are bounded */
  int state;
} or_http_body_t;
#define OR_HTTP_CHUNK_LINE_BYTES 1024 /* of a chunk's size with its extensions, and of the trailers in all */

/* Ready for the body that `head` announces. `limit_bytes`: more than that is a 413. Returns 0 or the HTTP status. */
int or_http_body_begin(or_http_body_t *body, const or_allocator_t *allocator, const or_http_head_t *head,
                       size_t limit_bytes);
/* Takes from the front of `data` what belongs to the body. *done: it is complete. Returns 0 or the HTTP status that
 * ends the request: 400 (not chunks), 413 (over the limit), 507 (no memory). */
int or_http_body_feed(or_http_body_t *body, const char *data, size_t length, size_t *consumed, bool *done);
/* Where the next bytes of a body by Content-Length may be received without a copy; *room is 0 if they can't be. */
char *or_http_body_room(or_http_body_t *body, size_t *room);
void or_http_body_received(or_http_body_t *body, size_t length, bool *done); /* that many lie there now */
void or_http_body_deinit(or_http_body_t *body);

#endif
