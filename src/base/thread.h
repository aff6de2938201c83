#ifndef OR_BASE_THREAD_H
#define OR_BASE_THREAD_H
/* Threads, mutexes and condition variables: pthreads with our status; and reference counts. */

#include <pthread.h>
#include <stdatomic.h>

#include "openruntime/status.h"

typedef struct or_thread_t {
  pthread_t handle;
  bool started;
} or_thread_t;
/* Starts `main(argument)` on a thread of the given name (at most 15 bytes are kept). RESOURCE_EXHAUSTED if the system
 * refuses. All signals are blocked in it, so that they reach the program's own threads. */
or_status_t or_thread_start(or_thread_t *thread, const char *name, void (*main)(void *), void *argument);
void or_thread_join(or_thread_t *thread); /* does nothing if not started */
/* The calling thread is one of work, not of answers: being woken, it lets whoever runs on its core finish first (Linux:
 * SCHED_BATCH; elsewhere, and where the system refuses, nothing changes). */
void or_thread_let_others_finish(void);
/* Processors that the process may run on, as the first caller's affinity has them; at least 1. */
unsigned or_thread_cores(void);

typedef pthread_mutex_t or_mutex_t;
typedef pthread_cond_t or_cond_t;
void or_mutex_init(or_mutex_t *mutex);
void or_mutex_deinit(or_mutex_t *mutex);
void or_mutex_lock(or_mutex_t *mutex);
void or_mutex_unlock(or_mutex_t *mutex);
void or_cond_init(or_cond_t *cond); /* waits by the monotonic clock */
void or_cond_deinit(or_cond_t *cond);
void or_cond_wait(or_cond_t *cond, or_mutex_t *mutex);
/* False when `deadline_ns` (or_clock_ns) passed; INT64_MAX waits for ever. */
bool or_cond_wait_until(or_cond_t *cond, or_mutex_t *mutex, int64_t deadline_ns);
void or_cond_signal(or_cond_t *cond);
void or_cond_broadcast(or_cond_t *cond);

/* A count of references, at offset 0 of counted objects. */
typedef struct or_ref_t {
  atomic_uint count;
} or_ref_t;
static inline void or_ref_init(or_ref_t *ref) { atomic_init(&ref->count, 1); }
static inline void or_ref_retain(or_ref_t *ref) { atomic_fetch_add_explicit(&ref->count, 1, memory_order_relaxed); }
/* True if this was the last reference: the caller destroys the object. */
static inline bool or_ref_release(or_ref_t *ref) {
  return atomic_fetch_sub_explicit(&ref->count, 1, memory_order_acq_rel) == 1;
}

#endif
