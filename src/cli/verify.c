#include "cli/verify.h"

#include <dirent.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/numbers.h"
#include "base/string.h"
#include "cli/models.h"

#define MAX_SETS 64

/* A model, as `name`, with a session for each side. */
typedef struct side_t {
  const char *name;
  or_session_t *session;
  or_binding_t outputs[OR_MODEL_MAX_INPUTS];
} side_t;

const char *or_verdict_name(or_verdict_t verdict) {
  static const char *const names[] = {"passed", "refused", "wrong", "failed"};
  return names[verdict];
}

/* A failure as a verdict: what is not there is refused, all else failed. Takes the status. */
static void conclude(or_verification_t *out, or_status_t status) {
  if (or_ok(status)) return;
  out->verdict = or_status_code(status) == OR_UNIMPLEMENTED ? OR_VERDICT_REFUSED : OR_VERDICT_FAILED;
  or_format(out->detail, sizeof out->detail, "%s", or_status_message(status));
  or_status_ignore(status); /* kept in words */
}

/* The devices of a report and their shares. */
static void share_out(const or_session_report_t *report, or_verify_share_t *shares) {
  double flops = 0, total = 0;
  memset(shares, 0, OR_VERIFY_SHARES * sizeof *shares);
  for (size_t i = 0; i < report->node_count; ++i) flops += report->nodes[i].flops;
  for (size_t i = 0; i < report->node_count; ++i) {
    const or_node_report_t *node = &report->nodes[i];
    double weight = flops > 0 ? node->flops : strcmp(node->op, "Copy") != 0;
    size_t s = 0;
    while (s + 1 < OR_VERIFY_SHARES && shares[s].device[0] != '\0' && strcmp(shares[s].device, node->device_id) != 0)
      ++s;
    if (shares[s].device[0] == '\0') or_format(shares[s].device, sizeof shares[s].device, "%s", node->device_id);
    shares[s].share += weight;
    total += weight;
  }
  for (size_t s = 0; total > 0 && s < OR_VERIFY_SHARES; ++s) shares[s].share /= total;
}

/* Which kernels the report names, each once, as far as there is room. */
static void note_kernels(const or_session_report_t *report, or_verification_t *out) {
  for (size_t i = 0; i < report->node_count; ++i) {
    const char *kernel = report->nodes[i].kernel;
    size_t k = 0;
    while (k < OR_VERIFY_KERNELS && out->kernels[k][0] != '\0' && strcmp(out->kernels[k], kernel) != 0) ++k;
    if (k < OR_VERIFY_KERNELS) or_format(out->kernels[k], sizeof out->kernels[k], "%s", kernel);
  }
}

/* Side 0 is the one that is judged, 1 the other. */
static or_status_t run_side(const or_model_t *model, side_t *side, const or_model_inputs_t *inputs, size_t which,
                            or_verification_t *out) {
  double *least = which == 0 ? &out->flops_on_device : &out->flops_on_other;
  size_t count = or_model_output_count(model);
  or_session_report_t *report = NULL;
  if (count > OR_MODEL_MAX_INPUTS) return or_error(OR_RESOURCE_EXHAUSTED, "more than %d outputs", OR_MODEL_MAX_INPUTS);
  for (size_t i = 0; i < count; ++i) side->outputs[i] = (or_binding_t){.name = or_model_output(model, i)->name};
  or_status_t status = or_session_run(side->session, inputs->items, inputs->count, side->outputs, count);
  if (or_ok(status)) status = or_session_explain(side->session, inputs->items, inputs->count, false, &report);
  if (or_ok(status) && !(*least <= report->flops_on_device)) {
    *least = report->flops_on_device;
    share_out(report, out->shares[which]);
  }
  if (or_ok(status) && which == 0) note_kernels(report, out);
  or_session_report_free(report);
  return status;
}

static void release_outputs(const or_model_t *model, side_t *side) {
  for (size_t i = 0; i < or_model_output_count(model) && i < OR_MODEL_MAX_INPUTS; ++i)
    or_verify_release(&side->outputs[i]);
}

/* input_0.pb … in the order of the model's inputs. */
static or_status_t read_inputs(or_cli_t *cli, const or_model_t *model, const char *set, or_model_inputs_t *inputs) {
  inputs->count = 0;
  for (size_t i = 0; i < or_model_input_count(model) && i < OR_MODEL_MAX_INPUTS; ++i) {
    const or_model_value_t *declared = or_model_input(model, i);
    or_status_t status = or_verify_read(cli, set, "input", i, declared, &inputs->items[inputs->count]);
    if (or_status_code(status) == OR_NOT_FOUND && declared->optional) {
      or_status_ignore(status); /* an input with a default may have no data */
      continue;
    }
    if (!or_ok(status)) return status;
    ++inputs->count;
  }
  return or_status_success();
}

