#ifndef OR_RUNTIME_DEVICE_METRICS_H
#define OR_RUNTIME_DEVICE_METRICS_H
/* Devices as metrics: what they are, whether they answer, and what a sample says of them. */

#include "metrics/metrics.h"
#include "openruntime/device.h"

/* What one device has shown so far; zeroed before its first call. */
typedef struct or_device_metrics_t {
  unsigned shown; /* the gauges that had a number: NaN from the time when they have none */
  bool has_energy;
  double energy_joules; /* of the last sample that had one */
} or_device_metrics_t;

/* Sets the metrics of a device from a sample; NULL: there is none now. What was never known is left out. Calls for one
 * device of one registry follow each other. RESOURCE_EXHAUSTED. */
or_status_t or_device_metrics_set(or_device_metrics_t *metrics, or_metrics_registry_t *registry,
                                  const or_device_t *device, const or_device_sample_t *sample);

#endif
