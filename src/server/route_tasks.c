/* Tasks: accepted, waited for, looked up, cancelled. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "server/query.h"
#include "server/server.h"

/* One request that is answered when its task is done, or on disk. Made on the loop's thread; it lives as long as its
 * job, which tells it of the end after a 202 too. The reply's owner drops its reference to the job on the loop's thread:
 * so `gone` never meets it too late. */
typedef struct answer_t {
  const or_allocator_t *allocator;
  or_request_t *request;
  or_job_t *job; /* one reference once the task is accepted */
  bool durable;
  _Atomic bool posted;
} answer_t;

static void free_answer(void *self) {
  answer_t *answer = self;
  or_free(answer->allocator, answer);
}

static void release_answer(void *self) {
  const answer_t *answer = self;
  or_job_release(answer->job);
}

static void on_gone(void *self, or_request_t *request) {
  answer_t *answer = self;
  (void)request;
  if (!answer->durable) or_scheduler_cancel(answer->request->server->services.scheduler, answer->job);
}

static void reply_problems(or_request_t *request, const or_task_problems_t *problems) {
  or_json_writer_t json;
  request->reply.status = 422;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "detail");
  or_json_array_begin(&json);
  for (size_t i = 0; i < problems->count; ++i) {
    or_json_object_begin(&json);
    or_json_key(&json, "loc");
    or_json_array_begin(&json);
    or_json_string(&json, "body");
    or_json_string(&json, problems->items[i].loc);
    or_json_array_end(&json);
    or_json_field_string(&json, "msg", problems->items[i].msg);
    or_json_field_string(&json, "type", problems->items[i].type);
    or_json_object_end(&json);
  }
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* By the operation: kernels of users need a scope of their own. */
static bool may_run(or_request_t *request, const or_json_value_t *root) {
  const char *operation = or_json_get_string(or_json_get(root, "operation"), "");
  const bool kernel = strcmp(operation, "kernel") == 0;
  if (or_access_reaches(&request->key, kernel ? OR_SCOPE_KERNELS : OR_SCOPE_RUN)) return true;
  or_reply_error(request, 403, "permission_denied", "the key has not the scope %s, which operation \"%.32s\" needs",
                 kernel ? "kernels" : "run", operation);
  return false;
}

/* The task of the body, or the reply that says what is wrong with it. *task_id lies in the document. */
static or_task_t *parse(or_request_t *request, or_json_document_t **document, const char **task_id) {
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_status_t status =
      or_json_parse(request->allocator, request->body != NULL ? request->body : "", request->body_bytes, document);
  if (or_status_code(status) == OR_INVALID_ARGUMENT) {
    or_reply_problem(request, "body", "", "json_invalid", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return NULL;
  }
  if (or_ok(status) && !may_run(request, or_json_root(*document))) return NULL;
  if (or_ok(status)) status = or_task_parse(request->allocator, or_json_root(*document), &problems, &task);
  if (problems.count > 0) {
    reply_problems(request, &problems);
    or_status_ignore(status); /* told, field by field */
    return NULL;
  }
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return NULL;
  }
  *task_id = or_json_get_string(or_json_get(or_json_root(*document), "task_id"), NULL);
  return task;
}

/* An unknown model is an answer of its own, before there is a task. */
static or_status_t check_model(or_request_t *request, const or_task_t *task) {
  uint64_t bytes;
  bool known;
  if (strcmp(or_task_operation(task), "inference") != 0 || or_task_model(task) == NULL) return or_status_success();
  return or_model_pool_estimate(request->server->services.pool, or_task_model(task), &bytes, &known);
}

static void reply_refusal(or_request_t *request, or_status_t status, const or_refusal_t *refusal) {
  static const int http[] = {[OR_REFUSED_QUOTA] = 429, [OR_REFUSED_CAPACITY] = 503, [OR_REFUSED_MEMORY] = 507};
  const or_status_code_t code = or_status_code(status);
  or_meter_refusal(request->server->meter, refusal->kind);
  if (refusal->kind == OR_REFUSED_REQUEST) {
    if (code == OR_INVALID_ARGUMENT) {
      or_reply_problem(request, "body", "task_id", "value_error", "%s", or_status_message(status));
      or_status_ignore(status); /* told */
    } else if (code == OR_FAILED_PRECONDITION) {
      or_reply_error(request, 409, "failed_precondition", "%s", or_status_message(status));
      or_status_ignore(status); /* told */
    } else {
      or_reply_failure(request, status);
    }
    return;
  }
  if (refusal->retry_after_s > 0) or_reply_header(request, "Retry-After", "%d", (int)(refusal->retry_after_s + 0.999));
  or_reply_error(request, http[refusal->kind], or_status_mapping(code)->name, "%s", or_status_message(status));
  or_status_ignore(status); /* told */
}

