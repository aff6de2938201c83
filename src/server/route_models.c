/* The models: what there is, loaded and let go ahead of use, explained, removed. All of it reads the disk or takes
 * long, so it is done by the workers. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/explain.h"
#include "model/generate.h"
#include "server/body.h"
#include "server/model_settings.h"
#include "server/query.h"
#include "server/server.h"

#define MAX_DIMS 16
#define MAX_BATCH INT64_C(65536)
#define EXPLAIN_WAIT_NS INT64_C(30000000000)       /* for room on the device */
#define NAME_BYTES (OR_REPOSITORY_NAME_BYTES + 24) /* NAME:VERSION */

typedef struct work_t work_t;
static void list(work_t *work);

/* A request on its way through a worker, which frees it. */
struct work_t {
  or_request_t *request;
  or_services_t *services;
  or_runtime_t *runtime;
  void (*run)(work_t *work);
  char name[NAME_BYTES]; /* as it was asked for */
  char base[OR_REPOSITORY_NAME_BYTES];
  int64_t version;
  or_model_wish_t wish; /* of load and explain */
  bool profile;
  int64_t batch, seed;
  or_model_dim_t dims[MAX_DIMS];
  size_t dim_count;
};

/* The one table says what a code means to who sent a bad request; here the request is well and the model is not. */
static void reply_failure(or_request_t *request, or_status_t status) {
  const or_status_code_t code = or_status_code(status);
  if (code != OR_DATA_LOSS && code != OR_INVALID_ARGUMENT && code != OR_PERMISSION_DENIED && code != OR_OUT_OF_RANGE) {
    or_reply_failure(request, status);
    return;
  }
  or_reply_error(request, 409, or_status_mapping(code)->name, "%s", or_status_message(status));
  or_status_ignore(status); /* told */
}

static void carry_out(void *self, bool stopped) {
  work_t *work = self;
  or_request_t *request = work->request;
  if (stopped) {
    or_reply_error(request, 503, "unavailable", "the server is draining");
  } else {
    work->run(work);
  }
  or_free(request->allocator, work);
  or_reply_post(request);
}

/* Work for the model of the path; NULL: the reply says why not. */
static work_t *begin(or_request_t *request, void (*run)(work_t *work)) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(work_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return NULL;
  }
  work_t *work = memory;
  *work = (work_t){.request = request,
                   .services = &request->server->services,
                   .runtime = or_server_runtime(request->server),
                   .run = run,
                   .version = OR_MODEL_NO_VERSION};
  if (run == list) return work; /* of them all */
  const char *name = or_request_parameter(request, 0);
  if (strlen(name) < sizeof work->name) status = or_model_pool_split(name, work->base, &work->version);
  if (or_ok(status) && work->base[0] != '\0') {
    or_format(work->name, sizeof work->name, "%s", name);
    return work;
  }
  or_reply_error(request, 404, "not_found", "no model \"%.140s\"; GET /models lists them", name);
  or_status_ignore(status); /* a name that no model can have is one that there is not */
  or_free(request->allocator, work);
  return NULL;
}

static void hand_over(work_t *work, or_workers_t *workers) {
  or_request_t *request = work->request;
  or_request_keep(request);
  or_status_t status = or_workers_submit(workers, carry_out, work);
  if (or_ok(status)) return;
  or_free(request->allocator, work);
  or_reply_header(request, "Retry-After", "1");
  or_reply_failure(request, status);
  or_reply_post(request);
}

static void list(work_t *work) {
  or_json_writer_t json;
  or_reply_json_begin(work->request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "models");
  or_status_t status = or_model_pool_list(work->services->pool, &json);
  or_json_object_end(&json);
  or_reply_json_end(work->request, &json);
  if (!or_ok(status)) reply_failure(work->request, status);
}

static void show(work_t *work) {
  or_json_writer_t json;
  or_reply_json_begin(work->request, &json);
  or_status_t status = or_model_pool_describe(work->services->pool, work->name, &json);
  if (or_ok(status)) {
    or_reply_json_end(work->request, &json);
  } else {
    or_status_ignore(json.status); /* nothing was written */
    reply_failure(work->request, status);
  }
}

void or_handle_models(or_request_t *request) {
  work_t *work = begin(request, list);
  if (work != NULL) hand_over(work, work->services->readers);
}

void or_handle_model(or_request_t *request) {
  work_t *work = begin(request, show);
  if (work != NULL) hand_over(work, work->services->readers);
}

/* It is remembered first, so that an unload meanwhile has something to forget. */
static void load(work_t *work) {
  const or_services_t *services = work->services;
  bool known = false;
  or_status_t status = or_model_settings_remember(services->store, &work->wish, &known);
  if (!or_ok(status)) {
    reply_failure(work->request, or_status_context(status, "the model can't be remembered, so it was not loaded"));
    return;
  }
  status = or_model_wish_load(services, work->runtime, &work->wish);
  if (or_ok(status)) {
    show(work);
    return;
  }
  if (!known)
    or_status_ignore(or_model_settings_forget_wish(services->store, &work->wish)); /* tried at the next start */
  reply_failure(work->request, status);
}

