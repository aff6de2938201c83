/* The model and its vocabulary, with room for the added tokens. */
#include <string.h>

#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/tokenizer_internal.h"

#define MAX_WORD_CHARACTERS ((size_t)1024) /* of max_input_chars_per_word: cutting a word costs their square */

static or_status_t read_vocabulary(or_tokenizer_t *tokenizer, const or_json_value_t *vocab,
                                   const or_json_value_t *added);
static or_status_t read_wordpiece(or_tokenizer_t *tokenizer, const or_json_value_t *model);
static or_status_t read_bpe(or_tokenizer_t *tokenizer, const or_json_value_t *model);
static or_status_t read_merges(or_tokenizer_t *tokenizer, const or_json_value_t *merges);

/* Old files leave the type out; what else they have tells it. */
static const char *type_of(const or_json_value_t *model) {
  if (or_json_get(model, "type") != NULL) return or_tokenizer_type(model);
  if (or_json_get(model, "merges") != NULL) return "BPE";
  return or_json_get(model, "max_input_chars_per_word") != NULL ? "WordPiece" : "of no type";
}

or_status_t or_tokenizer_read_model(or_tokenizer_t *tokenizer, const or_json_value_t *root) {
  const or_json_value_t *model = or_json_get(root, "model");
  const char *type = type_of(model);
  tokenizer->is_bpe = strcmp(type, "BPE") == 0;
  if (or_json_kind(model) != OR_JSON_OBJECT) return or_error(OR_INVALID_ARGUMENT, "\"model\" is missing");
  if (!tokenizer->is_bpe && strcmp(type, "WordPiece") != 0)
    return or_tokenizer_unsupported("model", type, "WordPiece, BPE");
  or_status_t status = read_vocabulary(tokenizer, or_json_get(model, "vocab"), or_json_get(root, "added_tokens"));
  if (or_ok(status)) status = tokenizer->is_bpe ? read_bpe(tokenizer, model) : read_wordpiece(tokenizer, model);
  return or_status_context(status, "model");
}

static or_status_t read_token_id(const or_json_value_t *value, const char *token, uint32_t *out) {
  int64_t id = or_json_get_int(value, -1);
  if (or_json_kind(value) != OR_JSON_INTEGER)
    return or_error(OR_INVALID_ARGUMENT, "the id of \"%.80s\" is not a whole number", token);
  if (id < 0 || id >= (int64_t)(2 * OR_TOKENIZER_MAX_VOCABULARY)) {
    return or_error(OR_OUT_OF_RANGE, "the id of \"%.80s\" is %lld; it must be from 0 to %zu", token, (long long)id,
                    2 * OR_TOKENIZER_MAX_VOCABULARY - 1);
  }
  *out = (uint32_t)id;
  return or_status_success();
}

/* The highest id says how long the table of ids is. */
static or_status_t find_id_limit(const or_json_value_t *vocab, const or_json_value_t *added, uint32_t *limit) {
  or_status_t status = or_status_success();
  uint32_t id = 0;
  for (size_t i = 0; or_ok(status) && i < or_json_count(vocab); ++i) {
    const or_json_value_t *value = NULL;
    const char *token = or_json_key_at(vocab, i, &value);
    status = read_token_id(value, token, &id);
    if (or_ok(status) && id >= *limit) *limit = id + 1;
  }
  for (size_t i = 0; or_ok(status) && i < or_json_count(added); ++i) {
    const or_json_value_t *entry = or_json_at(added, i);
    status = read_token_id(or_json_get(entry, "id"), or_json_get_string(or_json_get(entry, "content"), ""), &id);
    status = or_status_context(status, "added_tokens[%zu]", i);
    if (or_ok(status) && id >= *limit) *limit = id + 1;
  }
  return status;
}

