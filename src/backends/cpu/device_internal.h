#ifndef OR_BACKENDS_CPU_DEVICE_INTERNAL_H
#define OR_BACKENDS_CPU_DEVICE_INTERNAL_H
/* The backend, its one device and a queue of it. */

#include "backends/cpu/dnnl.h"
#include "backends/cpu/kernels/kernels.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/thread.h"
#include "hal/buffer.h"
#include "hal/parallel.h"

/* Owned by the runtime through or_backend_t; immutable after the entry but for what `mutex` guards. */
typedef struct or_cpu_backend_t {
  const or_host_t *host;
  const or_allocator_t *allocator;
  const or_cpu_kernels_t *kernels; /* chosen by features and settings.cpu_isa */
  or_mutex_t mutex;                /* all below */
  bool looked_for_dnnl;
  const or_dnnl_t *dnnl; /* NULL: not there, or kept closed */
  char detail[200];
  char advice_text[200];
  const char *advice;
} or_cpu_backend_t;

/* An opened device. Immutable. */
typedef struct or_cpu_device_t {
  or_cpu_backend_t *backend;
  or_device_t *device;
  const or_allocator_t *allocator;
  const or_cpu_kernels_t *kernels;
  const or_dnnl_t *dnnl; /* NULL: own kernels only */
  or_cpu_caches_t caches;
  int threads; /* of each queue's team */
  struct or_cpu_sampler_t *sampler;
} or_cpu_device_t;

/* Touched by its queue's thread only. */
typedef struct or_cpu_queue_t {
  or_cpu_device_t *device;
  or_team_t *team;
  void *dnnl_stream; /* NULL without oneDNN */
} or_cpu_queue_t;

/* Outputs of this many bytes and more are written past the caches. */
static inline size_t or_cpu_stream_bytes(const or_cpu_device_t *device) {
  size_t cache = device->caches.l3_bytes != 0 ? device->caches.l3_bytes : (size_t)8 << 20;
  return cache / 2;
}

/* Opens oneDNN at the first call (NULL: not there or kept closed by the settings) and fills detail and advice. */
const or_dnnl_t *or_cpu_backend_dnnl(or_cpu_backend_t *backend);

/* The entry, as backends/registry.h lists it. */
or_status_t or_backend_cpu_entry(const or_host_t *host, or_backend_t *out);

/* The tables of the parts. */
or_status_t or_cpu_memory_alloc(void *self, size_t bytes, or_memory_t *out);
/* For a moment only: its end is rounded up to a huge page, for small ones would be faulted in one by one. */
or_status_t or_cpu_memory_alloc_staging(void *self, size_t bytes, or_memory_t *out);
void or_cpu_memory_release(void *self, or_memory_t *memory);
or_status_t or_cpu_memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out);
or_status_t or_cpu_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes);
or_status_t or_cpu_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes);
or_status_t or_cpu_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                        size_t destination_offset, size_t bytes);
or_status_t or_cpu_queue_open(void *self, void **queue);
void or_cpu_queue_close(void *self, void *queue);
or_status_t or_cpu_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out);
void or_cpu_precision(void *self, or_dtype_t precision, or_support_t *out);
or_status_t or_cpu_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out);
or_status_t or_cpu_measure_peaks(void *self, void *queue, or_device_peaks_t *out);

/* A parallel loop that also knows how the backend's slices look: bytes or elements in multiples of a cache line. */
static inline size_t or_cpu_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t or_cpu_max(size_t a, size_t b) { return a > b ? a : b; }

#endif
