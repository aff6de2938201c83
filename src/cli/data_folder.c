#include "cli/data_folder.h"

#include <string.h>
#include <unistd.h>

#include "base/string.h"
#include "or_config.h"

#if OR_HAVE_SERVER

static or_status_t open_folder(or_cli_t *cli, const char *folder, or_cli_store_use_t use, or_store_t **out) {
  char database[OR_CONFIG_TEXT_BYTES + 32];
  if (strcmp(folder, OR_STORE_MEMORY) == 0)
    return or_error(OR_INVALID_ARGUMENT,
                    "which data folder? Name it with --data DIR, OPENRUNTIME_DATA, or data = DIR in openruntime.conf");
  (void)or_format(database, sizeof database, "%s/openruntime.db", folder);
  if (use != OR_CLI_STORE_MAKE && access(database, F_OK) != 0)
    return or_error(OR_NOT_FOUND, "data folder \"%.400s\": no database there; name a server's with --data", folder);
  or_store_options_t options = or_store_options(folder);
  options.allocator = cli->allocator;
  options.beside = use == OR_CLI_STORE_LOOK;
  return or_store_open(&options, out);
}

or_store_t *or_cli_open_store(or_cli_t *cli, or_cli_store_use_t use) {
  or_server_config_t config;
  or_store_t *store = NULL;
  size_t problems = 0;
  or_status_t status = or_cli_server_settings(cli, &config, &problems);
  if (or_ok(status) && problems > 0) {
    cli->code = OR_EXIT_USAGE;
    return NULL;
  }
  if (or_ok(status)) status = open_folder(cli, config.data, use, &store);
  if (!or_ok(status)) (void)or_cli_fail(cli, status);
  return store;
}

#endif
