/* A run: arguments into shared memory, to the worker, results back. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/kernel_internal.h"
#include "kernel/pool.h"
#include "openruntime/device.h"
#include "runtime/runtime.h"

/* Each buffer begins a page, so that a device may take it as it lies. */
#define BUFFER_ALIGNMENT 4096u

/* A run under way. */
typedef struct run_t {
  or_kernel_t *kernel;
  const or_kernel_launch_t *launch;
  uint32_t timeout_ms;
  or_worker_run_t message;
  uint64_t shared_bytes;
  int shared; /* descriptor of the arguments' memory; -1: none is needed */
} run_t;

static void keep_first(void *self, const char *where, int index, const char *message);
static or_status_t lay_out(run_t *run);
static or_status_t fill(run_t *run);
static or_status_t carry_out(run_t *run, or_kernel_result_t *out, bool *unread);
static or_status_t collect(const run_t *run, or_kernel_result_t *out);

/* The first thing that is wrong, in words. */
typedef struct first_t {
  bool found;
  char words[OR_STATUS_MESSAGE_BYTES];
} first_t;

or_status_t or_kernel_run(or_kernel_t *kernel, const or_kernel_launch_t *launch, or_kernel_result_t *out) {
  const or_kernels_options_t *bounds = or_kernels_options(kernel->kernels);
  run_t run = {.kernel = kernel, .launch = launch, .timeout_ms = bounds->run_ms, .shared = -1};
  first_t first = {.found = false};
  bool unread = false;
  memset(out, 0, sizeof *out);
  out->seconds = out->worker_seconds = OR_UNKNOWN_F;
  if (launch->timeout_ms != 0 && launch->timeout_ms < run.timeout_ms) run.timeout_ms = launch->timeout_ms;
  if (!or_kernel_check(kernel, launch, keep_first, &first)) return or_error(OR_INVALID_ARGUMENT, "%s", first.words);
  or_status_t status = lay_out(&run);
  if (or_ok(status)) status = carry_out(&run, out, &unread);
  if (unread) {
    or_status_ignore(status); /* that worker was dying while it was idle: another is asked, once */
    status = carry_out(&run, out, &unread);
  }
  if (or_ok(status)) status = collect(&run, out);
  if (run.shared >= 0) (void)close(run.shared);
  if (!or_ok(status)) or_kernel_result_free(out);
  return status;
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

/* --- Arguments --- */

static or_status_t lay_out(run_t *run) {
  const or_kernel_facts_t *facts = &run->kernel->facts;
  const or_kernels_options_t *bounds = or_kernels_options(run->kernel->kernels);
  uint64_t writable = 0;
  run->message.grid = run->launch->grid;
  run->message.value_count = facts->parameter_count;
  run->message.cpu_seconds = or_kernel_cpu_seconds(run->timeout_ms);
  for (uint32_t i = 0; i < facts->parameter_count; ++i) {
    const or_kernel_parameter_t *parameter = &facts->parameters[i];
    const or_kernel_argument_t *argument = &run->launch->arguments[i];
    or_worker_value_t *value = &run->message.values[i];
    or_kernel_scalar_t scalar;
    char words[256];
    value->role = parameter->role;
    if (parameter->role == OR_KERNEL_LOCAL) {
      value->bytes = argument->local_bytes;
    } else if (parameter->role == OR_KERNEL_SCALAR) {
      if (!or_kernel_scalar(parameter, argument, &scalar, words, sizeof words))
        return or_error(OR_INVALID_ARGUMENT, "arguments[%u]: %s", i, words);
      value->bytes = scalar.length;
      memcpy(value->scalar, scalar.bytes, scalar.length);
    } else {
      value->bytes = or_tensor_bytes(argument->tensor);
      value->offset = run->shared_bytes;
      if (value->bytes > bounds->memory_bytes - run->shared_bytes)
        return or_error(OR_OUT_OF_RANGE, "the arguments take more than the %llu bytes that a worker may have",
                        (unsigned long long)bounds->memory_bytes);
      run->shared_bytes += or_align_up(value->bytes, BUFFER_ALIGNMENT);
      if (run->shared_bytes > bounds->memory_bytes) run->shared_bytes = bounds->memory_bytes;
      writable += parameter->writable ? value->bytes : 0;
    }
  }
  if (writable > bounds->output_bytes)
    return or_error(OR_OUT_OF_RANGE, "%llu bytes of writable buffers; a run may give %llu",
                    (unsigned long long)writable, (unsigned long long)bounds->output_bytes);
  return or_status_success();
}

static or_status_t write_tensor(const run_t *run, const or_tensor_t *tensor, uint64_t offset) {
  const or_allocator_t *allocator = or_kernels_allocator(run->kernel->kernels);
  const void *data = or_tensor_data(tensor);
  const size_t bytes = or_tensor_bytes(tensor);
  void *copy = NULL;
  if (data != NULL) return or_worker_memory_write(run->shared, offset, data, bytes);
  or_status_t status = or_alloc(allocator, bytes, &copy);
  if (or_ok(status)) status = or_tensor_read(tensor, copy, bytes);
  if (or_ok(status)) status = or_worker_memory_write(run->shared, offset, copy, bytes);
  or_free(allocator, copy);
  return status;
}

static or_status_t fill(run_t *run) {
  or_status_t status = or_status_success();
  if (run->shared_bytes == 0) return status;
  status = or_worker_memory_create(run->shared_bytes, &run->shared);
  for (uint32_t i = 0; i < run->message.value_count && or_ok(status); ++i) {
    const or_worker_value_t *value = &run->message.values[i];
    if (value->role == OR_KERNEL_BUFFER) status = write_tensor(run, run->launch->arguments[i].tensor, value->offset);
  }
  return status;
}

/* --- In the worker --- */

static bool find_resident(const or_worker_slot_t *slot, uint64_t serial, uint32_t *place) {
  for (*place = 0; *place < OR_WORKER_MAX_KERNELS; ++*place) {
    if (slot->resident[*place] == serial) return true;
  }
  return false;
}

static or_status_t ask(run_t *run, or_worker_slot_t *slot, or_text_t *reply, or_worker_ran_t *ran) {
  or_text_t request;
  or_text_init(&request, or_kernels_allocator(run->kernel->kernels));
  or_status_t status = or_kernel_write_forgotten(slot, &request);
  if (or_ok(status)) status = or_worker_write_run(&run->message, &request);
  if (or_ok(status))
    status = or_worker_exchange(
        &slot->process,
        &(or_worker_exchange_t){.request = &request,
                                .descriptor = run->shared,
                                .answer = OR_WORKER_RAN,
                                .bounds = {or_clock_ns() + (int64_t)run->timeout_ms * 1000000, run->timeout_ms,
                                           run->launch->cancel, or_kernels_options(run->kernel->kernels)->memory_bytes},
                                .reply = reply});
  or_text_deinit(&request);
  if (!or_ok(status)) return status;
  status = or_worker_parse_ran(reply->data, reply->length, ran);
  if (!or_ok(status)) {
    or_worker_end(&slot->process, NULL);
    return status;
  }
  if (ran->outcome.code == OR_DEVICE_LOST) or_worker_end(&slot->process, NULL); /* another may find it again */
  return or_worker_outcome_status(&ran->outcome);
}

static or_status_t carry_out_in(or_worker_slot_t *slot, run_t *run, or_kernel_result_t *out) {
  or_worker_ran_t ran;
  or_text_t reply;
  or_status_t status = or_status_success();
  if (!find_resident(slot, run->kernel->serial, &run->message.kernel)) { /* its worker is another one */
    status = or_kernel_compile_in(slot, run->kernel, &(or_kernel_compilation_t){run->launch->cancel, NULL, NULL});
    (void)find_resident(slot, run->kernel->serial, &run->message.kernel);
  }
  if (!or_ok(status)) return or_status_context(status, "compiling kernel \"%s\" again", run->kernel->entry);
  slot->used[run->message.kernel] = ++slot->use_count;
  or_text_init(&reply, or_kernels_allocator(run->kernel->kernels));
  const int64_t start = or_clock_ns();
  status = ask(run, slot, &reply, &ran);
  or_text_deinit(&reply);
  if (!or_ok(status)) return or_status_context(status, "kernel \"%s\"", run->kernel->entry);
  out->worker_seconds = (double)(or_clock_ns() - start) * 1e-9;
  if (ran.device_ns >= 0) out->seconds = (double)ran.device_ns * 1e-9;
  return status;
}

/* `unread`: the worker ended before it had read what was asked. */
static or_status_t carry_out(run_t *run, or_kernel_result_t *out, bool *unread) {
  const or_kernel_t *kernel = run->kernel;
  or_worker_slot_t *slot = NULL;
  or_status_t status = or_worker_lease(kernel->kernels, kernel->device, kernel->owner, run->launch->cancel, &slot);
  *unread = false;
  if (!or_ok(status)) return status;
  if (run->shared < 0) status = fill(run); /* only now: what waits for a worker holds no copy of its arguments */
  if (or_ok(status)) status = carry_out_in(slot, run, out);
  *unread = !or_ok(status) && slot->process.unread;
  or_worker_give_back(kernel->kernels, slot);
  return status;
}

/* --- Results --- */

static or_status_t collect(const run_t *run, or_kernel_result_t *out) {
  or_device_t *host = or_runtime_host_device(or_kernels_runtime(run->kernel->kernels));
  const or_allocator_t *allocator = or_kernels_allocator(run->kernel->kernels);
  or_status_t status = or_status_success();
  for (uint32_t i = 0; i < run->message.value_count && or_ok(status); ++i) {
    const or_worker_value_t *value = &run->message.values[i];
    if (value->role != OR_KERNEL_BUFFER || !run->kernel->facts.parameters[i].writable) continue;
    const or_tensor_t *given = run->launch->arguments[i].tensor;
    const or_shape_t shape = *or_tensor_shape(given);
    void *copy = NULL;
    status = or_alloc(allocator, (size_t)value->bytes, &copy);
    if (or_ok(status)) status = or_worker_memory_read(run->shared, value->offset, copy, (size_t)value->bytes);
    if (or_ok(status))
      status = or_tensor_create_from(host, or_tensor_dtype(given), shape, copy, (size_t)value->bytes, &out->outputs[i]);
    or_free(allocator, copy);
  }
  return status;
}

void or_kernel_result_free(or_kernel_result_t *result) {
  for (size_t i = 0; i < OR_KERNEL_MAX_PARAMETERS; ++i) {
    or_tensor_release(result->outputs[i]);
    result->outputs[i] = NULL;
  }
}
