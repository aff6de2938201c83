#ifndef OR_SERVER_KERNEL_STORE_H
#define OR_SERVER_KERNEL_STORE_H
/* Kernels of users on a server: the registry with its bounds by the settings, kept in the store. */

#include "server/config.h"
#include "store/store.h"
#include "task/kernel_registry.h"

/* The registry with all that the store holds, to be compiled at first use. Waits for the disk. The store outlives it.
 * *out: NULL where the settings have kernels off. */
or_status_t or_kernel_store_open(or_store_t *store, or_runtime_t *runtime, const or_server_config_t *config,
                                 or_kernel_registry_t **out);

#define OR_KERNELS_OFF                                                                                        \
  "kernels of users are off here; the operator switches them on with kernels = on in openruntime.conf, with " \
  "OPENRUNTIME_KERNELS=on, or with `openruntime server --kernels`"

#endif
