#ifndef OR_CLI_EXPLAIN_STATE_H
#define OR_CLI_EXPLAIN_STATE_H
/* What `explain` says of a model's state: how it would be kept from run to run. */

#include "base/json.h"
#include "openruntime/state.h"

#define OR_CLI_STATE_ROWS 256 /* the capacity that is looked at */

/* *out: an empty state of one sequence, or NULL for a model that has none. Fails as or_state_create does otherwise. */
or_status_t or_cli_state_of(or_session_t *session, or_state_t **out);
/* The member "state" of an object; NULL gives null. */
void or_cli_write_state(or_json_writer_t *json, or_state_t *state);

#endif
