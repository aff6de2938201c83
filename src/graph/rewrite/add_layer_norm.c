/* Add and LayerNormalization -> one operator that reads both summands once; the sum is given out too where others read
 * it. */
#include "graph/rewrite/rewrite_internal.h"

static bool is_known_before(const or_rewriter_t *rewriter, const or_node_t *norm);

or_status_t or_rewrite_add_layer_norm(or_rewriter_t *rewriter, uint32_t root) {
  const or_node_t *norm = &rewriter->graph->nodes[root];
  or_match_t match = {.rewriter = rewriter, .at_first = true};
  const or_node_t *add = or_match_producer(&match, norm->inputs[0], "Add");
  if (add == NULL || norm->output_count != 1 || !or_match_add(&match, root)) return or_status_success();
  if (add->input_count != 2 || !or_rewrite_is_float(rewriter, add->outputs[0])) return or_status_success();
  if (!is_known_before(rewriter, norm)) return or_status_success();
  const or_value_id_t outputs[] = {norm->outputs[0], add->outputs[0]};
  if (!or_match_is_closed(&match, outputs, 2)) return or_status_success();
  or_attribute_t attributes[2];
  uint32_t attribute_count = 0;
  static const char *const names[] = {"axis", "epsilon"};
  for (uint32_t i = 0; i < 2; ++i) {
    const or_attribute_t *attribute = or_rewrite_attribute(norm, names[i]);
    if (attribute != NULL) attributes[attribute_count++] = *attribute;
  }
  const or_value_id_t inputs[] = {add->inputs[0], add->inputs[1], norm->inputs[1],
                                  norm->input_count > 2 ? norm->inputs[2] : OR_NO_VALUE};
  bool sum_is_read = !or_match_is_closed(&match, outputs, 1);
  or_node_t with = {.domain = "openruntime",
                    .op = "AddLayerNormalization",
                    .inputs = inputs,
                    .input_count = inputs[3] != OR_NO_VALUE ? 4 : 3,
                    .outputs = outputs,
                    .output_count = sum_is_read ? 2 : 1,
                    .attributes = attributes,
                    .attribute_count = attribute_count};
  return or_match_replace(rewriter, &match, &with);
}

/* The operator stands where the Add stood, before all that read the sum: so scale and bias must be there by then. */
static bool is_known_before(const or_rewriter_t *rewriter, const or_node_t *norm) {
  for (uint32_t i = 1; i < norm->input_count; ++i) {
    if (or_rewrite_producer(rewriter, norm->inputs[i]) != UINT32_MAX) return false;
  }
  return true;
}
