#include "hal/queue.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/string.h"
#include "hal/device_internal.h"
#include "hal/spin_internal.h"

/* How a caller of or_queue_run waits: it lives on that caller's stack, and the queue's thread does not touch it once
 * `done` is set; what it sleeps on belongs to the queue, which outlives both. So a run that is waited for allocates
 * nothing. */
typedef struct waiter_t {
  atomic_uint done;
  or_status_t status;
} waiter_t;

typedef struct entry_t {
  or_queue_work_t work;
  void *self;
  or_event_t *waits[OR_QUEUE_MAX_WAITS];
  size_t wait_count;
  or_event_t *signal;
  or_queue_done_t done;
  waiter_t *waiter;
} entry_t;

/* Counted. The ring is filled by any thread and drained by the queue's own. */
struct or_queue_t {
  or_ref_t ref;
  or_device_t *device;
  or_thread_t thread;
  or_queue_context_t context; /* the queue's thread */

  or_mutex_t mutex;    /* all below */
  or_cond_t submitted; /* the queue's thread sleeps on it */
  or_cond_t finished;  /* callers of or_queue_run, and the creator, sleep on it */
  bool asleep, stop;
  uint32_t sleepers; /* on `finished` */
  size_t head, count;
  atomic_uint submissions; /* ever; looked at without the mutex while spinning */
  waiter_t opened;         /* the thread's start */
  entry_t ring[OR_QUEUE_CAPACITY];
};

static void queue_thread(void *argument);
static or_status_t wait_for(or_queue_t *queue, waiter_t *waiter);
static or_status_t push(or_queue_t *queue, const or_submission_t *submission, waiter_t *waiter);
static void destroy(or_queue_t *queue);

or_status_t or_queue_create(or_device_t *device, or_queue_t **out) {
  const or_backend_device_t *backend = NULL;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_device_open(device, &backend);
  if (!or_ok(status)) return status;
  status = or_alloc(device->allocator, sizeof(or_queue_t), &memory);
  if (!or_ok(status)) return status;
  or_queue_t *queue = memory;
  memset(queue, 0, offsetof(or_queue_t, ring)); /* the ring's pages stay untouched until they are used */
  or_ref_init(&queue->ref);
  queue->device = device;
  queue->context = (or_queue_context_t){.device = device, .backend = backend};
  or_mutex_init(&queue->mutex);
  or_cond_init(&queue->submitted);
  or_cond_init(&queue->finished);
  atomic_init(&queue->submissions, 0);
  atomic_init(&queue->opened.done, 0);

  char name[32];
  status =
      or_thread_start(&queue->thread, or_format(name, sizeof name, "or-%s", device->facts.id), queue_thread, queue);
  if (or_ok(status)) status = wait_for(queue, &queue->opened);
  if (!or_ok(status)) {
    destroy(queue);
    return or_status_context(status, "queue of device \"%s\"", device->facts.id);
  }
  *out = queue;
  return or_status_success();
}

void or_queue_retain(or_queue_t *queue) { or_ref_retain(&queue->ref); }

void or_queue_release(or_queue_t *queue) {
  if (queue != NULL && or_ref_release(&queue->ref)) destroy(queue);
}

/* The thread leaves when it is told to stop and the ring is empty: that is the drain. */
static void destroy(or_queue_t *queue) {
  assert((!queue->thread.started || !pthread_equal(pthread_self(), queue->thread.handle)) &&
         "a queue released on its own thread");
  or_mutex_lock(&queue->mutex);
  queue->stop = true;
  or_cond_signal(&queue->submitted);
  or_mutex_unlock(&queue->mutex);
  or_thread_join(&queue->thread);
  or_cond_deinit(&queue->finished);
  or_cond_deinit(&queue->submitted);
  or_mutex_deinit(&queue->mutex);
  or_free(queue->device->allocator, queue);
}

or_status_t or_queue_submit(or_queue_t *queue, const or_submission_t *submission) {
  return push(queue, submission, NULL);
}

or_status_t or_queue_run(or_queue_t *queue, or_queue_work_t work, void *self) {
  waiter_t waiter = {.status = or_status_success()};
  atomic_init(&waiter.done, 0);
  or_submission_t submission = {.work = work, .self = self};
  or_status_t status = push(queue, &submission, &waiter);
  return or_ok(status) ? wait_for(queue, &waiter) : status;
}

or_status_t or_queue_run_here(or_queue_t *queue, or_queue_work_t work, void *self) {
  or_status_t status = or_device_check_not_lost(queue->device);
  if (!or_ok(status)) return status;
  const or_queue_context_t context = {.device = queue->device, .backend = queue->context.backend};
  or_count(&queue->device->counters.runs, 1);
  return or_device_checked(queue->device, work(self, &context));
}

