#include "model/tokenizer/tokenizer_internal.h"

/* Puts a token into the vocabulary, unless the model's has it under the same id. */
static or_status_t place(or_tokenizer_t *tokenizer, or_tokenizer_text_t content, uint32_t id) {
  uint32_t there = or_vocabulary_find(&tokenizer->vocabulary, content.bytes, content.length);
  if (there == id) return or_status_success();
  if (there != OR_NO_TOKEN)
    return or_error(OR_INVALID_ARGUMENT, "\"%.80s\" has id %u here and %u in the vocabulary", content.bytes, id, there);
  return or_vocabulary_add(&tokenizer->vocabulary, &tokenizer->arena, content, id);
}

/* What is looked for in normalized text is the normalized content. */
static or_status_t normalize(or_tokenizer_t *tokenizer, or_added_token_t *token) {
  or_normalizing_t work;
  or_normalizing_init(&work, tokenizer->allocator);
  or_status_t status = or_normalize(&work, tokenizer->normalizers, tokenizer->normalizer_count, token->form, 0);
  if (or_ok(status)) {
    const or_aligned_t *text = or_normalizing_text(&work);
    token->form.length = text->length;
    status = or_arena_strndup(&tokenizer->arena, text->bytes, text->length, &token->form.bytes);
  }
  or_normalizing_deinit(&work);
  return status;
}

static or_status_t read_one(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  or_added_token_t token = {0};
  int64_t id = or_json_get_int(or_json_get(value, "id"), 0); /* read_model has checked it */
  token.id = (uint32_t)id;
  or_status_t status = or_tokenizer_read_text(tokenizer, value, "content", &token.form);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "special", false, &token.special);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "single_word", false, &token.single_word);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "lstrip", false, &token.left_strip);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "rstrip", false, &token.right_strip);
  if (or_ok(status)) status = or_tokenizer_read_bool(value, "normalized", !token.special, &token.normalized);
  if (!or_ok(status) || token.form.length == 0) return status; /* an empty one is nowhere */
  status = place(tokenizer, token.form, token.id);
  if (or_ok(status) && tokenizer->added_by_id[token.id] != NULL)
    status = or_error(OR_INVALID_ARGUMENT, "\"%.80s\" is there twice", token.form.bytes);
  if (or_ok(status) && token.normalized && tokenizer->normalizer_count > 0) status = normalize(tokenizer, &token);
  if (!or_ok(status)) return status;
  or_added_set_t *set = token.normalized ? &tokenizer->added_normalized : &tokenizer->added_plain;
  if (token.form.length > 0) set->tokens[set->count++] = token;
  void *memory = NULL;
  status = or_arena_alloc(&tokenizer->arena, sizeof token, &memory);
  if (!or_ok(status)) return status;
  tokenizer->added_by_id[token.id] = memory;
  *tokenizer->added_by_id[token.id] = token;
  return status;
}

or_status_t or_tokenizer_read_added(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  size_t count = or_json_count(value);
  void *plain = NULL, *normalized = NULL, *by_id = NULL;
  or_status_t status =
      or_arena_array(&tokenizer->arena, (size_t)tokenizer->vocabulary.id_limit + 1, sizeof(or_added_token_t *), &by_id);
  if (or_ok(status)) status = or_arena_array(&tokenizer->arena, count + 1, sizeof(or_added_token_t), &plain);
  if (or_ok(status)) status = or_arena_array(&tokenizer->arena, count + 1, sizeof(or_added_token_t), &normalized);
  tokenizer->added_by_id = by_id;
  tokenizer->added_plain.tokens = plain;
  tokenizer->added_normalized.tokens = normalized;
  for (size_t i = 0; or_ok(status) && i < count; ++i)
    status = or_status_context(read_one(tokenizer, or_json_at(value, i)), "[%zu]", i);
  if (or_ok(status)) status = or_added_set_finish(&tokenizer->added_plain);
  if (or_ok(status)) status = or_added_set_finish(&tokenizer->added_normalized);
  return or_status_context(status, "added_tokens");
}
