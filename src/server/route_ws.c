/* /ws: the hub's readers, and what it tells of this server. */
#include "runtime/device_json.h"
#include "server/server.h"

/* Of the key that a connection was opened with. */
typedef struct standing_t {
  const char *id;
  bool good;
} standing_t;

static void look_at_key(void *self, const or_store_key_t *key) {
  standing_t *standing = self;
  if (strcmp(standing->id, key->id) == 0) standing->good = key->revoked_us == 0;
}

/* A key that was revoked, or the first that was made, between the check of the request and here did not find this
 * reader. */
static or_status_t on_opened(or_ws_t *ws, const or_request_t *request, void **self) {
  const or_services_t *services = &request->server->services;
  standing_t standing = {request->key.id, false};
  or_status_t status = or_hub_join(services->hub, ws, &request->key, (or_hub_reader_t **)self);
  if (!or_ok(status)) return status;
  if (standing.id[0] == '\0') {
    standing.good = !or_store_has_keys(services->store);
  } else {
    or_store_list_keys(services->store, look_at_key, &standing);
  }
  if (!standing.good) or_hub_shut_out(services->hub, standing.id);
  return status;
}
const or_ws_endpoint_t or_live_endpoint = {on_opened, or_hub_heard, or_hub_leave, or_hub_room};

static void write_devices(void *self, or_json_writer_t *json) {
  const or_services_t *services = self;
  or_json_array_begin(json);
  for (size_t i = 0; i < or_runtime_device_count(services->runtime); ++i)
    or_services_write_device(services, json, or_runtime_device(services->runtime, i));
  or_json_array_end(json);
}

/* A device without a sample is left out. */
static void write_metrics(void *self, or_json_writer_t *json) {
  const or_services_t *services = self;
  or_json_object_begin(json);
  for (size_t i = 0; i < or_runtime_device_count(services->runtime); ++i) {
    const or_device_t *device = or_runtime_device(services->runtime, i);
    or_device_sample_t sample;
    if (or_telemetry_newest(services->telemetry, device, &sample, 1) == 0) continue;
    or_json_key(json, or_device_facts(device)->id);
    or_telemetry_write_sample(json, or_device_facts(device), &sample);
  }
  or_json_object_end(json);
}

static size_t active_tasks(void *self, const char *owner) {
  const or_services_t *services = self;
  return or_scheduler_active(services->scheduler, owner, NULL, 0);
}

static void set_interval(void *self, int64_t interval_ms) {
  const or_services_t *services = self;
  or_status_ignore(or_telemetry_set_interval(services->telemetry, interval_ms * 1000000)); /* within its bounds */
}

or_hub_source_t or_live_source(or_services_t *services) {
  return (or_hub_source_t){services, write_devices, write_metrics, active_tasks, set_interval};
}

void or_live_on_job(or_hub_t *hub, or_job_t *job, or_job_event_t event) {
  if (!or_hub_hears_tasks(hub)) return;
  const or_job_facts_t facts = or_job_facts(job);
  if (event != OR_JOB_FINISHED && or_task_state_is_final(facts.state)) return; /* its end is told by its own event */
  const or_hub_task_t task = {.task_id = or_job_id(job),
                              .owner = or_job_owner(job),
                              .state = facts.state,
                              .progress = facts.progress,
                              .accepted = event == OR_JOB_ADMITTED};
  or_hub_tell_task(hub, &task);
}
