#include "model/tokenizer/tokenizer.h"

#include <string.h>

#include "base/file.h"
#include "model/tokenizer/tokenizer_internal.h"

static or_status_t read_all(or_tokenizer_t *tokenizer, const or_json_value_t *root);

or_status_t or_tokenizer_load(const or_allocator_t *allocator, const char *path, or_tokenizer_t **out) {
  char *json = NULL;
  size_t length = 0;
  *out = NULL;
  or_status_t status = or_file_read(allocator, path, OR_TOKENIZER_MAX_FILE_BYTES, &json, &length);
  if (!or_ok(status)) return status;
  status = or_tokenizer_parse(allocator, json, length, out);
  or_free(allocator, json);
  return or_status_context(status, "%s", path);
}

or_status_t or_tokenizer_parse(const or_allocator_t *allocator, const char *json, size_t length, or_tokenizer_t **out) {
  or_json_document_t *document = NULL;
  void *memory = NULL;
  *out = NULL;
  if (length > OR_TOKENIZER_MAX_FILE_BYTES) {
    return or_error(OR_OUT_OF_RANGE, "a tokenizer of %zu bytes; the limit is %zu", length, OR_TOKENIZER_MAX_FILE_BYTES);
  }
  or_status_t status = or_json_parse(allocator, json, length, &document);
  if (or_ok(status)) status = or_alloc_zeroed(allocator, sizeof(or_tokenizer_t), &memory);
  if (or_ok(status)) {
    or_tokenizer_t *tokenizer = memory;
    or_ref_init(&tokenizer->ref);
    tokenizer->allocator = allocator;
    or_arena_init(&tokenizer->arena, allocator);
    status = read_all(tokenizer, or_json_root(document));
    if (or_ok(status)) {
      *out = tokenizer;
    } else {
      or_tokenizer_release(tokenizer);
    }
  }
  or_json_document_free(document);
  return status;
}

/* Added tokens last: their forms are normalized; ids that template and padding name are checked against them. */
static or_status_t read_all(or_tokenizer_t *tokenizer, const or_json_value_t *root) {
  if (or_json_kind(root) != OR_JSON_OBJECT) return or_error(OR_INVALID_ARGUMENT, "the document is not an object");
  or_status_t status = or_tokenizer_read_normalizer(tokenizer, or_json_get(root, "normalizer"));
  if (or_ok(status)) status = or_tokenizer_read_splitters(tokenizer, or_json_get(root, "pre_tokenizer"));
  if (or_ok(status)) status = or_tokenizer_read_model(tokenizer, root);
  if (or_ok(status)) status = or_tokenizer_read_added(tokenizer, or_json_get(root, "added_tokens"));
  if (or_ok(status)) status = or_tokenizer_read_template(tokenizer, or_json_get(root, "post_processor"));
  if (or_ok(status)) status = or_tokenizer_read_lengths(tokenizer, root);
  if (or_ok(status)) status = or_tokenizer_read_decoder(tokenizer, or_json_get(root, "decoder"));
  return status;
}

void or_tokenizer_retain(or_tokenizer_t *tokenizer) { or_ref_retain(&tokenizer->ref); }

void or_tokenizer_release(or_tokenizer_t *tokenizer) {
  if (tokenizer == NULL || !or_ref_release(&tokenizer->ref)) return;
  const or_allocator_t *allocator = tokenizer->allocator;
  or_arena_deinit(&tokenizer->arena);
  or_free(allocator, tokenizer);
}

or_tokenizer_facts_t or_tokenizer_facts(const or_tokenizer_t *tokenizer) {
  return (or_tokenizer_facts_t){.model = tokenizer->is_bpe ? "BPE" : "WordPiece",
                                .vocabulary_size = tokenizer->vocabulary.count,
                                .id_limit = tokenizer->vocabulary.id_limit,
                                .max_length = tokenizer->truncates ? tokenizer->max_length : 0,
                                .pads = tokenizer->pads,
                                .pad_length = tokenizer->pad_length,
                                .pad_id = tokenizer->pad_id};
}

uint32_t or_tokenizer_token_id(const or_tokenizer_t *tokenizer, const char *token) {
  return or_vocabulary_find(&tokenizer->vocabulary, token, strlen(token));
}

const char *or_tokenizer_token(const or_tokenizer_t *tokenizer, uint32_t id, size_t *length) {
  const or_vocabulary_t *vocabulary = &tokenizer->vocabulary;
  bool known = id < vocabulary->id_limit && vocabulary->tokens[id].bytes != NULL;
  *length = known ? vocabulary->tokens[id].length : 0;
  return known ? vocabulary->tokens[id].bytes : NULL;
}
