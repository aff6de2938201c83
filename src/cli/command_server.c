/* `server` and `serve`: settings from flags, environment and file, then the server until a signal. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "or_config.h"

#if OR_HAVE_SERVER

#include "cli/data_folder.h"
#include "server/server.h"

#define DEFAULT_FILE "openruntime.conf"

/* Flags that are settings under another name than their own. */
static const struct {
  const char *flag, *key, *value; /* value: of a switch */
} flag_keys[] = {
    {"--host", "host", NULL},
    {"--port", "port", NULL},
    {"--unix", "unix", NULL},
    {"--models", "models", NULL},
    {"--data", "data", NULL},
    {"--insecure", "insecure", "true"},
    {"--tls-cert", "tls_cert", NULL},
    {"--tls-key", "tls_key", NULL},
    {"--log-level", "log_level", NULL},
    {"--loops", "loops", NULL},
    {"--backends", "backends", NULL},
    {"--cache", "cache", NULL},
    {"--metrics-open", "metrics_open", "true"},
    {"--kernels", "kernels", "true"},
};

static void print_problem(void *self, const char *problem) {
  (void)self;
  (void)fprintf(stderr, "openruntime: %s\n", problem);
}

static const char *environment(const char *name) { return getenv(name); }

static size_t tell(or_status_t status, const char *flag) {
  if (or_ok(status)) return 0;
  (void)fprintf(stderr, "openruntime: %s: %s\n", flag, or_status_message(status));
  or_status_ignore(status); /* told */
  return 1;
}

/* --set KEY=VALUE: every setting by its own name. */
static size_t set_by_name(or_server_config_t *config, const char *words) {
  char key[64];
  const char *equals = strchr(words, '=');
  if (equals == NULL || (size_t)(equals - words) >= sizeof key)
    return tell(or_error(OR_INVALID_ARGUMENT, "\"%.64s\" is not KEY=VALUE", words), "--set");
  (void)or_format(key, sizeof key, "%.*s", (int)(equals - words), words);
  return tell(or_config_set(config, key, equals + 1), "--set");
}

static size_t apply_flags(or_cli_t *cli, or_server_config_t *config) {
  size_t problems = 0;
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    const char *name = cli->arguments.flags[i].flag->name, *value = cli->arguments.flags[i].value;
    if (strcmp(name, "--set") == 0) problems += set_by_name(config, value);
    for (size_t j = 0; j < sizeof flag_keys / sizeof *flag_keys; ++j) {
      if (strcmp(flag_keys[j].flag, name) != 0) continue;
      problems += tell(or_config_set(config, flag_keys[j].key, value != NULL ? value : flag_keys[j].value), name);
    }
  }
  return problems;
}

/* The file that is named must be there; the one of the usual name may be. */
static or_status_t read_file(or_cli_t *cli, or_server_config_t *config, size_t *problems) {
  const char *path = or_cli_value(cli, "--config");
  char *text = NULL;
  size_t length = 0;
  if (path == NULL && access(DEFAULT_FILE, F_OK) != 0) return or_status_success();
  if (path == NULL) path = DEFAULT_FILE;
  or_status_t status = or_file_read(cli->allocator, path, OR_CONFIG_FILE_BYTES, &text, &length);
  if (or_ok(status)) *problems += or_config_read(config, path, text, length, print_problem, NULL);
  or_free(cli->allocator, text);
  return status;
}

or_status_t or_cli_server_settings(or_cli_t *cli, or_server_config_t *config, size_t *problems) {
  *problems = 0;
  or_config_default(config);
  or_status_t status = read_file(cli, config, problems);
  if (!or_ok(status)) return status;
  *problems += or_config_read_environment(config, environment, print_problem, NULL);
  *problems += apply_flags(cli, config);
  return status;
}

/* The command while its server runs. */
typedef struct serving_t {
  or_cli_t *cli;
  or_log_writer_t *log;
} serving_t;
#define LAST_LINES_NS INT64_C(1000000000) /* that a reader of the log has at the end */
#define LAST_LINES_AT_ONCE_NS INT64_C(100000000)