static void write_active(or_json_writer_t *json, or_job_t *job, bool listed) {
  const or_job_facts_t facts = or_job_facts(job);
  or_json_object_begin(json);
  or_json_field_string(json, "task_id", or_job_id(job));
  if (listed) or_json_field_string(json, "operation", or_task_operation(or_job_task(job)));
  or_json_field_string(json, "status", or_task_state_name(facts.state));
  or_json_field_string(json, "device_id", facts.device_id[0] != '\0' ? facts.device_id : NULL);
  or_json_field_double(json, "running_time",
                       facts.begun_ns != 0 ? (double)((or_clock_ns() - facts.begun_ns) / 1000) * 1e-6 : 0);
  if (listed) {
    or_json_field_int(json, "priority", facts.priority);
  } else {
    or_json_field_double(json, "progress", facts.progress);
  }
  or_json_object_end(json);
}

/* A finished job's whole response, else what is known of it now. */
static void reply_job(or_request_t *request, or_job_t *job) {
  const or_text_t *response = or_job_response(job);
  if (or_task_state_is_final(or_job_facts(job).state)) {
    if (response->length > 0) {
      or_reply_text(request, "application/json", response->data, response->length);
    } else {
      or_reply_error(request, 507, "resource_exhausted", "there was no memory for the response");
    }
    return;
  }
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  write_active(&json, job, false);
  or_reply_json_end(request, &json);
}

/* Fills the reply of a kept request and sends it. On any thread. */
static void post(answer_t *answer, or_job_t *job, or_job_event_t event) {
  static const char no_memory[] = "{\"detail\":\"there was no memory for the response\",\"error_code\":"
                                  "\"resource_exhausted\"}";
  or_request_t *request = answer->request;
  const or_text_t *response = or_job_response(job);
  const or_job_facts_t facts = or_job_facts(job);
  const or_owner_t owner = {.self = answer, .release = release_answer};
  if (atomic_exchange(&answer->posted, true)) return;
  if (event == OR_JOB_ADMITTED) { /* on disk: the client need not wait */
    char text[160];
    request->reply.status = 202;
    or_reply_header(request, "Location", "/tasks/%s", or_job_id(job));
    (void)or_format(text, sizeof text, "{\"task_id\":\"%s\",\"status\":\"pending\"}", or_job_id(job));
    or_reply_text(request, "application/json", text, strlen(text));
    request->reply.owner = owner;
  } else if (answer->durable) { /* it ended before it was on disk */
    or_reply_error(request, or_job_code(job) == OR_RESOURCE_EXHAUSTED ? 507 : 503,
                   or_status_mapping(or_job_code(job))->name, "the task could not be recorded");
    request->reply.owner = owner;
  } else if (response->length == 0) {
    request->reply.status = 507;
    or_reply_bytes(request, "application/json", no_memory, sizeof no_memory - 1, owner);
  } else {
    or_reply_bytes(request, "application/json", response->data, response->length, owner);
  }
  if (facts.begun_ns != 0) {
    request->reply.queue_ns = facts.begun_ns - facts.accepted_ns;
    request->reply.run_ns = facts.ended_ns - facts.begun_ns;
    request->reply.done_ns = facts.ended_ns;
  }
  or_reply_post(request);
}

static void on_event(void *self, or_job_t *job, or_job_event_t event) {
  answer_t *answer = self;
  if (event == OR_JOB_FINISHED || (event == OR_JOB_ADMITTED && answer->durable)) post(answer, job, event);
}

