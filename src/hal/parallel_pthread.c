#include <assert.h>

#include "base/thread.h"
#include "hal/parallel_internal.h"
#include "hal/spin_internal.h"

#define TEAM_SPIN_NS 50000 /* between two loops of one layer's kernels */

typedef struct worker_t {
  or_pthread_team_t *team;
  or_thread_t thread;
  int index; /* 1..size-1; the leader is 0 */
} worker_t;

/* Led by one thread. `loop` is written by the leader before `round` goes up and stays until every worker has counted
 * itself off in `working`. Both sides look at the other's atomic and at `sleepers` in one total order, so that none
 * sleeps through a change. */
struct or_pthread_team_t {
  const or_allocator_t *allocator;
  int size;
  const or_loop_t *loop; /* NULL: the workers leave */
  atomic_uint round;     /* loops so far */
  atomic_uint working;   /* workers that have not finished this round */
  or_mutex_t mutex;
  or_cond_t started, finished;
  atomic_uint sleepers;      /* workers asleep on `started` */
  atomic_bool leader_asleep; /* on `finished` */
  worker_t workers[];
};

static void worker_main(void *argument);
static void start_round(or_pthread_team_t *team, const or_loop_t *loop);

or_status_t or_pthread_team_create(const or_allocator_t *allocator, int size, or_pthread_team_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_pthread_team_t) + (size_t)size * sizeof(worker_t), &memory);
  if (!or_ok(status)) return status;
  or_pthread_team_t *team = memory;
  team->allocator = allocator;
  team->size = 1;
  or_mutex_init(&team->mutex);
  or_cond_init(&team->started);
  or_cond_init(&team->finished);
  for (int i = 1; or_ok(status) && i < size; ++i) {
    team->workers[i] = (worker_t){.team = team, .index = i};
    status = or_thread_start(&team->workers[i].thread, "or-team", worker_main, &team->workers[i]);
    if (or_ok(status)) ++team->size;
  }
  if (!or_ok(status)) {
    or_pthread_team_free(team);
    return status;
  }
  *out = team;
  return or_status_success();
}

void or_pthread_team_free(or_pthread_team_t *team) {
  if (team == NULL) return;
  start_round(team, NULL);
  for (int i = 1; i < team->size; ++i) or_thread_join(&team->workers[i].thread);
  or_cond_deinit(&team->finished);
  or_cond_deinit(&team->started);
  or_mutex_deinit(&team->mutex);
  or_free(team->allocator, team);
}

void or_pthread_team_run(or_pthread_team_t *team, const or_loop_t *loop) {
  start_round(team, loop);
  or_loop_run_slice(loop, 0, 0);
  for (unsigned left; (left = atomic_load(&team->working)) != 0;) {
    if (or_spin_while_equal(&team->working, left, TEAM_SPIN_NS)) continue;
    or_mutex_lock(&team->mutex);
    atomic_store(&team->leader_asleep, true);
    while (atomic_load(&team->working) != 0) or_cond_wait(&team->finished, &team->mutex);
    atomic_store(&team->leader_asleep, false);
    or_mutex_unlock(&team->mutex);
  }
}

static void start_round(or_pthread_team_t *team, const or_loop_t *loop) {
  team->loop = loop;
  atomic_store(&team->working, (unsigned)team->size - 1);
  atomic_fetch_add(&team->round, 1);
  if (atomic_load(&team->sleepers) == 0) return;
  or_mutex_lock(&team->mutex);
  or_cond_broadcast(&team->started);
  or_mutex_unlock(&team->mutex);
}

static void wait_for_round(or_pthread_team_t *team, unsigned seen) {
  if (or_spin_while_equal(&team->round, seen, TEAM_SPIN_NS)) return;
  or_mutex_lock(&team->mutex);
  atomic_fetch_add(&team->sleepers, 1);
  while (atomic_load(&team->round) == seen) or_cond_wait(&team->started, &team->mutex);
  atomic_fetch_sub(&team->sleepers, 1);
  or_mutex_unlock(&team->mutex);
}

static void worker_main(void *argument) {
  worker_t *worker = argument;
  or_pthread_team_t *team = worker->team;
  for (unsigned seen = 0;; ++seen) {
    wait_for_round(team, seen);
    const or_loop_t *loop = team->loop;
    if (loop == NULL) return;
    if (worker->index < loop->slices) or_loop_run_slice(loop, worker->index, worker->index);
    if (atomic_fetch_sub(&team->working, 1) != 1 || !atomic_load(&team->leader_asleep)) continue;
    or_mutex_lock(&team->mutex);
    or_cond_signal(&team->finished);
    or_mutex_unlock(&team->mutex);
  }
}
