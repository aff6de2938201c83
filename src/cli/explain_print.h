#ifndef OR_CLI_EXPLAIN_PRINT_H
#define OR_CLI_EXPLAIN_PRINT_H
/* An Explanation document (docs/api.md), of this process or a server's: as text, and as a trace. */

#include "cli/cli.h"

void or_cli_print_explanation(or_cli_t *cli, const or_json_value_t *root);
/* A Chrome trace of the nodes' times. Statuses of or_file_write. */
or_status_t or_cli_write_trace(or_cli_t *cli, const or_json_value_t *root, const char *path);
/* The command with --url. */
int or_cli_explain_remote(or_cli_t *cli);

#endif
