#ifndef OPENRUNTIME_BACKEND_BACKEND_H
#define OPENRUNTIME_BACKEND_BACKEND_H
/* The contract for backend authors. A backend is a set of tables of functions; argument checks, accounting, pools,
 * queues and their threads are the library's (src/hal). Tables begin with abi_version and struct_size and grow only at
 * the end; a NULL entry that is marked optional means "not offered". No function may throw, print, exit or call
 * or_status_ignore on what it should report. */

#include "openruntime/backend/kernel.h"
#include "openruntime/backend/subgraph.h"
#include "openruntime/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OR_BACKEND_ABI_VERSION 1u

/* Settings that every backend sees; strings live as long as the runtime. */
typedef struct or_backend_settings_t {
  const char *cpu_isa, *system_root; /* as in or_runtime_options_t; "" if NULL there */
  const char *cache_directory;       /* absolute, there and writable by its owner alone; "": keep nothing */
  int32_t threads;
  bool vendor_libraries;
} or_backend_settings_t;

typedef struct or_team_t or_team_t; /* a thread team, src/hal/parallel.h */

/* What the library offers a backend: a plug-in uses nothing else of ours. */
typedef struct or_host_t {
  uint32_t abi_version;
  size_t struct_size;
  const or_allocator_t *allocator;
  or_backend_settings_t settings;
  or_status_t (*status_make)(or_status_code_t code, const char *place, const char *format, ...) OR_PRINTF(3, 4);
  void (*log)(or_log_level_t level, const char *event, const char *format, ...) OR_PRINTF(3, 4);
  bool (*cancel_requested)(const or_cancel_t *cancel);
  void (*parallel_for)(or_team_t *team, size_t count, size_t grain,
                       void (*body)(void *self, size_t begin, size_t end, int thread), void *self);
} or_host_t;

/* Memory of a device. */
typedef struct or_memory_t {
  void *handle; /* the backend's */
  /* The host's address of it, or NULL. Between two submissions each side sees what the other wrote: where another
   * device works on the host's memory (memory_wrap), values that pass between the two stay where they are. */
  void *host;
  size_t bytes;
} or_memory_t;

/* A part of a memory. */
typedef struct or_memory_range_t {
  or_memory_t *memory;
  size_t offset, bytes;
} or_memory_range_t;

typedef struct or_run_arguments_t {
  /* in the order of the subgraph's; aligned to 64 bytes on the host unless wrapped by a caller */
  const or_memory_range_t *inputs, *outputs;
  or_memory_range_t workspace; /* workspace_bytes of the executable, private to this run */
  const or_cancel_t *cancel;   /* asked between nodes (and tiles of long ones); then return CANCELLED */
  int64_t *node_ns;            /* NULL, or one entry a node of the subgraph: how long it took */
  uint64_t *appended_bytes;    /* NULL, or the bytes of keys and values that attentions copy are added to it */
} or_run_arguments_t;

/* What became of one node; static or executable-owned strings. */
typedef struct or_executable_node_t {
  const char *kernel;    /* "onednn jit:avx2", "avx2 gemm", "reference" */
  uint64_t packed_bytes; /* constants in a form of the backend's own */
  or_dtype_t precision;  /* that operands of a product were rounded to; NONE: their own */
} or_executable_node_t;

/* A compiled subgraph. Immutable: several runs may be in flight on different queues, each with its own workspace. */
typedef struct or_executable_t {
  uint32_t abi_version;
  size_t struct_size;
  void *self;
  size_t workspace_bytes;           /* intermediates and scratch of one run */
  size_t workspace_bytes_unplanned; /* what they would take without sharing */
  uint64_t packed_bytes;
  /* On the thread of the queue whose backend queue is `queue`; returns when the work is done (CPU) or enqueued with
   * completion by queue_finish. CANCELLED, DEVICE_LOST, RESOURCE_EXHAUSTED, INTERNAL. Allocates nothing of ours. */
  or_status_t (*run)(void *self, void *queue, const or_run_arguments_t *arguments);
  void (*node)(void *self, uint32_t index, or_executable_node_t *out);
  void (*release)(void *self); /* any thread */
  /* Optional. `run` also takes NULL for `queue`: on any thread then, by several at once, and alone, without a team. */
  bool queue_optional;
} or_executable_t;

