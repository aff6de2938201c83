/* The queue: which waiting job a hardware begins next. With the lock held. */
#include <string.h>

#include "base/clock.h"
#include "scheduler/scheduler_internal.h"

void or_hardware_wake(hardware_t *hardware) {
  if (hardware->idle == 0 || hardware->waking) return;
  if (hardware->running >= hardware->concurrency) return; /* whose end is looked after */
  hardware->waking = true;
  or_cond_signal(&hardware->wake);
}

void or_waiting_push(or_scheduler_t *scheduler, or_job_t *job) {
  or_list_insert(&scheduler->queue[job->priority], job);
  job->waiting = true;
  ++scheduler->waiting;
  scheduler->waiting_isolated += job->estimate.isolated;
  job->waits_s = or_place_least_seconds(scheduler, job);
  scheduler->waiting_s += job->waits_s;
  or_waiting_look_again(scheduler);
  const bool in_vain = job->waits_s <= 0 && or_place_in_vain(scheduler, job); /* it came when its device had gone */
  if (in_vain || job->deadline_ns < scheduler->next_deadline_ns) or_cond_signal(&scheduler->clock_wake);
}

void or_waiting_look_again(or_scheduler_t *scheduler) {
  for (size_t i = 0; i < scheduler->hardware_count; ++i) or_hardware_wake(&scheduler->hardware[i]);
}

void or_waiting_look_elsewhere(or_scheduler_t *scheduler) {
  or_waiting_look_again(scheduler);
  or_cond_signal(&scheduler->clock_wake);
}

void or_waiting_remove(or_scheduler_t *scheduler, or_job_t *job) {
  or_list_remove(&scheduler->queue[job->priority], job);
  job->waiting = false;
  --scheduler->waiting;
  scheduler->waiting_isolated -= job->estimate.isolated;
  scheduler->waiting_s = scheduler->waiting > 0 ? scheduler->waiting_s - job->waits_s : 0; /* no rest of rounding */
}

/* What a priority has become: one more for each `age_ns` of waiting, so that the least urgent job is, after nine of
 * them, among the most urgent, where the oldest goes first: nothing waits for ever. */
static int64_t level_of(const or_scheduler_t *scheduler, const or_job_t *job, int64_t now_ns) {
  const int64_t aged = job->priority + (now_ns - job->accepted_ns) / scheduler->options.age_ns;
  return aged > OR_SCHEDULER_PRIORITIES ? OR_SCHEDULER_PRIORITIES : aged;
}

static double finish_on(const hardware_t *hardware, const place_t *place, const or_job_t *job) {
  return hardware->running_s / hardware->concurrency + or_place_seconds(place, job->task, &job->estimate);
}

bool or_waiting_has_room(const hardware_t *hardware, const or_job_t *job) {
  if (hardware->running >= hardware->concurrency || hardware->exclusive || hardware->wanted > 0) return false;
  if (job->estimate.exclusive && hardware->running > 0) return false;
  return or_place_fits(hardware, job->estimate.memory_bytes);
}

place_t *or_waiting_choose(hardware_t *hardware, const or_job_t *job) {
  or_scheduler_t *scheduler = hardware->scheduler;
  place_t *best = NULL;
  double best_s = 0, elsewhere_s = -1;
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    place_t *place = &scheduler->places[i];
    bool preferred;
    if (!or_place_allows(scheduler, job, place, &preferred)) continue;
    const double seconds = finish_on(place->hardware, place, job);
    if (place->hardware == hardware) {
      if (best == NULL || seconds < best_s) {
        best = place;
        best_s = seconds;
      }
    } else if (elsewhere_s < 0 || seconds < elsewhere_s) {
      elsewhere_s = seconds;
    }
  }
  return best != NULL && (elsewhere_s < 0 || best_s <= elsewhere_s) ? best : NULL;
}

/* Jobs that this hardware does not come to think of: those of the other kind, however many there are, and of kernels
 * those whose owner has one at work there: they would wait for its process, in a place that others could have. */
static bool passes_by(const hardware_t *hardware, const or_job_t *job) {
  if (job->estimate.isolated != hardware->isolated) return true;
  for (size_t i = 0; hardware->isolated && i < OR_SCHEDULER_MAX_CONCURRENCY; ++i) {
    const execution_t *execution = hardware->executions[i];
    if (execution != NULL && strcmp(execution->job->owner, job->owner) == 0) return true;
  }
  return false;
}

or_job_t *or_waiting_next(hardware_t *hardware, place_t **place) {
  or_scheduler_t *scheduler = hardware->scheduler;
  const int64_t now_ns = or_clock_ns();
  or_job_t *best = NULL;
  int64_t best_level = 0;
  *place = NULL;
  if (scheduler->waiting == 0 || scheduler->draining || hardware->wanted > 0) return NULL;
  for (int priority = OR_SCHEDULER_PRIORITIES; priority >= 1; --priority) {
    size_t looked = 0;
    for (or_job_t *job = scheduler->queue[priority].first; job != NULL && looked < OR_SCHEDULER_LOOK_AHEAD;
         job = job->next) {
      if (passes_by(hardware, job)) continue;
      ++looked;
      const int64_t level = level_of(scheduler, job, now_ns);
      if (best != NULL && (level < best_level || (level == best_level && job->accepted_ns > best->accepted_ns))) break;
      place_t *candidate = or_waiting_choose(hardware, job);
      if (candidate == NULL) continue;
      best = job;
      best_level = level;
      *place = candidate;
      break;
    }
  }
  if (best == NULL) return NULL;
  /* What has no room holds its place: smaller and less urgent work does not slip by for ever. */
  return or_waiting_has_room(hardware, best) ? best : NULL;
}
