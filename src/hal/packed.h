#ifndef OR_HAL_PACKED_H
#define OR_HAL_PACKED_H
/* Packed constants: one cache a device by (content hash, dtype, bytes, packing), shared by executables, shape classes
 * and sessions. An entry lives as long as someone holds it. Any thread; an entry asked for by two threads at once is
 * filled once. */

#include "base/cancel.h"
#include "hal/buffer.h"
#include "openruntime/backend/subgraph.h"

#define OR_PACKING_BYTES 64
typedef struct or_packed_key_t {
  uint64_t hash; /* or_constant_t.hash */
  or_dtype_t dtype;
  size_t source_bytes;
  char packing[OR_PACKING_BYTES]; /* everything that decides the packed form: "gemm_b avx2 nr16 k768 n3072" */
} or_packed_key_t;
typedef struct or_packed_t or_packed_t;
/* Fills a new entry's buffer of `bytes`. Outside the cache's lock. */
typedef or_status_t (*or_packed_fill_t)(void *self, or_buffer_t *buffer);
/* *out: one reference. The buffer is charged to the device's hardware once. Statuses of or_buffer_create and of
 * `fill`. */
or_status_t or_packed_get(or_device_t *device, const or_packed_key_t *key, size_t bytes, or_packed_fill_t fill,
                          void *self, or_packed_t **out);
/* The same for a constant that is needed as it is. `cancel` may be NULL. Statuses of or_packed_get, or_constant_read
 * and or_buffer_write. */
or_status_t or_packed_plain(or_device_t *device, const or_constant_t *constant, const or_cancel_t *cancel,
                            or_packed_t **out);
/* All bytes of a constant that is read on demand; `cancel` (may be NULL) is asked between pieces. CANCELLED,
 * DEADLINE_EXCEEDED, DATA_LOSS. */
or_status_t or_constant_read(const or_constant_t *constant, const or_cancel_t *cancel, void *destination);
void or_packed_release(or_packed_t *packed); /* takes NULL */
or_buffer_t *or_packed_buffer(const or_packed_t *packed);
typedef struct or_packed_counters_t {
  uint64_t entries, bytes, fills, hits;
} or_packed_counters_t;
or_packed_counters_t or_packed_counters(const or_device_t *device);

#endif
