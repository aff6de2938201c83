#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/string.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/verify.h"

#define MAX_CASES 100000u
#define NEEDED_SHARE 0.99 /* of the flops, on the device that was named */

/* The cases of a run: names below the folder, and what became of them. */
typedef struct cases_t {
  char **names;
  size_t count, capacity;
  size_t verdicts[OR_VERDICT_COUNT];
  bool short_of_device;
} cases_t;

static int parse_options(or_cli_t *cli, or_verify_options_t *options);
static bool is_file(const char *folder, const char *name);
static int verify_one(or_cli_t *cli, const or_verify_options_t *options);
static int verify_folder(or_cli_t *cli, const or_verify_options_t *options);

int or_cli_verify_command(or_cli_t *cli) {
  const char *path = cli->arguments.words[0];
  or_verify_options_t options = {.output_directory = or_cli_value(cli, "--output")};
  struct stat info;
  if (!or_cli_check_generation(cli) || !or_cli_precision(cli, &options.precision)) return OR_EXIT_USAGE;
  if (!or_cli_runtime(cli)) return cli->code;
  int code = parse_options(cli, &options);
  if (code != OR_EXIT_OK) return code;
  bool model = is_file(path, "model.onnx") || is_file(path, "config.json") || is_file(path, "modules.json");
  bool folder = !model && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  return folder ? verify_folder(cli, &options) : verify_one(cli, &options);
}

