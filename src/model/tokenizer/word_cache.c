#include <string.h>

#include "base/numbers.h"
#include "model/tokenizer/words.h"

or_status_t or_word_cache_init(or_word_cache_t *cache, const or_allocator_t *allocator) {
  void *slots = NULL, *pool = NULL;
  *cache = (or_word_cache_t){.allocator = allocator};
  or_status_t status = or_alloc_array(allocator, OR_WORD_CACHE_SLOTS, sizeof cache->slots[0], &slots);
  if (or_ok(status)) status = or_alloc(allocator, OR_WORD_CACHE_BYTES, &pool);
  cache->slots = slots;
  cache->pool = pool;
  return status;
}

void or_word_cache_deinit(or_word_cache_t *cache) {
  or_free(cache->allocator, cache->slots);
  or_free(cache->allocator, cache->pool);
}

uint64_t or_word_hash(or_tokenizer_text_t word) {
  if (word.length > 16) return or_hash_bytes(word.bytes, word.length, 0);
  uint64_t low = 0, high = 0; /* up to 16 bytes: two overlapping words */
  if (word.length >= 8) {
    memcpy(&low, word.bytes, 8);
    memcpy(&high, word.bytes + word.length - 8, 8);
  } else if (word.length >= 4) {
    uint32_t a = 0, b = 0;
    memcpy(&a, word.bytes, 4);
    memcpy(&b, word.bytes + word.length - 4, 4);
    low = a;
    high = b;
  } else if (word.length > 0) {
    low = (unsigned char)word.bytes[0] | (uint64_t)(unsigned char)word.bytes[word.length / 2] << 8 |
          (uint64_t)(unsigned char)word.bytes[word.length - 1] << 16;
  }
  uint64_t hash = (low ^ word.length * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
  hash = (hash ^ hash >> 32 ^ high) * UINT64_C(0xA0761D6478BD642F);
  return hash ^ hash >> 29;
}

const or_part_t *or_word_cache_get(const or_word_cache_t *cache, uint64_t hash, or_tokenizer_text_t word,
                                   size_t *count) {
  for (size_t i = (size_t)hash & (OR_WORD_CACHE_SLOTS - 1);; i = (i + 1) & (OR_WORD_CACHE_SLOTS - 1)) {
    const or_cached_word_t *slot = &cache->slots[i];
    if (slot->length == 0) return NULL;
    if (slot->hash != hash || slot->length != word.length) continue;
    const unsigned char *parts = cache->pool + slot->place;
    if (memcmp(parts + slot->count * sizeof(or_part_t), word.bytes, word.length) != 0) continue;
    *count = slot->count;
    return (const or_part_t *)(const void *)parts;
  }
}

void or_word_cache_put(or_word_cache_t *cache, uint64_t hash, or_tokenizer_text_t word, const or_part_t *parts,
                       size_t count) {
  if (word.length == 0 || word.length > OR_WORD_CACHE_WORD_BYTES || count > OR_WORD_CACHE_WORD_BYTES) return;
  size_t parts_bytes = count * sizeof(or_part_t);
  size_t bytes = or_align_up(parts_bytes + word.length, _Alignof(or_part_t));
  if (cache->used_bytes + bytes > OR_WORD_CACHE_BYTES || cache->word_count >= OR_WORD_CACHE_SLOTS / 2) {
    memset(cache->slots, 0, OR_WORD_CACHE_SLOTS * sizeof cache->slots[0]);
    cache->used_bytes = cache->word_count = 0;
  }
  size_t i = (size_t)hash & (OR_WORD_CACHE_SLOTS - 1);
  while (cache->slots[i].length != 0) i = (i + 1) & (OR_WORD_CACHE_SLOTS - 1);
  if (count > 0) memcpy(cache->pool + cache->used_bytes, parts, parts_bytes);
  memcpy(cache->pool + cache->used_bytes + parts_bytes, word.bytes, word.length);
  cache->slots[i] = (or_cached_word_t){hash, (uint32_t)cache->used_bytes, (uint16_t)word.length, (uint16_t)count};
  cache->used_bytes += bytes;
  ++cache->word_count;
}
