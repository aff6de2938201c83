/* Short work that is to be recorded and may run again, carried out by the thread that brings it before it is recorded:
 * one row has it with its end, where a row, its start and its end would be three changes and two waits for the disk.
 *
 * Nobody was told yet that it was accepted. Should the server end before the row is on disk, the task never came; and
 * whoever sends it again has it run again, so it must be one that may. Its events come when it is recorded. */
#include "scheduler/scheduler_internal.h"

bool or_whole_begin(execution_t *execution, or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  place_t *place = NULL;
  if (!or_task_rerun_on_restart(job->task)) return false;
  or_mutex_lock(&scheduler->mutex);
  if (!scheduler->draining && !or_cancel_requested(&job->cancel) && or_share_find(job) == NULL)
    place = or_here_place(job);
  job->whole = place != NULL;
  if (place != NULL) {
    job->start = OR_START_NONE; /* its row has its end */
    or_execution_begin(execution, job, place);
  }
  or_mutex_unlock(&scheduler->mutex);
  return place != NULL;
}

void or_whole_put_back(or_job_t *job) {
  job->whole = false;
  job->state = OR_TASK_PENDING;
  job->device_id[0] = '\0';
}

void or_whole_recorded(void *self, or_status_t status) {
  or_job_t *job = self;
  or_scheduler_t *scheduler = job->scheduler;
  if (or_ok(status)) {
    or_job_tell(job, OR_JOB_ADMITTED);
    or_mutex_lock(&scheduler->mutex);
    job->admitted = true;
    or_job_watch_t *watches = or_job_take_admission_watches(job);
    or_mutex_unlock(&scheduler->mutex);
    or_job_tell_watches(job, watches, OR_JOB_ADMITTED);
    or_job_tell(job, OR_JOB_STARTED);
    or_job_settle(job);
  } else {
    or_job_end_unrecorded(job, status);
  }
  or_mutex_lock(&scheduler->mutex);
  --scheduler->admitting;
  or_cond_broadcast(&scheduler->quiet);
  or_mutex_unlock(&scheduler->mutex);
  or_job_release(job);
}
