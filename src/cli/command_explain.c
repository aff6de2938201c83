#include "cli/cli.h"
#include "cli/explain_print.h"
#include "cli/models.h"
#include "cli/remote.h"
#include "model/explain.h"

static int show(or_cli_t *cli, const or_explanation_t *explanation, const char *trace);

int or_cli_explain_command(or_cli_t *cli) {
  or_device_t *device = NULL;
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_explanation_t explanation = {.report = NULL};
  or_model_inputs_t inputs = {.count = 0};
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
  const or_explain_request_t request = {model, session, device, inputs.items, inputs.count, profile, NULL};
  if (or_ok(status))
    status = or_model_name_extents(or_explain(&request, &explanation), model, &inputs, OR_CLI_DIM_CURE);
  int code = or_ok(status) ? show(cli, &explanation, trace) : or_cli_fail(cli, status);
  or_explanation_deinit(&explanation);
  or_model_inputs_deinit(&inputs);
  or_session_release(session);
  or_model_release(model);
  return code;
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

static int show(or_cli_t *cli, const or_explanation_t *explanation, const char *trace) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_explain_write(&json, explanation);
  return finish(cli, &json, &text, trace);
}
