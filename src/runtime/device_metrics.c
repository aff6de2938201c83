#include "runtime/device_metrics.h"

#include <math.h>

#include "hal/device.h"

static const or_metric_t info = {.name = "openruntime_device_info",
                                 .help = "A device of this machine; always 1.",
                                 .labels = {"device", "type", "hardware", "name"}};
static const or_metric_t flops = {.name = "openruntime_device_flops_total",
                                  .help = "Floating-point operations of what a device has done, by our own account.",
                                  .labels = {"device"}};
static const or_metric_t energy = {
    .name = "openruntime_device_energy_joules_total",
    .help = "Energy that a device's hardware took since the first sample, where the machine reports it.",
    .labels = {"device"},
    .scale = 1e-6};

typedef enum gauge_t {
  AVAILABLE,
  ACTIVE_KERNELS,
  ALLOCATED,
  MEMORY_TOTAL,
  MEMORY_AVAILABLE,
  UTILIZATION,
  TEMPERATURE,
  POWER,
  CLOCK,
  GAUGE_COUNT
} gauge_t;

static const or_metric_t gauges[GAUGE_COUNT] = {
    [AVAILABLE] = {.name = "openruntime_device_available",
                   .help = "1 if the device can be used, 0 if it can't be opened or was lost.",
                   .labels = {"device"}},
    [ACTIVE_KERNELS] = {.name = "openruntime_device_active_kernels",
                        .help = "Parts of models and computations that a device works on.",
                        .labels = {"device"}},
    [ALLOCATED] = {.name = "openruntime_device_allocated_bytes",
                   .help = "Memory of the device's hardware that this process holds: weights, workspaces, tensors.",
                   .labels = {"device"}},
    [MEMORY_TOTAL] = {.name = "openruntime_device_memory_bytes",
                      .help = "Memory of a device as this process may use it.",
                      .labels = {"device"}},
    [MEMORY_AVAILABLE] = {.name = "openruntime_device_memory_available_bytes",
                          .help = "Memory of a device that nobody uses.",
                          .labels = {"device"}},
    [UTILIZATION] = {.name = "openruntime_device_utilization_ratio",
                     .help = "How busy a device was between the last two samples, 0 to 1.",
                     .labels = {"device"}},
    [TEMPERATURE] = {.name = "openruntime_device_temperature_celsius",
                     .help = "Temperature of a device, where the machine reports it.",
                     .labels = {"device"}},
    [POWER] = {.name = "openruntime_device_power_watts",
               .help = "Power that a device takes, where the machine reports it.",
               .labels = {"device"}},
    [CLOCK] = {.name = "openruntime_device_clock_hertz",
               .help = "Clock of a device, where the machine reports it.",
               .labels = {"device"}},
};

static double number(uint64_t value) { return value != OR_UNKNOWN_U ? (double)value : (double)NAN; }

/* A number that is not known has no series; once it had one, NaN says that it is not known now. */
static or_status_t set(or_device_metrics_t *metrics, or_metrics_registry_t *registry, const char *id,
                       const double values[GAUGE_COUNT]) {
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < GAUGE_COUNT; ++i) {
    const bool known = isfinite(values[i]);
    or_gauge_t *gauge = NULL;
    if (!known && (metrics->shown & 1u << i) == 0) continue;
    status = or_metrics_gauge(registry, &gauges[i], &id, &gauge);
    if (!or_ok(status)) break;
    or_gauge_set(gauge, known ? values[i] : (double)NAN);
    metrics->shown |= 1u << i;
  }
  return status;
}

/* The meter of a machine starts anywhere, and may start again: what it went on by is added. */
static or_status_t add_energy(or_device_metrics_t *metrics, or_metrics_registry_t *registry, const char *id,
                              double joules) {
  or_counter_t *counter = NULL;
  if (!isfinite(joules)) return or_status_success();
  or_status_t status = or_metrics_counter(registry, &energy, &id, &counter);
  if (!or_ok(status)) return status;
  if (metrics->has_energy && joules > metrics->energy_joules)
    or_counter_add(counter, (uint64_t)((joules - metrics->energy_joules) * 1e6));
  metrics->has_energy = true;
  metrics->energy_joules = joules;
  return status;
}

or_status_t or_device_metrics_set(or_device_metrics_t *metrics, or_metrics_registry_t *registry,
                                  const or_device_t *device, const or_device_sample_t *sample) {
  const or_device_facts_t *facts = or_device_facts(device);
  const or_device_counters_t account = or_device_counters(device);
  const char *const labels[] = {facts->id, facts->type, facts->hardware_id, facts->name};
  or_gauge_t *is = NULL;
  or_counter_t *done = NULL;
  double values[GAUGE_COUNT];
  for (int i = 0; i < GAUGE_COUNT; ++i) values[i] = (double)NAN;
  values[AVAILABLE] = or_device_state(device, NULL) == OR_DEVICE_AVAILABLE ? 1 : 0;
  values[ALLOCATED] = (double)or_device_memory_usage(device).used_bytes;
  values[ACTIVE_KERNELS] = account.active;
  values[MEMORY_TOTAL] = number(facts->memory_total_bytes);
  if (sample != NULL) {
    values[MEMORY_AVAILABLE] = number(sample->memory_available_bytes);
    values[UTILIZATION] = sample->utilization_percent / 100;
    values[TEMPERATURE] = sample->temperature_celsius;
    values[POWER] = sample->power_watts;
    values[CLOCK] = sample->clock_hz;
  }
  or_status_t status = or_metrics_gauge(registry, &info, labels, &is);
  if (or_ok(status)) or_gauge_set(is, 1);
  if (or_ok(status)) status = or_metrics_counter(registry, &flops, labels, &done);
  if (or_ok(status) && account.flops > or_counter_units(done))
    or_counter_add(done, account.flops - or_counter_units(done));
  if (or_ok(status) && sample != NULL) status = add_energy(metrics, registry, facts->id, sample->energy_joules);
  return or_ok(status) ? set(metrics, registry, facts->id, values) : status;
}