static bool is_version(const or_json_value_t *value) {
  const char *text = or_json_get_string(value, NULL);
  if (text == NULL) return true;
  return text[0] >= '1' && strspn(text, "0123456789") == strlen(text);
}

/* What the table of fields can't say. */
static bool check_load(or_request_t *request, const work_t *work, const or_json_value_t *root) {
  const or_json_value_t *version = or_json_get(root, "version"), *precision = or_json_get(root, "precision");
  if (!is_version(version)) {
    or_reply_problem(request, "body", "version", "value_error.version", "must be a whole number, at least 1");
  } else if (work->version != OR_MODEL_NO_VERSION && or_json_kind(version) != OR_JSON_NULL) {
    or_reply_problem(request, "body", "version", "value_error.version", "the path names a version already");
  } else if (or_json_kind(precision) == OR_JSON_STRING &&
             or_dtype_from_name(or_json_get_string(precision, "")) == OR_DTYPE_NONE) {
    or_reply_problem(request, "body", "precision", "value_error.enum", "\"%.40s\" is no type's name",
                     or_json_get_string(precision, ""));
  } else {
    return true;
  }
  return false;
}

void or_handle_model_load(or_request_t *request) {
  static const or_body_field_t fields[] = {
      {"version", OR_BODY_KIND(OR_JSON_INTEGER) | OR_BODY_KIND(OR_JSON_STRING), false, 1, 9007199254740992.0},
      {"device", OR_BODY_KIND(OR_JSON_STRING), false, 1, 31},
      {"precision", OR_BODY_KIND(OR_JSON_STRING), false, 1, 32},
      {"max_batch_size", OR_BODY_KIND(OR_JSON_INTEGER), false, 1, 65536},
      {"keep_alive_s", OR_BODY_KIND(OR_JSON_REAL), false, -1, OR_MODEL_POOL_MAX_KEEP_ALIVE_S},
  };
  or_json_document_t *document = NULL;
  if (!or_body_read(request, fields, sizeof fields / sizeof *fields, &document)) return;
  const or_json_value_t *root = or_json_root(document);
  work_t *work = begin(request, load);
  if (work != NULL && check_load(request, work, root)) {
    or_model_wish_read(&work->wish, work->base, root);
    if (work->version != OR_MODEL_NO_VERSION) work->wish.version = work->version;
    if (work->wish.version > 0)
      or_format(work->name, sizeof work->name, "%s:%lld", work->base, (long long)work->wish.version);
    hand_over(work, work->services->loaders);
  } else if (work != NULL) {
    or_free(request->allocator, work);
  }
  or_json_document_free(document);
}

/* One that is not loaded is where it was wanted to be. One that is nowhere is told by `show`. */
static void unload(work_t *work) {
  or_status_t status = or_model_settings_forget(work->services->store, work->base, work->version);
  if (!or_ok(status)) {
    reply_failure(work->request, status);
    return;
  }
  or_status_ignore(or_model_pool_unload(work->services->pool, work->name)); /* NOT_FOUND: it is not loaded */
  show(work);
}

void or_handle_model_unload(or_request_t *request) {
  work_t *work = begin(request, unload);
  if (work != NULL) hand_over(work, work->services->readers);
}

