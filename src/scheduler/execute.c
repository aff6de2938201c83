/* Carrying jobs out: a hardware's workers, and the clock that ends what is out of time. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/string.h"
#include "scheduler/scheduler_internal.h"

#define CLOCK_STEP_NS INT64_C(100000000) /* how often the clock looks at what runs */
#define PROGRESS_PPM 10000               /* listeners hear of progress in steps of a hundredth */

static void begin(hardware_t *hardware, execution_t *execution);
static void carry_out(execution_t *execution);
static void leave(hardware_t *hardware, execution_t *execution);

void or_worker_main(void *argument) {
  hardware_t *hardware = argument;
  or_scheduler_t *scheduler = hardware->scheduler;
  or_mutex_lock(&scheduler->mutex);
  while (!scheduler->stopping) {
    execution_t execution = {0};
    execution.job = or_waiting_take(hardware, &execution.place);
    if (execution.job == NULL) {
      ++hardware->idle;
      or_cond_wait(&hardware->wake, &scheduler->mutex);
      --hardware->idle;
      continue;
    }
    begin(hardware, &execution);
    or_mutex_unlock(&scheduler->mutex);
    carry_out(&execution);
    or_mutex_lock(&scheduler->mutex);
  }
  or_mutex_unlock(&scheduler->mutex);
}

/* With the lock held. */
static void begin(hardware_t *hardware, execution_t *execution) {
  or_job_t *job = execution->job;
  or_scheduler_t *scheduler = hardware->scheduler;
  if (hardware->running == 0) hardware->idle_used_bytes = or_device_memory_usage(execution->place->device).used_bytes;
  size_t slot = 0;
  while (hardware->executions[slot] != NULL) ++slot;
  hardware->executions[slot] = execution;
  ++hardware->running;
  ++execution->place->running;
  ++scheduler->running;
  hardware->exclusive = job->estimate.exclusive;
  hardware->reserved_bytes += job->estimate.memory_bytes;
  execution->expected_s = or_place_seconds(execution->place, job->task, &job->estimate);
  hardware->running_s += execution->expected_s;
  job->state = OR_TASK_RUNNING;
  ++job->attempts;
  job->started_us = or_clock_wall_us();
  job->begun_ns = or_clock_ns();
  const or_device_facts_t *facts = or_device_facts(execution->place->device);
  or_format(job->device_id, sizeof job->device_id, "%s", facts->id);
  bool preferred;
  job->fallback_reason[0] = '\0';
  if (or_place_allows(scheduler, job, execution->place, &preferred) && !preferred) {
    or_format(job->fallback_reason, sizeof job->fallback_reason, "device \"%s\" can't be had now; %s is the next best",
              or_task_device_preference(job->task), facts->id);
  }
  if (scheduler->running == 1) or_cond_signal(&scheduler->clock_wake);
  if (scheduler->waiting > 0 && hardware->idle > 0) or_cond_signal(&hardware->wake); /* there may be room for more */
}

static void on_progress(void *self, double fraction, const char *what) {
  or_job_t *job = self;
  (void)what;
  const uint32_t now = (uint32_t)(fraction * 1e6), before = atomic_load(&job->progress_ppm);
  if (now < before + PROGRESS_PPM && now < 1000000) return;
  atomic_store(&job->progress_ppm, now);
  or_job_tell(job, OR_JOB_PROGRESS);
}

/* An attempt at a task that must not run twice begins only when the journal has it. */
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

static or_status_t record_start(const execution_t *execution) {
  or_job_t *job = execution->job;
  const or_journal_t *journal = job->scheduler->options.journal;
  const or_journal_start_t start = {job->task_id, job->attempts, job->device_id, job->started_us};
  if (journal == NULL || !job->durable) return or_status_success();
  if (or_task_rerun_on_restart(job->task)) return journal->start(journal->self, &start, NULL, NULL);
  begun_t begun = {.done = false};
  or_mutex_init(&begun.mutex);
  or_cond_init(&begun.cond);
  or_status_t status = journal->start(journal->self, &start, on_begun, &begun);
  if (or_ok(status)) {
    or_mutex_lock(&begun.mutex);
    while (!begun.done) or_cond_wait(&begun.cond, &begun.mutex);
    or_mutex_unlock(&begun.mutex);
    status = begun.status;
  }
  or_cond_deinit(&begun.cond);
  or_mutex_deinit(&begun.mutex);
  return status;
}

/* A job whose device was lost may have another attempt, elsewhere. With the lock held. */
static bool goes_on(const execution_t *execution, or_status_t status) {
  const or_job_t *job = execution->job;
  return or_status_code(status) == OR_DEVICE_LOST && job->attempts < OR_TASK_MAX_ATTEMPTS &&
         or_task_rerun_on_restart(job->task) && !or_cancel_requested(&job->cancel) && !job->scheduler->draining;
}

