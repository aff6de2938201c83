#include "hal/event.h"

#include <assert.h>

#include "base/alloc.h"
#include "hal/spin_internal.h"

/* Counted, touched by any thread. `signalled` is set once, under the lock; `status` is written before it and
 * read-only after. */
struct or_event_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  atomic_uint signalled;
  or_mutex_t mutex;
  or_cond_t cond;
  uint32_t sleepers; /* under the mutex, likewise below */
  or_event_callback_t callback;
  void *callback_self;
  or_status_t status;
};

or_status_t or_event_create(const or_allocator_t *allocator, or_event_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_event_t), &memory);
  if (!or_ok(status)) return status;
  or_event_t *event = memory;
  or_ref_init(&event->ref);
  event->allocator = allocator;
  atomic_init(&event->signalled, 0);
  or_mutex_init(&event->mutex);
  or_cond_init(&event->cond);
  event->status = or_status_success();
  *out = event;
  return or_status_success();
}

void or_event_retain(or_event_t *event) { or_ref_retain(&event->ref); }

void or_event_release(or_event_t *event) {
  if (event == NULL || !or_ref_release(&event->ref)) return;
  or_status_ignore(event->status); /* every waiter was given a copy; nobody is left to be told */
  or_cond_deinit(&event->cond);
  or_mutex_deinit(&event->mutex);
  or_free(event->allocator, event);
}

void or_event_signal(or_event_t *event, or_status_t status) {
  or_mutex_lock(&event->mutex);
  assert(atomic_load(&event->signalled) == 0 && "an event is signalled once");
  event->status = status;
  atomic_store_explicit(&event->signalled, 1, memory_order_release);
  or_event_callback_t callback = event->callback;
  void *callback_self = event->callback_self;
  event->callback = NULL;
  if (event->sleepers > 0) or_cond_broadcast(&event->cond);
  or_mutex_unlock(&event->mutex);
  if (callback != NULL) callback(callback_self, event);
}

bool or_event_is_signalled(const or_event_t *event) {
  return atomic_load_explicit(&event->signalled, memory_order_acquire) != 0;
}

static or_status_t status_of(const or_event_t *event) {
  if (or_ok(event->status)) return or_status_success();
  return or_status_make(or_status_code(event->status), or_status_place(event->status), "%s",
                        or_status_message(event->status));
}

or_status_t or_event_wait(or_event_t *event, int64_t deadline_ns) {
  if (or_spin_while_equal(&event->signalled, 0, OR_SPIN_NS)) return status_of(event);
  bool in_time = true;
  or_mutex_lock(&event->mutex);
  ++event->sleepers;
  while (in_time && atomic_load_explicit(&event->signalled, memory_order_relaxed) == 0) {
    in_time = or_cond_wait_until(&event->cond, &event->mutex, deadline_ns);
  }
  --event->sleepers;
  or_mutex_unlock(&event->mutex);
  if (or_event_is_signalled(event)) return status_of(event);
  return or_error(OR_DEADLINE_EXCEEDED, "the deadline passed while waiting for submitted work");
}

void or_event_on_signal(or_event_t *event, or_event_callback_t callback, void *self) {
  or_mutex_lock(&event->mutex);
  assert(event->callback == NULL && "one callback an event");
  bool now = atomic_load_explicit(&event->signalled, memory_order_relaxed) != 0;
  if (!now) {
    event->callback = callback;
    event->callback_self = self;
  }
  or_mutex_unlock(&event->mutex);
  if (now) callback(self, event);
}
