/* An opened device and its queues. */
#include "backends/opencl/device_internal.h"
#include "backends/opencl/programs.h"
#include "backends/opencl/tune.h"
#include "backends/opencl/user_kernel_internal.h"
#include "base/string.h"

static void close_device(void *self);

const or_cl_traits_t *or_cl_device_traits(const or_cl_device_t *device) { return &device->traits; }

static or_status_t open_handles(or_cl_device_t *device) {
  const or_cl_library_t *cl = device->cl;
  int32_t code = OR_CL_SUCCESS;
  device->context = cl->CreateContext(NULL, 1, &device->ref, NULL, NULL, &code);
  if (code != OR_CL_SUCCESS) return or_cl_check(code, "clCreateContext");
  device->transfers = cl->CreateCommandQueue(device->context, device->ref, 0, &code);
  return or_cl_check(code, "clCreateCommandQueue");
}

or_status_t or_cl_device_open(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  or_cl_backend_t *backend = self;
  or_cl_found_t found;
  void *memory = NULL;
  or_status_t status = or_cl_backend_locate(backend, index, &found);
  if (or_ok(status)) status = or_alloc_zeroed(or_device_allocator(device), sizeof(or_cl_device_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_device_t *opened = memory;
  *opened = (or_cl_device_t){.backend = backend,
                             .device = device,
                             .allocator = or_device_allocator(device),
                             .cl = backend->cl,
                             .ref = found.ref};
  status = or_cl_traits_read(opened->cl, opened->ref, &opened->traits);
  if (or_ok(status)) status = open_handles(opened);
  if (or_ok(status)) status = or_cl_programs_create(opened, &found, &opened->programs);
  if (or_ok(status)) status = or_cl_tune_create(opened, &found.facts, &opened->tune);
  if (!or_ok(status)) {
    close_device(opened);
    return status;
  }
  *out = (or_backend_device_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = opened,
      .memory_alloc = or_cl_memory_alloc,
      .memory_release = or_cl_memory_release,
      .memory_wrap = opened->traits.system_memory ? or_cl_memory_wrap : NULL,
      .write = or_cl_memory_write,
      .read = or_cl_memory_read,
      .copy = or_cl_memory_copy,
      .queue_open = or_cl_queue_open,
      .queue_finish = or_cl_queue_finish,
      .queue_close = or_cl_queue_close,
      .supports = or_cl_supports,
      .compile = or_cl_compile,
      .measure_peaks = or_cl_measure_peaks,
      .close = close_device,
      .kernel_language = "OpenCL C",
      .kernel_compile = or_cl_user_kernel_compile,
  };
  return status;
}

/* Of releases no failure but that of a wrong handle is known. */
static void close_device(void *self) {
  or_cl_device_t *device = self;
  or_cl_tune_free(device->tune);
  or_cl_programs_free(device->programs);
  if (device->transfers != NULL) (void)device->cl->ReleaseCommandQueue(device->transfers);
  if (device->context != NULL) (void)device->cl->ReleaseContext(device->context);
  or_free(device->allocator, device);
}

or_status_t or_cl_queue_open(void *self, void **queue) {
  or_cl_device_t *device = self;
  void *memory = NULL;
  int32_t code = OR_CL_SUCCESS;
  *queue = NULL;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_cl_queue_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_queue_t *opened = memory;
  opened->device = device;
  opened->ref = device->cl->CreateCommandQueue(device->context, device->ref, OR_CL_QUEUE_PROFILING_ENABLE, &code);
  status = or_cl_check(code, "clCreateCommandQueue");
  if (!or_ok(status)) {
    or_free(device->allocator, opened);
    return status;
  }
  *queue = opened;
  return status;
}

or_status_t or_cl_queue_finish(void *self, void *queue) {
  const or_cl_device_t *device = self;
  const or_cl_queue_t *opened = queue;
  return or_cl_check(device->cl->Finish(opened->ref), "clFinish");
}

void or_cl_queue_close(void *self, void *queue) {
  or_cl_device_t *device = self;
  or_cl_queue_t *opened = queue;
  (void)device->cl->ReleaseCommandQueue(opened->ref); /* finished before; fails for a wrong handle only */
  or_free(device->allocator, opened);
}
