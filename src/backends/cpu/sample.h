#ifndef OR_BACKENDS_CPU_SAMPLE_H
#define OR_BACKENDS_CPU_SAMPLE_H
/* Measurements of the processor: memory, utilisation, temperature, power, clock. */

#include "base/alloc.h"
#include "openruntime/device.h"

/* Holds what rates are computed against. Owned by who created it; any threads may sample at once. */
typedef struct or_cpu_sampler_t or_cpu_sampler_t;

/* Looks for the sensors and starts the first interval. system_root as for or_cpu_facts_read; it must live as long as
 * the sampler. RESOURCE_EXHAUSTED (*out is NULL then). Free with or_cpu_sampler_free, after the last sample. */
or_status_t or_cpu_sampler_create(const or_allocator_t *allocator, const char *system_root, or_cpu_sampler_t **out);
void or_cpu_sampler_free(or_cpu_sampler_t *sampler); /* takes NULL */

/* Fills all of *out but wall_us. What can't be read is unknown.
 *
 * memory       available: the system's estimate, or less if a cgroup leaves less; used: the rest of what we may use.
 * utilisation  of the processors that we may run on; with a CPU quota, what our cgroup used of it. Over the time since
 *              the last call, as is the power; a call within OR_CPU_INTERVAL_NS of the last measurement repeats it, and
 *              is unknown where there is none yet.
 * temperature  the hottest package.
 * power        of all packages, by RAPL (energy: since the sampler was created); unknown unless all can be read, for
 *              which most systems ask for root.
 * clock        the mean of the processors.
 *
 * Allocates nothing. */
void or_cpu_sampler_sample(or_cpu_sampler_t *sampler, or_device_sample_t *out);

/* The kernel counts time in ticks of up to 10 ms: over less than this a percentage says nothing. */
#define OR_CPU_INTERVAL_NS ((int64_t)100 * 1000 * 1000)

#endif
