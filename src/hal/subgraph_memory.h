#ifndef OR_HAL_SUBGRAPH_MEMORY_H
#define OR_HAL_SUBGRAPH_MEMORY_H
/* Where the intermediates of a subgraph lie in one workspace, by their lifetimes. For executables that hold every
 * intermediate in memory. */

#include "openruntime/backend/subgraph.h"

#define OR_NOT_IN_WORKSPACE SIZE_MAX
typedef struct or_subgraph_memory_t {
  size_t *offsets; /* per value; OR_NOT_IN_WORKSPACE for inputs, outputs, constants and values that are not used */
  size_t bytes;    /* of the workspace; a multiple of OR_DEFAULT_ALIGNMENT, as the offsets are */
  size_t bytes_unplanned; /* without sharing */
} or_subgraph_memory_t;

/* `by_parts`: fused nodes are carried out part by part, so that the values between their parts need room too. All
 * shapes are static. out->offsets is the caller's (or_free with `allocator`). RESOURCE_EXHAUSTED; OUT_OF_RANGE (sizes
 * overflow). */
or_status_t or_subgraph_memory_plan(const or_allocator_t *allocator, const or_subgraph_t *subgraph, bool by_parts,
                                    or_subgraph_memory_t *out);

#endif
