/* Normalizers and pre-tokenizers: Sequences become one list of steps. */
#include <string.h>

#include "model/tokenizer/tokenizer_internal.h"

#define MAX_SEQUENCE_DEPTH 8 /* Sequences in Sequences */
#define NORMALIZERS \
  "Sequence, BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace (with a String), Prepend"
#define SPLITTERS                                                                                                      \
  "Sequence, BertPreTokenizer, ByteLevel, Whitespace, WhitespaceSplit, Punctuation, Digits, Split (with a String, or " \
  "the "                                                                                                               \
  "expression of Llama 3 or Qwen 2)"

typedef or_status_t (*read_step_t)(or_tokenizer_t *tokenizer, const or_json_value_t *value);

static or_status_t read_sequence(or_tokenizer_t *tokenizer, const or_json_value_t *value, const char *list,
                                 read_step_t read, int depth) {
  if (strcmp(or_tokenizer_type(value), "Sequence") != 0) return read(tokenizer, value);
  const or_json_value_t *steps = or_json_get(value, list);
  or_status_t status = or_status_success();
  if (or_json_kind(steps) != OR_JSON_ARRAY)
    return or_error(OR_INVALID_ARGUMENT, "the Sequence has no list \"%s\"", list);
  if (depth >= MAX_SEQUENCE_DEPTH)
    return or_error(OR_OUT_OF_RANGE, "Sequences lie %d deep in Sequences; the limit is %d", depth + 1,
                    MAX_SEQUENCE_DEPTH);
  for (size_t i = 0; or_ok(status) && i < or_json_count(steps); ++i) { /* depth is bounded */
    status =
        or_status_context(read_sequence(tokenizer, or_json_at(steps, i), list, read, depth + 1), "%s[%zu]", list, i);
  }
  return status;
}

/* {"String": text} */
static or_status_t read_pattern(or_tokenizer_t *tokenizer, const or_json_value_t *value, or_tokenizer_text_t *out) {
  const or_json_value_t *pattern = or_json_get(value, "pattern");
  if (or_json_get(pattern, "String") == NULL) {
    return or_tokenizer_unsupported("pattern", or_json_get_string(or_json_get(pattern, "Regex"), "of no kind"),
                                    "{\"String\": text}");
  }
  or_status_t status = or_tokenizer_read_text(tokenizer, pattern, "String", out);
  if (or_ok(status) && out->length == 0) status = or_error(OR_INVALID_ARGUMENT, "the pattern is empty");
  return status;
}

static or_status_t read_bert(const or_json_value_t *value, or_normalizer_t *step) {
  step->kind = OR_NORMALIZE_BERT;
  or_status_t status = or_tokenizer_read_bool(value, "clean_text", true, &step->clean_text);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "handle_chinese_chars", true, &step->chinese);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "lowercase", true, &step->lowercase);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "strip_accents", step->lowercase, &step->strip_accents);
  return status;
}

static or_status_t read_normalizer(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  const char *type = or_tokenizer_type(value);
  or_status_t status = or_status_success();
  if (tokenizer->normalizer_count == OR_TOKENIZER_MAX_STEPS)
    return or_error(OR_OUT_OF_RANGE, "there are more than %zu normalizers", OR_TOKENIZER_MAX_STEPS);
  or_normalizer_t *step = &tokenizer->normalizers[tokenizer->normalizer_count++];
  if (strcmp(type, "BertNormalizer") == 0) {
    status = read_bert(value, step);
  } else if (strcmp(type, "NFC") == 0 || strcmp(type, "NFD") == 0 || strcmp(type, "NFKC") == 0 ||
             strcmp(type, "NFKD") == 0) {
    *step = (or_normalizer_t){
        .kind = OR_NORMALIZE_FORM, .compatible = type[2] == 'K', .compose = type[strlen(type) - 1] == 'C'};
  } else if (strcmp(type, "Lowercase") == 0) {
    step->kind = OR_NORMALIZE_LOWERCASE;
  } else if (strcmp(type, "StripAccents") == 0) {
    step->kind = OR_NORMALIZE_STRIP_ACCENTS;
  } else if (strcmp(type, "Strip") == 0) {
    step->kind = OR_NORMALIZE_STRIP;
    status = or_tokenizer_read_bool(value, "strip_left", true, &step->left);
    if (or_ok(status)) status = or_tokenizer_read_bool(value, "strip_right", true, &step->right);
  } else if (strcmp(type, "Replace") == 0) {
    step->kind = OR_NORMALIZE_REPLACE;
    status = read_pattern(tokenizer, value, &step->pattern);
    if (or_ok(status)) status = or_tokenizer_read_text(tokenizer, value, "content", &step->content);
  } else if (strcmp(type, "Prepend") == 0) {
    step->kind = OR_NORMALIZE_PREPEND;
    status = or_tokenizer_read_text(tokenizer, value, "prepend", &step->content);
  } else {
    return or_tokenizer_unsupported("normalizer", type, NORMALIZERS);
  }
  return or_status_context(status, "%s", type);
}

