#ifndef OR_GRAPH_REFERENCE_H
#define OR_GRAPH_REFERENCE_H
#include "openruntime/backend/backend.h"

/* Compiles a subgraph for the C references (ops/reference_executable.h) with its workspace planned. `allocator` lives
 * as long as the executable. Statuses of or_reference_executable_create. */
or_status_t or_reference_compile(const or_allocator_t *allocator, const or_subgraph_t *subgraph, or_executable_t *out);

#endif
