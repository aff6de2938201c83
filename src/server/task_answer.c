#include "server/task_answer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "server/meter.h"
#include "server/task_parts.h"

/* Counted: who accepts the task, the reply, and, of a durable task, its listener. A client may go on the loop's thread
 * while the task is accepted on the store's: `mutex` guards `job` and `gone`. */
typedef struct answer_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  or_request_t *request; /* until it is posted */
  or_task_body_t *body;
  or_answer_options_t options;
  bool has_digest;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  or_job_watch_t watch;
  or_mutex_t mutex;
  or_job_t *job; /* one reference once there is one */
  or_task_parts_body_t parts;
  bool gone;
  _Atomic bool posted;
} answer_t;

static or_status_t prepare(answer_t *answer);
static bool look_up(answer_t *answer);
static void accept_task(answer_t *answer);
static void take_back(answer_t *answer);
static void on_gone(void *self, or_request_t *request);

static void let_go(void *self) {
  answer_t *answer = self;
  if (!or_ref_release(&answer->ref)) return;
  or_job_release(answer->job);
  or_text_deinit(&answer->parts.text);
  or_task_body_release(answer->body);
  or_mutex_deinit(&answer->mutex);
  or_free(answer->allocator, answer);
}

void or_answer_task(or_request_t *request, or_task_body_t *body, or_answer_options_t options) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(answer_t), &memory);
  if (!or_ok(status)) {
    or_task_body_release(body);
    or_reply_failure(request, status);
    return;
  }
  answer_t *answer = memory;
  or_ref_init(&answer->ref);
  answer->allocator = request->allocator;
  answer->request = request;
  answer->body = body;
  answer->options = options;
  or_mutex_init(&answer->mutex);
  or_text_init(&answer->parts.text, request->allocator);
  status = prepare(answer);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    let_go(answer);
    return;
  }
  or_request_keep(request);
  or_request_on_gone(request, on_gone, answer);
  request->reply.parse_ns = or_clock_ns() - request->handled_ns;
  or_ref_retain(&answer->ref); /* the reply's */
  if (look_up(answer)) return;
  take_back(answer);
  accept_task(answer);
}

/* A refusal that lies in the reply. */
static void take_back(answer_t *answer) {
  or_reply_t *reply = &answer->request->reply;
  if (!answer->options.refused) return;
  reply->status = 200;
  or_text_clear(&reply->text);
  reply->data = NULL;
  reply->bytes = 0;
}

/* Its tensors, which keep the body's memory; and its digest where something may be compared with it. */
static or_status_t prepare(answer_t *answer) {
  or_task_body_t *body = answer->body;
  or_status_t status = or_status_success();
  if (body->part_count > 0) {
    if (body->memory == NULL) body->memory = or_request_take_body(answer->request);
    status = or_task_body_tensors(body, or_server_runtime(answer->request->server));
  }
  answer->has_digest = body->task_id != NULL || answer->options.durable || answer->options.shared;
  if (or_ok(status) && answer->has_digest) status = or_task_body_digest(body, answer->digest);
  return status;
}

/* ---- the end ---- */

/* Sends what lies in the reply; once. */
static void post(answer_t *answer) {
  or_request_t *request = answer->request;
  request->reply.owner = (or_owner_t){.self = answer, .release = let_go};
  or_reply_post(request);
}

static bool may_post(answer_t *answer) { return !atomic_exchange(&answer->posted, true); }

static void reply_accepted(or_request_t *request, or_job_t *job) {
  char text[192];
  request->reply.status = 202;
  or_reply_header(request, "Location", "/tasks/%s", or_job_id(job));
  (void)or_format(text, sizeof text,
                  "{\"task_id\":\"%s\",\"status\":\"pending\",\"device_id\":null,\"running_time\":0,\"progress\":0}",
                  or_job_id(job));
  or_reply_text(request, "application/json", text, strlen(text));
}

/* Tensors as bytes, where that is wanted and can be had; false: JSON does as well. */
static bool reply_parts(answer_t *answer, or_job_t *job) {
  or_task_parts_body_t *parts = &answer->parts;
  if (!answer->options.parts || or_job_facts(job).state != OR_TASK_COMPLETED) return false;
  or_status_ignore(or_task_parts_write(or_job_response(job), or_job_result(job), parts)); /* the JSON is there */
  if (parts->text.length == 0) return false;
  or_reply_bytes(answer->request, parts->content_type, parts->text.data, parts->text.length, (or_owner_t){NULL, NULL});
  return true;
}

