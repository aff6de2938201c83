#include "graph/onnx/names.h"

#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"

#define FIRST_CAPACITY ((size_t)64)

static or_status_t grow(or_onnx_names_t *names);
static or_onnx_name_t *slot_of(const or_onnx_names_t *names, uint64_t hash, const char *name, size_t length);

void or_onnx_names_init(or_onnx_names_t *names, const or_allocator_t *allocator) {
  *names = (or_onnx_names_t){.allocator = allocator, .seed = (uint64_t)or_clock_ns() ^ (uint64_t)(uintptr_t)names};
}

void or_onnx_names_deinit(or_onnx_names_t *names) {
  or_free(names->allocator, names->slots);
  names->slots = NULL;
  names->capacity = names->count = 0;
}

bool or_onnx_names_find(const or_onnx_names_t *names, const char *name, size_t length, uint32_t *number) {
  if (names->capacity == 0) return false;
  const or_onnx_name_t *slot = slot_of(names, or_hash_bytes(name, length, names->seed), name, length);
  if (slot->name == NULL) return false;
  *number = slot->number;
  return true;
}

or_status_t or_onnx_names_add(or_onnx_names_t *names, const char *name, size_t length, uint32_t number) {
  if (names->count * 2 >= names->capacity) { /* at most half full */
    or_status_t status = grow(names);
    if (!or_ok(status)) return status;
  }
  uint64_t hash = or_hash_bytes(name, length, names->seed);
  *slot_of(names, hash, name, length) = (or_onnx_name_t){name, (uint32_t)length, number, hash};
  ++names->count;
  return or_status_success();
}

static or_status_t grow(or_onnx_names_t *names) {
  or_onnx_names_t larger = *names;
  larger.capacity = names->capacity == 0 ? FIRST_CAPACITY : names->capacity * 2;
  or_status_t status = or_alloc_array(names->allocator, larger.capacity, sizeof *larger.slots, (void **)&larger.slots);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < names->capacity; ++i) {
    const or_onnx_name_t *old = &names->slots[i];
    if (old->name != NULL) *slot_of(&larger, old->hash, old->name, old->length) = *old;
  }
  or_free(names->allocator, names->slots);
  *names = larger;
  return status;
}

/* The slot that holds the name, or the free one where it belongs. */
static or_onnx_name_t *slot_of(const or_onnx_names_t *names, uint64_t hash, const char *name, size_t length) {
  size_t at = (size_t)hash & (names->capacity - 1);
  for (;; at = (at + 1) & (names->capacity - 1)) {
    or_onnx_name_t *slot = &names->slots[at];
    if (slot->name == NULL) return slot;
    if (slot->hash == hash && slot->length == length && memcmp(slot->name, name, length) == 0) return slot;
  }
}
