/* Encodes texts: to compare ids with other programs', and to measure.
 *
 *   tokenizer_bench ids TOKENIZER.json FILE    texts, or pairs joined by U+001F, each ended by a NUL; prints lines:
 *                                              id:type:begin:end …
 *   tokenizer_bench text TOKENIZER.json FILE   encodes without special tokens and prints what decodes, ended by a NUL
 *   tokenizer_bench time TOKENIZER.json FILE   the lines of FILE again and again for two seconds, and the load */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "model/tokenizer/tokenizer.h"

#define SECONDS 2

static int fail(or_status_t status) {
  fprintf(stderr, "tokenizer_bench: %s\n", or_status_message(status));
  or_status_ignore(status); /* told, and the program ends */
  return 1;
}

static or_status_t print_ids(or_tokenizer_encoder_t *encoder, char *text, size_t length) {
  char *unit = memchr(text, 0x1F, length);
  or_tokenizer_text_t first = {text, unit != NULL ? (size_t)(unit - text) : length}, second = {NULL, 0};
  or_encoding_t encoding;
  if (unit != NULL) second = (or_tokenizer_text_t){unit + 1, length - first.length - 1};
  or_status_t status = or_tokenizer_encode(encoder, first, unit != NULL ? &second : NULL, NULL, &encoding);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < encoding.count; ++i) {
    printf("%lld:%lld:%u:%u ", (long long)encoding.ids[i], (long long)encoding.type_ids[i], encoding.spans[i].begin,
           encoding.spans[i].end);
  }
  putchar('\n');
  return status;
}

static or_status_t print_text(or_tokenizer_t *tokenizer, or_tokenizer_encoder_t *encoder, char *text, size_t length) {
  or_tokenizer_options_t options = {
      .without_special_tokens = true, .max_length = OR_TOKENIZER_NONE, .pad_length = OR_TOKENIZER_NONE};
  or_encoding_t encoding;
  or_text_t out;
  or_text_init(&out, or_allocator_system());
  or_status_t status = or_tokenizer_encode(encoder, (or_tokenizer_text_t){text, length}, NULL, &options, &encoding);
  uint32_t *ids = calloc(encoding.count + 1, sizeof *ids);
  for (size_t i = 0; ids != NULL && i < encoding.count; ++i) ids[i] = (uint32_t)encoding.ids[i];
  if (or_ok(status) && ids != NULL) status = or_tokenizer_decode(tokenizer, ids, encoding.count, true, &out);
  if (or_ok(status)) fwrite(or_text_string(&out), 1, out.length + 1, stdout);
  free(ids);
  or_text_deinit(&out);
  return status;
}

static or_status_t each(const char *what, or_tokenizer_t *tokenizer, or_tokenizer_encoder_t *encoder,
                        const char *path) {
  char *texts = NULL;
  size_t length = 0;
  or_status_t status = or_file_read(or_allocator_system(), path, (size_t)1 << 30, &texts, &length);
  for (size_t at = 0; or_ok(status) && at < length;) {
    size_t bytes = strlen(texts + at);
    status = strcmp(what, "ids") == 0 ? print_ids(encoder, texts + at, bytes)
                                      : print_text(tokenizer, encoder, texts + at, bytes);
    at += bytes + 1;
  }
  or_free(or_allocator_system(), texts);
  return status;
}

static or_status_t measure(or_tokenizer_encoder_t *encoder, const char *path, int64_t load_ns) {
  char *text = NULL;
  size_t length = 0, tokens = 0, bytes = 0;
  or_status_t status = or_file_read(or_allocator_system(), path, (size_t)1 << 30, &text, &length);
  int64_t begin = or_clock_ns(), spent = 0;
  while (or_ok(status) && length > 0 && spent < (int64_t)SECONDS * 1000000000) {
    for (size_t at = 0; or_ok(status) && at < length;) {
      const char *end = memchr(text + at, '\n', length - at);
      size_t line = end != NULL ? (size_t)(end - text) - at : length - at;
      or_encoding_t encoding;
      status = or_tokenizer_encode(encoder, (or_tokenizer_text_t){text + at, line}, NULL, NULL, &encoding);
      tokens += encoding.count;
      at += line + 1;
    }
    bytes += length;
    spent = or_clock_ns() - begin;
  }
  or_free(or_allocator_system(), text);
  if (or_ok(status) && spent > 0) {
    printf("{\"load_ms\": %.1f, \"megabytes_per_s\": %.1f, \"million_tokens_per_s\": %.2f}\n", (double)load_ns / 1e6,
           (double)bytes * 1e3 / (double)spent, (double)tokens * 1e3 / (double)spent);
  }
  return status;
}

int main(int argc, char **argv) {
  or_tokenizer_t *tokenizer = NULL;
  or_tokenizer_encoder_t *encoder = NULL;
  const char *what = argc > 2 ? argv[1] : "";
  bool timing = strcmp(what, "time") == 0;
  if ((strcmp(what, "ids") != 0 && strcmp(what, "text") != 0 && !timing) || argc != 4) {
    fprintf(stderr, "usage: tokenizer_bench ids|text|time TOKENIZER.json FILE\n");
    return 2;
  }
  int64_t begin = or_clock_ns();
  or_status_t status = or_tokenizer_load(or_allocator_system(), argv[2], &tokenizer);
  int64_t load_ns = or_clock_ns() - begin;
  if (or_ok(status)) status = or_tokenizer_encoder_create(tokenizer, &encoder);
  if (or_ok(status)) status = timing ? measure(encoder, argv[3], load_ns) : each(what, tokenizer, encoder, argv[3]);
  or_tokenizer_encoder_free(encoder);
  or_tokenizer_release(tokenizer);
  return or_ok(status) ? 0 : fail(status);
}
