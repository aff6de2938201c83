/* Found tokens into what a model takes: cut to a length, spans trimmed, surrounded as the template says, padded. */
#include "base/unicode.h"
#include "model/tokenizer/tokenizer_internal.h"

/* The tokens of a text that stay. */
typedef struct kept_t {
  const or_found_token_t *tokens;
  size_t count;
  const char *text;
} kept_t;

static or_status_t cut(const or_tokenizer_t *tokenizer, const or_tokenizer_options_t *options,
                       const or_template_t *template, kept_t kept[2], bool has_pair, bool *truncated);
static void trim(const or_tokenizer_t *tokenizer, const kept_t *kept, size_t index, or_token_span_t *span);
static or_status_t padded_length(const or_tokenizer_t *tokenizer, const or_tokenizer_options_t *options, size_t count,
                                 size_t *out);

static or_status_t reserve(or_tokenizer_encoder_t *encoder, size_t count) {
  void *ids = encoder->ids, *types = encoder->type_ids, *mask = encoder->mask, *spans = encoder->spans;
  or_status_t status = or_grow_array(encoder->allocator, count + 1, sizeof(int64_t), &ids, &encoder->id_capacity);
  encoder->ids = ids;
  if (or_ok(status))
    status = or_grow_array(encoder->allocator, count + 1, sizeof(int64_t), &types, &encoder->type_capacity);
  encoder->type_ids = types;
  if (or_ok(status))
    status = or_grow_array(encoder->allocator, count + 1, sizeof(int64_t), &mask, &encoder->mask_capacity);
  encoder->mask = mask;
  if (or_ok(status))
    status = or_grow_array(encoder->allocator, count + 1, sizeof(or_token_span_t), &spans, &encoder->span_capacity);
  encoder->spans = spans;
  return status;
}

static void put(or_tokenizer_encoder_t *encoder, size_t at, uint32_t id, uint32_t type_id, or_token_span_t span) {
  encoder->ids[at] = id;
  encoder->type_ids[at] = type_id;
  encoder->mask[at] = 1;
  encoder->spans[at] = span;
}

static size_t surround(or_tokenizer_encoder_t *encoder, const or_template_t *template, const kept_t kept[2],
                       bool with_special, size_t at) {
  for (size_t k = 0; k < template->count; ++k) {
    const or_template_piece_t *piece = &template->pieces[k];
    if (piece->kind == OR_PIECE_SPECIAL) {
      if (with_special) put(encoder, at++, piece->id, piece->type_id, (or_token_span_t){0, 0});
      continue;
    }
    const kept_t *text = &kept[piece->kind == OR_PIECE_SECOND];
    for (size_t i = 0; i < text->count; ++i) {
      or_token_span_t span = text->tokens[i].span;
      if (encoder->tokenizer->trim_spans) trim(encoder->tokenizer, text, i, &span);
      put(encoder, at++, text->tokens[i].id, piece->type_id, span);
    }
  }
  return at;
}

static void pad(or_tokenizer_encoder_t *encoder, size_t at, size_t end) {
  for (; at < end; ++at) {
    put(encoder, at, encoder->tokenizer->pad_id, encoder->tokenizer->pad_type_id, (or_token_span_t){0, 0});
    encoder->mask[at] = 0;
  }
}

/* Tokens that the pieces of the template bring, where it names a text more than once too. */
static size_t length_of(const or_template_t *template, const kept_t kept[2], bool with_special) {
  size_t count = 0;
  for (size_t k = 0; k < template->count; ++k) {
    or_piece_kind_t kind = template->pieces[k].kind;
    count += kind == OR_PIECE_SPECIAL ? with_special : kept[kind == OR_PIECE_SECOND].count;
  }
  return count;
}

or_status_t or_tokenizer_assemble(or_tokenizer_encoder_t *encoder, bool has_pair, const or_tokenizer_options_t *options,
                                  or_encoding_t *out) {
  const or_tokenizer_t *tokenizer = encoder->tokenizer;
  const or_template_t *template = has_pair ? &tokenizer->pair : &tokenizer->single;
  bool with_special = !options->without_special_tokens;
  kept_t kept[2] = {{encoder->found[0].tokens, encoder->found[0].count, encoder->found[0].text}, {0}};
  size_t padded = 0;
  if (has_pair) kept[1] = (kept_t){encoder->found[1].tokens, encoder->found[1].count, encoder->found[1].text};
  or_status_t status = cut(tokenizer, options, template, kept, has_pair, &out->truncated);
  size_t count = length_of(template, kept, with_special);
  if (or_ok(status)) status = padded_length(tokenizer, options, count, &padded);
  if (or_ok(status)) status = reserve(encoder, padded);
  if (!or_ok(status)) return status;
  size_t begin = tokenizer->pads_left ? padded - count : 0;
  pad(encoder, 0, begin);
  size_t end = surround(encoder, template, kept, with_special, begin);
  pad(encoder, end, padded);
  out->count = padded;
  out->ids = encoder->ids;
  out->type_ids = encoder->type_ids;
  out->attention_mask = encoder->mask;
  out->spans = encoder->spans;
  return status;
}

