#ifndef OR_BACKENDS_OPENCL_LIBRARY_H
#define OR_BACKENDS_OPENCL_LIBRARY_H
/* libOpenCL, opened at run time and never closed. */

#include "backends/opencl/opencl_abi.h"
#include "openruntime/status.h"

typedef struct or_cl_library_t {
#define OR_CL_MEMBER_(name, result, parameters) result(*name) parameters;
  OR_CL_SYMBOLS(OR_CL_MEMBER_)
  OR_CL_OPTIONAL_SYMBOLS(OR_CL_MEMBER_)
#undef OR_CL_MEMBER_
} or_cl_library_t;

/* The file to open instead of the system's; tests put a library of their own there. */
#define OR_CL_LIBRARY_VARIABLE "OPENRUNTIME_OPENCL_LIBRARY"

bool or_cl_library_is_named(void); /* the variable does name one */

/* Opens it at the first call in the process; *out lives for ever. UNAVAILABLE: there is none, or it lacks a function.
 * Any thread. */
or_status_t or_cl_library_open(const or_cl_library_t **out);
/* The opened library's file; "" where the system does not tell. */
const char *or_cl_library_path(void);

/* Success, or what the code of a failed call means: RESOURCE_EXHAUSTED, DEVICE_LOST, else INTERNAL. `call` names the
 * function. */
or_status_t or_cl_check(int32_t code, const char *call);
/* Waits for a command; what the wait's code hides when that has failed is its event's own status. */
or_status_t or_cl_wait(const or_cl_library_t *cl, or_cl_event_ref_t event);
const char *or_cl_code_name(int32_t code); /* "CL_OUT_OF_RESOURCES", or "an unknown code" */

#endif
