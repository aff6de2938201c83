#ifndef OR_BACKENDS_REGISTRY_H
#define OR_BACKENDS_REGISTRY_H
/* The backends that are compiled in, in order of preference: the only list of them. */

#include "openruntime/backend/backend.h"

typedef struct or_backend_registration_t {
  const char *name;
  or_backend_entry_t entry;
} or_backend_registration_t;

or_status_t or_backend_cpu_entry(const or_host_t *host, or_backend_t *out);
or_status_t or_backend_opencl_entry(const or_host_t *host, or_backend_t *out);
/* the template for authors: compiled, tested, never offered */
or_status_t or_backend_null_entry(const or_host_t *host, or_backend_t *out);

#define OR_BACKENDS(X) X(cpu) X(opencl)

/* What callers may prefer beside ids and types: a family stands for the first of its types that is here. */
#define OR_BACKEND_FAMILIES(X) X("metal", "mlx", "torch", "opencl") X("vulkan", "opencl")

#endif
