#include "model/tokenizer/split.h"

#include <string.h>

#include "base/unicode.h"

static or_status_t bert(const char *text, or_piece_t piece, or_pieces_t *out);
static or_status_t expression(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out);
static or_status_t classes(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out);
static or_status_t whitespace(const char *text, or_piece_t piece, or_pieces_t *out);
static or_status_t string(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out);
static void behave(or_split_behavior_t behavior, or_pieces_t *pieces, size_t first);

void or_pieces_deinit(or_pieces_t *pieces) { or_free(pieces->allocator, pieces->pieces); }

or_status_t or_split(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out) {
  size_t first = out->count;
  or_status_t status;
  switch (splitter->kind) {
  case OR_SPLIT_BERT: return bert(text, piece, out);
  case OR_SPLIT_WHITESPACE: return whitespace(text, piece, out);
  case OR_SPLIT_GPT2:
  case OR_SPLIT_CL100K:
  case OR_SPLIT_QWEN: status = expression(splitter, text, piece, out); break;
  case OR_SPLIT_WHITESPACE_SPLIT:
  case OR_SPLIT_PUNCTUATION:
  case OR_SPLIT_DIGITS: status = classes(splitter, text, piece, out); break;
  case OR_SPLIT_STRING: status = string(splitter, text, piece, out); break;
  default: return or_error(OR_INTERNAL, "pre-tokenizer %d is not one of ours", (int)splitter->kind);
  }
  if (!or_ok(status)) return status;
  for (size_t i = first; splitter->invert && i < out->count; ++i) out->pieces[i].matched = !out->pieces[i].matched;
  behave(splitter->behavior, out, first);
  return status;
}

static inline or_status_t put(or_pieces_t *out, size_t begin, size_t end, bool matched) {
  if (begin == end) return or_status_success();
  if (out->count == out->capacity) {
    void *memory = out->pieces;
    or_status_t status = or_grow_array(out->allocator, out->count + 1, sizeof out->pieces[0], &memory, &out->capacity);
    out->pieces = memory;
    if (!or_ok(status)) return status;
  }
  out->pieces[out->count++] = (or_piece_t){(uint32_t)begin, (uint32_t)end, matched};
  return or_status_success();
}

static inline bool is_space(uint32_t c) {
  return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) : or_unicode_is(c, OR_UNICODE_SPACE);
}

static inline bool is_ascii_alphanumeric(uint32_t c) { return c - '0' < 10 || (c | 32) - 'a' < 26; }

/* ASCII symbols count as punctuation too. */
static inline bool is_punctuation(uint32_t c) {
  return c < 0x80 ? c > ' ' && c < 127 && !is_ascii_alphanumeric(c) : or_unicode_is(c, OR_UNICODE_PUNCTUATION);
}

static or_status_t bert(const char *text, or_piece_t piece, or_pieces_t *out) {
  or_status_t status = or_status_success();
  size_t begin = piece.begin, width = 0;
  for (size_t at = piece.begin; or_ok(status) && at < piece.end; at += width) {
    uint32_t code = or_unicode_read(text + at, &width);
    bool space = is_space(code);
    if (!space && !is_punctuation(code)) continue;
    status = put(out, begin, at, false);
    if (or_ok(status) && !space) status = put(out, at, at + width, true);
    begin = at + width;
  }
  if (or_ok(status)) status = put(out, begin, piece.end, false);
  return status;
}

static or_status_t expression(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out) {
  or_status_t status = or_status_success();
  for (size_t at = piece.begin; or_ok(status) && at < piece.end;) {
    size_t length = splitter->kind == OR_SPLIT_GPT2
                        ? or_split_gpt2(text, at, piece.end)
                        : or_split_cl100k(text, at, piece.end, splitter->kind == OR_SPLIT_QWEN ? 1 : 3);
    status = put(out, at, at + length, true);
    at += length;
  }
  return status;
}

static bool is_match(or_splitter_kind_t kind, uint32_t code) {
  if (kind == OR_SPLIT_WHITESPACE_SPLIT) return is_space(code);
  if (kind == OR_SPLIT_PUNCTUATION) return is_punctuation(code);
  return or_unicode_is(code, OR_UNICODE_NUMBER);
}

/* Each character of the class is a match of its own. */
static or_status_t classes(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out) {
  or_status_t status = or_status_success();
  size_t begin = piece.begin, width = 0;
  for (size_t at = piece.begin; or_ok(status) && at < piece.end; at += width) {
    if (!is_match(splitter->kind, or_unicode_read(text + at, &width))) continue;
    status = put(out, begin, at, false);
    if (or_ok(status)) status = put(out, at, at + width, true);
    begin = at + width;
  }
  if (or_ok(status)) status = put(out, begin, piece.end, false);
  return status;
}

static or_status_t whitespace(const char *text, or_piece_t piece, or_pieces_t *out) {
  or_status_t status = or_status_success();
  size_t begin = piece.begin, width = 0;
  int kind = 0; /* of text[begin, at): 0 white space, 1 word, 2 neither */
  for (size_t at = piece.begin; or_ok(status) && at < piece.end; at += width) {
    uint32_t code = or_unicode_read(text + at, &width);
    int here = is_space(code) ? 0 : or_unicode_is(code, OR_UNICODE_WORD) ? 1 : 2;
    if (here == kind) continue;
    if (kind != 0) status = put(out, begin, at, true);
    begin = at;
    kind = here;
  }
  if (or_ok(status) && kind != 0) status = put(out, begin, piece.end, true);
  return status;
}

static or_status_t string(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out) {
  or_status_t status = or_status_success();
  size_t at = piece.begin;
  while (or_ok(status) && at < piece.end) {
    const char *found = memmem(text + at, piece.end - at, splitter->pattern.bytes, splitter->pattern.length);
    size_t begin = found != NULL ? (size_t)(found - text) : piece.end;
    status = put(out, at, begin, false);
    at = found != NULL ? begin + splitter->pattern.length : piece.end;
    if (or_ok(status) && found != NULL) status = put(out, begin, at, true);
  }
  return status;
}

/* Does to the pieces from `first` on, in place, what the behavior says. */
static void behave(or_split_behavior_t behavior, or_pieces_t *pieces, size_t first) {
  or_piece_t *all = pieces->pieces;
  size_t kept = first, count = pieces->count;
  if (behavior == OR_SPLIT_ISOLATED || count == first) return;
  if (behavior == OR_SPLIT_MERGED_WITH_NEXT) {
    size_t to = count;
    bool after_match = false; /* read from the back, as the package does: of matches in a row the last is merged */
    for (size_t i = count; i-- > first;) {
      bool matched = all[i].matched;
      if (matched && !after_match && to < count) {
        all[to].begin = all[i].begin;
      } else {
        all[--to] = all[i];
      }
      after_match = matched;
    }
    memmove(all + first, all + to, (count - to) * sizeof all[0]);
    pieces->count = first + (count - to);
    return;
  }
  bool after_match = false;
  for (size_t i = first; i < count; ++i) {
    or_piece_t piece = all[i];
    bool merge = behavior == OR_SPLIT_CONTIGUOUS
                     ? kept > first && piece.matched == after_match
                     : behavior == OR_SPLIT_MERGED_WITH_PREVIOUS && piece.matched && !after_match && kept > first;
    after_match = piece.matched;
    if (behavior == OR_SPLIT_REMOVED && piece.matched) continue;
    if (merge) {
      all[kept - 1].end = piece.end;
    } else {
      all[kept++] = piece;
    }
  }
  pieces->count = kept;
}
