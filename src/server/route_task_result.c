/* GET /tasks/{task_id}/result: the tensors that a task gave, as JSON, or one of them as bytes; from the job while it is
 * remembered, else from the store. */
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "model/tensor_json.h"
#include "server/query.h"
#include "server/task_answer.h"

/* What is asked for. Owned by whoever works at the request. */
typedef struct wanted_t {
  or_request_t *request;
  int64_t finished_us; /* of the task that was found */
  bool bytes;          /* application/octet-stream: one output */
  bool named;
  char output[OR_TASK_PART_NAME_BYTES];
} wanted_t;

static void reply_unfinished(or_request_t *request, or_task_state_t state) {
  if (or_task_state_is_final(state)) {
    or_reply_error(request, 404, "not_found", "the task ended as %s: it has no result", or_task_state_name(state));
  } else {
    or_reply_error(request, 409, "failed_precondition", "the task is %s: it has no result yet",
                   or_task_state_name(state));
  }
}

/* None or several where one is meant. */
static void reply_choice(const wanted_t *wanted, size_t count) {
  if (count == 0) {
    or_reply_error(wanted->request, 404, "not_found", "the result has no tensors");
  } else if (wanted->named) {
    or_reply_error(wanted->request, 404, "not_found", "the result has no output \"%s\"", wanted->output);
  } else {
    or_reply_problem(wanted->request, "query", "output", "value_error.missing",
                     "the result has %zu outputs: one must be named", count);
  }
}

static void write_headers(or_request_t *request, or_dtype_t dtype, const or_shape_t *shape) {
  char text[OR_MAX_RANK * 21] = "";
  for (int32_t d = 0; d < shape->rank; ++d) {
    const size_t used = strlen(text);
    (void)or_format(text + used, sizeof text - used, "%s%lld", d > 0 ? "," : "", (long long)shape->dims[d]);
  }
  or_reply_header(request, "OpenRuntime-Dtype", "%s", or_dtype_name(dtype));
  or_reply_header(request, "OpenRuntime-Shape", "%s", text);
}

/* Bytes may be asked for in parts: those of one output of one end of a task are always the same, wherever they lie. */
static void offer_ranges(const wanted_t *wanted, const char *task_id, const char *output) {
  char etag[32];
  uint64_t hash = or_hash_bytes(task_id, strlen(task_id), (uint64_t)wanted->finished_us);
  hash = or_hash_bytes(output, strlen(output), hash);
  or_reply_ranges(wanted->request, or_format(etag, sizeof etag, "\"%016llx\"", (unsigned long long)hash));
}

/* ---- from the job ---- */

static void release_job(void *self) { or_job_release(self); }

/* Memory that goes with the reply; its allocator stands before the bytes. */
typedef struct copy_t {
  const or_allocator_t *allocator;
  void *data;
} copy_t;

static void release_copy(void *self) {
  copy_t *copy = self;
  or_free(copy->allocator, copy->data);
  or_free(copy->allocator, copy);
}

/* The caller's `data` (by or_free) is the reply's in any case. False: there was no memory, which the reply says. */
static bool reply_copy(or_request_t *request, void *data, size_t bytes) {
  void *memory = NULL;
  or_status_t status = or_alloc(request->allocator, sizeof(copy_t), &memory);
  if (!or_ok(status)) {
    or_free(request->allocator, data);
    or_reply_failure(request, status);
    return false;
  }
  copy_t *copy = memory;
  *copy = (copy_t){request->allocator, data};
  or_reply_bytes(request, "application/octet-stream", data, bytes, (or_owner_t){copy, release_copy});
  return true;
}

/* What is no tensor of numbers is in the JSON alone. */
static void reply_no_bytes(or_request_t *request, const char *name, bool strings) {
  or_reply_problem(request, "header", "Accept", "value_error",
                   "output \"%s\" is %s and has no bytes of its own: ask for application/json", name,
                   strings ? "of strings" : "a sequence or an optional");
}

/* The job keeps the tensor until it is sent. */
static void reply_tensor(const wanted_t *wanted, or_job_t *job, const or_task_tensor_t *output) {
  or_request_t *request = wanted->request;
  const or_tensor_t *tensor = output->tensor;
  if (tensor == NULL || or_tensor_dtype(tensor) == OR_STRING) {
    reply_no_bytes(request, output->name, tensor != NULL);
    return;
  }
  const void *data = or_tensor_data(tensor);
  const size_t bytes = or_tensor_bytes(tensor);
  void *copy = NULL;
  if (data == NULL) {
    or_status_t status = or_alloc(request->allocator, bytes, &copy);
    if (or_ok(status)) status = or_tensor_read(tensor, copy, bytes);
    if (!or_ok(status)) {
      or_free(request->allocator, copy);
      or_reply_failure(request, status);
      return;
    }
  }
  write_headers(request, or_tensor_dtype(tensor), or_tensor_shape(tensor));
  if (copy == NULL) {
    or_job_retain(job);
    or_reply_bytes(request, "application/octet-stream", data, bytes, (or_owner_t){job, release_job});
  } else if (!reply_copy(request, copy, bytes)) {
    return;
  }
  offer_ranges(wanted, or_job_id(job), output->name);
}

