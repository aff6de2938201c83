#ifndef OR_MODEL_TOKENIZER_NORMAL_FORM_H
#define OR_MODEL_TOKENIZER_NORMAL_FORM_H
/* Unicode normalization forms (standard annex 15) of texts that keep their spans. */

#include "model/tokenizer/aligned.h"

typedef struct or_mark_t {
  uint32_t code;
  int32_t change; /* as or_transform_emit takes it */
  uint8_t combining_class;
} or_mark_t;

typedef struct or_marks_t {
  or_mark_t *marks;
  size_t count, capacity;
} or_marks_t;

/* Memory that is kept from text to text. Owned by one thread; init is {.allocator = …}. */
typedef struct or_normal_form_t {
  const or_allocator_t *allocator;
  or_marks_t pending; /* one character and the marks behind it, before they are sorted */
  or_marks_t sorted;
  or_marks_t blocked; /* behind the starter that waits for what it composes with */
  or_mark_t starter;
  bool has_starter, has_blocked;
} or_normal_form_t;
void or_normal_form_deinit(or_normal_form_t *form);

/* NFD; with `compatible` NFKD; with `compose` NFC or NFKC. */
or_status_t or_normal_form_apply(or_normal_form_t *form, bool compatible, bool compose, const or_aligned_t *from,
                                 or_aligned_t *to);

#endif
