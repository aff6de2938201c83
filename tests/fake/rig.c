#include "fake/rig.h"

#include <string.h>

#include "base/cancel.h"
#include "hal/parallel.h"

static void log_nothing(or_log_level_t level, const char *event, const char *format, ...) OR_PRINTF(3, 4);
static void log_nothing(or_log_level_t level, const char *event, const char *format, ...) {
  (void)level;
  (void)event;
  (void)format;
}

static or_status_t hardware_of(or_rig_t *rig, const char *id, or_hardware_t **out) {
  uint32_t i = 0;
  for (; i < OR_RIG_MAX_DEVICES && rig->hardware[i] != NULL; ++i) {
    *out = rig->hardware[i];
    if (strcmp(or_hardware_id(*out), id) == 0) return or_status_success();
  }
  or_status_t status = or_hardware_create(rig->host.allocator, id, &rig->hardware[i]);
  *out = rig->hardware[i];
  return status;
}

static or_status_t found(void *context, uint32_t index, const or_device_facts_t *facts) {
  or_rig_t *rig = context;
  or_hardware_t *hardware = NULL;
  if (rig->device_count == OR_RIG_MAX_DEVICES) return or_status_success(); /* more than a test looks at */
  or_status_t status = hardware_of(rig, facts->hardware_id, &hardware);
  if (!or_ok(status)) return status;
  status =
      or_device_create(rig->host.allocator, &rig->backend, index, facts, hardware, &rig->devices[rig->device_count]);
  if (or_ok(status)) ++rig->device_count;
  return status;
}

or_status_t or_rig_open(or_rig_t *rig, const or_allocator_t *allocator, or_backend_entry_t entry,
                        const or_backend_settings_t *settings) {
  memset(rig, 0, sizeof *rig);
  rig->host = (or_host_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof rig->host,
      .allocator = allocator,
      .settings = {.cpu_isa = "", .system_root = "", .cache_directory = "", .vendor_libraries = true},
      .status_make = or_status_make,
      .log = log_nothing,
      .cancel_requested = or_cancel_requested,
      .parallel_for = or_parallel_for,
  };
  if (settings != NULL) rig->host.settings = *settings;
  or_status_t status = entry(&rig->host, &rig->backend);
  rig->entered = or_ok(status);
  if (or_ok(status)) status = rig->backend.enumerate(rig->backend.self, found, rig);
  if (!or_ok(status)) or_rig_close(rig);
  return status;
}

void or_rig_close(or_rig_t *rig) {
  for (uint32_t i = 0; i < rig->device_count; ++i) or_device_free(rig->devices[i]);
  for (uint32_t i = 0; i < OR_RIG_MAX_DEVICES; ++i) or_hardware_release(rig->hardware[i]);
  if (rig->entered) rig->backend.close(rig->backend.self);
  memset(rig, 0, sizeof *rig);
}
