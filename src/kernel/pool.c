/* Leases: one worker for a device and an owner, one caller at a time. */
#include "kernel/pool.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "kernel/pool_internal.h"
#include "kernel/scratch.h"
#include "runtime/runtime.h"

#define START_MS 30000          /* from the start of a worker until its device is open */
#define IDLE_LOOK_NS 1000000000 /* between two looks at workers that nobody has */
#define CANCEL_LOOK_NS 20000000 /* between two looks at a request to stop */

static or_worker_slot_t *acquire(or_kernels_t *kernels, or_device_t *device, const char *owner,
                                 const or_cancel_t *cancel, or_status_t *status);
static or_status_t open_worker(or_kernels_t *kernels, or_worker_slot_t *slot, const or_cancel_t *cancel);
static void note_released(or_worker_slot_t *slot);
static void leave_to_tidier(or_kernels_t *kernels, or_worker_slot_t *slot);

or_status_t or_worker_lease(or_kernels_t *kernels, or_device_t *device, const char *owner, const or_cancel_t *cancel,
                            or_worker_slot_t **out) {
  or_status_t status = or_status_success();
  or_mutex_lock(&kernels->mutex);
  or_worker_slot_t *slot = acquire(kernels, device, owner, cancel, &status);
  if (slot != NULL) note_released(slot);
  or_mutex_unlock(&kernels->mutex);
  *out = NULL;
  if (slot == NULL) return status;
  if (!slot->opened) status = open_worker(kernels, slot, cancel);
  slot->opened = or_ok(status);
  if (or_ok(status)) {
    *out = slot;
  } else {
    or_worker_clear(kernels, slot);
  }
  return status;
}

/* --- Under the mutex --- */

static or_status_t start(or_kernels_t *kernels, or_worker_slot_t *slot, or_device_t *device, const char *owner);

static or_worker_slot_t *find(const or_kernels_t *kernels, const or_device_t *device, const char *owner) {
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    or_worker_slot_t *slot = &kernels->slots[i];
    if (slot->state != OR_WORKER_ABSENT && slot->device == device && strcmp(slot->owner, owner) == 0) return slot;
  }
  return NULL;
}

/* A free place, else the one whose worker was idle longest; NULL: all are in use. */
static or_worker_slot_t *find_place(const or_kernels_t *kernels) {
  or_worker_slot_t *place = NULL;
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    or_worker_slot_t *slot = &kernels->slots[i];
    if (slot->state == OR_WORKER_ABSENT) return slot;
    if (slot->state != OR_WORKER_IDLE) continue;
    if (place == NULL || slot->idle_since_ns < place->idle_since_ns) place = slot;
  }
  return place;
}

static void end_idle(or_kernels_t *kernels, or_worker_slot_t *slot) {
  slot->state = OR_WORKER_ENDING;
  or_mutex_unlock(&kernels->mutex);
  or_worker_clear(kernels, slot);
  or_mutex_lock(&kernels->mutex);
}

bool or_worker_is_busy(or_kernels_t *kernels, const char *owner) {
  bool own = false, all = true;
  or_mutex_lock(&kernels->mutex);
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    const or_worker_slot_t *slot = &kernels->slots[i];
    const bool at_work = slot->state == OR_WORKER_LEASED || slot->state == OR_WORKER_STARTING;
    own = own || (at_work && slot->owner != NULL && strcmp(slot->owner, owner) == 0);
    all = all && at_work;
  }
  or_mutex_unlock(&kernels->mutex);
  return own || all;
}

/* NULL: *status says why. */
static or_worker_slot_t *acquire(or_kernels_t *kernels, or_device_t *device, const char *owner,
                                 const or_cancel_t *cancel, or_status_t *status) {
  for (;;) {
    or_worker_slot_t *slot = find(kernels, device, owner);
    if (slot != NULL && slot->state == OR_WORKER_IDLE) {
      if (or_worker_is_sound(&slot->process)) {
        slot->state = OR_WORKER_LEASED;
        return slot;
      }
      end_idle(kernels, slot); /* it died, or says what nobody asked */
      continue;
    }
    or_worker_slot_t *place = slot == NULL ? find_place(kernels) : NULL;
    if (place != NULL && place->state == OR_WORKER_IDLE) {
      end_idle(kernels, place);
      continue;
    }
    if (place != NULL) {
      *status = start(kernels, place, device, owner);
      return or_ok(*status) ? place : NULL;
    }
    if (or_cancel_requested(cancel)) {
      *status = or_status_context(or_cancel_status(cancel), "waiting for a worker of kernels");
      return NULL;
    }
    (void)or_cond_wait_until(&kernels->changed, &kernels->mutex,
                             cancel != NULL ? or_clock_ns() + CANCEL_LOOK_NS : INT64_MAX);
  }
}

