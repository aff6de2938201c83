/* HardSwish of its parts: x * min(max(x + 3, 0), 6) / 6 (Howard et al., "Searching for MobileNetV3", 2019), with a Clip
 * or a HardSigmoid. */
#include "graph/rewrite/rewrite_internal.h"

static or_status_t replace(or_rewriter_t *rewriter, or_match_t *match, or_value_id_t x, or_value_id_t gate,
                           double factor);
static bool bound_is(const or_rewriter_t *rewriter, const or_node_t *clip, const char *name, uint32_t input,
                     double expected);

or_status_t or_rewrite_hard_swish_clip(or_rewriter_t *rewriter, uint32_t root) {
  static const or_polynomial_t argument = {.c = {[0] = {3, 0}, [1] = {1, 0}}};
  const or_node_t *clip = &rewriter->graph->nodes[root];
  or_match_t match = {.rewriter = rewriter};
  uint32_t shift = or_rewrite_producer(rewriter, clip->inputs[0]);
  if (shift == UINT32_MAX || !or_match_add(&match, root)) return or_status_success();
  if (!bound_is(rewriter, clip, "min", 1, 0) || !bound_is(rewriter, clip, "max", 2, 6)) return or_status_success();
  double three = 0;
  or_value_id_t x = or_rewrite_beside_scalar(rewriter, &rewriter->graph->nodes[shift], &three);
  if (x == OR_NO_VALUE) return or_status_success();
  if (!or_polynomial_is(&match, clip->inputs[0], x, OR_NO_VALUE, &argument)) return or_status_success();
  return replace(rewriter, &match, x, clip->outputs[0], 1.0 / 6.0);
}

or_status_t or_rewrite_hard_swish_sigmoid(or_rewriter_t *rewriter, uint32_t root) {
  const or_node_t *gate = &rewriter->graph->nodes[root];
  or_match_t match = {.rewriter = rewriter};
  if (!or_rewrite_close(OR_FLOAT32, or_rewrite_float(gate, "alpha", 0.2), 1.0 / 6.0)) return or_status_success();
  if (!or_rewrite_close(OR_FLOAT32, or_rewrite_float(gate, "beta", 0.5), 0.5)) return or_status_success();
  if (!or_match_add(&match, root)) return or_status_success();
  return replace(rewriter, &match, gate->inputs[0], gate->outputs[0], 1);
}

static or_status_t replace(or_rewriter_t *rewriter, or_match_t *match, or_value_id_t x, or_value_id_t gate,
                           double factor) {
  const or_polynomial_t product = {.c = {[1] = {0, factor}}};
  if (!or_rewrite_is_float(rewriter, x)) return or_status_success();
  or_value_id_t y = or_polynomial_after(match, x, gate, &product);
  if (y == OR_NO_VALUE) return or_status_success();
  or_node_t swish = {.domain = "", .op = "HardSwish", .inputs = &x, .input_count = 1, .outputs = &y, .output_count = 1};
  return or_match_replace(rewriter, match, &swish);
}

/* An attribute before version 11, an input since. */
static bool bound_is(const or_rewriter_t *rewriter, const or_node_t *clip, const char *name, uint32_t input,
                     double expected) {
  double bound = 0;
  const or_attribute_t *attribute = or_rewrite_attribute(clip, name);
  if (attribute != NULL) return (double)attribute->real == expected;
  return input < clip->input_count && or_rewrite_scalar(rewriter, clip->inputs[input], &bound) && bound == expected;
}
