#include "server/http_head.h"

#include <string.h>

#include "base/string.h"

static int parse_line(const char *line, size_t length, const or_http_limits_t *limits, or_http_head_t *out,
                      const char **why);
static int parse_header(const char *line, size_t length, or_http_head_t *out, const char **why);
static int judge(or_http_head_t *head, bool http_1_0, const char **why);

static int refuse(int status, const char *words, const char **why) {
  *why = words;
  return status;
}

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token(unsigned char c) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != 0 && strchr(others, c) != NULL;
}

size_t or_http_head_end(const char *data, size_t length, size_t seen) {
  size_t from = seen > 3 ? seen - 3 : 0;
  while (from + 4 <= length) {
    const char *found = memchr(data + from, '\r', length - from - 3);
    if (found == NULL) return 0;
    if (memcmp(found, "\r\n\r\n", 4) == 0) return (size_t)(found - data) + 4;
    from = (size_t)(found - data) + 1;
  }
  return 0;
}

/* What is wrong with a head that has no end yet: 0 while it may still become a good one. */
static int judge_unfinished(const char *data, size_t length, const or_http_limits_t *limits, const char **why) {
  const char *line_end = memchr(data, '\n', length);
  size_t line = line_end != NULL ? (size_t)(line_end - data) : length;
  if (line > limits->target_bytes + 32) return refuse(414, "the request target is too long", why);
  if (length > limits->head_bytes) return refuse(431, "the header is too large", why);
  return 0;
}

int or_http_head_parse(const char *data, size_t length, const or_http_limits_t *limits, or_http_head_t *out,
                       size_t *consumed, const char **why) {
  *consumed = 0;
  *why = "";
  memset(out, 0, sizeof *out);
  size_t skip = length >= 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0; /* RFC 9112 section 2.2 */
  const char *at = data + skip, *end = data + length;
  bool first = true, http_1_0 = false;
  size_t headers = 0;
  for (;;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (newline == NULL) return judge_unfinished(data + skip, length - skip, limits, why);
    if (newline == at || newline[-1] != '\r') return refuse(400, "a line does not end in CR LF", why);
    size_t line = (size_t)(newline - 1 - at);
    int status = 0;
    if (first) {
      status = parse_line(at, line, limits, out, why);
      http_1_0 = line > 0 && at[line - 1] == '0';
      first = false;
    } else if (line == 0) {
      *consumed = (size_t)(newline + 1 - data);
      break;
    } else if (++headers > limits->header_count) {
      status = refuse(431, "too many headers", why);
    } else {
      status = parse_header(at, line, out, why);
    }
    if (status != 0) return status;
    at = newline + 1;
    if ((size_t)(at - data) > limits->head_bytes) return refuse(431, "the header is too large", why);
  }
  return judge(out, http_1_0, why);
}

static or_http_method_t method_of(const char *name, size_t length) {
  or_slice_t slice = {name, length};
  for (int method = OR_HTTP_GET; method < OR_HTTP_OTHER; ++method) {
    if (or_slice_is(slice, or_http_method_name((or_http_method_t)method))) return (or_http_method_t)method;
  }
  return OR_HTTP_OTHER;
}

/* Origin form, absolute form (its scheme and authority are passed over) or "*". False if it is none. */
static bool split_target(or_http_head_t *out) {
  const char *at = out->target.data, *end = at + out->target.length;
  if (out->target.length == 1 && *at == '*' && out->method == OR_HTTP_OPTIONS) {
    out->path = out->target;
    return true;
  }
  size_t scheme = 0;
  if (out->target.length > 7 && strncasecmp(at, "http://", 7) == 0) scheme = 7;
  if (out->target.length > 8 && strncasecmp(at, "https://", 8) == 0) scheme = 8;
  if (scheme > 0) {
    for (at += scheme; at < end && *at != '/' && *at != '?';) ++at;
  }
  const char *question = memchr(at, '?', (size_t)(end - at));
  out->path = (or_slice_t){at, (size_t)((question != NULL ? question : end) - at)};
  if (question != NULL) out->query = (or_slice_t){question + 1, (size_t)(end - question - 1)};
  if (scheme > 0 && out->path.length == 0) out->path = (or_slice_t){"/", 1};
  return out->path.length > 0 && out->path.data[0] == '/';
}

