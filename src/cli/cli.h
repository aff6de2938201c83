#ifndef OR_CLI_CLI_H
#define OR_CLI_CLI_H
/* The command line: one table of commands, from which parsing, help, completion and the man page are made. */

#include <stdio.h>

#include "base/cancel.h"
#include "base/file.h"
#include "base/json.h"
#include "openruntime/openruntime.h"
#include "task/task.h"

/* Exit codes (docs/cli.md). */
enum { OR_EXIT_OK = 0, OR_EXIT_FAILED = 1, OR_EXIT_USAGE = 2, OR_EXIT_UNREACHABLE = 3, OR_EXIT_INTERRUPTED = 130 };

/* One flag. Global ones stand in or_cli_global_flags, those of a command in its row. */
typedef struct or_cli_flag_t {
  const char *name;  /* "--device" */
  char letter;       /* 'd', or 0 */
  const char *value; /* "ID", or NULL for a switch */
  const char *help;
  bool repeated; /* may be given several times */
} or_cli_flag_t;
#define OR_CLI_MAX_FLAGS 24
#define OR_CLI_MAX_VALUES 64 /* flags and words of one call */

/* A parsed command line: flags in the order given. Strings are argv's. */
typedef struct or_cli_arguments_t {
  struct {
    const or_cli_flag_t *flag;
    const char *value; /* NULL for a switch */
  } flags[OR_CLI_MAX_VALUES];
  size_t flag_count;
  const char *words[OR_CLI_MAX_VALUES]; /* what is no flag, behind the command */
  size_t word_count;
} or_cli_arguments_t;

typedef struct or_cli_command_t or_cli_command_t;

/* Where a command works. */
typedef enum or_cli_place_t {
  OR_CLI_IN_PROCESS, /* here; no route does it, so --url is a wrong command line */
  OR_CLI_ANYWHERE,   /* here, or by --url on a server, with the same answer */
  OR_CLI_ON_SERVER,  /* of a server: needs --url */
  OR_CLI_APART       /* --url does not matter to it */
} or_cli_place_t;

/* What a command works with. Owned by main. */
typedef struct or_cli_t {
  const or_allocator_t *allocator;
  const or_cli_command_t *command;
  or_cli_arguments_t arguments;
  bool json, quiet, strict;
  int verbosity;
  const char *url, *device;
  const char *models_directory;
  const char *backends, *cache;            /* by flag or environment; "": all, and the user's own folder */
  or_model_limits_t model_limits;          /* by --model-limit; 0: the defaults */
  char data_directory[OR_FILE_PATH_BYTES]; /* of the installed program, where models_directory is that */
  int threads;
  bool color, terminal, error_terminal; /* stdout is a terminal (and colours are wanted); stderr is */
  int columns;                          /* of the terminal; 100 without one */
  or_runtime_t *runtime;                /* made by or_cli_runtime at first use, unless it is given */
  struct or_client_t *client;           /* made by or_cli_client (cli/remote.h) at first use */
  bool cut_short;                       /* a table lost cells for want of memory */
  int code;                             /* of the failure that was printed last */
  const char *log;                      /* a compiler's words, for the JSON of a failure; NULL: there are none */
  or_cancel_t cancel;                   /* requested by SIGINT and SIGTERM */
} or_cli_t;

struct or_cli_command_t {
  const char *name;    /* "devices" */
  const char *words;   /* "[ID]" for usage; "" */
  const char *summary; /* one line */
  or_cli_flag_t flags[OR_CLI_MAX_FLAGS];
  const char *examples[4]; /* two at least, without the prompt */
  size_t min_words, max_words;
  or_cli_place_t place;
  int (*run)(or_cli_t *cli); /* an exit code; NULL: the command belongs to what this version does not have */
};
extern const or_cli_flag_t or_cli_global_flags[];
const or_cli_command_t *or_cli_command_at(size_t index); /* NULL outside */
const or_cli_command_t *or_cli_command_find(const char *name);

/* Everything behind main; `arguments` is argv without the program's name. Returns the exit code. */
int or_cli_main(int count, char **arguments);

/* The same with a terminal, an allocator and perhaps a runtime (a reference, which it takes) of the caller's. */
int or_cli_execute(or_cli_t *cli, int count, char **arguments);

/* The value of a flag, the last one given; NULL if it was not. */
const char *or_cli_value(const or_cli_t *cli, const char *flag);
bool or_cli_has(const or_cli_t *cli, const char *flag);
/* Whole number or number of a flag; `fallback` if absent. False (with the usage error printed) if it is none or
   outside. */
bool or_cli_integer(const or_cli_t *cli, const char *flag, int64_t low, int64_t high, int64_t fallback, int64_t *out);
bool or_cli_number(const or_cli_t *cli, const char *flag, double low, double high, double fallback, double *out);

