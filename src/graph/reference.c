#include "graph/reference.h"

#include "base/alloc.h"
#include "base/cancel.h"
#include "hal/subgraph_memory.h"
#include "ops/reference_executable.h"

or_status_t or_reference_compile(const or_allocator_t *allocator, const or_subgraph_t *subgraph, or_executable_t *out) {
  or_subgraph_memory_t memory = {0};
  or_status_t status = or_subgraph_memory_plan(allocator, subgraph, true, &memory);
  if (!or_ok(status)) return status;
  or_reference_options_t options = {.allocator = allocator,
                                    .offsets = memory.offsets,
                                    .workspace_bytes = memory.bytes,
                                    .workspace_bytes_unplanned = memory.bytes_unplanned,
                                    .cancel_status = or_cancel_status};
  status = or_reference_executable_create(&options, subgraph, out);
  or_free(allocator, memory.offsets);
  return status;
}
