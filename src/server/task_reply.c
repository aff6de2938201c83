/* What several routes of tasks say: jobs, rows of the store. */
#include <string.h>

#include "base/clock.h"
#include "server/task_answer.h"

void or_write_active_task(or_json_writer_t *json, or_job_t *job, const or_job_facts_t *facts, bool listed) {
  or_json_object_begin(json);
  or_json_field_string(json, "task_id", or_job_id(job));
  if (listed) or_json_field_string(json, "operation", or_task_operation(or_job_task(job)));
  or_json_field_string(json, "status", or_task_state_name(facts->state));
  or_json_field_string(json, "device_id", facts->device_id[0] != '\0' ? facts->device_id : NULL);
  or_json_field_double(json, "running_time",
                       facts->begun_ns != 0 ? (double)((or_clock_ns() - facts->begun_ns) / 1000) * 1e-6 : 0);
  if (listed) {
    or_json_field_int(json, "priority", facts->priority);
  } else {
    or_json_field_double(json, "progress", facts->progress);
  }
  or_json_object_end(json);
}

static void release_job(void *self) { or_job_release(self); }

void or_reply_job(or_request_t *request, or_job_t *job) {
  const or_text_t *response = or_job_response(job);
  const or_job_facts_t facts = or_job_facts(job); /* once: it may end at any time */
  if (or_task_state_is_final(facts.state)) {
    if (response->length > 0) {
      or_job_retain(job); /* until it is sent */
      or_reply_bytes(request, "application/json", response->data, response->length, (or_owner_t){job, release_job});
    } else {
      or_reply_error(request, 507, "resource_exhausted", "there was no memory for the response");
    }
    return;
  }
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_write_active_task(&json, job, &facts, false);
  or_reply_json_end(request, &json);
}

/* A row without a response: it waits for a restart, or was ended by one. */
static void write_record(or_json_writer_t *json, const or_task_record_t *record) {
  if (!or_task_state_is_final(record->state)) {
    or_json_object_begin(json);
    or_json_field_string(json, "task_id", record->task_id);
    or_json_field_string(json, "status", or_task_state_name(record->state));
    or_json_field_string(json, "device_id", record->device_used);
    or_json_field_double(json, "running_time", 0);
    or_json_field_double(json, "progress", 0);
    or_json_object_end(json);
    return;
  }
  or_task_result_t result;
  or_task_result_init(&result, json->text->allocator);
  if (record->device_used != NULL)
    (void)or_format(result.device_used, sizeof result.device_used, "%s", record->device_used);
  const or_task_outcome_t outcome = {.task_id = record->task_id,
                                     .state = or_task_state_name(record->state),
                                     .result = &result,
                                     .error = record->error,
                                     .error_code = record->error_code,
                                     .attempts = record->attempts,
                                     .created_us = record->created_us,
                                     .started_us = record->started_us,
                                     .finished_us = record->finished_us};
  or_task_write_response(json, &outcome);
  or_task_result_deinit(&result);
}

void or_reply_record(or_request_t *request, const or_task_record_t *record) {
  or_json_writer_t json;
  if (record->response != NULL) {
    or_reply_text(request, "application/json", record->response, record->response_bytes);
    return;
  }
  or_reply_json_begin(request, &json);
  write_record(&json, record);
  or_reply_json_end(request, &json);
}

void or_reply_no_task(or_request_t *request) {
  or_reply_error(request, 404, "not_found", "no task \"%.64s\"", or_request_parameter(request, 0));
}

const char *or_request_owner(const or_request_t *request) {
  return (request->key.scopes & OR_SCOPE_ADMIN) != 0 ? NULL : request->key.id;
}

or_status_t or_check_models(const or_request_t *request, const or_task_t *task) {
  or_status_t status = or_status_success();
  const char *name;
  for (size_t i = 0; or_ok(status) && (name = or_task_model_at(task, i)) != NULL; ++i) {
    uint64_t bytes;
    bool known;
    status = or_model_pool_estimate(request->server->services.pool, name, &bytes, &known);
    if (or_status_code(status) != OR_INVALID_ARGUMENT) continue;
    or_status_ignore(status);
    status = or_error(OR_NOT_FOUND, "no model \"%.140s\"", name);
  }
  return status;
}
