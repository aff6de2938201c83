#ifndef OR_SCHEDULER_SCHEDULER_INTERNAL_H
#define OR_SCHEDULER_SCHEDULER_INTERNAL_H
/* The scheduler's insides, for the files of this folder. One lock, `mutex`, guards all that is not said to be
 * otherwise; nobody is called back and no disk or device is waited for while it is held. */

#include "base/alloc.h"
#include "base/thread.h"
#include "runtime/runtime.h"
#include "scheduler/scheduler.h"
#include "task/estimate.h"

#define OR_SCHEDULER_PRIORITIES 10
#define OR_SCHEDULER_RATES 32 /* kinds of work whose speed on a device is remembered */
#define OR_SCHEDULER_KIND_BYTES 32
#define OR_SCHEDULER_BUCKETS 4096u
#define OR_SCHEDULER_LOOK_AHEAD 64u /* jobs of one priority that are looked at for one that fits */

#define OR_SCHEDULER_FAMILIAR 8u /* shapes of short work: fewer than a session keeps plans for */
#define OR_SCHEDULER_TIMES 3u    /* of each that are remembered */

typedef struct hardware_t hardware_t;

/* Work of one shape that a device did lately without another thread. */
typedef struct familiar_t {
  uint64_t shape; /* or_task_estimate_t's; 0: none */
  uint64_t last_used;
  double seconds[OR_SCHEDULER_TIMES]; /* the latest */
  size_t count;                       /* that there were */
} familiar_t;

/* A device, and how fast it was. */
typedef struct place_t {
  or_device_t *device;
  hardware_t *hardware;
  bool is_available;
  struct {
    char operation[OR_SCHEDULER_KIND_BYTES], type[OR_SCHEDULER_KIND_BYTES];
    double units_per_s; /* smoothed */
  } rates[OR_SCHEDULER_RATES];
  size_t rate_count;
  size_t running;
  bool stuck; /* the watchdog took it out */
  familiar_t familiar[OR_SCHEDULER_FAMILIAR];
  uint64_t familiar_clock;
} place_t;

#define OR_EXECUTION_MAX_JOBS 64u
#define OR_SCHEDULER_MAX_PLACES (2 * OR_SCHEDULER_MAX_DEVICES) /* each device's own, and those for isolated work */

/* One attempt at a piece of work, on the stack of a worker or of who brought it (its thread, from here on), for one job
 * or for several that asked for the same. `result` and `progress_ppm` belong to that thread until it ends. */
typedef struct execution_t {
  or_job_t *job;     /* whose task is carried out; one reference. It may have left the members */
  or_job_t *members; /* whom it is carried out for, linked by `member_next` */
  place_t *place;
  or_cancel_t cancel; /* requested when nobody is left; its deadline is the latest of theirs */
  or_task_result_t result;
  uint32_t progress_ppm;
  double expected_s;
  bool here;          /* on the thread of who brought it */
  int64_t overdue_ns; /* when the watchdog first saw that it should have ended; 0: it has not */
  bool abandoned;     /* counts as stuck: its members are ended without it */
} execution_t;

struct hardware_t {
  or_scheduler_t *scheduler;
  const char *id; /* of a device's facts */
  bool isolated;  /* its other places: for work that runs in another process */
  uint32_t concurrency, worker_count, idle;
  bool waking;      /* an idle worker was signalled and has not looked yet: it wakes the next one if there is more */
  uint32_t running; /* executions and visitors */
  uint32_t wanted;  /* visitors that wait: nothing new begins */
  bool exclusive;   /* what runs wants to be alone */
  uint64_t reserved_bytes; /* estimated, of what runs */
  uint64_t idle_used_bytes;
  uint64_t memory_limit;
  double running_s; /* estimated seconds of what runs */
  execution_t *executions[OR_SCHEDULER_MAX_CONCURRENCY];
  or_thread_t workers[OR_SCHEDULER_MAX_CONCURRENCY];
  or_cond_t wake;
};

