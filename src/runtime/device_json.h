#ifndef OR_RUNTIME_DEVICE_JSON_H
#define OR_RUNTIME_DEVICE_JSON_H
#include "base/json.h"
#include "openruntime/device.h"

/* Writes a Device object (docs/api.md) with `current_metrics` sampled now. */
void or_device_write_json(or_json_writer_t *json, or_device_t *device);
/* "available", "unavailable", "lost". */
const char *or_device_state_name(const or_device_t *device);

#endif
