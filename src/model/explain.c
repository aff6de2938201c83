#include "model/explain.h"

#include <math.h>

#define PEAK_RETRIES 3 /* measurements more, as long as a node was faster than the limit */
#define WARM_UP_RUNS 2

static or_device_peaks_t peaks_for(or_device_t *device, const or_session_report_t *report);
static or_status_t state_of(or_session_t *session, or_state_t **out);

static or_status_t report_on(const or_explain_request_t *request, or_session_report_t **out) {
  if (request->profile)
    return or_session_profile(request->session, request->inputs, request->input_count, request->cancel, out);
  return or_session_explain(request->session, request->inputs, request->input_count, false, out);
}

or_status_t or_explain(const or_explain_request_t *request, or_explanation_t *out) {
  or_status_t status = or_status_success();
  *out = (or_explanation_t){.model = request->model, .peaks = {NAN, NAN, NAN, NAN, NAN, NAN}};
  for (int run = 0; or_ok(status) && run <= (request->profile ? WARM_UP_RUNS : 0); ++run) {
    or_session_report_free(out->report);
    out->report = NULL;
    status = report_on(request, &out->report);
  }
  if (or_ok(status) && request->cancel != NULL) status = or_cancel_status(request->cancel);
  if (or_ok(status)) status = state_of(request->session, &out->state);
  if (or_ok(status)) out->peaks = peaks_for(request->device, out->report);
  return status;
}

void or_explanation_deinit(or_explanation_t *explanation) {
  or_state_release(explanation->state);
  or_session_report_free(explanation->report);
}

