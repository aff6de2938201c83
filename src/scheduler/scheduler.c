/* The door of the scheduler: acceptance, cancellation, settings, its beginning and its end. */
#include "scheduler/scheduler.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "scheduler/scheduler_internal.h"

#define RETRY_MIN_S 1.0
#define RETRY_MAX_S 60.0
#define HELPED_JOBS 2u /* more than one, so that the queue becomes shorter */

static void put_defaults(or_scheduler_options_t *options) {
  if (options->max_waiting == 0) options->max_waiting = OR_SCHEDULER_MAX_WAITING;
  if (options->max_owner_waiting == 0) options->max_owner_waiting = OR_SCHEDULER_MAX_OWNER_WAITING;
  if (options->keep_finished == 0) options->keep_finished = OR_SCHEDULER_KEEP_FINISHED;
  if (options->max_waiting_bytes == 0) options->max_waiting_bytes = OR_SCHEDULER_MAX_WAITING_BYTES;
  if (options->age_ns == 0) options->age_ns = OR_SCHEDULER_AGE_NS;
  if (options->stuck_ns == 0) options->stuck_ns = OR_SCHEDULER_STUCK_NS;
  if (options->here_ns == 0) options->here_ns = OR_SCHEDULER_HERE_NS;
}

/* Enough threads for the hardware's concurrency. */
static or_status_t start_workers(hardware_t *hardware) {
  or_status_t status = or_status_success();
  while (or_ok(status) && hardware->worker_count < hardware->concurrency) {
    status = or_thread_start(&hardware->workers[hardware->worker_count], "or-worker", or_worker_main, hardware);
    if (or_ok(status)) ++hardware->worker_count;
  }
  return status;
}

or_status_t or_scheduler_create(const or_scheduler_options_t *options, or_scheduler_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(options->runtime);
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_scheduler_t), &memory);
  if (!or_ok(status)) return status;
  or_scheduler_t *scheduler = memory;
  scheduler->allocator = allocator;
  scheduler->options = *options;
  scheduler->runtime = options->runtime;
  scheduler->next_deadline_ns = INT64_MIN;
  put_defaults(&scheduler->options);
  or_mutex_init(&scheduler->mutex);
  or_cond_init(&scheduler->clock_wake);
  or_cond_init(&scheduler->quiet);
  or_cond_init(&scheduler->recorded);
  or_runtime_retain(scheduler->runtime);
  if (options->models_directory != NULL)
    status = or_strdup(allocator, options->models_directory, &scheduler->models_directory);
  if (or_ok(status)) status = or_places_open(scheduler);
  if (or_ok(status)) status = or_thread_start(&scheduler->clock, "or-clock", or_clock_main, scheduler);
  for (size_t i = 0; or_ok(status) && i < scheduler->hardware_count; ++i)
    status = start_workers(&scheduler->hardware[i]);
  if (!or_ok(status)) {
    scheduler->draining = true;
    or_scheduler_free(scheduler);
    return status;
  }
  *out = scheduler;
  return status;
}

void or_job_leave_on_disk(or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  or_job_desert(job, OR_UNAVAILABLE);
  or_mutex_lock(&scheduler->mutex);
  const bool recorded = job->start == OR_START_RECORDED;
  or_mutex_unlock(&scheduler->mutex);
  if (recorded) or_start_take_back(job);
  if (job->listener != NULL) job->listener(job->listener_self, job, OR_JOB_FINISHED);
  or_job_release(job);
}

/* What waits and is not on disk ends; what is on disk is left there. One job at a time, since ending takes no lock. */
static void empty_queue(or_scheduler_t *scheduler) {
  for (int priority = 1; priority <= OR_SCHEDULER_PRIORITIES; ++priority) {
    or_job_t *job;
    while ((job = scheduler->queue[priority].first) != NULL) {
      (void)or_share_leave(job); /* it waits, so it can */
      if (job->durable) {
        or_table_remove(scheduler, job);
        or_mutex_unlock(&scheduler->mutex);
        or_job_leave_on_disk(job);
      } else {
        or_mutex_unlock(&scheduler->mutex);
        or_job_end(job, or_error(OR_CANCELLED, "the scheduler is shutting down"), NULL);
      }
      or_mutex_lock(&scheduler->mutex);
    }
  }
}

