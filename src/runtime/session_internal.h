#ifndef OR_RUNTIME_SESSION_INTERNAL_H
#define OR_RUNTIME_SESSION_INTERNAL_H
/* A session's insides: shape classes (shape_class.c), runs (run.c), reports (report.c). */

#include "graph/plan.h"
#include "hal/latch.h"
#include "runtime/runtime_internal.h"
#include "runtime/session.h"

struct or_program_t; /* program/program.h */
struct or_program_report_t;

/* What an executable serves: the shapes of all inputs and the content of the deciding ones. */
typedef struct or_shape_class_t {
  or_graph_binding_t *bindings; /* one an input; data points into `content` */
  void *content;
  or_plan_t *plan; /* NULL while it is being prepared */
  uint64_t last_used;
} or_shape_class_t;

/* Counted. Everything above the mutex is read-only after creation. */
struct or_session_t {
  or_ref_t ref;
  or_runtime_t *runtime; /* kept */
  const or_graph_t *graph;
  or_device_t *device;
  or_session_options_t options;
  or_owner_t keep_alive;
  bool *deciding; /* per input */
  bool any_deciding;
  struct or_program_t *program; /* what runs it; NULL: its plans by shape, below */

  atomic_uint states; /* or_state_t that are alive */

  or_mutex_t mutex;   /* all below */
  or_cond_t prepared; /* a class was prepared, or failed to be */
  or_shape_class_t **classes;
  size_t class_count;
  uint64_t clock;
  or_run_t *idle_runs; /* kept for the next run: a run after the first allocates nothing */
  size_t idle_count;

  or_mutex_t derived_mutex;     /* the rest; taken before the mutexes of the sessions in it, never with the one above */
  struct or_derived_t *derived; /* state_internal.h */
  size_t derived_count, derived_capacity;
  uint64_t derived_clock;
};
#define OR_SESSION_IDLE_RUNS 16u

/* A run, from its start until whoever can name it let go. Counted: one for the work, one for the caller. Arrays by the
   graph's order. */
struct or_run_t {
  or_ref_t ref;
  or_session_t *session; /* retained while it is not idle */
  or_run_t *next;        /* in the session's idle list */
  or_cancel_t cancel;
  or_cancel_t *outer;    /* looked at instead; NULL: none */
  or_tensor_t **inputs;  /* retained */
  or_tensor_t **outputs; /* retained where the caller gave them */
  or_value_t **values;   /* of a program, instead: inputs, then outputs; a reference each */
  bool *wanted;
  bool *given; /* outputs that the caller gave */
  or_shape_t *shapes;
  or_graph_binding_t *key; /* the shape class asked for; data of deciding inputs */
  void *content;           /* copies of deciding inputs that the host can't reach */
  size_t content_capacity;
  or_plan_t *plan;       /* retained while it runs */
  bool here;             /* on the thread that starts it */
  or_binding_t *results; /* the caller's */
  size_t result_count;
  or_run_callback_t callback; /* NULL: someone waits */
  void *callback_self;
  uint64_t *copied_bytes; /* NULL, or counted into; lives until the run has ended */

  or_latch_t ended;
  or_status_t status; /* written before `ended` opens, read after */
};

/* The plan for run->key, retained in run->plan: made if there is none (blocks), by one thread if several ask at once.
   `cancel`, which may be NULL, ends making it and waiting for who makes it: CANCELLED, DEADLINE_EXCEEDED. */
or_status_t or_session_prepare(or_session_t *session, or_run_t *run, const or_cancel_t *cancel);
/* The same, where there is one; false: run->plan stays NULL. */
bool or_session_find_prepared(or_session_t *session, or_run_t *run);
void or_shape_classes_deinit(or_session_t *session);

/* Takes an idle run or makes one; or_run_release gives it back. */
or_status_t or_run_take(or_session_t *session, or_run_t **out);
void or_run_free(or_session_t *session, or_run_t *run);
/* Checks and resolves the bindings into the run (tensors retained). */
or_status_t or_run_bind(or_run_t *run, const or_binding_t *inputs, size_t input_count, or_binding_t *outputs,
                        size_t output_count);
void or_run_unbind(or_run_t *run);
/* or_session_run and or_session_run_async that add to *copied_bytes (may be NULL) what is copied of keys, values and
 * whole buffers; it must live until the run has ended. */
or_status_t or_run_and_count(or_session_t *session, const or_run_request_t *request, uint64_t *copied_bytes);
or_status_t or_run_async_and_count(or_session_t *session, const or_run_request_t *request, uint64_t *copied_bytes,
                                   or_run_t **out);
/* Starts on run->plan and waits. */
or_status_t or_run_wait(or_run_t *run, bool profile);
/* Hands results to the caller's bindings. */
void or_run_deliver(or_run_t *run);

/* A run for a program: on the calling thread where it is small, else waited for. */
typedef struct or_session_within_t {
  or_cancel_t *cancel;                    /* may be NULL */
  or_session_report_t **report;           /* NULL, or profiled: the caller's (or_session_report_free) */
  const struct or_expansion_t *expansion; /* NULL, or what the plan's memory has to fit in */
} or_session_within_t;
or_status_t or_session_run_within(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                  or_binding_t *outputs, size_t output_count, const or_session_within_t *within);

/* program_run.c: runs of a session that has a program. `report` may be NULL. */
or_status_t or_run_program(or_run_t *run, struct or_program_report_t *report);
/* The same on a thread of its own, which tells run->callback. */
or_status_t or_run_program_async(or_run_t *run);
or_status_t or_session_explain_program(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                       or_cancel_t *cancel, or_session_report_t **out);
/* An empty report and the arena of its text; or_session_report_free ends it. */
or_status_t or_session_report_make(or_session_t *session, or_session_report_t **out, or_arena_t **arena);

#endif
