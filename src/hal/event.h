#ifndef OR_HAL_EVENT_H
#define OR_HAL_EVENT_H
/* A one-shot event: the end of a submission, with its status. Counted; any thread. */

#include "base/thread.h"

typedef struct or_event_t or_event_t;
or_status_t or_event_create(const or_allocator_t *allocator, or_event_t **out);
void or_event_retain(or_event_t *event);
void or_event_release(or_event_t *event); /* takes NULL */
/* Signals once, with success or the failure (taken). Wakes waiters, then calls the callback. */
void or_event_signal(or_event_t *event, or_status_t status);
bool or_event_is_signalled(const or_event_t *event);
/* Waits (spinning for a bound, then asleep) until signalled or `deadline_ns` (INT64_MAX: for ever): the event's
 * status (a copy), or DEADLINE_EXCEEDED. */
or_status_t or_event_wait(or_event_t *event, int64_t deadline_ns);
/* Calls back once on the signalling thread, outside locks, or at once if signalled already. At most one per event. */
typedef void (*or_event_callback_t)(void *self, or_event_t *event);
void or_event_on_signal(or_event_t *event, or_event_callback_t callback, void *self);

#endif
