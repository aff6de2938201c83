#include "cli/cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cache_folder.h"
#include "base/string.h"
#include "cli/arguments.h"
#include "cli/remote.h"
#include "model/limits.h"
#include "or_config.h"

#define COLUMNS_WITHOUT_TERMINAL 100

static void look_at_terminal(or_cli_t *cli);
static int apply_global_flags(or_cli_t *cli);
static int dispatch(or_cli_t *cli);

/* Where a signal leaves its request: set once before the handlers are installed. */
static or_cancel_t *interrupted;
static volatile sig_atomic_t ends_at_once;

static void on_signal(int number) {
  (void)number;
  if (ends_at_once != 0) _exit(OR_EXIT_INTERRUPTED);
  or_cancel_request(interrupted);
}

void or_cli_end_at_signal(void) { ends_at_once = 1; }

static void catch_signals(or_cli_t *cli) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}; /* the second one ends at once */
  interrupted = &cli->cancel;
  ends_at_once = 0;
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
  (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe shows as a failed write */
}

int or_cli_main(int count, char **arguments) {
  or_cli_t cli = {.allocator = or_allocator_system()};
  look_at_terminal(&cli);
  return or_cli_execute(&cli, count, arguments);
}

int or_cli_execute(or_cli_t *cli, int count, char **arguments) {
  or_cancel_init(&cli->cancel, INT64_MAX);
  for (int i = 0; i < count; ++i)
    cli->json = cli->json || strcmp(arguments[i], "--json") == 0; /* errors of parsing too */
  static char version[] = "version";                              /* the command, which --version stands for */
  if (count > 0 && strcmp(arguments[0], "--version") == 0) arguments[0] = version;
  int code = or_cli_parse(cli, count, arguments);
  if (code == OR_EXIT_OK) code = apply_global_flags(cli);
  if (code == OR_EXIT_OK) {
    catch_signals(cli);
    code = dispatch(cli);
  }
  if (code == OR_EXIT_OK && cli->cut_short)
    code = or_cli_fail(cli, or_error(OR_RESOURCE_EXHAUSTED, "no memory for all that was to be shown"));
  or_runtime_release(cli->runtime);
  or_client_free(cli->client);
  if (fflush(stdout) != 0 && code == OR_EXIT_OK) code = OR_EXIT_FAILED;
  if (code == OR_EXIT_FAILED && atomic_load(&cli->cancel.requested)) code = OR_EXIT_INTERRUPTED;
  return code;
}

static void look_at_terminal(or_cli_t *cli) {
  struct winsize size;
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  cli->terminal = isatty(STDOUT_FILENO) == 1;
  cli->error_terminal = isatty(STDERR_FILENO) == 1;
  cli->columns = COLUMNS_WITHOUT_TERMINAL;
  if (cli->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) cli->columns = size.ws_col;
  cli->color = cli->terminal && (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

static void log_line(void *self, or_log_level_t level, const char *line) {
  (void)self, (void)level;
  (void)fprintf(stderr, "%s\n", line);
}

void or_cli_log_to_stderr(void) { or_log_set_sink(log_line, NULL); }

/* The data that came with the program: found from where the program lies, so that a folder which was moved, or
 * installed under another prefix than it was configured for, finds its own. */
static const char *installed_data(or_cli_t *cli) {
  char program[OR_FILE_PATH_BYTES];
  char *slash = or_file_program(program, sizeof program) ? strrchr(program, '/') : NULL;
  if (slash == NULL) return OR_INSTALL_DATADIR;
  *slash = '\0';
  size_t length = strlen(program);
  if (length + sizeof "/" OR_DATADIR_FROM_PROGRAM > sizeof cli->data_directory) return OR_INSTALL_DATADIR;
  or_format(cli->data_directory, sizeof cli->data_directory, "%s/%s", program, OR_DATADIR_FROM_PROGRAM);
  return access(cli->data_directory, F_OK) == 0 ? cli->data_directory : OR_INSTALL_DATADIR;
}

/* By every --model-limit. */
static int read_limits(or_cli_t *cli) {
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, "--model-limit") != 0) continue;
    or_status_t status = or_model_limits_set(&cli->model_limits, cli->arguments.flags[i].value);
    if (or_ok(status)) continue;
    const int code = or_cli_usage_error(cli, "--model-limit: %s", or_status_message(status));
    or_status_ignore(status); /* told as what was wrong with the flag */
    return code;
  }
  return OR_EXIT_OK;
}

