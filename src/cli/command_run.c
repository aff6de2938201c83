#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cli/cli.h"
#include "cli/kernels.h"
#include "cli/models.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/request.h"

static bool add_set_fields(or_cli_t *cli, or_cli_request_t *request);
/* What ran, of which size, where. */
static void print_head(const or_json_value_t *root, const char *operation) {
  static const char *const layers[] = {"input_size", "hidden_size", "output_size"};
  const char *const dtype = or_json_get_string(or_json_get(root, "dtype"), "");
  (void)printf("%s, size ", operation);
  if (or_json_get(root, "size") != NULL) {
    (void)printf("%lld", (long long)or_json_get_int(or_json_get(root, "size"), 0));
  } else {
    for (size_t i = 0; i < sizeof layers / sizeof *layers; ++i)
      (void)printf("%s%lld", i > 0 ? "-" : "", (long long)or_json_get_int(or_json_get(root, layers[i]), 0));
  }
  (void)printf(", %s, on %s: ", dtype, or_json_get_string(or_json_get(root, "device"), ""));
}

static void print_result(or_cli_t *cli, const or_cli_outcome_t *outcome);

/* Flags that are a field of `data` under another name. */
typedef struct alias_t {
  const char *flag, *key;
} alias_t;
static const alias_t aliases[] = {{"--type", "type"},   {"--size", "size"},        {"--dtype", "dtype"},
                                  {"--model", "model"}, {"--batch", "batch_size"}, {"--iterations", "iterations"},
                                  {"--seed", "seed"}};

int or_cli_run_command(or_cli_t *cli) {
  const char *operation = or_cli_value(cli, "--operation");
  or_cli_request_t request;
  or_cli_outcome_t outcome;
  const bool async = or_cli_has(cli, "--async");
  if (async && !or_cli_is_remote(cli))
    return or_cli_usage_error(cli, "--async needs a server (--url); leave it out to wait for the result");
  or_cli_request_begin(&request, cli, operation != NULL ? operation : "compute");
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; ++i) {
    const char *value = or_cli_value(cli, aliases[i].flag);
    if (value != NULL) or_cli_request_field(&request, aliases[i].key, value);
  }
  if (!add_set_fields(cli, &request)) {
    or_cli_request_drop(&request);
    return OR_EXIT_USAGE;
  }
  if (async) return or_cli_request_async(&request);
  const bool kernel = operation != NULL && strcmp(operation, "kernel") == 0;
  or_cli_execution_t execution = {.verify = or_cli_has(cli, "--verify"), .wants_outputs = kernel};
  int code = or_cli_request_execute(&request, &execution, true, &outcome);
  if (code == OR_EXIT_OK && !cli->json) print_result(cli, &outcome);
  const or_json_value_t *functions = or_json_get(outcome.root, "functions");
  bool passed = or_json_get_bool(or_json_get(or_json_get(outcome.root, "verification"), "passed"), true);
  for (size_t i = 0; i < or_json_count(functions); ++i) {
    const or_json_value_t *verification = or_json_get(or_json_at(functions, i), "verification");
    passed = passed && or_json_get_bool(or_json_get(verification, "passed"), true);
  }
  if (code == OR_EXIT_OK && !passed) {
    (void)fprintf(stderr, "openruntime: the result differs from the reference's\n");
    code = OR_EXIT_FAILED;
  }
  or_cli_outcome_deinit(&outcome);
  return code;
}

static bool add_set_fields(or_cli_t *cli, or_cli_request_t *request) {
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, "--set") != 0) continue;
    const char *pair = cli->arguments.flags[i].value, *equals = strchr(pair, '=');
    char key[64];
    if (equals == NULL || equals == pair || (size_t)(equals - pair) >= sizeof key) {
      (void)or_cli_usage_error(cli, "--set %s: must be KEY=VALUE", pair);
      return false;
    }
    or_cli_request_field(request, or_format(key, sizeof key, "%.*s", (int)(equals - pair), pair), equals + 1);
  }
  return true;
}

static void print_percent(double percent, const char *of) {
  if (isfinite(percent)) (void)printf(", %.1f %% of %s", percent, of);
}

