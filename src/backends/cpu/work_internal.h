#ifndef OR_BACKENDS_CPU_WORK_INTERNAL_H
#define OR_BACKENDS_CPU_WORK_INTERNAL_H
/* Sharing work among a run's team. */

#include "backends/cpu/program_internal.h"

/* A slice of at least this many bytes of memory traffic is worth another thread's attention: waking a team takes
 * microseconds. */
#define OR_CPU_GRAIN_BYTES ((size_t)64 << 10)
/* The like in floating-point operations. */
#define OR_CPU_GRAIN_FLOPS ((size_t)500000)

/* Elements for a loop's grain when each costs `bytes` of traffic: a multiple of 64 so that slices start at cache
 * lines. */
static inline size_t or_cpu_grain(size_t bytes_per_element) {
  size_t elements = OR_CPU_GRAIN_BYTES / (bytes_per_element > 0 ? bytes_per_element : 1);
  return or_cpu_max((elements + 63) & ~(size_t)63, 64);
}
/* Rows for a loop's grain when each has `row_bytes`. */
static inline size_t or_cpu_row_grain(size_t row_bytes) {
  return or_cpu_max(OR_CPU_GRAIN_BYTES / (row_bytes > 0 ? row_bytes : 1), 1);
}

/* Copies with the whole team, past the caches where it is large. CANCELLED. */
or_status_t or_cpu_copy_bytes(const or_cpu_run_t *run, const void *from, void *to, size_t bytes);

/* A loop over elements that cost `bytes` of memory traffic each, shared with a grain that fits, in pieces of some
 * milliseconds: cancel is asked between them. */
or_status_t or_cpu_parallel_elements(const or_cpu_run_t *run, size_t count, size_t bytes, or_parallel_body_t body,
                                     void *self);

/* The same over units that cost as much as `unit_bytes` of memory traffic each, with a grain of the caller's. */
or_status_t or_cpu_parallel_units(const or_cpu_run_t *run, size_t count, size_t grain, size_t unit_bytes,
                                  or_parallel_body_t body, void *self);
/* Over rows of `row_bytes`. */
static inline or_status_t or_cpu_parallel_rows(const or_cpu_run_t *run, size_t count, size_t row_bytes,
                                               or_parallel_body_t body, void *self) {
  return or_cpu_parallel_units(run, count, or_cpu_row_grain(row_bytes), row_bytes, body, self);
}

/* A loop in groups of at most `group` units, cancel asked before each. */
or_status_t or_cpu_parallel_groups(const or_cpu_run_t *run, size_t count, size_t group, or_parallel_body_t body,
                                   void *self);

/* float16 or bfloat16 to float32 with the whole team, and back, rounded once. CANCELLED. */
or_status_t or_cpu_widen(const or_cpu_run_t *run, or_dtype_t dtype, size_t count, const void *x, float *y);
or_status_t or_cpu_narrow(const or_cpu_run_t *run, or_dtype_t dtype, size_t count, const float *x, void *y);

#endif
