#include "runtime/device_json.h"

#include <math.h>

#include "runtime/telemetry.h"

const char *or_device_state_name(const or_device_t *device) {
  switch (or_device_state(device, NULL)) {
  case OR_DEVICE_AVAILABLE: return "available";
  case OR_DEVICE_UNAVAILABLE: return "unavailable";
  case OR_DEVICE_STATE_LOST: return "lost";
  }
  return "unknown";
}

static void write_known(or_json_writer_t *json, const char *key, double value) {
  if (isfinite(value)) {
    or_json_field_double(json, key, value);
  } else {
    or_json_field_null(json, key);
  }
}

static void write_clocks_and_caches(or_json_writer_t *json, const or_device_facts_t *facts, double clock_hz) {
  write_known(json, "clock", clock_hz);
  write_known(json, "clock_max", facts->clock_max_hz);
  or_json_key(json, "cache_bytes");
  or_json_array_begin(json);
  for (int level = 0; level < 3; ++level) or_json_uint(json, facts->cache_bytes[level]);
  or_json_array_end(json);
}

void or_device_write_json(or_json_writer_t *json, or_device_t *device) {
  or_device_sample_t sample;
  or_status_t status = or_telemetry_look(device, &sample);
  or_device_write_json_in_use(json, device, NULL, or_ok(status) ? &sample : NULL);
  or_status_ignore(status); /* a device that can't be sampled shows null */
}

static void write_use(or_json_writer_t *json, const or_device_use_t *use) {
  or_json_field_int(json, "max_concurrency", use->max_concurrency);
  if (use->memory_limit == OR_UNKNOWN_U) return;
  or_json_key(json, "memory_limit");
  or_json_uint(json, use->memory_limit);
}

void or_device_write_json_in_use(or_json_writer_t *json, const or_device_t *device, const or_device_use_t *use,
                                 const or_device_sample_t *sample) {
  const or_device_facts_t *facts = or_device_facts(device);
  const char *reason = NULL;
  or_device_state_t state = or_device_state(device, &reason);
  const bool taken_out = state == OR_DEVICE_AVAILABLE && use != NULL && !use->is_available;
  if (taken_out) reason = "it was taken out of scheduling";
  or_json_object_begin(json);
  or_json_field_string(json, "id", facts->id);
  or_json_field_string(json, "hardware_id", facts->hardware_id);
  or_json_field_string(json, "name", facts->name);
  or_json_field_string(json, "type", facts->type);
  /* Never null on the wire, since clients format it; 0 where the system does not say. */
  or_json_field_int(json, "memory_total",
                    facts->memory_total_bytes != OR_UNKNOWN_U ? (int64_t)facts->memory_total_bytes : 0);
  if (sample != NULL && sample->memory_available_bytes != OR_UNKNOWN_U) {
    or_json_field_int(json, "memory_available", (int64_t)sample->memory_available_bytes);
  } else {
    or_json_field_null(json, "memory_available");
  }
  or_json_field_int(json, "compute_units", facts->compute_units);
  or_json_field_bool(json, "is_available", state == OR_DEVICE_AVAILABLE && !taken_out);
  or_json_field_string(json, "state", taken_out ? "unavailable" : or_device_state_name(device));
  or_json_field_string(json, "reason", reason[0] != '\0' ? reason : NULL);
  or_json_key(json, "capabilities");
  or_json_array_begin(json);
  for (uint32_t i = 0; i < facts->capability_count; ++i) or_json_string(json, facts->capabilities[i]);
  or_json_array_end(json);
  or_json_field_string(json, "driver_version", facts->driver_version[0] != '\0' ? facts->driver_version : NULL);
  or_json_field_string(json, "compute_capability",
                       facts->compute_capability[0] != '\0' ? facts->compute_capability : NULL);
  if (use != NULL) write_use(json, use);
  write_clocks_and_caches(json, facts, sample != NULL ? sample->clock_hz : NAN);
  or_json_key(json, "current_metrics");
  if (sample != NULL) {
    or_telemetry_write_sample(json, facts, sample);
  } else {
    or_json_null(json);
  }
  or_json_object_end(json);
}

void or_runtime_write_backends(or_json_writer_t *json, const or_runtime_t *runtime) {
  or_backend_info_t info;
  or_json_array_begin(json);
  for (size_t i = 0; or_runtime_backend(runtime, i, &info); ++i) {
    or_json_object_begin(json);
    or_json_field_string(json, "name", info.name);
    or_json_field_bool(json, "usable", info.usable);
    or_json_field_int(json, "devices", (int64_t)info.device_count);
    or_json_field_string(json, "detail", info.detail);
    or_json_field_string(json, "advice", info.advice);
    or_json_object_end(json);
  }
  or_json_array_end(json);
}
