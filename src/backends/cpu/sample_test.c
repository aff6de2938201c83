/* Expected values: by hand from the files of the trees. Two points in time are given by the test, not by a clock. */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/cpu/sample_internal.h"
#include "base/file.h"
#include "base/string.h"
#include "base/testing.h"

#define TREES "tests/data/system_trees/"
#define SECOND_NS ((int64_t)1000 * 1000 * 1000)

static or_device_sample_t sample_of(const char *root) {
  or_cpu_sampler_t *sampler = NULL;
  or_device_sample_t sample;
  memset(&sample, 0x5a, sizeof sample); /* every field is to be set */
  expect_ok(or_cpu_sampler_create_at(or_allocator_system(), root, 0, &sampler));
  or_cpu_sampler_sample_at(sampler, SECOND_NS, &sample);
  or_cpu_sampler_free(sampler);
  return sample;
}

static void assert_near(double value, double expected) {
  if (!(fabs(value - expected) <= 1e-6 * fabs(expected) + 1e-9)) fail_msg("%.9g, expected %.9g", value, expected);
}

/* A tree of the test's own, whose files change between two samples. */
typedef struct tree_t {
  char root[32];
} tree_t;

static void tree_init(tree_t *tree) {
  or_format(tree->root, sizeof tree->root, "/tmp/or_sample_XXXXXX");
  assert_non_null(mkdtemp(tree->root));
}

static void tree_put(const tree_t *tree, const char *path, const char *text) {
  char full[256];
  or_format(full, sizeof full, "%s%s", tree->root, path);
  for (char *slash = full + strlen(tree->root) + 1; (slash = strchr(slash, '/')) != NULL; ++slash) {
    *slash = '\0';
    (void)mkdir(full, 0700); /* may be there; the write fails otherwise */
    *slash = '/';
  }
  expect_ok(or_file_write(full, text, strlen(text)));
}

static void remove_file(const tree_t *tree, const char *path) {
  char full[256];
  assert_int_equal(unlink(or_format(full, sizeof full, "%s%s", tree->root, path)), 0);
  for (char *slash; (slash = strrchr(full, '/')) != NULL && (size_t)(slash - full) >= strlen(tree->root);) {
    *slash = '\0';
    if (rmdir(full) != 0) return; /* holds more */
  }
}

static void measures_memory_within_limits_of_version_1(void **state) {
  (void)state;
  or_device_sample_t sample = sample_of(TREES "cgroup_v1");
  /* the middle cgroup: 512 MiB - 384 MiB + 64 MiB of file cache */
  assert_int_equal(sample.memory_available_bytes, 192ull << 20);
  assert_int_equal(sample.memory_used_bytes, 320ull << 20);
}

static void measures_memory_within_limits_of_version_2(void **state) {
  (void)state;
  or_device_sample_t sample = sample_of(TREES "cgroup_v2");
  assert_int_equal(sample.memory_available_bytes, 768ull << 20); /* 2048 - 1536 + 256 MiB */
  assert_int_equal(sample.memory_used_bytes, 1280ull << 20);
  sample = sample_of(TREES "cgroup_v2_nested");
  assert_int_equal(sample.memory_available_bytes, 3584ull << 20); /* 6144 - 3072 + 512 MiB */
  assert_int_equal(sample.memory_used_bytes, 2560ull << 20);
}

static void measures_memory_without_limits(void **state) {
  (void)state;
  or_device_sample_t sample = sample_of(TREES "hwmon_amd");
  assert_int_equal(sample.memory_available_bytes, 30000000ull << 10);
  assert_int_equal(sample.memory_used_bytes, (33554432ull - 30000000ull) << 10);
}

static void takes_the_package_temperature(void **state) {
  (void)state;
  assert_near(sample_of(TREES "hwmon_amd").temperature_celsius, 45.25); /* Tdie; not Tctl, not the disk */
  assert_near(sample_of(TREES "hwmon_intel").temperature_celsius, 58);  /* the hotter of two packages */
  assert_near(sample_of(TREES "arm64").temperature_celsius, 53.45);     /* a zone; not the GPU's */
}

static void takes_the_mean_clock(void **state) {
  (void)state;
  assert_near(sample_of(TREES "hwmon_amd").clock_hz, 2.75e9);
  assert_near(sample_of(TREES "hwmon_intel").clock_hz, 3.0e9);
  assert_near(sample_of(TREES "rapl").clock_hz, 3000.25e6); /* from /proc/cpuinfo */
}

