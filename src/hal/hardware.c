#include <assert.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/string.h"
#include "hal/device.h"
#include "hal/device_internal.h"

/* Counted; the figures are atomics, so that counting takes no lock on the way of a run. */
struct or_hardware_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  char id[sizeof(((or_device_facts_t *)0)->hardware_id)];
  _Atomic uint64_t used_bytes, peak_bytes, limit_bytes;
};

or_status_t or_hardware_create(const or_allocator_t *allocator, const char *hardware_id, or_hardware_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_hardware_t), &memory);
  if (!or_ok(status)) return status;
  or_hardware_t *hardware = memory;
  or_ref_init(&hardware->ref);
  hardware->allocator = allocator;
  or_format(hardware->id, sizeof hardware->id, "%s", hardware_id);
  atomic_init(&hardware->used_bytes, 0);
  atomic_init(&hardware->peak_bytes, 0);
  atomic_init(&hardware->limit_bytes, UINT64_MAX);
  *out = hardware;
  return or_status_success();
}

void or_hardware_retain(or_hardware_t *hardware) { or_ref_retain(&hardware->ref); }

void or_hardware_release(or_hardware_t *hardware) {
  if (hardware == NULL || !or_ref_release(&hardware->ref)) return;
  assert(atomic_load(&hardware->used_bytes) == 0 && "memory of the hardware is still in use");
  or_free(hardware->allocator, hardware);
}

const char *or_hardware_id(const or_hardware_t *hardware) { return hardware->id; }

/* "3 MiB" where that is exact, else "3.4 MiB (3565158 bytes)". */
static const char *format_bytes(uint64_t bytes, char *text, size_t capacity) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  while (unit + 1 < sizeof units / sizeof units[0] && bytes >> (10 * (unit + 1)) != 0) ++unit;
  uint64_t size = UINT64_C(1) << (10 * unit);
  if (bytes % size == 0) return or_format(text, capacity, "%llu %s", (unsigned long long)(bytes / size), units[unit]);
  return or_format(text, capacity, "%.1f %s (%llu bytes)", (double)bytes / (double)size, units[unit],
                   (unsigned long long)bytes);
}

static or_status_t over_limit(const or_hardware_t *hardware, uint64_t bytes, uint64_t used_bytes,
                              uint64_t limit_bytes) {
  char asked[64], used[64], limit[64];
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "memory of hardware \"%s\": asked %s with %s used of a limit of %s; raise the limit, or release "
                  "models or buffers",
                  hardware->id, format_bytes(bytes, asked, sizeof asked), format_bytes(used_bytes, used, sizeof used),
                  format_bytes(limit_bytes, limit, sizeof limit));
}

or_status_t or_hardware_charge(or_hardware_t *hardware, uint64_t bytes) {
  uint64_t limit = atomic_load_explicit(&hardware->limit_bytes, memory_order_relaxed);
  uint64_t used = atomic_load_explicit(&hardware->used_bytes, memory_order_relaxed);
  do {
    if (used > limit || bytes > limit - used) return over_limit(hardware, bytes, used, limit);
  } while (!atomic_compare_exchange_weak_explicit(&hardware->used_bytes, &used, used + bytes, memory_order_relaxed,
                                                  memory_order_relaxed));
  return or_status_success();
}

/* Apart from the charge, since what was charged may turn out not to be had. */
void or_hardware_note_peak(or_hardware_t *hardware) {
  uint64_t used = atomic_load_explicit(&hardware->used_bytes, memory_order_relaxed);
  uint64_t peak = atomic_load_explicit(&hardware->peak_bytes, memory_order_relaxed);
  while (used > peak && !atomic_compare_exchange_weak_explicit(&hardware->peak_bytes, &peak, used, memory_order_relaxed,
                                                               memory_order_relaxed)) {
  }
}

void or_hardware_reset_peak(or_hardware_t *hardware) {
  atomic_store_explicit(&hardware->peak_bytes, atomic_load_explicit(&hardware->used_bytes, memory_order_relaxed),
                        memory_order_relaxed);
}

void or_hardware_discharge(or_hardware_t *hardware, uint64_t bytes) {
  uint64_t used = atomic_fetch_sub_explicit(&hardware->used_bytes, bytes, memory_order_relaxed);
  assert(used >= bytes && "more bytes given back than were counted");
  (void)used;
}

or_memory_usage_t or_hardware_usage(const or_hardware_t *hardware) {
  return (or_memory_usage_t){
      .used_bytes = atomic_load_explicit(&hardware->used_bytes, memory_order_relaxed),
      .peak_bytes = atomic_load_explicit(&hardware->peak_bytes, memory_order_relaxed),
      .limit_bytes = atomic_load_explicit(&hardware->limit_bytes, memory_order_relaxed),
  };
}

void or_hardware_set_limit(or_hardware_t *hardware, uint64_t limit_bytes) {
  atomic_store_explicit(&hardware->limit_bytes, limit_bytes, memory_order_relaxed);
}
