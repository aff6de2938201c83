#include "hal/device.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/string.h"
#include "hal/device_internal.h"
#include "hal/queue.h"

or_status_t or_device_create(const or_allocator_t *allocator, const or_backend_t *backend, uint32_t index,
                             const or_device_facts_t *facts, or_hardware_t *hardware, or_device_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_device_t), &memory);
  if (!or_ok(status)) return status;
  or_device_t *device = memory;
  device->allocator = allocator;
  device->backend = backend;
  device->index = index;
  device->facts = *facts;
  device->hardware = hardware;
  or_hardware_retain(hardware);
  atomic_init(&device->state, OR_DEVICE_AVAILABLE);
  atomic_init(&device->is_open, false);
  atomic_init(&device->queue, NULL);
  or_mutex_init(&device->open_mutex);
  or_mutex_init(&device->peaks_mutex);
  or_mutex_init(&device->known_mutex);
  or_packed_cache_init(&device->packed);
  *out = device;
  return or_status_success();
}

void or_device_free(or_device_t *device) {
  if (device == NULL) return;
  or_queue_release(atomic_load(&device->queue));
  assert(atomic_load(&device->counters.live_buffers) == 0 && "buffers outlive their device");
  or_packed_cache_deinit(&device->packed);
  if (atomic_load(&device->is_open)) device->opened.close(device->opened.self);
  or_mutex_deinit(&device->known_mutex);
  or_mutex_deinit(&device->peaks_mutex);
  or_mutex_deinit(&device->open_mutex);
  or_hardware_release(device->hardware);
  or_free(device->allocator, device);
}

void or_device_set_keeper(or_device_t *device, or_keeper_t keeper) { device->keeper = keeper; }
void or_device_set_trace(or_device_t *device, or_trace_t *trace) { device->trace = trace; }
or_trace_t *or_device_trace(const or_device_t *device) { return device->trace; }
void *or_device_keeper(const or_device_t *device) { return device->keeper.self; }
const or_allocator_t *or_device_allocator(const or_device_t *device) { return device->allocator; }
or_hardware_t *or_device_hardware(const or_device_t *device) { return device->hardware; }
const or_device_facts_t *or_device_facts(const or_device_t *device) { return &device->facts; }

or_device_state_t or_device_state(const or_device_t *device, const char **reason) {
  or_device_state_t state = (or_device_state_t)atomic_load_explicit(&device->state, memory_order_acquire);
  if (reason != NULL) {
    *reason = state == OR_DEVICE_STATE_LOST    ? device->lost_reason
              : state == OR_DEVICE_UNAVAILABLE ? device->unavailable_reason
                                               : "";
  }
  return state;
}

/* A backend's table is checked once, so that no caller needs to look for NULL. */
static or_status_t check_table(const or_device_t *device, const or_backend_device_t *table) {
  const char *id = device->facts.id;
  if (table->abi_version != OR_BACKEND_ABI_VERSION || table->struct_size < sizeof *table) {
    return or_error(
        OR_UNAVAILABLE,
        "device \"%s\": its backend has ABI %u with %zu bytes, this library needs %u with %zu: rebuild the plug-in", id,
        table->abi_version, table->struct_size, OR_BACKEND_ABI_VERSION, sizeof *table);
  }
  const char *missing = table->memory_alloc == NULL     ? "memory_alloc"
                        : table->memory_release == NULL ? "memory_release"
                        : table->write == NULL          ? "write"
                        : table->read == NULL           ? "read"
                        : table->copy == NULL           ? "copy"
                        : table->queue_open == NULL     ? "queue_open"
                        : table->queue_close == NULL    ? "queue_close"
                        : table->supports == NULL       ? "supports"
                        : table->compile == NULL        ? "compile"
                        : table->close == NULL          ? "close"
                                                        : NULL;
  if (missing == NULL) return or_status_success();
  return or_error(OR_INTERNAL, "device \"%s\": its backend's table lacks \"%s\"", id, missing);
}

static or_status_t open_locked(or_device_t *device) {
  memset(&device->opened, 0, sizeof device->opened);
  or_status_t status = device->backend->open(device->backend->self, device->index, device, &device->opened);
  if (!or_ok(status)) return or_status_context(status, "device \"%s\"", device->facts.id);
  status = check_table(device, &device->opened);
  if (!or_ok(status) && device->opened.close != NULL && device->opened.abi_version == OR_BACKEND_ABI_VERSION) {
    device->opened.close(device->opened.self);
  }
  return status;
}

/* Want of memory may pass and is not kept; anything else is what this device is from now on. */
static void keep_failure_locked(or_device_t *device, or_status_t status) {
  or_status_code_t code = or_status_code(status);
  if (code == OR_RESOURCE_EXHAUSTED) return;
  bool lost = code == OR_DEVICE_LOST;
  or_format(lost ? device->lost_reason : device->unavailable_reason, OR_DEVICE_REASON_BYTES, "%s",
            or_status_message(status));
  device->unavailable_code = code;
  atomic_store_explicit(&device->state, lost ? OR_DEVICE_STATE_LOST : OR_DEVICE_UNAVAILABLE, memory_order_release);
  or_log(OR_LOG_HAL, OR_LOG_WARNING, "device_unavailable", "device=%s code=%s", device->facts.id,
         or_status_mapping(code)->name);
}

