#ifndef OR_TESTS_FAKE_FAKE_H
#define OR_TESTS_FAKE_FAKE_H
/* A second device for tests, with memory of its own that the host can't reach (or_memory_t.host is NULL, the handle
 * is no address of the bytes), so that nothing in the library becomes CPU-shaped. It runs nodes by the catalogue's C
 * reference and does on demand what real devices do on bad days: fail, get lost, run out of memory, be slow, refuse
 * operators.
 *
 * It is reached as any backend is, through its entry. What it is to do is set in process-wide state, since an entry
 * takes nothing but the host: a test calls or_fake_reset first. All functions: any thread. */

#include "openruntime/backend/backend.h"

or_status_t or_fake_entry(const or_host_t *host, or_backend_t *out);

/* Kinds of calls that arrive at the device. */
typedef enum or_fake_call_t {
  OR_FAKE_OPEN,
  OR_FAKE_ALLOC,
  OR_FAKE_WRITE,
  OR_FAKE_READ,
  OR_FAKE_COPY,
  OR_FAKE_QUEUE_OPEN,
  OR_FAKE_QUEUE_FINISH,
  OR_FAKE_COMPILE,
  OR_FAKE_RUN,  /* of an executable */
  OR_FAKE_NODE, /* within a run, before each node */
} or_fake_call_t;
#define OR_FAKE_CALL_COUNT 10

/* Back to one device that works: every operator, no fault, no limit, every gate open, counts at 0. Nothing of a
 * former test may be alive. */
void or_fake_reset(void);

/* Devices that enumeration finds: 0 to OR_FAKE_MAX_DEVICES; each has a hardware of its own ("fake-hw-0"), or all
 * share one. */
#define OR_FAKE_MAX_DEVICES 4u
void or_fake_set_devices(uint32_t count, bool shared_hardware);
/* Makes the memory of one device the host's (or_memory_t.host is set, memory_wrap is offered). */
void or_fake_set_unified(uint32_t index);
/* Bytes of memory of each device; beyond, alloc says RESOURCE_EXHAUSTED. UINT64_MAX: no limit. */
void or_fake_set_capacity(uint64_t bytes);
/* The operators it supports, NULL-terminated; NULL: all of the catalogue. Borrowed until the next reset. Others are
 * refused with the reason "not on the fake's list". */
void or_fake_set_supported(const char *const *operators);
/* Whether it takes fused nodes (domain "openruntime.fused"), running their parts. Off after a reset. */
void or_fake_set_fused(bool supported);

/* Whether what it compiles may run on any thread (or_executable_t.queue_optional). Not after a reset. */
void or_fake_set_queue_optional(bool optional);

/* Whether it compiles kernels of users (in the language of fake_kernel.c). Not after a reset. */
void or_fake_set_kernels(bool offered);

/* Adds `error` to the first element of what every node of this operator computes (float32, first output): a kernel that
 * is wrong. NULL: none is. `op` is borrowed until the next reset. */
void or_fake_set_wrong(const char *op, float error);

/* The nth call of a kind from now on (1: the next) fails with `code`, once. DEVICE_LOST loses the device: all later
 * calls fail so. */
void or_fake_fail(or_fake_call_t call, uint64_t nth, or_status_code_t code);
/* Slow on demand: calls of the kind wait at the gate until it is opened. */
void or_fake_close_gate(or_fake_call_t call);
void or_fake_open_gate(or_fake_call_t call);
/* Returns when `count` calls stand at the gate. */
void or_fake_wait_at_gate(or_fake_call_t call, uint64_t count);

/* Calls of a kind since the last reset, failed ones too. */
uint64_t or_fake_calls(or_fake_call_t call);
/* Bytes of device memory allocated now, and devices, queues and executables that were not given back. */
uint64_t or_fake_live_bytes(void);
uint64_t or_fake_live_objects(void);

#endif
