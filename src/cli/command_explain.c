#include <math.h>

#include "base/string.h"
#include "cli/cli.h"
#include "cli/explain_print.h"
#include "cli/explain_state.h"
#include "cli/models.h"
#include "cli/remote.h"

#define PEAK_RETRIES 3 /* measurements more, as long as a node was faster than the limit */

/* What is shown of a model. */
typedef struct explained_t {
  const or_model_t *model;
  or_device_t *device;
  const or_session_report_t *report;
  or_state_t *state; /* NULL: it has none */
} explained_t;

static int show(or_cli_t *cli, const explained_t *explained, const char *trace);

int or_cli_explain_command(or_cli_t *cli) {
  or_device_t *device = NULL;
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_state_t *state = NULL;
  or_session_report_t *report = NULL;
  or_cli_bindings_t inputs = {.count = 0};
  const char *trace = or_cli_value(cli, "--trace");
  bool profile = !or_cli_has(cli, "--no-profile");
  if (trace != NULL && !profile) return or_cli_usage_error(cli, "--trace needs times: leave out --no-profile");
  if (or_cli_is_remote(cli)) return or_cli_explain_remote(cli);
  or_dtype_t precision = OR_DTYPE_NONE;
  if (!or_cli_check_generation(cli) || !or_cli_precision(cli, &precision)) return OR_EXIT_USAGE;
  if (!or_cli_find_device(cli, &device)) return cli->code;
  or_cli_end_at_signal();
  or_session_options_t options = {
      .device = device, .precision = precision, .strict = cli->strict, .no_fusion = or_cli_has(cli, "--no-fusion")};
  or_status_t status = or_cli_load_model(cli, cli->arguments.words[0], &model);
  if (or_ok(status)) status = or_session_create(model, &options, &session);
  if (or_ok(status)) status = or_cli_generate_inputs(cli, model, &inputs);
  for (int warm_up = 0; or_ok(status) && profile && warm_up < 2; ++warm_up) {
    status = or_session_explain(session, inputs.items, inputs.count, true, &report);
    or_session_report_free(report);
    report = NULL;
  }
  if (or_ok(status)) status = or_session_explain(session, inputs.items, inputs.count, profile, &report);
  if (or_ok(status)) status = or_cli_state_of(session, &state);
  const explained_t explained = {model, device, report, state};
  int code = or_ok(status) ? show(cli, &explained, trace) : or_cli_fail(cli, status);
  or_state_release(state);
  or_session_report_free(report);
  or_cli_bindings_deinit(&inputs);
  or_session_release(session);
  or_model_release(model);
  return code;
}

/* The measured limit of the type in which a node computes; NaN where there is none. */
static double limit_of(const or_node_report_t *node, const or_device_peaks_t *peaks) {
  switch (node->precision != OR_DTYPE_NONE ? node->precision : node->dtype) {
  case OR_FLOAT32: return peaks->fp32_flops;
  case OR_FLOAT64: return peaks->fp64_flops;
  case OR_BFLOAT16: return peaks->bf16_flops;
  default: return NAN;
  }
}

/* The share of a node's time that its flops would take at the peak, in percent. */
static double share_of_peak(const or_node_report_t *node, const or_device_peaks_t *peaks) {
  return 100.0 * node->flops / node->seconds / limit_of(node, peaks);
}

static double greatest_share(const or_session_report_t *report, const or_device_peaks_t *peaks) {
  double greatest = 0;
  for (size_t i = 0; i < report->node_count; ++i) {
    double share = share_of_peak(&report->nodes[i], peaks);
    if (isfinite(share) && share > greatest) greatest = share;
  }
  return greatest;
}

/* Limits that no node exceeds; unknown if the device can't measure them. */
static or_device_peaks_t peaks_for(or_device_t *device, const or_session_report_t *report) {
  or_device_peaks_t peaks = {NAN, NAN, NAN, NAN, NAN, NAN};
  if (!isfinite(report->seconds)) return peaks;
  or_status_t status = or_device_measure_peaks(device, &peaks);
  for (int i = 0; or_ok(status) && i < PEAK_RETRIES && greatest_share(report, &peaks) > 100.0; ++i)
    status = or_device_measure_peaks_again(device, &peaks);
  if (!or_ok(status)) peaks = (or_device_peaks_t){NAN, NAN, NAN, NAN, NAN, NAN};
  or_status_ignore(status); /* shares of an unknown peak are shown as unknown */
  return peaks;
}

/* The share of all nodes' time that their flops would take at the limits, in percent. */
static double total_share(const or_session_report_t *report, const or_device_peaks_t *peaks) {
  double seconds = 0, least = 0;
  for (size_t i = 0; i < report->node_count; ++i) {
    const or_node_report_t *node = &report->nodes[i];
    double limit = limit_of(node, peaks);
    seconds += node->seconds;
    if (node->flops > 0 && isfinite(limit)) least += node->flops / limit;
  }
  return least > 0 ? 100.0 * least / seconds : NAN;
}

