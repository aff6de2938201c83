/* POST /tasks: one task, waited for or recorded. */
#include <string.h>

#include "server/access.h"
#include "server/kernel_store.h"
#include "server/query.h"
#include "server/task_answer.h"
#include "task/kernel_launch.h"

/* What is done by the operation, before the task is looked at: kernels of users need a scope of their own, and are off
 * unless the operator wants them. */
static or_status_t check_operation(void *self, const or_json_value_t *root) {
  const or_request_t *request = self;
  const char *operation = or_json_get_string(or_json_get(root, "operation"), "");
  const bool kernel = strcmp(operation, "kernel") == 0;
  const bool reaches = or_access_reaches(&request->key, kernel ? OR_SCOPE_KERNELS : OR_SCOPE_RUN);
  if (reaches && kernel && request->server->services.kernels == NULL)
    return or_error(OR_PERMISSION_DENIED, "%s", OR_KERNELS_OFF);
  if (reaches) return or_status_success();
  return or_error(OR_PERMISSION_DENIED, "the key has not the scope %s, which operation \"%.32s\" needs",
                  kernel ? "kernels" : "run", operation);
}

/* Whether the reply waits for the task: header and query may each deny it. False with the reply that says what is wrong
 * with the query. */
static bool read_wait(or_request_t *request, bool *wait) {
  or_query_t query;
  const bool preferred = !or_slice_has_token(request->headers[OR_HEADER_PREFER], "respond-async");
  *wait = preferred;
  if (request->query.length == 0) return true;
  const char *field = "";
  or_status_t status = or_query_parse(request->query, &query);
  if (or_ok(status)) {
    field = "wait";
    status = or_query_bool(&query, field, true, wait);
  }
  *wait = *wait && preferred;
  if (or_ok(status)) return true;
  or_reply_problem(request, "query", field, "value_error", "%s", or_status_message(status));
  or_status_ignore(status); /* told */
  return false;
}

static bool accepts_parts(const or_request_t *request) {
  return or_slice_accepts(request->headers[OR_HEADER_ACCEPT], "multipart/form-data");
}

/* The client of a large body, which waited for a thread or took long, has gone: nobody waits for a task that is not to
 * be recorded either. */
static bool is_pointless(const or_request_t *request, bool wait) {
  return wait && request->body_bytes > OR_LOOP_WORK_BYTES && or_cancel_requested(&request->cancel);
}

/* Whether the inputs fit the model, asked before there is a task. */
typedef enum verdict_t { GOOD, WRONG, ASKED_ELSEWHERE } verdict_t;

static verdict_t check_inputs(or_request_t *request, const or_task_t *task, or_task_problems_t *problems) {
  or_model_pool_t *pool = request->server->services.pool;
  const char *name = or_task_model(task);
  bool moved = false;
  if (name == NULL || strcmp(or_task_operation(task), "inference") != 0) return GOOD;
  or_model_t *model = or_model_pool_loaded(pool, name);
  if (model == NULL && or_request_may_not_wait(request, &moved)) return moved ? ASKED_ELSEWHERE : GOOD;
  if (model == NULL) or_status_ignore(or_model_pool_read(pool, name, &model)); /* the task says it */
  problems->count = 0;
  if (model != NULL) or_task_check_inputs(task, NULL, 0, model, problems);
  or_model_release(model);
  return problems->count == 0 ? GOOD : WRONG;
}

/* The kernel of the task, compiled if that was not since the start, and what of the task does not fit it. *device: the
 * one that it runs on. */
static or_status_t fit_kernel(or_request_t *request, const or_task_t *task, or_kernel_entry_t *entry,
                              or_task_problems_t *problems, const char **device) {
  or_kernel_registry_t *registry = request->server->services.kernels;
  or_kernel_t *kernel = NULL;
  or_status_t status = or_kernel_registry_ready(registry, entry, &request->cancel, &kernel);
  if (!or_ok(status)) return status;
  *device = or_kernel_facts(kernel)->device_id;
  return or_task_check_kernel(task, or_server_runtime(request->server), kernel, or_kernel_registry_limits(registry),
                              problems);
}

