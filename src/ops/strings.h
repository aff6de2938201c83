#ifndef OR_OPS_STRINGS_H
#define OR_OPS_STRINGS_H
/* What operators on OR_STRING tensors share. Elements are or_string_t: operators that move them move those 16 bytes,
 * and the text stays where it is; operators that make text put it into call->strings. All functions are pure or work on
 * the call they are given: any thread. */

#include <string.h>

#include "ops/op.h"

#define OR_OP_STRINGS OR_DTYPE_BIT(OR_STRING)
/* The most text that one node makes, in bytes. */
#define OR_OP_MAX_STRING_BYTES ((size_t)1 << 30)

/* What stands where ONNX's zero is of another dtype: no text, at an address. */
#define OR_STRING_EMPTY ((or_string_t){.data = "", .length = 0})

static inline bool or_string_same(or_string_t a, or_string_t b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* `count` elements of no text. */
static inline void or_strings_clear(void *elements, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    memcpy((char *)elements + i * sizeof(or_string_t), &OR_STRING_EMPTY, sizeof(or_string_t));
}

/* `count` elements of what ONNX's zero is in the dtype, which has no fewer than 8 bits. */
static inline void or_elements_clear(or_dtype_t dtype, void *elements, uint64_t count) {
  if (dtype == OR_STRING) {
    or_strings_clear(elements, count);
  } else {
    memset(elements, 0, or_dtype_bytes(dtype, count));
  }
}

/* Adds the length of a text that is to be made. RESOURCE_EXHAUSTED beyond OR_OP_MAX_STRING_BYTES. */
or_status_t or_strings_add(size_t *total, size_t length);
/* Room for `bytes` of text in call->strings, for all that a reference makes; asked for once. FAILED_PRECONDITION if
 * there is no arena; RESOURCE_EXHAUSTED. */
or_status_t or_strings_room(const or_op_call_t *call, size_t bytes, char **out);

/* The strings of an attribute (count 0 if it is absent). */
const or_string_t *or_op_attribute_strings(const or_op_call_t *call, const char *name, size_t *count);

#endif
