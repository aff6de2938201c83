#include "cli/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "cli/kernels.h"
#include "cli/remote.h"
#include "cli/request_remote.h"

#define DEFAULT_TIMEOUT_S 300.0
#define LONGEST_S 3600.0 /* that a task may have */

static void make_task_id(char *text, size_t capacity) {
  int64_t now[2] = {or_clock_wall_us(), or_clock_ns()};
  or_format(text, capacity, "%013llx%016llx", (unsigned long long)now[0],
            (unsigned long long)or_hash_bytes(now, sizeof now, 0));
}

/* A benchmark that is asked to take longer than a task may has twice its time, as a server gives it. */
static void write_timeout(or_cli_request_t *request) {
  const char *timeout = or_cli_value(request->cli, "--timeout"), *duration = or_cli_value(request->cli, "--duration");
  const double seconds = duration != NULL ? strtod(duration, NULL) : 0;
  if (timeout != NULL) or_cli_request_field(request, "timeout", timeout);
  if (2 * seconds > DEFAULT_TIMEOUT_S && seconds <= LONGEST_S)
    or_json_field_double(&request->json, "timeout", fmin(2 * seconds, LONGEST_S));
}

void or_cli_request_begin(or_cli_request_t *request, or_cli_t *cli, const char *operation) {
  const char *priority = or_cli_has(cli, "--priority") ? or_cli_value(cli, "--priority") : NULL;
  request->cli = cli;
  request->status = or_status_success();
  request->part_count = 0;
  request->benchmark = false;
  or_text_init(&request->text, cli->allocator);
  or_json_begin(&request->json, &request->text, 0);
  or_json_object_begin(&request->json);
  or_json_field_string(&request->json, "operation", operation);
  make_task_id(request->task_id, sizeof request->task_id);
  if (or_cli_is_remote(cli)) or_json_field_string(&request->json, "task_id", request->task_id);
  if (cli->device != NULL) or_json_field_string(&request->json, "device_preference", cli->device);
  or_json_field_bool(&request->json, "strict_device", cli->strict);
  if (priority != NULL) or_cli_request_field(request, "priority", priority);
  write_timeout(request);
  or_json_key(&request->json, "data");
  or_json_object_begin(&request->json);
}

void or_cli_request_begin_benchmark(or_cli_request_t *request, or_cli_t *cli) {
  or_cli_request_begin(request, cli, "benchmark");
  request->benchmark = or_cli_is_remote(cli) && !cli->strict;
  if (!request->benchmark) return;
  or_text_clear(&request->text);
  or_json_begin(&request->json, &request->text, 0);
  or_json_object_begin(&request->json);
}

bool or_cli_request_part(or_cli_request_t *request, const char *name, const void *data, size_t bytes) {
  const size_t index = request->part_count;
  if (index + 1 >= OR_MULTIPART_MAX_PARTS) return false; /* the request itself is one */
  char *own = request->part_names[index];
  or_format(own, sizeof request->part_names[0], "%.8s%zu", name, index);
  request->parts[request->part_count++] = (or_task_part_t){.name = own, .data = data, .bytes = bytes};
  or_json_field_string(&request->json, "part", own);
  return true;
}

/* A document needs to be an array or object for most readers, so a lone value is parsed within one. */
void or_cli_request_field(or_cli_request_t *request, const char *key, const char *value) {
  or_text_t wrapped;
  or_json_document_t *document = NULL;
  or_text_init(&wrapped, request->cli->allocator);
  or_status_t status = or_text_printf(&wrapped, "[%s]", value);
  if (or_ok(status))
    status = or_json_parse(request->cli->allocator, or_text_string(&wrapped), wrapped.length, &document);
  or_json_key(&request->json, key);
  if (or_ok(status) && or_json_count(or_json_root(document)) == 1) {
    or_json_copy(&request->json, or_json_at(or_json_root(document), 0));
  } else {
    or_json_string(&request->json, value);
  }
  if (or_status_code(status) == OR_RESOURCE_EXHAUSTED) {
    request->status = or_status_first(request->status, status);
  } else {
    or_status_ignore(status); /* what is not JSON is text */
  }
  or_json_document_free(document);
  or_text_deinit(&wrapped);
}

void or_cli_request_drop(or_cli_request_t *request) {
  or_status_ignore(request->status);
  or_text_deinit(&request->text);
}

static int print_problems(or_cli_t *cli, const or_task_problems_t *problems, or_status_t status) {
  if (problems->count == 0) return or_cli_fail(cli, status);
  or_status_ignore(status); /* the problems say it, one by one */
  if (cli->json) {
    or_text_t text;
    or_json_writer_t json;
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_json_object_begin(&json);
    or_json_key(&json, "detail");
    or_json_array_begin(&json);
    for (size_t i = 0; i < problems->count; ++i) {
      or_json_object_begin(&json);
      or_json_field_string(&json, "loc", problems->items[i].loc);
      or_json_field_string(&json, "msg", problems->items[i].msg);
      or_json_field_string(&json, "type", problems->items[i].type);
      or_json_object_end(&json);
    }
    or_json_array_end(&json);
    or_json_object_end(&json);
    (void)or_cli_print_json(cli, &json, &text);
  }
  for (size_t i = 0; i < problems->count; ++i) {
    const or_task_problem_t *problem = &problems->items[i];
    const bool names_itself = strcmp(problem->type, "value_error.input") == 0;
    (void)fprintf(stderr, "openruntime: %s%s%s\n", names_itself ? "" : problem->loc, names_itself ? "" : ": ",
                  problem->msg);
  }
  return OR_EXIT_USAGE;
}

