#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/string.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/request.h"

static void print_tables(or_cli_t *cli, const or_json_value_t *root);
static int write_out(or_cli_t *cli, const or_cli_outcome_t *outcome);

/* "256,512" as a JSON array; words are quoted. */
static void add_list(or_cli_request_t *request, const char *key, const char *list) {
  or_json_key(&request->json, key);
  or_json_array_begin(&request->json);
  while (*list != '\0') {
    size_t length = strcspn(list, ",");
    char item[64], *end = NULL;
    or_format(item, sizeof item, "%.*s", (int)length, list);
    long long number = strtoll(item, &end, 10);
    if (end != item && *end == '\0') {
      or_json_int(&request->json, number);
    } else {
      or_json_string(&request->json, item);
    }
    list += length + (list[length] == ',');
  }
  or_json_array_end(&request->json);
}

/* Every --model, in the order given. */
static void add_models(or_cli_request_t *request) {
  const or_cli_arguments_t *arguments = &request->cli->arguments;
  or_json_key(&request->json, "models");
  or_json_array_begin(&request->json);
  for (size_t i = 0; i < arguments->flag_count; ++i) {
    if (strcmp(arguments->flags[i].flag->name, "--model") == 0)
      or_json_string(&request->json, arguments->flags[i].value);
  }
  or_json_array_end(&request->json);
}

/* Every --dim NAME=N; the last one of a name counts. False: the usage error is printed. */
static bool add_dims(or_cli_request_t *request) {
  const or_cli_arguments_t *arguments = &request->cli->arguments;
  or_json_key(&request->json, "dims");
  or_json_object_begin(&request->json);
  for (size_t i = 0; i < arguments->flag_count; ++i) {
    or_model_dim_t dim;
    if (strcmp(arguments->flags[i].flag->name, "--dim") != 0) continue;
    or_status_t status = or_cli_read_dim(request->cli, i, 0, &dim);
    if (!or_ok(status)) {
      (void)or_cli_usage_error(request->cli, "%s", or_status_message(status)); /* its code is OR_EXIT_USAGE */
      or_status_ignore(status);                                                /* printed */
      return false;
    }
    or_json_field_int(&request->json, dim.name, dim.extent);
  }
  or_json_object_end(&request->json);
  return true;
}

static bool add_fields(or_cli_request_t *request) {
  static const struct {
    const char *flag, *field;
  } plain[] = {{"--duration", "duration"}, {"--batch", "batch_size"}, {"--qps", "qps"}, {"--seed", "seed"}};
  static const struct {
    const char *flag, *field;
  } words[] = {{"--precision", "precision"}, {"--scenario", "scenario"}};
  or_cli_t *cli = request->cli;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i) {
    if (or_cli_has(cli, plain[i].flag)) or_cli_request_field(request, plain[i].field, or_cli_value(cli, plain[i].flag));
  }
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
    if (or_cli_has(cli, words[i].flag))
      or_json_field_string(&request->json, words[i].field, or_cli_value(cli, words[i].flag));
  }
  if (or_cli_has(cli, "--sizes")) add_list(request, "sizes", or_cli_value(cli, "--sizes"));
  if (or_cli_has(cli, "--dtypes")) add_list(request, "dtypes", or_cli_value(cli, "--dtypes"));
  if (or_cli_has(cli, "--model")) add_models(request);
  return !or_cli_has(cli, "--dim") || add_dims(request);
}

int or_cli_benchmark_command(or_cli_t *cli) {
  const char *type = or_cli_value(cli, "--type");
  or_cli_request_t request;
  or_cli_outcome_t outcome;
  if (type == NULL) type = or_cli_has(cli, "--model") ? "ml" : "comprehensive";
  or_cli_request_begin_benchmark(&request, cli);
  or_json_field_string(&request.json, "type", type);
  if (!add_fields(&request)) {
    or_cli_request_drop(&request);
    return OR_EXIT_USAGE;
  }
  or_cli_execution_t execution = {.verify = false};
  int code = or_cli_request_execute(&request, &execution, false, &outcome);
  if (code == OR_EXIT_OK) {
    if (cli->json) {
      or_text_t text;
      or_json_writer_t json;
      or_text_init(&text, cli->allocator);
      or_json_begin(&json, &text, 2);
      or_json_copy(&json, outcome.root);
      code = or_cli_print_json(cli, &json, &text);
    } else {
      print_tables(cli, outcome.root);
    }
    if (code == OR_EXIT_OK && or_cli_has(cli, "--out")) code = write_out(cli, &outcome);
  }
  or_cli_outcome_deinit(&outcome);
  return code;
}

static const char *kilobytes(const or_json_value_t *value, char *text, size_t capacity) {
  return or_cli_bytes((uint64_t)or_json_get_int(value, 0) * 1024, text, capacity);
}

