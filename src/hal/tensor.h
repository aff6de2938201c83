#ifndef OR_HAL_TENSOR_H
#define OR_HAL_TENSOR_H
/* What the runtime's public functions that take a runtime are made of: they pass the runtime's host device, one whose
 * memory is the host's. */

#include "openruntime/value.h"

/* or_tensor_wrap and or_tensor_from_dlpack on a given host device. UNAVAILABLE if it can't be opened; else statuses
 * of those. */
or_status_t or_tensor_wrap_on(or_device_t *host_device, or_dtype_t dtype, or_shape_t shape, void *data,
                              or_owner_t owner, or_tensor_t **out);
or_status_t or_tensor_from_dlpack_on(or_device_t *host_device, void *managed, or_tensor_t **out);

/* Checks dtype and static shape and gives the bytes. INVALID_ARGUMENT, OUT_OF_RANGE. */
or_status_t or_tensor_layout(or_dtype_t dtype, const or_shape_t *shape, uint64_t *count, size_t *bytes);
/* Whether one reference alone is held to a tensor value, its tensor and the tensor's buffer: who has it may write. */
bool or_value_is_unshared(const or_value_t *value);
bool or_tensor_is_unshared(const or_tensor_t *tensor);
/* The alignment in bytes that the elements of a dtype need. */
size_t or_dtype_alignment(or_dtype_t dtype);

#endif