static void reply_response(answer_t *answer, or_job_t *job) {
  static const char no_memory[] = "{\"detail\":\"there was no memory for the response\",\"error_code\":"
                                  "\"resource_exhausted\"}";
  or_request_t *request = answer->request;
  const or_text_t *response = or_job_response(job);
  if (reply_parts(answer, job)) return;
  if (response->length > 0) {
    or_reply_bytes(request, "application/json", response->data, response->length, (or_owner_t){NULL, NULL});
  } else if (or_job_code(job) == OR_UNAVAILABLE) {
    or_reply_error(request, 503, "unavailable",
                   "the server is shutting down; the task is recorded and runs after that");
  } else {
    request->reply.status = 507;
    or_reply_bytes(request, "application/json", no_memory, sizeof no_memory - 1, (or_owner_t){NULL, NULL});
  }
}

static void reply_ended(answer_t *answer, or_job_t *job) {
  or_request_t *request = answer->request;
  const or_job_facts_t facts = or_job_facts(job);
  reply_response(answer, job);
  if (facts.begun_ns == 0) return;
  request->reply.queue_ns = facts.begun_ns - facts.accepted_ns;
  request->reply.run_ns = facts.ended_ns - facts.begun_ns;
  request->reply.done_ns = facts.ended_ns;
}

/* The end of a job that was waited for. On any thread. */
static void on_end(void *self, or_job_t *job, or_job_event_t event) {
  answer_t *answer = self;
  (void)event;
  if (!may_post(answer)) return;
  reply_ended(answer, job);
  post(answer);
}

/* A durable job is on disk, or ended before it was. On any thread. */
static void on_admission(void *self, or_job_t *job, or_job_event_t event) {
  answer_t *answer = self;
  if (!may_post(answer)) return;
  if (event == OR_JOB_ADMITTED) {
    reply_accepted(answer->request, job);
  } else {
    or_reply_error(answer->request, or_job_code(job) == OR_RESOURCE_EXHAUSTED ? 507 : 503,
                   or_status_mapping(or_job_code(job))->name, "the task could not be recorded");
  }
  post(answer);
}

/* All that a durable job of one's own tells. On any thread. */
static void on_event(void *self, or_job_t *job, or_job_event_t event) {
  if (event == OR_JOB_ADMITTED || event == OR_JOB_FINISHED) on_admission(self, job, event);
  if (event == OR_JOB_FINISHED) let_go(self); /* nothing more will come */
}

/* Nobody waits for the reply any more. */
static void abandon(answer_t *answer, or_job_t *job) {
  if (!or_job_abandon(job, &answer->watch)) return; /* it was told, and posts */
  if (may_post(answer)) post(answer);
}

static void on_gone(void *self, or_request_t *request) {
  answer_t *answer = self;
  (void)request;
  or_mutex_lock(&answer->mutex);
  or_job_t *job = answer->job;
  answer->gone = true;
  or_mutex_unlock(&answer->mutex);
  if (job != NULL) abandon(answer, job);
}

/* ---- the beginning ---- */

