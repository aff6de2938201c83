#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "runtime/device_json.h"

static int ask_server(or_cli_t *cli);
static void print_status(or_cli_t *cli, const or_json_value_t *root);

int or_cli_status_command(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  if (or_cli_is_remote(cli)) return ask_server(cli);
  if (!or_cli_runtime(cli)) return cli->code;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "version", or_version());
  or_json_field_string(&json, "details", or_version_details());
  or_json_key(&json, "backends");
  or_runtime_write_backends(&json, cli->runtime);
  or_json_key(&json, "devices");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_runtime_device_count(cli->runtime); ++i)
    or_device_write_json(&json, or_runtime_device(cli->runtime, i));
  or_json_array_end(&json);
  or_json_field_null(&json, "server");
  or_json_object_end(&json);
  return or_cli_show_written(cli, &json, &text, print_status);
}

static void copy_field(or_json_writer_t *json, const char *key, const or_json_value_t *value) {
  or_json_key(json, key);
  if (value != NULL) {
    or_json_copy(json, value);
  } else {
    or_json_null(json);
  }
}

/* Models that are loaded; -1 where the server does not tell this key. */
static int64_t loaded_models(or_cli_t *cli) {
  const or_client_request_t request = {.method = "GET", .path = "/models"};
  or_client_t *client = NULL;
  or_client_reply_t reply;
  or_json_document_t *document = NULL;
  int64_t count = -1;
  if (!or_cli_client(cli, &client)) return count;
  or_client_reply_init(&reply, cli->allocator);
  or_status_t status = or_client_call(client, &request, &reply);
  if (or_ok(status)) status = or_json_parse(cli->allocator, or_text_string(&reply.body), reply.body.length, &document);
  const or_json_value_t *models = or_ok(status) ? or_json_get(or_json_root(document), "models") : NULL;
  if (or_json_kind(models) == OR_JSON_ARRAY) count = 0;
  for (size_t i = 0; i < or_json_count(models); ++i)
    count += strcmp(or_json_get_string(or_json_get(or_json_at(models, i), "state"), ""), "ready") == 0;
  or_status_ignore(status); /* a fact that is null then */
  or_json_document_free(document);
  or_client_reply_deinit(&reply);
  return count;
}

/* The same document, of three answers of the server's. */
static int show_server(or_cli_t *cli, const or_json_value_t *about, const or_json_value_t *devices) {
  const int64_t models = loaded_models(cli);
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  copy_field(&json, "version", or_json_get(about, "version"));
  copy_field(&json, "details", or_json_get(about, "details"));
  copy_field(&json, "backends", or_json_get(about, "backend_details"));
  copy_field(&json, "devices", or_json_get(devices, "devices"));
  or_json_key(&json, "server");
  or_json_object_begin(&json);
  or_json_field_string(&json, "url", cli->url);
  copy_field(&json, "status", or_json_get(about, "status"));
  copy_field(&json, "uptime_seconds", or_json_get(about, "uptime_seconds"));
  copy_field(&json, "active_tasks", or_json_get(about, "active_tasks"));
  if (models >= 0) {
    or_json_field_int(&json, "models", models);
  } else {
    or_json_field_null(&json, "models");
  }
  or_json_object_end(&json);
  or_json_object_end(&json);
  return or_cli_show_written(cli, &json, &text, print_status);
}

static int ask_server(or_cli_t *cli) {
  const or_client_request_t about = {.method = "GET", .path = "/"}, devices = {.method = "GET", .path = "/devices"};
  or_json_document_t *documents[2] = {NULL, NULL};
  int code = or_cli_ask(cli, &about, &documents[0]);
  if (code == OR_EXIT_OK) code = or_cli_ask(cli, &devices, &documents[1]);
  if (code == OR_EXIT_OK) code = show_server(cli, or_json_root(documents[0]), or_json_root(documents[1]));
  or_json_document_free(documents[0]);
  or_json_document_free(documents[1]);
  return code;
}

static void print_server(const or_json_value_t *server) {
  const int64_t models = or_json_get_int(or_json_get(server, "models"), -1);
  char uptime[OR_CLI_NUMBER_BYTES];
  if (or_json_count(server) == 0) return;
  (void)printf("server %s: %s for %s, %lld tasks at work", or_cli_word(server, "url"), or_cli_word(server, "status"),
               or_cli_duration(or_json_get_double(or_json_get(server, "uptime_seconds"), NAN), uptime, sizeof uptime),
               (long long)or_json_get_int(or_json_get(server, "active_tasks"), 0));
  if (models >= 0) (void)printf(", %lld models loaded", (long long)models);
  (void)printf("\n");
}

static void print_status(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *backends = or_json_get(root, "backends"), *devices = or_json_get(root, "devices");
  (void)printf("%sopenruntime%s %s\n", or_cli_style(cli, OR_CLI_BOLD), or_cli_style(cli, OR_CLI_PLAIN),
               or_cli_word(root, "details"));
  print_server(or_json_get(root, "server"));
  for (size_t i = 0; i < or_json_count(backends); ++i) {
    const or_json_value_t *backend = or_json_at(backends, i);
    const bool usable = or_json_get_bool(or_json_get(backend, "usable"), false);
    (void)printf("backend %s%s%s: %s\n", or_cli_style(cli, usable ? OR_CLI_GREEN : OR_CLI_YELLOW),
                 or_cli_word(backend, "name"), or_cli_style(cli, OR_CLI_PLAIN), or_cli_word(backend, "detail"));
    if (or_cli_word(backend, "advice")[0] != '\0') (void)printf("  to mend it: %s\n", or_cli_word(backend, "advice"));
  }
  for (size_t i = 0; i < or_json_count(devices); ++i) {
    const or_json_value_t *device = or_json_at(devices, i);
    char bytes[OR_CLI_NUMBER_BYTES];
    (void)printf("device %s: %s, %lld units, %s, %s\n", or_cli_word(device, "id"), or_cli_word(device, "name"),
                 (long long)or_json_get_int(or_json_get(device, "compute_units"), 0),
                 or_cli_json_bytes(or_json_get(device, "memory_total"), bytes, sizeof bytes),
                 or_cli_word(device, "state"));
  }
}
