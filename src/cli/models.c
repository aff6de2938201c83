#include "cli/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "model/find.h"

or_status_t or_cli_load_model(or_cli_t *cli, const char *name, or_model_t **out) {
  const or_model_search_t search = {.directory = cli->models_directory, .allow_paths = true};
  return or_model_find(cli->runtime, &search, name, out);
}

void or_cli_note_weights(const char *weights) {
  if (strcmp(weights, "synthetic") == 0)
    (void)printf("weights: synthetic (generated, for measuring): the answers mean nothing\n");
}

static bool is_dim(const or_cli_t *cli, size_t flag) {
  return strcmp(cli->arguments.flags[flag].flag->name, "--dim") == 0;
}

or_status_t or_cli_read_dim(const or_cli_t *cli, size_t flag, int64_t least, or_model_dim_t *out) {
  const char *value = cli->arguments.flags[flag].value, *equals = strchr(value, '=');
  const size_t length = equals != NULL ? (size_t)(equals - value) : 0;
  char *end = NULL;
  if (length == 0 || length >= sizeof out->name)
    return or_error(OR_INVALID_ARGUMENT, "--dim %.200s: must be NAME=N", value);
  errno = 0;
  out->extent = strtoll(equals + 1, &end, 10);
  if (end == equals + 1 || *end != '\0' || errno == ERANGE || out->extent < least ||
      out->extent > OR_MODEL_MAX_EXTENT) {
    return or_error(OR_INVALID_ARGUMENT, "--dim %.200s: N must be a whole number from %lld to %lld", value,
                    (long long)least, (long long)OR_MODEL_MAX_EXTENT);
  }
  for (size_t i = 0; i < flag; ++i) {
    if (is_dim(cli, i) && strncmp(cli->arguments.flags[i].value, value, length + 1) == 0)
      return or_error(OR_INVALID_ARGUMENT, "--dim %.200s: --dim %.200s stands before it", value,
                      cli->arguments.flags[i].value);
  }
  or_format(out->name, sizeof out->name, "%.*s", (int)length, value);
  return or_status_success();
}

static or_status_t check_dims(const or_cli_t *cli, const or_model_t *model) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < cli->arguments.flag_count; ++i) {
    or_model_dim_t dim;
    bool known = false;
    if (!is_dim(cli, i)) continue;
    status = or_cli_read_dim(cli, i, 1, &dim);
    for (size_t s = 0; or_ok(status) && s < or_model_symbol_count(model); ++s)
      known = known || strcmp(or_model_symbol(model, s), dim.name) == 0;
    if (or_ok(status) && !known) {
      status = or_error(OR_INVALID_ARGUMENT, "--dim %.200s: the model has no symbolic dimension of that name",
                        cli->arguments.flags[i].value);
    }
  }
  return status;
}

bool or_cli_precision(or_cli_t *cli, or_dtype_t *out) {
  const char *name = or_cli_value(cli, "--precision");
  *out = or_dtype_from_name(name);
  if (name == NULL || *out != OR_DTYPE_NONE) return true;
  (void)or_cli_usage_error(cli, "--precision \"%s\"? There are: fp32, bf16", name); /* its code is OR_EXIT_USAGE */
  return false;
}

bool or_cli_check_generation(const or_cli_t *cli) {
  int64_t unused = 0;
  return or_cli_integer(cli, "--batch", 1, 65536, 1, &unused) &&
         or_cli_integer(cli, "--seed", INT64_MIN, INT64_MAX, 0, &unused);
}

or_status_t or_cli_generate_inputs(or_cli_t *cli, const or_model_t *model, or_model_inputs_t *out) {
  or_model_dim_t dims[OR_CLI_MAX_VALUES];
  or_model_generation_t options = {.dims = dims};
  or_device_t *device = NULL;
  out->count = 0;
  if (!or_cli_integer(cli, "--seed", INT64_MIN, INT64_MAX, 0, &options.seed))
    return or_error(OR_INVALID_ARGUMENT, "--seed is wrong");
  if (!or_cli_integer(cli, "--batch", 1, 65536, 1, &options.batch))
    return or_error(OR_INVALID_ARGUMENT, "--batch is wrong");
  or_status_t status = check_dims(cli, model);
  for (size_t i = 0; or_ok(status) && i < cli->arguments.flag_count; ++i) {
    if (is_dim(cli, i)) status = or_cli_read_dim(cli, i, 1, &dims[options.dim_count++]);
  }
  if (or_ok(status)) status = or_runtime_find_device(cli->runtime, "cpu", &device);
  return or_ok(status) ? or_model_generate(model, device, &options, out) : status;
}
