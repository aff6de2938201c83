#ifndef OR_HAL_DEVICE_H
#define OR_HAL_DEVICE_H
/* A device: facts from enumeration, the backend's table once opened, and its hardware's budget. */

#include "base/thread.h"
#include "base/trace.h"
#include "openruntime/backend/backend.h"
#include "openruntime/buffer.h"
#include "openruntime/device.h"

/* One piece of hardware; devices of several backends share it: memory budget and exclusivity are its. Counted. */
typedef struct or_hardware_t or_hardware_t;
or_status_t or_hardware_create(const or_allocator_t *allocator, const char *hardware_id, or_hardware_t **out);
void or_hardware_retain(or_hardware_t *hardware);
void or_hardware_release(or_hardware_t *hardware);
const char *or_hardware_id(const or_hardware_t *hardware);
/* Counts bytes against the limit. RESOURCE_EXHAUSTED: "asked 10 MiB with 3 MiB used of a limit of 8 MiB". */
or_status_t or_hardware_charge(or_hardware_t *hardware, uint64_t bytes);
void or_hardware_discharge(or_hardware_t *hardware, uint64_t bytes);
/* Takes what is used now into the peak: after a charge whose memory was had. */
void or_hardware_note_peak(or_hardware_t *hardware);
/* The peak from now on. */
void or_hardware_reset_peak(or_hardware_t *hardware);

/* Made by the runtime for each device that a backend enumerates; it holds the only reference that counts, users
 * borrow. `backend` outlives it. `allocator` is used for everything of the device. */
or_status_t or_device_create(const or_allocator_t *allocator, const or_backend_t *backend, uint32_t index,
                             const or_device_facts_t *facts, or_hardware_t *hardware, or_device_t **out);
/* Whom a device belongs to: retained by every buffer, so that the owner lives as long as what was made with it. Set
 * once, before the device is used. */
typedef struct or_keeper_t {
  void *self;
  void (*retain)(void *self);
  void (*release)(void *self); /* may be called on any thread, a queue's own too */
} or_keeper_t;
void or_device_set_keeper(or_device_t *device, or_keeper_t keeper);
void *or_device_keeper(const or_device_t *device); /* its self; NULL without one */
/* Where what happens on the device is recorded; outlives it. Before the device is used. */
void or_device_set_trace(or_device_t *device, or_trace_t *trace);
or_trace_t *or_device_trace(const or_device_t *device); /* NULL: nowhere */
void or_device_free(or_device_t *device);               /* no buffer, queue or executable of it is left */
const or_allocator_t *or_device_allocator(const or_device_t *device);
or_hardware_t *or_device_hardware(const or_device_t *device);
/* Opens at the first call; a failure is kept as state UNAVAILABLE with its reason. *out lives as long as the device.
 * DEVICE_LOST later. */
or_status_t or_device_open(or_device_t *device, const or_backend_device_t **out);
/* As or_device_sample, for who lists or watches devices: one that nobody has used yet is not opened for it, since that
 * may take a second and hundreds of MiB (a driver's compiler); what it would report is then not known. The processor
 * is, and costs nothing. */
or_status_t or_device_look(or_device_t *device, or_device_sample_t *out);
/* Marks it lost (a backend answered DEVICE_LOST): later calls fail with DEVICE_LOST and the reason. */
void or_device_mark_lost(or_device_t *device, const char *reason);
/* The queue that sessions share, made at the first call; borrowed, lives as long as the device. */
struct or_queue_t;
or_status_t or_device_queue(or_device_t *device, struct or_queue_t **out);
/* For tests and accounting: buffers of this device that are alive, and copies that crossed into or out of its
 * memory. */
typedef struct or_device_counters_t {
  uint64_t live_buffers, allocations, writes, write_bytes, reads, read_bytes, copies, copy_bytes, runs, flops;
  uint32_t active; /* parts of work that were begun and not ended */
} or_device_counters_t;
or_device_counters_t or_device_counters(const or_device_t *device);

/* The device works on something, and is done with it; `flops`: floating-point operations that were carried out. Once
 * each, in this order; any thread. */
void or_device_work_begin(or_device_t *device);
void or_device_work_end(or_device_t *device, uint64_t flops);

#endif