static bool is_at_work(const or_scheduler_t *scheduler) {
  return scheduler->running > scheduler->abandoned || scheduler->admitting > 0 || scheduler->visits != NULL;
}

void or_scheduler_drain(or_scheduler_t *scheduler, int64_t grace_ns) {
  const int64_t deadline_ns = or_clock_ns() + grace_ns;
  or_mutex_lock(&scheduler->mutex);
  scheduler->draining = true;
  or_cond_broadcast(&scheduler->quiet); /* visitors that wait */
  empty_queue(scheduler);
  while (is_at_work(scheduler) && or_cond_wait_until(&scheduler->quiet, &scheduler->mutex, deadline_ns)) {
  }
  for (or_job_t *job = scheduler->active.first; job != NULL; job = job->active_next) {
    job->interrupted = !or_cancel_requested(&job->cancel);
    or_cancel_request(&job->cancel);
    if (job->execution != NULL) or_cancel_request(&job->execution->cancel);
  }
  for (or_visit_t *visit = scheduler->visits; visit != NULL; visit = visit->next) or_cancel_request(visit->cancel);
  or_cond_signal(&scheduler->clock_wake);
  while (is_at_work(scheduler)) or_cond_wait(&scheduler->quiet, &scheduler->mutex);
  or_mutex_unlock(&scheduler->mutex);
}

static void release_jobs(or_scheduler_t *scheduler, job_list_t *list) {
  or_job_t *job;
  while ((job = list->first) != NULL) {
    or_table_remove(scheduler, job);
    or_job_release(job);
  }
}

void or_scheduler_free(or_scheduler_t *scheduler) {
  if (scheduler == NULL) return;
  assert(scheduler->draining && "or_scheduler_drain comes first");
  or_mutex_lock(&scheduler->mutex);
  scheduler->stopping = true;
  const bool stuck = scheduler->abandoned > 0;
  for (size_t i = 0; i < scheduler->hardware_count; ++i) or_cond_broadcast(&scheduler->hardware[i].wake);
  or_cond_broadcast(&scheduler->clock_wake);
  or_mutex_unlock(&scheduler->mutex);
  or_thread_join(&scheduler->clock);
  if (stuck) return; /* a worker that never came back still uses all of this */
  for (size_t i = 0; i < scheduler->hardware_count; ++i) {
    hardware_t *hardware = &scheduler->hardware[i];
    for (size_t k = 0; k < hardware->worker_count; ++k) or_thread_join(&hardware->workers[k]);
    or_cond_deinit(&hardware->wake);
  }
  release_jobs(scheduler, &scheduler->active);
  release_jobs(scheduler, &scheduler->finished);
  or_cond_deinit(&scheduler->recorded);
  or_cond_deinit(&scheduler->quiet);
  or_cond_deinit(&scheduler->clock_wake);
  or_mutex_deinit(&scheduler->mutex);
  or_free(scheduler->allocator, scheduler->models_directory);
  or_runtime_release(scheduler->runtime);
  or_free(scheduler->allocator, scheduler);
}

/* ---- acceptance ---- */

/* A task whose device can't be had, or one that no allowed hardware could ever hold. What was accepted before a restart
 * waits for its device. */