/* How much is to be made of the outputs, beyond sending what lies there. */
static size_t work_of(const wanted_t *wanted, or_job_t *job) {
  const or_task_result_t *result = or_job_result(job);
  size_t bytes = 0;
  if (or_job_facts(job).state != OR_TASK_COMPLETED) return 0;
  for (size_t i = 0; i < result->output_count; ++i) {
    const or_task_tensor_t *output = &result->outputs[i];
    if (!wanted->bytes || (output->tensor != NULL && or_tensor_data(output->tensor) == NULL))
      bytes += (size_t)or_task_tensor_bytes(output);
  }
  return bytes;
}

static void reply_from_job(const wanted_t *wanted, or_job_t *job) {
  const or_task_state_t state = or_job_facts(job).state;
  const or_task_result_t *result = or_job_result(job);
  or_request_t *request = wanted->request;
  if (state != OR_TASK_COMPLETED) {
    reply_unfinished(request, state);
    return;
  }
  if (wanted->bytes) {
    const or_task_tensor_t *found = NULL;
    for (size_t i = 0; i < result->output_count; ++i) {
      if (wanted->named ? strcmp(result->outputs[i].name, wanted->output) == 0 : result->output_count == 1)
        found = &result->outputs[i];
    }
    if (found != NULL) {
      reply_tensor(wanted, job, found);
    } else {
      reply_choice(wanted, result->output_count);
    }
    return;
  }
  or_json_writer_t json;
  or_status_t status = or_status_success();
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "task_id", or_job_id(job));
  or_json_key(&json, "outputs");
  or_json_object_begin(&json);
  for (size_t i = 0; or_ok(status) && i < result->output_count; ++i) {
    or_json_key(&json, result->outputs[i].name);
    status = or_task_tensor_write(request->allocator, &result->outputs[i], &json);
  }
  or_json_object_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
  if (!or_ok(status)) or_reply_failure(request, status);
}

/* ---- from the store ---- */

/* The outputs as the response has them. */
static void reply_outputs(const wanted_t *wanted, const char *task_id, const or_json_value_t *outputs) {
  or_request_t *request = wanted->request;
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "task_id", task_id);
  or_json_key(&json, "outputs");
  if (outputs != NULL) {
    or_json_copy(&json, outputs);
  } else {
    or_json_object_begin(&json);
    or_json_object_end(&json);
  }
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

static void reply_output(const wanted_t *wanted, const char *task_id, const or_json_value_t *outputs) {
  const size_t count = or_json_count(outputs);
  const or_json_value_t *found = wanted->named ? or_json_get(outputs, wanted->output) : NULL;
  const char *name = wanted->output;
  or_tensor_data_t tensor;
  if (!wanted->named && count == 1) name = or_json_key_at(outputs, 0, &found);
  if (found == NULL) {
    reply_choice(wanted, count);
    return;
  }
  const char *dtype = or_json_get_string(or_json_get(found, "dtype"), "");
  if (or_json_kind(found) != OR_JSON_OBJECT || or_dtype_from_name(dtype) == OR_STRING) {
    reply_no_bytes(wanted->request, name, or_json_kind(found) == OR_JSON_OBJECT);
    return;
  }
  or_status_t status = or_tensor_json_read(wanted->request->allocator, found, &tensor);
  if (!or_ok(status)) {
    or_reply_failure(wanted->request, status);
    return;
  }
  write_headers(wanted->request, tensor.dtype, &tensor.shape);
  if (reply_copy(wanted->request, tensor.data, tensor.bytes)) offer_ranges(wanted, task_id, name);
}

static void reply_from_response(const wanted_t *wanted, const or_task_record_t *record) {
  or_json_document_t *document = NULL;
  or_status_t status =
      or_json_parse_keeping_numbers(wanted->request->allocator, record->response, record->response_bytes, &document);
  if (!or_ok(status)) {
    or_reply_failure(wanted->request, status);
    return;
  }
  const or_json_value_t *outputs = or_json_get(or_json_get(or_json_root(document), "result"), "outputs");
  if (wanted->bytes) {
    reply_output(wanted, record->task_id, outputs);
  } else {
    reply_outputs(wanted, record->task_id, outputs);
  }
  or_json_document_free(document);
}

/* Ends the work at the request. */
static void post(wanted_t *wanted) {
  or_request_t *request = wanted->request;
  or_free(request->allocator, wanted);
  or_reply_post(request);
}

