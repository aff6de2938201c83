/* Regular expressions of byte-level tokenizers, as scanners. In each the alternatives are tried in their order;
 * together they match at every place. */
#include "base/unicode.h"
#include "model/tokenizer/split.h"

typedef enum class_t { OTHER, LETTER, NUMBER, SPACE } class_t; /* [^\s\p{L}\p{N}] \p{L} \p{N} \s */

static inline class_t class_at(const char *text, size_t at, size_t *width) {
  uint32_t code = or_unicode_read(text + at, width);
  if (code < 0x80) {
    if ((code | 32) - 'a' < 26) return LETTER;
    if (code - '0' < 10) return NUMBER;
    return code == ' ' || (code >= 9 && code <= 13) ? SPACE : OTHER;
  }
  uint32_t bits = or_unicode_record(code)->bits;
  if (bits & OR_UNICODE_LETTER) return LETTER;
  if (bits & OR_UNICODE_NUMBER) return NUMBER;
  return bits & OR_UNICODE_SPACE ? SPACE : OTHER;
}

/* The end of the characters of a class, at most `most` of them. */
static size_t run(const char *text, size_t at, size_t end, class_t class, size_t most) {
  size_t width = 0;
  for (; at < end && most > 0 && class_at(text, at, &width) == class; --most) at += width;
  return at;
}

/* \s+(?!\S)|\s+ at white space: of a run that something follows, the last character is left to that. */
static size_t spaces(const char *text, size_t at, size_t end) {
  size_t width = 0, last = at, stop = at;
  for (; stop < end && class_at(text, stop, &width) == SPACE; stop += width) last = stop;
  return stop < end && last > at ? last - at : stop - at;
}

/* 's|'t|'re|'ve|'m|'ll|'d at an apostrophe; 0 if none. */
static size_t contraction(const char *text, size_t at, size_t end) {
  char first = at + 1 < end ? text[at + 1] : '\0', second = at + 2 < end ? text[at + 2] : '\0';
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  bool three = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return three ? 3 : 0;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
size_t or_split_gpt2(const char *text, size_t at, size_t end) {
  size_t width = 0, from = at;
  if (text[at] == '\'') {
    size_t length = contraction(text, at, end);
    if (length > 0) return length;
  }
  if (text[at] == ' ' && at + 1 < end) from = at + 1;
  class_t class = class_at(text, from, &width);
  if (class == SPACE) return spaces(text, at, end);
  return run(text, from + width, end, class, SIZE_MAX) - at;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d); U+017F, the long s, is an s in either case. */
static size_t contraction_nocase(const char *text, size_t at, size_t end) {
  char lower[3] = {'\'', '\0', '\0'};
  for (size_t i = 1; i < 3 && at + i < end; ++i) lower[i] = (char)(text[at + i] | 32);
  if (end - at >= 3 && text[at + 1] == '\xC5' && text[at + 2] == '\xBF') return 3;
  return contraction(lower, 0, end - at < 3 ? end - at : 3);
}

static inline bool is_line_end(char c) { return c == '\r' || c == '\n'; }

/* \s*[\r\n]+ at white space: up to the last line end of the run; 0 if there is none. */
static size_t lines(const char *text, size_t at, size_t end) {
  size_t width = 0, stop = 0;
  for (size_t i = at; i < end && class_at(text, i, &width) == SPACE; i += width) {
    if (is_line_end(text[i])) stop = i + 1 - at;
  }
  return stop;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
 * \s+(?!\S)|\s+ */
size_t or_split_cl100k(const char *text, size_t at, size_t end, size_t digits_max) {
  size_t width = 0, next_width = 0, next = 0;
  if (text[at] == '\'') {
    size_t length = contraction_nocase(text, at, end);
    if (length > 0) return length;
  }
  class_t class = class_at(text, at, &width);
  next = at + width;
  if (class == LETTER) return run(text, next, end, LETTER, SIZE_MAX) - at;
  if (class == NUMBER) return run(text, at, end, NUMBER, digits_max) - at;
  class_t after = next < end ? class_at(text, next, &next_width) : SPACE;
  if (after == LETTER && !is_line_end(text[at])) return run(text, next, end, LETTER, SIZE_MAX) - at;
  if (class == OTHER || (text[at] == ' ' && after == OTHER)) {
    size_t stop = run(text, next, end, OTHER, SIZE_MAX);
    while (stop < end && is_line_end(text[stop])) ++stop;
    return stop - at;
  }
  size_t length = lines(text, at, end);
  return length > 0 ? length : spaces(text, at, end);
}
