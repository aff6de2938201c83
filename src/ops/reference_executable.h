#ifndef OR_OPS_REFERENCE_EXECUTABLE_H
#define OR_OPS_REFERENCE_EXECUTABLE_H
/* An executable that carries out a subgraph node by node, fused nodes part by part, by the C references, in memory that
 * the host reaches. */

#include "openruntime/backend/backend.h"

typedef struct or_reference_options_t {
  const or_allocator_t *allocator; /* lives as long as the executable */
  /* Per value: where intermediates lie in the workspace, as or_subgraph_memory_plan (hal/) says for parts; borrowed for
   * the call. SIZE_MAX: the value is not there. */
  const size_t *offsets;
  size_t workspace_bytes;
  size_t workspace_bytes_unplanned;
  or_status_t (*cancel_status)(const or_cancel_t *cancel); /* or_cancel_status (hal/), asked before each node */
  /* NULL, or gives what a constant in a file holds, shared with others: *held is passed to `let_go` when the executable
   * goes. */
  or_status_t (*hold)(void *self, const or_constant_t *constant, void **held, const void **data);
  void (*let_go)(void *held);
  void *holder; /* `self` of hold, for the call */
} or_reference_options_t;

/* Constants that lie in a file are read here or held, once, and count as packed_bytes; resident ones are used where
 * they are. All shapes are static. UNIMPLEMENTED (an operator without a reference), RESOURCE_EXHAUSTED, DATA_LOSS. The
 * executable's `run` may be called from any thread, ignores its queue, and says UNIMPLEMENTED if a range has no host
 * address. */
or_status_t or_reference_executable_create(const or_reference_options_t *options, const or_subgraph_t *subgraph,
                                           or_executable_t *out);

#endif
