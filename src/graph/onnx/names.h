#ifndef OR_GRAPH_ONNX_NAMES_H
#define OR_GRAPH_ONNX_NAMES_H
/* A hash table from names to numbers (open addressing, linear probing), owned by one thread. The names are borrowed
 * and must outlive it. */

#include "base/alloc.h"

typedef struct or_onnx_name_t {
  const char *name; /* NULL: free */
  uint32_t length;
  uint32_t number;
  uint64_t hash;
} or_onnx_name_t;
typedef struct or_onnx_names_t {
  const or_allocator_t *allocator;
  or_onnx_name_t *slots;
  size_t capacity; /* 0, or a power of two */
  size_t count;
  uint64_t seed; /* differs from run to run, so that no file can be made to collide */
} or_onnx_names_t;

void or_onnx_names_init(or_onnx_names_t *names, const or_allocator_t *allocator);
void or_onnx_names_deinit(or_onnx_names_t *names);
/* True and *number, if the name is there. */
bool or_onnx_names_find(const or_onnx_names_t *names, const char *name, size_t length, uint32_t *number);
/* Adds a name that is not there yet. RESOURCE_EXHAUSTED. */
or_status_t or_onnx_names_add(or_onnx_names_t *names, const char *name, size_t length, uint32_t number);

#endif
