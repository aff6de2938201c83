/* `tasks`: what waits, runs and ran on a server. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/string.h"
#include "cli/print.h"
#include "cli/remote.h"

#define POLL_MS 200 /* of a task that is waited for */

static int list(or_cli_t *cli);
static int ask_about(or_cli_t *cli, const char *id, const char *method, or_cli_printer_t print);
static int change_priority(or_cli_t *cli, const char *id);
static int wait_for(or_cli_t *cli, const char *id);
static void print_one(or_cli_t *cli, const or_json_value_t *root);
static void print_removal(or_cli_t *cli, const or_json_value_t *root);

/* The first of these flags that is given; NULL: none. */
static const char *first_given(const or_cli_t *cli, const char *const *flags, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (or_cli_has(cli, flags[i])) return flags[i];
  }
  return NULL;
}

int or_cli_tasks_command(or_cli_t *cli) {
  static const char *const of_list[] = {"--status", "--operation", "--device", "--limit", "--after"};
  static const char *const of_one[] = {"--wait", "--priority"};
  const char *cancelled = or_cli_value(cli, "--cancel");
  const char *id = cli->arguments.word_count > 0 ? cli->arguments.words[0] : NULL;
  const char *filter = first_given(cli, of_list, sizeof of_list / sizeof *of_list);
  const char *action = first_given(cli, of_one, sizeof of_one / sizeof *of_one);
  int64_t priority = 0;
  if (cancelled != NULL && id != NULL)
    return or_cli_usage_error(cli, "give an ID to look at, or one to --cancel, not both");
  if ((cancelled != NULL || id != NULL) && filter != NULL)
    return or_cli_usage_error(cli, "%s is of the list: leave out the ID", filter);
  if (id == NULL && action != NULL) return or_cli_usage_error(cli, "%s is of one task: tasks ID %s", action, action);
  if (!or_cli_integer(cli, "--priority", 1, 10, 1, &priority)) return OR_EXIT_USAGE;
  if (cancelled != NULL) return ask_about(cli, cancelled, "DELETE", print_removal);
  if (id == NULL) return list(cli);
  const bool waits = or_cli_has(cli, "--wait");
  const int code = or_cli_has(cli, "--priority") ? change_priority(cli, id) : OR_EXIT_OK;
  if (code != OR_EXIT_OK || (or_cli_has(cli, "--priority") && !waits)) return code;
  return waits ? wait_for(cli, id) : ask_about(cli, id, "GET", print_one);
}

static const char *device_of(const or_json_value_t *task) {
  return or_json_get(task, "device_id") != NULL ? or_cli_word(task, "device_id") : or_cli_word(task, "device_used");
}

/* Seconds since 1970 of "2026-01-31T12:00:00.123456+00:00"; NaN: it is none. */
static double seconds_of(const char *text) {
  struct tm time = {.tm_isdst = 0};
  const char *fraction = strptime(text, "%Y-%m-%dT%H:%M:%S", &time);
  if (fraction == NULL) return NAN;
  return (double)timegm(&time) + (*fraction == '.' ? strtod(fraction, NULL) : 0);
}

/* An active task counts its time while it runs; of a finished one the whole is known, or when it began and ended. */
static double time_of(const or_json_value_t *task) {
  const double running = or_cli_real(task, "running_time"), whole = or_cli_real(task, "execution_time");
  if (isfinite(running)) return running;
  if (isfinite(whole)) return whole;
  return seconds_of(or_cli_word(task, "finished_at")) - seconds_of(or_cli_word(task, "started_at"));
}

static const char *or_dash(const char *words) { return words[0] != '\0' ? words : "-"; }

static bool is_among(const or_json_value_t *tasks, const char *id) {
  for (size_t i = 0; i < or_json_count(tasks); ++i) {
    if (strcmp(or_cli_word(or_json_at(tasks, i), "task_id"), id) == 0) return true;
  }
  return false;
}

/* But for those that stand in `others`. */
static void add_rows(or_cli_table_t *table, const or_json_value_t *tasks, const or_json_value_t *others) {
  for (size_t i = 0; i < or_json_count(tasks); ++i) {
    const or_json_value_t *task = or_json_at(tasks, i);
    const int64_t priority = or_cli_whole(task, "priority");
    char time[OR_CLI_NUMBER_BYTES];
    if (is_among(others, or_cli_word(task, "task_id"))) continue;
    or_cli_table_cell(table, "%s", or_dash(or_cli_word(task, "task_id")));
    or_cli_table_cell(table, "%s", or_dash(or_cli_word(task, "operation")));
    or_cli_table_cell(table, "%s", or_dash(or_cli_word(task, "status")));
    or_cli_table_cell(table, "%s", or_dash(device_of(task)));
    or_cli_table_cell(table, "%s", or_cli_seconds(time_of(task), time, sizeof time));
    or_cli_table_cell(table, priority > 0 ? "%lld" : "-", (long long)priority);
    or_cli_table_cell(table, "%.19s", or_dash(or_cli_word(task, "finished_at")));
  }
}

