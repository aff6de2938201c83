#ifndef OR_MODEL_TOKENIZER_SPLIT_H
#define OR_MODEL_TOKENIZER_SPLIT_H
/* The pre-tokenizers of tokenizer.json: a text becomes pieces, each of which the model takes for a word. */

#include "base/alloc.h"
#include "model/tokenizer/tokenizer.h"

typedef enum or_splitter_kind_t {
  OR_SPLIT_BERT,             /* at white space, which goes; punctuation apart */
  OR_SPLIT_GPT2,             /* the regular expression of ByteLevel */
  OR_SPLIT_CL100K,           /* that of Llama 3 and of OpenAI's cl100k_base */
  OR_SPLIT_QWEN,             /* the same with single digits */
  OR_SPLIT_WHITESPACE,       /* \w+|[^\w\s]+ */
  OR_SPLIT_WHITESPACE_SPLIT, /* at white space, which goes */
  OR_SPLIT_PUNCTUATION,
  OR_SPLIT_DIGITS,
  OR_SPLIT_STRING,
} or_splitter_kind_t;

/* What becomes of the matches. */
typedef enum or_split_behavior_t {
  OR_SPLIT_ISOLATED,
  OR_SPLIT_REMOVED,
  OR_SPLIT_CONTIGUOUS,
  OR_SPLIT_MERGED_WITH_PREVIOUS,
  OR_SPLIT_MERGED_WITH_NEXT,
} or_split_behavior_t;

typedef struct or_splitter_t {
  or_splitter_kind_t kind;
  or_split_behavior_t behavior;
  bool invert;                 /* what matches is between the matches */
  or_tokenizer_text_t pattern; /* STRING: never empty */
} or_splitter_t;

typedef struct or_piece_t {
  uint32_t begin, end; /* bytes of the text */
  bool matched;
} or_piece_t;

/* Grows; owned by one thread; init is {.allocator = …}. */
typedef struct or_pieces_t {
  const or_allocator_t *allocator;
  or_piece_t *pieces;
  size_t count, capacity;
} or_pieces_t;
void or_pieces_deinit(or_pieces_t *pieces);

/* Appends the pieces of text[begin, end), which is valid UTF-8. RESOURCE_EXHAUSTED. */
or_status_t or_split(const or_splitter_t *splitter, const char *text, or_piece_t piece, or_pieces_t *out);

/* The bytes of the match that begins at `at`: GPT-2's expression and its successors match everywhere. */
size_t or_split_gpt2(const char *text, size_t at, size_t end);
size_t or_split_cl100k(const char *text, size_t at, size_t end, size_t digits_max);

#endif
