#ifndef OR_CLI_EXPLAIN_STATE_H
#define OR_CLI_EXPLAIN_STATE_H
/* What `explain` says of a model's state: how it would be kept from run to run. */

#include "model/explain.h"

/* `state` may be NULL: nothing. */
void or_cli_print_state(or_state_t *state);

#endif
