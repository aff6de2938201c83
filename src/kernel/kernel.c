/* The public calls on one kernel. */
#include <string.h>

#include "base/string.h"
#include "kernel/kernel_internal.h"

static void keep_first(void *self, const char *where, int index, const char *message);

or_status_t or_kernel_compile(or_kernels_t *kernels, const or_kernel_request_t *request, char *log, or_kernel_t **out) {
  const or_kernels_options_t *options = or_kernels_options(kernels);
  *out = NULL;
  if (log != NULL) log[0] = '\0';
  if (request->source_bytes > options->source_bytes)
    return or_error(OR_OUT_OF_RANGE, "a source of %zu bytes; at most %llu are compiled", request->source_bytes,
                    (unsigned long long)options->source_bytes);
  return or_error(OR_UNAVAILABLE, "no device of this machine compiles kernels; a driver for OpenCL is needed");
}

void or_kernel_retain(or_kernel_t *kernel) { or_ref_retain(&kernel->ref); }

void or_kernel_release(or_kernel_t *kernel) {
  if (kernel == NULL || !or_ref_release(&kernel->ref)) return;
  or_kernels_t *kernels = kernel->kernels;
  or_arena_deinit(&kernel->arena);
  or_free(or_kernels_allocator(kernels), kernel);
  or_kernels_release(kernels);
}

const or_kernel_facts_t *or_kernel_facts(const or_kernel_t *kernel) { return &kernel->facts; }

/* The first thing that is wrong, in words. */
typedef struct first_t {
  bool found;
  char words[OR_STATUS_MESSAGE_BYTES];
} first_t;

or_status_t or_kernel_run(or_kernel_t *kernel, const or_kernel_launch_t *launch, or_kernel_result_t *out) {
  first_t first = {0};
  memset(out, 0, sizeof *out);
  if (!or_kernel_check(kernel, launch, keep_first, &first)) return or_error(OR_INVALID_ARGUMENT, "%s", first.words);
  return or_error(OR_UNAVAILABLE, "no worker can be started");
}

static void keep_first(void *self, const char *where, int index, const char *message) {
  first_t *first = self;
  if (first->found) return;
  first->found = true;
  if (index < 0) {
    or_format(first->words, sizeof first->words, "%s: %s", where, message);
  } else {
    or_format(first->words, sizeof first->words, "%s[%d]: %s", where, index, message);
  }
}

void or_kernel_result_free(or_kernel_result_t *result) {
  for (size_t i = 0; i < OR_KERNEL_MAX_PARAMETERS; ++i) {
    or_tensor_release(result->outputs[i]);
    result->outputs[i] = NULL;
  }
}
