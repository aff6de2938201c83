#include <string.h>

#include "base/numbers.h"
#include "graph/graph.h"

or_status_t or_graph_constant(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, const void *data,
                              const or_constant_t **out) {
  or_constant_t *constant = NULL;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_graph_constant_begin(graph, dtype, shape, &memory, &constant);
  if (!or_ok(status)) return status;
  if (constant->bytes > 0) memcpy(memory, data, constant->bytes);
  or_graph_constant_end(constant);
  *out = constant;
  return or_status_success();
}

or_status_t or_graph_constant_begin(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, void **memory,
                                    or_constant_t **out) {
  char text[160];
  uint64_t count = 0;
  *out = NULL;
  *memory = NULL;
  size_t bytes = or_shape_count(&shape, &count) && dtype != OR_STRING ? or_dtype_bytes(dtype, count) : SIZE_MAX;
  if (bytes >= SIZE_MAX - OR_DEFAULT_ALIGNMENT || count > graph->limits.tensor_elements) {
    return or_error(OR_RESOURCE_EXHAUSTED, "a constant of %s %s is larger than the limit of %llu elements",
                    or_dtype_name(dtype), or_shape_format(&shape, text, sizeof text),
                    (unsigned long long)graph->limits.tensor_elements);
  }
  void *block = NULL, *constant = NULL;
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &constant);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, bytes + OR_DEFAULT_ALIGNMENT, &block);
  if (!or_ok(status)) return status;
  *memory = (char *)block + (or_align_up((uintptr_t)block, OR_DEFAULT_ALIGNMENT) - (uintptr_t)block);
  *out = constant;
  **out = (or_constant_t){.dtype = dtype, .shape = shape, .bytes = bytes, .data = *memory};
  return or_status_success();
}

void or_graph_constant_end(or_constant_t *constant) {
  constant->hash = or_hash_bytes(constant->data, constant->bytes, 0);
}

or_status_t or_graph_constant_copy(or_graph_t *graph, const or_constant_t *constant, const or_constant_t **out) {
  void *memory = NULL;
  or_constant_t *copy = NULL;
  *out = NULL;
  or_status_t status = or_graph_constant_begin(graph, constant->dtype, constant->shape, &memory, &copy);
  if (or_ok(status) && constant->bytes > 0) status = constant->read(constant, 0, memory, constant->bytes);
  if (!or_ok(status)) return status;
  or_graph_constant_end(copy);
  *out = copy;
  return status;
}

or_status_t or_graph_keep_file(or_graph_t *graph, or_file_t *file) {
  if (graph->file_count > 0 && graph->files[graph->file_count - 1] == file) return or_status_success();
  for (size_t i = 0; i < graph->file_count; ++i) {
    if (graph->files[i] == file) return or_status_success();
  }
  or_status_t status = or_grow_array(graph->allocator, graph->file_count + 1, sizeof(or_file_t *),
                                     (void **)&graph->files, &graph->file_capacity);
  if (!or_ok(status)) return status;
  or_file_retain(file);
  graph->files[graph->file_count++] = file;
  return status;
}

or_status_t or_constant_bytes(const or_constant_t *constant, const or_allocator_t *allocator, void **scratch,
                              size_t *scratch_capacity, const void **out) {
  *out = constant->data;
  if (constant->data != NULL) return or_status_success();
  if (*scratch_capacity < constant->bytes || *scratch == NULL) {
    or_free(allocator, *scratch);
    *scratch_capacity = 0;
    or_status_t status = or_alloc(allocator, constant->bytes, scratch);
    if (!or_ok(status)) return status;
    *scratch_capacity = constant->bytes;
  }
  or_status_t status = or_status_success();
  if (constant->bytes > 0) status = constant->read(constant, 0, *scratch, constant->bytes);
  if (or_ok(status)) *out = *scratch;
  return status;
}
