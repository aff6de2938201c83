#ifndef OR_MODEL_TOKENIZER_VOCABULARY_H
#define OR_MODEL_TOKENIZER_VOCABULARY_H
/* Tokens by id and ids by text. */

#include "base/alloc.h"
#include "model/tokenizer/tokenizer.h"

/* A hash that grows byte by byte, so that the hashes of all beginnings of a word cost one pass (FNV-1a, seeded). */
static inline uint64_t or_vocabulary_hash(uint64_t hash, const char *bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001B3);
  return hash;
}

typedef struct or_vocabulary_slot_t {
  uint32_t tag; /* other bits of the hash than those that chose the slot */
  uint32_t id;  /* OR_NO_TOKEN: free */
} or_vocabulary_slot_t;

/* Immutable once filled; everything lies in the arena of the tokenizer. */
typedef struct or_vocabulary_t {
  or_tokenizer_text_t *tokens; /* by id; bytes NULL: no such token */
  uint32_t id_limit;           /* of tokens */
  size_t count;
  size_t longest_bytes;
  or_vocabulary_slot_t *slots;
  size_t slot_mask;
  uint64_t seed;
} or_vocabulary_t;

/* Room for `count` tokens with ids below `id_limit`. RESOURCE_EXHAUSTED. */
or_status_t or_vocabulary_init(or_vocabulary_t *vocabulary, or_arena_t *arena, size_t count, uint32_t id_limit);
/* Adds a token, copied. INVALID_ARGUMENT: id or text is taken; OUT_OF_RANGE: too long. */
or_status_t or_vocabulary_add(or_vocabulary_t *vocabulary, or_arena_t *arena, or_tokenizer_text_t token, uint32_t id);
/* The id of a text, or OR_NO_TOKEN. */
uint32_t or_vocabulary_find(const or_vocabulary_t *vocabulary, const char *bytes, size_t length);
/* The id of prefix + bytes, whose hash the caller has. */
uint32_t or_vocabulary_match(const or_vocabulary_t *vocabulary, uint64_t hash, or_tokenizer_text_t prefix,
                             const char *bytes, size_t length);

#endif
