/* Kernels that users bring as source: compiled by threads of their own, listed, shown, removed. */
#include <string.h>

#include "base/alloc.h"
#include "server/body.h"
#include "server/kernel_store.h"
#include "server/server.h"
#include "server/task_answer.h"

/* A request on its way through a worker, which frees it. */
typedef struct work_t work_t;
struct work_t {
  or_request_t *request;
  or_kernel_registry_t *registry;
  void (*run)(work_t *work);
  or_json_document_t *document; /* of what is to be compiled; the record's texts lie here and below */
  or_text_t parameters, options;
  or_kernel_record_t record;
  char log[OR_KERNEL_LOG_BYTES];
};

static bool read_source(or_request_t *request, work_t *work);
static void compile(work_t *work);

/* NULL: they are off, which the reply says. */
static or_kernel_registry_t *registry_of(or_request_t *request) {
  or_kernel_registry_t *registry = request->server->services.kernels;
  if (registry == NULL) or_reply_error(request, 403, "permission_denied", "%s", OR_KERNELS_OFF);
  return registry;
}

static void free_work(work_t *work) {
  or_json_document_free(work->document);
  or_text_deinit(&work->parameters);
  or_text_deinit(&work->options);
  or_free(work->request->allocator, work);
}

static void carry_out(void *self, bool stopped) {
  work_t *work = self;
  or_request_t *request = work->request;
  if (stopped) {
    or_reply_error(request, 503, "unavailable", "the server is draining");
  } else {
    work->run(work);
  }
  free_work(work);
  or_reply_post(request);
}

/* NULL: the reply says why not. */
static work_t *begin(or_request_t *request, void (*run)(work_t *work)) {
  void *memory = NULL;
  or_kernel_registry_t *registry = registry_of(request);
  if (registry == NULL) return NULL;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(work_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return NULL;
  }
  work_t *work = memory;
  work->request = request;
  work->registry = registry;
  work->run = run;
  or_text_init(&work->parameters, request->allocator);
  or_text_init(&work->options, request->allocator);
  return work;
}

/* By turns where `turns` is not NULL, else by the workers in the order in which it came. */
static void hand_over(work_t *work, or_turns_t *turns, or_workers_t *workers) {
  or_request_t *request = work->request; /* the work is perhaps done and gone when it is handed over */
  or_request_keep(request);
  or_status_t status = turns != NULL ? or_turns_submit(turns, request->key.id, carry_out, work)
                                     : or_workers_submit(workers, carry_out, work);
  if (or_ok(status)) return;
  free_work(work);
  or_reply_header(request, "Retry-After", "1");
  or_reply_failure(request, status);
  or_reply_post(request);
}

void or_handle_kernel_compile(or_request_t *request) {
  work_t *work = begin(request, compile);
  if (work == NULL) return;
  if (read_source(request, work)) {
    hand_over(work, request->server->services.compilations, NULL);
  } else {
    free_work(work);
  }
}

static or_status_t read_parameters(work_t *work, const or_json_value_t *parameters, char field[OR_KERNEL_FIELD_BYTES]) {
  or_json_writer_t json;
  or_json_begin(&json, &work->parameters, 0);
  if (parameters != NULL) {
    or_json_copy(&json, parameters);
  } else {
    or_json_null(&json);
  }
  or_status_t status = or_json_finish(&json);
  return or_ok(status) ? or_kernel_options_read(parameters, &work->options, field) : status;
}

/* What the table of fields can't say. */
static bool check_source(or_request_t *request, work_t *work) {
  const or_kernel_record_t *record = &work->record;
  const uint64_t most_bytes = or_kernel_registry_limits(work->registry)->source_bytes;
  const char *const names[][2] = {{"name", record->name}, {"entry_point", record->entry}};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (or_kernel_name_valid(names[i][1])) continue;
    or_reply_problem(request, "body", names[i][0], "value_error.name", "%s", OR_KERNEL_NAME_RULE);
    return false;
  }
  if (record->source_bytes > most_bytes) {
    or_reply_problem(request, "body", "source_code", "value_error.range", "has %zu bytes; the limit here is %llu",
                     record->source_bytes, (unsigned long long)most_bytes);
    return false;
  }
  or_device_t *device = NULL;
  or_status_t status = or_runtime_find_device(or_server_runtime(request->server), record->target, &device);
  if (or_ok(status)) return true;
  or_reply_failure(request, status);
  return false;
}

