#include <string.h>

#include "base/alloc.h"
#include "cli/kernels.h"
#include "cli/print.h"
#include "cli/remote.h"

/* Each word, here and by --url. */
typedef struct action_t {
  const char *name, *needs; /* needs: of the word behind it; NULL: none */
  const char *flags;        /* of the command's own that it takes, separated by spaces */
  int (*here)(or_cli_t *cli, const char *word);
  int (*there)(or_cli_t *cli, const char *word);
} action_t;

static int list_here(or_cli_t *cli, const char *word);
static int list_there(or_cli_t *cli, const char *word);
static int compile_here(or_cli_t *cli, const char *path);
static int compile_there(or_cli_t *cli, const char *path);
static int remove_here(or_cli_t *cli, const char *name);
static int remove_there(or_cli_t *cli, const char *name);

static const action_t actions[] = {{"list", NULL, "", list_here, list_there},
                                   {"compile", "a FILE", "--name --entry --set", compile_here, compile_there},
                                   {"run", "a NAME",
                                    "--name --entry --set --grid --block --arg --output --image --timeout",
                                    or_cli_kernels_run, or_cli_kernels_run},
                                   {"remove", "a NAME", "", remove_here, remove_there}};

/* A flag of this command that the action has no use for; NULL: there is none. */
static const char *stray_flag(const or_cli_t *cli, const action_t *action) {
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    const or_cli_flag_t *flag = cli->arguments.flags[i].flag;
    for (const or_cli_flag_t *own = cli->command->flags; own->name != NULL; ++own) {
      const size_t length = strlen(own->name);
      if (own != flag) continue;
      const char *at = strstr(action->flags, own->name);
      if (at == NULL || (at[length] != ' ' && at[length] != '\0')) return own->name;
    }
  }
  return NULL;
}

int or_cli_kernels_command(or_cli_t *cli) {
  const size_t count = cli->arguments.word_count;
  const char *name = count > 0 ? cli->arguments.words[0] : "list";
  const action_t *action = NULL;
  for (size_t i = 0; i < sizeof actions / sizeof *actions; ++i) {
    if (strcmp(actions[i].name, name) == 0) action = &actions[i];
  }
  if (action == NULL) return or_cli_usage_error(cli, "kernels \"%s\"? There are: list, compile, run, remove", name);
  if (action->needs == NULL && count > 1)
    return or_cli_usage_error(cli, "kernels %s: unexpected \"%s\"", name, cli->arguments.words[1]);
  if (action->needs != NULL && count != 2) return or_cli_usage_error(cli, "kernels %s needs %s", name, action->needs);
  const char *stray = stray_flag(cli, action);
  if (stray != NULL) return or_cli_usage_error(cli, "kernels %s has no flag %s", name, stray);
  return (or_cli_is_remote(cli) ? action->there : action->here)(cli, count > 1 ? cli->arguments.words[1] : NULL);
}

static const char *name_of(const or_json_value_t *name, char *text, size_t capacity) {
  (void)text, (void)capacity;
  return or_json_get_string(name, "");
}

static void print_list(or_cli_t *cli, const or_json_value_t *root) {
  static const or_cli_column_t columns[] = {{"NAME", NULL, name_of}};
  OR_CLI_PRINT_ROWS(cli, or_json_get(root, "kernels"), columns);
}

static int list_here(or_cli_t *cli, const char *word) {
  or_text_t text;
  or_json_writer_t json;
  (void)word;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "kernels");
  or_json_array_begin(&json);
  or_status_t status = or_cli_kernels_list(cli, &json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  if (or_ok(status)) return or_cli_show_written(cli, &json, &text, print_list);
  or_status_ignore(json.status); /* nothing is shown of it */
  or_text_deinit(&text);
  return or_cli_fail(cli, status);
}

static int list_there(or_cli_t *cli, const char *word) {
  (void)word;
  return or_cli_show_reply(cli, &(or_client_request_t){.method = "GET", .path = "/kernels"}, print_list);
}

/* ---- compile ---- */

static const char *writable_of(const or_json_value_t *value, char *text, size_t capacity) {
  (void)text, (void)capacity;
  return or_json_get_bool(value, false) ? "written" : "";
}

static void print_compiled(or_cli_t *cli, const or_json_value_t *root) {
  static const or_cli_column_t columns[] = {{">#", "index", NULL},
                                            {"NAME", "name", NULL},
                                            {"TYPE", "type", NULL},
                                            {"ROLE", "role", NULL},
                                            {"DTYPE", "dtype", NULL},
                                            {">WIDTH", "width", NULL},
                                            {"OUTPUT", "writable", writable_of}};
  const or_json_value_t *kernel = or_json_get(root, "kernel");
  char seconds[OR_CLI_NUMBER_BYTES];
  (void)printf("%s%s%s: %s for %s in %s%s, at most %lld work items a block\n", or_cli_style(cli, OR_CLI_BOLD),
               or_cli_word(kernel, "name"), or_cli_style(cli, OR_CLI_PLAIN), or_cli_word(root, "status"),
               or_cli_word(kernel, "target_device"),
               or_cli_seconds(or_cli_real(kernel, "compile_time"), seconds, sizeof seconds),
               or_json_get_bool(or_json_get(kernel, "cached"), false) ? " (from the cache)" : "",
               (long long)or_cli_whole(kernel, "max_block"));
  OR_CLI_PRINT_ROWS(cli, or_json_get(kernel, "signature"), columns);
}

