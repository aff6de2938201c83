#include "metrics/metrics.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "metrics/metrics_internal.h"

static or_status_t check_metric(const or_metric_t *metric, metric_kind_t kind);
static or_status_t find_family(or_metrics_registry_t *registry, const or_metric_t *metric, metric_kind_t kind,
                               family_t **out);
static or_status_t find_series(const or_allocator_t *allocator, family_t *family, const char *const *values,
                               series_t **out);
static or_status_t make_series(const or_allocator_t *allocator, const family_t *family, series_t **out);

or_status_t or_metrics_registry_create(const or_allocator_t *allocator, or_metrics_registry_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_metrics_registry_t), &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  (*out)->allocator = allocator;
  (*out)->last = &(*out)->first;
  or_mutex_init(&(*out)->mutex);
  return status;
}

static void free_series(const or_allocator_t *allocator, series_t *series) {
  for (size_t i = 0; i < series->label_count; ++i) or_free(allocator, series->values[i]);
  or_free(allocator, series);
}

void or_metrics_registry_free(or_metrics_registry_t *registry) {
  if (registry == NULL) return;
  const or_allocator_t *allocator = registry->allocator;
  while (registry->first != NULL) {
    family_t *family = registry->first;
    registry->first = family->next;
    while (family->first != NULL) {
      series_t *series = family->first;
      family->first = series->next;
      free_series(allocator, series);
    }
    or_free(allocator, family);
  }
  or_mutex_deinit(&registry->mutex);
  or_free(allocator, registry);
}

static or_status_t look_up(or_metrics_registry_t *registry, const or_metric_t *metric, metric_kind_t kind,
                           const char *const *values, series_t **out) {
  family_t *family = NULL;
  *out = NULL;
  or_status_t status = check_metric(metric, kind);
  if (!or_ok(status)) return status;
  or_mutex_lock(&registry->mutex);
  status = find_family(registry, metric, kind, &family);
  if (or_ok(status)) status = find_series(registry->allocator, family, values, out);
  or_mutex_unlock(&registry->mutex);
  return status;
}

or_status_t or_metrics_counter(or_metrics_registry_t *registry, const or_metric_t *metric, const char *const *values,
                               or_counter_t **out) {
  series_t *series = NULL;
  or_status_t status = look_up(registry, metric, METRIC_COUNTER, values, &series);
  *out = (or_counter_t *)series;
  return status;
}

or_status_t or_metrics_gauge(or_metrics_registry_t *registry, const or_metric_t *metric, const char *const *values,
                             or_gauge_t **out) {
  series_t *series = NULL;
  or_status_t status = look_up(registry, metric, METRIC_GAUGE, values, &series);
  *out = (or_gauge_t *)series;
  return status;
}

or_status_t or_metrics_histogram(or_metrics_registry_t *registry, const or_metric_t *metric, const char *const *values,
                                 or_histogram_t **out) {
  series_t *series = NULL;
  or_status_t status = look_up(registry, metric, METRIC_HISTOGRAM, values, &series);
  *out = (or_histogram_t *)series;
  return status;
}

static bool is_name(const char *name, bool colons) {
  for (const char *c = name; *c != '\0'; ++c) {
    bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' || (colons && *c == ':');
    if (!letter && (c == name || *c < '0' || *c > '9')) return false;
  }
  return *name != '\0';
}

static size_t label_count(const or_metric_t *metric) {
  size_t count = 0;
  while (count < OR_METRICS_MAX_LABELS && metric->labels[count] != NULL) ++count;
  return count;
}

static or_status_t check_metric(const or_metric_t *metric, metric_kind_t kind) {
  if (metric->name == NULL || !is_name(metric->name, true)) {
    return or_error(OR_INVALID_ARGUMENT, "metric name \"%s\": not [a-zA-Z_:][a-zA-Z0-9_:]*",
                    metric->name != NULL ? metric->name : "");
  }
  for (size_t i = 0; i < label_count(metric); ++i) {
    if (!is_name(metric->labels[i], false)) {
      return or_error(OR_INVALID_ARGUMENT, "metric \"%s\": label name \"%s\": not [a-zA-Z_][a-zA-Z0-9_]*", metric->name,
                      metric->labels[i]);
    }
  }
  if (kind != METRIC_HISTOGRAM) return or_status_success();
  if (metric->bucket_count == 0 || metric->bucket_count > OR_METRICS_MAX_BUCKETS) {
    return or_error(OR_INVALID_ARGUMENT, "metric \"%s\": %zu buckets; 1..%d are possible", metric->name,
                    metric->bucket_count, OR_METRICS_MAX_BUCKETS);
  }
  for (size_t i = 1; i < metric->bucket_count; ++i) {
    if (!(metric->buckets[i] > metric->buckets[i - 1])) {
      return or_error(OR_INVALID_ARGUMENT, "metric \"%s\": bucket bounds must rise; bound %zu does not", metric->name,
                      i);
    }
  }
  return or_status_success();
}