static or_status_t push(or_queue_t *queue, const or_submission_t *submission, waiter_t *waiter) {
  if (submission->wait_count > OR_QUEUE_MAX_WAITS) {
    return or_error(OR_INVALID_ARGUMENT, "a submission waits for %zu events; the limit is %u", submission->wait_count,
                    OR_QUEUE_MAX_WAITS);
  }
  or_status_t status = or_device_check_not_lost(queue->device);
  if (!or_ok(status)) return status;

  or_mutex_lock(&queue->mutex);
  if (queue->count == OR_QUEUE_CAPACITY) {
    or_mutex_unlock(&queue->mutex);
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "queue of device \"%s\": %u submissions wait already, the limit; wait for some of them",
                    queue->device->facts.id, OR_QUEUE_CAPACITY);
  }
  entry_t *entry = &queue->ring[(queue->head + queue->count) % OR_QUEUE_CAPACITY];
  *entry = (entry_t){.work = submission->work,
                     .self = submission->self,
                     .wait_count = submission->wait_count,
                     .signal = submission->signal,
                     .done = submission->done,
                     .waiter = waiter};
  for (size_t i = 0; i < submission->wait_count; ++i) {
    entry->waits[i] = submission->waits[i];
    or_event_retain(entry->waits[i]);
  }
  if (entry->signal != NULL) or_event_retain(entry->signal);
  ++queue->count;
  atomic_fetch_add_explicit(&queue->submissions, 1, memory_order_release);
  /* Under the mutex: work that hands over to this queue from another may be over, and the queue given back, as soon as
   * the mutex is free. */
  if (queue->asleep) or_cond_signal(&queue->submitted);
  queue->asleep = false; /* woken once, however many submit before it runs */
  or_mutex_unlock(&queue->mutex);
  return or_status_success();
}

static or_status_t wait_for(or_queue_t *queue, waiter_t *waiter) {
  if (!or_spin_while_equal(&waiter->done, 0, OR_SPIN_NS)) {
    or_mutex_lock(&queue->mutex);
    ++queue->sleepers;
    while (atomic_load_explicit(&waiter->done, memory_order_acquire) == 0)
      or_cond_wait(&queue->finished, &queue->mutex);
    --queue->sleepers;
    or_mutex_unlock(&queue->mutex);
  }
  return waiter->status;
}

static void finish_waiter(or_queue_t *queue, waiter_t *waiter, or_status_t status) {
  or_mutex_lock(&queue->mutex);
  bool wake = queue->sleepers > 0;
  waiter->status = status;
  atomic_store_explicit(&waiter->done, 1, memory_order_release);
  if (wake) or_cond_broadcast(&queue->finished);
  or_mutex_unlock(&queue->mutex);
}

static bool pop(or_queue_t *queue, unsigned *seen, entry_t *out);
static or_status_t carry_out(or_queue_t *queue, const entry_t *entry);
static void finish(or_queue_t *queue, entry_t *entry, or_status_t status);

static _Thread_local bool on_queue_thread;

bool or_queue_on_thread(void) { return on_queue_thread; }

static void queue_thread(void *argument) {
  or_queue_t *queue = argument;
  on_queue_thread = true;
  or_queue_context_t *context = &queue->context;
  or_status_t status =
      or_device_checked(queue->device, context->backend->queue_open(context->backend->self, &context->backend_queue));
  bool open = or_ok(status);
  finish_waiter(queue, &queue->opened, status);
  if (!open) return;

  entry_t entry;
  unsigned seen = 0;
  while (pop(queue, &seen, &entry)) finish(queue, &entry, carry_out(queue, &entry));
  context->backend->queue_close(context->backend->self, context->backend_queue);
}

/* Blocks until there is an entry; false when the queue is to stop and is empty. */
static bool pop(or_queue_t *queue, unsigned *seen, entry_t *out) {
  (void)or_spin_while_equal(&queue->submissions, *seen, OR_SPIN_NS);
  or_mutex_lock(&queue->mutex);
  while (queue->count == 0 && !queue->stop) {
    queue->asleep = true;
    or_cond_wait(&queue->submitted, &queue->mutex);
  }
  queue->asleep = false;
  bool found = queue->count > 0;
  if (found) {
    *out = queue->ring[queue->head];
    queue->head = (queue->head + 1) % OR_QUEUE_CAPACITY;
    --queue->count;
    ++*seen;
  }
  or_mutex_unlock(&queue->mutex);
  return found;
}

static or_status_t carry_out(or_queue_t *queue, const entry_t *entry) {
  for (size_t i = 0; i < entry->wait_count; ++i) {
    or_status_t status = or_event_wait(entry->waits[i], INT64_MAX);
    if (!or_ok(status)) return or_status_context(status, "work that this work waits for failed");
  }
  or_status_t status = or_device_check_not_lost(queue->device);
  if (!or_ok(status)) return status;

  const or_queue_context_t *context = &queue->context;
  or_count(&queue->device->counters.runs, 1);
  status = or_device_checked(queue->device, entry->work(entry->self, context));
  /* Even after a failure: what was enqueued before it must be over before the caller reuses the memory. */
  if (context->backend->queue_finish != NULL) {
    or_status_t finished = context->backend->queue_finish(context->backend->self, context->backend_queue);
    status = or_status_first(status, or_device_checked(queue->device, finished));
  }
  return status;
}

static void finish(or_queue_t *queue, entry_t *entry, or_status_t status) {
  for (size_t i = 0; i < entry->wait_count; ++i) or_event_release(entry->waits[i]);
  if (entry->waiter != NULL) {
    finish_waiter(queue, entry->waiter, status);
  } else if (entry->signal != NULL) {
    or_event_signal(entry->signal, status);
    or_event_release(entry->signal);
  } else if (entry->done != NULL) {
    entry->done(entry->self, status);
  } else {
    if (!or_ok(status)) {
      or_log(OR_LOG_HAL, OR_LOG_ERROR, "work_failed", "device=%s code=%s", queue->device->facts.id,
             or_status_mapping(or_status_code(status))->name);
    }
    or_status_ignore(status); /* the submitter asked for no answer; the log has it */
  }
}
