#ifndef OR_CLI_MODELS_PRINT_H
#define OR_CLI_MODELS_PRINT_H
/* Model documents (docs/api.md) as text, those of this process and a server's. */

#include "cli/cli.h"

void or_cli_print_models(or_cli_t *cli, const or_json_value_t *root); /* {models: [Model]} */
void or_cli_print_model(or_cli_t *cli, const or_json_value_t *root);
/* The command with --url. */
int or_cli_models_remote(or_cli_t *cli);

#endif
