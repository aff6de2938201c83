#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cli/remote.h"

static int list(or_cli_t *cli);
static int ask_about(or_cli_t *cli, const char *id, const char *method, or_cli_printer_t print);
static void print_one(or_cli_t *cli, const or_json_value_t *root);
static void print_removal(or_cli_t *cli, const or_json_value_t *root);

int or_cli_tasks_command(or_cli_t *cli) {
  const char *cancelled = or_cli_value(cli, "--cancel");
  const bool named = cli->arguments.word_count > 0;
  if (cancelled != NULL && named) return or_cli_usage_error(cli, "give an ID to look at, or one to --cancel, not both");
  if ((cancelled != NULL || named) && (or_cli_has(cli, "--status") || or_cli_has(cli, "--limit")))
    return or_cli_usage_error(cli, "--status and --limit are of the list: leave out the ID");
  if (cancelled != NULL) return ask_about(cli, cancelled, "DELETE", print_removal);
  return named ? ask_about(cli, cli->arguments.words[0], "GET", print_one) : list(cli);
}

static const char *word(const or_json_value_t *object, const char *key) {
  const char *text = or_json_get_string(or_json_get(object, key), "");
  return text[0] != '\0' ? text : "-";
}

static double number(const or_json_value_t *object, const char *key) {
  return or_json_get_double(or_json_get(object, key), NAN);
}

/* An active task counts its time while it runs, a finished one has it. */
static double time_of(const or_json_value_t *task) {
  const double running = number(task, "running_time");
  return isfinite(running) ? running : number(task, "execution_time");
}

static const char *device_of(const or_json_value_t *task) {
  return or_json_get(task, "device_id") != NULL ? word(task, "device_id") : word(task, "device_used");
}

static void add_rows(or_cli_table_t *table, const or_json_value_t *tasks) {
  for (size_t i = 0; i < or_json_count(tasks); ++i) {
    const or_json_value_t *task = or_json_at(tasks, i);
    const int64_t priority = or_json_get_int(or_json_get(task, "priority"), 0);
    char time[OR_CLI_NUMBER_BYTES];
    or_cli_table_cell(table, "%s", word(task, "task_id"));
    or_cli_table_cell(table, "%s", word(task, "operation"));
    or_cli_table_cell(table, "%s", word(task, "status"));
    or_cli_table_cell(table, "%s", device_of(task));
    or_cli_table_cell(table, "%s", or_cli_seconds(time_of(task), time, sizeof time));
    or_cli_table_cell(table, priority > 0 ? "%lld" : "-", (long long)priority);
  }
}

/* What is at work, and the page of what is stored where the server gives one. */
static void print_list(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *active = or_json_get(root, "active_tasks"), *stored = or_json_get(root, "tasks");
  if (or_json_count(active) + or_json_count(stored) == 0) {
    if (!cli->quiet) (void)fprintf(stderr, "no tasks\n");
    return;
  }
  or_cli_table_t *table = or_cli_table_create(cli, "ID|OPERATION|STATUS|DEVICE|>TIME|>PRIORITY");
  add_rows(table, active);
  add_rows(table, stored);
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static int list(or_cli_t *cli) {
  or_text_t query;
  or_text_init(&query, cli->allocator);
  or_status_t status = or_cli_add_query(&query, "status", or_cli_value(cli, "--status"));
  if (or_ok(status)) status = or_cli_add_query(&query, "limit", or_cli_value(cli, "--limit"));
  const or_client_request_t request = {.method = "GET", .path = "/tasks", .query = or_text_string(&query)};
  const int code = or_ok(status) ? or_cli_show_reply(cli, &request, print_list) : or_cli_fail(cli, status);
  or_text_deinit(&query);
  return code;
}

static int ask_about(or_cli_t *cli, const char *id, const char *method, or_cli_printer_t print) {
  or_text_t path;
  or_text_init(&path, cli->allocator);
  or_status_t status = or_cli_path(&path, "/tasks", id, "");
  const or_client_request_t request = {.method = method, .path = or_text_string(&path)};
  const int code = or_ok(status) ? or_cli_show_reply(cli, &request, print) : or_cli_fail(cli, status);
  or_text_deinit(&path);
  return code;
}

static void line(const char *name, const char *value) {
  if (strcmp(value, "-") != 0) (void)printf("%-12s %s\n", name, value);
}

static void print_one(or_cli_t *cli, const or_json_value_t *root) {
  const double progress = number(root, "progress");
  char text[OR_CLI_NUMBER_BYTES];
  (void)cli;
  line("id", word(root, "task_id"));
  line("status", word(root, "status"));
  if (isfinite(progress)) line("progress", or_format(text, sizeof text, "%.0f %%", progress * 100));
  line("device", device_of(root));
  line("fell back", word(root, "fallback_reason"));
  line("time", or_cli_seconds(time_of(root), text, sizeof text));
  if (or_json_get_int(or_json_get(root, "attempts"), 1) > 1)
    line("attempts",
         or_format(text, sizeof text, "%lld", (long long)or_json_get_int(or_json_get(root, "attempts"), 1)));
  line("error", word(root, "error"));
  line("created", word(root, "created_at"));
  line("started", word(root, "started_at"));
  line("finished", word(root, "finished_at"));
  if (or_json_kind(or_json_get(root, "result")) == OR_JSON_OBJECT && !cli->quiet)
    (void)fprintf(stderr, "its result: openruntime --json tasks %s\n", word(root, "task_id"));
}

static void print_removal(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("%s: %s\n", word(root, "task_id"), word(root, "status"));
}
