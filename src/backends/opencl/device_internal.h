#ifndef OR_BACKENDS_OPENCL_DEVICE_INTERNAL_H
#define OR_BACKENDS_OPENCL_DEVICE_INTERNAL_H
/* An opened OpenCL device. Read-only after open, but for what has a lock of its own. */

#include "base/alloc.h"
#include "base/thread.h"
#include "hal/device.h"
#include "openruntime/backend/backend.h"

/* What kernel families decide by. */
typedef struct or_cl_traits_t {
  bool is_cpu;                /* CL_DEVICE_TYPE_CPU: local memory is the cache, one work item a lane is no gain */
  bool fp64, fp16, subgroups; /* cl_khr_fp64, cl_khr_fp16, cl_khr_subgroups */
  bool host_memory;           /* memory that both sides reach without copies (fine-grained SVM) */
  uint32_t compute_units;
  size_t max_group;    /* work items in a group */
  size_t max_items[3]; /* in each dimension of a group */
  size_t local_bytes;
  size_t max_alloc_bytes;
} or_cl_traits_t;

typedef struct or_cl_device_t or_cl_device_t;
const or_cl_traits_t *or_cl_device_traits(const or_cl_device_t *device);

#endif