/* The folder of what can be made again, as --cache, OPENRUNTIME_CACHE or the user's own place name it; NULL: none is to
 * be kept. `path` of OR_FILE_PATH_BYTES is where it may be written. */
const char *or_cli_cache_folder(const or_cli_t *cli, char *path);
/* The runtime by the global flags (threads, backends). Prints the error and returns false if it can't be had. */
bool or_cli_runtime(or_cli_t *cli);
/* From here on SIGINT and SIGTERM end the program at once: what runs has no way to be asked. */
void or_cli_end_at_signal(void);
/* Log lines go to stderr from here on. */
void or_cli_log_to_stderr(void);
/* The device by --device; prints the error. */
bool or_cli_find_device(or_cli_t *cli, or_device_t **out);
/* Prints a failure on stderr ("openruntime: …", or with --json {"detail", "error_code"} on stdout), ends it and gives
   its exit code. */
int or_cli_fail(or_cli_t *cli, or_status_t status);
/* No such command: with the nearest spelling; exit code 2. */
int or_cli_unknown_command(or_cli_t *cli, const char *name);
/* A wrong command line: message and the hint to --help, exit code 2. */
int or_cli_usage_error(or_cli_t *cli, const char *format, ...) OR_PRINTF(2, 3);
/* Writes finished JSON to stdout, with a newline; the exit code OK, or FAILED if the writer failed or stdout did. */
int or_cli_print_json(or_cli_t *cli, or_json_writer_t *json, or_text_t *text);

/* Text for people. Colour codes are "" without colours. */
typedef enum or_cli_style_t {
  OR_CLI_PLAIN,
  OR_CLI_BOLD,
  OR_CLI_DIM,
  OR_CLI_GREEN,
  OR_CLI_YELLOW,
  OR_CLI_RED
} or_cli_style_t;
const char *or_cli_style(const or_cli_t *cli, or_cli_style_t style); /* start; OR_CLI_PLAIN ends */

/* A table fit for the terminal: columns as wide as their cells, numbers to the right, the widest text columns cut to
 * what is left. Without a terminal nothing is cut. */
typedef struct or_cli_table_t or_cli_table_t;
/* `headers`: column titles, separated by '|'; a leading '>' aligns to the right, '~' cuts what is too wide before
 * its end rather than at it. NULL when out of memory: later calls do nothing then. */
or_cli_table_t *or_cli_table_create(or_cli_t *cli, const char *headers);
void or_cli_table_cell(or_cli_table_t *table, const char *format, ...) OR_PRINTF(2, 3); /* row by row */
void or_cli_table_print(or_cli_table_t *table, FILE *out);
void or_cli_table_free(or_cli_table_t *table);

/* "1.5 GiB", "12.3 GFLOP/s", "1.23 ms" into `text`; NaN and unknown give "-". Returns `text`. */
char *or_cli_bytes(uint64_t bytes, char *text, size_t capacity);
char *or_cli_rate(double per_second, const char *unit, char *text, size_t capacity);
char *or_cli_seconds(double seconds, char *text, size_t capacity);
/* Of a document's value; null, 0 and what is no number give "-". */
char *or_cli_json_bytes(const or_json_value_t *value, char *text, size_t capacity);
char *or_cli_duration(double seconds, char *text, size_t capacity); /* "3 d 4 h", "2 h 5 min", "12 s" */
#define OR_CLI_NUMBER_BYTES 32

/* Progress of more than a second on stderr, only on a terminal and not with --quiet. */
void or_cli_progress(void *cli, double fraction, const char *what);
/* The same where nothing says how far it is: how long it has been waited for. */
void or_cli_progress_waits(or_cli_t *cli);
bool or_cli_shows_progress(const or_cli_t *cli);
void or_cli_progress_end(or_cli_t *cli);

/* The commands, one file each. */
int or_cli_status_command(or_cli_t *cli);
int or_cli_devices_command(or_cli_t *cli);
int or_cli_metrics_command(or_cli_t *cli);
int or_cli_run_command(or_cli_t *cli);
int or_cli_infer_command(or_cli_t *cli);
int or_cli_models_command(or_cli_t *cli);
int or_cli_kernels_command(or_cli_t *cli);
int or_cli_explain_command(or_cli_t *cli);
int or_cli_verify_command(or_cli_t *cli);
int or_cli_benchmark_command(or_cli_t *cli);
int or_cli_tasks_command(or_cli_t *cli);
int or_cli_docs_command(or_cli_t *cli);
int or_cli_monitor_command(or_cli_t *cli);
int or_cli_server_command(or_cli_t *cli);
int or_cli_keys_command(or_cli_t *cli);
int or_cli_store_command(or_cli_t *cli);
int or_cli_version_command(or_cli_t *cli);
int or_cli_help_command(or_cli_t *cli);
int or_cli_completion_command(or_cli_t *cli);

#endif
