#include "server/workers.h"

#include "base/alloc.h"
#include "base/clock.h"

typedef struct piece_t {
  or_work_t work;
  void *self;
} piece_t;

/* Everything below the mutex is under it. */
struct or_workers_t {
  or_workers_options_t options;
  or_thread_t threads[OR_WORKERS_MAX_THREADS];
  or_mutex_t mutex;
  or_cond_t wake;
  piece_t ring[OR_WORKERS_MAX_QUEUED];
  size_t head, count;
  int64_t tick_ns; /* when the next one is due */
  bool stopping, joined;
};

static void serve(void *argument);

or_status_t or_workers_create(const or_workers_options_t *options, or_workers_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(options->allocator, sizeof(or_workers_t), &memory);
  if (!or_ok(status)) return status;
  or_workers_t *workers = memory;
  workers->options = *options;
  if (options->queued == 0 || options->queued > OR_WORKERS_MAX_QUEUED) workers->options.queued = OR_WORKERS_MAX_QUEUED;
  workers->tick_ns = options->interval_ns > 0 ? or_clock_ns() + options->interval_ns : INT64_MAX;
  or_mutex_init(&workers->mutex);
  or_cond_init(&workers->wake);
  for (unsigned i = 0; i < options->threads && i < OR_WORKERS_MAX_THREADS && or_ok(status); ++i)
    status = or_thread_start(&workers->threads[i], options->name, serve, workers);
  if (!or_ok(status)) {
    or_workers_free(workers);
    return status;
  }
  *out = workers;
  return status;
}

or_status_t or_workers_submit(or_workers_t *workers, or_work_t work, void *self) {
  or_status_t status = or_status_success();
  or_mutex_lock(&workers->mutex);
  if (workers->stopping) {
    status = or_error(OR_UNAVAILABLE, "the server is draining");
  } else if (workers->count == workers->options.queued) {
    status = or_error(OR_UNAVAILABLE, "%u requests of this kind wait already, the limit", workers->options.queued);
  } else {
    workers->ring[(workers->head + workers->count++) % OR_WORKERS_MAX_QUEUED] = (piece_t){work, self};
    or_cond_signal(&workers->wake);
  }
  or_mutex_unlock(&workers->mutex);
  return status;
}

/* What is to be done next; false: the thread ends. `work` NULL: it is time to tick. */
static bool take_locked(or_workers_t *workers, piece_t *out) {
  *out = (piece_t){NULL, NULL};
  while (workers->count == 0 && !workers->stopping) {
    if (or_clock_ns() >= workers->tick_ns) {
      workers->tick_ns = or_clock_ns() + workers->options.interval_ns;
      return true;
    }
    (void)or_cond_wait_until(&workers->wake, &workers->mutex, workers->tick_ns);
  }
  if (workers->count == 0) return false;
  *out = workers->ring[workers->head];
  workers->head = (workers->head + 1) % OR_WORKERS_MAX_QUEUED;
  --workers->count;
  return true;
}

static void serve(void *argument) {
  or_workers_t *workers = argument;
  piece_t piece;
  if (workers->options.patient) or_thread_let_others_finish();
  or_mutex_lock(&workers->mutex);
  while (take_locked(workers, &piece)) {
    const bool stopped = workers->stopping;
    or_mutex_unlock(&workers->mutex);
    if (piece.work != NULL) {
      piece.work(piece.self, stopped);
    } else {
      workers->options.tick(workers->options.tick_self);
    }
    or_mutex_lock(&workers->mutex);
  }
  or_mutex_unlock(&workers->mutex);
}

void or_workers_stop(or_workers_t *workers) {
  if (workers == NULL) return;
  or_mutex_lock(&workers->mutex);
  workers->stopping = true;
  const bool join = !workers->joined;
  workers->joined = true;
  or_cond_broadcast(&workers->wake);
  or_mutex_unlock(&workers->mutex);
  for (unsigned i = 0; join && i < OR_WORKERS_MAX_THREADS; ++i) or_thread_join(&workers->threads[i]);
}

void or_workers_free(or_workers_t *workers) {
  if (workers == NULL) return;
  or_workers_stop(workers);
  or_cond_deinit(&workers->wake);
  or_mutex_deinit(&workers->mutex);
  or_free(workers->options.allocator, workers);
}
