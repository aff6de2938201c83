/* The pool's life: made, counted, ended. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "kernel/pool_internal.h"

#define MIB ((uint64_t)1 << 20)
#define LAST_TIDYING_NS ((int64_t)5 * 1000000000) /* how long the end waits for what workers have left */

static or_status_t prepare(or_kernels_t *kernels, const or_kernels_options_t *options);
static void destroy(or_kernels_t *kernels);

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
  const or_kernels_options_t defaults = or_kernels_options_default();
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_kernels_t), &memory);
  if (!or_ok(status)) return status;
  or_kernels_t *kernels = memory;
  kernels->allocator = allocator;
  or_ref_init(&kernels->ref);
  or_mutex_init(&kernels->mutex);
  or_cond_init(&kernels->changed);
  or_cond_init(&kernels->left_some);
  or_cancel_init(&kernels->tidying_end, INT64_MAX);
  or_runtime_retain(runtime);
  kernels->runtime = runtime;
  status = prepare(kernels, options != NULL ? options : &defaults);
  if (or_ok(status)) {
    *out = kernels;
  } else {
    destroy(kernels);
  }
  return status;
}

/* This program, if it has the command `worker`. */
static const char *find_program(char *path, size_t capacity) {
  const char *named = getenv("OPENRUNTIME_PROGRAM");
  if (or_file_program(path, capacity) && or_string_ends_with(path, "/openruntime")) return path;
  return named != NULL && named[0] != '\0' ? named : "openruntime";
}

static or_status_t prepare(or_kernels_t *kernels, const or_kernels_options_t *options) {
  char path[OR_FILE_PATH_BYTES];
  void *slots = NULL;
  kernels->options = *options;
  if (kernels->options.workers == 0) kernels->options.workers = 1;
  if (kernels->options.workers > OR_KERNELS_MAX_WORKERS) kernels->options.workers = OR_KERNELS_MAX_WORKERS;
  or_status_t status =
      or_strdup(kernels->allocator, options->program != NULL ? options->program : find_program(path, sizeof path),
                &kernels->program);
  kernels->options.program = kernels->program;
  if (or_ok(status)) status = or_worker_environment_init(kernels->allocator, &kernels->environment);
  if (or_ok(status))
    status = or_alloc_array(kernels->allocator, kernels->options.workers, sizeof(or_worker_slot_t), &slots);
  kernels->slots = slots;
  for (uint32_t i = 0; i < kernels->options.workers && or_ok(status); ++i) kernels->slots[i].process.socket = -1;
  return status;
}

uint32_t or_kernels_workers(or_kernels_t *kernels) {
  uint32_t count = 0;
  or_mutex_lock(&kernels->mutex);
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    const or_worker_state_t state = kernels->slots[i].state;
    count += state == OR_WORKER_LEASED || state == OR_WORKER_IDLE;
  }
  or_mutex_unlock(&kernels->mutex);
  return count;
}

void or_kernels_retain(or_kernels_t *kernels) { or_ref_retain(&kernels->ref); }

void or_kernels_release(or_kernels_t *kernels) {
  if (kernels != NULL && or_ref_release(&kernels->ref)) destroy(kernels);
}

/* Nobody leases: leases are held by calls, which hold a reference. */
static void destroy(or_kernels_t *kernels) {
  or_runtime_t *runtime = kernels->runtime;
  const or_allocator_t *allocator = kernels->allocator;
  or_mutex_lock(&kernels->mutex);
  kernels->stop = true;
  or_cond_broadcast(&kernels->changed);
  or_mutex_unlock(&kernels->mutex);
  or_thread_join(&kernels->keeper);
  or_mutex_lock(&kernels->mutex);
  kernels->last_left = true;
  atomic_store(&kernels->tidying_end.deadline_ns, or_clock_ns() + LAST_TIDYING_NS);
  or_cond_broadcast(&kernels->left_some);
  or_mutex_unlock(&kernels->mutex);
  or_thread_join(&kernels->tidier);
  or_free(allocator, kernels->slots);
  or_worker_environment_deinit(allocator, &kernels->environment);
  or_free(allocator, kernels->program);
  or_cond_deinit(&kernels->left_some);
  or_cond_deinit(&kernels->changed);
  or_mutex_deinit(&kernels->mutex);
  or_free(allocator, kernels);
  or_runtime_release(runtime);
}

const or_kernels_options_t *or_kernels_options(const or_kernels_t *kernels) { return &kernels->options; }

or_runtime_t *or_kernels_runtime(const or_kernels_t *kernels) { return kernels->runtime; }

const or_allocator_t *or_kernels_allocator(const or_kernels_t *kernels) { return kernels->allocator; }

uint64_t or_kernels_serial(or_kernels_t *kernels) {
  or_mutex_lock(&kernels->mutex);
  const uint64_t serial = ++kernels->last_serial;
  or_mutex_unlock(&kernels->mutex);
  return serial;
}

void or_kernels_forget(or_kernels_t *kernels, const or_kernel_t *kernel) {
  or_mutex_lock(&kernels->mutex);
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    or_worker_slot_t *slot = &kernels->slots[i];
    const bool his = slot->state != OR_WORKER_ABSENT && slot->device == kernel->device && slot->owner != NULL &&
                     strcmp(slot->owner, kernel->owner) == 0;
    if (!his || slot->released_count == OR_WORKER_MAX_KERNELS) continue; /* it makes room for others when need be */
    slot->released[slot->released_count++] = kernel->serial;
  }
  or_mutex_unlock(&kernels->mutex);
}
