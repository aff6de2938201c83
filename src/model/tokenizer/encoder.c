#include "model/tokenizer/tokenizer_internal.h"

or_status_t or_tokenizer_encoder_create(or_tokenizer_t *tokenizer, or_tokenizer_encoder_t **out) {
  const or_allocator_t *allocator = tokenizer->allocator;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_tokenizer_encoder_t), &memory);
  if (!or_ok(status)) return status;
  or_tokenizer_encoder_t *encoder = memory;
  or_tokenizer_retain(tokenizer);
  *encoder = (or_tokenizer_encoder_t){.tokenizer = tokenizer,
                                      .allocator = allocator,
                                      .prefixed.allocator = allocator,
                                      .pieces = {{.allocator = allocator}, {.allocator = allocator}},
                                      .parts.allocator = allocator,
                                      .bpe.allocator = allocator};
  or_normalizing_init(&encoder->normalizing, allocator);
  status = or_word_cache_init(&encoder->cache, allocator);
  if (or_ok(status)) {
    *out = encoder;
  } else {
    or_tokenizer_encoder_free(encoder);
  }
  return status;
}

void or_tokenizer_encoder_free(or_tokenizer_encoder_t *encoder) {
  if (encoder == NULL) return;
  const or_allocator_t *allocator = encoder->allocator;
  or_normalizing_deinit(&encoder->normalizing);
  or_aligned_deinit(&encoder->prefixed);
  for (int i = 0; i < 2; ++i) {
    or_pieces_deinit(&encoder->pieces[i]);
    or_free(allocator, encoder->found[i].tokens);
  }
  or_parts_deinit(&encoder->parts);
  or_bpe_work_deinit(&encoder->bpe);
  or_word_cache_deinit(&encoder->cache);
  or_free(allocator, encoder->ids);
  or_free(allocator, encoder->type_ids);
  or_free(allocator, encoder->mask);
  or_free(allocator, encoder->spans);
  or_tokenizer_release(encoder->tokenizer);
  or_free(allocator, encoder);
}

static or_status_t check_text(or_tokenizer_text_t text) {
  if (text.length > OR_TOKENIZER_MAX_TEXT_BYTES) {
    return or_error(OR_OUT_OF_RANGE, "a text of %zu bytes; the limit is %zu", text.length, OR_TOKENIZER_MAX_TEXT_BYTES);
  }
  if (or_utf8_valid(text.bytes, text.length)) return or_status_success();
  size_t at = 0;
  for (size_t width = 1; width > 0; at += width) width = or_utf8_character(text.bytes + at, text.length - at);
  return or_error(OR_INVALID_ARGUMENT, "the text is not UTF-8: byte %zu (0x%02X) begins no character", at,
                  (unsigned)(unsigned char)text.bytes[at]);
}

or_status_t or_tokenizer_encode(or_tokenizer_encoder_t *encoder, or_tokenizer_text_t text,
                                const or_tokenizer_text_t *pair, const or_tokenizer_options_t *options,
                                or_encoding_t *out) {
  static const or_tokenizer_options_t as_file = {0};
  if (options == NULL) options = &as_file;
  *out = (or_encoding_t){0};
  or_status_t status = check_text(text);
  if (or_ok(status) && pair != NULL) status = check_text(*pair);
  if (or_ok(status)) status = or_tokenizer_find(encoder, text, options->plain_text, 0);
  if (or_ok(status) && pair != NULL) status = or_tokenizer_find(encoder, *pair, options->plain_text, 1);
  if (or_ok(status)) status = or_tokenizer_assemble(encoder, pair != NULL, options, out);
  return status;
}