static or_status_t check_places(or_scheduler_t *scheduler, const or_job_t *job, or_refusal_t *refusal) {
  bool preferred, anywhere = false, fits = false;
  uint64_t most_bytes = 0;
  char words[256];
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    const place_t *place = &scheduler->places[i];
    if (!or_place_allows(scheduler, job, place, &preferred)) continue;
    const uint64_t limit = place->hardware->memory_limit;
    anywhere = true;
    fits = fits || job->estimate.memory_bytes <= limit;
    if (limit > most_bytes) most_bytes = limit;
  }
  if (!anywhere && job->recovered) return or_status_success();
  if (!anywhere && !or_task_strict_device(job->task)) {
    refusal->kind = OR_REFUSED_CAPACITY;
    refusal->retry_after_s = RETRY_MIN_S;
    return or_error(OR_UNAVAILABLE, "no device can be had now: each was taken out or lost");
  }
  if (!anywhere) {
    refusal->kind = OR_REFUSED_REQUEST;
    return or_error(OR_FAILED_PRECONDITION, "%s, and strict_device forbids another",
                    or_place_what_became(scheduler, job, words, sizeof words));
  }
  if (fits) return or_status_success();
  refusal->kind = OR_REFUSED_MEMORY;
  return or_error(OR_RESOURCE_EXHAUSTED, "the task needs about %llu bytes; the limit of the hardware is %llu",
                  (unsigned long long)job->estimate.memory_bytes, (unsigned long long)most_bytes);
}

static size_t count_of_owner(const or_scheduler_t *scheduler, const char *owner) {
  size_t count = 0;
  for (const or_job_t *job = scheduler->active.first; job != NULL; job = job->active_next)
    count += job->state == OR_TASK_PENDING && strcmp(job->owner, owner) == 0;
  return count;
}

static double retry_after_s(or_scheduler_t *scheduler) {
  const double backlog_s = or_place_backlog(scheduler);
  return backlog_s < RETRY_MIN_S ? RETRY_MIN_S : backlog_s > RETRY_MAX_S ? RETRY_MAX_S : backlog_s;
}

/* What was accepted before a restart is not refused after it: then there may be more than new work is let in for, by
 * what ran when the server stopped. */
static or_status_t check_capacity(or_scheduler_t *scheduler, const or_job_t *job, or_refusal_t *refusal) {
  const or_scheduler_options_t *options = &scheduler->options;
  if (job->recovered) return or_status_success();
  refusal->kind = OR_REFUSED_CAPACITY;
  if (scheduler->draining) return or_error(OR_UNAVAILABLE, "shutting down: no new work is taken");
  if (scheduler->waiting + scheduler->admitting >= options->max_waiting)
    return or_error(OR_UNAVAILABLE, "%u tasks are waiting already (max_waiting)", options->max_waiting);
  if (scheduler->waiting_bytes + job->request_bytes > options->max_waiting_bytes)
    return or_error(OR_UNAVAILABLE, "requests that wait hold %llu bytes; with %llu more they would exceed %llu",
                    (unsigned long long)scheduler->waiting_bytes, (unsigned long long)job->request_bytes,
                    (unsigned long long)options->max_waiting_bytes);
  if (scheduler->waiting >= options->max_owner_waiting &&
      count_of_owner(scheduler, job->owner) >= options->max_owner_waiting) {
    refusal->kind = OR_REFUSED_QUOTA;
    return or_error(OR_UNAVAILABLE, "%u tasks of this key are waiting already", options->max_owner_waiting);
  }
  return or_status_success();
}

/* Carries out what has begun, and looks after those who wait for its place. */
static void carry_out_here(execution_t *execution) {
  hardware_t *hardware = execution->place->hardware;
  or_scheduler_t *scheduler = hardware->scheduler;
  execution->here = true;
  or_execution_carry_out(execution);
  or_mutex_lock(&scheduler->mutex);
  if (scheduler->waiting > 0) or_hardware_wake(hardware);
  or_mutex_unlock(&scheduler->mutex);
}

