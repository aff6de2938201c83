#ifndef OR_SCHEDULER_SCHEDULER_H
#define OR_SCHEDULER_SCHEDULER_H
/* When and where tasks run: one queue for every kind of work, ten priorities that age, placement by preference and
 * estimated finish, admission by concurrency and memory of the hardware, deadlines from acceptance, cancellation.
 * Counted objects; every function from any thread. */

#include "task/journal.h"
#include "task/task.h"

typedef struct or_scheduler_t or_scheduler_t;
typedef struct or_job_t or_job_t; /* a task that was accepted */

/* What happened to a job. Each at most once but PROGRESS; FINISHED last, and always. One that shares the run of another
 * has no STARTED where that run had begun. */
typedef enum or_job_event_t {
  OR_JOB_ADMITTED, /* it may run; of a durable one: it is on disk */
  OR_JOB_STARTED,  /* an attempt began */
  OR_JOB_PROGRESS,
  OR_JOB_FINISHED,
} or_job_event_t;
/* On a thread of the scheduler, of the journal or of the caller of cancel, outside every lock; it may call the
 * scheduler, and returns soon. */
typedef void (*or_job_listener_t)(void *self, or_job_t *job, or_job_event_t event);

/* Somebody who waits for a job: told FINISHED as `listener` is, or, with `admission`, the first of ADMITTED and
 * FINISHED. The memory is the waiter's, until then or until or_job_abandon said true. */
typedef struct or_job_watch_t {
  or_job_listener_t listener;
  void *self;
  bool admission;
  struct or_job_watch_t *next;
} or_job_watch_t;

#define OR_SCHEDULER_CONCURRENCY 4u      /* tasks at once on one hardware */
#define OR_SCHEDULER_MAX_CONCURRENCY 64u /* that may be set */
#define OR_SCHEDULER_MAX_WAITING 4096u   /* jobs */
#define OR_SCHEDULER_MAX_OWNER_WAITING 1024u
#define OR_SCHEDULER_MAX_WAITING_BYTES (UINT64_C(1) << 30) /* of their requests and inputs */
#define OR_SCHEDULER_KEEP_FINISHED 1024u                   /* jobs that can still be looked up */
#define OR_SCHEDULER_KEEP_BYTES (UINT64_C(64) << 20)       /* of their responses and outputs */
#define OR_SCHEDULER_AGE_NS INT64_C(2000000000)            /* a waiting job rises by one priority in that time */
#define OR_SCHEDULER_STUCK_NS INT64_C(30000000000) /* how long work may go on after it was cancelled or out of time */
#define OR_SCHEDULER_HERE_NS INT64_C(100000)       /* handing an inference over and its end back takes 40 us */
#define OR_SCHEDULER_MAX_DEVICES 64u
#define OR_SCHEDULER_ISOLATED 4u /* kernels of users at once on one hardware, beside its other tasks */

/* Zero means the default above. */
typedef struct or_scheduler_options_t {
  or_runtime_t *runtime;        /* retained */
  const or_journal_t *journal;  /* NULL: nothing outlives the process; must outlive the scheduler */
  struct or_model_pool_t *pool; /* of loaded models; NULL: each task loads its own; outlives the scheduler */
  const char *models_directory; /* copied; NULL: built-in models only */
  /* Kernels of users; NULL: there are none. They run in processes of their own, so they take places of their own too:
   * a kernel that does not end holds up no network. Outlives the scheduler. */
  struct or_kernel_registry_t *kernels;
  uint32_t max_waiting, max_owner_waiting, keep_finished;
  uint64_t max_waiting_bytes;
  int64_t age_ns, stuck_ns, here_ns;
  /* Everyone's events, after the job's own listener; may be NULL. */
  or_job_listener_t listener;
  void *listener_self;
} or_scheduler_options_t;
or_status_t or_scheduler_create(const or_scheduler_options_t *options, or_scheduler_t **out);
/* Takes no new work; what waits and is not durable is cancelled, durable work stays in the journal; waits for what runs
 * until `grace_ns` from now, then cancels it and waits for its end (or until it counts as stuck); what is durable of
 * that stays in the journal as begun, for its next attempt. Once. */
