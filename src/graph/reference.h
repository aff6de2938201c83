#ifndef OR_GRAPH_REFERENCE_H
#define OR_GRAPH_REFERENCE_H
#include "hal/device.h"
#include "openruntime/backend/backend.h"

/* Compiles a subgraph for the C references (ops/reference_executable.h) with its workspace planned. `allocator` lives
 * as long as the executable. Constants in files are held on `device`, shared with whoever reads them as they are; NULL:
 * the executable has copies of its own. Statuses of or_reference_executable_create and or_packed_plain. */
or_status_t or_reference_compile(const or_allocator_t *allocator, or_device_t *device, const or_subgraph_t *subgraph,
                                 or_executable_t *out);

#endif