static int print_template(or_cli_t *cli) {
  or_text_t text;
  or_text_init(&text, cli->allocator);
  or_status_t status = or_config_write_template(&text);
  if (or_ok(status)) (void)fputs(or_text_string(&text), stdout);
  or_text_deinit(&text);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

/* What a server would work with: as lines of a file, or an object. */
static int print_settings(or_cli_t *cli, const or_server_config_t *config) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  if (cli->json) {
    or_json_begin(&json, &text, 2);
    or_config_write_json(config, &json);
    return or_cli_print_json(cli, &json, &text);
  }
  or_status_t status = or_config_write(config, &text);
  if (or_ok(status)) (void)fputs(or_text_string(&text), stdout);
  if (or_ok(status) && !cli->quiet) (void)fprintf(stderr, "openruntime: the configuration is good\n");
  or_text_deinit(&text);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

static or_status_t make_runtime(void *self, or_runtime_t **out) {
  const serving_t *serving = self;
  or_cli_t *cli = serving->cli;
  if (!or_cli_runtime(cli)) return or_error(OR_UNAVAILABLE, "the devices can't be looked for");
  *out = cli->runtime;
  or_runtime_retain(*out);
  return or_status_success();
}

static void say(void *self, const char *line) {
  const serving_t *serving = self;
  if (serving->cli->quiet) return;
  (void)printf("%s\n", line);
  (void)fflush(stdout);
}

static void end_at_once(void *self) {
  const serving_t *serving = self;
  (void)or_log_writer_flush(serving->log, or_clock_ns() + LAST_LINES_AT_ONCE_NS);
  _exit(OR_EXIT_INTERRUPTED);
}

/* SIGHUP is to end nothing, also before the server listens to it; a file that grows beyond `ulimit -f` is a failed
 * write. */
static void outlive_signals(void) {
  (void)signal(SIGHUP, SIG_IGN);
  (void)signal(SIGXFSZ, SIG_IGN);
}

int or_cli_server_command(or_cli_t *cli) {
  or_server_config_t config;
  size_t problems = 0;
  if (or_cli_has(cli, "--url"))
    return or_cli_usage_error(cli, "--url asks a server, and this command is one: leave it out (--host and --port say "
                                   "where it listens)");
  if (or_cli_has(cli, "--print-config")) return print_template(cli);
  or_status_t status = or_cli_server_settings(cli, &config, &problems);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  if (cli->verbosity == 0 || or_cli_has(cli, "--log-level"))
    problems += tell(or_config_set_log_levels(config.log_level), "settings");
  if (or_cli_has(cli, "--check-config")) {
    problems += tell(or_server_check(&config), "settings");
    return problems == 0 ? print_settings(cli, &config) : OR_EXIT_FAILED;
  }
  if (problems > 0) return OR_EXIT_USAGE;
  cli->backends = config.backends;
  cli->cache = config.cache;
  outlive_signals();
  serving_t serving = {.cli = cli};
  status = or_log_writer_start(cli->allocator, STDERR_FILENO, &serving.log);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  or_log_set_sink(or_log_writer_take, serving.log);
  const or_server_options_t options = {.allocator = cli->allocator,
                                       .config = &config,
                                       .make_runtime = make_runtime,
                                       .say = say,
                                       .interrupted = &cli->cancel,
                                       .end_at_once = end_at_once,
                                       .self = &serving,
                                       .log_writer = serving.log,
                                       .notify_socket = environment("NOTIFY_SOCKET"),
                                       .watchdog_usec = environment("WATCHDOG_USEC"),
                                       .watchdog_pid = environment("WATCHDOG_PID")};
  status = or_server_run(&options);
  or_log_set_sink(NULL, NULL);
  if (or_log_writer_stop(serving.log, or_clock_ns() + LAST_LINES_NS)) or_cli_log_to_stderr(); /* its reader reads */
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

#else

int or_cli_server_command(or_cli_t *cli) {
  return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED, "this build has no server: it was configured without libuv, "
                                                     "OpenSSL 3 or SQLite"));
}

#endif