/* The job may wait for its turn; `here`: or have it at once, on this thread. */
static void admit(or_job_t *job, bool here) {
  or_scheduler_t *scheduler = job->scheduler;
  execution_t execution;
  place_t *place = NULL;
  or_job_tell(job, OR_JOB_ADMITTED);
  or_mutex_lock(&scheduler->mutex);
  job->admitted = true;
  or_job_watch_t *watches = or_job_take_admission_watches(job);
  const bool cancelled = or_cancel_requested(&job->cancel), left = scheduler->draining && job->durable;
  if (left) {
    job->ending = true;
    or_table_remove(scheduler, job);
  } else if (cancelled || scheduler->draining) {
    job->ending = true;
  } else {
    or_job_t *other = or_share_find(job);
    if (other == NULL && here) place = or_here_place(job);
    if (other != NULL) {
      or_share_join(job, other);
    } else if (place != NULL) {
      or_execution_begin(&execution, job, place);
    } else {
      or_waiting_push(scheduler, job);
    }
  }
  const bool ended = job->ending && !left;
  or_mutex_unlock(&scheduler->mutex);
  or_job_tell_watches(job, watches, OR_JOB_ADMITTED);
  if (place != NULL) carry_out_here(&execution);
  if (left) or_job_leave_on_disk(job);
  if (ended) {
    or_status_t status = or_cancel_status(&job->cancel);
    or_job_end(job, or_ok(status) ? or_error(OR_CANCELLED, "shutting down") : status, NULL);
  }
}

static void on_recorded(void *self, or_status_t status) {
  or_job_t *job = self;
  or_scheduler_t *scheduler = job->scheduler;
  if (or_ok(status)) {
    if (job->start == OR_START_UNDER_WAY) job->start = OR_START_RECORDED; /* nobody else can begin it yet */
    admit(job, false);
  } else {
    or_mutex_lock(&scheduler->mutex);
    job->ending = true;
    or_mutex_unlock(&scheduler->mutex);
    or_job_end(job, status, NULL);
  }
  or_mutex_lock(&scheduler->mutex);
  --scheduler->admitting;
  or_cond_broadcast(&scheduler->quiet);
  or_mutex_unlock(&scheduler->mutex);
  or_job_release(job);
}

static or_status_t record(or_job_t *job, const or_job_request_t *request) {
  const or_journal_t *journal = job->scheduler->options.journal;
  or_task_record_t row;
  or_job_record(job, &row);
  if (job->start == OR_START_UNDER_WAY) row.attempts = 1;
  or_job_retain(job); /* until on_recorded */
  or_status_t status = journal->admit(journal->self, &row, request->blobs, request->blob_count, on_recorded, job);
  if (!or_ok(status)) or_job_release(job);
  return status;
}

/* Short work that came before goes before: this thread does some of it, so that what waits comes to an end though there
 * is always more. */
static void help(const or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  for (size_t i = 0; i < HELPED_JOBS; ++i) {
    execution_t execution;
    place_t *place = NULL;
    or_mutex_lock(&scheduler->mutex);
    or_job_t *other = or_here_take(scheduler, &place);
    if (other != NULL) or_execution_begin(&execution, other, place);
    or_mutex_unlock(&scheduler->mutex);
    if (other == NULL) return;
    carry_out_here(&execution);
  }
}

/* A new durable job: its row first, or its work first where that is short. */
static or_status_t bring(or_job_t *job, const or_job_request_t *request) {
  execution_t execution;
  if (request->here) help(job);
  if (request->here && or_whole_begin(&execution, job)) {
    carry_out_here(&execution);
    or_status_t status = job->unrecorded;
    job->unrecorded = or_status_success();
    if (job->whole) return status;
  }
  return record(job, request);
}

/* Puts a new job into the table, or finds the one that its id stands for. Takes the lock. */
static or_status_t enter(or_scheduler_t *scheduler, or_job_t *job, or_job_watch_t *watch,
                         or_submission_result_t *result) {
  or_mutex_lock(&scheduler->mutex);
  or_job_t *known = or_table_find(scheduler, job->task_id, NULL);
  or_status_t status = or_status_success();
  if (known != NULL) {
    const bool same = strcmp(known->owner, job->owner) == 0 && known->has_digest && job->has_digest &&
                      memcmp(known->digest, job->digest, sizeof known->digest) == 0;
    if (same) {
      or_job_retain(known);
      result->job = known;
      result->existing = true;
    } else {
      status = or_error(OR_ALREADY_EXISTS, "task_id \"%s\" stands for another task", job->task_id);
    }
  } else {
    status = check_places(scheduler, job, &result->refusal);
    if (or_ok(status)) {
      status = check_capacity(scheduler, job, &result->refusal);
      if (!or_ok(status)) result->refusal.retry_after_s = retry_after_s(scheduler);
    }
    if (or_ok(status)) {
      if (watch != NULL) or_job_watch(job, watch);
      or_job_retain(job); /* the table's */
      or_table_insert(scheduler, job);
      scheduler->waiting_bytes += job->request_bytes;
      if (job->durable && !job->recovered) {
        ++scheduler->admitting;
        if (or_start_is_soon(job)) job->start = OR_START_UNDER_WAY;
      }
    }
  }
  or_mutex_unlock(&scheduler->mutex);
  return status;
}

