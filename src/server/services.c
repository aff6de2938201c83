#include "server/services.h"

#include <string.h>

#include "base/log.h"
#include "base/string.h"
#include "server/meter.h"
#include "server/settings.h"

/* A task that outlived the process: accepted again as it was, but for its attempts. One that can't be any more (its
 * device is gone, a field is unknown to this version) is told in the log and stays pending on disk. */
static or_status_t take_up(void *self, const or_task_record_t *record, const or_journal_blob_t *inputs,
                           size_t input_count) {
  or_services_t *services = self;
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_submission_result_t result = {.job = NULL};
  const or_allocator_t *allocator = or_allocator_system();
  (void)inputs, (void)input_count; /* bodies are JSON alone */
  or_status_t status = or_json_parse(allocator, record->request, record->request_bytes, &document);
  if (or_ok(status)) status = or_task_parse(allocator, or_json_root(document), &problems, &task);
  const or_job_request_t request = {.task = task,
                                    .task_id = record->task_id,
                                    .owner = record->owner,
                                    .body = record->request,
                                    .body_bytes = record->request_bytes,
                                    .body_digest = record->body_digest,
                                    .durable = true,
                                    .recovered = true,
                                    .attempts = record->attempts,
                                    .created_us = record->created_us,
                                    .deadline_us = record->deadline_us};
  if (or_ok(status)) {
    status = or_scheduler_submit(services->scheduler, &request, &result);
    if (!or_ok(status)) or_task_free(task);
  }
  or_json_document_free(document);
  or_job_release(result.job);
  if (!or_ok(status))
    or_log(OR_LOG_SERVER, OR_LOG_ERROR, "task_not_taken_up", "task=%s error=%s", record->task_id,
           or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* told; the others are taken up */
  return or_status_success();
}

or_status_t or_services_open_store(or_services_t *services, const or_server_config_t *config) {
  *services = (or_services_t){.store = NULL};
  const or_store_options_t options = or_store_options(config->data);
  return or_store_open(&options, &services->store);
}

/* What happens to tasks, for those who watch all of them. */
static void on_job(void *self, or_job_t *job, or_job_event_t event) {
  const or_services_t *services = self;
  if (event == OR_JOB_FINISHED) or_meter_task(services->meter, job, services->store);
}

or_status_t or_services_open(or_services_t *services, or_runtime_t *runtime, const or_server_config_t *config,
                             or_meter_t *meter) {
  const char *models = config->models[0] != '\0' ? config->models : NULL;
  services->meter = meter;
  const or_model_pool_options_t pool_options = {.runtime = runtime, .directory = models};
  or_status_t status = or_model_pool_create(&pool_options, &services->pool);
  if (or_ok(status)) {
    const or_scheduler_options_t options = {.runtime = runtime,
                                            .journal = or_store_journal(services->store),
                                            .pool = services->pool,
                                            .models_directory = models,
                                            .listener = on_job,
                                            .listener_self = services};
    status = or_scheduler_create(&options, &services->scheduler);
  }
  const or_telemetry_options_t telemetry_options = {.interval_ns = 0};
  if (or_ok(status)) status = or_telemetry_create(runtime, &telemetry_options, &services->telemetry);
  if (or_ok(status)) status = or_settings_restore_devices(services->store, services->scheduler, runtime);
  return or_ok(status) ? or_store_recover(services->store, take_up, services) : status;
}

void or_services_drain(or_services_t *services, int64_t grace_ns) {
  if (services->scheduler == NULL || services->drained) return;
  services->drained = true;
  or_scheduler_drain(services->scheduler, grace_ns);
}

void or_services_close(or_services_t *services) {
  or_services_drain(services, 0);
  or_telemetry_free(services->telemetry);
  or_scheduler_free(services->scheduler);
  or_model_pool_free(services->pool);
  or_store_close(services->store);
  *services = (or_services_t){.store = NULL};
}