/* Has the keeper start one, and leases it. */
static or_status_t start(or_kernels_t *kernels, or_worker_slot_t *slot, or_device_t *device, const char *owner) {
  void *memory = NULL;
  or_status_t status = or_strdup(kernels->allocator, owner, &slot->owner);
  if (or_ok(status)) status = or_alloc(kernels->allocator, sizeof(or_leftover_t), &memory);
  if (or_ok(status) && !kernels->tidier.started)
    status = or_thread_start(&kernels->tidier, "or-tidier", or_worker_tidier, kernels);
  if (or_ok(status) && !kernels->keeper.started)
    status = or_thread_start(&kernels->keeper, "or-kernels", or_worker_keeper, kernels);
  if (!or_ok(status)) {
    or_free(kernels->allocator, memory);
    or_free(kernels->allocator, slot->owner);
    slot->owner = NULL;
    return status;
  }
  slot->leftover = memory;
  slot->device = device;
  slot->state = OR_WORKER_STARTING;
  slot->opened = false;
  slot->released_count = 0;
  memset(slot->resident, 0, sizeof slot->resident);
  memset(slot->forgotten, 0, sizeof slot->forgotten);
  or_cond_broadcast(&kernels->changed);
  while (slot->state == OR_WORKER_STARTING) or_cond_wait(&kernels->changed, &kernels->mutex);
  status = slot->start_status;
  slot->start_status = or_status_success();
  if (or_ok(status)) return status;
  or_mutex_unlock(&kernels->mutex);
  or_worker_clear(kernels, slot);
  or_mutex_lock(&kernels->mutex);
  return status;
}

static void note_released(or_worker_slot_t *slot) {
  for (uint32_t i = 0; i < slot->released_count; ++i) {
    for (uint32_t k = 0; k < OR_WORKER_MAX_KERNELS; ++k) {
      if (slot->resident[k] != slot->released[i]) continue;
      slot->resident[k] = 0;
      slot->forgotten[k] = true;
    }
  }
  slot->released_count = 0;
}

/* --- The keeper --- */

static void start_worker(or_kernels_t *kernels, or_worker_slot_t *slot) {
  const or_worker_start_t what = {kernels->program, or_device_facts(slot->device)->id, slot->cache,
                                  &kernels->environment};
  or_mutex_unlock(&kernels->mutex);
  or_scratch_cache(or_runtime_settings(kernels->runtime)->cache_directory, slot->owner, slot->cache,
                   sizeof slot->cache);
  or_status_t status = or_worker_start(&what, &slot->process);
  or_mutex_lock(&kernels->mutex);
  slot->start_status = status;
  slot->pid = slot->process.pid;
  slot->state = OR_WORKER_LEASED;
  or_cond_broadcast(&kernels->changed);
}

/* Nothing is asked of it, but what a kernel left behind in it may live on. */
static bool is_to_end(const or_kernels_t *kernels, const or_worker_slot_t *slot) {
  return kernels->stop || !or_worker_is_sound(&slot->process) ||
         or_worker_resident_bytes(&slot->process) > kernels->options.memory_bytes;
}

/* What is to be done next; NULL: nothing before *wake_ns. */
static or_worker_slot_t *next_task(or_kernels_t *kernels, int64_t *wake_ns) {
  const int64_t now = or_clock_ns(), idle_ns = (int64_t)kernels->options.idle_ms * 1000000;
  *wake_ns = INT64_MAX;
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    or_worker_slot_t *slot = &kernels->slots[i];
    if (slot->state == OR_WORKER_STARTING) return slot;
    if (slot->state != OR_WORKER_IDLE) continue;
    const int64_t end_ns = slot->idle_since_ns + idle_ns;
    if (end_ns <= now || is_to_end(kernels, slot)) return slot;
    if (end_ns < *wake_ns) *wake_ns = end_ns;
    if (now + IDLE_LOOK_NS < *wake_ns) *wake_ns = now + IDLE_LOOK_NS;
  }
  return NULL;
}

void or_worker_keeper(void *argument) {
  or_kernels_t *kernels = argument;
  or_mutex_lock(&kernels->mutex);
  for (;;) {
    int64_t wake_ns = 0;
    or_worker_slot_t *slot = next_task(kernels, &wake_ns);
    if (slot != NULL && slot->state == OR_WORKER_STARTING) {
      start_worker(kernels, slot);
    } else if (slot != NULL) {
      end_idle(kernels, slot);
    } else if (kernels->stop) {
      break;
    } else {
      (void)or_cond_wait_until(&kernels->changed, &kernels->mutex, wake_ns);
    }
  }
  or_mutex_unlock(&kernels->mutex);
}

/* --- The tidier --- */

