#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGNMENT ((size_t)16)
#define ARENA_FIRST_CHUNK_BYTES ((size_t)4 << 10)
#define ARENA_CHUNK_BYTES ((size_t)64 << 10)

typedef struct or_arena_chunk_t {
  struct or_arena_chunk_t *next;
  size_t bytes; /* behind the header */
} or_arena_chunk_t;
_Static_assert(sizeof(or_arena_chunk_t) % ARENA_ALIGNMENT == 0, "pieces begin right behind the header");

/* malloc's memory, moved up to the alignment; where it began lies in front of it. glibc keeps what malloc gave for the
 * thread's next call; what posix_memalign gave is cut out of larger pieces and joined again, which takes several times
 * as long. */
static void *system_alloc(void *self, size_t bytes, size_t alignment) {
  (void)self;
  if (alignment < sizeof(void *)) alignment = sizeof(void *);
  /* What malloc gives is aligned to two pointers at least, so that the next multiple has one of them before it. No
   * object may be larger than PTRDIFF_MAX; sanitizers stop the program when asked for one. */
  const size_t more = alignment;
  if (bytes > PTRDIFF_MAX - more) return NULL;
  char *begin = malloc(bytes + more);
  if (begin == NULL) return NULL;
  char *memory = (char *)or_align_up((uintptr_t)begin + sizeof(void *), alignment);
  ((void **)(void *)memory)[-1] = begin;
  return memory;
}

static void system_release(void *self, void *memory) {
  (void)self;
  if (memory != NULL) free(((void **)memory)[-1]);
}

const or_allocator_t *or_allocator_system(void) {
  static const or_allocator_t allocator = {NULL, system_alloc, system_release};
  return &allocator;
}

or_status_t or_alloc(const or_allocator_t *allocator, size_t bytes, void **out) {
  *out = allocator->alloc(allocator->self, bytes > 0 ? bytes : 1, OR_DEFAULT_ALIGNMENT);
  if (*out == NULL) return or_error(OR_RESOURCE_EXHAUSTED, "out of memory: %zu bytes asked for", bytes);
  return or_status_success();
}

or_status_t or_alloc_zeroed(const or_allocator_t *allocator, size_t bytes, void **out) {
  or_status_t status = or_alloc(allocator, bytes, out);
  if (or_ok(status)) memset(*out, 0, bytes);
  return status;
}

or_status_t or_alloc_array(const or_allocator_t *allocator, size_t count, size_t element_bytes, void **out) {
  size_t bytes = 0;
  *out = NULL;
  if (!or_mul_size(count, element_bytes, &bytes)) {
    return or_error(OR_OUT_OF_RANGE, "%zu elements of %zu bytes exceed the address space", count, element_bytes);
  }
  return or_alloc_zeroed(allocator, bytes, out);
}

or_status_t or_grow_array(const or_allocator_t *allocator, size_t needed, size_t element_bytes, void **array,
                          size_t *capacity) {
  if (needed <= *capacity) return or_status_success();
  size_t grown = 0;
  if (!or_mul_size(*capacity, 2, &grown) || grown < needed) grown = needed;
  if (grown < 8) grown = 8;
  void *memory = NULL;
  or_status_t status = or_alloc_array(allocator, grown, element_bytes, &memory);
  if (!or_ok(status)) return status;
  if (*capacity > 0) memcpy(memory, *array, *capacity * element_bytes);
  or_free(allocator, *array);
  *array = memory;
  *capacity = grown;
  return or_status_success();
}

void or_free(const or_allocator_t *allocator, void *memory) {
  if (memory != NULL) allocator->release(allocator->self, memory);
}

void or_arena_init(or_arena_t *arena, const or_allocator_t *allocator) {
  *arena = (or_arena_t){.allocator = allocator};
}

