#ifndef OR_HAL_BUFFER_H
#define OR_HAL_BUFFER_H
#include "hal/device.h"
#include "openruntime/buffer.h"

/* The backend's memory of a buffer, for or_memory_range_t. Valid while the buffer lives. */
or_memory_t *or_buffer_memory(const or_buffer_t *buffer);

/* Whether one reference is held to it, at this moment. */
bool or_buffer_is_unshared(const or_buffer_t *buffer);

#endif
