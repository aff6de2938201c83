/* POST /tasks: one task, waited for or recorded. */
#include <string.h>

#include "server/query.h"
#include "server/task_answer.h"

/* An unknown model is an answer of its own, before there is a task. */
static or_status_t check_model(or_request_t *request, const or_task_t *task) {
  uint64_t bytes;
  bool known;
  if (strcmp(or_task_operation(task), "inference") != 0 || or_task_model(task) == NULL) return or_status_success();
  return or_model_pool_estimate(request->server->services.pool, or_task_model(task), &bytes, &known);
}

static bool wants_no_wait(const or_request_t *request) {
  or_query_t query;
  if (or_slice_has_token(request->headers[OR_HEADER_PREFER], "respond-async")) return true;
  if (request->query.length == 0) return false;
  or_status_t status = or_query_parse(request->query, &query);
  const bool bad = !or_ok(status);
  or_status_ignore(status); /* then it is waited for, as by default */
  const char *wait = bad ? NULL : or_query_get(&query, "wait");
  return wait != NULL && strcmp(wait, "false") == 0;
}

/* By the operation: kernels of users, which no device takes yet, need a scope of their own. */
static bool may_run(or_request_t *request, or_status_t status) {
  const bool kernel = or_status_code(status) == OR_UNIMPLEMENTED;
  if (or_access_reaches(&request->key, kernel ? OR_SCOPE_KERNELS : OR_SCOPE_RUN)) return true;
  or_reply_error(request, 403, "permission_denied", "the key has not the scope %s, which this operation needs",
                 kernel ? "kernels" : "run");
  return false;
}

void or_handle_task_create(or_request_t *request) {
  const or_task_source_t source = {request->headers[OR_HEADER_CONTENT_TYPE], request->body, request->body_bytes};
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  or_status_t status = or_task_body_read(request->allocator, &source, &problems, &body);
  if (!or_ok(status) && problems.count > 0) {
    or_reply_problems(request, &problems, "");
    or_status_ignore(status); /* told, field by field */
    return;
  }
  if (!may_run(request, status)) {
    or_task_body_release(body);
    or_status_ignore(status); /* told */
    return;
  }
  if (or_ok(status)) status = check_model(request, body->task);
  if (!or_ok(status)) {
    or_task_body_release(body);
    or_reply_failure(request, status);
    return;
  }
  or_answer_task(request, body, (or_answer_options_t){.durable = wants_no_wait(request)});
}
