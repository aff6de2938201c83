#ifndef OR_HAL_QUEUE_H
#define OR_HAL_QUEUE_H
/* A queue of a device: work in order, carried out on the queue's one submitting thread, which alone touches the
 * backend's queue. */

#include "base/cancel.h"
#include "hal/device.h"
#include "hal/event.h"

typedef struct or_queue_t or_queue_t;

/* What work sees on the queue's thread. */
typedef struct or_queue_context_t {
  or_device_t *device;
  const or_backend_device_t *backend; /* its opened device */
  void *backend_queue;
} or_queue_context_t;
typedef or_status_t (*or_queue_work_t)(void *self, const or_queue_context_t *context);

#define OR_QUEUE_CAPACITY 1024u /* submissions that wait in one queue */

/* Starts the thread and opens the backend's queue on it. The device is opened if need be. UNAVAILABLE,
 * RESOURCE_EXHAUSTED, DEVICE_LOST. */
or_status_t or_queue_create(or_device_t *device, or_queue_t **out);
void or_queue_retain(or_queue_t *queue);
/* The last release waits until what was submitted is done, then closes. Never called on the queue's own thread. Takes
 * NULL. */
void or_queue_release(or_queue_t *queue);

/* The end of a submission, called once on the queue's thread, outside locks, after the backend's queue_finish; takes
 * the work's status. If the device was lost before the work began, the work was not run and the status says so. It may
 * submit again and give `self` back. */
typedef void (*or_queue_done_t)(void *self, or_status_t status);

typedef struct or_submission_t {
  or_queue_work_t work;
  void *self; /* valid until `signal` is signalled */
  or_event_t *const
      *waits; /* all signalled before work starts; a failed one fails this submission without running it. Retained. */
  size_t wait_count;
  or_event_t *signal;   /* signalled with the work's status after the backend's queue_finish; retained; may be NULL */
  or_queue_done_t done; /* in place of `signal`, for those who need no event; may be NULL */
} or_submission_t;
#define OR_QUEUE_MAX_WAITS 8u
/* Any thread. RESOURCE_EXHAUSTED (OR_QUEUE_CAPACITY), DEVICE_LOST; the work is then not run and `signal` not
 * signalled. */
or_status_t or_queue_submit(or_queue_t *queue, const or_submission_t *submission);
/* True on the submitting thread of any queue: where a queue must not be released. */
bool or_queue_on_thread(void);
/* Carries work out on the calling thread, beside what the queue has: for work that needs no `backend_queue`, which is
 * NULL then, and is shorter than a hand-over. Statuses of the work; DEVICE_LOST. */
or_status_t or_queue_run_here(or_queue_t *queue, or_queue_work_t work, void *self);
/* Submits and waits. */
or_status_t or_queue_run(or_queue_t *queue, or_queue_work_t work, void *self);

#endif
