#include "graph/reference.h"

#include "base/alloc.h"
#include "base/cancel.h"
#include "hal/packed.h"
#include "hal/subgraph_memory.h"
#include "ops/reference_executable.h"

static or_status_t hold(void *self, const or_constant_t *constant, void **held, const void **data) {
  or_packed_t *packed = NULL;
  or_status_t status = or_packed_plain(self, constant, NULL, &packed);
  if (!or_ok(status)) return status;
  *held = packed;
  *data = or_buffer_host_pointer(or_packed_buffer(packed));
  return status;
}

static void let_go(void *held) { or_packed_release(held); }

or_status_t or_reference_compile(const or_allocator_t *allocator, or_device_t *device, const or_subgraph_t *subgraph,
                                 or_executable_t *out) {
  or_subgraph_memory_t memory = {0};
  or_status_t status = or_subgraph_memory_plan(allocator, subgraph, true, &memory);
  if (!or_ok(status)) return status;
  or_reference_options_t options = {.allocator = allocator,
                                    .offsets = memory.offsets,
                                    .workspace_bytes = memory.bytes,
                                    .workspace_bytes_unplanned = memory.bytes_unplanned,
                                    .cancel_status = or_cancel_status,
                                    .hold = device != NULL ? hold : NULL,
                                    .let_go = let_go,
                                    .holder = device};
  status = or_reference_executable_create(&options, subgraph, out);
  or_free(allocator, memory.offsets);
  return status;
}
