#ifndef OR_RUNTIME_PROGRAM_PROGRAM_H
#define OR_RUNTIME_PROGRAM_PROGRAM_H
/* A graph that is not one static plan: control flow, sequences, optionals, strings, and shapes that only data can tell.
 * It becomes steps, each either a piece that runs as a session of its own, with its plans by shape, or one node that is
 * carried out on the host between them. Immutable but for its sessions, which are made at their first need; runs from
 * any thread but a queue's, several at once. */

#include "openruntime/value.h"
#include "runtime/program/alive.h"
#include "runtime/session_internal.h"

typedef struct or_program_t or_program_t;

/* What a run found out about its steps, for or_session_report_t; zero-initialise but for the arena. */
typedef struct or_program_report_t {
  or_arena_t *arena; /* rows and their text */
  const or_allocator_t *allocator;
  or_node_report_t *rows; /* or_free */
  size_t row_count, row_capacity;
  uint64_t *keys; /* per row: which node of which body it stands for; or_free */
  size_t key_capacity;
  const char *prefix; /* of the names of nodes in bodies: "If_0/" */
  or_session_report_t sums;
} or_program_report_t;

/* Whether a session has to run the graph as a program. RESOURCE_EXHAUSTED. */
or_status_t or_program_needed(const or_graph_t *graph, bool *needed);
/* `graph` is sorted, inferred and retained. UNIMPLEMENTED, by the node's name; RESOURCE_EXHAUSTED. */
or_status_t or_program_create(or_runtime_t *runtime, const or_graph_t *graph, const or_session_options_t *options,
                              or_program_t **out);
void or_program_release(or_program_t *program); /* takes NULL; no run is in flight */
/* What the sessions of its pieces hold. */
uint64_t or_program_held_bytes(const or_program_t *program);

typedef struct or_program_run_t {
  or_value_t *const *inputs;   /* per input of the graph; NULL: its default */
  or_value_t **outputs;        /* per output: one reference each, or NULL where it is not wanted; all NULL on failure */
  const bool *wanted;          /* per output; NULL: all */
  or_cancel_t *cancel;         /* may be NULL */
  or_program_report_t *report; /* NULL, or filled: every step is timed */
  or_alive_t *alive;           /* of the run that this is a body in; NULL: it is none */
} or_program_run_t;
/* Blocks. Statuses of or_session_run. */
or_status_t or_program_run(or_program_t *program, const or_program_run_t *run);

#endif
