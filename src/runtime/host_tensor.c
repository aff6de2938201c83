/* Tensors over memory of the caller: they are of the runtime's host device. */
#include "hal/tensor.h"
#include "runtime/runtime.h"

static or_status_t host_device(or_runtime_t *runtime, or_device_t **out) {
  *out = or_runtime_host_device(runtime);
  if (*out != NULL) return or_status_success();
  return or_error(OR_UNAVAILABLE,
                  "the runtime has no device whose memory is the host's: it was made without the backend \"cpu\"");
}

or_status_t or_tensor_wrap(or_runtime_t *runtime, or_dtype_t dtype, or_shape_t shape, void *data, or_owner_t owner,
                           or_tensor_t **out) {
  or_device_t *device = NULL;
  *out = NULL;
  or_status_t status = host_device(runtime, &device);
  return or_ok(status) ? or_tensor_wrap_on(device, dtype, shape, data, owner, out) : status;
}

or_status_t or_tensor_from_dlpack(or_runtime_t *runtime, void *managed, or_tensor_t **out) {
  or_device_t *device = NULL;
  *out = NULL;
  or_status_t status = host_device(runtime, &device);
  return or_ok(status) ? or_tensor_from_dlpack_on(device, managed, out) : status;
}