void or_scheduler_drain(or_scheduler_t *scheduler, int64_t grace_ns);
/* After a drain, and when no call is in flight; jobs that are still held stay readable. Takes NULL. */
void or_scheduler_free(or_scheduler_t *scheduler);

typedef struct or_job_request_t {
  or_task_t *task;        /* the scheduler's, on failure too */
  const char *task_id;    /* NULL: one is made */
  const char *owner;      /* id of the API key; NULL: "" */
  const char *request_id; /* for the log; NULL: none */
  const char *body;       /* as it came; copied only if durable */
  size_t body_bytes;
  const char *device;         /* the only one that can do it (a kernel's own), by its id; copied; NULL: any */
  const uint8_t *body_digest; /* OR_TASK_DIGEST_BYTES: tells the same task from another with its id; NULL: not told */
  bool durable;               /* recorded before anything is told of it; needs a journal */
  bool shared;                /* may have the result of an active job with this digest, itself `shared` */
  bool here;                  /* the calling thread may carry it out, if it is known to take no longer than `here_ns`:
                               * then all its events have come when the submission returns, but for a durable one,
                               * which is recorded after it ended */
  bool recovered;             /* is in the journal already: `attempts` and `created_us` count from there */
  int attempts;
  int64_t created_us, deadline_us; /* of a recovered one */
  const or_task_tensor_t *tensors; /* given tensors; retained */
  size_t tensor_count;
  const or_journal_blob_t *blobs; /* of a durable one: the same tensors, to be recorded with it */
  size_t blob_count;
  or_job_listener_t listener; /* may be NULL */
  void *listener_self;
  or_job_watch_t *watch; /* of a new job, as or_job_attend; may be NULL */
} or_job_request_t;

/* Why a request was not accepted. */
typedef enum or_refusal_kind_t {
  OR_REFUSED_REQUEST,  /* the request itself: see the status */
  OR_REFUSED_QUOTA,    /* the owner has too much waiting */
  OR_REFUSED_CAPACITY, /* everything is full, or it drains */
  OR_REFUSED_MEMORY,   /* it would never fit */
} or_refusal_kind_t;
typedef struct or_refusal_t {
  or_refusal_kind_t kind;
  double retry_after_s; /* estimated from the backlog; of QUOTA and CAPACITY */
} or_refusal_t;
/* Accepts a task before anything is allocated for it. *out: one reference. An id of an active or lately finished job of
 * the same owner and digest gives that job, `existing` true and no event.
 * ALREADY_EXISTS: the id stands for another task. INVALID_ARGUMENT: the id. FAILED_PRECONDITION: its device can't be
 * had, and it is strict. RESOURCE_EXHAUSTED: it needs more memory than the limit; the message has the arithmetic.
 * UNAVAILABLE: full (see `refusal`), or no device at all can be had. On failure no listener is called. */
typedef struct or_submission_result_t {
  or_job_t *job;
  bool existing;
  or_refusal_t refusal;
} or_submission_result_t;
or_status_t or_scheduler_submit(or_scheduler_t *scheduler, const or_job_request_t *request,
                                or_submission_result_t *result);

/* Waiting work ends at once, running work at its next node, tile or iteration. Nothing happens to finished work. */
void or_scheduler_cancel(or_scheduler_t *scheduler, or_job_t *job);
/* Waits for its end, or its admission. False: that was already. */
bool or_job_attend(or_job_t *job, or_job_watch_t *watch);
/* The waiter has gone. True: it hears nothing any more; a job that is not durable and has no other waiter is cancelled.
 * False: it was told already, or is being told. */
