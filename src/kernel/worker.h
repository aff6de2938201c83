#ifndef OR_KERNEL_WORKER_H
#define OR_KERNEL_WORKER_H
/* The worker's main: `openruntime worker`, started by the library with a socket at OR_WORKER_SOCKET. */

#include "backends/registry.h"

/* Serves its parent until that is gone, or the process is killed; then does not return. An exit code where it was not
 * started as a worker is. The process has one thread, and standard streams that nobody reads. */
int or_kernel_worker_main(void);
/* With backends of the caller's: how tests bring the fake device. */
int or_kernel_worker_main_with(const or_backend_registration_t *backends, size_t count);

#endif
