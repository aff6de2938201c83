/* A text's tokens: added tokens, normalizers, pre-tokenizers, model, in this order. */
#include <string.h>

#include "base/unicode.h"
#include "model/tokenizer/tokenizer_internal.h"

/* A text on its way: a piece of the original as it is (spans NULL), or normalized. */
typedef struct segment_t {
  or_tokenizer_text_t text;
  const or_token_span_t *spans; /* one a byte */
  size_t offset;                /* in the original, where spans is NULL */
} segment_t;

/* One call's way through the encoder. */
typedef struct finder_t {
  or_tokenizer_encoder_t *encoder;
  const or_tokenizer_t *tokenizer;
  or_found_t *found;
  bool plain;
} finder_t;

static or_status_t find_normalized(finder_t *finder, or_tokenizer_text_t piece, size_t offset);
static or_status_t find_words(finder_t *finder, const segment_t *segment);

static or_status_t put(finder_t *finder, or_found_token_t token) {
  or_found_t *found = finder->found;
  if (found->count == found->capacity) {
    void *memory = found->tokens;
    or_status_t status =
        or_grow_array(finder->encoder->allocator, found->count + 1, sizeof token, &memory, &found->capacity);
    found->tokens = memory;
    if (!or_ok(status)) return status;
  }
  found->tokens[found->count++] = token;
  return or_status_success();
}

/* The bytes of the original behind [begin, end) of a segment: whole characters. */
static or_token_span_t span_of(const segment_t *segment, size_t begin, size_t end) {
  if (segment->spans != NULL && begin < end)
    return (or_token_span_t){segment->spans[begin].begin, segment->spans[end - 1].end};
  const char *bytes = segment->text.bytes;
  while (begin > 0 && ((unsigned char)bytes[begin] & 0xC0) == 0x80) --begin;
  while (end < segment->text.length && ((unsigned char)bytes[end] & 0xC0) == 0x80) ++end;
  return (or_token_span_t){(uint32_t)(segment->offset + begin), (uint32_t)(segment->offset + end)};
}

/* Characters of white space at the front, or the back, of a text. */
static uint16_t leading_space(const char *bytes, size_t length) {
  size_t at = 0, width = 0;
  uint16_t count = 0;
  for (; at < length && count < OR_FROM_VOCABULARY - 1; ++count, at += width) {
    if (!or_unicode_is(or_unicode_read(bytes + at, &width), OR_UNICODE_SPACE)) break;
  }
  return count;
}

static uint16_t trailing_space(const char *bytes, size_t length) {
  size_t width = 0;
  uint16_t count = 0;
  for (; length > 0 && count < OR_FROM_VOCABULARY - 1; ++count) {
    size_t last = length - 1;
    while (((unsigned char)bytes[last] & 0xC0) == 0x80) --last;
    if (!or_unicode_is(or_unicode_read(bytes + last, &width), OR_UNICODE_SPACE)) break;
    length = last;
  }
  return count;
}

static or_status_t put_added(finder_t *finder, const segment_t *segment, const or_added_match_t *match) {
  const char *bytes = segment->text.bytes + match->begin;
  size_t length = match->end - match->begin;
  return put(finder, (or_found_token_t){match->token->id, span_of(segment, match->begin, match->end),
                                        leading_space(bytes, length), trailing_space(bytes, length)});
}

static segment_t part_of(const segment_t *segment, size_t begin, size_t end) {
  return (segment_t){.text = {segment->text.bytes + begin, end - begin},
                     .spans = segment->spans != NULL ? segment->spans + begin : NULL,
                     .offset = segment->offset + begin};
}

or_status_t or_tokenizer_find(or_tokenizer_encoder_t *encoder, or_tokenizer_text_t text, bool plain, int which) {
  finder_t finder = {
      .encoder = encoder, .tokenizer = encoder->tokenizer, .found = &encoder->found[which], .plain = plain};
  segment_t whole = {.text = text};
  or_added_search_t search = {.set = &finder.tokenizer->added_plain, .text = text, .skip_special = plain};
  or_added_match_t match = {.token = NULL};
  or_status_t status;
  finder.found->count = 0;
  finder.found->text = text.bytes;
  do {
    size_t taken = search.taken;
    status = or_added_next(&search, &match);
    size_t end = match.token != NULL ? match.begin : text.length;
    if (or_ok(status) && taken < end)
      status = find_normalized(&finder, (or_tokenizer_text_t){text.bytes + taken, end - taken}, taken);
    if (or_ok(status) && match.token != NULL) status = put_added(&finder, &whole, &match);
  } while (or_ok(status) && match.token != NULL);
  return status;
}

