#include "server/settings.h"

#include <string.h>

#include "base/log.h"
#include "base/string.h"

#define HARDWARE_PREFIX "hardware:"

typedef struct reading_t {
  or_store_waiter_t waiter;
  or_setting_visit_t each;
  void *self;
} reading_t;

static void on_setting(void *self, const char *name, const char *value) {
  const reading_t *reading = self;
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(or_allocator_system(), value, strlen(value), &document);
  if (or_ok(status)) {
    reading->each(reading->self, name, or_json_root(document));
  } else {
    or_log(OR_LOG_SERVER, OR_LOG_WARNING, "setting_unreadable", "error=%s",
           or_status_mapping(or_status_code(status))->name);
  }
  or_json_document_free(document);
  or_status_ignore(status); /* told; the others are set */
}

static void on_end(void *self, or_status_t status) {
  reading_t *reading = self;
  or_store_waiter_done(&reading->waiter, status);
}

or_status_t or_settings_each(or_store_t *store, or_store_setting_t kind, or_setting_visit_t each, void *self) {
  reading_t reading = {.each = each, .self = self};
  const or_store_settings_t settings = {&reading, on_setting, on_end};
  or_store_waiter_init(&reading.waiter);
  return or_store_waiter_wait(&reading.waiter, or_store_get_settings(store, kind, &settings));
}

typedef struct restoring_t {
  or_scheduler_t *scheduler;
  const or_runtime_t *runtime;
  or_status_t failure;
} restoring_t;

/* The device that a row is about; of a hardware's, its first. NULL: it is not there any more. */
static or_device_t *device_of(const or_runtime_t *runtime, const char *name) {
  const bool hardware = or_string_starts_with(name, HARDWARE_PREFIX);
  const char *id = hardware ? name + sizeof HARDWARE_PREFIX - 1 : name;
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i) {
    or_device_t *device = or_runtime_device(runtime, i);
    const or_device_facts_t *facts = or_device_facts(device);
    if (strcmp(hardware ? facts->hardware_id : facts->id, id) == 0) return device;
  }
  return NULL;
}

static void restore(void *self, const char *name, const or_json_value_t *value) {
  restoring_t *restoring = self;
  or_device_t *device = device_of(restoring->runtime, name);
  if (device == NULL) {
    or_log(OR_LOG_SERVER, OR_LOG_INFO, "setting_unused", "device=%s", name);
    return;
  }
  or_device_settings_t settings = or_scheduler_device(restoring->scheduler, device);
  const int64_t concurrency = or_json_get_int(or_json_get(value, "max_concurrency"), 0);
  const int64_t memory_limit = or_json_get_int(or_json_get(value, "memory_limit"), 0);
  settings.is_available = or_json_get_bool(or_json_get(value, "is_available"), settings.is_available);
  if (concurrency >= 1 && concurrency <= OR_SCHEDULER_MAX_CONCURRENCY) settings.max_concurrency = (uint32_t)concurrency;
  if (memory_limit >= 1) settings.memory_limit = (uint64_t)memory_limit;
  restoring->failure =
      or_status_first(restoring->failure, or_scheduler_set_device(restoring->scheduler, device, &settings));
}

or_status_t or_settings_restore_devices(or_store_t *store, or_scheduler_t *scheduler, const or_runtime_t *runtime) {
  restoring_t restoring = {scheduler, runtime, or_status_success()};
  or_status_t status = or_settings_each(store, OR_STORE_DEVICE, restore, &restoring);
  return or_status_first(status, restoring.failure);
}

static void put(or_store_t *store, const char *name, const char *value, or_journal_done_t done, void *self) {
  or_status_t status = or_store_put_setting(store, OR_STORE_DEVICE, name, value, done, self);
  if (!or_ok(status)) done(self, status);
}

void or_settings_keep_device(or_store_t *store, const or_device_t *device, const or_device_settings_t *settings,
                             or_journal_done_t done, void *self) {
  const or_device_facts_t *facts = or_device_facts(device);
  char name[OR_STORE_NAME_BYTES], value[128] = "{", *end = value + 1;
  put(store, facts->id, settings->is_available ? NULL : "{\"is_available\":false}", done, self);
  if (settings->max_concurrency != OR_SCHEDULER_CONCURRENCY) {
    (void)or_format(end, 48, "\"max_concurrency\":%u", settings->max_concurrency);
    end += strlen(end);
  }
  if (settings->memory_limit != facts->memory_total_bytes) {
    (void)or_format(end, 64, "%s\"memory_limit\":%llu", end > value + 1 ? "," : "",
                    (unsigned long long)settings->memory_limit);
    end += strlen(end);
  }
  const bool any = end > value + 1;
  (void)or_format(end, 2, "}");
  (void)or_format(name, sizeof name, HARDWARE_PREFIX "%s", facts->hardware_id);
  put(store, name, any ? value : NULL, done, self);
}
