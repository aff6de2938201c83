#include "server/http_body.h"

#include <string.h>

/* States: whole bodies first, then those of chunks in the order they come. */
enum {
  BODY_DONE,
  BODY_WHOLE,
  CHUNK_SIZE,
  CHUNK_EXTENSION,
  CHUNK_DATA,
  CHUNK_CR,
  CHUNK_LF,
  TRAILER_START,
  TRAILER_LF,
  TRAILER_LINE,
  LAST_LF
};
#define MAX_CHUNK_DIGITS 15 /* hexadecimal: below 2^60 */

static int reserve(or_http_body_t *body, uint64_t more);
static int feed_framing(or_http_body_t *body, char c);

int or_http_body_begin(or_http_body_t *body, const or_allocator_t *allocator, const or_http_head_t *head,
                       size_t limit_bytes) {
  *body = (or_http_body_t){.allocator = allocator, .limit_bytes = limit_bytes};
  if (head->chunked) {
    body->state = CHUNK_SIZE;
    return 0;
  }
  body->state = head->content_length > 0 ? BODY_WHOLE : BODY_DONE;
  body->remaining = head->content_length;
  if (head->content_length > limit_bytes) return 413;
  return 0;
}

void or_http_body_deinit(or_http_body_t *body) {
  if (body->allocator != NULL) or_free(body->allocator, body->data);
  *body = (or_http_body_t){.allocator = body->allocator};
}

int or_http_body_feed(or_http_body_t *body, const char *data, size_t length, size_t *consumed, bool *done) {
  size_t at = 0;
  int status = 0;
  while (at < length && body->state != BODY_DONE && status == 0) {
    if (body->state != BODY_WHOLE && body->state != CHUNK_DATA) {
      status = feed_framing(body, data[at++]);
      continue;
    }
    size_t piece = length - at < body->remaining ? length - at : (size_t)body->remaining;
    status = reserve(body, body->state == BODY_WHOLE ? body->remaining : piece);
    if (status != 0) break;
    memcpy(body->data + body->length, data + at, piece);
    at += piece;
    body->length += piece;
    body->remaining -= piece;
    if (body->remaining == 0) body->state = body->state == BODY_WHOLE ? BODY_DONE : CHUNK_CR;
  }
  *consumed = at;
  *done = body->state == BODY_DONE;
  if (*done && body->data != NULL) body->data[body->length] = '\0';
  return status;
}

char *or_http_body_room(or_http_body_t *body, size_t *room) {
  *room = 0;
  if (body->state != BODY_WHOLE || body->data == NULL) return NULL;
  *room = (size_t)body->remaining;
  return body->data + body->length;
}

void or_http_body_received(or_http_body_t *body, size_t length, bool *done) {
  body->length += length;
  body->remaining -= length;
  *done = body->remaining == 0;
  if (!*done) return;
  body->state = BODY_DONE;
  body->data[body->length] = '\0';
}

/* Room for `more` bytes and the terminator. A whole body gets its memory at once; chunks double it. */
static int reserve(or_http_body_t *body, uint64_t more) {
  if (more > body->limit_bytes - body->length) return 413;
  size_t needed = body->length + (size_t)more + 1;
  if (needed <= body->capacity) return 0;
  size_t capacity = body->state == BODY_WHOLE || body->capacity == 0 ? needed : body->capacity * 2;
  if (capacity < needed) capacity = needed;
  if (capacity > body->limit_bytes + 1) capacity = body->limit_bytes + 1;
  void *grown = NULL;
  or_status_t status = or_alloc(body->allocator, capacity, &grown);
  if (!or_ok(status)) {
    or_status_ignore(status); /* the HTTP status says it */
    return 507;
  }
  if (body->length > 0) memcpy(grown, body->data, body->length);
  or_free(body->allocator, body->data);
  body->data = grown;
  body->capacity = capacity;
  return 0;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The end of a size line: the last chunk is the one of size 0. */
static int end_size_line(or_http_body_t *body) {
  body->line_bytes = 0;
  body->state = body->remaining > 0 ? CHUNK_DATA : TRAILER_START;
  return body->remaining > body->limit_bytes - body->length ? 413 : 0;
}

/* One byte of what is not data: sizes, extensions (passed over), line ends, trailers (passed over). */
static int feed_framing(or_http_body_t *body, char c) {
  if (++body->line_bytes > OR_HTTP_CHUNK_LINE_BYTES) return 400;
  switch (body->state) {
  case CHUNK_SIZE: {
    int digit = hex_digit(c);
    if (digit >= 0) {
      if (body->line_bytes > MAX_CHUNK_DIGITS) return 400;
      body->remaining = body->remaining * 16 + (uint64_t)digit;
      return 0;
    }
    if (body->line_bytes == 1 || (c != '\r' && c != ';' && c != ' ' && c != '\t')) return 400;
    body->state = c == '\r' ? CHUNK_LF : CHUNK_EXTENSION;
    return 0;
  }
  case CHUNK_EXTENSION:
    if (c == '\n') return 400;
    if (c == '\r') body->state = CHUNK_LF;
    return 0;
  case CHUNK_LF: return c == '\n' ? end_size_line(body) : 400;
  case CHUNK_CR: /* behind the data: CR, then LF, then the next size */
    if (c == '\r') return 0;
    if (c != '\n' || body->line_bytes != 2) return 400;
    body->line_bytes = 0;
    body->state = CHUNK_SIZE;
    return 0;
  case TRAILER_START: body->state = c == '\r' ? LAST_LF : TRAILER_LINE; return c == '\n' ? 400 : 0;
  case LAST_LF: body->state = BODY_DONE; return c == '\n' ? 0 : 400;
  case TRAILER_LF: body->state = TRAILER_START; return c == '\n' ? 0 : 400;
  default:
    if (c == '\r') body->state = TRAILER_LF;
    return c == '\n' ? 400 : 0;
  }
}