static void reply_refusal(or_request_t *request, or_status_t status, const or_refusal_t *refusal) {
  static const int http[] = {[OR_REFUSED_QUOTA] = 429, [OR_REFUSED_CAPACITY] = 503, [OR_REFUSED_MEMORY] = 507};
  const or_status_code_t code = or_status_code(status);
  or_meter_refusal(request->server->meter, refusal->kind);
  if (refusal->kind == OR_REFUSED_REQUEST) {
    if (code == OR_INVALID_ARGUMENT) {
      or_reply_problem(request, "body", "task_id", "value_error", "%s", or_status_message(status));
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

static void reply_taken(or_request_t *request, const char *task_id) {
  or_reply_error(request, 409, "already_exists", "task_id \"%s\" stands for another task", task_id);
}

/* The task of that id there is: its end, or that it is on disk. */
static void join(answer_t *answer, or_job_t *job) {
  const bool recorded = answer->options.durable && or_job_facts(job).durable;
  answer->watch = (or_job_watch_t){.listener = recorded ? on_admission : on_end, .self = answer, .admission = recorded};
  if (!or_job_attend(job, &answer->watch)) {
    if (recorded && !or_task_state_is_final(or_job_facts(job).state)) {
      on_admission(answer, job, OR_JOB_ADMITTED);
    } else {
      on_end(answer, job, OR_JOB_FINISHED);
    }
    return;
  }
  or_mutex_lock(&answer->mutex);
  const bool gone = answer->gone;
  or_mutex_unlock(&answer->mutex);
  if (gone) abandon(answer, job);
}

static void set_job(answer_t *answer, or_job_t *job) {
  or_mutex_lock(&answer->mutex);
  answer->job = job;
  const bool gone = answer->gone && !answer->options.durable;
  or_mutex_unlock(&answer->mutex);
  if (gone) abandon(answer, job);
}

/* Lets go of the accepter's reference. */
static void accept_task(answer_t *answer) {
  or_task_body_t *body = answer->body;
  or_request_t *request = answer->request;
  or_submission_result_t result;
  const bool durable = answer->options.durable;
  answer->watch = (or_job_watch_t){.listener = on_end, .self = answer};
  const or_job_request_t wanted = {.task = body->task,
                                   .task_id = body->task_id,
                                   .owner = request->key.id,
                                   .device = answer->options.device[0] != '\0' ? answer->options.device : NULL,
                                   .request_id = request->request_id,
                                   .body = body->json,
                                   .body_bytes = body->json_bytes,
                                   .body_digest = answer->has_digest ? answer->digest : NULL,
                                   .durable = durable,
                                   .shared = answer->options.shared,
                                   .here = or_request_has_time(request),
                                   .tensors = body->tensors,
                                   .tensor_count = body->tensor_count,
                                   .blobs = body->blobs,
                                   .blob_count = body->part_count,
                                   .listener = durable ? on_event : NULL,
                                   .listener_self = answer,
                                   .watch = durable ? NULL : &answer->watch};
  body->task = NULL;                        /* the scheduler's */
  if (durable) or_ref_retain(&answer->ref); /* the listener's */
  or_status_t status = or_scheduler_submit(request->server->services.scheduler, &wanted, &result);
  if (or_ok(status) && !result.existing) {
    set_job(answer, result.job);
  } else {
    if (durable) let_go(answer);
    if (or_ok(status)) {
      set_job(answer, result.job);
      join(answer, result.job);
    } else if (may_post(answer)) {
      reply_refusal(request, status, &result.refusal);
      post(answer);
    }
  }
  let_go(answer);
}

/* From the store, on its reader's thread. */
static void on_looked_up(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                         size_t blob_count) {
  answer_t *answer = self;
  or_request_t *request = answer->request;
  (void)blobs, (void)blob_count;
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* so it is a new one */
    if (!answer->options.refused) {
      accept_task(answer);
      return;
    }
    if (may_post(answer)) post(answer);
    let_go(answer);
    return;
  }
  take_back(answer);
  if (or_status_code(status) == OR_ALREADY_EXISTS || (or_ok(status) && strcmp(record->owner, request->key.id) != 0)) {
    reply_taken(request, answer->body->task_id);
    or_status_ignore(status); /* told */
  } else if (!or_ok(status)) {
    or_reply_failure(request, status);
  } else {
    or_reply_record(request, record);
  }
  if (may_post(answer)) post(answer);
  let_go(answer);
}

/* An id that only the store may know. False: there is nothing to look up. */
static bool look_up(answer_t *answer) {
  const or_services_t *services = &answer->request->server->services;
  const char *task_id = answer->body->task_id;
  if (task_id == NULL || !or_task_id_valid(task_id)) return false;
  or_job_t *job = or_scheduler_find(services->scheduler, task_id, NULL);
  or_job_release(job);
  if (job != NULL) return false;
  const or_store_find_t find = {.task_id = task_id, .body_digest = answer->digest};
  or_status_t status = or_store_find(services->store, &find, on_looked_up, answer);
  if (or_ok(status)) return true;
  or_reply_failure(answer->request, status);
  if (may_post(answer)) post(answer);
  let_go(answer);
  return true;
}
