/* Prometheus text exposition format, version 0.0.4. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "metrics/metrics_internal.h"

static or_status_t append_number(or_text_t *text, double value) {
  if (isnan(value)) return or_text_append_string(text, "NaN");
  if (isinf(value)) return or_text_append_string(text, value > 0 ? "+Inf" : "-Inf");
  char digits[40];
  return or_text_append(text, digits, or_number_write_double(value, digits));
}

/* A label's value or a help line: backslash, new line and (in labels) quotes are escaped. */
static or_status_t append_escaped(or_text_t *text, const char *value, bool quotes) {
  or_status_t status = or_status_success();
  for (const char *c = value; *c != '\0' && or_ok(status); ++c) {
    if (*c == '\n') {
      status = or_text_append_string(text, "\\n");
    } else {
      if (*c == '\\' || (quotes && *c == '"')) status = or_text_append_string(text, "\\");
      if (or_ok(status)) status = or_text_append(text, c, 1);
    }
  }
  return status;
}

/* name_suffix{label="value",…,le="bound"} ; `bound` is a bucket's or NULL. */
static or_status_t append_head(or_text_t *text, const series_t *series, const char *suffix, const double *bound) {
  or_status_t status = or_text_printf(text, "%s%s", series->metric->name, suffix);
  const char *before = "{";
  for (size_t i = 0; or_ok(status) && i < series->label_count; ++i, before = ",") {
    status = or_text_printf(text, "%s%s=\"", before, series->metric->labels[i]);
    if (or_ok(status)) status = append_escaped(text, series->values[i], true);
    if (or_ok(status)) status = or_text_append_string(text, "\"");
  }
  if (or_ok(status) && bound != NULL) {
    status = or_text_printf(text, "%sle=\"", before);
    if (or_ok(status)) status = append_number(text, *bound);
    if (or_ok(status)) status = or_text_append_string(text, "\"");
  }
  bool any = series->label_count > 0 || bound != NULL;
  return or_ok(status) ? or_text_append_string(text, any ? "} " : " ") : status;
}

static or_status_t append_sample(or_text_t *text, const series_t *series, const char *suffix, const double *bound,
                                 double value) {
  or_status_t status = append_head(text, series, suffix, bound);
  if (or_ok(status)) status = append_number(text, value);
  return or_ok(status) ? or_text_append_string(text, "\n") : status;
}

static or_status_t append_histogram(or_text_t *text, const series_t *series, const series_sum_t *sum) {
  or_status_t status = or_status_success();
  uint64_t below = 0;
  for (size_t i = 0; or_ok(status) && i <= series->bucket_count; ++i) {
    double bound = i < series->bucket_count ? series->metric->buckets[i] : (double)INFINITY;
    below += sum->buckets[i];
    status = append_sample(text, series, "_bucket", &bound, (double)below);
  }
  if (or_ok(status)) status = append_sample(text, series, "_sum", NULL, sum->real);
  return or_ok(status) ? append_sample(text, series, "_count", NULL, (double)below) : status;
}

static or_status_t append_series(or_text_t *text, const series_t *series, metric_kind_t kind) {
  series_sum_t sum;
  or_series_sum(series, &sum);
  double scale = series->metric->scale != 0 ? series->metric->scale : 1;
  switch (kind) {
  case METRIC_COUNTER: return append_sample(text, series, "", NULL, (double)sum.units * scale);
  case METRIC_GAUGE: return append_sample(text, series, "", NULL, sum.real);
  default: return append_histogram(text, series, &sum);
  }
}

or_status_t or_metrics_write_prometheus(or_metrics_registry_t *registry, or_text_t *text) {
  static const char *const kinds[] = {"counter", "gauge", "histogram"};
  or_status_t status = or_status_success();
  or_mutex_lock(&registry->mutex);
  for (const family_t *family = registry->first; or_ok(status) && family != NULL; family = family->next) {
    const or_metric_t *metric = family->metric;
    status = or_text_printf(text, "# HELP %s ", metric->name);
    if (or_ok(status)) status = append_escaped(text, metric->help != NULL ? metric->help : metric->name, false);
    if (or_ok(status)) status = or_text_printf(text, "\n# TYPE %s %s\n", metric->name, kinds[family->kind]);
    for (const series_t *series = family->first; or_ok(status) && series != NULL; series = series->next) {
      status = append_series(text, series, family->kind);
    }
  }
  or_mutex_unlock(&registry->mutex);
  return status;
}
