/* `keys`: a server's API keys, asked of it by --url, or in its data folder. */
#include <string.h>

#include "base/string.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "or_config.h"

#if OR_HAVE_SERVER
#include "cli/data_folder.h"
#endif

static int create(or_cli_t *cli);
static int list(or_cli_t *cli);
static int revoke(or_cli_t *cli, const char *id);

int or_cli_keys_command(or_cli_t *cli) {
  const size_t count = cli->arguments.word_count;
  const char *action = count > 0 ? cli->arguments.words[0] : "list";
  const bool creates = strcmp(action, "create") == 0, revokes = strcmp(action, "revoke") == 0;
  if (!creates && !revokes && strcmp(action, "list") != 0)
    return or_cli_usage_error(cli, "keys \"%s\"? There are: list, create, revoke", action);
  if (revokes && count != 2)
    return or_cli_usage_error(cli, "keys revoke needs an ID; \"openruntime keys list\" has them");
  if (!revokes && count > 1)
    return or_cli_usage_error(cli, "keys %s: unexpected \"%s\"", action, cli->arguments.words[1]);
  if (!creates && (or_cli_has(cli, "--label") || or_cli_has(cli, "--scopes")))
    return or_cli_usage_error(cli, "keys %s: --label and --scopes are of create", action);
  if (or_cli_is_remote(cli) && (or_cli_has(cli, "--data") || or_cli_has(cli, "--config")))
    return or_cli_usage_error(cli, "keys: --data and --config name a folder, --url a server: leave one of them out");
  if (revokes) return revoke(cli, cli->arguments.words[1]);
  return creates ? create(cli) : list(cli);
}

static const char *join_scopes(const or_json_value_t *key, char *text, size_t capacity) {
  const or_json_value_t *scopes = or_json_get(key, "scopes");
  text[0] = '\0';
  for (size_t i = 0; i < or_json_count(scopes); ++i) {
    const size_t used = strlen(text);
    (void)or_format(text + used, capacity - used, "%s%s", i > 0 ? "," : "",
                    or_json_get_string(or_json_at(scopes, i), ""));
  }
  return text;
}

static void print_new(or_cli_t *cli, const or_json_value_t *root) {
  char scopes[64];
  (void)printf("%s\n", or_cli_word(root, "secret"));
  if (cli->quiet) return;
  (void)fprintf(stderr, "key %s, scopes %s. The line above is its secret: it is not shown again.\n",
                or_cli_word(root, "id"), join_scopes(root, scopes, sizeof scopes));
}

static void print_revoked(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("key %s is revoked\n", or_cli_word(root, "id"));
}

static const char *last_use(const or_json_value_t *value, char *text, size_t capacity) {
  return or_json_kind(value) == OR_JSON_STRING ? or_cli_time_cell(value, text, capacity) : "never";
}

static const char *state_of(const or_json_value_t *revoked, char *text, size_t capacity) {
  (void)text, (void)capacity;
  return or_json_get_bool(revoked, false) ? "revoked" : "good";
}

static void print_list(or_cli_t *cli, const or_json_value_t *root) {
  static const or_cli_column_t columns[] = {{"ID", "id", NULL},
                                            {"LABEL", "label", NULL},
                                            {"SCOPES", NULL, join_scopes},
                                            {"CREATED (UTC)", "created_at", or_cli_time_cell},
                                            {"LAST USED (UTC)", "last_used_at", last_use},
                                            {"STATE", "revoked", state_of}};
  OR_CLI_PRINT_ROWS(cli, or_json_get(root, "keys"), columns);
}

/* {"label", "scopes"} of the flags. */
static or_status_t write_wanted(or_cli_t *cli, or_text_t *text) {
  const char *label = or_cli_value(cli, "--label"), *scopes = or_cli_value(cli, "--scopes");
  or_json_writer_t json;
  or_json_begin(&json, text, 0);
  or_json_object_begin(&json);
  if (label != NULL) or_json_field_string(&json, "label", label);
  if (scopes != NULL) {
    or_json_key(&json, "scopes");
    or_json_array_begin(&json);
    for (const char *at = scopes; at != NULL;) {
      const size_t length = strcspn(at, ",");
      or_json_string_n(&json, at, length);
      at = at[length] == ',' ? at + length + 1 : NULL;
    }
    or_json_array_end(&json);
  }
  or_json_object_end(&json);
  return or_json_finish(&json);
}

static int create_there(or_cli_t *cli) {
  or_text_t body;
  or_text_init(&body, cli->allocator);
  or_status_t status = write_wanted(cli, &body);
  const or_client_request_t request = {.method = "POST",
                                       .path = "/keys",
                                       .content_type = "application/json",
                                       .body = or_text_string(&body),
                                       .body_bytes = body.length};
  const int code = or_ok(status) ? or_cli_show_reply(cli, &request, print_new) : or_cli_fail(cli, status);
  or_text_deinit(&body);
  return code;
}