void or_worker_tidier(void *argument) {
  or_kernels_t *kernels = argument;
  const char *cache = or_runtime_settings(kernels->runtime)->cache_directory;
  or_scratch_sweep(&kernels->tidying_end);
  or_mutex_lock(&kernels->mutex);
  while (!kernels->last_left || kernels->leftovers != NULL) {
    or_leftover_t *left = kernels->leftovers;
    if (left == NULL) {
      or_cond_wait(&kernels->left_some, &kernels->mutex);
      continue;
    }
    kernels->leftovers = left->next;
    or_mutex_unlock(&kernels->mutex);
    or_worker_tidy(&left->process, &kernels->tidying_end);
    or_free(kernels->allocator, left);
    or_scratch_sweep_cache(cache, &kernels->tidying_end);
    or_mutex_lock(&kernels->mutex);
  }
  or_mutex_unlock(&kernels->mutex);
}

/* Hands over what its worker has left. With the mutex held. */
static void leave_to_tidier(or_kernels_t *kernels, or_worker_slot_t *slot) {
  or_leftover_t *left = slot->leftover;
  slot->leftover = NULL;
  if (left == NULL || slot->process.scratch[0] == '\0') {
    or_free(kernels->allocator, left);
    return;
  }
  *left = (or_leftover_t){kernels->leftovers, slot->process};
  kernels->leftovers = left;
  slot->process.scratch[0] = '\0';
  or_cond_broadcast(&kernels->left_some);
}

/* --- Without the mutex --- */

static or_status_t open_worker(or_kernels_t *kernels, or_worker_slot_t *slot, const or_cancel_t *cancel) {
  const or_device_facts_t *facts = or_device_facts(slot->device);
  const or_backend_settings_t *settings = or_runtime_settings(kernels->runtime);
  const or_worker_open_t open = {.device = facts->id,
                                 .backend = facts->type,
                                 .cache_directory = slot->cache,
                                 .scratch = slot->process.scratch,
                                 .cpu_isa = settings->cpu_isa,
                                 .threads = settings->threads,
                                 .vendor_libraries = settings->vendor_libraries,
                                 .bounds_addresses = strcmp(facts->hardware_id, "host") == 0,
                                 .memory_bytes = kernels->options.memory_bytes};
  or_text_t request, reply;
  or_worker_opened_t opened = {.sandbox = 0};
  or_text_init(&request, kernels->allocator);
  or_text_init(&reply, kernels->allocator);
  or_status_t status = or_worker_write_open(&open, &request);
  if (or_ok(status))
    status = or_worker_exchange(&slot->process,
                                &(or_worker_exchange_t){.request = &request,
                                                        .descriptor = -1,
                                                        .answer = OR_WORKER_OPENED,
                                                        .bounds = {or_clock_ns() + START_MS * (int64_t)1000000,
                                                                   START_MS, cancel, kernels->options.memory_bytes},
                                                        .reply = &reply});
  if (or_ok(status)) status = or_worker_parse_opened(reply.data, reply.length, &opened);
  if (or_ok(status)) status = or_worker_outcome_status(&opened.outcome);
  or_text_deinit(&request);
  or_text_deinit(&reply);
  const bool bounded = (opened.sandbox & OR_SANDBOX_FILES) != 0 && (opened.sandbox & OR_SANDBOX_CALLS) != 0;
  if (or_ok(status))
    or_log(OR_LOG_RUNTIME, bounded ? OR_LOG_INFO : OR_LOG_WARNING, "kernel_worker_started",
           "device=%s pid=%ld files=%s calls=%s addresses=%s", facts->id, (long)slot->process.pid,
           opened.sandbox & OR_SANDBOX_FILES ? "bounded" : "free",
           opened.sandbox & OR_SANDBOX_CALLS ? "bounded" : "free",
           opened.sandbox & OR_SANDBOX_ADDRESSES ? "bounded" : "watched");
  return or_status_context(status, "a worker for kernels on \"%s\", started by \"%s worker\"", facts->id,
                           kernels->program);
}

void or_worker_give_back(or_kernels_t *kernels, or_worker_slot_t *slot) {
  if (slot->process.pid == 0) {
    or_worker_clear(kernels, slot);
    return;
  }
  or_mutex_lock(&kernels->mutex);
  slot->state = OR_WORKER_IDLE;
  slot->idle_since_ns = or_clock_ns();
  or_cond_broadcast(&kernels->changed);
  or_mutex_unlock(&kernels->mutex);
}

void or_worker_clear(or_kernels_t *kernels, or_worker_slot_t *slot) {
  or_worker_end(&slot->process, NULL);
  or_mutex_lock(&kernels->mutex);
  leave_to_tidier(kernels, slot);
  or_free(kernels->allocator, slot->owner);
  slot->owner = NULL;
  slot->device = NULL;
  slot->pid = 0;
  slot->state = OR_WORKER_ABSENT;
  or_cond_broadcast(&kernels->changed);
  or_mutex_unlock(&kernels->mutex);
}
