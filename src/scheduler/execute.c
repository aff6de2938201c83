/* Carrying jobs out: a hardware's workers, and the clock that ends what is out of time. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/string.h"
#include "scheduler/scheduler_internal.h"

#define CLOCK_STEP_NS INT64_C(100000000) /* how often the clock looks at what runs */
#define PROGRESS_PPM 10000               /* listeners hear of progress in steps of a hundredth */

static or_job_t *leave(hardware_t *hardware, execution_t *execution);

void or_worker_main(void *argument) {
  hardware_t *hardware = argument;
  or_scheduler_t *scheduler = hardware->scheduler;
  or_thread_let_others_finish();
  or_mutex_lock(&scheduler->mutex);
  while (!scheduler->stopping) {
    place_t *place = NULL;
    or_job_t *job = or_waiting_next(hardware, &place);
    if (job == NULL) {
      ++hardware->idle;
      or_cond_wait(&hardware->wake, &scheduler->mutex);
      hardware->waking = false;
      --hardware->idle;
      continue;
    }
    execution_t execution;
    or_waiting_remove(scheduler, job);
    or_execution_begin(&execution, job, place);
    or_mutex_unlock(&scheduler->mutex);
    or_execution_carry_out(&execution);
    or_mutex_lock(&scheduler->mutex);
  }
  or_mutex_unlock(&scheduler->mutex);
}

/* Where the task was not meant to be, or is after another device went with an attempt at it. */
static void tell_why_here(execution_t *execution) {
  const or_job_t *job = execution->job;
  const char *id = or_device_facts(execution->place->device)->id;
  char *reason = execution->result.fallback_reason, words[160];
  const size_t capacity = sizeof execution->result.fallback_reason;
  bool preferred;
  if (job->gone != NULL) {
    const bool unopened = or_device_state(job->gone, NULL) == OR_DEVICE_UNAVAILABLE;
    or_format(reason, capacity, "device \"%s\" %s attempt %d; %s is the next best", or_device_facts(job->gone)->id,
              unopened ? "could not be opened for" : "was lost during", job->attempts - 1, id);
  } else if (or_place_allows(job->scheduler, job, execution->place, &preferred) && !preferred &&
             job->only_device[0] != '\0') {
    or_format(reason, capacity, "not on \"%s\": %s is what the kernel was compiled for",
              or_task_device_preference(job->task), id);
  } else if (or_place_allows(job->scheduler, job, execution->place, &preferred) && !preferred) {
    or_format(reason, capacity, "%s; %s is the next best",
              or_place_what_became(job->scheduler, job, words, sizeof words), id);
  }
}

void or_execution_begin(execution_t *execution, or_job_t *job, place_t *place) {
  hardware_t *hardware = place->hardware;
  or_scheduler_t *scheduler = hardware->scheduler;
  *execution = (execution_t){.job = job, .place = place};
  or_task_result_init(&execution->result, scheduler->allocator);
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
  const or_device_facts_t *facts = or_device_facts(execution->place->device);
  const int64_t now_us = or_clock_wall_us(), now_ns = or_clock_ns();
  or_job_retain(job); /* until this worker is done with it, whoever ends it */
  execution->members = job;
  or_cancel_init(&execution->cancel, job->deadline_ns);
  or_share_set_deadline(execution);
  for (or_job_t *member = job; member != NULL; member = member->member_next) {
    member->leader = NULL;
    member->execution = execution;
    member->state = OR_TASK_RUNNING;
    ++member->attempts;
    member->started_us = now_us;
    member->begun_ns = now_ns;
    or_format(member->device_id, sizeof member->device_id, "%s", facts->id);
  }
  tell_why_here(execution);
  scheduler->ran = true;
  if (scheduler->next_deadline_ns > job->begun_ns + CLOCK_STEP_NS) or_cond_signal(&scheduler->clock_wake);
  if (scheduler->waiting > 0) or_hardware_wake(hardware); /* there may be room for more */
}