static int parse_options(or_cli_t *cli, or_verify_options_t *options) {
  const char *devices = or_cli_value(cli, "--devices"), *against = or_cli_value(cli, "--against");
  if (!or_cli_number(cli, "--rtol", 0, 1, 1e-3, &options->rtol) ||
      !or_cli_number(cli, "--atol", 0, 1e6, 1e-5, &options->atol))
    return OR_EXIT_USAGE;
  if (devices != NULL && against != NULL) return or_cli_usage_error(cli, "give --devices or --against, not both");
  if (against != NULL && strcmp(against, "reference") != 0)
    return or_cli_usage_error(cli, "--against \"%s\"? There is: reference", against);
  options->reference = against != NULL;
  if (devices == NULL) return or_cli_find_device(cli, &options->device) ? OR_EXIT_OK : cli->code;
  const char *comma = strchr(devices, ',');
  char first[64];
  if (comma == NULL || comma == devices || comma[1] == '\0')
    return or_cli_usage_error(cli, "--devices %s: must be A,B", devices);
  or_format(first, sizeof first, "%.*s", (int)(comma - devices), devices);
  options->reference = strcmp(comma + 1, "reference") == 0;
  or_status_t status = or_runtime_find_device(cli->runtime, first, &options->device);
  if (or_ok(status) && !options->reference) status = or_runtime_find_device(cli->runtime, comma + 1, &options->other);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

static bool is_file(const char *folder, const char *name) {
  char path[4096];
  struct stat info;
  or_format(path, sizeof path, "%s/%s", folder, name);
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static void write_number(or_json_writer_t *json, const char *key, double value) {
  if (isfinite(value)) {
    or_json_field_double(json, key, value);
  } else {
    or_json_field_null(json, key);
  }
}

/* [{device, flops_share}] of each side that ran. */
static void write_shares(or_json_writer_t *json, const or_verification_t *result) {
  static const char *const keys[] = {"flops_by_device", "flops_by_device_of_other"};
  for (size_t side = 0; side < 2; ++side) {
    or_json_key(json, keys[side]);
    or_json_array_begin(json);
    for (size_t s = 0; s < OR_VERIFY_SHARES; ++s) {
      const or_verify_share_t *share = &result->shares[side][s];
      if (share->device[0] == '\0') continue;
      or_json_object_begin(json);
      or_json_field_string(json, "device", share->device);
      or_json_field_double(json, "flops_share", share->share);
      or_json_object_end(json);
    }
    or_json_array_end(json);
  }
}

static void write_departure(or_json_writer_t *json, const or_departure_t *departure) {
  if (departure->node[0] == '\0') {
    or_json_field_null(json, "first_departure");
    return;
  }
  or_json_key(json, "first_departure");
  or_json_object_begin(json);
  or_json_field_string(json, "node", departure->node);
  or_json_field_string(json, "op", departure->op);
  or_json_field_string(json, "value", departure->value);
  or_json_field_double(json, "max_abs_error", departure->max_abs);
  or_json_field_int(json, "nodes", (int64_t)departure->nodes);
  or_json_field_int(json, "probes", (int64_t)departure->probes);
  or_json_object_end(json);
}

static void write_case(or_json_writer_t *json, const char *name, const or_verification_t *result) {
  or_json_object_begin(json);
  or_json_field_string(json, "name", name);
  or_json_field_string(json, "status", or_verdict_name(result->verdict));
  or_json_field_string(json, "detail", result->detail[0] != '\0' ? result->detail : NULL);
  or_json_field_int(json, "data_sets", (int64_t)result->sets);
  or_json_field_int(json, "outputs", (int64_t)result->outputs);
  or_json_field_double(json, "max_abs_error", result->max_abs);
  or_json_field_double(json, "max_rel_error", result->max_rel);
  or_json_field_double(json, "mean_abs_error", result->mean_abs);
  write_number(json, "flops_on_device", result->flops_on_device);
  write_shares(json, result);
  or_json_key(json, "kernels");
  or_json_array_begin(json);
  for (size_t k = 0; k < OR_VERIFY_KERNELS && result->kernels[k][0] != '\0'; ++k)
    or_json_string(json, result->kernels[k]);
  or_json_array_end(json);
  write_departure(json, &result->departure);
  or_json_object_end(json);
}

/* Of either device that was named. */
static bool is_short(const or_verification_t *result) {
  bool first = isfinite(result->flops_on_device) && result->flops_on_device < NEEDED_SHARE;
  bool second = isfinite(result->flops_on_other) && result->flops_on_other < NEEDED_SHARE;
  return result->verdict == OR_VERDICT_PASSED && (first || second);
}

static int exit_code(const cases_t *cases) {
  size_t bad = cases->verdicts[OR_VERDICT_WRONG] + cases->verdicts[OR_VERDICT_FAILED];
  return bad > 0 || cases->short_of_device ? OR_EXIT_FAILED : OR_EXIT_OK;
}

/* Where work of a side was done elsewhere than on the device that was named: which part, where. */
static void print_shares(const or_verification_t *result) {
  for (size_t side = 0; side < 2; ++side) {
    for (size_t s = 0; s < OR_VERIFY_SHARES && result->shares[side][1].device[0] != '\0'; ++s)
      (void)printf("%s%s %.1f %% of the flops",
                   s > 0       ? ", "
                   : side == 0 ? "first device: "
                               : "second device: ",
                   result->shares[side][s].device, 100.0 * result->shares[side][s].share);
    if (result->shares[side][1].device[0] != '\0') (void)printf("\n");
  }
}

static void print_departure(const or_departure_t *departure) {
  (void)printf("first node that departs: \"%s\" (%s): value \"%s\" differs by up to %.3g; found among %zu nodes by %zu "
               "comparisons\n",
               departure->node, departure->op, departure->value, departure->max_abs, departure->nodes,
               departure->probes);
}

static int verify_one(or_cli_t *cli, const or_verify_options_t *options) {
  const char *path = cli->arguments.words[0];
  or_verification_t result;
  bool pair = options->other != NULL || options->reference;
  or_cli_end_at_signal();
  if (pair) {
    or_verify_pair(cli, path, options, &result);
  } else {
    or_verify_data(cli, path, "model", options, &result);
  }
  const char *device = or_device_facts(options->device)->id;
  const char *other = options->reference       ? "reference"
                      : options->other != NULL ? or_device_facts(options->other)->id
                                               : "test data";
  if (cli->json) {
    or_text_t text;
    or_json_writer_t json;
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_json_object_begin(&json);
    or_json_field_string(&json, "device", device);
    or_json_field_string(&json, "against", other);
    or_json_key(&json, "cases");
    or_json_array_begin(&json);
    write_case(&json, path, &result);
    or_json_array_end(&json);
    or_json_object_end(&json);
    int code = or_cli_print_json(cli, &json, &text);
    if (code != OR_EXIT_OK) return code;
  } else if (result.verdict == OR_VERDICT_PASSED || result.verdict == OR_VERDICT_WRONG) {
    bool passed = result.verdict == OR_VERDICT_PASSED;
    (void)printf("%s%s%s: %s against %s, %zu outputs: max error %.3g absolute, %.3g relative, mean %.3g; %.1f %% of "
                 "the flops on %s",
                 or_cli_style(cli, passed ? OR_CLI_GREEN : OR_CLI_RED), or_verdict_name(result.verdict),
                 or_cli_style(cli, OR_CLI_PLAIN), device, other, result.outputs, result.max_abs, result.max_rel,
                 result.mean_abs, 100.0 * result.flops_on_device, device);
    if (options->other != NULL && isfinite(result.flops_on_other))
      (void)printf(", %.1f %% on %s", 100.0 * result.flops_on_other, other);
    (void)printf("\n");
    print_shares(&result);
  }
  if (result.detail[0] != '\0')
    (void)fprintf(stderr, "openruntime: %s: %s\n", or_verdict_name(result.verdict), result.detail);
  if (result.departure.node[0] != '\0' && !cli->json) print_departure(&result.departure);
  if (is_short(&result))
    (void)fprintf(stderr, "openruntime: under 99 %% of the flops ran on %s\n",
                  result.flops_on_device < NEEDED_SHARE ? device : other);
  return result.verdict == OR_VERDICT_PASSED && !is_short(&result) ? OR_EXIT_OK : OR_EXIT_FAILED;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Folders with a model.onnx, two levels deep at most: DIR/CASE and DIR/GROUP/CASE. */
static or_status_t collect(or_cli_t *cli, const char *root, const char *below, int depth, cases_t *cases) {
  char path[4096];
  or_format(path, sizeof path, "%s%s%s", root, below[0] != '\0' ? "/" : "", below);
  DIR *directory = opendir(path);
  if (directory == NULL) return or_error(OR_NOT_FOUND, "%s: can't be read as a folder", path);
  or_status_t status = or_status_success();
  for (struct dirent *entry; or_ok(status) && (entry = readdir(directory)) != NULL;) {
    char name[1024], full[4096];
    struct stat info;
    if (entry->d_name[0] == '.') continue;
    or_format(name, sizeof name, "%s%s%s", below, below[0] != '\0' ? "/" : "", entry->d_name);
    or_format(full, sizeof full, "%s/%s", root, name);
    if (stat(full, &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    if (!is_file(full, "model.onnx")) {
      if (depth > 0) status = collect(cli, root, name, depth - 1, cases);
      continue;
    }
    if (cases->count == MAX_CASES) {
      status = or_error(OR_RESOURCE_EXHAUSTED, "%s: more than %u cases", root, MAX_CASES);
      break;
    }
    void *array = cases->names;
    status = or_grow_array(cli->allocator, cases->count + 1, sizeof *cases->names, &array, &cases->capacity);
    cases->names = array;
    if (or_ok(status)) status = or_strdup(cli->allocator, name, &cases->names[cases->count]);
    if (or_ok(status)) ++cases->count;
  }
  (void)closedir(directory);
  return status;
}

static void verify_case(or_cli_t *cli, const char *name, const or_verify_options_t *options, or_json_writer_t *json,
                        cases_t *cases) {
  char path[4096];
  or_verification_t result;
  or_format(path, sizeof path, "%s/%s", cli->arguments.words[0], name);
  if (options->other != NULL || options->reference) {
    or_verify_pair(cli, path, options, &result);
  } else {
    or_verify_data(cli, path, name, options, &result);
  }
  ++cases->verdicts[result.verdict];
  cases->short_of_device = cases->short_of_device || is_short(&result);
  if (json != NULL) {
    write_case(json, name, &result);
  } else if (result.verdict != OR_VERDICT_PASSED || is_short(&result)) {
    (void)printf("%-8s %s: %s\n", or_verdict_name(result.verdict), name,
                 is_short(&result) ? "under 99 % of the flops ran on the device" : result.detail);
  }
}

static int verify_folder(or_cli_t *cli, const or_verify_options_t *options) {
  cases_t cases = {.names = NULL};
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_status_t status = collect(cli, cli->arguments.words[0], "", 1, &cases);
  if (or_ok(status) && cases.count == 0)
    status = or_error(OR_NOT_FOUND, "%s: neither a model.onnx nor folders with one", cli->arguments.words[0]);
  if (cases.count > 0) qsort(cases.names, cases.count, sizeof *cases.names, compare_names);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "cases");
  or_json_array_begin(&json);
  for (size_t i = 0; or_ok(status) && i < cases.count && !or_cancel_requested(&cli->cancel); ++i) {
    or_cli_progress(cli, (double)i / (double)cases.count, cases.names[i]);
    verify_case(cli, cases.names[i], options, cli->json ? &json : NULL, &cases);
  }
  or_cli_progress_end(cli);
  or_json_array_end(&json);
  for (int v = 0; v < OR_VERDICT_COUNT; ++v)
    or_json_field_int(&json, or_verdict_name((or_verdict_t)v), (int64_t)cases.verdicts[v]);
  or_json_object_end(&json);
  for (size_t i = 0; i < cases.count; ++i) or_free(cli->allocator, cases.names[i]);
  or_free(cli->allocator, cases.names);
  if (or_ok(status)) status = or_cancel_status(&cli->cancel);
  if (!or_ok(status)) {
    or_text_deinit(&text);
    return or_cli_fail(cli, status);
  }
  if (cli->json) {
    int code = or_cli_print_json(cli, &json, &text);
    return code != OR_EXIT_OK ? code : exit_code(&cases);
  }
  or_text_deinit(&text);
  (void)printf("%zu passed, %zu refused, %zu wrong, %zu failed of %zu\n", cases.verdicts[OR_VERDICT_PASSED],
               cases.verdicts[OR_VERDICT_REFUSED], cases.verdicts[OR_VERDICT_WRONG], cases.verdicts[OR_VERDICT_FAILED],
               cases.count);
  return exit_code(&cases);
}
