/* A kernel: compiled, told of, given back. */
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "hal/device.h"
#include "kernel/kernel_internal.h"
#include "kernel/pool.h"

#define MAX_ENTRY_BYTES 256u
#define MAX_OPTIONS_BYTES 4096u

static or_status_t check_request(const or_kernels_options_t *bounds, const or_kernel_request_t *request);
static or_status_t find_compiler(const or_kernels_t *kernels, const char *preference, or_device_t **out);
static or_status_t make(or_kernels_t *kernels, const or_kernel_request_t *request, or_kernel_t **out);
static or_status_t compile(or_kernel_t *kernel, const or_cancel_t *cancel, char *log, bool *unread);
static or_status_t keep_facts(or_kernel_t *kernel, const or_worker_compiled_t *compiled, double seconds);

or_status_t or_kernel_compile(or_kernels_t *kernels, const or_kernel_request_t *request, char *log, or_kernel_t **out) {
  or_kernel_t *kernel = NULL;
  bool unread = false;
  *out = NULL;
  if (log != NULL) log[0] = '\0';
  or_status_t status = check_request(or_kernels_options(kernels), request);
  if (or_ok(status)) status = make(kernels, request, &kernel);
  if (or_ok(status)) status = find_compiler(kernels, request->device, &kernel->device);
  if (or_ok(status)) status = compile(kernel, request->cancel, log, &unread);
  if (unread) {
    or_status_ignore(status); /* that worker was dying while it was idle: another is asked, once */
    status = compile(kernel, request->cancel, log, &unread);
  }
  if (or_ok(status)) {
    *out = kernel;
  } else {
    or_kernel_release(kernel);
  }
  return status;
}

static or_status_t check_request(const or_kernels_options_t *bounds, const or_kernel_request_t *request) {
  if (request->source_bytes > bounds->source_bytes)
    return or_error(OR_OUT_OF_RANGE, "a source of %zu bytes; at most %llu are compiled", request->source_bytes,
                    (unsigned long long)bounds->source_bytes);
  if (request->source_bytes == 0) return or_error(OR_INVALID_ARGUMENT, "the source is empty");
  if (memchr(request->source, '\0', request->source_bytes) != NULL)
    return or_error(OR_INVALID_ARGUMENT, "the source has a zero byte");
  if (request->entry == NULL || request->entry[0] == '\0' || strlen(request->entry) > MAX_ENTRY_BYTES)
    return or_error(OR_INVALID_ARGUMENT, "the name of the kernel in the source is empty or longer than %u bytes",
                    MAX_ENTRY_BYTES);
  if (request->options != NULL && strlen(request->options) > MAX_OPTIONS_BYTES)
    return or_error(OR_OUT_OF_RANGE, "%zu bytes of options; at most %u are taken", strlen(request->options),
                    MAX_OPTIONS_BYTES);
  return or_status_success();
}

static or_status_t make(or_kernels_t *kernels, const or_kernel_request_t *request, or_kernel_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(or_kernels_allocator(kernels), sizeof(or_kernel_t), &memory);
  if (!or_ok(status)) return status;
  or_kernel_t *kernel = memory;
  or_ref_init(&kernel->ref);
  or_arena_init(&kernel->arena, or_kernels_allocator(kernels));
  or_kernels_retain(kernels);
  kernel->kernels = kernels;
  kernel->serial = or_kernels_serial(kernels);
  kernel->source_bytes = request->source_bytes;
  const char *options = request->options != NULL ? request->options : "";
  const char *owner = request->owner != NULL ? request->owner : "";
  status = or_arena_strndup(&kernel->arena, request->source, request->source_bytes, &kernel->source);
  if (or_ok(status)) status = or_arena_strndup(&kernel->arena, request->entry, strlen(request->entry), &kernel->entry);
  if (or_ok(status)) status = or_arena_strndup(&kernel->arena, options, strlen(options), &kernel->options);
  if (or_ok(status)) status = or_arena_strndup(&kernel->arena, owner, strlen(owner), &kernel->owner);
  *out = kernel;
  return status;
}

/* --- Which device --- */

/* A no is an answer, and so is a device that can't be opened: `why` says which. RESOURCE_EXHAUSTED: no memory to find
 * out. */
