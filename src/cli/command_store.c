/* `store`: a server's database, in its data folder, also while the server runs. */
#include <string.h>
#include <sys/stat.h>

#include "base/string.h"
#include "cli/cli.h"
#include "or_config.h"

#if OR_HAVE_SERVER

#include "cli/data_folder.h"

static int backup(or_cli_t *cli, const char *file) {
  or_store_waiter_t waiter;
  or_text_t text;
  or_json_writer_t json;
  struct stat info;
  or_store_t *store = or_cli_open_store(cli, OR_CLI_STORE_LOOK);
  if (store == NULL) return cli->code;
  or_store_waiter_init(&waiter);
  or_status_t status = or_store_waiter_wait(&waiter, or_store_backup(store, file, or_store_waiter_done, &waiter));
  or_store_close(store);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  const uint64_t bytes = stat(file, &info) == 0 ? (uint64_t)info.st_size : 0;
  if (!cli->json) {
    char size[OR_CLI_NUMBER_BYTES];
    (void)printf("%s: %s; to restore it, put it into an empty data folder as openruntime.db\n", file,
                 or_cli_bytes(bytes, size, sizeof size));
    return OR_EXIT_OK;
  }
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "file", file);
  or_json_field_int(&json, "bytes", (int64_t)bytes);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

/* A check under way: what it finds, and its end. The store's reader thread writes until the waiter is told. */
typedef struct checking_t {
  or_cli_t *cli;
  or_store_waiter_t waiter;
  or_store_check_t check;
  or_text_t text;
  or_json_writer_t json;
} checking_t;

static void begin_document(checking_t *checking) {
  or_json_begin(&checking->json, &checking->text, 2);
  or_json_object_begin(&checking->json);
  or_json_key(&checking->json, "problems");
  or_json_array_begin(&checking->json);
}

static void on_problem(void *self, const char *words) {
  checking_t *checking = self;
  if (checking->cli->json) {
    or_json_string(&checking->json, words);
  } else {
    (void)printf("%s\n", words);
  }
}

static void on_end(void *self, or_status_t status, const or_store_check_t *check) {
  checking_t *checking = self;
  checking->check = *check;
  or_store_waiter_done(&checking->waiter, status);
}

static int print_check(or_cli_t *cli, checking_t *checking) {
  const or_store_check_t *check = &checking->check;
  int code = OR_EXIT_OK;
  if (cli->json) {
    or_json_array_end(&checking->json);
    or_json_field_int(&checking->json, "tasks", (int64_t)check->tasks);
    or_json_field_int(&checking->json, "tensors", (int64_t)check->blobs);
    or_json_field_int(&checking->json, "keys", (int64_t)check->keys);
    or_json_field_int(&checking->json, "damaged", (int64_t)check->damaged);
    or_json_object_end(&checking->json);
    code = or_cli_print_json(cli, &checking->json, &checking->text);
  } else {
    (void)printf("%llu tasks, %llu tensors, %llu keys: %llu damaged\n", (unsigned long long)check->tasks,
                 (unsigned long long)check->blobs, (unsigned long long)check->keys, (unsigned long long)check->damaged);
  }
  return check->damaged > 0 ? OR_EXIT_FAILED : code;
}

static int check_all(or_cli_t *cli) {
  checking_t checking = {.cli = cli};
  const or_store_checking_t callbacks = {&checking, on_problem, on_end};
  or_store_t *store = or_cli_open_store(cli, OR_CLI_STORE_LOOK);
  if (store == NULL) return cli->code;
  or_text_init(&checking.text, cli->allocator);
  if (cli->json) begin_document(&checking);
  or_store_waiter_init(&checking.waiter);
  or_status_t status = or_store_waiter_wait(&checking.waiter, or_store_check(store, &callbacks));
  or_store_close(store);
  if (or_ok(status)) return print_check(cli, &checking);
  if (cli->json) or_status_ignore(checking.json.status); /* the failure of the check is told */
  int code = or_cli_fail(cli, status);
  or_text_deinit(&checking.text);
  return code;
}

int or_cli_store_command(or_cli_t *cli) {
  const size_t count = cli->arguments.word_count;
  const char *action = cli->arguments.words[0];
  if (strcmp(action, "backup") == 0) {
    if (count != 2) return or_cli_usage_error(cli, "store backup needs a FILE");
    return backup(cli, cli->arguments.words[1]);
  }
  if (strcmp(action, "check") != 0)
    return or_cli_usage_error(cli, "store \"%s\"? There are: backup FILE, check", action);
  if (count != 1) return or_cli_usage_error(cli, "store check: unexpected \"%s\"", cli->arguments.words[1]);
  return check_all(cli);
}

#else

int or_cli_store_command(or_cli_t *cli) {
  return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED, "store: this build has no server"));
}

#endif