static or_status_t failure_of_state(const or_device_t *device) {
  const char *reason = "";
  switch (or_device_state(device, &reason)) {
  case OR_DEVICE_STATE_LOST: return or_error(OR_DEVICE_LOST, "device \"%s\" was lost: %s", device->facts.id, reason);
  case OR_DEVICE_UNAVAILABLE: return or_error(device->unavailable_code, "%s", reason);
  case OR_DEVICE_AVAILABLE: break;
  }
  return or_status_success();
}

or_status_t or_device_open(or_device_t *device, const or_backend_device_t **out) {
  *out = NULL;
  or_status_t status = failure_of_state(device);
  if (!or_ok(status)) return status;
  if (!atomic_load_explicit(&device->is_open, memory_order_acquire)) {
    or_mutex_lock(&device->open_mutex);
    if (!atomic_load_explicit(&device->is_open, memory_order_relaxed)) {
      status = failure_of_state(device); /* another thread may have tried meanwhile */
      if (or_ok(status)) {
        status = open_locked(device);
        if (!or_ok(status)) keep_failure_locked(device, status);
      }
      if (or_ok(status)) atomic_store_explicit(&device->is_open, true, memory_order_release);
    }
    or_mutex_unlock(&device->open_mutex);
    if (!or_ok(status)) return status;
  }
  *out = &device->opened;
  return or_status_success();
}

void or_device_mark_lost(or_device_t *device, const char *reason) {
  or_mutex_lock(&device->open_mutex);
  bool first = atomic_load_explicit(&device->state, memory_order_relaxed) != OR_DEVICE_STATE_LOST;
  if (first) {
    or_format(device->lost_reason, sizeof device->lost_reason, "%s", reason);
    atomic_store_explicit(&device->state, OR_DEVICE_STATE_LOST, memory_order_release);
  }
  or_mutex_unlock(&device->open_mutex);
  if (first) or_log(OR_LOG_HAL, OR_LOG_ERROR, "device_lost", "device=%s", device->facts.id);
}

or_status_t or_device_checked(or_device_t *device, or_status_t status) {
  if (or_status_code(status) == OR_DEVICE_LOST) or_device_mark_lost(device, or_status_message(status));
  return status;
}

or_status_t or_device_check_not_lost(const or_device_t *device) {
  if (atomic_load_explicit(&device->state, memory_order_acquire) != OR_DEVICE_STATE_LOST) return or_status_success();
  return failure_of_state(device);
}

or_status_t or_device_queue(or_device_t *device, struct or_queue_t **out) {
  *out = atomic_load_explicit(&device->queue, memory_order_acquire);
  if (*out != NULL) return or_device_check_not_lost(device);
  or_queue_t *made = NULL;
  or_status_t status = or_queue_create(device, &made);
  if (!or_ok(status)) return status;
  or_queue_t *expected = NULL;
  if (!atomic_compare_exchange_strong(&device->queue, &expected, made)) {
    or_queue_release(made); /* another thread was first */
    made = expected;
  }
  *out = made;
  return or_status_success();
}

/* What the library knows by itself. */
static or_device_sample_t sample_of_ours(const or_device_t *device) {
  return (or_device_sample_t){
      .wall_us = or_clock_wall_us(),
      .memory_available_bytes = OR_UNKNOWN_U,
      .memory_used_bytes = OR_UNKNOWN_U,
      .utilization_percent = OR_UNKNOWN_F,
      .temperature_celsius = OR_UNKNOWN_F,
      .power_watts = OR_UNKNOWN_F,
      .clock_hz = OR_UNKNOWN_F,
      .energy_joules = OR_UNKNOWN_F,
      .flops_done = atomic_load_explicit(&device->counters.flops, memory_order_relaxed),
      .active_kernels = atomic_load_explicit(&device->counters.active, memory_order_relaxed),
      .flops_per_second = OR_UNKNOWN_F,
  };
}

or_status_t or_device_look(or_device_t *device, or_device_sample_t *out) {
  const bool is_used = atomic_load_explicit(&device->is_open, memory_order_acquire);
  if (is_used || strcmp(device->facts.type, "cpu") == 0) return or_device_sample(device, out);
  *out = sample_of_ours(device);
  return failure_of_state(device);
}

or_status_t or_device_sample(or_device_t *device, or_device_sample_t *out) {
  *out = sample_of_ours(device);
  const or_backend_device_t *opened = NULL;
  or_status_t status = or_device_open(device, &opened);
  if (or_ok(status) && opened->sample != NULL) status = or_device_checked(device, opened->sample(opened->self, out));
  return status;
}

