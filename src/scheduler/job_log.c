/* The lines of a job's life, in the log's module "task": accepted and started at debug, finished at info. */
#include "base/log.h"
#include "scheduler/scheduler_internal.h"

static const char *dash(const char *text) { return text[0] != '\0' ? text : "-"; }

void or_job_log(or_job_t *job, or_job_event_t event) {
  const or_log_level_t level = event == OR_JOB_FINISHED ? OR_LOG_INFO : OR_LOG_DEBUG;
  if (event == OR_JOB_PROGRESS || !or_log_enabled(OR_LOG_TASK, level)) return;
  const or_job_facts_t facts = or_job_facts(job);
  const char *operation = or_task_operation(job->task);
  if (event == OR_JOB_ADMITTED) {
    or_log_write(OR_LOG_TASK, level, "task_accepted", "task=%s request=%s key=%s operation=%s priority=%d",
                 job->task_id, dash(job->request_id), dash(job->owner), operation, facts.priority);
  } else if (event == OR_JOB_STARTED) {
    or_log_write(OR_LOG_TASK, level, "task_started",
                 "task=%s request=%s operation=%s device=%s attempt=%d queue_us=%lld", job->task_id,
                 dash(job->request_id), operation, facts.device_id, facts.attempts,
                 (long long)(facts.begun_ns - facts.accepted_ns) / 1000);
  } else {
    const bool begun = facts.begun_ns != 0;
    const int64_t queue_ns = (begun ? facts.begun_ns : facts.ended_ns) - facts.accepted_ns;
    or_log_write(OR_LOG_TASK, level, "task_finished",
                 "task=%s request=%s key=%s operation=%s device=%s status=%s error=%s attempts=%d queue_us=%lld "
                 "run_us=%lld",
                 job->task_id, dash(job->request_id), dash(job->owner), operation, dash(facts.device_id),
                 or_task_state_name(facts.state), job->code == OR_OK ? "-" : or_status_mapping(job->code)->name,
                 facts.attempts, (long long)queue_ns / 1000,
                 (long long)(begun ? facts.ended_ns - facts.begun_ns : 0) / 1000);
  }
}