static void leaves_unknown_what_is_not_there_or_garbage(void **state) {
  (void)state;
  static const char *const roots[] = {TREES "none", TREES "garbage", TREES "no_such_tree"};
  for (size_t i = 0; i < sizeof roots / sizeof roots[0]; ++i) {
    or_device_sample_t sample = sample_of(roots[i]);
    assert_true(sample.memory_available_bytes == OR_UNKNOWN_U && sample.memory_used_bytes == OR_UNKNOWN_U);
    assert_true(isnan(sample.utilization_percent) && isnan(sample.temperature_celsius));
    assert_true(isnan(sample.power_watts) && isnan(sample.energy_joules) && isnan(sample.clock_hz));
  }
}

static void adds_up_the_energy_of_packages_across_a_wrap(void **state) {
  (void)state;
  static const char *const files[] = {"/sys/class/powercap/intel-rapl:0/name",
                                      "/sys/class/powercap/intel-rapl:0/energy_uj",
                                      "/sys/class/powercap/intel-rapl:0/max_energy_range_uj",
                                      "/sys/class/powercap/intel-rapl:1/name",
                                      "/sys/class/powercap/intel-rapl:1/energy_uj",
                                      "/sys/class/powercap/intel-rapl:1/max_energy_range_uj"};
  static const char *const texts[] = {"package-0\n", "1000000\n",      "262143328850\n",
                                      "package-1\n", "262143000000\n", "262143328850\n"};
  tree_t tree;
  or_cpu_sampler_t *sampler = NULL;
  or_device_sample_t sample;
  tree_init(&tree);
  for (size_t i = 0; i < 6; ++i) tree_put(&tree, files[i], texts[i]);
  expect_ok(or_cpu_sampler_create_at(or_allocator_system(), tree.root, 0, &sampler));
  tree_put(&tree, files[1], "31000000\n"); /* 30 J */
  tree_put(&tree, files[4], "9671150\n");  /* 0.32885 J to the end of the range, then 9.67115 J: 10 J */
  or_cpu_sampler_sample_at(sampler, 2 * SECOND_NS, &sample);
  assert_near(sample.energy_joules, 40);
  assert_near(sample.power_watts, 20);
  tree_put(&tree, files[1], "31500000\n");
  or_cpu_sampler_sample_at(sampler, 2 * SECOND_NS + OR_CPU_INTERVAL_NS / 2, &sample);
  assert_near(sample.energy_joules, 40.5);
  assert_near(sample.power_watts, 20); /* too soon for another one */
  tree_put(&tree, files[4], "Permission denied\n");
  or_cpu_sampler_sample_at(sampler, 4 * SECOND_NS, &sample);
  assert_true(isnan(sample.energy_joules) && isnan(sample.power_watts)); /* half of it would be a lie */
  or_cpu_sampler_free(sampler);
  for (size_t i = 0; i < 6; ++i) remove_file(&tree, files[i]);
}

static void leaves_other_energy_domains_out(void **state) {
  (void)state;
  or_cpu_sensors_t sensors;
  or_cpu_sensors_find(TREES "rapl", &sensors);
  assert_int_equal(sensors.package_count, 2);
  assert_near(or_cpu_sensors_joules(&sensors), 0);
}

static void says_how_busy_the_usable_processors_were(void **state) {
  (void)state;
  tree_t tree;
  or_cpu_sampler_t *sampler = NULL;
  or_device_sample_t sample;
  tree_init(&tree);
  tree_put(&tree, "/sys/devices/system/cpu/online", "0,2\n");
  tree_put(&tree, "/proc/stat", "cpu  9 9 9 9\ncpu0 100 0 50 850 0 0 0 0 50 0\ncpu1 0 0 0 0\ncpu2 0 0 0 500\nintr 1\n");
  expect_ok(or_cpu_sampler_create_at(or_allocator_system(), tree.root, 0, &sampler));
  or_cpu_sampler_sample_at(sampler, OR_CPU_INTERVAL_NS / 2, &sample);
  assert_true(isnan(sample.utilization_percent)); /* too soon */
  /* of 2 x 100 ticks: 30 + 10 + 5 + 5 busy on 0, 10 on 2; processor 1 is not ours */
  tree_put(&tree, "/proc/stat",
           "cpu  9 9 9 9\ncpu0 130 10 50 890 10 5 5 0 80 0\ncpu1 900 0 0 0\ncpu2 10 0 0 590\nintr 1\n");
  or_cpu_sampler_sample_at(sampler, SECOND_NS, &sample);
  assert_near(sample.utilization_percent, 30);
  or_cpu_sampler_sample_at(sampler, 2 * SECOND_NS, &sample);
  assert_true(isnan(sample.utilization_percent)); /* the counters stand still: not a number we know */
  or_cpu_sampler_free(sampler);
  remove_file(&tree, "/sys/devices/system/cpu/online");
  remove_file(&tree, "/proc/stat");
}