static int show_compiled(or_cli_t *cli, const char *facts) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "status", "compiled");
  or_json_key(&json, "kernel");
  or_json_raw(&json, facts, strlen(facts));
  or_json_object_end(&json);
  return or_cli_show_written(cli, &json, &text, print_compiled);
}

static int compile_here(or_cli_t *cli, const char *path) {
  or_cli_source_t source;
  or_kernel_registry_t *registry = NULL;
  or_kernel_entry_t *entry = NULL;
  int code = or_cli_source_read(cli, path, &source);
  if (code == OR_EXIT_OK && !or_cli_runtime(cli)) code = cli->code;
  or_status_t status = code == OR_EXIT_OK ? or_cli_kernels_open(cli, true, &registry) : or_status_success();
  if (!or_ok(status)) code = or_cli_fail(cli, status);
  if (code == OR_EXIT_OK) code = or_cli_source_compile(cli, &source, registry, &entry);
  if (code == OR_EXIT_OK) code = show_compiled(cli, or_kernel_entry_record(entry)->facts);
  or_kernel_entry_release(entry);
  or_kernel_registry_free(registry);
  or_cli_source_deinit(cli, &source);
  return code;
}

static or_status_t write_source(const or_cli_t *cli, const or_cli_source_t *source, or_text_t *body) {
  or_json_writer_t json;
  or_json_begin(&json, body, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", source->name);
  or_json_field_string(&json, "entry_point", source->entry);
  or_json_key(&json, "parameters");
  or_json_raw(&json, or_text_string(&source->parameters), source->parameters.length);
  or_json_key(&json, "source_code");
  or_json_string_n(&json, source->text, source->length);
  if (cli->device != NULL) or_json_field_string(&json, "target_device", cli->device);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

/* The compiler's words are in the reply, be it good or bad. NULL: there are none. They live as long as the document. */
static const char *log_of(const or_cli_t *cli, const or_client_reply_t *reply, or_json_document_t **document) {
  or_status_t status = or_json_parse(cli->allocator, or_text_string(&reply->body), reply->body.length, document);
  const or_json_value_t *root = or_json_root(*document), *kernel = or_json_get(root, "kernel");
  const bool read = or_ok(status) && or_json_kind(root) == OR_JSON_OBJECT;
  or_status_ignore(status); /* what is no JSON has no log; the failure is told by its own words */
  return read ? or_json_get_string(or_json_get(kernel != NULL ? kernel : root, "log"), NULL) : NULL;
}

static int post_source(or_cli_t *cli, const or_cli_source_t *source, const or_text_t *body) {
  const or_client_request_t request = {.method = "POST",
                                       .path = "/kernels/compile",
                                       .content_type = "application/json",
                                       .body = or_text_string(body),
                                       .body_bytes = body->length,
                                       .timeout_s = OR_CLIENT_NO_TIMEOUT};
  or_client_t *client = NULL;
  or_client_reply_t reply;
  or_json_document_t *document = NULL, *words = NULL;
  if (!or_cli_client(cli, &client)) return cli->code;
  or_client_reply_init(&reply, cli->allocator);
  or_status_t status = or_client_call(client, &request, &reply);
  const char *log = log_of(cli, &reply, &words);
  if (log != NULL && (!cli->quiet || !or_ok(status))) or_cli_print_log(source->path, log);
  cli->log = log;
  int code = or_ok(status) ? OR_EXIT_OK : or_cli_fail_reply(cli, &reply, status);
  cli->log = NULL;
  or_json_document_free(words);
  if (code == OR_EXIT_OK) {
    status = or_cli_parse_reply(cli, request.method, or_text_string(&reply.body), reply.body.length, &document);
    code = or_ok(status) ? or_cli_show(cli, or_json_root(document), print_compiled) : or_cli_fail(cli, status);
  }
  or_json_document_free(document);
  or_client_reply_deinit(&reply);
  return code;
}

static int compile_there(or_cli_t *cli, const char *path) {
  or_cli_source_t source;
  or_text_t body;
  or_text_init(&body, cli->allocator);
  int code = or_cli_source_read(cli, path, &source);
  or_status_t status = code == OR_EXIT_OK ? write_source(cli, &source, &body) : or_status_success();
  if (!or_ok(status)) code = or_cli_fail(cli, status);
  if (code == OR_EXIT_OK) code = post_source(cli, &source, &body);
  or_text_deinit(&body);
  or_cli_source_deinit(cli, &source);
  return code;
}

/* ---- remove ---- */

static void print_removed(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("%s: %s\n", or_cli_word(root, "name"), or_cli_word(root, "status"));
}

static int remove_here(or_cli_t *cli, const char *name) {
  or_text_t text;
  or_json_writer_t json;
  or_status_t status = or_cli_kernels_remove(cli, name);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", name);
  or_json_field_string(&json, "status", "removed");
  or_json_object_end(&json);
  return or_cli_show_written(cli, &json, &text, print_removed);
}

static int remove_there(or_cli_t *cli, const char *name) {
  or_text_t path;
  or_text_init(&path, cli->allocator);
  or_status_t status = or_cli_path(&path, "/kernels", name, "");
  const or_client_request_t request = {.method = "DELETE", .path = or_text_string(&path)};
  const int code = or_ok(status) ? or_cli_show_reply(cli, &request, print_removed) : or_cli_fail(cli, status);
  or_text_deinit(&path);
  return code;
}
