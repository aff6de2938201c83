/* Tasks for whoever records what the runtime does. */
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "scheduler/scheduler_internal.h"

/* "inference resnet50", "compute fft" */
static void write_name(const or_task_t *task, char text[OR_TRACE_WORDS]) {
  const char *what = or_task_model(task) != NULL ? or_task_model(task) : or_task_type(task);
  or_format(text, OR_TRACE_WORDS, "%s%s%s", or_task_operation(task), what[0] != '\0' ? " " : "", what);
}

void or_job_trace(or_job_t *job, int64_t end_ns) {
  or_trace_event_t event = {.kind = OR_TRACE_TASK,
                            .scope = job->scope,
                            .submitted_ns = job->accepted_ns,
                            .begin_ns = job->begun_ns,
                            .end_ns = end_ns};
  write_name(job->task, event.name);
  or_format(event.label, sizeof event.label, "%s", job->task_id);
  or_format(event.kernel, sizeof event.kernel, "%s", or_task_state_name(job->state));
  or_trace_add(or_runtime_trace(job->scheduler->runtime), &event, 1);
}

void or_job_trace_work(const or_job_t *job, int64_t begin_ns) {
  or_trace_event_t event = {.kind = OR_TRACE_WORK, .scope = job->scope, .begin_ns = begin_ns, .end_ns = or_clock_ns()};
  write_name(job->task, event.name);
  or_format(event.label, sizeof event.label, "%s", job->task_id);
  or_trace_add(or_runtime_trace(job->scheduler->runtime), &event, 1);
}

void or_scheduler_trace_active(or_scheduler_t *scheduler) {
  if (!or_trace_on(or_runtime_trace(scheduler->runtime))) return;
  or_mutex_lock(&scheduler->mutex);
  for (or_job_t *job = scheduler->active.first; job != NULL; job = job->active_next) or_job_trace(job, INT64_MAX);
  or_mutex_unlock(&scheduler->mutex);
}
