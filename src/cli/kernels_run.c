/* kernels run: arguments of the command line as those of a kernel's task, and what it leaves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/png.h"
#include "cli/kernels.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/request.h"
#include "model/tensor_file.h"
#include "model/tensor_json.h"

/* The tensors of --arg, by the index of the argument; one reference each. */
typedef struct given_t {
  or_task_tensor_t items[OR_KERNEL_MAX_PARAMETERS];
  size_t count;
} given_t;

static bool write_extents(or_cli_t *cli, or_cli_request_t *request, const char *flag, const char *key);
static int write_arguments(or_cli_t *cli, or_cli_request_t *request, given_t *given);
static int prepare(or_cli_t *cli, const char *word, or_kernel_registry_t **registry, char *name);
static int tell(or_cli_t *cli, const or_cli_outcome_t *outcome);

int or_cli_kernels_run(or_cli_t *cli, const char *word) {
  or_cli_request_t request;
  or_cli_outcome_t outcome;
  or_kernel_registry_t *registry = NULL;
  char name[OR_KERNEL_NAME_BYTES + 1];
  given_t given = {.count = 0};
  if (!or_cli_has(cli, "--grid")) return or_cli_usage_error(cli, "kernels run needs --grid X[,Y[,Z]]: how many blocks");
  int code = prepare(cli, word, &registry, name);
  if (code != OR_EXIT_OK) {
    or_kernel_registry_free(registry);
    return code;
  }
  or_cli_request_begin(&request, cli, "kernel");
  or_json_field_string(&request.json, "name", name);
  const bool good = write_extents(cli, &request, "--grid", "grid") && write_extents(cli, &request, "--block", "block");
  code = good ? write_arguments(cli, &request, &given) : OR_EXIT_USAGE;
  if (code == OR_EXIT_OK) {
    const bool remote = or_cli_is_remote(cli); /* then they are in the request */
    const or_cli_execution_t execution = {.kernels = registry,
                                          .tensors = remote ? NULL : given.items,
                                          .tensor_count = remote ? 0 : given.count,
                                          .wants_outputs = true};
    code = or_cli_request_execute(&request, &execution, true, &outcome);
    if (code == OR_EXIT_OK) code = tell(cli, &outcome);
    or_cli_outcome_deinit(&outcome);
  } else {
    or_cli_request_drop(&request);
  }
  for (size_t i = 0; i < given.count; ++i) or_task_tensor_release(&given.items[i]);
  or_kernel_registry_free(registry);
  return code;
}

/* ---- the kernel ---- */

static bool is_file(const char *word) { return !or_kernel_name_valid(word); }

/* *registry: of this process, with the kernel in it: one that was kept, or a file, compiled now and kept nowhere. */
static int prepare(or_cli_t *cli, const char *word, or_kernel_registry_t **registry, char *name) {
  or_cli_source_t source;
  or_kernel_entry_t *entry = NULL;
  const bool file = is_file(word), remote = or_cli_is_remote(cli);
  if (file && remote)
    return or_cli_usage_error(cli, "\"%s\" is no name of a kernel; a server is given one by: kernels compile FILE",
                              word);
  if (!file) or_format(name, OR_KERNEL_NAME_BYTES + 1, "%s", word);
  if (!file && (or_cli_has(cli, "--name") || or_cli_has(cli, "--entry") || or_cli_has(cli, "--set")))
    return or_cli_usage_error(cli, "kernels run: --name, --entry and --set are of a FILE");
  if (remote) return OR_EXIT_OK;
  int code = OR_EXIT_OK;
  if (file) code = or_cli_source_read(cli, word, &source);
  if (code == OR_EXIT_OK && !or_cli_runtime(cli)) code = cli->code;
  or_status_t status = code == OR_EXIT_OK ? or_cli_kernels_open(cli, false, registry) : or_status_success();
  if (code == OR_EXIT_OK && or_ok(status) && !file) status = or_cli_kernels_recall(cli, *registry, name);
  if (!or_ok(status)) code = or_cli_fail(cli, status);
  if (code == OR_EXIT_OK && file) code = or_cli_source_compile(cli, &source, *registry, &entry);
  or_kernel_entry_release(entry);
  if (file) or_format(name, OR_KERNEL_NAME_BYTES + 1, "%s", source.name);
  if (file) or_cli_source_deinit(cli, &source);
  return code;
}

/* ---- the arguments ---- */