static or_status_t read_vocabulary(or_tokenizer_t *tokenizer, const or_json_value_t *vocab,
                                   const or_json_value_t *added) {
  size_t count = or_json_count(vocab);
  uint32_t id_limit = 0, id = 0;
  if (or_json_kind(vocab) != OR_JSON_OBJECT) return or_error(OR_INVALID_ARGUMENT, "\"vocab\" is not an object");
  if (count > OR_TOKENIZER_MAX_VOCABULARY) {
    return or_error(OR_OUT_OF_RANGE, "\"vocab\" has %zu tokens; the limit is %zu", count, OR_TOKENIZER_MAX_VOCABULARY);
  }
  if (or_json_count(added) > OR_TOKENIZER_MAX_ADDED) {
    return or_error(OR_OUT_OF_RANGE, "there are %zu added tokens; the limit is %zu", or_json_count(added),
                    OR_TOKENIZER_MAX_ADDED);
  }
  or_status_t status = find_id_limit(vocab, added, &id_limit);
  if (or_ok(status))
    status = or_vocabulary_init(&tokenizer->vocabulary, &tokenizer->arena, count + or_json_count(added), id_limit);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *value = NULL;
    const char *token = or_json_key_at(vocab, i, &value);
    status = read_token_id(value, token, &id);
    if (or_ok(status)) {
      or_tokenizer_text_t text = {token, strlen(token)};
      status = or_vocabulary_add(&tokenizer->vocabulary, &tokenizer->arena, text, id);
    }
  }
  return or_status_context(status, "vocab");
}

static or_status_t read_wordpiece(or_tokenizer_t *tokenizer, const or_json_value_t *model) {
  or_wordpiece_t *wordpiece = &tokenizer->wordpiece;
  const char *unknown = or_json_get_string(or_json_get(model, "unk_token"), "[UNK]");
  if (tokenizer->byte_level)
    return or_error(OR_UNIMPLEMENTED, "WordPiece behind a ByteLevel pre-tokenizer is not supported; use BPE");
  wordpiece->word_limit = 100;
  or_status_t status =
      or_tokenizer_read_count(model, "max_input_chars_per_word", MAX_WORD_CHARACTERS, &wordpiece->word_limit);
  wordpiece->unknown = or_tokenizer_token_id(tokenizer, unknown);
  if (or_ok(status) && wordpiece->unknown == OR_NO_TOKEN)
    status = or_error(OR_INVALID_ARGUMENT, "the token for unknown words, \"%.80s\", is not in the vocabulary", unknown);
  if (or_ok(status) && or_json_get(model, "continuing_subword_prefix") == NULL) {
    wordpiece->prefix = (or_tokenizer_text_t){"##", 2};
  } else if (or_ok(status)) {
    status = or_tokenizer_read_text(tokenizer, model, "continuing_subword_prefix", &wordpiece->prefix);
  }
  return status;
}

/* Null, absent and "" are all none. */
static or_status_t refuse_text(const or_json_value_t *model, const char *key) {
  const or_json_value_t *value = or_json_get(model, key);
  bool none = or_json_kind(value) == OR_JSON_NULL ||
              (or_json_kind(value) == OR_JSON_STRING && or_json_string_length(value) == 0);
  return none ? or_status_success()
              : or_error(OR_UNIMPLEMENTED, "BPE with \"%s\" is not supported; it must be null", key);
}

static or_status_t check_bpe(const or_json_value_t *model) {
  const or_json_value_t *dropout = or_json_get(model, "dropout");
  bool fallback = false, drops = or_json_kind(dropout) != OR_JSON_NULL && or_json_get_double(dropout, 1) != 0;
  or_status_t status = refuse_text(model, "continuing_subword_prefix");
  if (or_ok(status)) status = refuse_text(model, "end_of_word_suffix");
  if (or_ok(status)) status = or_tokenizer_read_bool(model, "byte_fallback", false, &fallback);
  if (or_ok(status) && fallback)
    status = or_error(OR_UNIMPLEMENTED, "BPE with \"byte_fallback\" is not supported; use a byte-level tokenizer");
  if (or_ok(status) && drops)
    status = or_error(OR_UNIMPLEMENTED, "BPE with \"dropout\" is for training; let it be null");
  return status;
}

