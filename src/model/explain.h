#ifndef OR_MODEL_EXPLAIN_H
#define OR_MODEL_EXPLAIN_H
/* How a model runs on a device, node by node, with the shares of the device's measured limits: what the command
 * `explain` and a server's /models/{name}/explain say. */

#include "base/cancel.h"
#include "base/json.h"
#include "openruntime/state.h"
#include "runtime/session.h"

#define OR_EXPLAIN_STATE_ROWS 256 /* the capacity of a state that is looked at */

typedef struct or_explanation_t {
  const or_model_t *model;     /* borrowed */
  or_session_report_t *report; /* own, like `state` */
  or_device_peaks_t peaks;     /* limits that no node exceeds; NaN: unknown, or nothing was timed */
  or_state_t *state;           /* NULL: the model has none */
} or_explanation_t;

/* Prepares the session for these inputs; with `profile` also runs it, twice to warm up and once timed, and compares
 * with the limits of `device`, which are measured if they are not known. Statuses of or_session_explain and
 * or_state_create. Call deinit in any case. */
typedef struct or_explain_request_t {
  const or_model_t *model;
  or_session_t *session;
  or_device_t *device;
  const or_binding_t *inputs;
  size_t input_count;
  bool profile;
  or_cancel_t *cancel; /* NULL, or a run that is under way ends when it says so; no other begins */
} or_explain_request_t;
or_status_t or_explain(const or_explain_request_t *request, or_explanation_t *out);
void or_explanation_deinit(or_explanation_t *explanation);

/* Percent: of a node's time that its flops would take at the limit; the same of all nodes. NaN where it is unknown. */
double or_explain_share(const or_node_report_t *node, const or_device_peaks_t *peaks);
double or_explain_total_share(const or_session_report_t *report, const or_device_peaks_t *peaks);
/* The Explanation of docs/api.md. */
void or_explain_write(or_json_writer_t *json, const or_explanation_t *explanation);

#endif
