/* A job: made from a request, read by anyone, ended once. */
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "scheduler/scheduler_internal.h"

#define AROUND_RESULT_BYTES ((size_t)512) /* that most responses have besides their result */

static or_status_t copy_tensors(or_job_t *job, const or_job_request_t *request) {
  void *memory = NULL;
  if (request->tensor_count == 0) return or_status_success();
  or_status_t status = or_alloc_array(job->scheduler->allocator, request->tensor_count, sizeof *job->tensors, &memory);
  if (!or_ok(status)) return status;
  job->tensors = memory;
  for (; job->tensor_count < request->tensor_count; ++job->tensor_count) {
    const or_task_tensor_t *given = &request->tensors[job->tensor_count];
    job->tensors[job->tensor_count] = *given;
    if (given->tensor != NULL) or_tensor_retain(given->tensor);
    if (given->value != NULL) or_value_retain(given->value);
    job->request_bytes += or_task_tensor_bytes(given);
  }
  return status;
}

/* The deadline counts from acceptance; of a recovered job from its first one. */
static void set_times(or_job_t *job, const or_job_request_t *request) {
  job->accepted_ns = or_clock_ns();
  const int64_t now_us = or_clock_wall_us();
  const int64_t timeout_us = (int64_t)(or_task_timeout_s(job->task) * 1e6);
  job->created_us = request->recovered ? request->created_us : now_us;
  job->deadline_us = request->recovered ? request->deadline_us : now_us + timeout_us;
  job->deadline_ns = job->accepted_ns + (job->deadline_us - now_us) * 1000;
  or_cancel_init(&job->cancel, job->deadline_ns);
}

or_status_t or_job_make(or_scheduler_t *scheduler, const or_job_request_t *request, or_job_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(scheduler->allocator, sizeof(or_job_t), &memory);
  if (!or_ok(status)) {
    or_task_free(request->task);
    return status;
  }
  or_job_t *job = memory;
  or_ref_init(&job->ref);
  job->scheduler = scheduler;
  or_task_result_init(&job->result, scheduler->allocator);
  or_text_init(&job->response, scheduler->allocator);
  job->task = request->task;
  job->durable = request->durable;
  job->recovered = request->recovered;
  job->shares =
      request->shared && request->body_digest != NULL && (!request->durable || or_task_rerun_on_restart(request->task));
  job->listener = request->listener;
  job->listener_self = request->listener_self;
  job->priority = or_task_priority(request->task);
  job->attempts = request->attempts;
  job->request_bytes = request->body_bytes + sizeof *job;
  or_format(job->owner, sizeof job->owner, "%s", request->owner != NULL ? request->owner : "");
  or_format(job->request_id, sizeof job->request_id, "%s", request->request_id != NULL ? request->request_id : "");
  if (request->device != NULL) or_format(job->only_device, sizeof job->only_device, "%s", request->device);
  if (request->body_digest != NULL) memcpy(job->digest, request->body_digest, sizeof job->digest);
  job->has_digest = request->body_digest != NULL;
  job->scope = (or_trace_scope_t){or_trace_next_task(), or_trace_owner(job->owner)};
  or_task_estimate(job->task, &job->estimate);
  set_times(job, request);
  if (request->task_id != NULL) {
    or_format(job->task_id, sizeof job->task_id, "%s", request->task_id);
  } else {
    status = or_task_id_make(job->task_id);
  }
  if (or_ok(status) && job->durable && request->body != NULL)
    status = or_strndup(scheduler->allocator, request->body, request->body_bytes, &job->body);
  job->body_bytes = job->body != NULL ? request->body_bytes : 0;
  if (or_ok(status)) status = copy_tensors(job, request);
  if (!or_ok(status)) {
    or_job_release(job);
    return status;
  }
  *out = job;
  return status;
}

void or_job_retain(or_job_t *job) { or_ref_retain(&job->ref); }

void or_job_release(or_job_t *job) {
  if (job == NULL || !or_ref_release(&job->ref)) return;
  const or_allocator_t *allocator = job->response.allocator;
  for (size_t i = 0; i < job->tensor_count; ++i) or_task_tensor_release(&job->tensors[i]);
  or_free(allocator, job->tensors);
  or_free(allocator, job->body);
  or_task_free(job->task);
  or_task_result_deinit(&job->result);
  or_text_deinit(&job->response);
  or_free(allocator, job);
}