static or_status_t compare_set(or_cli_t *cli, const or_model_t *model, const char *set, const side_t *side,
                               const or_verify_options_t *options, or_verification_t *out) {
  for (size_t i = 0; i < or_model_output_count(model); ++i) {
    or_binding_t expected;
    or_status_t status = or_verify_read(cli, set, "output", i, or_model_output(model, i), &expected);
    if (or_ok(status)) status = or_verify_compare_bindings(cli, &side->outputs[i], &expected, options, out);
    or_verify_release(&expected);
    if (!or_ok(status)) return status;
  }
  return or_status_success();
}

static or_status_t write_set(or_cli_t *cli, const or_model_t *model, const char *set, const side_t *side,
                             const or_verify_options_t *options) {
  const char *slash = strrchr(set, '/');
  or_text_t directory;
  or_text_init(&directory, cli->allocator);
  or_status_t status =
      or_text_printf(&directory, "%s/%s/%s", options->output_directory, side->name, slash != NULL ? slash + 1 : set);
  for (size_t i = 0; or_ok(status) && i < or_model_output_count(model); ++i) {
    status = or_verify_write(cli, or_text_string(&directory), &side->outputs[i]);
  }
  or_text_deinit(&directory);
  return status;
}

/* Whether the tensor can't be what the model declares for that input. */
static bool contradicts(const or_model_value_t *declared, const or_tensor_t *tensor) {
  if (tensor == NULL) return false; /* a sequence or an optional */
  const or_shape_t *shape = or_tensor_shape(tensor);
  if (or_tensor_dtype(tensor) != declared->dtype) return true;
  if (declared->shape.rank == OR_RANK_UNKNOWN) return false;
  if (shape->rank != declared->shape.rank) return true;
  for (int32_t d = 0; d < shape->rank; ++d) {
    if (declared->shape.dims[d] >= 0 && declared->shape.dims[d] != shape->dims[d]) return true;
  }
  return false;
}

/* A case at odds with itself says nothing of the run: refused, not failed. Takes and gives the status. */
static or_status_t blame_data(or_status_t status, const or_model_t *model, const or_model_inputs_t *inputs) {
  if (or_status_code(status) != OR_INVALID_ARGUMENT) return status;
  for (size_t i = 0, b = 0; i < or_model_input_count(model) && b < inputs->count; ++i) {
    const or_model_value_t *declared = or_model_input(model, i);
    if (strcmp(declared->name, inputs->items[b].name) != 0) continue;
    if (!contradicts(declared, inputs->items[b++].tensor)) continue;
    or_status_t refusal =
        or_error(OR_UNIMPLEMENTED, "the test data contradicts the model: %s", or_status_message(status));
    or_status_ignore(status); /* told in the other */
    return refusal;
  }
  return status;
}

static or_status_t check_set(or_cli_t *cli, const or_model_t *model, const char *set, side_t *side,
                             const or_verify_options_t *options, or_verification_t *out) {
  or_model_inputs_t inputs = {.count = 0};
  or_status_t status = read_inputs(cli, model, set, &inputs);
  if (or_ok(status)) status = blame_data(run_side(model, side, &inputs, 0, out), model, &inputs);
  if (or_ok(status) && options->output_directory != NULL) status = write_set(cli, model, set, side, options);
  if (or_ok(status)) status = compare_set(cli, model, set, side, options, out);
  if (or_ok(status)) ++out->sets;
  release_outputs(model, side);
  or_model_inputs_deinit(&inputs);
  return status;
}

/* The folder that holds the test data: the path itself, or that of the .onnx file. */
static or_status_t data_folder(const char *path, or_text_t *folder) {
  const char *slash = strrchr(path, '/');
  if (!or_string_ends_with(path, ".onnx")) return or_text_append_string(folder, path);
  return slash != NULL ? or_text_append(folder, path, (size_t)(slash - path)) : or_text_append_string(folder, ".");
}

