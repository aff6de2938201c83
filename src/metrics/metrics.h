#ifndef OR_METRICS_METRICS_H
#define OR_METRICS_METRICS_H
/* Counters, gauges and histograms, and their Prometheus text (exposition format 0.0.4). Handles are looked up once and
 * kept; counting is then an atomic addition in the thread's own cell. Any thread may call any function; the registry
 * outlives its handles' users. */

#include "base/string.h"

typedef struct or_metrics_registry_t or_metrics_registry_t;
typedef struct or_counter_t or_counter_t;
typedef struct or_gauge_t or_gauge_t;
typedef struct or_histogram_t or_histogram_t;

#define OR_METRICS_MAX_LABELS 6   /* of a metric */
#define OR_METRICS_MAX_BUCKETS 24 /* of a histogram, without +Inf */
/* Label sets of one metric; further ones share the set in which every label is "other". */
#define OR_METRICS_MAX_SERIES 1000

/* What a metric is. Handed over by pointer at each look-up; must outlive the registry (make it static const). */
typedef struct or_metric_t {
  const char *name;                          /* "openruntime_queue_wait_seconds"; [a-zA-Z_:][a-zA-Z0-9_:]* */
  const char *help;                          /* one sentence */
  const char *labels[OR_METRICS_MAX_LABELS]; /* label names, up to the first NULL */
  /* A counter counts whole units of `scale` (1e-9: nanoseconds of a metric in seconds); 0 means 1. */
  double scale;
  const double *buckets; /* of a histogram: upper bounds, rising */
  size_t bucket_count;
} or_metric_t;

or_status_t or_metrics_registry_create(const or_allocator_t *allocator, or_metrics_registry_t **out);
void or_metrics_registry_free(or_metrics_registry_t *registry); /* with all handles; takes NULL */

/* The handle of a metric with these label values (as many as it has labels; NULL counts as ""). The same values give
 * the same handle. INVALID_ARGUMENT: a bad name, buckets that don't rise, or the name stands for another metric
 * already; RESOURCE_EXHAUSTED. */
or_status_t or_metrics_counter(or_metrics_registry_t *registry, const or_metric_t *metric, const char *const *values,
                               or_counter_t **out);
or_status_t or_metrics_gauge(or_metrics_registry_t *registry, const or_metric_t *metric, const char *const *values,
                             or_gauge_t **out);
or_status_t or_metrics_histogram(or_metrics_registry_t *registry, const or_metric_t *metric, const char *const *values,
                                 or_histogram_t **out);

void or_counter_add(or_counter_t *counter, uint64_t units);
uint64_t or_counter_units(const or_counter_t *counter);
void or_gauge_set(or_gauge_t *gauge, double value);
void or_gauge_add(or_gauge_t *gauge, double change);
void or_histogram_observe(or_histogram_t *histogram, double value); /* NaN is left out */

/* Appends all metrics, in the order of their first look-up. */
or_status_t or_metrics_write_prometheus(or_metrics_registry_t *registry, or_text_t *text);

#endif