/* The answer to "can you run this node?". A no has a reason in words: "float64 is not offered". */
typedef struct or_support_t {
  bool supported;
  char reason[160];
} or_support_t;

/* An opened device. `self` is passed to every function. */
typedef struct or_backend_device_t {
  uint32_t abi_version;
  size_t struct_size;
  void *self;
  /* Memory: any thread. bytes > 0. RESOURCE_EXHAUSTED, DEVICE_LOST. */
  or_status_t (*memory_alloc)(void *self, size_t bytes, or_memory_t *out);
  void (*memory_release)(void *self, or_memory_t *memory);
  or_status_t (*memory_wrap)(void *self, void *host, size_t bytes, or_memory_t *out); /* optional: unified memory */
  /* Blocking copies, ranges already checked: any thread. DEVICE_LOST. */
  or_status_t (*write)(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes);
  or_status_t (*read)(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes);
  or_status_t (*copy)(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                      size_t destination_offset, size_t bytes);
  /* A queue: opened, used, finished and closed on the queue's own thread. */
  or_status_t (*queue_open)(void *self, void **queue);
  or_status_t (*queue_finish)(void *self, void *queue); /* optional: waits until all that was enqueued is done */
  void (*queue_close)(void *self, void *queue);
  /* Any thread; a fused node is asked for first, then its first parts together, then each alone: `node` is one of
   * subgraph->nodes, or made of parts of one. A no is an answer; RESOURCE_EXHAUSTED: no memory to find out. */
  or_status_t (*supports)(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out);
  /* On a queue's thread. Every node was answered with "supported". UNIMPLEMENTED, RESOURCE_EXHAUSTED, DATA_LOSS (a
   * constant's file), DEVICE_LOST. *out is filled on success only. */
  or_status_t (*compile)(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out);
  /* A value or "not known" for each field. Any thread. */
  or_status_t (*sample)(void *self, or_device_sample_t *out);                    /* optional */
  or_status_t (*measure_peaks)(void *self, void *queue, or_device_peaks_t *out); /* optional; on a queue's thread */
  void (*close)(void *self);                                                     /* all else was closed before */
  /* Optional (NULL: none is offered). Any thread. Whether or_subgraph_t.precision of this type makes products faster
   * here; a no says what is missing and what helps. */
  void (*precision)(void *self, or_dtype_t precision, or_support_t *out);
  /* Optional (NULL: kernels of users are not compiled here), together. The language of their source: "OpenCL C". On a
   * queue's thread: *out is filled on success only. INVALID_ARGUMENT: the source has a mistake, and source->log says
   * where; NOT_FOUND: it has no kernel of that name; UNIMPLEMENTED: a parameter of a kind that is not offered (an
   * image); RESOURCE_EXHAUSTED, DEVICE_LOST. */
  const char *kernel_language;
  or_status_t (*kernel_compile)(void *self, void *queue, const or_kernel_source_t *source, or_backend_kernel_t *out);
} or_backend_device_t;

/* Called for each device found, in order; index 0, 1, … The facts are copied. */
typedef or_status_t (*or_device_found_t)(void *context, uint32_t index, const or_device_facts_t *facts);

typedef struct or_backend_t {
  uint32_t abi_version;
  size_t struct_size;
  const char *name; /* the type of its devices: "cpu" */
  void *self;
  /* Cheap (no context, no framework): calls `found` for each device. No device is no error: describe says why. */
  or_status_t (*enumerate)(void *self, or_device_found_t found, void *context);
  /* Slow. `device` is for accounting through the HAL (in-tree backends) and stays valid until `close` of the device.
   * UNAVAILABLE says what is missing and the cure. *out is filled on success only. */
  or_status_t (*open)(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out);
  /* "oneDNN 2.6.3, AVX2 kernels" or why nothing was found; *advice NULL or the cure. Strings live as long as the
   * backend. */
  void (*describe)(void *self, const char **detail, const char **advice);
  void (*close)(void *self);
} or_backend_t;

/* The one function of a backend, and the one export of a plug-in ("or_backend_entry"). `host` lives as long as the
 * runtime. *out is filled on success. UNAVAILABLE if it can't work here at all; INVALID_ARGUMENT for an ABI it does not
 * know. */
typedef or_status_t (*or_backend_entry_t)(const or_host_t *host, or_backend_t *out);

#ifdef __cplusplus
}
#endif
#endif
