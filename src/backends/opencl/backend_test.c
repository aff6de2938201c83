/* The backend's entry: what it says where there is no OpenCL, and that kept facts are checked before a device opens. */
#include "backends/opencl/opencl_test_internal.h"
#include "fake_opencl/fake_opencl.h"

static void refuses_a_host_of_another_abi(void **state) {
  (void)state;
  or_backend_t backend;
  const or_host_t host = {.abi_version = OR_BACKEND_ABI_VERSION + 1};
  expect_failure(or_backend_opencl_entry(&host, &backend), OR_INVALID_ARGUMENT, "the OpenCL backend needs");
}

static void expect_said(const char *words, const char *advised) {
  const char *detail = NULL, *advice = NULL;
  cl_rig.backend.describe(cl_rig.backend.self, &detail, &advice);
  assert_non_null(detail);
  if (strstr(detail, words) == NULL) print_error("\"%s\" is not in \"%s\"\n", words, detail);
  assert_non_null(strstr(detail, words));
  assert_int_equal(advice != NULL, advised != NULL);
  if (advised != NULL) assert_non_null(strstr(advice, advised));
}

/* The first of all: what was opened once stays. */
static void says_what_is_missing_without_a_library(void **state) {
  (void)state;
  (void)setenv(OR_CL_LIBRARY_VARIABLE, "/nonexistent/libOpenCL.so", 1);
  assert_false(cl_open());
  expect_said("/nonexistent/libOpenCL.so", OR_CL_LIBRARY_VARIABLE);
  cl_close();
  (void)unsetenv(OR_CL_LIBRARY_VARIABLE);
}

static void a_library_without_opencl_is_none(void **state) {
  (void)state;
  (void)setenv(OR_CL_LIBRARY_VARIABLE, "libm.so.6", 1);
  assert_false(cl_open());
  expect_said("lacks cl", OR_CL_LIBRARY_VARIABLE);
  cl_close();
  (void)unsetenv(OR_CL_LIBRARY_VARIABLE);
}

static void opens_nothing_where_vendor_libraries_are_off(void **state) {
  (void)state;
  or_backend_settings_t settings = {.cpu_isa = "", .system_root = "", .cache_directory = "", .vendor_libraries = false};
  or_counting_allocator_init(&cl_memory, or_allocator_system(), 0);
  (void)setenv(OR_CL_LIBRARY_VARIABLE, "/nonexistent/libOpenCL.so", 1);
  expect_ok(or_rig_open(&cl_rig, &cl_memory.base, or_backend_opencl_entry, &settings));
  assert_int_equal(cl_rig.device_count, 0);
  expect_said("vendor libraries off", NULL);
  cl_close();
  (void)unsetenv(OR_CL_LIBRARY_VARIABLE);
}

/* From here on OpenCL is the library in front of the system's. */
static void takes_the_library_that_tests_put_there(void **state) {
  (void)state;
  assert_true(fake_opencl_open());
  (void)cl_open();
  assert_true(fake_opencl_count("clGetPlatformIDs") > 0);
  cl_close();
}

static void forget_all(void) { (void)cl_each_file("opencl-", cl_unlink); }

static void says_why_a_loader_without_drivers_is_of_no_use(void **state) {
  (void)state;
  forget_all();
  fake_opencl_set("CODE", "-1001");
  fake_opencl_set("FAIL", "clGetPlatformIDs:1+");
  assert_false(cl_open());
  expect_said("no driver that offers a device", "install");
  cl_close();
  fake_opencl_set("CODE", "-6");
  fake_opencl_set("FAIL", "clGetPlatformIDs:1+");
  assert_false(cl_open());
  expect_said("CL_OUT_OF_HOST_MEMORY", "install");
  cl_close();
  fake_opencl_set("CODE", "-1");
  fake_opencl_set("FAIL", "clGetDeviceIDs:1+");
  assert_false(cl_open());
  cl_close();
  fake_opencl_set("FAIL", NULL);
}

