/* What a worker inherits of the environment. */
#include <string.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <crt_externs.h>
#endif

#include "base/alloc.h"
#include "kernel/worker_client.h"

/* Names, and beginnings of names where they end with '_': where libraries lie, how drivers and teams are set up. */
static const char *const inherited[] = {
    "PATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_",
    "TZ",
    "OCL_",
    "POCL_",
    "CUDA_",
    "NVIDIA_",
    "ROCR_",
    "HIP_",
    "GPU_",
    "MESA_",
    "RUSTICL_",
    "OMP_",
    "GOMP_",
    "ONEAPI_",
    "ASAN_OPTIONS",
    "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LLVM_PROFILE_FILE",
    "MALLOC_",
    "OPENRUNTIME_OPENCL_LIBRARY",
};

#if defined(__APPLE__) /* a library's has no name of its own */
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

static bool is_inherited(const char *variable) {
  const char *equals = strchr(variable, '=');
  if (equals == NULL) return false;
  for (size_t i = 0; i < sizeof inherited / sizeof *inherited; ++i) {
    const size_t length = strlen(inherited[i]);
    const bool family = inherited[i][length - 1] == '_';
    if (strncmp(variable, inherited[i], length) == 0 && (family || equals == variable + length)) return true;
  }
  return false;
}

or_status_t or_worker_environment_init(const or_allocator_t *allocator, or_worker_environment_t *out) {
  or_status_t status = or_status_success();
  out->count = 0;
  for (char **variable = environ; variable != NULL && *variable != NULL && or_ok(status); ++variable) {
    if (!is_inherited(*variable) || out->count == OR_WORKER_MAX_VARIABLES) continue;
    status = or_strdup(allocator, *variable, &out->variables[out->count]);
    out->count += or_ok(status);
  }
  if (!or_ok(status)) or_worker_environment_deinit(allocator, out);
  return status;
}

void or_worker_environment_deinit(const or_allocator_t *allocator, or_worker_environment_t *environment) {
  while (environment->count > 0) or_free(allocator, environment->variables[--environment->count]);
}