static const char *flag_or_environment(const or_cli_t *cli, const char *flag, const char *variable) {
  const char *value = or_cli_value(cli, flag);
  return value != NULL ? value : getenv(variable);
}

static int apply_global_flags(or_cli_t *cli) {
  int64_t threads = 0;
  if (!or_cli_integer(cli, "--threads", 1, 4096, 0, &threads)) return OR_EXIT_USAGE;
  cli->threads = (int)threads;
  cli->quiet = or_cli_has(cli, "--quiet");
  cli->strict = or_cli_has(cli, "--strict");
  cli->device = or_cli_value(cli, "--device");
  cli->url = flag_or_environment(cli, "--url", "OPENRUNTIME_URL");
  cli->backends = flag_or_environment(cli, "--backends", "OPENRUNTIME_BACKENDS");
  cli->cache = flag_or_environment(cli, "--cache", "OPENRUNTIME_CACHE");
  cli->models_directory = flag_or_environment(cli, "--models", "OPENRUNTIME_MODELS");
  if (cli->models_directory == NULL)
    cli->models_directory = access("models", F_OK) == 0 ? "models" : installed_data(cli);
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, "--verbose") == 0) ++cli->verbosity;
  }
  if (cli->verbosity > 0) {
    or_cli_log_to_stderr();
    or_log_set_level(cli->verbosity == 1 ? OR_LOG_INFO : OR_LOG_DEBUG);
  }
  return read_limits(cli);
}

/* Flags that say how this process works; a server has settings of its own. */
static const char *local_flag(const or_cli_t *cli) {
  static const char *const names[] = {"--threads", "--isa",         "--no-vendor", "--backends", "--cache",
                                      "--models",  "--model-limit", "--peaks",     "--verify"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (or_cli_has(cli, names[i])) return names[i];
  }
  return NULL;
}

/* Whether --url and the command fit together; the error is printed. */
static bool check_place(or_cli_t *cli) {
  const or_cli_command_t *command = cli->command;
  if (command->place == OR_CLI_APART) return true;
  if (!or_cli_is_remote(cli)) {
    if (command->place != OR_CLI_ON_SERVER) return true;
    (void)or_cli_usage_error(cli, "%s is of a running server: name it by --url or OPENRUNTIME_URL", command->name);
  } else if (command->place == OR_CLI_IN_PROCESS) {
    (void)or_cli_usage_error(cli, "%s works in process only, no server does it: leave out --url and OPENRUNTIME_URL",
                             command->name);
  } else if (local_flag(cli) != NULL) {
    (void)or_cli_usage_error(cli, "%s is for work in process, and --url names a server: leave one of them out",
                             local_flag(cli));
  } else {
    return true;
  }
  return false; /* its code is OR_EXIT_USAGE */
}

static int dispatch(or_cli_t *cli) {
  if (cli->command == NULL) {
    if (cli->arguments.flag_count > 0 && !or_cli_has(cli, "--help"))
      return or_cli_usage_error(cli, "no command is given");
    return or_cli_help_command(cli);
  }
  if (or_cli_has(cli, "--help")) return or_cli_help_command(cli);
  if (cli->command->run == NULL) {
    return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED, "%s: this version does not have it yet", cli->command->name));
  }
  if (!check_place(cli)) return OR_EXIT_USAGE;
  return cli->command->run(cli);
}

/* More threads than cores are not had. */
static void tell_threads(const or_cli_t *cli) {
  for (size_t i = 0; !cli->quiet && i < or_runtime_device_count(cli->runtime); ++i) {
    const or_device_facts_t *facts = or_device_facts(or_runtime_device(cli->runtime, i));
    if (strcmp(facts->type, "cpu") != 0 || facts->compute_units >= (uint32_t)cli->threads) continue;
    (void)fprintf(stderr, "openruntime: --threads %d: this process may use %u cores, and as many threads work\n",
                  cli->threads, facts->compute_units);
  }
}

static const char *environment(const char *name) { return getenv(name); }

