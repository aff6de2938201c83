#include <string.h>

#include "base/unicode.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/tokenizer_internal.h"

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

static or_status_t decode_bytes(or_token_stream_t *stream, or_tokenizer_text_t token, or_text_t *out);
static or_status_t decode_wordpiece(const or_tokenizer_t *tokenizer, or_tokenizer_text_t token, bool first,
                                    or_text_t *out);
static or_status_t push_byte(or_token_stream_t *stream, char byte, or_text_t *out);

or_status_t or_token_stream_push(or_token_stream_t *stream, const or_tokenizer_t *tokenizer, uint32_t id,
                                 bool skip_special, or_text_t *out) {
  const or_vocabulary_t *vocabulary = &tokenizer->vocabulary;
  if (id >= vocabulary->id_limit || vocabulary->tokens[id].bytes == NULL)
    return or_error(OR_OUT_OF_RANGE, "no token has id %u; the vocabulary has %zu, all below %u", id, vocabulary->count,
                    vocabulary->id_limit);
  const or_added_token_t *added = tokenizer->added_by_id[id];
  if (skip_special && added != NULL && added->special) return or_status_success();
  or_tokenizer_text_t token = added != NULL ? added->form : vocabulary->tokens[id];
  bool first = stream->token_count++ == 0;
  switch (tokenizer->decoder) {
  case OR_DECODE_BYTES: return decode_bytes(stream, token, out);
  case OR_DECODE_WORDPIECE: return decode_wordpiece(tokenizer, token, first, out);
  default: break;
  }
  or_status_t status = first ? or_status_success() : or_text_append(out, " ", 1);
  return or_ok(status) ? or_text_append(out, token.bytes, token.length) : status;
}

/* Writes U+FFFD for a character that was begun and not ended. */
static or_status_t give_up(or_token_stream_t *stream, or_text_t *out) {
  if (stream->held == 0) return or_status_success();
  stream->held = 0;
  return or_text_append(out, replacement, 3);
}

or_status_t or_token_stream_finish(or_token_stream_t *stream, or_text_t *out) {
  or_status_t status = give_up(stream, out);
  *stream = (or_token_stream_t){0};
  return status;
}

or_status_t or_tokenizer_decode(const or_tokenizer_t *tokenizer, const uint32_t *ids, size_t count, bool skip_special,
                                or_text_t *out) {
  or_token_stream_t stream = {0};
  size_t length = out->length;
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < count; ++i)
    status = or_token_stream_push(&stream, tokenizer, ids[i], skip_special, out);
  if (or_ok(status)) status = or_token_stream_finish(&stream, out);
  if (!or_ok(status) && out->data != NULL) {
    out->length = length;
    out->data[length] = '\0';
  }
  return status;
}

/* A token all of whose characters are of GPT-2's alphabet stands for bytes; any other, an added one, for itself. */
static or_status_t decode_bytes(or_token_stream_t *stream, or_tokenizer_text_t token, or_text_t *out) {
  size_t width = 0;
  bool spelled = true;
  or_status_t status = or_status_success();
  for (size_t i = 0; spelled && i < token.length; i += width)
    spelled = or_byte_alphabet_byte(or_unicode_read(token.bytes + i, &width)) >= 0;
  for (size_t i = 0; or_ok(status) && i < token.length; i += width) {
    uint32_t code = spelled ? or_unicode_read(token.bytes + i, &width) : (unsigned char)token.bytes[i];
    if (!spelled) width = 1;
    status = push_byte(stream, (char)(spelled ? (uint32_t)or_byte_alphabet_byte(code) : code), out);
  }
  return status;
}

/* Whether bytes begin a character that more bytes may end (table 3-7 of the Unicode standard). */
static bool is_beginning(const char *bytes, size_t length) {
  static const char ends[][4] = {"\x80\x80\x80", "\x90\x80\x80", "\xA0\x80\x80"};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
    char whole[4] = {0};
    memcpy(whole, bytes, length);
    memcpy(whole + length, length == 1 ? ends[i] : ends[0], 4 - length);
    if (or_utf8_character(whole, 4) > length) return true;
  }
  return false;
}

/* One U+FFFD for each longest beginning of a character that nothing ends, as the standard recommends in section 3.9. */
static or_status_t push_byte(or_token_stream_t *stream, char byte, or_text_t *out) {
  stream->bytes[stream->held++] = byte;
  size_t width = or_utf8_character(stream->bytes, stream->held);
  if (width > 0) {
    stream->held = 0;
    return or_text_append(out, stream->bytes, width);
  }
  if (stream->held < 4 && is_beginning(stream->bytes, stream->held)) return or_status_success();
  if (stream->held == 1) return give_up(stream, out);
  --stream->held; /* what was begun ends here; the byte may begin another */
  or_status_t status = give_up(stream, out);
  return or_ok(status) ? push_byte(stream, byte, out) : status;
}

/* In place: shortens. */
static size_t replace(char *text, size_t length, const char *from, const char *to) {
  size_t from_length = strlen(from), to_length = strlen(to), at = 0, end = 0;
  while (at < length) {
    if (length - at >= from_length && memcmp(text + at, from, from_length) == 0) {
      memcpy(text + end, to, to_length);
      end += to_length;
      at += from_length;
    } else {
      text[end++] = text[at++];
    }
  }
  return end;
}

static size_t clean_up(char *text, size_t length) {
  static const char *const pairs[][2] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                         {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                         {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; ++i) length = replace(text, length, pairs[i][0], pairs[i][1]);
  return length;
}

/* A token that goes on loses its prefix; any other but the first stands behind a space. */
static or_status_t decode_wordpiece(const or_tokenizer_t *tokenizer, or_tokenizer_text_t token, bool first,
                                    or_text_t *out) {
  const or_tokenizer_text_t *prefix = &tokenizer->decoder_prefix;
  bool goes_on = !first && token.length >= prefix->length && memcmp(token.bytes, prefix->bytes, prefix->length) == 0;
  size_t begin = out->length, skip = goes_on ? prefix->length : 0;
  or_status_t status = first || goes_on ? or_status_success() : or_text_append(out, " ", 1);
  if (or_ok(status)) status = or_text_append(out, token.bytes + skip, token.length - skip);
  if (!or_ok(status) || !tokenizer->decoder_cleanup) return status;
  out->length = begin + clean_up(out->data + begin, out->length - begin);
  out->data[out->length] = '\0';
  return status;
}
