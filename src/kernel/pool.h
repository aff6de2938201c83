#ifndef OR_KERNEL_POOL_H
#define OR_KERNEL_POOL_H
/* The workers of an or_kernels_t: who needs one leases it, alone. */

#include "kernel/kernel_internal.h"
#include "kernel/worker_client.h"
#include "kernel/worker_internal.h"

typedef enum or_worker_state_t {
  OR_WORKER_ABSENT = 0,
  OR_WORKER_STARTING, /* the keeper is to start it */
  OR_WORKER_LEASED,
  OR_WORKER_IDLE,
  OR_WORKER_ENDING, /* someone ends it outside the lock */
} or_worker_state_t;

/* The folder of a worker that has ended; made with the worker, so that nothing can be wanting when it ends. */
typedef struct or_leftover_t or_leftover_t;
struct or_leftover_t {
  or_leftover_t *next;
  or_worker_process_t process;
};

/* A place for a worker. `state` to `pid` are under the pool's mutex; the rest is whoever's who leases it, ends
 * it or starts it. */
typedef struct or_worker_slot_t {
  or_worker_state_t state;
  or_device_t *device; /* with the owner its key, from STARTING on */
  char *owner;
  or_leftover_t *leftover;
  int64_t idle_since_ns;
  uint64_t released[OR_WORKER_MAX_KERNELS]; /* kernels that are used no more and may lie in it */
  uint32_t released_count;
  or_status_t start_status;
  pid_t pid; /* of its process, for whoever does not have it; 0: none */

  or_worker_process_t process;
  bool opened;
  char cache[OR_FILE_PATH_BYTES];
  uint64_t resident[OR_WORKER_MAX_KERNELS]; /* the serials of the kernels that lie in it; 0: free */
  uint64_t used[OR_WORKER_MAX_KERNELS], use_count;
  bool forgotten[OR_WORKER_MAX_KERNELS]; /* free, but the worker was not told */
} or_worker_slot_t;

/* The worker of a device and an owner, started if need be; waits while others have it, or have all that may be. It is
 * alive and has its device open. UNAVAILABLE, RESOURCE_EXHAUSTED, CANCELLED, DEADLINE_EXCEEDED (of the cancel). */
or_status_t or_worker_lease(or_kernels_t *kernels, or_device_t *device, const char *owner, const or_cancel_t *cancel,
                            or_worker_slot_t **out);
/* Gives it back; one whose process was ended is gone with that. */
void or_worker_give_back(or_kernels_t *kernels, or_worker_slot_t *slot);

/* Whether that owner would wait for a worker now, because of work of his own or of all the others. Any thread. */
bool or_worker_is_busy(or_kernels_t *kernels, const char *owner);

/* A number for a new kernel; and no one will ask for the kernel of that number again. Any thread. */
uint64_t or_kernels_serial(or_kernels_t *kernels);
void or_kernels_forget(or_kernels_t *kernels, const or_kernel_t *kernel);

#endif
