/* The entry points: the functions of OpenCL's interface by their own names, with its handles as void *. */
#include <string.h>

#include "fake_opencl/fake_opencl_internal.h"

#define EXPORTED __attribute__((visibility("default")))
/* Entry points that need no header here are declared before they are defined. */
#define FUNCTION(result, name, parameters) \
  EXPORTED result name parameters;         \
  result name parameters

typedef int32_t status_t;
typedef void *object_t;
#define REAL(name, result, parameters) ((result(*) parameters)(uintptr_t)fake_real(CALL_##name))

static object_t failed(int32_t *error, int32_t code) {
  if (error != NULL) *error = code;
  return NULL;
}

static int32_t held(fake_object_t object, int change, int32_t status) {
  if (status == 0) fake_hold(object, change);
  return status;
}

static int32_t with_event(int32_t status, void *const *event) {
  if (status == 0 && event != NULL && *event != NULL) fake_hold(OBJECT_EVENT, 1);
  return status;
}

#define NONE_OF(name) (CALL_##name == CALL_clGetPlatformIDs ? FAKE_NO_PLATFORM : FAKE_INVALID_OPERATION)
#define FORM_STATUS(name, object, parameters, arguments)                                                \
  FUNCTION(status_t, name, parameters) {                                                                \
    int32_t code = fake_enter(CALL_##name);                                                             \
    if (code != 0) return code;                                                                         \
    return fake_real(CALL_##name) != NULL ? REAL(name, status_t, parameters) arguments : NONE_OF(name); \
  }
#define FORM_FORWARD(name, object, parameters, arguments)                                                         \
  FUNCTION(status_t, name, parameters) {                                                                          \
    int32_t code = fake_enter(CALL_##name);                                                                       \
    int32_t status = fake_real(CALL_##name) != NULL ? REAL(name, status_t, parameters) arguments : NONE_OF(name); \
    return code != 0 ? code : status;                                                                             \
  }
#define FORM_ENQUEUE(name, object, parameters, arguments)                 \
  FUNCTION(status_t, name, parameters) {                                  \
    int32_t code = fake_enter(CALL_##name);                               \
    if (code != 0) return code;                                           \
    if (fake_real(CALL_##name) == NULL) return FAKE_INVALID_OPERATION;    \
    return with_event(REAL(name, status_t, parameters) arguments, event); \
  }
#define FORM_RETAIN(name, kind, parameters, arguments)                         \
  FUNCTION(status_t, name, parameters) {                                       \
    int32_t code = fake_enter(CALL_##name);                                    \
    if (code != 0) return code;                                                \
    if (fake_real(CALL_##name) == NULL) return FAKE_INVALID_OPERATION;         \
    return held(OBJECT_##kind, 1, REAL(name, status_t, parameters) arguments); \
  }
#define FORM_RELEASE(name, kind, parameters, arguments)                                   \
  FUNCTION(status_t, name, parameters) {                                                  \
    int32_t code = fake_enter(CALL_##name);                                               \
    if (fake_real(CALL_##name) == NULL) return FAKE_INVALID_OPERATION;                    \
    int32_t status = held(OBJECT_##kind, -1, REAL(name, status_t, parameters) arguments); \
    return code != 0 ? code : status;                                                     \
  }
#define FORM_CREATE(name, kind, parameters, arguments)                                \
  FUNCTION(object_t, name, parameters) {                                              \
    int32_t code = fake_enter(CALL_##name);                                           \
    if (code != 0) return failed(error, code);                                        \
    if (fake_real(CALL_##name) == NULL) return failed(error, FAKE_INVALID_OPERATION); \
    object_t out = REAL(name, object_t, parameters) arguments;                        \
    if (out != NULL) fake_hold(OBJECT_##kind, 1);                                     \
    return out;                                                                       \
  }
#define FORM_GIVEN(name, object, parameters, arguments) /* below */

#define X(form, name, object, parameters, arguments) FORM_##form(name, object, parameters, arguments)
#include "fake_opencl/calls_list.h"
#undef X

/* ---- devices, which pretend ---- */

#define DEVICE_TYPE_CPU 2u
#define DEVICE_TYPE_GPU 4u
#define DEVICE_TYPE_ALL 0xFFFFFFFFu
enum { /* of clGetDeviceInfo */
       DEVICE_TYPE = 0x1000,
       DEVICE_MAX_WORK_GROUP_SIZE = 0x1004,
       DEVICE_ADDRESS_BITS = 0x100D,
       DEVICE_LOCAL_MEM_TYPE = 0x1022,
       DRIVER_VERSION = 0x102D,
       DEVICE_EXTENSIONS = 0x1030,
       DEVICE_DOUBLE_FP_CONFIG = 0x1032,
       DEVICE_HOST_UNIFIED_MEMORY = 0x1035,
       DEVICE_SVM_CAPABILITIES = 0x1053,
};

FUNCTION(status_t, clGetDeviceIDs, (void *platform, uint64_t type, uint32_t room, void **out, uint32_t *count)) {
  int32_t code = fake_enter(CALL_clGetDeviceIDs);
  if (code != 0) return code;
  if (fake_real(CALL_clGetDeviceIDs) == NULL) return FAKE_INVALID_OPERATION;
  if (fake_is_gpu() && type != DEVICE_TYPE_ALL) type = (type & DEVICE_TYPE_GPU) != 0 ? DEVICE_TYPE_ALL : 0;
  return REAL(clGetDeviceIDs, status_t, (void *, uint64_t, uint32_t, void **, uint32_t *))(platform, type, room, out,
                                                                                           count);
}

static int32_t answer(const void *value, size_t value_bytes, size_t room, void *out, size_t *bytes) {
  if (bytes != NULL) *bytes = value_bytes;
  if (out == NULL) return 0;
  if (room < value_bytes) return -30; /* CL_INVALID_VALUE */
  memcpy(out, value, value_bytes);
  return 0;
}

FUNCTION(status_t, clGetDeviceInfo, (void *device, uint32_t name, size_t room, void *out, size_t *bytes)) {
  int32_t code = fake_enter(CALL_clGetDeviceInfo);
  if (code != 0) return code;
  if (fake_real(CALL_clGetDeviceInfo) == NULL) return FAKE_INVALID_OPERATION;
  const uint64_t gpu = DEVICE_TYPE_GPU, none = 0;
  const uint32_t no = 0, local = 1;
  char driver[128];
  if (name == DRIVER_VERSION && fake_driver(driver, sizeof driver))
    return answer(driver, strlen(driver) + 1, room, out, bytes);
  if (name == DEVICE_DOUBLE_FP_CONFIG && fake_hides("cl_khr_fp64")) return answer(&none, sizeof none, room, out, bytes);
  const size_t group = fake_group();
  const uint32_t address_bits = fake_address_bits();
  if (name == DEVICE_MAX_WORK_GROUP_SIZE && group > 0) return answer(&group, sizeof group, room, out, bytes);
  if (name == DEVICE_ADDRESS_BITS && address_bits > 0)
    return answer(&address_bits, sizeof address_bits, room, out, bytes);
  if (fake_is_gpu()) {
    if (name == DEVICE_TYPE) return answer(&gpu, sizeof gpu, room, out, bytes);
    if (name == DEVICE_SVM_CAPABILITIES) return answer(&none, sizeof none, room, out, bytes);
    if (name == DEVICE_HOST_UNIFIED_MEMORY) return answer(&no, sizeof no, room, out, bytes);
    if (name == DEVICE_LOCAL_MEM_TYPE) return answer(&local, sizeof local, room, out, bytes);
  }
  int32_t status =
      REAL(clGetDeviceInfo, status_t, (void *, uint32_t, size_t, void *, size_t *))(device, name, room, out, bytes);
  if (status == 0 && name == DEVICE_EXTENSIONS && out != NULL) fake_hide(out);
  return status;
}

/* ---- what has a form of its own ---- */

FUNCTION(status_t, clGetProgramBuildInfo,
         (void *program, void *device, uint32_t name, size_t room, void *out, size_t *bytes)) {
  static const char log[] = "<source>:3:1: error: refused by tests/fake_opencl";
  int32_t code = fake_enter(CALL_clGetProgramBuildInfo);
  if (code != 0) return code;
  if (name == 0x1183 && fake_refused_build()) return answer(log, sizeof log, room, out, bytes); /* the log */
  if (fake_real(CALL_clGetProgramBuildInfo) == NULL) return FAKE_INVALID_OPERATION;
  return REAL(clGetProgramBuildInfo, status_t,
              (void *, void *, uint32_t, size_t, void *, size_t *))(program, device, name, room, out, bytes);
}

FUNCTION(status_t, clGetKernelWorkGroupInfo,
         (void *kernel, void *device, uint32_t name, size_t room, void *out, size_t *bytes)) {
  int32_t code = fake_enter(CALL_clGetKernelWorkGroupInfo);
  const size_t group = fake_group();
  if (code != 0) return code;
  if (name == 0x11B0 && group > 0)
    return answer(&group, sizeof group, room, out, bytes); /* CL_KERNEL_WORK_GROUP_SIZE */
  if (fake_real(CALL_clGetKernelWorkGroupInfo) == NULL) return FAKE_INVALID_OPERATION;
  return REAL(clGetKernelWorkGroupInfo, status_t,
              (void *, void *, uint32_t, size_t, void *, size_t *))(kernel, device, name, room, out, bytes);
}

FUNCTION(status_t, clEnqueueNDRangeKernel,
         (void *queue, void *kernel, uint32_t dimensions, const size_t *offset, const size_t *global,
          const size_t *local, uint32_t wait_count, void *const *waits, void **event)) {
  int32_t code = fake_enter(CALL_clEnqueueNDRangeKernel);
  size_t items = 1;
  if (code != 0) return code;
  if (fake_real(CALL_clEnqueueNDRangeKernel) == NULL) return FAKE_INVALID_OPERATION;
  for (uint32_t i = 0; local != NULL && i < dimensions; ++i) items *= local[i];
  if (fake_group() > 0 && items > fake_group()) return -54; /* CL_INVALID_WORK_GROUP_SIZE */
  return with_event(
      REAL(clEnqueueNDRangeKernel, status_t,
           (void *, void *, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t, void *const *,
            void **))(queue, kernel, dimensions, offset, global, local, wait_count, waits, event),
      event);
}

FUNCTION(object_t, clEnqueueMapBuffer,
         (void *queue, void *memory, uint32_t blocking, uint64_t flags, size_t offset, size_t bytes,
          uint32_t wait_count, void *const *waits, void **event, int32_t *error)) {
  int32_t code = fake_enter(CALL_clEnqueueMapBuffer);
  if (code != 0) return failed(error, code);
  if (fake_real(CALL_clEnqueueMapBuffer) == NULL) return failed(error, FAKE_INVALID_OPERATION);
  object_t out = REAL(clEnqueueMapBuffer, object_t,
                      (void *, void *, uint32_t, uint64_t, size_t, size_t, uint32_t, void *const *, void **,
                       int32_t *))(queue, memory, blocking, flags, offset, bytes, wait_count, waits, event, error);
  (void)with_event(out != NULL ? 0 : FAKE_INVALID_OPERATION, event);
  return out;
}

FUNCTION(object_t, clSVMAlloc, (void *context, uint64_t flags, size_t bytes, uint32_t alignment)) {
  if (fake_enter(CALL_clSVMAlloc) != 0 || fake_real(CALL_clSVMAlloc) == NULL) return NULL;
  object_t out = REAL(clSVMAlloc, object_t, (void *, uint64_t, size_t, uint32_t))(context, flags, bytes, alignment);
  if (out != NULL) fake_hold(OBJECT_SVM, 1);
  return out;
}

FUNCTION(void, clSVMFree, (void *context, void *memory)) {
  (void)fake_enter(CALL_clSVMFree);
  if (fake_real(CALL_clSVMFree) == NULL || memory == NULL) return;
  REAL(clSVMFree, void, (void *, void *))(context, memory);
  fake_hold(OBJECT_SVM, -1);
}

FUNCTION(object_t, clGetExtensionFunctionAddressForPlatform, (void *platform, const char *name)) {
  if (fake_enter(CALL_clGetExtensionFunctionAddressForPlatform) != 0) return NULL;
  if (fake_real(CALL_clGetExtensionFunctionAddressForPlatform) == NULL) return NULL;
  return REAL(clGetExtensionFunctionAddressForPlatform, object_t, (void *, const char *))(platform, name);
}
