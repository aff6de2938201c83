#ifndef OR_BACKENDS_OPENCL_BUILD_INTERNAL_H
#define OR_BACKENDS_OPENCL_BUILD_INTERNAL_H
/* A program, and what it is while it is put together. */

#include <stdatomic.h>

#include "backends/opencl/program_internal.h"

typedef enum or_cl_place_t {
  OR_CL_NOWHERE = 0, /* not used: a value inside a fused node */
  OR_CL_INPUT,
  OR_CL_OUTPUT,
  OR_CL_CONSTANT,
  OR_CL_ARENA,
  OR_CL_ALIAS, /* of slot `index`, which is none itself, `offset` bytes in */
} or_cl_place_t;

typedef struct or_cl_slot_t {
  or_cl_place_t place;
  uint32_t index; /* of the input, the output, or the slot that this is an alias of */
  size_t offset;  /* in the workspace, or in the alias's slot */
  size_t bytes;
  or_memory_t *constant;
  uint32_t first, last; /* steps that touch it, and how many more reads are to come: kept in roots only */
  uint32_t uses;
  bool touched;
} or_cl_slot_t;

/* A parameter of a kernel that a run sets. */
typedef struct or_cl_bound_t {
  uint32_t parameter; /* the memory; its offset is the next, but for the fault's, which has none */
  or_cl_slot_id_t slot;
} or_cl_bound_t;

#define OR_CL_NO_FAULT UINT32_MAX

typedef struct or_cl_step_t {
  uint32_t node;             /* of the subgraph */
  or_cl_kernel_ref_t kernel; /* NULL: a copy; one run at a time sets its arguments, under the program's mutex */
  const or_cl_bound_t *bound;
  uint32_t bound_count;
  uint32_t fault_parameter, fault; /* OR_CL_NO_FAULT, or the number of the step's place among the faults */
  uint32_t dimensions;
  size_t global[3], local[3];
  _Atomic int64_t estimate_ns; /* of the whole launch: by what it computes and moves, then by what was measured */
  atomic_bool measured;
  or_cl_slot_id_t source, destination; /* of a copy */
  size_t source_offset, destination_offset, bytes;
} or_cl_step_t;

/* Immutable after compile, but for what the mutex guards and for the estimates. */
typedef struct or_cl_program_t {
  or_cl_device_t *device;
  or_arena_t arena; /* bound parameters, names */
  or_cl_step_t *steps;
  size_t step_count, step_capacity;
  or_cl_slot_t *slots;
  size_t slot_count, slot_capacity;
  or_packed_t **packed; /* held until release */
  size_t packed_count, packed_capacity;
  or_executable_node_t *nodes; /* and what they are called, for messages: both of the subgraph's length */
  const char **names;
  uint32_t node_count;
  uint32_t fault_count;
  or_cl_slot_id_t faults; /* an int for each step that may meet one */
  size_t workspace_bytes, unplanned_bytes;
  uint64_t packed_bytes;
  or_mutex_t mutex; /* the kernels' arguments, from the first that is set until the launch is enqueued */
} or_cl_program_t;

/* Of a value while the program is built. */
typedef struct or_cl_value_t {
  or_cl_slot_id_t slot; /* OR_CL_NO_SLOT: not there (yet) */
  uint32_t uses;        /* reads that are still to come: by nodes, and as an output of the subgraph */
  uint32_t output;      /* the first output that it is, or OR_NO_VALUE */
} or_cl_value_t;

struct or_cl_build_t {
  or_cl_device_t *device;
  or_cl_queue_t *queue;
  or_cl_program_t *program;
  const or_subgraph_t *subgraph;
  uint32_t node; /* that is being prepared */
  or_cl_value_t *values;
  or_arena_t temporary; /* gone when the build ends */
};

/* The slot that an alias stands for. */
or_cl_slot_t *or_cl_build_root(const or_cl_build_t *build, or_cl_slot_id_t slot);
or_status_t or_cl_build_slot(or_cl_build_t *build, or_cl_slot_t slot, or_cl_slot_id_t *out);
/* The next step, zeroed but for its node; pointers to steps before are no longer valid. */
or_status_t or_cl_build_step(or_cl_build_t *build, or_cl_step_t **out);
/* The last step touches this slot. */
void or_cl_build_touch(or_cl_build_t *build, or_cl_slot_id_t slot);

void or_cl_program_release(void *self);
void or_cl_program_node(void *self, uint32_t index, or_executable_node_t *out);
or_status_t or_cl_program_run(void *self, void *queue, const or_run_arguments_t *arguments);

/* Sets a parameter to memory: shared or OpenCL's own; NULL where there are no bytes. */
or_status_t or_cl_set_memory(const or_cl_device_t *device, or_cl_kernel_ref_t kernel, uint32_t parameter,
                             const or_memory_t *memory);
/* What a launch will take, roughly, before it was measured. */
int64_t or_cl_estimate_ns(const or_cl_device_t *device, double flops, double bytes);
/* A kernel with all arguments set that do not change from run to run; memory and faults go to `bound` and
 * *fault_parameter. The caller releases it. */
or_status_t or_cl_make_kernel(or_cl_device_t *device, const or_cl_launch_t *launch, or_cl_bound_t *bound,
                              uint32_t *bound_count, uint32_t *fault_parameter, or_cl_kernel_ref_t *out);

/* Enqueues a launch whose arguments are set, waits, and says how long it took: by the device's clock, or by ours where
 * it has none. */
or_status_t or_cl_time_launch(or_cl_queue_t *queue, const or_cl_launch_t *launch, or_cl_kernel_ref_t kernel,
                              int64_t *ns);

#endif