const char *or_job_id(const or_job_t *job) { return job->task_id; }
const char *or_job_owner(const or_job_t *job) { return job->owner; }
const or_task_t *or_job_task(const or_job_t *job) { return job->task; }
const or_text_t *or_job_response(const or_job_t *job) { return &job->response; }
const or_task_result_t *or_job_result(const or_job_t *job) { return &job->result; }
or_status_code_t or_job_code(const or_job_t *job) { return job->code; }
size_t or_job_run_jobs(const or_job_t *job) { return job->run_jobs > 1 ? job->run_jobs : 1; }
uint64_t or_job_request_bytes(const or_job_t *job) { return job->request_bytes - sizeof *job; }

or_job_facts_t or_job_facts(or_job_t *job) {
  or_mutex_lock(&job->scheduler->mutex);
  or_job_facts_t facts = {.state = job->state,
                          .durable = job->durable,
                          .admitted = job->admitted,
                          .priority = job->priority,
                          .attempts = job->attempts,
                          .progress = (double)atomic_load(&job->progress_ppm) * 1e-6,
                          .created_us = job->created_us,
                          .started_us = job->started_us,
                          .finished_us = job->finished_us,
                          .accepted_ns = job->accepted_ns,
                          .begun_ns = job->begun_ns,
                          .ended_ns = job->ended_ns};
  or_format(facts.device_id, sizeof facts.device_id, "%s", job->device_id);
  or_mutex_unlock(&job->scheduler->mutex);
  if (facts.state == OR_TASK_COMPLETED) facts.progress = 1;
  return facts;
}

void or_job_watch(or_job_t *job, or_job_watch_t *watch) {
  or_job_watch_t **end = &job->watches;
  while (*end != NULL) end = &(*end)->next;
  watch->next = NULL;
  *end = watch;
}

/* Those who wait for the admission alone, in order. */
or_job_watch_t *or_job_take_admission_watches(or_job_t *job) {
  or_job_watch_t *taken = NULL, **end = &taken, **link = &job->watches;
  while (*link != NULL) {
    or_job_watch_t *watch = *link;
    if (!watch->admission) {
      link = &watch->next;
      continue;
    }
    *link = watch->next;
    watch->next = NULL;
    *end = watch;
    end = &watch->next;
  }
  return taken;
}

bool or_job_attend(or_job_t *job, or_job_watch_t *watch) {
  or_mutex_lock(&job->scheduler->mutex);
  const bool active = !or_task_state_is_final(job->state) && !job->deserted && !(watch->admission && job->admitted);
  if (active) or_job_watch(job, watch);
  or_mutex_unlock(&job->scheduler->mutex);
  return active;
}

bool or_job_abandon(or_job_t *job, or_job_watch_t *watch) {
  or_scheduler_t *scheduler = job->scheduler;
  or_mutex_lock(&scheduler->mutex);
  or_job_watch_t **link = &job->watches;
  while (*link != NULL && *link != watch) link = &(*link)->next;
  const bool found = *link != NULL;
  if (found) *link = watch->next;
  const bool last = found && job->watches == NULL && !job->durable;
  or_mutex_unlock(&scheduler->mutex);
  if (last) or_scheduler_cancel(scheduler, job);
  return found;
}

void or_job_tell(or_job_t *job, or_job_event_t event) {
  const or_scheduler_options_t *options = &job->scheduler->options;
  or_job_log(job, event);
  if (job->listener != NULL) job->listener(job->listener_self, job, event);
  if (options->listener != NULL) options->listener(options->listener_self, job, event);
}

static or_task_state_t state_of(or_status_code_t code) {
  if (code == OR_OK) return OR_TASK_COMPLETED;
  if (code == OR_CANCELLED) return OR_TASK_CANCELLED;
  return code == OR_DEADLINE_EXCEEDED ? OR_TASK_TIMEOUT : OR_TASK_FAILED;
}

