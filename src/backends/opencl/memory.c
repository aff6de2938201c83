/* Memory of the device: shared with the host where the device has fine-grained buffers, else OpenCL's own, which bytes
 * reach by copies only. */
#include <string.h>

#include "backends/opencl/device_internal.h"

/* What a driver aligns buffers to at least: OpenCL's widest type. */
#define SHARED_ALIGNMENT 128u

/* clSVMAlloc gives no code: whether the device is still there, a call that gives one says. */
static or_status_t no_shared_memory(const or_cl_device_t *device, size_t bytes) {
  or_status_t status = or_cl_check(device->cl->Finish(device->transfers), "clFinish after clSVMAlloc");
  if (!or_ok(status)) return status;
  return or_error(OR_RESOURCE_EXHAUSTED, "clSVMAlloc: the device has no %zu bytes; one piece may have %zu", bytes,
                  device->traits.max_alloc_bytes);
}

or_status_t or_cl_memory_alloc(void *self, size_t bytes, or_memory_t *out) {
  const or_cl_device_t *device = self;
  const or_cl_library_t *cl = device->cl;
  if (device->traits.host_memory) {
    void *memory =
        cl->SVMAlloc(device->context, OR_CL_MEM_READ_WRITE | OR_CL_MEM_SVM_FINE_GRAIN_BUFFER, bytes, SHARED_ALIGNMENT);
    if (memory == NULL) return no_shared_memory(device, bytes);
    *out = (or_memory_t){.handle = memory, .host = memory, .bytes = bytes};
    return or_status_success();
  }
  /* A driver may promise more than there is and fail at the first use. */
  int32_t code = bytes > device->traits.max_alloc_bytes ? OR_CL_INVALID_BUFFER_SIZE : OR_CL_SUCCESS;
  uint64_t flags = OR_CL_MEM_READ_WRITE | (device->traits.unified_memory ? (uint64_t)OR_CL_MEM_ALLOC_HOST_PTR : 0);
  or_cl_mem_ref_t memory = NULL;
  if (code == OR_CL_SUCCESS) memory = cl->CreateBuffer(device->context, flags, bytes, NULL, &code);
  if (code == OR_CL_INVALID_BUFFER_SIZE) {
    return or_error(OR_RESOURCE_EXHAUSTED, "clCreateBuffer: %zu bytes; one piece of the device's memory may have %zu",
                    bytes, device->traits.max_alloc_bytes);
  }
  if (code == OR_CL_SUCCESS && memory == NULL) code = OR_CL_OUT_OF_HOST_MEMORY;
  if (code != OR_CL_SUCCESS) return or_cl_check(code, "clCreateBuffer");
  *out = (or_memory_t){.handle = memory, .bytes = bytes};
  return or_status_success();
}

void or_cl_memory_release(void *self, or_memory_t *memory) {
  const or_cl_device_t *device = self;
  if (memory->handle == NULL) return; /* a caller's */
  if (device->traits.host_memory) {
    device->cl->SVMFree(device->context, memory->handle);
  } else {
    (void)device->cl->ReleaseMemObject(memory->handle); /* fails for a handle that is none only */
  }
  *memory = (or_memory_t){0};
}

or_status_t or_cl_memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out) {
  (void)self;
  *out = (or_memory_t){.handle = NULL, .host = host, .bytes = bytes}; /* no handle: not ours to release */
  return or_status_success();
}

or_status_t or_cl_memory_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes) {
  const or_cl_device_t *device = self;
  if (memory->host != NULL) {
    memcpy((char *)memory->host + offset, source, bytes);
    return or_status_success();
  }
  return or_cl_check(
      device->cl->EnqueueWriteBuffer(device->transfers, memory->handle, true, offset, bytes, source, 0, NULL, NULL),
      "clEnqueueWriteBuffer");
}

or_status_t or_cl_memory_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes) {
  const or_cl_device_t *device = self;
  if (memory->host != NULL) {
    memcpy(destination, (const char *)memory->host + offset, bytes);
    return or_status_success();
  }
  return or_cl_check(
      device->cl->EnqueueReadBuffer(device->transfers, memory->handle, true, offset, bytes, destination, 0, NULL, NULL),
      "clEnqueueReadBuffer");
}

or_status_t or_cl_memory_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                              size_t destination_offset, size_t bytes) {
  const or_cl_device_t *device = self;
  if (source->host != NULL) {
    return or_cl_memory_write(self, destination, destination_offset, (const char *)source->host + source_offset, bytes);
  }
  or_cl_event_ref_t event = NULL;
  or_status_t status =
      or_cl_check(device->cl->EnqueueCopyBuffer(device->transfers, source->handle, destination->handle, source_offset,
                                                destination_offset, bytes, 0, NULL, &event),
                  "clEnqueueCopyBuffer");
  if (!or_ok(status)) return status;
  status = or_cl_wait(device->cl, event);
  (void)device->cl->ReleaseEvent(event); /* fails for a handle that is none only */
  return status;
}
