#ifndef OPENRUNTIME_TENSOR_H
#define OPENRUNTIME_TENSOR_H
/* A tensor: a typed, shaped, dense row-major view of a buffer. Counted; dtype, shape and place never change, so any
 * thread may read it. */

#include "openruntime/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_tensor_t or_tensor_t;

/* New uninitialised memory on `device`. The shape is static. *out: one reference. INVALID_ARGUMENT (rank, negative
 * extent, dtype); OUT_OF_RANGE (the size overflows); RESOURCE_EXHAUSTED; UNAVAILABLE; DEVICE_LOST. Any thread. */
OR_API or_status_t or_tensor_create(or_device_t *device, or_dtype_t dtype, or_shape_t shape, or_tensor_t **out);
/* As or_tensor_create, then copies `bytes` of host data in; bytes must be or_dtype_bytes(dtype, product(shape)), else
 * INVALID_ARGUMENT. */
OR_API or_status_t or_tensor_create_from(or_device_t *device, or_dtype_t dtype, or_shape_t shape, const void *data,
                                         size_t bytes, or_tensor_t **out);
/* Wraps host memory that the caller owns, without a copy: a tensor of the runtime's host memory, usable as input
 * everywhere (devices with memory of their own copy it when they need it).
 * data     at least or_dtype_bytes(dtype, product(shape)) bytes, aligned to the dtype. Must live until `owner.release`.
 * *out     on success one reference; on failure NULL, and `owner.release` is not called.
 * INVALID_ARGUMENT (rank, negative extent, misaligned); OUT_OF_RANGE (size overflows); RESOURCE_EXHAUSTED. Any
 * thread. */
OR_API or_status_t or_tensor_wrap(or_runtime_t *runtime, or_dtype_t dtype, or_shape_t shape, void *data,
                                  or_owner_t owner, or_tensor_t **out);
/* A view of a part of a buffer (retained). OUT_OF_RANGE, INVALID_ARGUMENT. */
OR_API or_status_t or_tensor_view(or_buffer_t *buffer, size_t offset, or_dtype_t dtype, or_shape_t shape,
                                  or_tensor_t **out);
OR_API void or_tensor_retain(or_tensor_t *tensor);
OR_API void or_tensor_release(or_tensor_t *tensor); /* takes NULL; any thread */

OR_API or_dtype_t or_tensor_dtype(const or_tensor_t *tensor);
OR_API const or_shape_t *or_tensor_shape(const or_tensor_t *tensor);
OR_API uint64_t or_tensor_count(const or_tensor_t *tensor); /* elements */
OR_API size_t or_tensor_bytes(const or_tensor_t *tensor);
OR_API or_device_t *or_tensor_device(const or_tensor_t *tensor);
OR_API or_buffer_t *or_tensor_buffer(const or_tensor_t *tensor); /* borrowed */
OR_API size_t or_tensor_offset(const or_tensor_t *tensor);       /* bytes into its buffer */
/* The host address, or NULL if the host can't reach the memory (then or_tensor_read or or_tensor_copy_to). */
OR_API const void *or_tensor_data(const or_tensor_t *tensor);

/* Copies the elements to host memory of at least or_tensor_bytes. OUT_OF_RANGE; DEVICE_LOST. Blocks; any thread. */
OR_API or_status_t or_tensor_read(const or_tensor_t *tensor, void *destination, size_t bytes);
/* The same elements on another device: a retained self if it is there already, else a copy. Statuses of
 * or_tensor_create. Blocks. */
OR_API or_status_t or_tensor_copy_to(or_tensor_t *tensor, or_device_t *device, or_tensor_t **out);

/* DLPack (https://dmlc.github.io/dlpack, ABI 0.x DLManagedTensor): exchange without a copy with NumPy, PyTorch, JAX,
 * MLX. `managed` is a DLManagedTensor *.
 * Import: host memory (kDLCPU), dense row-major (strides NULL or dense), lanes 1; the tensor owns `managed` from then
 * on and calls its deleter once. INVALID_ARGUMENT / UNIMPLEMENTED (device, dtype, strides): `managed` stays the
 * caller's.
 * Export: *out holds a reference to the tensor until its deleter is called. UNIMPLEMENTED if the host can't reach the
 * memory. */
OR_API or_status_t or_tensor_from_dlpack(or_runtime_t *runtime, void *managed, or_tensor_t **out);
OR_API or_status_t or_tensor_to_dlpack(or_tensor_t *tensor, void **out);

#ifdef __cplusplus
}
#endif
#endif
