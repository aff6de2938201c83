/* What a process says of itself, against what the system says by another way. */
#include "base/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/string.h"
#include "metrics/process.h"

static or_text_t shown;

/* The value of a metric without labels; negative if it is not there. */
static double value_of(or_metrics_registry_t *registry, const char *name) {
  char start[128];
  or_text_clear(&shown);
  expect_ok(or_process_metrics_set(registry, 1800000000500000));
  expect_ok(or_metrics_write_prometheus(registry, &shown));
  const char *found = strstr(or_text_string(&shown), or_format(start, sizeof start, "\n%s ", name));
  return found != NULL ? strtod(found + strlen(start), NULL) : -1;
}

static void counts_descriptors_memory_and_time(void **state) {
  (void)state;
  or_metrics_registry_t *registry = NULL;
  struct rlimit limit;
  or_text_init(&shown, or_allocator_system());
  expect_ok(or_metrics_registry_create(or_allocator_system(), &registry));
  const double before = value_of(registry, "openruntime_process_open_fds");
  const int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_true(before >= 3);
  assert_true(value_of(registry, "openruntime_process_open_fds") == before + 2);
  (void)close(one);
  (void)close(other);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur != RLIM_INFINITY)
    assert_true(value_of(registry, "openruntime_process_max_fds") == (double)limit.rlim_cur);
  assert_true(value_of(registry, "openruntime_process_start_time_seconds") == 1800000000.5);
  const double used_s = value_of(registry, "openruntime_process_cpu_seconds_total");
  struct rusage usage;
  do (void)getrusage(RUSAGE_SELF, &usage); /* until some time was used: a clock tick at most */
  while ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6 <=
         used_s);
  assert_true(value_of(registry, "openruntime_process_cpu_seconds_total") > used_s);
#ifdef __linux__
  assert_true(value_of(registry, "openruntime_process_resident_memory_bytes") > 100000);
#endif
  or_metrics_registry_free(registry);
  or_text_deinit(&shown);
}

static or_status_t set_once(const or_allocator_t *allocator) {
  or_metrics_registry_t *registry = NULL;
  or_status_t status = or_metrics_registry_create(allocator, &registry);
  if (or_ok(status)) status = or_process_metrics_set(registry, 0);
  or_metrics_registry_free(registry);
  return status;
}

static void gives_back_all_memory_when_any_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(set_once);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_descriptors_memory_and_time),
      cmocka_unit_test(gives_back_all_memory_when_any_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
