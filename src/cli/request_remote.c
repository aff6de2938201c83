/* A TaskRequest carried out by a server: the same request, sent and waited for. */
#include "cli/request_remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/remote.h"
#include "model/tensor_json.h"

#define CLEANUP_TIMEOUT_S 2.0
#define DEFAULT_TYPE "application/json"

/* A task that is waited for. */
typedef struct waiting_t {
  or_cli_t *cli;
  or_client_t *second; /* asks how far it is, and cancels it */
  or_text_t path;      /* "/tasks/ID"; "" of a benchmark, whose id only the server knows */
} waiting_t;

/* A document of the server's, for the eye only: NULL where it can't be had. */
static or_json_document_t *look_at(const waiting_t *waiting, const char *path, const char *query) {
  const or_client_request_t request = {.method = "GET", .path = path, .query = query, .timeout_s = CLEANUP_TIMEOUT_S};
  or_client_reply_t reply;
  or_json_document_t *document = NULL;
  or_client_reply_init(&reply, waiting->cli->allocator);
  or_status_t status = or_client_call(waiting->second, &request, &reply);
  if (or_ok(status))
    status = or_json_parse(waiting->cli->allocator, or_text_string(&reply.body), reply.body.length, &document);
  or_status_ignore(status); /* what can't be learned is not shown */
  or_client_reply_deinit(&reply);
  return document;
}

/* The benchmark that is at work, else one that waits: "/tasks/ID"; false: there is none. */
static bool find_benchmark(const waiting_t *waiting, or_text_t *path) {
  or_json_document_t *document = look_at(waiting, "/tasks", "operation=benchmark&limit=1");
  const or_json_value_t *tasks = or_json_get(or_json_root(document), "active_tasks"), *found = NULL;
  for (size_t i = 0; i < or_json_count(tasks); ++i) {
    const or_json_value_t *task = or_json_at(tasks, i);
    if (found == NULL || strcmp(or_json_get_string(or_json_get(task, "status"), ""), "running") == 0) found = task;
  }
  const char *id = or_json_get_string(or_json_get(found, "task_id"), NULL);
  or_status_t status = id != NULL ? or_cli_path(path, "/tasks", id, "") : or_status_success();
  const bool good = or_ok(status) && id != NULL;
  or_status_ignore(status); /* it is for the eye only */
  or_json_document_free(document);
  return good;
}

/* How far the task is, on stderr. */
static void show_progress(void *self) {
  const waiting_t *waiting = self;
  or_text_t path;
  or_json_document_t *document = NULL;
  or_text_init(&path, waiting->cli->allocator);
  if (waiting->path.length > 0) {
    document = look_at(waiting, or_text_string(&waiting->path), NULL);
  } else if (find_benchmark(waiting, &path)) {
    document = look_at(waiting, or_text_string(&path), NULL);
  }
  const or_json_value_t *progress = or_json_get(or_json_root(document), "progress");
  if (progress != NULL) {
    or_cli_progress(waiting->cli, or_json_get_double(progress, 0),
                    or_json_get_string(or_json_get(or_json_root(document), "status"), ""));
  } else {
    or_cli_progress_waits(waiting->cli);
  }
  or_json_document_free(document);
  or_text_deinit(&path);
}

/* While the connection that waits is still open: the server cancels by a closed one too, but does not see it behind a
 * proxy that keeps its own; and a task that has ended so would be forgotten by this. */
static void cancel_task(void *self) {
  const waiting_t *waiting = self;
  const or_client_request_t request = {
      .method = "DELETE", .path = or_text_string(&waiting->path), .timeout_s = CLEANUP_TIMEOUT_S, .uncancelled = true};
  or_client_reply_t reply;
  or_client_reply_init(&reply, waiting->cli->allocator);
  or_status_ignore(or_client_call(waiting->second, &request, &reply)); /* it may have ended, or never begun */
  or_client_reply_deinit(&reply);
}

/* {shape, dtype, part}; strings have no bytes of their own, and what finds no room beside the others goes as JSON. */
static or_status_t write_tensor(or_cli_request_t *request, const or_task_tensor_t *input) {
  or_json_writer_t *json = &request->json;
  if (input->value != NULL) return or_task_tensor_write(request->cli->allocator, input, json);
  const or_tensor_t *tensor = input->tensor;
  const void *data = or_tensor_data(tensor);
  if (or_tensor_dtype(tensor) == OR_STRING || data == NULL || request->part_count + 1 >= OR_MULTIPART_MAX_PARTS)
    return or_tensor_json_write(request->cli->allocator, tensor, json);
  or_tensor_json_begin(json, tensor);
  (void)or_cli_request_part(request, "input", data, or_tensor_bytes(tensor)); /* there is room */
  or_json_object_end(json);
  return or_status_success();
}

static or_status_t write_inputs(or_cli_request_t *request, const or_cli_execution_t *execution) {
  or_status_t status = or_status_success();
  if (execution->tensor_count == 0) return status;
  or_json_key(&request->json, "inputs");
  or_json_object_begin(&request->json);
  for (size_t i = 0; or_ok(status) && i < execution->tensor_count; ++i) {
    or_json_key(&request->json, execution->tensors[i].name);
    status = write_tensor(request, &execution->tensors[i]);
  }
  or_json_object_end(&request->json);
  return status;
}

