/* Requests on one connection: heads and bodies, read whole and byte by byte, which must come to the same. */
#include <stdlib.h>
#include <string.h>

#include "server/http_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome_t {
  size_t requests, body_bytes, consumed;
  int status;
} outcome_t;

static const or_http_limits_t limits = {.target_bytes = 256, .head_bytes = 1024, .header_count = 16};

static int read_body(const or_http_head_t *head, const char **at, const char *end, size_t step, outcome_t *outcome) {
  or_http_body_t body;
  bool done = !head->chunked && head->content_length == 0;
  int status = or_http_body_begin(&body, or_allocator_system(), head, 4096);
  while (status == 0 && !done && *at < end) {
    size_t consumed = 0, piece = (size_t)(end - *at) < step ? (size_t)(end - *at) : step;
    status = or_http_body_feed(&body, *at, piece, &consumed, &done);
    if (consumed > piece || body.length > 4096) __builtin_trap();
    *at += consumed;
  }
  outcome->body_bytes += body.length;
  or_http_body_deinit(&body);
  return status;
}

static outcome_t read_all(const char *at, const char *end, size_t step) {
  outcome_t outcome = {0};
  const char *start = at;
  while (at < end && outcome.status == 0) {
    or_http_head_t head;
    const char *why = "";
    size_t consumed = 0, length = 0;
    while (consumed == 0 && outcome.status == 0 && length < (size_t)(end - at)) {
      length = length + step < (size_t)(end - at) ? length + step : (size_t)(end - at);
      if (or_http_head_end(at, length, 0) == 0 && length <= limits.head_bytes + 4 && at + length < end) continue;
      outcome.status = or_http_head_parse(at, length, &limits, &head, &consumed, &why);
      if (consumed > length || (outcome.status != 0 && why[0] == '\0')) __builtin_trap();
    }
    if (consumed == 0) break;
    at += consumed;
    ++outcome.requests;
    outcome.status = read_body(&head, &at, end, step, &outcome);
  }
  outcome.consumed = (size_t)(at - start);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  if (size == 0 || size > 8192) return 0;
  outcome_t whole = read_all(text, text + size, size), bytes = read_all(text, text + size, 1);
  if (whole.requests != bytes.requests || whole.body_bytes != bytes.body_bytes ||
      (whole.status == 0) != (bytes.status == 0))
    __builtin_trap();
  return 0;
}
