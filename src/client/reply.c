/* What a reply says: its headers, and the failure that it stands for. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "client/client.h"

#define MAX_DETAIL 800 /* bytes of a message; or_status_t keeps OR_STATUS_MESSAGE_BYTES */

void or_client_reply_init(or_client_reply_t *reply, const or_allocator_t *allocator) {
  reply->status = 0;
  or_text_init(&reply->body, allocator);
  or_text_init(&reply->headers, allocator);
}

void or_client_reply_deinit(or_client_reply_t *reply) {
  or_text_deinit(&reply->body);
  or_text_deinit(&reply->headers);
}

bool or_client_reply_header(const or_client_reply_t *reply, const char *name, char *text, size_t capacity) {
  const size_t length = strlen(name);
  text[0] = '\0';
  for (const char *line = or_text_string(&reply->headers); *line != '\0';) {
    const size_t end = strcspn(line, "\r\n");
    if (end > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
      const size_t skip = length + 1 + strspn(line + length + 1, " \t");
      const size_t value = end > skip ? end - skip : 0;
      if (value >= capacity) return false;
      or_format(text, capacity, "%.*s", (int)value, line + skip);
      return true;
    }
    line += end + strspn(line + end, "\r\n");
  }
  return false;
}

or_status_code_t or_client_code(const char *word) {
  for (int code = OR_OK + 1; code <= OR_INTERNAL; ++code) {
    if (strcmp(or_status_mapping((or_status_code_t)code)->name, word) == 0) return (or_status_code_t)code;
  }
  return OR_OK;
}

static or_status_code_t code_of_http(int http) {
  switch (http) {
  case 400:
  case 405:
  case 415:
  case 421:
  case 422: return OR_INVALID_ARGUMENT;
  case 401:
  case 403: return OR_PERMISSION_DENIED;
  case 404: return OR_NOT_FOUND;
  case 408:
  case 504: return OR_DEADLINE_EXCEEDED;
  case 409: return OR_FAILED_PRECONDITION;
  case 413:
  case 414:
  case 431: return OR_OUT_OF_RANGE;
  case 429:
  case 507: return OR_RESOURCE_EXHAUSTED;
  case 501: return OR_UNIMPLEMENTED;
  case 502:
  case 503: return OR_UNAVAILABLE;
  default: return http < 400 ? OR_FAILED_PRECONDITION : OR_INTERNAL;
  }
}

/* "data.size" of ["body", "data", "size"]; what is not a word is left out. */
static char *join_loc(const or_json_value_t *loc, char *text, size_t capacity) {
  or_format(text, capacity, "%s", or_json_get_string(loc, ""));
  for (size_t i = 0; i < or_json_count(loc); ++i) {
    const char *word = or_json_get_string(or_json_at(loc, i), "");
    const size_t used = strlen(text);
    if (i == 0 && or_json_count(loc) > 1 && strcmp(word, "body") == 0) continue;
    or_format(text + used, capacity - used, "%s%s", used > 0 ? "." : "", word);
  }
  return text;
}

static void describe(const or_json_value_t *detail, char *text, size_t capacity) {
  or_format(text, capacity, "%s", or_json_get_string(detail, ""));
  for (size_t i = 0; i < or_json_count(detail); ++i) {
    const or_json_value_t *problem = or_json_at(detail, i);
    char loc[160];
    const size_t used = strlen(text);
    or_format(text + used, capacity - used, "%s%s: %s", i > 0 ? "; " : "",
              join_loc(or_json_get(problem, "loc"), loc, sizeof loc),
              or_json_get_string(or_json_get(problem, "msg"), ""));
  }
}

/* What the user may do about it; "" if nothing is known. */
static char *advice(const or_client_reply_t *reply, char *text, size_t capacity) {
  char value[256];
  text[0] = '\0';
  if (reply->status == 401) {
    or_format(text, capacity, " (give an API key: OPENRUNTIME_API_KEY or --key-file FILE)");
  } else if (reply->status < 400 && or_client_reply_header(reply, "Location", value, sizeof value)) {
    or_format(text, capacity, " (it says: go to %s)", value);
  } else if (or_client_reply_header(reply, "Retry-After", value, sizeof value)) {
    or_format(text, capacity, " (try again in %s s)", value);
  }
  return text;
}

or_status_t or_client_reply_status(const or_client_reply_t *reply) {
  or_json_document_t *document = NULL;
  char detail[MAX_DETAIL], help[320];
  if (reply->status < 300) return or_status_success();
  or_status_t parsed =
      or_json_parse(reply->body.allocator, or_text_string(&reply->body), reply->body.length, &document);
  const or_json_value_t *root = or_ok(parsed) ? or_json_root(document) : NULL;
  or_status_ignore(parsed); /* a document that is none: the HTTP status says it */
  const char *word = or_json_get_string(or_json_get(root, "error_code"), "");
  or_status_code_t code = or_client_code(word);
  if (code == OR_OK) code = code_of_http(reply->status);
  describe(or_json_get(root, "detail"), detail, sizeof detail);
  advice(reply, help, sizeof help);
  or_status_t status = detail[0] != '\0' ? or_error(code, "%s%s", detail, help)
                                         : or_error(code, "the server answered HTTP %d%s", reply->status, help);
  or_json_document_free(document);
  return status;
}

or_status_t or_client_escape(or_text_t *text, const char *segment) {
  static const char hexadecimal[] = "0123456789ABCDEF";
  static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
  or_status_t status = or_status_success();
  for (; or_ok(status) && *segment != '\0'; ++segment) {
    const unsigned char byte = (unsigned char)*segment;
    const char escaped[3] = {'%', hexadecimal[byte >> 4], hexadecimal[byte & 15]};
    const bool plain = strchr(unreserved, (char)byte) != NULL;
    status = or_text_append(text, plain ? segment : escaped, plain ? 1 : sizeof escaped);
  }
  return status;
}
