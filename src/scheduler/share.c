/* Several jobs that asked for the same, carried out once: who joins, who leaves. With the lock held. One of those that
 * wait is in the queue, the others hang on it; once it runs they are all members of the execution. */
#include <string.h>

#include "scheduler/scheduler_internal.h"

static or_job_t *first_of(or_job_t *job) {
  if (job->execution != NULL) return job->execution->members;
  return job->leader != NULL ? job->leader : job;
}

static size_t count_of(const or_job_t *first) {
  size_t count = 0;
  for (; first != NULL; first = first->member_next) ++count;
  return count;
}

static bool is_open(const or_job_t *job, const or_job_t *other) {
  if (other == job || !other->shares || other->whole || other->ending || or_cancel_requested(&other->cancel))
    return false;
  if (!other->waiting && (other->execution == NULL || or_cancel_requested(&other->execution->cancel))) return false;
  return memcmp(other->digest, job->digest, sizeof job->digest) == 0;
}

or_job_t *or_share_find(or_job_t *job) {
  if (!job->shares) return NULL;
  for (or_job_t *other = job->scheduler->active.first; other != NULL; other = other->active_next) {
    if (is_open(job, other) && count_of(first_of(other)) < OR_EXECUTION_MAX_JOBS) return other;
  }
  return NULL;
}

void or_share_set_deadline(execution_t *execution) {
  int64_t latest_ns = 0;
  for (const or_job_t *member = execution->members; member != NULL; member = member->member_next)
    latest_ns = member->deadline_ns > latest_ns ? member->deadline_ns : latest_ns;
  atomic_store(&execution->cancel.deadline_ns, latest_ns);
}

static void wait_with(or_job_t *job, or_job_t *leader) {
  job->leader = leader;
  if (job->priority > leader->priority) {
    or_waiting_remove(leader->scheduler, leader);
    leader->priority = job->priority;
    or_waiting_push(leader->scheduler, leader);
  }
  if (job->deadline_ns < job->scheduler->next_deadline_ns) or_cond_signal(&job->scheduler->clock_wake);
}

void or_share_join(or_job_t *job, or_job_t *other) {
  or_job_t *first = first_of(other);
  job->shared_run = true;
  for (or_job_t *member = first; member != NULL; member = member->member_next) member->shared_run = true;
  job->member_next = other->member_next;
  other->member_next = job;
  if (other->execution == NULL) {
    wait_with(job, first);
    return;
  }
  job->execution = other->execution;
  job->state = OR_TASK_RUNNING;
  ++job->attempts;
  job->started_us = other->started_us;
  job->begun_ns = job->accepted_ns;
  memcpy(job->device_id, other->device_id, sizeof job->device_id);
  or_share_set_deadline(job->execution);
}

static void unlink_member(or_job_t **first, or_job_t *job) {
  while (*first != job) first = &(*first)->member_next;
  *first = job->member_next;
  job->member_next = NULL;
}

/* The next of those that wait as one takes the place in the queue. */
static void hand_over(or_job_t *job) {
  or_job_t *next = job->member_next;
  or_waiting_remove(job->scheduler, job);
  job->member_next = NULL;
  if (next == NULL) return;
  for (or_job_t *member = next->member_next; member != NULL; member = member->member_next) member->leader = next;
  next->leader = NULL;
  next->priority = job->priority;
  or_waiting_push(job->scheduler, next);
}

bool or_share_leave(or_job_t *job) {
  execution_t *execution = job->execution;
  if (job->ending) return false;
  if (job->waiting) {
    hand_over(job);
  } else if (job->leader != NULL) {
    unlink_member(&job->leader->member_next, job);
    job->leader = NULL;
  } else if (execution != NULL && (execution->members != job || job->member_next != NULL)) {
    unlink_member(&execution->members, job);
    job->execution = NULL;
    or_share_set_deadline(execution);
  } else {
    if (execution != NULL) or_cancel_request(&execution->cancel);
    return false;
  }
  job->ending = true;
  return true;
}

size_t or_share_members(const execution_t *execution, or_job_t *jobs[OR_EXECUTION_MAX_JOBS]) {
  size_t count = 0;
  for (or_job_t *member = execution->members; member != NULL && count < OR_EXECUTION_MAX_JOBS;
       member = member->member_next) {
    or_job_retain(member);
    jobs[count++] = member;
  }
  return count;
}