static bool wants_no_wait(const or_request_t *request) {
  or_query_t query;
  or_status_t status = or_query_parse(request->query, &query);
  const bool bad = !or_ok(status);
  or_status_ignore(status); /* the router has checked what is declared */
  const char *wait = bad ? NULL : or_query_get(&query, "wait");
  return (wait != NULL && strcmp(wait, "false") == 0) ||
         or_slice_has_token(request->headers[OR_HEADER_PREFER], "respond-async");
}

/* Accepts the task; the reply is posted by its events. The request is not touched after a success. */
static void submit(or_request_t *request, or_task_t *task, const char *task_id) {
  void *memory = NULL;
  or_submission_result_t result;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(answer_t), &memory);
  if (or_ok(status)) status = or_store_digest(request->body, request->body_bytes, digest);
  answer_t *answer = memory;
  if (!or_ok(status)) {
    or_free(request->allocator, memory);
    or_task_free(task);
    or_reply_failure(request, status);
    return;
  }
  *answer = (answer_t){.allocator = request->allocator, .request = request, .durable = wants_no_wait(request)};
  const or_job_request_t wanted = {.task = task,
                                   .task_id = task_id,
                                   .owner = request->key.id,
                                   .request_id = request->request_id,
                                   .body = request->body,
                                   .body_bytes = request->body_bytes,
                                   .body_digest = digest,
                                   .durable = answer->durable,
                                   .listener = on_event,
                                   .listener_self = answer,
                                   .listener_release = free_answer};
  or_request_keep(request);
  request->gone = on_gone;
  request->gone_self = answer;
  request->reply.parse_ns = or_clock_ns() - request->whole_ns;
  status = or_scheduler_submit(request->server->services.scheduler, &wanted, &result);
  if (or_ok(status) && !result.existing) {
    answer->job = result.job;
    return;
  }
  request->gone = NULL; /* no event will come */
  if (or_ok(status)) {
    reply_job(request, result.job);
    or_job_release(result.job);
  } else {
    or_task_free(task);
    reply_refusal(request, status, &result.refusal);
  }
  or_free(answer->allocator, answer);
  or_reply_post(request);
}

void or_handle_task_create(or_request_t *request) {
  or_json_document_t *document = NULL;
  const char *task_id = NULL;
  or_task_t *task = parse(request, &document, &task_id);
  if (task != NULL) {
    or_status_t status = check_model(request, task);
    if (or_ok(status)) {
      submit(request, task, task_id);
    } else {
      or_task_free(task);
      or_reply_failure(request, status);
    }
  }
  or_json_document_free(document);
}

/* NULL: everyone's, for an admin and where there are no keys. */
static const char *owner_of(const or_request_t *request) {
  return (request->key.scopes & OR_SCOPE_ADMIN) != 0 ? NULL : request->key.id;
}

#define MAX_LISTED 1000

void or_handle_task_list(or_request_t *request) {
  or_job_t *jobs[MAX_LISTED];
  or_json_writer_t json;
  size_t all = or_scheduler_active(request->server->services.scheduler, owner_of(request), jobs, MAX_LISTED);
  size_t count = all < MAX_LISTED ? all : MAX_LISTED;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "active_tasks");
  or_json_array_begin(&json);
  for (size_t i = 0; i < count; ++i) {
    write_active(&json, jobs[i], true);
    or_job_release(jobs[i]);
  }
  or_json_array_end(&json);
  or_json_field_int(&json, "count", (int64_t)all);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

static void reply_unknown(or_request_t *request) {
  or_reply_error(request, 404, "not_found", "no task \"%.64s\"", or_request_parameter(request, 0));
}

/* A task that has no response of its own: the server stopped while it ran, or there was no memory for one; or it is
 * not over, but nobody carries it out now. On any thread. */
static void reply_record(or_request_t *request, const or_task_record_t *record) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  if (or_task_state_is_final(record->state)) {
    or_task_result_t nothing;
    or_task_result_init(&nothing, request->allocator);
    if (record->device_used != NULL)
      or_format(nothing.device_used, sizeof nothing.device_used, "%s", record->device_used);
    const or_task_outcome_t outcome = {.task_id = record->task_id,
                                       .state = or_task_state_name(record->state),
                                       .result = &nothing,
                                       .error = record->error,
                                       .error_code = record->error_code,
                                       .attempts = record->attempts,
                                       .created_us = record->created_us,
                                       .started_us = record->started_us,
                                       .finished_us = record->finished_us};
    or_task_write_response(&json, &outcome);
    or_task_result_deinit(&nothing);
  } else {
    or_json_object_begin(&json);
    or_json_field_string(&json, "task_id", record->task_id);
    or_json_field_string(&json, "status", or_task_state_name(record->state));
    or_json_field_string(&json, "device_id", record->device_used);
    or_json_field_double(&json, "running_time", 0);
    or_json_field_double(&json, "progress", 0);
    or_json_object_end(&json);
  }
  or_reply_json_end(request, &json);
}

