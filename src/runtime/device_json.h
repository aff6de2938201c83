#ifndef OR_RUNTIME_DEVICE_JSON_H
#define OR_RUNTIME_DEVICE_JSON_H
#include "base/json.h"
#include "openruntime/device.h"

/* Writes a Device object (docs/api.md) with `current_metrics` sampled now. */
void or_device_write_json(or_json_writer_t *json, or_device_t *device);
/* What whoever gives the device its work says of it. */
typedef struct or_device_use_t {
  bool is_available;        /* false: taken out of scheduling */
  uint32_t max_concurrency; /* of its hardware */
  uint64_t memory_limit;    /* of its hardware, bytes; OR_UNKNOWN_U: none */
} or_device_use_t;
/* The same of a device that is scheduled: `max_concurrency` and `memory_limit` too, where `use` is not NULL; and with a
 * sample that was taken before, NULL: none could be, `current_metrics` is null. */
void or_device_write_json_in_use(or_json_writer_t *json, const or_device_t *device, const or_device_use_t *use,
                                 const or_device_sample_t *sample);
/* Writes an array of Backend objects: what each uses, or why it can't and what would help. */
void or_runtime_write_backends(or_json_writer_t *json, const or_runtime_t *runtime);
/* "available", "unavailable", "lost". */
const char *or_device_state_name(const or_device_t *device);

#endif