void or_job_record(or_job_t *job, or_task_record_t *record) {
  *record = (or_task_record_t){.operation = or_task_operation(job->task),
                               .request = job->body,
                               .request_bytes = job->body_bytes,
                               .body_digest = job->has_digest ? job->digest : NULL,
                               .state = job->state,
                               .priority = job->priority,
                               .attempts = job->attempts,
                               .rerun_on_restart = or_task_rerun_on_restart(job->task),
                               .recorded = job->durable,
                               .created_us = job->created_us,
                               .started_us = job->started_us,
                               .finished_us = job->finished_us,
                               .deadline_us = job->deadline_us,
                               .device_used = job->device_id[0] != '\0' ? job->device_id : NULL};
  or_format(record->task_id, sizeof record->task_id, "%s", job->task_id);
  or_format(record->owner, sizeof record->owner, "%s", job->owner);
}

static void write_response(or_job_t *job, or_task_state_t state, const char *error, const char *error_code) {
  or_task_outcome_t outcome = {.task_id = job->task_id,
                               .state = or_task_state_name(state),
                               .result = &job->result,
                               .error = error,
                               .error_code = error_code,
                               .attempts = job->attempts,
                               .shared_run = job->shared_run,
                               .created_us = job->created_us,
                               .started_us = job->started_us,
                               .finished_us = job->finished_us};
  or_json_writer_t json;
  or_status_t status = or_text_reserve(&job->response, job->result.json.length + AROUND_RESULT_BYTES);
  or_json_begin(&json, &job->response, 0);
  if (or_ok(status)) or_task_write_response(&json, &outcome);
  status = or_status_first(status, or_json_finish(&json));
  if (or_ok(status)) return;
  or_status_ignore(status); /* no memory for it: an empty response says so to whoever asks */
  or_text_clear(&job->response);
}

/* The outputs of a durable task, where the host reads them; those it doesn't are copied, `copies` being theirs. Fewer
 * than all where there is no memory: the response has them. */
static size_t gather_outputs(const or_job_t *job, or_journal_blob_t *blobs, void **copies) {
  const or_allocator_t *allocator = job->scheduler->allocator;
  size_t count = 0;
  for (size_t i = 0; job->durable && i < job->result.output_count && count < OR_JOURNAL_MAX_BLOBS; ++i) {
    const or_task_tensor_t *output = &job->result.outputs[i];
    if (output->tensor == NULL || or_tensor_dtype(output->tensor) == OR_STRING) continue;
    const size_t bytes = or_tensor_bytes(output->tensor);
    const void *data = or_tensor_data(output->tensor);
    or_status_t status = or_status_success();
    if (data == NULL) status = or_alloc(allocator, bytes, &copies[count]);
    if (or_ok(status) && data == NULL) status = or_tensor_read(output->tensor, copies[count], bytes);
    const bool good = or_ok(status);
    or_status_ignore(status); /* it stays in the response */
    if (!good) {
      or_free(allocator, copies[count]);
      copies[count] = NULL;
      continue;
    }
    blobs[count] = (or_journal_blob_t){.name = output->name,
                                       .dtype = or_tensor_dtype(output->tensor),
                                       .shape = *or_tensor_shape(output->tensor),
                                       .data = data != NULL ? data : copies[count],
                                       .bytes = bytes};
    ++count;
  }
  return count;
}

/* A change of its row, or, of a whole one, the row itself, which is waited for. */
static or_status_t put_end(or_job_t *job, const or_task_record_t *record, const or_journal_blob_t *blobs,
                           size_t count) {
  const or_journal_t *journal = job->scheduler->options.journal;
  if (!job->whole) return journal->finish(journal->self, record, blobs, count);
  or_job_retain(job); /* until or_whole_recorded */
  or_status_t status = journal->admit(journal->self, record, blobs, count, or_whole_recorded, job);
  if (!or_ok(status)) or_job_release(job);
  return status;
}

