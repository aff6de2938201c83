#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/string.h"
#include "cli/cli.h"
#include "cli/explain_state.h"
#include "cli/models.h"

static int print_report(or_cli_t *cli, const or_explanation_t *explanation);
static int print_report_json(or_cli_t *cli, const or_explanation_t *explanation);
static or_status_t write_trace(or_cli_t *cli, const or_session_report_t *report, const char *path);

int or_cli_explain_command(or_cli_t *cli) {
  or_device_t *device = NULL;
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_explanation_t explanation = {.report = NULL};
  or_model_inputs_t inputs = {.count = 0};
  const char *trace = or_cli_value(cli, "--trace");
  bool profile = !or_cli_has(cli, "--no-profile");
  if (trace != NULL && !profile) return or_cli_usage_error(cli, "--trace needs times: leave out --no-profile");
  or_dtype_t precision = OR_DTYPE_NONE;
  if (!or_cli_check_generation(cli) || !or_cli_precision(cli, &precision)) return OR_EXIT_USAGE;
  if (!or_cli_find_device(cli, &device)) return cli->code;
  or_cli_end_at_signal();
  or_session_options_t options = {
      .device = device, .precision = precision, .strict = cli->strict, .no_fusion = or_cli_has(cli, "--no-fusion")};
  or_status_t status = or_cli_load_model(cli, cli->arguments.words[0], &model);
  if (or_ok(status)) status = or_session_create(model, &options, &session);
  if (or_ok(status)) status = or_cli_generate_inputs(cli, model, &inputs);
  const or_explain_request_t request = {model, session, device, inputs.items, inputs.count, profile};
  if (or_ok(status)) status = or_explain(&request, &explanation);
  if (or_ok(status) && trace != NULL) status = write_trace(cli, explanation.report, trace);
  int code = or_ok(status) ? print_report(cli, &explanation) : or_cli_fail(cli, status);
  or_explanation_deinit(&explanation);
  or_model_inputs_deinit(&inputs);
  or_session_release(session);
  or_model_release(model);
  return code;
}

static void print_totals(or_cli_t *cli, const or_session_report_t *report, const or_device_peaks_t *peaks) {
  char text[6][OR_CLI_NUMBER_BYTES];
  double sum = 0, flops = 0;
  for (size_t i = 0; i < report->node_count; ++i) {
    sum += report->nodes[i].seconds;
    flops += report->nodes[i].flops;
  }
  (void)printf("\nmemory: weights %s, packed %s, workspace %s (unplanned %s), arena %s\n",
               or_cli_bytes(report->weight_bytes, text[0], sizeof text[0]),
               or_cli_bytes(report->packed_bytes, text[1], sizeof text[1]),
               or_cli_bytes(report->workspace_bytes, text[2], sizeof text[2]),
               or_cli_bytes(report->arena_bytes_unplanned, text[3], sizeof text[3]),
               or_cli_bytes(report->arena_bytes, text[4], sizeof text[4]));
  if (report->folded != NULL && report->folded[0] != '\0') (void)printf("graph: %s\n", report->folded);
  for (size_t i = 0; i < report->pattern_count; ++i) {
    (void)printf("%s%u %s", i == 0 ? "patterns: " : ", ", report->patterns[i].count, report->patterns[i].name);
  }
  if (report->pattern_count > 0) (void)printf("\n");
  if (report->precision != OR_DTYPE_NONE) {
    (void)printf("precision: %s, %u of %u products\n", or_dtype_name(report->precision), report->narrow_products,
                 report->products);
  }
  (void)printf("on the device: %.1f %% of the flops\n", 100.0 * report->flops_on_device);
  if (isfinite(report->seconds)) {
    (void)printf("time: %s, of which nodes %.1f %%; %s", or_cli_seconds(report->seconds, text[5], sizeof text[5]),
                 100.0 * sum / report->seconds, or_cli_rate(flops / sum, "FLOP/s", text[0], sizeof text[0]));
    double share = or_explain_total_share(report, peaks);
    if (isfinite(share)) (void)printf(", %.1f %% of the peak", share);
    (void)printf("\n");
  }
  (void)cli;
}

