/* Weights times a factor per channel, without holding a second copy of large ones: the elements are scaled as a backend
 * reads them. */
#include <string.h>

#include "base/numbers.h"
#include "graph/rewrite/rewrite_internal.h"

#define RESIDENT_BYTES ((size_t)64 << 10) /* up to this the scaled copy is made at once */
#define MAX_ELEMENT_BYTES 8

static or_status_t read_scaled(const or_constant_t *constant, size_t offset, void *destination, size_t length);
static or_status_t read_partial(const or_constant_t *constant, size_t offset, void *destination, size_t length);
static or_status_t read_elements(const or_scaling_t *scaling, size_t first, size_t count, void *destination);
static void scale(const or_scaling_t *scaling, size_t first, size_t count, void *elements);

or_status_t or_scaled_constant(or_graph_t *graph, const or_scaling_t *scaling, const or_constant_t **out) {
  const or_constant_t *source = scaling->source;
  *out = NULL;
  if (source->bytes <= RESIDENT_BYTES) {
    or_constant_t *copy = NULL;
    void *memory = NULL;
    or_status_t status = or_graph_constant_begin(graph, source->dtype, source->shape, &memory, &copy);
    if (or_ok(status)) status = read_elements(scaling, 0, source->bytes / or_dtype_bytes(source->dtype, 1), memory);
    if (!or_ok(status)) return status;
    or_graph_constant_end(copy);
    *out = copy;
    return or_status_success();
  }
  void *kept = NULL, *constant = NULL;
  or_status_t status = or_arena_alloc(&graph->arena, sizeof *scaling, &kept);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &constant);
  if (!or_ok(status)) return status;
  memcpy(kept, scaling, sizeof *scaling);
  size_t factor_count = source->bytes / or_dtype_bytes(source->dtype, 1) / scaling->elements_per_factor;
  or_constant_t *lazy = constant;
  *lazy = (or_constant_t){.dtype = source->dtype,
                          .shape = source->shape,
                          .bytes = source->bytes,
                          .read = read_scaled,
                          .source = kept,
                          .hash = or_hash_bytes(scaling->factors, factor_count * sizeof(double), source->hash)};
  *out = lazy;
  return or_status_success();
}

/* Any range of bytes: whole elements straight into the destination, one that is cut at either end by way of a copy. */
static or_status_t read_scaled(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  size_t element_bytes = or_dtype_bytes(constant->dtype, 1);
  char *to = destination;
  if (offset % element_bytes != 0 && length > 0) {
    size_t head = element_bytes - offset % element_bytes;
    if (head > length) head = length;
    or_status_t status = read_partial(constant, offset, to, head);
    if (!or_ok(status)) return status;
    offset += head;
    to += head;
    length -= head;
  }
  size_t whole = length / element_bytes;
  or_status_t status = or_status_success();
  if (whole > 0) status = read_elements(constant->source, offset / element_bytes, whole, to);
  size_t tail = length - whole * element_bytes;
  if (or_ok(status) && tail > 0)
    status = read_partial(constant, offset + whole * element_bytes, to + whole * element_bytes, tail);
  return status;
}

/* A piece of one element. */
static or_status_t read_partial(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  char element[MAX_ELEMENT_BYTES];
  size_t element_bytes = or_dtype_bytes(constant->dtype, 1);
  or_status_t status = read_elements(constant->source, offset / element_bytes, 1, element);
  if (or_ok(status)) memcpy(destination, element + offset % element_bytes, length);
  return status;
}

static or_status_t read_elements(const or_scaling_t *scaling, size_t first, size_t count, void *destination) {
  const or_constant_t *source = scaling->source;
  size_t element_bytes = or_dtype_bytes(source->dtype, 1);
  if (source->data != NULL) {
    memcpy(destination, (const char *)source->data + first * element_bytes, count * element_bytes);
  } else {
    or_status_t status = source->read(source, first * element_bytes, destination, count * element_bytes);
    if (!or_ok(status)) return status;
  }
  scale(scaling, first, count, destination);
  return or_status_success();
}

static void scale(const or_scaling_t *scaling, size_t first, size_t count, void *elements) {
  or_dtype_t dtype = scaling->source->dtype;
  for (size_t i = 0; i < count;) {
    size_t channel = (first + i) / scaling->elements_per_factor;
    size_t end = (channel + 1) * scaling->elements_per_factor - first;
    double factor = scaling->factors[channel];
    if (end > count) end = count;
    for (; i < end; ++i) {
      if (dtype == OR_FLOAT32) {
        float value;
        memcpy(&value, (char *)elements + i * sizeof value, sizeof value);
        value = (float)((double)value * factor);
        memcpy((char *)elements + i * sizeof value, &value, sizeof value);
      } else {
        or_element_set(dtype, elements, i, or_element_get(dtype, elements, i) * factor);
      }
    }
  }
}
