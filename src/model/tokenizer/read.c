/* What the readers of tokenizer.json share, and the small parts of it. */
#include <string.h>

#include "model/tokenizer/tokenizer_internal.h"

const char *or_tokenizer_type(const or_json_value_t *value) {
  return or_json_get_string(or_json_get(value, "type"), "");
}

or_status_t or_tokenizer_unsupported(const char *what, const char *type, const char *supported) {
  return or_error(OR_UNIMPLEMENTED,
                  "the %s \"%.60s\" is not supported; use one of %s, or encode the text elsewhere and "
                  "give the model its ids",
                  what, type, supported);
}

or_status_t or_tokenizer_read_bool(const or_json_value_t *object, const char *key, bool fallback, bool *out) {
  const or_json_value_t *value = or_json_get(object, key);
  *out = or_json_get_bool(value, fallback);
  if (or_json_kind(value) == OR_JSON_NULL || or_json_kind(value) == OR_JSON_BOOL) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "\"%s\" is neither true nor false", key);
}

or_status_t or_tokenizer_read_text(or_tokenizer_t *tokenizer, const or_json_value_t *object, const char *key,
                                   or_tokenizer_text_t *out) {
  const or_json_value_t *value = or_json_get(object, key);
  size_t length = or_json_string_length(value);
  if (or_json_kind(value) != OR_JSON_STRING) return or_error(OR_INVALID_ARGUMENT, "\"%s\" is not a string", key);
  if (length > OR_TOKENIZER_MAX_TOKEN_BYTES) {
    return or_error(OR_OUT_OF_RANGE, "\"%s\" has %zu bytes; the limit is %zu", key, length,
                    OR_TOKENIZER_MAX_TOKEN_BYTES);
  }
  out->length = length;
  return or_arena_strndup(&tokenizer->arena, or_json_get_string(value, ""), length, &out->bytes);
}

/* An id that a token has. */
or_status_t or_tokenizer_read_id(const or_tokenizer_t *tokenizer, const or_json_value_t *value, const char *what,
                                 uint32_t *out) {
  int64_t id = or_json_get_int(value, -1);
  const or_vocabulary_t *vocabulary = &tokenizer->vocabulary;
  if (or_json_kind(value) != OR_JSON_INTEGER) return or_error(OR_INVALID_ARGUMENT, "%s is not a whole number", what);
  if (id < 0 || id >= (int64_t)vocabulary->id_limit || vocabulary->tokens[id].bytes == NULL)
    return or_error(OR_INVALID_ARGUMENT, "%s is %lld, which no token has", what, (long long)id);
  *out = (uint32_t)id;
  return or_status_success();
}

/* Absent or null leaves *out as it is. */
or_status_t or_tokenizer_read_count(const or_json_value_t *object, const char *key, size_t limit, size_t *out) {
  const or_json_value_t *value = or_json_get(object, key);
  if (or_json_kind(value) == OR_JSON_NULL) return or_status_success();
  int64_t count = or_json_get_int(value, -1);
  if (or_json_kind(value) != OR_JSON_INTEGER) return or_error(OR_INVALID_ARGUMENT, "\"%s\" is not a whole number", key);
  if (count < 0 || (uint64_t)count > limit) {
    return or_error(OR_OUT_OF_RANGE, "\"%s\" is %lld; it must be from 0 to %zu", key, (long long)count, limit);
  }
  *out = (size_t)count;
  return or_status_success();
}