/* "X", "X,Y" or "X,Y,Z"; false with the usage error printed. */
static bool write_extents(or_cli_t *cli, or_cli_request_t *request, const char *flag, const char *key) {
  const char *text = or_cli_value(cli, flag);
  if (text == NULL) return true;
  or_json_key(&request->json, key);
  or_json_array_begin(&request->json);
  const char *at = text;
  for (int d = 0; at != NULL; ++d) {
    char *end = NULL;
    errno = 0;
    const long long extent = strtoll(at, &end, 10);
    if (d == 3 || end == at || errno != 0 || (*end != ',' && *end != '\0')) {
      (void)or_cli_usage_error(cli, "%s %s: must be X, X,Y or X,Y,Z, whole numbers", flag, text);
      return false;
    }
    or_json_int(&request->json, extent);
    at = *end == ',' ? end + 1 : NULL;
  }
  or_json_array_end(&request->json);
  return true;
}

/* "16x16" or "1024". */
static bool read_shape(const char *text, or_shape_t *out) {
  *out = (or_shape_t){.rank = 0};
  for (const char *at = text; at != NULL;) {
    char *end = NULL;
    errno = 0;
    const long long extent = strtoll(at, &end, 10);
    if (out->rank == OR_MAX_RANK || end == at || errno != 0 || extent < 0 || (*end != 'x' && *end != '\0'))
      return false;
    out->dims[out->rank++] = extent;
    at = *end == 'x' ? end + 1 : NULL;
  }
  return true;
}

/* zeros:DTYPE:SHAPE; false: it is not that. */
static bool write_zeros(or_json_writer_t *json, const char *text) {
  char dtype[32];
  or_shape_t shape;
  const char *colon = strchr(text, ':');
  if (colon == NULL || (size_t)(colon - text) >= sizeof dtype || !read_shape(colon + 1, &shape)) return false;
  or_format(dtype, sizeof dtype, "%.*s", (int)(colon - text), text);
  if (or_dtype_from_name(dtype) == OR_DTYPE_NONE) return false;
  or_json_object_begin(json);
  or_json_key(json, "shape");
  or_json_array_begin(json);
  for (int32_t d = 0; d < shape.rank; ++d) or_json_int(json, shape.dims[d]);
  or_json_array_end(json);
  or_json_field_string(json, "dtype", dtype);
  or_json_field_bool(json, "zeros", true);
  or_json_object_end(json);
  return true;
}

/* @FILE: a tensor beside the JSON; what finds no room there goes in it. */
static or_status_t write_file(or_cli_t *cli, or_cli_request_t *request, size_t index, const char *path,
                              given_t *given) {
  or_task_tensor_t *item = &given->items[given->count];
  if (!or_cli_runtime(cli)) return or_error(OR_UNAVAILABLE, "no runtime to read a tensor with");
  or_status_t status = or_tensor_file_read(cli->runtime, path, &item->tensor);
  if (!or_ok(status)) return status;
  item->value = NULL;
  or_format(item->name, sizeof item->name, "%zu", index);
  ++given->count;
  const void *data = or_tensor_data(item->tensor);
  if (data == NULL || request->part_count + 2 >= OR_MULTIPART_MAX_PARTS)
    return or_tensor_json_write(cli->allocator, item->tensor, &request->json);
  or_tensor_json_begin(&request->json, item->tensor);
  (void)or_cli_request_part(request, "argument", data, or_tensor_bytes(item->tensor)); /* there is room */
  or_json_object_end(&request->json);
  return status;
}

/* In decimal, as JSON has it. */
static bool is_json_integer(const char *text) {
  const char *digits = text + (*text == '-');
  return *digits >= '1' && *digits <= '9' && digits[strspn(digits, "0123456789")] == '\0';
}

/* A number as it stands, so that a whole one stays whole. */
static bool write_number(or_json_writer_t *json, const char *text) {
  char *end = NULL;
  text += strspn(text, " \t");
  errno = 0;
  const long long whole = strtoll(text, &end, 0);
  if (end != text && *end == '\0' && errno == 0) {
    or_json_int(json, whole);
    return true;
  }
  const bool beyond = end != text && *end == '\0'; /* an integer all the same */
  errno = 0;
  const unsigned long long large = strtoull(text, &end, 0);
  if (beyond && errno == 0 && strchr(text, '-') == NULL) {
    or_json_uint(json, large);
    return true;
  }
  if (beyond) {
    if (is_json_integer(text)) or_json_raw(json, text, strlen(text)); /* what takes it rounds or refuses it */
    return is_json_integer(text);
  }
  errno = 0;
  const double real = strtod(text, &end);
  if (end == text || *end != '\0' || errno != 0) return false;
  or_json_double(json, real);
  return true;
}

