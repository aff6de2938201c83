#ifndef OR_METRICS_METRICS_INTERNAL_H
#define OR_METRICS_METRICS_INTERNAL_H
/* What counting (metrics.c) and writing (prometheus.c) share. */

#include "base/thread.h"
#include "metrics/metrics.h"

/* Threads share a shard of a series only when there are more of them. */
#define SHARD_COUNT 8
/* Shards lie on cache lines of their own. */
#define CACHE_LINE_BYTES 64
#define WORDS_A_LINE (CACHE_LINE_BYTES / sizeof(uint64_t))

typedef enum metric_kind_t { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } metric_kind_t;

/* The words of a shard. */
enum {
  WORD_UNITS,   /* of a counter */
  WORD_REAL,    /* the bits of a double: a histogram's sum, a gauge's value */
  WORD_BUCKETS, /* of a histogram: how many values fell into each bucket, the last one +Inf */
};

/* A series' shards together. */
typedef struct series_sum_t {
  uint64_t units;
  double real;
  uint64_t buckets[OR_METRICS_MAX_BUCKETS + 1];
} series_sum_t;

/* One label set of a metric; what or_counter_t, or_gauge_t and or_histogram_t point to. Made under the
 * registry's lock, then changed by atomics only; lives as long as the registry. */
typedef struct series_t {
  struct series_t *next; /* in the order of creation */
  const or_metric_t *metric;
  char *values[OR_METRICS_MAX_LABELS];
  size_t label_count;
  uint64_t hash; /* of the values */
  size_t shard_count, shard_words, bucket_count;
  _Alignas(CACHE_LINE_BYTES) atomic_uint_fast64_t words[]; /* shard_count times shard_words */
} series_t;

void or_series_sum(const series_t *series, series_sum_t *sum);

typedef struct family_t {
  struct family_t *next;
  const or_metric_t *metric;
  metric_kind_t kind;
  series_t *first, **last;
  size_t series_count;
} family_t;

struct or_metrics_registry_t {
  const or_allocator_t *allocator;
  or_mutex_t mutex; /* guards the lists, not the cells */
  family_t *first, **last;
};

#endif
