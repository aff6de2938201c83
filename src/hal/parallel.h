#ifndef OR_HAL_PARALLEL_H
#define OR_HAL_PARALLEL_H
/* Thread teams. The only file pair that knows OpenMP: libgomp is opened at run time and shared with vendor libraries
 * (oneDNN), so that both use one team per submitting thread; builds with OR_PARALLEL_PTHREAD, and machines without
 * libgomp, use a team of pthreads. */

#include "base/alloc.h"
#include "openruntime/backend/backend.h"

/* For a program's main, before it has a second thread: idle threads of libgomp, which reads the environment once when
 * it is loaded, sleep after some 0.1 ms. Its own default is some 10 ms, in which a thread that shares its core with
 * another waits for a time slice at the end of every loop: on a busy machine ResNet-50 took four times as long. What
 * the environment says already stays. */
void or_parallel_prepare_process(void);

/* A team belongs to the thread that created it (a queue's submitting thread): only that thread may lead it. size 1:
 * no threads at all.
 * RESOURCE_EXHAUSTED. */
or_status_t or_team_create(const or_allocator_t *allocator, int size, or_team_t **out);
void or_team_free(or_team_t *team);      /* takes NULL; on its thread */
int or_team_size(const or_team_t *team); /* 1 for NULL */

/* How many threads a vendor library that shares the team's runtime may use from now on, 1 or the team's size: for work
 * that is not worth waking the others. On the leader's thread; costs nothing where it does not change. */
void or_team_limit_vendor(or_team_t *team, int threads);
/* Whether there is such a library's runtime to limit. */
bool or_parallel_limits_vendor(void);
/* Between the two a vendor library uses the calling thread alone, whichever that is. The end is given what the
 * beginning answered, and leaves the thread as it was. */
int or_vendor_alone_begin(void);
void or_vendor_alone_end(int threads);

/* Runs body over [0, count) in contiguous slices, one a thread, each at least `grain` long (grain >= 1); returns when
 * all is done. Waiting threads spin for a bound, then sleep. A NULL team runs all on the caller. Allocates nothing.
 * body must not lead a team itself. */
typedef void (*or_parallel_body_t)(void *self, size_t begin, size_t end, int thread);
void or_parallel_for(or_team_t *team, size_t count, size_t grain, or_parallel_body_t body, void *self);

/* "libgomp" or "pthread": for version and status. */
const char *or_parallel_kind(void);

#endif