/* What is at work, and a page of what is stored, in which that may stand too. */
static void print_list(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *active = or_json_get(root, "active_tasks"), *stored = or_json_get(root, "tasks");
  const char *next = or_cli_word(root, "next");
  if (or_json_count(active) + or_json_count(stored) == 0) {
    if (!cli->quiet) (void)fprintf(stderr, "no tasks\n");
    return;
  }
  or_cli_table_t *table = or_cli_table_create(cli, "ID|OPERATION|STATUS|DEVICE|>TIME|>PRIORITY|ENDED (UTC)");
  add_rows(table, active, NULL);
  add_rows(table, stored, active);
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
  if (next[0] != '\0' && !cli->quiet) (void)fprintf(stderr, "openruntime: there may be more: --after %s\n", next);
}

static int list(or_cli_t *cli) {
  static const char *const fields[] = {"status", "operation", "device", "limit", "after"};
  or_text_t query;
  or_text_init(&query, cli->allocator);
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < sizeof fields / sizeof *fields; ++i) {
    char flag[16];
    or_format(flag, sizeof flag, "--%s", fields[i]);
    status = or_cli_add_query(&query, fields[i], or_cli_value(cli, flag));
  }
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

/* Shown, unless it is waited for. */
static int change_priority(or_cli_t *cli, const char *id) {
  char body[32];
  or_json_document_t *document = NULL;
  or_text_t path;
  or_text_init(&path, cli->allocator);
  or_status_t status = or_cli_path(&path, "/tasks", id, "");
  (void)or_format(body, sizeof body, "{\"priority\":%ld}", strtol(or_cli_value(cli, "--priority"), NULL, 10));
  const or_client_request_t request = {.method = "PATCH",
                                       .path = or_text_string(&path),
                                       .content_type = "application/json",
                                       .body = body,
                                       .body_bytes = strlen(body)};
  int code = or_ok(status) ? or_cli_ask(cli, &request, &document) : or_cli_fail(cli, status);
  if (code == OR_EXIT_OK && !or_cli_has(cli, "--wait")) code = or_cli_show(cli, or_json_root(document), print_one);
  or_json_document_free(document);
  or_text_deinit(&path);
  return code;
}

static bool is_active(const or_json_value_t *task) {
  const char *state = or_cli_word(task, "status");
  return strcmp(state, "pending") == 0 || strcmp(state, "running") == 0;
}

/* Until it has ended; it goes on where this is interrupted. The end of the task is that of the command. */
static int wait_for(or_cli_t *cli, const char *id) {
  or_json_document_t *document = NULL;
  or_text_t path;
  or_text_init(&path, cli->allocator);
  or_status_t status = or_cli_path(&path, "/tasks", id, "");
  const or_client_request_t request = {.method = "GET", .path = or_text_string(&path)};
  int code = or_ok(status) ? or_cli_ask(cli, &request, &document) : or_cli_fail(cli, status);
  while (code == OR_EXIT_OK && is_active(or_json_root(document))) {
    (void)poll(NULL, 0, POLL_MS); /* a signal ends it, and the next request */
    or_cli_progress(cli, or_json_get_double(or_json_get(or_json_root(document), "progress"), 0),
                    or_cli_word(or_json_root(document), "status"));
    or_json_document_free(document);
    code = or_cli_ask(cli, &request, &document);
  }
  or_cli_progress_end(cli);
  const or_json_value_t *task = or_json_root(document);
  if (code == OR_EXIT_OK) code = or_cli_show(cli, task, print_one);
  if (code == OR_EXIT_OK && strcmp(or_cli_word(task, "status"), "completed") != 0) code = OR_EXIT_FAILED;
  or_json_document_free(document);
  or_text_deinit(&path);
  return code;
}

static void line(const char *name, const char *value) { or_cli_print_field(name, 12, value); }

static void print_one(or_cli_t *cli, const or_json_value_t *root) {
  const double progress = or_cli_real(root, "progress");
  const int64_t attempts = or_cli_whole(root, "attempts");
  char text[OR_CLI_NUMBER_BYTES];
  line("id", or_cli_word(root, "task_id"));
  line("status", or_cli_word(root, "status"));
  if (isfinite(progress)) line("progress", or_format(text, sizeof text, "%.0f %%", progress * 100));
  line("device", device_of(root));
  line("fell back", or_cli_word(root, "fallback_reason"));
  line("time", or_cli_seconds(time_of(root), text, sizeof text));
  if (attempts > 1) line("attempts", or_format(text, sizeof text, "%lld", (long long)attempts));
  line("error", or_cli_word(root, "error"));
  line("created", or_cli_word(root, "created_at"));
  line("started", or_cli_word(root, "started_at"));
  line("finished", or_cli_word(root, "finished_at"));
  if (or_json_kind(or_json_get(root, "result")) == OR_JSON_OBJECT && !cli->quiet)
    (void)fprintf(stderr, "its result: openruntime --json tasks %s\n", or_cli_word(root, "task_id"));
}

static void print_removal(or_cli_t *cli, const or_json_value_t *root) {
  (void)cli;
  (void)printf("%s: %s\n", or_cli_word(root, "task_id"), or_cli_word(root, "status"));
}