/* The journal did not take it: as if it had never come. */
static void retract(or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  or_mutex_lock(&scheduler->mutex);
  --scheduler->admitting;
  scheduler->waiting_bytes -= job->request_bytes;
  or_table_remove(scheduler, job);
  or_cond_broadcast(&scheduler->quiet);
  or_mutex_unlock(&scheduler->mutex);
  or_job_desert(job, OR_UNAVAILABLE);
  or_job_release(job);
}

static or_status_t check_request(const or_scheduler_t *scheduler, const or_job_request_t *request) {
  if (request->task_id != NULL && !or_task_id_valid(request->task_id))
    return or_error(OR_INVALID_ARGUMENT, "task_id must be 1 to %d of A-Z a-z 0-9 . _ : -", OR_TASK_ID_BYTES - 1);
  if (request->durable && scheduler->options.journal == NULL)
    return or_error(OR_FAILED_PRECONDITION, "nothing is recorded here: a task can't be accepted before it runs");
  return or_status_success();
}

or_status_t or_scheduler_submit(or_scheduler_t *scheduler, const or_job_request_t *request,
                                or_submission_result_t *result) {
  or_job_t *job = NULL;
  *result = (or_submission_result_t){.job = NULL};
  or_status_t status = check_request(scheduler, request);
  if (!or_ok(status)) {
    or_task_free(request->task);
    return status;
  }
  status = or_job_make(scheduler, request, &job);
  if (!or_ok(status)) return status;
  status = enter(scheduler, job, request->watch, result);
  if (!or_ok(status) || result->existing) {
    or_job_release(job);
    return status;
  }
  if (job->durable && !job->recovered) {
    status = bring(job, request);
    if (!or_ok(status)) {
      result->refusal.kind = OR_REFUSED_CAPACITY;
      result->refusal.retry_after_s = RETRY_MIN_S;
      retract(job);
      or_job_release(job);
      return status;
    }
  } else {
    admit(job, request->here);
  }
  result->job = job;
  return status;
}

/* ---- what may be asked of jobs and devices ---- */

void or_scheduler_cancel(or_scheduler_t *scheduler, or_job_t *job) {
  or_mutex_lock(&scheduler->mutex);
  or_cancel_request(&job->cancel);
  job->interrupted = false;
  const bool waited = job->state == OR_TASK_PENDING, left = or_share_leave(job);
  or_mutex_unlock(&scheduler->mutex);
  if (left)
    or_job_end(job, or_error(OR_CANCELLED, waited ? "cancelled while it waited" : "cancelled by the caller"), NULL);
}

or_status_t or_scheduler_set_priority(or_scheduler_t *scheduler, or_job_t *job, int priority) {
  if (priority < 1 || priority > OR_SCHEDULER_PRIORITIES)
    return or_error(OR_OUT_OF_RANGE, "priority %d: it must be 1 to %d", priority, OR_SCHEDULER_PRIORITIES);
  or_mutex_lock(&scheduler->mutex);
  const bool waits = job->waiting || job->leader != NULL;
  if (job->leader != NULL) {
    job->priority = priority; /* for itself, should the one in the queue go */
  } else if (waits) {
    or_waiting_remove(scheduler, job);
    job->priority = priority;
    or_waiting_push(scheduler, job);
  }
  or_mutex_unlock(&scheduler->mutex);
  if (!waits) return or_error(OR_FAILED_PRECONDITION, "task \"%s\" does not wait any more", job->task_id);
  const or_journal_t *journal = scheduler->options.journal;
  return job->durable ? journal->priority(journal->self, job->task_id, priority) : or_status_success();
}