/* From the store, on its reader's thread. */
static void on_found(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                     size_t blob_count) {
  or_request_t *request = self;
  (void)blobs, (void)blob_count;
  if (or_status_code(status) == OR_NOT_FOUND) {
    reply_unknown(request);
    or_status_ignore(status); /* told */
  } else if (!or_ok(status)) {
    or_reply_failure(request, status);
  } else if (record->response != NULL) {
    or_reply_text(request, "application/json", record->response, record->response_bytes);
  } else {
    reply_record(request, record);
  }
  or_reply_post(request);
}

void or_handle_task(or_request_t *request) {
  const or_services_t *services = &request->server->services;
  const char *task_id = or_request_parameter(request, 0);
  or_job_t *job = or_scheduler_find(services->scheduler, task_id, owner_of(request));
  if (job != NULL) {
    reply_job(request, job);
    or_job_release(job);
    return;
  }
  if (!or_task_id_valid(task_id)) {
    reply_unknown(request);
    return;
  }
  const or_store_find_t find = {.task_id = task_id, .owner = owner_of(request)};
  or_request_keep(request);
  or_status_t status = or_store_find(services->store, &find, on_found, request);
  if (or_ok(status)) return;
  or_reply_failure(request, status);
  or_reply_post(request);
}

/* An active one is cancelled; a finished one is forgotten, on disk too. */
void or_handle_task_delete(or_request_t *request) {
  const or_services_t *services = &request->server->services;
  or_job_t *job = or_scheduler_find(services->scheduler, or_request_parameter(request, 0), owner_of(request));
  or_json_writer_t json;
  if (job == NULL) {
    reply_unknown(request);
    return;
  }
  const bool finished = or_task_state_is_final(or_job_facts(job).state);
  if (finished) {
    or_scheduler_forget(services->scheduler, job);
    or_status_ignore(or_store_remove(services->store, or_job_id(job), NULL, NULL)); /* retention takes it else */
  } else {
    or_scheduler_cancel(services->scheduler, job);
  }
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "task_id", or_job_id(job));
  or_json_field_string(&json, "status", finished ? "removed" : "cancelling");
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
  or_job_release(job);
}

void or_handle_task_change(or_request_t *request) {
  const or_services_t *services = &request->server->services;
  or_json_document_t *document = NULL;
  or_status_t status =
      or_json_parse(request->allocator, request->body != NULL ? request->body : "", request->body_bytes, &document);
  const or_json_value_t *priority = or_ok(status) ? or_json_get(or_json_root(document), "priority") : NULL;
  const bool valid = or_json_kind(priority) == OR_JSON_INTEGER && or_json_get_int(priority, 0) >= 1 &&
                     or_json_get_int(priority, 0) <= 10 && or_json_count(or_json_root(document)) == 1;
  or_job_t *job = or_scheduler_find(services->scheduler, or_request_parameter(request, 0), owner_of(request));
  if (!or_ok(status) || !valid) {
    or_reply_problem(request, "body", "priority", "value_error.range", "%s",
                     or_ok(status) ? "priority, 1 to 10, is what can be changed" : or_status_message(status));
    or_status_ignore(status); /* told */
  } else if (job == NULL) {
    reply_unknown(request);
  } else {
    status = or_scheduler_set_priority(services->scheduler, job, (int)or_json_get_int(priority, 1));
    if (or_ok(status)) {
      reply_job(request, job);
    } else {
      or_reply_error(request, 409, or_status_mapping(or_status_code(status))->name, "%s", or_status_message(status));
      or_status_ignore(status); /* told */
    }
  }
  or_job_release(job);
  or_json_document_free(document);
}