static void write_known(or_json_writer_t *json, const char *key, double value) {
  if (isfinite(value)) {
    or_json_field_double(json, key, value);
  } else {
    or_json_field_null(json, key);
  }
}

/* Sums over the nodes; rates by their time. */
static void write_totals(or_json_writer_t *json, const or_session_report_t *report, const or_device_peaks_t *peaks) {
  double flops = 0, bytes = 0, seconds = 0;
  for (size_t i = 0; i < report->node_count; ++i) {
    flops += report->nodes[i].flops;
    bytes += report->nodes[i].bytes;
    seconds += report->nodes[i].seconds;
  }
  or_json_key(json, "totals");
  or_json_object_begin(json);
  or_json_field_double(json, "flops", flops);
  or_json_field_double(json, "bytes", bytes);
  write_known(json, "node_seconds", seconds);
  write_known(json, "gflops", flops / seconds * 1e-9);
  write_known(json, "bandwidth_gbps", bytes / seconds * 1e-9);
  write_known(json, "percent_of_peak", total_share(report, peaks));
  or_json_object_end(json);
}

/* NULL (null) for a model's own types. */
static const char *precision_word(or_dtype_t precision) {
  return precision != OR_DTYPE_NONE ? or_dtype_name(precision) : NULL;
}

/* The document, as a trace if one is wanted, and as it is shown. Takes the text. */
static int finish(or_cli_t *cli, or_json_writer_t *json, or_text_t *text, const char *trace) {
  or_json_document_t *document = NULL;
  if (trace == NULL) return or_cli_show_written(cli, json, text, or_cli_print_explanation);
  or_status_t status = or_json_finish(json);
  if (or_ok(status)) status = or_json_parse(cli->allocator, or_text_string(text), text->length, &document);
  if (or_ok(status)) status = or_cli_write_trace(cli, or_json_root(document), trace);
  const int code =
      or_ok(status) ? or_cli_show(cli, or_json_root(document), or_cli_print_explanation) : or_cli_fail(cli, status);
  or_json_document_free(document);
  or_text_deinit(text);
  return code;
}

static int show(or_cli_t *cli, const explained_t *explained, const char *trace) {
  const or_session_report_t *report = explained->report;
  const or_device_peaks_t limits = peaks_for(explained->device, report), *peaks = &limits;
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "model", or_model_name(explained->model));
  or_json_field_string(&json, "weights", or_model_weights(explained->model));
  or_json_key(&json, "nodes");
  or_json_array_begin(&json);
  for (size_t i = 0; i < report->node_count; ++i) {
    const or_node_report_t *node = &report->nodes[i];
    or_json_object_begin(&json);
    or_json_field_string(&json, "name", node->name);
    or_json_field_string(&json, "op", node->op);
    or_json_field_string(&json, "device", node->device_id);
    or_json_field_string(&json, "kernel", node->kernel);
    or_json_field_string(&json, "reason", node->reason != NULL && node->reason[0] != '\0' ? node->reason : NULL);
    or_json_field_string(&json, "dtype", or_dtype_name(node->dtype));
    or_json_field_string(&json, "precision", precision_word(node->precision));
    or_json_key(&json, "shape");
    or_json_array_begin(&json);
    for (int32_t d = 0; d < node->shape.rank; ++d) or_json_int(&json, node->shape.dims[d]);
    or_json_array_end(&json);
    or_json_field_double(&json, "flops", node->flops);
    or_json_field_double(&json, "bytes", node->bytes);
    write_known(&json, "seconds", node->seconds);
    write_known(&json, "gflops", node->flops / node->seconds * 1e-9);
    write_known(&json, "bandwidth_gbps", node->bytes / node->seconds * 1e-9);
    write_known(&json, "percent_of_peak", share_of_peak(node, peaks));
    or_json_object_end(&json);
  }
  or_json_array_end(&json);
  or_json_key(&json, "bytes");
  or_json_object_begin(&json);
  or_json_field_int(&json, "weights", (int64_t)report->weight_bytes);
  or_json_field_int(&json, "packed", (int64_t)report->packed_bytes);
  or_json_field_int(&json, "workspace", (int64_t)report->workspace_bytes);
  or_json_field_int(&json, "arena", (int64_t)report->arena_bytes);
  or_json_field_int(&json, "unplanned", (int64_t)report->arena_bytes_unplanned);
  or_json_object_end(&json);
  or_json_field_string(&json, "graph", report->folded);
  or_json_key(&json, "patterns");
  or_json_object_begin(&json);
  for (size_t i = 0; i < report->pattern_count; ++i)
    or_json_field_int(&json, report->patterns[i].name, report->patterns[i].count);
  or_json_object_end(&json);
  or_json_field_string(&json, "precision", precision_word(report->precision));
  or_json_field_int(&json, "products", report->products);
  or_json_field_int(&json, "narrow_products", report->narrow_products);
  or_json_field_double(&json, "flops_on_device", report->flops_on_device);
  write_totals(&json, report, peaks);
  or_cli_write_state(&json, explained->state);
  write_known(&json, "seconds", report->seconds);
  or_json_object_end(&json);
  return finish(cli, &json, &text, trace);
}