or_job_t *or_scheduler_find(or_scheduler_t *scheduler, const char *task_id, const char *owner) {
  or_mutex_lock(&scheduler->mutex);
  or_job_t *job = or_table_find(scheduler, task_id, owner);
  if (job != NULL) or_job_retain(job);
  or_mutex_unlock(&scheduler->mutex);
  return job;
}

size_t or_scheduler_active(or_scheduler_t *scheduler, const char *owner, or_job_t **jobs, size_t capacity) {
  size_t count = 0;
  or_mutex_lock(&scheduler->mutex);
  for (or_job_t *job = scheduler->active.first; job != NULL; job = job->active_next) {
    if (owner != NULL && strcmp(job->owner, owner) != 0) continue;
    if (count < capacity) {
      or_job_retain(job);
      jobs[count] = job;
    }
    ++count;
  }
  or_mutex_unlock(&scheduler->mutex);
  return count;
}

void or_scheduler_forget(or_scheduler_t *scheduler, or_job_t *job) {
  or_mutex_lock(&scheduler->mutex);
  const bool forgotten =
      or_task_state_is_final(job->state) && or_table_find(scheduler, job->task_id, job->owner) == job;
  if (forgotten) or_table_remove(scheduler, job);
  or_mutex_unlock(&scheduler->mutex);
  if (forgotten) or_job_release(job);
}

or_device_settings_t or_scheduler_device(or_scheduler_t *scheduler, const or_device_t *device) {
  or_mutex_lock(&scheduler->mutex);
  const place_t *place = or_place_of(scheduler, device);
  assert(place != NULL && "a device of another runtime");
  or_device_settings_t settings = {.is_available = place->is_available,
                                   .max_concurrency = place->hardware->concurrency,
                                   .memory_limit = place->hardware->memory_limit};
  or_mutex_unlock(&scheduler->mutex);
  return settings;
}

or_status_t or_scheduler_set_device(or_scheduler_t *scheduler, or_device_t *device,
                                    const or_device_settings_t *settings) {
  const uint32_t concurrency = settings->max_concurrency == 0 ? OR_SCHEDULER_CONCURRENCY : settings->max_concurrency;
  if (concurrency > OR_SCHEDULER_MAX_CONCURRENCY)
    return or_error(OR_OUT_OF_RANGE, "max_concurrency %u: at most %u", concurrency, OR_SCHEDULER_MAX_CONCURRENCY);
  or_mutex_lock(&scheduler->mutex);
  place_t *place = or_place_of(scheduler, device);
  assert(place != NULL && "a device of another runtime");
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    if (scheduler->places[i].device == device) scheduler->places[i].is_available = settings->is_available;
  }
  place->hardware->concurrency = concurrency;
  place->hardware->memory_limit = settings->memory_limit;
  or_status_t status = start_workers(place->hardware);
  for (size_t i = 0; i < scheduler->hardware_count; ++i) or_cond_broadcast(&scheduler->hardware[i].wake);
  or_cond_broadcast(&scheduler->quiet); /* visitors that wait */
  or_mutex_unlock(&scheduler->mutex);
  or_device_set_memory_limit(device, settings->memory_limit);
  return status;
}

or_scheduler_load_t or_scheduler_load(or_scheduler_t *scheduler) {
  or_mutex_lock(&scheduler->mutex);
  or_scheduler_load_t load = {scheduler->waiting, scheduler->running, or_place_backlog(scheduler)};
  or_mutex_unlock(&scheduler->mutex);
  return load;
}

size_t or_scheduler_running_on(or_scheduler_t *scheduler, const or_device_t *device) {
  or_mutex_lock(&scheduler->mutex);
  size_t running = 0;
  for (size_t i = 0; i < scheduler->place_count; ++i)
    running += scheduler->places[i].device == device ? scheduler->places[i].running : 0;
  or_mutex_unlock(&scheduler->mutex);
  return running;
}
