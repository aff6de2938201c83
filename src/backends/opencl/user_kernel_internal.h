#ifndef OR_BACKENDS_OPENCL_USER_KERNEL_INTERNAL_H
#define OR_BACKENDS_OPENCL_USER_KERNEL_INTERNAL_H
/* Kernels of users: or_backend_device_t.kernel_compile. In a worker process. */

#include "backends/opencl/device_internal.h"

or_status_t or_cl_user_kernel_compile(void *self, void *queue, const or_kernel_source_t *source,
                                      or_backend_kernel_t *out);

/* A type as clGetKernelArgInfo names it, without its stars and qualifiers: "float4" is four of float32. False: none of
 * the language's own numbers. */
bool or_cl_user_type(const char *name, or_dtype_t *dtype, uint32_t *width);
/* In a compiler's log the source gets one name, "kernel.cl", in the place of paths of this machine. RESOURCE_EXHAUSTED:
 * it stays as it was. `log` may be NULL. */
or_status_t or_cl_user_log(const or_allocator_t *allocator, const char *source, char *log, size_t capacity);

#endif
