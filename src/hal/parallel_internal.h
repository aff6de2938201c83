#ifndef OR_HAL_PARALLEL_INTERNAL_H
#define OR_HAL_PARALLEL_INTERNAL_H
/* What parallel.c (slices, libgomp) and parallel_pthread.c (a team of our own) share. */

#include "hal/parallel.h"

/* One loop, cut into slices of whole multiples of the grain; the last takes the rest. */
typedef struct or_loop_t {
  or_parallel_body_t body;
  void *self;
  size_t count, grain;
  size_t units; /* of `grain` elements */
  int slices;
} or_loop_t;
/* Runs slice `index` as team thread `thread`. */
void or_loop_run_slice(const or_loop_t *loop, int index, int thread);

typedef struct or_pthread_team_t or_pthread_team_t;
/* `size` >= 2, the leader included. */
or_status_t or_pthread_team_create(const or_allocator_t *allocator, int size, or_pthread_team_t **out);
void or_pthread_team_free(or_pthread_team_t *team); /* takes NULL */
void or_pthread_team_run(or_pthread_team_t *team, const or_loop_t *loop);

#endif
