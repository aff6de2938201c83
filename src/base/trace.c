#include "base/trace.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"

static _Thread_local uint32_t thread_number;
static _Thread_local or_trace_scope_t thread_scope;

uint32_t or_trace_thread(void) {
  static _Atomic uint32_t last;
  if (thread_number == 0) thread_number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
  return thread_number;
}

uint64_t or_trace_next_task(void) {
  static _Atomic uint64_t last;
  return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
uint64_t or_trace_owner(const char *id) {
  uint64_t hash = UINT64_C(14695981039346656037);
  if (id[0] == '\0') return 0;
  for (; *id != '\0'; ++id) hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
  return hash != 0 ? hash : 1;
}

or_trace_scope_t or_trace_scope(void) { return thread_scope; }

or_trace_scope_t or_trace_enter(or_trace_scope_t scope) {
  const or_trace_scope_t before = thread_scope;
  thread_scope = scope;
  return before;
}

void or_trace_recording_free(or_trace_recording_t *recording) {
  if (recording == NULL) return;
  or_free(recording->allocator, recording->events);
  or_free(recording->allocator, recording);
}

void or_trace_init(or_trace_t *trace, const or_allocator_t *allocator) {
  *trace = (or_trace_t){.allocator = allocator};
  atomic_init(&trace->on, false);
  or_mutex_init(&trace->mutex);
}

void or_trace_deinit(or_trace_t *trace) {
  or_trace_recording_free(trace->recording);
  or_mutex_deinit(&trace->mutex);
}

or_status_t or_trace_start(or_trace_t *trace, int64_t end_ns, size_t capacity) {
  void *memory = NULL, *events = NULL;
  or_status_t status = or_alloc_zeroed(trace->allocator, sizeof(or_trace_recording_t), &memory);
  if (or_ok(status)) status = or_alloc_array(trace->allocator, capacity, sizeof(or_trace_event_t), &events);
  if (!or_ok(status)) {
    or_free(trace->allocator, memory);
    return status;
  }
  or_trace_recording_t *recording = memory;
  recording->allocator = trace->allocator;
  recording->events = events;
  recording->end_ns = end_ns;
  or_mutex_lock(&trace->mutex);
  const bool busy = trace->recording != NULL;
  if (!busy) {
    recording->start_ns = or_clock_ns();
    recording->start_wall_us = or_clock_wall_us();
    trace->recording = recording;
    trace->capacity = capacity;
    trace->next = 0;
    atomic_store_explicit(&trace->on, true, memory_order_relaxed);
  }
  or_mutex_unlock(&trace->mutex);
  if (!busy) return status;
  or_trace_recording_free(recording);
  return or_error(OR_FAILED_PRECONDITION, "a profile is being recorded already");
}

static void know_thread(or_trace_recording_t *recording, uint32_t number) {
  for (size_t i = 0; i < recording->thread_count; ++i) {
    if (recording->threads[i].number == number) return;
  }
  if (recording->thread_count == OR_TRACE_MAX_THREADS) return;
  or_trace_thread_t *thread = &recording->threads[recording->thread_count++];
  thread->number = number;
  if (pthread_getname_np(pthread_self(), thread->name, sizeof thread->name) != 0) thread->name[0] = '\0';
}

static int64_t within(const or_trace_recording_t *recording, int64_t ns) {
  return ns < recording->start_ns ? recording->start_ns : ns > recording->end_ns ? recording->end_ns : ns;
}

static void add_locked(or_trace_t *trace, const or_trace_event_t *from) {
  or_trace_recording_t *recording = trace->recording;
  const int64_t first_ns = from->kind == OR_TRACE_TASK ? from->submitted_ns : from->begin_ns;
  if (first_ns >= recording->end_ns || from->end_ns < recording->start_ns) return;
  size_t at = recording->count;
  if (recording->count < trace->capacity) {
    ++recording->count;
  } else {
    at = trace->next;
    trace->next = (trace->next + 1) % trace->capacity;
    ++recording->dropped;
  }
  or_trace_event_t *event = &recording->events[at];
  *event = *from;
  if (event->kind != OR_TRACE_TASK && event->thread == 0) event->thread = or_trace_thread();
  if (event->submitted_ns != 0) event->submitted_ns = within(recording, event->submitted_ns);
  if (event->begin_ns != 0) event->begin_ns = within(recording, event->begin_ns);
  event->end_ns = within(recording, event->end_ns);
}

void or_trace_add(or_trace_t *trace, const or_trace_event_t *events, size_t count) {
  const uint32_t number = or_trace_thread();
  or_mutex_lock(&trace->mutex);
  if (trace->recording != NULL) {
    know_thread(trace->recording, number);
    for (size_t i = 0; i < count; ++i) add_locked(trace, &events[i]);
  }
  or_mutex_unlock(&trace->mutex);
}

/* The ring becomes a row, the oldest first, as long as it is full and no longer. */
or_trace_recording_t *or_trace_stop(or_trace_t *trace) {
  or_mutex_lock(&trace->mutex);
  or_trace_recording_t *recording = trace->recording;
  const size_t oldest = trace->next;
  trace->recording = NULL;
  atomic_store_explicit(&trace->on, false, memory_order_relaxed);
  or_mutex_unlock(&trace->mutex);
  if (recording == NULL) return NULL;
  const int64_t now_ns = or_clock_ns();
  if (now_ns < recording->end_ns) recording->end_ns = now_ns;
  void *memory = NULL;
  or_status_t status = or_alloc_array(recording->allocator, recording->count, sizeof(or_trace_event_t), &memory);
  if (or_ok(status) && recording->count > 0) {
    or_trace_event_t *row = memory;
    memcpy(row, recording->events + oldest, (recording->count - oldest) * sizeof *row);
    memcpy(row + (recording->count - oldest), recording->events, oldest * sizeof *row);
    or_free(recording->allocator, recording->events);
    recording->events = row;
  } else {
    or_free(recording->allocator, memory);
  }
  or_status_ignore(status); /* without memory for the row the ring serves: its order is of no account */
  return recording;
}