/* Tells the members of an execution; of a whole job nothing is told before it is recorded. */
static void tell(execution_t *execution, or_job_event_t event) {
  or_job_t *jobs[OR_EXECUTION_MAX_JOBS];
  or_scheduler_t *scheduler = execution->job->scheduler;
  if (execution->job->whole) return;
  or_mutex_lock(&scheduler->mutex);
  const size_t count = or_share_members(execution, jobs);
  or_mutex_unlock(&scheduler->mutex);
  for (size_t i = 0; i < count; ++i) {
    atomic_store(&jobs[i]->progress_ppm, execution->progress_ppm);
    or_job_tell(jobs[i], event);
    or_job_release(jobs[i]);
  }
}

static void on_progress(void *self, double fraction, const char *what) {
  execution_t *execution = self;
  (void)what;
  const uint32_t now = (uint32_t)(fraction * 1e6);
  if (now < execution->progress_ppm + PROGRESS_PPM && now < 1000000) return;
  execution->progress_ppm = now;
  tell(execution, OR_JOB_PROGRESS);
}

/* What its thread has no time for is a worker's, and was no attempt. With the lock held. */
static bool is_put_off(const execution_t *execution) {
  if (!execution->result.put_off || or_cancel_requested(&execution->cancel) || execution->job->scheduler->draining)
    return false;
  or_here_forget(execution->place, &execution->job->estimate);
  for (or_job_t *member = execution->members; member != NULL; member = member->member_next) --member->attempts;
  return true;
}

/* The device went with the attempt: it was lost, or could not be opened, and will not be from now on. */
static bool is_gone(const execution_t *execution, const or_status_t status) {
  if (or_status_code(status) == OR_DEVICE_LOST) return true;
  return or_status_code(status) == OR_UNAVAILABLE &&
         or_device_state(execution->place->device, NULL) == OR_DEVICE_UNAVAILABLE;
}

/* Jobs whose device went may have another attempt, where there may be another device for them. With the lock held. */
static bool goes_on(const execution_t *execution) {
  const or_job_t *job = execution->job;
  int attempts = 0;
  for (const or_job_t *member = execution->members; member != NULL; member = member->member_next)
    attempts = member->attempts > attempts ? member->attempts : attempts;
  return execution->members != NULL && attempts < OR_TASK_MAX_ATTEMPTS && or_task_rerun_on_restart(job->task) &&
         !or_cancel_requested(&execution->cancel) && !job->scheduler->draining &&
         !or_place_in_vain(job->scheduler, job);
}

/* Of what was put off and does not wait again: why it ends. */
static or_status_t end_of(const execution_t *execution, or_status_t status) {
  if (!execution->result.put_off || or_ok(status)) return status;
  or_status_ignore(status); /* that it was put off is nobody's answer */
  status = or_cancel_status(&execution->cancel);
  return or_ok(status) ? or_error(OR_CANCELLED, "the scheduler is shutting down") : status;
}

/* The members wait again, the first of them in the queue. `gone`: the device that went, or NULL. With the lock held. */
static void wait_again(or_job_t *first, const or_device_t *gone) {
  for (or_job_t *member = first; member != NULL; member = member->member_next) {
    member->gone = gone;
    member->state = OR_TASK_PENDING;
    member->device_id[0] = '\0';
    member->leader = member != first ? first : NULL;
  }
  or_waiting_push(first->scheduler, first);
}

/* Takes those out of *members that are on disk and were ended by the server's end alone: they are taken up again after
 * the restart as after any other end of the server. With the lock held. */
static or_job_t *take_interrupted(or_scheduler_t *scheduler, or_job_t **members) {
  or_job_t *interrupted = NULL, **link = members;
  while (*link != NULL) {
    or_job_t *job = *link;
    if (!job->interrupted || !job->durable || job->whole) {
      link = &job->member_next;
      continue;
    }
    *link = job->member_next;
    or_table_remove(scheduler, job);
    job->member_next = interrupted;
    interrupted = job;
  }
  return interrupted;
}