static or_status_t read_truncation(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  const char *strategy = or_json_get_string(or_json_get(value, "strategy"), "LongestFirst");
  const char *direction = or_json_get_string(or_json_get(value, "direction"), "Right");
  if (or_json_kind(value) != OR_JSON_OBJECT) return or_error(OR_INVALID_ARGUMENT, "not an object");
  if (or_json_get(value, "max_length") == NULL) return or_error(OR_INVALID_ARGUMENT, "\"max_length\" is missing");
  tokenizer->truncates = true;
  tokenizer->truncates_left = strcmp(direction, "Left") == 0;
  tokenizer->truncation = strcmp(strategy, "OnlyFirst") == 0    ? OR_ONLY_FIRST
                          : strcmp(strategy, "OnlySecond") == 0 ? OR_ONLY_SECOND
                                                                : OR_LONGEST_FIRST;
  if (tokenizer->truncation == OR_LONGEST_FIRST && strcmp(strategy, "LongestFirst") != 0)
    return or_tokenizer_unsupported("strategy", strategy, "LongestFirst, OnlyFirst, OnlySecond");
  if (!tokenizer->truncates_left && strcmp(direction, "Right") != 0)
    return or_tokenizer_unsupported("direction", direction, "Left, Right");
  return or_tokenizer_read_count(value, "max_length", OR_TOKENIZER_MAX_LENGTH, &tokenizer->max_length);
}

static or_status_t read_padding(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  const or_json_value_t *strategy = or_json_get(value, "strategy");
  const char *direction = or_json_get_string(or_json_get(value, "direction"), "Right");
  size_t type_id = 0;
  if (or_json_kind(value) != OR_JSON_OBJECT) return or_error(OR_INVALID_ARGUMENT, "not an object");
  tokenizer->pads = true;
  tokenizer->pads_left = strcmp(direction, "Left") == 0;
  if (!tokenizer->pads_left && strcmp(direction, "Right") != 0)
    return or_tokenizer_unsupported("direction", direction, "Left, Right");
  or_status_t status = or_status_success();
  if (or_json_kind(strategy) == OR_JSON_OBJECT) {
    status = or_tokenizer_read_count(strategy, "Fixed", OR_TOKENIZER_MAX_LENGTH, &tokenizer->pad_length);
  } else if (strcmp(or_json_get_string(strategy, ""), "BatchLongest") != 0) {
    status = or_tokenizer_unsupported("strategy", or_json_get_string(strategy, ""), "BatchLongest, {\"Fixed\": n}");
  }
  if (or_ok(status))
    status = or_tokenizer_read_count(value, "pad_to_multiple_of", OR_TOKENIZER_MAX_LENGTH, &tokenizer->pad_multiple);
  if (or_ok(status)) status = or_tokenizer_read_count(value, "pad_type_id", UINT16_MAX, &type_id);
  if (or_ok(status))
    status = or_tokenizer_read_id(tokenizer, or_json_get(value, "pad_id"), "\"pad_id\"", &tokenizer->pad_id);
  tokenizer->pad_type_id = (uint32_t)type_id;
  return status;
}

or_status_t or_tokenizer_read_lengths(or_tokenizer_t *tokenizer, const or_json_value_t *root) {
  const or_json_value_t *truncation = or_json_get(root, "truncation"), *padding = or_json_get(root, "padding");
  or_status_t status = or_status_success();
  if (or_json_kind(truncation) != OR_JSON_NULL)
    status = or_status_context(read_truncation(tokenizer, truncation), "truncation");
  if (or_ok(status) && or_json_kind(padding) != OR_JSON_NULL)
    status = or_status_context(read_padding(tokenizer, padding), "padding");
  return status;
}

or_status_t or_tokenizer_read_decoder(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  const char *type = or_tokenizer_type(value);
  or_status_t status = or_status_success();
  if (or_json_kind(value) == OR_JSON_NULL) {
    tokenizer->decoder = OR_DECODE_JOIN;
  } else if (strcmp(type, "ByteLevel") == 0) {
    tokenizer->decoder = OR_DECODE_BYTES;
  } else if (strcmp(type, "WordPiece") == 0) {
    tokenizer->decoder = OR_DECODE_WORDPIECE;
    status = or_tokenizer_read_bool(value, "cleanup", true, &tokenizer->decoder_cleanup);
    if (or_ok(status)) status = or_tokenizer_read_text(tokenizer, value, "prefix", &tokenizer->decoder_prefix);
  } else {
    status = or_tokenizer_unsupported("decoder", type, "ByteLevel, WordPiece");
  }
  return or_status_context(status, "decoder");
}
