#include "cli/explain_state.h"

#include "cli/cli.h"

or_status_t or_cli_state_of(or_session_t *session, or_state_t **out) {
  const or_state_options_t options = {.batch = 1, .capacity = OR_CLI_STATE_ROWS};
  or_status_t status = or_state_create(session, &options, out);
  if (or_ok(status) || or_status_code(status) != OR_NOT_FOUND) return status;
  or_status_ignore(status); /* most models have none */
  return or_status_success();
}

void or_cli_write_state(or_json_writer_t *json, or_state_t *state) {
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
