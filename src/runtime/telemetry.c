/* One thread samples the devices into a ring each; readers copy out under the lock that guards the rings. */
#include "runtime/telemetry.h"

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "hal/device.h"

#define DEFAULT_INTERVAL_NS 1000000000ll

typedef struct ring_t {
  or_device_t *device;
  uint64_t written; /* samples ever; the newest lies before `written` modulo the size */
  int64_t times_ns[OR_TELEMETRY_SAMPLES];
  or_device_sample_t samples[OR_TELEMETRY_SAMPLES];
} ring_t;

struct or_telemetry_t {
  const or_allocator_t *allocator;
  or_runtime_t *runtime; /* retained */
  or_telemetry_options_t options;
  or_thread_t thread;
  size_t ring_count;

  or_mutex_t mutex; /* all below, and the rings' samples */
  or_cond_t changed;
  int64_t interval_ns;
  bool stopping;
  ring_t rings[];
};

static void run(void *argument);
static void sample_all(or_telemetry_t *telemetry);
static or_status_t check_interval(int64_t interval_ns);

or_status_t or_telemetry_look(or_device_t *device, or_device_sample_t *out) { return or_device_look(device, out); }

or_status_t or_telemetry_create(or_runtime_t *runtime, const or_telemetry_options_t *options, or_telemetry_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  size_t count = or_runtime_device_count(runtime);
  int64_t interval_ns = options->interval_ns != 0 ? options->interval_ns : DEFAULT_INTERVAL_NS;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = check_interval(interval_ns);
  if (or_ok(status)) status = or_alloc_zeroed(allocator, sizeof(or_telemetry_t) + count * sizeof(ring_t), &memory);
  if (!or_ok(status)) return status;
  or_telemetry_t *telemetry = memory;
  telemetry->allocator = allocator;
  telemetry->runtime = runtime;
  telemetry->options = *options;
  telemetry->interval_ns = interval_ns;
  telemetry->ring_count = count;
  for (size_t i = 0; i < count; ++i) telemetry->rings[i].device = or_runtime_device(runtime, i);
  or_runtime_retain(runtime);
  or_mutex_init(&telemetry->mutex);
  or_cond_init(&telemetry->changed);
  status = or_thread_start(&telemetry->thread, "or-telemetry", run, telemetry);
  if (!or_ok(status)) {
    or_telemetry_free(telemetry);
    return status;
  }
  *out = telemetry;
  return status;
}

void or_telemetry_free(or_telemetry_t *telemetry) {
  if (telemetry == NULL) return;
  or_mutex_lock(&telemetry->mutex);
  telemetry->stopping = true;
  or_cond_broadcast(&telemetry->changed);
  or_mutex_unlock(&telemetry->mutex);
  or_thread_join(&telemetry->thread);
  or_cond_deinit(&telemetry->changed);
  or_mutex_deinit(&telemetry->mutex);
  or_runtime_t *runtime = telemetry->runtime;
  or_free(telemetry->allocator, telemetry);
  or_runtime_release(runtime);
}

static or_status_t check_interval(int64_t interval_ns) {
  if (interval_ns >= OR_TELEMETRY_MIN_INTERVAL_NS && interval_ns <= OR_TELEMETRY_MAX_INTERVAL_NS)
    return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "interval of %g s between samples: 0.1 to 60 s", (double)interval_ns * 1e-9);
}

static void run(void *argument) {
  or_telemetry_t *telemetry = argument;
  or_mutex_lock(&telemetry->mutex);
  while (!telemetry->stopping) {
    int64_t begin_ns = or_clock_ns();
    or_mutex_unlock(&telemetry->mutex);
    sample_all(telemetry);
    or_mutex_lock(&telemetry->mutex);
    /* The deadline is formed anew after each wake: the interval may have changed. */
    while (!telemetry->stopping &&
           or_cond_wait_until(&telemetry->changed, &telemetry->mutex, begin_ns + telemetry->interval_ns)) {
    }
  }
  or_mutex_unlock(&telemetry->mutex);
}

/* Operations a second from an earlier sample to one of `now_ns`; unknown where no time lies between. */
static double rate_between(const ring_t *ring, uint64_t from, const or_device_sample_t *to, int64_t now_ns) {
  const int64_t then_ns = ring->times_ns[from % OR_TELEMETRY_SAMPLES];
  const uint64_t before = ring->samples[from % OR_TELEMETRY_SAMPLES].flops_done;
  if (now_ns <= then_ns || to->flops_done < before) return OR_UNKNOWN_F;
  return (double)(to->flops_done - before) / ((double)(now_ns - then_ns) * 1e-9);
}

static void sample_all(or_telemetry_t *telemetry) {
  for (size_t i = 0; i < telemetry->ring_count; ++i) {
    ring_t *ring = &telemetry->rings[i];
    or_device_sample_t sample;
    or_status_t status = or_device_look(ring->device, &sample);
    const int64_t now_ns =
        telemetry->options.now_ns != NULL ? telemetry->options.now_ns(telemetry->options.now_self) : or_clock_ns();
    if (!or_ok(status)) {
      or_status_ignore(status); /* a device that can't be sampled has no sample of this interval */
      continue;
    }
    or_mutex_lock(&telemetry->mutex);
    if (ring->written > 0) sample.flops_per_second = rate_between(ring, ring->written - 1, &sample, now_ns);
    ring->times_ns[ring->written % OR_TELEMETRY_SAMPLES] = now_ns;
    ring->samples[ring->written++ % OR_TELEMETRY_SAMPLES] = sample;
    or_mutex_unlock(&telemetry->mutex);
    if (telemetry->options.listener != NULL)
      telemetry->options.listener(telemetry->options.listener_self, ring->device, &sample);
  }
}