/* Whether a job's next attempt is on record before it begins: start.c. */
typedef enum or_start_t { OR_START_NONE, OR_START_UNDER_WAY, OR_START_RECORDED } or_start_t;

struct or_job_t {
  or_ref_t ref;
  bool has_digest, durable, recovered, shares;
  or_scheduler_t *scheduler;
  or_task_t *task;
  char task_id[OR_TASK_ID_BYTES], owner[OR_TASK_OWNER_BYTES];
  char only_device[32];              /* or_job_request_t.device; "": any */
  char request_id[OR_TASK_ID_BYTES]; /* of whoever brought it, for the log; "" */
  char *body;
  size_t body_bytes;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  or_task_tensor_t *tensors;
  size_t tensor_count;
  or_job_listener_t listener;
  void *listener_self;
  or_trace_scope_t scope; /* what its work is recorded as */
  or_task_estimate_t estimate;
  uint64_t request_bytes; /* what it holds while it waits */
  int64_t created_us, deadline_us, accepted_ns, deadline_ns;
  or_cancel_t cancel;
  _Atomic uint32_t progress_ppm;
  /* Under the lock: */
  or_task_state_t state;
  or_job_watch_t *watches; /* who waits for its end */
  bool deserted;           /* it is out of the table, and has no end here */
  bool waiting;            /* in the queue */
  bool admitted;           /* may wait in the queue */
  bool ending;             /* somebody is ending it: nobody else does */
  bool interrupted;        /* it was asked to end because the server ends, and for no other reason */
  bool shared_run;
  or_start_t start;
  bool whole;     /* begun before it is recorded: its one row has its end; whole.c */
  double waits_s; /* what it is expected to take, as counted among what waits */
  int priority, attempts;
  int64_t started_us, finished_us, begun_ns, ended_ns;
  char device_id[32];
  const or_device_t *gone;                 /* went during the latest attempt; NULL: none did */
  or_job_t *next, *previous;               /* in the queue */
  or_job_t *bucket_next;                   /* in the table of ids */
  or_job_t *member_next;                   /* in an execution, or behind the one of several that is in the queue */
  or_job_t *leader;                        /* the one in the queue that this one waits with */
  execution_t *execution;                  /* that it is a member of */
  or_job_t *active_next, *active_previous; /* in the order of acceptance; of finished ones in that of their end */
  uint64_t kept_bytes;
  /* Written by whoever ends it, before FINISHED; then read only: */
  or_task_result_t result;
  or_text_t response;
  or_status_code_t code;
  uint32_t run_jobs;      /* that ended with it, of one run */
  or_status_t unrecorded; /* why the journal did not take a whole one: whoever brought it is told */
};

typedef struct job_list_t {
  or_job_t *first, *last;
  size_t count;
} job_list_t;

struct or_scheduler_t {
  const or_allocator_t *allocator;
  or_runtime_t *runtime;
  or_scheduler_options_t options; /* with the defaults put in */
  char *models_directory;
  or_mutex_t mutex;
  or_cond_t clock_wake, quiet; /* the clock's thread; nothing runs any more */
  or_cond_t recorded;          /* starts that were under way */
  or_thread_t clock;
  place_t places[OR_SCHEDULER_MAX_PLACES]; /* the isolated ones behind the others */
  hardware_t hardware[OR_SCHEDULER_MAX_PLACES];
  size_t place_count, hardware_count;
  job_list_t queue[OR_SCHEDULER_PRIORITIES + 1]; /* by priority, 1 to 10 */
  job_list_t active, finished;
  or_job_t *buckets[OR_SCHEDULER_BUCKETS];
  size_t waiting, running, abandoned, admitting;
  size_t waiting_isolated; /* of those that wait */
  double waiting_s;        /* expected, of all that wait */
  or_visit_t *visits;      /* that have begun */
  uint64_t waiting_bytes, kept_bytes;
  int64_t next_deadline_ns; /* that the clock's thread waits for */
  bool ran;                 /* something began since the clock's thread looked last */
  bool draining, stopping;
};