static or_status_t read_bpe(or_tokenizer_t *tokenizer, const or_json_value_t *model) {
  or_bpe_t *bpe = &tokenizer->bpe;
  const or_json_value_t *unknown = or_json_get(model, "unk_token");
  or_status_t status = check_bpe(model);
  if (or_ok(status)) status = or_tokenizer_read_bool(model, "fuse_unk", false, &bpe->fuse_unknown);
  if (or_ok(status)) status = or_tokenizer_read_bool(model, "ignore_merges", false, &bpe->ignore_merges);
  if (!or_ok(status)) return status;
  bpe->unknown = OR_NO_TOKEN;
  if (or_json_kind(unknown) != OR_JSON_NULL) {
    const char *token = or_json_get_string(unknown, "");
    bpe->unknown = or_tokenizer_token_id(tokenizer, token);
    if (bpe->unknown == OR_NO_TOKEN)
      return or_error(OR_INVALID_ARGUMENT, "\"unk_token\", \"%.80s\", is not in the vocabulary", token);
  }
  bpe->byte_level = tokenizer->byte_level;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    char raw = (char)byte, character[4];
    size_t width = or_byte_alphabet_write((or_tokenizer_text_t){&raw, 1}, character);
    bpe->bytes[byte] = or_vocabulary_find(&tokenizer->vocabulary, character, width);
  }
  return or_status_context(read_merges(tokenizer, or_json_get(model, "merges")), "merges");
}

/* "left right", or ["left", "right"]. */
static bool read_merge(const or_json_value_t *merge, or_tokenizer_text_t *left, or_tokenizer_text_t *right) {
  if (or_json_kind(merge) == OR_JSON_STRING) {
    const char *text = or_json_get_string(merge, ""), *space = strchr(text, ' ');
    if (space == NULL || strchr(space + 1, ' ') != NULL) return false;
    *left = (or_tokenizer_text_t){text, (size_t)(space - text)};
    *right = (or_tokenizer_text_t){space + 1, strlen(space + 1)};
    return true;
  }
  const or_json_value_t *first = or_json_at(merge, 0), *second = or_json_at(merge, 1);
  *left = (or_tokenizer_text_t){or_json_get_string(first, ""), or_json_string_length(first)};
  *right = (or_tokenizer_text_t){or_json_get_string(second, ""), or_json_string_length(second)};
  return or_json_count(merge) == 2 && or_json_kind(first) == OR_JSON_STRING && or_json_kind(second) == OR_JSON_STRING;
}

static or_status_t add_merge(or_tokenizer_t *tokenizer, or_tokenizer_text_t left, or_tokenizer_text_t right,
                             uint32_t rank) {
  const or_vocabulary_t *vocabulary = &tokenizer->vocabulary;
  uint32_t left_id = or_vocabulary_find(vocabulary, left.bytes, left.length);
  uint32_t right_id = or_vocabulary_find(vocabulary, right.bytes, right.length);
  uint64_t hash = or_vocabulary_hash(vocabulary->seed, left.bytes, left.length);
  uint32_t id = or_vocabulary_match(vocabulary, or_vocabulary_hash(hash, right.bytes, right.length), left, right.bytes,
                                    right.length);
  if (left.length == 0 || right.length == 0) return or_error(OR_INVALID_ARGUMENT, "a merge with nothing");
  if (left_id == OR_NO_TOKEN || right_id == OR_NO_TOKEN || id == OR_NO_TOKEN) {
    return or_error(OR_INVALID_ARGUMENT, "\"%.*s\" + \"%.*s\": %s not in the vocabulary", (int)(left.length % 80),
                    left.bytes, (int)(right.length % 80), right.bytes,
                    left_id == OR_NO_TOKEN    ? "the first is"
                    : right_id == OR_NO_TOKEN ? "the second is"
                                              : "what they make is");
  }
  return or_bpe_add(&tokenizer->bpe, left_id, right_id, rank, id);
}

static or_status_t read_merges(or_tokenizer_t *tokenizer, const or_json_value_t *merges) {
  size_t count = or_json_count(merges);
  uint32_t rank = 0;
  if (or_json_kind(merges) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "not a list");
  if (count > OR_TOKENIZER_MAX_MERGES) {
    return or_error(OR_OUT_OF_RANGE, "there are %zu; the limit is %zu", count, OR_TOKENIZER_MAX_MERGES);
  }
  or_status_t status = or_bpe_init(&tokenizer->bpe, &tokenizer->arena, count);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *merge = or_json_at(merges, i);
    or_tokenizer_text_t left, right;
    if (or_string_starts_with(or_json_get_string(merge, ""), "#version")) continue;
    status = read_merge(merge, &left, &right)
                 ? add_merge(tokenizer, left, right, rank++)
                 : or_error(OR_INVALID_ARGUMENT, "neither \"left right\" nor [\"left\", \"right\"]");
    status = or_status_context(status, "[%zu]", i);
  }
  return status;
}
