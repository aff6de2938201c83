#ifndef OR_RUNTIME_PROGRAM_FLOW_INTERNAL_H
#define OR_RUNTIME_PROGRAM_FLOW_INTERNAL_H
/* What If, Loop, Scan and SequenceMap share: a body's inputs and outputs from one iteration to the next. */

#include "runtime/program/program_internal.h"

/* What a body gave in each iteration. */
typedef struct or_kept_t {
  or_value_t **values;
  size_t count, capacity;
} or_kept_t;

typedef struct or_flow_t {
  or_program_frame_t *frame;
  const or_node_t *node;
  or_program_t *body;
  or_node_carried_t carried;
  or_value_t **inputs, **outputs; /* of the body; a reference each */
  or_kept_t *kept;                /* per output of the body */
  or_cancel_t cancel;             /* the run's, and after limits.loop_seconds */
} or_flow_t;

/* Sets what the body reads from outside; end it, also after a failure. */
or_status_t or_flow_begin(or_flow_t *flow, or_program_frame_t *frame, const or_step_t *step, size_t body);
void or_flow_end(or_flow_t *flow);
/* Whether one more iteration is allowed: RESOURCE_EXHAUSTED names the limit; CANCELLED, DEADLINE_EXCEEDED. */
or_status_t or_flow_check(const or_flow_t *flow, uint64_t iteration);
/* What ended in an iteration because limits.loop_seconds were over says so. Takes and gives the status. */
or_status_t or_flow_status(const or_flow_t *flow, uint64_t iteration, or_status_t status);
/* The body once. */
or_status_t or_flow_run(or_flow_t *flow, uint64_t iteration);
/* An input of the body; takes the reference. */
void or_flow_set(or_flow_t *flow, size_t input, or_value_t *value);
or_status_t or_flow_set_tensor(or_flow_t *flow, size_t input, or_tensor_t *tensor);
/* An output of the body: the reference is the caller's. */
or_value_t *or_flow_take(or_flow_t *flow, size_t output);
/* Keeps an output for or_flow_stack. */
or_status_t or_flow_keep(or_flow_t *flow, size_t output);
void or_flow_forget(or_flow_t *flow, size_t output);
/* All that was kept of an output along a new axis, the last iteration first if `reverse`. */
or_status_t or_flow_stack(const or_flow_t *flow, size_t output, int32_t axis, bool reverse, or_tensor_t **out);

#endif
