#ifndef OR_METRICS_PROCESS_H
#define OR_METRICS_PROCESS_H
/* This process as metrics: memory, descriptors, processor time, where the system says them. */

#include "metrics/metrics.h"

/* Sets openruntime_process_* in the registry; calls for one registry follow each other. `start_us`: wall clock at which
 * the program began. Reads /proc and /dev/fd. RESOURCE_EXHAUSTED. */
or_status_t or_process_metrics_set(or_metrics_registry_t *registry, int64_t start_us);

#endif
