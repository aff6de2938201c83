/* 16-bit floats as float32, widened as they are read: exporters keep weights so, with a Cast behind each, and folded
 * they would stay in memory beside what a device packs. */
#include <string.h>

#include "base/numbers.h"
#include "graph/graph_internal.h"

#define WIDE sizeof(float)
#define NARROW sizeof(uint16_t)

static or_status_t read_widened(const or_constant_t *constant, size_t offset, void *destination, size_t length);
static or_status_t read_elements(const or_constant_t *source, size_t first, size_t count, char *destination);

or_status_t or_widened_constant(or_graph_t *graph, const or_constant_t *source, const or_constant_t **out) {
  void *constant = NULL;
  *out = NULL;
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &constant);
  if (!or_ok(status)) return status;
  const uint64_t kind = (uint64_t)source->dtype << 32 | OR_FLOAT32;
  *(or_constant_t *)constant = (or_constant_t){.dtype = OR_FLOAT32,
                                               .shape = source->shape,
                                               .bytes = source->bytes / NARROW * WIDE,
                                               .hash = or_hash_bytes(&kind, sizeof kind, source->hash),
                                               .read = read_widened,
                                               .source = (void *)(uintptr_t)source};
  *out = constant;
  return status;
}

/* Any range of bytes: whole elements straight into their place, one that is cut at either end by way of a copy. */
static or_status_t read_widened(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const or_constant_t *source = constant->source;
  char element[WIDE], *to = destination;
  or_status_t status = or_status_success();
  while (or_ok(status) && length > 0) {
    const size_t cut = offset % WIDE, whole = cut == 0 ? length / WIDE : 0;
    size_t bytes = whole * WIDE;
    if (whole > 0) {
      status = read_elements(source, offset / WIDE, whole, to);
    } else {
      bytes = WIDE - cut < length ? WIDE - cut : length;
      status = read_elements(source, offset / WIDE, 1, element);
      if (or_ok(status)) memcpy(to, element + cut, bytes);
    }
    offset += bytes;
    length -= bytes;
    to += bytes;
  }
  return status;
}

/* The narrow elements come to the end of their place, and are widened from the first on: none is written over before it
 * was read. */
static or_status_t read_elements(const or_constant_t *source, size_t first, size_t count, char *destination) {
  char *narrow = destination + count * (WIDE - NARROW);
  or_status_t status = or_status_success();
  if (source->data != NULL) {
    memcpy(narrow, (const char *)source->data + first * NARROW, count * NARROW);
  } else {
    status = source->read(source, first * NARROW, narrow, count * NARROW);
  }
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    uint16_t bits = 0;
    memcpy(&bits, narrow + i * NARROW, NARROW);
    const float wide = source->dtype == OR_FLOAT16 ? or_float16_to_float(bits) : or_bfloat16_to_float(bits);
    memcpy(destination + i * WIDE, &wide, WIDE);
  }
  return status;
}
