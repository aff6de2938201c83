#ifndef OR_CLI_REQUEST_REMOTE_H
#define OR_CLI_REQUEST_REMOTE_H
/* How request.h carries a task out on a server. */

#include "cli/request.h"
#include "client/client.h"

/* As or_cli_request_execute, for a command with --url: the server checks the request, and its TaskResponse is the
 * outcome. Interrupted, the task is cancelled on the server too. Takes the request. */
int or_cli_request_remote(or_cli_request_t *request, const or_cli_execution_t *execution, bool print,
                          or_cli_outcome_t *out);
/* The server's reply as the outcome: JSON, or the parts of which the first is that. An exit code. */
int or_cli_take_reply(or_cli_t *cli, const or_client_reply_t *reply, const or_cli_execution_t *execution, bool print,
                      or_cli_outcome_t *out);

#endif