static or_status_t parse_task(or_cli_request_t *request, or_task_problems_t *problems, or_task_t **out) {
  const or_task_parts_t parts = {request->parts, request->part_count};
  or_json_document_t *document = NULL;
  *out = NULL;
  problems->count = 0;
  or_json_object_end(&request->json);
  or_json_object_end(&request->json);
  or_status_t status = or_status_first(request->status, or_json_finish(&request->json));
  request->status = or_status_success();
  if (or_ok(status))
    status = or_json_parse(request->cli->allocator, or_text_string(&request->text), request->text.length, &document);
  if (or_ok(status))
    status = or_task_parse_parts(request->cli->allocator, or_json_root(document), &parts, problems, out);
  or_json_document_free(document);
  or_text_deinit(&request->text);
  return status;
}

/* The TaskResponse of the wire, so that a script sees one form whether it asks the program or a server. */
static int print_response(const or_cli_request_t *request, const or_cli_outcome_t *outcome, or_status_t status,
                          int64_t started_us) {
  or_cli_t *cli = request->cli;
  or_text_t text;
  or_json_writer_t json;
  or_status_code_t code = or_status_code(status);
  or_task_outcome_t response = {.task_id = request->task_id,
                                .state = code == OR_OK                  ? "completed"
                                         : code == OR_CANCELLED         ? "cancelled"
                                         : code == OR_DEADLINE_EXCEEDED ? "timeout"
                                                                        : "failed",
                                .result = &outcome->result,
                                .error = code == OR_OK ? NULL : or_status_message(status),
                                .error_code = code == OR_OK ? NULL : or_status_mapping(code)->name,
                                .attempts = 1,
                                .created_us = started_us,
                                .started_us = started_us,
                                .finished_us = or_clock_wall_us()};
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_task_write_response(&json, &response);
  return or_cli_print_json(cli, &json, &text);
}

/* Of a task that runs a kernel, and has none given: the one that is kept under its name. *out is the caller's. */
static or_status_t find_kernel(or_cli_t *cli, const or_task_t *task, const or_cli_execution_t *execution,
                               or_kernel_registry_t **out) {
  *out = NULL;
  if (or_task_kernel(task) == NULL || execution->kernels != NULL) return or_status_success();
  or_status_t status = or_cli_kernels_open(cli, false, out);
  return or_ok(status) ? or_cli_kernels_recall(cli, *out, or_task_kernel(task)) : status;
}

int or_cli_request_execute(or_cli_request_t *request, const or_cli_execution_t *execution, bool print,
                           or_cli_outcome_t *out) {
  or_cli_t *cli = request->cli;
  or_task_problems_t problems;
  or_kernel_registry_t *own = NULL;
  or_task_t *task = NULL;
  or_task_result_init(&out->result, cli->allocator);
  out->document = NULL;
  out->root = NULL;
  if (or_cli_is_remote(cli)) return or_cli_request_remote(request, execution, print, out);
  or_status_t status = parse_task(request, &problems, &task);
  if (!or_ok(status)) return print_problems(cli, &problems, status);
  if (!or_cli_runtime(cli)) {
    or_task_free(task);
    return cli->code;
  }
  int64_t started_us = or_clock_wall_us();
  atomic_store(&cli->cancel.deadline_ns, or_clock_ns() + (int64_t)(or_task_timeout_s(task) * 1e9));
  or_task_context_t context = {.runtime = cli->runtime,
                               .models_directory = cli->models_directory,
                               .allow_paths = true,
                               .kernels = execution->kernels,
                               .verify = execution->verify,
                               .cancel = &cli->cancel,
                               .progress = or_cli_progress,
                               .progress_self = cli,
                               .tensors = execution->tensors,
                               .tensor_count = execution->tensor_count,
                               .problems = &problems};
  status = find_kernel(cli, task, execution, &own);
  if (own != NULL) context.kernels = own;
  if (or_ok(status)) status = or_task_execute(task, &context, &out->result);
  or_kernel_registry_free(own);
  if (execution->subject != NULL) status = or_status_context(status, "%s", execution->subject);
  or_task_free(task);
  or_cli_progress_end(cli);
  if (!or_ok(status) && problems.count > 0) return print_problems(cli, &problems, status);
  if (print && cli->json) (void)print_response(request, out, status, started_us);
  if (or_ok(status)) {
    status = or_json_parse(cli->allocator, or_text_string(&out->result.json), out->result.json.length, &out->document);
    if (or_ok(status)) out->root = or_json_root(out->document);
  }
  if (or_ok(status)) {
    or_cli_tell_fallback(cli, &out->result);
    return OR_EXIT_OK;
  }
  bool json = cli->json;
  cli->json = json && !print; /* the response has been printed */
  int code = or_cli_fail(cli, status);
  cli->json = json;
  return code;
}

void or_cli_tell_fallback(const or_cli_t *cli, const or_task_result_t *result) {
  if (result->fallback_reason[0] == '\0' || cli->quiet) return;
  (void)fprintf(stderr, "openruntime: ran on %s: %s\n", result->device_used, result->fallback_reason);
}

void or_cli_outcome_deinit(or_cli_outcome_t *outcome) {
  or_json_document_free(outcome->document);
  or_task_result_deinit(&outcome->result);
}
