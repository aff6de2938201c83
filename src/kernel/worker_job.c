/* What a worker does on its queue's thread: compile, run, forget. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/sandbox.h"
#include "kernel/worker_internal.h"

static or_status_t compile(or_worker_job_t *job, const or_queue_context_t *context);
static or_status_t run(or_worker_job_t *job, const or_queue_context_t *context);
static void forget(or_worker_self_t *worker, uint32_t index);

or_status_t or_worker_job_work(void *self, const or_queue_context_t *context) {
  or_worker_job_t *job = self;
  uint32_t index = 0;
  if (context->backend->kernel_compile == NULL)
    return or_error(OR_UNIMPLEMENTED, "device \"%s\" compiles no kernels", or_device_facts(context->device)->id);
  if (job->kind == OR_WORKER_COMPILE) return compile(job, context);
  if (job->kind == OR_WORKER_RUN) return run(job, context);
  or_status_t status = or_worker_parse_forget(job->body.data, job->body.length, &index);
  if (or_ok(status) && index < OR_WORKER_MAX_KERNELS) forget(job->worker, index);
  return status;
}

static void forget(or_worker_self_t *worker, uint32_t index) {
  if (!worker->kernels[index].there) return;
  worker->kernels[index].there = false;
  worker->kernels[index].kernel.release(worker->kernels[index].kernel.self);
}

static or_status_t compile(or_worker_job_t *job, const or_queue_context_t *context) {
  or_worker_self_t *worker = job->worker;
  or_worker_compile_t request;
  or_status_t status = or_worker_parse_compile(job->body.data, job->body.length, &request);
  if (!or_ok(status)) return status;
  if (request.kernel >= OR_WORKER_MAX_KERNELS)
    return or_error(OR_OUT_OF_RANGE, "kernel %u; a worker holds %u", request.kernel, OR_WORKER_MAX_KERNELS);
  forget(worker, request.kernel);
  or_backend_kernel_t *kernel = &worker->kernels[request.kernel].kernel;
  const or_kernel_source_t source = {.source = request.source,
                                     .source_bytes = request.source_bytes,
                                     .entry = request.entry,
                                     .options = request.options,
                                     .log = worker->log,
                                     .log_capacity = sizeof worker->log};
  or_sandbox_processor(request.cpu_seconds);
  worker->log[0] = '\0';
  status = context->backend->kernel_compile(context->backend->self, context->backend_queue, &source, kernel);
  or_utf8_repair(worker->log, strlen(worker->log), true);
  job->compiled.log = worker->log;
  if (!or_ok(status)) return status;
  worker->kernels[request.kernel].there = true;
  if (kernel->parameter_count > OR_KERNEL_MAX_PARAMETERS) {
    const uint32_t count = kernel->parameter_count;
    forget(worker, request.kernel);
    return or_error(OR_UNIMPLEMENTED, "the kernel has %u parameters; at most %u are offered", count,
                    OR_KERNEL_MAX_PARAMETERS);
  }
  or_worker_compiled_t *out = &job->compiled;
  out->binary_bytes = kernel->binary_bytes;
  out->local_bytes = kernel->local_bytes;
  out->cached = kernel->cached;
  out->max_block = kernel->max_block;
  memcpy(out->max_blocks, kernel->max_blocks, sizeof out->max_blocks);
  memcpy(out->required_block, kernel->required_block, sizeof out->required_block);
  out->parameter_count = kernel->parameter_count;
  memcpy(out->parameters, kernel->parameters, kernel->parameter_count * sizeof *kernel->parameters);
  return status;
}

/* --- A run --- */

/* The arguments as the device sees them. */
typedef struct bound_t {
  unsigned char *shared; /* NULL: no buffers */
  size_t shared_bytes;
  uint32_t count; /* memories made so far, one a value */
  bool made[OR_KERNEL_MAX_PARAMETERS], copied[OR_KERNEL_MAX_PARAMETERS];
  or_memory_t memories[OR_KERNEL_MAX_PARAMETERS];
  or_memory_range_t ranges[OR_KERNEL_MAX_PARAMETERS];
  or_kernel_value_t values[OR_KERNEL_MAX_PARAMETERS];
} bound_t;

static or_status_t map(const or_worker_run_t *request, int descriptor, bound_t *bound);
static or_status_t bind(const or_backend_device_t *backend, const or_worker_run_t *request, bound_t *bound);
static or_status_t unbind(const or_backend_device_t *backend, const or_worker_run_t *request,
                          const or_backend_kernel_t *kernel, bound_t *bound, or_status_t status);

