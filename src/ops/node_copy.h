#ifndef OR_OPS_NODE_COPY_H
#define OR_OPS_NODE_COPY_H
/* A node that outlives the subgraph it came from. */

#include "base/alloc.h"
#include "openruntime/backend/subgraph.h"

/* Copies the node with its name, inputs, outputs, attributes, parts and theirs into the arena. Tensor and graph
 * attributes are shared: they live as long as the graph that holds them. RESOURCE_EXHAUSTED. */
or_status_t or_node_copy(or_arena_t *arena, const or_node_t *node, or_node_t *out);

#endif
