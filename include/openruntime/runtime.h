#ifndef OPENRUNTIME_RUNTIME_H
#define OPENRUNTIME_RUNTIME_H
/* The runtime: finds the machine's devices and owns everything that is made with it. A process may have several. */

#include "openruntime/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_runtime_t or_runtime_t;
typedef struct or_device_t or_device_t;

typedef enum or_log_level_t {
  OR_LOG_ERROR = 0,
  OR_LOG_WARNING = 1,
  OR_LOG_INFO = 2,
  OR_LOG_DEBUG = 3,
  OR_LOG_OFF = -1
} or_log_level_t;

/* Receives one finished line ("level=info event=… key=value …", no newline, terminated), on whichever thread logs,
 * outside every lock of ours; it must not call back into the library. */
typedef void (*or_log_sink_t)(void *self, or_log_level_t level, const char *line);
/* Sets the process-wide sink (NULL: none, the default); on return no call of the former sink is under way. And the
 * level of every module (the default: info). Any thread. */
OR_API void or_log_set_sink(or_log_sink_t sink, void *self);
OR_API void or_log_set_level(or_log_level_t level);
/* The level of one module ("hal", "graph", …); NOT_FOUND names those there are. Any thread. */
OR_API or_status_t or_log_set_module_level(const char *module, or_log_level_t level);

typedef struct or_runtime_options_t {
  const or_allocator_t
      *allocator;       /* NULL: or_allocator_system(). Must outlive the runtime and everything made with it. */
  const char *backends; /* comma-separated names to try, in this order; NULL: all that are compiled in */
  const char *cpu_isa;  /* the most that own CPU kernels and vendor libraries may use: "portable" "avx2" "avx512" "amx"
                           "neon"; NULL: all */
  const char *system_root; /* prefix of /proc, /sys and the cgroup tree, for tests; NULL or "": the real ones */
  /* For compiled kernels, measured choices and facts of devices; made (0700) if it is missing. NULL: none is kept, and
   * likewise where it can't be written, is another user's, or others may write to it, which a warning tells. */
  const char *cache_directory;
  int32_t threads; /* CPU threads per queue, at most the usable cores; 0: all of them */
  /* Of models that are loaded without limits of their own (openruntime/model.h); copied. NULL: the defaults. */
  const struct or_model_limits_t *model_limits;
  bool vendor_libraries; /* false keeps oneDNN and the like closed: portable kernels of our own only */
} or_runtime_options_t;
/* Defaults: vendor libraries on, all else 0 / NULL. */
OR_API or_runtime_options_t or_runtime_options_default(void);

/* Finds the devices (cheap: nothing is opened before it is used). `options` may be NULL. *out: one reference, the
 * caller's. INVALID_ARGUMENT (an unknown backend or ISA name); RESOURCE_EXHAUSTED. A backend that is not usable is no
 * error: or_runtime_backend_* tells why. Any thread. */
OR_API or_status_t or_runtime_create(const or_runtime_options_t *options, or_runtime_t **out);
OR_API void or_runtime_retain(or_runtime_t *runtime);
/* Objects made with the runtime keep it alive. Takes NULL. */
OR_API void or_runtime_release(or_runtime_t *runtime);
OR_API const or_allocator_t *or_runtime_allocator(const or_runtime_t *runtime);

/* Devices in the order of preference. The pointers live as long as the runtime. Any thread. */
OR_API size_t or_runtime_device_count(const or_runtime_t *runtime);
OR_API or_device_t *or_runtime_device(const or_runtime_t *runtime, size_t index); /* NULL outside */
/* By id ("cpu_0"), type ("cpu": the first of it) or "auto" (NULL too): the fastest backend of the fastest hardware.
 * NOT_FOUND names what there is and the nearest spelling. */
OR_API or_status_t or_runtime_find_device(const or_runtime_t *runtime, const char *preference, or_device_t **out);

/* Backends that are compiled in, whether they found something or not. */
typedef struct or_backend_info_t {
  const char *name; /* "cpu" */
  bool usable;      /* at least one device */
  size_t device_count;
  const char *detail; /* what it uses ("oneDNN 2.6.3, AVX2 kernels") or why not; never NULL */
  const char *advice; /* the cure when something is missing ("install libdnnl2"), or NULL */
} or_backend_info_t;
OR_API size_t or_runtime_backend_count(const or_runtime_t *runtime);
OR_API bool or_runtime_backend(const or_runtime_t *runtime, size_t index, or_backend_info_t *out); /* false outside */

/* "0.1.0", and "0.1.0 (revision, compiler, what is compiled in)". Any thread. */
OR_API const char *or_version(void);
OR_API const char *or_version_details(void);

#ifdef __cplusplus
}
#endif
#endif