static or_status_t run(or_worker_job_t *job, const or_queue_context_t *context) {
  or_worker_run_t request;
  bound_t bound = {.shared = NULL};
  or_status_t status = or_worker_parse_run(job->body.data, job->body.length, &request);
  if (!or_ok(status)) return status;
  if (request.kernel >= OR_WORKER_MAX_KERNELS || !job->worker->kernels[request.kernel].there)
    return or_error(OR_NOT_FOUND, "the worker has no kernel %u", request.kernel);
  const or_backend_kernel_t *kernel = &job->worker->kernels[request.kernel].kernel;
  if (request.value_count != kernel->parameter_count)
    return or_error(OR_INVALID_ARGUMENT, "%u arguments; the kernel takes %u", request.value_count,
                    kernel->parameter_count);
  status = map(&request, job->descriptor, &bound);
  if (or_ok(status)) status = bind(context->backend, &request, &bound);
  or_sandbox_processor(request.cpu_seconds);
  if (or_ok(status))
    status = kernel->run(kernel->self, context->backend_queue, &request.grid, bound.values, &job->ran.device_ns);
  return unbind(context->backend, &request, kernel, &bound, status);
}

static or_status_t map(const or_worker_run_t *request, int descriptor, bound_t *bound) {
  struct stat facts;
  uint64_t end = 0;
  for (uint32_t i = 0; i < request->value_count; ++i) {
    const or_worker_value_t *value = &request->values[i];
    if (value->role != OR_KERNEL_BUFFER) continue;
    if (value->bytes == 0 || value->bytes > INT64_MAX || value->offset > INT64_MAX)
      return or_error(OR_OUT_OF_RANGE, "argument %u lies nowhere", i);
    if (value->offset + value->bytes > end) end = value->offset + value->bytes;
  }
  if (end == 0) return or_status_success();
  if (descriptor < 0 || fstat(descriptor, &facts) != 0 || (uint64_t)facts.st_size < end)
    return or_error(OR_OUT_OF_RANGE, "the arguments lie beyond their memory");
  void *memory = mmap(NULL, (size_t)facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED)
    return or_error(OR_RESOURCE_EXHAUSTED, "no room for %llu bytes of arguments", (unsigned long long)facts.st_size);
  bound->shared = memory;
  bound->shared_bytes = (size_t)facts.st_size;
  return or_status_success();
}

static or_status_t bind(const or_backend_device_t *backend, const or_worker_run_t *request, bound_t *bound) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; i < request->value_count && or_ok(status); ++i, ++bound->count) {
    const or_worker_value_t *value = &request->values[i];
    const size_t bytes = (size_t)value->bytes;
    bound->values[i].bytes = bytes;
    bound->values[i].scalar = value->scalar;
    if (value->role != OR_KERNEL_BUFFER) continue;
    unsigned char *host = bound->shared + value->offset;
    or_memory_t *memory = &bound->memories[i];
    if (backend->memory_wrap != NULL) { /* memory that both sides reach: nothing is copied */
      status = backend->memory_wrap(backend->self, host, bytes, memory);
      bound->made[i] = or_ok(status);
      or_status_ignore(status); /* what can't be wrapped is copied */
    }
    if (!bound->made[i]) {
      status = backend->memory_alloc(backend->self, bytes, memory);
      bound->made[i] = bound->copied[i] = or_ok(status);
      if (or_ok(status)) status = backend->write(backend->self, memory, 0, host, bytes);
    } else {
      status = or_status_success();
    }
    bound->ranges[i] = (or_memory_range_t){.memory = memory, .offset = 0, .bytes = bytes};
    bound->values[i].range = &bound->ranges[i];
  }
  return status;
}

static or_status_t unbind(const or_backend_device_t *backend, const or_worker_run_t *request,
                          const or_backend_kernel_t *kernel, bound_t *bound, or_status_t status) {
  for (uint32_t i = 0; i < bound->count; ++i) {
    const or_worker_value_t *value = &request->values[i];
    if (!bound->made[i]) continue;
    if (bound->copied[i] && kernel->parameters[i].writable && or_ok(status))
      status =
          backend->read(backend->self, &bound->memories[i], 0, bound->shared + value->offset, (size_t)value->bytes);
    backend->memory_release(backend->self, &bound->memories[i]);
  }
  if (bound->shared != NULL) (void)munmap(bound->shared, bound->shared_bytes);
  return status;
}