/* False: the reply says what is wrong. */
static bool read_source(or_request_t *request, work_t *work) {
  static const or_body_field_t fields[] = {
      {"name", OR_BODY_KIND(OR_JSON_STRING), true, 1, OR_KERNEL_NAME_BYTES},
      {"source_code", OR_BODY_KIND(OR_JSON_STRING), true, 1, OR_KERNEL_SOURCE_BYTES},
      {"entry_point", OR_BODY_KIND(OR_JSON_STRING), true, 1, OR_KERNEL_NAME_BYTES},
      {"parameters", OR_BODY_KIND(OR_JSON_OBJECT) | OR_BODY_KIND(OR_JSON_ARRAY), false, 0, 0},
      {"target_device", OR_BODY_KIND(OR_JSON_STRING), false, 1, 31},
  };
  char field[OR_KERNEL_FIELD_BYTES] = "parameters";
  if (!or_body_read(request, fields, sizeof fields / sizeof *fields, &work->document)) return false;
  const or_json_value_t *root = or_json_root(work->document), *source = or_json_get(root, "source_code");
  or_status_t status = read_parameters(work, or_json_get(root, "parameters"), field);
  work->record = (or_kernel_record_t){.owner = request->key.id,
                                      .name = or_json_get_string(or_json_get(root, "name"), ""),
                                      .entry = or_json_get_string(or_json_get(root, "entry_point"), ""),
                                      .target = or_json_get_string(or_json_get(root, "target_device"), "auto"),
                                      .source = or_json_get_string(source, ""),
                                      .source_bytes = or_json_string_length(source),
                                      .parameters = or_text_string(&work->parameters),
                                      .options = or_text_string(&work->options)};
  if (or_status_code(status) == OR_INVALID_ARGUMENT) {
    or_reply_problem(request, "body", field, "value_error.option", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return false;
  }
  if (or_ok(status)) return check_source(request, work);
  or_reply_failure(request, status);
  return false;
}

static void reply_compiled(or_request_t *request, const or_kernel_record_t *record) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "status", "compiled");
  or_json_key(&json, "kernel");
  or_json_raw(&json, record->facts, strlen(record->facts));
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* The source is at fault: with the compiler's own words, if it had any. Takes the status. */
static void reply_refused(work_t *work, or_status_t status) {
  or_request_t *request = work->request;
  or_json_writer_t json;
  request->reply.status = 400;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  const char *words = or_status_message(status); /* behind the first line the log goes on */
  or_json_key(&json, "detail");
  or_json_string_n(&json, words, strcspn(words, "\n"));
  or_json_field_string(&json, "error_code", or_status_mapping(or_status_code(status))->name);
  or_json_field_string(&json, "log", work->log);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
  or_status_ignore(status); /* told */
}

static void compile(work_t *work) {
  or_request_t *request = work->request;
  or_kernel_entry_t *entry = NULL;
  or_status_t status = or_kernel_registry_compile(work->registry, &work->record, &request->cancel, work->log, &entry);
  switch (or_status_code(status)) {
  case OR_OK: reply_compiled(request, or_kernel_entry_record(entry)); break;
  case OR_INVALID_ARGUMENT:
  case OR_DEADLINE_EXCEEDED: reply_refused(work, status); break;
  case OR_NOT_FOUND: /* the device was looked for before */
    or_reply_problem(request, "body", "entry_point", "value_error.entry_point", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    break;
  default: or_reply_failure(request, status);
  }
  or_kernel_entry_release(entry);
}

static void write_name(void *json, const or_kernel_record_t *record) { or_json_string(json, record->name); }

void or_handle_kernels(or_request_t *request) {
  or_json_writer_t json;
  or_kernel_registry_t *registry = request->server->services.kernels;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "kernels");
  or_json_array_begin(&json);
  if (registry != NULL) or_kernel_registry_list(registry, or_request_owner(request), write_name, &json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* One's own before anyone's, which an admin may see. */
static or_status_t find(or_request_t *request, or_kernel_registry_t *registry, or_kernel_entry_t **out) {
  const char *name = or_request_parameter(request, 0);
  or_status_t status = or_kernel_registry_find(registry, request->key.id, name, out);
  if (or_status_code(status) != OR_NOT_FOUND || or_request_owner(request) != NULL) return status;
  or_status_ignore(status); /* it may be another's */
  return or_kernel_registry_find(registry, NULL, name, out);
}

void or_handle_kernel(or_request_t *request) {
  or_kernel_entry_t *entry = NULL;
  or_kernel_registry_t *registry = registry_of(request);
  if (registry == NULL) return;
  or_status_t status = find(request, registry, &entry);
  if (or_ok(status)) {
    const char *facts = or_kernel_entry_record(entry)->facts;
    or_reply_text(request, "application/json", facts, strlen(facts));
  } else {
    or_reply_failure(request, status);
  }
  or_kernel_entry_release(entry);
}

static void remove_kernel(work_t *work) {
  or_request_t *request = work->request;
  or_kernel_entry_t *entry = NULL;
  or_json_writer_t json;
  or_status_t status = find(request, work->registry, &entry);
  const char *name = or_request_parameter(request, 0);
  if (or_ok(status)) status = or_kernel_registry_remove(work->registry, or_kernel_entry_record(entry)->owner, name);
  or_kernel_entry_release(entry);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", name);
  or_json_field_string(&json, "status", "removed");
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

void or_handle_kernel_remove(or_request_t *request) {
  work_t *work = begin(request, remove_kernel);
  if (work != NULL) hand_over(work, NULL, request->server->services.readers);
}
