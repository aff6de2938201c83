#ifndef OR_BACKENDS_CPU_FACTS_H
#define OR_BACKENDS_CPU_FACTS_H
/* What the system says about the processor, without opening it. */

#include "openruntime/device.h"

/* Fills all of *out but compute_capability, which names the kernels in use and is the caller's to set. Cores and memory
 * are what this process may use: the tightest of affinity, cpuset, CPU quota and memory limit of its cgroups (versions
 * 1 and 2, and both at once) from its own up to the root's. What the system does not say, or says in no form that we
 * know, stays unknown; compute_units is at least 1. Instruction sets are those of the processor that runs this.
 *
 * system_root is put before every path below /proc, /sys and the cgroup mounts; "" is the running system, whose
 * affinity mask is asked too: that of the calling thread.
 *
 * Allocates nothing and can't fail. A millisecond at most. Any thread. */
void or_cpu_facts_read(const char *system_root, or_device_facts_t *out);

#endif
