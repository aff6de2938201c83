#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/cli.h"
#include "task/kernel.h"

static int list_kernels(or_cli_t *cli);
static int compile_kernel(or_cli_t *cli, const char *path);

int or_cli_kernels_command(or_cli_t *cli) {
  const size_t count = cli->arguments.word_count;
  const char *action = count > 0 ? cli->arguments.words[0] : "list";
  if (!or_cli_runtime(cli)) return cli->code;
  if (strcmp(action, "list") == 0) {
    return count > 1 ? or_cli_usage_error(cli, "kernels list: unexpected \"%s\"", cli->arguments.words[1])
                     : list_kernels(cli);
  }
  if (strcmp(action, "compile") == 0) {
    return count != 2 ? or_cli_usage_error(cli, "kernels compile needs a FILE")
                      : compile_kernel(cli, cli->arguments.words[1]);
  }
  if (strcmp(action, "run") != 0 && strcmp(action, "remove") != 0)
    return or_cli_usage_error(cli, "kernels \"%s\"? There are: list, compile, run, remove", action);
  if (count != 2) return or_cli_usage_error(cli, "kernels %s needs a NAME", action);
  return or_cli_fail(cli, or_error(OR_NOT_FOUND, "no kernel \"%s\": no device of this version can compile one",
                                   cli->arguments.words[1]));
}

static int list_kernels(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  if (!cli->json) {
    or_cli_table_t *table = or_cli_table_create(cli, "NAME");
    or_cli_table_print(table, stdout);
    or_cli_table_free(table);
    return OR_EXIT_OK;
  }
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "kernels");
  or_json_array_begin(&json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

/* The file is read first: what is wrong with it is the nearer cause. */
static int compile_kernel(or_cli_t *cli, const char *path) {
  char *source = NULL;
  size_t length = 0;
  const char *target = or_cli_value(cli, "--device");
  or_status_t status = or_file_read(cli->allocator, path, OR_KERNEL_SOURCE_BYTES, &source, &length);
  or_free(cli->allocator, source);
  if (or_ok(status)) status = or_kernel_find_compiler(cli->runtime, target);
  return or_cli_fail(cli, status);
}