/* Most models have none. */
static or_status_t state_of(or_session_t *session, or_state_t **out) {
  const or_state_options_t options = {.batch = 1, .capacity = OR_EXPLAIN_STATE_ROWS};
  or_status_t status = or_state_create(session, &options, out);
  if (or_ok(status) || or_status_code(status) != OR_NOT_FOUND) return status;
  or_status_ignore(status); /* most models have none */
  return or_status_success();
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
double or_explain_share(const or_node_report_t *node, const or_device_peaks_t *peaks) {
  return 100.0 * node->flops / node->seconds / limit_of(node, peaks);
}

static double greatest_share(const or_session_report_t *report, const or_device_peaks_t *peaks) {
  double greatest = 0;
  for (size_t i = 0; i < report->node_count; ++i) {
    double share = or_explain_share(&report->nodes[i], peaks);
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
double or_explain_total_share(const or_session_report_t *report, const or_device_peaks_t *peaks) {
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
  write_known(json, "percent_of_peak", or_explain_total_share(report, peaks));
  or_json_field_int(json, "copies", report->copies);
  or_json_field_int(json, "copied_bytes", (int64_t)report->copied_bytes);
  or_json_object_end(json);
}

static void write_crossings(or_json_writer_t *json, const or_session_report_t *report) {
  or_json_key(json, "crossings");
  or_json_array_begin(json);
  for (size_t i = 0; i < report->crossing_count; ++i) {
    const or_crossing_report_t *crossing = &report->crossings[i];
    or_json_object_begin(json);
    or_json_field_string(json, "value", crossing->name);
    or_json_field_string(json, "from", crossing->from);
    or_json_field_string(json, "to", crossing->to);
    or_json_field_int(json, "bytes", (int64_t)crossing->bytes);
    or_json_field_bool(json, "copied", crossing->copied);
    write_known(json, "seconds", crossing->seconds);
    or_json_object_end(json);
  }
  or_json_array_end(json);
}

/* NULL (null) for a model's own types. */
static const char *precision_word(or_dtype_t precision) {
  return precision != OR_DTYPE_NONE ? or_dtype_name(precision) : NULL;
}

static void write_state(or_json_writer_t *json, or_state_t *state) {
  or_state_report_t report;
  if (state == NULL) {
    or_json_field_null(json, "state");
    return;
  }
  or_state_explain(state, &report);
  or_json_key(json, "state");
  or_json_object_begin(json);
  or_json_field_bool(json, "appends", report.appends);
  or_json_field_string(json, "reason", report.appends ? NULL : report.reason);
  or_json_field_bool(json, "one_plan", report.appends);
  or_json_field_int(json, "bytes_per_token", (int64_t)report.row_bytes);
  or_json_field_int(json, "capacity", report.capacity);
  or_json_field_int(json, "bytes", (int64_t)or_state_bytes(state));
  or_json_key(json, "ties");
  or_json_array_begin(json);
  for (size_t t = 0; t < report.tie_count; ++t) {
    int32_t grows = 0;
    or_state_tie_t tie = or_state_tie(state, t, &grows);
    or_json_object_begin(json);
    or_json_field_string(json, "output", tie.output);
    or_json_field_string(json, "input", tie.input);
    or_json_key(json, "grows");
    if (grows >= 0) {
      or_json_int(json, grows);
    } else {
      or_json_null(json);
    }
    or_json_object_end(json);
  }
  or_json_array_end(json);
  or_json_object_end(json);
}

void or_explain_write(or_json_writer_t *json, const or_explanation_t *explanation) {
  const or_session_report_t *report = explanation->report;
  const or_device_peaks_t *peaks = &explanation->peaks;
  or_json_object_begin(json);
  or_json_field_string(json, "model", or_model_name(explanation->model));
  or_json_field_string(json, "weights", or_model_weights(explanation->model));
  or_json_key(json, "nodes");
  or_json_array_begin(json);
  for (size_t i = 0; i < report->node_count; ++i) {
    const or_node_report_t *node = &report->nodes[i];
    or_json_object_begin(json);
    or_json_field_string(json, "name", node->name);
    or_json_field_string(json, "op", node->op);
    or_json_field_string(json, "device", node->device_id);
    or_json_field_string(json, "kernel", node->kernel);
    or_json_field_string(json, "reason", node->reason != NULL && node->reason[0] != '\0' ? node->reason : NULL);
    or_json_field_string(json, "dtype", or_dtype_name(node->dtype));
    or_json_field_string(json, "precision", precision_word(node->precision));
    or_json_key(json, "shape");
    or_json_array_begin(json);
    for (int32_t d = 0; d < node->shape.rank; ++d) or_json_int(json, node->shape.dims[d]);
    or_json_array_end(json);
    or_json_field_double(json, "flops", node->flops);
    or_json_field_double(json, "bytes", node->bytes);
    write_known(json, "seconds", node->seconds);
    write_known(json, "gflops", node->flops / node->seconds * 1e-9);
    write_known(json, "bandwidth_gbps", node->bytes / node->seconds * 1e-9);
    write_known(json, "percent_of_peak", or_explain_share(node, peaks));
    or_json_object_end(json);
  }
  or_json_array_end(json);
  or_json_key(json, "bytes");
  or_json_object_begin(json);
  or_json_field_int(json, "weights", (int64_t)report->weight_bytes);
  or_json_field_int(json, "packed", (int64_t)report->packed_bytes);
  or_json_field_int(json, "read", (int64_t)or_model_read_bytes(explanation->model));
  or_json_field_int(json, "workspace", (int64_t)report->workspace_bytes);
  or_json_field_int(json, "arena", (int64_t)report->arena_bytes);
  or_json_field_int(json, "unplanned", (int64_t)report->arena_bytes_unplanned);
  or_json_object_end(json);
  or_json_field_string(json, "graph", report->folded);
  or_json_key(json, "patterns");
  or_json_object_begin(json);
  for (size_t i = 0; i < report->pattern_count; ++i)
    or_json_field_int(json, report->patterns[i].name, report->patterns[i].count);
  or_json_object_end(json);
  or_json_field_string(json, "precision", precision_word(report->precision));
  or_json_field_int(json, "products", report->products);
  or_json_field_int(json, "narrow_products", report->narrow_products);
  or_json_field_double(json, "flops_on_device", report->flops_on_device);
  write_crossings(json, report);
  write_totals(json, report, peaks);
  write_state(json, explanation->state);
  write_known(json, "seconds", report->seconds);
  or_json_object_end(json);
}