static or_status_t find_normalized(finder_t *finder, or_tokenizer_text_t piece, size_t offset) {
  const or_tokenizer_t *tokenizer = finder->tokenizer;
  segment_t segment = {.text = piece, .offset = offset};
  or_status_t status = or_status_success();
  if (tokenizer->normalizer_count > 0) {
    or_normalizing_t *work = &finder->encoder->normalizing;
    status = or_normalize(work, tokenizer->normalizers, tokenizer->normalizer_count, piece, offset);
    const or_aligned_t *text = or_normalizing_text(work);
    segment = (segment_t){.text = {text->bytes, text->length}, .spans = text->spans};
  }
  or_added_search_t search = {.set = &tokenizer->added_normalized, .text = segment.text, .skip_special = finder->plain};
  or_added_match_t match = {.token = NULL};
  while (or_ok(status)) {
    size_t taken = search.taken;
    status = or_added_next(&search, &match);
    if (!or_ok(status)) break;
    size_t end = match.token != NULL ? match.begin : segment.text.length;
    segment_t gap = part_of(&segment, taken, taken < end ? end : taken);
    status = find_words(finder, &gap);
    if (match.token == NULL) break;
    if (or_ok(status)) status = put_added(finder, &segment, &match);
  }
  return status;
}

/* A space before a piece that has none; it shares the span of the first character. */
static or_status_t prefix(finder_t *finder, segment_t *segment) {
  or_aligned_t *to = &finder->encoder->prefixed;
  size_t length = segment->text.length;
  to->length = 0;
  or_status_t status = or_aligned_reserve(to, length + 1);
  if (!or_ok(status)) return status;
  to->bytes[0] = ' ';
  to->spans[0] = span_of(segment, 0, 1);
  memcpy(to->bytes + 1, segment->text.bytes, length);
  for (size_t i = 0; i < length; ++i) to->spans[i + 1] = span_of(segment, i, i + 1);
  to->length = length + 1;
  *segment = (segment_t){.text = {to->bytes, to->length}, .spans = to->spans};
  return status;
}

static or_status_t cut(finder_t *finder, or_tokenizer_text_t word) {
  const or_tokenizer_t *tokenizer = finder->tokenizer;
  or_tokenizer_encoder_t *encoder = finder->encoder;
  encoder->parts.count = 0;
  if (tokenizer->is_bpe)
    return or_bpe_cut(&tokenizer->bpe, &tokenizer->vocabulary, &encoder->bpe, word, &encoder->parts);
  return or_wordpiece_cut(&tokenizer->wordpiece, &tokenizer->vocabulary, word, &encoder->parts);
}

static or_status_t find_word(finder_t *finder, const segment_t *segment, size_t begin, size_t end) {
  or_word_cache_t *cache = &finder->encoder->cache;
  or_tokenizer_text_t word = {segment->text.bytes + begin, end - begin};
  bool kept = word.length <= OR_WORD_CACHE_WORD_BYTES;
  uint64_t hash = kept ? or_word_hash(word) : 0;
  size_t count = 0;
  const or_part_t *parts = kept ? or_word_cache_get(cache, hash, word, &count) : NULL;
  or_status_t status = or_status_success();
  if (parts == NULL) {
    status = cut(finder, word);
    parts = finder->encoder->parts.parts;
    count = finder->encoder->parts.count;
    if (or_ok(status) && kept) or_word_cache_put(cache, hash, word, parts, count);
  }
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    or_token_span_t span = span_of(segment, begin + parts[i].begin, begin + parts[i].end);
    status = put(finder, (or_found_token_t){parts[i].id, span, OR_FROM_VOCABULARY, OR_FROM_VOCABULARY});
  }
  return status;
}

static or_status_t find_words(finder_t *finder, const segment_t *segment) {
  const or_tokenizer_t *tokenizer = finder->tokenizer;
  or_pieces_t *pieces = finder->encoder->pieces;
  segment_t text = *segment;
  or_status_t status = or_status_success();
  int current = 0;
  if (text.text.length == 0) return status;
  if (tokenizer->prefix_space && text.text.bytes[0] != ' ') status = prefix(finder, &text);
  or_piece_t whole = {0, (uint32_t)text.text.length, false};
  if (or_ok(status) && tokenizer->splitter_count == 0) return find_word(finder, &text, 0, text.text.length);
  for (size_t k = 0; or_ok(status) && k < tokenizer->splitter_count; ++k) {
    const or_pieces_t *from = &pieces[current];
    or_pieces_t *to = &pieces[1 - current];
    to->count = 0;
    for (size_t i = 0; or_ok(status) && i < (k == 0 ? 1 : from->count); ++i)
      status = or_split(&tokenizer->splitters[k], text.text.bytes, k == 0 ? whole : from->pieces[i], to);
    current = 1 - current;
  }
  for (size_t i = 0; or_ok(status) && i < pieces[current].count; ++i)
    status = find_word(finder, &text, pieces[current].pieces[i].begin, pieces[current].pieces[i].end);
  return status;
}