bool or_job_abandon(or_job_t *job, or_job_watch_t *watch);
/* FAILED_PRECONDITION: it does not wait any more. `priority` 1..10. */
or_status_t or_scheduler_set_priority(or_scheduler_t *scheduler, or_job_t *job, int priority);
/* An active or lately finished job; NULL `owner`: anyone's. One reference, or NULL. */
or_job_t *or_scheduler_find(or_scheduler_t *scheduler, const char *task_id, const char *owner);
/* Active jobs in the order of acceptance, one reference each; the number of them all. NULL `owner`: everyone's. */
size_t or_scheduler_active(or_scheduler_t *scheduler, const char *owner, or_job_t **jobs, size_t capacity);
/* Forgets a finished job. */
void or_scheduler_forget(or_scheduler_t *scheduler, or_job_t *job);

/* What a device may be given, as it was set; whether it is in a state to take work is or_device_state. */
typedef struct or_device_settings_t {
  bool is_available;        /* false: takes no new work, what runs there ends; what waits goes elsewhere, or waits */
  uint32_t max_concurrency; /* of its hardware; 0: the default */
  uint64_t memory_limit;    /* of its hardware, bytes; UINT64_MAX: none */
} or_device_settings_t;
or_device_settings_t or_scheduler_device(or_scheduler_t *scheduler, const or_device_t *device);
/* OUT_OF_RANGE names the bound. */
or_status_t or_scheduler_set_device(or_scheduler_t *scheduler, or_device_t *device,
                                    const or_device_settings_t *settings);
/* Work that is no task and holds a place of a device's hardware. In the caller's memory until or_scheduler_leave. */
typedef struct or_visit_t {
  or_device_t *device;
  bool alone;                         /* it wants all of the hardware */
  int64_t wait_ns;                    /* for room, at most */
  or_cancel_t *cancel;                /* requested when a drain's grace is over; may be requested by others */
  struct or_visit_t *previous, *next; /* the scheduler's */
} or_visit_t;
/* Begins, before the tasks that wait. UNAVAILABLE: no room came free, or the scheduler drains; FAILED_PRECONDITION: the
 * device was taken out or lost. */
or_status_t or_scheduler_visit(or_scheduler_t *scheduler, or_visit_t *visit);
void or_scheduler_leave(or_scheduler_t *scheduler, or_visit_t *visit); /* once for each visit that began */
typedef struct or_scheduler_load_t {
  size_t waiting, running;
  double backlog_s; /* estimated, of the busiest hardware */
} or_scheduler_load_t;
or_scheduler_load_t or_scheduler_load(or_scheduler_t *scheduler);
/* Records every task that has not ended yet, as far as it is, with whoever records what the runtime does. */
void or_scheduler_trace_active(or_scheduler_t *scheduler);
/* Running on that device now. */
size_t or_scheduler_running_on(or_scheduler_t *scheduler, const or_device_t *device);

/* Jobs. */
void or_job_retain(or_job_t *job);
void or_job_release(or_job_t *job); /* takes NULL */
const char *or_job_id(const or_job_t *job);
const char *or_job_owner(const or_job_t *job);
const or_task_t *or_job_task(const or_job_t *job);
/* A snapshot of what changes. */
typedef struct or_job_facts_t {
  or_task_state_t state;
  bool durable, admitted; /* recorded before anything is told of it; that is done */
  int priority, attempts;
  double progress;    /* 0..1 */
  char device_id[32]; /* "": not chosen yet */
  int64_t created_us, started_us, finished_us;
  int64_t accepted_ns, begun_ns, ended_ns; /* or_clock_ns; 0: not yet */
} or_job_facts_t;
or_job_facts_t or_job_facts(or_job_t *job);
/* After FINISHED, as long as the job is held: the TaskResponse, and the outputs. No response: there was no memory for
 * it, or (code UNAVAILABLE) the job ends elsewhere: a durable one after the restart, or it could not be recorded. */
const or_text_t *or_job_response(const or_job_t *job);
const or_task_result_t *or_job_result(const or_job_t *job);
or_status_code_t or_job_code(const or_job_t *job);
/* After FINISHED: how many jobs ended with it of one run they shared; 1 for one of its own. */
size_t or_job_run_jobs(const or_job_t *job);
uint64_t or_job_request_bytes(const or_job_t *job); /* of the body as it came, and the given tensors; any time */

#endif
