#ifndef OR_HAL_DEVICE_INTERNAL_H
#define OR_HAL_DEVICE_INTERNAL_H
/* The device's insides, for the files of this folder. */

#include "hal/device.h"
#include "hal/packed.h"

#define OR_DEVICE_REASON_BYTES 512
#define OR_PACKED_BUCKETS 256

/* Entries by the hash of their key. All under the mutex. */
typedef struct or_packed_cache_t {
  or_mutex_t mutex;
  or_cond_t filled; /* an entry stopped being filled */
  or_packed_t *buckets[OR_PACKED_BUCKETS];
  or_packed_counters_t counters;
} or_packed_cache_t;

typedef struct or_device_atomic_counters_t {
  _Atomic uint64_t live_buffers, allocations, writes, write_bytes, reads, read_bytes, copies, copy_bytes, runs, flops;
  _Atomic uint32_t active;
} or_device_atomic_counters_t;

/* Owned by the runtime. Lock order: peaks_mutex, then open_mutex; neither is held while work is waited for, except
 * peaks_mutex, which is there to make one caller measure and the others wait. known_mutex is the last. */
struct or_device_t {
  const or_allocator_t *allocator;
  const or_backend_t *backend;
  uint32_t index;
  or_device_facts_t facts;
  or_hardware_t *hardware;
  or_keeper_t keeper; /* read-only once the device is used, like the next */
  or_trace_t *trace;  /* borrowed; NULL: none */

  _Atomic int state;     /* or_device_state_t */
  atomic_bool is_open;   /* set once, after `opened` was filled */
  or_mutex_t open_mutex; /* opening, failing, losing, making the queue */
  or_backend_device_t opened;
  or_status_code_t unavailable_code; /* written before `state`, as are the reasons: read-only from then on */
  char unavailable_reason[OR_DEVICE_REASON_BYTES];
  char lost_reason[OR_DEVICE_REASON_BYTES];
  _Atomic(struct or_queue_t *) queue;

  or_mutex_t peaks_mutex; /* held while limits are measured; the fields below are written under both */
  or_mutex_t known_mutex; /* held for a copy only */
  bool peaks_known;
  or_device_peaks_t peaks;

  or_device_atomic_counters_t counters;
  or_packed_cache_t packed;
};

/* Passes the status through; one that says DEVICE_LOST marks the device first. For every answer of a backend. */
or_status_t or_device_checked(or_device_t *device, or_status_t status);
/* DEVICE_LOST with its reason if the device was lost, else success. */
or_status_t or_device_check_not_lost(const or_device_t *device);

static inline void or_device_keep(const or_device_t *device) {
  if (device->keeper.retain != NULL) device->keeper.retain(device->keeper.self);
}
/* The device may be gone after this. */
static inline void or_device_let_go(const or_device_t *device) {
  if (device->keeper.release != NULL) device->keeper.release(device->keeper.self);
}

static inline void or_count(_Atomic uint64_t *counter, uint64_t amount) {
  atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

or_memory_usage_t or_hardware_usage(const or_hardware_t *hardware);
void or_hardware_set_limit(or_hardware_t *hardware, uint64_t limit_bytes);

void or_packed_cache_init(or_packed_cache_t *cache);
void or_packed_cache_deinit(or_packed_cache_t *cache); /* every entry was released before */

#endif
