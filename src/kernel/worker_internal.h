#ifndef OR_KERNEL_WORKER_INTERNAL_H
#define OR_KERNEL_WORKER_INTERNAL_H
/* A worker process from within. Its main thread reads requests, and sees its parent go; the queue's thread carries them
 * out and answers. */

#include "hal/queue.h"
#include "kernel/protocol.h"

/* Kernels that a worker holds; a request to compile names the place. */
#define OR_WORKER_MAX_KERNELS 64u

typedef struct or_worker_self_t {
  const or_allocator_t *allocator;
  or_runtime_t *runtime;
  or_device_t *device;
  or_queue_t *queue;
  /* The queue's thread. */
  struct {
    bool there;
    or_backend_kernel_t kernel;
  } kernels[OR_WORKER_MAX_KERNELS];
  char log[OR_KERNEL_LOG_BYTES];
} or_worker_self_t;

/* A request, from reading to answer. */
typedef struct or_worker_job_t {
  or_worker_self_t *worker;
  or_worker_kind_t kind;
  or_text_t body;
  int descriptor; /* -1: none */
  /* What was found, of COMPILE and RUN. */
  or_worker_compiled_t compiled;
  or_worker_ran_t ran;
} or_worker_job_t;
/* On the queue's thread: or_queue_work_t. */
or_status_t or_worker_job_work(void *self, const or_queue_context_t *context);

#endif