/* As check_inputs, of a kernel's task; WRONG: the reply says why. */
static verdict_t check_kernel(or_request_t *request, const or_task_t *task, or_answer_options_t *options) {
  or_kernel_entry_t *entry = NULL;
  or_task_problems_t problems = {.count = 0};
  const char *device = NULL;
  bool moved = false;
  if (or_task_kernel(task) == NULL) return GOOD;
  or_status_t status =
      or_kernel_registry_find(request->server->services.kernels, request->key.id, or_task_kernel(task), &entry);
  if (or_ok(status) && !or_kernel_entry_is_ready(entry) &&
      (or_kernel_registry_would_wait(request->server->services.kernels, entry) ||
       or_request_may_not_wait(request, &moved))) {
    or_kernel_entry_release(entry);
    return moved ? ASKED_ELSEWHERE : GOOD; /* it would wait for others: the task itself says what does not fit */
  }
  if (or_ok(status)) status = fit_kernel(request, task, entry, &problems, &device);
  if (or_ok(status) && problems.count > 0) or_reply_problems(request, &problems, "");
  if (or_ok(status)) or_format(options->device, sizeof options->device, "%s", device);
  or_kernel_entry_release(entry);
  if (or_ok(status)) return problems.count == 0 ? GOOD : WRONG;
  or_reply_failure(request, status);
  return WRONG;
}

static bool has_id(const or_task_body_t *body) { return body->task_id != NULL && or_task_id_valid(body->task_id); }

/* A task of that id is there, whose inputs were looked at when it came: what has become of its model or kernel since
 * makes it no other task. One that only the store knows is found later, after a refusal too. */
static bool is_known(const or_request_t *request, const or_task_body_t *body) {
  if (!has_id(body)) return false;
  or_job_t *job = or_scheduler_find(request->server->services.scheduler, body->task_id, NULL);
  or_job_release(job);
  return job != NULL;
}

/* GOOD: it may be accepted. Else the reply says why not, or is another thread's. */
static verdict_t check_task(or_request_t *request, const or_task_body_t *body, or_answer_options_t *options) {
  or_task_problems_t problems = {.count = 0};
  if (is_known(request, body)) return GOOD;
  or_status_t status = or_check_models(request, body->task);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return WRONG;
  }
  const bool wait = !options->durable;
  const verdict_t verdict = is_pointless(request, wait) ? GOOD : check_inputs(request, body->task, &problems);
  if (verdict == WRONG) or_reply_problems(request, &problems, "");
  return verdict == GOOD && !is_pointless(request, wait) ? check_kernel(request, body->task, options) : verdict;
}

void or_handle_task_create(or_request_t *request) {
  const or_task_source_t source = {.content_type = request->headers[OR_HEADER_CONTENT_TYPE],
                                   .body = request->body,
                                   .bytes = request->body_bytes,
                                   .check = check_operation,
                                   .check_self = request};
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  bool wait;
  if (!read_wait(request, &wait) || is_pointless(request, wait)) return;
  or_status_t status = or_task_body_read(request->allocator, &source, &problems, &body);
  if (!or_ok(status) && problems.count > 0) {
    or_reply_problems(request, &problems, "");
    or_status_ignore(status); /* told, field by field */
    return;
  }
  if (!or_ok(status)) {
    or_task_body_release(body);
    or_reply_failure(request, status);
    return;
  }
  or_answer_options_t options = {.durable = !wait, .parts = accepts_parts(request)};
  const verdict_t verdict = check_task(request, body, &options);
  options.refused = verdict == WRONG && has_id(body);
  if ((verdict != GOOD && !options.refused) || is_pointless(request, wait)) {
    or_task_body_release(body);
    return;
  }
  or_answer_task(request, body, options);
}
