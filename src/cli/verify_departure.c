/* Where two devices begin to differ. */
#include <math.h>

#include "base/alloc.h"
#include "base/string.h"
#include "cli/verify.h"
#include "model/probe.h"

/* One cut of the graph on both sides. */
typedef struct cut_t {
  const or_probe_t *probe;
  size_t node;
  or_session_t *sessions[2];
  or_binding_t *outputs[2];
  size_t count;
} cut_t;

static or_status_t compare_cut(or_cli_t *cli, cut_t *cut, const or_verify_options_t *options,
                               const or_model_inputs_t *inputs, or_verification_t *out);

/* A wrong value makes what follows from it wrong, so that of all prefixes of the graph the shortest one that hands on a
 * wrong value ends with the node that computed it. The whole graph is known to do so. */
or_status_t or_verify_find_departure(or_cli_t *cli, or_model_t *model, const or_verify_options_t *options,
                                     const or_model_inputs_t *inputs, or_verification_t *out) {
  or_probe_t *probe = NULL;
  double max_abs = out->max_abs;
  size_t probes = 0;
  or_status_t status = or_probe_create(model, out->wrong_output, &probe);
  size_t low = 0, high = or_ok(status) ? or_probe_node_count(probe) : 0, count = high;
  if (high > 0) --high;
  while (or_ok(status) && low < high) {
    or_verification_t found = {.flops_on_device = NAN};
    cut_t cut = {.probe = probe, .node = low + (high - low) / 2};
    or_cli_progress(cli, 1.0 / (double)(high - low + 1), "looking for the first node that departs");
    status = compare_cut(cli, &cut, options, inputs, &found);
    ++probes;
    if (found.verdict == OR_VERDICT_WRONG) {
      max_abs = found.max_abs;
      high = cut.node;
    } else {
      low = cut.node + 1;
    }
    if (or_ok(status)) status = or_cancel_status(&cli->cancel);
  }
  or_cli_progress_end(cli);
  if (or_ok(status) && count > 0) {
    or_departure_t *departure = &out->departure;
    *departure = (or_departure_t){.max_abs = max_abs, .nodes = count, .probes = probes};
    or_format(departure->node, sizeof departure->node, "%s", or_probe_node_name(probe, high));
    or_format(departure->op, sizeof departure->op, "%s", or_probe_node_op(probe, high));
    or_format(departure->value, sizeof departure->value, "%s", or_probe_node_output(probe, high));
  }
  or_probe_free(probe);
  return status;
}

static or_status_t run_cut(or_cli_t *cli, cut_t *cut, size_t side, const or_session_options_t *options,
                           const or_model_inputs_t *inputs) {
  or_status_t status = or_probe_session(cut->probe, cut->node, options, &cut->sessions[side], &cut->count);
  if (!or_ok(status) || cut->count == 0) return status;
  status = or_alloc_array(cli->allocator, cut->count, sizeof(or_binding_t), (void **)&cut->outputs[side]);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < cut->count; ++i) cut->outputs[side][i] = (or_binding_t){.name = NULL};
  return or_session_run(cut->sessions[side], inputs->items, inputs->count, cut->outputs[side], cut->count);
}

static or_status_t compare_cut(or_cli_t *cli, cut_t *cut, const or_verify_options_t *options,
                               const or_model_inputs_t *inputs, or_verification_t *out) {
  const or_session_options_t sides[] = {
      {.device = options->device},
      {.device = options->other != NULL ? options->other : options->device, .reference = options->reference}};
  or_status_t status = or_status_success();
  for (size_t side = 0; or_ok(status) && side < 2; ++side) status = run_cut(cli, cut, side, &sides[side], inputs);
  for (size_t i = 0; or_ok(status) && i < cut->count && cut->outputs[1] != NULL; ++i) {
    status = or_verify_compare(cli, or_probe_node_output(cut->probe, cut->node), cut->outputs[0][i].tensor,
                               cut->outputs[1][i].tensor, options, out);
  }
  for (size_t side = 0; side < 2; ++side) {
    for (size_t i = 0; cut->outputs[side] != NULL && i < cut->count; ++i)
      or_tensor_release(cut->outputs[side][i].tensor);
    or_free(cli->allocator, cut->outputs[side]);
    or_session_release(cut->sessions[side]);
  }
  return status;
}
