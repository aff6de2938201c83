/* A kernel brought into a worker: at first, and again where its worker is another one by now. */
#include <string.h>

#include "base/clock.h"
#include "kernel/kernel_internal.h"
#include "kernel/pool.h"

static uint32_t choose_place(const or_worker_slot_t *slot);
static or_status_t ask(or_worker_slot_t *slot, const or_kernel_t *kernel, uint32_t place, const or_cancel_t *cancel,
                       or_text_t *reply);
static or_status_t expect_same(const or_kernel_t *kernel, const or_worker_compiled_t *compiled);

or_status_t or_kernel_compile_in(or_worker_slot_t *slot, or_kernel_t *kernel,
                                 const or_kernel_compilation_t *compilation) {
  const uint32_t place = choose_place(slot);
  or_worker_compiled_t compiled;
  or_text_t reply;
  or_text_init(&reply, or_kernels_allocator(kernel->kernels));
  slot->resident[place] = 0;
  const int64_t start = or_clock_ns();
  or_status_t status = ask(slot, kernel, place, compilation->cancel, &reply);
  const double seconds = (double)(or_clock_ns() - start) * 1e-9;
  if (or_ok(status)) {
    status = or_worker_parse_compiled(reply.data, reply.length, &compiled);
    if (!or_ok(status)) or_worker_end(&slot->process, NULL);
  }
  if (or_ok(status)) {
    if (compilation->log != NULL) or_format(compilation->log, OR_KERNEL_LOG_BYTES, "%s", compiled.log);
    if (compiled.outcome.code == OR_DEVICE_LOST) or_worker_end(&slot->process, NULL);
    status = or_worker_outcome_status(&compiled.outcome);
  }
  if (or_ok(status)) {
    slot->resident[place] = kernel->serial;
    slot->forgotten[place] = false;
    slot->used[place] = ++slot->use_count;
    status = compilation->keep != NULL ? compilation->keep(kernel, &compiled, seconds) : expect_same(kernel, &compiled);
  }
  or_text_deinit(&reply);
  return status;
}

/* A free one, else that of the kernel which was used longest ago. */
static uint32_t choose_place(const or_worker_slot_t *slot) {
  uint32_t place = 0;
  for (uint32_t i = 0; i < OR_WORKER_MAX_KERNELS; ++i) {
    if (slot->resident[i] == 0) return i;
    if (slot->used[i] < slot->used[place]) place = i;
  }
  return place;
}

static or_status_t ask(or_worker_slot_t *slot, const or_kernel_t *kernel, uint32_t place, const or_cancel_t *cancel,
                       or_text_t *reply) {
  const or_kernels_options_t *bounds = or_kernels_options(kernel->kernels);
  const or_worker_compile_t message = {.kernel = place,
                                       .cpu_seconds = or_kernel_cpu_seconds(bounds->compile_ms),
                                       .source = kernel->source,
                                       .entry = kernel->entry,
                                       .options = kernel->options,
                                       .source_bytes = kernel->source_bytes};
  or_text_t request;
  or_text_init(&request, or_kernels_allocator(kernel->kernels));
  or_status_t status = or_kernel_write_forgotten(slot, &request);
  if (or_ok(status)) status = or_worker_write_compile(&message, &request);
  if (or_ok(status))
    status = or_worker_exchange(
        &slot->process, &(or_worker_exchange_t){.request = &request,
                                                .descriptor = -1,
                                                .answer = OR_WORKER_COMPILED,
                                                .bounds = {or_clock_ns() + (int64_t)bounds->compile_ms * 1000000,
                                                           bounds->compile_ms, cancel, bounds->memory_bytes},
                                                .reply = reply});
  or_text_deinit(&request);
  return status;
}

or_status_t or_kernel_write_forgotten(or_worker_slot_t *slot, or_text_t *request) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; i < OR_WORKER_MAX_KERNELS && or_ok(status); ++i) {
    if (slot->forgotten[i]) status = or_worker_write_forget(i, request);
    slot->forgotten[i] = slot->forgotten[i] && !or_ok(status);
  }
  return status;
}

uint32_t or_kernel_cpu_seconds(uint32_t wall_ms) {
  const uint64_t seconds = ((uint64_t)wall_ms / 1000 + 1) * or_thread_cores();
  return seconds < UINT32_MAX / 2 ? (uint32_t)seconds : UINT32_MAX / 2;
}

/* What was promised of it, arguments were checked against. */
static or_status_t expect_same(const or_kernel_t *kernel, const or_worker_compiled_t *compiled) {
  const or_kernel_facts_t *facts = &kernel->facts;
  bool same = compiled->parameter_count == facts->parameter_count;
  for (uint32_t i = 0; same && i < facts->parameter_count; ++i) {
    const or_kernel_parameter_t *a = &facts->parameters[i], *b = &compiled->parameters[i];
    same = a->role == b->role && a->dtype == b->dtype && a->width == b->width && a->writable == b->writable;
  }
  if (same) return or_status_success();
  return or_error(OR_INTERNAL, "kernel \"%s\" has another signature now than when it was compiled first",
                  kernel->entry);
}
