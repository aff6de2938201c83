/* explain on a server. */
#include <string.h>

#include "cli/explain_print.h"
#include "cli/models.h"
#include "cli/remote.h"

/* Every --dim NAME=N as "NAME=N,NAME=N". */
static or_status_t add_dims(const or_cli_t *cli, or_text_t *query) {
  or_text_t dims;
  or_status_t status = or_status_success();
  or_text_init(&dims, cli->allocator);
  for (size_t i = 0; or_ok(status) && i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, "--dim") != 0) continue;
    status = or_text_printf(&dims, "%s%s", dims.length > 0 ? "," : "", cli->arguments.flags[i].value);
  }
  if (or_ok(status) && dims.length > 0) status = or_cli_add_query(query, "dims", or_text_string(&dims));
  or_text_deinit(&dims);
  return status;
}

static or_status_t write_query(const or_cli_t *cli, or_text_t *query) {
  or_status_t status = or_cli_add_query(query, "batch", or_cli_value(cli, "--batch"));
  if (or_ok(status)) status = or_cli_add_query(query, "precision", or_cli_value(cli, "--precision"));
  if (or_ok(status)) status = or_cli_add_query(query, "device", cli->device);
  if (or_ok(status) && or_cli_has(cli, "--no-profile")) status = or_cli_add_query(query, "profile", "false");
  return or_ok(status) ? add_dims(cli, query) : status;
}

int or_cli_explain_remote(or_cli_t *cli) {
  const char *trace = or_cli_value(cli, "--trace");
  or_json_document_t *document = NULL;
  or_text_t path, query;
  if (or_cli_has(cli, "--no-fusion") || or_cli_has(cli, "--input") || cli->strict)
    return or_cli_usage_error(cli,
                              "--no-fusion, --input and --strict are for work in process: leave them or --url out");
  or_text_init(&path, cli->allocator);
  or_text_init(&query, cli->allocator);
  or_status_t status = or_cli_path(&path, "/models", cli->arguments.words[0], "/explain");
  if (or_ok(status)) status = write_query(cli, &query);
  const or_client_request_t request = {.method = "GET",
                                       .path = or_text_string(&path),
                                       .query = or_text_string(&query),
                                       .timeout_s = OR_CLIENT_NO_TIMEOUT}; /* it loads and runs the model */
  int code = or_ok(status) ? or_cli_ask(cli, &request, &document) : or_cli_fail(cli, status);
  if (code == OR_EXIT_OK && trace != NULL) {
    status = or_cli_write_trace(cli, or_json_root(document), trace);
    if (!or_ok(status)) code = or_cli_fail(cli, status);
  }
  if (code == OR_EXIT_OK) code = or_cli_show(cli, or_json_root(document), or_cli_print_explanation);
  or_json_document_free(document);
  or_text_deinit(&query);
  or_text_deinit(&path);
  return code;
}
