#include "cli/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "model/find.h"
#include "model/index_bound.h"

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

or_status_t or_cli_read_dim(const or_cli_t *cli, size_t flag, int64_t least, or_cli_dim_t *out) {
  const char *value = cli->arguments.flags[flag].value, *equals = strchr(value, '=');
  const size_t length = equals != NULL ? (size_t)(equals - value) : 0;
  char *end = NULL;
  if (length == 0 || length >= sizeof out->name)
    return or_error(OR_INVALID_ARGUMENT, "--dim %.200s: must be NAME=N", value);
  errno = 0;
  out->extent = strtoll(equals + 1, &end, 10);
  if (end == equals + 1 || *end != '\0' || errno == ERANGE || out->extent < least || out->extent > OR_CLI_MAX_EXTENT) {
    return or_error(OR_INVALID_ARGUMENT, "--dim %.200s: N must be a whole number from %lld to %lld", value,
                    (long long)least, (long long)OR_CLI_MAX_EXTENT);
  }
  for (size_t i = 0; i < flag; ++i) {
    if (is_dim(cli, i) && strncmp(cli->arguments.flags[i].value, value, length + 1) == 0)
      return or_error(OR_INVALID_ARGUMENT, "--dim %.200s: --dim %.200s stands before it", value,
                      cli->arguments.flags[i].value);
  }
  or_format(out->name, sizeof out->name, "%.*s", (int)length, value);
  return or_status_success();
}

/* The extent that --dim NAME=N gives a symbol; 0 if none does. They have been checked. */
static int64_t given_extent(const or_cli_t *cli, const char *symbol) {
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    const char *value = cli->arguments.flags[i].value;
    size_t length = strlen(symbol);
    if (is_dim(cli, i) && strncmp(value, symbol, length) == 0 && value[length] == '=')
      return strtoll(value + length + 1, NULL, 10);
  }
  return 0;
}

static or_status_t check_dims(const or_cli_t *cli, const or_model_t *model) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < cli->arguments.flag_count; ++i) {
    or_cli_dim_t dim;
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

/* Extents in order: --dim, then --batch (or 1) for the first dimension, then 1. */
static or_status_t make_static(or_cli_t *cli, const or_model_t *model, const or_model_value_t *input,
                               or_shape_t *shape) {
  int64_t batch = 1;
  if (!or_cli_integer(cli, "--batch", 1, 65536, 1, &batch)) return or_error(OR_INVALID_ARGUMENT, "--batch is wrong");
  *shape = input->shape;
  if (shape->rank == OR_RANK_UNKNOWN)
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\" has no shape in the model, so none can be generated",
                    input->name);
  for (int32_t d = 0; d < shape->rank; ++d) {
    int64_t extent = shape->dims[d];
    if (extent >= 0) continue;
    const char *symbol = extent < OR_DIM_UNKNOWN ? or_model_symbol(model, OR_DIM_SYMBOL_INDEX(extent)) : NULL;
    int64_t given = symbol != NULL ? given_extent(cli, symbol) : 0;
    shape->dims[d] = given > 0 ? given : d == 0 ? batch : 1;
  }
  return or_status_success();
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

or_status_t or_cli_generate_inputs(or_cli_t *cli, const or_model_t *model, or_cli_bindings_t *out) {
  int64_t seed = 0;
  out->count = 0;
  or_device_t *device = NULL;
  if (!or_cli_integer(cli, "--seed", INT64_MIN, INT64_MAX, 0, &seed))
    return or_error(OR_INVALID_ARGUMENT, "--seed is wrong");
  or_status_t status = check_dims(cli, model);
  if (or_ok(status)) status = or_runtime_find_device(cli->runtime, "cpu", &device);
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *input = or_model_input(model, i);
    or_shape_t shape;
    or_tensor_t *tensor = NULL;
    or_random_t random = {(uint64_t)seed + i};
    if (input->optional) continue;
    if (out->count == OR_CLI_MAX_BINDINGS)
      return or_error(OR_RESOURCE_EXHAUSTED, "more than %d inputs", OR_CLI_MAX_BINDINGS);
    int64_t bound = 0;
    status = make_static(cli, model, input, &shape);
    if (or_ok(status)) status = or_model_index_bound(model, i, &bound);
    if (or_ok(status)) status = or_tensor_create(device, input->dtype, shape, &tensor);
    if (!or_ok(status)) break;
    void *data = or_buffer_host_pointer(or_tensor_buffer(tensor));
    or_random_fill(&random, input->dtype, data, (size_t)or_tensor_count(tensor));
    or_model_bound_indices(bound, input->dtype, data, (size_t)or_tensor_count(tensor));
    out->items[out->count++] = (or_binding_t){.name = input->name, .tensor = tensor};
  }
  return status;
}

void or_cli_bindings_deinit(or_cli_bindings_t *bindings) {
  for (size_t i = 0; i < bindings->count; ++i) or_tensor_release(bindings->items[i].tensor);
  bindings->count = 0;
}
