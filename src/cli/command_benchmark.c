#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/string.h"
#include "cli/cli.h"
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

int or_cli_benchmark_command(or_cli_t *cli) {
  const char *type = or_cli_value(cli, "--type");
  or_cli_request_t request;
  or_cli_outcome_t outcome;
  if (type == NULL) {
    return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED,
                                     "the comprehensive benchmark measures networks too, which this version does not; "
                                     "give -t compute or -t memory"));
  }
  or_cli_request_begin(&request, cli, "benchmark");
  or_json_field_string(&request.json, "type", type);
  if (or_cli_value(cli, "--duration") != NULL)
    or_cli_request_field(&request, "duration", or_cli_value(cli, "--duration"));
  if (or_cli_value(cli, "--sizes") != NULL) add_list(&request, "sizes", or_cli_value(cli, "--sizes"));
  if (or_cli_value(cli, "--dtypes") != NULL) add_list(&request, "dtypes", or_cli_value(cli, "--dtypes"));
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

static void print_tables(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *machine = or_json_get(root, "machine"), *results = or_json_get(root, "results");
  char peak[OR_CLI_NUMBER_BYTES], read[OR_CLI_NUMBER_BYTES];
  (void)printf("%s: %s; measured limits: %s float32, %s read\n", or_json_get_string(or_json_get(root, "device"), ""),
               or_json_get_string(or_json_get(machine, "device_name"), ""),
               or_cli_rate(number(machine, "peak_fp32_gflops") * 1e9, "FLOP/s", peak, sizeof peak),
               or_cli_rate(number(machine, "read_gbps") * 1e9, "B/s", read, sizeof read));
  if (or_json_get(results, "compute") != NULL) print_compute(cli, or_json_get(results, "compute"));
  if (or_json_get(results, "memory") != NULL) print_memory(cli, or_json_get(results, "memory"));
}

static int write_out(or_cli_t *cli, const or_cli_outcome_t *outcome) {
  const char *path = or_cli_value(cli, "--out");
  or_status_t status = or_file_write(path, or_text_string(&outcome->result.json), outcome->result.json.length);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}
