/* Looking at what is there when somebody asks: sockets, queue, store, models, devices, the process. */
#include "metrics/process.h"
#include "server/meter_internal.h"
#include "server/server.h"

static const or_metric_t build = {
    .name = "openruntime_build_info", .help = "The program that answers; always 1.", .labels = {"version"}};
static const or_metric_t ready = {.name = "openruntime_ready",
                                  .help = "1 while the server takes work, 0 while it starts or drains."};
static const or_metric_t connections = {.name = "openruntime_http_connections",
                                        .help = "Connections that are open, WebSockets among them."};
static const or_metric_t refused = {
    .name = "openruntime_http_connections_refused_total",
    .help = "Connections that were not taken: there were as many as there may be, no memory or no file handles."};
static const or_metric_t websockets = {.name = "openruntime_websocket_connections",
                                       .help = "WebSockets that are open."};

static const or_metric_t log_dropped = {
    .name = "openruntime_log_lines_dropped_total",
    .help = "Lines of the log that were not written, since whoever reads it did not keep up."};

static const or_metric_t waiting = {.name = "openruntime_tasks_waiting", .help = "Tasks that wait for a device."};
static const or_metric_t running = {
    .name = "openruntime_tasks_running", .help = "Tasks that run on a device.", .labels = {"device"}};
static const or_metric_t backlog = {.name = "openruntime_task_backlog_seconds",
                                    .help = "Estimated time until all that waits has begun, on the busiest hardware."};

static const or_metric_t store_tasks = {.name = "openruntime_store_tasks", .help = "Tasks on disk."};
static const or_metric_t store_bytes = {.name = "openruntime_store_bytes",
                                        .help = "Bytes of requests, responses and tensors on disk."};
static const or_metric_t store_backlog_rows = {.name = "openruntime_store_backlog_rows",
                                               .help = "Rows that wait to be written."};
static const or_metric_t store_backlog_bytes = {.name = "openruntime_store_backlog_bytes",
                                                .help = "Bytes that wait to be written."};
static const or_metric_t store_commits = {.name = "openruntime_store_commits_total",
                                          .help = "Groups of rows that were put on disk together."};
static const or_metric_t store_rows = {.name = "openruntime_store_rows_total", .help = "Rows that were put on disk."};
static const or_metric_t store_failures = {.name = "openruntime_store_commit_failures_total",
                                           .help = "Groups of rows that could not be put on disk."};
static const or_metric_t store_removed = {.name = "openruntime_store_removed_tasks_total",
                                          .help = "Tasks that were removed since they were too old or too many."};
static const or_metric_t store_dropped = {.name = "openruntime_store_dropped_rows_total",
                                          .help = "Starts and ends of tasks that could not be recorded."};
static const or_metric_t store_full = {.name = "openruntime_store_disk_full",
                                       .help = "1 if the last rows found no room on the disk."};

static const or_metric_t models = {.name = "openruntime_models_loaded", .help = "Models that are loaded."};
static const or_metric_t leases = {.name = "openruntime_model_leases", .help = "Uses of loaded models at this moment."};
static const or_metric_t weights = {.name = "openruntime_model_weights_bytes",
                                    .help = "Weights of the models that are loaded."};
static const or_metric_t loads = {.name = "openruntime_model_loads_total", .help = "Models that were loaded."};
static const or_metric_t failed_loads = {.name = "openruntime_model_load_failures_total",
                                         .help = "Models that could not be loaded."};
static const or_metric_t evictions = {.name = "openruntime_model_evictions_total",
                                      .help = "Models that went to make room for others, or were idle for long."};

static const or_metric_t kernel_compiles = {.name = "openruntime_kernel_compiles_total",
                                            .help = "Compilations of kernels of users, by how they ended.",
                                            .labels = {"status"}};
static const or_metric_t kernel_runs = {.name = "openruntime_kernel_runs_total",
                                        .help = "Runs of kernels of users, by how they ended.",
                                        .labels = {"status"}};
static const or_metric_t kernel_workers = {.name = "openruntime_kernel_workers",
                                           .help = "Processes for kernels of users that there are."};
static const or_metric_t kernels = {.name = "openruntime_kernels", .help = "Kernels of users that have a name here."};
static const or_metric_t kernel_bytes = {.name = "openruntime_kernels_bytes",
                                         .help = "Bytes of their sources and what is known of them."};

/* A look: the first failure ends it. */
typedef struct look_t {
  or_metrics_registry_t *registry;
  or_status_t status;
} look_t;

static void show_of(look_t *look, const or_metric_t *metric, const char *label, double value) {
  or_gauge_t *gauge = NULL;
  if (!or_ok(look->status)) return;
  look->status = or_metrics_gauge(look->registry, metric, &label, &gauge);
  if (or_ok(look->status)) or_gauge_set(gauge, value);
}

static void show(look_t *look, const or_metric_t *metric, double value) { show_of(look, metric, NULL, value); }

