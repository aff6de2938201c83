/* One task: looked at, cancelled or removed, given another priority. */
#include "server/task_answer.h"

static or_job_t *find_job(const or_request_t *request) {
  return or_scheduler_find(request->server->services.scheduler, or_request_parameter(request, 0),
                           or_request_owner(request));
}

/* Asks the store for the task of the path; `found` answers the kept request. */
static void look_up(or_request_t *request, or_store_found_t found) {
  const or_store_find_t find = {.task_id = or_request_parameter(request, 0), .owner = or_request_owner(request)};
  if (!or_task_id_valid(find.task_id)) {
    or_reply_no_task(request);
    return;
  }
  or_request_keep(request);
  or_status_t status = or_store_find(request->server->services.store, &find, found, request);
  if (or_ok(status)) return;
  or_reply_failure(request, status);
  or_reply_post(request);
}

/* False with the reply that says why the store has nothing. */
static bool was_found(or_request_t *request, or_status_t status) {
  const bool good = or_ok(status);
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_reply_no_task(request);
    or_status_ignore(status); /* told */
  } else if (!good) {
    or_reply_failure(request, status);
  }
  return good;
}

static void on_found(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                     size_t blob_count) {
  or_request_t *request = self;
  (void)blobs, (void)blob_count;
  if (was_found(request, status)) or_reply_record(request, record);
  or_reply_post(request);
}

void or_handle_task(or_request_t *request) {
  or_job_t *job = find_job(request);
  if (job == NULL) {
    look_up(request, on_found);
    return;
  }
  or_reply_job(request, job);
  or_job_release(job);
}

static void reply_removal(or_request_t *request, const char *status) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "task_id", or_request_parameter(request, 0));
  or_json_field_string(&json, "status", status);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* On a thread of the store. */
static void on_removed(void *self, or_status_t status) {
  or_request_t *request = self;
  if (was_found(request, status)) reply_removal(request, "removed");
  or_reply_post(request);
}

/* It is that key's: now it may go. On the store's reader's thread. */
static void on_found_to_remove(void *self, or_status_t status, const or_task_record_t *record,
                               const or_store_blob_t *blobs, size_t blob_count) {
  or_request_t *request = self;
  (void)blobs, (void)blob_count;
  if (was_found(request, status)) {
    or_status_t begun = or_store_remove(request->server->services.store, record->task_id, on_removed, request);
    if (or_ok(begun)) return;
    or_reply_failure(request, begun);
  }
  or_reply_post(request);
}

/* An active one is cancelled; a finished one is forgotten, on disk too. */
void or_handle_task_delete(or_request_t *request) {
  const or_services_t *services = &request->server->services;
  or_job_t *job = find_job(request);
  if (job == NULL) {
    look_up(request, on_found_to_remove);
    return;
  }
  const bool finished = or_task_state_is_final(or_job_facts(job).state);
  if (finished) {
    or_scheduler_forget(services->scheduler, job);
    or_status_ignore(or_store_remove(services->store, or_job_id(job), NULL, NULL)); /* retention takes it else */
  } else {
    or_scheduler_cancel(services->scheduler, job);
  }
  reply_removal(request, finished ? "removed" : "cancelling");
  or_job_release(job);
}

static void on_found_to_change(void *self, or_status_t status, const or_task_record_t *record,
                               const or_store_blob_t *blobs, size_t blob_count) {
  or_request_t *request = self;
  (void)blobs, (void)blob_count;
  if (was_found(request, status))
    or_reply_error(request, 409, "failed_precondition", "task \"%s\" does not wait any more", record->task_id);
  or_reply_post(request);
}

/* The priority of the body; 0 with the reply that says what is wrong. */
static int read_priority(or_request_t *request) {
  or_fields_t fields;
  int64_t priority = 0;
  or_fields_begin(&fields, request, "priority");
  if (!or_fields_integer(&fields, "priority", 1, 10, &priority) && fields.problems.count == 0)
    or_fields_problem(&fields, "priority", "value_error.missing", "is what can be changed: 1 to 10");
  if (!or_fields_good(&fields)) priority = 0;
  or_fields_end(&fields);
  return (int)priority;
}

void or_handle_task_change(or_request_t *request) {
  const int priority = read_priority(request);
  if (priority == 0) return;
  or_job_t *job = find_job(request);
  if (job == NULL) {
    look_up(request, on_found_to_change);
    return;
  }
  or_status_t status = or_scheduler_set_priority(request->server->services.scheduler, job, priority);
  if (or_ok(status)) {
    or_reply_job(request, job);
  } else {
    or_reply_failure(request, status);
  }
  or_job_release(job);
}