static or_status_t finish(or_cli_request_t *request, const or_cli_execution_t *execution) {
  or_status_t status = write_inputs(request, execution);
  if (!request->benchmark) or_json_object_end(&request->json);
  or_json_object_end(&request->json);
  status = or_status_first(status, or_json_finish(&request->json));
  status = or_status_first(request->status, status);
  request->status = or_status_success();
  return status;
}

/* The body: JSON, or parts of which it is the first. `parts` is as long as the request. */
static void set_body(const or_cli_request_t *request, or_client_part_t *parts, or_client_request_t *http) {
  http->content_type = DEFAULT_TYPE;
  http->body = or_text_string(&request->text);
  http->body_bytes = request->text.length;
  if (request->part_count == 0) return;
  parts[0] = (or_client_part_t){"request", DEFAULT_TYPE, http->body, http->body_bytes};
  for (size_t i = 0; i < request->part_count; ++i)
    parts[i + 1] = (or_client_part_t){request->parts[i].name, NULL, request->parts[i].data, request->parts[i].bytes};
  *http = (or_client_request_t){.parts = parts, .part_count = request->part_count + 1};
}

/* Sends it and waits; a reply of 300 or more is a failure. */
static or_status_t post(or_cli_request_t *request, or_client_t *client, bool wants_parts, or_client_reply_t *reply) {
  or_cli_t *cli = request->cli;
  waiting_t waiting = {.cli = cli};
  or_client_part_t parts[OR_MULTIPART_MAX_PARTS];
  or_client_request_t http = {.method = NULL};
  or_text_t query;
  or_text_init(&waiting.path, cli->allocator);
  or_text_init(&query, cli->allocator);
  set_body(request, parts, &http);
  http.method = "POST";
  http.path = request->benchmark ? "/benchmark" : "/tasks";
  http.accept = wants_parts ? "multipart/form-data, application/json" : NULL;
  http.timeout_s = OR_CLIENT_NO_TIMEOUT;
  or_status_t status = or_status_success();
  if (request->benchmark && cli->device != NULL && strcmp(cli->device, "auto") != 0)
    status = or_cli_add_query(&query, "device_id", cli->device);
  if (or_ok(status) && !request->benchmark) status = or_cli_path(&waiting.path, "/tasks", request->task_id, "");
  if (or_ok(status)) status = or_cli_client_create(cli, &waiting.second);
  http.query = or_text_string(&query);
  http.tick = or_cli_shows_progress(cli) ? show_progress : NULL;
  http.tick_self = &waiting;
  http.ending =
      request->benchmark ? NULL : cancel_task; /* others may wait for the same run: the connection's end does */
  if (or_ok(status)) status = or_client_call(client, &http, reply);
  or_cli_progress_end(cli);
  or_client_free(waiting.second);
  or_text_deinit(&query);
  or_text_deinit(&waiting.path);
  return status;
}

int or_cli_request_remote(or_cli_request_t *request, const or_cli_execution_t *execution, bool print,
                          or_cli_outcome_t *out) {
  or_cli_t *cli = request->cli;
  or_client_t *client = NULL;
  or_client_reply_t reply;
  or_client_reply_init(&reply, cli->allocator);
  or_status_t status = finish(request, execution);
  int code = OR_EXIT_OK;
  if (!or_ok(status)) code = or_cli_fail(cli, status);
  if (code == OR_EXIT_OK && !or_cli_client(cli, &client)) code = cli->code;
  if (code == OR_EXIT_OK) {
    status = post(request, client, execution->wants_outputs && !cli->json, &reply);
    if (!or_ok(status)) code = or_cli_fail_reply(cli, &reply, status);
  }
  if (code == OR_EXIT_OK) code = or_cli_take_reply(cli, &reply, execution, print, out);
  or_client_reply_deinit(&reply);
  or_text_deinit(&request->text);
  return code;
}

int or_cli_request_async(or_cli_request_t *request) {
  or_cli_t *cli = request->cli;
  const or_cli_execution_t none = {.verify = false};
  or_json_document_t *document = NULL;
  or_status_t status = finish(request, &none);
  const or_client_request_t http = {.method = "POST",
                                    .path = "/tasks",
                                    .content_type = "application/json",
                                    .body = or_text_string(&request->text),
                                    .body_bytes = request->text.length,
                                    .prefer = "respond-async"};
  int code = or_ok(status) ? or_cli_ask(cli, &http, &document) : or_cli_fail(cli, status);
  const char *id = or_json_get_string(or_json_get(or_json_root(document), "task_id"), "");
  if (code == OR_EXIT_OK && cli->json) code = or_cli_show(cli, or_json_root(document), NULL);
  if (code == OR_EXIT_OK && !cli->json) (void)printf("%s\n", id);
  if (code == OR_EXIT_OK && !cli->json && !cli->quiet)
    (void)fprintf(stderr, "openruntime: how it is: openruntime tasks %s\n", id);
  or_json_document_free(document);
  or_text_deinit(&request->text);
  return code;
}
