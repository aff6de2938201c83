#ifndef OPENRUNTIME_DEVICE_H
#define OPENRUNTIME_DEVICE_H
/* A device: one backend's view of one piece of hardware. Owned by its runtime. All functions: any thread. */

#include "openruntime/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OR_DEVICE_TEXT_BYTES 128
#define OR_DEVICE_MAX_CAPABILITIES 32

typedef enum or_device_state_t {
  OR_DEVICE_AVAILABLE = 0,
  OR_DEVICE_UNAVAILABLE = 1, /* found, but can't be opened: `reason` says why and what helps */
  OR_DEVICE_STATE_LOST = 2,  /* was in use and stopped answering */
} or_device_state_t;

/* A number that the machine does not report is OR_UNKNOWN_F (NaN) or OR_UNKNOWN_U; it is never made up. */
#define OR_UNKNOWN_F ((double)__builtin_nan(""))
#define OR_UNKNOWN_U UINT64_MAX

/* What is known without opening the device. */
typedef struct or_device_facts_t {
  char id[32];   /* "cpu_0" */
  char type[16]; /* "cpu" "cuda" "opencl" "mlx" "torch" */
  /* "host", a PCI address or a uuid: what devices of several backends may share */
  char hardware_id[64];
  char name[OR_DEVICE_TEXT_BYTES];                      /* the model name as the hardware says it */
  char driver_version[OR_DEVICE_TEXT_BYTES];            /* "" if there is none */
  char compute_capability[32];                          /* "avx2", "9.0"; "" if there is none */
  const char *capabilities[OR_DEVICE_MAX_CAPABILITIES]; /* static strings: "fp32" "bf16" "avx512" "unified_memory" … */
  uint32_t capability_count;
  uint32_t compute_units;      /* usable cores, SMs */
  uint64_t memory_total_bytes; /* as this process may use it (container limit) */
  uint64_t cache_bytes[3];     /* L1 data of a core, L2 of a core, L3 of a core's share; 0 unknown */
  double clock_max_hz;         /* OR_UNKNOWN_F if not reported */
  bool unified_memory;         /* device memory is host memory */
} or_device_facts_t;

/* A measurement of now. `energy_joules` counts from an arbitrary start. */
typedef struct or_device_sample_t {
  int64_t wall_us;
  uint64_t memory_available_bytes, memory_used_bytes; /* of the hardware; OR_UNKNOWN_U */
  double utilization_percent, temperature_celsius, power_watts, clock_hz, energy_joules; /* OR_UNKNOWN_F */
  /* Our own accounting, of this device: floating-point operations of what has ended, from the start of the runtime; and
   * how many parts of models and computations it works on now. */
  uint64_t flops_done;
  uint32_t active_kernels;
  /* Operations done since the sample before it, a second: of a series of samples; OR_UNKNOWN_F of a single one. */
  double flops_per_second;
} or_device_sample_t;

/* Measured limits of the device, as or_device_measure_peaks found them; OR_UNKNOWN_F before. */
typedef struct or_device_peaks_t {
  double fp32_flops, fp64_flops, bf16_flops, int8_ops; /* per second, all units */
  double read_bytes_per_second, copy_bytes_per_second; /* bytes read; bytes read + bytes written */
} or_device_peaks_t;

OR_API const or_device_facts_t *or_device_facts(const or_device_t *device);
/* *reason: words for a state that is not AVAILABLE, else ""; lives as long as the device. `reason` may be NULL. */
OR_API or_device_state_t or_device_state(const or_device_t *device, const char **reason);
/* UNAVAILABLE, DEVICE_LOST. Utilisation is over the time since the last call for this device. */
OR_API or_status_t or_device_sample(or_device_t *device, or_device_sample_t *out);
/* Runs the backend's own limit loops (about a second) once and keeps the result; later calls return it. Blocks.
 * UNIMPLEMENTED, UNAVAILABLE, DEVICE_LOST. */
OR_API or_status_t or_device_measure_peaks(or_device_t *device, or_device_peaks_t *out);
/* Measures once more and keeps the better of each limit, for whoever saw more than the limit that was kept: other work
 * on the machine only slows, so that the earlier loops were disturbed. Blocks. Statuses as above. */
OR_API or_status_t or_device_measure_peaks_again(or_device_t *device, or_device_peaks_t *out);
/* What was measured so far, without measuring or waiting. False: nothing was. */
OR_API bool or_device_known_peaks(or_device_t *device, or_device_peaks_t *out);

/* Memory accounting of the device's hardware: every buffer, workspace and packed constant of ours counts. */
typedef struct or_memory_usage_t {
  uint64_t used_bytes, peak_bytes, limit_bytes; /* limit: UINT64_MAX if none was set */
} or_memory_usage_t;
OR_API or_memory_usage_t or_device_memory_usage(const or_device_t *device);
/* Starts the hardware's peak again from what is used now. */
OR_API void or_device_reset_memory_peak(or_device_t *device);
/* A limit below what is used stops new allocations only. Shared by all devices of the hardware. */
OR_API void or_device_set_memory_limit(or_device_t *device, uint64_t limit_bytes);

#ifdef __cplusplus
}
#endif
#endif