static void leave_all_on_disk(or_job_t *first) {
  for (or_job_t *job = first, *next; job != NULL; job = next) {
    next = job->member_next;
    job->member_next = NULL;
    or_job_leave_on_disk(job);
  }
}

/* In whose name the work was cancelled. Takes the status. */
static or_status_t name_cause(or_status_t status, const or_job_t *members) {
  if (or_status_code(status) != OR_CANCELLED || members == NULL || !members->interrupted) return status;
  or_status_ignore(status); /* the caller did not cancel it */
  return or_error(OR_CANCELLED, "the server ended before the task was done");
}

/* Each of them gets the status and the result; the last one these themselves. */
static void end_all(or_job_t *first, or_status_t status, or_task_result_t *result) {
  uint32_t count = 0;
  for (const or_job_t *job = first; job != NULL; job = job->member_next) ++count;
  for (or_job_t *job = first, *next; job != NULL; job = next) {
    next = job->member_next;
    job->run_jobs = count;
    job->member_next = NULL;
    if (next == NULL) {
      or_job_end(job, status, result);
      return;
    }
    or_task_result_t copy;
    or_status_t copied = or_task_result_copy(result, job->scheduler->allocator, &copy);
    or_status_t own = or_ok(status) ? copied : or_error(or_status_code(status), "%s", or_status_message(status));
    if (!or_ok(status)) or_status_ignore(copied); /* the failure is told; the result is what is known besides */
    or_job_end(job, own, &copy);
  }
}

void or_execution_carry_out(execution_t *execution) {
  or_job_t *job = execution->job;
  or_scheduler_t *scheduler = job->scheduler;
  hardware_t *hardware = execution->place->hardware;
  const or_task_context_t context = {.runtime = scheduler->runtime,
                                     .device = execution->place->device,
                                     .models_directory = scheduler->models_directory,
                                     .pool = scheduler->options.pool,
                                     .kernels = scheduler->options.kernels,
                                     .owner = job->owner,
                                     .quick = true,
                                     .here_only = execution->here,
                                     .cancel = &execution->cancel,
                                     .progress = on_progress,
                                     .progress_self = execution,
                                     .tensors = job->tensors,
                                     .tensor_count = job->tensor_count};
  or_status_t status = or_starts_record(execution);
  if (or_ok(status)) tell(execution, OR_JOB_STARTED);
  const or_trace_scope_t before = or_trace_enter(job->scope);
  const int64_t begin_ns = or_clock_ns();
  if (or_ok(status)) status = or_task_execute(job->task, &context, &execution->result);
  if (or_trace_on(or_runtime_trace(scheduler->runtime))) or_job_trace_work(job, begin_ns);
  (void)or_trace_enter(before);
  or_mutex_lock(&scheduler->mutex);
  const bool lost = is_gone(execution, status);
  const bool again = (lost && goes_on(execution)) || (!or_ok(status) && is_put_off(execution));
  if (or_ok(status)) {
    or_place_learn(execution->place, job->task, &job->estimate, execution->result.execution_time_s);
    or_here_remember(execution->place, &job->estimate, &execution->result);
  }
  or_job_t *members = leave(hardware, execution);
  or_job_t *interrupted = or_status_code(status) == OR_CANCELLED ? take_interrupted(scheduler, &members) : NULL;
  status = name_cause(status, members);
  for (or_job_t *member = members; member != NULL; member = member->member_next) member->ending = !again;
  if (again && job->whole) {
    or_whole_put_back(job);
    job->gone = lost ? execution->place->device : NULL;
  } else if (again && members != NULL) {
    wait_again(members, lost ? execution->place->device : NULL);
  }
  if (lost) or_waiting_look_elsewhere(scheduler);
  or_mutex_unlock(&scheduler->mutex);
  leave_all_on_disk(interrupted);
  if (members != NULL && !again) {
    end_all(members, end_of(execution, status), &execution->result);
  } else {
    or_status_ignore(status); /* tried again, or ended by the watchdog, in whose words it is told */
    or_task_result_deinit(&execution->result);
  }
  or_mutex_lock(&scheduler->mutex);
  --scheduler->running;
  if (execution->abandoned) --scheduler->abandoned;
  if (execution->abandoned && hardware->isolated) execution->place->stuck = false; /* a process that did end */
  or_cond_broadcast(&scheduler->quiet);
  or_mutex_unlock(&scheduler->mutex);
  or_job_release(job);
}