static void keep(const or_tokenizer_t *tokenizer, kept_t *kept, size_t count) {
  if (count >= kept->count) return;
  if (tokenizer->truncates_left) kept->tokens += kept->count - count;
  kept->count = count;
}

/* Longest first: the longer text gives way until both are of one length, then both. */
static void cut_longest(const or_tokenizer_t *tokenizer, kept_t kept[2], size_t room) {
  bool first_is_longer = kept[0].count > kept[1].count;
  size_t shorter = first_is_longer ? kept[1].count : kept[0].count;
  size_t longer = shorter > room ? shorter : room - shorter > shorter ? room - shorter : shorter;
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  keep(tokenizer, &kept[0], first_is_longer ? longer : shorter);
  keep(tokenizer, &kept[1], first_is_longer ? shorter : longer);
}

static or_status_t cut(const or_tokenizer_t *tokenizer, const or_tokenizer_options_t *options,
                       const or_template_t *template, kept_t kept[2], bool has_pair, bool *truncated) {
  size_t room = tokenizer->max_length, special = options->without_special_tokens ? 0 : template->special_count;
  bool bounded = tokenizer->truncates || options->max_length > 0;
  if (options->max_length == OR_TOKENIZER_NONE || !bounded) return or_status_success();
  if (options->max_length > 0) room = (size_t)options->max_length;
  if (room < special) {
    return or_error(OR_INVALID_ARGUMENT, "a length of %zu tokens has no room for the %zu special ones", room, special);
  }
  room -= special;
  size_t total = kept[0].count + kept[1].count;
  if (total <= room) return or_status_success();
  *truncated = true;
  if (tokenizer->truncation == OR_LONGEST_FIRST || room == 0) {
    if (has_pair) {
      cut_longest(tokenizer, kept, room);
    } else {
      keep(tokenizer, &kept[0], room);
    }
    return or_status_success();
  }
  size_t which = tokenizer->truncation == OR_ONLY_SECOND;
  size_t remove = total - room;
  if (which == 1 && !has_pair)
    return or_error(OR_INVALID_ARGUMENT, "the tokenizer cuts second texts only, and there is one text of %zu tokens",
                    total);
  if (kept[which].count <= remove) {
    return or_error(OR_INVALID_ARGUMENT,
                    "the tokenizer cuts the %s text only: its %zu tokens are too few to remove %zu",
                    which == 1 ? "second" : "first", kept[which].count, remove);
  }
  keep(tokenizer, &kept[which], kept[which].count - remove);
  return or_status_success();
}

/* A space in GPT-2's alphabet is U+0120, C4 A0 in UTF-8. */
static size_t spaces_at_begin(or_tokenizer_text_t token) {
  size_t count = 0;
  while (count * 2 + 1 < token.length && token.bytes[count * 2] == '\xC4' && token.bytes[count * 2 + 1] == '\xA0')
    ++count;
  return count;
}

static size_t spaces_at_end(or_tokenizer_text_t token) {
  size_t count = 0, end = token.length;
  for (; end >= 2 && token.bytes[end - 2] == '\xC4' && token.bytes[end - 1] == '\xA0'; end -= 2) ++count;
  return count;
}

static void trim(const or_tokenizer_t *tokenizer, const kept_t *kept, size_t index, or_token_span_t *span) {
  const or_found_token_t *token = &kept->tokens[index];
  size_t leading = token->leading, trailing = token->trailing;
  if (leading == OR_FROM_VOCABULARY) {
    leading = spaces_at_begin(tokenizer->vocabulary.tokens[token->id]);
    trailing = spaces_at_end(tokenizer->vocabulary.tokens[token->id]);
  }
  if ((index == 0 || span->begin == 0) && tokenizer->trim_keeps_prefix && leading == 1) leading = 0;
  for (; leading > 0 && span->begin < span->end; --leading)
    span->begin += (uint32_t)or_unicode_width(kept->text[span->begin]);
  for (; trailing > 0 && span->begin < span->end; --trailing) {
    do {
      --span->end;
    } while (span->end > span->begin && ((unsigned char)kept->text[span->end] & 0xC0) == 0x80);
  }
}

static or_status_t padded_length(const or_tokenizer_t *tokenizer, const or_tokenizer_options_t *options, size_t count,
                                 size_t *out) {
  size_t length = tokenizer->pads ? tokenizer->pad_length : 0;
  *out = count;
  if (options->pad_length == OR_TOKENIZER_NONE) return or_status_success();
  if (options->pad_length > 0) length = (size_t)options->pad_length;
  if (length > OR_TOKENIZER_MAX_LENGTH)
    return or_error(OR_OUT_OF_RANGE, "padding to %zu tokens; the limit is %zu", length, OR_TOKENIZER_MAX_LENGTH);
  bool rounds = tokenizer->pads && options->pad_length == OR_TOKENIZER_AS_FILE && tokenizer->pad_multiple > 1;
  size_t multiple = rounds ? tokenizer->pad_multiple : 1;
  if (tokenizer->pads && tokenizer->pad_length == 0 && length == 0) length = count;
  length += (multiple - length % multiple) % multiple;
  if (length > count) *out = length;
  return or_status_success();
}
