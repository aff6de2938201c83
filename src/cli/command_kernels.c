#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/string.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/request.h"
#include "task/kernel.h"

/* Each word, here and by --url. */
typedef struct action_t {
  const char *name, *needs; /* needs: of the word behind it; NULL: none */
  int (*here)(or_cli_t *cli, const char *word);
  int (*there)(or_cli_t *cli, const char *word);
} action_t;

static int list_here(or_cli_t *cli, const char *word);
static int list_there(or_cli_t *cli, const char *word);
static int compile_here(or_cli_t *cli, const char *path);
static int compile_there(or_cli_t *cli, const char *path);
static int find_here(or_cli_t *cli, const char *name);
static int run_there(or_cli_t *cli, const char *name);
static int remove_there(or_cli_t *cli, const char *name);

static const action_t actions[] = {{"list", NULL, list_here, list_there},
                                   {"compile", "a FILE", compile_here, compile_there},
                                   {"run", "a NAME", find_here, run_there},
                                   {"remove", "a NAME", find_here, remove_there}};

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
  if (strcmp(name, "compile") != 0 && (or_cli_has(cli, "--name") || or_cli_has(cli, "--entry")))
    return or_cli_usage_error(cli, "kernels %s: --name and --entry are of compile", name);
  if (or_cli_is_remote(cli)) return action->there(cli, count > 1 ? cli->arguments.words[1] : NULL);
  return or_cli_runtime(cli) ? action->here(cli, count > 1 ? cli->arguments.words[1] : NULL) : cli->code;
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
  or_json_array_end(&json);
  or_json_object_end(&json);
  return or_cli_show_written(cli, &json, &text, print_list);
}

static int list_there(or_cli_t *cli, const char *word) {
  (void)word;
  return or_cli_show_reply(cli, &(or_client_request_t){.method = "GET", .path = "/kernels"}, print_list);
}

/* What is to be compiled: the file, and by which name. */
typedef struct source_t {
  char *text;
  size_t length;
  char name[OR_KERNEL_NAME_BYTES + 1];
  const char *entry;
} source_t;

/* --name, else the file's without its ending; --entry, else the name. False: the usage error is printed. */
static bool find_names(or_cli_t *cli, const char *path, source_t *source) {
  const char *given = or_cli_value(cli, "--name"), *slash = strrchr(path, '/');
  const char *base = slash != NULL ? slash + 1 : path;
  if (given != NULL) {
    or_format(source->name, sizeof source->name, "%s", given);
  } else {
    or_format(source->name, sizeof source->name, "%.*s", (int)strcspn(base, "."), base);
  }
  source->entry = or_cli_has(cli, "--entry") ? or_cli_value(cli, "--entry") : source->name;
  if (or_kernel_name_valid(source->name) && or_kernel_name_valid(source->entry)) return true;
  (void)or_cli_usage_error(cli, "kernels compile: \"%s\" is no name of a kernel (letters, digits, _); give --%s NAME",
                           or_kernel_name_valid(source->name) ? source->entry : source->name,
                           or_kernel_name_valid(source->name) ? "entry" : "name"); /* its code is OR_EXIT_USAGE */
  return false;
}

/* The file is read first: what is wrong with it is the nearer cause. `text` is the caller's. */
static int read_source(or_cli_t *cli, const char *path, source_t *source) {
  *source = (source_t){.text = NULL};
  if (!find_names(cli, path, source)) return OR_EXIT_USAGE;
  or_status_t status = or_file_read(cli->allocator, path, OR_KERNEL_SOURCE_BYTES, &source->text, &source->length);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

static int compile_here(or_cli_t *cli, const char *path) {
  source_t source;
  int code = read_source(cli, path, &source);
  or_free(cli->allocator, source.text);
  if (code == OR_EXIT_OK) code = or_cli_fail(cli, or_kernel_find_compiler(cli->runtime, cli->device));
  return code;
}

static or_status_t write_source(const or_cli_t *cli, const source_t *source, or_text_t *body) {
  or_json_writer_t json;
  or_json_begin(&json, body, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", source->name);
  or_json_field_string(&json, "entry_point", source->entry);
  or_json_key(&json, "source_code");
  or_json_string_n(&json, source->text, source->length);
  if (cli->device != NULL) or_json_field_string(&json, "target_device", cli->device);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

static void print_compiled(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("%s: %s\n", or_cli_word(or_json_get(root, "kernel"), "name"), or_cli_word(root, "status"));
}

static int compile_there(or_cli_t *cli, const char *path) {
  source_t source;
  or_text_t body;
  or_text_init(&body, cli->allocator);
  int code = read_source(cli, path, &source);
  or_status_t status = code == OR_EXIT_OK ? write_source(cli, &source, &body) : or_status_success();
  const or_client_request_t request = {.method = "POST",
                                       .path = "/kernels/compile",
                                       .content_type = "application/json",
                                       .body = or_text_string(&body),
                                       .body_bytes = body.length,
                                       .timeout_s = OR_CLIENT_NO_TIMEOUT};
  if (!or_ok(status)) code = or_cli_fail(cli, status);
  if (code == OR_EXIT_OK) code = or_cli_show_reply(cli, &request, print_compiled);
  or_text_deinit(&body);
  or_free(cli->allocator, source.text);
  return code;
}

static int find_here(or_cli_t *cli, const char *name) {
  return or_cli_fail(cli,
                     or_error(OR_NOT_FOUND, "no kernel \"%.128s\": no device of this version can compile one", name));
}

/* A task of it, whose result is its document. */
static int run_there(or_cli_t *cli, const char *name) {
  const or_cli_execution_t execution = {.verify = false};
  or_cli_request_t request;
  or_cli_outcome_t outcome;
  or_cli_request_begin(&request, cli, "kernel");
  or_json_field_string(&request.json, "name", name);
  const int code = or_cli_request_execute(&request, &execution, true, &outcome);
  if (code == OR_EXIT_OK && !cli->json) (void)printf("%s\n", or_text_string(&outcome.result.json));
  or_cli_outcome_deinit(&outcome);
  return code;
}

static void print_removed(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("%s: %s\n", or_cli_word(root, "name"), or_cli_word(root, "status"));
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
