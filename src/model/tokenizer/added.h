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
  size_t resume;     /* where the search goes on */
} or_added_match_t;
/* The next match from `at` on, leftmost and longest, in a text whose bytes before `taken` are spoken for; false if
 * there is none. */
bool or_added_next(const or_added_set_t *set, or_tokenizer_text_t text, size_t at, size_t taken, bool skip_special,
                   or_added_match_t *out);

#endif
