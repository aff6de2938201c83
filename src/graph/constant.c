#include <string.h>

#include "base/numbers.h"
#include "graph/graph.h"

static or_status_t begin(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, void **memory, or_constant_t **out);
static or_status_t copy_strings(or_graph_t *graph, or_shape_t shape, const or_string_t *strings,
                                const or_constant_t **out);

or_status_t or_graph_constant(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, const void *data,
                              const or_constant_t **out) {
  or_constant_t *constant = NULL;
  void *memory = NULL;
  *out = NULL;
  if (dtype == OR_STRING) return copy_strings(graph, shape, data, out);
  or_status_t status = or_graph_constant_begin(graph, dtype, shape, &memory, &constant);
  if (!or_ok(status)) return status;
  if (constant->bytes > 0) memcpy(memory, data, constant->bytes);
  or_graph_constant_end(constant);
  *out = constant;
  return or_status_success();
}

static or_status_t copy_strings(or_graph_t *graph, or_shape_t shape, const or_string_t *strings,
                                const or_constant_t **out) {
  or_string_t *elements = NULL;
  or_constant_t *constant = NULL;
  char *bytes = NULL;
  uint64_t count = 0, total = 0;
  if (!or_shape_count(&shape, &count)) count = 0;                  /* refused below */
  for (uint64_t i = 0; i < count; ++i) total += strings[i].length; /* they are in memory */
  or_status_t status = or_graph_strings_begin(graph, shape, total, &elements, &bytes, &constant);
  if (!or_ok(status)) return status;
  for (uint64_t i = 0; i < count; ++i) {
    if (strings[i].length > 0) memcpy(bytes, strings[i].data, strings[i].length);
    elements[i] = (or_string_t){bytes, strings[i].length};
    bytes += strings[i].length;
  }
  or_graph_constant_end(constant);
  *out = constant;
  return status;
}

or_status_t or_graph_strings_begin(or_graph_t *graph, or_shape_t shape, uint64_t string_bytes, or_string_t **elements,
                                   char **bytes, or_constant_t **out) {
  void *memory = NULL, *block = NULL;
  if (string_bytes > graph->limits.string_bytes || string_bytes > SIZE_MAX) {
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "its strings have %llu bytes together, more than %llu, the limit: raise limits.string_bytes",
                    (unsigned long long)string_bytes, (unsigned long long)graph->limits.string_bytes);
  }
  or_status_t status = begin(graph, OR_STRING, shape, &memory, out);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, (size_t)string_bytes, &block);
  *elements = memory;
  *bytes = block;
  return status;
}

or_status_t or_graph_constant_begin(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, void **memory,
                                    or_constant_t **out) {
  *out = NULL;
  *memory = NULL;
  if (dtype == OR_STRING) return or_error(OR_INTERNAL, "a constant of strings begins with or_graph_strings_begin");
  return begin(graph, dtype, shape, memory, out);
}

static or_status_t begin(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, void **memory, or_constant_t **out) {
  char text[160];
  uint64_t count = 0;
  *out = NULL;
  *memory = NULL;
  size_t bytes = or_shape_count(&shape, &count) ? or_dtype_bytes(dtype, count) : SIZE_MAX;
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
  if (constant->dtype != OR_STRING) {
    constant->hash = or_hash_bytes(constant->data, constant->bytes, 0);
    return;
  }
  const or_string_t *strings = constant->data;
  uint64_t hash = 0;
  for (size_t i = 0; i < constant->bytes / sizeof *strings; ++i) {
    const uint64_t length = strings[i].length;
    hash = or_hash_bytes(strings[i].data, strings[i].length, or_hash_bytes(&length, sizeof length, hash));
  }
  constant->hash = hash;
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

or_status_t or_graph_check_files(const or_graph_t *graph) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < graph->file_count; ++i) status = or_file_check(graph->files[i]);
  return status;
}

uint64_t or_graph_bytes_read(const or_graph_t *graph) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < graph->file_count; ++i) bytes += or_file_bytes_read(graph->files[i]);
  return bytes;
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
