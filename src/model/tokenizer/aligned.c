#include "model/tokenizer/aligned.h"

#include <string.h>

#include "base/unicode.h"

void or_aligned_deinit(or_aligned_t *text) {
  or_free(text->allocator, text->bytes);
  or_free(text->allocator, text->spans);
}

or_status_t or_aligned_reserve(or_aligned_t *text, size_t extra) {
  size_t needed = text->length + extra; /* each is bounded */
  if (needed > OR_TOKENIZER_MAX_NORMALIZED_BYTES) {
    return or_error(OR_OUT_OF_RANGE, "the normalized text needs %zu bytes; the limit is %zu", needed,
                    OR_TOKENIZER_MAX_NORMALIZED_BYTES);
  }
  if (needed <= text->capacity && needed <= text->span_capacity) return or_status_success();
  void *bytes = text->bytes, *spans = text->spans;
  or_status_t status = or_grow_array(text->allocator, needed, 1, &bytes, &text->capacity);
  text->bytes = bytes;
  if (or_ok(status))
    status = or_grow_array(text->allocator, needed, sizeof text->spans[0], &spans, &text->span_capacity);
  text->spans = spans;
  return status;
}

or_status_t or_aligned_assign(or_aligned_t *text, const char *bytes, size_t length, size_t offset) {
  text->length = 0;
  or_status_t status = or_aligned_reserve(text, length + 1);
  if (!or_ok(status)) return status;
  memcpy(text->bytes, bytes, length);
  for (size_t i = 0; i < length;) {
    size_t width = or_unicode_width(bytes[i]);
    or_token_span_t span = {(uint32_t)(offset + i), (uint32_t)(offset + i + width)};
    for (size_t k = 0; k < width; ++k) text->spans[i + k] = span;
    i += width;
  }
  text->length = length;
  return status;
}

void or_aligned_put(or_aligned_t *text, uint32_t code, or_token_span_t span) {
  size_t width = 1, at = text->length;
  if (code < 0x80) {
    text->bytes[at] = (char)code;
  } else {
    width = or_unicode_write(code, text->bytes + at);
  }
  for (size_t k = 0; k < width; ++k) text->spans[at + k] = span;
  text->length = at + width;
}

or_transform_t or_transform_begin(const or_aligned_t *from, or_aligned_t *to) {
  to->length = 0;
  return (or_transform_t){.from = from, .to = to};
}

static void pass(or_transform_t *transform) {
  const or_aligned_t *from = transform->from;
  if (transform->at < from->length) transform->at += or_unicode_width(from->bytes[transform->at]);
}

or_status_t or_transform_emit(or_transform_t *transform, uint32_t code, int change) {
  const or_aligned_t *from = transform->from;
  or_token_span_t span = {0, 0};
  or_status_t status = or_aligned_reserve(transform->to, 4);
  if (!or_ok(status)) return status;
  if (change > 0) {
    if (transform->at > 0) span = from->spans[transform->at - 1];
  } else {
    if (transform->at < from->length) span = from->spans[transform->at];
    pass(transform);
    for (; change < 0; ++change) pass(transform);
  }
  or_aligned_put(transform->to, code, span);
  return status;
}