/* The members are no longer carried out here. With the lock held. */
static or_job_t *take_members(execution_t *execution) {
  or_job_t *members = execution->members;
  execution->members = NULL;
  for (or_job_t *member = members; member != NULL; member = member->member_next) member->execution = NULL;
  return members;
}

/* Gives the hardware back, and the members. With the lock held. */
static or_job_t *leave(hardware_t *hardware, execution_t *execution) {
  for (size_t i = 0; i < OR_SCHEDULER_MAX_CONCURRENCY; ++i) {
    if (hardware->executions[i] == execution) hardware->executions[i] = NULL;
  }
  --hardware->running;
  --execution->place->running;
  hardware->exclusive = false;
  hardware->reserved_bytes -= execution->job->estimate.memory_bytes;
  hardware->running_s -= execution->expected_s;
  if (hardware->running == 0 || hardware->running_s < 0) hardware->running_s = 0;
  return take_members(execution);
}

/* The next of these whose time is over and who can leave the others; else *next_ns is when that will be. */
static or_job_t *take_expired_of(or_job_t *first, int64_t now_ns, int64_t *next_ns) {
  for (or_job_t *job = first; job != NULL; job = job->member_next) {
    if (job->deadline_ns <= now_ns && or_share_leave(job)) return job;
    if (job->deadline_ns < *next_ns) *next_ns = job->deadline_ns;
  }
  return NULL;
}

/* The next waiting job whose time is over, taken out of the queue, or the next of several that run as one; else
 * *next_ns is when that will be. A run for one has its deadline in its token. */
static or_job_t *take_expired(or_scheduler_t *scheduler, int64_t now_ns, int64_t *next_ns) {
  or_job_t *expired = NULL;
  for (int priority = 1; expired == NULL && priority <= OR_SCHEDULER_PRIORITIES; ++priority) {
    for (or_job_t *job = scheduler->queue[priority].first; expired == NULL && job != NULL; job = job->next)
      expired = take_expired_of(job, now_ns, next_ns);
  }
  for (size_t h = 0; expired == NULL && h < scheduler->hardware_count; ++h) {
    for (size_t i = 0; expired == NULL && i < OR_SCHEDULER_MAX_CONCURRENCY; ++i) {
      const execution_t *execution = scheduler->hardware[h].executions[i];
      int64_t of_token_ns = INT64_MAX;
      if (execution != NULL && execution->members != NULL && execution->members->member_next != NULL)
        expired = take_expired_of(execution->members, now_ns, &of_token_ns);
    }
  }
  return expired;
}

/* Whether the execution should have ended long ago, or another on its device should: then that is taken out. */
static bool is_stuck(execution_t *execution, int64_t now_ns) {
  const or_scheduler_t *scheduler = execution->job->scheduler;
  place_t *place = execution->place;
  if (place->stuck && !place->hardware->isolated) return true;
  if (!or_cancel_requested(&execution->cancel)) return false;
  if (execution->overdue_ns == 0) execution->overdue_ns = now_ns;
  if (now_ns - execution->overdue_ns < scheduler->options.stuck_ns) return false;
  place->stuck = true;
  if (!place->hardware->isolated)
    or_device_mark_lost(place->device, "it did not end work that was cancelled or out of time");
  return true;
}

