/* What a server answered to a TaskRequest, as the outcome of one carried out here. */
#include <string.h>

#include "base/alloc.h"
#include "base/multipart.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/request_remote.h"
#include "model/tensor_json.h"
#include "model/value_json.h"

/* A reply taken apart. */
typedef struct answer_t {
  const char *json;
  size_t json_bytes;
  or_multipart_t parts; /* without any: the reply is the JSON */
} answer_t;

/* The failure that a TaskResponse tells; success of a completed one. */
static or_status_t status_of(const or_json_value_t *response) {
  const char *state = or_cli_word(response, "status"), *error = or_cli_word(response, "error");
  or_status_code_t code = strcmp(state, "cancelled") == 0 ? OR_CANCELLED
                          : strcmp(state, "timeout") == 0 ? OR_DEADLINE_EXCEEDED
                                                          : or_client_code(or_cli_word(response, "error_code"));
  if (strcmp(state, "completed") == 0) return or_status_success();
  if (state[0] == '\0') return or_error(OR_DATA_LOSS, "the answer is no TaskResponse: is that an OpenRuntime server?");
  return or_error(code == OR_OK ? OR_INTERNAL : code, "%s", error[0] != '\0' ? error : state);
}

static or_status_t cut(const or_cli_t *cli, const or_client_reply_t *reply, answer_t *out) {
  static const char kind[] = "multipart/";
  char type[256];
  *out = (answer_t){or_text_string(&reply->body), reply->body.length, {.allocator = cli->allocator}};
  if (!or_client_reply_header(reply, "Content-Type", type, sizeof type) ||
      !or_slice_is_nocase((or_slice_t){type, strnlen(type, sizeof kind - 1)}, kind))
    return or_status_success();
  or_status_t status = or_multipart_parse(cli->allocator, (or_slice_t){type, strlen(type)}, reply->body.data,
                                          reply->body.length, &out->parts);
  const or_multipart_part_t *response = or_ok(status) ? or_multipart_find(&out->parts, "response") : NULL;
  if (or_ok(status) && response == NULL) return or_error(OR_DATA_LOSS, "the server's answer has no part \"response\"");
  if (!or_ok(status)) return or_status_context(status, "the server's answer");
  out->json = response->data;
  out->json_bytes = response->bytes;
  return status;
}

/* One of result.outputs: in JSON, or a part that it names. */
static or_status_t take_output(or_device_t *device, const or_json_value_t *value, answer_t *answer,
                               or_task_tensor_t *out) {
  const or_allocator_t *allocator = answer->parts.allocator;
  const char *name = or_json_get_string(or_json_get(value, "part"), NULL);
  or_tensor_data_t tensor = {.data = NULL};
  if (name == NULL) return or_value_json_read(allocator, device, value, &out->tensor, &out->value);
  const or_multipart_part_t *part = or_multipart_find(&answer->parts, name);
  or_status_t status = or_tensor_json_read_type(value, &tensor);
  if (!or_ok(status)) return status;
  if (part == NULL) return or_error(OR_DATA_LOSS, "the answer has no part \"%s\"", name);
  if (part->bytes != tensor.bytes)
    return or_error(OR_DATA_LOSS, "part \"%s\" has %zu bytes; its dtype and shape take %zu", name, part->bytes,
                    tensor.bytes);
  return or_tensor_create_from(device, tensor.dtype, tensor.shape, part->data, part->bytes, &out->tensor);
}

/* The tensors of result.outputs, as those that a task here leaves. */
static or_status_t take_outputs(or_cli_t *cli, const or_json_value_t *outputs, answer_t *answer,
                                or_task_result_t *result) {
  or_device_t *device = NULL;
  void *items = NULL;
  or_status_t status = or_runtime_find_device(cli->runtime, "cpu", &device);
  if (or_ok(status)) status = or_alloc_array(cli->allocator, or_json_count(outputs), sizeof *result->outputs, &items);
  result->outputs = items;
  for (size_t i = 0; or_ok(status) && i < or_json_count(outputs); ++i) {
    const or_json_value_t *value = NULL;
    or_task_tensor_t *output = &result->outputs[result->output_count];
    or_format(output->name, sizeof output->name, "%s", or_json_key_at(outputs, i, &value));
    status = take_output(device, value, answer, output);
    if (or_ok(status)) ++result->output_count;
    status = or_status_context(status, "output \"%s\"", output->name);
  }
  return status;
}

/* The result of a TaskResponse that was parsed, with its tensors where they are wanted. */
static int take_result(or_cli_t *cli, const or_cli_execution_t *execution, answer_t *answer, or_cli_outcome_t *out) {
  const or_json_value_t *response = or_json_root(out->document);
  or_task_result_t *result = &out->result;
  or_json_writer_t json;
  or_status_t status = status_of(response);
  if (execution->subject != NULL) status = or_status_context(status, "%s", execution->subject);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  out->root = or_json_get(response, "result");
  const or_json_value_t *outputs = or_json_get(out->root, "outputs");
  const bool wanted = execution->wants_outputs && or_json_count(outputs) > 0;
  if (wanted && !or_cli_runtime(cli)) return cli->code;
  or_json_begin(&json, &result->json, 0);
  or_json_copy(&json, out->root);
  or_format(result->device_used, sizeof result->device_used, "%s", or_cli_word(response, "device_used"));
  or_format(result->fallback_reason, sizeof result->fallback_reason, "%s", or_cli_word(response, "fallback_reason"));
  status = or_json_finish(&json);
  if (or_ok(status) && wanted) status = take_outputs(cli, outputs, answer, result);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  or_cli_tell_fallback(cli, result);
  return OR_EXIT_OK;
}

int or_cli_take_reply(or_cli_t *cli, const or_client_reply_t *reply, const or_cli_execution_t *execution, bool print,
                      or_cli_outcome_t *out) {
  const bool json = cli->json;
  answer_t answer;
  or_status_t status = cut(cli, reply, &answer);
  if (or_ok(status)) status = or_cli_parse_reply(cli, "POST", answer.json, answer.json_bytes, &out->document);
  int code = or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
  if (code == OR_EXIT_OK && print && json) code = or_cli_show(cli, or_json_root(out->document), NULL);
  if (code == OR_EXIT_OK) {
    cli->json = json && !print; /* the response has been printed */
    code = take_result(cli, execution, &answer, out);
    cli->json = json;
  }
  or_multipart_deinit(&answer.parts);
  return code;
}
