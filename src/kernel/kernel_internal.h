#ifndef OR_KERNEL_KERNEL_INTERNAL_H
#define OR_KERNEL_KERNEL_INTERNAL_H
/* A kernel and the pool that it belongs to, for the files of this folder. */

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/protocol.h"
#include "openruntime/kernel.h"

/* Counted. What stands here never changes once it was compiled, so any thread may read it. */
struct or_kernel_t {
  or_ref_t ref;
  or_kernels_t *kernels; /* retained */
  uint64_t serial;       /* of no other kernel of the pool */
  or_device_t *device;   /* the runtime's */
  or_arena_t arena;      /* the texts below and the parameters */
  const char *source, *entry, *options, *owner;
  size_t source_bytes;
  or_kernel_facts_t facts;
};

/* A scalar's bytes. */
typedef struct or_kernel_scalar_t {
  unsigned char bytes[OR_WORKER_SCALAR_BYTES];
  uint32_t length;
} or_kernel_scalar_t;
/* The bytes of a SCALAR's argument in the parameter's own type. False if it does not fit; `message` says why. */
bool or_kernel_scalar(const or_kernel_parameter_t *parameter, const or_kernel_argument_t *argument,
                      or_kernel_scalar_t *out, char *message, size_t capacity);
/* Bytes of one element of a parameter, a vector of three taking the room of four; 1 where the type is none of ours. */
size_t or_kernel_element_bytes(const or_kernel_parameter_t *parameter);

/* Brings a kernel into a worker. `log` may be NULL; `keep` takes what the compiler found, NULL: it must be what is
 * known of the kernel. Statuses of or_kernel_compile; after some of them the worker is gone. */
typedef struct or_kernel_compilation_t {
  const or_cancel_t *cancel;
  char *log;
  or_status_t (*keep)(or_kernel_t *kernel, const or_worker_compiled_t *compiled, double seconds);
} or_kernel_compilation_t;
struct or_worker_slot_t;
or_status_t or_kernel_compile_in(struct or_worker_slot_t *slot, or_kernel_t *kernel,
                                 const or_kernel_compilation_t *compilation);
/* Before the next request: kernels that the worker may give back. */
or_status_t or_kernel_write_forgotten(struct or_worker_slot_t *slot, or_text_t *request);
/* Processor time that a worker may take in so much time. */
uint32_t or_kernel_cpu_seconds(uint32_t wall_ms);

const or_kernels_options_t *or_kernels_options(const or_kernels_t *kernels);
or_runtime_t *or_kernels_runtime(const or_kernels_t *kernels);
const or_allocator_t *or_kernels_allocator(const or_kernels_t *kernels);

#endif
