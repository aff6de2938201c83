#ifndef OR_BACKENDS_OPENCL_DEVICE_INTERNAL_H
#define OR_BACKENDS_OPENCL_DEVICE_INTERNAL_H
/* The backend, its devices, an opened one and a queue of it. */

#include "backends/opencl/library.h"
#include "base/alloc.h"
#include "base/thread.h"
#include "hal/device.h"
#include "openruntime/backend/backend.h"

/* What kernel families decide by. */
typedef struct or_cl_traits_t {
  bool is_cpu;                /* CL_DEVICE_TYPE_CPU: local memory is the cache, one work item a lane is no gain */
  bool fp64, fp16, subgroups; /* cl_khr_fp64, cl_khr_fp16, cl_khr_subgroups */
  bool host_memory;           /* memory that both sides reach without copies (fine-grained SVM) */
  bool system_memory;         /* and any memory of the host's */
  bool unified_memory;        /* CL_DEVICE_HOST_UNIFIED_MEMORY */
  bool exact_division;        /* -cl-fp32-correctly-rounded-divide-sqrt is offered */
  uint32_t compute_units;
  uint32_t vector_floats; /* of a vector register: CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT */
  size_t max_group;       /* work items in a group */
  size_t max_items[3];    /* in each dimension of a group */
  size_t local_bytes;
  size_t max_alloc_bytes;
} or_cl_traits_t;

#define OR_CL_MAX_DEVICES 16u

/* A device that a platform has: its facts, and where it was found. */
typedef struct or_cl_found_t {
  or_device_facts_t facts;
  uint32_t platform, index;   /* the index-th device of the platform-th platform */
  or_cl_device_ref_t ref;     /* NULL: known from the cache of facts only */
  char platform_version[128]; /* "OpenCL 3.0 PoCL 3.1", part of the key of compiled programs */
} or_cl_found_t;

typedef struct or_cl_found_list_t {
  or_cl_found_t devices[OR_CL_MAX_DEVICES];
  uint32_t count;
  bool complete; /* false: one could not be asked now, and is left out */
} or_cl_found_list_t;

/* Owned by the runtime through or_backend_t. */
typedef struct or_cl_backend_t {
  const or_host_t *host;
  const or_allocator_t *allocator;
  or_mutex_t mutex; /* all below */
  bool looked;      /* the devices were looked for, in the cache of facts or on the platforms */
  bool cached;      /* they are from the cache of facts, and the library is not open yet */
  const or_cl_library_t *cl;
  or_cl_found_list_t found;
  char detail[256], advice_text[256];
  const char *advice;
} or_cl_backend_t;

/* An opened device. Read-only after open, but for what has a lock of its own. */
typedef struct or_cl_device_t {
  or_cl_backend_t *backend;
  or_device_t *device;
  const or_allocator_t *allocator;
  const or_cl_library_t *cl;
  or_cl_device_ref_t ref;
  or_cl_context_ref_t context;
  or_cl_queue_ref_t transfers; /* of write, read and copy: any thread */
  or_cl_traits_t traits;
  struct or_cl_programs_t *programs;
  struct or_cl_tune_t *tune;
} or_cl_device_t;
const or_cl_traits_t *or_cl_device_traits(const or_cl_device_t *device);

/* Touched by its queue's thread only. */
typedef struct or_cl_queue_t {
  or_cl_device_t *device;
  or_cl_queue_ref_t ref; /* in order, with profiling */
} or_cl_queue_t;

/* facts.c: every device of every platform. UNAVAILABLE: the platforms can't be listed. */
or_status_t or_cl_facts_read(const or_cl_library_t *cl, or_cl_found_list_t *out);
/* DEVICE_LOST, RESOURCE_EXHAUSTED: it can't be asked now. */
or_status_t or_cl_traits_read(const or_cl_library_t *cl, or_cl_device_ref_t ref, or_cl_traits_t *out);

/* backend.c */
or_status_t or_cl_device_open(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out);
/* The platform's device behind the index, for opening: opens the library if only the facts' cache was read so far.
 * UNAVAILABLE: it is not the same one any more. */
or_status_t or_cl_backend_locate(or_cl_backend_t *backend, uint32_t index, or_cl_found_t *out);

/* memory.c: the table's entries. */
or_status_t or_cl_memory_alloc(void *self, size_t bytes, or_memory_t *out);
void or_cl_memory_release(void *self, or_memory_t *memory);
or_status_t or_cl_memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out);
or_status_t or_cl_memory_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes);
or_status_t or_cl_memory_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes);
or_status_t or_cl_memory_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                              size_t destination_offset, size_t bytes);

/* device.c */
or_status_t or_cl_queue_open(void *self, void **queue);
or_status_t or_cl_queue_finish(void *self, void *queue);
void or_cl_queue_close(void *self, void *queue);

/* supports.c, compile.c, peaks.c */
or_status_t or_cl_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out);
or_status_t or_cl_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out);
or_status_t or_cl_measure_peaks(void *self, void *queue, or_device_peaks_t *out);

#endif