/* job.c */
/* Takes the task, also on failure. */
or_status_t or_job_make(or_scheduler_t *scheduler, const or_job_request_t *request, or_job_t **out);
void or_job_tell(or_job_t *job, or_job_event_t event);
/* With the lock held: at the end of those who wait. */
void or_job_watch(or_job_t *job, or_job_watch_t *watch);
or_job_watch_t *or_job_take_admission_watches(or_job_t *job);
void or_job_tell_watches(or_job_t *job, or_job_watch_t *watches, or_job_event_t event); /* without the lock */
/* Ends a job whose `ending` the caller has set, without the lock: writes the response, moves it to the finished ones,
 * records it, tells the listeners. Takes the status. `result` may be NULL; what it holds goes to the job. */
void or_job_end(or_job_t *job, or_status_t status, or_task_result_t *result);
/* The last part of it, once a whole job is recorded: the state, the table, the listeners. */
void or_job_settle(or_job_t *job);
/* The same for one that could not be recorded: as if it had not been carried out. Takes the status. */
void or_job_end_unrecorded(or_job_t *job, or_status_t status);
/* Without the lock, of a job that is out of the table and has no end here: who waits hears FINISHED, finds no response,
 * and `code` says why. */
void or_job_desert(or_job_t *job, or_status_code_t code);
void or_job_record(or_job_t *job, or_task_record_t *record);

/* job_log.c: one line of a job's life. */
void or_job_log(or_job_t *job, or_job_event_t event);

/* trace.c: for whoever records. */
void or_job_trace(or_job_t *job, int64_t end_ns); /* the task as a whole */
void or_job_trace_work(const or_job_t *job, int64_t begin_ns);

/* table.c: all with the lock held */
/* The queue's links, in the order of acceptance. */
void or_list_insert(job_list_t *list, or_job_t *job);
void or_list_remove(job_list_t *list, or_job_t *job);
void or_table_insert(or_scheduler_t *scheduler, or_job_t *job);
void or_table_remove(or_scheduler_t *scheduler, or_job_t *job);
or_job_t *or_table_find(or_scheduler_t *scheduler, const char *task_id, const char *owner);
/* From the active to the finished ones; *victims: those whose time is over, linked by `next`, for or_job_release
 * without the lock. */
void or_table_finish(or_scheduler_t *scheduler, or_job_t *job, or_job_t **victims);

/* waiting.c: all with the lock held */
void or_hardware_wake(hardware_t *hardware); /* one idle worker, unless one is about to look */
void or_waiting_push(or_scheduler_t *scheduler, or_job_t *job);
/* A device went: what waited for it may begin elsewhere. */
void or_waiting_look_again(or_scheduler_t *scheduler);
/* The same of a device that went for good: what may only be there ends. */
void or_waiting_look_elsewhere(or_scheduler_t *scheduler);
void or_waiting_remove(or_scheduler_t *scheduler, or_job_t *job);
/* The job that this hardware is to begin now, and the device for it; NULL: none may. */
or_job_t *or_waiting_next(hardware_t *hardware, place_t **place);

/* place.c */
or_status_t or_places_open(or_scheduler_t *scheduler);
place_t *or_place_of(or_scheduler_t *scheduler, const or_device_t *device);
/* With the lock held. Whether the task may run there now; *why says so where it is not where it was asked to be. */
bool or_place_allows(or_scheduler_t *scheduler, const or_job_t *job, const place_t *place, bool *preferred);
bool or_place_usable(const place_t *place);
/* Every device that the task may ever have was lost, or can't be opened, which stays so: it waits in vain. False where
 * one was only taken out, or is not there at all. */
