#ifndef OR_MODEL_TEXT_H
#define OR_MODEL_TEXT_H
/* A model's tokenizer: tokenizer.json beside it, read when it is first asked for. */

#include "base/thread.h"
#include "model/tokenizer/tokenizer.h"

/* Owned by a model. `mutex` guards the rest, which does not change once `known` is set. */
typedef struct or_model_text_t {
  or_mutex_t mutex;
  bool known;
  or_tokenizer_t *tokenizer;
  int64_t max_tokens; /* of one text, as its folder's configurations say; 0: no bound but the tokenizer's */
} or_model_text_t;
void or_model_text_init(or_model_text_t *text);
void or_model_text_deinit(or_model_text_t *text);

#endif
