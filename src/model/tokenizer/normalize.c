#include "model/tokenizer/normalize.h"

#include <string.h>

#include "base/unicode.h"

static or_status_t apply(or_normalizing_t *work, const or_normalizer_t *step);
static or_status_t bert(or_normalizing_t *work, const or_normalizer_t *step);
static or_status_t filter(or_normalizing_t *work, uint32_t removed, bool lowercase);
static or_status_t normal_form(or_normalizing_t *work, bool compatible, bool compose);
static or_status_t strip(or_normalizing_t *work, bool left, bool right);
static or_status_t replace(or_normalizing_t *work, const or_normalizer_t *step);
static or_status_t prepend(or_normalizing_t *work, or_tokenizer_text_t content);

void or_normalizing_init(or_normalizing_t *work, const or_allocator_t *allocator) {
  *work =
      (or_normalizing_t){.texts = {{.allocator = allocator}, {.allocator = allocator}}, .form.allocator = allocator};
}

void or_normalizing_deinit(or_normalizing_t *work) {
  or_aligned_deinit(&work->texts[0]);
  or_aligned_deinit(&work->texts[1]);
  or_normal_form_deinit(&work->form);
}

or_status_t or_normalize(or_normalizing_t *work, const or_normalizer_t *steps, size_t step_count,
                         or_tokenizer_text_t piece, size_t offset) {
  or_status_t status = or_aligned_assign(or_normalizing_text(work), piece.bytes, piece.length, offset);
  for (size_t i = 0; or_ok(status) && i < step_count; ++i) status = apply(work, &steps[i]);
  return status;
}

static or_status_t apply(or_normalizing_t *work, const or_normalizer_t *step) {
  switch (step->kind) {
  case OR_NORMALIZE_BERT: return bert(work, step);
  case OR_NORMALIZE_FORM: return normal_form(work, step->compatible, step->compose);
  case OR_NORMALIZE_LOWERCASE: return filter(work, 0, true);
  case OR_NORMALIZE_STRIP_ACCENTS: return filter(work, OR_UNICODE_MARK, false);
  case OR_NORMALIZE_STRIP: return strip(work, step->left, step->right);
  case OR_NORMALIZE_REPLACE: return replace(work, step);
  case OR_NORMALIZE_PREPEND: return prepend(work, step->content);
  default: return or_error(OR_INTERNAL, "normalizer %d is not one of ours", (int)step->kind);
  }
}

static or_aligned_t *other(or_normalizing_t *work) { return &work->texts[1 - work->current]; }
static void turn(or_normalizing_t *work) { work->current = 1 - work->current; }

static bool is_ascii(const or_aligned_t *text) {
  size_t i = 0;
  for (uint64_t eight = 0; text->length - i >= sizeof eight; i += sizeof eight) {
    memcpy(&eight, text->bytes + i, sizeof eight);
    if ((eight & UINT64_C(0x8080808080808080)) != 0) return false;
  }
  for (; i < text->length; ++i) {
    if ((unsigned char)text->bytes[i] >= 0x80) return false;
  }
  return true;
}

static void put_lower(or_aligned_t *to, uint32_t code, or_token_span_t span) {
  if (code < 0x80) {
    or_aligned_put(to, code - 'A' < 26 ? code + 32 : code, span);
  } else if (code == 0x130) { /* the one character whose full lower case is two */
    or_aligned_put(to, 'i', span);
    or_aligned_put(to, 0x307, span);
  } else {
    or_aligned_put(to, (uint32_t)((int32_t)code + or_unicode_record(code)->lower), span);
  }
}

/* Leaves out the characters that have one of the properties. */
static or_status_t filter(or_normalizing_t *work, uint32_t removed, bool lowercase) {
  const or_aligned_t *from = or_normalizing_text(work);
  or_aligned_t *to = other(work);
  to->length = 0;
  or_status_t status = or_aligned_reserve(to, from->length * 2 + 4); /* U+023A grows from two bytes to three */
  size_t width = 0;
  for (size_t i = 0; or_ok(status) && i < from->length; i += width) {
    uint32_t code = or_unicode_read(from->bytes + i, &width);
    if (removed != 0 && or_unicode_is(code, removed)) continue;
    if (lowercase) {
      put_lower(to, code, from->spans[i]);
    } else {
      or_aligned_put(to, code, from->spans[i]);
    }
  }
  turn(work);
  return status;
}

/* The blocks that BERT's tokenizer takes for Chinese: each character is a word. */
static bool is_chinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static bool is_unclean(uint32_t c) {
  if (c < 0x80) return (c < 32 && c != '\t' && c != '\n' && c != '\r') || c == 127;
  return c == 0xFFFD || or_unicode_is(c, OR_UNICODE_OTHER);
}

static bool is_space(uint32_t c) {
  return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) : or_unicode_is(c, OR_UNICODE_SPACE);
}

/* Cleaning and spaces around Chinese characters; and for ASCII, which has no accents, the lower case in the same
 * pass. */
