/* Kernels of users in a server's store: there again after a restart. */
#include "base/testing.h"

#include <stdlib.h>
#include <unistd.h>

#include "fake/fake.h"
#include "runtime/runtime.h"
#include "server/kernel_store.h"

static char folder[64];
static or_runtime_t *runtime;

static int open_runtime(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  (void)state;
  or_format(folder, sizeof folder, "/tmp/openruntime-kernels-XXXXXX");
  if (mkdtemp(folder) == NULL) return 1;
  or_fake_reset();
  or_fake_set_devices(1, false);
  or_status_t status = or_runtime_create_with(NULL, backends, 1, &runtime);
  const int failed = or_ok(status) ? 0 : 1;
  or_status_ignore(status); /* told by the code */
  return failed;
}

static int close_runtime(void **state) {
  static const char *const names[] = {"openruntime.db", "openruntime.lock", "openruntime.db-wal", "openruntime.db-shm"};
  char path[128];
  (void)state;
  or_runtime_release(runtime);
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    (void)unlink(or_format(path, sizeof path, "%s/%s", folder, names[i]));
  (void)rmdir(or_format(path, sizeof path, "%s/blobs", folder));
  return rmdir(folder);
}

static or_store_t *open_store(void) {
  const or_store_options_t options = or_store_options(folder);
  or_store_t *store = NULL;
  expect_ok(or_store_open(&options, &store));
  return store;
}

static or_kernel_registry_t *open_kernels(or_store_t *store) {
  static or_server_config_t config;
  or_kernel_registry_t *registry = NULL;
  or_config_default(&config);
  config.kernels = true;
  expect_ok(or_kernel_store_open(store, runtime, &config, &registry));
  return registry;
}

/* As a server that compiled it has put it there. */
static void put(or_store_t *store, const char *key, const char *value) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  expect_ok(or_store_waiter_wait(
      &waiter, or_store_put_setting(store, OR_STORE_KERNEL, key, value, or_store_waiter_done, &waiter)));
}

static void are_there_again_after_a_restart_until_they_are_removed(void **state) {
  (void)state;
  or_kernel_entry_t *entry = NULL;
  or_store_t *store = open_store();
  put(store, "k1/f",
      "{\"owner\":\"k1\",\"name\":\"f\",\"entry_point\":\"g\",\"target_device\":\"auto\",\"parameters\":{\"N\":2},"
      "\"kernel\":{\"name\":\"f\"},\"source_code\":\"kernel void g() {}\"}");
  put(store, "k1/broken", "{");
  or_store_close(store);
  store = open_store();
  or_kernel_registry_t *registry = open_kernels(store);
  expect_ok(or_kernel_registry_find(registry, "k1", "f", &entry));
  const or_kernel_record_t *record = or_kernel_entry_record(entry);
  assert_string_equal(record->entry, "g");
  assert_string_equal(record->options, "-DN=2");
  assert_string_equal(record->facts, "{\"name\":\"f\"}");
  assert_string_equal(record->source, "kernel void g() {}");
  assert_false(or_kernel_entry_is_ready(entry));
  or_kernel_entry_release(entry);
  expect_failure(or_kernel_registry_find(registry, "k1", "broken", &entry), OR_NOT_FOUND, "");
  expect_ok(or_kernel_registry_remove(registry, "k1", "f"));
  or_kernel_registry_free(registry);
  or_store_close(store);
  store = open_store();
  registry = open_kernels(store);
  expect_failure(or_kernel_registry_find(registry, "k1", "f", &entry), OR_NOT_FOUND, "");
  or_kernel_registry_free(registry);
  or_store_close(store);
}

static void are_off_unless_the_operator_wants_them(void **state) {
  (void)state;
  static or_server_config_t config;
  or_kernel_registry_t *registry = NULL;
  or_store_t *store = open_store();
  or_config_default(&config);
  expect_ok(or_kernel_store_open(store, runtime, &config, &registry));
  assert_null(registry);
  or_store_close(store);
}

static void have_the_bounds_of_the_settings(void **state) {
  (void)state;
  static or_server_config_t config;
  or_kernel_registry_t *registry = NULL;
  or_store_t *store = open_store();
  or_config_default(&config);
  expect_ok(or_config_set(&config, "kernels", "off"));
  assert_false(config.kernels);
  expect_ok(or_config_set(&config, "kernels", "on"));
  expect_ok(or_config_set(&config, "kernel_source_size", "1000"));
  expect_ok(or_config_set(&config, "kernel_compile_timeout", "0.5"));
  expect_ok(or_config_set(&config, "kernel_run_timeout", "2"));
  expect_ok(or_config_set(&config, "kernel_memory", "1G"));
  expect_ok(or_config_set(&config, "kernel_output_size", "1M"));
  expect_ok(or_config_set(&config, "kernel_workers", "3"));
  expect_ok(or_kernel_store_open(store, runtime, &config, &registry));
  const or_kernels_options_t *limits = or_kernel_registry_limits(registry);
  assert_int_equal(limits->source_bytes, 1000);
  assert_int_equal(limits->compile_ms, 500);
  assert_int_equal(limits->run_ms, 2000);
  assert_int_equal(limits->memory_bytes, 1 << 30);
  assert_int_equal(limits->output_bytes, 1 << 20);
  assert_int_equal(limits->workers, 3);
  or_kernel_registry_free(registry);
  or_store_close(store);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_runtime, close_runtime)
  const struct CMUnitTest tests[] = {
      TEST(are_there_again_after_a_restart_until_they_are_removed),
      TEST(are_off_unless_the_operator_wants_them),
      TEST(have_the_bounds_of_the_settings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
