#include "cli/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "model/find.h"
#include "model/value_file.h"

or_status_t or_cli_load_model(or_cli_t *cli, const char *name, or_model_t **out) {
  const or_model_search_t search = {.directory = cli->models_directory, .allow_paths = true};
  return or_model_find(cli->runtime, &search, name, out);
}

void or_cli_note_weights(const char *weights) {
  if (strcmp(weights, "synthetic") == 0)
    (void)printf("weights: synthetic (generated, for measuring): the answers mean nothing\n");
}

static bool is_flag(const or_cli_t *cli, size_t flag, const char *name) {
  return strcmp(cli->arguments.flags[flag].flag->name, name) == 0;
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
    if (is_flag(cli, i, "--dim") && strncmp(cli->arguments.flags[i].value, value, length + 1) == 0)
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
    if (!is_flag(cli, i, "--dim")) continue;
    status = or_cli_read_dim(cli, i, 1, &dim);
    if (or_ok(status) && !or_model_has_dim(model, dim.name)) {
      status = or_error(OR_INVALID_ARGUMENT, "--dim %.200s: the model has no open dimension of that name",
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

bool or_cli_split_input(const char *pair, char *name, size_t capacity, const char **file) {
  const char *equals = strchr(pair, '=');
  if (equals == NULL || equals == pair || (size_t)(equals - pair) >= capacity) return false;
  or_format(name, capacity, "%.*s", (int)(equals - pair), pair);
  *file = equals + 1;
  return true;
}

or_status_t or_cli_read_input(or_cli_t *cli, const or_model_t *model, const char *name, const char *file,
                              or_tensor_t **tensor, or_value_t **value) {
  or_value_form_t form = OR_FORM_TENSOR;
  for (size_t i = 0; model != NULL && i < or_model_input_count(model); ++i) {
    if (strcmp(or_model_input(model, i)->name, name) == 0) form = or_model_input(model, i)->form;
  }
  return or_status_context(or_given_file_read(cli->runtime, file, form, tensor, value), "input \"%s\"", name);
}

/* What --input gives; the names of the bindings are those of `names`. */
static or_status_t read_given(or_cli_t *cli, const or_model_t *model, or_cli_input_name_t *names,
                              or_model_inputs_t *given) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < cli->arguments.flag_count; ++i) {
    const char *pair = cli->arguments.flags[i].value, *file = NULL;
    char *name = names[given->count];
    or_tensor_t *tensor = NULL;
    or_value_t *value = NULL;
    if (!is_flag(cli, i, "--input")) continue;
    if (!or_cli_split_input(pair, name, sizeof names[0], &file))
      return or_error(OR_INVALID_ARGUMENT, "--input %.200s: must be NAME=FILE", pair);
    for (size_t k = 0; k < given->count; ++k) {
      if (strcmp(names[k], name) == 0)
        return or_error(OR_INVALID_ARGUMENT, "--input %.200s: the input is given twice", pair);
    }
    status = or_cli_read_input(cli, model, name, file, &tensor, &value);
    if (!or_ok(status)) return status;
    given->items[given->count++] = (or_binding_t){.name = name, .tensor = tensor, .value = value};
  }
  return status;
}

or_status_t or_cli_generate_inputs(or_cli_t *cli, const or_model_t *model, or_model_inputs_t *out) {
  or_model_dim_t dims[OR_CLI_MAX_VALUES];
  or_cli_input_name_t names[OR_CLI_MAX_VALUES];
  or_model_inputs_t given = {.count = 0};
  or_model_generation_t options = {.dims = dims, .given = given.items};
  or_device_t *device = NULL;
  out->count = 0;
  if (!or_cli_integer(cli, "--seed", INT64_MIN, INT64_MAX, 0, &options.seed))
    return or_error(OR_INVALID_ARGUMENT, "--seed is wrong");
  if (!or_cli_integer(cli, "--batch", 1, 65536, 1, &options.batch))
    return or_error(OR_INVALID_ARGUMENT, "--batch is wrong");
  or_status_t status = check_dims(cli, model);
  for (size_t i = 0; or_ok(status) && i < cli->arguments.flag_count; ++i) {
    if (is_flag(cli, i, "--dim")) status = or_cli_read_dim(cli, i, 1, &dims[options.dim_count++]);
  }
  if (or_ok(status)) status = or_runtime_find_device(cli->runtime, "cpu", &device);
  if (or_ok(status)) status = read_given(cli, model, names, &given);
  options.given_count = given.count;
  if (or_ok(status)) status = or_model_generate(model, device, &options, out);
  or_model_inputs_deinit(&given);
  return status;
}
