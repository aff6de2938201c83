#include "backends/cpu/sample.h"

#include <math.h>
#include <string.h>

#include "backends/cpu/sample_internal.h"
#include "base/clock.h"
#include "base/thread.h"

/* Processor time spent and time that there was: the difference of two of these is a utilisation. */
typedef struct usage_t {
  bool known;
  bool quota;        /* busy: seconds of our cgroup; there: seconds times cores. Else both in ticks */
  size_t processors; /* summed, or the level of the cgroup: what must be equal for a difference to have a meaning */
  double busy, there;
} usage_t;

struct or_cpu_sampler_t {
  const or_allocator_t *allocator;
  const char *root;
  or_cpu_cgroups_t cgroups; /* immutable, as are root and `affinity` */
  bool affinity_known;
  or_cpu_set_t affinity;
  or_mutex_t mutex; /* all below */
  or_cpu_sensors_t sensors;
  int64_t start_ns; /* of the interval */
  usage_t start_usage;
  double start_joules;
  double utilization_percent, power_watts; /* of the last full interval */
};

/* What a sample reads but does not show. */
typedef struct reading_t {
  int64_t now_ns;
  or_cpu_limits_t limits;
  bool usable_known;
  or_cpu_set_t usable;
  double joules;
} reading_t;

static void read_now_locked(or_cpu_sampler_t *sampler, int64_t now_ns, reading_t *reading);
static usage_t read_usage(const or_cpu_sampler_t *sampler, const reading_t *reading);
static void end_interval_locked(or_cpu_sampler_t *sampler, const reading_t *reading);
static void read_memory(const or_cpu_sampler_t *sampler, const or_cpu_limits_t *limits, or_device_sample_t *out);

or_status_t or_cpu_sampler_create(const or_allocator_t *allocator, const char *system_root, or_cpu_sampler_t **out) {
  return or_cpu_sampler_create_at(allocator, system_root, or_clock_ns(), out);
}

or_status_t or_cpu_sampler_create_at(const or_allocator_t *allocator, const char *system_root, int64_t now_ns,
                                     or_cpu_sampler_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_cpu_sampler_t), &memory);
  if (!or_ok(status)) return status;
  or_cpu_sampler_t *sampler = memory;
  sampler->allocator = allocator;
  sampler->root = system_root;
  or_cpu_cgroups_read(system_root, &sampler->cgroups);
  sampler->affinity_known = or_cpu_set_read(system_root, &sampler->affinity);
  or_mutex_init(&sampler->mutex);
  or_cpu_sensors_find(system_root, &sampler->sensors);
  sampler->utilization_percent = sampler->power_watts = OR_UNKNOWN_F;
  reading_t reading;
  read_now_locked(sampler, now_ns, &reading); /* nobody else has it yet */
  sampler->start_ns = now_ns;
  sampler->start_usage = read_usage(sampler, &reading);
  sampler->start_joules = reading.joules;
  *out = sampler;
  return status;
}

void or_cpu_sampler_free(or_cpu_sampler_t *sampler) {
  if (sampler == NULL) return;
  or_mutex_deinit(&sampler->mutex);
  or_free(sampler->allocator, sampler);
}

void or_cpu_sampler_sample(or_cpu_sampler_t *sampler, or_device_sample_t *out) {
  or_cpu_sampler_sample_at(sampler, or_clock_ns(), out);
}

void or_cpu_sampler_sample_at(or_cpu_sampler_t *sampler, int64_t now_ns, or_device_sample_t *out) {
  reading_t reading;
  or_mutex_lock(&sampler->mutex);
  read_now_locked(sampler, now_ns, &reading);
  if (now_ns - sampler->start_ns >= OR_CPU_INTERVAL_NS) end_interval_locked(sampler, &reading);
  out->utilization_percent = sampler->utilization_percent;
  out->power_watts = sampler->power_watts;
  or_mutex_unlock(&sampler->mutex);
  out->energy_joules = reading.joules;
  out->temperature_celsius = or_cpu_sensors_celsius(&sampler->sensors);
  out->clock_hz = or_cpu_sensors_clock(&sampler->sensors, reading.usable_known ? &reading.usable : NULL);
  read_memory(sampler, &reading.limits, out);
}

static void read_now_locked(or_cpu_sampler_t *sampler, int64_t now_ns, reading_t *reading) {
  reading->now_ns = now_ns;
  reading->usable = sampler->affinity;
  reading->usable_known = or_cpu_cpuset_apply(&sampler->cgroups, sampler->affinity_known, &reading->usable);
  or_cpu_limits_read(&sampler->cgroups, &reading->limits);
  reading->joules = or_cpu_sensors_joules(&sampler->sensors);
}

