#ifndef OR_CLI_ARGUMENTS_H
#define OR_CLI_ARGUMENTS_H
#include "cli/cli.h"

/* Fills cli->command and cli->arguments; OK, or USAGE with the error printed. The command is NULL if there is none. */
int or_cli_parse(or_cli_t *cli, int count, char **arguments);

#endif