static or_status_t bert_clean(or_normalizing_t *work, const or_normalizer_t *step, bool lowercase) {
  const or_aligned_t *from = or_normalizing_text(work);
  or_aligned_t *to = other(work);
  to->length = 0;
  or_status_t status = or_aligned_reserve(to, from->length * 2 + 8); /* a Chinese character is 3 bytes at least */
  size_t width = 0;
  for (size_t i = 0; or_ok(status) && i < from->length; i += width) {
    uint32_t code = or_unicode_read(from->bytes + i, &width);
    or_token_span_t span = from->spans[i];
    if (step->clean_text) {
      if (is_unclean(code)) continue;
      if (is_space(code)) code = ' ';
    }
    if (code < 0x80) {
      or_aligned_put(to, lowercase && code - 'A' < 26 ? code + 32 : code, span);
    } else if (step->chinese && is_chinese(code)) {
      or_aligned_put(to, ' ', span);
      or_aligned_put(to, code, span);
      or_aligned_put(to, ' ', span);
    } else {
      or_aligned_put(to, code, span);
    }
  }
  turn(work);
  return status;
}

static or_status_t bert(or_normalizing_t *work, const or_normalizer_t *step) {
  bool ascii = is_ascii(or_normalizing_text(work));
  or_status_t status = bert_clean(work, step, ascii && step->lowercase);
  if (ascii || !or_ok(status)) return status;
  if (step->strip_accents) {
    status = normal_form(work, false, false);
    if (or_ok(status)) status = filter(work, OR_UNICODE_NONSPACING, step->lowercase);
  } else if (step->lowercase) {
    status = filter(work, 0, true);
  }
  return status;
}

static or_status_t normal_form(or_normalizing_t *work, bool compatible, bool compose) {
  if (is_ascii(or_normalizing_text(work))) return or_status_success();
  or_status_t status = or_normal_form_apply(&work->form, compatible, compose, or_normalizing_text(work), other(work));
  turn(work);
  return status;
}

static or_status_t strip(or_normalizing_t *work, bool left, bool right) {
  or_aligned_t *text = or_normalizing_text(work);
  size_t begin = 0, end = text->length, width = 0;
  while (left && begin < end && is_space(or_unicode_read(text->bytes + begin, &width))) begin += width;
  while (right && begin < end) {
    size_t last = end - 1;
    while (((unsigned char)text->bytes[last] & 0xC0) == 0x80) --last;
    if (!is_space(or_unicode_read(text->bytes + last, &width))) break;
    end = last;
  }
  if (begin > 0) {
    memmove(text->bytes, text->bytes + begin, end - begin);
    memmove(text->spans, text->spans + begin, (end - begin) * sizeof text->spans[0]);
  }
  text->length = end - begin;
  return or_status_success();
}

static or_status_t copy(or_aligned_t *to, const or_aligned_t *from, size_t begin, size_t end) {
  if (begin == end) return or_status_success();
  or_status_t status = or_aligned_reserve(to, end - begin);
  if (!or_ok(status)) return status;
  memcpy(to->bytes + to->length, from->bytes + begin, end - begin);
  memcpy(to->spans + to->length, from->spans + begin, (end - begin) * sizeof to->spans[0]);
  to->length += end - begin;
  return status;
}

static or_status_t put_all(or_aligned_t *to, or_tokenizer_text_t content, or_token_span_t span) {
  if (content.length == 0) return or_status_success();
  or_status_t status = or_aligned_reserve(to, content.length);
  if (!or_ok(status)) return status;
  memcpy(to->bytes + to->length, content.bytes, content.length);
  for (size_t i = 0; i < content.length; ++i) to->spans[to->length + i] = span;
  to->length += content.length;
  return status;
}

/* What comes in takes the span of the last character that goes. */
static or_status_t replace(or_normalizing_t *work, const or_normalizer_t *step) {
  const or_aligned_t *from = or_normalizing_text(work);
  or_aligned_t *to = other(work);
  or_status_t status = or_status_success();
  size_t at = 0;
  to->length = 0;
  while (or_ok(status)) {
    const char *found = from->length > at
                            ? memmem(from->bytes + at, from->length - at, step->pattern.bytes, step->pattern.length)
                            : NULL;
    size_t begin = found != NULL ? (size_t)(found - from->bytes) : from->length;
    status = copy(to, from, at, begin);
    if (found == NULL) break;
    at = begin + step->pattern.length;
    if (or_ok(status)) status = put_all(to, step->content, from->spans[at - 1]);
  }
  turn(work);
  return status;
}

static or_status_t prepend(or_normalizing_t *work, or_tokenizer_text_t content) {
  const or_aligned_t *from = or_normalizing_text(work);
  or_aligned_t *to = other(work);
  if (from->length == 0) return or_status_success();
  to->length = 0;
  or_status_t status = put_all(to, content, from->spans[0]);
  if (or_ok(status)) status = copy(to, from, 0, from->length);
  turn(work);
  return status;
}