static void end_interval_locked(or_cpu_sampler_t *sampler, const reading_t *reading) {
  usage_t usage = read_usage(sampler, reading);
  const usage_t *start = &sampler->start_usage;
  bool comparable = usage.known && start->known && usage.quota == start->quota && usage.processors == start->processors;
  double there = usage.there - start->there, busy = usage.busy - start->busy;
  sampler->utilization_percent = OR_UNKNOWN_F;
  if (comparable && there > 0 && busy >= 0) {
    if (usage.quota) there *= reading->limits.quota_cores;
    sampler->utilization_percent = fmin(100 * busy / there, 100);
  }
  double seconds = (double)(reading->now_ns - sampler->start_ns) * 1e-9;
  sampler->power_watts = (reading->joules - sampler->start_joules) / seconds; /* unknown (NaN) if either is */
  sampler->start_ns = reading->now_ns;
  sampler->start_usage = usage;
  sampler->start_joules = reading->joules;
}

/* Adds a line "cpu0 user nice system idle iowait irq softirq steal guest guest_nice" in ticks (guest time is within
 * user). False if it is no such line. */
static bool add_times(const char *numbers, usage_t *usage) {
  enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TIMES, TIMES_LEAST = IDLE + 1 };
  uint64_t times[TIMES] = {0};
  int count = 0;
  for (; count < TIMES; ++count) {
    while (*numbers == ' ') ++numbers;
    if (!or_cpu_scan_u64(&numbers, &times[count])) break;
  }
  if (count < TIMES_LEAST) return false;
  double all = 0;
  for (int i = 0; i < TIMES; ++i) all += (double)times[i];
  usage->there += all;
  usage->busy += all - (double)times[IDLE] - (double)times[IOWAIT];
  return true;
}

/* From the lines of the usable processors, or of all together where we don't know which are usable. */
static usage_t read_system_usage(const char *root, const or_cpu_set_t *usable) {
  usage_t usage = {0};
  or_cpu_lines_t lines;
  if (!or_cpu_lines_open(&lines, root, "/proc/stat")) return usage;
  const char *line;
  while ((line = or_cpu_lines_next(&lines)) != NULL && strncmp(line, "cpu", 3) == 0) {
    const char *cursor = line + 3;
    uint64_t number = 0;
    bool one = or_cpu_scan_u64(&cursor, &number);
    bool wanted = usable != NULL ? one && or_cpu_set_has(usable, number) : !one;
    if (*cursor == ' ' && wanted && add_times(cursor, &usage)) ++usage.processors;
  }
  or_cpu_lines_close(&lines);
  usage.known = usage.processors > 0;
  return usage;
}

static usage_t read_usage(const or_cpu_sampler_t *sampler, const reading_t *reading) {
  const or_cpu_set_t *usable = reading->usable_known ? &reading->usable : NULL;
  double cores = usable != NULL ? (double)or_cpu_set_count(usable) : (double)INFINITY;
  if (reading->limits.quota_cores >= cores) return read_system_usage(sampler->root, usable);
  usage_t usage = {.quota = true, .processors = reading->limits.quota_level, .there = (double)reading->now_ns * 1e-9};
  usage.known = or_cpu_cgroup_usage(&sampler->cgroups, reading->limits.quota_level, &usage.busy);
  return usage;
}

static void read_memory(const or_cpu_sampler_t *sampler, const or_cpu_limits_t *limits, or_device_sample_t *out) {
  uint64_t total = 0, available = 0;
  out->memory_available_bytes = out->memory_used_bytes = OR_UNKNOWN_U;
  if (!or_cpu_read_keyed(&available, sampler->root, "/proc/meminfo", "MemAvailable:")) return;
  if (available >= UINT64_MAX / 1024) return;
  available *= 1024;
  uint64_t left = or_cpu_cgroup_memory_available(&sampler->cgroups);
  if (left < available) available = left;
  out->memory_available_bytes = available;
  if (!or_cpu_read_keyed(&total, sampler->root, "/proc/meminfo", "MemTotal:") || total >= UINT64_MAX / 1024) return;
  total *= 1024;
  if (limits->memory_bytes < total) total = limits->memory_bytes;
  if (available > total) out->memory_available_bytes = available = total;
  out->memory_used_bytes = total - available;
}
