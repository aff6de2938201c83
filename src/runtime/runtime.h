#ifndef OR_RUNTIME_RUNTIME_H
#define OR_RUNTIME_RUNTIME_H
/* Inside of the runtime, for runtime/, model/, task/ and tests. */

#include "backends/registry.h"
#include "hal/device.h"
#include "openruntime/compute.h"
#include "openruntime/runtime.h"

/* As or_runtime_create, with the backends given: how tests add the fake device. The registrations outlive the
   runtime. */
or_status_t or_runtime_create_with(const or_runtime_options_t *options, const or_backend_registration_t *backends,
                                   size_t count, or_runtime_t **out);
/* The device whose memory is the host's own: cpu_0 where there is one. */
or_device_t *or_runtime_host_device(const or_runtime_t *runtime);
/* Where what its devices do can be recorded; as long as the runtime. */
or_trace_t *or_runtime_trace(or_runtime_t *runtime);
/* What models are bound by that are loaded without limits of their own. */
const struct or_model_limits_t *or_runtime_model_limits(const or_runtime_t *runtime);
/* The settings that its backends see; for another process's runtime that is to be like it. As long as the runtime. */
const or_backend_settings_t *or_runtime_settings(const or_runtime_t *runtime);
/* The runtime of a device. */
or_runtime_t *or_runtime_of_device(const or_device_t *device);
/* As or_compute_session, but the session that or_compute keeps for calls of this kind whatever their shapes: made at
 * the first, found at the next. */
or_status_t or_compute_shared_session(or_device_t *device, const or_compute_call_t *call, or_session_t **out);
/* For a program's main, before it has a second thread: how the process's threads wait (or_parallel_prepare_process). */
void or_runtime_prepare_process(void);

#endif