static int print_report(or_cli_t *cli, const or_explanation_t *explanation) {
  const or_session_report_t *report = explanation->report;
  if (cli->json) return print_report_json(cli, explanation);
  or_cli_table_t *table =
      or_cli_table_create(cli, "NODE|OPERATOR|DEVICE|KERNEL|OUTPUT|>TIME|>GFLOP/S|>GB/S|>OF PEAK|WHY");
  for (size_t i = 0; i < report->node_count; ++i) {
    const or_node_report_t *node = &report->nodes[i];
    char shape[96], time[OR_CLI_NUMBER_BYTES];
    double share = or_explain_share(node, &explanation->peaks);
    or_cli_table_cell(table, "%s", node->name);
    or_cli_table_cell(table, "%s", node->op);
    or_cli_table_cell(table, "%s", node->device_id);
    or_cli_table_cell(table, "%s", node->kernel);
    or_cli_table_cell(table, "%s", or_shape_format(&node->shape, shape, sizeof shape));
    or_cli_table_cell(table, "%s", or_cli_seconds(node->seconds, time, sizeof time));
    or_cli_table_cell(table, node->flops > 0 && node->seconds > 0 ? "%.1f" : "-", node->flops / node->seconds * 1e-9);
    or_cli_table_cell(table, node->seconds > 0 ? "%.1f" : "-", node->bytes / node->seconds * 1e-9);
    or_cli_table_cell(table, node->flops > 0 && isfinite(share) ? "%.1f %%" : "-", share);
    or_cli_table_cell(table, "%s", node->reason);
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
  print_totals(cli, report, &explanation->peaks);
  or_cli_print_state(explanation->state);
  or_cli_note_weights(or_model_weights(explanation->model));
  return OR_EXIT_OK;
}

static int print_report_json(or_cli_t *cli, const or_explanation_t *explanation) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_explain_write(&json, explanation);
  return or_cli_print_json(cli, &json, &text);
}

/* The trace event format that Perfetto and chrome://tracing open: complete events, microseconds. */
static or_status_t write_trace(or_cli_t *cli, const or_session_report_t *report, const char *path) {
  or_text_t text;
  or_json_writer_t json;
  double at_us = 0;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 0);
  or_json_object_begin(&json);
  or_json_key(&json, "traceEvents");
  or_json_array_begin(&json);
  for (size_t i = 0; i < report->node_count; ++i) {
    const or_node_report_t *node = &report->nodes[i];
    double duration_us = isfinite(node->seconds) ? node->seconds * 1e6 : 0;
    or_json_object_begin(&json);
    or_json_field_string(&json, "name", node->name);
    or_json_field_string(&json, "cat", node->op);
    or_json_field_string(&json, "ph", "X");
    or_json_field_double(&json, "ts", at_us);
    or_json_field_double(&json, "dur", duration_us);
    or_json_field_int(&json, "pid", 1);
    or_json_field_int(&json, "tid", 1);
    or_json_key(&json, "args");
    or_json_object_begin(&json);
    or_json_field_string(&json, "device", node->device_id);
    or_json_field_string(&json, "kernel", node->kernel);
    or_json_field_double(&json, "flops", node->flops);
    or_json_field_double(&json, "bytes", node->bytes);
    or_json_object_end(&json);
    or_json_object_end(&json);
    at_us += duration_us;
  }
  or_json_array_end(&json);
  or_json_field_string(&json, "displayTimeUnit", "ms");
  or_json_object_end(&json);
  or_status_t status = or_json_finish(&json);
  if (or_ok(status)) status = or_file_write(path, or_text_string(&text), text.length);
  or_text_deinit(&text);
  return status;
}