/* A job to be ended without its execution, whose device does not answer. Those that may have another attempt wait
 * for it. */
static or_job_t *take_stuck(or_scheduler_t *scheduler, int64_t now_ns) {
  for (size_t h = 0; h < scheduler->hardware_count; ++h) {
    for (size_t i = 0; i < OR_SCHEDULER_MAX_CONCURRENCY; ++i) {
      execution_t *execution = scheduler->hardware[h].executions[i];
      if (execution == NULL || execution->members == NULL || !is_stuck(execution, now_ns)) continue;
      if (!execution->abandoned) ++scheduler->abandoned;
      execution->abandoned = true;
      or_cond_broadcast(&scheduler->quiet);
      or_waiting_look_again(scheduler);
      or_job_t *members = goes_on(execution) && !execution->job->whole ? take_members(execution) : NULL;
      if (members != NULL) {
        wait_again(members, execution->place->device);
        continue;
      }
      or_job_t *job = execution->members;
      execution->members = job->member_next;
      job->member_next = NULL;
      job->execution = NULL;
      job->ending = true;
      return job;
    }
  }
  return NULL;
}

/* A waiting job whose devices are all gone, taken out of the queue. */
static or_job_t *take_vain(or_scheduler_t *scheduler) {
  bool gone = false;
  for (size_t i = 0; i < scheduler->place_count; ++i)
    gone = gone || or_device_state(scheduler->places[i].device, NULL) != OR_DEVICE_AVAILABLE;
  for (int priority = 1; gone && priority <= OR_SCHEDULER_PRIORITIES; ++priority) {
    for (or_job_t *job = scheduler->queue[priority].first; job != NULL; job = job->next) {
      if (or_place_in_vain(scheduler, job) && or_share_leave(job)) return job;
    }
  }
  return NULL;
}

/* In the words of what became of the device. Without the lock, of a job that `take_vain` gave. */
static void end_vain(or_job_t *job) {
  char words[OR_STATUS_MESSAGE_BYTES];
  or_job_end(job, or_error(OR_DEVICE_LOST, "%s", or_place_what_became(job->scheduler, job, words, sizeof words)), NULL);
}

void or_clock_main(void *argument) {
  or_scheduler_t *scheduler = argument;
  or_mutex_lock(&scheduler->mutex);
  while (!scheduler->stopping) {
    const int64_t now_ns = or_clock_ns();
    /* One step longer than anything runs: short work, one after another, does not wake this thread each time. */
    int64_t next_ns = scheduler->running > scheduler->abandoned || scheduler->ran ? now_ns + CLOCK_STEP_NS : INT64_MAX;
    scheduler->ran = false;
    or_job_t *expired = take_expired(scheduler, now_ns, &next_ns);
    or_job_t *stuck = expired == NULL ? take_stuck(scheduler, now_ns) : NULL;
    or_job_t *vain = expired == NULL && stuck == NULL ? take_vain(scheduler) : NULL;
    if (expired == NULL && stuck == NULL && vain == NULL) {
      scheduler->next_deadline_ns = next_ns;
      or_cond_wait_until(&scheduler->clock_wake, &scheduler->mutex, next_ns);
      scheduler->next_deadline_ns = INT64_MIN;
      continue;
    }
    or_mutex_unlock(&scheduler->mutex);
    if (expired != NULL) {
      or_job_end(expired, or_error(OR_DEADLINE_EXCEEDED, "the time was up before the task was done"), NULL);
    } else if (vain != NULL) {
      end_vain(vain);
    } else {
      or_log(OR_LOG_TASK, OR_LOG_ERROR, "device_stuck", "device=%s task=%s", stuck->device_id, stuck->task_id);
      or_job_end(stuck, or_error(OR_DEVICE_LOST, "device %s did not end the work", stuck->device_id), NULL);
    }
    or_mutex_lock(&scheduler->mutex);
  }
  or_mutex_unlock(&scheduler->mutex);
}