static void remove_model(work_t *work) {
  or_json_writer_t json;
  or_status_t status = or_model_pool_remove(work->services->pool, work->name);
  if (or_ok(status)) status = or_model_settings_forget(work->services->store, work->base, work->version);
  if (!or_ok(status)) {
    reply_failure(work->request, status);
    return;
  }
  or_reply_json_begin(work->request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", work->name);
  or_json_field_string(&json, "status", "removed");
  or_json_object_end(&json);
  or_reply_json_end(work->request, &json);
}

void or_handle_model_remove(or_request_t *request) {
  work_t *work = begin(request, remove_model);
  if (work != NULL) hand_over(work, work->services->readers);
}

static or_status_t check_dims(const work_t *work, const or_model_t *model) {
  for (size_t i = 0; i < work->dim_count; ++i) {
    if (!or_model_has_dim(model, work->dims[i].name))
      return or_error(OR_NOT_FOUND, "the model has no open dimension \"%s\"", work->dims[i].name);
  }
  return or_status_success();
}

/* Runs of the model hold a place of the hardware; while the device's limits are not known they will be measured, which
 * wants it alone. */
static or_status_t explain_on(const work_t *work, const or_explain_request_t *wanted, or_explanation_t *explanation) {
  or_device_peaks_t peaks;
  or_scheduler_t *scheduler = work->services->scheduler;
  const bool alone = work->profile && !or_device_known_peaks(wanted->device, &peaks);
  or_visit_t visit = {wanted->device, alone, EXPLAIN_WAIT_NS, wanted->cancel, NULL, NULL};
  or_status_t status = or_scheduler_visit(scheduler, &visit);
  if (!or_ok(status)) {
    if (or_status_code(status) == OR_UNAVAILABLE) or_reply_header(work->request, "Retry-After", "10");
    return status;
  }
  status = or_explain(wanted, explanation);
  or_scheduler_leave(scheduler, &visit);
  if (or_status_code(status) != OR_CANCELLED) return status;
  or_status_ignore(status); /* nobody reads it, or: */
  return or_error(OR_UNAVAILABLE, "the server is draining");
}

static void explain(work_t *work) {
  or_model_request_t request = {.name = work->name, .precision = work->wish.precision};
  or_model_lease_t lease = {.entry = NULL};
  or_model_inputs_t inputs = {.count = 0};
  or_explanation_t explanation = {.report = NULL};
  or_device_t *host = NULL;
  or_status_t status = or_runtime_find_device(work->runtime, work->wish.device, &request.device);
  if (or_ok(status)) status = or_model_pool_acquire(work->services->pool, &request, &lease);
  if (or_ok(status)) status = check_dims(work, lease.model);
  if (or_ok(status)) status = or_runtime_find_device(work->runtime, "cpu", &host);
  const or_model_generation_t generation = {
      .batch = work->batch, .seed = work->seed, .dims = work->dims, .dim_count = work->dim_count};
  if (or_ok(status)) status = or_model_generate(lease.model, host, &generation, &inputs);
  const or_explain_request_t wanted = {lease.model,  lease.session, request.device,        inputs.items,
                                       inputs.count, work->profile, &work->request->cancel};
  if (or_ok(status)) {
    status = explain_on(work, &wanted, &explanation);
    status = or_model_name_extents(status, lease.model, &inputs, "?dims=NAME=N sets others");
  }
  status = or_model_pool_hide(work->services->pool, status);
  if (or_ok(status)) {
    or_json_writer_t json;
    or_reply_json_begin(work->request, &json);
    or_explain_write(&json, &explanation);
    or_reply_json_end(work->request, &json);
  } else {
    reply_failure(work->request, status);
  }
  or_explanation_deinit(&explanation);
  or_model_inputs_deinit(&inputs);
  or_model_pool_release(work->services->pool, &lease);
}

/* "batch=4,seq=128" */
static bool read_dims(work_t *work, const char *text) {
  while (text != NULL && *text != '\0') {
    const size_t length = strcspn(text, ","), name = strcspn(text, "=");
    char *end = NULL;
    if (name == 0 || name >= length || name >= sizeof work->dims[0].name || work->dim_count == MAX_DIMS) return false;
    or_model_dim_t *dim = &work->dims[work->dim_count++];
    or_format(dim->name, sizeof dim->name, "%.*s", (int)name, text);
    errno = 0;
    dim->extent = isdigit((unsigned char)text[name + 1]) ? strtoll(text + name + 1, &end, 10) : 0;
    if (errno != 0 || end != text + length || dim->extent < 1 || dim->extent > OR_MODEL_MAX_EXTENT) return false;
    text += length + (text[length] == ',');
  }
  return true;
}

/* The field of the query that is wrong, NULL if none is; *status says how. */
static const char *read_query(or_request_t *request, work_t *work, or_status_t *status) {
  static const int64_t batches[] = {1, MAX_BATCH}, seeds[] = {INT64_MIN, INT64_MAX};
  or_query_t query;
  *status = or_query_parse(request->query, &query);
  if (!or_ok(*status)) return "";
  *status = or_query_integer(&query, "batch", batches, 1, &work->batch);
  if (!or_ok(*status)) return "batch";
  *status = or_query_integer(&query, "seed", seeds, 0, &work->seed);
  if (!or_ok(*status)) return "seed";
  const char *precision = or_query_get(&query, "precision");
  const char *device = or_query_get(&query, "device");
  *status = or_query_bool(&query, "profile", true, &work->profile);
  if (!or_ok(*status)) return "profile";
  work->wish.precision = precision != NULL ? or_dtype_from_name(precision) : OR_DTYPE_NONE;
  if (precision != NULL && work->wish.precision == OR_DTYPE_NONE) {
    *status = or_error(OR_INVALID_ARGUMENT, "\"%.40s\" is no type's name", precision);
    return "precision";
  }
  if (!read_dims(work, or_query_get(&query, "dims"))) {
    *status = or_error(OR_INVALID_ARGUMENT, "must be NAME=N, at most %d of them with commas between", MAX_DIMS);
    return "dims";
  }
  or_format(work->wish.device, sizeof work->wish.device, "%s", device != NULL ? device : "auto");
  return NULL;
}

void or_handle_model_explain(or_request_t *request) {
  or_status_t status;
  work_t *work = begin(request, explain);
  if (work == NULL) return;
  const char *wrong = read_query(request, work, &status);
  if (wrong == NULL) {
    hand_over(work, work->services->loaders);
    return;
  }
  or_free(request->allocator, work);
  or_reply_problem(request, "query", wrong, "value_error", "%s", or_status_message(status));
  or_status_ignore(status); /* told */
}