static void print_verification(const or_cli_t *cli, const or_json_value_t *verification) {
  if (verification == NULL) return;
  bool passed = or_json_get_bool(or_json_get(verification, "passed"), false);
  (void)printf("  %s%s%s against the reference: max error %.3g absolute, %.3g relative, %lld of %lld elements beyond "
               "the tolerance\n",
               or_cli_style(cli, passed ? OR_CLI_GREEN : OR_CLI_RED), passed ? "agrees" : "DIFFERS",
               or_cli_style(cli, OR_CLI_PLAIN), or_cli_real(verification, "max_abs_error"),
               or_cli_real(verification, "max_rel_error"),
               (long long)or_json_get_int(or_json_get(verification, "wrong"), 0),
               (long long)or_json_get_int(or_json_get(verification, "elements"), 0));
}

static void print_functions(or_cli_t *cli, const or_json_value_t *functions) {
  static const or_cli_column_t columns[] = {{"FUNCTION", "function", NULL},
                                            {">TIME", "execution_time", or_cli_seconds_cell},
                                            {">GFLOP/S", "gflops", or_cli_tenths_cell},
                                            {">GB/S", "bandwidth_gbps", or_cli_tenths_cell},
                                            {">OF READ BANDWIDTH", "percent_of_bandwidth", or_cli_share_cell},
                                            {">RUNS", "iterations", NULL}};
  OR_CLI_PRINT_ROWS(cli, functions, columns);
  for (size_t i = 0; i < or_json_count(functions); ++i)
    print_verification(cli, or_json_get(or_json_at(functions, i), "verification"));
}

static void print_inference(const or_cli_outcome_t *outcome) {
  const or_json_value_t *root = outcome->root;
  (void)printf("%s on %s: batch %lld in %.3f ms (median of %lld, p90 %.3f ms), %.1f items/s\n",
               or_json_get_string(or_json_get(root, "model"), ""), or_json_get_string(or_json_get(root, "device"), ""),
               (long long)or_json_get_int(or_json_get(root, "batch_size"), 1), or_cli_real(root, "latency_ms"),
               (long long)or_json_get_int(or_json_get(root, "runs"), 0), or_cli_real(root, "p90_ms"),
               or_cli_real(root, "throughput_fps"));
  or_cli_note_weights(or_json_get_string(or_json_get(root, "weights"), ""));
}

static void print_result(or_cli_t *cli, const or_cli_outcome_t *outcome) {
  const or_json_value_t *root = outcome->root, *functions = or_json_get(root, "functions");
  const char *operation = or_json_get_string(or_json_get(root, "operation"), "");
  char time[OR_CLI_NUMBER_BYTES];
  if (strcmp(operation, "inference") == 0) {
    print_inference(outcome);
    return;
  }
  if (strcmp(operation, "kernel") == 0) {
    or_cli_print_kernel(cli, &outcome->result, root);
    return;
  }
  if (operation[0] == '\0') { /* a benchmark: its JSON is its table's source, which the command benchmark prints */
    (void)printf("%s\n", or_text_string(&outcome->result.json));
    return;
  }
  print_head(root, operation);
  if (functions != NULL && or_json_count(functions) > 1) {
    (void)printf("\n");
    print_functions(cli, functions);
    return;
  }
  (void)printf("%s%.1f %s%s in %s", or_cli_style(cli, OR_CLI_BOLD), or_cli_real(root, "throughput"),
               or_json_get_string(or_json_get(root, "throughput_unit"), ""), or_cli_style(cli, OR_CLI_PLAIN),
               or_cli_seconds(or_cli_real(root, "execution_time"), time, sizeof time));
  print_percent(or_cli_real(root, "percent_of_peak"), "the peak measured here and now");
  print_percent(or_cli_real(root, "percent_of_bandwidth"), "the read bandwidth measured here and now");
  (void)printf(" (median of %lld", (long long)or_json_get_int(or_json_get(root, "iterations"), 0));
  (void)printf(", p99 %s)\n", or_cli_seconds(or_cli_real(or_json_get(root, "spread"), "p99"), time, sizeof time));
  print_verification(cli, or_json_get(root, "verification"));
}
