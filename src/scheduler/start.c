/* The starts of attempts, on record before they begin: else a task that brings the server down would be tried for ever,
 * and one that must not run twice would.
 *
 * A start waits for a commit, which takes far longer than short work. So short work that is to begin soon has its start
 * in the row that admits it; and whoever waits has the starts of short tasks that come next recorded by its commit.
 * Only first attempts of tasks that may run again: should the server end before they begin, they lose one attempt, and
 * are recorded one by one from then on. */
#include "base/clock.h"
#include "base/log.h"
#include "scheduler/scheduler_internal.h"

#define AHEAD_JOBS 64u
#define AHEAD_LOOKED 256u /* jobs that are looked at for those */
#define AHEAD_EACH_S 1e-4 /* what such a task takes at most, */
#define AHEAD_ALL_S 2e-3  /* and all of them */

/* What a thread waits for that has a start recorded. */
typedef struct begun_t {
  or_mutex_t mutex;
  or_cond_t cond;
  bool done;
  or_status_t status;
} begun_t;

static void on_begun(void *self, or_status_t status) {
  begun_t *begun = self;
  or_mutex_lock(&begun->mutex);
  begun->done = true;
  begun->status = status;
  or_cond_signal(&begun->cond);
  or_mutex_unlock(&begun->mutex);
}

static or_status_t put(or_job_t *job, int attempt, const char *device_id, begun_t *begun) {
  const or_journal_t *journal = job->scheduler->options.journal;
  const or_journal_start_t start = {job->task_id, attempt, device_id, or_clock_wall_us()};
  return journal->start(journal->self, &start, begun != NULL ? on_begun : NULL, begun);
}

/* *good becomes false if it is not on record. A start that can't be is the end of a task that must not run twice; one
 * that may be is carried out all the same, though the disk is full. */
static or_status_t record_start(or_job_t *job, bool wait, bool *good) {
  begun_t begun = {.done = false};
  or_mutex_init(&begun.mutex);
  or_cond_init(&begun.cond);
  or_status_t status = put(job, job->attempts, job->device_id, wait ? &begun : NULL);
  if (or_ok(status) && wait) {
    or_mutex_lock(&begun.mutex);
    while (!begun.done) or_cond_wait(&begun.cond, &begun.mutex);
    or_mutex_unlock(&begun.mutex);
    status = begun.status;
  }
  or_cond_deinit(&begun.cond);
  or_mutex_deinit(&begun.mutex);
  *good = *good && or_ok(status);
  if (or_ok(status) || !or_task_rerun_on_restart(job->task)) return status;
  or_log(OR_LOG_TASK, OR_LOG_WARNING, "start_not_recorded", "task=%s error=%s", job->task_id,
         or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* told: only the count of attempts is short by one */
  return or_status_success();
}

static bool may_be_ahead(const or_job_t *job) {
  return job->durable && job->start == OR_START_NONE && job->attempts == 0 && job->member_next == NULL &&
         or_task_rerun_on_restart(job->task);
}

/* Short tasks that are about to come, one reference each. With the lock held. */
static size_t choose_ahead(const execution_t *execution, or_job_t *jobs[AHEAD_JOBS]) {
  or_scheduler_t *scheduler = execution->job->scheduler;
  double sum_s = 0;
  size_t count = 0, looked = 0;
  if (execution->job->attempts > 1) return 0; /* it may have ended the server */
  for (int priority = OR_SCHEDULER_PRIORITIES; priority >= 1; --priority) {
    for (or_job_t *job = scheduler->queue[priority].first; job != NULL; job = job->next) {
      if (count == AHEAD_JOBS || ++looked > AHEAD_LOOKED) return count;
      const double seconds = or_place_seconds(execution->place, job->task, &job->estimate);
      sum_s += seconds;
      if (seconds > AHEAD_EACH_S || sum_s > AHEAD_ALL_S) return count; /* what is behind it does not come soon */
      if (!may_be_ahead(job)) continue;
      job->start = OR_START_UNDER_WAY;
      or_job_retain(job);
      jobs[count++] = job;
    }
  }
  return count;
}

bool or_start_is_soon(const or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  if (job->attempts > 0 || !or_task_rerun_on_restart(job->task)) return false;
  if (or_place_least_seconds(scheduler, job) > AHEAD_EACH_S || scheduler->waiting_s > AHEAD_ALL_S) return false;
  for (size_t i = 0; i < scheduler->hardware_count; ++i) {
    const hardware_t *hardware = &scheduler->hardware[i];
    if (hardware->running_s / hardware->concurrency <= AHEAD_ALL_S) return true;
    if (hardware->running < hardware->concurrency && !hardware->exclusive) return true;
  }
  return false;
}

/* The first of its attempts did not begin after all: it is left for the next server. */
void or_start_take_back(or_job_t *job) {
  or_status_ignore(put(job, job->attempts, NULL, NULL)); /* else that attempt counts */
}

/* They have been recorded, or not: `good` says so. */
static void end_ahead(or_scheduler_t *scheduler, or_job_t *const *jobs, size_t count, bool good) {
  bool left[AHEAD_JOBS];
  if (count == 0) return;
  or_mutex_lock(&scheduler->mutex);
  for (size_t i = 0; i < count; ++i) {
    jobs[i]->start = good ? OR_START_RECORDED : OR_START_NONE;
    left[i] = jobs[i]->deserted;
  }
  or_cond_broadcast(&scheduler->recorded);
  or_mutex_unlock(&scheduler->mutex);
  for (size_t i = 0; i < count; ++i) {
    if (left[i]) or_start_take_back(jobs[i]);
    or_job_release(jobs[i]);
  }
}

/* Those whose start must be recorded now. Waits for what another thread has under way. With the lock held. */
static size_t choose_now(const execution_t *execution, or_job_t *jobs[OR_EXECUTION_MAX_JOBS]) {
  or_scheduler_t *scheduler = execution->job->scheduler;
  size_t count = 0;
  while (execution->job->start == OR_START_UNDER_WAY) or_cond_wait(&scheduler->recorded, &scheduler->mutex);
  for (or_job_t *job = execution->members; job != NULL && count < OR_EXECUTION_MAX_JOBS; job = job->member_next) {
    const bool recorded = job->start == OR_START_RECORDED;
    job->start = OR_START_NONE; /* of the next attempt */
    if (!job->durable || job->whole || recorded) continue;
    or_job_retain(job);
    jobs[count++] = job;
  }
  return count;
}

or_status_t or_starts_record(const execution_t *execution) {
  or_job_t *now[OR_EXECUTION_MAX_JOBS], *ahead[AHEAD_JOBS];
  or_scheduler_t *scheduler = execution->job->scheduler;
  size_t ahead_count = 0;
  if (scheduler->options.journal == NULL) return or_status_success();
  or_mutex_lock(&scheduler->mutex);
  const size_t count = choose_now(execution, now);
  if (count > 0) ahead_count = choose_ahead(execution, ahead);
  or_mutex_unlock(&scheduler->mutex);
  bool good = true; /* the journal keeps their order: who waits for the last waits for all */
  for (size_t i = 0; i < ahead_count; ++i) {
    or_status_t queued = put(ahead[i], 1, execution->job->device_id, NULL);
    good = good && or_ok(queued);
    or_status_ignore(queued); /* then each waits for its own */
  }
  or_status_t status = or_status_success();
  for (size_t i = 0; i < count; ++i) {
    if (or_ok(status)) status = record_start(now[i], i + 1 == count, &good);
    or_job_release(now[i]);
  }
  end_ahead(scheduler, ahead, ahead_count, good);
  return status;
}
