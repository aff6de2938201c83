#ifndef OR_BASE_TRACE_H
#define OR_BASE_TRACE_H
/* What happened when, on every thread, as long as somebody records: a ring of events with a bound. While nobody does,
 * whoever might add an event pays for one relaxed load. */

#include "base/thread.h"

#define OR_TRACE_MAX_EVENTS 65536u /* of one recording; older ones go, and are counted */
#define OR_TRACE_MAX_THREADS 256u  /* with a name; further ones have none */
#define OR_TRACE_WORDS 64u         /* bytes of a name in an event; longer ones are cut */

typedef enum or_trace_kind_t {
  OR_TRACE_TASK,       /* submitted, begun, ended; label: its id. Not of a thread */
  OR_TRACE_WORK,       /* one attempt at a task, on its worker's thread */
  OR_TRACE_SUBMISSION, /* a piece of a model's plan, on a queue's thread; submitted, submitter: handed over */
  OR_TRACE_NODE,       /* within a submission; label: the operator */
  OR_TRACE_COPY        /* between devices; label: from where */
} or_trace_kind_t;

/* Of what is done for a task: which one. Everything else has zeros. */
typedef struct or_trace_scope_t {
  uint64_t task;  /* a number of the process's own */
  uint64_t owner; /* or_trace_owner of the key's id */
} or_trace_scope_t;

typedef struct or_trace_event_t {
  or_trace_kind_t kind;
  uint32_t thread, submitter; /* or_trace_thread(); 0: none */
  or_trace_scope_t scope;
  int64_t submitted_ns, begin_ns, end_ns; /* or_clock_ns; begin 0: a task that never began */
  const char *device;                     /* id; lives as long as the trace; NULL: none */
  double flops, bytes;
  char name[OR_TRACE_WORDS], label[OR_TRACE_WORDS], kernel[OR_TRACE_WORDS];
} or_trace_event_t;

typedef struct or_trace_thread_t {
  uint32_t number;
  char name[16];
} or_trace_thread_t;

/* What a recording gave; in the order in which events ended. */
typedef struct or_trace_recording_t {
  const or_allocator_t *allocator;
  or_trace_event_t *events;
  size_t count;
  uint64_t dropped; /* events older than those, for which there was no room */
  int64_t start_ns, end_ns, start_wall_us;
  or_trace_thread_t threads[OR_TRACE_MAX_THREADS];
  size_t thread_count;
} or_trace_recording_t;
void or_trace_recording_free(or_trace_recording_t *recording); /* takes NULL */

/* Any thread, but for its fields. */
typedef struct or_trace_t {
  atomic_bool on; /* somebody records */
  const or_allocator_t *allocator;
  or_mutex_t mutex; /* all below */
  or_trace_recording_t *recording;
  size_t capacity, next; /* where the next event goes, once the ring is full */
} or_trace_t;
void or_trace_init(or_trace_t *trace, const or_allocator_t *allocator);
void or_trace_deinit(or_trace_t *trace); /* nobody adds any more */

/* `trace` may be NULL. */
static inline bool or_trace_on(const or_trace_t *trace) {
  return trace != NULL && atomic_load_explicit(&trace->on, memory_order_relaxed);
}

/* Records what begins before `end_ns`, at most `capacity` events (1..OR_TRACE_MAX_EVENTS). FAILED_PRECONDITION:
 * somebody records already; RESOURCE_EXHAUSTED. */
or_status_t or_trace_start(or_trace_t *trace, int64_t end_ns, size_t capacity);
/* Events that ended, by one thread; times outside of the recording are cut to it, what lies outside is left out. Takes
 * the calling thread's number where an event has none (but of tasks). */
void or_trace_add(or_trace_t *trace, const or_trace_event_t *events, size_t count);
/* What was recorded, the caller's; NULL: nobody recorded. */
or_trace_recording_t *or_trace_stop(or_trace_t *trace);

uint32_t or_trace_thread(void);          /* the calling thread's number, from 1 */
uint64_t or_trace_owner(const char *id); /* 0 for "" */
uint64_t or_trace_next_task(void);
/* What the calling thread works for from here on; gives what it was before. */
or_trace_scope_t or_trace_enter(or_trace_scope_t scope);
or_trace_scope_t or_trace_scope(void);

#endif
