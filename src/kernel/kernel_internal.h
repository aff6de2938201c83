#ifndef OR_KERNEL_KERNEL_INTERNAL_H
#define OR_KERNEL_KERNEL_INTERNAL_H
/* A kernel and the pool that it belongs to, for the files of this folder. */

#include "base/alloc.h"
#include "base/thread.h"
#include "openruntime/kernel.h"

/* Counted. What stands here never changes once it was compiled, so any thread may read it. */
struct or_kernel_t {
  or_ref_t ref;
  or_kernels_t *kernels; /* retained */
  or_device_t *device;   /* the runtime's */
  or_arena_t arena;      /* the texts below and the parameters */
  const char *source, *entry, *options, *owner;
  size_t source_bytes;
  or_kernel_facts_t facts;
};

/* What a launch moves. The values lie one behind the other in the memory that a worker is handed. */
typedef struct or_kernel_scalar_t {
  unsigned char bytes[128]; /* of 16 elements of 8 bytes */
  uint32_t length;
} or_kernel_scalar_t;
/* The bytes of a SCALAR's argument in the parameter's own type. False if it does not fit; `message` says why. */
bool or_kernel_scalar(const or_kernel_parameter_t *parameter, const or_kernel_argument_t *argument,
                      or_kernel_scalar_t *out, char *message, size_t capacity);
/* Bytes of one element of a parameter, a vector of three taking the room of four; 1 where the type is none of ours. */
size_t or_kernel_element_bytes(const or_kernel_parameter_t *parameter);

const or_kernels_options_t *or_kernels_options(const or_kernels_t *kernels);
or_runtime_t *or_kernels_runtime(const or_kernels_t *kernels);
const or_allocator_t *or_kernels_allocator(const or_kernels_t *kernels);

#endif
