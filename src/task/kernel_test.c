/* Kernels of users: names, and who could compile them. */
#include "base/testing.h"

#include "fake/fake.h"
#include "runtime/runtime.h"
#include "task/kernel.h"

static void accepts_names_of_c_and_no_others(void **state) {
  (void)state;
  char name[OR_KERNEL_NAME_BYTES + 2];
  memset(name, 'a', sizeof name);
  name[OR_KERNEL_NAME_BYTES + 1] = '\0';
  assert_false(or_kernel_name_valid(name));
  name[OR_KERNEL_NAME_BYTES] = '\0';
  assert_true(or_kernel_name_valid(name));
  assert_true(or_kernel_name_valid("_saxpy2"));
  static const char *const wrong[] = {"", "2x", "a-b", "a b", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) assert_false(or_kernel_name_valid(wrong[i]));
}

static void says_of_each_device_why_it_can_not(void **state) {
  (void)state;
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_t *runtime = NULL;
  or_fake_reset();
  or_fake_set_devices(2, false);
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  const char *first = or_device_facts(or_runtime_device(runtime, 0))->id;
  const char *second = or_device_facts(or_runtime_device(runtime, 1))->id;
  expect_failure(or_kernel_find_compiler(runtime, NULL), OR_UNIMPLEMENTED, first);
  expect_failure(or_kernel_find_compiler(runtime, "auto"), OR_UNIMPLEMENTED, second);
  or_status_t status = or_kernel_find_compiler(runtime, first);
  assert_null(strstr(or_status_message(status), second));
  expect_failure(status, OR_UNIMPLEMENTED, first);
  expect_failure(or_kernel_find_compiler(runtime, "nine"), OR_NOT_FOUND, "nine");
  or_runtime_release(runtime);
  expect_ok(or_runtime_create_with(NULL, backends, 0, &runtime));
  expect_failure(or_kernel_find_compiler(runtime, NULL), OR_UNIMPLEMENTED, "this machine has none");
  or_runtime_release(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_names_of_c_and_no_others),
      cmocka_unit_test(says_of_each_device_why_it_can_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
