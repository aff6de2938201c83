/* Short work on the thread that brings it: where handing it to a worker would take longer than the work. What is short
 * is measured: each device remembers the shapes that it did lately, by their own plans and without another thread, and
 * how long they took. With the lock held. */
#include "scheduler/scheduler_internal.h"

static familiar_t *find(place_t *place, uint64_t shape) {
  for (size_t i = 0; i < OR_SCHEDULER_FAMILIAR; ++i) {
    if (place->familiar[i].shape == shape) return &place->familiar[i];
  }
  return NULL;
}

static familiar_t *oldest(place_t *place) {
  familiar_t *found = &place->familiar[0];
  for (size_t i = 1; i < OR_SCHEDULER_FAMILIAR; ++i) {
    if (place->familiar[i].last_used < found->last_used) found = &place->familiar[i];
  }
  return found;
}

/* Every shape takes a place, long ones too: what has not gone from here has its plan still. */
void or_here_remember(place_t *place, const or_task_estimate_t *estimate, const or_task_result_t *result) {
  if (estimate->shape == 0) return;
  familiar_t *familiar = find(place, estimate->shape);
  if (familiar == NULL) {
    familiar = oldest(place);
    *familiar = (familiar_t){.shape = estimate->shape};
  }
  familiar->last_used = ++place->familiar_clock;
  if (!result->here) familiar->count = 0;
  if (result->here) familiar->seconds[familiar->count++ % OR_SCHEDULER_TIMES] = result->execution_time_s;
}

void or_here_forget(place_t *place, const or_task_estimate_t *estimate) {
  familiar_t *familiar = find(place, estimate->shape);
  if (familiar != NULL) familiar->count = 0;
}

/* More often than not: one long time may be another thread's. */
static bool is_short(const familiar_t *familiar, int64_t here_ns) {
  const double most_s = (double)here_ns * 1e-9;
  size_t count = 0;
  if (familiar == NULL || familiar->count < OR_SCHEDULER_TIMES) return false;
  for (size_t i = 0; i < OR_SCHEDULER_TIMES; ++i) count += familiar->seconds[i] <= most_s;
  return count > OR_SCHEDULER_TIMES / 2;
}

place_t *or_here_place(or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  const size_t before = scheduler->waiting - scheduler->waiting_isolated;
  if (job->estimate.shape == 0 || before > 0) return NULL; /* who came first goes first */
  for (size_t i = 0; i < scheduler->hardware_count; ++i) {
    place_t *place = or_waiting_choose(&scheduler->hardware[i], job);
    if (place == NULL) continue;
    const familiar_t *familiar = find(place, job->estimate.shape);
    const bool may = is_short(familiar, scheduler->options.here_ns) && or_waiting_has_room(place->hardware, job);
    return may ? place : NULL;
  }
  return NULL;
}

/* It would wait for the disk. */
static bool has_to_be_recorded(const or_job_t *job) {
  return job->member_next != NULL || (job->durable && job->start != OR_START_RECORDED);
}

or_job_t *or_here_take(or_scheduler_t *scheduler, place_t **place) {
  for (size_t i = 0; i < scheduler->hardware_count && scheduler->waiting > 0; ++i) {
    or_job_t *job = or_waiting_next(&scheduler->hardware[i], place);
    if (job == NULL || job->estimate.shape == 0 || has_to_be_recorded(job)) continue;
    if (!is_short(find(*place, job->estimate.shape), scheduler->options.here_ns)) continue;
    or_waiting_remove(scheduler, job);
    return job;
  }
  return NULL;
}
