/* The pool of workers. */
#include <string.h>

#include "base/string.h"
#include "kernel/kernel_internal.h"

#define MIB ((uint64_t)1 << 20)

/* Counted. */
struct or_kernels_t {
  or_ref_t ref;
  or_runtime_t *runtime; /* retained */
  const or_allocator_t *allocator;
  or_kernels_options_t options;
  char *program; /* NULL: to be found */
};

or_kernels_options_t or_kernels_options_default(void) {
  return (or_kernels_options_t){.source_bytes = 1 * MIB,
                                .memory_bytes = 4096 * MIB,
                                .output_bytes = 1024 * MIB,
                                .compile_ms = 30000,
                                .run_ms = 60000,
                                .workers = 8,
                                .idle_ms = 60000};
}

or_status_t or_kernels_create(or_runtime_t *runtime, const or_kernels_options_t *options, or_kernels_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_kernels_t), &memory);
  if (!or_ok(status)) return status;
  or_kernels_t *kernels = memory;
  kernels->options = options != NULL ? *options : or_kernels_options_default();
  if (kernels->options.program != NULL) {
    status = or_strdup(allocator, kernels->options.program, &kernels->program);
    kernels->options.program = kernels->program;
  }
  if (!or_ok(status)) {
    or_free(allocator, memory);
    return status;
  }
  or_ref_init(&kernels->ref);
  kernels->allocator = allocator;
  kernels->runtime = runtime;
  or_runtime_retain(runtime);
  *out = kernels;
  return status;
}

void or_kernels_retain(or_kernels_t *kernels) { or_ref_retain(&kernels->ref); }

void or_kernels_release(or_kernels_t *kernels) {
  if (kernels == NULL || !or_ref_release(&kernels->ref)) return;
  or_runtime_t *runtime = kernels->runtime;
  const or_allocator_t *allocator = kernels->allocator;
  or_free(allocator, kernels->program);
  or_free(allocator, kernels);
  or_runtime_release(runtime);
}

const or_kernels_options_t *or_kernels_options(const or_kernels_t *kernels) { return &kernels->options; }

or_runtime_t *or_kernels_runtime(const or_kernels_t *kernels) { return kernels->runtime; }

const or_allocator_t *or_kernels_allocator(const or_kernels_t *kernels) { return kernels->allocator; }