void or_arena_init_in(or_arena_t *arena, const or_allocator_t *allocator, void *memory, size_t bytes) {
  or_arena_init(arena, allocator);
  if (bytes <= sizeof(or_arena_chunk_t)) return;
  arena->chunks = arena->lent = memory;
  *arena->lent = (or_arena_chunk_t){.bytes = bytes - sizeof(or_arena_chunk_t)};
}

void or_arena_deinit(or_arena_t *arena) {
  while (arena->chunks != NULL) {
    or_arena_chunk_t *chunk = arena->chunks;
    arena->chunks = chunk->next;
    if (chunk != arena->lent) or_free(arena->allocator, chunk);
  }
  arena->lent = NULL;
  arena->used_bytes = arena->total_bytes = 0;
}

static or_status_t add_chunk(or_arena_t *arena, size_t bytes, or_arena_chunk_t **out) {
  size_t total = 0;
  if (!or_add_size(bytes, sizeof(or_arena_chunk_t), &total)) {
    return or_error(OR_OUT_OF_RANGE, "a piece of %zu bytes exceeds the address space", bytes);
  }
  void *memory = NULL;
  or_status_t status = or_alloc(arena->allocator, total, &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  (*out)->bytes = bytes;
  arena->total_bytes += total;
  return or_status_success();
}

or_status_t or_arena_alloc(or_arena_t *arena, size_t bytes, void **out) {
  *out = NULL;
  if (bytes > SIZE_MAX - ARENA_ALIGNMENT)
    return or_error(OR_OUT_OF_RANGE, "a piece of %zu bytes exceeds the address space", bytes);
  size_t rounded = or_align_up(bytes > 0 ? bytes : 1, ARENA_ALIGNMENT);
  or_arena_chunk_t *newest = arena->chunks;
  if (newest == NULL || newest->bytes - arena->used_bytes < rounded) {
    size_t chunk_bytes = newest == NULL ? ARENA_FIRST_CHUNK_BYTES : newest->bytes * 2;
    if (chunk_bytes < ARENA_FIRST_CHUNK_BYTES) chunk_bytes = ARENA_FIRST_CHUNK_BYTES;
    if (chunk_bytes > ARENA_CHUNK_BYTES) chunk_bytes = ARENA_CHUNK_BYTES;
    bool own = rounded > chunk_bytes / 4 && rounded > ARENA_FIRST_CHUNK_BYTES / 4;
    or_arena_chunk_t *chunk = NULL;
    or_status_t status = add_chunk(arena, own ? rounded : chunk_bytes, &chunk);
    if (!or_ok(status)) return status;
    if (own && newest != NULL) { /* the newest chunk keeps serving small pieces */
      chunk->next = newest->next;
      newest->next = chunk;
      *out = chunk + 1;
      memset(*out, 0, rounded);
      return or_status_success();
    }
    chunk->next = newest;
    arena->chunks = chunk;
    arena->used_bytes = 0;
  }
  *out = (char *)(arena->chunks + 1) + arena->used_bytes;
  arena->used_bytes += rounded;
  memset(*out, 0, rounded);
  return or_status_success();
}

or_status_t or_arena_array(or_arena_t *arena, size_t count, size_t bytes, void **out) {
  size_t total = 0;
  *out = NULL;
  if (!or_mul_size(count, bytes, &total)) {
    return or_error(OR_OUT_OF_RANGE, "%zu elements of %zu bytes exceed the address space", count, bytes);
  }
  return or_arena_alloc(arena, total, out);
}

or_status_t or_arena_strndup(or_arena_t *arena, const char *text, size_t length, const char **out) {
  *out = NULL;
  if (length == SIZE_MAX) return or_error(OR_OUT_OF_RANGE, "a text of %zu bytes exceeds the address space", length);
  void *copy = NULL;
  or_status_t status = or_arena_alloc(arena, length + 1, &copy);
  if (!or_ok(status)) return status;
  if (length > 0) memcpy(copy, text, length);
  *out = copy;
  return or_status_success();
}
