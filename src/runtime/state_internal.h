#ifndef OR_RUNTIME_STATE_INTERNAL_H
#define OR_RUNTIME_STATE_INTERNAL_H
/* States: what is tied (state_ties.c), runs (state_run.c), the sessions that serve every length (state_session.c). */

#include "graph/cached.h"
#include "openruntime/state.h"
#include "runtime/session_internal.h"

/* A session over a graph that appends to caches; of one number of new rows. Under the session's derived_mutex. */
typedef struct or_derived_t {
  or_graph_cached_t request; /* ties: a copy */
  or_session_t *session;
  uint64_t last_used;
} or_derived_t;

/* Counted. What stands above the mutex is read-only after creation. */
struct or_state_t {
  or_ref_t ref;
  or_session_t *session;    /* retained */
  or_graph_cached_t layout; /* ties (own), mask, batch, capacity; rows is not used */
  int32_t *growth;          /* per tie: the dimension along which it grows; -1: none */
  bool grows, appends;
  char reason[160];

  or_mutex_t mutex;   /* all below; taken before the session's */
  bool running;       /* a run is under way: what stands under it is the run's, `held` and `length` change at its end */
  or_tensor_t **held; /* per tie: the cache, or what the next run is given */
  int64_t length;
  uint64_t copied_bytes;
  or_tensor_t *mask, *past_length; /* inputs of the appending graph, in host memory */
  or_binding_t *inputs, *outputs;
  or_session_t *target;     /* retained: this state's, or the one that appends `rows` rows */
  or_run_request_t request; /* to the target */
  int64_t rows;
  uint64_t run_copied_bytes;
  or_run_callback_t callback; /* the caller's, and the outputs that are to be filled */
  void *callback_self;
  or_binding_t *results;
  size_t result_count;
};

static inline const or_value_info_t *input_of(const or_state_t *state, uint32_t index) {
  return &state->session->graph->values[state->session->graph->inputs[index]];
}

static inline const or_value_info_t *output_of(const or_state_t *state, uint32_t index) {
  return &state->session->graph->values[state->session->graph->outputs[index]];
}

static inline const or_value_info_t *tied_input(const or_state_t *state, size_t tie) {
  return input_of(state, state->layout.ties[tie].input);
}

/* Fills ties, growth, mask. Statuses of or_state_create. */
or_status_t or_state_find_ties(or_state_t *state, const or_state_options_t *options);
/* The shape of a tied input when the state is empty; `capacity` where it is a cache. */
or_shape_t or_state_shape(const or_state_t *state, size_t tie, int64_t length);
/* The session for `rows` new rows, retained, in *out; NULL, and `reason`, where there can be none. */
or_status_t or_state_session(or_state_t *state, int64_t rows, or_session_t **out, char reason[160]);
void or_derived_deinit(or_session_t *session);

#endif