bool or_place_in_vain(const or_scheduler_t *scheduler, const or_job_t *job);
/* Of such a job, or of one whose device is not to be had now: in words, what became of the device that it is meant for,
 * `device "x" was lost: it did not answer`. */
const char *or_place_what_became(const or_scheduler_t *scheduler, const or_job_t *job, char *text, size_t capacity);
double or_place_seconds(const place_t *place, const or_task_t *task, const or_task_estimate_t *estimate);
/* On the best of the devices that it may have now; 0: there is none. */
double or_place_least_seconds(or_scheduler_t *scheduler, const or_job_t *job);
void or_place_learn(place_t *place, const or_task_t *task, const or_task_estimate_t *estimate, double seconds);
/* Seconds until a new task of average size could begin on the least busy hardware that the preference allows. */
double or_place_backlog(or_scheduler_t *scheduler);
bool or_place_fits(const hardware_t *hardware, uint64_t bytes);

/* share.c: all with the lock held */
/* An active job that asked for the same and has room beside it; NULL: there is none. */
or_job_t *or_share_find(or_job_t *job);
/* Waits with `other`, or becomes a member of its execution. */
void or_share_join(or_job_t *job, or_job_t *other);
/* Takes a job out of what it waits or runs in. True: that can be, and the caller ends it. False: somebody ends it
 * already, or it was the last of its execution, which has been asked to end. */
bool or_share_leave(or_job_t *job);
/* The members of an execution, one reference each. */
size_t or_share_members(const execution_t *execution, or_job_t *jobs[OR_EXECUTION_MAX_JOBS]);
/* The members may go on only until here. */
void or_share_set_deadline(execution_t *execution);

/* scheduler.c: without the lock. A durable job that is out of the table runs after the restart; here it has ended
 * without a response. Lets go of the table's reference. */
void or_job_leave_on_disk(or_job_t *job);

/* start.c: without the lock. The starts of the members, on record when it returns OK. */
or_status_t or_starts_record(const execution_t *execution);
/* With the lock held: a new job is to begin so soon that the row which admits it may have its first start as well. */
bool or_start_is_soon(const or_job_t *job);
/* A job that is left on disk, though its start was recorded. */
void or_start_take_back(or_job_t *job);

/* whole.c: without the lock */
/* A durable job begins at once, before it is recorded; false: it has to wait for its row. */
bool or_whole_begin(execution_t *execution, or_job_t *job);
/* With the lock held: its device was lost, and it is to have another attempt, which waits for its row. */
void or_whole_put_back(or_job_t *job);
/* Its row is on disk, or can't be: a journal's `done`, of the job. */
void or_whole_recorded(void *job, or_status_t status);

/* here.c: with the lock held. Where a job that waits for nothing may begin at once on the thread that brings it; NULL:
 * it is to wait for a worker. */
place_t *or_here_place(or_job_t *job);
/* The next of those that wait, taken out of the queue, if it may begin at once on this thread, which then waits for
 * nothing; NULL: none waits, or the next is for a worker. */
or_job_t *or_here_take(or_scheduler_t *scheduler, place_t **place);
void or_here_remember(place_t *place, const or_task_estimate_t *estimate, const or_task_result_t *result);
void or_here_forget(place_t *place, const or_task_estimate_t *estimate);

/* waiting.c, with the lock held: the device of this hardware that is best for the job; NULL: it may not run there, or
 * would be done sooner elsewhere. And whether there is room for it now. */
place_t *or_waiting_choose(hardware_t *hardware, const or_job_t *job);
bool or_waiting_has_room(const hardware_t *hardware, const or_job_t *job);

/* execute.c */
/* With the lock held: the job, in no queue, is begun on this device. The execution is the caller's, who unlocks and
 * carries it out. */
void or_execution_begin(execution_t *execution, or_job_t *job, place_t *place);
void or_execution_carry_out(execution_t *execution);
void or_worker_main(void *hardware);
void or_clock_main(void *scheduler);

#endif
