#ifndef OR_MODEL_TOKENIZER_WORDS_H
#define OR_MODEL_TOKENIZER_WORDS_H
/* The models of tokenizer.json: a word becomes parts, each one token. */

#include "model/tokenizer/vocabulary.h"

/* A token of a word and the bytes of the word that it stands for. */
typedef struct or_part_t {
  uint32_t id, begin, end;
} or_part_t;

/* Grows; owned by one thread; init is {.allocator = …}. */
typedef struct or_parts_t {
  const or_allocator_t *allocator;
  or_part_t *parts;
  size_t count, capacity;
} or_parts_t;
void or_parts_deinit(or_parts_t *parts);
or_status_t or_parts_put(or_parts_t *parts, or_part_t part);

/* WordPiece: the longest token that begins the word, then the longest that goes on, … (Wu et al. 2016; Devlin et al.
 * 2018). */
typedef struct or_wordpiece_t {
  uint32_t unknown;           /* for a word that tokens can't make up */
  size_t word_limit;          /* characters; longer words are unknown */
  or_tokenizer_text_t prefix; /* of tokens that go on */
} or_wordpiece_t;
or_status_t or_wordpiece_cut(const or_wordpiece_t *model, const or_vocabulary_t *vocabulary, or_tokenizer_text_t word,
                             or_parts_t *out);

typedef struct or_merge_t {
  uint64_t pair; /* left id << 32 | right id */
  uint32_t rank, id;
} or_merge_t;
#define OR_NO_PAIR UINT64_MAX

/* Byte-pair encoding (Sennrich et al. 2016): of the pairs side by side the one of the lowest rank is merged, the
 * leftmost first, until none can be. Immutable once filled; in the tokenizer's arena. */
typedef struct or_bpe_t {
  or_merge_t *slots; /* open addressing */
  size_t slot_mask;
  uint64_t seed;
  size_t merge_count;
  uint32_t unknown; /* OR_NO_TOKEN: what is unknown is left out */
  bool fuse_unknown, ignore_merges;
  bool byte_level;     /* words are bytes, which GPT-2's alphabet stands for in the vocabulary */
  uint32_t bytes[256]; /* the token of a byte, or OR_NO_TOKEN; byte_level only */
} or_bpe_t;
or_status_t or_bpe_init(or_bpe_t *model, or_arena_t *arena, size_t merge_count);
/* INVALID_ARGUMENT if the tokens collide; a pair that is there again takes the later rank, as in the package. */
or_status_t or_bpe_add(or_bpe_t *model, uint32_t left, uint32_t right, uint32_t rank, uint32_t id);

/* Memory that merging needs. Owned by one thread; init is {.allocator = …}. */
typedef struct or_bpe_symbol_t {
  uint32_t id; /* OR_NO_TOKEN: merged into the one before */
  uint32_t begin, end;
  uint32_t previous, next; /* indices; UINT32_MAX at the ends */
} or_bpe_symbol_t;
typedef struct or_bpe_work_t {
  const or_allocator_t *allocator;
  or_bpe_symbol_t *symbols;
  uint64_t *heap; /* rank << 32 | index of the left symbol */
  char *text;
  size_t symbol_count, heap_count, symbol_capacity, heap_capacity, text_capacity;
} or_bpe_work_t;
void or_bpe_work_deinit(or_bpe_work_t *work);
or_status_t or_bpe_cut(const or_bpe_t *model, const or_vocabulary_t *vocabulary, or_bpe_work_t *work,
                       or_tokenizer_text_t word, or_parts_t *out);

/* What words were cut into before. Of a fixed size; when full it begins anew. Owned by one thread. */
#define OR_WORD_CACHE_SLOTS ((size_t)1 << 15)
#define OR_WORD_CACHE_BYTES ((size_t)2 << 20) /* of words and parts */
#define OR_WORD_CACHE_WORD_BYTES ((size_t)64) /* longer words are not kept */
typedef struct or_cached_word_t {
  uint64_t hash;
  uint32_t place;         /* in the pool: the parts, then the word */
  uint16_t length, count; /* 0 parts and 0 bytes: free */
} or_cached_word_t;
typedef struct or_word_cache_t {
  const or_allocator_t *allocator;
  or_cached_word_t *slots;
  unsigned char *pool;
  size_t used_bytes, word_count;
} or_word_cache_t;
or_status_t or_word_cache_init(or_word_cache_t *cache, const or_allocator_t *allocator);
void or_word_cache_deinit(or_word_cache_t *cache);
uint64_t or_word_hash(or_tokenizer_text_t word);
/* The parts, in the pool until the next put; NULL if the word is not there. */
const or_part_t *or_word_cache_get(const or_word_cache_t *cache, uint64_t hash, or_tokenizer_text_t word,
                                   size_t *count);
void or_word_cache_put(or_word_cache_t *cache, uint64_t hash, or_tokenizer_text_t word, const or_part_t *parts,
                       size_t count);

#endif