const char *or_cli_cache_folder(const or_cli_t *cli, char *path) {
  if (cli->cache == NULL || cli->cache[0] == '\0')
    return or_cache_folder_default(environment, path, OR_FILE_PATH_BYTES) ? path : NULL;
  return strcmp(cli->cache, OR_CACHE_FOLDER_OFF) != 0 ? cli->cache : NULL;
}

bool or_cli_runtime(or_cli_t *cli) {
  char cache[OR_FILE_PATH_BYTES];
  if (cli->runtime != NULL) return true;
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = cli->allocator;
  options.threads = cli->threads;
  options.cpu_isa = or_cli_value(cli, "--isa");
  options.vendor_libraries = !or_cli_has(cli, "--no-vendor");
  options.model_limits = &cli->model_limits;
  options.backends = cli->backends != NULL && cli->backends[0] != '\0' ? cli->backends : NULL;
  options.cache_directory = or_cli_cache_folder(cli, cache);
  options.system_root = getenv("OPENRUNTIME_SYSTEM_ROOT");
  or_status_t status = or_runtime_create(&options, &cli->runtime);
  if (or_ok(status)) {
    tell_threads(cli);
    return true;
  }
  (void)or_cli_fail(cli, status);
  return false;
}

bool or_cli_find_device(or_cli_t *cli, or_device_t **out) {
  if (!or_cli_runtime(cli)) return false;
  or_status_t status = or_runtime_find_device(cli->runtime, cli->device, out);
  if (or_ok(status)) return true;
  (void)or_cli_fail(cli, status);
  return false;
}

/* A model that is not found: where there are some. */
static or_status_t advise(const or_cli_t *cli, or_status_t status) {
  const char *message = or_status_message(status);
  if (or_status_code(status) != OR_NOT_FOUND || strncmp(message, "no model \"", 10) != 0 ||
      strstr(message, "did you mean") != NULL)
    return status;
  or_status_t advised =
      or_cli_is_remote(cli)
          ? or_error(OR_NOT_FOUND, "%s; those of the server: openruntime models --url %.200s", message, cli->url)
          : or_error(OR_NOT_FOUND, "%s; those of the folder %.200s (--models names another): openruntime models",
                     message, cli->models_directory);
  or_status_ignore(status); /* said with the cure */
  return advised;
}

int or_cli_fail(or_cli_t *cli, or_status_t status) {
  status = advise(cli, status);
  const or_status_mapping_t *mapping = or_status_mapping(or_status_code(status));
  or_cli_progress_end(cli);
  if (cli->json) {
    or_text_t text;
    or_json_writer_t json;
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_json_object_begin(&json);
    or_json_field_string(&json, "detail", or_status_message(status));
    or_json_field_string(&json, "error_code", mapping->name);
    if (cli->log != NULL) or_json_field_string(&json, "log", cli->log);
    or_json_object_end(&json);
    (void)or_cli_print_json(cli, &json, &text);
  }
  (void)fprintf(stderr, "openruntime: %s\n", or_status_message(status));
  if (cli->verbosity > 1) (void)fprintf(stderr, "openruntime: at %s\n", or_status_place(status));
  or_status_ignore(status); /* it has been printed */
  cli->code = mapping->exit_code;
  return cli->code;
}

int or_cli_usage_error(or_cli_t *cli, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (cli->json) (void)or_cli_fail(cli, or_error(OR_INVALID_ARGUMENT, "%s", message));
  if (!cli->json) (void)fprintf(stderr, "openruntime: %s\n", message);
  (void)fprintf(stderr, "Try \"openruntime %s%s--help\".\n", cli->command != NULL ? cli->command->name : "",
                cli->command != NULL ? " " : "");
  return OR_EXIT_USAGE;
}

int or_cli_print_json(or_cli_t *cli, or_json_writer_t *json, or_text_t *text) {
  or_status_t status = or_json_finish(json);
  if (or_ok(status)) (void)fprintf(stdout, "%s\n", or_text_string(text));
  or_text_deinit(text);
  if (!or_ok(status)) {
    cli->json = false; /* there is no memory for a document */
    return or_cli_fail(cli, status);
  }
  return ferror(stdout) != 0 ? OR_EXIT_FAILED : OR_EXIT_OK;
}
