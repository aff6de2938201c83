#ifndef OPENRUNTIME_BACKEND_KERNEL_H
#define OPENRUNTIME_BACKEND_KERNEL_H
/* Kernels of users, as a backend compiles and runs them: source code in the device's own language. Called in a worker
 * process only, which may be killed at any moment: nothing here needs to survive a hostile kernel. */

#include "openruntime/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct or_memory_range_t;

typedef enum or_kernel_role_t {
  OR_KERNEL_SCALAR = 0, /* a number, or a vector of `width` of them */
  OR_KERNEL_BUFFER = 1, /* device memory */
  OR_KERNEL_LOCAL = 2,  /* memory of a block: its size is given at the launch */
} or_kernel_role_t;

/* One parameter of a kernel, by the compiler's word. Strings live as long as the kernel. */
typedef struct or_kernel_parameter_t {
  const char *name; /* "x" */
  const char *type; /* as in the source: "float*", "uint4" */
  or_kernel_role_t role;
  or_dtype_t dtype; /* of one element; NONE: the type is none of ours (a struct): any bytes */
  uint32_t width;   /* elements in a vector type: 1, 2, 3 (which takes the room of 4), 4, 8, 16 */
  bool writable;    /* a buffer that is not const */
} or_kernel_parameter_t;
#define OR_KERNEL_MAX_PARAMETERS 64u

typedef struct or_kernel_source_t {
  const char *source; /* terminated, `source_bytes` long without that */
  size_t source_bytes;
  const char *entry;   /* the kernel's name in it */
  const char *options; /* of the compiler: "-DN=4"; may be "" */
  /* The compiler's own words, also where it has only warnings: cut to the capacity, terminated. */
  char *log;
  size_t log_capacity;
} or_kernel_source_t;

/* What a parameter is given at a launch. */
typedef struct or_kernel_value_t {
  const struct or_memory_range_t *range; /* of a BUFFER */
  const void *scalar;                    /* of a SCALAR: `bytes` of it */
  size_t bytes;                          /* of a SCALAR, or of LOCAL memory */
} or_kernel_value_t;

typedef struct or_kernel_grid_t {
  uint64_t grid[3];  /* blocks; at least 1 each */
  uint32_t block[3]; /* work items of a block; at least 1 each */
} or_kernel_grid_t;

/* A compiled kernel. On one queue's thread. */
typedef struct or_backend_kernel_t {
  uint32_t abi_version;
  size_t struct_size;
  void *self;
  const or_kernel_parameter_t *parameters;
  uint32_t parameter_count;
  size_t binary_bytes;        /* of the compiled program; 0: not known */
  bool cached;                /* from the disk, without the compiler */
  uint32_t max_block;         /* work items that a block of this kernel may have */
  uint32_t max_blocks[3];     /* extents of a block, each */
  uint32_t required_block[3]; /* that the source asks for, and no other (reqd_work_group_size); 0s: for none */
  size_t local_bytes;         /* that a block may have of LOCAL memory, beyond the kernel's own */
  /* Enqueues and waits. The values are as many as parameters, and were checked. *device_ns: by the device's clock; -1:
   * not known. RESOURCE_EXHAUSTED, DEVICE_LOST, INTERNAL (the driver's words). */
  or_status_t (*run)(void *self, void *queue, const or_kernel_grid_t *grid, const or_kernel_value_t *values,
                     int64_t *device_ns);
  void (*release)(void *self);
} or_backend_kernel_t;

#ifdef __cplusplus
}
#endif
#endif
