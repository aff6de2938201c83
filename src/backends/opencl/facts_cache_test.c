/* The kept facts: written and read alike, refused where anything is not as it was written. */
#include "backends/opencl/facts_cache_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "base/testing.h"

static char folder[] = "/tmp/or_facts_cache_XXXXXX";
static char path[64];
#define LIBRARY "/proc/self/exe" /* a file that is there */

static or_cl_found_t a_device(uint32_t number) {
  or_cl_found_t device = {.platform = number, .index = 0, .platform_version = "OpenCL 3.0 Some"};
  or_device_facts_t *facts = &device.facts;
  (void)or_format(facts->id, sizeof facts->id, "opencl_%u", number);
  (void)or_format(facts->type, sizeof facts->type, "opencl");
  (void)or_format(facts->name, sizeof facts->name, "Device %u", number);
  (void)or_format(facts->hardware_id, sizeof facts->hardware_id, "0000:0%u:00.0", number);
  facts->compute_units = 7;
  facts->memory_total_bytes = OR_UNKNOWN_U;
  facts->clock_max_hz = number == 0 ? OR_UNKNOWN_F : 2.5e9;
  facts->capabilities[facts->capability_count++] = "fp64";
  return device;
}

static void save_two(void) {
  const or_cl_found_t devices[2] = {a_device(0), a_device(1)};
  or_cl_facts_cache_save(or_allocator_system(), folder, LIBRARY, devices, 2);
}

static bool load(or_cl_found_t *found, uint32_t *count) {
  return or_cl_facts_cache_load(or_allocator_system(), folder, found, OR_CL_MAX_DEVICES, count);
}

static void gives_back_what_was_kept(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  uint32_t count = 0;
  save_two();
  assert_true(load(found, &count));
  assert_int_equal(count, 2);
  assert_string_equal(found[0].facts.id, "opencl_0");
  assert_string_equal(found[1].facts.name, "Device 1");
  assert_string_equal(found[1].facts.hardware_id, "0000:01:00.0");
  assert_string_equal(found[1].platform_version, "OpenCL 3.0 Some");
  assert_string_equal(found[0].facts.driver_version, "");
  assert_string_equal(found[0].facts.capabilities[0], "fp64");
  assert_int_equal(found[0].facts.compute_units, 7);
  assert_true(found[0].facts.memory_total_bytes == OR_UNKNOWN_U);
  assert_true(isnan(found[0].facts.clock_max_hz) && found[1].facts.clock_max_hz == 2.5e9);
  assert_null(found[0].ref);
}

static void holds_only_while_the_environment_is_the_same(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  uint32_t count = 0;
  save_two();
  (void)setenv("CUDA_VISIBLE_DEVICES", "7", 1);
  assert_false(load(found, &count));
  assert_int_equal(count, 0);
  (void)unsetenv("CUDA_VISIBLE_DEVICES");
  assert_true(load(found, &count));
}

static void holds_only_while_the_drivers_are_the_same(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  uint32_t count = 0;
  char icd[80];
  (void)setenv("OCL_ICD_VENDORS", folder, 1);
  save_two();
  assert_true(load(found, &count));
  (void)or_format(icd, sizeof icd, "%s/new.icd", folder);
  expect_ok(or_file_write(icd, "libnew.so\n", 10));
  assert_false(load(found, &count));
  save_two();
  assert_true(load(found, &count));
  expect_ok(or_file_write(icd, "libold.so\n", 10));
  assert_false(load(found, &count));
  assert_int_equal(unlink(icd), 0);
  (void)unsetenv("OCL_ICD_VENDORS");
}

/* Every byte that is another, and every shorter file. */
static void refuses_a_file_that_is_not_as_it_was_written(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  or_cl_facts_file_t file;
  uint32_t count = 0;
  const or_cl_found_t device = a_device(1);
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_cl_facts_cache_format(LIBRARY, 5, &device, 1, &text));
  assert_true(or_cl_facts_cache_parse(text.data, text.length, &file, found, OR_CL_MAX_DEVICES, &count));
  for (size_t i = 0; i < text.length; ++i) {
    assert_false(or_cl_facts_cache_parse(text.data, i, &file, found, OR_CL_MAX_DEVICES, &count));
    text.data[i] = (char)(text.data[i] ^ 1);
    assert_false(or_cl_facts_cache_parse(text.data, text.length, &file, found, OR_CL_MAX_DEVICES, &count));
    text.data[i] = (char)(text.data[i] ^ 1);
  }
  assert_false(or_cl_facts_cache_parse(text.data, text.length, &file, found, 0, &count)); /* more than there is room */
  or_text_deinit(&text);
}

static void a_corrupt_file_is_ignored_and_written_anew(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  uint32_t count = 0;
  expect_ok(or_file_write(path, "openruntime opencl devices 1\nlibrary", 36));
  assert_false(load(found, &count));
  save_two();
  assert_true(load(found, &count));
  or_cl_facts_cache_remove(folder);
  assert_false(load(found, &count));
  or_cl_facts_cache_remove(folder); /* nothing there: nothing to say */
}

static void a_pipe_in_its_place_is_replaced(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  uint32_t count = 0;
  (void)unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_false(load(found, &count));
  save_two(); /* nobody reads the pipe */
  assert_true(load(found, &count));
  or_cl_facts_cache_remove(folder);
}

static void keeps_nothing_without_a_folder(void **state) {
  (void)state;
  static or_cl_found_t found[OR_CL_MAX_DEVICES];
  uint32_t count = 0;
  const or_cl_found_t device = a_device(0);
  or_cl_facts_cache_save(or_allocator_system(), "", LIBRARY, &device, 1);
  assert_false(or_cl_facts_cache_load(or_allocator_system(), "", found, OR_CL_MAX_DEVICES, &count));
  or_cl_facts_cache_save(or_allocator_system(), "/nonexistent/folder", LIBRARY, &device, 1); /* no failure of ours */
  or_cl_facts_cache_save(or_allocator_system(), folder, LIBRARY, &device, 0);
  assert_false(load(found, &count)); /* no device is not kept: looking for one again costs nothing */
}

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  (void)or_format(path, sizeof path, "%s/opencl-devices.txt", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  (void)unlink(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_back_what_was_kept),
      cmocka_unit_test(holds_only_while_the_environment_is_the_same),
      cmocka_unit_test(holds_only_while_the_drivers_are_the_same),
      cmocka_unit_test(refuses_a_file_that_is_not_as_it_was_written),
      cmocka_unit_test(a_corrupt_file_is_ignored_and_written_anew),
      cmocka_unit_test(a_pipe_in_its_place_is_replaced),
      cmocka_unit_test(keeps_nothing_without_a_folder),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
