#ifndef OR_TASK_KERNEL_LAUNCH_H
#define OR_TASK_KERNEL_LAUNCH_H
/* A kernel's task against the kernel itself. */

#include "task/kernel_registry.h"
#include "task/task.h"

/* What of the task does not fit the kernel: a problem at "data.arguments.N", "data.grid.D" or "data.block.D" for each;
 * of `limits` the bytes of buffers. RESOURCE_EXHAUSTED, UNAVAILABLE: it can't be told. */
or_status_t or_task_check_kernel(const or_task_t *task, or_runtime_t *runtime, const or_kernel_t *kernel,
                                 const or_kernels_options_t *limits, or_task_problems_t *problems);

#endif
