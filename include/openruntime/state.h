#ifndef OPENRUNTIME_STATE_H
#define OPENRUNTIME_STATE_H
/* What a model remembers from run to run: keys and values of the tokens so far, the h and c of an RNN. A state ties
 * outputs of a model to its inputs, holds them in the device's memory and gives each run what the last one left.
 *
 * Where every tied pair is the past and the present of an attention, the state holds them in caches of its capacity:
 * a run writes its new rows at their place, nothing is copied, and one plan serves every length of the past. Other
 * pairs are handed from run to run as whole tensors, and each length is a shape class of its own; or_state_explain
 * says which.
 *
 * Counted; every function from any thread. A state has one run at a time: another one, a reset or a fork meanwhile is
 * refused (FAILED_PRECONDITION). */

#include "openruntime/session.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_state_t or_state_t;

typedef struct or_state_tie_t {
  const char *input, *output; /* names: what the output gives is the input of the next run */
} or_state_tie_t;

typedef struct or_state_options_t {
  int64_t batch;    /* sequences that go on together, all of one length; 0: 1 */
  int64_t capacity; /* rows of the past, at most; not looked at where nothing grows */
  /* NULL: by names, which must differ in "past", "past_key_values" against "present", "present_key_values" alone. */
  const or_state_tie_t *ties;
  size_t tie_count;
} or_state_options_t;
#define OR_STATE_MAX_ROWS (INT64_C(1) << 28) /* of a capacity */

/* Empty: of length 0, all else 0. *out: one reference; it keeps the session. INVALID_ARGUMENT (a name the model has
 * not, dtypes or shapes of a pair that do not fit, a batch or capacity below 1, a capacity above OR_STATE_MAX_ROWS);
 * NOT_FOUND: no pair was found; UNIMPLEMENTED: a tied input has an extent that is neither batch nor length;
 * RESOURCE_EXHAUSTED. */
OR_API or_status_t or_state_create(or_session_t *session, const or_state_options_t *options, or_state_t **out);
OR_API void or_state_retain(or_state_t *state);
OR_API void or_state_release(or_state_t *state); /* takes NULL */

/* Runs and waits as or_session_run does, with the tied inputs from the state; tied outputs stay in it. `inputs` and
 * `outputs` hold the others, by name or by their position among the others. On failure the state is what it was.
 * INVALID_ARGUMENT: a state of another session, a tied input or output is named, a batch that is not the state's, a
 * mask that is not past and new rows long; OUT_OF_RANGE: the past and the new rows exceed the capacity;
 * FAILED_PRECONDITION: a run with the state is under way; and the statuses of or_session_run. */
OR_API or_status_t or_session_run_with_state(or_session_t *session, or_state_t *state, const or_binding_t *inputs,
                                             size_t input_count, or_binding_t *outputs, size_t output_count);

/* Starts and returns, as or_session_run_async does; the state is kept until the callback. A run that was cancelled or
 * failed leaves it at the length it had. The next run may be started in the callback. */
OR_API or_status_t or_session_run_with_state_async(or_session_t *session, or_state_t *state,
                                                   const or_run_request_t *request, or_run_t **run);

/* As it was made. RESOURCE_EXHAUSTED, FAILED_PRECONDITION. */
OR_API or_status_t or_state_reset(or_state_t *state);
/* Another state that goes on from here by itself. *out: one reference. RESOURCE_EXHAUSTED, DEVICE_LOST,
 * FAILED_PRECONDITION. */
OR_API or_status_t or_state_fork(or_state_t *state, or_state_t **out);

OR_API int64_t or_state_length(or_state_t *state); /* rows of the past; 0 where nothing grows */
OR_API size_t or_state_bytes(or_state_t *state);   /* device memory held */

typedef struct or_state_report_t {
  bool appends;       /* rows are written in place; else whole tensors are handed on */
  const char *reason; /* why it does not append; "" if it does. Lives as long as the state */
  /* Counted by whoever copies: rows that kernels wrote into the caches and buffers that plans copied, where it
   * appends; else the whole tensors that runs have written. By runs that succeeded, since the state was made. */
  uint64_t copied_bytes;
  int64_t capacity;   /* rows; 0 where nothing grows */
  uint64_t row_bytes; /* of one more row of each sequence, in all tied tensors */
  size_t tie_count;
} or_state_report_t;
OR_API void or_state_explain(or_state_t *state, or_state_report_t *out);
/* Tie `index` < tie_count of the report: names that live as long as the state. *grows: the dimension along which it
 * grows, or -1. */
OR_API or_state_tie_t or_state_tie(const or_state_t *state, size_t index, int32_t *grows);

#ifdef __cplusplus
}
#endif
#endif
