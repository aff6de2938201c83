#ifndef OR_BASE_JSON_INTERNAL_H
#define OR_BASE_JSON_INTERNAL_H
/* A document as the reader makes it and the accessors see it. */

#include "base/alloc.h"
#include "base/json.h"

struct or_json_value_t {
  or_json_kind_t kind;
  float single; /* of a real number: the float32 nearest to its text; of the integer 0: 0 with its sign */
  union {
    size_t count;   /* elements, members, bytes of a string or of a text of numbers */
    uint64_t whole; /* of a real number that is written as an integer: that from 2^63 to 2^64 - 1, else
                     * OR_JSON_WHOLE_BEYOND; 0: it is not */
  };
  union {
    bool boolean;
    int64_t integer;
    double real;
    const char *string; /* numbers kept as text, too */
    const or_json_value_t *elements;
    const struct or_json_object_t *object;
  } as;
};

#define OR_JSON_WHOLE_BEYOND ((uint64_t)1)

typedef struct or_json_object_t {
  const char **keys;       /* in file order */
  or_json_value_t *values; /* beside them */
  uint32_t *slots;         /* hash table of index + 1, 0 is free; NULL in small objects */
  size_t slot_mask;
  uint64_t seed;
} or_json_object_t;
#define OR_JSON_LINEAR_MEMBERS ((size_t)12) /* objects up to here are searched from the front */

struct or_json_document_t {
  or_arena_t arena;
  or_json_value_t root;
  uint64_t seed; /* of the hash tables: unknown to who writes the text */
};

/* Whether one of these eight characters is one that a string does not hold as it is, or may be: a quote, a backslash, a
 * control character or no ASCII. */
static inline bool or_json_has_special(uint64_t eight) {
  const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
  const uint64_t quote = eight ^ (ones * '"'), backslash = eight ^ (ones * '\\');
  return (((quote - ones) | (backslash - ones) | (eight - ones * ' ') | (eight + ones) | eight) & tops) != 0;
}

/* The slot of that key: where its index + 1 stands, or a free one. The object has slots. */
size_t or_json_slot(const or_json_object_t *object, const char *key);

#endif
