#ifndef OR_SERVER_WORKERS_H
#define OR_SERVER_WORKERS_H
/* A few threads for what would hold a loop up: reading the disk, loading a model. Work waits in the order in which it
 * came, in a queue with a bound. Every function from any thread. */

#include "base/thread.h"

typedef struct or_workers_t or_workers_t;

#define OR_WORKERS_MAX_THREADS 8u
#define OR_WORKERS_MAX_QUEUED 256u /* pieces of work that wait, where the options say no less */

/* On a worker's thread, once for each piece that was accepted. `stopped`: the workers are ending, and it is not to be
 * carried out: only told. */
typedef void (*or_work_t)(void *self, bool stopped);

typedef struct or_workers_options_t {
  const or_allocator_t *allocator;
  const char *name;     /* of the threads */
  unsigned threads;     /* 1..OR_WORKERS_MAX_THREADS */
  unsigned queued;      /* pieces of work that wait at most, up to OR_WORKERS_MAX_QUEUED; 0: that many */
  bool patient;         /* its threads let others finish: or_thread_let_others_finish */
  int64_t interval_ns;  /* of `tick`; 0: none */
  void (*tick)(void *); /* now and then, between two pieces of work, on one of the threads */
  void *tick_self;
} or_workers_options_t;

/* RESOURCE_EXHAUSTED: memory, threads. *out is the caller's. */
or_status_t or_workers_create(const or_workers_options_t *options, or_workers_t **out);
/* UNAVAILABLE: the queue is full, or they have been stopped; `work` is not called then. */
or_status_t or_workers_submit(or_workers_t *workers, or_work_t work, void *self);
/* Takes no more; what waits is told that it is over; waits for what runs. Once or more; takes NULL. */
void or_workers_stop(or_workers_t *workers);
void or_workers_free(or_workers_t *workers); /* stops first; takes NULL */

#endif
