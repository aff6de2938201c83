/* A TaskRequest carried out by a server: the same request, and its reply as the outcome of one carried out here. */
#include "cli/request_remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/remote.h"
#include "model/tensor_json.h"

#define CLEANUP_TIMEOUT_S 2.0

/* A task that is waited for. */
typedef struct waiting_t {
  or_cli_t *cli;
  or_client_t *second; /* asks how far it is; NULL: nobody looks */
  or_text_t path;      /* "/tasks/ID" */
} waiting_t;

static or_status_t write_inputs(or_cli_request_t *request, const or_cli_execution_t *execution);
static int take_reply(or_cli_request_t *request, const or_cli_execution_t *execution, or_cli_outcome_t *out);

/* How far the task is, on stderr; what can't be learned is not shown. */
static void show_progress(void *self) {
  const waiting_t *waiting = self;
  const or_client_request_t request = {
      .method = "GET", .path = or_text_string(&waiting->path), .timeout_s = CLEANUP_TIMEOUT_S};
  or_client_reply_t reply;
  or_json_document_t *document = NULL;
  or_client_reply_init(&reply, waiting->cli->allocator);
  or_status_t status = or_client_call(waiting->second, &request, &reply);
  if (or_ok(status))
    status = or_json_parse(waiting->cli->allocator, or_text_string(&reply.body), reply.body.length, &document);
  const or_json_value_t *root = or_ok(status) ? or_json_root(document) : NULL;
  if (or_json_get(root, "progress") != NULL) {
    or_cli_progress(waiting->cli, or_json_get_double(or_json_get(root, "progress"), 0),
                    or_json_get_string(or_json_get(root, "status"), ""));
  }
  or_status_ignore(status); /* it is for the eye only */
  or_json_document_free(document);
  or_client_reply_deinit(&reply);
}

/* The server sees the closed connection too; but not behind a proxy that keeps its own open. */
static void cancel_task(const waiting_t *waiting, or_client_t *client) {
  const or_client_request_t request = {
      .method = "DELETE", .path = or_text_string(&waiting->path), .timeout_s = CLEANUP_TIMEOUT_S, .uncancelled = true};
  or_client_reply_t reply;
  or_client_reply_init(&reply, waiting->cli->allocator);
  or_status_ignore(or_client_call(client, &request, &reply)); /* it may have ended, or never begun */
  or_client_reply_deinit(&reply);
}

static or_status_t finish(or_cli_request_t *request, const or_cli_execution_t *execution) {
  or_status_t status = write_inputs(request, execution);
  or_json_object_end(&request->json);
  or_json_object_end(&request->json);
  status = or_status_first(status, or_json_finish(&request->json));
  status = or_status_first(request->status, status);
  request->status = or_status_success();
  return status;
}

/* Sends it and waits; a reply of 300 or more is a failure. */
static or_status_t post(or_cli_request_t *request, or_client_t *client, or_client_reply_t *reply) {
  or_cli_t *cli = request->cli;
  waiting_t waiting = {.cli = cli};
  or_client_request_t http = {.method = "POST",
                              .path = "/tasks",
                              .content_type = "application/json",
                              .body = or_text_string(&request->text),
                              .body_bytes = request->text.length,
                              .timeout_s = OR_CLIENT_NO_TIMEOUT};
  or_text_init(&waiting.path, cli->allocator);
  or_status_t status = or_cli_path(&waiting.path, "/tasks", request->task_id, "");
  if (or_ok(status) && cli->error_terminal && !cli->quiet) status = or_cli_client_create(cli, &waiting.second);
  if (waiting.second != NULL) http.tick = show_progress, http.tick_self = &waiting;
  if (or_ok(status)) status = or_client_call(client, &http, reply);
  or_cli_progress_end(cli);
  if (or_status_code(status) == OR_CANCELLED && reply->status == 0) cancel_task(&waiting, client);
  or_client_free(waiting.second);
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
    status = post(request, client, &reply);
    if (!or_ok(status)) code = or_cli_fail_reply(cli, &reply, status);
  }
  if (code == OR_EXIT_OK) {
    status = or_json_parse(cli->allocator, or_text_string(&reply.body), reply.body.length, &out->document);
    if (!or_ok(status)) code = or_cli_fail(cli, or_status_context(status, "the server's answer"));
  }
  if (code == OR_EXIT_OK && print && cli->json) code = or_cli_show(cli, or_json_root(out->document), NULL);
  if (code == OR_EXIT_OK) {
    const bool json = cli->json;
    cli->json = json && !print; /* the response has been printed */
    code = take_reply(request, execution, out);
    cli->json = json;
  }
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

or_status_t or_cli_write_base64(or_cli_t *cli, or_json_writer_t *json, const void *data, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *bytes = data;
  size_t used = 0;
  void *encoded = NULL;
  or_status_t status = or_alloc(cli->allocator, (length + 2) / 3 * 4 + 1, &encoded);
  if (!or_ok(status)) return status;
  char *out = encoded;
  for (size_t i = 0; i < length; i += 3) {
    uint32_t group = (uint32_t)bytes[i] << 16;
    if (i + 1 < length) group |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < length) group |= bytes[i + 2];
    out[used++] = digits[group >> 18];
    out[used++] = digits[group >> 12 & 63];
    out[used++] = i + 1 < length ? digits[group >> 6 & 63] : '=';
    out[used++] = i + 2 < length ? digits[group & 63] : '=';
  }
  or_json_string_n(json, out, used);
  or_free(cli->allocator, encoded);
  return status;
}

