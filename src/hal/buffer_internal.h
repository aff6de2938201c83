#ifndef OR_HAL_BUFFER_INTERNAL_H
#define OR_HAL_BUFFER_INTERNAL_H
#include "hal/buffer.h"

/* As or_buffer_wrap, for memory that is aligned to `alignment` bytes only: tensors of callers are aligned to their
 * dtype. */
or_status_t or_buffer_wrap_aligned(or_device_t *device, void *memory, size_t bytes, size_t alignment, or_owner_t owner,
                                   or_buffer_t **out);

#endif
