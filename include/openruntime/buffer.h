#ifndef OPENRUNTIME_BUFFER_H
#define OPENRUNTIME_BUFFER_H
/* Memory of a device. Counted; the bytes may be read and written by one user at a time. */

#include "openruntime/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_buffer_t or_buffer_t;

/* Uninitialised memory of `bytes` (0 is allowed). *out: one reference. RESOURCE_EXHAUSTED names the asked, used and
 * limit bytes; UNAVAILABLE; DEVICE_LOST. Any thread. */
OR_API or_status_t or_buffer_create(or_device_t *device, size_t bytes, or_buffer_t **out);
/* Makes host memory of the caller a buffer without a copy; on devices with memory of their own UNIMPLEMENTED (create
 * and write then).
 * `memory` must be aligned to 64 bytes or the device's need, else INVALID_ARGUMENT. On failure `owner.release` is not
 * called. Any thread. */
OR_API or_status_t or_buffer_wrap(or_device_t *device, void *memory, size_t bytes, or_owner_t owner, or_buffer_t **out);
OR_API void or_buffer_retain(or_buffer_t *buffer);
OR_API void or_buffer_release(or_buffer_t *buffer); /* takes NULL; any thread */

OR_API size_t or_buffer_bytes(const or_buffer_t *buffer);
OR_API or_device_t *or_buffer_device(const or_buffer_t *buffer);
/* The host address, or NULL if the host can't reach the memory. */
OR_API void *or_buffer_host_pointer(const or_buffer_t *buffer);

/* Blocking copies, any thread. OUT_OF_RANGE (names offset, length and size); DEVICE_LOST. Between devices through the
 * host where the backends know no shorter way. */
OR_API or_status_t or_buffer_write(or_buffer_t *buffer, size_t offset, const void *source, size_t bytes);
OR_API or_status_t or_buffer_read(const or_buffer_t *buffer, size_t offset, void *destination, size_t bytes);
OR_API or_status_t or_buffer_copy(const or_buffer_t *source, size_t source_offset, or_buffer_t *destination,
                                  size_t destination_offset, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
