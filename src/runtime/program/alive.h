#ifndef OR_RUNTIME_PROGRAM_ALIVE_H
#define OR_RUNTIME_PROGRAM_ALIVE_H
/* What a run of a program holds, in bytes: each value and each buffer once, however many slots, sequences and bodies
 * have it, and a buffer whole, however small the view of it is. */

#include "graph/expansion.h"
#include "openruntime/value.h"

#define OR_ALIVE_VALUE_BYTES 128u /* what a value itself counts as, besides its tensor */

typedef struct or_alive_row_t {
  const void *key; /* a value or a buffer; NULL: free */
  uint64_t uses, bytes;
} or_alive_row_t;

/* Of one run, on its thread. */
typedef struct or_alive_t {
  or_expansion_t expansion; /* `alive` is the sum */
  const or_allocator_t *allocator;
  or_alive_row_t *rows; /* open addressing; capacity: 0 or a power of two */
  size_t capacity, count;
} or_alive_t;
void or_alive_deinit(or_alive_t *alive);

/* One more, or one less, that has the value; NULL: nothing. RESOURCE_EXHAUSTED: no memory to count, and nothing was. */
or_status_t or_alive_add(or_alive_t *alive, const or_value_t *value);
void or_alive_remove(or_alive_t *alive, const or_value_t *value);
/* The caller's: its tensors' bytes are the run's input, and are counted without what lies around them. */
or_status_t or_alive_add_input(or_alive_t *alive, const or_value_t *value);

#endif
