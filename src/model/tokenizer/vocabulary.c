#include "model/tokenizer/vocabulary.h"

#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"

/* Beyond this many steps from its place a token was put there to make look-ups slow: with half the slots free, chance
 * does not reach it. */
#define MAX_PROBES ((size_t)4096)

static inline uint64_t spread(uint64_t hash) { return (hash ^ hash >> 29) * UINT64_C(0x9E3779B97F4A7C15); }

or_status_t or_vocabulary_init(or_vocabulary_t *vocabulary, or_arena_t *arena, size_t count, uint32_t id_limit) {
  size_t slot_count = 64;
  void *tokens = NULL, *slots = NULL;
  while (slot_count < count * 2) slot_count *= 2;
  or_status_t status = or_arena_array(arena, (size_t)id_limit + 1, sizeof vocabulary->tokens[0], &tokens);
  if (or_ok(status)) status = or_arena_array(arena, slot_count, sizeof vocabulary->slots[0], &slots);
  if (!or_ok(status)) return status;
  uint64_t entropy[2] = {(uint64_t)(uintptr_t)slots, (uint64_t)or_clock_ns()};
  *vocabulary = (or_vocabulary_t){.tokens = tokens,
                                  .id_limit = id_limit,
                                  .slots = slots,
                                  .slot_mask = slot_count - 1,
                                  .seed = or_hash_bytes(entropy, sizeof entropy, 0)};
  for (size_t i = 0; i < slot_count; ++i) vocabulary->slots[i].id = OR_NO_TOKEN;
  return status;
}

or_status_t or_vocabulary_add(or_vocabulary_t *vocabulary, or_arena_t *arena, or_tokenizer_text_t token, uint32_t id) {
  if (token.length > OR_TOKENIZER_MAX_TOKEN_BYTES) {
    return or_error(OR_OUT_OF_RANGE, "token %u has %zu bytes; the limit is %zu", id, token.length,
                    OR_TOKENIZER_MAX_TOKEN_BYTES);
  }
  if (vocabulary->tokens[id].bytes != NULL) {
    return or_error(OR_INVALID_ARGUMENT, "\"%.80s\" and \"%.80s\" have the same id %u", vocabulary->tokens[id].bytes,
                    token.bytes, id);
  }
  uint64_t hash = spread(or_vocabulary_hash(vocabulary->seed, token.bytes, token.length));
  size_t slot = (size_t)(hash >> 32) & vocabulary->slot_mask, probes = 0;
  for (; vocabulary->slots[slot].id != OR_NO_TOKEN; slot = (slot + 1) & vocabulary->slot_mask) {
    const or_tokenizer_text_t *there = &vocabulary->tokens[vocabulary->slots[slot].id];
    if (there->length == token.length && memcmp(there->bytes, token.bytes, token.length) == 0)
      return or_error(OR_INVALID_ARGUMENT, "the token \"%.80s\" is there twice", token.bytes);
    if (++probes > MAX_PROBES)
      return or_error(OR_INVALID_ARGUMENT, "more than %zu tokens collide in the table", MAX_PROBES);
  }
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(arena, token.bytes, token.length, &copy);
  if (!or_ok(status)) return status;
  vocabulary->slots[slot] = (or_vocabulary_slot_t){(uint32_t)hash, id};
  vocabulary->tokens[id] = (or_tokenizer_text_t){copy, token.length};
  ++vocabulary->count;
  if (token.length > vocabulary->longest_bytes) vocabulary->longest_bytes = token.length;
  return status;
}

uint32_t or_vocabulary_match(const or_vocabulary_t *vocabulary, uint64_t hash, or_tokenizer_text_t prefix,
                             const char *bytes, size_t length) {
  hash = spread(hash);
  for (size_t slot = (size_t)(hash >> 32) & vocabulary->slot_mask; vocabulary->slots[slot].id != OR_NO_TOKEN;
       slot = (slot + 1) & vocabulary->slot_mask) {
    if (vocabulary->slots[slot].tag != (uint32_t)hash) continue;
    const or_tokenizer_text_t *there = &vocabulary->tokens[vocabulary->slots[slot].id];
    if (there->length == prefix.length + length && memcmp(there->bytes, prefix.bytes, prefix.length) == 0 &&
        memcmp(there->bytes + prefix.length, bytes, length) == 0)
      return vocabulary->slots[slot].id;
  }
  return OR_NO_TOKEN;
}

uint32_t or_vocabulary_find(const or_vocabulary_t *vocabulary, const char *bytes, size_t length) {
  return or_vocabulary_match(vocabulary, or_vocabulary_hash(vocabulary->seed, bytes, length),
                             (or_tokenizer_text_t){"", 0}, bytes, length);
}
