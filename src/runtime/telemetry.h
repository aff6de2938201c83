#ifndef OR_RUNTIME_TELEMETRY_H
#define OR_RUNTIME_TELEMETRY_H
/* What the devices report of themselves, taken at an interval and kept in memory: the newest samples of each device,
 * their summary, and both as JSON (a Sample of docs/api.md). */

#include "base/json.h"
#include "runtime/runtime.h"

#define OR_TELEMETRY_SAMPLES 1000u     /* kept of each device */
#define OR_TELEMETRY_SUMMARY_COUNT 50u /* newest samples that a summary is of */
#define OR_TELEMETRY_MIN_INTERVAL_NS 100000000ll
#define OR_TELEMETRY_MAX_INTERVAL_NS 60000000000ll

/* On the telemetry's thread, outside locks, after the sample can be read; return soon. */
typedef void (*or_telemetry_listener_t)(void *self, or_device_t *device, const or_device_sample_t *sample);

typedef struct or_telemetry_options_t {
  int64_t interval_ns;              /* 0: one second */
  or_telemetry_listener_t listener; /* may be NULL */
  void *listener_self;
  int64_t (*now_ns)(void *self); /* a clock that only rises, for what was done in an interval; NULL: or_clock_ns */
  void *now_self;
} or_telemetry_options_t;

typedef struct or_telemetry_t or_telemetry_t;

/* As or_device_sample, but what nobody has used yet stays closed (or_device_look of hal): for lists and watchers. */
or_status_t or_telemetry_look(or_device_t *device, or_device_sample_t *out);

/* Takes a sample of each device at once and then at the interval. The runtime is retained. OUT_OF_RANGE: interval;
 * RESOURCE_EXHAUSTED. *out is the caller's. */
or_status_t or_telemetry_create(or_runtime_t *runtime, const or_telemetry_options_t *options, or_telemetry_t **out);
void or_telemetry_free(or_telemetry_t *telemetry); /* stops at once, but for a sample under way; takes NULL */

/* Any thread. From now on. OUT_OF_RANGE. */
or_status_t or_telemetry_set_interval(or_telemetry_t *telemetry, int64_t interval_ns);
/* Copies the newest samples of a device of the runtime, at most `capacity`, newest last; how many there were. */
size_t or_telemetry_newest(or_telemetry_t *telemetry, const or_device_t *device, or_device_sample_t *out,
                           size_t capacity);

/* Means of the samples that have the number; NAN where none has. */
typedef struct or_telemetry_summary_t {
  double utilization_percent, memory_percent, temperature_celsius, power_watts;
  double flops_per_second; /* all that was done while those samples were taken, by that time */
} or_telemetry_summary_t;
/* Of samples that the caller has; the rate is that of the last one. */
void or_telemetry_summarize_samples(const or_device_facts_t *facts, const or_device_sample_t *samples, size_t count,
                                    or_telemetry_summary_t *out);
/* Of the newest OR_TELEMETRY_SUMMARY_COUNT samples. */
void or_telemetry_summarize(or_telemetry_t *telemetry, const or_device_t *device, or_telemetry_summary_t *out);

/* A Sample, and the summary of a device, as objects; what the machine does not report is left out. */
void or_telemetry_write_sample(or_json_writer_t *json, const or_device_facts_t *facts,
                               const or_device_sample_t *sample);
void or_telemetry_write_summary(or_json_writer_t *json, const or_telemetry_summary_t *summary);

#endif