/* {shape, dtype, data_base64}; strings have no bytes of their own and go as JSON. */
static or_status_t write_tensor(or_cli_request_t *request, const or_tensor_t *tensor) {
  or_json_writer_t *json = &request->json;
  const or_shape_t *shape = or_tensor_shape(tensor);
  const void *data = or_tensor_data(tensor);
  if (or_tensor_dtype(tensor) == OR_STRING || data == NULL)
    return or_tensor_json_write(request->cli->allocator, tensor, json);
  or_json_object_begin(json);
  or_json_key(json, "shape");
  or_json_array_begin(json);
  for (int32_t d = 0; d < shape->rank; ++d) or_json_int(json, shape->dims[d]);
  or_json_array_end(json);
  or_json_field_string(json, "dtype", or_dtype_name(or_tensor_dtype(tensor)));
  or_json_key(json, "data_base64");
  or_status_t status = or_cli_write_base64(request->cli, json, data, or_tensor_bytes(tensor));
  if (!or_ok(status)) or_json_null(json);
  or_json_object_end(json);
  return status;
}

static or_status_t write_inputs(or_cli_request_t *request, const or_cli_execution_t *execution) {
  or_status_t status = or_status_success();
  if (execution->tensor_count == 0) return status;
  or_json_key(&request->json, "inputs");
  or_json_object_begin(&request->json);
  for (size_t i = 0; or_ok(status) && i < execution->tensor_count; ++i) {
    or_json_key(&request->json, execution->tensors[i].name);
    status = write_tensor(request, execution->tensors[i].tensor);
  }
  or_json_object_end(&request->json);
  return status;
}

static const char *word(const or_json_value_t *object, const char *key) {
  return or_json_get_string(or_json_get(object, key), "");
}

/* The failure that a TaskResponse tells; success of a completed one. */
static or_status_t status_of(const or_json_value_t *response) {
  const char *state = word(response, "status"), *error = word(response, "error");
  or_status_code_t code = strcmp(state, "cancelled") == 0 ? OR_CANCELLED
                          : strcmp(state, "timeout") == 0 ? OR_DEADLINE_EXCEEDED
                                                          : or_client_code(word(response, "error_code"));
  if (strcmp(state, "completed") == 0) return or_status_success();
  return or_error(code == OR_OK ? OR_INTERNAL : code, "%s", error[0] != '\0' ? error : state);
}

/* The tensors of result.outputs, as those that a task here leaves. */
static or_status_t take_outputs(or_cli_t *cli, const or_json_value_t *outputs, or_task_result_t *result) {
  or_device_t *device = NULL;
  void *items = NULL;
  or_status_t status = or_runtime_find_device(cli->runtime, "cpu", &device);
  if (or_ok(status)) status = or_alloc_array(cli->allocator, or_json_count(outputs), sizeof *result->outputs, &items);
  result->outputs = items;
  for (size_t i = 0; or_ok(status) && i < or_json_count(outputs); ++i) {
    const or_json_value_t *value = NULL;
    or_task_tensor_t *output = &result->outputs[result->output_count];
    or_tensor_data_t data = {.data = NULL};
    or_format(output->name, sizeof output->name, "%s", or_json_key_at(outputs, i, &value));
    status = or_tensor_json_read(cli->allocator, value, &data);
    if (or_ok(status))
      status = or_tensor_create_from(device, data.dtype, data.shape, data.data, data.bytes, &output->tensor);
    or_free(cli->allocator, data.data);
    if (or_ok(status)) ++result->output_count;
    status = or_status_context(status, "output \"%s\"", output->name);
  }
  return status;
}

static or_status_t copy_result(or_cli_t *cli, const or_json_value_t *response, bool wants_outputs,
                               or_cli_outcome_t *out) {
  or_task_result_t *result = &out->result;
  or_json_writer_t json;
  or_json_begin(&json, &result->json, 0);
  or_json_copy(&json, out->root);
  or_format(result->device_used, sizeof result->device_used, "%s", word(response, "device_used"));
  or_format(result->fallback_reason, sizeof result->fallback_reason, "%s", word(response, "fallback_reason"));
  or_status_t status = or_json_finish(&json);
  const or_json_value_t *outputs = or_json_get(out->root, "outputs");
  if (or_ok(status) && wants_outputs && or_json_count(outputs) > 0) status = take_outputs(cli, outputs, result);
  return status;
}

static int take_reply(or_cli_request_t *request, const or_cli_execution_t *execution, or_cli_outcome_t *out) {
  or_cli_t *cli = request->cli;
  const or_json_value_t *response = or_json_root(out->document);
  or_status_t status = status_of(response);
  if (execution->subject != NULL) status = or_status_context(status, "%s", execution->subject);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  out->root = or_json_get(response, "result");
  if (or_json_count(or_json_get(out->root, "outputs")) > 0 && execution->wants_outputs && !or_cli_runtime(cli))
    return cli->code;
  status = copy_result(cli, response, execution->wants_outputs, out);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}
