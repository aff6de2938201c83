#ifndef OR_BACKENDS_OPENCL_BUILD_INTERNAL_H
#define OR_BACKENDS_OPENCL_BUILD_INTERNAL_H
/* A program, and what it is while it is put together. */

#include <stdatomic.h>

#include "backends/opencl/program_internal.h"

/* A parameter of a kernel that a run sets. */
typedef struct or_cl_bound_t {
  uint32_t parameter; /* the memory; its offset is the next, but for the fault's, which has none */
  or_slot_id_t slot;
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
  or_slot_id_t source, destination; /* of a copy */
  size_t source_offset, destination_offset, bytes;
} or_cl_step_t;

/* Immutable after compile, but for what the mutex guards and for the estimates. */
typedef struct or_cl_program_t {
  or_lowered_t lowered;
  or_cl_device_t *device;
  or_cl_step_t *steps;
  size_t step_count, step_capacity;
  uint32_t fault_count;
  or_slot_id_t faults; /* an int for each step that may meet one */
  or_mutex_t mutex;    /* the kernels' arguments, from the first that is set until the launch is enqueued */
} or_cl_program_t;

struct or_cl_build_t {
  or_lowering_t lowering;
  or_cl_device_t *device;
  or_cl_queue_t *queue;
  or_cl_program_t *program;
};

/* The next step, zeroed but for its node; pointers to steps before are no longer valid. */
or_status_t or_cl_build_step(or_cl_build_t *build, or_cl_step_t **out);
/* The last step touches this slot. */
void or_cl_build_touch(or_cl_build_t *build, or_slot_id_t slot);

void or_cl_program_release(void *self);
void or_cl_program_node(void *self, uint32_t index, or_executable_node_t *out);
or_status_t or_cl_program_run(void *self, void *queue, const or_run_arguments_t *arguments);

/* Sets a parameter to memory: shared or OpenCL's own; NULL where there are no bytes. */
or_status_t or_cl_set_memory(const or_cl_device_t *device, or_cl_kernel_ref_t kernel, uint32_t parameter,
                             const or_memory_t *memory);
/* What a launch will take, roughly, before it was measured. */
int64_t or_cl_estimate_ns(const or_cl_device_t *device, double flops, double bytes);
/* A kernel with all arguments set that do not change from run to run; memory and faults go to `bound` and
 * *fault_parameter, and the launch's group becomes one that the kernel runs in. The caller releases it. */
or_status_t or_cl_make_kernel(or_cl_device_t *device, or_cl_launch_t *launch, or_cl_bound_t *bound,
                              uint32_t *bound_count, uint32_t *fault_parameter, or_cl_kernel_ref_t *out);

/* Enqueues a launch whose arguments are set, waits, and says how long it took: by the device's clock, or by ours where
 * it has none. */
or_status_t or_cl_time_launch(or_cl_queue_t *queue, const or_cl_launch_t *launch, or_cl_kernel_ref_t kernel,
                              int64_t *ns);

#endif