static const char *gigabytes(const or_json_value_t *value, char *text, size_t capacity) {
  return or_format(text, capacity, "%.1f", or_json_get_double(value, NAN) * 1e-3);
}

/* "batch=1 sequence=128" */
static const char *dims_of(const or_json_value_t *dims, char *text, size_t capacity) {
  text[0] = '\0';
  for (size_t i = 0; i < or_json_count(dims); ++i) {
    const or_json_value_t *extent = NULL;
    const char *name = or_json_key_at(dims, i, &extent);
    or_format(text + strlen(text), capacity - strlen(text), "%s%s=%lld", i > 0 ? " " : "", name,
              (long long)or_json_get_int(extent, 0));
  }
  return text;
}

static const char *scenario_of(const or_json_value_t *row, char *text, size_t capacity) {
  const int64_t in_flight = or_cli_whole(row, "in_flight");
  return or_format(text, capacity, in_flight > 0 ? "%s, %lld in flight" : "%s", or_cli_word(row, "scenario"),
                   (long long)in_flight);
}

static const char *four_digits(const or_json_value_t *value, char *text, size_t capacity) {
  return or_format(text, capacity, "%.4g", or_json_get_double(value, NAN));
}

static const or_cli_column_t compute_columns[] = {{"DTYPE", "dtype", NULL},
                                                  {">SIZE", "size", NULL},
                                                  {">GFLOP/S", "gflops", or_cli_tenths_cell},
                                                  {">OF PEAK", "percent_of_peak", or_cli_percent_cell},
                                                  {">MEDIAN", "execution_time", or_cli_seconds_cell},
                                                  {">P99", "p99", or_cli_seconds_cell},
                                                  {">RUNS", "runs", NULL},
                                                  {"DEVICE", "device", NULL}};
static const or_cli_column_t memory_columns[] = {{"KIND", "kind", NULL},
                                                 {">SIZE", "size_kb", kilobytes},
                                                 {">GB/S", "bandwidth_mbps", gigabytes},
                                                 {">OF READ BANDWIDTH", "percent_of_bandwidth", or_cli_share_cell},
                                                 {">MEDIAN", "execution_time", or_cli_seconds_cell},
                                                 {">P99", "p99", or_cli_seconds_cell},
                                                 {">RUNS", "runs", NULL},
                                                 {"DEVICE", "device", NULL}};
static const or_cli_column_t ml_columns[] = {{"MODEL", "model", NULL},
                                             {"DIMENSIONS", "dims", dims_of},
                                             {"PRECISION", "precision", NULL},
                                             {"SCENARIO", NULL, scenario_of},
                                             {">MEDIAN", "latency_ms", or_cli_ms_cell},
                                             {">P90", "p90_ms", or_cli_ms_cell},
                                             {">P99", "p99_ms", or_cli_ms_cell},
                                             {">ITEMS/S", "throughput_fps", four_digits},
                                             {">RUNS", "runs", NULL},
                                             {"DEVICE", "device", NULL},
                                             {"WEIGHTS", "weights", NULL}};

static void print_notes(const or_json_value_t *rows) {
  bool synthetic = false;
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    const or_json_value_t *row = or_json_at(rows, i);
    if (or_cli_word(row, "note")[0] != '\0')
      (void)printf("%s: %s\n", or_cli_word(row, "model"), or_cli_word(row, "note"));
    synthetic = synthetic || strcmp(or_cli_word(row, "weights"), "synthetic") == 0;
  }
  if (synthetic) or_cli_note_weights("synthetic");
}

static void print_tables(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *machine = or_json_get(root, "machine"), *results = or_json_get(root, "results");
  char peak[OR_CLI_NUMBER_BYTES], read[OR_CLI_NUMBER_BYTES];
  (void)printf("%s: %s; measured limits: %s float32, %s read\n", or_cli_word(root, "device"),
               or_cli_word(machine, "device_name"),
               or_cli_rate(or_cli_real(machine, "peak_fp32_gflops") * 1e9, "FLOP/s", peak, sizeof peak),
               or_cli_rate(or_cli_real(machine, "read_gbps") * 1e9, "B/s", read, sizeof read));
  const or_json_value_t *compute = or_json_get(results, "compute"), *memory = or_json_get(results, "memory");
  const or_json_value_t *ml = or_json_get(results, "ml");
  if (compute != NULL) OR_CLI_PRINT_ROWS(cli, compute, compute_columns);
  if (memory != NULL) OR_CLI_PRINT_ROWS(cli, memory, memory_columns);
  if (ml != NULL) OR_CLI_PRINT_ROWS(cli, ml, ml_columns);
  print_notes(ml);
}

static int write_out(or_cli_t *cli, const or_cli_outcome_t *outcome) {
  const char *path = or_cli_value(cli, "--out");
  or_status_t status = or_file_write(path, or_text_string(&outcome->result.json), outcome->result.json.length);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}
