/* The library in front of OpenCL: what is counted and what fails, with whatever library is behind it. */
#include "fake_opencl/fake_opencl.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/testing.h"

typedef int32_t (*get_platforms_t)(uint32_t, void **, uint32_t *);
typedef int32_t (*get_devices_t)(void *, uint64_t, uint32_t, void **, uint32_t *);
typedef int32_t (*get_device_info_t)(void *, uint32_t, size_t, void *, size_t *);
typedef void *(*create_context_t)(const intptr_t *, uint32_t, void *const *, void *, void *, int32_t *);
typedef int32_t (*release_t)(void *);

static void *library;

static void *symbol(const char *name) {
  void *found = dlsym(library, name);
  assert_non_null(found);
  return found;
}
#define CALL(type, name) (*(type *)&(void *){symbol(name)})

static bool first_device(void **out) {
  void *platform = NULL;
  uint32_t count = 0;
  if (CALL(get_platforms_t, "clGetPlatformIDs")(1, &platform, &count) != 0 || count == 0) return false;
  return CALL(get_devices_t, "clGetDeviceIDs")(platform, 0xFFFFFFFFu, 1, out, &count) == 0 && count > 0;
}

static void fails_the_call_that_it_was_told_to(void **state) {
  (void)state;
  get_platforms_t get = CALL(get_platforms_t, "clGetPlatformIDs");
  uint32_t count = 0;
  int32_t usual = get(0, NULL, &count);
  uint64_t before = fake_opencl_count("clGetPlatformIDs");
  fake_opencl_set("CODE", "-77");
  fake_opencl_set("FAIL", "clGetPlatformIDs:2");
  assert_int_equal(get(0, NULL, &count), usual);
  assert_int_equal(get(0, NULL, &count), -77);
  assert_int_equal(get(0, NULL, &count), usual);
  fake_opencl_set("FAIL", "2+");
  assert_int_equal(get(0, NULL, &count), usual);
  assert_int_equal(get(0, NULL, &count), -77);
  assert_int_equal(get(0, NULL, &count), -77);
  fake_opencl_set("FAIL", "clFinish:1");
  assert_int_equal(get(0, NULL, &count), usual);
  fake_opencl_set("FAIL", NULL);
  assert_int_equal(fake_opencl_count("clGetPlatformIDs") - before, 7);
}

static void waits_for_its_trigger(void **state) {
  (void)state;
  char path[] = "/tmp/fake_opencl_XXXXXX";
  get_platforms_t get = CALL(get_platforms_t, "clGetPlatformIDs");
  uint32_t count = 0;
  int file = mkstemp(path);
  assert_true(file >= 0 && close(file) == 0 && unlink(path) == 0);
  fake_opencl_set("CODE", "-77");
  fake_opencl_set("TRIGGER", path);
  fake_opencl_set("FAIL", "1+");
  assert_int_not_equal(get(0, NULL, &count), -77);
  FILE *there = fopen(path, "w");
  assert_true(there != NULL && fclose(there) == 0);
  assert_int_equal(get(0, NULL, &count), -77);
  fake_opencl_set("FAIL", NULL);
  assert_int_equal(unlink(path), 0);
}

static void counts_references_and_gives_them_back_even_where_that_fails(void **state) {
  (void)state;
  void *device = NULL;
  int32_t error = 0;
  if (!first_device(&device)) {
    (void)printf("skipped: no OpenCL device\n");
    skip();
  }
  fake_opencl_set("CODE", "-5");
  fake_opencl_set("FAIL", "clCreateContext:1");
  create_context_t create = CALL(create_context_t, "clCreateContext");
  assert_null(create(NULL, 1, &device, NULL, NULL, &error));
  assert_int_equal(error, -5);
  assert_int_equal(fake_opencl_live("context"), 0);
  void *context = create(NULL, 1, &device, NULL, NULL, &error);
  assert_non_null(context);
  assert_int_equal(fake_opencl_live("context"), 1);
  fake_opencl_set("FAIL", "clReleaseContext:1");
  assert_int_equal(CALL(release_t, "clReleaseContext")(context), -5);
  assert_int_equal(fake_opencl_live(NULL), 0);
  fake_opencl_set("FAIL", NULL);
}

static void devices_say_what_it_was_told(void **state) {
  (void)state;
  void *device = NULL;
  uint64_t type = 0;
  char text[4096] = "";
  get_device_info_t ask = CALL(get_device_info_t, "clGetDeviceInfo");
  if (!first_device(&device)) {
    (void)printf("skipped: no OpenCL device\n");
    skip();
  }
  fake_opencl_set("GPU", "1");
  fake_opencl_set("DRIVER", "12.5");
  assert_int_equal(ask(device, 0x1000, sizeof type, &type, NULL), 0);
  assert_int_equal(type, 4);
  assert_int_equal(ask(device, 0x102D, sizeof text, text, NULL), 0);
  assert_string_equal(text, "12.5");
  fake_opencl_set("GPU", NULL);
  fake_opencl_set("DRIVER", NULL);
  assert_int_equal(ask(device, 0x1030, sizeof text, text, NULL), 0);
  assert_non_null(strstr(text, "cl_khr_byte_addressable_store"));
  fake_opencl_set("HIDE", "cl_khr_byte_addressable_store");
  assert_int_equal(ask(device, 0x1030, sizeof text, text, NULL), 0);
  assert_null(strstr(text, "cl_khr_byte_addressable_store"));
  fake_opencl_set("HIDE", NULL);
  size_t group = 0;
  uint32_t bits = 0;
  fake_opencl_set("GROUP", "48");
  fake_opencl_set("ADDRESS_BITS", "32");
  assert_int_equal(ask(device, 0x1004, sizeof group, &group, NULL), 0);
  assert_int_equal(ask(device, 0x100D, sizeof bits, &bits, NULL), 0);
  assert_int_equal(group, 48);
  assert_int_equal(bits, 32);
  fake_opencl_set("GROUP", NULL);
  fake_opencl_set("ADDRESS_BITS", NULL);
  assert_int_equal(ask(device, 0x1004, sizeof group, &group, NULL), 0);
  assert_int_not_equal(group, 48);
}

int main(void) {
  if (!fake_opencl_open()) return 1;
  library = dlopen(fake_opencl_path(), RTLD_NOW | RTLD_LOCAL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fails_the_call_that_it_was_told_to),
      cmocka_unit_test(waits_for_its_trigger),
      cmocka_unit_test(counts_references_and_gives_them_back_even_where_that_fails),
      cmocka_unit_test(devices_say_what_it_was_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
