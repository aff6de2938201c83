/* The devices of the machine. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/device_json.h"
#include "runtime/telemetry.h"
#include "server/fields.h"
#include "server/query.h"
#include "server/server.h"
#include "server/settings.h"

/* With the newest of the samples that are taken all the time; before there is one, with one of its own. */
void or_services_write_device(const or_services_t *services, or_json_writer_t *json, or_device_t *device) {
  const or_device_settings_t settings = or_scheduler_device(services->scheduler, device);
  const or_device_use_t use = {settings.is_available, settings.max_concurrency, settings.memory_limit};
  or_device_sample_t sample;
  bool sampled = false;
  if (or_device_state(device, NULL) == OR_DEVICE_AVAILABLE) {
    sampled = or_telemetry_newest(services->telemetry, device, &sample, 1) == 1;
    or_status_t status = sampled ? or_status_success() : or_telemetry_look(device, &sample);
    sampled = or_ok(status);
    or_status_ignore(status); /* a device that can't be sampled shows null */
  }
  or_device_write_json_in_use(json, device, &use, sampled ? &sample : NULL);
}

void or_handle_devices(or_request_t *request) {
  const or_runtime_t *runtime = or_server_runtime(request->server);
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "devices");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i)
    or_services_write_device(&request->server->services, &json, or_runtime_device(runtime, i));
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* By id alone: a type or "auto" names no one device. NULL: the reply says so. */
static or_device_t *find(or_request_t *request) {
  const or_runtime_t *runtime = or_server_runtime(request->server);
  const char *id = or_request_parameter(request, 0);
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i) {
    or_device_t *device = or_runtime_device(runtime, i);
    const char *known = or_device_facts(device)->id;
    if (or_slice_is((or_slice_t){id, strlen(id)}, known)) return device;
  }
  or_reply_error(request, 404, "not_found", "no device \"%.64s\"; GET /devices lists them", id);
  return NULL;
}

static void reply_device(or_request_t *request, or_device_t *device) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_services_write_device(&request->server->services, &json, device);
  or_reply_json_end(request, &json);
}

void or_handle_device(or_request_t *request) {
  or_device_t *device = find(request);
  if (device != NULL) reply_device(request, device);
}

#define DEFAULT_SAMPLES 100

/* False: the reply says what is wrong. */
static bool read_limit(or_request_t *request, int64_t *limit) {
  static const int64_t range[2] = {1, OR_TELEMETRY_SAMPLES};
  or_query_t query;
  or_status_t status = or_query_parse(request->query, &query);
  if (or_ok(status)) status = or_query_integer(&query, "limit", range, DEFAULT_SAMPLES, limit);
  if (or_ok(status)) return true;
  or_reply_problem(request, "query", "limit", "value_error.range", "%s", or_status_message(status));
  or_status_ignore(status); /* told */
  return false;
}

void or_handle_device_metrics(or_request_t *request) {
  or_device_t *device = find(request);
  int64_t limit;
  void *memory = NULL;
  if (device == NULL || !read_limit(request, &limit)) return;
  or_status_t status = or_alloc_array(request->allocator, (size_t)limit, sizeof(or_device_sample_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  const or_device_facts_t *facts = or_device_facts(device);
  const or_device_sample_t *samples = memory;
  const size_t count = or_telemetry_newest(request->server->services.telemetry, device, memory, (size_t)limit);
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "device_id", facts->id);
  or_json_key(&json, "metrics");
  or_json_array_begin(&json);
  for (size_t i = 0; i < count; ++i) or_telemetry_write_sample(&json, facts, &samples[i]);
  or_json_array_end(&json);
  or_json_field_int(&json, "count", (int64_t)count);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
  or_free(request->allocator, memory);
}

/* A change that holds already, and waits to be on disk. */
typedef struct change_t {
  or_request_t *request;
  or_device_t *device; /* the runtime's */
  or_mutex_t mutex;
  int missing;         /* rows; under mutex, as `failure` is */
  or_status_t failure; /* the first */
} change_t;

static void on_row(void *self, or_status_t status) {
  change_t *change = self;
  or_mutex_lock(&change->mutex);
  change->failure = or_status_first(change->failure, status);
  const bool last = --change->missing == 0;
  or_mutex_unlock(&change->mutex);
  if (!last) return;
  or_request_t *request = change->request;
  if (or_ok(change->failure)) {
    reply_device(request, change->device);
  } else {
    or_reply_failure(request, change->failure);
  }
  or_mutex_deinit(&change->mutex);
  or_free(request->allocator, change);
  or_reply_post(request);
}

/* What a request asks for; 0 and `has_available` false: as it is. */
typedef struct asked_t {
  bool has_available, is_available;
  int64_t max_concurrency, memory_limit;
} asked_t;

/* Sets it and hands it to the store in one step, so that of two changes the later one is also what is kept. */
static or_status_t set_and_keep(change_t *change, const asked_t *asked) {
  or_server_t *server = change->request->server;
  or_mutex_lock(&server->changes);
  or_device_settings_t settings = or_scheduler_device(server->services.scheduler, change->device);
  if (asked->has_available) settings.is_available = asked->is_available;
  if (asked->max_concurrency != 0) settings.max_concurrency = (uint32_t)asked->max_concurrency;
  if (asked->memory_limit != 0) settings.memory_limit = (uint64_t)asked->memory_limit;
  or_status_t status = or_scheduler_set_device(server->services.scheduler, change->device, &settings);
  if (or_ok(status)) or_settings_keep_device(server->services.store, change->device, &settings, on_row, change);
  or_mutex_unlock(&server->changes);
  return status;
}

static void carry_out(or_request_t *request, or_device_t *device, const asked_t *asked) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(change_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  change_t *change = memory;
  change->request = request;
  change->device = device;
  change->missing = OR_SETTINGS_DEVICE_ROWS;
  or_mutex_init(&change->mutex);
  or_request_keep(request);
  status = set_and_keep(change, asked);
  if (or_ok(status)) return;
  change->missing = 1;
  on_row(change, status);
}

void or_handle_device_change(or_request_t *request) {
  or_device_t *device = find(request);
  or_fields_t fields;
  asked_t asked = {.has_available = false};
  if (device == NULL) return;
  or_fields_begin(&fields, request, "is_available max_concurrency memory_limit");
  const or_json_value_t *available = or_fields_get(&fields, "is_available", OR_JSON_BOOL);
  asked.has_available = available != NULL;
  asked.is_available = or_json_get_bool(available, true);
  (void)or_fields_integer(&fields, "max_concurrency", 1, OR_SCHEDULER_MAX_CONCURRENCY, &asked.max_concurrency);
  (void)or_fields_integer(&fields, "memory_limit", 1, INT64_MAX, &asked.memory_limit);
  if (or_fields_good(&fields)) carry_out(request, device, &asked);
  or_fields_end(&fields);
}
