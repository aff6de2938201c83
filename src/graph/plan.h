#ifndef OR_GRAPH_PLAN_H
#define OR_GRAPH_PLAN_H
/* A plan: one shape class of a graph, placed on devices, its memory laid out, compiled; and its runs. Counted,
 * immutable; runs from any thread, several in flight. */

#include "graph/graph.h"
#include "hal/buffer.h"
#include "hal/queue.h"
#include "openruntime/session.h"

typedef struct or_plan_t or_plan_t;

typedef struct or_plan_options_t {
  or_device_t *device;       /* where everything goes that it supports */
  or_device_t *fallback;     /* the rest; NULL or the same: the rest is an error with the device's reasons */
  bool strict;               /* FAILED_PRECONDITION unless >= 99 % of the flops are on `device` */
  or_dtype_t precision;      /* for or_subgraph_t.precision; not with `reference` */
  const or_cancel_t *cancel; /* NULL, or ends the compilation: CANCELLED, DEADLINE_EXCEEDED */
  bool reference; /* every node by its C reference, on `device`'s host memory (UNIMPLEMENTED if the host can't reach it)
                   */
} or_plan_options_t;

/* Places, plans memory and compiles (on the devices' queues; blocks). `graph` is static (or_graph_specialize),
 * retained. */
or_status_t or_plan_create(const or_graph_t *graph, const or_plan_options_t *options, or_plan_t **out);
void or_plan_retain(or_plan_t *plan);
void or_plan_release(or_plan_t *plan); /* takes NULL; any thread, from `done` too; no run is in flight */

/* One run. The arrays live until `done`; tensors are borrowed until then. */
typedef struct or_plan_run_t {
  or_tensor_t *const *inputs; /* in the order of graph->inputs; an entry is NULL for a default */
  or_tensor_t **outputs; /* in the order of graph->outputs: NULL and wanted: allocated, one reference the caller's; else
                            written into */
  const bool *wanted;    /* per output; NULL: all */
  or_shape_t *output_shapes; /* filled per wanted output */
  or_cancel_t *cancel;       /* may be NULL; lives until `done` */
  uint64_t *copied_bytes;    /* NULL, or what is copied into caches and between buffers is added, before `done` */
  bool profile;              /* keep times per node for or_plan_report */
  bool here; /* of a small plan: carried out on the calling thread, beside what the device's queue has, and `done` by
                the time that or_plan_submit returns */
  /* Once, on a queue's thread, outside locks; takes the status. The plan is not touched after it was called. */
  void (*done)(void *self, or_status_t status);
  void *self;
} or_plan_run_t;
/* Checks capacities (OUT_OF_RANGE names the bytes needed) and starts. On failure `done` is not called and no output was
 * allocated. After the first run in a frame nothing of ours allocates, outputs given. RESOURCE_EXHAUSTED, DEVICE_LOST.
 */
or_status_t or_plan_submit(or_plan_t *plan, const or_plan_run_t *run);
#define OR_PLAN_FRAMES 8u /* runs of one plan that keep their memory for the next */

/* Work that takes about as long as handing it to a queue's thread and back, and that any thread may carry out. */
bool or_plan_is_small(const or_plan_t *plan);
#define OR_PLAN_SMALL_FLOPS 5e6       /* some 50 us of one thread, what four hand-overs of a task take */
#define OR_PLAN_SMALL_BYTES 1048576.0 /* read and written, likewise */

/* Bytes of the workspaces, and of the arenas and own workspaces of the runs that have their memory. Any thread. */
uint64_t or_plan_held_bytes(const or_plan_t *plan);
/* What one run takes: arenas, workspaces and outputs. UINT64_MAX: more than can be counted. */
uint64_t or_plan_run_bytes(const or_plan_t *plan);
const or_graph_t *or_plan_graph(const or_plan_t *plan);
/* The share of the operations, 0..1, that is on the plan's own device; under 99 % `elsewhere` says of the first node
 * that is not why, else it is "". Any thread. */
double or_plan_elsewhere(const or_plan_t *plan, char *elsewhere, size_t capacity);
/* Fills the report (nodes in order of execution, copies between devices as rows of operator "Copy"); strings and arrays
 * are allocated into `arena`. Any thread. RESOURCE_EXHAUSTED. */
or_status_t or_plan_report(or_plan_t *plan, or_arena_t *arena, or_session_report_t *out);

#endif