/* Files of a container with a quota; `usage` changes. */
static void expect_quota_utilisation(const char *const (*files)[2], size_t count, const char *usage_path,
                                     const char *usage, double expected) {
  tree_t tree;
  or_cpu_sampler_t *sampler = NULL;
  or_device_sample_t sample;
  tree_init(&tree);
  for (size_t i = 0; i < count; ++i) tree_put(&tree, files[i][0], files[i][1]);
  expect_ok(or_cpu_sampler_create_at(or_allocator_system(), tree.root, 0, &sampler));
  tree_put(&tree, usage_path, usage);
  or_cpu_sampler_sample_at(sampler, 2 * SECOND_NS, &sample);
  assert_near(sample.utilization_percent, expected);
  or_cpu_sampler_free(sampler);
  for (size_t i = 0; i < count; ++i) remove_file(&tree, files[i][0]);
}

static void says_how_much_of_its_quota_a_container_used(void **state) {
  (void)state;
  static const char *const version_2[][2] = {
      {"/proc/self/cgroup", "0::/pod/app\n"},
      {"/proc/self/mountinfo", "35 24 0:30 / /cg rw - cgroup2 cgroup2 rw\n"},
      {"/proc/stat", "cpu  0 0 0 0\ncpu0 0 0 0 0\n"},
      {"/sys/devices/system/cpu/online", "0-7\n"},
      {"/cg/pod/cpu.max", "150000 100000\n"},
      {"/cg/pod/cpu.stat", "usage_usec 1000000\n"},
      {"/cg/pod/app/cpu.stat", "usage_usec 900000\n"},
  };
  /* the pod, which has the quota, took 1.2 s of 2 s times 1.5 */
  expect_quota_utilisation(version_2, 7, "/cg/pod/cpu.stat", "usage_usec 2200000\nuser_usec 1\n", 40);
  expect_quota_utilisation(version_2, 7, "/cg/pod/cpu.stat", "usage_usec 9000000\n", 100); /* a burst */
  static const char *const version_1[][2] = {
      {"/proc/self/cgroup", "5:cpu,cpuacct:/docker/c0ffee\n"},
      {"/proc/self/mountinfo", "35 24 0:30 /docker/c0ffee /cg rw - cgroup cgroup rw,cpu,cpuacct\n"},
      {"/sys/devices/system/cpu/online", "0-7\n"},
      {"/cg/cpu.cfs_quota_us", "50000\n"},
      {"/cg/cpu.cfs_period_us", "100000\n"},
      {"/cg/cpuacct.usage", "5000000000\n"},
  };
  expect_quota_utilisation(version_1, 6, "/cg/cpuacct.usage", "5250000000\n", 25);
}

static or_status_t create_one(const or_allocator_t *allocator) {
  or_cpu_sampler_t *sampler = NULL;
  or_status_t status = or_cpu_sampler_create(allocator, TREES "rapl", &sampler);
  or_cpu_sampler_free(sampler);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(create_one);
}

static void samples_the_running_system(void **state) {
  (void)state;
  or_cpu_sampler_t *sampler = NULL;
  or_device_sample_t sample;
  expect_ok(or_cpu_sampler_create(or_allocator_system(), "", &sampler));
  or_cpu_sampler_sample(sampler, &sample);
  or_cpu_sampler_free(sampler);
#if defined(__linux__)
  assert_in_range(sample.memory_available_bytes, 1, UINT64_MAX - 1);
  assert_in_range(sample.memory_used_bytes, 1, UINT64_MAX - 1);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(measures_memory_within_limits_of_version_1),
      cmocka_unit_test(measures_memory_within_limits_of_version_2),
      cmocka_unit_test(measures_memory_without_limits),
      cmocka_unit_test(takes_the_package_temperature),
      cmocka_unit_test(takes_the_mean_clock),
      cmocka_unit_test(leaves_unknown_what_is_not_there_or_garbage),
      cmocka_unit_test(adds_up_the_energy_of_packages_across_a_wrap),
      cmocka_unit_test(leaves_other_energy_domains_out),
      cmocka_unit_test(says_how_busy_the_usable_processors_were),
      cmocka_unit_test(says_how_much_of_its_quota_a_container_used),
      cmocka_unit_test(survives_every_failing_allocation),
      cmocka_unit_test(samples_the_running_system),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
