#ifndef OR_TASK_KERNEL_H
#define OR_TASK_KERNEL_H
/* Kernels that users bring as source. No backend of this version compiles any: what is here says so, device by device,
 * for the server and the command line alike. */

#include "openruntime/runtime.h"

/* Bounds of a request to compile. */
#define OR_KERNEL_NAME_BYTES 128u            /* [A-Za-z_][A-Za-z0-9_]* */
#define OR_KERNEL_SOURCE_BYTES (1u << 20)    /* of source code */
bool or_kernel_name_valid(const char *name); /* also of an entry point */

/* Whether a device can compile a kernel for `target` (a device's id or type; NULL or "auto": any).
 * UNIMPLEMENTED: none can; names each that was looked at, and why. NOT_FOUND: there is no such device. */
or_status_t or_kernel_find_compiler(const or_runtime_t *runtime, const char *target);

#endif
