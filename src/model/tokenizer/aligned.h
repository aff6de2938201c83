#ifndef OR_MODEL_TOKENIZER_ALIGNED_H
#define OR_MODEL_TOKENIZER_ALIGNED_H
/* A text that knows, for each of its bytes, which bytes of the original it came from. */

#include "base/alloc.h"
#include "model/tokenizer/tokenizer.h"

/* Valid UTF-8. Owned by one thread; init is {.allocator = …}. */
typedef struct or_aligned_t {
  const or_allocator_t *allocator;
  char *bytes;
  or_token_span_t *spans; /* one a byte: the whole original character */
  size_t length;
  size_t capacity, span_capacity;
} or_aligned_t;
void or_aligned_deinit(or_aligned_t *text);
/* Room for `extra` more bytes. OUT_OF_RANGE (OR_TOKENIZER_MAX_NORMALIZED_BYTES), RESOURCE_EXHAUSTED. */
or_status_t or_aligned_reserve(or_aligned_t *text, size_t extra);
/* Sets the text to a piece of the original that lies at `offset` there. */
or_status_t or_aligned_assign(or_aligned_t *text, const char *bytes, size_t length, size_t offset);
/* Appends one character; room for 4 bytes must have been reserved. */
void or_aligned_put(or_aligned_t *text, uint32_t code, or_token_span_t span);

/* Writes a changed copy of a text, character by character. `change` says how the character came about: 0 it stands for
 * the next one of `from`; 1 it is new and shares the span of the byte before; -n it stands for the next one, and n more
 * are left out. */
typedef struct or_transform_t {
  const or_aligned_t *from;
  or_aligned_t *to; /* emptied by begin */
  size_t at;        /* in `from` */
} or_transform_t;
or_transform_t or_transform_begin(const or_aligned_t *from, or_aligned_t *to);
or_status_t or_transform_emit(or_transform_t *transform, uint32_t code, int change);

#endif
