#ifndef OR_BASE_ALLOC_H
#define OR_BASE_ALLOC_H
/* Heap memory through the caller's allocator, and two allocators built on another one: a bump arena and a counting,
 * failing one. */

#include "openruntime/status.h"
#include "openruntime/types.h"

#define OR_DEFAULT_ALIGNMENT 64 /* bytes: a cache line and the widest vector */

/* Uninitialised / zeroed memory aligned to OR_DEFAULT_ALIGNMENT; bytes == 0 gives a unique pointer. RESOURCE_EXHAUSTED
 * names the bytes; *out is NULL then. Free with or_free. */
or_status_t or_alloc(const or_allocator_t *allocator, size_t bytes, void **out);
or_status_t or_alloc_zeroed(const or_allocator_t *allocator, size_t bytes, void **out);
/* count * element_bytes, checked, zeroed. OUT_OF_RANGE if the product overflows. */
or_status_t or_alloc_array(const or_allocator_t *allocator, size_t count, size_t element_bytes, void **out);
/* Grows an array to hold at least `needed` elements (doubling; old contents kept, the rest zeroed). *array and
 * *capacity change together; on failure both stay as they were. */
or_status_t or_grow_array(const or_allocator_t *allocator, size_t needed, size_t element_bytes, void **array,
                          size_t *capacity);
void or_free(const or_allocator_t *allocator, void *memory); /* takes NULL */

/* Checked arithmetic: false on overflow, *out untouched. */
#define OR_CHECKED_(name, type, builtin)               \
  static inline bool name(type a, type b, type *out) { \
    type result;                                       \
    if (builtin(a, b, &result)) return false;          \
    *out = result;                                     \
    return true;                                       \
  }
OR_CHECKED_(or_add_size, size_t, __builtin_add_overflow)
OR_CHECKED_(or_mul_size, size_t, __builtin_mul_overflow)
OR_CHECKED_(or_add_i64, int64_t, __builtin_add_overflow)
OR_CHECKED_(or_mul_i64, int64_t, __builtin_mul_overflow)
#undef OR_CHECKED_
static inline size_t or_align_up(size_t value, size_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

/* A bump arena: many small pieces that die together. Owned by one thread (or its owner's lock). Chunks grow to 64 KiB;
 * a larger piece gets its own. */
typedef struct or_arena_t {
  const or_allocator_t *allocator;
  struct or_arena_chunk_t *chunks; /* newest first */
  size_t used_bytes;               /* of the newest chunk */
  size_t total_bytes;              /* of all chunks */
  struct or_arena_chunk_t *lent;   /* not the arena's own; NULL: there is none */
} or_arena_t;
void or_arena_init(or_arena_t *arena, const or_allocator_t *allocator);
/* The first pieces lie in this memory, which stays the caller's and is aligned to 16: what is usually enough need not
 * be asked for. */
void or_arena_init_in(or_arena_t *arena, const or_allocator_t *allocator, void *memory, size_t bytes);
void or_arena_deinit(or_arena_t *arena);                                               /* gives every chunk back */
or_status_t or_arena_alloc(or_arena_t *arena, size_t bytes, void **out);               /* zeroed, aligned to 16 */
or_status_t or_arena_array(or_arena_t *arena, size_t count, size_t bytes, void **out); /* checked product, zeroed */
or_status_t or_arena_strndup(or_arena_t *arena, const char *text, size_t length, const char **out);

/* For tests: counts live bytes and blocks, and fails the n-th allocation. Thread-safe. `base` first, so &counting.base
 * is the allocator. */
typedef struct or_counting_allocator_t {
  or_allocator_t base;
  const or_allocator_t *parent;
  _Atomic size_t live_bytes, peak_bytes, live_blocks, alloc_count;
  _Atomic size_t fail_at; /* 1-based; 0 never fails */
  _Atomic bool triggered; /* the fail_at-th allocation was asked for */
} or_counting_allocator_t;
void or_counting_allocator_init(or_counting_allocator_t *counting, const or_allocator_t *parent, size_t fail_at);

#endif
