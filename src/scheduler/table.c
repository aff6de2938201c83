/* Jobs by id, active and lately finished. With the lock held. */
#include <string.h>

#include "scheduler/scheduler_internal.h"

static size_t bucket_of(const char *task_id) {
  uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
  for (const char *c = task_id; *c != '\0'; ++c) hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
  return (size_t)(hash % OR_SCHEDULER_BUCKETS);
}

void or_list_insert(job_list_t *list, or_job_t *job) {
  or_job_t *after = list->last;
  while (after != NULL && after->accepted_ns > job->accepted_ns) after = after->previous;
  job->previous = after;
  job->next = after != NULL ? after->next : list->first;
  if (job->next != NULL) job->next->previous = job;
  if (after != NULL) after->next = job;
  if (after == NULL) list->first = job;
  if (list->last == after) list->last = job;
  ++list->count;
}

void or_list_remove(job_list_t *list, or_job_t *job) {
  if (job->previous != NULL) job->previous->next = job->next;
  if (job->next != NULL) job->next->previous = job->previous;
  if (list->first == job) list->first = job->next;
  if (list->last == job) list->last = job->previous;
  job->next = job->previous = NULL;
  --list->count;
}

static void append_active(job_list_t *list, or_job_t *job) {
  job->active_next = NULL;
  job->active_previous = list->last;
  if (list->last != NULL) list->last->active_next = job;
  if (list->first == NULL) list->first = job;
  list->last = job;
  ++list->count;
}

static void remove_active(job_list_t *list, or_job_t *job) {
  if (job->active_previous != NULL) job->active_previous->active_next = job->active_next;
  if (job->active_next != NULL) job->active_next->active_previous = job->active_previous;
  if (list->first == job) list->first = job->active_next;
  if (list->last == job) list->last = job->active_previous;
  job->active_next = job->active_previous = NULL;
  --list->count;
}

void or_table_insert(or_scheduler_t *scheduler, or_job_t *job) {
  or_job_t **bucket = &scheduler->buckets[bucket_of(job->task_id)];
  job->bucket_next = *bucket;
  *bucket = job;
  append_active(&scheduler->active, job);
}

void or_table_remove(or_scheduler_t *scheduler, or_job_t *job) {
  or_job_t **link = &scheduler->buckets[bucket_of(job->task_id)];
  while (*link != NULL && *link != job) link = &(*link)->bucket_next;
  if (*link == NULL) return;
  *link = job->bucket_next;
  job->bucket_next = NULL;
  const bool final = or_task_state_is_final(job->state);
  remove_active(final ? &scheduler->finished : &scheduler->active, job);
  if (final) scheduler->kept_bytes -= job->kept_bytes;
}

or_job_t *or_table_find(or_scheduler_t *scheduler, const char *task_id, const char *owner) {
  or_job_t *job = scheduler->buckets[bucket_of(task_id)];
  while (job != NULL && (strcmp(job->task_id, task_id) != 0 || (owner != NULL && strcmp(job->owner, owner) != 0)))
    job = job->bucket_next;
  return job;
}

void or_table_finish(or_scheduler_t *scheduler, or_job_t *job, or_job_t **victims) {
  remove_active(&scheduler->active, job);
  append_active(&scheduler->finished, job);
  job->kept_bytes = job->response.capacity + sizeof *job;
  for (size_t i = 0; i < job->result.output_count; ++i)
    job->kept_bytes += (size_t)or_task_tensor_bytes(&job->result.outputs[i]);
  scheduler->kept_bytes += job->kept_bytes;
  *victims = NULL;
  while (scheduler->finished.count > 1 && (scheduler->finished.count > scheduler->options.keep_finished ||
                                           scheduler->kept_bytes > OR_SCHEDULER_KEEP_BYTES)) {
    or_job_t *oldest = scheduler->finished.first;
    or_table_remove(scheduler, oldest);
    oldest->next = *victims;
    *victims = oldest;
  }
}
