/* One part of a body (RFC 9110 section 14), so that a client whose connection broke goes on where it was. */
#include <string.h>

#include "server/net_internal.h"

typedef enum range_kind_t {
  RANGE_ALL, /* not asked for, or in a way that may be passed over: several parts, another unit, no numbers */
  RANGE_PART,
  RANGE_OUTSIDE
} range_kind_t;

/* The digits in front, cut off; more than fit are as many as fit. False: there are none. */
static bool take_number(or_slice_t *text, uint64_t *out) {
  const size_t before = text->length;
  *out = 0;
  while (text->length > 0 && text->data[0] >= '0' && text->data[0] <= '9') {
    const uint64_t digit = (uint64_t)(text->data[0] - '0');
    *out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
    ++text->data, --text->length;
  }
  return text->length < before;
}

static range_kind_t read_range(or_slice_t text, uint64_t total, uint64_t *first, uint64_t *count) {
  static const char unit[] = "bytes=";
  uint64_t last = 0;
  if (text.length < sizeof unit || !or_slice_is_nocase((or_slice_t){text.data, sizeof unit - 1}, unit))
    return RANGE_ALL;
  text = (or_slice_t){text.data + sizeof unit - 1, text.length - (sizeof unit - 1)};
  const bool has_first = take_number(&text, first);
  if (text.length == 0 || text.data[0] != '-') return RANGE_ALL;
  ++text.data, --text.length;
  const bool has_last = take_number(&text, &last);
  if (text.length > 0 || (!has_first && !has_last)) return RANGE_ALL;
  if (!has_first) { /* the last bytes: as many as that, or all */
    if (last == 0) return RANGE_OUTSIDE;
    *count = last < total ? last : total;
    *first = total - *count;
    return total > 0 ? RANGE_PART : RANGE_ALL;
  }
  if (has_last && last < *first) return RANGE_ALL;
  if (*first >= total) return RANGE_OUTSIDE;
  *count = !has_last || last >= total ? total - *first : last - *first + 1;
  return RANGE_PART;
}

/* The owner of the body that is not sent is told when the reply is. */
static void refuse(or_request_t *request, uint64_t total) {
  or_reply_t *reply = &request->reply;
  or_file_body_free(reply->file);
  reply->file = NULL;
  reply->data = NULL;
  reply->bytes = 0;
  or_reply_header(request, "Content-Range", "bytes */%llu", (unsigned long long)total);
  or_reply_error(request, 416, "out_of_range", "the body has %llu bytes, and none of those asked for",
                 (unsigned long long)total);
}

void or_reply_ranges(or_request_t *request, const char *etag) {
  or_reply_t *reply = &request->reply;
  const or_slice_t range = request->headers[OR_HEADER_RANGE], condition = request->headers[OR_HEADER_IF_RANGE];
  const uint64_t total = reply->bytes;
  uint64_t first = 0, count = 0;
  or_reply_header(request, "Accept-Ranges", "bytes");
  or_reply_header(request, "ETag", "%s", etag);
  if (request->method != OR_HTTP_GET || range.data == NULL) return;
  if (condition.data != NULL && !or_slice_is(condition, etag)) return; /* it is another body than the client has */
  switch (read_range(range, total, &first, &count)) {
  case RANGE_ALL: return;
  case RANGE_OUTSIDE: refuse(request, total); return;
  case RANGE_PART: break;
  }
  reply->status = 206;
  or_reply_header(request, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
                  (unsigned long long)(first + count - 1), (unsigned long long)total);
  reply->bytes = (size_t)count;
  if (reply->file != NULL) {
    or_file_body_narrow(reply->file, first, count);
  } else {
    reply->data = (const char *)reply->data + first;
  }
}
