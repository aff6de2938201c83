#ifndef OR_SERVER_HTTP_HEAD_H
#define OR_SERVER_HTTP_HEAD_H
/* The head of an HTTP/1.1 request (RFC 9112 section 2 to 6, RFC 9110 section 5): strict, so that nobody in front of us
 * can read the same bytes in another way. No state, no memory; any thread. */

#include "server/http.h"

typedef struct or_http_head_t {
  or_http_method_t method;
  or_slice_t target; /* as it came */
  or_slice_t path;   /* without scheme, authority and query; "*" of OPTIONS */
  or_slice_t query;  /* data is NULL without '?' */
  or_slice_t headers[OR_HEADER_COUNT];
  uint64_t content_length; /* 0 if none is said */
  bool has_length, chunked, keep_alive, expects_continue, http_1_0;
} or_http_head_t;

typedef struct or_http_limits_t {
  size_t target_bytes; /* more: 414 */
  size_t head_bytes;   /* more: 431 */
  size_t header_count; /* more: 431 */
} or_http_limits_t;

/* Reads one head from the front of `data`. The slices point into it.
 * *consumed: bytes of the head with its blank line; 0: more is needed.
 * Returns 0, or the HTTP status that refuses it (400, 414, 431, 501, 505) and *why in a few words. */
int or_http_head_parse(const char *data, size_t length, const or_http_limits_t *limits, or_http_head_t *out,
                       size_t *consumed, const char **why);
/* Bytes of the head with its blank line; 0 if that has not come. `seen` bytes were looked at by an earlier call. */
size_t or_http_head_end(const char *data, size_t length, size_t seen);

#endif