static void carry_out(execution_t *execution) {
  or_job_t *job = execution->job;
  or_scheduler_t *scheduler = job->scheduler;
  hardware_t *hardware = execution->place->hardware;
  const or_task_context_t context = {.runtime = scheduler->runtime,
                                     .device = execution->place->device,
                                     .models_directory = scheduler->models_directory,
                                     .pool = scheduler->options.pool,
                                     .cancel = &job->cancel,
                                     .progress = on_progress,
                                     .progress_self = job,
                                     .tensors = job->tensors,
                                     .tensor_count = job->tensor_count};
  or_job_retain(job); /* until this worker is done with it, whoever ends it */
  or_task_result_init(&execution->result, scheduler->allocator);
  or_format(execution->result.fallback_reason, sizeof execution->result.fallback_reason, "%s", job->fallback_reason);
  or_job_tell(job, OR_JOB_STARTED);
  or_status_t status = record_start(execution);
  if (or_ok(status)) status = or_task_execute(job->task, &context, &execution->result);
  or_mutex_lock(&scheduler->mutex);
  const bool ours = !job->ending, again = ours && goes_on(execution, status);
  if (or_ok(status)) or_place_learn(execution->place, job->task, &job->estimate, execution->result.execution_time_s);
  leave(hardware, execution);
  if (again) {
    job->state = OR_TASK_PENDING;
    job->device_id[0] = '\0';
    or_waiting_push(scheduler, job);
  } else if (ours) {
    job->ending = true;
  }
  or_mutex_unlock(&scheduler->mutex);
  if (ours && !again) {
    or_job_end(job, status, &execution->result);
  } else {
    or_status_ignore(status); /* tried again, or ended by the watchdog, in whose words it is told */
    or_task_result_deinit(&execution->result);
  }
  or_mutex_lock(&scheduler->mutex);
  --scheduler->running;
  if (execution->abandoned) --scheduler->abandoned;
  or_cond_broadcast(&scheduler->quiet);
  or_mutex_unlock(&scheduler->mutex);
  or_job_release(job);
}

/* Gives the hardware back. With the lock held. */
static void leave(hardware_t *hardware, execution_t *execution) {
  for (size_t i = 0; i < OR_SCHEDULER_MAX_CONCURRENCY; ++i) {
    if (hardware->executions[i] == execution) hardware->executions[i] = NULL;
  }
  --hardware->running;
  --execution->place->running;
  hardware->exclusive = false;
  hardware->reserved_bytes -= execution->job->estimate.memory_bytes;
  hardware->running_s -= execution->expected_s;
  if (hardware->running == 0 || hardware->running_s < 0) hardware->running_s = 0;
}

/* The next waiting job whose time is over, taken out of the queue; else *next_ns is when that will be. */
static or_job_t *take_expired(or_scheduler_t *scheduler, int64_t now_ns, int64_t *next_ns) {
  for (int priority = 1; priority <= OR_SCHEDULER_PRIORITIES; ++priority) {
    for (or_job_t *job = scheduler->queue[priority].first; job != NULL; job = job->next) {
      if (job->deadline_ns <= now_ns) {
        or_waiting_remove(scheduler, job);
        job->ending = true;
        return job;
      }
      if (job->deadline_ns < *next_ns) *next_ns = job->deadline_ns;
    }
  }
  return NULL;
}

/* An execution that should have ended long ago: its device does not answer. It is taken out, and the job ended. */
static or_job_t *take_stuck(or_scheduler_t *scheduler, int64_t now_ns) {
  for (size_t h = 0; h < scheduler->hardware_count; ++h) {
    for (size_t i = 0; i < OR_SCHEDULER_MAX_CONCURRENCY; ++i) {
      execution_t *execution = scheduler->hardware[h].executions[i];
      if (execution == NULL || execution->job->ending || !or_cancel_requested(&execution->job->cancel)) continue;
      if (execution->overdue_ns == 0) execution->overdue_ns = now_ns;
      if (now_ns - execution->overdue_ns < scheduler->options.stuck_ns) continue;
      execution->abandoned = true;
      ++scheduler->abandoned;
      execution->job->ending = true;
      execution->place->is_available = false;
      or_device_mark_lost(execution->place->device, "it did not end work that was cancelled or out of time");
      or_cond_broadcast(&scheduler->quiet);
      return execution->job;
    }
  }
  return NULL;
}

void or_clock_main(void *argument) {
  or_scheduler_t *scheduler = argument;
  or_mutex_lock(&scheduler->mutex);
  while (!scheduler->stopping) {
    const int64_t now_ns = or_clock_ns();
    int64_t next_ns = scheduler->running > scheduler->abandoned ? now_ns + CLOCK_STEP_NS : INT64_MAX;
    or_job_t *expired = take_expired(scheduler, now_ns, &next_ns);
    or_job_t *stuck = expired == NULL ? take_stuck(scheduler, now_ns) : NULL;
    if (expired == NULL && stuck == NULL) {
      scheduler->next_deadline_ns = next_ns;
      or_cond_wait_until(&scheduler->clock_wake, &scheduler->mutex, next_ns);
      scheduler->next_deadline_ns = INT64_MIN;
      continue;
    }
    or_mutex_unlock(&scheduler->mutex);
    if (expired != NULL) {
      or_job_end(expired, or_error(OR_DEADLINE_EXCEEDED, "the time was up before the task could begin"), NULL);
    } else {
      or_log(OR_LOG_TASK, OR_LOG_ERROR, "device_stuck", "device=%s task=%s", stuck->device_id, stuck->task_id);
      or_job_end(stuck, or_error(OR_DEVICE_LOST, "device %s did not end the work", stuck->device_id), NULL);
    }
    or_mutex_lock(&scheduler->mutex);
  }
  or_mutex_unlock(&scheduler->mutex);
}