static or_status_t record_end(or_job_t *job, or_task_state_t state, const char *error, const char *error_code) {
  or_task_record_t record;
  if (job->scheduler->options.journal == NULL) return or_status_success();
  or_job_record(job, &record);
  record.state = state;
  record.error = error;
  record.error_code = error_code;
  record.response = job->response.length > 0 ? job->response.data : NULL;
  record.response_bytes = job->response.length;
  if (job->durable && job->result.output_count > 0) {
    or_journal_blob_t blobs[OR_JOURNAL_MAX_BLOBS];
    void *copies[OR_JOURNAL_MAX_BLOBS] = {NULL};
    const size_t count = gather_outputs(job, blobs, copies);
    or_status_t status = put_end(job, &record, blobs, count);
    for (size_t i = 0; i < count; ++i) or_free(job->scheduler->allocator, copies[i]);
    return status;
  }
  return put_end(job, &record, NULL, 0);
}

/* The watch may be gone after it was told. */
void or_job_tell_watches(or_job_t *job, or_job_watch_t *watches, or_job_event_t event) {
  while (watches != NULL) {
    or_job_watch_t *watch = watches;
    watches = watch->next;
    watch->listener(watch->self, job, event);
  }
}

void or_job_desert(or_job_t *job, or_status_code_t code) {
  or_mutex_lock(&job->scheduler->mutex);
  or_job_watch_t *watches = job->watches;
  job->watches = NULL;
  job->deserted = true;
  job->code = code;
  or_mutex_unlock(&job->scheduler->mutex);
  or_job_tell_watches(job, watches, OR_JOB_FINISHED);
}

void or_job_end(or_job_t *job, or_status_t status, or_task_result_t *result) {
  or_scheduler_t *scheduler = job->scheduler;
  const or_task_state_t state = state_of(or_status_code(status));
  const bool whole = job->whole;
  job->code = or_status_code(status);
  or_mutex_lock(&scheduler->mutex); /* or_job_facts may be asked meanwhile */
  job->finished_us = or_clock_wall_us();
  job->ended_ns = or_clock_ns();
  const bool cut_off = whole && job->interrupted && state == OR_TASK_CANCELLED; /* nobody was told that it was taken */
  or_mutex_unlock(&scheduler->mutex);
  if (result != NULL) {
    or_task_result_deinit(&job->result);
    job->result = *result;
  }
  const char *error = or_ok(status) ? NULL : or_status_message(status);
  const char *error_code = or_ok(status) ? NULL : or_status_mapping(job->code)->name;
  write_response(job, state, error, error_code);
  or_status_t recorded = cut_off ? or_error(OR_UNAVAILABLE, "shutting down: no new work is taken")
                                 : record_end(job, state, error, error_code);
  or_status_ignore(status);             /* its words are in the response */
  if (whole && or_ok(recorded)) return; /* or_whole_recorded goes on */
  if (whole) {
    job->unrecorded = recorded;
    return;
  }
  or_status_ignore(recorded); /* that loses the record, not the answer */
  or_job_settle(job);
}

void or_job_settle(or_job_t *job) {
  or_scheduler_t *scheduler = job->scheduler;
  or_job_t *victims = NULL;
  or_mutex_lock(&scheduler->mutex);
  job->state = state_of(job->code);
  scheduler->waiting_bytes -= job->request_bytes;
  or_table_finish(scheduler, job, &victims);
  or_job_watch_t *watches = job->watches; /* nobody comes any more: its state is final */
  job->watches = NULL;
  or_mutex_unlock(&scheduler->mutex);
  if (or_trace_on(or_runtime_trace(scheduler->runtime))) or_job_trace(job, job->ended_ns);
  or_job_tell(job, OR_JOB_FINISHED);
  or_job_tell_watches(job, watches, OR_JOB_FINISHED);
  while (victims != NULL) {
    or_job_t *next = victims->next;
    victims->next = NULL;
    or_job_release(victims);
    victims = next;
  }
}

void or_job_end_unrecorded(or_job_t *job, or_status_t status) {
  job->code = or_status_code(status);
  or_task_result_deinit(&job->result);
  or_task_result_init(&job->result, job->scheduler->allocator);
  or_text_clear(&job->response);
  write_response(job, state_of(job->code), or_status_message(status), or_status_mapping(job->code)->name);
  or_status_ignore(status); /* its words are in the response */
  or_job_settle(job);
}
