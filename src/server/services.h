#ifndef OR_SERVER_SERVICES_H
#define OR_SERVER_SERVICES_H
/* What the routes of tasks, models and devices stand on: the store, which is opened before anybody may ask, since it
 * knows the keys; then, once the devices are found, the pool of models, the scheduler, the samples of the devices, and
 * the hub that tells readers of /ws of both. Closed in the other order. */

#include "model/pool.h"
#include "runtime/telemetry.h"
#include "scheduler/scheduler.h"
#include "server/config.h"
#include "server/hub.h"
#include "server/kernel_store.h"
#include "server/profiles.h"
#include "server/turns.h"
#include "store/store.h"

typedef struct or_services_t {
  or_runtime_t *runtime; /* borrowed: outlives them */
  or_hub_t *hub;
  or_store_t *store;
  or_model_pool_t *pool;
  or_scheduler_t *scheduler;
  or_telemetry_t *telemetry;
  or_profiles_t *profiles;
  or_kernel_registry_t *kernels; /* of users; NULL: they are off */
  or_workers_t *readers;   /* short work off the loops: the disk's, large replies; sweeps the pool once a second */
  or_workers_t *loaders;   /* long work: models loaded and explained */
  or_workers_t *compilers; /* of kernels of users; handed out by turns */
  or_turns_t *compilations;
  struct or_meter_t *meter; /* the server's */
  bool drained;
} or_services_t;

/* Opens the data folder of the configuration. Waits for the disk. Statuses of or_store_open. */
or_status_t or_services_open_store(or_services_t *services, const or_server_config_t *config);
/* Opens the rest, sets the devices as they were set, and begins what the store holds of unfinished work; the meter,
 * which outlives the services, counts what ends. Waits for the disk. On failure what is open stays so until
 * or_services_close. */
or_status_t or_services_open(or_services_t *services, or_runtime_t *runtime, const or_server_config_t *config,
                             struct or_meter_t *meter);
/* No new work; what runs has `grace_ns`. Once; does nothing where nothing is open. */
void or_services_drain(or_services_t *services, int64_t grace_ns);
void or_services_close(or_services_t *services); /* drains with no grace if nobody did */

/* route_ws.c: what the hub tells of the services, and what it is told of a job. */
or_hub_source_t or_live_source(or_services_t *services);
void or_live_on_job(or_hub_t *hub, or_job_t *job, or_job_event_t event);

#endif