/* method SP target SP HTTP/1.x */
static int parse_line(const char *line, size_t length, const or_http_limits_t *limits, or_http_head_t *out,
                      const char **why) {
  const char *space = memchr(line, ' ', length);
  if (space == NULL || space == line) return refuse(400, "the request line is not METHOD TARGET VERSION", why);
  for (const char *c = line; c < space; ++c) {
    if (!is_token((unsigned char)*c)) return refuse(400, "the method is not a token", why);
  }
  out->method = method_of(line, (size_t)(space - line));
  const char *target = space + 1, *end = line + length;
  const char *second = memchr(target, ' ', (size_t)(end - target));
  if (second == NULL || second == target) return refuse(400, "the request line is not METHOD TARGET VERSION", why);
  out->target = (or_slice_t){target, (size_t)(second - target)};
  if (out->target.length > limits->target_bytes) return refuse(414, "the request target is too long", why);
  for (const char *c = target; c < second; ++c) {
    if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '#')
      return refuse(400, "the request target has a character that is not allowed", why);
  }
  or_slice_t version = {second + 1, (size_t)(end - second - 1)};
  if (!or_slice_is(version, "HTTP/1.1") && !or_slice_is(version, "HTTP/1.0")) {
    bool other = version.length == 8 && memcmp(version.data, "HTTP/", 5) == 0;
    return refuse(other ? 505 : 400, "the version is not HTTP/1.1 or HTTP/1.0", why);
  }
  return split_target(out) ? 0 : refuse(400, "the request target is not a path", why);
}

static int known_header(const char *name, size_t length) {
  static const struct {
    const char *name;
    size_t length;
  } known[OR_HEADER_COUNT] = {
#define X(symbol, text) {text, sizeof text - 1},
      OR_HTTP_HEADERS(X)
#undef X
  };
  for (int i = 0; i < OR_HEADER_COUNT; ++i) {
    if (known[i].length == length && (known[i].name[0] | 0x20) == (name[0] | 0x20) &&
        strncasecmp(known[i].name, name, length) == 0)
      return i;
  }
  return -1;
}

/* Headers that may come once only: two of them could be read in two ways. */
static bool is_single(int header) {
  return header == OR_HEADER_HOST || header == OR_HEADER_CONTENT_LENGTH || header == OR_HEADER_TRANSFER_ENCODING ||
         header == OR_HEADER_CONTENT_TYPE || header == OR_HEADER_AUTHORIZATION || header == OR_HEADER_API_KEY ||
         header == OR_HEADER_ORIGIN || header == OR_HEADER_INFERENCE_LENGTH;
}

static int parse_header(const char *line, size_t length, or_http_head_t *out, const char **why) {
  const char *colon = memchr(line, ':', length);
  if (colon == NULL || colon == line) return refuse(400, "a header line has no name", why);
  for (const char *c = line; c < colon; ++c) {
    if (!is_token((unsigned char)*c)) return refuse(400, "the name of a header is not a token", why);
  }
  const char *value = colon + 1, *end = line + length;
  while (value < end && (*value == ' ' || *value == '\t')) ++value;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) --end;
  for (const char *c = value; c < end; ++c) {
    if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
      return refuse(400, "the value of a header has a control character", why);
  }
  int header = known_header(line, (size_t)(colon - line));
  if (header < 0) return 0;
  if (out->headers[header].data != NULL && is_single(header))
    return refuse(400, "a header that may come once came twice", why);
  out->headers[header] = (or_slice_t){value, (size_t)(end - value)};
  return 0;
}

static bool parse_length(or_slice_t text, uint64_t *out) {
  uint64_t value = 0;
  if (text.length == 0 || text.length > 18) return false; /* so that it can't overflow */
  for (size_t i = 0; i < text.length; ++i) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    value = value * 10 + (uint64_t)(text.data[i] - '0');
  }
  *out = value;
  return true;
}

/* What the head means for the body and the connection. */
static int judge(or_http_head_t *head, bool http_1_0, const char **why) {
  or_slice_t encoding = head->headers[OR_HEADER_TRANSFER_ENCODING];
  or_slice_t connection = head->headers[OR_HEADER_CONNECTION];
  head->has_length = head->headers[OR_HEADER_CONTENT_LENGTH].data != NULL;
  if (head->has_length && !parse_length(head->headers[OR_HEADER_CONTENT_LENGTH], &head->content_length))
    return refuse(400, "Content-Length is not a number", why);
  if (encoding.data != NULL) {
    if (head->has_length || http_1_0) return refuse(400, "Transfer-Encoding can not come with this", why);
    if (!or_slice_is_nocase(encoding, "chunked")) return refuse(501, "Transfer-Encoding knows chunked only", why);
    head->chunked = true;
  }
  if (head->headers[OR_HEADER_HOST].data == NULL && !http_1_0) return refuse(400, "there is no Host header", why);
  head->http_1_0 = http_1_0;
  head->keep_alive = http_1_0 ? or_slice_has_token(connection, "keep-alive") : !or_slice_has_token(connection, "close");
  head->expects_continue = !http_1_0 && or_slice_is_nocase(head->headers[OR_HEADER_EXPECT], "100-continue");
  return 0;
}
