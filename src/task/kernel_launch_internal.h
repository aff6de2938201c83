#ifndef OR_TASK_KERNEL_LAUNCH_INTERNAL_H
#define OR_TASK_KERNEL_LAUNCH_INTERNAL_H
/* A launch made of a task, for the files of this folder. */

#include "task/task_internal.h"

/* On its maker's thread. */
typedef struct or_task_launch_t {
  or_runtime_t *runtime;
  const or_task_context_t *context;
  or_kernel_launch_t launch; /* its arguments are those below */
  or_kernel_argument_t arguments[OR_KERNEL_MAX_PARAMETERS];
  or_tensor_t *tensors[OR_KERNEL_MAX_PARAMETERS]; /* one reference each */
  size_t tensor_count;
} or_task_launch_t;
/* `context` NULL: only to be checked, so that tensors have a form and no content. The task outlives it. On failure
 * nothing is to be freed. */
or_status_t or_task_launch_make(or_task_launch_t *launch, const or_task_t *task, or_runtime_t *runtime,
                                const or_task_context_t *context);
void or_task_launch_free(or_task_launch_t *launch);

#endif