static void lists_kept_devices_without_asking_a_platform(void **state) {
  (void)state;
  const or_backend_device_t *opened = NULL;
  forget_all();
  (void)cl_open_device();
  cl_close();
  const uint64_t before = fake_opencl_count(NULL);
  assert_true(cl_open());
  const or_device_facts_t *facts = or_device_facts(cl_rig.devices[0]);
  assert_string_equal(facts->id, "opencl_0");
  assert_string_equal(facts->type, "opencl");
  assert_true(facts->compute_units >= 1);
  expect_said("OpenCL", NULL);
  assert_int_equal(fake_opencl_count(NULL), before);
  expect_ok(or_device_open(cl_rig.devices[0], &opened)); /* and opens it all the same */
  assert_true(fake_opencl_count(NULL) > before);
  cl_close();
}

static void does_not_open_a_device_that_is_another_by_now(void **state) {
  (void)state;
  const or_backend_device_t *opened = NULL;
  forget_all();
  (void)cl_open_device();
  cl_close();
  fake_opencl_set("DRIVER", "99.1");
  assert_true(cl_open());
  expect_failure(or_device_open(cl_rig.devices[0], &opened), OR_UNAVAILABLE, "run it again");
  cl_close();
  assert_true(cl_open()); /* the facts are gone from the disk, and read anew */
  assert_string_equal(or_device_facts(cl_rig.devices[0])->driver_version, "99.1");
  expect_ok(or_device_open(cl_rig.devices[0], &opened));
  cl_close();
  fake_opencl_set("DRIVER", NULL);
  forget_all();
}

static void tells_processors_from_others(void **state) {
  (void)state;
  or_cl_device_t *device = cl_open_device();
  bool is_cpu = device->traits.is_cpu;
  if (is_cpu) assert_string_equal(or_device_facts(device->device)->hardware_id, "host");
  cl_close();
  forget_all();
  fake_opencl_set("GPU", "1");
  device = cl_open_device();
  assert_false(device->traits.is_cpu);
  assert_string_not_equal(or_device_facts(device->device)->hardware_id, "host");
  cl_close();
  fake_opencl_set("GPU", NULL);
  forget_all();
}

static void a_device_of_32_bit_addresses_is_none(void **state) {
  (void)state;
  (void)cl_open_device();
  cl_close();
  forget_all();
  fake_opencl_set("ADDRESS_BITS", "32");
  assert_false(cl_open());
  expect_said("64-bit addresses", "install");
  cl_close();
  fake_opencl_set("ADDRESS_BITS", NULL);
}

/* Whatever fails in it, opening is whole or nothing. */
static void opening_survives_every_failing_call(void **state) {
  (void)state;
  forget_all();
  (void)cl_open_device();
  cl_close();
  for (unsigned n = 1;; ++n) {
    const or_backend_device_t *opened = NULL;
    char which[16];
    fake_opencl_set("FAIL", NULL);
    assert_true(cl_open());
    const uint64_t before = fake_opencl_count(NULL);
    fake_opencl_set("CODE", "-6");
    fake_opencl_set("FAIL", or_format(which, sizeof which, "%u", n));
    or_status_t status = or_device_open(cl_rig.devices[0], &opened);
    const uint64_t calls = fake_opencl_count(NULL) - before;
    fake_opencl_set("FAIL", NULL);
    or_status_ignore(status); /* of some calls a failure is an answer */
    cl_close();
    assert_int_equal(fake_opencl_live(NULL), 0);
    if (calls < n) break;
  }
  forget_all();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuses_a_host_of_another_abi),
      cmocka_unit_test(says_what_is_missing_without_a_library),
      cmocka_unit_test(a_library_without_opencl_is_none),
      cmocka_unit_test(opens_nothing_where_vendor_libraries_are_off),
      cmocka_unit_test(takes_the_library_that_tests_put_there),
      cmocka_unit_test(says_why_a_loader_without_drivers_is_of_no_use),
      cmocka_unit_test(lists_kept_devices_without_asking_a_platform),
      cmocka_unit_test(does_not_open_a_device_that_is_another_by_now),
      cmocka_unit_test(tells_processors_from_others),
      cmocka_unit_test(a_device_of_32_bit_addresses_is_none),
      cmocka_unit_test(opening_survives_every_failing_call),
  };
  return cmocka_run_group_tests(tests, cl_make_folder, cl_remove_folder);
}
