/* A tokenizer.json and, behind the first NUL, texts: whatever loads encodes any text within its bounds, and decodes
 * what it encoded; the spans lie in the text. Without a NUL the input is a file alone. */
#include <string.h>

#include "base/alloc.h"
#include "model/tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const or_tokenizer_t *tokenizer, const or_encoding_t *encoding, size_t length) {
  or_token_stream_t stream = {0};
  or_text_t out;
  or_text_init(&out, or_allocator_system());
  for (size_t i = 0; i < encoding->count; ++i) {
    or_token_span_t span = encoding->spans[i];
    if (span.begin > span.end || span.end > length) __builtin_trap();
    or_status_t status = or_token_stream_push(&stream, tokenizer, (uint32_t)encoding->ids[i], false, &out);
    if (!or_ok(status)) __builtin_trap();
  }
  or_status_t status = or_token_stream_finish(&stream, &out);
  if (!or_ok(status) || !or_utf8_valid(or_text_string(&out), out.length)) __builtin_trap();
  or_text_deinit(&out);
}

static void encode(or_tokenizer_t *tokenizer, const char *text, size_t length) {
  or_tokenizer_encoder_t *encoder = NULL;
  or_tokenizer_options_t options = {.max_length = 512, .pad_length = OR_TOKENIZER_NONE};
  or_tokenizer_text_t first = {text, length}, second = {text + length / 2, length - length / 2};
  or_encoding_t encoding;
  or_status_t status = or_tokenizer_encoder_create(tokenizer, &encoder);
  if (or_ok(status)) status = or_tokenizer_encode(encoder, first, NULL, &options, &encoding);
  if (or_ok(status)) {
    check(tokenizer, &encoding, length);
    status = or_tokenizer_encode(encoder, first, &second, &options, &encoding);
  }
  if (or_ok(status)) check(tokenizer, &encoding, length);
  or_status_ignore(status); /* not UTF-8, or no room */
  or_tokenizer_encoder_free(encoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *json = (const char *)data;
  const char *end = size > 0 ? memchr(json, '\0', size) : NULL;
  size_t length = end != NULL ? (size_t)(end - json) : size;
  or_tokenizer_t *tokenizer = NULL;
  or_status_t status = or_tokenizer_parse(or_allocator_system(), json, length, &tokenizer);
  if (or_ok(status)) encode(tokenizer, "It's a  test: caf\xC3\xA9 \xE4\xBD\xA0 123\n", 27);
  if (or_ok(status) && end != NULL) encode(tokenizer, end + 1, size - length - 1);
  or_tokenizer_release(tokenizer);
  or_status_ignore(status); /* most inputs are no tokenizer */
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
