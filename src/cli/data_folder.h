#ifndef OR_CLI_DATA_FOLDER_H
#define OR_CLI_DATA_FOLDER_H
/* A server's settings and its data folder, for commands that work on it. Where the build has a server. */

#include "cli/cli.h"
#include "server/config.h"
#include "store/store.h"

/* From file, environment and flags. Each problem is printed; *problems is how many there were. On failure the file that
 * is named can't be read. */
or_status_t or_cli_server_settings(or_cli_t *cli, or_server_config_t *config, size_t *problems);
typedef enum or_cli_store_use_t {
  OR_CLI_STORE_LOOK,   /* also while a server has it */
  OR_CLI_STORE_CHANGE, /* while none has it */
  OR_CLI_STORE_MAKE    /* the same, and one that is not there yet too */
} or_cli_store_use_t;
/* Opens the folder that the server would have. NULL: told, cli->code is the exit code. The caller closes the store. */
or_store_t *or_cli_open_store(or_cli_t *cli, or_cli_store_use_t use);

#endif