/* A counter that is kept elsewhere and only rises. */
static void show_total_of(look_t *look, const or_metric_t *metric, const char *label, uint64_t total) {
  or_counter_t *counter = NULL;
  if (!or_ok(look->status)) return;
  look->status = or_metrics_counter(look->registry, metric, &label, &counter);
  if (!or_ok(look->status)) return;
  const uint64_t shown = or_counter_units(counter);
  if (total > shown) or_counter_add(counter, total - shown);
}

static void show_total(look_t *look, const or_metric_t *metric, uint64_t total) {
  show_total_of(look, metric, NULL, total);
}

/* Those that were killed are runs and compilations with an end of their own. */
static void show_kernels(look_t *look, or_kernel_registry_t *registry) {
  static const char *const ends[OR_KERNEL_END_COUNT] = {[OR_KERNEL_DONE] = "done",
                                                        [OR_KERNEL_FAILED] = "failed",
                                                        [OR_KERNEL_KILLED_TIME] = "killed_time",
                                                        [OR_KERNEL_KILLED_CANCEL] = "killed_cancelled",
                                                        [OR_KERNEL_KILLED_DIED] = "killed_died"};
  or_kernel_registry_stats_t stats;
  or_kernel_registry_stats(registry, &stats);
  for (int end = 0; end < OR_KERNEL_END_COUNT; ++end) {
    show_total_of(look, &kernel_compiles, ends[end], stats.compiles[end]);
    show_total_of(look, &kernel_runs, ends[end], stats.runs[end]);
  }
  show(look, &kernel_workers, stats.workers);
  show(look, &kernels, (double)stats.kernels);
  show(look, &kernel_bytes, (double)stats.bytes);
}

static void show_store(look_t *look, or_store_t *store) {
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  show(look, &store_tasks, (double)stats.tasks);
  show(look, &store_bytes, (double)stats.bytes);
  show(look, &store_backlog_rows, (double)stats.backlog_rows);
  show(look, &store_backlog_bytes, (double)stats.backlog_bytes);
  show_total(look, &store_commits, stats.commits);
  show_total(look, &store_rows, stats.rows);
  show_total(look, &store_failures, stats.failures);
  show_total(look, &store_removed, stats.removed);
  show_total(look, &store_dropped, stats.dropped);
  show(look, &store_full, stats.disk_full ? 1 : 0);
}

static void show_models(look_t *look, or_model_pool_t *pool) {
  const or_model_pool_counts_t counts = or_model_pool_counts(pool);
  show(look, &models, counts.models);
  show(look, &leases, counts.leases);
  show(look, &weights, (double)counts.bytes);
  show_total(look, &loads, counts.loads);
  show_total(look, &failed_loads, counts.failed_loads);
  show_total(look, &evictions, counts.evictions);
}

/* A device that is gone has no sample of now, however new the last one is. */
static void show_device(look_t *look, or_meter_t *meter, const or_services_t *services, size_t index,
                        or_device_t *device) {
  or_device_sample_t sample;
  const bool sampled = or_device_state(device, NULL) == OR_DEVICE_AVAILABLE &&
                       or_telemetry_newest(services->telemetry, device, &sample, 1) == 1;
  show_of(look, &running, or_device_facts(device)->id, (double)or_scheduler_running_on(services->scheduler, device));
  if (or_ok(look->status))
    look->status = or_device_metrics_set(&meter->devices[index], look->registry, device, sampled ? &sample : NULL);
}

static void show_services(look_t *look, or_meter_t *meter, const or_server_t *server, or_runtime_t *runtime) {
  const or_services_t *services = &server->services;
  const or_scheduler_load_t load = or_scheduler_load(services->scheduler);
  show(look, &waiting, (double)load.waiting);
  show(look, &backlog, load.backlog_s);
  for (size_t i = 0; i < or_runtime_device_count(runtime) && i < OR_SCHEDULER_MAX_DEVICES; ++i)
    show_device(look, meter, services, i, or_runtime_device(runtime, i));
  show_models(look, services->pool);
  show_store(look, services->store);
  if (services->kernels != NULL) show_kernels(look, services->kernels);
}

or_status_t or_meter_look(or_meter_t *meter, const or_server_t *server) {
  look_t look = {.registry = meter->registry, .status = or_status_success()};
  or_runtime_t *runtime = or_server_runtime(server); /* what the routes work with is open once it is there */
  show_of(&look, &build, or_version(), 1);
  show(&look, &ready, or_net_phase(server->net) == OR_NET_READY ? 1 : 0);
  show(&look, &connections, (double)or_net_connections(server->net));
  show_total(&look, &refused, or_net_refused(server->net));
  show(&look, &websockets, (double)or_net_websockets(server->net));
  show_total(&look, &log_dropped, or_log_writer_dropped(server->log));
  if (runtime != NULL) show_services(&look, meter, server, runtime);
  if (or_ok(look.status)) look.status = or_process_metrics_set(meter->registry, meter->start_us);
  return look.status;
}