static or_status_t compiles(or_device_t *device, bool *does, char *why, size_t capacity) {
  const or_backend_device_t *table = NULL;
  or_status_t status = or_device_open(device, &table);
  *does = or_ok(status) && table->kernel_compile != NULL;
  if (or_ok(status)) {
    or_format(why, capacity, "\"%s\" compiles no kernels", or_device_facts(device)->id);
  } else {
    or_format(why, capacity, "%s", or_status_message(status));
  }
  if (or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
  or_status_ignore(status); /* its words are in `why` */
  return or_status_success();
}

static or_status_t find_compiler(const or_kernels_t *kernels, const char *preference, or_device_t **out) {
  or_runtime_t *runtime = or_kernels_runtime(kernels);
  char why[OR_STATUS_MESSAGE_BYTES / 2] = "this machine has no device";
  const char *advice = "";
  const bool any = preference == NULL || strcmp(preference, "auto") == 0;
  const size_t count = any ? or_runtime_device_count(runtime) : 1;
  or_device_t *device = NULL;
  or_status_t status = any ? or_status_success() : or_runtime_find_device(runtime, preference, &device);
  for (size_t i = 0; i < count && or_ok(status); ++i) {
    bool does = false;
    if (any) device = or_runtime_device(runtime, i);
    status = compiles(device, &does, why, sizeof why);
    if (or_ok(status) && does) {
      *out = device;
      return status;
    }
  }
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < or_runtime_backend_count(runtime); ++i) {
    or_backend_info_t info;
    if (or_runtime_backend(runtime, i, &info) && !info.usable && info.advice != NULL) advice = info.advice;
  }
  return or_error(OR_UNAVAILABLE, "no device that compiles kernels: %s%s%s", why, advice[0] != '\0' ? "; " : "",
                  advice);
}

/* --- What the compiler says of it --- */

/* `unread`: the worker ended before it had read what was asked. */
static or_status_t compile(or_kernel_t *kernel, const or_cancel_t *cancel, char *log, bool *unread) {
  or_worker_slot_t *slot = NULL;
  or_status_t status = or_worker_lease(kernel->kernels, kernel->device, kernel->owner, cancel, &slot);
  *unread = false;
  if (!or_ok(status)) return status;
  status = or_kernel_compile_in(slot, kernel, &(or_kernel_compilation_t){cancel, log, keep_facts});
  *unread = !or_ok(status) && slot->process.unread;
  or_worker_give_back(kernel->kernels, slot);
  return status;
}

static or_status_t keep_facts(or_kernel_t *kernel, const or_worker_compiled_t *compiled, double seconds) {
  void *memory = NULL;
  or_status_t status =
      or_arena_array(&kernel->arena, compiled->parameter_count, sizeof(or_kernel_parameter_t), &memory);
  or_kernel_parameter_t *parameters = memory;
  for (uint32_t i = 0; i < compiled->parameter_count && or_ok(status); ++i) {
    const or_kernel_parameter_t *found = &compiled->parameters[i];
    parameters[i] = *found;
    status = or_arena_strndup(&kernel->arena, found->name, strlen(found->name), &parameters[i].name);
    if (or_ok(status)) status = or_arena_strndup(&kernel->arena, found->type, strlen(found->type), &parameters[i].type);
  }
  const or_backend_device_t *table = NULL;
  if (or_ok(status)) status = or_device_open(kernel->device, &table); /* it is open: this asks for its table */
  if (!or_ok(status)) return status;
  kernel->facts = (or_kernel_facts_t){
      .entry = kernel->entry,
      .device_id = or_device_facts(kernel->device)->id,
      .language = table->kernel_language != NULL ? table->kernel_language : "",
      .parameters = parameters,
      .parameter_count = compiled->parameter_count,
      .binary_bytes = (size_t)compiled->binary_bytes,
      .cached = compiled->cached,
      .compile_seconds = seconds,
      .max_block = compiled->max_block,
      .max_blocks = {compiled->max_blocks[0], compiled->max_blocks[1], compiled->max_blocks[2]},
      .local_bytes = (size_t)compiled->local_bytes,
  };
  memcpy(kernel->facts.required_block, compiled->required_block, sizeof kernel->facts.required_block);
  return status;
}

void or_kernel_retain(or_kernel_t *kernel) { or_ref_retain(&kernel->ref); }

void or_kernel_release(or_kernel_t *kernel) {
  if (kernel == NULL || !or_ref_release(&kernel->ref)) return;
  or_kernels_t *kernels = kernel->kernels;
  if (kernel->device != NULL) or_kernels_forget(kernels, kernel);
  or_arena_deinit(&kernel->arena);
  or_free(or_kernels_allocator(kernels), kernel);
  or_kernels_release(kernels);
}

const or_kernel_facts_t *or_kernel_facts(const or_kernel_t *kernel) { return &kernel->facts; }
