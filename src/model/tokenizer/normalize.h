#ifndef OR_MODEL_TOKENIZER_NORMALIZE_H
#define OR_MODEL_TOKENIZER_NORMALIZE_H
/* The normalizers of tokenizer.json, one after another. */

#include "model/tokenizer/normal_form.h"

typedef enum or_normalizer_kind_t {
  OR_NORMALIZE_BERT,
  OR_NORMALIZE_FORM,
  OR_NORMALIZE_LOWERCASE,
  OR_NORMALIZE_STRIP_ACCENTS,
  OR_NORMALIZE_STRIP,
  OR_NORMALIZE_REPLACE,
  OR_NORMALIZE_PREPEND,
} or_normalizer_kind_t;

typedef struct or_normalizer_t {
  or_normalizer_kind_t kind;
  bool clean_text, chinese, strip_accents, lowercase; /* BERT */
  bool compatible, compose;                           /* FORM */
  bool left, right;                                   /* STRIP */
  or_tokenizer_text_t pattern;                        /* REPLACE: never empty */
  or_tokenizer_text_t content;                        /* REPLACE, PREPEND */
} or_normalizer_t;

/* Two texts, of which one is the newest, and memory. Owned by one thread; init by or_normalizing_init. */
typedef struct or_normalizing_t {
  or_aligned_t texts[2];
  int current;
  or_normal_form_t form;
} or_normalizing_t;
void or_normalizing_init(or_normalizing_t *work, const or_allocator_t *allocator);
void or_normalizing_deinit(or_normalizing_t *work);
static inline or_aligned_t *or_normalizing_text(or_normalizing_t *work) { return &work->texts[work->current]; }

/* Sends the piece of the original that lies at `offset` through every step; the result is or_normalizing_text. */
or_status_t or_normalize(or_normalizing_t *work, const or_normalizer_t *steps, size_t step_count,
                         or_tokenizer_text_t piece, size_t offset);

#endif
