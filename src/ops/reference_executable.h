#ifndef OR_OPS_REFERENCE_EXECUTABLE_H
#define OR_OPS_REFERENCE_EXECUTABLE_H
/* An executable that carries out a subgraph node by node, fused nodes part by part, by the C references, in memory that
 * the host reaches. */

#include "openruntime/backend/backend.h"

typedef struct or_reference_options_t {
  const or_allocator_t *allocator; /* lives as long as the executable */
  const size_t
      *offsets; /* per value: where intermediates lie in the workspace, as or_subgraph_memory_plan (hal/) says for */
  size_t workspace_bytes; /*   parts; borrowed for the call. SIZE_MAX: the value is not there */
  size_t workspace_bytes_unplanned;
  or_status_t (*cancel_status)(const or_cancel_t *cancel); /* or_cancel_status (hal/), asked before each node */
} or_reference_options_t;

/* Constants that lie in a file are read here, once, and count as packed_bytes; resident ones are used where they are.
 * All shapes are static. UNIMPLEMENTED (an operator without a reference), RESOURCE_EXHAUSTED, DATA_LOSS. The
 * executable's `run` may be called from any thread, ignores its queue, and says UNIMPLEMENTED if a range has no host
 * address. */
or_status_t or_reference_executable_create(const or_reference_options_t *options, const or_subgraph_t *subgraph,
                                           or_executable_t *out);

#endif
