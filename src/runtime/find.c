/* Devices and backends by name, for callers. */
#include <string.h>

#include "backends/registry.h"
#include "base/string.h"
#include "runtime/runtime_internal.h"

typedef struct family_t {
  const char *name;
  const char *types[4];
} family_t;
static const family_t families[] = {
#define FAMILY(name, ...) {name, {__VA_ARGS__}},
    OR_BACKEND_FAMILIES(FAMILY)
#undef FAMILY
};

/* Of those that are not lost or unavailable; if all are, the first, which says why. */
static or_device_t *first_of_type(const or_runtime_t *runtime, const char *type) {
  or_device_t *first = NULL;
  for (size_t i = 0; i < runtime->device_count; ++i) {
    or_device_t *device = runtime->devices[i];
    if (strcmp(or_device_facts(device)->type, type) != 0) continue;
    if (or_device_state(device, NULL) == OR_DEVICE_AVAILABLE) return device;
    if (first == NULL) first = device;
  }
  return first;
}

/* The first that is not lost or unavailable, in the order of preference; hardware beside the host's is there to be
 * used. */
static or_device_t *automatic(const or_runtime_t *runtime) {
  or_device_t *first = NULL;
  for (size_t i = 0; i < runtime->device_count; ++i) {
    or_device_t *device = runtime->devices[i];
    if (or_device_state(device, NULL) != OR_DEVICE_AVAILABLE) continue;
    if (strcmp(or_device_facts(device)->hardware_id, "host") != 0) return device;
    if (first == NULL) first = device;
  }
  return first;
}

static or_device_t *lookup(const or_runtime_t *runtime, const char *preference) {
  if (strcmp(preference, "auto") == 0) return automatic(runtime);
  for (size_t i = 0; i < runtime->device_count; ++i) {
    if (strcmp(or_device_facts(runtime->devices[i])->id, preference) == 0) return runtime->devices[i];
  }
  or_device_t *device = first_of_type(runtime, preference);
  for (size_t f = 0; device == NULL && f < sizeof families / sizeof *families; ++f) {
    if (strcmp(families[f].name, preference) != 0) continue;
    for (size_t t = 0; device == NULL && families[f].types[t] != NULL; ++t) {
      device = first_of_type(runtime, families[f].types[t]);
    }
  }
  return device;
}

/* How to get the device, where its backend finds none and knows why; else NULL. */
static const char *cure_of(const or_runtime_t *runtime, const char *preference) {
  or_backend_info_t info;
  for (size_t i = 0; or_runtime_backend(runtime, i, &info); ++i) {
    const size_t length = strlen(info.name);
    const bool meant =
        strncmp(preference, info.name, length) == 0 && (preference[length] == '\0' || preference[length] == '_');
    if (meant && !info.usable) return info.advice;
  }
  return NULL;
}

#define MAX_LISTED 32

static or_status_t no_such_device(const or_runtime_t *runtime, const char *preference) {
  const char *ids[MAX_LISTED];
  size_t count = 0;
  char list[512] = "";
  for (size_t i = 0; i < runtime->device_count && count < MAX_LISTED; ++i) {
    size_t used = strlen(list);
    ids[count++] = or_device_facts(runtime->devices[i])->id;
    or_format(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", ids[i]);
  }
  if (count == 0)
    return or_error(OR_NOT_FOUND, "no device \"%s\": this machine has none that this build can use", preference);
  const char *cure = cure_of(runtime, preference);
  if (cure != NULL) return or_error(OR_NOT_FOUND, "no device \"%s\"; there are: %s; %s", preference, list, cure);
  const char *nearest = or_string_nearest(preference, ids, count);
  return or_error(OR_NOT_FOUND, "no device \"%s\"; there are: %s%s%s%s", preference, list,
                  nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "\"?" : "");
}

or_status_t or_runtime_find_device(const or_runtime_t *runtime, const char *preference, or_device_t **out) {
  if (preference == NULL || preference[0] == '\0') preference = "auto";
  *out = lookup(runtime, preference);
  return *out != NULL ? or_status_success() : no_such_device(runtime, preference);
}

size_t or_runtime_backend_count(const or_runtime_t *runtime) { return runtime->backend_count; }

bool or_runtime_backend(const or_runtime_t *runtime, size_t index, or_backend_info_t *out) {
  if (index >= runtime->backend_count) return false;
  const or_backend_slot_t *slot = &runtime->backends[index];
  const char *detail = slot->failure, *advice = NULL;
  if (slot->entered && slot->failure[0] == '\0' && slot->table.describe != NULL)
    slot->table.describe(slot->table.self, &detail, &advice);
  *out = (or_backend_info_t){.name = slot->name,
                             .usable = slot->device_count > 0,
                             .device_count = slot->device_count,
                             .detail = detail != NULL ? detail : "",
                             .advice = advice};
  return true;
}
