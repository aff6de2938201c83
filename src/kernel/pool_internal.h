#ifndef OR_KERNEL_POOL_INTERNAL_H
#define OR_KERNEL_POOL_INTERNAL_H
#include "kernel/pool.h"

#define OR_KERNELS_MAX_WORKERS 64u

/* Counted. */
struct or_kernels_t {
  or_ref_t ref;
  or_runtime_t *runtime; /* retained */
  const or_allocator_t *allocator;
  or_kernels_options_t options; /* `program` is the one below */
  char *program;
  or_worker_environment_t environment;

  or_mutex_t mutex;   /* all below */
  or_cond_t changed;  /* a slot's state; the keeper's work */
  or_thread_t keeper; /* starts workers, and ends idle ones; lives from the first lease to the end */
  or_thread_t tidier; /* removes what workers leave, which may take long; lives as long */
  or_cond_t left_some;
  or_leftover_t *leftovers;
  bool last_left;          /* no more of them come */
  or_cancel_t tidying_end; /* what lies there then waits for another program's sweep */
  bool stop;
  uint64_t last_serial;
  or_worker_slot_t *slots; /* options.workers of them */
};

/* The keeper's main. */
void or_worker_keeper(void *kernels);
/* The tidier's. */
void or_worker_tidier(void *kernels);
/* Ends a slot's worker, which the caller holds (LEASED or ENDING): afterwards the slot is free. Without the mutex. */
void or_worker_clear(or_kernels_t *kernels, or_worker_slot_t *slot);

#endif
