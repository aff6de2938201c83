#ifndef OR_RUNTIME_RUNTIME_INTERNAL_H
#define OR_RUNTIME_RUNTIME_INTERNAL_H
/* The runtime's insides, for the files of this folder. */

#include "base/thread.h"
#include "openruntime/compute.h"
#include "openruntime/model.h"
#include "runtime/runtime.h"

/* A backend with its table, and where its devices stand in the runtime's list. */
typedef struct or_backend_slot_t {
  const char *name;
  or_backend_t table;
  bool entered; /* `table` is filled */
  size_t device_count;
  char failure[OR_STATUS_MESSAGE_BYTES]; /* why it was not entered or could not enumerate */
} or_backend_slot_t;

/* One-node sessions of or_compute, by what they compute; the least recently used goes. Under the mutex. */
#define OR_COMPUTE_CACHE_ENTRIES 64u
typedef struct or_compute_entry_t {
  uint64_t key[2]; /* two hashes of the call: equal keys are equal calls */
  uint64_t last_used;
  or_session_t *session; /* NULL: free */
} or_compute_entry_t;
typedef struct or_compute_cache_t {
  or_mutex_t mutex;
  bool closed; /* the last user let go: nothing is kept from now on, so that no cycle of references remains */
  uint64_t clock;
  or_compute_entry_t entries[OR_COMPUTE_CACHE_ENTRIES];
} or_compute_cache_t;

/* Two counts: users hold references of the public API; keeps are the users (one for all of them) and every buffer,
 * session and model.
 * Without users the compute cache is emptied, without keeps the runtime goes. */
struct or_runtime_t {
  or_ref_t users, keeps;
  const or_allocator_t *allocator;
  or_host_t host; /* lives as long as the backends */
  char *settings_text[3];
  or_backend_slot_t *backends;
  size_t backend_count;
  or_device_t **devices;
  size_t device_count, device_capacity;
  or_hardware_t **hardware;
  size_t hardware_count, hardware_capacity;
  or_compute_cache_t compute;
  or_model_limits_t model_limits;
  or_trace_t trace;
};

/* Keeps the runtime alive without being a user of it: for what is made with it. */
void or_runtime_keep(or_runtime_t *runtime);
void or_runtime_let_go(or_runtime_t *runtime);

void or_compute_cache_init(or_compute_cache_t *cache);
void or_compute_cache_close(or_compute_cache_t *cache); /* empties it for good */
void or_compute_cache_deinit(or_compute_cache_t *cache);

#endif
