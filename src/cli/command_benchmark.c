#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/string.h"
#include "cli/cli.h"
#include "cli/models.h"
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
  if (or_cli_is_remote(cli) && cli->strict)
    return or_cli_usage_error(cli, "--strict: a server benchmarks the device that is named or refuses: leave it out");
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

static double number(const or_json_value_t *object, const char *key) {
  return or_json_get_double(or_json_get(object, key), NAN);
}

static void print_compute(or_cli_t *cli, const or_json_value_t *rows) {
  or_cli_table_t *table = or_cli_table_create(cli, "DTYPE|>SIZE|>GFLOP/S|>OF PEAK|>MEDIAN|>P99|>RUNS");
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    const or_json_value_t *row = or_json_at(rows, i);
    char median[OR_CLI_NUMBER_BYTES], p99[OR_CLI_NUMBER_BYTES];
    double percent = number(row, "percent_of_peak");
    or_cli_table_cell(table, "%s", or_json_get_string(or_json_get(row, "dtype"), ""));
    or_cli_table_cell(table, "%lld", (long long)or_json_get_int(or_json_get(row, "size"), 0));
    or_cli_table_cell(table, "%.1f", number(row, "gflops"));
    or_cli_table_cell(table, isfinite(percent) ? "%.1f %%" : "-", percent);
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "execution_time"), median, sizeof median));
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "p99"), p99, sizeof p99));
    or_cli_table_cell(table, "%lld", (long long)or_json_get_int(or_json_get(row, "runs"), 0));
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static void print_memory(or_cli_t *cli, const or_json_value_t *rows) {
  or_cli_table_t *table = or_cli_table_create(cli, "KIND|>SIZE|>GB/S|>OF READ BANDWIDTH|>MEDIAN|>P99|>RUNS");
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    const or_json_value_t *row = or_json_at(rows, i);
    char size[OR_CLI_NUMBER_BYTES], median[OR_CLI_NUMBER_BYTES], p99[OR_CLI_NUMBER_BYTES];
    double percent = number(row, "percent_of_bandwidth");
    or_cli_table_cell(table, "%s", or_json_get_string(or_json_get(row, "kind"), ""));
    or_cli_table_cell(
        table, "%s", or_cli_bytes((uint64_t)or_json_get_int(or_json_get(row, "size_kb"), 0) * 1024, size, sizeof size));
    or_cli_table_cell(table, "%.1f", number(row, "bandwidth_mbps") * 1e-3);
    or_cli_table_cell(table, isfinite(percent) ? "%.0f %%" : "-", percent);
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "execution_time"), median, sizeof median));
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "p99"), p99, sizeof p99));
    or_cli_table_cell(table, "%lld", (long long)or_json_get_int(or_json_get(row, "runs"), 0));
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static const char *word(const or_json_value_t *object, const char *key) {
  return or_json_get_string(or_json_get(object, key), "");
}

/* "batch=1 sequence=128" */
static char *dims_of(const or_json_value_t *row, char *text, size_t capacity) {
  const or_json_value_t *dims = or_json_get(row, "dims");
  text[0] = '\0';
  for (size_t i = 0; i < or_json_count(dims); ++i) {
    const or_json_value_t *extent = NULL;
    const char *name = or_json_key_at(dims, i, &extent);
    or_format(text + strlen(text), capacity - strlen(text), "%s%s=%lld", i > 0 ? " " : "", name,
              (long long)or_json_get_int(extent, 0));
  }
  return text;
}

static void print_ml(or_cli_t *cli, const or_json_value_t *rows) {
  bool synthetic = false;
  or_cli_table_t *table =
      or_cli_table_create(cli, "MODEL|DIMENSIONS|PRECISION|SCENARIO|>MEDIAN|>P90|>P99|>ITEMS/S|>RUNS|WEIGHTS");
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    const or_json_value_t *row = or_json_at(rows, i);
    char text[3][OR_CLI_NUMBER_BYTES], dims[160], scenario[48];
    int64_t in_flight = or_json_get_int(or_json_get(row, "in_flight"), 0);
    or_format(scenario, sizeof scenario, in_flight > 0 ? "%s, %lld in flight" : "%s", word(row, "scenario"),
              (long long)in_flight);
    or_cli_table_cell(table, "%s", word(row, "model"));
    or_cli_table_cell(table, "%s", dims_of(row, dims, sizeof dims));
    or_cli_table_cell(table, "%s", word(row, "precision"));
    or_cli_table_cell(table, "%s", scenario);
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "latency_ms") * 1e-3, text[0], sizeof text[0]));
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "p90_ms") * 1e-3, text[1], sizeof text[1]));
    or_cli_table_cell(table, "%s", or_cli_seconds(number(row, "p99_ms") * 1e-3, text[2], sizeof text[2]));
    or_cli_table_cell(table, "%.4g", number(row, "throughput_fps"));
    or_cli_table_cell(table, "%lld", (long long)or_json_get_int(or_json_get(row, "runs"), 0));
    or_cli_table_cell(table, "%s", word(row, "weights"));
    synthetic = synthetic || strcmp(word(row, "weights"), "synthetic") == 0;
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    const or_json_value_t *row = or_json_at(rows, i);
    if (word(row, "note")[0] != '\0') (void)printf("%s: %s\n", word(row, "model"), word(row, "note"));
  }
  if (synthetic) or_cli_note_weights("synthetic");
}

static void print_tables(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *machine = or_json_get(root, "machine"), *results = or_json_get(root, "results");
  char peak[OR_CLI_NUMBER_BYTES], read[OR_CLI_NUMBER_BYTES];
  (void)printf("%s: %s; measured limits: %s float32, %s read\n", or_json_get_string(or_json_get(root, "device"), ""),
               or_json_get_string(or_json_get(machine, "device_name"), ""),
               or_cli_rate(number(machine, "peak_fp32_gflops") * 1e9, "FLOP/s", peak, sizeof peak),
               or_cli_rate(number(machine, "read_gbps") * 1e9, "B/s", read, sizeof read));
  if (or_json_get(results, "compute") != NULL) print_compute(cli, or_json_get(results, "compute"));
  if (or_json_get(results, "memory") != NULL) print_memory(cli, or_json_get(results, "memory"));
  if (or_json_get(results, "ml") != NULL) print_ml(cli, or_json_get(results, "ml"));
}

static int write_out(or_cli_t *cli, const or_cli_outcome_t *outcome) {
  const char *path = or_cli_value(cli, "--out");
  or_status_t status = or_file_write(path, or_text_string(&outcome->result.json), outcome->result.json.length);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}
