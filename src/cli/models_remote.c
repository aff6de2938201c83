/* models of a server. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/models.h"
#include "cli/models_print.h"
#include "cli/remote.h"

/* What a load asks for besides the name. */
static or_status_t write_load(or_cli_t *cli, or_text_t *body) {
  or_json_writer_t json;
  double keep_alive_s = 0;
  or_json_begin(&json, body, 0);
  or_json_object_begin(&json);
  if (cli->device != NULL) or_json_field_string(&json, "device", cli->device);
  if (or_cli_has(cli, "--precision")) or_json_field_string(&json, "precision", or_cli_value(cli, "--precision"));
  if (or_cli_has(cli, "--keep-alive") && or_cli_number(cli, "--keep-alive", -1, 1e9, 0, &keep_alive_s))
    or_json_field_double(&json, "keep_alive_s", keep_alive_s);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

static void print_removed(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("%s: %s\n", or_json_get_string(or_json_get(root, "name"), ""),
               or_json_get_string(or_json_get(root, "status"), ""));
}

/* The route of each word. */
typedef struct action_t {
  const char *name, *method, *suffix;
  or_cli_printer_t print;
} action_t;
static const action_t actions[] = {{"show", "GET", "", or_cli_print_model},
                                   {"load", "POST", "/load", or_cli_print_model},
                                   {"unload", "POST", "/unload", or_cli_print_model},
                                   {"remove", "DELETE", "", print_removed}};

static int carry_out(or_cli_t *cli, const action_t *action, const char *name) {
  const bool load = strcmp(action->name, "load") == 0;
  or_text_t path, body;
  or_text_init(&path, cli->allocator);
  or_text_init(&body, cli->allocator);
  or_status_t status = or_cli_path(&path, "/models", name, action->suffix);
  if (or_ok(status) && load) status = write_load(cli, &body);
  or_client_request_t request = {
      .method = action->method, .path = or_text_string(&path), .timeout_s = OR_CLIENT_NO_TIMEOUT};
  if (load) {
    request.content_type = "application/json";
    request.body = or_text_string(&body);
    request.body_bytes = body.length;
  }
  const int code = or_ok(status) ? or_cli_show_reply(cli, &request, action->print) : or_cli_fail(cli, status);
  or_text_deinit(&body);
  or_text_deinit(&path);
  return code;
}

int or_cli_models_remote(or_cli_t *cli) {
  const size_t count = cli->arguments.word_count;
  const char *name = count > 0 ? cli->arguments.words[0] : "list";
  const or_client_request_t list = {.method = "GET", .path = "/models"};
  double unused = 0;
  if (!or_cli_number(cli, "--keep-alive", -1, 1e9, 0, &unused)) return OR_EXIT_USAGE;
  if (strcmp(name, "list") == 0) {
    if (count > 1) return or_cli_usage_error(cli, "models list: unexpected \"%s\"", cli->arguments.words[1]);
    return or_cli_show_reply(cli, &list, or_cli_print_models);
  }
  for (size_t i = 0; i < sizeof actions / sizeof *actions; ++i) {
    if (strcmp(actions[i].name, name) != 0) continue;
    if (count != 2) return or_cli_usage_error(cli, "models %s needs a NAME", name);
    return carry_out(cli, &actions[i], cli->arguments.words[1]);
  }
  return or_cli_usage_error(cli, "models %s: no server does it; with --url there are: list, show, load, unload, remove",
                            name);
}
