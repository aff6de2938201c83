/* Expected values: by hand from the files of the trees. */
#include "backends/cpu/facts.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/cpu/facts_cgroup_internal.h"
#include "base/string.h"
#include "base/testing.h"

#define TREES "tests/data/system_trees/"

static or_device_facts_t facts_of(const char *root) {
  or_device_facts_t facts;
  memset(&facts, 0x5a, sizeof facts); /* every field is to be set */
  or_cpu_facts_read(root, &facts);
  return facts;
}

static bool has_capability(const or_device_facts_t *facts, const char *name) {
  for (uint32_t i = 0; i < facts->capability_count; ++i) {
    if (strcmp(facts->capabilities[i], name) == 0) return true;
  }
  return false;
}

static void takes_quota_cpuset_and_memory_limit_of_version_1(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "cgroup_v1");
  assert_int_equal(facts.compute_units, 3); /* 2.5 rounded up, of 4 */
  assert_int_equal(facts.memory_total_bytes, 512ull << 20);
  assert_string_equal(facts.name, "Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz");
}

static void takes_the_limits_of_version_2(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "cgroup_v2");
  assert_int_equal(facts.compute_units, 2); /* 1.5 rounded up */
  assert_int_equal(facts.memory_total_bytes, 2ull << 30);
}

static void takes_the_tightest_limit_from_our_own_cgroup_to_the_top(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "cgroup_v2_nested");
  assert_int_equal(facts.compute_units, 4);
  assert_int_equal(facts.memory_total_bytes, 6ull << 30); /* memory.high of the middle one */
}

static void asks_version_1_where_a_controller_is_there(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "cgroup_hybrid");
  assert_int_equal(facts.compute_units, 3); /* the cpuset 0,2-3; version 2's tree says 0.1 */
  assert_int_equal(facts.memory_total_bytes, 3ull << 30);
}

static void reads_caches_and_clock(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "hwmon_amd");
  assert_int_equal(facts.compute_units, 16);
  assert_int_equal(facts.cache_bytes[0], 32 << 10); /* the data cache, not the instructions' */
  assert_int_equal(facts.cache_bytes[1], 512 << 10);
  assert_int_equal(facts.cache_bytes[2], 4 << 20); /* 32 MiB for 8 */
  assert_true(fabs(facts.clock_max_hz - 3.729e9) < 1);
  facts = facts_of(TREES "hwmon_intel");
  assert_true(fabs(facts.clock_max_hz - 4.7e9) < 1); /* the faster kind of core */
  assert_int_equal(facts.cache_bytes[1], 1280 << 10);
}

static void names_an_arm_core_by_its_numbers(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "arm64");
  assert_string_equal(facts.name, "ARM Cortex-A76");
  assert_int_equal(facts.compute_units, 4);
  assert_int_equal(facts.memory_total_bytes, 8245680ull << 10);
  assert_int_equal(facts.cache_bytes[2], 512 << 10);
  assert_true(fabs(facts.clock_max_hz - 2.4e9) < 1);
}

static void says_what_every_cpu_device_is(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of(TREES "cgroup_v2");
  assert_string_equal(facts.id, "cpu_0");
  assert_string_equal(facts.type, "cpu");
  assert_string_equal(facts.hardware_id, "host");
  assert_string_equal(facts.driver_version, "");
  assert_true(facts.unified_memory);
  assert_true(has_capability(&facts, "fp32") && has_capability(&facts, "fp64") && has_capability(&facts, "int8"));
#if defined(__x86_64__)
  assert_int_equal(has_capability(&facts, "avx2"), __builtin_cpu_supports("avx2") != 0);
  assert_int_equal(has_capability(&facts, "avx512f"), __builtin_cpu_supports("avx512f") != 0);
#endif
}

static void leaves_unknown_what_is_not_there_or_garbage(void **state) {
  (void)state;
  static const char *const roots[] = {TREES "none", TREES "garbage", TREES "no_such_tree"};
  for (size_t i = 0; i < sizeof roots / sizeof roots[0]; ++i) {
    or_device_facts_t facts = facts_of(roots[i]);
    assert_string_equal(facts.name, "CPU");
    assert_int_equal(facts.compute_units, 1);
    assert_true(facts.memory_total_bytes == OR_UNKNOWN_U);
    for (int level = 0; level < 3; ++level) assert_int_equal(facts.cache_bytes[level], 0);
    assert_true(isnan(facts.clock_max_hz));
  }
}

static void reads_the_running_system(void **state) {
  (void)state;
  or_device_facts_t facts = facts_of("");
  long online = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  assert_in_range(facts.compute_units, 1, (uintmax_t)online);
  assert_in_range(facts.memory_total_bytes, 1 << 20, (uintmax_t)pages * (uintmax_t)page_bytes);
}

static void parses_lists_of_processors(void **state) {
  (void)state;
  or_cpu_set_t set;
  assert_true(or_cpu_set_parse("0-3,8,10-11", &set));
  assert_int_equal(or_cpu_set_count(&set), 7);
  assert_true(or_cpu_set_has(&set, 10) && !or_cpu_set_has(&set, 9));
  assert_int_equal(or_cpu_set_next(&set, 4), 8);
  assert_int_equal(or_cpu_set_next(&set, 12), OR_CPU_SET_BITS);
  assert_true(or_cpu_set_parse("8191", &set));
  static const char *const wrong[] = {"", "-1", "3-1", "1-", "1,", ",1", "1 2", "8192", "0-99999999999999999999", "a"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    assert_false(or_cpu_set_parse(wrong[i], &set));
    assert_int_equal(or_cpu_set_count(&set), 0);
  }
}