/* *last: the key of that id rules, and no other does. An exit code; a failure is told. */
static int is_last_admin(or_cli_t *cli, const char *id, bool *last) {
  const or_client_request_t request = {.method = "GET", .path = "/keys"};
  or_json_document_t *document = NULL;
  const int code = or_cli_ask(cli, &request, &document);
  const or_json_value_t *keys = or_json_get(or_json_root(document), "keys");
  size_t others = 0;
  for (size_t i = 0; i < or_json_count(keys); ++i) {
    char scopes[64];
    const or_json_value_t *key = or_json_at(keys, i);
    if (or_json_get_bool(or_json_get(key, "revoked"), false)) continue;
    if (strstr(join_scopes(key, scopes, sizeof scopes), "admin") == NULL) continue;
    if (strcmp(or_cli_word(key, "id"), id) == 0) *last = true;
    if (strcmp(or_cli_word(key, "id"), id) != 0) ++others;
  }
  *last = *last && others == 0;
  or_json_document_free(document);
  return code;
}

static int revoke_there(or_cli_t *cli, const char *id) {
  bool last = false;
  const int seen = is_last_admin(cli, id, &last);
  if (seen != OR_EXIT_OK) return seen;
  or_text_t path;
  or_text_init(&path, cli->allocator);
  or_status_t status = or_cli_path(&path, "/keys", id, "");
  const or_client_request_t request = {.method = "DELETE", .path = or_text_string(&path)};
  const int code = or_ok(status) ? or_cli_show_reply(cli, &request, print_revoked) : or_cli_fail(cli, status);
  or_text_deinit(&path);
  if (last && code == OR_EXIT_OK) {
    (void)fprintf(stderr, "openruntime: warning: that was the last key with the scope admin: another one can be made "
                          "while the server is stopped, by keys create with its --data\n");
  }
  return code;
}

#if OR_HAVE_SERVER

/* Takes the exit code. */
static int warn_without_admin(int code, bool admin) {
  if (admin || code != OR_EXIT_OK) return code;
  (void)fprintf(stderr, "openruntime: warning: no key of this data folder has the scope admin: while a server runs "
                        "nobody could make or revoke one. Make it first: --scopes admin\n");
  return code;
}

static int show_key(or_cli_t *cli, const or_store_key_t *key, const char *secret, or_cli_printer_t print) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_store_key_write_json(&json, key, secret);
  return or_cli_show_written(cli, &json, &text, print);
}

static int create(or_cli_t *cli) {
  if (or_cli_is_remote(cli)) return create_there(cli);
  const char *scopes = or_cli_value(cli, "--scopes");
  or_store_new_key_t wanted = {.label = or_cli_value(cli, "--label"), .scopes = OR_SCOPE_READ | OR_SCOPE_RUN};
  or_store_key_t key;
  char secret[OR_STORE_SECRET_BYTES];
  or_store_waiter_t waiter;
  or_status_t status = scopes != NULL ? or_store_scopes_parse(scopes, &wanted.scopes) : or_status_success();
  if (!or_ok(status)) return or_cli_fail(cli, status);
  or_store_t *store = or_cli_open_store(cli, OR_CLI_STORE_MAKE);
  if (store == NULL) return cli->code;
  or_store_waiter_init(&waiter);
  status =
      or_store_waiter_wait(&waiter, or_store_create_key(store, &wanted, &key, secret, or_store_waiter_done, &waiter));
  const bool admin = or_store_has_admin(store);
  or_store_close(store);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  return warn_without_admin(show_key(cli, &key, secret, print_new), admin);
}

static void write_listed(void *json, const or_store_key_t *key) { or_store_key_write_json(json, key, NULL); }

static int list(or_cli_t *cli) {
  const or_client_request_t request = {.method = "GET", .path = "/keys"};
  or_text_t text;
  or_json_writer_t json;
  if (or_cli_is_remote(cli)) return or_cli_show_reply(cli, &request, print_list);
  or_store_t *store = or_cli_open_store(cli, OR_CLI_STORE_LOOK);
  if (store == NULL) return cli->code;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "keys");
  or_json_array_begin(&json);
  or_store_list_keys(store, write_listed, &json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_store_close(store);
  return or_cli_show_written(cli, &json, &text, print_list);
}

static void find_listed(void *self, const or_store_key_t *key) {
  or_store_key_t *wanted = self;
  if (strcmp(wanted->id, key->id) == 0) *wanted = *key;
}

static int revoke(or_cli_t *cli, const char *id) {
  if (or_cli_is_remote(cli)) return revoke_there(cli, id);
  or_store_key_t key = {.created_us = 0};
  or_store_waiter_t waiter;
  or_store_t *store = or_cli_open_store(cli, OR_CLI_STORE_CHANGE);
  if (store == NULL) return cli->code;
  (void)or_format(key.id, sizeof key.id, "%s", id);
  or_store_waiter_init(&waiter);
  or_status_t status = or_store_waiter_wait(&waiter, or_store_revoke_key(store, id, or_store_waiter_done, &waiter));
  if (or_ok(status)) or_store_list_keys(store, find_listed, &key);
  const bool admin = or_store_has_admin(store);
  or_store_close(store);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  return warn_without_admin(show_key(cli, &key, NULL, print_revoked), admin);
}

#else

static int without_store(or_cli_t *cli) {
  return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED, "keys: this build has no server, and can ask one by --url only"));
}

static int create(or_cli_t *cli) { return or_cli_is_remote(cli) ? create_there(cli) : without_store(cli); }

static int list(or_cli_t *cli) {
  const or_client_request_t request = {.method = "GET", .path = "/keys"};
  return or_cli_is_remote(cli) ? or_cli_show_reply(cli, &request, print_list) : without_store(cli);
}

static int revoke(or_cli_t *cli, const char *id) {
  return or_cli_is_remote(cli) ? revoke_there(cli, id) : without_store(cli);
}

#endif
