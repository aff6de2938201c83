#ifndef OR_BACKENDS_CPU_SAMPLE_INTERNAL_H
#define OR_BACKENDS_CPU_SAMPLE_INTERNAL_H
/* Sensors, and sampling at a given time. */

#include "backends/cpu/facts_cgroup_internal.h"
#include "backends/cpu/sample.h"

#define OR_CPU_SENSORS_MAX 16 /* of a kind; more are left out */
#define OR_CPU_SENSOR_PATH_BYTES 96

/* A RAPL domain of a whole package. Kernel: power/powercap. */
typedef struct or_cpu_package_t {
  uint32_t number;            /* intel-rapl:N */
  bool started;               /* `microjoules` was read */
  uint64_t microjoules;       /* when last read */
  uint64_t range_microjoules; /* the counter goes back to 0 beyond; 0: not known */
} or_cpu_package_t;

/* Found once; the counters are touched by the sampler's owner of the lock. */
typedef struct or_cpu_sensors_t {
  const char *root;
  char thermometers[OR_CPU_SENSORS_MAX][OR_CPU_SENSOR_PATH_BYTES]; /* files with millidegrees Celsius */
  size_t thermometer_count;
  or_cpu_package_t packages[OR_CPU_SENSORS_MAX];
  size_t package_count;
  double joules; /* counted since the first reading */
} or_cpu_sensors_t;
void or_cpu_sensors_find(const char *root, or_cpu_sensors_t *out);
double or_cpu_sensors_celsius(const or_cpu_sensors_t *sensors); /* OR_UNKNOWN_F */
/* Joules of all packages since the first call. OR_UNKNOWN_F unless every one can be read. */
double or_cpu_sensors_joules(or_cpu_sensors_t *sensors);
/* The mean clock of the processors, Hz; `usable` NULL: not known which. OR_UNKNOWN_F. */
double or_cpu_sensors_clock(const or_cpu_sensors_t *sensors, const or_cpu_set_t *usable);

/* As the functions of sample.h, at a time that the caller gives (or_clock_ns), not before that of an earlier call. */
or_status_t or_cpu_sampler_create_at(const or_allocator_t *allocator, const char *system_root, int64_t now_ns,
                                     or_cpu_sampler_t **out);
void or_cpu_sampler_sample_at(or_cpu_sampler_t *sampler, int64_t now_ns, or_device_sample_t *out);

#endif
