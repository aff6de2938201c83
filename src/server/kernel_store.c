#include "server/kernel_store.h"

#include <string.h>

#include "base/log.h"
#include "base/string.h"

/* "OWNER/NAME": neither has a slash. */
static const char *key_of(const char *owner, const char *name, char key[OR_STORE_NAME_BYTES]) {
  return or_format(key, OR_STORE_NAME_BYTES, "%s/%s", owner, name);
}

static or_status_t put(or_store_t *store, const char *key, const char *value) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter,
                              or_store_put_setting(store, OR_STORE_KERNEL, key, value, or_store_waiter_done, &waiter));
}

static or_status_t keep(void *self, const or_kernel_record_t *record) {
  char key[OR_STORE_NAME_BYTES];
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  or_status_t status = or_kernel_record_write(record, &text);
  if (or_ok(status)) status = put(self, key_of(record->owner, record->name, key), or_text_string(&text));
  or_text_deinit(&text);
  return or_status_context(status, "the kernel can't be kept, so it was not taken");
}

static or_status_t forget(void *self, const char *owner, const char *name) {
  char key[OR_STORE_NAME_BYTES];
  return put(self, key_of(owner, name, key), NULL);
}

typedef struct reading_t {
  or_kernel_registry_t *registry;
  or_store_waiter_t waiter;
} reading_t;

static void take(void *self, const char *key, const char *value) {
  const reading_t *reading = self;
  or_kernel_reading_t made;
  or_kernel_record_t record;
  or_status_t status = or_kernel_record_read(or_allocator_system(), value, strlen(value), &made, &record);
  if (or_ok(status)) {
    status = or_kernel_registry_recall(reading->registry, &record);
    or_kernel_reading_deinit(&made);
  }
  if (!or_ok(status))
    or_log(OR_LOG_SERVER, OR_LOG_ERROR, "kernel_unread", "kernel=%s error=%s", key,
           or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* told; the others are there */
}

static void end(void *self, or_status_t status) {
  reading_t *reading = self;
  or_store_waiter_done(&reading->waiter, status);
}

static or_status_t recall(or_store_t *store, or_kernel_registry_t *registry) {
  reading_t reading = {.registry = registry};
  const or_store_settings_t settings = {&reading, take, end};
  or_store_waiter_init(&reading.waiter);
  return or_store_waiter_wait(&reading.waiter, or_store_get_settings(store, OR_STORE_KERNEL, &settings));
}

or_status_t or_kernel_store_open(or_store_t *store, or_runtime_t *runtime, const or_server_config_t *config,
                                 or_kernel_registry_t **out) {
  const or_kernel_keeper_t keeper = {store, keep, forget};
  or_kernels_options_t limits = or_kernels_options_default();
  *out = NULL;
  if (!config->kernels) return or_status_success();
  limits.source_bytes = (uint64_t)config->kernel_source_bytes;
  limits.memory_bytes = (uint64_t)config->kernel_memory_bytes;
  limits.output_bytes = (uint64_t)config->kernel_output_bytes;
  limits.compile_ms = (uint32_t)config->kernel_compile_ms;
  limits.run_ms = (uint32_t)config->kernel_run_ms;
  limits.workers = (uint32_t)config->kernel_workers;
  const or_kernel_registry_options_t options = {.runtime = runtime, .limits = &limits, .keeper = &keeper};
  or_status_t status = or_kernel_registry_create(&options, out);
  if (or_ok(status)) status = recall(store, *out);
  if (or_ok(status)) return status;
  or_kernel_registry_free(*out);
  *out = NULL;
  return status;
}