or_status_t or_telemetry_set_interval(or_telemetry_t *telemetry, int64_t interval_ns) {
  or_status_t status = check_interval(interval_ns);
  if (!or_ok(status)) return status;
  or_mutex_lock(&telemetry->mutex);
  telemetry->interval_ns = interval_ns;
  or_cond_broadcast(&telemetry->changed);
  or_mutex_unlock(&telemetry->mutex);
  return status;
}

size_t or_telemetry_newest(or_telemetry_t *telemetry, const or_device_t *device, or_device_sample_t *out,
                           size_t capacity) {
  size_t count = 0;
  or_mutex_lock(&telemetry->mutex);
  for (size_t r = 0; r < telemetry->ring_count; ++r) {
    const ring_t *ring = &telemetry->rings[r];
    if (ring->device != device) continue;
    count = ring->written < OR_TELEMETRY_SAMPLES ? (size_t)ring->written : OR_TELEMETRY_SAMPLES;
    if (count > capacity) count = capacity;
    for (size_t i = 0; i < count; ++i) out[i] = ring->samples[(ring->written - count + i) % OR_TELEMETRY_SAMPLES];
  }
  or_mutex_unlock(&telemetry->mutex);
  return count;
}

typedef struct mean_t {
  double sum;
  size_t count;
} mean_t;

static void add(mean_t *mean, double value) {
  if (!isfinite(value)) return;
  mean->sum += value;
  ++mean->count;
}
static double mean_of(const mean_t *mean) { return mean->count > 0 ? mean->sum / (double)mean->count : (double)NAN; }

static double memory_percent(const or_device_facts_t *facts, const or_device_sample_t *sample) {
  if (sample->memory_available_bytes == OR_UNKNOWN_U || facts->memory_total_bytes == OR_UNKNOWN_U ||
      facts->memory_total_bytes == 0)
    return (double)NAN;
  double total = (double)facts->memory_total_bytes;
  return 100.0 * (total - (double)sample->memory_available_bytes) / total;
}

/* Over the samples of a summary, from the one before them where it is still there. */
static double rate_of_newest(or_telemetry_t *telemetry, const or_device_t *device) {
  double rate = OR_UNKNOWN_F;
  or_mutex_lock(&telemetry->mutex);
  for (size_t r = 0; r < telemetry->ring_count; ++r) {
    const ring_t *ring = &telemetry->rings[r];
    if (ring->device != device || ring->written == 0) continue;
    const uint64_t last = ring->written - 1;
    const uint64_t first = last > OR_TELEMETRY_SUMMARY_COUNT ? last - OR_TELEMETRY_SUMMARY_COUNT : 0;
    rate = rate_between(ring, first, &ring->samples[last % OR_TELEMETRY_SAMPLES],
                        ring->times_ns[last % OR_TELEMETRY_SAMPLES]);
  }
  or_mutex_unlock(&telemetry->mutex);
  return rate;
}

void or_telemetry_summarize_samples(const or_device_facts_t *facts, const or_device_sample_t *samples, size_t count,
                                    or_telemetry_summary_t *out) {
  mean_t utilization = {0}, memory = {0}, temperature = {0}, power = {0};
  for (size_t i = 0; i < count; ++i) {
    add(&utilization, samples[i].utilization_percent);
    add(&memory, memory_percent(facts, &samples[i]));
    add(&temperature, samples[i].temperature_celsius);
    add(&power, samples[i].power_watts);
  }
  *out = (or_telemetry_summary_t){mean_of(&utilization), mean_of(&memory), mean_of(&temperature), mean_of(&power),
                                  count > 0 ? samples[count - 1].flops_per_second : OR_UNKNOWN_F};
}

void or_telemetry_summarize(or_telemetry_t *telemetry, const or_device_t *device, or_telemetry_summary_t *out) {
  or_device_sample_t samples[OR_TELEMETRY_SUMMARY_COUNT];
  const size_t count = or_telemetry_newest(telemetry, device, samples, OR_TELEMETRY_SUMMARY_COUNT);
  or_telemetry_summarize_samples(count > 0 ? or_device_facts(device) : NULL, samples, count, out);
  out->flops_per_second = rate_of_newest(telemetry, device);
}

static void write_number(or_json_writer_t *json, const char *key, double value) {
  if (isfinite(value)) or_json_field_double(json, key, value);
}

void or_telemetry_write_sample(or_json_writer_t *json, const or_device_facts_t *facts,
                               const or_device_sample_t *sample) {
  char time[OR_CLOCK_TEXT_BYTES];
  or_json_object_begin(json);
  or_json_field_string(json, "device_id", facts->id);
  or_json_field_string(json, "timestamp", or_clock_format(sample->wall_us, time, sizeof time));
  write_number(json, "memory_usage", memory_percent(facts, sample));
  write_number(json, "gpu_utilization", sample->utilization_percent);
  write_number(json, "temperature", sample->temperature_celsius);
  write_number(json, "power_usage", sample->power_watts);
  write_number(json, "throughput", sample->flops_per_second * 1e-9);
  or_json_field_int(json, "active_kernels", sample->active_kernels);
  or_json_object_end(json);
}

void or_telemetry_write_summary(or_json_writer_t *json, const or_telemetry_summary_t *summary) {
  or_json_object_begin(json);
  write_number(json, "avg_utilization", summary->utilization_percent);
  write_number(json, "avg_memory_usage", summary->memory_percent);
  write_number(json, "avg_temperature", summary->temperature_celsius);
  write_number(json, "avg_power", summary->power_watts);
  write_number(json, "total_throughput", summary->flops_per_second * 1e-9);
  or_json_object_end(json);
}
