#ifndef OR_RUNTIME_SESSION_H
#define OR_RUNTIME_SESSION_H
/* Sessions over a graph: shape classes and runs. openruntime/session.h's or_session_create is in model/, which knows
   what a model is. */

#include "base/cancel.h"
#include "graph/graph.h"
#include "openruntime/session.h"

/* `graph` is sorted and inferred; retained. `keep_alive` (may be empty) is released with the session. Statuses of
   or_session_create. */
or_status_t or_session_create_for_graph(or_runtime_t *runtime, const or_graph_t *graph,
                                        const or_session_options_t *options, or_owner_t keep_alive, or_session_t **out);
/* As or_session_run, on the calling thread and beside what the device's queue has, where handing it over would cost
 * more than the run: its plan is there already, and small (or_plan_is_small). Else *ran is false and nothing was
 * done. */
or_status_t or_session_run_here(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                or_binding_t *outputs, size_t output_count, bool *ran);
/* As or_session_run, ended by `cancel` (CANCELLED, DEADLINE_EXCEEDED), where the graph is a program: its steps are
 * carried out on the calling thread, so that no other one need be started. Else *ran is false and nothing was done. */
or_status_t or_session_run_program(or_session_t *session, const or_run_request_t *request, or_cancel_t *cancel,
                                   bool *ran);
/* As or_session_run_async; `cancel`, which may be NULL, ends the preparation of what was not prepared yet: CANCELLED,
 * DEADLINE_EXCEEDED. It is not looked at any more once this has returned. */
or_status_t or_session_start(or_session_t *session, const or_run_request_t *request, const or_cancel_t *cancel,
                             or_run_t **out);
/* As or_session_explain with `profile`; the run ends with CANCELLED or DEADLINE_EXCEEDED when `cancel`, which may be
 * NULL, says so. */
or_status_t or_session_profile(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                               or_cancel_t *cancel, or_session_report_t **out);
/* Where what it ran last ran. */
typedef struct or_session_place_t {
  double share;        /* 0..1 of the operations on the session's device; 1 where nothing is known */
  char elsewhere[192]; /* what ran elsewhere, and why, where that is more than the hundredth part; else "" */
} or_session_place_t;
/* Of the shape class that was used last; of a program no share, but that its steps are the processor's. Any thread. */
or_session_place_t or_session_place(or_session_t *session);
/* Memory that the session holds beside its model, in bytes, at this moment. Any thread. */
typedef struct or_session_memory_t {
  uint64_t arena_bytes; /* what its runs keep: workspace, and values between segments of each run that has memory */
  uint64_t state_bytes; /* of states that were made with it */
  bool state_known;     /* false: there are states, whose bytes change with each run */
} or_session_memory_t;
or_session_memory_t or_session_memory(or_session_t *session);
/* For tests: the shape classes that are compiled now. */
size_t or_session_class_count(const or_session_t *session);

#endif
