#include "metrics/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const or_metric_t resident = {.name = "openruntime_process_resident_memory_bytes",
                                     .help = "Memory of this process that lies in RAM."};
static const or_metric_t open_descriptors = {.name = "openruntime_process_open_fds",
                                             .help = "Descriptors that this process has open."};
static const or_metric_t most_descriptors = {.name = "openruntime_process_max_fds",
                                             .help = "Descriptors that this process may have open."};
static const or_metric_t processor = {.name = "openruntime_process_cpu_seconds_total",
                                      .help = "Processor time that this process has used, its own and the system's.",
                                      .scale = 1e-6};
static const or_metric_t start = {.name = "openruntime_process_start_time_seconds",
                                  .help = "When the program began, in seconds since 1970."};

/* Negative: the system does not say. */
static double resident_bytes(void) {
  unsigned long long pages = 0, of_those = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file == NULL) return -1;
  const bool read = fscanf(file, "%llu %llu", &pages, &of_those) == 2;
  (void)fclose(file);
  return read ? (double)of_those * (double)sysconf(_SC_PAGESIZE) : -1;
}

static double descriptor_count(void) {
  double count = 0;
  DIR *directory = opendir("/dev/fd");
  if (directory == NULL) return -1;
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
  (void)closedir(directory);
  return count - 1; /* the directory's own */
}

static or_status_t set(or_metrics_registry_t *registry, const or_metric_t *metric, double value) {
  or_gauge_t *gauge = NULL;
  if (value < 0) return or_status_success();
  or_status_t status = or_metrics_gauge(registry, metric, NULL, &gauge);
  if (or_ok(status)) or_gauge_set(gauge, value);
  return status;
}

static or_status_t set_processor(or_metrics_registry_t *registry) {
  struct rusage usage;
  or_counter_t *counter = NULL;
  or_status_t status = or_metrics_counter(registry, &processor, NULL, &counter);
  if (!or_ok(status) || getrusage(RUSAGE_SELF, &usage) != 0) return status;
  const uint64_t used_us = ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000u +
                           (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
  if (used_us > or_counter_units(counter)) or_counter_add(counter, used_us - or_counter_units(counter));
  return status;
}

or_status_t or_process_metrics_set(or_metrics_registry_t *registry, int64_t start_us) {
  struct rlimit limit;
  const bool bounded = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  or_status_t status = set(registry, &resident, resident_bytes());
  if (or_ok(status)) status = set(registry, &open_descriptors, descriptor_count());
  if (or_ok(status)) status = set(registry, &most_descriptors, bounded ? (double)limit.rlim_cur : -1);
  if (or_ok(status)) status = set_processor(registry);
  return or_ok(status) ? set(registry, &start, (double)start_us * 1e-6) : status;
}
