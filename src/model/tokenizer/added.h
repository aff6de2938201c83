#ifndef OR_MODEL_TOKENIZER_ADDED_H
#define OR_MODEL_TOKENIZER_ADDED_H
/* Added tokens: texts that are one token wherever they stand, special ones among them. */

#include "base/alloc.h"
#include "model/tokenizer/tokenizer.h"

typedef struct or_added_token_t {
  uint32_t id;
  or_tokenizer_text_t form; /* what is looked for: the content, normalized if `normalized` */
  bool special, single_word, left_strip, right_strip, normalized;
} or_added_token_t;

/* Those that are looked for at one stage, sorted by their form. Immutable; in the tokenizer's arena. */
typedef struct or_added_set_t {
  or_added_token_t *tokens;
  size_t count;
  bool begins[256]; /* the bytes that forms begin with */
} or_added_set_t;
/* Sorts and indexes. INVALID_ARGUMENT if two have the same form. */
or_status_t or_added_set_finish(or_added_set_t *set);

typedef struct or_added_match_t {
  const or_added_token_t *token;
  size_t begin, end; /* with the white space that the token takes */
} or_added_match_t;

/* One text being searched. Tokens of at most OR_ADDED_STEPS bytes never exceed the bound; longer ones do where a text
 * keeps beginning like them without being one. */
#define OR_ADDED_STEPS ((size_t)64) /* compared for a byte of text, on average, in a long text */
typedef struct or_added_search_t {
  const or_added_set_t *set;
  or_tokenizer_text_t text;
  bool skip_special;
  size_t at;    /* where the search goes on */
  size_t taken; /* the end of the last match: bytes before it are spoken for */
  size_t steps; /* bytes compared so far */
} or_added_search_t;
/* The next match, leftmost and longest; out->token is NULL if there is none. OUT_OF_RANGE (OR_ADDED_STEPS). */
or_status_t or_added_next(or_added_search_t *search, or_added_match_t *out);

#endif