static or_status_t find_family(or_metrics_registry_t *registry, const or_metric_t *metric, metric_kind_t kind,
                               family_t **out) {
  for (family_t *family = registry->first; family != NULL; family = family->next) {
    if (family->metric != metric && strcmp(family->metric->name, metric->name) != 0) continue;
    if (family->metric != metric || family->kind != kind) {
      return or_error(OR_INVALID_ARGUMENT, "metric \"%s\" stands for another metric already", metric->name);
    }
    *out = family;
    return or_status_success();
  }
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(registry->allocator, sizeof(family_t), &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  (*out)->metric = metric;
  (*out)->kind = kind;
  (*out)->last = &(*out)->first;
  *registry->last = *out;
  registry->last = &(*out)->next;
  return status;
}

static const char *value_at(const char *const *values, size_t index) {
  return values != NULL && values[index] != NULL ? values[index] : "";
}

static uint64_t hash_values(const char *const *values, size_t count) {
  uint64_t hash = 0;
  for (size_t i = 0; i < count; ++i) hash = or_hash_bytes(value_at(values, i), strlen(value_at(values, i)), hash);
  return hash;
}

static bool same_values(const series_t *series, uint64_t hash, const char *const *values) {
  if (series->hash != hash) return false;
  for (size_t i = 0; i < series->label_count; ++i) {
    if (strcmp(series->values[i], value_at(values, i)) != 0) return false;
  }
  return true;
}

static or_status_t find_series(const or_allocator_t *allocator, family_t *family, const char *const *values,
                               series_t **out) {
  static const char *const others[OR_METRICS_MAX_LABELS] = {"other", "other", "other", "other", "other", "other"};
  size_t count = label_count(family->metric);
  uint64_t hash = hash_values(values, count);
  for (;;) {
    for (series_t *series = family->first; series != NULL; series = series->next) {
      if (!same_values(series, hash, values)) continue;
      *out = series;
      return or_status_success();
    }
    if (family->series_count < OR_METRICS_MAX_SERIES - 1 || values == others) break;
    values = others; /* all but one of the sets are taken: the last one collects the rest */
    hash = hash_values(values, count);
  }
  series_t *series = NULL;
  or_status_t status = make_series(allocator, family, &series);
  if (!or_ok(status)) return status;
  series->hash = hash;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    status = or_strdup(allocator, value_at(values, i), &series->values[i]);
    if (or_ok(status)) ++series->label_count;
  }
  if (!or_ok(status)) {
    free_series(allocator, series);
    return status;
  }
  *family->last = series;
  family->last = &series->next;
  ++family->series_count;
  *out = series;
  return status;
}

static or_status_t make_series(const or_allocator_t *allocator, const family_t *family, series_t **out) {
  size_t bucket_count = family->kind == METRIC_HISTOGRAM ? family->metric->bucket_count : 0;
  size_t shard_words = or_align_up(WORD_BUCKETS + (bucket_count > 0 ? bucket_count + 1 : 0), WORDS_A_LINE);
  size_t shard_count = family->kind == METRIC_GAUGE ? 1 : SHARD_COUNT;
  void *memory = NULL;
  or_status_t status =
      or_alloc_zeroed(allocator, sizeof(series_t) + shard_count * shard_words * sizeof(uint64_t), &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  (*out)->metric = family->metric;
  (*out)->shard_count = shard_count;
  (*out)->shard_words = shard_words;
  (*out)->bucket_count = bucket_count;
  return status;
}

/* The calling thread's shard. */
static atomic_uint_fast64_t *own_shard(series_t *series) {
  static atomic_uint next;
  static _Thread_local unsigned own = UINT32_MAX;
  if (own == UINT32_MAX) own = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % SHARD_COUNT;
  return series->words + (own % series->shard_count) * series->shard_words;
}

static double to_double(uint64_t bits) {
  double value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint64_t to_bits(double value) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static void add_double(atomic_uint_fast64_t *word, double change) {
  uint_fast64_t before = atomic_load_explicit(word, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(word, &before, to_bits(to_double(before) + change),
                                                memory_order_relaxed, memory_order_relaxed)) {
  }
}

void or_counter_add(or_counter_t *counter, uint64_t units) {
  (void)atomic_fetch_add_explicit(own_shard((series_t *)counter) + WORD_UNITS, units, memory_order_relaxed);
}

uint64_t or_counter_units(const or_counter_t *counter) {
  series_sum_t sum;
  or_series_sum((const series_t *)counter, &sum);
  return sum.units;
}

void or_gauge_set(or_gauge_t *gauge, double value) {
  atomic_store_explicit(own_shard((series_t *)gauge) + WORD_REAL, to_bits(value), memory_order_relaxed);
}

void or_gauge_add(or_gauge_t *gauge, double change) { add_double(own_shard((series_t *)gauge) + WORD_REAL, change); }

void or_histogram_observe(or_histogram_t *histogram, double value) {
  if (isnan(value)) return;
  series_t *series = (series_t *)histogram;
  atomic_uint_fast64_t *shard = own_shard(series);
  size_t bucket = 0;
  while (bucket < series->bucket_count && value > series->metric->buckets[bucket]) ++bucket;
  (void)atomic_fetch_add_explicit(shard + WORD_BUCKETS + bucket, 1, memory_order_relaxed);
  add_double(shard + WORD_REAL, value);
}

void or_series_sum(const series_t *series, series_sum_t *sum) {
  memset(sum, 0, sizeof *sum);
  for (size_t i = 0; i < series->shard_count; ++i) {
    const atomic_uint_fast64_t *shard = series->words + i * series->shard_words;
    sum->units += atomic_load_explicit(shard + WORD_UNITS, memory_order_relaxed);
    sum->real += to_double(atomic_load_explicit(shard + WORD_REAL, memory_order_relaxed));
    for (size_t b = 0; series->bucket_count > 0 && b <= series->bucket_count; ++b) {
      sum->buckets[b] += atomic_load_explicit(shard + WORD_BUCKETS + b, memory_order_relaxed);
    }
  }
}