or_status_t or_tokenizer_read_normalizer(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  void *memory = NULL;
  if (or_json_kind(value) == OR_JSON_NULL) return or_status_success();
  or_status_t status =
      or_arena_array(&tokenizer->arena, OR_TOKENIZER_MAX_STEPS, sizeof tokenizer->normalizers[0], &memory);
  tokenizer->normalizers = memory;
  if (or_ok(status)) status = read_sequence(tokenizer, value, "normalizers", read_normalizer, 0);
  return or_status_context(status, "normalizer");
}

static or_status_t read_behavior(const or_json_value_t *value, const char *fallback, or_split_behavior_t *out) {
  static const char *const names[] = {"Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
  const char *name = or_json_get_string(or_json_get(value, "behavior"), fallback);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    if (strcmp(name, names[i]) != 0) continue;
    *out = (or_split_behavior_t)i;
    return or_status_success();
  }
  return or_tokenizer_unsupported("behavior", name,
                                  "Isolated, Removed, Contiguous, MergedWithPrevious, MergedWithNext");
}

static or_status_t read_split(or_tokenizer_t *tokenizer, const or_json_value_t *value, or_splitter_t *step) {
  static const struct {
    const char *expression;
    or_splitter_kind_t kind;
  } known[] = {
      {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
       "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
       "\\s+(?!\\S)|\\s+",
       OR_SPLIT_CL100K},
      {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
       "\\s+(?!\\S)|\\s+",
       OR_SPLIT_QWEN},
      {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", OR_SPLIT_GPT2},
  };
  const char *expression = or_json_get_string(or_json_get(or_json_get(value, "pattern"), "Regex"), NULL);
  step->kind = OR_SPLIT_STRING;
  or_status_t status = read_behavior(value, "", &step->behavior);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "invert", false, &step->invert);
  if (!or_ok(status)) return status;
  for (size_t i = 0; expression != NULL && i < sizeof known / sizeof known[0]; ++i) {
    if (strcmp(expression, known[i].expression) != 0) continue;
    step->kind = known[i].kind;
    return status;
  }
  return read_pattern(tokenizer, value, &step->pattern);
}

static or_status_t read_byte_level(or_tokenizer_t *tokenizer, const or_json_value_t *value, or_splitter_t *step) {
  bool expression = true, prefix_space = true;
  or_status_t status = or_tokenizer_read_bool(value, "use_regex", true, &expression);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "add_prefix_space", true, &prefix_space);
  if (!or_ok(status)) return status;
  if (prefix_space && tokenizer->splitter_count > 1)
    return or_error(OR_UNIMPLEMENTED,
                    "\"add_prefix_space\" behind another pre-tokenizer is not supported; let it be false");
  tokenizer->byte_level = true;
  tokenizer->prefix_space = prefix_space;
  if (expression) {
    step->kind = OR_SPLIT_GPT2;
  } else {
    --tokenizer->splitter_count;
  }
  return status;
}

static or_status_t read_splitter(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  const char *type = or_tokenizer_type(value);
  or_status_t status = or_status_success();
  if (tokenizer->byte_level)
    return or_error(OR_UNIMPLEMENTED, "\"%.60s\" behind ByteLevel is not supported; put it before", type);
  if (tokenizer->splitter_count == OR_TOKENIZER_MAX_STEPS)
    return or_error(OR_OUT_OF_RANGE, "there are more than %zu pre-tokenizers", OR_TOKENIZER_MAX_STEPS);
  or_splitter_t *step = &tokenizer->splitters[tokenizer->splitter_count++];
  *step = (or_splitter_t){.behavior = OR_SPLIT_ISOLATED};
  if (strcmp(type, "BertPreTokenizer") == 0) {
    step->kind = OR_SPLIT_BERT;
  } else if (strcmp(type, "ByteLevel") == 0) {
    status = read_byte_level(tokenizer, value, step);
  } else if (strcmp(type, "Whitespace") == 0) {
    step->kind = OR_SPLIT_WHITESPACE;
  } else if (strcmp(type, "WhitespaceSplit") == 0) {
    *step = (or_splitter_t){.kind = OR_SPLIT_WHITESPACE_SPLIT, .behavior = OR_SPLIT_REMOVED};
  } else if (strcmp(type, "Punctuation") == 0) {
    step->kind = OR_SPLIT_PUNCTUATION;
    status = read_behavior(value, "Isolated", &step->behavior);
  } else if (strcmp(type, "Digits") == 0) {
    bool individual = false;
    step->kind = OR_SPLIT_DIGITS;
    status = or_tokenizer_read_bool(value, "individual_digits", false, &individual);
    step->behavior = individual ? OR_SPLIT_ISOLATED : OR_SPLIT_CONTIGUOUS;
  } else if (strcmp(type, "Split") == 0) {
    status = read_split(tokenizer, value, step);
  } else {
    return or_tokenizer_unsupported("pre-tokenizer", type, SPLITTERS);
  }
  return or_status_context(status, "%s", type);
}

or_status_t or_tokenizer_read_splitters(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  void *memory = NULL;
  if (or_json_kind(value) == OR_JSON_NULL) return or_status_success();
  or_status_t status =
      or_arena_array(&tokenizer->arena, OR_TOKENIZER_MAX_STEPS, sizeof tokenizer->splitters[0], &memory);
  tokenizer->splitters = memory;
  if (or_ok(status)) status = read_sequence(tokenizer, value, "pretokenizers", read_splitter, 0);
  return or_status_context(status, "pre_tokenizer");
}
