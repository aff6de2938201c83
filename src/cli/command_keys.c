/* `keys`: a server's API keys, in its data folder. */
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "cli/cli.h"
#include "or_config.h"

#if OR_HAVE_SERVER

#include "cli/data_folder.h"

static int print_key(or_cli_t *cli, const or_store_key_t *key, const char *secret) {
  or_text_t text;
  or_json_writer_t json;
  char scopes[OR_STORE_SCOPES_BYTES];
  if (cli->json) {
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_store_key_write_json(&json, key, secret);
    return or_cli_print_json(cli, &json, &text);
  }
  if (secret != NULL) {
    (void)printf("%s\n", secret);
    if (!cli->quiet)
      (void)fprintf(stderr, "key %s, scopes %s. The line above is its secret: it is not shown again.\n", key->id,
                    or_store_scopes_format(key->scopes, scopes));
  } else {
    (void)printf("key %s is revoked\n", key->id);
  }
  return OR_EXIT_OK;
}

static int create(or_cli_t *cli) {
  const char *scopes = or_cli_value(cli, "--scopes");
  or_store_new_key_t wanted = {.label = or_cli_value(cli, "--label"), .scopes = OR_SCOPE_READ | OR_SCOPE_RUN};
  or_store_key_t key;
  char secret[OR_STORE_SECRET_BYTES];
  or_store_waiter_t waiter;
  or_status_t status = scopes != NULL ? or_store_scopes_parse(scopes, &wanted.scopes) : or_status_success();
  if (!or_ok(status)) return or_cli_fail(cli, status);
  or_store_t *store = or_cli_open_store(cli, true);
  if (store == NULL) return cli->code;
  or_store_waiter_init(&waiter);
  status =
      or_store_waiter_wait(&waiter, or_store_create_key(store, &wanted, &key, secret, or_store_waiter_done, &waiter));
  or_store_close(store);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  int code = print_key(cli, &key, secret);
  memset(secret, 0, sizeof secret);
  return code;
}

static const char *time_text(int64_t wall_us, char text[OR_CLOCK_TEXT_BYTES]) {
  if (wall_us == 0) return "never";
  or_clock_format(wall_us, text, OR_CLOCK_TEXT_BYTES);
  text[strlen("2026-01-31T12:00:00")] = '\0';
  return text;
}

static void add_row(void *self, const or_store_key_t *key) {
  or_cli_table_t *table = self;
  char scopes[OR_STORE_SCOPES_BYTES], created[OR_CLOCK_TEXT_BYTES], used[OR_CLOCK_TEXT_BYTES];
  or_cli_table_cell(table, "%s", key->id);
  or_cli_table_cell(table, "%s", key->label);
  or_cli_table_cell(table, "%s", or_store_scopes_format(key->scopes, scopes));
  or_cli_table_cell(table, "%s", time_text(key->created_us, created));
  or_cli_table_cell(table, "%s", time_text(key->last_used_us, used));
  or_cli_table_cell(table, "%s", key->revoked_us != 0 ? "revoked" : "good");
}

static void add_document(void *json, const or_store_key_t *key) { or_store_key_write_json(json, key, NULL); }

static int list(or_cli_t *cli) {
  or_store_t *store = or_cli_open_store(cli, false);
  if (store == NULL) return cli->code;
  int code = OR_EXIT_OK;
  if (cli->json) {
    or_text_t text;
    or_json_writer_t json;
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_json_object_begin(&json);
    or_json_key(&json, "keys");
    or_json_array_begin(&json);
    or_store_list_keys(store, add_document, &json);
    or_json_array_end(&json);
    or_json_object_end(&json);
    code = or_cli_print_json(cli, &json, &text);
  } else {
    or_cli_table_t *table = or_cli_table_create(cli, "ID|LABEL|SCOPES|CREATED (UTC)|LAST USED (UTC)|STATE");
    or_store_list_keys(store, add_row, table);
    or_cli_table_print(table, stdout);
    or_cli_table_free(table);
  }
  or_store_close(store);
  return code;
}

static void find_listed(void *self, const or_store_key_t *key) {
  or_store_key_t *wanted = self;
  if (strcmp(wanted->id, key->id) == 0) *wanted = *key;
}

static int revoke(or_cli_t *cli, const char *id) {
  or_store_key_t key = {.created_us = 0};
  or_store_waiter_t waiter;
  or_store_t *store = or_cli_open_store(cli, false);
  if (store == NULL) return cli->code;
  (void)or_format(key.id, sizeof key.id, "%s", id);
  or_store_waiter_init(&waiter);
  or_status_t status = or_store_waiter_wait(&waiter, or_store_revoke_key(store, id, or_store_waiter_done, &waiter));
  if (or_ok(status)) or_store_list_keys(store, find_listed, &key);
  or_store_close(store);
  return or_ok(status) ? print_key(cli, &key, NULL) : or_cli_fail(cli, status);
}

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
  if (revokes) return revoke(cli, cli->arguments.words[1]);
  return creates ? create(cli) : list(cli);
}

#else

int or_cli_keys_command(or_cli_t *cli) {
  return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED, "keys: this build has no server"));
}

#endif