/* What the file has, a piece at a time. */
static or_status_t reply_blob_file(or_request_t *request, const or_store_blob_t *blob, or_file_t *file) {
  or_status_t status = or_reply_file(request, "application/octet-stream", file);
  if (or_status_code(status) != OR_DATA_LOSS) return status;
  or_status_ignore(status); /* said without the path */
  return or_error(OR_DATA_LOSS, "output \"%s\": its file is damaged", blob->name);
}

/* A tensor that lies in the row, or in a file of its own. On the store's reader's thread. */
static void on_blob(void *self, or_status_t status, const or_store_blob_t *blob, const void *data, or_file_t *file) {
  wanted_t *wanted = self;
  or_request_t *request = wanted->request;
  void *copy = NULL;
  const bool inside = or_ok(status) && file == NULL;
  if (inside) status = or_alloc(request->allocator, (size_t)blob->bytes, &copy);
  if (inside && or_ok(status)) {
    if (blob->bytes > 0) memcpy(copy, data, (size_t)blob->bytes);
    if (!reply_copy(request, copy, (size_t)blob->bytes)) {
      post(wanted);
      return;
    }
  } else if (or_ok(status)) {
    status = reply_blob_file(request, blob, file);
  }
  if (or_ok(status)) {
    write_headers(request, blob->dtype, &blob->shape);
    offer_ranges(wanted, or_request_parameter(request, 0), blob->name);
  } else {
    or_reply_failure(request, status);
  }
  post(wanted);
}

/* The stored output that is meant; NULL: none, or not just one. */
static const or_store_blob_t *choose(const wanted_t *wanted, const or_store_blob_t *blobs, size_t blob_count) {
  const or_store_blob_t *found = NULL;
  size_t count = 0;
  for (size_t i = 0; i < blob_count; ++i) {
    if (blobs[i].role != OR_STORE_OUTPUT) continue;
    ++count;
    if (wanted->named ? strcmp(blobs[i].name, wanted->output) == 0 : count == 1) found = &blobs[i];
  }
  return wanted->named || count == 1 ? found : NULL;
}

static void on_found(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                     size_t blob_count) {
  wanted_t *wanted = self;
  or_request_t *request = wanted->request;
  const or_store_blob_t *blob = or_ok(status) && wanted->bytes ? choose(wanted, blobs, blob_count) : NULL;
  wanted->finished_us = or_ok(status) ? record->finished_us : 0;
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_reply_no_task(request);
    or_status_ignore(status); /* told */
  } else if (!or_ok(status)) {
    or_reply_failure(request, status);
  } else if (record->state != OR_TASK_COMPLETED || record->response == NULL) {
    reply_unfinished(request, record->state);
  } else if (blob != NULL) {
    const or_store_blob_name_t name = {record->task_id, or_request_owner(request), OR_STORE_OUTPUT, blob->name};
    or_status_t begun = or_store_read_blob(request->server->services.store, &name, on_blob, wanted);
    if (or_ok(begun)) return;
    or_reply_failure(request, begun);
  } else {
    reply_from_response(wanted, record);
  }
  post(wanted);
}

static void look_up(const wanted_t *wanted) {
  or_request_t *request = wanted->request;
  const or_store_find_t find = {.task_id = or_request_parameter(request, 0), .owner = or_request_owner(request)};
  void *memory = NULL;
  if (!or_task_id_valid(find.task_id)) {
    or_reply_no_task(request);
    return;
  }
  or_status_t status = or_alloc(request->allocator, sizeof *wanted, &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  wanted_t *kept = memory;
  *kept = *wanted;
  or_request_keep(request);
  status = or_store_find(request->server->services.store, &find, on_found, kept);
  if (or_ok(status)) return;
  or_reply_failure(request, status);
  post(kept);
}

void or_handle_task_result(or_request_t *request) {
  or_query_t query;
  wanted_t wanted = {.request = request,
                     .bytes = or_slice_accepts(request->headers[OR_HEADER_ACCEPT], "application/octet-stream")};
  or_status_t status = or_query_parse(request->query, &query);
  const char *output = or_ok(status) ? or_query_get(&query, "output") : NULL;
  if (or_ok(status) && output != NULL && strlen(output) >= sizeof wanted.output)
    status = or_error(OR_INVALID_ARGUMENT, "has %zu bytes; the limit is %zu", strlen(output), sizeof wanted.output - 1);
  if (!or_ok(status)) {
    or_reply_problem(request, "query", "output", "value_error", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return;
  }
  wanted.named = output != NULL;
  if (wanted.named) (void)or_format(wanted.output, sizeof wanted.output, "%s", output);
  or_job_t *job = or_scheduler_find(request->server->services.scheduler, or_request_parameter(request, 0),
                                    or_request_owner(request));
  if (job == NULL) {
    look_up(&wanted);
    return;
  }
  wanted.finished_us = or_job_facts(job).finished_us;
  if (!or_request_elsewhere(request, work_of(&wanted, job))) reply_from_job(&wanted, job);
  or_job_release(job);
}