static void parses_mounts_with_escapes_and_optional_fields(void **state) {
  (void)state;
  or_cpu_mount_t mount;
  assert_true(
      or_cpu_mount_parse("36 35 98:0 /a\\040b /sys/fs/c\\134g rw,noatime shared:1 master:2 - cgroup x rw,cpu", &mount));
  assert_string_equal(mount.root, "/a b");
  assert_string_equal(mount.point, "/sys/fs/c\\g");
  assert_string_equal(mount.type, "cgroup");
  assert_string_equal(mount.options, "rw,cpu");
  assert_false(or_cpu_mount_parse("36 35 98:0 /a /b rw", &mount));
  assert_false(or_cpu_mount_parse("36 35 98:0 /a /b rw - cgroup2", &mount));
  assert_false(or_cpu_mount_parse("", &mount));
}

static const char *placed(const char *mount_root, const char *path, bool *own) {
  static or_cpu_cgroup_t group;
  or_cpu_mount_t mount = {.type = "cgroup2", .options = ""};
  or_format(mount.root, sizeof mount.root, "%s", mount_root);
  or_format(mount.point, sizeof mount.point, "/cg");
  if (!or_cpu_cgroup_place(&mount, path, &group)) return NULL;
  *own = group.own;
  return group.path;
}

static void places_our_cgroup_below_a_mount(void **state) {
  (void)state;
  bool own = false;
  assert_string_equal(placed("/", "/a/b", &own), "/cg/a/b");
  assert_true(own);
  assert_string_equal(placed("/a", "/a/b", &own), "/cg/b");
  assert_true(own);
  assert_string_equal(placed("/", "/", &own), "/cg");
  assert_true(own);
  assert_string_equal(placed("/ab", "/a", &own), "/cg");
  assert_false(own);
  assert_string_equal(placed("/a", "/ab", &own), "/cg"); /* a longer name, not a folder below */
  assert_false(own);
  assert_string_equal(placed("/", "/../../other", &own), "/cg"); /* outside our namespace */
  assert_false(own);
  assert_null(placed("/", "relative", &own));
}

static void walks_up_to_the_mount_and_no_further(void **state) {
  (void)state;
  or_cpu_cgroup_t group = {.path = "/cg/a/bc", .mount_length = 3};
  size_t length = or_cpu_cgroup_first(&group);
  assert_int_equal(length, 8);
  length = or_cpu_cgroup_above(&group, length);
  assert_int_equal(length, 5);
  length = or_cpu_cgroup_above(&group, length);
  assert_int_equal(length, 3);
  assert_int_equal(or_cpu_cgroup_above(&group, length), 0);
}

static void cuts_long_lines_and_goes_on_with_the_next(void **state) {
  (void)state;
  char path[] = "/tmp/or_facts_test_XXXXXX";
  static char long_line[3 * OR_CPU_LINE_BYTES];
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  memset(long_line, 'x', sizeof long_line);
  assert_int_equal(write(descriptor, "one\n", 4), 4);
  assert_int_equal(write(descriptor, long_line, sizeof long_line), sizeof long_line);
  assert_int_equal(write(descriptor, "\nthree", 6), 6);
  assert_int_equal(close(descriptor), 0);
  or_cpu_lines_t lines;
  assert_true(or_cpu_lines_open(&lines, "", path));
  assert_string_equal(or_cpu_lines_next(&lines), "one");
  assert_false(lines.cut);
  assert_int_equal(strlen(or_cpu_lines_next(&lines)), OR_CPU_LINE_BYTES - 1);
  assert_true(lines.cut);
  assert_string_equal(or_cpu_lines_next(&lines), "three");
  assert_false(lines.cut);
  assert_null(or_cpu_lines_next(&lines));
  or_cpu_lines_close(&lines);
  assert_int_equal(unlink(path), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_quota_cpuset_and_memory_limit_of_version_1),
      cmocka_unit_test(takes_the_limits_of_version_2),
      cmocka_unit_test(takes_the_tightest_limit_from_our_own_cgroup_to_the_top),
      cmocka_unit_test(asks_version_1_where_a_controller_is_there),
      cmocka_unit_test(reads_caches_and_clock),
      cmocka_unit_test(names_an_arm_core_by_its_numbers),
      cmocka_unit_test(says_what_every_cpu_device_is),
      cmocka_unit_test(leaves_unknown_what_is_not_there_or_garbage),
      cmocka_unit_test(reads_the_running_system),
      cmocka_unit_test(parses_lists_of_processors),
      cmocka_unit_test(parses_mounts_with_escapes_and_optional_fields),
      cmocka_unit_test(places_our_cgroup_below_a_mount),
      cmocka_unit_test(walks_up_to_the_mount_and_no_further),
      cmocka_unit_test(cuts_long_lines_and_goes_on_with_the_next),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
