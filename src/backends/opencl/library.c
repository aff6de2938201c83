#include "backends/opencl/library.h"

#include <stdlib.h>

#include "base/dynlib.h"
#include "base/string.h"
#include "base/thread.h"

/* What drivers answer beside the standard's codes once a kernel has crashed the device: NVIDIA's is -9999. */
#define LOST_NVIDIA (-9999)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* all below */
static or_cl_library_t library;
static bool is_open;
static char path[1024];

bool or_cl_library_is_named(void) {
  const char *name = getenv(OR_CL_LIBRARY_VARIABLE);
  return name != NULL && name[0] != '\0';
}

/* Tests name libraries of their own one after the other in one process: what failed is tried anew, what was opened
 * stays. */
or_status_t or_cl_library_open(const or_cl_library_t **out) {
#if defined(__APPLE__)
  const char *const usual[] = {"/System/Library/Frameworks/OpenCL.framework/OpenCL", NULL};
#else
  const char *const usual[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};
#endif
  const char *const named[] = {getenv(OR_CL_LIBRARY_VARIABLE), NULL};
  void *handle = NULL;
  or_status_t status = or_status_success();
  or_mutex_lock(&mutex);
  if (!is_open) {
    const or_dynlib_symbol_t symbols[] = {
#define REQUIRED(name, result, parameters) {"cl" #name, (void **)(void *)&library.name, true},
#define OPTIONAL(name, result, parameters) {"cl" #name, (void **)(void *)&library.name, false},
        OR_CL_SYMBOLS(REQUIRED) OR_CL_OPTIONAL_SYMBOLS(OPTIONAL)
#undef REQUIRED
#undef OPTIONAL
    };
    status =
        or_dynlib_open(or_cl_library_is_named() ? named : usual, symbols, sizeof symbols / sizeof *symbols, &handle);
    is_open = or_ok(status);
    if (is_open) {
      union {
        int32_t (*function)(uint32_t, or_cl_platform_ref_t *, uint32_t *);
        void *address;
      } symbol = {.function = library.GetPlatformIDs};
      if (!or_dynlib_path(symbol.address, path, sizeof path)) path[0] = '\0';
    }
  }
  or_mutex_unlock(&mutex);
  *out = or_ok(status) ? &library : NULL;
  return status;
}

const char *or_cl_library_path(void) { return path; }

const char *or_cl_code_name(int32_t code) {
  switch (code) {
#define NAME(name, value) \
  case (value): return "CL_" #name;
    OR_CL_CODES(NAME)
#undef NAME
  default: return "an unknown code";
  }
}

or_status_t or_cl_check(int32_t code, const char *call) {
  switch (code) {
  case OR_CL_SUCCESS: return or_status_success();
  case OR_CL_MEM_OBJECT_ALLOCATION_FAILURE:
  case OR_CL_OUT_OF_RESOURCES:
  case OR_CL_OUT_OF_HOST_MEMORY:
    return or_error(OR_RESOURCE_EXHAUSTED, "%s: the device has no memory for it (%s)", call, or_cl_code_name(code));
  case OR_CL_DEVICE_NOT_AVAILABLE:
  case OR_CL_INVALID_COMMAND_QUEUE:
  case LOST_NVIDIA:
    return or_error(OR_DEVICE_LOST, "%s: the device no longer answers (%s, %d)", call, or_cl_code_name(code), code);
  default: return or_error(OR_INTERNAL, "%s failed: %s (%d)", call, or_cl_code_name(code), code);
  }
}

or_status_t or_cl_wait(const or_cl_library_t *cl, or_cl_event_ref_t event) {
  int32_t code = cl->WaitForEvents(1, &event), own = 0;
  if (code == OR_CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST &&
      cl->GetEventInfo(event, OR_CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof own, &own, NULL) == OR_CL_SUCCESS &&
      own < 0) {
    code = own;
  }
  return or_cl_check(code, "clWaitForEvents");
}