static or_status_t measure_on_queue(void *self, const or_queue_context_t *context) {
  return context->backend->measure_peaks(context->backend->self, context->backend_queue, self);
}

static void keep_better(or_device_peaks_t *peaks, const or_device_peaks_t *before) {
  double *limits[] = {&peaks->fp32_flops,
                      &peaks->fp64_flops,
                      &peaks->bf16_flops,
                      &peaks->int8_ops,
                      &peaks->read_bytes_per_second,
                      &peaks->copy_bytes_per_second};
  const double earlier[] = {before->fp32_flops,
                            before->fp64_flops,
                            before->bf16_flops,
                            before->int8_ops,
                            before->read_bytes_per_second,
                            before->copy_bytes_per_second};
  for (size_t i = 0; i < sizeof earlier / sizeof *earlier; ++i) {
    if (earlier[i] > *limits[i] || isnan(*limits[i])) *limits[i] = earlier[i];
  }
}

static or_status_t measure_peaks_locked(or_device_t *device) {
  const or_backend_device_t *opened = NULL;
  or_queue_t *queue = NULL;
  or_status_t status = or_device_open(device, &opened);
  if (!or_ok(status)) return status;
  if (opened->measure_peaks == NULL) {
    return or_error(OR_UNIMPLEMENTED, "device \"%s\": its backend has no peak measurement", device->facts.id);
  }
  status = or_device_queue(device, &queue);
  if (!or_ok(status)) return status;
  or_device_peaks_t peaks = {OR_UNKNOWN_F, OR_UNKNOWN_F, OR_UNKNOWN_F, OR_UNKNOWN_F, OR_UNKNOWN_F, OR_UNKNOWN_F};
  status = or_queue_run(queue, measure_on_queue, &peaks);
  if (!or_ok(status)) return status;
  if (device->peaks_known) keep_better(&peaks, &device->peaks);
  or_mutex_lock(&device->known_mutex);
  device->peaks = peaks;
  device->peaks_known = true;
  or_mutex_unlock(&device->known_mutex);
  return or_status_success();
}

or_status_t or_device_measure_peaks(or_device_t *device, or_device_peaks_t *out) {
  or_mutex_lock(&device->peaks_mutex);
  or_status_t status = device->peaks_known ? or_device_check_not_lost(device) : measure_peaks_locked(device);
  if (or_ok(status)) *out = device->peaks;
  or_mutex_unlock(&device->peaks_mutex);
  return status;
}

or_status_t or_device_measure_peaks_again(or_device_t *device, or_device_peaks_t *out) {
  or_mutex_lock(&device->peaks_mutex);
  or_status_t status = measure_peaks_locked(device);
  if (or_ok(status)) *out = device->peaks;
  or_mutex_unlock(&device->peaks_mutex);
  return status;
}

bool or_device_known_peaks(or_device_t *device, or_device_peaks_t *out) {
  or_mutex_lock(&device->known_mutex);
  const bool known = device->peaks_known;
  if (known) *out = device->peaks;
  or_mutex_unlock(&device->known_mutex);
  return known;
}

or_memory_usage_t or_device_memory_usage(const or_device_t *device) { return or_hardware_usage(device->hardware); }

void or_device_reset_memory_peak(or_device_t *device) { or_hardware_reset_peak(device->hardware); }
void or_device_set_memory_limit(or_device_t *device, uint64_t limit_bytes) {
  or_hardware_set_limit(device->hardware, limit_bytes);
}

void or_device_work_begin(or_device_t *device) {
  (void)atomic_fetch_add_explicit(&device->counters.active, 1, memory_order_relaxed);
}

void or_device_work_end(or_device_t *device, uint64_t flops) {
  or_count(&device->counters.flops, flops);
  (void)atomic_fetch_sub_explicit(&device->counters.active, 1, memory_order_relaxed);
}

or_device_counters_t or_device_counters(const or_device_t *device) {
  const or_device_atomic_counters_t *now = &device->counters;
  return (or_device_counters_t){
      .live_buffers = atomic_load_explicit(&now->live_buffers, memory_order_relaxed),
      .allocations = atomic_load_explicit(&now->allocations, memory_order_relaxed),
      .writes = atomic_load_explicit(&now->writes, memory_order_relaxed),
      .write_bytes = atomic_load_explicit(&now->write_bytes, memory_order_relaxed),
      .reads = atomic_load_explicit(&now->reads, memory_order_relaxed),
      .read_bytes = atomic_load_explicit(&now->read_bytes, memory_order_relaxed),
      .copies = atomic_load_explicit(&now->copies, memory_order_relaxed),
      .copy_bytes = atomic_load_explicit(&now->copy_bytes, memory_order_relaxed),
      .runs = atomic_load_explicit(&now->runs, memory_order_relaxed),
      .flops = atomic_load_explicit(&now->flops, memory_order_relaxed),
      .active = atomic_load_explicit(&now->active, memory_order_relaxed),
  };
}