static or_status_t check_sets(or_cli_t *cli, const or_model_t *model, const char *path, const char *name,
                              const or_verify_options_t *options, or_verification_t *out) {
  side_t side = {.name = name};
  or_text_t folder, set;
  struct stat info;
  or_session_options_t session_options = {.device = options->device,
                                          .precision = options->precision,
                                          .strict = cli->strict,
                                          .reference = options->reference};
  or_text_init(&folder, cli->allocator);
  or_text_init(&set, cli->allocator);
  or_status_t status = or_session_create((or_model_t *)(uintptr_t)model, &session_options, &side.session);
  if (or_ok(status)) status = data_folder(path, &folder);
  for (int i = 0; or_ok(status) && i < MAX_SETS; ++i) {
    or_text_clear(&set);
    status = or_text_printf(&set, "%s/test_data_set_%d", or_text_string(&folder), i);
    if (!or_ok(status) || stat(or_text_string(&set), &info) != 0) break;
    status = check_set(cli, model, or_text_string(&set), &side, options, out);
  }
  if (or_ok(status) && out->sets == 0)
    status = or_error(OR_NOT_FOUND, "%s: no test_data_set_0 beside the model; compare with --against reference",
                      or_text_string(&folder));
  or_session_release(side.session);
  or_text_deinit(&set);
  or_text_deinit(&folder);
  return status;
}

void or_verify_data(or_cli_t *cli, const char *path, const char *name, const or_verify_options_t *options,
                    or_verification_t *out) {
  or_model_t *model = NULL;
  *out = (or_verification_t){.flops_on_device = NAN, .flops_on_other = NAN};
  or_status_t status = or_cli_load_model(cli, path, &model);
  if (or_ok(status)) status = check_sets(cli, model, path, name, options, out);
  conclude(out, status);
  or_model_release(model);
}

/* A search that fails leaves the verdict as it is; a signal ends it. Takes and gives the status. */
static or_status_t note_search(or_status_t status, or_verification_t *out) {
  if (or_ok(status) || or_status_code(status) == OR_CANCELLED) return status;
  size_t length = strlen(out->detail);
  or_format(out->detail + length, sizeof out->detail - length, "; the first node that departs was not found: %s",
            or_status_message(status));
  or_status_ignore(status); /* kept in words */
  return or_status_success();
}

static or_status_t run_pair(or_cli_t *cli, const or_model_t *model, const or_verify_options_t *options,
                            or_verification_t *out) {
  or_model_inputs_t inputs = {.count = 0};
  side_t sides[2] = {{.session = NULL}, {.session = NULL}};
  or_session_options_t first = {.device = options->device, .precision = options->precision, .strict = cli->strict};
  or_session_options_t second = {.device = options->other != NULL ? options->other : options->device,
                                 .reference = options->reference};
  or_model_t *shared = (or_model_t *)(uintptr_t)model;
  or_status_t status = or_session_create(shared, &first, &sides[0].session);
  if (or_ok(status)) status = or_session_create(shared, &second, &sides[1].session);
  if (or_ok(status)) status = or_cli_generate_inputs(cli, model, &inputs);
  for (size_t s = 0; or_ok(status) && s < 2; ++s) {
    status = run_side(model, &sides[s], &inputs, s, out);
    status = or_model_name_extents(status, model, &inputs, OR_CLI_DIM_CURE);
  }
  for (size_t i = 0; or_ok(status) && i < or_model_output_count(model); ++i) {
    bool passed = out->verdict == OR_VERDICT_PASSED;
    status = or_verify_compare_bindings(cli, &sides[0].outputs[i], &sides[1].outputs[i], options, out);
    if (passed && out->verdict != OR_VERDICT_PASSED) out->wrong_output = i;
  }
  if (or_ok(status)) out->sets = 1;
  if (or_ok(status) && out->verdict == OR_VERDICT_WRONG)
    status = note_search(or_verify_find_departure(cli, shared, options, &inputs, out), out);
  for (int s = 0; s < 2; ++s) {
    release_outputs(model, &sides[s]);
    or_session_release(sides[s].session);
  }
  or_model_inputs_deinit(&inputs);
  return status;
}

void or_verify_pair(or_cli_t *cli, const char *path, const or_verify_options_t *options, or_verification_t *out) {
  or_model_t *model = NULL;
  *out = (or_verification_t){.flops_on_device = NAN, .flops_on_other = NAN};
  or_status_t status = or_cli_load_model(cli, path, &model);
  if (or_ok(status)) status = run_pair(cli, model, options, out);
  conclude(out, status);
  or_model_release(model);
}
