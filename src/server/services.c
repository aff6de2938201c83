#include "server/services.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/string.h"
#include "server/meter.h"
#include "server/model_settings.h"
#include "server/settings.h"
#include "server/task_body.h"

#define OWN_COMPILATIONS 8u /* of kernels of one key, and of all, that wait */
#define ALL_COMPILATIONS 64u

/* A task that outlived the process: accepted again as it was, but for its attempts. One that can't be any more (its
 * device is gone, a field is unknown to this version) is told in the log and stays pending on disk. */
static or_status_t take_up(void *self, const or_task_record_t *record, const or_journal_blob_t *inputs,
                           size_t input_count) {
  or_services_t *services = self;
  or_task_body_t *body = NULL;
  or_submission_result_t result = {.job = NULL};
  or_status_t status = or_task_body_recall(or_allocator_system(), record, inputs, input_count, &body);
  if (or_ok(status)) status = or_task_body_tensors(body, services->runtime);
  if (or_ok(status)) {
    const or_job_request_t request = {.task = body->task,
                                      .task_id = record->task_id,
                                      .owner = record->owner,
                                      .body = record->request,
                                      .body_bytes = record->request_bytes,
                                      .body_digest = record->body_digest,
                                      .tensors = body->tensors,
                                      .tensor_count = body->tensor_count,
                                      .durable = true,
                                      .recovered = true,
                                      .attempts = record->attempts,
                                      .created_us = record->created_us,
                                      .deadline_us = record->deadline_us};
    body->task = NULL; /* the scheduler's */
    status = or_scheduler_submit(services->scheduler, &request, &result);
  }
  or_task_body_release(body);
  or_job_release(result.job);
  if (!or_ok(status))
    or_log(OR_LOG_SERVER, OR_LOG_ERROR, "task_not_taken_up", "task=%s error=%s", record->task_id,
           or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* told; the others are taken up */
  return or_status_success();
}

#define SWEEP_NS INT64_C(1000000000)

static void sweep(void *self) {
  const or_services_t *services = self;
  or_model_pool_sweep(services->pool, or_clock_ns());
  or_profiles_tick(services->profiles, or_clock_ns());
}

/* A model that was loaded on demand before the restart. */
typedef struct reload_t {
  or_services_t *services;
  or_runtime_t *runtime;
  or_model_wish_t wish;
} reload_t;

static void load_again(void *self, bool stopped) {
  reload_t *reload = self;
  if (!stopped) {
    or_status_t status = or_model_wish_load(reload->services, reload->runtime, &reload->wish);
    if (or_ok(status)) {
      or_log(OR_LOG_SERVER, OR_LOG_INFO, "model_loaded_again", "model=%s", reload->wish.name);
    } else {
      or_log(OR_LOG_SERVER, OR_LOG_ERROR, "model_not_loaded_again", "model=%s error=%s", reload->wish.name,
             or_status_mapping(or_status_code(status))->name);
    }
    or_status_ignore(status); /* told; the others are loaded */
  }
  or_free(or_allocator_system(), reload);
}

static void hand_to_loaders(void *self, const or_model_wish_t *wish) {
  or_services_t *services = self;
  void *memory = NULL;
  or_status_t status = or_alloc(or_allocator_system(), sizeof(reload_t), &memory);
  reload_t *reload = memory;
  if (or_ok(status)) {
    *reload = (reload_t){services, services->runtime, *wish};
    status = or_workers_submit(services->loaders, load_again, reload);
  }
  if (or_ok(status)) return;
  or_free(or_allocator_system(), memory);
  or_log(OR_LOG_SERVER, OR_LOG_ERROR, "model_not_loaded_again", "model=%s error=%s", wish->name,
         or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* told; it is loaded at first use */
}

static or_status_t open_workers(or_services_t *services) {
  const or_workers_options_t readers = {.allocator = or_allocator_system(),
                                        .name = "or-read",
                                        .threads = 1,
                                        .interval_ns = SWEEP_NS,
                                        .tick = sweep,
                                        .tick_self = services};
  const or_workers_options_t loaders = {.allocator = or_allocator_system(), .name = "or-load", .threads = 2};
  const or_workers_options_t compilers = {
      .allocator = or_allocator_system(), .name = "or-compile", .threads = OR_WORKERS_MAX_THREADS};
  or_status_t status = or_workers_create(&readers, &services->readers);
  if (or_ok(status) && services->kernels != NULL) status = or_workers_create(&compilers, &services->compilers);
  if (or_ok(status) && services->kernels != NULL)
    status = or_turns_create(services->compilers, or_allocator_system(), OWN_COMPILATIONS, ALL_COMPILATIONS,
                             &services->compilations);
  if (or_ok(status)) status = or_workers_create(&loaders, &services->loaders);
  return or_ok(status) ? or_model_settings_visit(services->store, hand_to_loaders, services) : status;
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
  or_live_on_job(services->hub, job, event);
}

or_status_t or_services_open(or_services_t *services, or_runtime_t *runtime, const or_server_config_t *config,
                             or_meter_t *meter) {
  const char *models = config->models[0] != '\0' ? config->models : NULL;
  services->runtime = runtime;
  services->meter = meter;
  const or_model_pool_options_t pool_options = {.runtime = runtime, .directory = models};
  const or_hub_source_t source = or_live_source(services);
  or_status_t status = or_hub_create(or_runtime_allocator(runtime), &source, &services->hub);
  if (or_ok(status)) or_log_set_tap(or_hub_tell_log, services->hub);
  if (or_ok(status)) status = or_model_pool_create(&pool_options, &services->pool);
  if (or_ok(status)) status = or_kernel_store_open(services->store, runtime, config, &services->kernels);
  if (or_ok(status)) {
    const or_scheduler_options_t options = {.runtime = runtime,
                                            .journal = or_store_journal(services->store),
                                            .pool = services->pool,
                                            .models_directory = models,
                                            .kernels = services->kernels,
                                            .listener = on_job,
                                            .listener_self = services};
    status = or_scheduler_create(&options, &services->scheduler);
  }
  const or_telemetry_options_t telemetry_options = {.interval_ns = 0};
  if (or_ok(status)) status = or_telemetry_create(runtime, &telemetry_options, &services->telemetry);
  if (or_ok(status)) status = or_profiles_create(runtime, services->scheduler, &services->profiles);
  if (or_ok(status)) status = or_settings_restore_devices(services->store, services->scheduler, runtime);
  if (or_ok(status)) status = open_workers(services);
  return or_ok(status) ? or_store_recover(services->store, take_up, services) : status;
}

void or_services_drain(or_services_t *services, int64_t grace_ns) {
  if (services->scheduler == NULL || services->drained) return;
  services->drained = true;
  or_scheduler_drain(services->scheduler, grace_ns);
  or_workers_stop(services->compilers);
  or_workers_stop(services->loaders);
  or_workers_stop(services->readers);
}

void or_services_close(or_services_t *services) {
  or_services_drain(services, 0);
  or_workers_stop(services->compilers);
  or_workers_stop(services->loaders);
  or_workers_stop(services->readers);
  or_profiles_free(services->profiles);
  or_telemetry_free(services->telemetry);
  or_scheduler_free(services->scheduler);
  or_workers_free(services->compilers);
  or_turns_free(services->compilations);
  or_kernel_registry_free(services->kernels);
  or_model_pool_free(services->pool);
  or_store_close(services->store);
  or_workers_free(services->loaders); /* until here a callback of the store might hand them something */
  or_workers_free(services->readers);
  or_log_set_tap(NULL, NULL);
  or_hub_free(services->hub);
  *services = (or_services_t){.store = NULL};
}