static int write_argument(or_cli_t *cli, or_cli_request_t *request, size_t index, const char *text, given_t *given) {
  or_json_writer_t *json = &request->json;
  char *end = NULL;
  if (text[0] == '@') {
    or_status_t status = write_file(cli, request, index, text + 1, given);
    return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
  }
  if (or_string_starts_with(text, "local:")) {
    const long long bytes = strtoll(text + 6, &end, 10);
    if (end != text + 6 && *end == '\0') {
      or_json_object_begin(json);
      or_json_field_int(json, "local_bytes", bytes);
      or_json_object_end(json);
      return OR_EXIT_OK;
    }
  }
  if (or_string_starts_with(text, "zeros:") && write_zeros(json, text + 6)) return OR_EXIT_OK;
  if (write_number(json, text)) return OR_EXIT_OK;
  return or_cli_usage_error(cli,
                            "--arg %s: must be a number, @FILE.npy, zeros:DTYPE:SHAPE (zeros:float32:640x480) or "
                            "local:BYTES",
                            text);
}

static int write_arguments(or_cli_t *cli, or_cli_request_t *request, given_t *given) {
  size_t index = 0;
  int code = OR_EXIT_OK;
  or_json_key(&request->json, "arguments");
  or_json_array_begin(&request->json);
  for (size_t i = 0; code == OR_EXIT_OK && i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, "--arg") != 0) continue;
    if (index == OR_KERNEL_MAX_PARAMETERS)
      return or_cli_usage_error(cli, "a kernel has at most %u arguments", OR_KERNEL_MAX_PARAMETERS);
    code = write_argument(cli, request, index++, cli->arguments.flags[i].value, given);
  }
  if (code == OR_EXIT_OK) or_json_array_end(&request->json);
  return code;
}

/* ---- the outputs ---- */

static void print_outputs(or_cli_t *cli, const or_task_result_t *result) {
  or_cli_table_t *table = or_cli_table_create(cli, "ARGUMENT|DTYPE|SHAPE|>BYTES");
  for (size_t i = 0; i < result->output_count; ++i) {
    const or_tensor_t *tensor = result->outputs[i].tensor;
    char text[256];
    or_cli_table_cell(table, "%s", result->outputs[i].name);
    or_cli_table_cell(table, "%s", or_dtype_name(or_tensor_dtype(tensor)));
    or_cli_table_cell(table, "%s", or_shape_format(or_tensor_shape(tensor), text, sizeof text));
    or_cli_table_cell(table, "%zu", or_tensor_bytes(tensor));
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

/* The first output that is one: uint8, [height, width] or [height, width, 3]. */
static or_status_t write_image(or_cli_t *cli, const or_task_result_t *result) {
  const char *path = or_cli_value(cli, "--image");
  for (size_t i = 0; i < result->output_count; ++i) {
    const or_tensor_t *tensor = result->outputs[i].tensor;
    const or_shape_t *shape = or_tensor_shape(tensor);
    const bool colours = shape->rank == 3 && shape->dims[2] == 3;
    if (or_tensor_dtype(tensor) != OR_UINT8 || (shape->rank != 2 && !colours) || or_tensor_data(tensor) == NULL)
      continue;
    return or_png_write(cli->allocator, path,
                        &(or_png_picture_t){or_tensor_data(tensor), (uint64_t)shape->dims[1], (uint64_t)shape->dims[0],
                                            colours ? 3 : 1});
  }
  return or_error(OR_FAILED_PRECONDITION,
                  "--image: no output is a picture: uint8, [height, width] or [height, width, 3]");
}

void or_cli_print_kernel(or_cli_t *cli, const or_task_result_t *result, const or_json_value_t *root) {
  char time[OR_CLI_NUMBER_BYTES], whole[OR_CLI_NUMBER_BYTES];
  (void)printf("%s%s%s on %s: %s (%s with all that is around it)\n", or_cli_style(cli, OR_CLI_BOLD),
               or_cli_word(root, "name"), or_cli_style(cli, OR_CLI_PLAIN), or_cli_word(root, "device"),
               or_cli_seconds(or_cli_real(root, "execution_time"), time, sizeof time),
               or_cli_seconds(or_cli_real(root, "worker_time"), whole, sizeof whole));
  if (result->output_count > 0) print_outputs(cli, result);
}

static int tell(or_cli_t *cli, const or_cli_outcome_t *outcome) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_cli_has(cli, "--output") && or_ok(status) && i < outcome->result.output_count; ++i)
    status = or_tensor_file_write(cli->runtime, or_cli_value(cli, "--output"), outcome->result.outputs[i].name,
                                  outcome->result.outputs[i].tensor);
  if (or_ok(status) && or_cli_has(cli, "--image")) status = write_image(cli, &outcome->result);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  if (!cli->json) or_cli_print_kernel(cli, &outcome->result, outcome->root);
  return OR_EXIT_OK;
}
