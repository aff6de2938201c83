#ifndef OR_CLI_KERNELS_H
#define OR_CLI_KERNELS_H
/* Kernels of users on the command line: compiled in process, and kept as files of the cache folder, so that a later
 * command finds them by name. */

#include "cli/cli.h"
#include "task/kernel_registry.h"

/* A registry of this process, which keeps what it compiles as CACHE/kernels/NAME.json; without a cache folder, or with
 * `keeps` false, nowhere. Needs cli->runtime. *out is the caller's. */
or_status_t or_cli_kernels_open(or_cli_t *cli, bool keeps, or_kernel_registry_t **out);
/* Takes one that was kept into the registry. NOT_FOUND. */
or_status_t or_cli_kernels_recall(or_cli_t *cli, or_kernel_registry_t *registry, const char *name);
/* The names of those that are kept, in their order, each an array's item. */
or_status_t or_cli_kernels_list(or_cli_t *cli, or_json_writer_t *json);
or_status_t or_cli_kernels_remove(or_cli_t *cli, const char *name);

/* A source file, what it is called, and how it is to be compiled: by --name, --entry and --set. */
typedef struct or_cli_source_t {
  char *text;
  size_t length;
  char name[OR_KERNEL_NAME_BYTES + 1];
  const char *path, *entry;
  or_text_t parameters, options; /* of --set: an object of macros; and what that makes */
} or_cli_source_t;
/* OR_EXIT_OK, or the exit code of what was printed. or_cli_source_deinit in any case. */
int or_cli_source_read(or_cli_t *cli, const char *path, or_cli_source_t *source);
void or_cli_source_deinit(or_cli_t *cli, or_cli_source_t *source);
/* Compiles it here; the compiler's words go to stderr, with the file's name. *out: one reference. An exit code. */
int or_cli_source_compile(or_cli_t *cli, const or_cli_source_t *source, or_kernel_registry_t *registry,
                          or_kernel_entry_t **out);
/* The compiler's words on stderr, its name of the source being the file's. */
void or_cli_print_log(const char *path, const char *log);

/* On stdout: how long it took, and what it wrote. */
void or_cli_print_kernel(or_cli_t *cli, const or_task_result_t *result, const or_json_value_t *root);
/* kernels run NAME|FILE. */
int or_cli_kernels_run(or_cli_t *cli, const char *name);

#endif
